"""The state of a session, with a clock in hand and no connection anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Forbidden, Invalid
from hub.model import Device
from hub.mqtt.codec.packets import Properties, Publish, Will
from hub.mqtt.kept_sessions import PER_DEVICE_MAX, KeptSessions
from hub.mqtt.session_state import SUBSCRIPTIONS_MAX, Downlink, Granted, SessionState
from hub.mqtt.topics import TopicKind, Up, is_own, matches, upward

DEVICE = Device(1, "boiler", "Boiler", {}, 0)
OTHER = Device(2, "pump", "Pump", {}, 0)
TOPIC = "v1/devices/me/rpc/request/1"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> KeptSessions:
    return KeptSessions(20, 3, clock, lambda _: None)


def subscribed(queued_max: int = 3) -> SessionState:
    session = SessionState(DEVICE, "c", queued_max)
    session.subscribe("v1/devices/me/rpc/request/+", Granted(1, 7))
    return session


def will(delay_s: int) -> Will:
    return Will(
        "v1/devices/me/telemetry", b'{"up":false}', properties=Properties(will_delay_interval=delay_s)
    )


def kept(
    sessions: KeptSessions, device: Device, client_id: str, expiry_s: int, last: Will | None = None
) -> SessionState:
    session, _, _ = sessions.open(device, client_id, clean=False)
    session.expiry_s = expiry_s
    sessions.leave(session, last)
    return session


def test_no_more_than_the_quota_is_in_flight_and_no_more_than_the_bound_is_queued() -> None:
    session = subscribed()
    assert [session.queue(Downlink(TOPIC, bytes((n,)))) for n in range(4)] == [True, True, True, False]
    sent = [session.next(2, 0) for _ in range(3)]
    assert [(one.packet_id, one.payload, one.dup) if one else None for one in sent] == [
        (1, b"\0", False),
        (2, b"\1", False),
        None,
    ]
    assert session.settled(1)
    assert not session.settled(1)
    assert session.next(2, 0) == Publish(
        TOPIC, b"\2", 1, 3, properties=Properties(subscription_identifier=(7,))
    )
    assert session.queue(Downlink(TOPIC, b"\4"))


def test_what_was_not_acknowledged_is_sent_again_first_and_in_order() -> None:
    session = subscribed()
    for number in range(3):
        session.queue(Downlink(TOPIC, bytes((number,))))
    for _ in range(2):
        session.next(10, 0)
    session.reconnected()
    again = [session.next(2, 0) for _ in range(3)]
    assert [(one.packet_id, one.dup) if one else None for one in again] == [(1, True), (2, True), None]
    assert session.settled(1)
    last = session.next(2, 0)
    assert last is not None
    assert (last.packet_id, last.dup, last.payload) == (3, False, b"\2")


STEPS = st.lists(
    st.sampled_from(["queue", "send", "reconnect"])
    | st.integers(1, 8).map(lambda number: f"puback {number}"),
    max_size=60,
)


@given(STEPS, st.integers(1, 4))
def test_whatever_a_peer_acknowledges_and_when_the_quota_holds_and_nothing_is_lost_or_out_of_order(
    steps: list[str], quota: int
) -> None:
    session = subscribed(queued_max=6)
    queued, in_flight, settled = 0, dict[int, int](), set[int]()
    order: list[int] = []  # on this connection
    numbers: dict[int, int] = {}  # by packet id: which message it carries
    for step in steps:
        if step == "queue":
            queued += session.queue(Downlink(TOPIC, bytes((queued,))))
        elif step == "reconnect":
            session.reconnected()
            in_flight, order = {}, []
        elif step == "send":
            sent = session.next(quota, 0)
            if sent is not None:
                number = sent.payload[0]
                assert sent.dup == (number in numbers.values())
                assert number not in settled
                numbers[sent.packet_id] = in_flight[sent.packet_id] = number
                order.append(number)
                assert len(in_flight) <= quota
                assert order == sorted(order)
        else:
            packet_id = int(step.removeprefix("puback "))
            if session.settled(packet_id):
                settled.add(numbers.pop(packet_id))
                in_flight.pop(packet_id, None)
    session.reconnected()
    left = []
    while (sent := session.next(65_535, 0)) is not None:
        left.append(sent.payload[0])
    assert left == [number for number in range(queued) if number not in settled]


def test_a_message_past_its_time_is_dropped_and_another_says_how_long_it_is_worth_having() -> None:
    session = subscribed()
    session.queue(Downlink(TOPIC, b"old", expires_at=5_000_000))
    session.queue(Downlink(TOPIC, b"new", expires_at=9_500_000))
    found = session.next(10, 6_000_000)
    assert found is not None
    assert found.payload == b"new"
    assert found.properties.message_expiry_interval == 4


def test_packet_ids_go_round_past_those_in_use() -> None:
    session = SessionState(DEVICE, "c", 3)
    session.queue(Downlink(TOPIC, b"slow"))
    session.next(10, 0)
    for number in range(2, 65_537):
        session.queue(Downlink(TOPIC, b""))
        found = session.next(10, 0)
        assert found is not None
        assert session.settled(found.packet_id)
        assert found.packet_id == (number if number <= 65_535 else 2)


def test_subscriptions_are_bounded_and_the_best_of_several_counts() -> None:
    session = SessionState(DEVICE, "c", 3)
    for number in range(SUBSCRIPTIONS_MAX - 1):
        assert session.subscribe(f"v1/devices/me/{number}", Granted(0))
    assert session.subscribe("v1/devices/me/#", Granted(1))
    assert not session.subscribe("v1/devices/me/more", Granted(0))
    assert session.subscribe("v1/devices/me/3", Granted(0, 9))
    assert session.wants("v1/devices/me/3") == Granted(1)
    assert session.identifiers("v1/devices/me/3") == (9,)
    assert session.wants("v1/devices/you") is None


def test_a_session_is_kept_for_its_time_and_not_longer(sessions: KeptSessions, clock: Clock) -> None:
    session = kept(sessions, DEVICE, "c", 10)
    clock.now_s += 9
    assert sessions.open(DEVICE, "c", clean=False) == (session, True, [])
    sessions.leave(session, None)
    clock.now_s += 10
    assert sessions.open(DEVICE, "c", clean=False)[1] is False


def test_a_session_without_expiry_is_not_kept(sessions: KeptSessions) -> None:
    kept(sessions, DEVICE, "c", 0)
    assert len(sessions) == 0


def test_a_clean_start_ends_the_kept_session_and_its_will_is_due(sessions: KeptSessions) -> None:
    kept(sessions, DEVICE, "c", 100, will(50))
    _, present, due = sessions.open(DEVICE, "c", clean=True)
    assert (present, due) == (False, [(DEVICE, will(50))])


def test_a_will_waits_for_its_delay_and_is_cancelled_by_a_return(
    sessions: KeptSessions, clock: Clock
) -> None:
    kept(sessions, DEVICE, "c", 100, will(50))
    clock.now_s += 49
    assert sessions.due() == []
    assert sessions.open(DEVICE, "c", clean=False)[2] == []
    clock.now_s += 2
    assert sessions.due() == []


def test_a_will_is_due_after_its_delay_once(sessions: KeptSessions, clock: Clock) -> None:
    kept(sessions, DEVICE, "c", 100, will(50))
    clock.now_s += 50
    assert sessions.due() == [(DEVICE, will(50))]
    assert sessions.due() == []
    clock.now_s += 50
    assert sessions.due() == []
    assert len(sessions) == 0


def test_a_will_is_due_when_its_session_ends_if_that_is_first(sessions: KeptSessions, clock: Clock) -> None:
    kept(sessions, DEVICE, "c", 10, will(50))
    clock.now_s += 10
    assert sessions.due() == [(DEVICE, will(50))]


def test_a_will_without_delay_or_session_is_due_at_once(sessions: KeptSessions) -> None:
    for expiry_s, delay_s in ((100, 0), (0, 50)):
        session, _, _ = sessions.open(DEVICE, "c", clean=True)
        session.expiry_s = expiry_s
        assert sessions.leave(session, will(delay_s)) == [(DEVICE, will(delay_s))]
    assert sessions.due() == []


def test_a_device_with_too_many_sessions_loses_its_own_oldest(sessions: KeptSessions) -> None:
    kept(sessions, OTHER, "c", 100)
    for number in range(PER_DEVICE_MAX + 1):
        kept(sessions, DEVICE, str(number), 100)
    assert len(sessions) == PER_DEVICE_MAX + 1
    assert sessions.open(DEVICE, "0", clean=False)[1] is False
    assert sessions.open(DEVICE, "1", clean=False)[1] is True
    assert sessions.open(OTHER, "c", clean=False)[1] is True


def test_when_there_is_no_room_a_session_ends_with_its_connection(clock: Clock) -> None:
    sessions = KeptSessions(1, 3, clock, lambda _: None)
    kept(sessions, OTHER, "c", 100)
    session, _, _ = sessions.open(DEVICE, "c", clean=True)
    session.expiry_s = 100
    assert sessions.leave(session, will(50)) == [(DEVICE, will(50))]
    assert sessions.open(OTHER, "c", clean=False)[1] is True


def test_a_removed_device_leaves_nothing(sessions: KeptSessions, clock: Clock) -> None:
    kept(sessions, DEVICE, "c", 100, will(50))
    kept(sessions, OTHER, "c", 100, will(50))
    sessions.forget(DEVICE)
    clock.now_s += 200
    assert sessions.due() == [(OTHER, will(50))]


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("+/b/#", "a/b", True),
        ("a/b/c", "a/b", False),
    ],
)
def test_which_topics_a_filter_matches(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


def test_what_publishing_to_a_topic_means() -> None:
    me, own = "v1/devices/me/", "devices/boiler/"
    assert upward("v1/devices/me/telemetry", "boiler") == Up(TopicKind.TELEMETRY, me)
    assert upward("devices/boiler/attributes", "boiler") == Up(TopicKind.ATTRIBUTES, own)
    assert upward("v1/devices/me/attributes/request/12", "boiler") == Up(TopicKind.ATTRIBUTES_REQUEST, me, 12)
    assert upward("devices/boiler/rpc/response/3", "boiler") == Up(TopicKind.RPC_RESPONSE, own, 3)
    for topic in ("devices/boiler2/telemetry", "telemetry", "devices/boiler", "v1/devices/you/telemetry"):
        with pytest.raises(Forbidden):
            upward(topic, "boiler")
    for topic in (me, me + "rpc/response/", me + "rpc/response/-1", me + "rpc/response/٣", own + "x"):
        with pytest.raises(Invalid):
            upward(topic, "boiler")


def test_only_filters_that_match_nothing_of_others_are_a_devices_own() -> None:
    for topic_filter in ("v1/devices/me/#", "v1/devices/me/rpc/request/+", "devices/boiler/#"):
        assert is_own(topic_filter, "boiler")
    for topic_filter in (
        "#",
        "+/devices/me/telemetry",
        "v1/devices/+/x",
        "devices/#",
        "devices/+/telemetry",
        "$SYS/#",
    ):
        assert not is_own(topic_filter, "boiler")
