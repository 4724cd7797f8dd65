"""A disk that fails: readiness goes red and nothing is acknowledged, live goes on, and it recovers by itself.
And a history that cannot be written while the journal can: all is acknowledged, and told to be behind.
"""

import asyncio
from pathlib import Path

import pytest

from hub.config import Config, LimitsConfig, LiveConfig
from tests.history.disks import hanging_journal, refusing_file
from tests.http.conftest import Hub, running_hub
from tests.http.disk import fill_journal, full_disk
from tests.waiting import until


@pytest.fixture
def config() -> Config:
    return Config(live=LiveConfig(overview_interval_s=0.05))


async def test_nothing_is_acknowledged_until_it_is_stored_and_live_goes_on(
    new_hub: Hub,
) -> None:
    await new_hub.device()
    size = await fill_journal(new_hub)
    async with new_hub.device_socket() as device, new_hub.live_socket() as viewer:
        assert (await device.receive_json())["type"] == "welcome"
        assert (await viewer.receive_json())["type"] == "hello"
        await viewer.send_json({"type": "subscribe", "channel": "device/boiler"})
        assert (await viewer.receive_json())["type"] == "subscribed"
        with full_disk(size):
            await device.send_json({"id": 1, "n": 1.0})
            shown = await viewer.receive_json()
            banner = await viewer.receive_json()
            await until(lambda: new_hub.rooms.history.failure)
            ready = await new_hub.call("GET", "/readyz")
            alive = await new_hub.call("GET", "/healthz")
            refused = await new_hub.send({"n": 2.0})
        answer = await device.receive_json()
        recovered = await viewer.receive_json()
    assert shown["readings"][0][1] == {"n": 1.0}
    assert (banner["type"], banner["failing"]) == ("storage", True)
    assert (ready[0], alive[0], refused[0]) == (503, 200, 503)
    assert "nothing can be stored" in ready[1]["detail"]
    assert answer == {"type": "ack", "accepted": 1, "id": 1}
    assert (recovered["type"], recovered["failing"]) == ("storage", False)
    status, found = await new_hub.call("GET", "/api/v1/devices/boiler/history?metric=n")
    assert (status, found["avg"]) == (200, [1.0])
    assert (await new_hub.call("GET", "/readyz"))[0] == 200


async def test_a_request_that_waits_for_the_disk_is_answered_when_it_is_back(
    new_hub: Hub,
) -> None:
    await new_hub.device()
    size = await fill_journal(new_hub)
    with full_disk(size):
        waiting = asyncio.create_task(new_hub.send({"n": 1.0}))
        await until(lambda: new_hub.rooms.history.failure)
        assert not waiting.done()
    assert await waiting == (200, {"accepted": 1})


async def test_a_commit_that_does_not_come_is_told_as_one_that_failed(tmp_path: Path) -> None:
    late = Config(limits=LimitsConfig(storing_late_s=0.2), live=LiveConfig(overview_interval_s=0.05))
    async with running_hub(tmp_path, late) as hub:
        await hub.device()
        history = hub.rooms.history
        async with hub.device_socket() as device, hub.live_socket() as viewer:
            assert (await device.receive_json())["type"] == "welcome"
            assert (await viewer.receive_json())["type"] == "hello"
            await until(lambda: not history.waiting_s)
            # As a disk that does not answer: no commit ends meanwhile, and none fails.
            with hanging_journal(history):
                await device.send_json({"id": 1, "n": 1.0})
                banner = await viewer.receive_json()
                ready = await hub.call("GET", "/readyz")
                figures = await figures_of(hub)
                shown = await hub.call("GET", "/api/v1/system")
                async with hub.live_socket() as newcomer:
                    told = [said["type"] for said in await newcomer.receive_json()]
                waited_s = history.waiting_s
            answer = await device.receive_json()
            recovered = await viewer.receive_json()
        assert (banner["type"], banner["failing"]) == ("storage", True)
        assert "nothing has reached the disk for over 0.2 s (limits.storing_late_s)" in banner["message"]
        assert (ready[0], ready[1]["code"]) == (503, "store")
        assert shown[1]["failure"] in banner["message"]
        assert figures["hub_storing"] == 0.0
        assert 0.2 < figures["hub_waiting_seconds"] <= waited_s
        assert told == ["hello", "storage"]
        assert answer == {"type": "ack", "accepted": 1, "id": 1}
        assert (recovered["type"], recovered["failing"]) == ("storage", False)
        assert (await hub.call("GET", "/readyz"))[0] == 200
        assert (await figures_of(hub))["hub_storing"] == 1.0


async def test_a_history_that_cannot_be_written_is_told_and_everything_is_acknowledged(new_hub: Hub) -> None:
    await new_hub.device()
    history = new_hub.rooms.history
    calm = await figures_of(new_hub)
    async with new_hub.device_socket() as device, new_hub.live_socket() as viewer:
        assert (await device.receive_json())["type"] == "welcome"
        assert (await viewer.receive_json())["type"] == "hello"
        with refusing_file(history):
            await device.send_json({"id": 1, "n": 1.0})
            answer = await device.receive_json()
            refused = await new_hub.call("GET", "/api/v1/export?device=boiler")  # that is of the file alone
            banner = await viewer.receive_json()
            ready = await new_hub.call("GET", "/readyz")
            shown = await new_hub.call("GET", "/api/v1/system")
            figures = await figures_of(new_hub)
            async with new_hub.live_socket() as newcomer:
                told = await newcomer.receive_json()
            again = await new_hub.send({"n": 2.0})
            found = await new_hub.call("GET", "/api/v1/devices/boiler/history?metric=n")
        recovered = await viewer.receive_json()
    assert answer == {"type": "ack", "accepted": 1, "id": 1}
    assert (again, refused[0]) == ((200, {"accepted": 1}), 503)
    assert (banner["type"], banner["failing"], banner["behind"]) == ("storage", False, True)
    assert "Nothing is lost" in banner["message"]
    assert "which has room for 115 MiB more" in banner["message"]
    assert shown[1]["behind"] in banner["message"]
    assert shown[1]["failure"] is None
    assert (ready[0], ready[1]) == (200, {"status": "ready", "behind": banner["message"]})
    assert [message["type"] for message in told] == ["hello", "storage"]
    assert told[1] == banner
    assert found[1]["avg"] == [1.0, 2.0]  # queries see it all the while
    assert (calm["hub_folding"], figures["hub_folding"], figures["hub_storing"]) == (1.0, 0.0, 1.0)
    assert 0 <= calm["hub_journal_bytes"] < figures["hub_journal_bytes"] < figures["hub_journal_limit_bytes"]
    assert figures["hub_journal_limit_bytes"] == shown[1]["journal"]["bytes_max"]
    assert figures["hub_syncs_total"] > calm["hub_syncs_total"]
    assert (recovered["type"], recovered["failing"], recovered["behind"]) == ("storage", False, False)
    assert await new_hub.call("GET", "/readyz") == (200, {"status": "ready"})
    assert (await figures_of(new_hub))["hub_folding"] == 1.0


async def figures_of(hub: Hub) -> dict[str, float]:
    async with hub.client.get("/metrics", headers=hub.bearer()) as response:
        lines = [line.split() for line in (await response.text()).splitlines() if line.startswith("hub_")]
    return {name: float(value) for name, value in lines if "{" not in name}
