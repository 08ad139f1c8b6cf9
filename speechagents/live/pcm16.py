"""Sound as it travels over the live socket: 16-bit little-endian mono at 24 kHz, in base64.

Owns both directions. Does not know the events that carry it.
"""

from __future__ import annotations

import binascii
from typing import Final

import numpy as np

from speechagents.audio import Audio

RATE_HZ: Final = 24_000
BYTES_PER_S: Final = 2 * RATE_HZ

_FULL_SCALE: Final = np.float32(32_768.0)


def decode(text: str) -> Audio:
    """Sound from base64.

    Raises:
        ValueError: It is no base64, or an odd number of bytes. The message says which, for people.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise ValueError(f"is no base64 ({error})") from error
    if len(data) % 2:
        raise ValueError(f"holds {len(data)} bytes, and 16-bit samples take two each")
    samples = np.frombuffer(data, "<i2").astype(np.float32)
    samples /= _FULL_SCALE
    return Audio(samples, RATE_HZ)


def encode(audio: Audio) -> str:
    """Base64 of mono sound at `RATE_HZ`; what is louder than full scale is clipped."""
    if audio.rate_hz != RATE_HZ or audio.channels != 1:
        raise ValueError(f"{audio.channels} channels at {audio.rate_hz} Hz are not mono at {RATE_HZ} Hz")
    scaled = np.rint(audio.samples * _FULL_SCALE)
    np.clip(scaled, -32_768.0, 32_767.0, out=scaled)
    return binascii.b2a_base64(scaled.astype("<i2").data, newline=False).decode("ascii")
