"""Sound that a speech server sends, made a value: decoded from memory, within limits.

Owns the formats and the ways in which answers are broken: cut short, endless, or something else that only claims to be
sound. The header of a WAV file that was sent while it was made says nothing about its length: OpenAI and those who
follow it write the largest number there, others zero or two thousand million. Knows no server.
"""

from __future__ import annotations

import io
import struct
from typing import Final

import numpy as np
import soundfile as sf

from speechagents.audio import Audio
from speechagents.controllers.exchange import UnusableAnswerError
from speechagents.controllers.retrying import TransientError

FORMATS: Final = ("wav", "flac", "mp3", "pcm")
"""Names of the formats that can be asked for and decoded."""

KINDS: Final = ("audio/", "application/octet-stream", "binary/octet-stream", "application/x-wav")
"""Beginnings of the media types that servers send sound under."""

UNKNOWN_FROM: Final = 1_000_000_000
"""A length in a WAV header from here on is none."""

SLACK_BYTES: Final = 16
"""So much may be missing at the end of a WAV file: writers differ in how they count headers and padding."""

_BLOCK: Final = 65_536
SILENT_BELOW: Final = 1e-3
"""What never gets louder (-60 dB) is no speech."""


def decoded(content: bytes, *, form: str, pcm_hz: int, most_s: float) -> Audio:
    """Mono sound.

    Args:
        content: What the server sent.
        form: Format that was asked for, one of `FORMATS`; only raw samples are taken at its word.
        pcm_hz: Rate of raw samples (16 bits, little-endian, mono), in hertz.
        most_s: Longest sound that can be right, in seconds.

    Raises:
        TransientError: It is cut short or silent; another try may help.
        UnusableAnswerError: It is no sound, or lasts too long.
    """
    if not content:
        raise TransientError("the server sends no sound")
    if form == "pcm" and not _is_file(content):
        sound = Audio(np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32_768.0, pcm_hz)
        if sound.duration_s > most_s:
            raise too_long(most_s)
    else:
        sound = _file(_with_length(content), most_s)
    if not sound.frames or sound.peak < SILENT_BELOW:
        raise TransientError("the server sends silence")
    return sound


def _is_file(content: bytes) -> bool:
    return content[:4] in (b"RIFF", b"fLaC", b"OggS")


def _with_length(content: bytes) -> bytes:
    """The same file; a WAV file whose header does not know its length is told it.

    Raises:
        TransientError: A WAV file ends before its header says.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return content
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], struct.unpack_from("<I", content, at + 4)[0]
        if name != b"data":
            at += 8 + size + size % 2
            continue
        held = len(content) - at - 8
        if 0 < size < UNKNOWN_FROM:
            if size > held + SLACK_BYTES:
                raise TransientError(f"the sound breaks off: {held} of {size} bytes came")
            return content
        repaired = bytearray(content)
        struct.pack_into("<I", repaired, 4, len(content) - 8)
        struct.pack_into("<I", repaired, at + 4, held)
        return bytes(repaired)
    raise TransientError("the sound breaks off before its first sample")


def _file(content: bytes, most_s: float) -> Audio:
    try:
        with sf.SoundFile(io.BytesIO(content)) as file:
            # Only here is the promise to be trusted: MP3 has none, and a WAV file's was looked at above.
            rate_hz, promised = int(file.samplerate), int(file.frames) if file.format == "FLAC" else 0
            samples = _samples(file, most_s)
    except (sf.LibsndfileError, RuntimeError) as error:
        raise UnusableAnswerError(f"what the server sends is no sound that can be read ({_told(error)})") from error
    # A file that was sent while it was made promises nothing, or the largest number.
    if samples.size < promised < most_s * rate_hz:
        raise TransientError(f"the sound breaks off: {samples.size} of {promised} samples came")
    try:
        return Audio(samples, rate_hz)
    except ValueError as error:
        raise UnusableAnswerError(f"the server sends sound of {rate_hz} Hz, which is no rate for speech") from error


def _samples(file: sf.SoundFile, most_s: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """All samples, one channel; read piece by piece, for what a header promises may not be there."""
    most = int(most_s * file.samplerate)
    blocks: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    read = 0
    while True:
        block = file.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            break
        read += len(block)
        if read > most:
            raise too_long(most_s)
        blocks.append(block.mean(axis=1, dtype=np.float32))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def too_long(most_s: float) -> UnusableAnswerError:
    """What to say of sound that goes on and on."""
    return UnusableAnswerError(f"the sound lasts longer than {most_s:.0f} s, far too long for its text")


def _told(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
