"""What models are taught with: an agent's input and output in one turn, who speaks next, and general instructions.

Owns the values, their limits and what of one follows from another. Does not know where they come from (`gathering`,
`general`), how they lie on a disk (`trajectory_folder`) or what becomes of them in a model (`family`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speechagents.benchmark.scene_set import Split
from speechagents.controllers.controller import AgentInput
from speechagents.drama import MAX_LINE_CHARS, Style, Turn, check_units, role_key

__all__ = ["Instruction", "NextSpeaker", "Sample", "Split", "Trajectory", "next_speakers"]

MAX_ID_CHARS: Final = 400
MAX_HEARD: Final = 256
"""Most messages of one sample."""
MAX_TEXT_CHARS: Final = 20_000
"""Longest thoughts, rationale, question and answer."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Trajectory:
    """An agent's input and output in one turn.

    Attributes:
        id: Scene, take of the scene and 0-based turn, as ``001-night-ferry/roles-2/7``; unique in a folder.
        scene_id: Of the scene: the group that never lies in two splits.
        split: What it is for.
        ask: What the agent knew; `AgentInput.heard` holds the last messages as texts, without audio.
        turn: What it did. Its thoughts are empty where none are known.
        heard_sounds: For each message of ``ask.heard`` the SHA-256 of its sound (the name of its file), empty for
            none.
        sound: The same of the turn's own speech.
        heard_units: For each message of ``ask.heard`` its speech units; none where they are not known.
        units: The same of the turn's own speech.
        rationale: Why this turn is good; empty for none.
        refinement: What would have been better to say; empty for none.
    """

    id: str
    scene_id: str
    split: Split
    ask: AgentInput
    turn: Turn
    heard_sounds: tuple[str, ...]
    sound: str
    heard_units: tuple[tuple[int, ...], ...]
    units: tuple[int, ...]
    rationale: str = ""
    refinement: str = ""

    def __post_init__(self) -> None:
        _check_ids(self.id, self.scene_id)
        _check_heard(self.ask, self.heard_sounds, self.heard_units)
        _check_sound("sound", self.sound)
        _check_units("units", self.units)
        if role_key(self.turn.role) != self.ask.role.key:
            raise ValueError(f"{self.ask.role.name} is asked, but the turn is {self.turn.role}'s")
        if self.turn.fallback:
            raise ValueError(f"the turn is not the agent's own ({self.turn.fallback})")
        _check_text("thoughts", self.turn.thoughts, MAX_TEXT_CHARS)
        _check_text("rationale", self.rationale, MAX_TEXT_CHARS)
        _check_text("refinement", self.refinement, MAX_LINE_CHARS)


@dataclass(frozen=True, slots=True)
class NextSpeaker:
    """Who speaks next: what everybody has heard, and the name that follows.

    Attributes:
        id: That of the trajectory it follows from, with ``/next`` behind it.
        scene_id: Of the scene.
        split: What it is for.
        ask: What everybody knew; its role says nothing and is the first of those present.
        speaker: Who spoke, one of ``ask.present``.
        heard_sounds: As in `Trajectory`.
        heard_units: As in `Trajectory`.
    """

    id: str
    scene_id: str
    split: Split
    ask: AgentInput
    speaker: str
    heard_sounds: tuple[str, ...]
    heard_units: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        _check_ids(self.id, self.scene_id)
        _check_heard(self.ask, self.heard_sounds, self.heard_units)
        if self.speaker not in self.ask.present:
            raise ValueError(f"{self.speaker} speaks next, but is not present")


