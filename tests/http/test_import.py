"""Imports over REST: what was exported comes back the same, once, and wrong rows are named."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.config import Config
from hub.model import Role
from tests.http.conftest import Hub, running_hub

IMPORT, EXPORT = "/api/v1/import", "/api/v1/export"
T0 = 1_795_170_094_504
NOTES = ["plain", 'with "quotes", and commas', "two\nlines", "", "ä€🙂", "20.5", "true"]


async def bring(
    hub: Hub, content: bytes | str, query: str = "", headers: dict[str, str] | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Status, and the lines answered."""
    body = content.encode() if isinstance(content, str) else content
    shown = hub.bearer() if headers is None else headers
    async with hub.client.post(IMPORT + query, data=body, headers=shown) as response:
        return response.status, [json.loads(line) for line in (await response.text()).splitlines()]


async def summary(hub: Hub, content: bytes | str, query: str = "") -> dict[str, Any]:
    status, lines = await bring(hub, content, query)
    assert status == 200, lines
    found: dict[str, Any] = lines[-1]["summary"]
    return found


async def exported(hub: Hub, query: str = "") -> bytes:
    async with hub.client.get(EXPORT + query, headers=hub.bearer()) as response:
        assert response.status == 200
        return await response.read()


async def fill(hub: Hub) -> None:
    await hub.device("boiler")
    await hub.device("pump")
    readings: list[dict[str, object]] = [
        {"ts": T0 + place, "values": {"note": note, "t": place / 7, "open": place % 2 == 0}}
        for place, note in enumerate(NOTES)
    ]
    same = [{"ts": T0, "values": {"t": value}} for value in (3.0, 2.0, 2.0, 1.0)]
    assert (await hub.send(readings + same))[0] == 200
    assert (await hub.send({"ts": T0 + 0.123, "values": {"t": -1e-300}}, "pump"))[0] == 200


@pytest.mark.parametrize("written", ["csv", "ndjson", "parquet"])
async def test_what_was_exported_is_imported_as_it_was_and_once(
    hub: Hub, tmp_path: Path, written: str
) -> None:
    await fill(hub)
    file = await exported(hub, f"?format={written}")
    count = 3 * len(NOTES) + 4 + 1
    (tmp_path / "other").mkdir()
    async with running_hub(tmp_path / "other", Config()) as other:
        query = f"?format={written}&create_devices=true"
        first = await summary(other, file, query)
        assert (first["added"], first["held"], first["refused"]) == (count, 0, 0)
        assert sorted((await exported(other)).splitlines()) == sorted((await exported(hub)).splitlines())
        again = await summary(other, file, query)
        assert (again["added"], again["held"]) == (0, count)
        at_once = [
            line.split(b",")[4]
            for line in (await exported(other, "?metric=t&device=boiler")).splitlines()[1:6]
        ]
        assert at_once == [b"0.0", b"3.0", b"2.0", b"2.0", b"1.0"]
        latest = await other.call("GET", "/api/v1/devices/boiler/latest")
        assert (
            latest[1]["snapshot"] == (await hub.call("GET", "/api/v1/devices/boiler/latest"))[1]["snapshot"]
        )
    assert (await summary(hub, file, query))["added"] == 0


async def test_a_reading_that_is_there_already_is_not_added_by_a_file_that_holds_more(hub: Hub) -> None:
    await hub.device()
    await hub.send([{"ts": T0, "values": {"t": 1.0}}, {"ts": T0, "values": {"t": 2.0}}])
    rows = f"time,metric,value\n{T0},t,1\n{T0},t,1\n{T0 + 1},t,5\n"
    found = await summary(hub, rows, "?device=boiler")
    assert (found["added"], found["held"]) == (2, 1)
    _, history = await hub.call("GET", f"/api/v1/devices/boiler/history?metric=t&from={T0}&to={T0 + 10}")
    assert sorted(history["avg"]) == [1.0, 1.0, 2.0, 5.0]


async def test_a_column_of_times_and_one_of_values_is_enough(hub: Hub) -> None:
    await hub.device()
    rows = "timestamp,value\r\n2014-04-01 00:00:00,19.5\r\n2014-04-01 00:05:00,20\r\n"
    assert (await summary(hub, rows, "?device=boiler&metric=t"))["added"] == 2
    start = "2014-04-01T00:00:00Z"
    _, history = await hub.call("GET", f"/api/v1/devices/boiler/history?metric=t&from={start}")
    assert (history["time"][0], history["avg"]) == (1_396_310_400_000, [19.5, 20.0])


