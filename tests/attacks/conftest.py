"""Where an attack needs no process of its own, the hub runs in that of the test."""

from tests.http.conftest import config, hub, kept_hubs

__all__ = ["config", "hub", "kept_hubs"]
