"""Voices that speak in units: what a controller wrote in units is voiced, any other text a model reads aloud in them.

Owns the way of a line. Does not know the codec (`units.codec`), nor how the model reads (`units.generation`). The
voices are those of the embedded catalogue that the codec was taught: they sound like them, and are not spoken by
espeak-ng.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError
from speechagents.pronunciation.numbers import english_cardinal
from speechagents.residency import LoadedModels
from speechagents.styles import STYLES
from speechagents.units.codec import MAX_UNITS as MAX_VOICED
from speechagents.units.generation import Sampling
from speechagents.units.spectrum import RATE_HZ
from speechagents.units.speech import LANGUAGE, UnitSpeech, check_spoken, load_unit_speech, speaks
from speechagents.units.wording import read_prompt, read_units, spaced
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.checks import unusable
from speechagents.voices.espeak.catalogue import load_catalogue
from speechagents.voices.espeak.recipe import EFFECTS
from speechagents.voices.measure import speech_level_db
from speechagents.voices.neural.finishing import BREATH_S, PEAK_DB, REFERENCE_DB, joined, trimmed
from speechagents.voices.neural.pieces import MAX_TEXT_CHARS, pieces
from speechagents.voices.neural.speech_model import seed_of
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice

MAX_CHARS: Final = 160
"""Longest text that is read aloud in one go: about as much as one line of a script."""
LICENCE: Final = "Apache-2.0 (weights of this project, taught by espeak-ng's speech)"
SOURCE: Final = "the unit codec of this project, after an embedded voice"

_NUMBER: Final = re.compile(r"\d+")
_MOST_DIGITS: Final = 9
_MOST_GAIN_DB: Final = 40.0


class UnitSynthesizer:
    """Speaks by codec and unit language model. Safe to use from several threads.

    Takes are mono at 16 000 Hz, trimmed, at the level of the embedded voices. A line with units is voiced as they are,
    unless another attempt is asked for, or they are not this codec's: then, and without units, its text is read aloud.

    Args:
        speech: Codec and model.
        sampling: How units are chosen where text is read.

    Raises:
        SettingsError: The codec has none of the embedded voices.
    """

    def __init__(self, speech: UnitSpeech, *, sampling: Sampling) -> None:
        self._codec, self._model = speech.codec, speech.model
        self._sampling = sampling
        self._identity = f"unit speech 1 {speech.identity} {sampling.unit_temperature:g} {sampling.top_p:g}"
        known = set(speech.codec.voices)
        self._voices = tuple(
            replace(entry.voice, recipe=f"unit speech {speech.codec.identity}", licence=LICENCE, source=SOURCE)
            for entry in load_catalogue()
            if entry.voice.id in known
        )
        if not self._voices:
            raise SettingsError("the codec speaks with none of the embedded voices; take the one of this version")
        self._by_id = {voice.id: voice for voice in self._voices}

    @property
    def identity(self) -> str:
        """Codec, model and how units are chosen."""
        return self._identity

    @property
    def voices(self) -> Sequence[Voice]:
        """The embedded voices that the codec was taught."""
        return self._voices

    @property
    def takes_vary(self) -> bool:
        """Whether another attempt comes out otherwise."""
        return self._sampling.unit_temperature > 0.0

    @property
    def abilities(self) -> Abilities:
        """English, in the styles that the codec was taught, on the CPU."""
        return Abilities(
            languages=(LANGUAGE,),
            rate_hz=RATE_HZ,
            code_licence="Apache-2.0",
            weights_licence=LICENCE,
            commercial=True,
            styles={tag: StyleMeans.PROSODY for tag in self._codec.styles if tag in STYLES and tag != "default"},
            max_chars=MAX_CHARS,
            varies=self.takes_vary,
        )

    def check_language(self, tag: str) -> None:
        """Refuse any language but English; empty means each voice's own, which is English.

        Raises:
            SettingsError: It is another one.
        """
        check_spoken(tag)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines, in order, one after the other."""
        for line in lines:
            try:
                take = Take(line, self._sound(line))
            except ValueError as error:
                yield FailedTake(line, str(error))
                continue
            reason = unusable(take)
            yield FailedTake(line, f"the model made nothing of it: {reason}") if reason else take

    def _sound(self, line: SpokenLine) -> Audio:
        """The sound of a line.

        Raises:
            ValueError: It cannot be spoken; the message says why.
        """
        if line.voice.id not in self._by_id:
            raise ValueError(f"{line.voice.id!r} is no voice of this codec; see `speechagents voices`")
        if not speaks(line.language):
            raise ValueError(f"unit speech speaks {LANGUAGE}, not {line.language[:40]!r}")
        if len(line.text) > MAX_TEXT_CHARS:
            raise ValueError(f"the text is longer than {MAX_TEXT_CHARS} characters; split it")
        style = line.style if line.style.tag in STYLES else Style()
        if line.units and not line.attempt and max(line.units) < self._codec.units and len(line.units) <= MAX_VOICED:
            said = [line.units]
        else:
            said = [
                self._read(piece, style, seed=seed_of(line, number))
                for number, piece in enumerate(pieces(_in_words(line.text), MAX_CHARS))
            ]
        if not said:
            return Audio.silence(BREATH_S, RATE_HZ)
        return _levelled(joined([self._codec.voiced(one, voice=line.voice.id, style=style) for one in said]), style)

    def _read(self, text: str, style: Style, *, seed: int) -> tuple[int, ...]:
        """A text in units.

        Raises:
            ValueError: The model has no room for it.
        """
        words = self._model.count(spaced(text))
        written = self._model.speech(read_prompt(text, style), words=words, sampling=self._sampling, seed=seed)
        return read_units(written.text)


def make_unit_speech(
    *, jobs: int = 0, model: str = "", loaded: LoadedModels | None = None, **options: Any
) -> UnitSynthesizer:
    """A synthesizer that speaks in units.

    Args:
        jobs: Nothing here: lines are spoken one after the other.
        model: Folder with ``codec/`` and ``lm/``; empty takes the one that comes with this package.
        loaded: Models that are loaded already: a controller of the same folder uses the same one.
        options: ``unit_temperature`` and ``top_p`` of `units.generation.Sampling`.

    Raises:
        SettingsError: An option is out of range, or the codec is damaged.
        WeightsMissing: There is no such folder, or something in it is missing.
    """
    del jobs
    try:
        sampling = Sampling(**options)
    except ValueError as error:
        raise SettingsError(f"the synthesizer unit-speech: {error}") from error
    return UnitSynthesizer(load_unit_speech(model, loaded=loaded), sampling=sampling)


def _in_words(text: str) -> str:
    """A text with its numbers in words: scripts, which the model learnt from, have hardly any digits."""
    return _NUMBER.sub(
        lambda found: (
            english_cardinal(int(found[0]))
            if found[0].isascii() and len(found[0]) <= _MOST_DIGITS
            else " ".join(english_cardinal(int(digit)) for digit in found[0])
        ),
        text,
    )


def _levelled(sound: Audio, style: Style) -> Audio:
    """A take's audio: trimmed, as loud as the embedded voices are in that style."""
    sound = trimmed(sound.mono())
    if not sound.frames or not 0.0 < sound.peak < float("inf"):
        return sound
    wanted_db = REFERENCE_DB + EFFECTS[style.tag].level_db * style.strength
    gain = 10.0 ** (min(_MOST_GAIN_DB, wanted_db - speech_level_db(sound)) / 20.0)
    return sound.scaled(min(gain, 10.0 ** (PEAK_DB / 20.0) / sound.peak))
