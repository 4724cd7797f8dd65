"""Whom or what people are told by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from hub.errors import Invalid

NAME_MAX = 100
ADDRESS_MAX = 2_000
SECRET_MAX = 500
# Of these the host says where a message goes and is no secret. Of others it may be the key of an account.
_HOST_IS_PLAIN = frozenset(
    (
        "mailto",
        "mailtos",
        "ntfy",
        "ntfys",
        "json",
        "jsons",
        "form",
        "forms",
        "xml",
        "xmls",
        "gotify",
        "gotifys",
    )
)
# What would be shown or written on the machine of the hub itself, or read from its files.
_LOCAL_SCHEMES = frozenset(("dbus", "qt", "glib", "kde", "gnome", "macosx", "windows", "syslog", "file"))
_LOCAL_FILES = frozenset(("template", "keyfile", "pgp", "pgpkey", "subfile", "attach", "vapid", "config"))


class TargetKind(StrEnum):
    """How a target is reached."""

    URL = "url"  # of Apprise: mail, Slack, Teams, Telegram, ntfy, Pushover …
    WEBHOOK = "webhook"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """Where messages go. `address` is an Apprise URL, the URL of a webhook, or the name of a person; it and
    `secret`, with which webhooks are signed, are shown to nobody.
    """

    id: int
    name: str
    kind: TargetKind
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)
    created_at: int = 0  # µs, UTC
    by: str = ""

    @property
    def shown(self) -> str:
        """As much of the address as is no secret."""
        if self.kind is TargetKind.PERSON:
            return self.address
        scheme, host = _scheme_and_host(self.address)
        return f"{scheme}://{host}/…" if host else f"{scheme}://…"


def _scheme_and_host(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return address.partition(":")[0], ""
    is_plain = parts.scheme in _HOST_IS_PLAIN or parts.scheme in ("http", "https")
    # Apprise takes ntfys://topic for a topic of ntfy.sh: that is as good as a password.
    return parts.scheme, host if is_plain and ("." in host or ":" in host or host == "localhost") else ""


def read_target(told: Mapping[str, object], target_id: int = 0) -> AlertTarget:
    """A target as the wire says it: {"url"}, {"webhook", "secret"} or {"person"}. Raises Invalid, which
    repeats nothing that may be a secret.
    """
    kinds = [kind for kind in TargetKind if told.get(kind.value) is not None]
    if len(kinds) != 1:
        raise Invalid("url: exactly one of url, webhook and person is wanted", "url")
    [kind] = kinds
    address, secret = _text(told, kind.value, ADDRESS_MAX), _text(told, "secret", SECRET_MAX)
    if not address:
        raise Invalid(f"{kind}: a text is wanted", kind.value)
    if secret and kind is not TargetKind.WEBHOOK:
        raise Invalid("secret: only webhooks are signed with one", "secret")
    if kind is TargetKind.WEBHOOK:
        _check_webhook(address)
    elif kind is TargetKind.URL:
        _check_apprise(address)
    target = AlertTarget(target_id, _text(told, "name", NAME_MAX), kind, address, secret)
    if target.name:
        return target
    return AlertTarget(target_id, target.shown[:NAME_MAX], kind, address, secret)


def _check_webhook(address: str) -> None:
    try:
        parts = urlsplit(address)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise Invalid("webhook: a whole address is wanted, such as https://ops.example.org/hook", "webhook")
    if parts.username is not None:
        raise Invalid("webhook: no user and password are wanted in it: set a secret", "webhook")


def _check_apprise(address: str) -> None:
    scheme, colon, rest = address.partition("://")
    if not colon or not rest or not scheme.isascii() or not scheme.replace("-", "").isalnum():
        raise Invalid(
            "url: a URL of Apprise is wanted, such as mailto://user:password@example.org or ntfys://topic",
            "url",
        )
    if scheme.lower() in _LOCAL_SCHEMES:
        raise Invalid(f"url: {scheme} is of the machine of the hub itself: nobody is told by it", "url")
    asked = {name.lower() for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)}
    if found := sorted(asked & _LOCAL_FILES):
        raise Invalid(f"url: {found[0]} would read files of the hub's machine: leave it out", "url")


def _text(told: Mapping[str, object], name: str, longest: int) -> str:
    value = told.get(name)
    value = "" if value is None else value
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise Invalid(
            f"{name}: a text of at most {longest} characters without control characters is wanted", name
        )
    return value.strip()
