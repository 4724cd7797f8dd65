"""How long values are kept: by tier, and by device where an operator said so."""

from collections.abc import Iterable

from hub.config import RetentionConfig, RetentionOverride
from hub.history.contract import KeptFor
from hub.model import Device, Retention


def kept_for(config: RetentionConfig, devices: Iterable[Device]) -> dict[int, KeptFor]:
    """What is kept of each device, tier by tier: its own setting, else the first override that has one."""
    return {device.number: _kept(config, device) for device in devices}


def _kept(config: RetentionConfig, device: Device) -> KeptFor:
    fitting = [override for override in config.overrides if _fits(override, device)]
    spans: list[int] = []
    for name in Retention._fields:
        named = [span for one in (device.retention, *fitting) if (span := getattr(one, name)) is not None]
        span_s = named[0] if named else getattr(config, name)
        finer = spans[-1] if spans else 1
        span = round(span_s * 1e6)
        spans.append(0 if 0 in (span, finer) else max(span, finer))
    return KeptFor(*spans)


def _fits(override: RetentionOverride, device: Device) -> bool:
    if override.device:
        return device.id == override.device
    key, _, value = override.label.partition("=")
    return device.labels.get(key) == value
