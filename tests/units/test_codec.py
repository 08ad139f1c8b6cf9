"""Sound becomes units and units become sound; a damaged codec is refused."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError
from speechagents.units.codec import MAX_UNITS, UnitCodec, likeliest, load_codec, save_codec
from speechagents.units.spectrum import RATE_HZ
from speechagents.voices.measure import speech_level_db
from tests.tuning.codecs import LEVELS_DB, NAMES, VOICES, made_up_weights, save_made_up_codec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_made_up_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def codec(folder: Path) -> UnitCodec:
    return load_codec(folder)


def babble(seconds: float = 1.0) -> Audio:
    """Tones one after the other, low and high."""
    chance = np.random.default_rng(3)
    at = np.arange(round(seconds * RATE_HZ / 8)) / RATE_HZ
    tones = [0.2 * np.sin(2 * np.pi * hertz * at) for hertz in chance.uniform(100.0, 6_000.0, 8)]
    return Audio(np.concatenate(tones).astype(np.float32), RATE_HZ)


def test_units_are_few_and_none_comes_twice_in_a_row(codec: UnitCodec) -> None:
    (units,) = codec.encode([babble()])
    assert 0 < len(units) < 50
    assert all(one != other for one, other in itertools.pairwise(units))
    assert units[0] != 0
    assert units[-1] != 0


def test_a_sound_has_the_same_units_whoever_is_heard_beside_it(codec: UnitCodec) -> None:
    one, other = babble(1.0), babble(0.6)
    assert codec.encode([one, other]) == [*codec.encode([one]), *codec.encode([other])]


def test_no_sound_has_no_units(codec: UnitCodec) -> None:
    assert codec.encode([]) == []
    assert codec.encode([Audio(np.zeros(0, np.float32), RATE_HZ)]) == [()]


def test_units_sound_the_same_each_time_and_otherwise_in_another_voice_or_style(codec: UnitCodec) -> None:
    units = (1, 2, 3, 4, 0, 1)
    first = codec.voiced(units, voice="adam", style=Style("angry"))
    assert first.rate_hz == RATE_HZ
    assert first.samples.tobytes() == codec.voiced(units, voice="adam", style=Style("angry")).samples.tobytes()
    others = [
        codec.voiced(units, voice="alma", style=Style("angry")),
        codec.voiced(units, voice="adam", style=Style("sad")),
    ]
    assert all(other.samples.tobytes() != first.samples.tobytes() for other in others)
    assert abs(float(first.samples[0])) < 1e-3


@pytest.mark.parametrize("units", [(), (len(NAMES),), (-1,), (1,) * (MAX_UNITS + 1)])
def test_units_that_it_cannot_voice_are_refused(codec: UnitCodec, units: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="this codec voices"):
        codec.voiced(units, voice="adam", style=Style())


def test_a_voice_that_it_lacks_is_refused_with_those_it_has(codec: UnitCodec) -> None:
    with pytest.raises(ValueError, match="adam, alma"):
        codec.voiced((1,), voice="nobody", style=Style())


def test_a_style_is_as_loud_as_it_was_when_it_was_learnt(codec: UnitCodec) -> None:
    units = (1, 2, 3, 4) * 4
    for style, wanted_db in ((Style(), -23.0), (Style("angry"), -19.0), (Style("whispering", 0.5), -27.0)):
        audio = codec.voiced(units, voice="adam", style=style)
        assert speech_level_db(audio) == pytest.approx(wanted_db, abs=0.1) or audio.peak == pytest.approx(
            10 ** (-1 / 20)
        )


def test_an_unknown_style_is_spoken_plainly(codec: UnitCodec) -> None:
    plain = codec.voiced((1, 2), voice="adam", style=Style())
    assert codec.voiced((1, 2), voice="adam", style=Style("baroque")).samples.tobytes() == plain.samples.tobytes()


def test_a_change_of_unit_must_be_worth_its_cost() -> None:
    scores = np.log(np.full((9, 2), 0.5, np.float32))
    scores[:, 0] = np.log(0.9)
    scores[:, 1] = np.log(0.1)
    scores[4] = np.log([0.2, 0.8])
    assert likeliest(scores).tolist() == [0] * 9
    scores[4:] = np.log([0.01, 0.99])
    assert likeliest(scores).tolist() == [0] * 4 + [1] * 5


def test_what_was_saved_is_loaded(folder: Path, codec: UnitCodec) -> None:
    assert codec.names == NAMES
    assert codec.voices == VOICES
    assert codec.units == len(NAMES)
    assert codec.identity == load_codec(folder).identity
    assert codec.digest in codec.identity
    assert codec.hearing == load_codec(folder).hearing


def test_another_voice_hears_the_same(tmp_path: Path, codec: UnitCodec) -> None:
    weights = made_up_weights()
    weights["decoder.voices.weight"] *= 2
    save_codec(tmp_path, weights, names=NAMES, voices=VOICES, levels_db=LEVELS_DB)
    other = load_codec(tmp_path)
    assert other.identity != codec.identity
    assert other.hearing == codec.hearing


def _cut_short(folder: Path) -> None:
    path = folder / "codec.safetensors"
    path.write_bytes(path.read_bytes()[:-5])


def _flipped(folder: Path) -> None:
    path = folder / "codec.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))


def _names_too_many(folder: Path) -> None:
    head = json.loads((folder / "codec.json").read_text())
    (folder / "codec.json").write_text(json.dumps(head | {"units": [*head["units"], "x"]}))


def _too_loud(folder: Path) -> None:
    head = json.loads((folder / "codec.json").read_text())
    (folder / "codec.json").write_text(json.dumps(head | {"levels_db": head["levels_db"] | {"sad": 40.0}}))


def _no_head(folder: Path) -> None:
    (folder / "codec.json").unlink()


def _no_json(folder: Path) -> None:
    (folder / "codec.json").write_text("[")


@pytest.mark.parametrize("damage", [_cut_short, _flipped, _names_too_many, _too_loud, _no_head, _no_json])
def test_a_damaged_codec_is_refused_with_its_folder(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    save_made_up_codec(tmp_path)
    damage(tmp_path)
    with pytest.raises(SettingsError, match="is no unit codec") as found:
        load_codec(tmp_path)
    assert str(tmp_path) in str(found.value)
