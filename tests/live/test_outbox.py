"""Server events on their way to a client that may be slow, gone, or back again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.live import drama_events, server_events
from speechagents.live.outbox import Feed, FeedEnded, Outbox, OutboxLimits
from speechagents.live.server_events import Answer
from tests.live.fake_clock import settle

pytestmark = pytest.mark.anyio

ANSWER = Answer("resp_1", "item_1", "Ella")
SOUND = Audio(np.zeros(960, np.float32), 24_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Slow:
    """Counts how often a client was called slow."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def note(number: int) -> dict[str, Any]:
    return drama_events.message({"id": number})


def attach(outbox: Outbox, after: int = 0) -> Feed:
    return outbox.attach(after, slow=Slow())


async def read(feed: Feed, count: int) -> list[dict[str, Any]]:
    return [json.loads(await feed.next()) for _ in range(count)]


async def waiting(feed: Feed) -> list[dict[str, Any]]:
    """Everything that can be read now."""
    found = []
    while True:
        try:
            async with asyncio.timeout(0):
                found.append(json.loads(await feed.next()))
        except TimeoutError:
            return found


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["event_id"].removeprefix("event_")) for event in events]


async def test_events_are_numbered_from_one_and_come_in_order() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.put(note(number))
    events = await read(attach(outbox), 3)
    assert [event["event_id"] for event in events] == ["event_00000001", "event_00000002", "event_00000003"]
    assert [event["message"]["id"] for event in events] == [0, 1, 2]


async def test_whoever_reads_waits_for_the_next_event() -> None:
    outbox = Outbox()
    task = asyncio.create_task(read(attach(outbox), 1))
    await settle()
    assert not task.done()
    outbox.put(note(7))
    assert (await task)[0]["message"]["id"] == 7


async def test_what_a_client_does_not_have_comes_again_and_nothing_else() -> None:
    outbox = Outbox()
    for number in range(6):
        outbox.put(note(number))
    first = attach(outbox)
    await read(first, 4)
    outbox.detach(first)
    back = attach(outbox, after=2)
    assert back.missed == 0
    assert numbers(await waiting(back)) == [3, 4, 5, 6]


async def test_events_made_while_nobody_reads_are_kept() -> None:
    outbox = Outbox()
    first = attach(outbox)
    outbox.put(note(1))
    await read(first, 1)
    outbox.detach(first)
    outbox.put(note(2))
    assert numbers(await waiting(attach(outbox, after=1))) == [2]


async def test_a_client_that_claims_to_have_what_was_never_sent_still_gets_it() -> None:
    outbox = Outbox()
    first = attach(outbox)
    outbox.put(note(1))
    await read(first, 1)
    outbox.put(note(2))
    assert numbers(await waiting(attach(outbox, after=9_999))) == [2]


async def test_a_reader_whose_place_is_taken_is_told_so() -> None:
    outbox = Outbox()
    first = attach(outbox)
    task = asyncio.create_task(first.next())
    await settle()
    second = attach(outbox)
    with pytest.raises(FeedEnded):
        await task
    outbox.detach(first)
    outbox.put(note(1))
    assert numbers(await waiting(second)) == [1]


async def test_a_newer_partial_replaces_one_that_was_not_sent() -> None:
    outbox = Outbox()
    for text in ("he", "hell", "hello"):
        outbox.put(drama_events.transcript_partial("item_1", text))
        outbox.put(drama_events.transcript_partial("item_2", text))
    events = await waiting(attach(outbox))
    assert [(event["item_id"], event["text"]) for event in events] == [("item_1", "hello"), ("item_2", "hello")]


async def test_a_partial_that_was_sent_stays_and_the_newer_one_follows() -> None:
    outbox = Outbox()
    feed = attach(outbox)
    outbox.put(drama_events.transcript_partial("item_1", "he"))
    await read(feed, 1)
    outbox.put(drama_events.transcript_partial("item_1", "hello"))
    assert [event["text"] for event in await waiting(feed)] == ["hello"]
    # Sent again, only the newest is worth it.
    assert [event["text"] for event in await waiting(attach(outbox))] == ["hello"]


