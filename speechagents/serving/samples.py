"""Samples of the voices, spoken when somebody first asks and kept.

Owns those files. Does not know who asks.
"""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import soundfile as sf

from speechagents.errors import SynthesisError
from speechagents.production.storage import write_atomically
from speechagents.voices.synthesizer import SpokenLine, Synthesizer, Take


class Samples:
    """The sample sentence of each voice as a WAV file. May be used from several threads.

    Args:
        synthesizer: Whose voices.
        folder: Where the files lie, a folder in it for each version of the voices.
    """

    def __init__(self, synthesizer: Synthesizer, folder: Path) -> None:
        self._synthesizer = synthesizer
        self._folder = folder / hashlib.sha256(synthesizer.identity.encode()).hexdigest()[:16]
        self._voices = {voice.id: voice for voice in synthesizer.voices}
        self._speaking = threading.Lock()

    def path(self, voice_id: str) -> Path | None:
        """File of a voice's sample; None if there is no such voice.

        Raises:
            SynthesisError: The voice did not speak.
            StorageError: The file cannot be written.
        """
        voice = self._voices.get(voice_id)
        if voice is None:
            return None
        path = self._folder / f"{voice.id}.wav"
        with self._speaking:  # many may ask for one voice at once; one of them has it spoken
            if not path.exists():
                for take in self._synthesizer.speak([SpokenLine(voice.sample, voice)]):
                    if not isinstance(take, Take):
                        raise SynthesisError(f"voice {voice.id}: {take.reason}")
                    encoded = io.BytesIO()
                    sf.write(encoded, take.audio.samples, take.audio.rate_hz, subtype="PCM_16", format="WAV")
                    write_atomically(path, encoded.getvalue())
        return path
