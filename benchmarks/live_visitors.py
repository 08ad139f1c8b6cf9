"""Visitors of a live stage in a process of their own: each has a session, a microphone and a loudspeaker.

    python -m benchmarks.live_visitors URL --visitors N --seconds S [--microphones N] [--speaks]

Owns what visitors do and what they notice, and prints it as JSON. Does not know the server.

Every microphone, of all visitors or of the first ``--microphones``, sends 20 ms frames in real time: a room in which
nobody speaks, and with ``--speaks`` now and then a question to one of the agents by name. Every loudspeaker plays what
comes as the page's does, with a prebuffer of 40 ms, and says how far it is. It runs on the times at which sound
arrives and on no clock of its own: a frame is late if it is not there when it is due, and a busy moment of this
process counts against the server, never for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.live_speech import Sentence, quiet, sentences
from speechagents.errors import StageError
from speechagents.live import pcm16
from speechagents.live.connection import Connection, Event, Server
from speechagents.live.loudspeaker import Loudspeaker
from speechagents.live.talk import FRAME_S, ticks

_REPORT_S = 0.2
_OPENING_S = 60.0
_CHANCE_S = 15.0
_ANSWER_S = 30.0
_QUESTION_S = 3.0
_SHOWN_S = 6.0
_ARRIVE_EVERY_S = 0.1
_PAUSE_S = (2.0, 8.0)
"""Between the end of an answer and the next question: the agents go on among themselves."""


@dataclass(slots=True)
class Answer:
    """What came of a question. Times in seconds from the last voiced sample.

    Attributes:
        said: The question.
        heard: What was understood of it.
        first_audio_s: Until the first sound of the answer; None without one.
        early: The answer came before the question was out: its end was misjudged.
        by_addressee: Who was asked answered.
        metrics: The server's own view.
    """

    said: str
    heard: str = ""
    first_audio_s: float | None = None
    early: bool = False
    by_addressee: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What one visitor noticed.

    Attributes:
        opened_s: Until the scene was open; None if it never was.
        frames: Frames of 20 ms that were played.
        late_frames: Frames that were not there when they were due.
        events: Events by type.
        reconnects: How often the connection broke and came back.
        lost: Why the session ended before its time; empty if it did not.
        errors: Errors that the server told, by code.
        over: The scene came to its end.
        answers: To the questions.
    """

    opened_s: float | None = None
    frames: int = 0
    late_frames: int = 0
    events: dict[str, int] = field(default_factory=dict)
    reconnects: int = 0
    lost: str = ""
    errors: dict[str, int] = field(default_factory=dict)
    over: bool = False
    answers: list[Answer] = field(default_factory=list)


