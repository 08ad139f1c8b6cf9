"""Speech to learn the unit codec from: lines in many voices and styles, with the phonemes that espeak-ng made them of.

Owns the making of it and the inventory of units. Knows no network.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.units.networks import FRAMES_PER_UNIT_STEP
from speechagents.units.spectrum import HOP, RATE_HZ, Floats, heard, mel_spectrum, melody
from speechagents.voices.espeak.catalogue import EmbeddedVoice
from speechagents.voices.espeak.finish import finished
from speechagents.voices.espeak.process import Utterance, WorkerPool, request_frame
from speechagents.voices.espeak.recipe import Instruction, instruction
from speechagents.voices.espeak.text import spoken_text
from speechagents.voices.espeak.worker import EVENT_PHONEME
from speechagents.voices.measure import speech_level_db

PAUSE: Final = "_"
UNKNOWN: Final = -1
"""Index of a phoneme that is too rare for a unit of its own."""

_PLAIN: Final = "default"
_USUAL_DB: Final = -23.0
_STRESS: Final = "',%="
# Variants of one sound that differ by accent and place more than by ear. Apart they would double the errors between
# voices: 30 against 13 % (benchmarks/NOTES.md).
_SAME: Final[Mapping[str, str]] = {
    "I2": "I", "I#": "I", "@2": "@", "a#": "@", "@5": "@", "3": "@", "aI2": "aI", "t#": "t", "t2": "t", "t[": "t",
    "r-": "r", "w#": "w", "O2": "0", "d[": "d", "n-": "n", "E2": "E", "aa": "a", "VR": "V",
}  # fmt: skip
_LEAST: Final = 30
"""A phoneme that is rarer than this among the lines has no unit."""
_OTHER_STYLE: Final = 0.4
"""Share of lines that are spoken in a style of chance, so that styles which scripts rarely ask for are learnt, too."""
_STRENGTHS: Final = (0.5, 1.0, 1.0)
_LIMIT_S: Final = 30.0
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSpeech:
    """A line as it sounds and what it is made of.

    Attributes:
        text: What is said.
        voice: Id of the voice.
        style: How it is said.
        mel: Shape ``(frames, BANDS)``.
        f0_hz: Shape ``(frames,)``.
        level_db: Of the speech in it (`voices.measure.speech_level_db`).
        phonemes: Names, in order.
        onsets_s: When each begins.
    """

    text: str
    voice: str
    style: Style
    mel: Floats
    f0_hz: Floats
    level_db: float
    phonemes: tuple[str, ...]
    onsets_s: NDArray[np.float64]

    def labels(self, inventory: Mapping[str, int]) -> NDArray[np.int64]:
        """The unit that sounds at each step of 20 ms, `UNKNOWN` where it has none."""
        steps = -(-len(self.mel) // FRAMES_PER_UNIT_STEP)
        times = np.arange(steps) * (FRAMES_PER_UNIT_STEP * HOP / RATE_HZ)
        names = (PAUSE, *self.phonemes)
        places = np.searchsorted(self.onsets_s, times, side="right")
        return np.array([inventory.get(names[place], UNKNOWN) for place in places], np.int64)


def spoken_lines(
    lines: Sequence[tuple[str, Style]], voices: Sequence[EmbeddedVoice], *, seed: int, jobs: int = 1
) -> Iterator[LabelledSpeech]:
    """Lines in voices and styles that chance chooses, in order.

    Args:
        lines: Text and the style that its script asks for.
        voices: To choose from.
        seed: Of the choice.
        jobs: Worker processes.

    Raises:
        SynthesisError: A line cannot be spoken.
    """
    chance = random.Random(seed)  # noqa: S311 - chooses voices, guards nothing
    pool = WorkerPool(jobs)
    try:
        for first in range(0, len(lines), _AT_ONCE):
            waiting = []
            for text, asked in lines[first : first + _AT_ONCE]:
                voice = chance.choice(voices)
                other = Style(chance.choice(list(STYLES)), chance.choice(_STRENGTHS))
                style = other if chance.random() < _OTHER_STYLE else asked
                how = instruction(voice.recipe, style)
                frame = request_frame(
                    text=spoken_text(text, language=voice.voice.accent).text,
                    language=voice.language,
                    variant=how.variant,
                    settings=how.settings,
                    limit_s=_LIMIT_S,
                    phonemes=True,
                )
                finish = partial(_labelled, text, voice.voice.id, style, how)
                waiting.append(pool.submit(frame, limit_s=_LIMIT_S, finish=finish))
            for one in waiting:
                yield one.result()
    finally:
        pool.close()


def inventory_of(speech: Sequence[LabelledSpeech]) -> tuple[str, ...]:
    """The names of the units: the pause, then the phonemes that are not too rare, the most frequent first."""
    counts = Counter(name for one in speech for name in one.phonemes if name != PAUSE)
    return (
        PAUSE,
        *(name for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= _LEAST),
    )


def levels_of(speech: Sequence[LabelledSpeech]) -> dict[str, float]:
    """Level of speech in each of `STYLES` at strength 1, in dB; what a style adds grows with its strength."""
    plain = [one.level_db for one in speech if one.style.tag == _PLAIN]
    usual = float(np.mean(plain)) if plain else _USUAL_DB
    added: dict[str, list[float]] = {tag: [] for tag in STYLES}
    for one in speech:
        if one.style.strength and one.style.tag != _PLAIN:
            added[one.style.tag].append((one.level_db - usual) / one.style.strength)
    return {tag: round(usual + (float(np.mean(found)) if found else 0.0), 2) for tag, found in added.items()}


def _labelled(text: str, voice: str, style: Style, how: Instruction, utterance: Utterance) -> LabelledSpeech:
    audio, cut_s = finished(utterance.samples, utterance.rate_hz, how)
    samples = heard(audio)
    events = utterance.events[utterance.events[:, 0] == EVENT_PHONEME]
    names = tuple(_name(struct.pack("=ii", int(low), int(high))) for _, low, high, _ in events)
    onsets_s = events[:, 3] / utterance.rate_hz - cut_s
    level_db = speech_level_db(audio)
    return LabelledSpeech(text, voice, style, mel_spectrum(samples), melody(samples), level_db, names, onsets_s)


def _name(field: bytes) -> str:
    """The phoneme in an event's field: it ends with a zero, behind which lies what was there before."""
    name = field.split(b"\0")[0].decode("utf-8", "replace")
    plain = PAUSE if name.startswith(PAUSE) else name.lstrip(_STRESS) or PAUSE
    return _SAME.get(plain, plain)
