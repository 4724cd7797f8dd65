"""A device of its own for each test, on the one running hub."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.hub_process import HubProcess

_numbers = count(1)


@dataclass(frozen=True)
class Peer:
    """A device as its key and what the hub knows of it."""

    hub: HubProcess
    id: str
    key: str

    @property
    def path(self) -> str:
        return f"/api/v1/devices/{self.id}"

    def history(self, metric: str, count: int) -> list[Any]:
        """The values stored of a metric, once there are so many."""
        path = f"{self.path}/history?metric={metric}"
        return list(self.hub.wait_for(path, lambda found: len(found["avg"]) >= count)["avg"])

    def rejections(self, count: int) -> list[dict[str, Any]]:
        """The rejections, newest first, once there are so many."""
        found = self.hub.wait_for(f"{self.path}/rejections", lambda found: len(found["rejections"]) >= count)
        return list(found["rejections"])

    def presence(self, wanted: str) -> None:
        """Wait until the hub believes this of the device."""
        self.hub.wait_for(self.path, lambda found: found["presence"] == wanted)

    def send(self, method: str, params: object = None) -> int:
        """Send the device a command; its id."""
        body = {"method": method, "params": params, "timeout_s": 60}
        number: int = self.hub.call("POST", f"{self.path}/commands", body)["id"]
        return number

    def answer(self, number: int) -> Any:
        """The response to a command, once it is there."""

        def answered(found: dict[str, Any]) -> bool:
            return any(one["id"] == number and one["state"] == "done" for one in found["commands"])

        commands = self.hub.wait_for(f"{self.path}/commands", answered)["commands"]
        return next(one["response"] for one in commands if one["id"] == number)


@pytest.fixture
def make_peer(shared_hub: HubProcess) -> Callable[[], Peer]:
    """Makes devices."""

    def make() -> Peer:
        device_id = f"peer-{next(_numbers)}"
        return Peer(shared_hub, device_id, shared_hub.add_device(device_id))

    return make


@pytest.fixture
def peer(make_peer: Callable[[], Peer]) -> Peer:
    """One device."""
    return make_peer()
