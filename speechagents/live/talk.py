"""A person's side of a live scene, without a page: what is said, what is heard, and when it is one's turn.

Owns the order of speaking and waiting, the real time of sound, and what came of it. Does not know how a connection is
made (`connection`), what a sound card is (`sound_card`), or how anything is printed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.errors import StageError
from speechagents.live import pcm16
from speechagents.live.connection import Connection, Event
from speechagents.live.loudspeaker import Heard, Loudspeaker

FRAME_S: Final = 0.02
_FRAME: Final = round(FRAME_S * pcm16.RATE_HZ)
_REPORT_S: Final = 0.2
_LEAST_BEHIND_S: Final = 0.5
"""When this process was kept from running for longer, that time is skipped instead of being made up for."""

_OPENING_S: Final = 60.0
_CHANCE_S: Final = 20.0
_UNDERSTANDING_S: Final = 15.0
_ANSWER_S: Final = 60.0
_RECORDING_S: Final = 2.0

Show = Callable[[Event], None]
Hear = Callable[[Samples], None]


class Card(Protocol):
    """Where sound is played, and perhaps comes from."""

    def play(self, loudspeaker: Loudspeaker) -> Samples:
        """What was heard since the last call, taken out of the loudspeaker; called every 20 ms."""

    def record(self) -> Samples:
        """What the microphone has heard since the last call; nothing if there is none."""


class NoCard:
    """No sound card: time passes all the same, and what is played can be written to a file."""

    def play(self, loudspeaker: Loudspeaker) -> Samples:
        """As the protocol says."""
        return loudspeaker.pull(_FRAME)

    def record(self) -> Samples:
        """As the protocol says."""
        return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Part:
    """What is played, and as whom.

    Attributes:
        yaml: The scene.
        role: Name of the role that the person takes.
        policy: Name of the turn policy; empty for the scene's.
        turns: Most turns; None for the scene's.
    """

    yaml: str
    role: str
    policy: str = ""
    turns: int | None = None

    def opening(self) -> Event:
        """The event that opens the scene."""
        event: Event = {"type": "drama.scene.open", "scene": {"yaml": self.yaml}, "role": self.role}
        if self.policy:
            event["policy"] = self.policy
        if self.turns is not None:
            event["turns"] = self.turns
        return event


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        said: Sounds and lines that the person gave.
        understood: Of these, how many became messages.
        answered: Of these, how many somebody spoke after.
        messages: Messages of everybody.
        metrics: Figures of each answer, in milliseconds, as the server measured them.
        heard: What the loudspeaker counted.
        production: Id of the production on the server.
        over: Why the scene ended, empty if it did not.
    """

    said: int = 0
    understood: int = 0
    answered: int = 0
    messages: int = 0
    metrics: list[dict[str, int | None]] = field(default_factory=list)
    heard: Heard = field(default_factory=lambda: Heard(0, 0, 0, 0))
    production: str = ""
    over: str = ""


