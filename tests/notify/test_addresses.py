"""Which addresses messages may go to; and that a real connection is looked at, wherever its name leads."""

import asyncio
import logging
from typing import Any

import pytest

from hub.http.webhooks import Webhooks
from hub.model.target import AlertTarget, TargetKind, read_target
from hub.notify.addresses import AllowedAddresses
from hub.notify.by_apprise import AppriseSender
from hub.notify.senders import SENT, Letter, Outcome, Sender
from hub.notify.texts import Notice
from tests.notify.receivers import http_receiver

PRIVATE = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("", "localhost", "not an address"),
)
PUBLIC = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_sent_to(address: str) -> None:
    assert not AllowedAddresses(()).allow(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are(address: str) -> None:
    assert AllowedAddresses(()).allow(address)


def test_networks_that_are_allowed_are_and_no_others() -> None:
    addresses = AllowedAddresses(("10.0.0.0/8", "::1"))
    allowed = ("10.9.9.9", "::ffff:10.0.0.1", "::1", "1.1.1.1", "11.0.0.1", "192.168.0.1")
    assert [addresses.allow(one) for one in allowed] == [True] * 5 + [False]


def letter_to(kind: TargetKind, address: str) -> Letter:
    message = Notice("title", "body", "link")
    return Letter(AlertTarget(1, "ops", kind, address), "1-opened-1", message, {"event": "opened"})


async def sent(sender: Sender, letter: Letter) -> Outcome:
    try:
        return await sender.send(letter)
    finally:
        await sender.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
async def test_no_name_of_the_hubs_own_machine_is_connected_to(host: str) -> None:
    async with http_receiver() as receiver:
        letter = letter_to(TargetKind.WEBHOOK, f"http://{host}:{receiver.port}/hook")
        outcome = await sent(Webhooks(AllowedAddresses(())), letter)
        assert (outcome.is_sent, outcome.is_final) == (False, True), outcome
        assert "alerts.private_targets" in outcome.why or outcome.why == "the URL is not right"
        assert receiver.got == []
        allowed = AllowedAddresses(("127.0.0.0/8", "::1"))
        if host in ("127.0.0.1", "localhost"):
            assert await sent(Webhooks(allowed), letter) == SENT


@pytest.mark.parametrize(
    "url",
    ["ntfy://127.0.0.1:{port}/t", "json://localhost:{port}/", "mailto://localhost:{port}?to=a@example.org"],
)
async def test_apprise_is_not_let_there_either(url: str) -> None:
    async with http_receiver() as receiver:
        letter = letter_to(TargetKind.URL, url.format(port=receiver.port))
        outcome = await sent(AppriseSender(AllowedAddresses(())), letter)
        assert "alerts.private_targets" in outcome.why
        assert receiver.got == []


@pytest.mark.parametrize("kind", [TargetKind.WEBHOOK, TargetKind.URL])
async def test_nobody_is_followed_elsewhere(kind: TargetKind) -> None:
    allowed = AllowedAddresses(("127.0.0.1",))
    async with http_receiver() as receiver, http_receiver() as elsewhere:
        receiver.answers = [(307, {"Location": elsewhere.url})] * 5
        scheme = "http" if kind is TargetKind.WEBHOOK else "json"
        sender: Sender = Webhooks(allowed) if kind is TargetKind.WEBHOOK else AppriseSender(allowed)
        outcome = await sent(sender, letter_to(kind, f"{scheme}://127.0.0.1:{receiver.port}/"))
        assert not outcome.is_sent
        assert (len(receiver.got), elsewhere.got) == (1, [])


async def test_a_webhook_that_is_late_or_not_there_is_tried_again() -> None:
    allowed = AllowedAddresses(("127.0.0.1",))
    async with http_receiver() as receiver:
        receiver.free.clear()
        letter = letter_to(TargetKind.WEBHOOK, receiver.url)
        outcome = await sent(Webhooks(allowed, answer_s=0.1), letter)
        assert (outcome.why, outcome.is_final) == ("no answer in 0.1 s", False)
    outcome = await sent(Webhooks(allowed), letter)
    assert (outcome.why.startswith("cannot connect"), outcome.is_final) == (True, False)


async def test_an_answer_without_end_is_cut_off() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n" + b"x" * 100_000)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        letter = letter_to(TargetKind.WEBHOOK, f"http://127.0.0.1:{port}/")
        assert await sent(Webhooks(AllowedAddresses(("127.0.0.1",)), answer_s=5), letter) == SENT


async def test_what_apprise_says_goes_to_no_log(caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    url = "ntfy://ada:h1dden@127.0.0.1:9/plant-topic"
    outcome = await sent(AppriseSender(AllowedAddresses(("127.0.0.1",))), letter_to(TargetKind.URL, url))
    assert not outcome.is_sent
    shown = caplog.text + outcome.why
    assert not [one for one in ("h1dden", "plant-topic") if one in shown]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"url": "mailto://a@b.example", "webhook": "https://a.example"},
        {"webhook": "ftp://a.example"},
        {"webhook": "https://user:word@a.example"},
        {"webhook": "nothing"},
        {"url": "syslog://localhost"},
        {"url": "workflows://a.example/b/c?template=/etc/passwd"},
        {"url": "mailto://a@b.example", "secret": "x"},
        {"person": ""},
    ],
)
def test_targets_that_are_wrong_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"wanted|signed|machine"):
        read_target(told)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"webhook": "https://ops.example.org:8443/s3cret?t=s3cret"}, "https://ops.example.org:8443/…"),
        ({"url": "mailto://ada:s3cret@example.org?to=eve@example.org"}, "mailto://example.org/…"),
        ({"url": "tgram://123456:s3cret/1"}, "tgram://…"),
        ({"url": "slack://s3cret/a/b"}, "slack://…"),
        ({"url": "ntfys://s3cret"}, "ntfys://…"),
        ({"url": "pover://user@s3cret"}, "pover://…"),
        ({"person": "ada"}, "ada"),
    ],
)
def test_as_much_of_an_address_is_shown_as_is_no_secret(told: dict[str, object], shown: str) -> None:
    target = read_target(told)
    assert (target.shown, target.name) == (shown, shown)
    assert "s3cret" not in repr(target)
