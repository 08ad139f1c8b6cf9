"""From where a line reaches the listener: a voice over, from off stage, through a telephone or a radio.

Owns the treatment of one take. Does not know rooms (it only says how much of the line a room hears) or positions
(`staging`).

A treatment works on one line alone, so a line sounds the same in the full mix and in a stem. Levels are set on the
whole take: what a narrow band or a soft clipper does to loudness is made up for, and only the intended
difference is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio, Samples
from speechagents.drama import Delivery
from speechagents.production.convolution import filtered, minimum_phase

_Curve = NDArray[np.float64]
_TAPS: Final = 1_023
_DESIGN_FFT: Final = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Treated:
    """A take as its delivery lets it through.

    Attributes:
        audio: Mono, as long as the take.
        direct: Gain of the sound that comes straight to the listener.
        room: Gain of what the room hears.
    """

    audio: Audio
    direct: float = 1.0
    room: float = 1.0


@dataclass(frozen=True, slots=True)
class _Treatment:
    """How a delivery sounds.

    Attributes:
        curve: Gains in decibels over frequencies in hertz; None for no filter.
        level_db: Level of the treated take against the take, both measured as root mean square.
        drive: How hard the peak of the filtered take is pressed into a soft clipper; 0 for none.
        direct: See `Treated`.
        room: See `Treated`.
    """

    curve: Callable[[_Curve], _Curve] | None = None
    level_db: float = 0.0
    drive: float = 0.0
    direct: float = 1.0
    room: float = 1.0


def _proximity_db(hz: _Curve) -> _Curve:
    """A voice close to a directional microphone: +4 dB of bass (proximity effect), and a little air."""
    return 4.0 / (1.0 + (hz / 220.0) ** 2) + 1.5 / (1.0 + (4_000.0 / np.maximum(hz, 1.0)) ** 2)


def _behind_db(hz: _Curve) -> _Curve:
    """Through a doorway or round a corner: low frequencies bend, high ones are lost (1.8 kHz, 12 dB/octave)."""
    return -10.0 * np.log10(1.0 + (hz / 1_800.0) ** 4)


def _telephone_db(hz: _Curve) -> _Curve:
    """The narrow band of telephones, 300–3400 Hz (ITU-T G.712)."""
    return _band_db(hz, 300.0, 3_400.0)


def _radio_db(hz: _Curve) -> _Curve:
    """A small loudspeaker on a medium-wave channel, 200 Hz to 4.5 kHz, with the bump of its box at 1.4 kHz."""
    bump = 5.0 * np.exp(-0.5 * (np.log2(np.maximum(hz, 1.0) / 1_400.0) / 0.5) ** 2)
    return _band_db(hz, 200.0, 4_500.0) + bump


def _band_db(hz: _Curve, low_hz: float, high_hz: float) -> _Curve:
    """A band with steep sides: Butterworth magnitudes of order 4 below and 10 above."""
    below = (low_hz / np.maximum(hz, 1.0)) ** 8
    return -10.0 * np.log10(1.0 + below) - 10.0 * np.log10(1.0 + (hz / high_hz) ** 20)


_TREATMENTS: Final[Mapping[Delivery, _Treatment]] = {
    Delivery.DIRECT: _Treatment(),
    # A voice over stands in no room: it speaks into the listener's ear.
    Delivery.VOICE_OVER: _Treatment(_proximity_db, room=0.0),
    # The direct sound is lost more than the room, which scatters it round the corner.
    Delivery.OFF_SCREEN: _Treatment(_behind_db, level_db=-5.0, direct=0.7, room=1.25),
    Delivery.PHONE: _Treatment(_telephone_db, level_db=-2.0, drive=2.0, room=0.0),
    # The set stands in the room.
    Delivery.RADIO: _Treatment(_radio_db, level_db=-2.0, drive=4.0, room=0.6),
}


def treated(take: Audio, delivery: Delivery) -> Treated:
    """A take through its delivery.

    Args:
        take: Mono, at whatever rate.
        delivery: From where it is heard.
    """
    treatment = _TREATMENTS[delivery]
    if treatment.curve is None or not take.frames:
        return Treated(take, treatment.direct, treatment.room)
    taps = _taps(delivery, take.rate_hz)
    sound = filtered(take.samples, taps)
    if treatment.drive and (peak := float(np.abs(sound).max())) > 0.0:
        # The clipper's harmonics would run past the band, so they pass it once more.
        sound = filtered(np.tanh(sound * np.float32(treatment.drive / peak)), taps)
    before, after = _power(take.samples), _power(sound)
    if after > 0.0:
        sound = sound * np.float32(np.sqrt(before / after) * 10.0 ** (treatment.level_db / 20.0))
    return Treated(Audio(sound, take.rate_hz), treatment.direct, treatment.room)


def _power(samples: Samples) -> float:
    # Not `np.dot`: how BLAS splits a sum depends on its threads, and this one decides a gain.
    return float(np.einsum("i,i->", samples, samples, dtype=np.float64))


@lru_cache(maxsize=32)
def _taps(delivery: Delivery, rate_hz: int) -> Samples:
    """The filter of a delivery that has one."""
    curve = _TREATMENTS[delivery].curve
    if curve is None:
        raise ValueError(f"{delivery} has no filter")
    hz = np.asarray(np.fft.rfftfreq(_DESIGN_FFT, 1.0 / rate_hz), np.float64)
    taps = minimum_phase(10.0 ** (np.maximum(curve(hz), -90.0) / 20.0), _TAPS)
    taps.flags.writeable = False
    return taps
