"""What a hub on its defaults does not load: it would take memory for as long as the hub runs, and time to
start. And what it does while nobody asks anything of it.
"""

import asyncio
import re
from collections.abc import Callable
from contextvars import Context
from pathlib import Path

from hub.config import Config, HttpConfig, MqttConfig, StoreConfig
from hub.history.duckdb.history import EmbeddedHistory
from hub.serve import running
from hub.timers import aligned_sleep
from tests.history.rows import append
from tests.hub_process import HubProcess
from tests.stores import lay_out

IDLE_LOOK_S = 1.0  # more often an idle hub looks after nothing
MOMENT_S = 0.005  # those that look in one moment are not further apart: each takes a while
SOON_S = 10.0
COMMITS = 40

NOT_LOADED = {
    "aiosqlite": "SQLAlchemy's",
    "apprise": "loaded when the first message goes by it",
    "argon2": "loaded when the first password is checked",
    "aiomqtt": "the client of an outside broker; there is none",
    "cryptography": "8 MB for the signatures of providers and of JWTs",
    "cbor2": "loaded when the first passkey is added or shown, like all that webauthn loads",
    "dotenv": "files of settings that the hub does not have",
    "hub.bridge": "the client of an outside broker",
    "hub.cli.client": "commands ask a running hub by it",
    "hub.http.oidc": "logging in by a provider; none is configured",
    "hub.people.oidc": "what is believed of one",
    "jwt": "loaded when the first JWT is made or shown; it loads cryptography",
    "paho": "the client of an outside broker",
    "prometheus_client": "loaded when /metrics is first asked for",
    "pydantic_settings": "5 MB for what twenty lines of hub/config.py do",
    "pygments": "rich's",
    "rich": "5 MB for tables and bars of the command line",
    "sqlalchemy": "18 MB and a fifth of the start, for thirty statements",
    "structlog": "loads rich",
    "webauthn": "loaded when the first passkey is added or shown",
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


class NotingLoop(asyncio.SelectorEventLoop):
    """Notes when it is to wake."""

    def __init__(self) -> None:
        super().__init__()
        self.due_s: list[float] = []

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.due_s.append(when)
        return super().call_at(when, callback, *args, context=context)


def test_all_that_an_idle_hub_looks_after_it_looks_at_in_one_moment(tmp_path: Path) -> None:
    config = Config(
        store=StoreConfig(path=str(lay_out(tmp_path)), memory_limit_mb=128),
        http=HttpConfig(port=0),
        mqtt=MqttConfig(port=0),
    )

    async def idle(loop: NotingLoop) -> list[float]:
        async with running(config):
            loop.due_s.clear()
            await aligned_sleep(1.0)
            return [when for when in loop.due_s if MOMENT_S < when - loop.time() < SOON_S]

    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, NotingLoop)
        due_s = runner.run(idle(loop))
    assert due_s
    assert [when for when in due_s if when % IDLE_LOOK_S > MOMENT_S] == []


def test_a_commit_arms_no_timer_of_its_own(tmp_path: Path) -> None:
    async def commits(loop: NotingLoop) -> int:
        async with EmbeddedHistory.open(tmp_path / "history.duckdb", 128, 100) as history:
            loop.due_s.clear()
            for number in range(COMMITS):
                append(history, float(number))
                await history.stored
            assert history.commits == COMMITS
            return len(loop.due_s)

    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, NotingLoop)
        assert runner.run(commits(loop)) < COMMITS / 4
