"""The Cast page: any sentence spoken by any voice, within bounds, and own voices only where they can be had."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import pytest
import soundfile as sf

from speechagents import Studio
from speechagents.errors import CastError, SettingsError
from speechagents.serving.house import House
from speechagents.ui.cast import MAX_TEXT_CHARS, cast_page, player, spoken_line
from speechagents.voices.own_voices import STATEMENT
from tests.ui.visiting import ANNA, BEN, handler, lay_out, open_house, request_of
from tests.voices.test_own_voices import speech


@pytest.fixture
def house(studio: Studio, tmp_path: Path) -> Iterator[House]:
    with open_house(studio, tmp_path) as opened:
        yield opened


def page_of(house: House) -> gr.Blocks:
    return lay_out(cast_page, house)


def html_of(page: gr.Blocks) -> str:
    return "".join(str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML))


def test_a_sentence_of_ones_own_is_heard(house: House) -> None:
    voice = house.studio.synthesizer.voices[0]
    sound = spoken_line(house, "  Good\tevening. ", voice, style="happy", language="en-GB")
    assert 0.3 < sound.duration_s < 5.0
    data = re.search(r"base64,([^\"]+)", player(sound))
    assert data is not None
    heard, rate_hz = sf.read(io.BytesIO(base64.b64decode(data[1])))
    assert (len(heard), rate_hz) == (sound.frames, sound.rate_hz)


@pytest.mark.parametrize("text", ["", " \u200b ", "x" * (MAX_TEXT_CHARS + 1)])
def test_nothing_and_too_much_are_refused(house: House, text: str) -> None:
    with pytest.raises(CastError, match="at most 300 characters"):
        spoken_line(house, text, house.studio.synthesizer.voices[0])


def test_styles_and_languages_that_do_not_exist_are_refused(house: House) -> None:
    voice = house.studio.synthesizer.voices[0]
    with pytest.raises(CastError, match="style"):
        spoken_line(house, "Hello.", voice, style="purple")
    with pytest.raises(SettingsError):
        spoken_line(house, "Hello.", voice, language="tlh-Klingon")


def test_a_voice_that_is_not_in_the_catalogue_says_so_on_the_page(house: House) -> None:
    spoken = handler(page_of(house), "spoken")
    assert 'role="alert"' in spoken("Hello.", "../../etc", "default", "")
    assert "<audio" in spoken("Hello.", house.studio.synthesizer.voices[1].id, "default", "")


def test_where_nothing_clones_the_page_says_so_and_asks_for_no_recording(house: House) -> None:
    page = page_of(house)
    assert "They cannot copy anybody" in html_of(page)
    assert not any(isinstance(block, gr.File | gr.Checkbox) for block in page.blocks.values())


def test_no_handler_is_offered_to_programs(house: House) -> None:
    assert {one.api_visibility for one in page_of(house).fns.values()} == {"private"}


@pytest.fixture
def cloning(install_voices: Callable[[str], None], tmp_path: Path) -> Iterator[House]:
    """A house whose back end clones."""
    install_voices("tests.voices.test_own_voices:Parrot")
    with Studio(preset="espeak") as studio, open_house(studio, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "upload.wav"
    sf.write(path, speech(pitch_hz=180.0).samples, 16_000)
    return path


def test_a_voice_is_kept_with_its_consent_heard_and_removed(cloning: House, recording: Path) -> None:
    page = page_of(cloning)
    kept, heard, removed = (handler(page, name) for name in ("kept", "heard_again", "removed"))
    told, mine, *_ = kept(str(recording), "Vera", "Vera Example", True, request_of(ANNA))
    assert "Vera Example agreed on" in told
    assert not recording.exists()
    id = mine.value  # noqa: A001 - what own voices call it
    consent = cloning.shelf(ANNA).voices() / id / "consent.json"
    assert json.loads(consent.read_text("utf-8"))["statement"] == STATEMENT
    assert "<audio" in heard(id, "Hello.", request_of(ANNA))
    for nobody_elses in (heard(id, "Hello.", request_of(BEN)), removed(id, request_of(BEN))[0]):
        assert "no such voice" in nobody_elses
    removed(id, request_of(ANNA))
    assert not consent.parent.exists()


@pytest.mark.parametrize("agreed", [False, None, "yes", 1])
def test_without_the_tick_nothing_is_kept(cloning: House, recording: Path, agreed: object) -> None:
    kept = handler(page_of(cloning), "kept")
    told, *_ = kept(str(recording), "Vera", "Vera Example", agreed, request_of(ANNA))
    assert "no voice is kept without consent" in told
    assert list(cloning.shelf(ANNA).voices().iterdir()) == []
    assert not recording.exists()


def test_what_is_no_recording_is_refused_and_deleted(cloning: House, tmp_path: Path) -> None:
    path = tmp_path / "upload.wav"
    path.write_bytes(b"RIFF and nothing else")
    told, *_ = handler(page_of(cloning), "kept")(str(path), "Vera", "Vera", True, request_of(ANNA))
    assert "cannot be read as sound" in told
    assert not path.exists()
    assert "choose a recording first" in handler(page_of(cloning), "kept")(None, "V", "V", True, request_of(ANNA))[0]
