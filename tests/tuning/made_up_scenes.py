"""Scenes that nobody played, and the trajectories in them; voices and a codec that need no time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.controller import Heard
from speechagents.drama import Deed, Message, Role, SceneBrief, Style
from speechagents.tuning.scene_takes import Moment, SceneTake, drafts_of
from speechagents.tuning.trajectory import Split, Trajectory
from speechagents.voices.espeak.catalogue import load_catalogue
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice

KITCHEN = SceneBrief(
    title="Two Cups",
    setting="INT. KITCHEN - NIGHT",
    background="It is four in the morning, and nobody is asleep.",
    roles=(
        Role("Ella", "25, writer", goals=("To be asked why she is up",), secrets=("She has lost the key",)),
        Role("Tom", "60, a baker", relations=(("Ella", "his lodger"),)),
        Role("Sophia", "31, a nurse back from her shift", voice="alma"),
    ),
    beats=("The kettle boils",),
    language="en",
)
SAID = (
    ("Ella", "You are still awake at this hour?", "surprised"),
    ("Tom", "I am always awake at four. The dough does not wait for anybody.", "tired"),
    ("Sophia", "Then put the kettle on, both of you, my feet are killing me.", "sarcastic"),
    ("Ella", "There was a letter for you under the door.", "hesitant"),
    ("Tom", "Read it to me while I look for my glasses.", "default"),
)


def message(number: int, speaker: str, text: str, style: str = "default", **more: Any) -> Message:
    values: dict[str, Any] = {"deed": Deed.SPEAK, "addresses": (), "audience": (), **more}
    return Message(
        number, speaker, text, style=Style(style), start_s=0.0, end_s=0.0, take=values.pop("take", ""), **values
    )


def take_of(
    said: Sequence[tuple[str, str, str]] = SAID,
    *,
    scene_id: str = "two-cups",
    name: str = "one",
    split: Split = Split.TRAIN,
    scene: SceneBrief = KITCHEN,
) -> SceneTake:
    """A take in which everybody stays to the end."""
    present = tuple(role.name for role in scene.roles)
    moments = tuple(
        Moment(message(at + 1, *line), line[1], own=True, present=present, step=at) for at, line in enumerate(said)
    )
    return SceneTake(scene_id, name, split, scene, moments, made_by="hand")


def trajectories(
    said: Sequence[tuple[str, str, str]] = SAID, *, messages: int = 16, **take: Any
) -> Sequence[Trajectory]:
    return [draft.trajectory for draft in drafts_of(take_of(said, **take), messages=messages)]


def sound_of(text: str, rate_hz: int = 22_050) -> Audio:
    """A sound of its own for each text, a tenth of a second a word."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    length = round(0.1 * len(text.split()) * rate_hz)
    return Audio((0.2 * np.random.default_rng(seed).standard_normal(length)).astype(np.float32), rate_hz)


class QuickVoices:
    """A synthesizer whose speech is noise; it counts how many lines it was given at once."""

    def __init__(self, *, mute: str = "") -> None:
        self.batches: list[int] = []
        self.spoken: list[SpokenLine] = []
        self._mute = mute

    identity = "noise 1"

    @property
    def voices(self) -> Sequence[Voice]:
        return tuple(entry.voice for entry in load_catalogue())

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        self.batches.append(len(lines))
        self.spoken += lines
        for line in lines:
            if self._mute and self._mute in line.text:
                yield FailedTake(line, "it cannot be said")
            else:
                yield Take(line, sound_of(f"{line.voice.id} {line.style.tag} {line.text}"))


class WordCodec:
    """A codec whose units say how long a sound is."""

    units = 16
    hearing = "lengths 1"

    def encode(self, sounds: Sequence[Audio]) -> list[tuple[int, ...]]:
        return [tuple(at % self.units for at in range(round(10 * sound.duration_s))) for sound in sounds]


def heard(number: int, speaker: str, text: str, **more: Any) -> Heard:
    return Heard(number, speaker, text, more.pop("deed", Deed.SPEAK), Style(), **more)
