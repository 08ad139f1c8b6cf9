"""The contracts themselves: each term finds the back ends that break it, and says in what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Answer, MalformedTurn, Usage
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Style, Turn
from speechagents.errors import ListenerError, SettingsError, SynthesisError
from speechagents.listeners.listener import TranscribedWord, Transcript
from speechagents.styles import STYLES
from speechagents.testing import (
    CONTROLLER_CHECKS,
    LISTENER_CHECKS,
    SYNTHESIZER_CHECKS,
    ListenerTerms,
    SynthesizerTerms,
    check_controller,
    check_listener,
    check_synthesizer,
)
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice, Word
from tests.voices.neural.scripted_speech import RATE_HZ, VOICES, ScriptedSpeech, speech

Spoken = Iterator[Take | FailedTake]


class Good:
    """A synthesizer that keeps its contract, for others to break."""

    def __init__(self) -> None:
        self.within = speech(ScriptedSpeech())
        self.closed = False

    @property
    def identity(self) -> str:
        return "good 1"

    @property
    def voices(self) -> Sequence[Voice]:
        return VOICES

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        return self.within.speak(lines)

    def close(self) -> None:
        self.closed = True


def changed(change: Callable[[Take], Take | FailedTake]) -> type[Good]:
    """One whose takes are not what they should be."""

    class Changed(Good):
        def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
            for one in super().speak(lines):
                yield change(one) if isinstance(one, Take) else one

    return Changed


def with_voices(*voices: Voice) -> type[Good]:
    class WithVoices(Good):
        @property
        def voices(self) -> Sequence[Voice]:
            return voices

    return WithVoices


class Drops(Good):
    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        return itertools.islice(super().speak(lines), max(0, len(lines) - 1))


class Swaps(Good):
    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        yield from reversed(list(super().speak(lines)))


class Breaks(Good):
    """Raises where a line should fail."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for one in super().speak(lines):
            if isinstance(one, FailedTake):
                raise KeyError(one.line.voice.id)
            yield one


class Pretends(Good):
    """Speaks with any voice."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        known = [line if line.voice in VOICES else replace(line, voice=VOICES[0]) for line in lines]
        for line, one in zip(lines, super().speak(known), strict=True):
            yield replace(one, line=line)


class Forgets(Good):
    """Takes no more text than it likes, and says nothing."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for line, one in zip(lines, super().speak([replace(line, text=line.text[:20]) for line in lines]), strict=True):
            yield replace(one, line=line)


def streaming(pieces: Callable[[Audio], Sequence[Audio]]) -> type[Good]:
    """One that can be heard while it speaks, and whose pieces are made of the whole take."""

    class Streaming(Good):
        streams = True

        def stream(self, line: SpokenLine) -> Generator[Audio, None, None]:
            (take,) = self.speak([line])
            if isinstance(take, FailedTake):
                raise SynthesisError(take.reason)
            yield from pieces(take.audio)

    return Streaming


class Picky(Good):
    """Says that it speaks German, and does not."""

    def check_language(self, tag: str) -> None:
        if tag == "qaa":
            raise SettingsError("does not speak it")


class Named(Good):
    """Changes its name as it goes."""

    count = 0

    @property
    def identity(self) -> str:
        self.count += 1
        return f"number {self.count}"


class Chokes(Good):
    """Cannot say what is no ASCII."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for line in lines:
            line.text.encode("ascii")
            yield from super().speak([line])


class Drifts(Good):
    """Says a line otherwise each time."""

    drawn = 0

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for one in super().speak(lines):
            self.drawn += 1
            yield replace(one, audio=one.audio.scaled(1.0 - 0.01 * self.drawn)) if isinstance(one, Take) else one


class Rates(Good):
    """Breathes at another rate than it speaks at."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for one in super().speak(lines):
            if isinstance(one, Take) and one.audio.peak == 0.0:
                yield replace(one, audio=Audio.silence(0.2, 8_000))
            else:
                yield one


class Declares(Good):
    """Declares another rate than it has."""

    @property
    def abilities(self) -> object:
        return replace(self.within.abilities, rate_hz=48_000)


class Styleless(Good):
    """Fails in a style that it does not know."""

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        for line in lines:
            if line.style.tag == "singing":
                yield FailedTake(line, "cannot sing")
            else:
                yield from super().speak([line])


class Wedges(Good):
    """Breaks for good when somebody leaves."""

    left = False

    def speak(self, lines: Sequence[SpokenLine]) -> Spoken:
        if self.left:
            raise RuntimeError("still busy")
        self.left = True
        yield from super().speak(lines)
        self.left = False


