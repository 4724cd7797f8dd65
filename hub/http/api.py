"""REST as one table. The routes and OpenAPI are both made from it, so they cannot differ."""

from http import HTTPStatus

from hub.http.api_alerts import ALERTS
from hub.http.api_commands import COMMANDS
from hub.http.api_notes import NOTES
from hub.http.api_notification import NOTIFICATION
from hub.http.api_people import PEOPLE
from hub.http.device import telemetry
from hub.http.endpoint import BASE, Endpoint, Security, operation, streamed
from hub.http.live import sse
from hub.http.rest import (
    backup,
    devices,
    export,
    history,
    importing,
    keys,
    metrics,
    system,
)
from hub.http.rest.device_shapes import (
    AddIn,
    AddOut,
    DeviceChange,
    DeviceOut,
    DevicesPage,
    DevicesQuery,
)
from hub.http.rest.metric_shapes import (
    MetricAlteration,
    MetricEdited,
    MetricIn,
    MetricOut,
    MetricRemoved,
    MetricsRemoved,
    PreviewQuery,
    RemovedQuery,
)
from hub.http.rest.shapes import (
    AcceptedOut,
    AttributesIn,
    AttributesOut,
    HistoryAnswer,
    HistoryQuery,
    KeyIn,
    KeyNew,
    KeysOut,
    LatestOfManyOut,
    LatestOut,
    LatestQuery,
    LimitQuery,
    RejectionsOut,
)
from hub.model import Right

_ALL = f"{BASE}/devices"
_ONE = f"{_ALL}/{{device_id}}"
_CREATED, _NONE = HTTPStatus.CREATED, HTTPStatus.NO_CONTENT
_MANY_BYTES = 16_777_216  # ten thousand devices with names and labels
_GONE = (HTTPStatus.NOT_FOUND,)
_CLASH = (HTTPStatus.CONFLICT,)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS,)

_DEVICES = (
    operation(
        "GET",
        _ALL,
        devices.list_devices,
        tag="devices",
        right=Right.DEVICES_READ,
        query=DevicesQuery,
        answer=DevicesPage,
    ),
    operation(
        "POST",
        _ALL,
        devices.add_devices,
        tag="devices",
        right=Right.DEVICES_WRITE,
        body=AddIn,
        answer=AddOut,
        status=_CREATED,
        refusals=_CLASH,
        body_max_bytes=_MANY_BYTES,
        made=lambda answer: getattr(answer.root, "id", None),
    ),
    operation(
        "GET",
        _ONE,
        devices.show_device,
        tag="devices",
        right=Right.DEVICES_READ,
        answer=DeviceOut,
        refusals=_GONE,
    ),
    operation(
        "PATCH",
        _ONE,
        devices.change_device,
        tag="devices",
        right=Right.DEVICES_WRITE,
        or_right=Right.COMMANDS_WRITE,
        body=DeviceChange,
        answer=DeviceOut,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        _ONE,
        devices.remove_device,
        tag="devices",
        right=Right.DEVICES_WRITE,
        status=_NONE,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        f"{_ONE}/sequence",
        devices.reset_sequence,
        tag="devices",
        right=Right.COMMANDS_WRITE,
        status=_NONE,
        refusals=_GONE,
    ),
    operation(
        "GET",
        f"{_ONE}/latest",
        devices.latest,
        tag="readings",
        right=Right.DEVICES_READ,
        answer=LatestOut,
        refusals=_GONE,
    ),
    operation(
        "GET",
        f"{_ONE}/attributes",
        devices.attributes,
        tag="devices",
        right=Right.DEVICES_READ,
        answer=AttributesOut,
        refusals=_GONE,
    ),
    operation(
        "PUT",
        f"{_ONE}/attributes",
        devices.share_attributes,
        tag="devices",
        right=Right.COMMANDS_WRITE,
        body=AttributesIn,
        answer=AttributesOut,
        refusals=_GONE,
    ),
    operation(
        "PUT",
        f"{_ONE}/metrics/{{metric}}",
        metrics.describe_metric,
        tag="devices",
        right=Right.COMMANDS_WRITE,
        body=MetricIn,
        answer=MetricOut,
        refusals=_GONE,
    ),
    operation(
        "PATCH",
        f"{_ONE}/metrics/{{metric}}",
        metrics.edit_metric,
        tag="devices",
        right=Right.COMMANDS_WRITE,
        query=PreviewQuery,
        body=MetricAlteration,
        answer=MetricEdited,
        refusals=(*_GONE, *_CLASH),
    ),
    operation(
        "DELETE",
        f"{_ONE}/metrics/{{metric}}",
        metrics.remove_metric,
        tag="devices",
        right=Right.DEVICES_WRITE,
        query=PreviewQuery,
        answer=MetricRemoved,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        f"{_ONE}/metrics",
        metrics.remove_metrics,
        tag="devices",
        right=Right.DEVICES_WRITE,
        query=RemovedQuery,
        answer=MetricsRemoved,
        refusals=_GONE,
    ),
)

