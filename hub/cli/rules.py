"""`hub rules`: what people want to be told of."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from hub.cli.calls import call, show_json
from hub.cli.devices import Json
from hub.cli.keys import seconds
from hub.cli.tables import Column, show_line, show_table
from hub.errors import Invalid

PATH = "/api/v1/rules"
PAGE = 1000

rules_app = typer.Typer(no_args_is_help=True, help="Set rules: add, list, test, remove.")

Condition = Annotated[
    str | None,
    typer.Argument(
        metavar="CONDITION",
        help='As one says it: "temperature above 90 for 30s", "temperature silent 5m", "offline for 1m". '
        "Or leave it out and use --file.",
    ),
]
On = Annotated[
    str, typer.Option("--on", help="A device's id, a label as k=v, or all.", show_default="all devices")
]
File = Annotated[
    Path | None,
    typer.Option("--file", exists=True, dir_okay=False, help="The rule as JSON, as REST takes it."),
]
RuleId = Annotated[int, typer.Argument(metavar="RULE", help="Its number, as `hub rules list` shows it.")]

_COMPARED = re.compile(
    r"(?P<metric>.+?) (?P<way>above|below|is not|is|silent|flat)(?: (?P<value>.+?))?(?: for (?P<held>\S+))?"
)
_PRESENCE = re.compile(r"(?P<presence>offline|stale)(?: for (?P<held>\S+))?")


@rules_app.command("list")
def list_rules(
    context: typer.Context,
    builtin: Annotated[bool, typer.Option(help="Those that thresholds of metrics are, instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the rules, oldest first."""
    found = call(context, lambda client: _all(client, builtin=builtin))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            str(one["id"] or "-"),
            one["name"],
            one["severity"] if one["enabled"] else "off",
            _on_text(one["on"]),
            f"{one['metric'] or ''} {_when_text(one['when'])}".strip(),
        )
        for one in found
    ]
    columns = (
        Column("RULE", whole=True),
        Column("NAME"),
        Column("SEVERITY", whole=True),
        Column("ON"),
        Column("FIRES WHEN"),
    )
    show_table(columns, rows, 'No rules: hub rules add "temperature above 90 for 30s"')


@rules_app.command("add")
def add_rule(
    context: typer.Context,
    condition: Condition = None,
    name: Annotated[str, typer.Option(help="What it is called.", show_default="the condition")] = "",
    on: On = "all",
    severity: Annotated[str, typer.Option(help="warning or critical.")] = "warning",
    file: File = None,
    as_json: Json = False,
) -> None:
    """Make a rule, and print its number."""
    rule = _rule(condition, name, on, severity, file)
    made = call(context, lambda client: client.call("POST", PATH, rule))
    show_json(made) if as_json else typer.echo(made["id"])


@rules_app.command("test")
def try_rule(
    context: typer.Context,
    condition: Condition = None,
    on: On = "all",
    last: Annotated[str, typer.Option(help="Play it over this much of the past: 1h, 7d, 365d.")] = "1d",
    file: File = None,
    as_json: Json = False,
) -> None:
    """Play a rule over the history, and say when it would have fired. Nothing is changed."""
    end = time.time() * 1000
    rule = _rule(condition, "", on, "warning", file)
    body = {"rule": rule, "from": end - seconds(last) * 1000, "to": end}
    found = call(context, lambda client: client.call("POST", f"{PATH}/test", body))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["device"],
            moment(one["opened"]),
            moment(one["resolved"]) if one["resolved"] else "fires still",
            "-" if one["peak"] is None else f"{one['peak'][1]:g}" if _is_number(one["peak"][1]) else "-",
        )
        for one in found["alerts"]
    ]
    columns = (
        Column("DEVICE"),
        Column("FROM (UTC)", whole=True),
        Column("TO (UTC)", whole=True),
        Column("WORST", whole=True),
    )
    show_table(columns, rows, "It would not have fired.")
    more = "" if found["whole"] else "; these are the first, and there are more"
    show_line(
        f"{found['readings']} readings ({found['tier']}) played in {found['took_ms']:.0f} ms{more}", err=True
    )


@rules_app.command("remove")
def remove_rule(context: typer.Context, rule_id: RuleId) -> None:
    """Remove a rule; alerts of it that are open end."""
    call(context, lambda client: client.call("DELETE", f"{PATH}/{rule_id}"))
    typer.echo(f"removed {rule_id}")


async def _all(client: Any, *, builtin: bool) -> list[dict[str, Any]]:
    query = {"limit": str(PAGE), **({"builtin": "true"} if builtin else {})}
    page = await client.call("GET", PATH, query=query)
    found: list[dict[str, Any]] = page["rules"]
    while page["next"] is not None:
        page = await client.call("GET", PATH, query={**query, "before": str(page["next"])})
        found += page["rules"]
    return found if builtin else found[::-1]


def _rule(condition: str | None, name: str, on: str, severity: str, file: Path | None) -> dict[str, Any]:
    """The rule as REST takes it. Raises Invalid."""
    if file is not None:
        if condition is not None:
            raise Invalid("a condition or --file: one of them")
        try:
            read = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise Invalid(f"{file}: {error}") from error
        return {**read, **({"name": name} if name else {})}
    if condition is None:
        raise Invalid('a condition is wanted, such as "temperature above 90 for 30s", or --file')
    return {"name": name or condition, "severity": severity, "on": on_of(on), **read_words(condition)}


def on_of(text: str) -> dict[str, object]:
    """The devices that --on names."""
    if text == "all":
        return {"all": True}
    return {"label": text} if "=" in text else {"device": text}


def read_words(text: str) -> dict[str, object]:
    """A condition as one says it, as REST takes it. Raises Invalid."""
    words = " ".join(text.split())
    gone = _PRESENCE.fullmatch(words)
    if gone is not None:
        return {"when": {"presence": gone["presence"], **_held(gone["held"])}}
    found = _COMPARED.fullmatch(words)
    if found is None or (found["value"] is None):
        raise Invalid(
            f"{text!r}: a condition is written as METRIC above|below NUMBER, METRIC is|is not TEXT, each with"
            " `for 30s` where wanted, METRIC silent|flat 5m, or offline|stale"
        )
    way, value = found["way"], found["value"]
    when: dict[str, object]
    if way in ("silent", "flat"):
        when = {f"{way}_s": "expected" if value == "expected" else seconds(value)}
    elif way in ("above", "below"):
        when = {way: _number(value), **_held(found["held"])}
    else:
        truth = {"true": True, "false": False}.get(value)
        when = {way.replace(" ", "_"): value if truth is None else truth, **_held(found["held"])}
    return {"metric": found["metric"], "when": when}


def _held(text: str | None) -> dict[str, float]:
    return {} if text is None else {"for_s": seconds(text)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid(f"{text!r}: a number is wanted") from None


def _on_text(on: dict[str, Any]) -> str:
    return str(on.get("device") or on.get("label") or "all")


def _when_text(when: dict[str, Any]) -> str:
    """A condition in short."""
    words = []
    for name, value in when.items():
        if name == "for_s":
            words.append(f"for {value:g} s")
        elif isinstance(value, dict):
            words.append(
                f"{name.removesuffix('_s')} " + " ".join(f"{key} {one}" for key, one in value.items())
            )
        elif name in ("silent_s", "flat_s") and _is_number(value):
            words.append(f"{name.removesuffix('_s')} {value:g} s")
        else:
            words.append(f"{name.replace('_', ' ').removesuffix(' s')} {value}")
    return " ".join(words)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def moment(time_ms: float) -> str:
    """A time to the second, UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time_ms / 1000))
