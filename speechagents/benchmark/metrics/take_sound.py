"""What can be measured of one take: how fast, how loud, how high, how wide, how clear it is.

Owns these measures, and that each take is analysed once however many metrics ask for it. Does not know what styles,
roles or metrics make of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.benchmark.played import Played
from speechagents.drama import Style
from speechagents.errors import SoundError
from speechagents.production.proofing.signal import FLAT_PLACES, FLAT_SAMPLES
from speechagents.production.proofing.words import syllables
from speechagents.production.takes import TakeStore
from speechagents.voices.checks import CLIPPED_ABOVE, SILENT_BELOW_DB
from speechagents.voices.measure import (
    ACTIVE_BELOW_PEAK_DB,
    F0_MIN_HZ,
    LEVEL_FRAME_S,
    cepstra,
    frame_levels_db,
    pitch,
    speech_level_db,
)
from speechagents.voices.phonetic import spelled

VOICED_FROM: Final = 0.4
"""Share of voiced frames from which there is a melody; a whisper has none. Of the embedded
voices whispers have 0.07 to 0.37, and 0.53 or more what is no whisper, but for the highest shouts."""
STRETCH_S: Final = 4.0
"""Melody and timbre are measured over the first so many seconds of a take: more changes them little, and takes time."""

_ZERO_ST_HZ: Final = 55.0
"""Where semitones are counted from, as in `voices.measure.fingerprint`."""
_AT_PEAK: Final = 0.999
_KEPT: Final = 8_192
_FRAME: Final = 2_048
_LOW_HZ: Final = (50.0, 1_000.0)
_HIGH_HZ: Final = (1_000.0, 5_000.0)


@dataclass(frozen=True, slots=True)
class TakeSound:
    """What was measured of a take.

    Attributes:
        duration_s: Its length.
        active_s: Of it, what is not pause.
        level_db: RMS level of the active part, relative to full scale.
        pitch_st: Median fundamental frequency in semitones above 55 Hz; None for a whisper.
        spread_st: Width of the melody (`voices.measure.Pitch.spread_st`); None for a whisper.
        voiced: Share of active frames that are voiced.
        harmonicity_db: Median harmonics-to-noise ratio of the voiced frames.
        effort_db: Level from 1 to 5 kHz against that from 50 Hz to 1 kHz: the alpha ratio of Sundberg & Nordenberg
            (2006), J. Acoust. Soc. Am. 120:453, in the bands of Eyben et al. (2016), IEEE Trans. Affective Computing
            7:190. It grows with vocal effort, whatever level a take was brought to afterwards.
        cepstrum: Mean of the mel-frequency cepstral coefficients 1 to 12.
        clipped: Its wave tops are cut off.
        silent: There is nothing to be heard in it; all other measures mean nothing then.
    """

    duration_s: float
    active_s: float
    level_db: float
    pitch_st: float | None
    spread_st: float | None
    voiced: float
    harmonicity_db: float
    effort_db: float
    cepstrum: tuple[float, ...]
    clipped: bool
    silent: bool

    @property
    def pause_share(self) -> float:
        """Share of the take that is pause."""
        return 1.0 - self.active_s / self.duration_s if self.duration_s else 0.0

    @property
    def fingerprint(self) -> tuple[float, ...]:
        """What the voice sounds like here, as `voices.measure.voice_distance` wants it."""
        floor_st = 12.0 * math.log2(F0_MIN_HZ / _ZERO_ST_HZ)
        return (floor_st if self.pitch_st is None else self.pitch_st, *self.cepstrum, self.harmonicity_db)


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn that was spoken aloud, and its sound.

    Attributes:
        position: 0-based, among `Played.lines`.
        role: Key of who speaks.
        style: How it was to be spoken.
        text: What was said.
        sound: What was measured of it.
    """

    position: int
    role: str
    style: Style
    text: str
    sound: TakeSound

    @property
    def syllables_per_s(self) -> float:
        """Speed without the pauses (articulation rate); 0 where nothing is active."""
        return syllables(spelled(self.text)) / self.sound.active_s if self.sound.active_s else 0.0


