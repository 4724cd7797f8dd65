import pytest

from tests.http.conftest import Hub


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("POST", "/tokens", {"name": "n", "role": "viewer", "ttl_s": True}, "ttl_s"),
        ("POST", "/tokens", {"name": "n", "role": "viewer", "ttl_s": "60"}, "ttl_s"),
        ("POST", "/devices", {"id": "pump", "expected_interval_s": True}, "expected_interval_s"),
        ("PATCH", "/devices/boiler", {"expected_interval_s": "60"}, "expected_interval_s"),
        ("PATCH", "/devices/boiler", {"retention": {"raw_s": True}}, "raw_s"),
        ("POST", "/devices/boiler/commands", {"method": "m", "timeout_s": True}, "timeout_s"),
        ("PUT", "/devices/boiler/metrics/t", {"minimum": True}, "minimum"),
        ("PUT", "/devices/boiler/metrics/t", {"decimals": "2"}, "decimals"),
        ("PUT", "/devices/boiler/metrics/t", {"thresholds": {"warning_high": True}}, "warning_high"),
    ],
)
async def test_a_number_in_a_body_is_a_number_and_not_what_looks_like_one(
    hub: Hub, method: str, path: str, body: object, where: str
) -> None:
    await hub.device()
    await hub.send({"t": 1.0})
    status, problem = await hub.call(method, f"/api/v1{path}", body)
    assert status == 422, problem
    assert where in problem["detail"]
