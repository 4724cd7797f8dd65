"""`hub doctor`: whether the hub can work where it stands, and whether others can get at what is its own."""

import asyncio
import resource
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import typer

from hub.cli.calls import show_json
from hub.cli.devices import Json
from hub.cli.options import Options
from hub.config import Config
from hub.errors import HubError
from hub.private_files import OTHERS, StoreFolders

MIB = 1_048_576
DISK_LOW_MIB = 1_024
SYNC_SLOW_MS = 10.0
SYNC_SPARED_MS = 1_000  # the interval that makes slow syncs few
CERTIFICATE_SOON_S = 14 * 86_400
CLOCK_LEAST_S = 1_767_225_600  # 2026: no clock that is set says less
CLOCK_BEHIND_S = 300.0
FILES_LEAST = 1_024


class Verdict(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What one check found, and what would be right."""

    check: str
    verdict: Verdict
    text: str


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check the stores' folders, ports, certificate, disks and clock. Exit code 1: something failed."""
    config = Options.of(context).config()
    running = asyncio.run(_is_running(config))
    found = [
        *_stores(config),
        *_ports(config, running=running),
        *_certificate(config),
        *asyncio.run(_providers(config)),
        *_disk(config),
        _sync(config),
        *_clock(config),
        *_files(),
    ]
    if as_json:
        show_json([vars(one) for one in found])
    else:
        for one in found:
            typer.echo(f"{one.verdict:8} {one.check:12} {one.text}")
    if any(one.verdict is Verdict.FAILED for one in found):
        raise typer.Exit(1)


async def _is_running(config: Config) -> bool:
    from hub.cli.client import Client

    async with Client.connect(config.socket_path) as client:
        return await client.answers()


def _stores(config: Config) -> Iterator[Finding]:
    """Whether they are there, and their owner's alone."""
    folders = StoreFolders.of(config)
    if not folders.data.exists():
        yield Finding("stores", Verdict.OK, f"{folders.data.absolute()} is not there; `hub serve` makes it")
        return
    try:
        found = list(folders.open_to_others())
    except OSError as error:
        text = f"{error.filename}: {error.strerror}; run this as the user that the hub runs as"
        yield Finding("stores", Verdict.FAILED, text)
        return
    for one in found:
        yield Finding("stores", Verdict.FAILED, f"{one}: chmod {one.wanted:04o} {one.path}")
    if not found:
        yield Finding("stores", Verdict.OK, f"{folders.data.absolute()} is its owner's alone")


def _ports(config: Config, *, running: bool) -> Iterator[Finding]:
    wanted = [("http", config.http.host, config.http.port)]
    if config.mqtt.enabled:
        wanted.append(("mqtt", config.mqtt.host, config.mqtt.port))
        if config.mqtt.tls_port:
            wanted.append(("mqtt", config.mqtt.host, config.mqtt.tls_port))
    for section, host, port in wanted:
        where = f"{section} {host or '*'}:{port}"
        why = "" if running or port == 0 else _cannot_bind(host, port)
        if why:
            yield Finding("port", Verdict.FAILED, f"{where}: {why}")
        elif running:
            yield Finding("port", Verdict.OK, f"{where}: a hub is running on this store")
        else:
            yield Finding("port", Verdict.OK, f"{where} is free")


def _cannot_bind(host: str, port: int) -> str:
    """Why not; "" where it can be listened on."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _certificate(config: Config) -> Iterator[Finding]:
    """Whether certificate and key are a pair that is in force, and the key its owner's alone."""
    http = config.http
    if not http.tls_cert:
        is_open = any(host not in ("127.0.0.1", "::1", "localhost") for host in (http.host, config.mqtt.host))
        if is_open:
            yield Finding(
                "tls", Verdict.WARNING, "none, on a network: keys and tokens are readable on their way"
            )
        return
    from hub.tls import Certificates

    try:
        ends_at = Certificates(config).ends_at
    except HubError as error:
        yield Finding("tls", Verdict.FAILED, str(error))
        return
    yield judge_certificate(http.tls_cert, ends_at / 1e6 - time.time())
    mode = Path(http.tls_key).stat().st_mode
    if mode & OTHERS:
        text = f"{http.tls_key} has mode {stat.S_IMODE(mode):04o}: chmod 0600 {http.tls_key}"
        yield Finding("tls", Verdict.WARNING, text)


def judge_certificate(file: str, left_s: float) -> Finding:
    """What it means that a certificate is in force for so long."""
    days = left_s / 86_400
    if left_s <= 0:
        return Finding(
            "tls", Verdict.FAILED, f"{file} ended {-days:.0f} days ago: get a new one, reload the hub"
        )
    if left_s <= CERTIFICATE_SOON_S:
        advice = "renew it, then reload the hub (SIGHUP)"
        return Finding("tls", Verdict.WARNING, f"{file} is valid for only {days:.0f} more days: {advice}")
    return Finding("tls", Verdict.OK, f"{file} is valid for {days:.0f} more days")


async def _providers(config: Config) -> list[Finding]:
    """Whether those by whom people log in answer, with what they have to know; secrets are their owner's."""
    if not config.auth.oidc:
        return []
    from hub.http.oidc.client import ProviderClient
    from hub.http.oidc.provider import Provider

    client = ProviderClient()
    base = config.http.public_url or f"http://{config.http.host}:{config.http.port}"
    found = []
    for one in config.auth.oidc:
        try:
            await Provider(one, client, time.time, time.monotonic).metadata()
        except HubError as error:
            found.append(Finding("provider", Verdict.FAILED, f"{one.name}: {error}"))
            continue
        place = f"{base}/login/oidc/{one.name}/callback"
        found.append(
            Finding("provider", Verdict.OK, f"{one.name}: {one.issuer} answers; it has to know {place}")
        )
        secret = Path(one.client_secret_file)
        if one.client_secret_file and secret.stat().st_mode & OTHERS:
            mode = stat.S_IMODE(secret.stat().st_mode)
            text = f"{secret} has mode {mode:04o}: chmod 0600 {secret}"
            found.append(Finding("provider", Verdict.WARNING, text))
    await client.close()
    return found


def _disk(config: Config) -> Iterator[Finding]:
    folders = StoreFolders.of(config)
    least_mib = config.limits.journal_max_mb
    for there in dict.fromkeys(map(_existing, (folders.data, folders.journal))):
        free_mib = shutil.disk_usage(there).free / MIB
        verdict = Verdict.OK if free_mib > DISK_LOW_MIB else Verdict.WARNING
        if free_mib < least_mib:
            verdict = Verdict.FAILED
        yield Finding("disk", verdict, f"{free_mib:,.0f} MiB are free at {there}")


def _existing(folder: Path) -> Path:
    """The folder, or the one above in which it would be made."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())


def _sync(config: Config) -> Finding:
    """Whether the journal's disk is fast enough to be synced for each message; it is measured now."""
    from hub.host import sync_time_s

    folder = _existing(StoreFolders.of(config).journal)
    try:
        took_s = sync_time_s(folder)
    except OSError as error:
        text = f"{folder}: {error.strerror}; run this as the user that the hub runs as"
        return Finding("sync", Verdict.FAILED, text)
    return judge_sync(folder, 1000 * took_s, config.store.commit_interval_ms)


def judge_sync(folder: Path, took_ms: float, interval_ms: int) -> Finding:
    """What a sync that takes so long means, with such a `store.commit_interval_ms`."""
    text = f"the disk of the journal in {folder} takes {took_ms:,.1f} ms to sync"
    if took_ms < SYNC_SLOW_MS:
        return Finding("sync", Verdict.OK, text)
    if interval_ms > took_ms:
        return Finding("sync", Verdict.OK, f"{text}; store.commit_interval_ms = {interval_ms} spares it")
    advice = f"set store.commit_interval_ms = {SYNC_SPARED_MS}, or store.journal_path to a faster disk"
    return Finding("sync", Verdict.WARNING, f"{text}, as a slow SD card does: {advice}")


def _clock(config: Config) -> Iterator[Finding]:
    """Whether it can be right: it is after what was written last."""
    now_s = time.time()
    folder = StoreFolders.of(config).data
    written_s = [path.stat().st_mtime for path in folder.glob("*")] if folder.is_dir() else []
    if now_s < CLOCK_LEAST_S:
        yield Finding(
            "clock", Verdict.FAILED, f"it says {time.strftime('%Y-%m-%d', time.gmtime(now_s))}: set it"
        )
    elif max(written_s, default=0.0) > now_s + CLOCK_BEHIND_S:
        yield Finding("clock", Verdict.FAILED, "it is behind the stores, which were written later: set it")
    else:
        yield Finding(
            "clock", Verdict.OK, f"it says {time.strftime('%Y-%m-%d %H:%M', time.gmtime(now_s))} UTC"
        )


def _files() -> Iterator[Finding]:
    """Each connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > FILES_LEAST:
        yield Finding("open files", Verdict.OK, "unlimited" if hard < 0 else f"{hard:,} are allowed")
    else:
        yield Finding("open files", Verdict.WARNING, f"{hard:,} are allowed, so few devices: raise ulimit -n")
