"""`hub keys`, `hub tokens`, `hub login`: what devices, programs and people come in with."""

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import DeviceId, Json, path_of
from hub.cli.tables import MINUTE_WIDTH, Column, minute, show_table
from hub.errors import Invalid

keys_app = typer.Typer(no_args_is_help=True, help="Add, list and revoke a device's API keys.")
tokens_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke tokens of programs.")

CertificateFile = Annotated[
    Path | None, typer.Option(help="A PEM file: the device shows this certificate in place of a key.")
]
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
KEY_RIGHTS = 3  # there are of a device's key
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@keys_app.command("add")
def add_key(
    context: typer.Context,
    device_id: DeviceId,
    rights: Annotated[
        str, typer.Option(help="What it is for: telemetry,attributes,commands. Without it, all.")
    ] = "",
    ttl: Annotated[str, typer.Option(help="How long it is valid: 12h, 30d. Without it, for good.")] = "",
    certificate: CertificateFile = None,
    as_json: Json = False,
) -> None:
    """Make another key for a device, and print it; it is not shown again. Or add a certificate of its own."""
    body = {"rights": _listed(rights) or None, "ttl_s": seconds(ttl) if ttl else None}
    _make(context, device_id, body, certificate, as_json=as_json)


@keys_app.command("rotate")
def rotate_key(
    context: typer.Context,
    device_id: DeviceId,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `hub keys list` shows it.")],
    overlap: Annotated[str, typer.Option(help="How long the old key works beside it: 0s, 1h, 7d.")] = "1d",
    certificate: CertificateFile = None,
    as_json: Json = False,
) -> None:
    """Make a key in place of another, with the same rights, and print it; the old one ends a while later."""
    body = {"replaces": key_id, "overlap_s": seconds(overlap)}
    _make(context, device_id, body, certificate, as_json=as_json)


def _make(
    context: typer.Context, device_id: str, body: dict[str, Any], certificate: Path | None, *, as_json: bool
) -> None:
    """Print the key; or the id of the certificate, by which it is revoked."""
    if certificate is not None:
        try:
            body["certificate"] = certificate.read_text(encoding="latin-1")
        except OSError as error:
            raise Invalid(f"{certificate}: {error.strerror}") from error
    made = call(context, lambda client: client.call("POST", path_of(device_id, "/keys"), body))
    show_json(made) if as_json else typer.echo(made["key"] or made["id"])


@keys_app.command("list")
def list_keys(context: typer.Context, device_id: DeviceId, as_json: Json = False) -> None:
    """List a device's keys: when made, last used, from where, and whether revoked."""
    found = call(context, lambda client: client.call("GET", path_of(device_id, "/keys")))["keys"]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["id"],
            one["created_at"][:10],
            _last_use(one),
            _for(one),
            _end(one),
        )
        for one in found
    ]
    columns = (
        Column("KEY ID", whole=True),
        Column("MADE", whole=True),
        Column("LAST USED (UTC), FROM", least=MINUTE_WIDTH),
        Column("FOR"),
        Column("ENDS (UTC)", least=MINUTE_WIDTH),
    )
    show_table(columns, rows, f"No keys: hub keys add {device_id}")


@keys_app.command("revoke")
def revoke_key(
    context: typer.Context,
    device_id: DeviceId,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `hub keys list` shows it.")],
) -> None:
    """Revoke a key for good, and close the connections that were opened with it."""
    call(context, lambda client: client.call("DELETE", path_of(device_id, f"/keys/{quote(key_id, safe='')}")))
    typer.echo(f"revoked {key_id}")


