"""A codec learns: units are heard better than by chance, and what is voiced of them is speech of that voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from speechagents.drama import Style  # noqa: E402
from speechagents.tuning.codec_speech import PAUSE, LabelledSpeech, spoken_lines  # noqa: E402
from speechagents.tuning.codec_training import TaughtCodec, teach_codec  # noqa: E402
from speechagents.units.codec import load_codec, save_codec  # noqa: E402
from speechagents.voices.espeak.catalogue import load_catalogue  # noqa: E402
from speechagents.voices.measure import pitch  # noqa: E402

WORDS = ("see the tea", "moon and sea", "a small fish", "tell me more", "no, not now", "the late train")


@pytest.fixture(scope="module")
def speech() -> list[LabelledSpeech]:
    voices = [one for one in load_catalogue() if one.voice.id in ("adam", "alma")]
    lines = [(one, Style()) for one in WORDS] * 16
    return list(spoken_lines(lines, voices, seed=1))


@pytest.fixture(scope="module")
def taught(speech: list[LabelledSpeech]) -> TaughtCodec:
    return teach_codec(speech[8:], speech[:8], encoder_rounds=8, decoder_rounds=8, seed=1, told=lambda _: None)


def test_it_hears_more_than_half_of_what_is_said(taught: TaughtCodec) -> None:
    assert taught.names[0] == PAUSE
    assert taught.figures["step_accuracy"] > 0.5


def test_it_is_saved_loaded_and_speaks_low_and_high(
    taught: TaughtCodec, speech: list[LabelledSpeech], tmp_path: Path
) -> None:
    save_codec(tmp_path, taught.weights, names=taught.names, voices=taught.voices, levels_db=taught.levels_db)
    codec = load_codec(tmp_path)
    assert codec.voices == ("adam", "alma")
    units = [number for name in speech[0].phonemes if (number := _number(taught.names, name)) > 0]
    assert len(units) > 3
    low, high = (codec.voiced(units, voice=voice, style=Style()) for voice in codec.voices)
    assert 0.2 < low.duration_s < 20.0
    assert np.isfinite(low.samples).all()
    assert pitch(high).median_hz > 1.2 * pitch(low).median_hz > 0


def test_the_same_seed_teaches_the_same(speech: list[LabelledSpeech]) -> None:
    one, other = (
        teach_codec(speech[8:40], speech[:4], encoder_rounds=1, decoder_rounds=1, seed=3, told=lambda _: None)
        for _ in range(2)
    )
    assert one.weights.keys() == other.weights.keys()
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def _number(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
