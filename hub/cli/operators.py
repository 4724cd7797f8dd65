"""`hub operators`: the people who use the hub."""

import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.keys import grant_text, scope_of
from hub.cli.tables import Column, show_table
from hub.errors import NotFound

operators_app = typer.Typer(no_args_is_help=True, help="Add, list and remove the people who use the hub.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the person is called.")]


def _path(name: str, below: str = "") -> str:
    return f"/api/v1/operators/{quote(name, safe='')}{below}"


@operators_app.command("add")
def add_operator(
    context: typer.Context,
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, operator, manager or admin.")] = "viewer",
    label: Annotated[
        list[str] | None, typer.Option(help="Only for devices with this label: k=v; with all, if several.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="Only for this device; several may be named.")
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a link that logs them in, once.")] = False,
    as_json: Json = False,
) -> None:
    """Add a person. They come by a link, or by a password that `hub operators passwd` gives them."""
    body = {"name": name, "role": role, "scope": scope_of(",".join(device or ()), ",".join(label or ()))}

    async def use(client: Any) -> tuple[Any, str]:
        made = await client.call("POST", "/api/v1/operators", body)
        return made, (await client.call("POST", _path(name, "/link")))["link"] if link else ""

    made, url = call(context, use)
    if as_json:
        show_json({**made, "link": url} if link else made)
    else:
        typer.echo(url or f"added {name}")


@operators_app.command("list")
def list_operators(context: typer.Context, as_json: Json = False) -> None:
    """List the people, and what each may."""
    found = call(context, lambda client: client.call("GET", "/api/v1/operators"))["operators"]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["name"],
            "; ".join(grant_text(grant) for grant in one["grants"]),
            "yes" if one["has_password"] else "no",
            one["created_at"][:10],
        )
        for one in found
    ]
    columns = (Column("NAME"), Column("MAY"), Column("PASSWORD"), Column("ADDED", whole=True))
    show_table(columns, rows, "Nobody: hub operators add NAME --link")


@operators_app.command("passwd")
def set_password(context: typer.Context, name: Name) -> None:
    """Give a person a password, asked for, or read from standard input. It logs them out everywhere."""
    found = call(context, lambda client: client.call("GET", "/api/v1/operators"))["operators"]
    if name not in {one["name"] for one in found}:  # told before a password is asked for
        raise NotFound(f"there is no operator {name!r}")
    # Asked between two calls: while a loop runs, Ctrl-C does not end what waits for a key.
    if sys.stdin.isatty():
        password = typer.prompt("Password, 12 characters or more", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    call(context, lambda client: client.call("PATCH", _path(name), {"password": password}))
    typer.echo(f"{name} has a new password")


@operators_app.command("remove")
def remove_operator(context: typer.Context, name: Name) -> None:
    """Remove a person; sessions, links and tokens of theirs end at once."""
    call(context, lambda client: client.call("DELETE", _path(name)))
    typer.echo(f"removed {name}")
