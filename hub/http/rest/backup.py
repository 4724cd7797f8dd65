"""REST: a copy of both stores."""

import re
from contextlib import aclosing
from pathlib import Path

import orjson
from aiohttp import web
from pydantic import Field

from hub import __version__
from hub.errors import Forbidden, HubError, Invalid
from hub.history.backup import Backup
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Asked
from hub.http.rest.times import rfc3339
from hub.http.rooms import CLOCK, CONFIG, FLEET, HISTORY
from hub.logs import Logger

NDJSON = "application/x-ndjson"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"

_log = Logger("http")


class BackupQuery(Asked):
    """Where the copy goes."""

    output: str = Field(
        min_length=1,
        max_length=4000,
        description="a folder that is not there yet: its full path by the hub's Unix socket, else a name in "
        "store.backup_path",
    )


def _place(call: Call[BackupQuery, Nothing]) -> Path:
    """Where the copy goes. The owner of the process gives a path, others a name in `store.backup_path`."""
    asked, folder = call.query.output, call.app[CONFIG].store.backup_path
    if call.is_local:
        return Path(asked)
    if not folder:
        raise Forbidden(
            "the stores are copied by `hub backup` on the hub's own machine; over the network too, where "
            "store.backup_path says where to"
        )
    if not re.fullmatch(NAME, asked):
        raise Invalid(
            "output: over the network this is a name of letters, digits, '.', '_' and '-'", "output"
        )
    return Path(folder).absolute() / asked


async def back_up(call: Call[BackupQuery, Nothing]) -> web.StreamResponse:
    """Copy both stores into a new folder of the hub's machine.

    Answers lines of JSON: {"bytes","total"} as it goes, at the end {"summary": …} or, if it broke off,
    {"error": …}.
    """
    output = _place(call)
    devices = {device.number for device in call.app[FLEET].devices.with_readings()}
    backup = Backup(call.app[HISTORY], call.app[CONFIG].data_dir, output, devices)
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    try:
        async with aclosing(backup.run(rfc3339(call.app[CLOCK]()), __version__)) as steps:
            async for step in steps:
                if not response.prepared:
                    await response.prepare(call.request)
                await response.write(orjson.dumps(step._asdict()) + b"\n")
        if not response.prepared:
            await response.prepare(call.request)
        await response.write(orjson.dumps({"summary": backup.manifest}) + b"\n")
    except ConnectionError:
        _log.info("who asked for a backup went away; it was left", output=call.query.output)
    except HubError as error:
        if not response.prepared:
            raise
        await response.write(orjson.dumps({"error": str(error), "code": error.code}) + b"\n")
    return response
