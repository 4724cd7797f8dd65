"""Imports beside everything else that happens: removals, restarts, new devices, a stop."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import Busy, StoreError
from hub.fleet.fleet import NewDevice
from hub.history.contract import Series
from hub.history.duckdb.keeper import Bounds, Keeper
from hub.intake.imports import ImportProgress, Imports, ImportStep, RefusedRows, Summary, Wanted
from hub.model import Reading, SequenceMark
from tests.history.rows import database
from tests.rooms import T0, Clock, Rooms, open_rooms
from tests.rounds import rounds

DEVICES = ("a", "b")
PAGE_ROWS = 2
STEPS = (
    *("send a", "send b", "remove a", "remove b", "add a", "add b"),
    *("import", "page", "page", "restart", "keep"),
)
steps = st.lists(st.sampled_from(STEPS), min_size=4, max_size=16)


def imports_of(rooms: Rooms, page_rows: int = PAGE_ROWS) -> Imports:
    return Imports(
        rooms.history,
        rooms.ingest,
        lambda: {device.id: device for device in rooms.fleet.devices.all()},
        lambda ids: rooms.fleet.add([NewDevice(device_id) for device_id in ids]),
        rooms.config.limits,
        rooms.config.readings,
        rooms.hub_clock,
        page_rows,
    )


class Play:
    """Values are numbers that are given once; of each it is known whom it was for, in which of its lives."""

    def __init__(self, folder: Path) -> None:
        self.data, self.files = folder / "data", folder / "files"
        self.data.mkdir()
        self.files.mkdir()
        self.clock = Clock()
        self.values = itertools.count(1)
        self.allowed: dict[str, set[float]] = {}  # of those that are there
        self.certain: dict[str, set[float]] = {}  # acknowledged to them
        self.numbers: dict[int, int] = {}  # metric: device
        self.importing: AsyncGenerator[ImportStep] | None = None

    async def run(self, taken: list[str]) -> None:
        left = list(taken)
        for opening in itertools.count():
            (self.data / f"opened-{opening}").touch()  # its number of files is what the keys are drawn by
            async with AsyncExitStack() as stack:
                rooms = await stack.enter_async_context(open_rooms(self.data, self.clock))
                while left and (step := left.pop(0)) != "restart":
                    await self.take(rooms, step)
                    self.check_numbers(rooms)
                if self.importing is not None:
                    await self.importing.aclose()
                    self.importing = None
                await self.check(rooms)
            if not left:
                return

    async def take(self, rooms: Rooms, step: str) -> None:
        what, _, device_id = step.partition(" ")
        there = {device.id: device for device in rooms.fleet.devices.all()}
        if what == "keep":
            await Keeper(database(rooms.history), dict, self.clock, Bounds(1, 0, 3)).step()
        elif what == "import" and self.importing is None:
            self.importing = self.begin(rooms)
            assert isinstance(await anext(self.importing), ImportProgress)  # the devices are made
            for made in DEVICES:
                self.allowed.setdefault(made, set()).update(self.coming[made])
        elif what == "page" and self.importing is not None:
            summary = await anext(self.importing)
            if isinstance(summary, Summary):
                self.importing = None
                assert summary.values == summary.added + summary.held + summary.forgotten + summary.refused
                assert summary.held == summary.forgotten == 0
        elif what == "add" and device_id not in there:
            await rooms.fleet.add([NewDevice(device_id)])
            self.allowed[device_id] = set()
        elif what == "send" and device_id in there:
            value = float(next(self.values))
            self.allowed[device_id].add(value)
            receipt = rooms.ingest.accept(there[device_id], [Reading(T0, {"t": value})], "test")
            await receipt.stored
            self.certain.setdefault(device_id, set()).add(value)
        elif what == "remove" and device_id in there:
            await rooms.fleet.removal.remove(there[device_id])
            self.allowed.pop(device_id)
            self.certain.pop(device_id, None)

    def begin(self, rooms: Rooms) -> AsyncGenerator[ImportStep]:
        self.coming = {device: {float(next(self.values)) for _ in range(3)} for device in DEVICES}
        rows = [
            f"{device},t,{T0 // 1000 + place},{value}"
            for device in DEVICES
            for place, value in enumerate(sorted(self.coming[device]))
        ]
        folder = Path(tempfile.mkdtemp(dir=self.files))
        (folder / "file").write_text("\n".join(["device,metric,time,value", *rows]))
        return imports_of(rooms).run(folder / "file", folder, Wanted(create_devices=True))

    def check_numbers(self, rooms: Rooms) -> None:
        """No metric has a number that another one had."""
        for device in rooms.fleet.devices.all():
            for metric in rooms.ingest.metrics(device).values():
                assert self.numbers.setdefault(metric.number, device.number) == device.number

    async def check(self, rooms: Rooms) -> None:
        await rooms.history.stored
        while await Keeper(database(rooms.history), dict, self.clock, Bounds()).step():
            pass
        for device in rooms.fleet.devices.all():
            series = [
                Series(metric.number, device.id, metric.name, metric.type)
                for metric in rooms.ingest.metrics(device).values()
            ]
            held = await rooms.history.held(series, 0, 2 * T0)
            values: set[float] = set()
            for metric in rooms.ingest.metrics(device).values():
                page = await rooms.history.raw(metric, 0, 2 * T0, None, 1_000)
                values |= {float(value) for value in page.value}
            assert sum(one.rows for one in held) == len(values)
            assert values <= self.allowed[device.id]
            assert values >= self.certain.get(device.id, set())
        known = {metric.number for metric in await rooms.history.metrics()}
        everywhere = " UNION ".join(
            f"SELECT metric FROM {table}" for table in ("readings", "filled", "sealed", "minutes", "latest")
        )
        found = await database(rooms.history).keep(lambda cursor: cursor.execute(everywhere).fetchall())
        assert {number for (number,) in found} <= known


@settings(max_examples=rounds(8))
@given(steps)
@example(["import", "page", "remove a", "page", "page", "restart", "add a", "send a"])
@example(["import", "remove a", "add a", "page", "keep", "page", "page", "page", "send a"])
def test_no_device_ever_gets_the_values_of_another(taken: list[str]) -> None:
    """Whatever is removed, added, restarted and kept while a file is being imported."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Play(Path(folder)).run(["add a", *taken]))


