"""What is offered in Sec-WebSocket-Extensions, and what is taken up."""

import pytest

from hub.websocket.extensions import Offer, accepts_deflate, read_offers

D = "permessage-deflate"


@pytest.mark.parametrize(
    ("header", "offers"),
    [
        ("", []),
        (" , ,", []),
        ("foo", [Offer("foo", ())]),
        ("Foo , bar;baz", [Offer("foo", ()), Offer("bar", (("baz", None),))]),
        ("foo; A=1 ;\tb = two,, bar", [Offer("foo", (("a", "1"), ("b", "two"))), Offer("bar", ())]),
        ('foo; a="1", bar', [Offer("foo", (("a", "1"),)), Offer("bar", ())]),
    ],
)
def test_offers_are_read(header: str, offers: list[Offer]) -> None:
    assert read_offers(header) == offers


@pytest.mark.parametrize(
    "header",
    [
        ";",
        "foo;",
        "foo; ;bar",
        "foo bar",
        "foo; =1",
        "foo; a=",
        'foo; a="b c"',
        'foo; a="b',
        "foo; a=ü",
        '"foo"',
    ],
)
def test_what_is_no_offer_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="extension"):
        read_offers(header)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        (D, True),
        (f"{D}; client_max_window_bits", True),
        *((f"{D}; client_max_window_bits={bits}", True) for bits in range(8, 16)),
        (f'{D}; client_max_window_bits="10"', True),
        (f"{D}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=15", True),
        ("x-webkit-deflate-frame, Permessage-Deflate ; server_no_context_takeover", True),
        (f"{D}; server_max_window_bits=10, {D}", True),
        # 7.1: an offer with a parameter that is unknown, has a wrong value or comes twice is declined
        (f"{D}; server_max_window_bits=10", False),
        *(
            (f"{D}; client_max_window_bits={bits}", False)
            for bits in ("0", "7", "16", "010", "08", "1e1", "x")
        ),
        (f"{D}; server_no_context_takeover=1", False),
        (f"{D}; client_no_context_takeover=true", False),
        (f'{D}; server_no_context_takeover="1"', False),
        (f"{D}; client_max_window_bits; client_max_window_bits", False),
        (f"{D}; client_max_window_bits=9; client_max_window_bits=9", False),
        (f"{D}; server_no_context_takeover; server_no_context_takeover", False),
        (f"{D}; unknown", False),
        (f"{D}; unknown=1, x", False),
        ("permessage-deflate2", False),
    ],
)
def test_a_proper_offer_of_compression_is_taken_up_and_no_other(header: str, accepted: bool) -> None:
    assert accepts_deflate(read_offers(header)) is accepted
