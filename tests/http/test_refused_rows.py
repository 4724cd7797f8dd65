"""Every row of a file that is refused is told of, by line, reason and text, to who asks for it."""

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.history.duckdb.records import FAULTS_HELD, FAULTS_MAX
from hub.history.duckdb.refused import TEXT_CHARS_MAX
from hub.history.duckdb.staging import FAULTS_PAGE
from tests.http.conftest import Hub
from tests.http.files import bring

T0 = 1_795_170_094_504
MANY = max(FAULTS_HELD, FAULTS_PAGE) + 100  # more than are held, or read, at once
KINDS = ["boiler,t,{},warm", "boiler,t,{}", "boiler,t,soon,{}", "boiler,.t,{},1", 'boiler,t,{},"1"x', "{},,,"]
ENDS = ["\n", "\r\n", "\r"]


async def take(hub: Hub, content: bytes, query: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The refused rows that were told, and the summary."""
    status, lines = await bring(hub, content, query + "&refused=true")
    assert status == 200, lines
    assert "summary" in lines[-1]
    return [line["refused"] for line in lines if "refused" in line], lines[-1]["summary"]


def hold(told: list[dict[str, Any]], summary: dict[str, Any], wanted: dict[int, str]) -> None:
    """All that were wanted are told, in order, each with a reason and its text."""
    assert [row["line"] for row in told] == sorted(wanted)
    assert [row["text"] for row in told] == [wanted[line] for line in sorted(wanted)]
    assert all(row["message"] for row in told)
    assert summary["refused"] == len(wanted)
    assert summary["values"] == sum(summary[name] for name in ("added", "held", "forgotten", "refused"))
    assert summary["faults"] == [
        {"line": row["line"], "message": row["message"]} for row in told[:FAULTS_MAX]
    ]


@pytest.mark.parametrize(("end", "dry_run"), [*((end, False) for end in ENDS), (ENDS[0], True)])
async def test_of_a_csv_file_however_many_they_are(hub: Hub, end: str, *, dry_run: bool) -> None:
    await hub.device()
    rows = ["device,metric,time,value"]
    wanted = {}
    for place, kind in zip(range(MANY), cycle([*KINDS, ""]), strict=False):
        rows.append(kind.format(T0 + place) if kind else f"boiler,t,{T0 + place},{place}")
        if kind:
            wanted[len(rows)] = rows[-1]
    query = f"?format=csv&dry_run={str(dry_run).lower()}"
    told, summary = await take(hub, (end.join(rows) + end).encode(), query)
    hold(told, summary, wanted)
    assert summary["added"] == MANY - len(wanted)


async def test_of_a_file_of_json(hub: Hub) -> None:
    await hub.device()
    row = {"device": "boiler", "metric": "t", "time": T0, "value": 1}
    bad = ["{", json.dumps({**row, "value": [1]}), json.dumps({**row, "metric": ""}), "x" * 300_000, "\x01"]
    lines = [json.dumps(row), *bad, "", json.dumps({**row, "time": T0 + 1})]
    told, summary = await take(hub, "\r\n".join(lines).encode(), "?format=ndjson")
    hold(told, summary, {number: text[:TEXT_CHARS_MAX] for number, text in enumerate(bad, 2)})
    assert summary["added"] == 2


async def test_of_a_parquet_file(hub: Hub, tmp_path: Path) -> None:
    await hub.device()
    file = tmp_path / "file.parquet"
    duckdb.execute(
        f"""COPY (SELECT 'boiler' AS device, 't' AS metric, {T0} + n AS time,
                         CASE WHEN n % 3 = 0 THEN n ELSE 9007199254740993 + 2 * n END AS value
                  FROM range(3000) AS t(n)) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 500)"""
    )
    told, summary = await take(hub, file.read_bytes(), "?format=parquet")
    assert [json.loads(row["text"])["time"] - T0 + 1 for row in told] == [row["line"] for row in told]
    hold(told, summary, {row["line"]: row["text"] for row in told})
    assert summary["refused"] == 2000


async def test_of_a_row_with_many_values_each_is_told_by_its_name(hub: Hub) -> None:
    await hub.device()
    rows = ["time,a,b", f"{T0},1,2", f"{T0 + 1},x,y", f"{T0 + 2},3,4"]
    told, summary = await take(hub, "\n".join(rows).encode(), "?device=boiler")
    wanted = [(3, f"{name}: a number is wanted, got {value}", rows[2]) for name, value in ("ax", "by")]
    assert sorted(tuple(row.values()) for row in told) == wanted
    assert (summary["rows"], summary["values"], summary["refused"]) == (3, 6, 2)


async def test_only_who_asks_is_told_all(hub: Hub) -> None:
    await hub.device()
    rows = ["device,metric,time,value", *(f"boiler,t,{T0 + n}" for n in range(50))]
    status, lines = await bring(hub, "\n".join(rows))
    assert (status, [line for line in lines if "refused" in line]) == (200, [])
    assert (len(lines[-1]["summary"]["faults"]), lines[-1]["summary"]["refused"]) == (FAULTS_MAX, 50)