@tokens_app.command("add")
def add_token(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Who or what the token is for.")],
    role: Annotated[str, typer.Option(help="What it may do: viewer, operator, manager or admin.")] = "viewer",
    rights: Annotated[
        str, typer.Option(help="No more than these rights of its role: devices:read,history:read.")
    ] = "",
    ttl: Annotated[str, typer.Option(help="How long it is valid: 30m, 1h, 7d.")] = "1h",
    kind: Annotated[
        str, typer.Option(help="opaque; or jwt: signed, for embedding, for an hour at most.")
    ] = "opaque",
    devices: Annotated[str, typer.Option(help="Only for these devices: a,b. Without it, for all.")] = "",
    labels: Annotated[
        str, typer.Option(help="Only for devices with all of these labels: site=north,kind=pump.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Make a token with which a program uses REST and the live socket; it is not shown again."""
    body = {
        "name": name,
        "role": role,
        "rights": _listed(rights) or None,
        "scope": scope_of(devices, labels),
        "ttl_s": seconds(ttl),
        "kind": kind,
    }
    made = call(context, lambda client: client.call("POST", "/api/v1/tokens", body))
    show_json(made) if as_json else typer.echo(made["token"])


@tokens_app.command("list")
def list_tokens(context: typer.Context, as_json: Json = False) -> None:
    """List tokens: what they may, until when, last used, from where, and whether revoked."""
    found = call(context, lambda client: client.call("GET", "/api/v1/tokens"))["tokens"]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["owner"],
            grant_text(one),
            _last_use(one),
            _end(one),
        )
        for one in found
    ]
    columns = (
        Column("TOKEN ID", whole=True),
        Column("NAME"),
        Column("MADE BY"),
        Column("MAY"),
        Column("LAST USED (UTC), FROM", least=MINUTE_WIDTH),
        Column("ENDS (UTC)", least=MINUTE_WIDTH),
    )
    show_table(columns, rows, "No tokens: hub tokens add --name reports")


@tokens_app.command("revoke")
def revoke_token(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="As `hub tokens list` shows it.")],
) -> None:
    """Revoke a token for good, and close the live sockets that were opened with it."""
    call(context, lambda client: client.call("DELETE", f"/api/v1/tokens/{quote(token_id, safe='')}"))
    typer.echo(f"revoked {token_id}")


def _for(one: dict[str, Any]) -> str:
    """What a device's key is for, and whether it is a certificate."""
    rights = "all" if len(one["rights"]) == KEY_RIGHTS else " ".join(one["rights"])
    return f"{rights}, by certificate" if one["certificate"] else rights


def _last_use(one: dict[str, Any]) -> str:
    """When a key or token was last used, and from where; folded, the address is below the time."""
    return f"{minute(one['last_used_at'], 'never')} {one['last_used_from'] or ''}".rstrip()


def _end(one: dict[str, Any]) -> str:
    """When a key or token ends, or was revoked."""
    return (
        f"{minute(one['revoked_at'], '')} revoked"
        if one["revoked_at"]
        else minute(one["expires_at"], "never")
    )


def grant_text(one: dict[str, Any]) -> str:
    """A role with its rights and scope, in a line."""
    scope = one["scope"] or {"devices": [], "labels": []}
    parts = [one["role"], *(one.get("rights") or ()), *scope["devices"]]
    return " ".join([*parts, *([",".join(scope["labels"])] if scope["labels"] else [])])


def seconds(text: str) -> float:
    """A duration as it is written on the command line. Raises Invalid."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        raise Invalid(f"a duration is written 30m, 1h or 7d; got {text!r}")
    return float(found[1]) * SECONDS[found[2]]


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def scope_of(devices: str, labels: str) -> dict[str, list[str]] | None:
    """A scope as REST takes it, of what was named on the command line; None where nothing was."""
    named, carried = _listed(devices), _listed(labels)
    return {"devices": named, "labels": carried} if named or carried else None


def login(context: typer.Context) -> None:
    """Print a link to a page whose button logs one browser in as admin. It works once, and for an hour."""

    async def use(client: Any) -> tuple[str, bool]:
        return (await client.call("POST", "/api/v1/login-links", {}))["url"], client.alone

    url, alone = call(context, use)
    typer.echo(url)
    if alone:
        typer.echo("hub: no hub is running on this store; the link works once `hub serve` runs", err=True)
