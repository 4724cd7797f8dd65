"""`hub doctor`: what it finds where something is wrong, and that it finds nothing where all is well."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from hub.cli.doctor import judge_certificate, judge_sync
from tests.certificates import Authority
from tests.cli.conftest import Run
from tests.conftest import Certificate
from tests.hub_process import HubProcess, make_store
from tests.oidc.provider import PlayedProvider, played_provider

FREE = {"HUB__HTTP__PORT": "0", "HUB__MQTT__PORT": "0"}


def findings(run: Run, **settings: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and the verdicts of each check."""
    done = run("doctor", "--json", **{**FREE, **settings})
    found: dict[str, list[str]] = {}
    for one in json.loads(done.stdout):
        found.setdefault(one["check"], []).append(one["verdict"])
    return done.returncode, found


def test_where_all_is_well_nothing_fails(run: Run, tmp_path: Path, certificate: Certificate) -> None:
    make_store(tmp_path / "data")
    certificate.key.chmod(0o600)
    tls = {"HUB__HTTP__TLS_CERT": str(certificate.path), "HUB__HTTP__TLS_KEY": str(certificate.key)}
    code, found = findings(run, **tls)
    assert code == 0
    # The certificate of the tests is valid for two days more.
    assert (found["stores"], found["port"], found["clock"]) == (["ok"], ["ok", "ok"], ["ok"])
    assert found["tls"] == ["warning"]
    assert run("doctor", **FREE).stdout.startswith("ok       stores       ")


def test_a_running_hub_does_not_count_as_a_port_in_use(
    run: Run, start_hub: Callable[..., HubProcess]
) -> None:
    hub = start_hub()
    port = hub.url.rsplit(":", 1)[1]
    code, found = findings(run, HUB__HTTP__PORT=port, HUB__MQTT__PORT=str(hub.mqtt_port))
    assert (code, found["port"]) == (0, ["ok", "ok"])


def _open_store(folder: Path) -> dict[str, str]:
    (folder / "data" / "registry.db").chmod(0o644)
    return {}


def _late_store(folder: Path) -> dict[str, str]:
    later = time.time() + 86_400
    os.utime(folder / "data" / "registry.db", (later, later))
    return {}


def _full_disk(_folder: Path) -> dict[str, str]:
    return {"HUB__LIMITS__JOURNAL_MAX_MB": "65536", "HUB__STORE__JOURNAL_PATH": "/dev/shm/journal"}


def _no_certificate(folder: Path) -> dict[str, str]:
    return {"HUB__HTTP__TLS_CERT": str(folder / "no.pem"), "HUB__HTTP__TLS_KEY": str(folder / "no.key")}


@pytest.mark.parametrize(
    ("break_it", "check"),
    [(_open_store, "stores"), (_late_store, "clock"), (_full_disk, "disk"), (_no_certificate, "tls")],
)
def test_what_is_wrong_is_named_and_fails(
    run: Run, tmp_path: Path, break_it: Callable[[Path], dict[str, str]], check: str
) -> None:
    make_store(tmp_path / "data")
    code, found = findings(run, **break_it(tmp_path))
    assert (code, "failed" in found[check]) == (1, True)
    assert [name for name, verdicts in found.items() if "failed" in verdicts] == [check]


def test_a_port_in_use_fails(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, found = findings(run, HUB__HTTP__PORT=str(taken.getsockname()[1]))
    assert (code, found["port"]) == (1, ["failed", "ok"])


def _of_provider(url: str, secret: Path) -> dict[str, str]:
    table = {
        "name": "company",
        "issuer": url,
        "client_id": "hub",
        "client_secret_file": str(secret),
        "mappings": [{"group": "it", "role": "admin"}],
    }
    return {"HUB__AUTH__OIDC": json.dumps([table])}


@contextmanager
def provider_thread() -> Iterator[PlayedProvider]:
    """A provider beside what the test runs in a process."""
    started: Queue[tuple[PlayedProvider, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def run() -> None:
        async with played_provider() as played:
            stop = asyncio.Event()
            started.put((played, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    played, loop, stop = started.get()
    try:
        yield played
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def test_a_provider_is_asked_whether_it_is_the_one(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    secret.chmod(0o600)
    with provider_thread() as played:
        code, found = findings(run, **_of_provider(played.url, secret))
        assert (code, found["provider"]) == (0, ["ok"])
        secret.chmod(0o644)
        assert findings(run, **_of_provider(played.url, secret))[1]["provider"] == ["ok", "warning"]
        played.document = {"issuer": "https://evil.example"}
        code, found = findings(run, **_of_provider(played.url, secret))
        assert (code, found["provider"]) == (1, ["failed"])
        away = played.url
    done = run("doctor", "--json", **{**FREE, **_of_provider(away, secret)})
    [said] = [one["text"] for one in json.loads(done.stdout) if one["check"] == "provider"]
    assert f"company: {away}/.well-known/openid-configuration does not answer" in said
    for command in ("check", "doctor"):
        done = run(command, **{**FREE, **_of_provider(away, tmp_path / "missing")})
        assert (done.returncode, "missing: No such file" in done.stdout + done.stderr) == (1, True)


@pytest.mark.parametrize(("days", "verdict"), [(15, "ok"), (13, "warning"), (-1, "failed")])
def test_a_certificate_that_ends_within_two_weeks_is_to_be_renewed(days: int, verdict: str) -> None:
    assert judge_certificate("hub.pem", days * 86_400).verdict == verdict


def test_a_key_of_another_certificate_fails(run: Run, tmp_path: Path, certificate: Certificate) -> None:
    other = Authority(tmp_path).server()
    tls = {"HUB__HTTP__TLS_CERT": str(certificate.path), "HUB__HTTP__TLS_KEY": str(other.key)}
    done = run("doctor", "--json", **{**FREE, **tls})
    [found] = [one for one in json.loads(done.stdout) if one["check"] == "tls"]
    assert found["verdict"] == "failed"
    assert f"{other.key}: not the key of the certificate" in found["text"]


def test_a_slow_disk_is_a_reason_to_sync_less_often() -> None:
    found = [
        judge_sync(Path("journal"), took_ms, interval_ms)
        for took_ms, interval_ms in ((0.3, 0), (80.0, 0), (80.0, 50), (80.0, 1_000))
    ]
    assert [one.verdict for one in found] == ["ok", "warning", "warning", "ok"]
    assert "store.commit_interval_ms = 1000" in found[1].text


def test_the_journals_disk_is_measured_where_it_is_and_nothing_is_left(run: Run, tmp_path: Path) -> None:
    journal = tmp_path / "card"
    journal.mkdir(mode=0o700)
    done = run("doctor", "--json", **FREE, HUB__STORE__JOURNAL_PATH=str(journal))
    [found] = [one for one in json.loads(done.stdout) if one["check"] == "sync"]
    assert str(journal) in found["text"]
    assert list(journal.iterdir()) == []
