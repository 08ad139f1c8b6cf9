"""Effects and ambiences: the user's folder of sounds, and the cues that call for them.

Owns the index of the folder, the matching of names, and the levels. Does not know how sounds are mixed
(`mixing`) or when speech comes (`rhythm`). The folder is untrusted: its size is bounded, links out of it are not
followed, and a script's cue is only ever compared with names that were found there, never made into a path.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf

from speechagents.audio import Audio, Samples
from speechagents.drama import CueKind, Scene, SoundCue
from speechagents.errors import SoundError
from speechagents.production.rhythm import SceneClock
from speechagents.production.timeline import SCENE_GUARD_S, PlacedSound

MAX_FILES: Final = 10_000
MAX_DEPTH: Final = 8
MAX_FILE_BYTES: Final = 1_000_000_000
MAX_SOUND_S: Final = 300.0
"""Longer files are read this far: an ambience loops anyway."""

SPEECH_DB: Final = -23.0
"""Level of speech in a take, as root mean square of its active parts; what sounds are set against."""

AMBIENCE_BELOW_SPEECH_DB: Final = 18.0
"""Dialogue stays clear over it without strain (our choice)."""

EFFECT_BELOW_SPEECH_DB: Final = 3.0
EFFECT_PEAK_DB: Final = -6.0
"""A click or a bang is short: its level says little, so its peak is limited too."""

_SUFFIXES: Final = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"})
_WORD: Final = re.compile(r"[^\W_]+")
AMBIENCE_FADE_S: Final = 1.0
_EFFECT_FADE_S: Final = 0.005
_LEVEL_WINDOW_S: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class CuedSound:
    """A sound that is ready for its cue.

    Attributes:
        file: Index into the library's `files`.
        kind: Effect or ambience.
        audio: At most `MAX_SOUND_S` of it.
        gain_db: Sets it against speech.
    """

    file: int
    kind: CueKind
    audio: Audio
    gain_db: float


class SoundLibrary:
    """The sounds of a folder, found by name.

    Args:
        folder: With WAV, FLAC, OGG, Opus, MP3 or AIFF files, in folders or not; None for no sounds.

    Raises:
        SoundError: The folder is missing or holds more than `MAX_FILES` sounds.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.files: tuple[str, ...] = tuple(sorted(_found(folder))) if folder else ()
        """Names relative to the folder, with ``/``."""
        self._words = [_words(Path(name).with_suffix("").as_posix()) for name in self.files]
        self._stems = [_words(Path(name).stem) for name in self.files]

    def match(self, name: str) -> int | None:
        """The file for a cue's name: index into `files`, or None.

        Case, accents, punctuation and numbers of variants do not matter. A file whose own name is the same comes
        first, then one whose name or folders hold all words of the cue, then one all of whose words the cue holds;
        among several the one with the fewest other words, then the first by name.
        """
        wanted = _words(name)
        if not wanted:
            return None
        ranked = (
            (rank, abs(len(stem) - len(wanted)), index)
            for index, (stem, words) in enumerate(zip(self._stems, self._words, strict=True))
            if (rank := _rank(wanted, stem, words)) is not None
        )
        best = min(ranked, default=None)
        return best[2] if best else None

    def cued(self, cue: SoundCue) -> CuedSound | None:
        """The sound for a cue, read and levelled; None when no file matches.

        Raises:
            SoundError: The file is no sound.
        """
        index = self.match(cue.name)
        if index is None:
            return None
        audio = self.read(index)
        return CuedSound(index, cue.kind, audio, _gain_db(audio, cue.kind))

    def check(self, scenes: Iterable[Scene]) -> None:
        """Read every file that a cue will ask for once, so that a bad one is found before anything is performed.

        Raises:
            SoundError: One is no sound.
        """
        cues = {item.name for scene in scenes for item in scene.items if isinstance(item, SoundCue)}
        for index in sorted({found for name in cues if (found := self.match(name)) is not None}):
            self.read(index)

    def read(self, file: int) -> Audio:
        """At most `MAX_SOUND_S` of a file, mono or stereo.

        Args:
            file: Index into `files`.

        Raises:
            SoundError: It is no sound, or has gone.
        """
        if self._folder is None:
            raise SoundError("there is no folder of sounds; give one with --sounds")
        return _read(self._folder / self.files[file])

    def unknown_cues(self, scenes: Iterable[Scene]) -> tuple[str, ...]:
        """A message for each name that no file matches, once, with the nearest names there are."""
        messages: dict[tuple[str, ...], str] = {}
        for scene in scenes:
            for cue in scene.items:
                if isinstance(cue, SoundCue) and self.match(cue.name) is None:
                    messages.setdefault(_words(cue.name), self._unknown(cue))
        return tuple(messages.values())

    def _unknown(self, cue: SoundCue) -> str:
        place = f" (line {cue.source_line})" if cue.source_line else ""
        message = f'no sound for "{cue.name[:80]}"{place}'
        if not self.files:
            return f"{message}; give a folder of sounds with --sounds"
        stems = {" ".join(stem): name for stem, name in zip(self._stems, self.files, strict=True)}
        near = difflib.get_close_matches(" ".join(_words(cue.name))[:80], stems, n=3, cutoff=0.5)
        shown = ", ".join(stems[stem] for stem in near) or ", ".join(self.files[:3])
        return f"{message}; {'the nearest are' if near else 'there are for example'} {shown}"


