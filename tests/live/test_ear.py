"""What the person says, while it is said: a detector and a listener by script, and the order of what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.errors import ListenerError
from speechagents.listeners.listener import Transcript
from speechagents.live.ear import Began, Ear, EarEvent, Ended, SoundLost, Understood, Voiced
from speechagents.live.endpointing import SpeechStarted, SpeechStopped, TurnDetector
from speechagents.live.pcm16 import RATE_HZ
from tests.live.stage_fakes import AtOnce, settle

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class ScriptedDetector:
    """Finds voice where the script says, by seconds of the input."""

    boundaries: list[SpeechStarted | SpeechStopped] = field(default_factory=list)
    noticed_s: list[float] = field(default_factory=list)
    position_s: float = 0.0
    voiced_s: float = 0.0
    hints: list[str] = field(default_factory=list)
    resets: int = 0
    cuts: SpeechStopped | None = None

    def feed(self, audio: Audio) -> list[SpeechStarted | SpeechStopped]:
        self.position_s += audio.duration_s
        found = []
        while self.noticed_s and self.noticed_s[0] <= self.position_s + 1e-9:
            self.noticed_s.pop(0)
            found.append(self.boundaries.pop(0))
        return found

    def expect_more(self, text: str) -> None:
        self.hints.append(text)

    def cut(self) -> SpeechStopped | None:
        return self.cuts

    def reset(self) -> None:
        self.resets += 1


class ScriptedListener:
    """Understands one word a second of sound."""

    identity = "scripted"

    def __init__(self, *words: str) -> None:
        self.words = words
        self.opened: list[tuple[Sequence[str], str]] = []

    def open(self, *, hints: Sequence[str] = (), language: str = "") -> ScriptedListener:
        self.opened.append((hints, language))
        self.heard_s = 0.0
        return self

    def feed(self, audio: Audio) -> str:
        self.heard_s += audio.duration_s
        return " ".join(self.words[: int(self.heard_s + 1e-6)])

    def finish(self) -> Transcript:
        return Transcript(" ".join(self.words))

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        raise AssertionError("it hears while it is said")


class DeafListener(ScriptedListener):
    """Breaks in the middle."""

    def feed(self, audio: Audio) -> str:
        raise ListenerError("the recogniser broke; install another")

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        yield Transcript("never asked")


def make_ear(
    detector: ScriptedDetector, listener: ScriptedListener | None, told: list[EarEvent], *, deaf: str = ""
) -> Ear:
    return Ear(cast(TurnDetector, detector), listener, AtOnce(), told.append, deaf=deaf, hints=["Anna"], language="en")


def second(level: float = 0.0) -> Audio:
    return Audio(np.full(RATE_HZ, level, np.float32), RATE_HZ)


async def hear(ear: Ear, seconds: int, *, from_s: float = 10.0) -> None:
    """Seconds of sound, one after the other, numbered by their level."""
    for number in range(seconds):
        ear.hear(second(number / 100), from_s + number + 1)
    await settle()


def utterance(start_s: float, end_s: float, *, begun_s: float, ended_s: float) -> ScriptedDetector:
    return ScriptedDetector([SpeechStarted(start_s), SpeechStopped(start_s, end_s)], [begun_s, ended_s])


async def test_what_is_said_is_told_in_the_order_it_happens() -> None:
    told: list[EarEvent] = []
    await hear(make_ear(utterance(0.5, 2.4, begun_s=1.0, ended_s=3.0), ScriptedListener("is", "there"), told), 4)
    assert [type(event) for event in told] == [Began, Voiced, Voiced, Ended, Understood]
    # The input began at 10 s of the session, so its 0.5 s is 10.5.
    assert told[0] == Began(10.5)
    assert isinstance(told[2], Voiced)
    assert told[2].text == "is"
    assert told[3] == Ended(10.5, 12.4)
    last = told[4]
    assert isinstance(last, Understood)
    assert (last.transcript.text, last.problem) == ("is there", "")


async def test_the_sound_of_an_utterance_begins_where_it_began_not_where_it_was_noticed() -> None:
    told: list[EarEvent] = []
    await hear(make_ear(utterance(0.5, 2.4, begun_s=1.0, ended_s=3.0), ScriptedListener("is"), told), 4)
    sound = told[-1].sound if isinstance(told[-1], Understood) else None
    assert sound is not None
    assert sound.duration_s == pytest.approx(2.5)
    assert sound.samples[0] == 0.0
    assert sound.samples[-1] == pytest.approx(0.02)


async def test_hints_and_language_reach_the_listener_and_words_so_far_the_detector() -> None:
    told: list[EarEvent] = []
    detector, listener = utterance(0.0, 2.4, begun_s=1.0, ended_s=3.0), ScriptedListener("is", "there")
    await hear(make_ear(detector, listener, told), 4)
    assert listener.opened == [(("Anna",), "en")]
    assert detector.hints == ["is", "is there"]


async def test_a_commit_ends_the_utterance_now() -> None:
    told: list[EarEvent] = []
    detector = ScriptedDetector([SpeechStarted(0.0)], [1.0], cuts=SpeechStopped(0.0, 2.0))
    ear = make_ear(detector, ScriptedListener("stop"), told)
    await hear(ear, 2)
    ear.commit()
    await settle()
    assert isinstance(told[-1], Understood)


async def test_what_is_cleared_was_not_said() -> None:
    told: list[EarEvent] = []
    detector = ScriptedDetector([SpeechStarted(0.0)], [1.0])
    ear = make_ear(detector, ScriptedListener("stop"), told)
    await hear(ear, 2)
    ear.forget()
    await settle()
    assert detector.resets == 1
    assert isinstance(told[-1], Understood)
    assert told[-1].transcript.text == ""


async def test_without_a_listener_the_reason_is_told() -> None:
    told: list[EarEvent] = []
    await hear(make_ear(utterance(0.0, 2.4, begun_s=1.0, ended_s=3.0), None, told, deaf="nobody hears German"), 4)
    assert isinstance(told[-1], Understood)
    assert told[-1].problem == "nobody hears German"


async def test_a_listener_that_breaks_is_a_problem_of_that_utterance_alone() -> None:
    told: list[EarEvent] = []
    await hear(make_ear(utterance(0.0, 2.4, begun_s=1.0, ended_s=3.0), DeafListener(), told), 4)
    assert isinstance(told[-1], Understood)
    assert told[-1].problem == "the recogniser broke; install another"


async def test_sound_that_comes_too_fast_is_left_out_and_said_to_be() -> None:
    told: list[EarEvent] = []
    waiting = _Held()
    detector = ScriptedDetector()
    ear = Ear(cast(TurnDetector, detector), None, waiting, told.append)
    for number in range(15):
        ear.hear(second(), float(number))
    waiting.go()
    await settle()
    assert told == [SoundLost(5.0)]
    assert detector.position_s == 10.0


async def test_after_closing_nothing_is_told() -> None:
    told: list[EarEvent] = []
    ear = make_ear(utterance(0.0, 2.4, begun_s=1.0, ended_s=3.0), ScriptedListener("is"), told)
    await hear(ear, 2)
    ear.close()
    await hear(ear, 2)
    assert all(not isinstance(event, Understood) for event in told)


class _Held(AtOnce):
    """Threads that are busy until they are let go."""

    def __init__(self) -> None:
        self._jobs: list[object] = []

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        self._jobs.append(fn)
        return asyncio.get_running_loop().create_future()

    def go(self) -> None:
        for job in self._jobs:
            job()  # type: ignore[operator]
