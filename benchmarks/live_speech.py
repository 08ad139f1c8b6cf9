"""What visitors say on stage: questions to somebody by name, in a voice that the embedded recogniser understands.

Owns the questions, their sound (`benchmarks/spoken`) with a little noise as a room has it, and where in it the voice
ends. Does not know how it is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.live import pcm16

FRAME = round(0.02 * pcm16.RATE_HZ)
_NOISE = 0.0015
_SPEECH_PEAK = 0.3
_VOICED_DB = -40.0

SPOKEN = Path(__file__).parent / "spoken"
QUESTIONS = (
    ("sophia-monday", "Sophia, where are you going on Monday?"),
    ("daniel-cake", "Daniel, what did you put into the cake?"),
    ("maya-book", "Maya, tell me what you think of my book."),
    ("leo-guitar", "Leo, will you play the guitar for us?"),
    ("sophia-calling", "Sophia, who is calling you all the time?"),
    ("daniel-cut", "Daniel, do you want to cut the cake now?"),
    ("maya-sandwiches", "Maya, why do you talk about sandwiches?"),
    ("leo-cherry", "Leo, did you eat the cherry on the way?"),
)
"""Names of the files and what is said in them, in the city park; the first word is the name of who is asked."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to say.

    Attributes:
        text: The words.
        to: Name of who is asked.
        frames: Events that send it, 20 ms each.
        voiced_frames: So many of them have been sent when the voice ends.
        tail_s: From the end of the voice to the end of the last of these.
    """

    text: str
    to: str
    frames: tuple[dict[str, Any], ...]
    voiced_frames: int
    tail_s: float


def sentences() -> tuple[Sentence, ...]:
    """All that is said."""
    return tuple(
        _sentence(text, Audio.read(SPOKEN / f"{name}.flac"), seed) for seed, (name, text) in enumerate(QUESTIONS)
    )


def quiet(seed: int) -> tuple[dict[str, Any], ...]:
    """A second of a room in which nobody speaks, to be said again and again."""
    noise = np.random.default_rng(seed).normal(0.0, _NOISE, 50 * FRAME).astype(np.float32)
    return _frames(noise)


def voice_end(samples: Samples) -> int:
    """Where the last sample lies that is not just noise or silence: 40 dB below the loudest stretch."""
    size = FRAME // 4
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.mean(np.square(whole, dtype=np.float64), axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (_VOICED_DB / 10.0))
    return int(loud[-1] + 1) * size if power.max() > 0.0 else 0


def words_understood(said: str, heard: str) -> tuple[int, int]:
    """How many words of what was said were understood, in order, and how many there were."""
    wanted, got = (re.findall(r"[\w']+", text.lower()) for text in (said, heard))
    blocks = SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks), len(wanted)


def _sentence(text: str, audio: Audio, seed: int) -> Sentence:
    clean = audio.mono().resampled(pcm16.RATE_HZ).samples
    end = voice_end(clean)
    noise = np.random.default_rng(seed).normal(0.0, _NOISE, len(clean))
    sound = (clean * (_SPEECH_PEAK / np.abs(clean).max()) + noise).astype(np.float32)
    voiced_frames = -(-end // FRAME)
    return Sentence(
        text, text.partition(",")[0], _frames(sound), voiced_frames, (voiced_frames * FRAME - end) / pcm16.RATE_HZ
    )


def _frames(samples: Samples) -> tuple[dict[str, Any], ...]:
    padded = np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)
    return tuple(
        {"type": "input_audio_buffer.append", "audio": pcm16.encode(Audio(frame, pcm16.RATE_HZ))} for frame in padded
    )