async def test_what_is_removed_while_a_file_is_read_is_refused_by_line(rooms: Rooms, tmp_path: Path) -> None:
    device, _ = await rooms.add("boiler")
    rows = [f"boiler,t,{T0 // 1000 + place},{place}" for place in range(5)]
    (tmp_path / "file").write_text("\n".join(["device,metric,time,value", *rows]))
    run = imports_of(rooms).run(tmp_path / "file", tmp_path, Wanted(refused=True))
    assert await anext(run) == ImportProgress(0, 5)
    assert await anext(run) == ImportProgress(2, 5)
    await rooms.fleet.removal.remove(device)
    await rooms.add("boiler")  # another one, that happens to be called the same
    said = [step async for step in run]
    summary = said[-1]
    assert isinstance(summary, Summary)
    assert (summary.values, summary.added, summary.refused) == (5, 2, 3)
    assert [fault.line for fault in summary.faults] == [4, 5, 6]
    assert summary.faults[0].message == "the device 'boiler' was removed meanwhile"
    (told,) = [step.rows for step in said if isinstance(step, RefusedRows)]
    assert [(row.line, row.text) for row in told] == list(zip([4, 5, 6], rows[2:], strict=True))
    assert rooms.ingest.metrics(rooms.fleet.devices.find("boiler")) == {}


