"""A clock, threads and a scene of the tests' own: what happens on a live stage becomes a sequence with times."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from speechagents.audio import Audio
from speechagents.drama import Deed, Message, SceneBrief, Style
from speechagents.live.clauses import Clause
from speechagents.live.outbox import Outbox
from speechagents.live.pcm16 import RATE_HZ
from speechagents.live.scene import Among, Awaits, Decision, LiveScene, Over, Silent, Speaks
from tests.live.briefs import brief

CLAUSE_S = 1.0
"""Length of every clause that the voices of `ScriptedScene` speak."""


class FakeClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self._now_s = 100.0
        self._alarms: list[_FakeAlarm] = []

    def now_s(self) -> float:
        return self._now_s

    def call_at(self, when_s: float, do: Callable[[], None]) -> _FakeAlarm:
        alarm = _FakeAlarm(when_s, do)
        self._alarms.append(alarm)
        return alarm

    async def run(self, seconds: float) -> None:
        """Let time pass, ringing what is due in its order."""
        end_s = self._now_s + seconds
        await settle()
        for _ in range(100_000):
            self._alarms = [alarm for alarm in self._alarms if not alarm.is_off]
            due = min(self._alarms, key=lambda alarm: alarm.when_s, default=None)
            if due is None or due.when_s > end_s:
                break
            due.is_off = True
            self._now_s = max(self._now_s, due.when_s)
            due.do()
            await settle()
        else:
            raise AssertionError("the clock rings without end")
        self._now_s = end_s
        await settle()


@dataclass
class _FakeAlarm:
    when_s: float
    do: Callable[[], None]
    is_off: bool = False

    def cancel(self) -> None:
        self.is_off = True


async def settle() -> None:
    """Let everything happen that waits for no time."""
    for _ in range(30):
        await asyncio.sleep(0)


class AtOnce(Executor):
    """Threads that take no time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as executors do
            done.set_exception(error)
        return done


def speaks(role: str, text: str, *, audience: tuple[str, ...] = ()) -> Speaks:
    """An agent's line."""
    message = Message(1, role, text, Deed.SPEAK, Style(), audience, audience, 0.0, 0.0, "")
    return Speaks(cast(Any, None), message, "the script says so")


def acts(role: str, text: str) -> Silent:
    """Something an agent does without a sound."""
    message = Message(1, role, text, Deed.ACT, Style(), (), (), 0.0, 0.0, "")
    return Silent(cast(Any, SimpleNamespace(messages=(message,))), role, "the script says so")


@dataclass
class ScriptedScene:
    """Stands in for `LiveScene`: decides what the script says, and records in a list.

    `log` has what the scene was asked, in order.
    """

    script: list[Decision | Exception] = field(default_factory=list)
    scene: SceneBrief = field(default_factory=brief)
    person: str = "Ben"
    position_s: float = 0.0
    thinks_ahead: bool = True
    controller: str = "scripted"
    voice: Callable[[Speaks], Iterator[Clause]] | None = None
    log: list[str] = field(default_factory=list)
    recorded: list[Message] = field(default_factory=list)
    cast: Any = None

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(role.name for role in self.scene.roles)

    def decide(self, among: Among = Among.EVERYBODY, *, assuming: Speaks | None = None, called: str = "") -> Decision:
        after = f" after {assuming.message.text!r}" if assuming else ""
        self.log.append(f"decide among {among.value}{after}" + (f", {called} is called for" if called else ""))
        wanted = self.script.pop(0) if self.script else Over("the script is at its end")
        if isinstance(wanted, Exception):
            raise wanted
        return wanted

    def speech(self, decided: Speaks) -> Iterator[Clause]:
        if self.voice is not None:
            yield from self.voice(decided)
            return
        for number, text in enumerate(decided.message.text.split(", ")):
            yield Clause(text, number * CLAUSE_S, Audio.silence(CLAUSE_S, RATE_HZ), ())

    def keep(
        self, decided: Speaks | Silent, *, start_s: float, end_s: float, heard_s: float | None = None
    ) -> tuple[Message, ...]:
        messages = (decided.message,) if isinstance(decided, Speaks) else decided.step.messages
        heard = "whole" if heard_s is None else f"{heard_s:.2f} s"
        self.log.append(f"keep {messages[0].text!r} {heard}, {start_s:.2f}-{end_s:.2f}")
        return tuple(self._record(message, start_s, end_s) for message in messages)

    def person_said(self, text: str, audio: Audio | None, *, start_s: float, end_s: float) -> Message:
        self.log.append(f"person {text!r} {'spoken' if audio is not None else 'typed'}, {start_s:.2f}-{end_s:.2f}")
        said = Message(1, self.person, text, Deed.SPEAK, Style(), (), (), 0.0, 0.0, "")
        return self._record(said, start_s, end_s)

    def messages(self) -> tuple[Message, ...]:
        return tuple(self.recorded)

    def __enter__(self) -> ScriptedScene:
        self.log.append("entered")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("left")

    def as_scene(self) -> LiveScene:
        return cast(LiveScene, self)

    def _record(self, message: Message, start_s: float, end_s: float) -> Message:
        number = len(self.recorded) + 1
        placed = Message(
            number,
            message.speaker,
            message.text,
            message.deed,
            message.style,
            message.addresses,
            message.audience,
            start_s,
            end_s,
            "",
        )
        self.recorded.append(placed)
        return placed


def awaits(role: str = "Ben") -> Awaits:
    """The floor is the person's."""
    return Awaits(role, "asked")


class Reader:
    """A client that reads an outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._feed = outbox.attach(0, slow=lambda: None)
        self.events: list[dict[str, Any]] = []

    async def read(self) -> Sequence[dict[str, Any]]:
        """Everything new."""
        new: list[dict[str, Any]] = []
        while True:
            try:
                text = await asyncio.wait_for(self._feed.next(), 0.001)
            except TimeoutError:
                break
            new.append(json.loads(text))
        self.events += new
        return new

    async def types(self, *, sound: bool = False) -> list[str]:
        """The types of everything new; sound is counted only if asked for."""
        return [event["type"] for event in await self.read() if sound or not event["type"].endswith("audio.delta")]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a type that was read so far."""
        return [event for event in self.events if event["type"] == kind]
