"""Every route with the right it takes, and a request for it that is right. `{device}` stands for a device."""

from typing import NamedTuple

DEVICE = "/api/v1/devices/{device}"
TOKEN = {"name": "panel", "role": "viewer", "ttl_s": 60}
PERSON = {"name": "ada", "role": "viewer"}
PASSKEY = {"name": "My phone", "credential": {"id": "x"}}
RULE = {"name": "Hot", "on": {"device": "mine"}, "metric": "t", "when": {"above": 90}}
WEBHOOK = {"name": "ops", "webhook": "https://ops.example.org/hook", "secret": "s3cret"}
CSV = b"time,value\n2026-01-01T00:00:00Z,1\n"

READS = {"devices:read", "history:read", "live:read", "metrics:scrape"}
OPERATES = READS | {"raw:read", "commands:write", "notes:write"}
MANAGES = OPERATES | {"devices:write", "keys:write", "rules:write", "import:write"}
ADMINISTERS = MANAGES | {"people:write", "system:write"}
MAY = {"viewer": READS, "operator": OPERATES, "manager": MANAGES, "admin": ADMINISTERS}
SHOWN = ""  # no right: whoever shows who they are
LOCAL = "recovery"  # the owner of the process alone


class Row(NamedTuple):
    """A route: `path` as the router has it, below it what is asked."""

    method: str
    path: str
    right: str
    query: str = ""
    body: object = None
    whole_hub: bool = False
    good: tuple[int, ...] = (200, 201, 204)
    step_up: bool = False  # whether people have to have proved a moment ago who they are

    @property
    def is_of_devices(self) -> bool:
        """Whether the request names a device."""
        return "{device" in self.path + self.query


def _of_device(
    method: str,
    path: str,
    right: str,
    query: str = "",
    body: object = None,
    *,
    step_up: bool = False,
    good: tuple[int, ...] = (200, 201, 204),
) -> Row:
    whole = f"/api/v1/devices/{{device_id}}{path}"
    return Row(method, whole, right, query, body, good=good, step_up=step_up)


