"""What a client has already, and what it takes (RFC 9110, 12 and 13)."""

import re
from collections.abc import Iterable

# 8.8.3; a weak one is compared like a strong one.
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\U0010ffff]*")')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")  # 12.4.2


def has_it(if_none_match: Iterable[str], etag: str) -> bool:
    """Whether these If-None-Match headers name the (quoted) tag, or are `*`: then it is not sent (13.1.2)."""
    said = ",".join(if_none_match).strip()
    return said == "*" or etag in _TAG.findall(said)


def takes(accept_encoding: str, coding: str) -> bool:
    """Whether a body may be sent in this coding, and is no less welcome so than as it is (12.5.3)."""
    wanted: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, _, parameter = part.partition(";")
        key, _, text = parameter.partition("=")
        quality = text.strip() if key.strip().lower() == "q" else "1"
        if name.strip():
            wanted[name.strip().lower()] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    quality_of_coding = wanted.get(coding, wanted.get("*", 0.0))
    return quality_of_coding > 0 and quality_of_coding >= wanted.get("identity", 0.0)
