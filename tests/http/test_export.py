"""Exports over REST: streamed, within the scope of who asks, and stopped when nobody reads."""

import asyncio
import csv
import io
import socket
from urllib.parse import urlsplit

import pytest

from hub.http.slots import SLOTS
from hub.model import Role
from tests.http.conftest import Hub
from tests.waiting import until

EXPORT = "/api/v1/export"


async def fetch(hub: Hub, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, list[str]]:
    shown = hub.bearer(Role.VIEWER) if headers is None else headers
    async with hub.client.get(EXPORT + query, headers=shown) as response:
        return response.status, (await response.text()).splitlines()


async def fill(hub: Hub) -> None:
    for device_id, hall in (("boiler", "A"), ("pump", "B")):
        await hub.device(device_id, labels={"hall": hall})
        await hub.send([{"t": 1.0, "open": True}, {"t": 2.0}], device_id)


async def test_what_is_asked_for_is_exported_and_counted(hub: Hub) -> None:
    await fill(hub)
    async with hub.client.get(EXPORT, headers=hub.bearer(Role.VIEWER)) as response:
        lines = (await response.text()).splitlines()
        assert response.headers["X-Total-Count"] == "6" == str(len(lines) - 1)
        assert response.content_type == "text/csv"
        assert response.headers["Transfer-Encoding"] == "chunked"
    devices = {line.partition(",")[0] for line in lines[1:]}
    assert devices == {"boiler", "pump"}
    assert len((await fetch(hub, "?metric=t"))[1]) == 1 + 4
    assert len((await fetch(hub, "?device=boiler&device=pump&metric=t&format=ndjson"))[1]) == 4
    assert len((await fetch(hub, "?label=hall=B"))[1]) == 1 + 3
    assert len((await fetch(hub, "?to=2000-01-01T00:00:00Z"))[1]) == 1


async def test_parquet_is_sent_whole(hub: Hub) -> None:
    await fill(hub)
    async with hub.client.get(EXPORT + "?format=parquet", headers=hub.bearer()) as response:
        content = await response.read()
    assert (content[:4], content[-4:]) == (b"PAR1", b"PAR1")


async def test_a_scope_holds_for_exports_too(hub: Hub) -> None:
    await fill(hub)
    only = hub.bearer(Role.VIEWER, ["pump"])
    status, lines = await fetch(hub, "", only)
    assert (status, {line.partition(",")[0] for line in lines[1:]}) == (200, {"pump"})
    assert (await fetch(hub, "?device=boiler", only))[0] == 404
    assert (await fetch(hub, "", {}))[0] == 401


async def test_a_wrong_query_is_refused(hub: Hub) -> None:
    for query in ("?format=xls", "?from=5&to=4", "?label=hall", "?from=soon"):
        assert (await fetch(hub, query))[0] == 422, query
    assert (await fetch(hub, "?device=nobody"))[0] == 404


@pytest.mark.parametrize(
    ("query", "lacking"),
    [
        ("metric=humidity", "humidity"),
        ("device=boiler&metric=humidity", "humidity"),
        ("device=boiler&metric=t&metric=humidity", "humidity"),
        ("label=hall=B&metric=only_boiler", "only_boiler"),
        ("device=pump&metric=only_boiler", "only_boiler"),
    ],
)
@pytest.mark.parametrize("written", ["csv", "ndjson", "parquet"])
async def test_a_metric_that_is_not_there_is_not_an_empty_export(
    hub: Hub, query: str, lacking: str, written: str
) -> None:
    await fill(hub)
    await hub.send({"only_boiler": 1.0}, "boiler")
    status, [problem] = await fetch(hub, f"?{query}&format={written}")
    assert (status, repr(lacking) in problem) == (404, True)
    assert (await fetch(hub, "?metric=t&metric=only_boiler"))[0] == 200  # one of the devices has it
    only_pump = hub.bearer(Role.VIEWER, ["pump"])
    hidden = await fetch(hub, "?metric=only_boiler", only_pump)
    absent = await fetch(hub, "?metric=nowhere", only_pump)
    assert hidden[0] == absent[0] == 404
    assert hidden[1][0].replace("only_boiler", "nowhere") == absent[1][0]


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(1)", "\t=1", "\r=1", "＝1", '="a,b"']


async def test_a_spreadsheet_finds_no_formula_in_what_devices_said(hub: Hub) -> None:
    await hub.device()
    names = [text for text in FORMULAS if text == text.strip()]
    harmless = ["warm", "'quoted", "a=b", "1-2", "ü"]
    await hub.send([{"values": {"note": text}} for text in [*harmless, *FORMULAS]])
    await hub.send({"values": dict.fromkeys(names, -1.5)})
    async with hub.client.get(EXPORT, params={"safe": "spreadsheet"}, headers=hub.bearer()) as response:
        rows = list(csv.DictReader(io.StringIO(await response.text(), newline="")))
    texts = [row["value"] for row in rows if row["type"] == "text"]
    assert sorted(texts) == sorted([*(f"'{text}" for text in FORMULAS), *harmless])
    assert {row["metric"] for row in rows} == {"note", *(f"'{name}" for name in names)}
    assert {row["value"] for row in rows if row["type"] == "number"} == {"-1.5"}  # a number stays one
    async with hub.client.get(EXPORT, headers=hub.bearer()) as response:  # as it is, to be imported again
        rows = list(csv.DictReader(io.StringIO(await response.text(), newline="")))
    assert {row["metric"] for row in rows} == {"note", *names}
    for other in ("ndjson", "parquet"):
        assert (await fetch(hub, f"?safe=spreadsheet&format={other}"))[0] == 422


async def stalled(hub: Hub, headers: dict[str, str]) -> socket.socket:
    """A client that asks for everything and reads nothing of it."""
    address = urlsplit(hub.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (address.hostname, address.port))
    asked = f"GET {EXPORT} HTTP/1.1\r\nHost: hub\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
    await loop.sock_sendall(client, asked.encode())
    return client


async def test_clients_that_do_not_read_hold_nothing_up_and_are_forgotten_when_they_go(hub: Hub) -> None:
    await hub.device()
    for _ in range(20):  # more than the buffers of two connections hold
        assert (await hub.send([{"n": 1.5, "m": "x" * 4_000}] * 200))[0] == 200
        hub.clock.ahead_s += 10  # within its rate
    exports, each = hub.app[SLOTS].exports, hub.rooms.config.limits.exports_each_max
    headers = hub.bearer()
    clients = [await stalled(hub, headers) for _ in range(each)]
    await until(lambda: len(exports) == each)
    async with hub.client.get(EXPORT, headers=headers) as response:
        problem = await response.json(content_type=None)
        assert (response.status, problem["limit"]) == (429, "limits.exports_each_max")
    assert (await fetch(hub, "?device=boiler&metric=n"))[0] == 200  # another's
    assert (await hub.send({"n": 1.0}))[0] == 200
    assert (await hub.call("GET", "/api/v1/devices/boiler/history?metric=n"))[0] == 200
    assert len(exports) == each  # those wait still
    for client in clients:
        client.close()
    await until(lambda: len(exports) == 0)
    assert (await fetch(hub, "?device=boiler&metric=n"))[0] == 200
