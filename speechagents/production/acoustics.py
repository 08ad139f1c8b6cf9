"""Synthesises the impulse response of a room.

Owns the physics: early reflections by the image source method, the late part as decaying noise. Does not know
which place sounds how (`rooms`) or who is heard in it (`mixing`).

The response holds what the room adds; the direct sound is not in it. Its energy, summed over both channels, is the
room's `wet_db` against the direct sound's, exactly, so that loudness stays predictable: speech that sends all of
itself to the room gains ``10 log10(1 + 10 ** (wet_db / 10))`` decibels, as far as it resembles noise.

Sources: Allen & Berkley 1979, J. Acoust. Soc. Am. 65:943 (images); Eyring 1930, J. Acoust. Soc. Am. 1:217
(absorption from decay time; Sabine's formula is its limit for live rooms); Polack 1992, Appl. Acoust. 38:235 (the
reverberation is diffuse from about √V milliseconds on, V in m³, and then as good as decaying noise); ISO
9613-2:1996, table 2 (absorption of air at 20 °C and 70 % humidity).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples

SOUND_M_PER_S: Final = 343.0
MAX_RESPONSE_S: Final = 5.0

_Curve = NDArray[np.float64]
_BANDS_HZ: Final = (125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0)
_AIR_DB_PER_M: Final = (0.0003, 0.0011, 0.0028, 0.0050, 0.0090, 0.0229, 0.0766)
_CARDIOID_POWER: Final = 1.0 / 3.0
"""Mean power gain of a cardioid microphone over all directions."""
_MICROPHONES_RAD: Final = math.radians(55.0)
"""Angle of either microphone from straight ahead: the ORTF pair, here without its spacing."""


@dataclass(frozen=True, slots=True)
class Echo:
    """One reflection outdoors.

    Attributes:
        delay_s: After the direct sound.
        level_db: Relative to the other echoes of the place.
        pan: From -1 (left) to 1 (right).
    """

    delay_s: float
    level_db: float
    pan: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """A place as the listener hears it.

    Attributes:
        name: Short and unique; seeds the noise of the late part.
        rt60_s: Reverberation time at middle frequencies (500 Hz and 1 kHz); 0 where nothing reverberates.
        size_m: Length, width and height of the shoebox, for the early reflections; None outdoors.
        wet_db: Energy of all that the room adds, against the direct sound; minus infinity for none.
        bass: Reverberation time at 125 Hz as a multiple of that at middle frequencies.
        treble: The same at 4 kHz, before the absorption of air.
        echoes: Single reflections outdoors.
    """

    name: str
    rt60_s: float
    size_m: tuple[float, float, float] | None
    wet_db: float
    bass: float = 1.0
    treble: float = 0.8
    echoes: tuple[Echo, ...] = ()

    @property
    def is_dry(self) -> bool:
        """Whether the room adds nothing."""
        return self.wet_db == -math.inf

    @property
    def ring_s(self) -> float:
        """What a scene in it should leave for the last sound to ring out: a decay of 15 dB, at most 1 s."""
        return 0.0 if self.is_dry else min(1.0, self.rt60_s / 4.0)

    @property
    def ring_out_s(self) -> float:
        """What the end of the programme should leave to ring out: a decay of 45 dB, at most 3.5 s.

        That takes the reverberation of a shouted line, about -15 dB, below the -60 dB at which checkers see
        silence begin; shops limit the tail.
        """
        return 0.0 if self.is_dry else min(3.5, self.rt60_s * 45.0 / 60.0)


@lru_cache(maxsize=16)
def impulse_response(room: Room, rate_hz: int) -> Samples:
    """What the room adds to a click at the place of the speaker.

    Args:
        room: Not dry.
        rate_hz: Frames per second.

    Returns:
        Read-only float32 of shape ``(2, taps)``; time 0 is the arrival of the direct sound. The same room and rate
        give the same samples.
    """
    if room.is_dry:
        raise ValueError(f"{room.name} is dry and has no response")
    last_echo_s = max((echo.delay_s for echo in room.echoes), default=0.0)
    # At 54 dB of decay what is left drowns in any listening room's noise.
    length_s = min(MAX_RESPONSE_S, max(0.9 * room.rt60_s, last_echo_s + 0.02, 0.05))
    response = np.zeros((2, round(length_s * rate_hz)))
    if room.size_m is not None:
        mixing_s = math.sqrt(math.prod(room.size_m)) / 1000.0
        _add_images(response, room.size_m, room.rt60_s, rate_hz, until_s=2.0 * mixing_s)
        response += _late_part(room, math.prod(room.size_m), mixing_s, response.shape[1], rate_hz)
    for echo in room.echoes:
        angle = (echo.pan + 1.0) * math.pi / 4.0
        # An echo off a rough surface is spread a little: a click would stand out.
        spread = np.exp(-np.arange(rate_hz // 250) / (rate_hz * 0.001))
        noise = _noise(f"{room.name}/{echo.delay_s}", 1, len(spread))[0] * spread
        noise *= 10.0 ** (echo.level_db / 20.0) / math.sqrt(float(np.sum(noise**2)))
        first = round(echo.delay_s * rate_hz)
        noise = noise[: response.shape[1] - first]
        response[:, first : first + len(noise)] += np.outer((math.cos(angle), math.sin(angle)), noise)
    if room.size_m is None and room.rt60_s > 0.0:
        response += _late_part(room, 1e4, last_echo_s / 2.0, response.shape[1], rate_hz)
    response = _darkened(response, rate_hz)
    fade = max(1, response.shape[1] // 10)
    response[:, -fade:] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, fade))
    response *= math.sqrt(10.0 ** (room.wet_db / 10.0) / float(np.sum(response**2)))
    out = response.astype(np.float32)
    out.flags.writeable = False
    return out


def eyring_absorption(size_m: tuple[float, float, float], rt60_s: float) -> float:
    """Mean absorption of the walls that gives a shoebox its reverberation time: ``1 - exp(-0.161 V / (S T))``."""
    length, width, height = size_m
    surface = 2.0 * (length * width + length * height + width * height)
    return 1.0 - math.exp(-0.161 * length * width * height / (surface * rt60_s))


def _add_images(
    response: _Curve, size_m: tuple[float, float, float], rt60_s: float, rate_hz: int, *, until_s: float
) -> None:
    """Add the reflections that arrive within a time, as heard by two cardioids at one point.

    The amplitude of an image is its distance's inverse times a reflection factor per wall on its way; the direct
    sound at 1 m has 1. Speaker and microphones stand off the middle, where fewer reflections coincide.
    """
    size = np.array(size_m)
    ear = np.array((0.46 * size_m[0], 0.53 * size_m[1], min(1.5, 0.55 * size_m[2])))
    # The larger the room the further off one stands in it; so the floor's echo does not outweigh the rest.
    away_m = min(0.3 * size_m[0], 0.25 * math.prod(size_m) ** (1.0 / 3.0))
    mouth = ear + np.array((away_m, 0.07 * size_m[1], 0.05))
    direct_m = float(np.linalg.norm(mouth - ear))
    reach_m = until_s * SOUND_M_PER_S + direct_m
    orders = [_cells(math.ceil(reach_m / (2.0 * side))) for side in size_m]
    beta = math.sqrt(1.0 - eyring_absorption(size_m, rt60_s))
    grids = np.meshgrid(*orders, *[np.arange(2)] * 3, indexing="ij")
    cells = np.stack([grid.ravel() for grid in grids[:3]], axis=1)
    mirrored = np.stack([grid.ravel() for grid in grids[3:]], axis=1)
    images = (1 - 2 * mirrored) * mouth + 2.0 * cells * size
    bounces = (np.abs(cells - mirrored) + np.abs(cells)).sum(axis=1)
    ways = images - ear
    metres = np.linalg.norm(ways, axis=1)
    kept = (bounces > 0) & (metres <= reach_m)
    ways, metres, bounces = ways[kept], metres[kept], bounces[kept]
    frames = np.rint((metres - direct_m) / SOUND_M_PER_S * rate_hz).astype(np.int64)
    inside = (frames >= 0) & (frames < response.shape[1])
    straight = (mouth - ear) / direct_m
    azimuth = np.arctan2(ways[:, 1], ways[:, 0]) - math.atan2(straight[1], straight[0])
    for channel, side in enumerate((_MICROPHONES_RAD, -_MICROPHONES_RAD)):
        gains = 0.5 + 0.5 * np.cos(azimuth - side)
        # Above the mixing time the noise of the late part fades in while the images fade out.
        fade = np.clip(2.0 - 2.0 * (frames / rate_hz) / until_s, 0.0, 1.0)
        amplitudes = gains * beta**bounces / metres * np.sqrt(fade)
        np.add.at(response[channel], frames[inside], amplitudes[inside])


def _cells(reach: int) -> NDArray[np.int64]:
    """Numbers of the mirrored rooms along one axis, the real one being 0."""
    return np.arange(-reach, reach + 1)


def _late_part(room: Room, volume_m3: float, mixing_s: float, frames: int, rate_hz: int) -> _Curve:
    """Decaying noise, each octave with its own time.

    A diffuse field of images of amplitude ``1 / distance`` brings the energy ``4 π c / V`` per second at the
    start, here into cardioids, so that the late part joins the early one at the right level.
    """
    length = 1 << (frames - 1).bit_length()
    octaves = np.log2(np.maximum(np.fft.rfftfreq(length, 1.0 / rate_hz), 1.0) / _BANDS_HZ[0])
    time_s = np.arange(frames) / rate_hz
    late = np.zeros((2, frames))
    # One channel and one band at a time: a cathedral's five seconds would otherwise be the peak of all memory used.
    for channel, noise in enumerate(_noise(room.name, 2, length)):
        spectrum = np.fft.rfft(noise)
        for index, decay_s in enumerate(_decays_s(room)):
            # Cosines in log frequency that overlap by half, their powers adding up to one; the outer bands are open.
            offset = np.clip(octaves - index, -1.0 if index else 0.0, 1.0 if index < len(_BANDS_HZ) - 1 else 0.0)
            band = np.fft.irfft(spectrum * np.cos(offset * np.pi / 2.0), length)[:frames]
            late[channel] += band * np.exp(-math.log(1e3) * time_s / decay_s)
    late *= math.sqrt(4.0 * math.pi * SOUND_M_PER_S * _CARDIOID_POWER / (volume_m3 * rate_hz))
    late *= np.sqrt(np.clip(time_s / mixing_s - 1.0, 0.0, 1.0)) if mixing_s > 0.0 else 1.0
    return late


def _decays_s(room: Room) -> list[float]:
    """Reverberation time of each octave: the walls' and the air's decay rates add up."""
    ratios = np.interp(np.arange(len(_BANDS_HZ)), (0, 2, 3, 5), (room.bass, 1.0, 1.0, room.treble))
    walls_s = room.rt60_s * ratios
    # The table gives what is measured in the room, so at middle frequencies the air is in it already.
    air = np.maximum(0.0, np.array(_AIR_DB_PER_M) - _AIR_DB_PER_M[3]) * SOUND_M_PER_S / 60.0
    return [float(seconds) for seconds in 1.0 / (1.0 / walls_s + air)]


def _darkened(response: _Curve, rate_hz: int) -> _Curve:
    """Every reflection loses treble at the wall: first order from 6 kHz on."""
    # The filter's own response is over within a millisecond; that much padding keeps its ends apart.
    length = 1 << (response.shape[1] + rate_hz // 50 - 1).bit_length()
    gains = 1.0 / np.sqrt(1.0 + (np.fft.rfftfreq(length, 1.0 / rate_hz) / 6_000.0) ** 2)
    return np.stack([np.fft.irfft(np.fft.rfft(row, length) * gains, length)[: len(row)] for row in response])


def _noise(name: str, channels: int, frames: int) -> _Curve:
    """White noise that only its name decides."""
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big")).standard_normal((channels, frames))
