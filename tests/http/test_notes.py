"""Notes on devices, mentions, messages and inboxes, as REST and the live socket have them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from hub.config import Config
from hub.model import Grant, Role
from hub.model.note import TEXT_MAX
from hub.registry import inbox as stored_inbox
from hub.registry import notes as stored_notes
from tests.http.conftest import Hub, running_hub
from tests.http.test_live import subscribe
from tests.http.test_live_channels import said, until_type
from tests.principals import grant

NOTES = "/api/v1/devices/boiler/notes"
INBOX, MESSAGES = "/api/v1/inbox", "/api/v1/messages"
NORTH = {"site": "north"}


async def log_in(hub: Hub, name: str, *grants: Grant) -> dict[str, str]:
    """The headers of a browser in which this person has logged in; one who is new is an operator."""
    if not hub.rooms.accounts.has(name):
        await hub.rooms.accounts.add(name, grants or (Grant(Role.OPERATOR),))
    secret = await hub.rooms.operators.use_link(await hub.rooms.operators.make_link(name))
    return {"Cookie": f"hub={secret}", "Origin": hub.url}


@asynccontextmanager
async def people(hub: Hub, *names: str) -> AsyncIterator[list[dict[str, str]]]:
    """Operators, who are gone afterwards: the hub may serve other tests."""
    try:
        yield [await log_in(hub, name) for name in names]
    finally:
        for one in hub.rooms.accounts.all():
            if one.name != "keeper":
                await hub.rooms.accounts.remove(one.name)


@pytest.fixture(autouse=True)
async def keeper(hub: Hub) -> None:
    """The last admin stays."""
    await hub.rooms.accounts.ensure_admin("keeper")


async def write(hub: Hub, who: dict[str, str], text: str, **more: object) -> dict[str, Any]:
    status, note = await hub.call("POST", NOTES, {"text": text, **more}, who)
    assert status == 201, note
    written: dict[str, Any] = note
    return written


async def inbox(hub: Hub, who: dict[str, str]) -> dict[str, Any]:
    status, found = await hub.call("GET", INBOX, headers=who)
    assert status == 200
    waiting: dict[str, Any] = found
    return waiting


async def waiting(hub: Hub, who: dict[str, str]) -> tuple[int, list[str]]:
    found = await inbox(hub, who)
    return found["unread"], [one["text"] for one in found["entries"]]


async def test_a_note_is_written_listed_edited_and_deleted_by_who_wrote_it(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob") as (ada, bob):
        note = await write(hub, ada, "Valve replaced", at=1_000, until=2_000.5)
        made_at = note.pop("made_at")
        assert note == {
            "id": note["id"],
            "device": "boiler",
            "text": "Valve replaced",
            "at": 1_000,
            "until": 2_000.5,
            "by": "ada",
            "person": True,
            "edited_at": None,
        }
        one = f"{NOTES}/{note['id']}"
        for method, body in (("PATCH", {"text": "x"}), ("DELETE", None)):
            assert (await hub.call(method, one, body, bob))[0] == 403
        assert (await hub.call("PATCH", one, {}, ada))[1]["edited_at"] is None
        status, edited = await hub.call("PATCH", one, {"text": "Valve mended", "until": None}, ada)
        assert (status, edited["text"], edited["at"], edited["until"]) == (200, "Valve mended", 1_000, None)
        assert edited["edited_at"] >= made_at
        assert (await hub.call("GET", NOTES, headers=bob))[1] == {"notes": [edited], "next": None}
        assert (await hub.call("DELETE", one, None, ada))[0] == 204
        assert (await hub.call("GET", NOTES, headers=bob))[1]["notes"] == []
        assert (await hub.call("DELETE", one, None, ada))[0] == 404


async def test_the_last_fifty_come_first_and_older_ones_by_page_each_once(hub: Hub) -> None:
    await hub.device()
    for number in range(120):
        await write(hub, hub.bearer(), f"{number}")
    found: list[str] = []
    sizes = []
    query = ""
    while True:
        _, page = await hub.call("GET", f"{NOTES}?{query}")
        sizes.append(len(page["notes"]))
        found += [one["text"] for one in page["notes"]]
        if page["next"] is None:
            break
        query = f"before={page['next']}"
    assert sizes == [50, 50, 20]
    assert found == [f"{number}" for number in reversed(range(120))]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n"}, "not only spaces"),
        ({"text": "x" * (TEXT_MAX + 1)}, "text"),
        ({"text": "\x1b[2J"}, "control characters"),
        ({"text": "x", "until": 5}, "at is wanted"),
        ({"text": "x", "at": 5, "until": 5}, "until"),
        ({"text": "x", "at": -1}, "at"),
        ({"text": "x", "at": True}, "at"),
        ({"text": "x", "colour": "red"}, "colour"),
    ],
)
async def test_what_is_no_note_is_refused_saying_why(hub: Hub, body: object, why: str) -> None:
    await hub.device()
    status, problem = await hub.call("POST", NOTES, body)
    assert (status, why in problem["detail"]) == (422, True), problem
    note = await write(hub, hub.bearer(), f"{'x' * (TEXT_MAX - 2)}\n\t"[::-1])
    assert len(note["text"]) == TEXT_MAX


async def test_a_token_owns_what_it_wrote_and_nothing_of_a_person_of_its_name(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "tester") as (person,):
        made = [await hub.rooms.tokens.make("tester", Grant(Role.ADMIN), 60, owner="") for _ in range(2)]
        shown, other = ({"Authorization": f"Bearer {text}"} for _, text in made)
        for author, strangers in ((person, (shown, other)), (shown, (person, other))):
            note = await write(hub, author, "mine")
            assert note["person"] is (author is person)
            one = f"{NOTES}/{note['id']}"
            for stranger in strangers:
                assert (await hub.call("PATCH", one, {"text": "x"}, stranger))[0] == 403
            assert (await hub.call("DELETE", one, None, author))[0] == 204


async def test_all_who_watch_see_each_change_and_who_comes_back_those_it_missed(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada") as (ada,):
        async with hub.live_socket() as socket:
            await said(socket)
            answer = await said(socket, subscribe("device/boiler"))
            note = await write(hub, ada, "look")
            told = await until_type(socket, "note")
            assert (told["channel"], told["event"], told["note"]) == ("device/boiler", "added", note)
        _, edited = await hub.call("PATCH", f"{NOTES}/{note['id']}", {"text": "see"}, ada)
        second = await write(hub, ada, "gone soon")
        await hub.call("DELETE", f"{NOTES}/{second['id']}", None, ada)
        async with hub.live_socket() as socket:
            await said(socket)
            at = {"epoch": answer["epoch"], "offset": answer["offset"]}
            answer = await said(socket, {**subscribe("device/boiler"), "resume": at})
            assert answer["notes"]["changes"] == [
                {"event": "edited", "note": edited},
                {"event": "deleted", "note": {"id": second["id"]}},
            ]


async def test_who_is_mentioned_is_told_live_or_on_return_and_it_is_unread_until_seen(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob") as (ada, bob):
        note = await write(hub, ada, "@bob look at this, @bob, and so do I, @ada")
        assert await waiting(hub, ada) == (0, [])
        found = await inbox(hub, bob)
        [entry] = found["entries"]
        assert (found["unread"], found["next"], entry["by"], entry["kind"]) == (1, None, "ada", "mention")
        assert (entry["device"], entry["note"], entry["text"]) == ("boiler", note["id"], note["text"])
        async with hub.live_socket(bob) as first, hub.live_socket(bob) as second:
            for socket in (first, second):
                assert (await until_type(socket, "inbox"))["newest"] == entry  # on return
            again = await write(hub, ada, "and this, @bob")
            for socket in (first, second):
                while (told := await until_type(socket, "inbox"))["unread"] != 2:
                    pass
                assert told["newest"]["note"] == again["id"]
            status, seen = await hub.call("POST", f"{INBOX}/seen", {"upto": told["newest"]["id"]}, bob)
            assert (status, seen["unread"]) == (200, 0)
            for socket in (first, second):
                assert (await until_type(socket, "inbox"))["unread"] == 0
        assert (await waiting(hub, bob))[0] == 0


async def test_to_have_seen_more_than_there_is_sees_nothing_of_what_comes_later(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob") as (ada, bob):
        await write(hub, ada, "@bob one")
        for upto, unread in ((10**15, 0), (1, 0)):
            assert (await hub.call("POST", f"{INBOX}/seen", {"upto": upto}, bob))[1]["unread"] == unread
        await write(hub, ada, "@bob two")
        assert await waiting(hub, bob) == (1, ["@bob two", "@bob one"])


async def test_an_edit_mentions_anew_and_takes_back_and_so_does_deleting(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob", "cyd") as (ada, bob, cyd):
        note = await write(hub, ada, "@bob")
        one = f"{NOTES}/{note['id']}"
        async with hub.live_socket(bob) as socket:
            assert (await until_type(socket, "inbox"))["unread"] == 1
            await hub.call("PATCH", one, {"text": "@cyd"}, ada)
            told = await until_type(socket, "inbox")
            assert (told["unread"], told["newest"]) == (0, None)
        assert [await waiting(hub, who) for who in (bob, cyd)] == [(0, []), (1, ["@cyd"])]
        await hub.call("DELETE", one, None, ada)
        assert await waiting(hub, cyd) == (0, [])


async def test_a_mention_tells_nothing_to_who_may_not_see_the_device(hub: Hub) -> None:
    await hub.device(labels={"site": "south"})
    await hub.device("mine", labels=NORTH)
    async with people(hub, "ada", "bob") as (ada, _):
        scoped = await log_in(hub, "scoped", grant(Role.OPERATOR, labels=NORTH))
        note = await write(hub, ada, "@scoped @bob")
        assert await waiting(hub, scoped) == (0, [])
        # Nor once the device went out of sight; and it is there again when that comes back.
        shown = "/api/v1/devices/mine/notes"
        await hub.call("POST", shown, {"text": "@scoped here"}, ada)
        assert await waiting(hub, scoped) == (1, ["@scoped here"])
        for labels, found in (({}, (0, [])), (NORTH, (1, ["@scoped here"]))):
            await hub.call("PATCH", "/api/v1/devices/mine", {"labels": labels})
            assert await waiting(hub, scoped) == found
        # What is answered to the author is the same, whether there is such a person or not.
        other = await write(hub, ada, "@nobody @bob")
        assert note.keys() == other.keys()


async def test_people_write_to_each_other_and_see_only_their_own(hub: Hub) -> None:
    async with people(hub, "ada", "bob", "cyd") as (ada, bob, cyd):
        for who, to, text in ((ada, "bob", "hi"), (bob, "ada", "hello"), (cyd, "ada", "and I")):
            status, sent = await hub.call("POST", MESSAGES, {"to": to, "text": text}, who)
            assert (status, sent["to"], sent["text"]) == (201, to, text)
        assert await waiting(hub, bob) == (1, ["hi"])
        assert await waiting(hub, ada) == (2, ["and I", "hello"])
        for who, query, texts in (
            (ada, "", ["and I", "hello", "hi"]),
            (ada, "?person=bob", ["hello", "hi"]),
            (bob, "", ["hello", "hi"]),
            (cyd, "?person=bob", []),
            (cyd, "", ["and I"]),
        ):
            _, found = await hub.call("GET", f"{MESSAGES}{query}", headers=who)
            assert [one["text"] for one in found["messages"]] == texts
        _, page = await hub.call("GET", f"{MESSAGES}?limit=2", headers=ada)
        _, rest = await hub.call("GET", f"{MESSAGES}?limit=2&before={page['next']}", headers=ada)
        assert [one["text"] for one in page["messages"] + rest["messages"]] == ["and I", "hello", "hi"]
        assert (await hub.call("POST", MESSAGES, {"to": "nobody", "text": "x"}, ada))[0] == 404
        assert (await hub.call("POST", MESSAGES, {"to": "ada", "text": " "}, ada))[0] == 422


async def test_who_is_limited_to_a_scope_does_not_learn_by_messages_who_there_is(hub: Hub) -> None:
    await hub.device("mine", labels=NORTH)
    await hub.device("other", labels={"site": "south"})
    async with people(hub, "ada") as (_,):
        scoped = await log_in(hub, "scoped", grant(Role.OPERATOR, labels=NORTH))
        await log_in(hub, "south", grant(Role.OPERATOR, labels={"site": "south"}))
        answers = [
            await hub.call("POST", MESSAGES, {"to": to, "text": "x"}, scoped) for to in ("south", "ghost")
        ]
        assert [status for status, _ in answers] == [404, 404]
        south, ghost = (str(problem).replace("ghost", "south") for _, problem in answers)
        assert south == ghost
        assert (await hub.call("POST", MESSAGES, {"to": "ada", "text": "x"}, scoped))[0] == 201


async def test_by_its_name_a_token_gets_at_nobodys_inbox(hub: Hub) -> None:
    async with people(hub, "tester", "ada") as (_, ada):
        await hub.call("POST", MESSAGES, {"to": "tester", "text": "secret"}, ada)
        for method, path, body in (
            ("GET", INBOX, None),
            ("GET", MESSAGES, None),
            ("POST", MESSAGES, {"to": "ada", "text": "x"}),
            ("POST", f"{INBOX}/seen", {"upto": 1}),
        ):
            assert (await hub.call(method, path, body))[0] == 403
        async with hub.live_socket() as socket:
            await said(socket)
            await hub.call("POST", MESSAGES, {"to": "tester", "text": "secret"}, ada)
            assert (await said(socket, {"type": "ping"}))["type"] == "pong"


async def test_a_viewer_reads_notes_and_its_inbox_but_writes_none(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada") as (ada,):
        viewer = await log_in(hub, "vera", Grant(Role.VIEWER))
        await write(hub, ada, "@vera")
        assert await waiting(hub, viewer) == (1, ["@vera"])
        assert (await hub.call("GET", NOTES, headers=viewer))[0] == 200
        assert (await hub.call("POST", NOTES, {"text": "x"}, viewer))[0] == 403
        assert (await hub.call("POST", MESSAGES, {"to": "ada", "text": "x"}, viewer))[0] == 403


async def test_a_removed_device_takes_notes_and_mentions_with_it(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob") as (ada, bob):
        note = await write(hub, ada, "@bob")
        await hub.call("DELETE", "/api/v1/devices/boiler")
        assert (await hub.call("DELETE", f"{NOTES}/{note['id']}", None, ada))[0] == 404
        await hub.device()
        assert (await hub.call("GET", NOTES))[1]["notes"] == []
        assert await waiting(hub, bob) == (0, [])


async def test_who_gets_the_name_of_somebody_who_was_removed_gets_nothing_of_theirs(hub: Hub) -> None:
    await hub.device()
    async with people(hub, "ada", "bob") as (ada, bob):
        note = await write(hub, bob, "mine")
        await write(hub, ada, "@bob")
        for who, to in ((ada, "bob"), (bob, "ada")):
            await hub.call("POST", MESSAGES, {"to": to, "text": "between us"}, who)
        await hub.rooms.accounts.remove("bob")
        bob = await log_in(hub, "bob")
        assert await waiting(hub, bob) == (0, [])
        assert (await hub.call("GET", MESSAGES, headers=bob))[1]["messages"] == []
        assert (await hub.call("DELETE", f"{NOTES}/{note['id']}", None, bob))[0] == 403
        [kept] = [one for one in (await hub.call("GET", NOTES))[1]["notes"] if one["id"] == note["id"]]
        assert (kept["by"], kept["person"]) == ("bob", False)
        assert await waiting(hub, ada) == (1, ["between us"])  # hers stays


async def test_where_a_note_is_it_can_be_deleted_and_a_request_that_comes_again_writes_once(hub: Hub) -> None:
    await hub.device()
    headers = {**hub.bearer(), "Idempotency-Key": "k1"}
    for _ in range(2):
        async with hub.client.post(NOTES, json={"text": "x"}, headers=headers) as answer:
            there = urljoin(NOTES, answer.headers["Location"])
    assert len((await hub.call("GET", NOTES))[1]["notes"]) == 1
    assert (await hub.call("DELETE", there, None, headers))[0] == 204


async def test_two_concurrent_edits_of_one_note_both_stand(hub: Hub) -> None:
    await hub.device()
    shown = hub.bearer()
    note = await write(hub, shown, "first", at=1_000)
    for number in range(10):
        edits = ({"text": f"text {number}"}, {"until": 2_000 + number})
        await asyncio.gather(*(hub.call("PATCH", f"{NOTES}/{note['id']}", one, shown) for one in edits))
        [kept] = (await hub.call("GET", NOTES))[1]["notes"]
        assert (kept["text"], kept["at"], kept["until"]) == (f"text {number}", 1_000, 2_000 + number)


async def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running_hub(tmp_path, Config()) as hub:
        await hub.device()
        await hub.rooms.accounts.ensure_admin("keeper")
        ada, bob = [await log_in(hub, name) for name in ("ada", "bob")]
        note = await write(hub, ada, "@bob")
        await hub.call("POST", MESSAGES, {"to": "bob", "text": "hi"}, ada)
        [_, mention] = (await inbox(hub, bob))["entries"]
        await hub.call("POST", f"{INBOX}/seen", {"upto": mention["id"]}, bob)
    async with running_hub(tmp_path, Config()) as hub:
        assert (await hub.call("GET", NOTES))[1]["notes"] == [note]
        assert await waiting(hub, bob) == (1, ["hi", "@bob"])
        assert (await hub.call("DELETE", f"{NOTES}/{note['id']}", None, ada))[0] == 403  # of another origin
        ada = {**ada, "Origin": hub.url}
        assert (await hub.call("DELETE", f"{NOTES}/{note['id']}", None, ada))[0] == 204


async def test_the_oldest_go_where_there_are_too_many(hub: Hub) -> None:
    await hub.device()
    device = hub.rooms.fleet.devices.find("boiler")
    async with people(hub, "ada", "bob") as (ada, bob):
        first = await write(hub, ada, "@bob first")
        made = hub.rooms.registry.notes
        [kept] = await made.of(device, 1)
        for _ in range(stored_inbox.KEPT_MAX):
            await made.add(kept, ["bob"])
        found = await hub.rooms.registry.inbox.of("bob")
        assert len(found[0]) == stored_inbox.KEPT_MAX
        assert first["id"] not in {entry.note for entry in found[0]}
        assert stored_notes.KEPT_MAX > stored_inbox.KEPT_MAX
        assert (await inbox(hub, bob))["unread"] == stored_inbox.KEPT_MAX