def told(make: Callable[[], Any], check: Callable[..., None], *arguments: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check(make, *arguments)
    return str(caught.value)


def test_a_synthesizer_that_keeps_its_contract_passes() -> None:
    made: list[Good] = []

    def make() -> Good:
        made.append(Good())
        return made[-1]

    check_synthesizer(make)
    assert len(made) == 1
    assert made[0].closed
    check_synthesizer(streaming(lambda audio: [audio]))


@pytest.mark.parametrize(
    ("make", "term", "said"),
    [
        (Named, "has an identity that stays", "identity was 'number 1'"),
        (with_voices(), "has a catalogue with sources", "there is no voice"),
        (with_voices(VOICES[0], VOICES[0]), "has a catalogue with sources", "two voices have the same id"),
        (with_voices(replace(VOICES[0], licence=" ")), "has a catalogue with sources", "low: its licence is empty"),
        (with_voices(replace(VOICES[0], source="")), "has a catalogue with sources", "low: its source is empty"),
        (with_voices(replace(VOICES[0], id="Low Voice")), "has a catalogue with sources", "not made of a-z"),
        (with_voices(replace(VOICES[0], accent="the north")), "has a catalogue with sources", "is no tag"),
        (Drops, "speaks each line once in order", "7 lines gave 6 takes"),
        (Swaps, "speaks each line once in order", "in the place of"),
        (changed(lambda take: replace(take, audio=take.audio.scaled(0.0))), "makes takes that can be kept", "silent"),
        (
            changed(lambda take: replace(take, audio=take.audio.scaled(20.0))),
            "makes takes that can be kept",
            "the take clips",
        ),
        (
            changed(lambda take: replace(take, words=(Word("never", 0.0, 0.1),))),
            "makes takes that can be kept",
            "'never' is not in the text",
        ),
        (
            changed(lambda take: replace(take, audio=Audio(np.zeros(0, np.float32), RATE_HZ))),
            "breathes where nothing is to say",
            "has no audio",
        ),
        (streaming(lambda _: []), "streams what it would say", "streams nothing"),
        (streaming(lambda audio: [audio.scaled(30.0)]), "streams what it would say", "clips"),
        (streaming(lambda audio: [audio] * 4), "streams what it would say", "when it is streamed"),
        (
            streaming(lambda audio: [audio, Audio.silence(0.1, RATE_HZ // 2)]),
            "streams what it would say",
            "have several rates",
        ),
        (changed(lambda take: FailedTake(take.line, "no")), "breathes where nothing is to say", "failed: no"),
        (Pretends, "refuses a voice it has not", "was spoken with"),
        (Breaks, "refuses a voice it has not", "KeyError"),
        (Picky, "refuses languages as it says", "language 'cmn' is accepted beforehand, and fails"),
        (Forgets, "speaks a long line", "something was left out"),
        (Chokes, "survives strange text", "UnicodeEncodeError"),
        (changed(lambda take: FailedTake(take.line, " ")), "survives strange text", "failed without a reason"),
        (Drifts, "speaks the same line the same way", "the same line differs"),
        (Swaps, "serves several threads", "in the place of"),
        (Rates, "speaks at the rate it declares", "several rates: [8000, 16000] Hz"),
        (Declares, "speaks at the rate it declares", "48000 Hz are declared, and takes have 16000 Hz"),
        (Styleless, "speaks in every style", "style singing at 0 failed"),
        (Wedges, "can be left in the middle", "RuntimeError: still busy"),
    ],
)
def test_a_synthesizer_that_breaks_a_term_is_told_which(make: Callable[[], Any], term: str, said: str) -> None:
    report = told(make, check_synthesizer)
    lines = [line for line in report.splitlines() if line.startswith(f"  {term}: ")]
    assert lines, report
    assert said in lines[0]


def test_a_server_that_draws_may_say_so() -> None:
    report = told(Drifts, check_synthesizer)
    assert "speaks the same line the same way" in report
    check_synthesizer(Drifts, SynthesizerTerms(tolerance=None))
    check_synthesizer(Drifts, SynthesizerTerms(tolerance=1.0))


# Listeners


def spoken() -> Audio:
    rng = np.random.default_rng(1)
    return Audio((0.2 * rng.standard_normal(24_000)).astype(np.float32), 16_000)


TERMS = ListenerTerms(spoken())


@dataclass
class Ear:
    """A listener that keeps its contract, for others to break."""

    identity: str = "ear 1"

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        for clip in clips:
            yield self.heard(clip.mono())

    def heard(self, clip: Audio) -> Transcript:
        if clip.peak < 0.01:
            return Transcript("")
        return Transcript("Hello", (TranscribedWord("Hello", 0.0, clip.duration_s),), "en")


class Hallucinates(Ear):
    def heard(self, clip: Audio) -> Transcript:
        return super().heard(clip) if clip.peak >= 0.01 or clip.duration_s < 2.0 else Transcript("Thanks for watching!")


class Loses(Ear):
    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        found = list(super().transcribe(clips))
        return iter([one for one in found if one.text])


class Refuses(Ear):
    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        if language == "qaa":
            raise ListenerError("no such language")
        if any(clip.rate_hz < 16_000 for clip in clips):
            raise ValueError("too low")
        if any(not hint for hint in hints):
            raise IndexError("a hint without a letter")
        yield from super().transcribe(clips)

    def check_language(self, tag: str) -> None:
        """Everything is welcome, it says."""


class Late(Ear):
    def heard(self, clip: Audio) -> Transcript:
        transcript = super().heard(clip)
        words = tuple(replace(word, end_s=word.end_s + 60.0) for word in transcript.words)
        return replace(transcript, words=words)


class Numbered(Ear):
    count = 0

    def heard(self, clip: Audio) -> Transcript:
        self.count += 1
        transcript = super().heard(clip)
        return replace(transcript, text=f"{transcript.text} {self.count}") if transcript.text else transcript


def test_a_listener_that_keeps_its_contract_passes() -> None:
    check_listener(Ear, TERMS)


@pytest.mark.parametrize(
    ("make", "term", "said"),
    [
        (Hallucinates, "hears nothing in silence", "'Thanks for watching!'"),
        (Loses, "transcribes each clip once in order", "4 clips gave 2 transcripts"),
        (Numbered, "transcribes each clip once in order", "the same clip became"),
        (Refuses, "refuses languages as it says", "disagree about 'qaa'"),
        (Refuses, "takes any rate", "ValueError: too low"),
        (Refuses, "takes any hints", "IndexError"),
        (Late, "tells times inside the clip", "is said from 0.0 s to 61.5 s of 1.50 s"),
    ],
)
def test_a_listener_that_breaks_a_term_is_told_which(make: Callable[[], Any], term: str, said: str) -> None:
    report = told(make, check_listener, TERMS)
    lines = [line for line in report.splitlines() if line.startswith(f"  {term}: ")]
    assert lines, report
    assert said in lines[0]


# Controllers


def answering(change: Callable[[AgentInput], Answer | MalformedTurn]) -> Callable[[], ScriptedController]:
    class Answers(ScriptedController):
        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            return map(change, asks)

    return Answers


def says(ask: AgentInput, **fields: Any) -> Turn:
    return Turn(ask.role.name, Deed.SPEAK, "Is there cake?", **fields)


def test_a_controller_that_keeps_its_contract_passes() -> None:
    check_controller(ScriptedController)
    check_controller(answering(lambda ask: Answer(says(ask))))


@pytest.mark.parametrize(
    ("make", "term", "said"),
    [
        (
            answering(lambda ask: Answer(replace(says(ask), role="Tom"))),
            "plays with any number",
            "in the place of Guest 0 is Tom's",
        ),
        (answering(lambda ask: MalformedTurn(ask.role.name, "lost")), "answers each agent once in order", "no usable"),
        (answering(lambda ask: MalformedTurn(ask.role.name, "")), "survives strange text", "without a reason"),
        (
            answering(lambda ask: Answer(says(ask, style=Style("made-up")))),
            "has an identity that stays",
            "in the style 'made-up'",
        ),
        (answering(lambda ask: Answer(says(ask, addresses=("Bob",)))), "serves several threads", "who do not play"),
        (answering(lambda ask: Answer(says(ask), Usage(-1, 0))), "can be left in the middle", "an answer cost"),
    ],
)
def test_a_controller_that_breaks_a_term_is_told_which(make: Callable[[], Any], term: str, said: str) -> None:
    report = told(make, check_controller)
    lines = [line for line in report.splitlines() if line.startswith(f"  {term}: ")]
    assert lines, report
    assert said in lines[0]


def test_every_term_has_a_sentence_that_says_what_it_is() -> None:
    checks = [*SYNTHESIZER_CHECKS, *LISTENER_CHECKS, *CONTROLLER_CHECKS]
    for check in checks:
        assert check.__doc__
        assert check.__doc__.endswith(".")
    assert "made-up" not in STYLES