class Talk:
    """Takes part in one scene; `run` it once.

    Args:
        connection: Open.
        part: What is played.
        show: Is told every event, for printing.
        hear: Is given all that was played, silence included, in blocks.
        card: Plays.
    """

    def __init__(
        self, connection: Connection, part: Part, *, show: Show, hear: Hear = lambda _: None, card: Card | None = None
    ) -> None:
        self._connection = connection
        self._part = part
        self._show = show
        self._hear = hear
        self._card = card or NoCard()
        self._loudspeaker = Loudspeaker()
        self._outcome = Outcome()
        self._news = asyncio.Event()
        self._voice: deque[Samples] = deque()
        self._sends_voice = False
        self._opened = self._waited_for = False
        self._speaking = ""
        self._person_messages = 0
        self._answers = 0  # lines of others since the person's last message
        self._recorded = 0  # messages of others since then
        self._items: dict[str, str] = {}  # response → its item
        self._silenced: set[str] = set()

    async def run(self, says: Callable[[Talk], Any]) -> Outcome:
        """Open the scene, take part as `says` does, and leave.

        Args:
            says: A coroutine function that speaks with `speak_file`, `type` and so on, until it returns.

        Raises:
            StageError: The scene could not be opened, or the session was ended.
        """
        live = [asyncio.create_task(self._receive()), asyncio.create_task(self._sound())]
        script = asyncio.create_task(self._script(says))
        try:
            done, _ = await asyncio.wait([*live, script], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*live, script):
                task.cancel()
            await asyncio.gather(*live, script, return_exceptions=True)
            self._outcome.heard = self._loudspeaker.heard
        return self._outcome

    # What a script may do

    async def speak(self, sound: Audio) -> bool:
        """Say something by voice when there is a chance, and wait for an answer; false if it was not understood."""
        self._sends_voice = True
        await self._until(self._has_a_chance, _CHANCE_S)
        before = self._person_messages
        samples = sound.mono().resampled(pcm16.RATE_HZ).samples
        for first in range(0, len(samples), _FRAME):
            frame = np.zeros(_FRAME, np.float32)
            part = samples[first : first + _FRAME]
            frame[: len(part)] = part
            self._voice.append(frame)
        await self._until(lambda: not self._voice, sound.duration_s + _UNDERSTANDING_S)
        return await self._is_answered(before)

    async def type(self, text: str) -> bool:
        """Say something in writing, and wait for an answer; false if it did not arrive."""
        before = self._person_messages
        await self.send_line(text)
        return await self._is_answered(before)

    async def send_line(self, text: str) -> None:
        """Say something in writing, and go on at once."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self._connection.send({"type": "conversation.item.create", "item": item})

    async def listen(self, *, microphone: bool) -> None:
        """Take part until the scene is over or the task is cancelled."""
        self._sends_voice = microphone
        await self._until(lambda: bool(self._outcome.over) and not self._loudspeaker.is_busy, None)

    @property
    def is_over(self) -> bool:
        """The scene has ended."""
        return bool(self._outcome.over)

    # Inside

    async def _script(self, says: Callable[[Talk], Any]) -> None:
        await self._connection.send(self._part.opening())
        if not await self._until(lambda: self._opened, _OPENING_S):
            raise StageError("the scene was not opened within a minute; the server may be busy, try again")
        await says(self)

    def _has_a_chance(self) -> bool:
        return self.is_over or self._waited_for or not (self._speaking or self._loudspeaker.is_busy)

    async def _is_answered(self, before: int) -> bool:
        self._outcome.said += 1
        if not await self._until(lambda: self._person_messages > before or self.is_over, _UNDERSTANDING_S):
            return False
        self._outcome.understood += self._person_messages > before
        if await self._until(lambda: (self._answers > 0 and not self._loudspeaker.is_busy) or self.is_over, _ANSWER_S):
            self._outcome.answered += self._answers > 0
            await self._until(lambda: self._recorded > 0 or self.is_over, _RECORDING_S)
        return True

    async def _until(self, wanted: Callable[[], bool], within_s: float | None) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not wanted():
                    self._news.clear()
                    await self._news.wait()
                return True
        return False

    async def _receive(self) -> None:
        async for event in self._connection.events():
            self._take(event)
            self._show(event)
            self._news.set()

    def _take(self, event: Event) -> None:
        match event["type"]:
            case "error" if not self._opened:
                raise StageError(str((event.get("error") or {}).get("message") or "the scene cannot be opened"))
            case "drama.scene.opened":
                self._opened = True
                self._outcome.production = str(event.get("production") or "")
            case "drama.queue":
                self._speaking = str(event.get("speaking") or "")
                self._waited_for = event.get("waits_for_person") is True
            case "drama.message":
                self._outcome.messages += 1
                if (event.get("message") or {}).get("speaker") == self._part.role:
                    self._person_messages += 1
                    self._answers = self._recorded = 0
                else:
                    self._recorded += 1
            case "drama.metrics":
                self._outcome.metrics.append({k: v for k, v in event.items() if k.endswith("_ms")})
            case "drama.scene.over":
                self._outcome.over = str(event.get("reason") or "the scene is over")
            case _:
                self._take_sound(event)

    def _take_sound(self, event: Event) -> None:
        match event["type"]:
            case "response.output_audio.delta":
                response, item = str(event.get("response_id")), str(event.get("item_id"))
                self._items[response] = item
                if response not in self._silenced:
                    with suppress(ValueError):  # what is no sound cannot be heard
                        self._loudspeaker.push(item, pcm16.decode(str(event.get("delta"))))
            case "response.output_audio.done":
                self._loudspeaker.end(str(event.get("item_id")))
            case "response.done":
                about = event.get("response") or {}
                if about.get("status") == "cancelled":
                    self._silence(str(about.get("id")))
                self._answers += 1
            case "output_audio_buffer.cleared":
                self._silence(str(event.get("response_id") or ""))
            case "drama.duck":
                self._loudspeaker.duck(str(event.get("item_id")), float(event.get("gain", 1.0)))
            case "drama.scene.paused":
                self._loudspeaker.hold()
            case "drama.scene.playing":
                self._loudspeaker.release()

    def _silence(self, response: str) -> None:
        for known, item in list(self._items.items()):
            if not response or known == response:
                self._loudspeaker.drop(item)
                del self._items[known]
                self._silenced.add(known)
        if response:
            self._silenced.add(response)

    async def _sound(self) -> None:
        """Play and speak in real time."""
        reported_s = 0.0
        async for now_s in ticks(FRAME_S):
            self._hear(self._card.play(self._loudspeaker))
            await self._send_voice()
            for played in self._loudspeaker.reports():
                if played.is_last or now_s - reported_s >= _REPORT_S:
                    reported_s = now_s
                    event = {"type": "drama.playback", "item_id": played.item_id}
                    await self._connection.send_now({**event, "played_ms": round(played.played_s * 1000)})
            self._news.set()

    async def _send_voice(self) -> None:
        if not (self._sends_voice and self._opened):
            return
        heard = self._card.record()
        if self._voice:
            frame = self._voice.popleft()
        elif heard.size:
            frame = heard
        else:
            # A microphone that hears nothing still sends: only so does the server know that a sentence has ended.
            frame = np.zeros(_FRAME, np.float32)
        sound = pcm16.encode(Audio(frame, pcm16.RATE_HZ))
        await self._connection.send_now({"type": "input_audio_buffer.append", "audio": sound})


async def ticks(every_s: float, *, now: Callable[[], float] = time.monotonic) -> AsyncIterator[float]:
    """The time, again and again, so often on average; after a long delay it does not hurry."""
    due_s = now()
    while True:
        yield now()
        due_s += every_s
        behind_s = now() - due_s
        if behind_s > _LEAST_BEHIND_S:
            due_s = now()
        await asyncio.sleep(max(0.0, -behind_s))


def read_voices(paths: Sequence[Any]) -> list[Audio]:
    """Sound files that are to be said.

    Raises:
        SoundError: One is missing or no sound.
    """
    return [Audio.read(path) for path in paths]