async def test_a_metric_renamed_while_a_file_is_read_is_not_shown_by_its_old_name(
    rooms: Rooms, tmp_path: Path
) -> None:
    device, _ = await rooms.add("boiler")
    rows = [f"boiler,t,{T0 // 1000 + place},{place}" for place in range(4)]
    (tmp_path / "file").write_text("\n".join(["device,metric,time,value", *rows]))
    run = imports_of(rooms).run(tmp_path / "file", tmp_path, Wanted())
    assert await anext(run) == ImportProgress(0, 4)
    assert await anext(run) == ImportProgress(2, 4)
    metric = rooms.ingest.metric(device, "t")
    await rooms.ingest.edit(device, metric, replace(metric, name="u"))
    summary = [step async for step in run][-1]
    assert isinstance(summary, Summary)
    assert (summary.added, summary.refused) == (4, 0)
    shown = rooms.feed.device("boiler").snapshot()
    assert {name: value for name, (_, value) in shown.items()} == {"u": 3.0}


async def test_a_commit_that_never_came_is_not_told_as_added(tmp_path: Path, clock: Clock) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "file").write_text(f"time,value\n{T0 // 1000},1\n")
    async with open_rooms(data, clock) as rooms:
        await rooms.add("boiler")
        await rooms.history.stored
        rooms.history.batch.sequences[2**64] = SequenceMark(1, 0)  # no column holds this: the commit fails
        run = imports_of(rooms).run(tmp_path / "file", tmp_path, Wanted(device="boiler", metric="t"))
        assert await anext(run) == ImportProgress(0, 1)
        adding = asyncio.ensure_future(anext(run))
        async with asyncio.timeout(10):
            while not rooms.history.failure or not rooms.history.pending:
                await asyncio.sleep(0.01)
    with pytest.raises(StoreError, match="stopped"):
        await adding


async def test_one_file_at_a_time(rooms: Rooms, tmp_path: Path) -> None:
    await rooms.add("boiler")
    (tmp_path / "file").write_text(f"time,value\n{T0 // 1000},1\n")
    imports = imports_of(rooms)
    wanted = Wanted(device="boiler", metric="t")
    first = imports.run(tmp_path / "file", tmp_path, wanted)
    await anext(first)
    with pytest.raises(Busy):
        await anext(imports.run(tmp_path / "file", tmp_path, wanted))
    await first.aclose()
    imports.refuse_second()


async def take(rooms: Rooms, folder: Path, lines: list[str]) -> Summary:
    """Import these lines of CSV; what became of them."""
    folder.mkdir()
    file = folder / "file"
    file.write_text("\n".join(lines))
    steps = [step async for step in imports_of(rooms).run(file, folder, Wanted())]
    assert isinstance(steps[-1], Summary)
    return steps[-1]


@pytest.mark.parametrize("ahead_s", [299, 301, 86_400, 30 * 366 * 86_400])
@pytest.mark.parametrize("has_time", [True, False])
async def test_a_file_may_be_as_far_ahead_as_a_device(
    tmp_path: Path, clock: Clock, ahead_s: int, *, has_time: bool
) -> None:
    """A hub that has no time yet takes a device's for better than its own, and so a file's."""
    if not has_time:
        clock.set_by = 5_000_000 - clock.now  # 1970
    async with open_rooms(tmp_path, clock) as rooms:
        device, _ = await rooms.add("a")
        time = rooms.hub_clock() + ahead_s * 1_000_000
        sent = rooms.ingest.accept(device, [Reading(time, {"sent": 1.0})], "mqtt")
        found = await take(rooms, tmp_path / "import", ["device,metric,time,value", f"a,v,{time // 1000},1"])
        assert found.refused == len(sent.refusals)
        assert all("limits.future_max_s" in fault.message for fault in found.faults)


async def test_what_a_file_says_was_received_later_than_now_is_received_now(
    tmp_path: Path, clock: Clock
) -> None:
    """A hub that starts without a time goes on from the newest reading that it received."""
    async with open_rooms(tmp_path, clock) as rooms:
        await rooms.add("a")
        now, late = rooms.hub_clock() // 1000, T0 * 2 // 1000
        lines = ["device,metric,time,value,received_at", f"a,v,{now},1,{late}", f"a,w,{now},2,{now - 5}"]
        assert (await take(rooms, tmp_path / "import", lines)).added == 2
        assert [found.received_at for found in await rooms.history.latest()] == [T0, T0 - 5_000]
