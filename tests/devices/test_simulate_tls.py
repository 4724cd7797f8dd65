"""Simulated devices and a hub whose certificate no authority has signed."""

import subprocess
import sys
from collections.abc import Callable

from tests.conftest import Certificate
from tests.hub_process import HubProcess

TIMEOUT_S = 60


def test_simulated_devices_trust_the_certificate_they_are_given(
    start_hub: Callable[..., HubProcess], certificate: Certificate, unused_tcp_port: int
) -> None:
    hub = start_hub(
        HUB__HTTP__TLS_CERT=str(certificate.path),
        HUB__HTTP__TLS_KEY=str(certificate.key),
        HUB__MQTT__TLS_PORT=str(unused_tcp_port),
    )

    def simulate(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "devices", "simulate", "--hub", hub.url),
                *("--mqtt", f"mqtts://127.0.0.1:{unused_tcp_port}", "--token", hub.token("manager")),
                *("--count", "3", "--rate", "10", "--duration", "3", *more),
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    done = simulate("--ca", str(certificate.path))
    assert done.returncode == 0, done.stderr
    latest = hub.call("GET", "/api/v1/latest")["devices"]
    assert len(latest) == 3  # by MQTT, WebSocket and HTTP
    assert all(device["snapshot"] for device in latest.values())

    wrong = simulate("--ca", str(certificate.key))
    assert wrong.returncode == 1
    assert "no certificate in PEM" in wrong.stderr