def spoken_turns(played: Played) -> tuple[SpokenTurn, ...]:
    """The turns that have something to say and a take that can be heard, in order."""
    return tuple(turn for turn in recorded_turns(played) if not turn.sound.silent)


def recorded_turns(played: Played) -> tuple[SpokenTurn, ...]:
    """The turns that have something to say and a take that is still there, silent ones included, in order."""
    if played.folder is None:
        return ()
    store = TakeStore(played.folder / "takes")
    found = []
    for position, message in enumerate(played.lines):
        if not message.take or not any(map(str.isalnum, message.text)):
            continue
        sound = _sound_at(store.path(message.take))
        if sound is not None:
            found.append(SpokenTurn(position, played.role_of(message), message.style, message.text, sound))
    return tuple(found)


@lru_cache(maxsize=_KEPT)
def _sound_at(path: Path) -> TakeSound | None:
    """Measures of a file, once: a take's name tells what it holds. None where it is missing or damaged."""
    if not path.is_file():
        return None
    try:
        return take_sound(Audio.read(path))
    except SoundError:
        return None


def take_sound(audio: Audio) -> TakeSound:
    """Measure a take."""
    sound = audio.mono()
    levels = frame_levels_db(sound.samples, sound.rate_hz)
    loudest_db = float(levels.max(initial=-120.0))
    if loudest_db < SILENT_BELOW_DB:
        nothing = (0.0,) * 12
        return TakeSound(sound.duration_s, 0.0, -120.0, None, None, 0.0, 0.0, 0.0, nothing, clipped=False, silent=True)
    active = int(np.count_nonzero(levels > loudest_db - ACTIVE_BELOW_PEAK_DB))
    stretch = Audio(sound.samples[: round(STRETCH_S * sound.rate_hz)], sound.rate_hz)
    melody = pitch(stretch)
    voiced = melody.voiced >= VOICED_FROM
    timbre = cepstra(stretch)
    return TakeSound(
        duration_s=sound.duration_s,
        active_s=min(active * LEVEL_FRAME_S, sound.duration_s),
        level_db=speech_level_db(sound),
        pitch_st=12.0 * math.log2(melody.median_hz / _ZERO_ST_HZ) if voiced else None,
        spread_st=melody.spread_st if voiced else None,
        voiced=melody.voiced,
        harmonicity_db=melody.harmonicity_db,
        effort_db=_effort_db(stretch),
        cepstrum=tuple(float(one) for one in timbre.mean(axis=0)) if timbre.size else (0.0,) * 12,
        clipped=_clipped(sound.samples),
        silent=False,
    )


def _effort_db(audio: Audio) -> float:
    """The alpha ratio over the mean spectrum (Welch 1967, without overlap)."""
    count = audio.frames // _FRAME
    if not count:
        return 0.0
    frames = audio.samples[: count * _FRAME].reshape(count, _FRAME)
    power = (np.abs(np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)) ** 2).mean(axis=0)
    hz = np.fft.rfftfreq(_FRAME, 1.0 / audio.rate_hz)
    low, high = (float(power[(hz > first) & (hz <= last)].sum()) for first, last in (_LOW_HZ, _HIGH_HZ))
    return 10.0 * math.log10(max(high, 1e-12) / max(low, 1e-12))


def _clipped(samples: Samples) -> bool:
    """Whether it reaches full scale, or was cut off and turned down later: a whole wave stands at its top only once."""
    heights = np.abs(samples)
    peak = float(heights.max(initial=0.0))
    if peak >= CLIPPED_ABOVE:
        return True
    return int(np.count_nonzero(heights >= _AT_PEAK * peak)) >= FLAT_SAMPLES * FLAT_PLACES