ROWS = (
    Row("GET", "/api/v1/devices", "devices:read"),
    # A made device is named by whoever asks, so a scope that covers the labels covers it.
    Row("POST", "/api/v1/devices", "devices:write", body={"id": "made", "labels": {"site": "north"}}),
    _of_device("GET", "", "devices:read"),
    _of_device("PATCH", "", "devices:write", body={"name": "New"}),
    _of_device("PATCH", "", "commands:write", body={"metrics": [{"name": "t", "unit": "K"}]}),
    _of_device("DELETE", "", "devices:write"),
    _of_device("DELETE", "/sequence", "commands:write"),
    _of_device("GET", "/latest", "devices:read"),
    _of_device("GET", "/attributes", "devices:read"),
    _of_device("PUT", "/attributes", "commands:write", body={"shared": {"a": 1}}),
    _of_device("PUT", "/metrics/{metric}", "commands:write", body={"unit": "K"}),
    _of_device("PATCH", "/metrics/{metric}", "commands:write", "?preview=true", {"type": "text"}),
    _of_device("DELETE", "/metrics/{metric}", "devices:write", "?preview=true"),
    _of_device("DELETE", "/metrics", "devices:write", "?metric=t&preview=true"),
    Row("GET", "/api/v1/latest", "devices:read"),
    Row("GET", "/api/v1/latest", "devices:read", "?device={device}"),
    _of_device("GET", "/history", "history:read", "?metric=t"),
    _of_device("GET", "/rejections", "raw:read"),
    Row("GET", "/api/v1/live/sse", "live:read", "?channel=device/{device}"),
    Row("GET", "/api/v1/live/sse", "live:read", "?channel=overview&channel=label/site=north&channel=alerts"),
    _of_device("GET", "/keys", "keys:write"),
    _of_device("POST", "/keys", "keys:write", step_up=True),
    _of_device("DELETE", "/keys/{key_id}", "keys:write", step_up=True),
    _of_device("GET", "/commands", "devices:read"),
    _of_device("POST", "/commands", "commands:write", body={"method": "x"}),
    _of_device("GET", "/commands/{command_id}", "devices:read", good=(404,)),
    _of_device("DELETE", "/commands/{command_id}", "commands:write", good=(404,)),
    Row("GET", "/api/v1/rules", "devices:read"),
    Row("POST", "/api/v1/rules", "rules:write", body=RULE),
    Row("POST", "/api/v1/rules/test", "history:read", body={"rule": RULE, "from": 1e12, "to": 1.1e12}),
    Row("GET", "/api/v1/rules/{rule_id}", "devices:read", good=(404,)),
    Row("PATCH", "/api/v1/rules/{rule_id}", "rules:write", body={}, good=(404,)),
    Row("DELETE", "/api/v1/rules/{rule_id}", "rules:write", good=(404,)),
    Row("GET", "/api/v1/alerts", "devices:read"),
    Row("GET", "/api/v1/alerts", "devices:read", "?device={device}&state=firing"),
    Row("POST", "/api/v1/alerts/acknowledge", "notes:write", body={"ids": [10**9]}),
    Row("GET", "/api/v1/alerts/{alert_id}", "devices:read", good=(404,)),
    Row("POST", "/api/v1/alerts/{alert_id}/acknowledge", "notes:write", good=(404,)),
    Row("POST", "/api/v1/alerts/{alert_id}/comment", "notes:write", body={"comment": "x"}, good=(404,)),
    Row("GET", "/api/v1/silences", "devices:read"),
    Row("POST", "/api/v1/silences", "notes:write", body={"device": "mine", "until": 4e15}),
    Row("DELETE", "/api/v1/silences/{silence_id}", "notes:write", good=(404,)),
    _of_device("GET", "/notes", "devices:read"),
    _of_device("POST", "/notes", "notes:write", body={"text": "Valve replaced"}),
    _of_device("PATCH", "/notes/{note_id}", "notes:write", body={"text": "x"}, good=(404,)),
    _of_device("DELETE", "/notes/{note_id}", "notes:write", good=(404,)),
    Row("GET", "/api/v1/messages", SHOWN, good=(403,)),
    Row("POST", "/api/v1/messages", "notes:write", body={"to": "ada", "text": "x"}, good=(403,)),
    Row("GET", "/api/v1/inbox", SHOWN, good=(403,)),
    Row("POST", "/api/v1/inbox/seen", SHOWN, body={"upto": 1}, good=(403,)),
    _of_device("GET", "/methods", "devices:read"),
    _of_device("PUT", "/methods", "commands:write", body=[{"name": "open"}]),
    Row("GET", "/api/v1/methods", "devices:read", "?label=site=north", whole_hub=True),
    Row("PUT", "/api/v1/methods", "commands:write", "?label=site=north", [], whole_hub=True),
    Row("POST", "/api/v1/commands", "commands:write", body={"label": "site=north", "method": "x"}),
    Row("GET", "/api/v1/commands/batches/{batch_id}", "devices:read", good=(404,)),
    Row("GET", "/api/v1/targets", "system:write", whole_hub=True),
    Row("POST", "/api/v1/targets", "system:write", body=WEBHOOK, whole_hub=True),
    Row("PATCH", "/api/v1/targets/{target_id}", "system:write", body={}, whole_hub=True, good=(404,)),
    Row("DELETE", "/api/v1/targets/{target_id}", "system:write", whole_hub=True, good=(404,)),
    Row("POST", "/api/v1/targets/{target_id}/test", "system:write", whole_hub=True, good=(404,)),
    Row("GET", "/api/v1/routes", "system:write", whole_hub=True),
    Row("POST", "/api/v1/routes", "system:write", body={"targets": [1]}, whole_hub=True, good=(201, 404)),
    Row("POST", "/api/v1/routes/preview", "system:write", body={}, whole_hub=True),
    Row("GET", "/api/v1/routes/{route_id}", "system:write", whole_hub=True, good=(404,)),
    Row("PATCH", "/api/v1/routes/{route_id}", "system:write", body={}, whole_hub=True, good=(404,)),
    Row("DELETE", "/api/v1/routes/{route_id}", "system:write", whole_hub=True, good=(404,)),
    Row("GET", "/api/v1/deliveries", "system:write", whole_hub=True),
    Row("GET", "/api/v1/export", "history:read"),
    Row("GET", "/api/v1/export", "history:read", "?device={device}"),
    Row("GET", "/api/v1/system", "metrics:scrape", whole_hub=True),
    Row("GET", "/metrics", "metrics:scrape", whole_hub=True),
    Row("POST", "/api/v1/import", "import:write", "?device=mine&metric=t", CSV, whole_hub=True),
    # Without store.backup_path there is no place for it: refused, but not for a lack of rights.
    Row("POST", "/api/v1/backup", "system:write", "?output=copy", whole_hub=True, good=(403,)),
    Row("GET", "/api/v1/session", SHOWN),
    Row("DELETE", "/api/v1/session", SHOWN),
    Row("GET", "/api/v1/tokens", "people:write", whole_hub=True),
    Row("POST", "/api/v1/tokens", "people:write", body=TOKEN, whole_hub=True, step_up=True),
    Row("DELETE", "/api/v1/tokens/{token_id}", "people:write", whole_hub=True, good=(404,), step_up=True),
    # A token is nobody's log in.
    Row("GET", "/api/v1/sessions", SHOWN, good=(403,)),
    Row("DELETE", "/api/v1/sessions", SHOWN, good=(403,)),
    Row("DELETE", "/api/v1/sessions/{session_id}", SHOWN, good=(403,)),
    Row("PUT", "/api/v1/session/password", SHOWN, body={"new": "correct horse"}, good=(403,), step_up=True),
    Row("POST", "/api/v1/session/confirm", SHOWN, body={"password": "wrong"}, good=(403,)),
    Row("GET", "/api/v1/session/passkeys", SHOWN, good=(403,)),
    Row("POST", "/api/v1/session/passkeys/options", SHOWN, good=(403,), step_up=True),
    Row("POST", "/api/v1/session/passkeys", SHOWN, body=PASSKEY, good=(403,), step_up=True),
    Row("DELETE", "/api/v1/session/passkeys/{passkey_id}", SHOWN, good=(403,), step_up=True),
    Row(
        "DELETE",
        "/api/v1/operators/{operator}/passkeys/{passkey_id}",
        "people:write",
        whole_hub=True,
        good=(404,),
        step_up=True,
    ),
    Row("GET", "/api/v1/operators", "people:write", whole_hub=True),
    Row(
        "POST",
        "/api/v1/operators",
        "people:write",
        body=PERSON,
        whole_hub=True,
        good=(201, 409),
        step_up=True,
    ),
    Row(
        "PATCH",
        "/api/v1/operators/{operator}",
        "people:write",
        body={},
        whole_hub=True,
        good=(404,),
        step_up=True,
    ),
    Row("DELETE", "/api/v1/operators/{operator}", "people:write", whole_hub=True, good=(404,), step_up=True),
    Row(
        "POST", "/api/v1/operators/{operator}/link", "people:write", whole_hub=True, good=(404,), step_up=True
    ),
    Row("GET", "/api/v1/audit", "people:write", whole_hub=True),
    Row("POST", "/api/v1/login-links", "people:write", body={}, whole_hub=True, step_up=True),
)
# Routes that ask for no principal: for everyone, for devices, and the live socket, with tests of its own.
OPEN = {
    ("GET", "/"),
    ("GET", "/{path}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/session/ways"),
    ("POST", "/api/v1/session/passkey"),
    ("POST", "/api/v1/session/passkey/options"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/openapi.json"),
}
OF_DEVICES = {
    ("GET", "/api/v1/device/attributes"),
    ("POST", "/api/v1/device/attributes"),
    ("GET", "/api/v1/device/commands"),
    ("POST", "/api/v1/device/commands/{command_id}"),
    ("POST", "/api/v1/telemetry"),
    ("GET", "/api/v1/device/socket"),
    ("GET", "/mqtt"),
}
LIVE = {("GET", "/api/v1/live")}
