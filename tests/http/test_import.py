"""Imports over REST: what was exported comes back the same, once, and wrong rows are named."""

import asyncio
import csv
import io
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.config import Config
from hub.http.rooms import IMPORTS
from hub.model import Role, is_name
from tests.history.rows import database
from tests.http.conftest import Hub, running_hub
from tests.http.files import T0, bring, exported, summary
from tests.rounds import rounds

ODD = st.sampled_from(list("\"',;={}/%\\\\?#&+ .:°温é🙂\u200b\n"))
NOTES = ["plain", 'with "quotes", and commas', "two\nlines", "", "ä€🙂", "20.5", "true"]


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


NAMES = st.text(ODD | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(is_name)
TEXTS = st.text(ODD | st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=rounds(2))
@given(st.lists(NAMES, min_size=10, max_size=30, unique=True), st.lists(TEXTS, min_size=5, max_size=9))
@example(
    [
        "temp °C",
        "温度",
        "=1+1",
        'a","pump","b',
        'say "so"',
        "a, b",
        "x;y",
        "-",
        "a\u200bb",
        "'",
        "{}",
        "\\\\",
    ],
    ["=cmd|' /C calc'!A0", 'x"\n"pump","t",1\n', "\r", "\x00", "\u2028", "\\u0041"],
)
def test_every_name_and_text_survives_an_export_and_an_import(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], texts: list[str]
) -> None:
    async def check() -> None:
        async with running_hub(tmp_path_factory.mktemp("data"), Config()) as hub:
            for device_id in ("boiler", "pump"):
                await hub.device(device_id)
                readings = [{"ts": T0, "values": dict.fromkeys(names[::2], 1.5)}]
                readings += [
                    {"ts": T0 + place, "values": dict.fromkeys(names[1::2], f"{device_id} {text}")}
                    for place, text in enumerate(texts)
                ]
                assert await hub.send(readings, device_id) == (200, {"accepted": len(readings)})
            wanted = await stored_values(hub, names)
            files = {
                written: await exported(hub, f"?format={written}") for written in ("csv", "ndjson", "parquet")
            }
            rows = list(csv.DictReader(io.StringIO(files["csv"].decode(), newline=""), strict=True))
            assert {(row["device"], row["metric"]) for row in rows} == {key for key, _ in wanted}
            lines = [json.loads(line) for line in files["ndjson"].decode().split("\n")[:-1]]
            assert {(line["device"], line["metric"]) for line in lines} == {key for key, _ in wanted}
            for written, file in files.items():
                for device in hub.rooms.fleet.devices.all():
                    await hub.rooms.fleet.remove(device)
                found = await summary(hub, file, f"?format={written}&create_devices=true")
                assert (found["added"], found["refused"], found["empty"]) == (len(wanted), 0, 0)
                assert await stored_values(hub, names) == wanted

    asyncio.run(check())


async def stored_values(hub: Hub, names: list[str]) -> list[tuple[tuple[str, str], object]]:
    """Device and metric, with the value, of all there is: by REST, and not by an export."""
    found: list[tuple[tuple[str, str], object]] = []
    for device_id in ("boiler", "pump"):
        for name in names:
            query = f"metric={quote(name, safe='')}&from={T0}&to={T0 + 1000}&points=1000"
            status, answer = await hub.call("GET", f"/api/v1/devices/{device_id}/history?{query}")
            assert (status, answer["metric"]) == (200, name)
            found += [((device_id, name), value) for value in answer["avg"]]
    return found


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
    assert (await bring(hub, "time,value\n", "", hub.bearer(Role.MANAGER, ["boiler"])))[0] == 403


async def test_values_from_before_what_retention_took_are_left_out_and_counted(new_hub: Hub) -> None:
    """Minutes and hours hold them already, and would count them twice."""
    await new_hub.device()
    await new_hub.send({"ts": T0, "values": {"t": 1.0}})
    cut = f"INSERT INTO cuts VALUES ('sealed', 1, make_timestamp({(T0 - 1000) * 1000}))"
    await database(new_hub.rooms.history).keep(lambda cursor: cursor.execute(cut).fetchall())
    rows = f"time,value\n{T0 - 1001},5\n{T0 - 1000},6\n{T0},1\n"
    found = await summary(new_hub, rows, "?device=boiler&metric=t")
    assert (found["added"], found["held"], found["forgotten"]) == (1, 1, 1)


async def test_one_import_runs_at_a_time(hub: Hub) -> None:
    await hub.device()
    async with hub.app[IMPORTS].running:
        status, [problem] = await bring(hub, f"time,value\n{T0},1\n", "?device=boiler&metric=t")
        assert (status, problem["code"]) == (429, "busy")
    assert (await summary(hub, f"time,value\n{T0},1\n", "?device=boiler&metric=t"))["added"] == 1


async def test_many_pages_are_told_of_as_they_are_stored(hub: Hub) -> None:
    await hub.device()
    rows = "time,value\n" + "".join(f"{T0 - place * 1000},{place}\n" for place in range(50_000))
    status, lines = await bring(hub, rows, "?device=boiler&metric=t")
    assert (status, lines[-1]["summary"]["added"]) == (200, 50_000)
    assert [line["done"] for line in lines[:-1]] == [0, 20_000, 40_000, 50_000]
