"""Voices that speak in units: a synthesizer in good order that voices units, and reads aloud where there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.drama import Style
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.testing.synthesizers import check_synthesizer
from speechagents.units.generation import Sampling, Written
from speechagents.units.spectrum import RATE_HZ
from speechagents.units.speech import UnitSpeech
from speechagents.voices.espeak.catalogue import load_catalogue
from speechagents.voices.measure import speech_level_db
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take
from speechagents.voices.unit_speech import MAX_CHARS, UnitSynthesizer, make_unit_speech
from tests.units.beeps import UNIT_S, Beeps, beeping
from tests.units.ferry import UNITS


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> tuple[UnitSpeech, Beeps]:
    return beeping(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def synthesizer(speech: tuple[UnitSpeech, Beeps]) -> UnitSynthesizer:
    speech[1].spoken.clear()
    return UnitSynthesizer(speech[0], sampling=Sampling())


def _line(synthesizer: UnitSynthesizer, text: str = "The ferry is late.", **changes: object) -> SpokenLine:
    return replace(SpokenLine(text, synthesizer.voices[0]), **changes)  # type: ignore[arg-type]


def _take(synthesizer: UnitSynthesizer, line: SpokenLine) -> Take:
    (take,) = synthesizer.speak([line])
    assert isinstance(take, Take), take
    return take


def _failed(synthesizer: UnitSynthesizer, line: SpokenLine) -> str:
    (take,) = synthesizer.speak([line])
    assert isinstance(take, FailedTake), take
    return take.reason


def test_it_is_a_synthesizer(synthesizer: UnitSynthesizer) -> None:
    check_synthesizer(lambda: synthesizer)


def test_units_of_a_line_are_voiced_as_they_are(synthesizer: UnitSynthesizer, speech: tuple[UnitSpeech, Beeps]) -> None:
    line = _line(synthesizer, style=Style("angry"), units=(3, 1, 4, 1, 5))
    take = _take(synthesizer, line)
    assert speech[1].spoken == [((3, 1, 4, 1, 5), "adam", "angry")]
    assert take.audio.duration_s == pytest.approx(5 * UNIT_S, abs=0.05)


def test_a_line_without_units_is_read_aloud(synthesizer: UnitSynthesizer, speech: tuple[UnitSpeech, Beeps]) -> None:
    _take(synthesizer, _line(synthesizer))
    ((units, voice, style),) = speech[1].spoken
    assert len(units) >= 4
    assert (voice, style) == ("adam", "default")


@pytest.mark.parametrize("changes", [{"attempt": 1}, {"units": (UNITS,)}, {"units": (1, 2) * 3_000}])
def test_units_that_did_not_do_are_not_voiced_again(
    changes: dict[str, object], synthesizer: UnitSynthesizer, speech: tuple[UnitSpeech, Beeps]
) -> None:
    line = _line(synthesizer, units=(3, 1, 4))
    _take(synthesizer, replace(line, **changes))  # type: ignore[arg-type]
    assert speech[1].spoken[0][0] not in ((3, 1, 4), changes.get("units"))


def test_another_attempt_is_read_otherwise_and_the_same_one_alike(synthesizer: UnitSynthesizer) -> None:
    sounds = [_take(synthesizer, _line(synthesizer, attempt=attempt)).audio for attempt in (0, 0, 1)]
    assert sounds[0].samples.tobytes() == sounds[1].samples.tobytes() != sounds[2].samples.tobytes()
    assert synthesizer.takes_vary
    assert synthesizer.abilities.varies


def test_long_texts_are_read_in_pieces(synthesizer: UnitSynthesizer, speech: tuple[UnitSpeech, Beeps]) -> None:
    _take(synthesizer, _line(synthesizer, "The ferry is late. " * 20))
    assert len(speech[1].spoken) == pytest.approx(20 * 19 / MAX_CHARS, abs=1)


class _Reader:
    """Stands for the model: notes what it is to read."""

    digest = "reader"

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def count(self, text: str) -> int:
        return len(text)

    def speech(self, prompt: str, *, words: int, sampling: Sampling, seed: int) -> Written:
        self.prompts.append(prompt)
        return Written("<u1><u2><u3><u4><end>", words, 5)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("21 cups", "twenty-one cups"),
        ("No 9.", "No nine."),
        ("0123456789", "zero one two three four five six seven eight nine"),
        ("٣ ferries", "three ferries"),
    ],
)
def test_numbers_are_read_in_words(text: str, read: str) -> None:
    reader: Any = _Reader()
    synthesizer = UnitSynthesizer(UnitSpeech(Beeps(), reader), sampling=Sampling())
    _take(synthesizer, _line(synthesizer, text))
    assert reader.prompts == [f"<read> {read}<style:default>"]


def test_takes_are_as_loud_as_those_of_embedded_voices(synthesizer: UnitSynthesizer) -> None:
    units = tuple(range(20))
    levels = {
        tag: speech_level_db(_take(synthesizer, _line(synthesizer, style=Style(tag), units=units)).audio)
        for tag in ("default", "shouting", "quiet")
    }
    assert levels["default"] == pytest.approx(-23.0, abs=0.5)
    assert levels["quiet"] < levels["default"] < levels["shouting"]


def test_voices_are_embedded_ones_with_a_source_of_their_own(synthesizer: UnitSynthesizer) -> None:
    embedded = {entry.voice.id: entry.voice for entry in load_catalogue()}
    assert [voice.id for voice in synthesizer.voices] == ["adam", "alma"]
    for voice in synthesizer.voices:
        assert voice.gender is embedded[voice.id].gender
        assert voice.recipe == "unit speech beeps 1"
        assert voice.recipe != embedded[voice.id].recipe
        assert voice.licence.startswith("Apache-2.0")
        assert "codec" in voice.source


def test_a_codec_without_any_embedded_voice_is_refused(speech: tuple[UnitSpeech, Beeps]) -> None:
    with pytest.raises(SettingsError, match="none of the embedded voices"):
        UnitSynthesizer(UnitSpeech(Beeps(voices=("nobody",)), speech[0].model), sampling=Sampling())


def test_what_cannot_be_spoken_fails_alone_and_says_why(synthesizer: UnitSynthesizer) -> None:
    stranger = replace(synthesizer.voices[0], id="nobody")
    assert "no voice of this codec" in _failed(synthesizer, _line(synthesizer, voice=stranger))
    assert "speaks en, not 'de'" in _failed(synthesizer, _line(synthesizer, language="de"))
    assert "longer than" in _failed(synthesizer, _line(synthesizer, "word " * 10_000))
    with pytest.raises(SettingsError, match="only en"):
        synthesizer.check_language("de")


def test_a_model_without_room_for_a_text_says_so(tmp_path: Path) -> None:
    synthesizer = UnitSynthesizer(beeping(tmp_path, context=64)[0], sampling=Sampling())
    assert "no room" in _failed(synthesizer, _line(synthesizer, "zxq vjk " * 18))


def test_it_declares_what_it_can(synthesizer: UnitSynthesizer) -> None:
    abilities = synthesizer.abilities
    assert abilities.languages == ("en",)
    assert abilities.rate_hz == RATE_HZ
    assert "angry" in abilities.styles
    assert not abilities.clones


def test_the_identity_tells_what_changes_the_sound(speech: tuple[UnitSpeech, Beeps]) -> None:
    warm, cold = (
        UnitSynthesizer(speech[0], sampling=Sampling(unit_temperature=temperature)) for temperature in (0.4, 0.0)
    )
    assert warm.identity != cold.identity
    assert not cold.takes_vary


def test_options_out_of_range_are_settings_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"unit-speech: top_p 3\.0"):
        make_unit_speech(top_p=3.0)
    with pytest.raises(WeightsMissing):
        make_unit_speech(model=str(tmp_path / "nowhere"), jobs=2)