async def test_finals_are_never_replaced() -> None:
    outbox = Outbox()
    for text in ("hello", "hello there"):
        outbox.put(server_events.transcription_completed("item_1", text, duration_s=1.0))
    assert len(await waiting(attach(outbox))) == 2


async def test_sound_of_a_cut_line_is_neither_sent_nor_sent_again() -> None:
    outbox = Outbox()
    feed = attach(outbox)
    outbox.put(ANSWER.created())
    for _ in range(4):
        outbox.put(ANSWER.audio_delta(SOUND))
    outbox.put(Answer("resp_2", "item_2", "Ben").audio_delta(SOUND))
    await read(feed, 3)
    outbox.withdraw("item_1")
    outbox.put(ANSWER.output_cleared())
    left = await waiting(feed)
    assert [event["type"] for event in left] == ["response.output_audio.delta", "output_audio_buffer.cleared"]
    assert left[0]["item_id"] == "item_2"
    replayed = await waiting(attach(outbox))
    assert [event["type"] for event in replayed].count("response.output_audio.delta") == 1
    assert replayed[0]["type"] == "response.created"


async def test_a_client_that_never_reads_is_called_slow_once_and_nothing_is_lost_up_to_the_bound() -> None:
    slow = Slow()
    outbox = Outbox(OutboxLimits(unsent_bytes=2_000, kept_bytes=100_000))
    feed = outbox.attach(0, slow=slow)
    for number in range(100):
        outbox.put(note(number))
    assert slow.times == 1
    outbox.detach(feed)
    back = attach(outbox)
    assert back.missed == 0
    assert len(await waiting(back)) == 100


async def test_a_client_that_reads_is_not_slow_however_much_there_is() -> None:
    slow = Slow()
    outbox = Outbox(OutboxLimits(unsent_bytes=2_000, kept_bytes=4_000))
    feed = outbox.attach(0, slow=slow)
    for number in range(1_000):
        outbox.put(note(number))
        await read(feed, 1)
    assert slow.times == 0


async def test_what_is_sent_again_makes_nobody_slow() -> None:
    outbox = Outbox(OutboxLimits(unsent_bytes=2_000, kept_bytes=100_000))
    feed = attach(outbox)
    for number in range(50):
        outbox.put(note(number))
        await read(feed, 1)
    slow = Slow()
    outbox.attach(0, slow=slow)
    outbox.put(note(50))
    assert slow.times == 0


async def test_what_is_kept_is_bounded_and_a_client_that_comes_back_late_is_told_what_it_missed() -> None:
    outbox = Outbox(OutboxLimits(unsent_bytes=1_000, kept_bytes=1_000, kept_events=500))
    size = len(json.dumps({**note(1), "event_id": "event_00000001"}, separators=(",", ":")))
    for _ in range(5_000):
        outbox.put(note(1))
    feed = attach(outbox, after=0)
    events = await waiting(feed)
    assert len(events) == 1_000 // size
    assert feed.missed == 5_000 - len(events)
    assert numbers(events)[-1] == 5_000


async def test_the_number_of_events_is_bounded_too() -> None:
    outbox = Outbox(OutboxLimits(kept_events=10))
    for number in range(50):
        outbox.put(note(number))
    feed = attach(outbox)
    assert feed.missed == 40
    assert len(await waiting(feed)) == 10


async def test_losing_what_was_not_sent_makes_a_client_slow() -> None:
    slow = Slow()
    outbox = Outbox(OutboxLimits(kept_events=10))
    outbox.attach(0, slow=slow)
    for number in range(11):
        outbox.put(note(number))
    assert slow.times == 1


async def test_text_is_sent_as_it_is_in_plain_ascii() -> None:
    outbox = Outbox()
    outbox.put(drama_events.transcript_partial("item_1", "Grüße, „Ella“"))
    text = await attach(outbox).next()
    assert text.isascii()
    assert json.loads(text)["text"] == "Grüße, „Ella“"


def test_bounds_are_in_order() -> None:
    for limits in ({"unsent_bytes": 2, "kept_bytes": 1}, {"unsent_bytes": 0}, {"kept_events": 0}):
        with pytest.raises(ValueError, match=r"less|order"):
            OutboxLimits(**limits)
