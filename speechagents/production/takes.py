"""Takes on disk: one FLAC file for each rendering, named by what it is a rendering of; recordings by what they hold.

Owns the address of a take and its file: 16-bit mono FLAC whose comment carries the word times, so that one rename
publishes both. Does not know how takes are made or where they are placed. A file that is missing, cut short or
damaged counts as not there: it is rendered again.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from speechagents.audio import Audio
from speechagents.errors import SynthesisError
from speechagents.production.storage import write_atomically
from speechagents.voices.synthesizer import SpokenLine, Take, Word

_FORMAT = 1
"""Version of the file's layout; part of the address, so that an old layout is never misread."""
_UNREADABLE = (sf.LibsndfileError, OSError, ValueError, KeyError, TypeError)
"""What reading the file of a take raises when it is none."""


def take_address(identity: str, line: SpokenLine) -> str:
    """Content address of a rendering.

    Args:
        identity: `Synthesizer.identity`: name, version and settings of the back end.
        line: What is to be spoken.

    Returns:
        64 hexadecimal digits; equal exactly when back end, voice, style, language, text, attempt and units are.
    """
    parts: list[str | int | float] = [
        _FORMAT,
        identity,
        line.voice.id,
        line.voice.recipe,
        line.language,
        line.style.tag,
        round(line.style.strength, 4),
        line.text,
    ]
    # What most lines do not have is left out, so that their addresses are those of earlier versions.
    if line.attempt:
        parts.append(line.attempt)
    if line.units:
        parts.append(f"units {' '.join(map(str, line.units))}")
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()


def recording_address(audio: Audio) -> str:
    """Content address of a sound that no line makes again: a person's, or as much of a line as was heard.

    Returns:
        64 hexadecimal digits; equal exactly when rate and samples are, rounded as `TakeStore.save` does.
    """
    digest = hashlib.sha256(f"recording {_FORMAT} {audio.rate_hz}\n".encode())
    digest.update(_pcm16(audio).astype("<i2").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class TakeFile:
    """A take as the file that a store keeps of it. Whoever wants to hear it has it decoded; nobody else does.

    Attributes:
        line: What was asked for.
        data: The file.
        duration_s: How long it lasts.
        words: As those of a `Take`.
        doubts: What is doubtful about it, for people; whoever made the file has checked it.
    """

    line: SpokenLine
    data: bytes
    duration_s: float
    words: tuple[Word, ...]
    doubts: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: bytes, line: SpokenLine, *, doubts: tuple[str, ...] = ()) -> TakeFile | None:
        """What a file says of itself, or None when it is none. It may be damaged further on."""
        try:
            with sf.SoundFile(io.BytesIO(data)) as file:
                words = _words(file)
                duration_s = file.frames / file.samplerate
        except _UNREADABLE:
            return None
        return cls(line, data, duration_s, words, doubts)

    @property
    def audio(self) -> Audio:
        """Its sound, decoded now and each time that it is asked for.

        Raises:
            SynthesisError: It is damaged.
        """
        take = self.opened()
        if take is None:
            raise SynthesisError(f"the take of {self.line.text[:60]!r} is damaged; run the same command again")
        return take.audio

    def opened(self) -> Take | None:
        """The take, decoded; None when it is damaged."""
        return _decoded(io.BytesIO(self.data), self.line)


class TakeStore:
    """The folder of takes. Safe to use from several threads: files are published by renaming.

    Args:
        folder: Where the takes lie; made when the first one is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, address: str) -> Path:
        """File of a take, whether it exists or not."""
        if len(address) != 64 or not set(address) <= set("0123456789abcdef"):
            raise ValueError(f"{address!r} is no take address")
        return self._folder / f"{address}.flac"

    def load(self, address: str, line: SpokenLine) -> Take | None:
        """The take at an address, or None when there is no whole, readable file."""
        return _decoded(self.path(address), line)

    def save(self, address: str, take: Take) -> Take:
        """Write a take and give it back as `load` would: with samples rounded to 16 bits.

        Raises:
            StorageError: The disk is full or the folder cannot be written.
        """
        path = self.path(address)
        pcm = _pcm16(take.audio)
        # Encoded in memory first: libsndfile hides a full disk, a plain write does not.
        write_atomically(path, _encoded(take, pcm))
        words = tuple(Word(word.text, round(word.start_s, 4), round(word.end_s, 4)) for word in take.words)
        return Take(take.line, Audio.from_pcm16(pcm.tobytes(), take.audio.rate_hz), words)

    def save_file(self, address: str, file: TakeFile) -> None:
        """Write a take that somebody else has encoded, as it is.

        Raises:
            StorageError: The disk is full or the folder cannot be written.
        """
        write_atomically(self.path(address), file.data)


def encode_take(take: Take) -> bytes:
    """The file of a take, as a store would write it; a take that was read from one has the very same file."""
    return _encoded(take, _pcm16(take.audio))


def _encoded(take: Take, pcm: NDArray[np.int16]) -> bytes:
    about = {
        "frames": len(pcm),
        "words": [[word.text, round(word.start_s, 4), round(word.end_s, 4)] for word in take.words],
    }
    encoded = io.BytesIO()
    with sf.SoundFile(encoded, "w", take.audio.rate_hz, 1, subtype="PCM_16", format="FLAC") as file:
        file.comment = json.dumps(about, ensure_ascii=True, separators=(",", ":"))
        file.write(pcm)
    return encoded.getvalue()


def _decoded(source: Path | io.BytesIO, line: SpokenLine) -> Take | None:
    try:
        with sf.SoundFile(source) as file:
            words = _words(file)
            frames = file.frames
            audio = Audio(file.read(dtype="float32"), file.samplerate)
    except _UNREADABLE:
        return None
    return Take(line, audio, words) if audio.frames == frames else None


def _words(file: sf.SoundFile) -> tuple[Word, ...]:
    """What the beginning of a file tells.

    Raises:
        _UNREADABLE: It is not the file of a take.
    """
    about = json.loads(file.comment)
    if file.channels != 1 or file.frames != about["frames"]:
        raise ValueError("another length than was written")
    return tuple(Word(str(text), float(start), float(end)) for text, start, end in about["words"])


def _pcm16(audio: Audio) -> NDArray[np.int16]:
    pcm: NDArray[np.int16] = np.clip(np.rint(audio.samples * np.float32(32768.0)), -32768, 32767).astype(np.int16)
    return pcm
