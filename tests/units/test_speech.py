"""Codec and model of a folder: loaded once for all who share, refused where they do not go together."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from speechagents.errors import SettingsError, WeightsMissing
from speechagents.residency import LoadedModels
from speechagents.units.speech import check_spoken, load_unit_speech, speaks
from tests.tuning.codecs import NAMES, save_made_up_codec
from tests.units.tiny_llama import tiny_llama

pytest.importorskip("safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("understudy")
    tiny_llama(root / "lm")
    save_made_up_codec(root / "codec")
    return root


def test_a_folder_holds_a_codec_and_a_model_of_its_units(folder: Path) -> None:
    speech = load_unit_speech(str(folder))
    assert speech.codec.units == len(NAMES)
    assert speech.model.digest in speech.identity
    assert speech.codec.identity in speech.identity


def test_who_shares_gets_the_same_one_for_as_long_as_anybody_has_it(folder: Path) -> None:
    loaded = LoadedModels()
    one, other = (load_unit_speech(str(folder), loaded=loaded) for _ in range(2))
    assert one is other
    assert load_unit_speech(str(folder)) is not one
    gone = weakref.ref(one)
    del one, other
    gc.collect()
    assert gone() is None


def test_a_folder_that_is_not_there_or_holds_only_half_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="with codec/ and lm/ in it"):
        load_unit_speech(str(tmp_path / "nowhere"))
    save_made_up_codec(tmp_path / "codec")
    with pytest.raises(WeightsMissing, match="lm"):
        load_unit_speech(str(tmp_path))
    tiny_llama(tmp_path / "other" / "lm")
    with pytest.raises(SettingsError, match="codec"):
        load_unit_speech(str(tmp_path / "other"))


def test_only_english_is_spoken() -> None:
    assert all(map(speaks, ("", "en", "en-GB", "EN_us")))
    assert not any(map(speaks, ("de", "eng-x", "cmn")))
    check_spoken("en-GB")
    with pytest.raises(SettingsError, match="does not speak 'de', only en"):
        check_spoken("de")