@dataclass(frozen=True, slots=True)
class Instruction:
    """General instruction data: what somebody asks of a model, and a good answer.

    Attributes:
        id: Unique among those of a kind.
        split: What it is for.
        question: What is asked; words of speech that only `question_units` hold do not stand in it.
        answer: A good answer; where it is speech, its words.
        task: Its kind, for tables: ``arithmetic``, ``hear``, ``read aloud`` …
        question_units: Speech in the question.
        answer_units: Speech that is the answer.
        sound: SHA-256 of the question's sound in the folder it comes from, empty for none.
        style: How the speech of the answer is said.
    """

    id: str
    split: Split
    question: str
    answer: str
    task: str
    question_units: tuple[int, ...] = ()
    answer_units: tuple[int, ...] = ()
    sound: str = ""
    style: Style = Style()

    def __post_init__(self) -> None:
        for name, value in (("id", self.id), ("task", self.task)):
            _check_name(name, value)
        for name, value in (("question", self.question), ("answer", self.answer)):
            _check_text(name, value, MAX_TEXT_CHARS)
        if not (self.question.strip() or self.question_units) or not (self.answer.strip() or self.answer_units):
            raise ValueError("an instruction has a question and an answer")
        _check_units("question_units", self.question_units)
        _check_units("answer_units", self.answer_units)
        _check_sound("sound", self.sound)


Sample = Trajectory | NextSpeaker | Instruction


def next_speakers(trajectories: Iterable[Trajectory]) -> Sequence[NextSpeaker]:
    """Who speaks next, of each turn that follows on another.

    The input of a turn is its speaker's own: private messages, notes and what it recalls say whose it is. They are
    left out here, so that only what everybody heard is left to tell from.

    Args:
        trajectories: In any order.

    Returns:
        In the order of the trajectories, without the turns before which nobody was heard by all, and those of scenes
        where nobody else is present.
    """
    found = []
    for one in trajectories:
        public = [at for at, heard in enumerate(one.ask.heard) if not heard.private]
        first = one.ask.scene.role(one.ask.present[0]) if one.ask.present else None
        speaker = next((name for name in one.ask.present if role_key(name) == one.ask.role.key), None)
        if not public or speaker is None or first is None or len(one.ask.present) < 2:
            continue
        heard = tuple(one.ask.heard[at] for at in public)
        found.append(
            NextSpeaker(
                id=f"{one.id}/next",
                scene_id=one.scene_id,
                split=one.split,
                ask=replace(one.ask, heard=heard, role=first, recalled=(), note=""),
                speaker=speaker,
                heard_sounds=tuple(one.heard_sounds[at] for at in public),
                heard_units=tuple(one.heard_units[at] for at in public),
            )
        )
    return found


def _check_ids(sample_id: str, scene_id: str) -> None:
    _check_name("id", sample_id)
    _check_name("scene_id", scene_id)
    if not sample_id.startswith(f"{scene_id}/"):
        raise ValueError(f"the id {sample_id!r} does not begin with that of its scene, {scene_id!r}")


def _check_name(name: str, value: str) -> None:
    if not value.strip() or len(value) > MAX_ID_CHARS or _CONTROL.search(value):
        raise ValueError(f"{name} is not 1 to {MAX_ID_CHARS} characters without control characters")


def _check_heard(ask: AgentInput, sounds: tuple[str, ...], units: tuple[tuple[int, ...], ...]) -> None:
    if len(ask.heard) > MAX_HEARD:
        raise ValueError(f"{len(ask.heard)} messages were heard; a sample holds {MAX_HEARD}")
    if not len(ask.heard) == len(sounds) == len(units):
        raise ValueError(f"{len(ask.heard)} messages were heard, with {len(sounds)} sounds and {len(units)} of units")
    for sound in sounds:
        _check_sound("heard_sounds", sound)
    for one in units:
        _check_units("heard_units", one)


def _check_sound(name: str, sha: str) -> None:
    if sha and not _SHA256.fullmatch(sha):
        raise ValueError(f"{name} is no SHA-256 of 64 small hexadecimal digits")


def _check_units(name: str, units: tuple[int, ...]) -> None:
    try:
        check_units(units)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise ValueError(f"{name} is longer than {most} characters")
