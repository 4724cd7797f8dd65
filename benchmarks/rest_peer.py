"""What one writes instead of a hub: every message of a broker is committed to SQLite before the next one is
taken, so that it outlives a power cut. `python -m benchmarks.rest_peer`.
"""

import argparse
import sqlite3
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--file", required=True)
    options = parser.parse_args()
    store = sqlite3.connect(options.file, isolation_level=None)  # each statement is a transaction
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = FULL")
    store.execute("CREATE TABLE IF NOT EXISTS readings (received_s REAL, topic TEXT, body TEXT)")

    def keep(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        row = (time.time(), message.topic, message.payload.decode())
        store.execute("INSERT INTO readings VALUES (?, ?, ?)", row)

    def subscribe(*_: Any) -> None:
        client.subscribe("devices/+/telemetry", qos=1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = keep
    client.on_connect = subscribe
    client.on_subscribe = lambda *_: print("subscribed", flush=True)
    client.connect("127.0.0.1", options.broker_port)
    client.loop_forever()


if __name__ == "__main__":
    main()
