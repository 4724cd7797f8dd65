"""A name proves nothing: tokens and links are given any name that whoever makes them likes."""

from pathlib import Path

import aiohttp
import pytest

from hub.config import Config, HttpConfig, StoreConfig
from hub.errors import Invalid
from hub.http.access import ProofKind
from hub.model import Grant, Role
from hub.people.operators import LOCAL_OWNER
from tests.http.conftest import Hub, running_hub

BACKUP = "/api/v1/backup"


async def shown(hub: Hub, kind: ProofKind, name: str) -> dict[str, str]:
    """The headers of an admin of this name."""
    operators = hub.rooms.operators
    if kind is ProofKind.TOKEN:
        return {"Authorization": f"Bearer {hub.rooms.tokens.sign(name, Grant(Role.ADMIN), 600)}"}
    with pytest.raises(Invalid):  # no person is called so
        await operators.make_link(LOCAL_OWNER.name)
    secret = await operators.use_link(await operators.make_link(f"{name}."))
    return {"Cookie": f"hub={secret}", "Origin": hub.url}


@pytest.mark.parametrize("kind", [ProofKind.TOKEN, ProofKind.SESSION])
async def test_an_admin_named_like_the_owner_is_not_the_owner(
    hub: Hub, kind: ProofKind, tmp_path: Path
) -> None:
    stolen = tmp_path / "stolen"
    headers = await shown(hub, kind, LOCAL_OWNER.name)
    status, problem = await hub.call("POST", f"{BACKUP}?output={stolen}", headers=headers)
    assert (status, problem["code"]) == (403, "forbidden")
    assert not list(tmp_path.glob("stolen*"))


@pytest.mark.parametrize("kind", [ProofKind.TOKEN, ProofKind.SESSION])
async def test_over_the_network_copies_go_where_the_owner_keeps_them(kind: ProofKind, tmp_path: Path) -> None:
    kept = tmp_path / "copies"
    (tmp_path / "hub").mkdir()
    async with running_hub(tmp_path / "hub", Config(store=StoreConfig(backup_path=str(kept)))) as hub:
        headers = await shown(hub, kind, LOCAL_OWNER.name)
        for output in (
            f"{tmp_path}/stolen",
            "../stolen",
            "..",
            ".",
            "a/b",
            ".hidden",
            "a%00b",
            "a%0a",
            "x" * 101,
        ):
            status, problem = await hub.call("POST", f"{BACKUP}?output={output}", headers=headers)
            assert (status, problem["where"]) == (422, "output"), output
        async with hub.client.post(f"{BACKUP}?output=monday", headers=headers) as answer:
            assert (answer.status, "summary" in (await answer.text()).splitlines()[-1]) == (200, True)
    assert [path.name for path in kept.iterdir()] == ["monday"]
    assert not (tmp_path / "stolen").exists()


async def test_the_owner_copies_to_where_they_like(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "owner.sock"
    await hub.server.listen_locally(path)
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession("http://hub", connector=connector) as owner,
        owner.post(f"{BACKUP}?output={tmp_path}/mine") as answer,
    ):
        assert (answer.status, "summary" in (await answer.text()).splitlines()[-1]) == (200, True)


async def test_two_tokens_of_one_name_share_no_answers(hub: Hub) -> None:
    """A device's first key is shown once, to whoever made the device."""
    made, stranger = [await shown(hub, ProofKind.TOKEN, "panel") for _ in range(2)]
    key = {"Idempotency-Key": "k1"}
    assert (await hub.call("POST", "/api/v1/devices", {"id": "boiler"}, {**made, **key}))[0] == 201
    assert (await hub.call("POST", "/api/v1/devices", {"id": "boiler"}, {**stranger, **key}))[0] == 409
    assert (await hub.call("POST", "/api/v1/devices", {"id": "boiler"}, {**made, **key}))[0] == 201


async def test_no_page_is_taken_for_the_hubs_own_because_neither_says_where_it_is(tmp_path: Path) -> None:
    """Not even where the hub answers under every name."""
    async with running_hub(tmp_path, Config(http=HttpConfig(allowed_hosts=("*",)))) as hub:
        session = await hub.session()
        for host in ("", "[", "a:b:c", "user@", "[::1"):
            headers = {**session, "Origin": "null", "Host": host}
            status, _ = await hub.call("POST", "/api/v1/devices", {"id": "boiler"}, headers)
            assert status in (400, 403), host
