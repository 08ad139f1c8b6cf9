"""Admission, ownership, coming back and expiry, on a clock that stands still."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from speechagents.live.client_events import CancelResponse, CommitAudio, CreateResponse, OpenScene, PlayScene
from speechagents.live.close_codes import CloseCode
from speechagents.live.outbox import Feed, Outbox
from speechagents.live.sessions import (
    Attached,
    Detached,
    LiveSession,
    Seat,
    SessionGone,
    SessionInput,
    SessionLimitReached,
    SessionLimits,
    Sessions,
    Ticket,
)
from tests.live.fake_clock import FakeClock, settle
from tests.live.playing import Company

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Phone:
    """A connection that notes how it was hung up."""

    def __init__(self) -> None:
        self.ended: list[CloseCode] = []

    def hang_up(self, code: CloseCode, reason: str) -> None:
        assert reason
        self.ended.append(code)


class House:
    """Sessions with a clock and puppets."""

    def __init__(self, limits: SessionLimits) -> None:
        self.clock = FakeClock()
        self.company = Company()
        self.sessions = Sessions(self.company.make, limits, now=self.clock.now, sleep=self.clock.sleep)

    async def enter(self, visitor: str) -> tuple[Seat, Phone, Feed]:
        seat = await self.sessions.open(self.sessions.admit(visitor))
        phone = Phone()
        return seat, phone, await seat.attach(phone, after=0)


@pytest.fixture
def house() -> House:
    return House(SessionLimits(total=3, per_visitor=2, resume_s=30.0, idle_s=900.0))


async def last(feed: Feed, count: int) -> dict[str, object]:
    texts = [await feed.next() for _ in range(count)]
    event: dict[str, object] = json.loads(texts[-1])
    return event


async def test_a_full_stage_admits_nobody_before_anything_is_made(house: House) -> None:
    for visitor in ("a", "b", "c"):
        await house.enter(visitor)
    with pytest.raises(SessionLimitReached, match="3 places"):
        house.sessions.admit("d")
    assert len(house.company.puppets) == 3


async def test_places_are_taken_by_those_who_are_about_to_come(house: House) -> None:
    for visitor in ("a", "b", "c"):
        house.sessions.admit(visitor)
    with pytest.raises(SessionLimitReached):
        house.sessions.admit("d")
    assert house.company.puppets == {}


async def test_nobody_takes_the_whole_stage(house: House) -> None:
    await house.enter("a")
    await house.enter("a")
    with pytest.raises(SessionLimitReached, match="2 sessions"):
        house.sessions.admit("a")
    house.sessions.admit("b")


async def test_a_session_that_cannot_be_made_leaves_its_place_free() -> None:
    async def make(ticket: Ticket, outbox: Outbox) -> LiveSession:
        raise OSError("no model")

    sessions = Sessions(make, SessionLimits(total=1))
    for _ in range(3):
        with pytest.raises(OSError, match="no model"):
            await sessions.open(sessions.admit("a"))
    assert sessions.count == 0


async def test_ids_cannot_be_guessed(house: House) -> None:
    one, other = house.sessions.admit("a"), house.sessions.admit("b")
    assert one.session_id != other.session_id
    assert len(one.session_id) >= 5 + 32


async def test_a_ticket_says_which_scene_was_asked_for(house: House) -> None:
    await house.sessions.open(house.sessions.admit("a", scene="picnic", role="Ella"))
    assert (house.company.only.ticket.scene, house.company.only.ticket.role) == ("picnic", "Ella")


async def test_a_client_that_comes_back_in_time_finds_its_session(house: House) -> None:
    seat, phone, feed = await house.enter("a")
    await last(feed, 1)
    await house.clock.advance(5.0)
    await seat.detach(phone)
    await house.clock.advance(29.9)
    again = await house.sessions.resume(seat.ticket.session_id, "a")
    assert again is seat
    back = await again.attach(Phone(), after=1)
    assert back.missed == 0
    assert house.company.only.received == [Attached(0), Detached(), Attached(0)]
    await house.clock.advance(600.0)
    assert house.company.only.closed == ""


async def test_a_client_that_comes_back_too_late_does_not_even_if_nobody_looked_meanwhile(house: House) -> None:
    seat, phone, _ = await house.enter("a")
    await seat.detach(phone)
    house.clock.now_s += 30.1
    with pytest.raises(SessionGone):
        await house.sessions.resume(seat.ticket.session_id, "a")
    assert house.company.only.closed == "expired"


async def test_a_session_nobody_comes_back_to_ends_and_its_place_is_free(house: House) -> None:
    seat, phone, _ = await house.enter("a")
    await seat.detach(phone)
    ends: list[float] = []
    for _ in range(40):
        await house.clock.advance(1.0)
        ends += [house.clock.now_s - 1_000.0] if house.company.only.closed and not ends else []
    assert 30.0 < ends[0] <= 35.0
    assert house.sessions.count == 0


async def test_another_visitor_is_told_no_more_than_that_there_is_none(house: House) -> None:
    seat, _, _ = await house.enter("a")
    for session_id, visitor in ((seat.ticket.session_id, "b"), ("sess_none", "a"), ("", "")):
        with pytest.raises(SessionGone) as caught:
            await house.sessions.resume(session_id, visitor)
        assert str(caught.value) == ""


async def test_a_newer_connection_takes_over_from_one_that_hangs(house: House) -> None:
    seat, old, feed = await house.enter("a")
    await last(feed, 1)
    new = Phone()
    again = await house.sessions.resume(seat.ticket.session_id, "a")
    await again.attach(new, after=1)
    assert old.ended == [CloseCode.TAKEN_OVER]
    await seat.detach(old)  # what it does when it notices
    await seat.deliver(CreateResponse("mine"))
    assert new.ended == []
    assert house.company.only.received == [Attached(0), Attached(0), CreateResponse("mine")]


async def test_a_client_that_says_nothing_for_long_is_sent_away(house: House) -> None:
    seat, phone, _ = await house.enter("a")
    await house.clock.advance(899.0)
    await seat.deliver(CommitAudio("mine"))
    await house.clock.advance(899.0)
    assert phone.ended == []
    await house.clock.advance(5.0)
    assert phone.ended[0] is CloseCode.IDLE
    assert house.company.only.closed
    assert house.sessions.count == 0


async def test_what_a_session_refuses_becomes_an_error_that_names_the_event(house: House) -> None:
    seat, _, feed = await house.enter("a")
    await seat.deliver(CancelResponse("mine"))
    event = await last(feed, 2)
    assert event["type"] == "error"
    error = event["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")


async def test_what_is_wrong_with_a_scene_becomes_an_error_too(house: House) -> None:
    seat, _, feed = await house.enter("a")
    await seat.deliver(OpenScene("mine", example="nowhere"))
    error = (await last(feed, 2))["error"]
    assert isinstance(error, dict)
    assert "'nowhere'" in error["message"]
    assert (error["type"], error["event_id"]) == ("invalid_request_error", "mine")


async def test_a_bug_is_logged_and_apologised_for_and_the_session_goes_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    seat, _, feed = await house.enter("a")
    with caplog.at_level(logging.ERROR):
        await seat.deliver(PlayScene("mine"))
    error = (await last(feed, 2))["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["code"], error["event_id"]) == ("server_error", "internal_error", "mine")
    assert "a bug" not in error["message"]
    assert "ZeroDivisionError" in caplog.text
    await seat.deliver(CommitAudio("next"))
    assert (await last(feed, 1))["type"] == "input_audio_buffer.committed"


async def test_a_session_is_told_one_thing_at_a_time_and_in_order() -> None:
    told: list[SessionInput] = []
    go_on = asyncio.Event()

    class Ponderous:
        async def receive(self, event: SessionInput) -> None:
            told.append(event)
            await go_on.wait()

        async def close(self, reason: str) -> None:
            assert len(told) == 3

    async def make(ticket: Ticket, outbox: Outbox) -> Ponderous:
        return Ponderous()

    sessions = Sessions(make)
    seat = await sessions.open(sessions.admit("a"))
    tasks = [asyncio.create_task(seat.attach(Phone(), after=0))]
    await settle()
    others = [asyncio.create_task(seat.deliver(CommitAudio(name))) for name in ("1", "2")]
    await settle()
    assert told == [Attached(0)]
    go_on.set()
    await asyncio.gather(*tasks, *others)
    assert told[1:] == [CommitAudio("1"), CommitAudio("2")]
    await sessions.shut_down()


async def test_a_place_is_free_only_when_its_session_has_ended() -> None:
    may_end = asyncio.Event()

    class Lingering:
        async def receive(self, event: SessionInput) -> None:
            pass

        async def close(self, reason: str) -> None:
            await may_end.wait()

    async def make(ticket: Ticket, outbox: Outbox) -> Lingering:
        return Lingering()

    sessions = Sessions(make, SessionLimits(total=1))
    seat = await sessions.open(sessions.admit("a"))
    ending = asyncio.create_task(sessions.end(seat, "left"))
    await settle()
    with pytest.raises(SessionLimitReached):
        sessions.admit("b")
    with pytest.raises(SessionGone):
        await sessions.resume(seat.ticket.session_id, "a")
    may_end.set()
    await ending
    sessions.admit("b")
    await sessions.shut_down()


async def test_room_is_made_by_the_session_of_the_same_visitor_that_waited_longest(house: House) -> None:
    first, first_phone, _ = await house.enter("a")
    second, second_phone, _ = await house.enter("a")
    other, other_phone, _ = await house.enter("b")
    await first.detach(first_phone)
    await house.clock.advance(1.0)
    await second.detach(second_phone)
    await other.detach(other_phone)
    await house.sessions.make_room("a")
    assert first.is_ended
    assert not second.is_ended
    assert not other.is_ended
    house.sessions.admit("a")


async def test_no_room_is_made_of_a_session_that_is_being_played(house: House) -> None:
    seat, _, _ = await house.enter("a")
    await house.sessions.make_room("a")
    assert not seat.is_ended


async def test_when_the_server_stops_everybody_is_sent_home(house: House) -> None:
    seats = [await house.enter(visitor) for visitor in ("a", "b")]
    await house.sessions.shut_down()
    assert [phone.ended[0] for _, phone, _ in seats] == [CloseCode.GONE] * 2
    assert all(puppet.closed for puppet in house.company.puppets.values())
    assert house.sessions.count == 0


async def test_nobody_can_sit_down_where_a_session_has_ended(house: House) -> None:
    seat, _, _ = await house.enter("a")
    await house.sessions.end(seat, "left")
    with pytest.raises(SessionGone):
        await seat.attach(Phone(), after=0)


def test_limits_that_let_nobody_in_are_refused() -> None:
    for limits in ({"total": 0}, {"per_visitor": 0}, {"resume_s": 0.0}, {"idle_s": -1.0}):
        with pytest.raises(ValueError, match=r"few|no waiting"):
            SessionLimits(**limits)
