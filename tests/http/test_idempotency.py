import asyncio

from hub.http.idempotency import ANSWERS_MAX, KEPT_S
from hub.model import Role
from tests.http.conftest import Hub

DEVICES = "/api/v1/devices"


def keyed(hub: Hub, key: str, role: Role = Role.ADMIN) -> dict[str, str]:
    return {**hub.bearer(role), "Idempotency-Key": key}


async def test_the_same_key_gets_the_same_answer_and_nothing_is_done_twice(hub: Hub) -> None:
    headers = keyed(hub, "k1")
    first = await hub.call("POST", DEVICES, {"id": "a"}, headers)
    again = await hub.call("POST", DEVICES, {"id": "a"}, headers)
    assert first == again
    assert first[0] == 201
    assert (await hub.call("POST", DEVICES, {"id": "a"}))[0] == 409


async def test_requests_at_the_same_time_share_one_answer(hub: Hub) -> None:
    await hub.device()
    headers = keyed(hub, "k1")
    answers = await asyncio.gather(
        *(hub.call("POST", f"{DEVICES}/boiler/commands", {"method": "x"}, headers) for _ in range(10))
    )
    assert answers == [answers[0]] * 10
    assert len((await hub.call("GET", f"{DEVICES}/boiler/commands"))[1]["commands"]) == 1


async def test_what_is_asked_for_several_times_and_done_once_is_noted_once(hub: Hub) -> None:
    headers = keyed(hub, "k1")
    for _ in range(2):
        await asyncio.gather(*(hub.call("POST", DEVICES, {"id": "twice"}, headers) for _ in range(3)))
    _, found = await hub.call("GET", "/api/v1/audit?device=twice")
    assert [one["what"] for one in found["entries"]] == [f"POST {DEVICES}"]


async def test_the_same_key_with_another_body_is_refused(hub: Hub) -> None:
    headers = keyed(hub, "k1")
    await hub.call("POST", DEVICES, {"id": "a"}, headers)
    status, problem = await hub.call("POST", DEVICES, {"id": "b"}, headers)
    assert (status, problem["where"]) == (422, "Idempotency-Key")


async def test_another_principal_or_path_is_another_key(hub: Hub) -> None:
    await hub.device()
    body = {"method": "x"}
    path = f"{DEVICES}/boiler/commands"
    _, first = await hub.call("POST", path, body, keyed(hub, "k1"))
    _, second = await hub.call("POST", path, body, keyed(hub, "k1", Role.OPERATOR))
    await hub.device("other")
    _, third = await hub.call("POST", f"{DEVICES}/other/commands", body, keyed(hub, "k1"))
    assert len({first["id"], second["id"], third["id"]}) == 3


async def test_what_failed_may_be_tried_again_with_its_key(hub: Hub) -> None:
    headers = keyed(hub, "k1")
    path = f"{DEVICES}/boiler/commands"
    assert (await hub.call("POST", path, {"method": "x"}, headers))[0] == 404
    await hub.device()
    assert (await hub.call("POST", path, {"method": "x"}, headers))[0] == 201


async def test_an_answer_is_forgotten_after_a_while_and_when_there_are_too_many(hub: Hub) -> None:
    body = {"name": "n", "ttl_s": 86_400}
    for forget in ("time", "number"):
        _, first = await hub.call("POST", "/api/v1/tokens", body, keyed(hub, f"k-{forget}"))
        if forget == "time":
            hub.clock.ahead_s += KEPT_S + 1
        else:
            cheap, none = "/api/v1/alerts/acknowledge", {"ids": [10**9]}  # writes nothing
            for number in range(ANSWERS_MAX):
                assert (await hub.call("POST", cheap, none, keyed(hub, f"{number}")))[0] == 200
            hub.clock.ahead_s += 2  # a token made in the same second would be the same
        _, again = await hub.call("POST", "/api/v1/tokens", body, keyed(hub, f"k-{forget}"))
        assert first != again


async def test_a_key_that_is_too_long_is_refused(hub: Hub) -> None:
    assert (await hub.call("POST", DEVICES, {"id": "a"}, keyed(hub, "k" * 201)))[0] == 422