async def test_a_column_for_each_metric_is_read_with_its_gaps(hub: Hub) -> None:
    await hub.device()
    rows = f"time,t,open,note\n{T0},1.5,true,hello\n2026-11-20T12:21:35+02:00,,false,\n"
    assert (await summary(hub, rows, "?device=boiler"))["added"] == 4
    _, latest = await hub.call("GET", "/api/v1/devices/boiler/latest")
    assert latest["snapshot"] == {"t": [T0, 1.5], "open": [T0 + 496, False], "note": [T0, "hello"]}


HEAD = ["device,metric,time,value"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "mixed"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
async def test_every_row_of_a_bad_file_is_added_or_told_of_by_its_line(
    hub: Hub, end: str, bom: bytes
) -> None:
    await hub.device()
    rows = [
        *HEAD,
        f"boiler,t,{T0},n/a",  # not like the others: the metric is what most of its values are
        f"boiler,t,{T0 + 1},1.5",
        f"boiler,t,{T0 + 2},1_000",
        f"boiler,t,{T0 + 3},2,5",
        f'boiler,t,{T0 + 4},"2,5"',
        f'boiler,t,{T0 + 7},5"',
        f'boiler,t,{T0 + 5},"3',
        f"boiler,t,{T0 + 6},4",
        f'boiler,"t",{T0 + 8},"6"',
        "",
        f"boiler,t,{T0 + 9},inf",
        f"boiler,t,{T0 + 10},9007199254740993",
        f"boiler,t,{T0 + 11},9007199254740992",
        f"boiler,t,{T0 / 1000:.0f},1",
        f"boiler,t,{T0 + 12},",
        f"boiler,t,{T0 + 12},Unavailable",
        f"boiler,t,{T0 + 13}, 7 ",
        f'boiler,note,{T0},"two" words',
        f'boiler,note,{T0 + 1},"say ""so"""',
    ]
    ends = ["\n", "\r\n", "\r"] if end == "mixed" else [end]
    # A CR and the LF of a blank line after it would be one end.
    text = "".join(row + ("\n" if not row else ends[place % len(ends)]) for place, row in enumerate(rows))
    blank = [place for place, row in enumerate(rows) if not row]
    assert all(ends[(place - 1) % len(ends)] != "\r" for place in blank) or end == "\r"
    found = await summary(hub, bom + text.encode())
    gone = end == "\r"  # the blank line's own end
    refused = {
        2: "n/a",
        4: "1_000",
        5: "4 columns are wanted, got 5",
        6: "2,5",
        7: '5"',
        8: "a quote is open",
        12: "inf",
    }
    refused |= {13: "2^53", 15: "seconds", 19: "a quote is open"}
    told = {fault["line"] + (gone and fault["line"] > 10): fault["message"] for fault in found["faults"]}
    assert told.keys() == refused.keys()
    for line, why in refused.items():
        assert why in told[line]
    assert (found["rows"], found["empty"], found["values"], found["added"]) == (18, 2, 16, 6)
    assert found["refused"] == 10 == len(refused)
    assert found["metrics"] == [
        {"device": "boiler", "metric": "note", "type": "text"},
        {"device": "boiler", "metric": "t", "type": "number"},
    ]
    _, latest = await hub.call("GET", "/api/v1/devices/boiler/latest")
    assert latest["snapshot"] == {"t": [T0 + 13, 7.0], "note": [T0 + 1, 'say "so"']}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["on", "1", "2"], "number"),
        (["1", "warm", "cold"], "text"),
        (["true", "FALSE", "x"], "boolean"),
        (["", "nan", "x", "3", "4"], "number"),
        (["E5", "12", "E7", ""], "text"),
    ],
)
async def test_the_type_of_a_new_metric_is_decided_by_all_its_rows(
    hub: Hub, values: list[str], kind: str
) -> None:
    await hub.device()
    rows = [*HEAD, *(f"boiler,m,{T0 + place},{value}" for place, value in enumerate(values))]
    found = await summary(hub, "\n".join(rows))
    assert found["metrics"] == [{"device": "boiler", "metric": "m", "type": kind}]
    assert found["values"] == found["added"] + found["refused"]
    assert found["rows"] == len(values) == found["values"] + found["empty"]


async def test_of_words_for_no_value_alone_no_metric_is_made(hub: Hub) -> None:
    await hub.device()
    found = await summary(hub, "\n".join([*HEAD, f"boiler,m,{T0},", f"boiler,m,{T0 + 1},unknown"]))
    assert (found["metrics"], found["rows"], found["empty"], found["values"]) == ([], 2, 2, 0)


