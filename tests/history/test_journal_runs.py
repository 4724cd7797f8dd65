"""A journal that is put back after the hub went on without it: taken over whole or refused, never in part."""

import random
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.history.duckdb.history import EmbeddedHistory
from hub.history.duckdb.state import looked_at
from hub.history.journal.damage import damage_of, look
from hub.history.journal.reading import AnotherRun, HistoryState, segments
from hub.history.journal.repair import plan
from hub.history.journal.segment import NO_RUN
from tests.history.journals import HISTORY, batch_of, opened
from tests.history.rows import append, folded, stored_values
from tests.rounds import rounds

SMALL = 8 * 4_096  # journals of several files
STEPS = 14


class Store:
    """A history as far as its journal knows it, the journal's folder, and those that somebody moved away."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.folder = root / "journal"
        self.away: list[tuple[Path, list[float]]] = []
        self.state = HistoryState(HISTORY, 0, NO_RUN)
        self.kept: list[float] = []  # what the history has
        self.waiting: list[float] = []  # what is in the folder
        self._root = root
        self._chance = chance
        self._made = self._moved = 0
        self._given = 0.0

    def run(self) -> bool:
        """Start, take in, fold some of it, and be killed. False where the journal is refused."""
        self._made += 1
        run = self._made.to_bytes(16, "big")
        with opened(self.folder, bytes_max=SMALL, run=run) as journal:
            try:
                found = [
                    value for batch in journal.found(self.state, batch_of(1).stored) for value in batch.value
                ]
            except AnotherRun:
                return False
            if found:
                self._fold(found, journal.run)
            assert set(self.waiting) <= set(self.kept)
            journal.clear()
            self.waiting = []
            for number in range(self.state.batches + 1, self.state.batches + self._chance.randint(2, 12)):
                self._given += 1
                self.waiting.append(self._given)
                journal.append(batch_of(number, self._given, *([0.5] * self._chance.choice((0, 100)))))
            some = self.waiting[: self._chance.choice((0, 0, 1, len(self.waiting) // 2, len(self.waiting)))]
            if some:
                self._fold(some, journal.run)
                journal.forget(self.state.batches)
        return True

    def _fold(self, values: list[float], run: bytes) -> None:
        whole = [value for value in values if value != 0.5]
        self.kept += whole
        self.state = HistoryState(HISTORY, self.state.batches + len(whole), run)

    def move_away(self) -> None:
        """What is in the folder, all of it."""
        if segments(self.folder):
            self._moved += 1
            self.away.append((self._root / f"away {self._moved}", self.waiting))
            self.folder.rename(self.away[-1][0])
            self.waiting = []

    def put_back(self) -> None:
        """One that was moved away, in place of what is there."""
        if self.away:
            path, waiting = self.away.pop(self._chance.randrange(len(self.away)))
            self.move_away()
            if self.folder.exists():
                self.folder.rmdir()
            path.rename(self.folder)
            self.waiting = waiting


@pytest.mark.parametrize("seed", range(rounds(20)))
def test_whatever_is_moved_away_and_put_back_nothing_is_dropped_or_doubled(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    store = Store(tmp_path, chance)
    is_moved = False
    for _ in range(STEPS):
        step = chance.random()
        if step < 0.25:
            store.move_away()
            is_moved = True
        elif step < 0.5:
            store.put_back()
        elif not store.run():
            assert is_moved  # one that stayed where it was is never refused
            before = {path: path.read_bytes() for path in segments(store.folder)}
            assert not store.run()
            assert {path: path.read_bytes() for path in segments(store.folder)} == before
            store.folder.rename(tmp_path / f"refused {len(list(tmp_path.iterdir()))}")
            store.waiting = []
        assert len(set(store.kept)) == len(store.kept)


async def test_a_hub_does_not_start_on_a_journal_without_which_it_has_gone_on(tmp_path: Path) -> None:
    path, journal = tmp_path / "history.duckdb", tmp_path / "journal"
    async with EmbeddedHistory.open(path, 128, 100) as history:
        append(history, 1.0)
    with looked_at(path) as state, opened(journal, state.identity, run=b"run that is kept") as kept:
        kept.append(batch_of(state.batches + 1, 2.0))
    journal.rename(tmp_path / "old journal")
    async with EmbeddedHistory.open(path, 128, 100) as history:
        append(history, 3.0)
        await folded(history)
    journal.rmdir()
    (tmp_path / "old journal").rename(journal)
    [file] = segments(journal)
    before = file.read_bytes()

    with pytest.raises(StoreError, match=rf"{file}: the hub has gone on without.*Move {journal} away"):
        async with EmbeddedHistory.open(path, 128, 100):
            pass
    with looked_at(path) as state:
        assert "has gone on without this journal" in damage_of(look(journal, state))[0].why
        with pytest.raises(StoreError, match="has gone on without this journal"):
            plan(journal, state)
    assert file.read_bytes() == before

    journal.rename(tmp_path / "old journal")
    async with EmbeddedHistory.open(path, 128, 100):
        pass
    assert stored_values(path) == [1.0, 3.0]
