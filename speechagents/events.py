"""What happens while a drama is made: one typed stream for the terminal, the web page, the disk and tests.

Owns the event values. Knows nobody who sends or receives them. Times are seconds from the start of the programme.

A performance sends, in this order: one `Started`; for each scene its `LineSpoken`, `LineFailed` and `SoundReady`
in order of time, then its `SceneReady`; then `ExportProgress` and `Exported` of all formats, interleaved; one
`Finished`. A `Warned` may come anywhere.

A book sends `SpeakersAsked` while a language model is asked who speaks, if one is; then one `Started`; for each
chapter, in order, what is doubtful (`Warned`) or missing (`LineFailed`) in it, its `SceneReady` and the `Exported` of
its own files, with `ReadingProgress` in between; then the files of the whole book and one `Finished`.

An improvised scene sends one `Started`; `MessageSpoken` and `TurnPassed` as it is played; one `SceneOver`; and then
what a performance sends from its first `LineSpoken` on, while the scene is mixed and exported.

Proofing sends one `Started`, a `LineProofed` for each line, and one `ProofFinished`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechagents.audio import Audio
from speechagents.controllers.controller import Usage
from speechagents.drama import Line, Message, Turn
from speechagents.production.exports import Exported, ExportProgress
from speechagents.production.proofing.finding import Proofed, ProofSummary
from speechagents.production.timeline import PlacedLine, PlacedScene
from speechagents.voices.casting import Cast

__all__ = [
    "Event",
    "ExportProgress",
    "Exported",
    "Finished",
    "LineFailed",
    "LineProofed",
    "LineSpoken",
    "MessageSpoken",
    "ProofFinished",
    "ReadingProgress",
    "SceneOver",
    "SceneReady",
    "SoundReady",
    "SpeakersAsked",
    "Started",
    "TurnPassed",
    "Warned",
]


@dataclass(frozen=True, slots=True)
class Started:
    """The script is read and cast.

    Attributes:
        title: Title of the programme.
        scenes: Number of scenes.
        lines: Number of lines to speak.
        roles: Number of roles, the narrator not counted.
        cast: Who speaks with which voice.
        preset: Name of the preset and why it was chosen.
        language: BCP 47 tag of the script.
    """

    title: str
    scenes: int
    lines: int
    roles: int
    cast: Cast
    preset: str
    language: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user may want to know; work goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class LineSpoken:
    """A line has its take and its place.

    Attributes:
        placed: The line with its times.
        scene: 0-based index of its scene.
        reused: The take was on disk already.
    """

    placed: PlacedLine
    scene: int
    reused: bool


@dataclass(frozen=True, slots=True)
class LineFailed:
    """A line could not be spoken; it is left out.

    Attributes:
        line: What should have been spoken.
        reason: Why it was not.
    """

    line: Line
    reason: str


@dataclass(frozen=True, slots=True)
class SoundReady:
    """The next stretch of the mix can be heard, before mastering.

    Attributes:
        start_s: Where it begins in the programme; each begins where the one before ended.
        duration_s: Its length.
        read: Gives the stereo sound; it must be called before the next event is asked for.
    """

    start_s: float
    duration_s: float
    read: Callable[[], Audio] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SceneReady:
    """A scene is spoken and mixed.

    Attributes:
        index: 0-based index.
        scene: All its lines with their times.
    """

    index: int
    scene: PlacedScene


@dataclass(frozen=True, slots=True)
class SpeakersAsked:
    """How far the questions are that a language model is asked about who speaks in a book.

    Attributes:
        done: Questions that are through, those of earlier runs included.
        of: All questions.
    """

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far a book is.

    Attributes:
        done: Share of the text that is spoken and encoded, 0 to 1, what was on disk already included.
        chapters: Chapters that are finished.
        left_s: Seconds that the rest will take at the speed so far; None while nobody can tell.
    """

    done: float
    chapters: int
    left_s: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The production is complete.

    Attributes:
        folder: The production.
        files: What was made, in the order of the formats asked for, then stems.
        lines: Lines asked for.
        roles: Roles that have lines, the narrator not counted.
        duration_s: Length of the programme.
        seconds: Time it took.
        spoken: Takes made by this run; the others were on disk.
        failed: Lines that could not be spoken.
        gates: Measurements of each mastered file, by format, and by part of a divided programme ("mp3 2").
        faulty: Lines whose kept take has a fault, of those that were proofed.
        places: Where people find each of the files: its path, or its address in a store.
    """

    folder: Path
    files: Sequence[Path]
    lines: int
    roles: int
    duration_s: float
    seconds: float
    spoken: int
    failed: Sequence[LineFailed]
    gates: Mapping[str, Any]
    faulty: int = 0
    places: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MessageSpoken:
    """A message of an improvised scene is in the stream, on disk.

    Attributes:
        message: The message.
        thoughts: What its speaker thought; for inspectors alone, nobody in the scene knows.
        reason: Why the role had the floor.
        reused: It was recorded by an earlier run.
        read: Gives its sound; None if it makes none.
    """

    message: Message
    thoughts: str
    reason: str
    reused: bool
    read: Callable[[], Audio] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnPassed:
    """A role had the floor and stayed silent.

    Attributes:
        turn: The silent turn.
        reason: Why the role had the floor.
        reused: It was recorded by an earlier run.
    """

    turn: Turn
    reason: str
    reused: bool


@dataclass(frozen=True, slots=True)
class SceneOver:
    """An improvised scene has ended.

    Attributes:
        reason: Why.
        turns: Turns taken, silent ones included.
        messages: Messages in the stream.
        fallback_turns: Turns that the controller failed to make, so that the understudy made them.
        usage: Tokens of the whole scene.
    """

    reason: str
    turns: int
    messages: int
    fallback_turns: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class LineProofed:
    """A line was examined, and spoken again where that was needed and could be done.

    Attributes:
        proofed: What became of it.
        scene: 0-based index of its scene.
    """

    proofed: Proofed
    scene: int


@dataclass(frozen=True, slots=True)
class ProofFinished:
    """Every line is proofed.

    Attributes:
        folder: The production.
        report: The report.
        summary: Counts.
        faulty: Lines whose kept take has a fault, in order; the first thousand.
        remix: Lines of the finished files that have another take now: perform or export again to hear it.
        seconds: Time it took.
        place: Where people find the report: its path, or its address in a store.
    """

    folder: Path
    report: Path
    summary: ProofSummary
    faulty: Sequence[Proofed]
    remix: int
    seconds: float
    place: str = ""


Event = (
    Started
    | Warned
    | LineSpoken
    | LineFailed
    | SoundReady
    | SceneReady
    | SpeakersAsked
    | ReadingProgress
    | ExportProgress
    | Exported
    | Finished
    | MessageSpoken
    | TurnPassed
    | SceneOver
    | LineProofed
    | ProofFinished
)