async def test_rows_with_a_column_for_each_metric_are_counted_apart_from_their_values(hub: Hub) -> None:
    await hub.device()
    rows = f"time,a,b\n{T0},1,2\n{T0 + 1},,\n{T0 + 2},3,\n{T0 + 3},x,4\n{T0 + 4},5,6,7\n"
    found = await summary(hub, rows, "?device=boiler")
    assert (found["rows"], found["empty"], found["values"]) == (5, 1, 6)
    assert (found["added"], found["refused"]) == (4, 2)


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": T0, "values": {"t": 1.0}})
    rows = [
        *HEAD,
        f"boiler,t,{T0},1",
        f"boiler,t,{T0 + 1},2",
        f"boiler,u,{T0},3",
        f"fan,t,{T0},4",
        "fan,t,x,5",
    ]
    query = "?create_devices=true"
    before = await exported(hub)
    would = await summary(hub, "\n".join(rows), query + "&dry_run=true")
    assert await exported(hub) == before
    assert [one["id"] for one in (await hub.call("GET", "/api/v1/devices"))[1]["devices"]] == ["boiler"]
    assert [one["name"] for one in (await hub.call("GET", "/api/v1/devices/boiler"))[1]["metrics"]] == ["t"]
    assert would.pop("dry_run") is True
    did = await summary(hub, "\n".join(rows), query)
    assert did.pop("dry_run") is False
    assert would == did
    assert (did["added"], did["held"], did["refused"], did["devices"]) == (3, 1, 1, ["fan"])
    status, [problem] = await bring(hub, f"device,metric,time,value\nx,t,{T0},1\n", "?dry_run=true")
    assert (status, "there is no device x" in problem["detail"]) == (404, True)


async def test_a_quote_that_spans_rows_is_suspected(hub: Hub) -> None:
    """What stands between two quotes may be a text, so it is never taken for rows: a device could have sent it."""
    await hub.device()
    rows = [
        *HEAD,
        f"boiler,t,{T0},1",
        f'boiler,t,{T0 + 1},"2',
        f"boiler,t,{T0 + 2},3",
        f'boiler,t,{T0 + 3},4"',
    ]
    found = await summary(hub, "\r\n".join(rows))
    assert (found["rows"], found["added"], found["refused"]) == (2, 1, 1)
    message = "value: a number is wanted, got a text of 3 lines; is a quote missing?"
    assert found["faults"] == [{"line": 3, "message": message}]


