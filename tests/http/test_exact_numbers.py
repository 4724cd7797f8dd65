"""No number is changed without a word, whatever brings it: it is kept as it is, or refused with a reason."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.config import Config, MqttConfig
from hub.http.rooms import MQTT_PORT
from hub.mqtt.codec.packets import Puback
from tests.http.conftest import Hub
from tests.http.files import summary
from tests.mqtt.client import Client

ONE = "/api/v1/devices/boiler"
T0 = 1_795_170_094_504
# Of each, what it is changed by; as a whole number of 64 bits JSON keeps the first.
WHOLE = "9007199254740993"
CHANGED = [f"{WHOLE}.0", f"-{WHOLE}.00", f"{WHOLE}e0", "1.0000000000000001e16", f"{WHOLE}0e-1", f"{WHOLE}.5"]
LONG = ["18446744073709551616", "123456789012345678901234567890", "-9223372036854775809"]
KEPT = ["0.1", "9007199254740992.0", "6.02214076e23", "1e16"]
SHAPES = ["{}", '{{"a":[1,{}]}}', "[[{}]]"]


@pytest.fixture
def config() -> Config:
    return Config(mqtt=MqttConfig(port=0))


@pytest.fixture
async def hub(hub: Hub) -> Hub:
    await hub.device()
    return hub


async def send(hub: Hub, method: str, path: str, body: str) -> tuple[int, Any]:
    headers = {**hub.bearer(), "Content-Type": "application/json"}
    async with hub.client.request(method, path, data=body, headers=headers) as response:
        return response.status, await response.json(content_type=None) if response.status != 204 else None


async def test_what_operators_write_is_kept_or_refused(hub: Hub) -> None:
    for shape in SHAPES:
        for number in [*CHANGED, *LONG]:
            for method, path, body in (
                ("PUT", "attributes", f'{{"shared":{{"serial":{shape.format(number)}}}}}'),
                ("POST", "commands", f'{{"method":"m","params":{shape.format(number)}}}'),
            ):
                status, problem = await send(hub, method, f"{ONE}/{path}", body)
                assert (status, "send it as a text" in problem["detail"]) == (422, True), body
        for number in [*KEPT, WHOLE, "18446744073709551615", "-9223372036854775808"]:
            value = shape.format(number)
            for method, path, body in (
                ("PUT", "attributes", f'{{"shared":{{"serial":{value}}}}}'),
                ("POST", "commands", f'{{"method":"m","params":{value}}}'),
            ):
                assert (await send(hub, method, f"{ONE}/{path}", body))[0] in (200, 201, 204), body
            _, found = await hub.call("GET", f"{ONE}/attributes")
            assert found["shared"]["serial"] == json.loads(value)


@pytest.mark.parametrize("number", [WHOLE, *CHANGED, *LONG[1:]])
async def test_what_operators_set_of_a_metric_is_kept_or_refused(hub: Hub, number: str) -> None:
    await hub.send({"t": 1.0})
    for body in (
        f'{{"metrics":[{{"name":"t","minimum":{number}}}]}}',
        f'{{"metrics":[{{"name":"t","thresholds":{{"warning_high":{number}}}}}]}}',
    ):
        status, problem = await send(hub, "PATCH", ONE, body)
        assert (status, "2^53" in problem["detail"]) == (422, True)
    status, _ = await send(hub, "PATCH", ONE, '{"metrics":[{"name":"t","maximum":9007199254740992}]}')
    assert status == 200


async def test_what_a_device_says_on_its_socket_is_kept_or_refused(hub: Hub) -> None:
    async with hub.device_socket() as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        for number in CHANGED:
            for shape in SHAPES:
                value = shape.format(number)
                await socket.send_str(f'{{"type":"attributes","id":1,"values":{{"serial":{value}}}}}')
                said = await socket.receive_json()
                assert (said["type"], "send it as a text" in said["message"]) == ("error", True)
                for body in (f'{{"c":{value}}}', f'{{"ts":{T0},"values":{{"c":{value}}}}}'):
                    for written in (body, f'{{"id":4,"readings":[{body}]}}'):
                        await socket.send_str(written)
                        said = await socket.receive_json()
                        assert (said["code"], "send it as a text" in said["message"]) == ("inexact", True)
                _, command = await hub.call("POST", f"{ONE}/commands", {"method": "m"})
                assert (await socket.receive_json())["type"] == "command"
                answer = f'{{"type":"response","id":{command["id"]},"response":{value}}}'
                await socket.send_str(answer)
                said = await socket.receive_json()
                assert (said["type"], "send it as a text" in said["message"]) == ("response_refused", True)
        for number in KEPT:
            await socket.send_str(f'{{"c":{number}}}')
            assert (await socket.receive_json())["type"] == "ack"
    assert (await hub.call("GET", f"{ONE}/attributes"))[1]["device"] == {}


async def test_what_a_device_says_by_mqtt_and_http_is_kept_or_refused(hub: Hub) -> None:
    port = hub.app[MQTT_PORT]()
    assert port is not None
    async with Client(port, key=hub.keys["boiler"]) as client:
        for number in CHANGED:
            for shape in SHAPES:
                body = f'{{"c":{shape.format(number)}}}'.encode()
                for topic in ("telemetry", "attributes"):
                    said = await client.publish(body, f"v1/devices/me/{topic}")
                    assert isinstance(said, Puback)
                    assert said.reason >= 0x80
                    assert "send it as a text" in str(said.properties)
                async with hub.client.post(
                    "/api/v1/telemetry", data=body, headers=hub.key("boiler")
                ) as response:
                    assert (response.status, "send it as a text" in await response.text()) == (422, True)
        for number in KEPT:
            assert await client.publish(f'{{"c":{number}}}'.encode()) == Puback(1)
    assert (await hub.call("GET", f"{ONE}/attributes"))[1]["device"] == {}


@pytest.mark.parametrize("depth", [100, 250, 1_500, 100_000])
async def test_json_that_is_too_deep_is_json_all_the_same(hub: Hub, depth: int) -> None:
    body = f'{{"method":"m","params":{"[" * depth}{"]" * depth}}}'
    assert (await send(hub, "POST", f"{ONE}/commands", body))[0] == 422


def parquet(folder: Path, kind: str, numbers: list[str]) -> bytes:
    file = folder / "numbers.parquet"
    rows = ", ".join(
        f"('boiler', 'c', {T0 + place}, {number}::{kind})" for place, number in enumerate(numbers)
    )
    duckdb.execute(
        f"COPY (SELECT * FROM (VALUES {rows}) AS t(device, metric, time, value)) TO '{file}' (FORMAT parquet)"
    )
    return file.read_bytes()


@pytest.mark.parametrize("written", ["csv", "wide", "ndjson", "BIGINT", "DECIMAL(38, 2)", "DOUBLE"])
async def test_what_a_file_says_is_kept_or_refused_by_line(hub: Hub, tmp_path: Path, written: str) -> None:
    kept = ["1", "9007199254740992", "1000000000000000000"]
    refused = [WHOLE, f"-{WHOLE}", "1000000000000000001"]
    if written == "DECIMAL(38, 2)":
        kept, refused = [*kept, "0.25", f"{2**53}.00"], [*refused, f"{WHOLE}.00", f"{WHOLE}.50"]
    elif written == "DOUBLE":
        kept, refused = [*kept, "0.1", "6.02214076e23", "1e300", "9.9999999999999992e+22"], []
    elif written != "BIGINT":
        kept, refused = [*kept, *KEPT], [*refused, *CHANGED, *LONG[1:]]
    numbers = [*kept, *refused]
    query = f"?format={written}"
    if written == "csv":
        rows = [f"boiler,c,{T0 + place},{number}" for place, number in enumerate(numbers)]
        content: bytes | str = "\n".join(["device,metric,time,value", *rows])
    elif written == "wide":
        query = "?device=boiler"
        content = "\n".join(["time,c", *(f"{T0 + place},{number}" for place, number in enumerate(numbers))])
    elif written == "ndjson":
        line = '{{"device":"boiler","metric":"c","time":{},"value" : {},"more":{{"value":1.0}}}}'
        content = "\n".join(line.format(T0 + place, number) for place, number in enumerate(numbers))
    else:
        query, content = "?format=parquet", parquet(tmp_path, written, numbers)
    found = await summary(hub, content, query)
    assert (found["added"], found["refused"]) == (len(kept), len(refused)), found["faults"]
    first = len(kept) + (2 if written in ("csv", "wide") else 1)
    assert [fault["line"] for fault in found["faults"]] == list(range(first, first + len(refused)))
    assert all("send it as a text" in fault["message"] for fault in found["faults"])
    async with hub.client.get("/api/v1/export?format=csv", headers=hub.bearer()) as response:
        values = [float(row["value"]) for row in csv.DictReader(io.StringIO(await response.text()))]
    assert values == [float(number) for number in kept]
