"""What a hub on its defaults does not load: it would take memory for as long as the hub runs, and time to
start.
"""

import re
from collections.abc import Callable

from tests.hub_process import HubProcess

NOT_LOADED = {
    "aiosqlite": "SQLAlchemy's",
    "aiomqtt": "the client of an outside broker; there is none",
    "dotenv": "files of settings that the hub does not have",
    "hub.bridge": "the client of an outside broker",
    "hub.cli.client": "commands ask a running hub by it",
    "paho": "the client of an outside broker",
    "prometheus_client": "loaded when /metrics is first asked for",
    "pydantic_settings": "5 MB for what twenty lines of hub/config.py do",
    "pygments": "rich's",
    "rich": "5 MB for tables and bars of the command line",
    "sqlalchemy": "18 MB and a fifth of the start, for thirty statements",
    "structlog": "loads rich",
}


def test_a_hub_on_its_defaults_loads_nothing_that_it_does_not_use(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = start_hub_process(PYTHONPROFILEIMPORTTIME="1")
    loaded = re.findall(r"^import time: .*\| +(\S+)$", hub.log_path.read_text(), re.MULTILINE)
    assert "hub.serve" in loaded
    below = {name[:end] for name in loaded for end in _ends(name)}
    assert {name: why for name, why in NOT_LOADED.items() if name in below} == {}


def _ends(name: str) -> list[int]:
    """Where the names of the packages around a module end, and its own."""
    return [*(dot.start() for dot in re.finditer(r"\.", name)), len(name)]