async def test_a_number_in_quotes_is_a_number_where_the_metric_is_one(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": T0, "values": {"t": 1.0}})
    lines = [
        json.dumps({"device": "boiler", "metric": "t", "time": T0 + n, "value": v})
        for n, v in enumerate(["2.5", "warm", 3, 2**53 + 1], 1)
    ]
    found = await summary(hub, "\r".join(lines), "?format=ndjson")
    assert (found["added"], [fault["line"] for fault in found["faults"]]) == (2, [2, 4])


async def test_more_metrics_than_a_device_may_have_are_refused_before_any_is_made(hub: Hub) -> None:
    await hub.device()
    names = [f"m{number}" for number in range(hub.services.config.limits.metrics_max + 1)]
    rows = f"time,{','.join(names)}\n{T0},{','.join(['1'] * len(names))}\n"
    status, [problem] = await bring(hub, rows, "?device=boiler")
    assert (status, "limits.metrics_max" in problem["detail"]) == (422, True)
    assert (await hub.call("GET", "/api/v1/devices/boiler"))[1]["metrics"] == []


async def test_wrong_rows_are_named_by_their_line_and_the_others_are_taken(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": T0, "values": {"note": "x"}})
    rows = [
        "device,metric,type,time,value",
        f'boiler,note,text,{T0 + 1},"two',
        'lines"',
        "boiler,t,number,soon,1",
        f"boiler,t,number,{T0},1",
        f"boiler,t,number,{T0},warm",
        f"boiler,t,text,{T0},warm",
        f"boiler,.b,number,{T0},1",
        "boiler,t",
        f"boiler,t,number,{T0 + 10**9},1",
        f",t,number,{T0},1",
        f"boiler,t,number,{T0},inf",
        f"boiler,note,number,{T0 + 2},5",
        "boiler,t,number,1396310400,1",
    ]
    found = await summary(hub, "\n".join(rows) + "\n")
    assert (found["rows"], found["added"], found["refused"]) == (12, 2, 10)
    assert [fault["line"] for fault in found["faults"]] == [4, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    messages = {fault["line"]: fault["message"] for fault in found["faults"]}
    assert messages[6] == "value: a number is wanted, got warm"
    assert messages[9] == "5 columns are wanted, got 2"
    assert "ahead of the hub's clock" in messages[10]
    assert messages[13] == "value: a text is wanted, got a number"


async def test_values_outside_a_metrics_range_are_refused_as_from_a_device(hub: Hub) -> None:
    await fill(hub)
    wanted = {"metrics": [{"name": "t", "minimum": -5, "maximum": 90}]}
    assert (await hub.call("PATCH", "/api/v1/devices/boiler", wanted))[0] == 200
    rows = [
        f"boiler,{name},{T0 + 9_000 + place},{value}"
        for place, (name, value) in enumerate(
            [("t", "90"), ("t", "90.5"), ("t", "-6"), ("open", "true"), ("new", "1000")]
        )
    ]
    found = await summary(hub, "\n".join(["device,metric,time,value", *rows, f"pump,t,{T0},1000"]))
    assert (found["added"], found["refused"]) == (4, 2)
    assert [(one["line"], one["message"]) for one in found["faults"]] == [
        (3, "value: 90.5 is outside -5.0 to 90.0"),
        (4, "value: -6.0 is outside -5.0 to 90.0"),
    ]


async def test_a_text_that_is_too_long_is_refused_as_from_a_device(hub: Hub) -> None:
    await hub.device()
    rows = [f"boiler,note,{T0 + length},{'x' * length}" for length in (4096, 4097)]
    found = await summary(hub, "\n".join(["device,metric,time,value", *rows]))
    assert (found["added"], found["refused"]) == (1, 1)
    assert found["faults"] == [{"line": 3, "message": "value: a text has at most 4096 characters"}]


async def test_wrong_lines_of_json_are_named_and_bounded(hub: Hub) -> None:
    await hub.device()
    good = json.dumps({"device": "boiler", "metric": "t", "time": T0, "value": 1})
    found = await summary(hub, good + "\n\n" + "{no\n" * 50, "?format=ndjson")
    assert (found["added"], found["refused"], len(found["faults"])) == (1, 50, 20)
    assert found["faults"][0] == {"line": 3, "message": "it is not JSON"}


async def test_unknown_devices_are_made_only_when_that_is_asked_for(hub: Hub) -> None:
    rows = f"device,metric,time,value\nfan,t,{T0},1\n"
    status, [problem] = await bring(hub, rows)
    assert (status, "there is no device fan" in problem["detail"]) == (404, True)
    assert (await hub.call("GET", "/api/v1/devices"))[1]["devices"] == []
    assert (await summary(hub, rows, "?create_devices=true"))["added"] == 1
    assert (await hub.call("GET", "/api/v1/devices/fan"))[1]["metrics"][0]["name"] == "t"


@pytest.mark.parametrize(
    ("content", "query"),
    [
        (b"", ""),
        (b"a,b\n1,2\n", ""),
        (b"time\n1\n", ""),
        (b"time,time\n1,2\n", ""),
        (b"\xff\xfe\x00time", ""),
        (b"PAR1 not at all", "?format=parquet"),
    ],
)
async def test_a_file_that_is_none_is_refused(hub: Hub, content: bytes, query: str) -> None:
    status, [problem] = await bring(hub, content, query)
    assert (status, problem["code"]) == (400, "unreadable")


async def test_only_an_admin_without_a_scope_imports(hub: Hub) -> None:
    assert (await bring(hub, "time,value\n", "", hub.bearer(Role.OPERATOR)))[0] == 403
    assert (await bring(hub, "time,value\n", "", hub.bearer(Role.ADMIN, ["boiler"])))[0] == 403


async def test_values_from_before_what_retention_took_are_left_out_and_counted(hub: Hub) -> None:
    """Minutes and hours hold them already, and would count them twice."""
    await hub.device()
    await hub.send({"ts": T0, "values": {"t": 1.0}})
    cut = f"INSERT INTO cuts VALUES ('sealed', 1, make_timestamp({(T0 - 1000) * 1000}))"
    await hub.services.history.keep(lambda cursor: cursor.execute(cut).fetchall())
    rows = f"time,value\n{T0 - 1001},5\n{T0 - 1000},6\n{T0},1\n"
    found = await summary(hub, rows, "?device=boiler&metric=t")
    assert (found["added"], found["held"], found["forgotten"]) == (1, 1, 1)


async def test_one_import_runs_at_a_time(hub: Hub) -> None:
    await hub.device()
    async with hub.services.imports.running:
        status, [problem] = await bring(hub, f"time,value\n{T0},1\n", "?device=boiler&metric=t")
        assert (status, problem["code"]) == (429, "busy")
    assert (await summary(hub, f"time,value\n{T0},1\n", "?device=boiler&metric=t"))["added"] == 1


async def test_many_pages_are_told_of_as_they_are_stored(hub: Hub) -> None:
    await hub.device()
    rows = "time,value\n" + "".join(f"{T0 - place * 1000},{place}\n" for place in range(50_000))
    status, lines = await bring(hub, rows, "?device=boiler&metric=t")
    assert (status, lines[-1]["summary"]["added"]) == (200, 50_000)
    assert [line["done"] for line in lines[:-1]] == [0, 20_000, 40_000, 50_000]
