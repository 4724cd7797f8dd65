"""What a client offers in Sec-WebSocket-Extensions (RFC 6455, 9.1), and what is taken up (RFC 7692, 7.1)."""

import re
from typing import NamedTuple

DEFLATE = "permessage-deflate"
DEFLATE_ANSWER = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
# The values that each parameter may have; None is no value. An offer with another parameter or value is
# declined. So is `server_max_window_bits`: all share one compressed frame, which has the usual window.
_NO_VALUE: frozenset[str | None] = frozenset([None])
_PARAMETERS: dict[str, frozenset[str | None]] = {
    "server_no_context_takeover": _NO_VALUE,
    "client_no_context_takeover": _NO_VALUE,
    "client_max_window_bits": _NO_VALUE | {str(bits) for bits in range(8, 16)},
}
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, 5.6.2
# A value in quotes is, without them, a token too (RFC 6455, 9.1).
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*({_WORD})[ \t]*(?:=[ \t]*(?:"({_WORD})"|({_WORD})))?')
_NAME = re.compile(rf"[ \t,]*({_WORD})")
_END = re.compile(r"[ \t]*(?:,[ \t,]*|$)")


class Offer(NamedTuple):
    """One extension that a client would like. Parameters without a value have None."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]


def read_offers(header: str) -> list[Offer]:
    """The offers, in the client's order. Raises ValueError for what is none."""
    offers = []
    place, header = 0, header.strip(" \t,")
    while place < len(header):
        name = _NAME.match(header, place)
        if name is None:
            raise ValueError(f"no extension is named at {header[place : place + 40]!r}")
        place = name.end()
        parameters = []
        while (found := _PARAMETER.match(header, place)) is not None:
            parameters.append((found[1].lower(), found[2] or found[3]))
            place = found.end()
        end = _END.match(header, place)
        if end is None:
            raise ValueError(f"no parameter of an extension can be read at {header[place : place + 40]!r}")
        place = end.end()
        offers.append(Offer(name[1].lower(), tuple(parameters)))
    return offers


def accepts_deflate(offers: list[Offer]) -> bool:
    """Whether one of the offers is what DEFLATE_ANSWER takes up."""
    return any(_is_fit(offer) for offer in offers)


def _is_fit(offer: Offer) -> bool:
    names = {name for name, _ in offer.parameters}
    return (
        offer.name == DEFLATE
        and len(names) == len(offer.parameters)
        and all(value in _PARAMETERS.get(name, ()) for name, value in offer.parameters)
    )
