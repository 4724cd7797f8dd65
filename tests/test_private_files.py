"""Nobody but the hub's owner reads its stores, whatever modes were there before."""

import stat
from pathlib import Path

import pytest

from hub.compose import open_rooms
from hub.config import Config, StoreConfig
from hub.private_files import StoreFolders
from tests.hub_process import HubProcess, make_store


def modes(*folders: Path) -> dict[str, int]:
    """What others may do with what is in the folders, where that is anything."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {path.name: mode for path in paths if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077}


def open_up(*folders: Path) -> None:
    """As an earlier version or a hand has left it."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_store_that_was_open_to_others_is_closed_at_the_start(
    tmp_path: Path, elsewhere: bool
) -> None:
    journal = tmp_path / "fast" if elsewhere else tmp_path / "data" / "journal"
    journal_path = str(journal) if elsewhere else ""
    config = Config(store=StoreConfig(path=str(tmp_path / "data"), journal_path=journal_path))
    async with open_rooms(config):
        pass
    open_up(tmp_path / "data", journal)
    assert list(StoreFolders.of(config).open_to_others())
    async with open_rooms(config):
        assert modes(tmp_path / "data", journal) == {}
    assert list(StoreFolders.of(config).open_to_others()) == []


async def test_a_folder_with_other_files_keeps_its_mode_and_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.jpg").touch(0o644)
    tmp_path.chmod(0o755)
    folders = StoreFolders.of(Config(store=StoreConfig(path=str(tmp_path))))
    (tmp_path / "registry.db").touch(0o644)
    [told] = folders.make_private()
    assert "0755, and should have 0700" in told
    assert "photo.jpg" in told
    assert modes(tmp_path) == {tmp_path.name: 0o755, "photo.jpg": 0o644}


def test_what_a_running_hub_writes_is_its_owners_alone(hub_process: HubProcess, tmp_path: Path) -> None:
    hub_process.add_device("pump")
    assert modes(hub_process.data_dir) == {}


def test_a_hub_makes_nothing_for_others_in_a_new_folder(tmp_path: Path) -> None:
    assert modes(make_store(tmp_path / "data")) == {}
