"""`hub devices command`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json, path_of
from hub.cli.progress import shown_progress
from hub.cli.tables import Column, plain, show_line, show_table
from hub.errors import HubError, Invalid

ASK_AGAIN_S = 0.2
TIMEOUT_S = 60.0


def send_command(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="[DEVICE] METHOD", help="The device's id, and what it is to do.")
    ],
    label: Annotated[
        str, typer.Option(metavar="K=V", help="In place of a device: all that have this label.")
    ] = "",
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="A parameter; the value is JSON, or a text as it is."),
    ] = None,
    params: Annotated[str, typer.Option(help="All parameters, as JSON.")] = "",
    timeout: Annotated[float, typer.Option(help="For how many seconds it waits for the device.")] = TIMEOUT_S,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the answer. Exit code 1 if not done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before what is dangerous.")] = False,
    as_json: Json = False,
) -> None:
    """Send a device a command, or all devices with a label: now, or when each comes."""
    device_id, method = _read_words(words, label)
    body: dict[str, object] = {
        "method": method,
        "params": _read_params(param or [], params),
        "timeout_s": timeout,
    }
    if label:
        sent = _send(context, "/api/v1/commands", {**body, "label": label}, yes=yes)
        found = _batch(context, sent["batch"], wait=wait)
        ended = [one["state"] for one in found["results"]]
    else:
        path = path_of(device_id, "/commands")
        found = _send(context, path, body, yes=yes)
        if wait:
            found = _until_ended(context, f"{path}/{found['id']}")
        ended = [found["state"]]
    if as_json:
        show_json(found)
    elif label:
        _show_batch(found)
    else:
        show_line(_told(found))
    if wait and any(state != "done" for state in ended):
        raise typer.Exit(1)


def _read_words(words: Sequence[str], label: str) -> tuple[str, str]:
    """The device and the method. Raises BadParameter."""
    wanted = 1 if label else 2
    if len(words) != wanted:
        form = "METHOD with --label" if label else "DEVICE METHOD, or METHOD with --label K=V"
        raise typer.BadParameter(f"give {form}; got {len(words)} words")
    return ("", words[0]) if label else (words[0], words[1])


def _read_params(pairs: Sequence[str], whole: str) -> object:
    if pairs and whole:
        raise typer.BadParameter("give --param, or --params, and not both")
    if whole:
        try:
            return orjson.loads(whole)
        except ValueError as error:
            raise typer.BadParameter(f"--params: not JSON: {error}") from error
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"--param is written k=v, got {pair!r}")
        try:
            found[name] = orjson.loads(text)
        except ValueError:
            found[name] = text
    return found or None


def _send(context: typer.Context, path: str, body: dict[str, object], *, yes: bool) -> Any:
    """Send it; what is declared dangerous after asking."""
    try:
        return call(context, lambda client: client.call("POST", path, {**body, "confirm": yes}))
    except Invalid as error:
        if error.code != "confirm":
            raise
    typer.confirm(plain(f"{body['method']} is declared dangerous. Send it?"), abort=True, err=True)
    return call(context, lambda client: client.call("POST", path, {**body, "confirm": True}))


def _until_ended(context: typer.Context, path: str) -> Any:
    async def use(client: Any) -> Any:
        while True:
            found = await client.call("GET", path)
            if found["ended_at"] is not None:
                return found
            _refuse_alone(client)
            await asyncio.sleep(ASK_AGAIN_S)

    return call(context, use)


def _batch(context: typer.Context, batch: int, *, wait: bool) -> dict[str, Any]:
    """The batch with all results; once all have ended, if that is waited for."""
    path = f"/api/v1/commands/batches/{batch}"

    async def use(client: Any) -> dict[str, Any]:
        with shown_progress("Waiting for devices") as progress:
            while wait:
                found = await client.call("GET", path, query={"limit": "1"})
                if found["ended"] == found["count"]:
                    break
                _refuse_alone(client)
                progress(found["ended"], found["count"])
                await asyncio.sleep(ASK_AGAIN_S)
        found = await client.call("GET", path, query={"limit": "1000"})
        following = found["next"]
        while following is not None:
            page = await client.call("GET", path, query={"limit": "1000", "after": str(following)})
            found["results"] += page["results"]
            following = page["next"]
        found["next"] = None
        return dict(found)

    return call(context, use)


def _refuse_alone(client: Any) -> None:
    if client.alone:
        raise HubError("no hub runs, so no device can answer; the command is kept for when one does")


def _told(command: dict[str, Any]) -> str:
    head = f"command {command['id']}, {command['method']}: {command['state']}"
    response = command["response"]
    return head if response is None else f"{head}, {orjson.dumps(response).decode()}"


def _show_batch(found: dict[str, Any]) -> None:
    rows = [
        (
            one["device"],
            one["state"],
            "" if one["response"] is None else orjson.dumps(one["response"]).decode(),
        )
        for one in found["results"]
    ]
    states = ", ".join(f"{count} {state}" for state, count in found["states"].items())
    show_table([Column("device", whole=True), Column("state", whole=True), Column("answer")], rows, "")
    show_line(f"batch {found['batch']}, {found['method']} to {found['label']}: {states}")
