"""Every row of a file is added or accounted for, by its line and a reason."""

import json

import pytest

from tests.http.conftest import Hub
from tests.http.files import T0, bring, exported, summary

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
    """What stands between two quotes may be a text, so it is never taken for rows: a device could have sent
    it.
    """
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
    names = [f"m{number}" for number in range(hub.rooms.config.limits.metrics_max + 1)]
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
    await hub.device("boiler")
    await hub.device("pump")
    await hub.send({"ts": T0, "values": {"t": 1.0, "open": True}})
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