_READINGS = (
    operation(
        "GET",
        f"{BASE}/latest",
        devices.latest_of_many,
        tag="readings",
        right=Right.DEVICES_READ,
        query=LatestQuery,
        answer=LatestOfManyOut,
        refusals=_GONE,
    ),
    operation(
        "GET",
        f"{_ONE}/history",
        history.history,
        tag="readings",
        right=Right.HISTORY_READ,
        query=HistoryQuery,
        answer=HistoryAnswer,
        refusals=(*_GONE, *_BUSY),
        is_dear=True,
    ),
    operation(
        "GET",
        f"{_ONE}/rejections",
        history.rejections,
        tag="readings",
        right=Right.RAW_READ,
        query=LimitQuery,
        answer=RejectionsOut,
        refusals=(*_GONE, *_BUSY),
        is_dear=True,
    ),
    Endpoint(
        "POST",
        f"{BASE}/telemetry",
        telemetry.post,
        "Send readings as a device, in the hub's JSON.",
        "readings",
        Security.DEVICE,
        answer=AcceptedOut,
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
)

_LIVE = (
    Endpoint(
        "GET",
        f"{BASE}/live/sse",
        sse.stream,
        "Watch channels as Server-Sent Events; Last-Event-ID goes on where an earlier stream ended.",
        "live",
        Security.OPERATOR,
        right=Right.LIVE_READ,
        query=sse.SseQuery,
        refusals=(*_GONE, *_BUSY),
    ),
)

_KEYS = (
    operation(
        "GET",
        f"{_ONE}/keys",
        keys.list_keys,
        tag="keys",
        right=Right.KEYS_WRITE,
        answer=KeysOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        f"{_ONE}/keys",
        keys.add_key,
        tag="keys",
        right=Right.KEYS_WRITE,
        body=KeyIn,
        answer=KeyNew,
        status=_CREATED,
        refusals=(*_GONE, *_CLASH),
        made=lambda answer: answer.id,
        step_up=True,
    ),
    operation(
        "DELETE",
        f"{_ONE}/keys/{{key_id}}",
        keys.revoke_key,
        tag="keys",
        right=Right.KEYS_WRITE,
        status=_NONE,
        refusals=(*_GONE, *_CLASH),
        step_up=True,
    ),
)

_SYSTEM = (
    operation(
        "GET",
        f"{BASE}/system",
        system.show_system,
        tag="hub",
        right=Right.METRICS_SCRAPE,
        whole_hub=True,
        answer=system.SystemOut,
    ),
)

_TRANSFER = (
    streamed(
        "POST",
        f"{BASE}/backup",
        backup.back_up,
        tag="hub",
        right=Right.SYSTEM_WRITE,
        whole_hub=True,
        query=backup.BackupQuery,
        media=(backup.NDJSON,),
        refusals=_CLASH,
    ),
    streamed(
        "POST",
        f"{BASE}/import",
        importing.import_values,
        tag="readings",
        right=Right.IMPORT_WRITE,
        whole_hub=True,
        query=importing.ImportQuery,
        media=("application/x-ndjson",),
        body_media=(*export.MEDIA.values(), "application/octet-stream"),
        refusals=(*_GONE, *_BUSY, *_CLASH),
    ),
    streamed(
        "GET",
        f"{BASE}/export",
        export.export,
        tag="readings",
        right=Right.HISTORY_READ,
        query=export.ExportQuery,
        media=tuple(export.MEDIA.values()),
        refusals=(*_GONE, *_BUSY),
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *_DEVICES,
    *_READINGS,
    *_LIVE,
    *_KEYS,
    *COMMANDS,
    *ALERTS,
    *NOTIFICATION,
    *NOTES,
    *_SYSTEM,
    *PEOPLE,
    *_TRANSFER,
)