def place_cue(sound: CuedSound, clock: SceneClock, *, origin_s: float = 0.0) -> PlacedSound:
    """Give a cued sound its time: here and now on the scene's clock.

    An effect holds the next line back while it is short. An ambience has infinite length until the scene is
    over, see `closed`.

    Args:
        sound: What was cued.
        clock: Of the scene, where the line before the cue was placed last.
        origin_s: Start of the scene in the programme.
    """
    if sound.kind is CueKind.EFFECT:
        start_s = clock.place_effect(sound.audio.duration_s)
        return PlacedSound(sound.file, origin_s + start_s, sound.audio.duration_s, sound.gain_db, fade_s=_EFFECT_FADE_S)
    start_s = clock.place_ambience()
    return PlacedSound(sound.file, origin_s + start_s, math.inf, sound.gain_db, AMBIENCE_FADE_S, looped=True)


def closed(sounds: Sequence[PlacedSound], scene_end_s: float) -> tuple[PlacedSound, ...]:
    """Sounds of a scene that is over: its ambiences end with it, before its silent end.

    Mixed again with these, a scene sounds as it did when it was still open.
    """
    end_s = scene_end_s - SCENE_GUARD_S
    return tuple(
        replace(sound, duration_s=max(0.0, end_s - sound.start_s)) if math.isinf(sound.duration_s) else sound
        for sound in sounds
    )


def _found(folder: Path) -> Iterator[str]:
    """Names of the sound files below a folder; symbolic links are not followed into other folders."""
    try:
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise NotADirectoryError
    except OSError as error:
        raise SoundError(f"{folder}: is no folder of sounds; check the name after --sounds") from error
    count = seen = 0
    waiting = [(root, "", 0)]
    while waiting:
        path, prefix, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError:
            continue  # a folder that may not be read holds no sounds for us
        for entry in entries:
            seen += 1
            if seen > 10 * MAX_FILES:
                raise SoundError(f"{folder}: holds more than {10 * MAX_FILES} entries; give a smaller folder")
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH and not entry.name.startswith("."):
                    waiting.append((Path(entry.path), name + "/", depth + 1))
            elif _is_sound(entry, root):
                count += 1
                if count > MAX_FILES:
                    raise SoundError(f"{folder}: holds more than {MAX_FILES} sounds; give a smaller folder")
                yield name


def _is_sound(entry: os.DirEntry[str], root: Path) -> bool:
    if Path(entry.name).suffix.casefold() not in _SUFFIXES or entry.name.startswith("."):
        return False
    try:
        if entry.is_symlink() and not Path(entry.path).resolve(strict=True).is_relative_to(root):
            return False
        return entry.is_file() and 0 < entry.stat().st_size <= MAX_FILE_BYTES
    except (OSError, RuntimeError):  # RuntimeError: a link that points at itself, before Python 3.13
        return False


def _read(path: Path) -> Audio:
    """At most `MAX_SOUND_S` of a file, mono or stereo."""
    try:
        with sf.SoundFile(path) as file:
            rate_hz = int(file.samplerate)
            samples: Samples = file.read(int(MAX_SOUND_S * rate_hz), dtype="float32", always_2d=True)
    except (sf.LibsndfileError, OSError) as error:
        raise SoundError(f"{path}: cannot be read as sound ({error}); use WAV, FLAC, OGG or MP3") from error
    if not len(samples) or not np.isfinite(samples).all():
        raise SoundError(f"{path}: holds no usable samples; export it again")
    if samples.shape[1] > 2:
        samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    try:
        return Audio(samples[:, 0].copy() if samples.shape[1] == 1 else samples, rate_hz)
    except ValueError as error:
        raise SoundError(f"{path}: {error}; resample it") from error


def _gain_db(audio: Audio, kind: CueKind) -> float:
    """What sets a sound against speech, rounded to a tenth of a decibel."""
    # Levels add the powers of the channels, so that a mono and a stereo file of one loudness come out alike.
    power = audio.samples.astype(np.float64) ** 2
    power = power if power.ndim == 1 else power.sum(axis=1)
    window = max(1, min(len(power), round(_LEVEL_WINDOW_S * audio.rate_hz)))
    means = power[: len(power) // window * window].reshape(-1, window).mean(axis=1)
    if kind is CueKind.AMBIENCE:
        level, target_db = float(np.mean(means)), SPEECH_DB - AMBIENCE_BELOW_SPEECH_DB
    else:
        level, target_db = float(np.max(means)), SPEECH_DB - EFFECT_BELOW_SPEECH_DB
    if level <= 1e-12:
        return 0.0
    gain_db = target_db - 10.0 * math.log10(level)
    if kind is CueKind.EFFECT:
        gain_db = min(gain_db, EFFECT_PEAK_DB - 20.0 * math.log10(audio.peak))
    return round(min(40.0, gain_db), 1)


def _rank(wanted: tuple[str, ...], stem: tuple[str, ...], words: tuple[str, ...]) -> int | None:
    """How well a file fits, 0 best; None when it does not."""
    if stem == wanted:
        return 0
    if set(wanted) <= set(stem):
        return 1
    if set(wanted) <= set(words):
        return 2
    return 3 if stem and set(stem) <= set(wanted) else None


def _words(name: str) -> tuple[str, ...]:
    """Words without case and accents; numbers, as of variants, are left out unless there is nothing else."""
    plain = unicodedata.normalize("NFKD", name[:300].casefold())
    words = tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))
    return tuple(word for word in words if not word.isdigit()) or words
