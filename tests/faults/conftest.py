"""Faults come to processes: here every hub has one of its own."""

from collections.abc import Callable

import pytest

from tests.hub_process import HubProcess


@pytest.fixture
def start_hub(start_hub_process: Callable[..., HubProcess]) -> Callable[..., HubProcess]:
    return start_hub_process