class Visitor:
    """One visitor.

    Args:
        server: Where the stage is.
        opening: The event that opens the scene.
        seed: Of what chance decides: what happens in the scene, when it speaks, and the noise of its room.
        room: Frames that its microphone hears while nobody speaks; none without a microphone.
        says: What it may say; nothing for one who only listens.
    """

    def __init__(
        self,
        server: Server,
        opening: Event,
        seed: int,
        *,
        room: Sequence[Mapping[str, Any]] = (),
        says: Sequence[Sentence] = (),
    ) -> None:
        self.report = Report()
        self._connection = Connection(server)
        # Scenes that all go the same way would all be silent, and all speak, at the same moments.
        self._opening = {**opening, "seed": seed}
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._room = room
        self._says = list(says)
        self._loudspeaker = Loudspeaker()
        self._played = 0
        self._zero_s = time.monotonic()
        self._items: dict[str, str] = {}
        self._speakers: dict[str, str] = {}
        self._first_s: dict[str, float] = {}
        self._speaking: Sentence | None = None
        self._sent = 0
        self._voice_ended_s: float | None = None
        self._answer: Answer | None = None
        self._answered_item = ""
        self._news = asyncio.Event()
        self._events: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    async def stay(self, until_s: float) -> None:
        """Come, take part until a time of the monotonic clock, and leave."""
        began_s = time.monotonic()
        try:
            async with self._connection:
                await self._connection.send(self._opening)
                tasks = [asyncio.create_task(work) for work in (self._receive(began_s), self._sound())]
                if self._says:
                    tasks.append(asyncio.create_task(self._converse(until_s)))
                done, _ = await asyncio.wait(
                    tasks, timeout=until_s - time.monotonic(), return_when=asyncio.FIRST_EXCEPTION
                )
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for task in done:
                    task.result()
        except StageError as error:
            self.report.lost = str(error)
        heard = self._loudspeaker.heard
        self.report.frames, self.report.late_frames = heard.frames, heard.late_frames
        self.report.events, self.report.errors = dict(self._events), dict(self._errors)

    # Hearing

    async def _receive(self, began_s: float) -> None:
        async for event in self._connection.events():
            now_s = time.monotonic()
            self._events[event["type"]] += 1
            match event["type"]:
                case "drama.scene.opened":
                    self.report.opened_s = now_s - began_s
                case "drama.scene.over":
                    self.report.over = True
                case "drama.session.resumed":
                    self.report.reconnects += 1
                case "error":
                    self._errors[str((event.get("error") or {}).get("code"))] += 1
                case _:
                    self._take(event, now_s)
            self._news.set()

    def _take(self, event: Event, now_s: float) -> None:
        match event["type"]:
            case "response.output_audio.delta":
                item = str(event["item_id"])
                self._items[str(event["response_id"])] = item
                self._first_s.setdefault(item, now_s)
                self._play_until(now_s)
                self._loudspeaker.push(item, pcm16.decode(event["delta"]))
            case "response.output_audio.done":
                self._loudspeaker.end(str(event["item_id"]))
            case "output_audio_buffer.cleared":
                self._play_until(now_s)
                self._loudspeaker.drop(self._items.get(str(event["response_id"]), ""))
            case "drama.turn":
                self._speakers[str(event.get("item_id"))] = str(event["role"])
            case "conversation.item.input_audio_transcription.completed":
                if self._answer is not None:
                    self._answer.heard = f"{self._answer.heard} {event['transcript']}".strip()
            case "drama.metrics":
                self._measure(event)

    def _measure(self, event: Event) -> None:
        """The server says which line answers the person."""
        if self._answer is None or self._answer.first_audio_s is not None:
            return
        item = str(event["item_id"])
        sounded_s = self._first_s.get(item)
        if sounded_s is None:
            return
        if self._voice_ended_s is None:
            self._answer.early = True
            return
        self._answer.first_audio_s = sounded_s - self._voice_ended_s
        self._answer.by_addressee = self._speakers.get(item) == self._spoken_to
        self._answer.metrics = {name: value for name, value in event.items() if name.endswith("_ms")}
        self._answered_item = item

    def _play_until(self, now_s: float) -> None:
        """The loudspeaker has gone on since it was looked at last."""
        due = round((now_s - self._zero_s) * pcm16.RATE_HZ)
        if due > self._played:
            self._loudspeaker.pull(due - self._played)
            self._played = due

    # Sending

    async def _sound(self) -> None:
        reported_s = 0.0
        number = 0
        await asyncio.sleep(self._chance.uniform(0.0, FRAME_S))  # microphones do not tick together
        async for now_s in ticks(FRAME_S):
            self._play_until(now_s)
            if self._room and self.report.opened_s is not None:
                await self._connection.send_now(self._frame(number))
                self._note_end()
                number += 1
            for played in self._loudspeaker.reports():
                if played.is_last or now_s - reported_s >= _REPORT_S:
                    reported_s = now_s
                    event = {"type": "drama.playback", "item_id": played.item_id}
                    await self._connection.send_now({**event, "played_ms": round(1000 * played.played_s)})
            self._news.set()

    def _frame(self, number: int) -> Mapping[str, Any]:
        sentence = self._speaking
        if sentence is None:
            return self._room[number % len(self._room)]
        frame = sentence.frames[self._sent]
        self._sent += 1
        return frame

    def _note_end(self) -> None:
        sentence = self._speaking
        if sentence is None:
            return
        if self._sent == sentence.voiced_frames:
            # The frame lasts until now: a microphone sends it when it has heard its end.
            self._voice_ended_s = time.monotonic() - sentence.tail_s
        if self._sent == len(sentence.frames):
            self._speaking = None

    # Taking part

    async def _converse(self, until_s: float) -> None:
        await self._until(lambda: self.report.opened_s is not None, _OPENING_S)
        self._chance.shuffle(self._says)
        number = 0
        while True:
            await asyncio.sleep(self._chance.uniform(*_PAUSE_S))
            await self._until(lambda: not self._loudspeaker.is_busy, _CHANCE_S)
            if self.report.over or time.monotonic() > until_s - _ANSWER_S - _QUESTION_S:
                return
            await self._ask(self._says[number % len(self._says)])
            number += 1

    async def _ask(self, sentence: Sentence) -> None:
        self._answer, self._answered_item, self._spoken_to = Answer(sentence.text), "", sentence.to
        self._voice_ended_s, self._sent, self._speaking = None, 0, sentence
        await self._until(lambda: self._voice_ended_s is not None, len(sentence.frames) * FRAME_S + 5.0)
        await self._until(lambda: bool(self._answered_item), _ANSWER_S)
        self.report.answers.append(self._answer)
        # The answer is listened to, as people do.
        await self._until(lambda: not self._loudspeaker.is_busy, _SHOWN_S)
        self._answer = None

    async def _until(self, wanted: Any, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not wanted():
                    self._news.clear()
                    await self._news.wait()


async def visit(
    server: Server, opening: Event, visitors: int, seconds: float, *, microphones: int, speaks: bool
) -> dict[str, Any]:
    """Send so many visitors, one after the other, and keep all of them there for so long.

    Args:
        server: Where the stage is.
        opening: The event with which each opens its scene.
        visitors: How many.
        seconds: From the arrival of the last; whoever has asked by then still hears the answer.
        microphones: How many of them have one.
        speaks: Whether they ask questions.
    """
    says = sentences() if speaks else ()
    people = [
        Visitor(server, opening, seed, room=quiet(seed), says=says)
        if seed < microphones
        else Visitor(server, opening, seed)
        for seed in range(visitors)
    ]
    began_s, used_s = time.monotonic(), time.process_time()
    until_s = began_s + visitors * _ARRIVE_EVERY_S + seconds + (_ANSWER_S if speaks else 0.0)
    staying = []
    for person in people:
        staying.append(asyncio.create_task(person.stay(until_s)))
        await asyncio.sleep(_ARRIVE_EVERY_S)
    all_there_at_s = time.monotonic()
    await asyncio.gather(*staying)
    cpu = (time.process_time() - used_s) / (time.monotonic() - began_s)
    return {
        "all_there_at_s": all_there_at_s,
        "left_at_s": until_s,
        "cpu_percent": round(100 * cpu, 1),
        "visitors": [asdict(person.report) for person in people],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Visit, and print what was noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--visitors", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--microphones", type=int, help="how many of them have one; all by default")
    parser.add_argument("--speaks", action="store_true")
    parser.add_argument("--example", default="city-park-picnic", help="scene that each opens")
    parser.add_argument("--role", default="", help="role that each takes; the first by default")
    parser.add_argument("--turns", type=int, default=2_000)
    arguments = parser.parse_args(argv)
    opening = {
        "type": "drama.scene.open",
        "scene": {"example": arguments.example},
        "role": arguments.role,
        "turns": arguments.turns,
    }
    server = Server(arguments.url)
    microphones = arguments.visitors if arguments.microphones is None else arguments.microphones
    visiting = visit(
        server,
        opening,
        arguments.visitors,
        arguments.seconds,
        microphones=microphones,
        speaks=arguments.speaks,
    )
    print(json.dumps(asyncio.run(visiting)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
