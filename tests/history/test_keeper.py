"""The keeper knows without asking the file whether there is something to do: an idle hub asks it nothing."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.history.batch import Batch, Retyped
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.keeper import CHORES_INTERVAL_US, Bounds, Keeper
from hub.model import MetricType
from tests.history.rows import DEVICE, T0, TEMPERATURE, append, folded
from tests.stores import empty_history

AGE_US = CHORES_INTERVAL_US // 2
BOUNDS = Bounds(fill_rows=10, fill_age=AGE_US)


class Kept:
    """A history with its keeper, which has done what there was to do."""

    def __init__(self, history: EmbeddedHistory) -> None:
        self.history = history
        self.now = T0
        self.keeper = Keeper(history.database, dict, lambda: self.now, BOUNDS)

    async def rest(self) -> None:
        while await self.keeper.step():
            pass


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with EmbeddedHistory.open(empty_history(tmp_path), 128, 20) as history:
        found = Kept(history)
        append(history, 1.0)
        await folded(history)
        await found.rest()
        yield found


async def test_a_keeper_that_has_nothing_to_do_is_not_due(kept: Kept) -> None:
    assert not kept.keeper.is_due()
    append(kept.history, 2.0, 3.0)
    await folded(kept.history)
    kept.now += AGE_US - 1
    assert not kept.keeper.is_due()


CHANGES: dict[str, Callable[[Batch], object]] = {
    "a device is removed": lambda batch: batch.removed.add(DEVICE),
    "a metric is removed": lambda batch: batch.removed_metrics.add(TEMPERATURE.number),
    "a metric has another type": lambda batch: batch.retyped.append(
        Retyped(TEMPERATURE.number, MetricType.NUMBER, 2, MetricType.TEXT)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_changes_is_due_once_it_is_folded(kept: Kept, change: Callable[[Batch], object]) -> None:
    change(kept.history.batch)
    await folded(kept.history)
    assert kept.keeper.is_due()
    await kept.rest()
    assert not kept.keeper.is_due()


@pytest.mark.parametrize("text", [False, True])
async def test_many_rows_are_due(kept: Kept, text: bool) -> None:
    if text:
        kept.history.batch.texts += [(DEVICE, 2, T0, T0, "on")] * 9
    else:
        append(kept.history, *range(9))
    await folded(kept.history)
    assert kept.keeper.is_due()
    await kept.rest()
    assert not kept.keeper.is_due()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("text", [False, True])
async def test_an_old_row_is_due(tmp_path: Path, text: bool, restarted: bool) -> None:
    path = tmp_path / "history.duckdb"
    async with EmbeddedHistory.open(path, 128, 20) as history:
        kept = Kept(history)
        await kept.rest()
        kept.now += AGE_US - 1
        assert not kept.keeper.is_due()
        if text:
            history.batch.texts.append((DEVICE, 2, T0, T0, "on"))
        else:
            append(history, 1.0)
        await folded(history)
        assert not kept.keeper.is_due()
        if not restarted:
            kept.now += 1
            assert kept.keeper.is_due()
    async with EmbeddedHistory.open(path, 128, 20) as history:
        kept = Kept(history)
        await kept.rest()
        assert not kept.keeper.is_due()
        kept.now += AGE_US
        assert kept.keeper.is_due()


@pytest.mark.parametrize("by", [CHORES_INTERVAL_US, -1])
async def test_chores_are_due_after_a_while_and_where_the_clock_was_set_back(tmp_path: Path, by: int) -> None:
    async with EmbeddedHistory.open(empty_history(tmp_path), 128, 20) as history:
        kept = Kept(history)
        await kept.rest()
        kept.now += by
        assert kept.keeper.is_due()
        await kept.rest()
        assert not kept.keeper.is_due()
