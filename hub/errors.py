"""The few errors, and what each transport makes of them.

    HubError
    ├── Refused              the request is at fault; trying again unchanged will not help
    │   ├── Unreadable       bytes that are not what they should be
    │   ├── Invalid          readable, but not allowed (a name, a range, a setting)
    │   ├── NotFound
    │   ├── Conflict         it exists already, or changed meanwhile
    │   ├── Unauthenticated  no key or token, or a wrong, expired or revoked one
    │   └── Forbidden        known, but may not
    │       └── StepUp       may, but has to say once more who they are
    ├── Busy                 right, but not now: carries `retry_after_s`
    │   └── OverRate         faster than it may be
    ├── StoreError           the disk or the database said no
    └── Failed               a part of the hub that has to run has ended, and so the hub ends

Each transport maps these in one table of its own. A message says what was wrong, where, and what is right.
"""

import re

# What pydantic says of a value, and the same in words for people who have never heard of it.
_PLAIN = (
    (r"^(Input|String|List|Dictionary) should ", "has to "),
    (r"a valid string", "a text"),
    (r"a valid list", "a list"),
    (r"a valid dictionary( or instance of \w+)?", "an object"),
    (r"a valid integer", "a whole number"),
    (r"a valid number", "a number"),
    (r"a valid boolean", "true or false"),
    (r", unable to .*$", ""),
    (r" after validation", ""),
    (r"^Field required$", "is missing"),
    (r"^Extra inputs are not permitted$", "is not known here"),
    (r"^Value error, ", ""),
)


def plain(message: str) -> str:
    """What pydantic says of a value, to follow the value's name and a colon."""
    for theirs, ours in _PLAIN:
        message = re.sub(theirs, ours, message)
    return message


class HubError(Exception):
    """The root: catch it to catch everything the hub raises on purpose."""

    code = "error"


class Refused(HubError):
    """The request is at fault."""

    code = "refused"


class Unreadable(Refused):
    """Bytes that are not what they should be."""

    code = "unreadable"


class Invalid(Refused):
    """Readable, but not allowed. `where` names the field or path; `code` tells faults of one field apart."""

    def __init__(self, message: str, where: str | None = None, code: str = "invalid") -> None:
        super().__init__(message)
        self.where = where
        self.code = code


class NotFound(Refused):
    """There is no such thing."""

    code = "not_found"


class Conflict(Refused):
    """It exists already, or it changed meanwhile."""

    code = "conflict"


class Unauthenticated(Refused):
    """No key or token was shown, or it is wrong, expired or revoked."""

    code = "unauthenticated"


class Forbidden(Refused):
    """Known, but not allowed to do this."""

    code = "forbidden"


class StepUp(Forbidden):
    """Known and allowed, but this takes a proof of a moment ago. `confirm_by` says what can be shown here:
    "password", "passkey"; where that is nothing, a new log in counts as one.
    """

    code = "step_up"

    def __init__(self, message: str, confirm_by: tuple[str, ...]) -> None:
        super().__init__(message)
        self.confirm_by = confirm_by


class Busy(HubError):
    """Right, but not now. Try again after `retry_after_s` seconds. `limit` is what says so: a setting, or
    "fixed." and a name where no setting changes it.
    """

    code = "busy"

    def __init__(self, message: str, retry_after_s: float, limit: str = "") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.limit = limit


class OverRate(Busy):
    """This caller sends or asks faster than it may."""

    code = "rate"


class StoreError(HubError):
    """The disk or the database said no; nothing of the request was kept."""

    code = "store"


class Failed(HubError):
    """A part of the hub that has to run has ended: nobody can be served by what is left."""

    code = "failed"
