"""Hearing the catalogue: a table of the voices and a sample of each.

Owns what a listener sees and hears of voices before casting. Does not know how voices are made.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import soundfile as sf

from speechagents.errors import SynthesisError
from speechagents.production.storage import write_atomically
from speechagents.voices.synthesizer import SpokenLine, Synthesizer, Take, Voice


def table(voices: Sequence[Voice]) -> list[dict[str, Any]]:
    """Plain values of each voice for a table or JSON."""
    return [
        {
            "id": voice.id,
            "gender": voice.gender.value,
            "age": voice.age.value,
            "accent": voice.accent,
            "f0_hz": voice.f0_hz,
            "narrates": voice.narrates,
            "description": voice.description,
            "sample": voice.sample,
            "licence": voice.licence,
            "source": voice.source,
        }
        for voice in voices
    ]


def audition(synthesizer: Synthesizer, folder: Path, *, language: str = "") -> Iterator[Path]:
    """Write the sample sentence of every voice as ``ID.wav`` and give each path when it is there.

    Raises:
        SynthesisError: A voice did not speak.
        StorageError: The folder cannot be written.
    """
    lines = [SpokenLine(voice.sample, voice, language=language) for voice in synthesizer.voices]
    for take in synthesizer.speak(lines):
        if not isinstance(take, Take):
            raise SynthesisError(f"voice {take.line.voice.id}: {take.reason}")
        encoded = io.BytesIO()
        sf.write(encoded, take.audio.samples, take.audio.rate_hz, subtype="PCM_16", format="WAV")
        path = folder / f"{take.line.voice.id}.wav"
        write_atomically(path, encoded.getvalue())
        yield path
