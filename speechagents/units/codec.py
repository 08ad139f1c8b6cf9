"""The codec: sound to speech units and units back to sound, for the voices and styles it was taught.

Owns the files of a codec and both ways. Does not know how it is taught (`tuning.codec_training`) or who uses it. Needs
NumPy alone: no PyTorch, no GPU.

A unit is what a small network takes a stretch of speech for; the network has learnt from phonemes, so that units keep
what is said and drop who says it (as the supervised semantic tokens of CosyVoice do, arXiv 2407.05407). How long each
lasts, how high and how it is coloured comes back from voice and style when units are voiced.

::

    models/understudy/codec/codec.json            names of units, voices and styles; digest of the weights
    models/understudy/codec/codec.safetensors     encoder.*, decoder.*, mean and spread of spectra
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError
from speechagents.production.storage import write_atomically
from speechagents.resources import resource
from speechagents.units.networks import Weights, spectra, unit_scores
from speechagents.units.spectrum import RATE_HZ, Floats, heard, mel_spectrum
from speechagents.units.vocoding import vocoded
from speechagents.units.weights_file import half_precision, read_weights
from speechagents.voices.measure import speech_level_db

MAX_UNITS: Final = 4_000
"""Most units that are voiced at once: some five minutes."""
MAX_SOUND_S: Final = 600.0
"""Longest sound that is turned into units at once."""
MAX_FILE_BYTES: Final = 64_000_000

_VERSION: Final = 1
_CHANGE_COST: Final = 5.0
"""What a change of unit costs, as log odds: it keeps single steps from flickering. Chosen on dev lines: 2 gives 7.6 %
unit errors, 4 and 6 give 6.4 % (benchmarks/NOTES.md)."""
_FADE_S: Final = 0.01
_PEAK_DB: Final = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class UnitCodec:
    """A codec in memory. Safe to use from several threads.

    Attributes:
        names: Of the units; a unit is an index into it. The first is the pause.
        voices: Ids of the voices it speaks with.
        levels_db: Level of speech in each style that it knows, at strength 1.
        weights: Of both networks.
        digest: Of the weights.
    """

    names: tuple[str, ...]
    voices: tuple[str, ...]
    levels_db: Mapping[str, float]
    weights: Weights
    digest: str

    @property
    def units(self) -> int:
        """Size of the inventory."""
        return len(self.names)

    @property
    def styles(self) -> tuple[str, ...]:
        """Tags of the styles it knows, as its weights have them in order."""
        return tuple(self.levels_db)

    @property
    def identity(self) -> str:
        """What must be equal for equal units and sound."""
        return f"units {_VERSION} {self.digest}"

    @property
    def hearing(self) -> str:
        """What must be equal for equal units of the same sound, however they are voiced again."""
        digest = hashlib.sha256()
        for name, array in sorted(self._part("encoder.").items()):
            digest.update(name.encode() + array.tobytes())
        return f"unit hearing {_VERSION} {digest.hexdigest()[:12]}"

    def encode(self, sounds: Sequence[Audio]) -> list[tuple[int, ...]]:
        """The units of sounds, about nine a second; a unit that goes on counts once, pauses at the ends not at all.

        Args:
            sounds: Of any rate, at most `MAX_SOUND_S` long each; what is longer is heard that far.
        """
        return [self._encoded(sound) for sound in sounds]

    def voiced(self, units: Sequence[int], *, voice: str, style: Style) -> Audio:
        """Sound of units, mono at 16 000 Hz.

        Args:
            units: 1 to `MAX_UNITS` of them.
            voice: One of `voices`.
            style: One that it does not know is spoken like ``default``.

        Raises:
            ValueError: The units are none, too many, or of another codec; or there is no such voice.
        """
        if not 1 <= len(units) <= MAX_UNITS or not all(0 <= unit < self.units for unit in units):
            raise ValueError(f"{len(units)} units; this codec voices 1 to {MAX_UNITS} of numbers below {self.units}")
        if voice not in self.voices:
            raise ValueError(f"{voice!r} is no voice of this codec; there are {', '.join(self.voices)}")
        tag, strength = (style.tag, style.strength) if style.tag in self.styles else ("default", 1.0)
        condition = (self.voices.index(voice), self.styles.index(tag), strength)
        found = spectra(units, condition, self._part("decoder."))
        mel = found.mel * self.weights["spread"] + self.weights["mean"]
        f0_hz = np.where(found.voiced > 0, np.exp(np.clip(found.f0, np.log(40.0), np.log(700.0))), 0.0)
        audio = vocoded(mel.astype(np.float32), f0_hz.astype(np.float32))
        return self._levelled(Audio(_faded(audio.samples), audio.rate_hz), tag, strength)

    def _levelled(self, audio: Audio, tag: str, strength: float) -> Audio:
        """What the network says of levels is the mean of logarithms, which is too soft: the style knows better."""
        if audio.peak == 0.0:
            return audio
        usual = self.levels_db["default"]
        wanted_db = usual + strength * (self.levels_db[tag] - usual)
        gain = 10.0 ** ((wanted_db - speech_level_db(audio)) / 20.0)
        return audio.scaled(min(gain, 10.0 ** (_PEAK_DB / 20.0) / audio.peak))

    def _encoded(self, sound: Audio) -> tuple[int, ...]:
        samples = heard(sound)[: round(MAX_SOUND_S * RATE_HZ)]
        return self.units_of(mel_spectrum(samples)) if samples.size else ()

    def units_of(self, mel: Floats) -> tuple[int, ...]:
        """The units of a spectrum that was made by `spectrum.mel_spectrum`, at least one frame of it."""
        path = likeliest(unit_scores(mel, self._part("encoder.")))
        units = path[np.flatnonzero(np.diff(path, prepend=-1))]
        inside = np.flatnonzero(units != 0)
        return tuple(units[inside[0] : inside[-1] + 1].tolist()) if inside.size else ()

    def _part(self, prefix: str) -> dict[str, Floats]:
        return {name.removeprefix(prefix): array for name, array in self.weights.items() if name.startswith(prefix)}


def load_codec(folder: Path | None = None) -> UnitCodec:
    """A codec from its folder, by default the one that comes with this package.

    Raises:
        SettingsError: It is missing or damaged.
    """
    folder = resource("models", "understudy", "codec") if folder is None else folder
    try:
        head: Any = json.loads((folder / "codec.json").read_text("utf-8"))
        path = folder / "codec.safetensors"
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"larger than {MAX_FILE_BYTES // 1_000_000} MB")
        if head["version"] != _VERSION or hashlib.sha256(path.read_bytes()).hexdigest() != head["sha256"]:
            raise ValueError("the weights are not those that codec.json tells of")
        weights = read_weights(path)
        names, voices = (tuple(map(str, head[name])) for name in ("units", "voices"))
        levels_db = {str(tag): float(level) for tag, level in head["levels_db"].items()}
        _check(weights, names, voices, levels_db)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{folder}: is no unit codec ({error}); install the package again, or train one") from error
    return UnitCodec(names, voices, levels_db, weights, head["sha256"][:12])


def save_codec(
    folder: Path,
    weights: Mapping[str, Floats],
    *,
    names: Sequence[str],
    voices: Sequence[str],
    levels_db: Mapping[str, float],
) -> None:
    """Write a codec, its weights in half precision.

    Args:
        folder: Where to.
        weights: Of both networks, and ``mean`` and ``spread`` of the spectra.
        names: Of the units, the pause first.
        voices: Ids, as the weights have them in order.
        levels_db: Of every style of `STYLES`, in that order.

    Raises:
        StorageError: The folder cannot be written.
    """
    data = half_precision(weights)
    head = {
        "version": _VERSION,
        "sha256": hashlib.sha256(data).hexdigest(),
        "units": list(names),
        "voices": list(voices),
        "levels_db": {tag: round(level, 2) for tag, level in levels_db.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "codec.safetensors", data)
    write_atomically(folder / "codec.json", json.dumps(head, ensure_ascii=False, indent=1).encode() + b"\n")


def likeliest(scores: Floats) -> NDArray[np.int64]:
    """The likeliest unit of each step when every change costs the same (Viterbi's algorithm).

    Args:
        scores: Log probabilities, shape ``(steps, units)``.
    """
    steps, count = scores.shape
    own = np.arange(count)
    came_from = np.zeros((steps, count), np.int64)
    best = scores[0].astype(np.float64)
    for step in range(1, steps):
        leader = int(best.argmax())
        stays = best >= best[leader] - _CHANGE_COST
        came_from[step] = np.where(stays, own, leader)
        best = np.where(stays, best, best[leader] - _CHANGE_COST) + scores[step]
    path = np.zeros(steps, np.int64)
    path[-1] = int(best.argmax())
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def _check(weights: Weights, names: Sequence[str], voices: Sequence[str], levels_db: Mapping[str, float]) -> None:
    rows: dict[str, Collection[str]] = {"encoder.scores.weight": names, "decoder.units.weight": names}
    rows |= {"decoder.voices.weight": voices, "decoder.styles.weight": levels_db}
    for name, wanted in rows.items():
        if weights[name].shape[0] != len(wanted):
            raise ValueError(f"{name} has {weights[name].shape[0]} rows for {len(wanted)} names")
    if "default" not in levels_db or not all(-80.0 < level < 0.0 for level in levels_db.values()):
        raise ValueError("levels of styles are missing or out of range")
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ValueError("a weight is no number")


def _faded(samples: Floats) -> Floats:
    """Without a click at either end."""
    count = min(round(_FADE_S * RATE_HZ), samples.size // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    shaped = samples.copy()
    shaped[:count] *= ramp
    shaped[samples.size - count :] *= ramp[::-1]
    return shaped
