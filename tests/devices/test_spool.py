import asyncio
import json
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from devices.client import DeviceClient
from devices.errors import SpoolError
from devices.spool import Spool
from tests.devices.peers import KEY, quick, small_hub
from tests.waiting import free_port

_DEVICE = """
import asyncio, sys
from devices import DeviceClient

async def main(url: str, spool: str, count: int) -> None:
    async with DeviceClient(url, "key", numbered=True, spool=spool) as device:
        for number in range(count):
            await device.send({"n": number}, time=1000 + number)
        print("queued", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def kill_a_device_with(count: int, spool: Path) -> None:
    """A device that has `count` readings in its spool and no hub to send them to, killed with SIGKILL."""
    arguments = [f"http://127.0.0.1:{free_port()}", str(spool), str(count)]
    device = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DEVICE, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert device.stdout is not None
    async with asyncio.timeout(30):
        assert await device.stdout.readline() == b"queued\n"
        device.kill()
        assert await device.wait() == -signal.SIGKILL


async def test_a_killed_device_finds_its_unsent_readings_again(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    await kill_a_device_with(300, path)
    spool = Spool(path)
    entries = spool.take(1_000, 1_000_000)
    spool.close()
    assert [json.loads(entry.text) for entry in entries] == [
        {"ts": 1000 + number, "seq": 1 + number, "values": {"n": number}} for number in range(300)
    ]


async def test_after_a_kill_the_next_run_sends_them_once_and_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    await kill_a_device_with(50, path)
    async with small_hub() as hub:
        async with DeviceClient(hub.http, KEY, numbered=True, spool=path, backoff=quick()) as device:
            await device.send({"n": 50})
            await device.flush()
        async with DeviceClient(hub.http, KEY, numbered=True, spool=path, backoff=quick()) as device:
            await device.send({"n": 51})
        assert hub.seen("n") == list(range(52))
        assert [reading["seq"] for reading in hub.readings] == list(range(1, 53))


def test_a_second_program_is_told_that_the_spool_is_taken(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.db")
    with pytest.raises(SpoolError, match="another program has it open"):
        Spool(tmp_path / "spool.db")
    first.close()
    Spool(tmp_path / "spool.db").close()


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (x)")
    other.commit()
    other.close()
    with pytest.raises(SpoolError, match="another program"):
        Spool(path)


def test_a_file_that_is_no_database_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at as one\n" * 40)
    with pytest.raises(SpoolError, match=r"notes\.txt: file is not a database"):
        Spool(path)


def test_a_folder_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="nowhere"):
        Spool(tmp_path / "nowhere" / "spool.db")
