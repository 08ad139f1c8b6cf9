"""A codec for tests that sounds like a row of beeps, and unit speech with it and a tiny model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.units.generation import load_unit_model
from speechagents.units.spectrum import RATE_HZ
from speechagents.units.speech import UnitSpeech
from tests.units.ferry import UNITS
from tests.units.tiny_llama import tiny_llama

UNIT_S = 0.08


@dataclass
class Beeps:
    """Each unit is a tone; what is heard is told by its digest.

    Attributes:
        encoded: All sounds that were to be encoded.
        spoken: Units, voice and style of all that was voiced.
    """

    units: int = UNITS
    voices: tuple[str, ...] = ("adam", "alma")
    styles: tuple[str, ...] = tuple(STYLES)
    identity: str = "beeps 1"
    encoded: list[Audio] = field(default_factory=list)
    spoken: list[tuple[tuple[int, ...], str, str]] = field(default_factory=list)

    def encode(self, sounds: Sequence[Audio]) -> list[tuple[int, ...]]:
        self.encoded += sounds
        return [
            tuple(byte % self.units for byte in hashlib.sha256(sound.samples.tobytes()).digest()[:12])
            for sound in sounds
        ]

    def voiced(self, units: Sequence[int], *, voice: str, style: Style) -> Audio:
        self.spoken.append((tuple(units), voice, style.tag))
        time_s = np.arange(round(UNIT_S * RATE_HZ)) / RATE_HZ
        tones = [np.sin(2.0 * np.pi * (200.0 + 40.0 * unit + 11.0 * len(voice)) * time_s) for unit in units]
        return Audio((0.1 * np.concatenate(tones)).astype(np.float32), RATE_HZ)


def beeping(folder: Path, *, context: int = 1_024) -> tuple[UnitSpeech, Beeps]:
    """Unit speech of a tiny model, and its codec to look at."""
    codec = Beeps()
    return UnitSpeech(codec, load_unit_model(tiny_llama(folder, context=context), units=codec.units)), codec
