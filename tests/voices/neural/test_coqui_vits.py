"""Coqui's VITS, on a tiny model with random weights: it speaks noise, in the right shapes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("coqpit")

from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError, WeightsMissing
from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.coqui import CoquiSpeech, make_coqui
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take
from tests.voices.neural.tiny_coqui_models import SENTENCES, SPEAKERS, vits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture(scope="module")
def voices(folder: Path) -> BatchedSpeech:
    return make_coqui(model=str(folder), device="cpu", jobs=2)


def spoken(synthesizer: BatchedSpeech, *lines: SpokenLine) -> list[Take]:
    takes = list(synthesizer.speak(lines))
    for take in takes:
        assert isinstance(take, Take), take
    return [take for take in takes if isinstance(take, Take)]


def edited(folder: Path, target: Path, **changes: object) -> Path:
    """A copy of a model whose configuration says something else."""
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    values = json.loads((target / "config.json").read_text("utf-8"))
    for name, value in changes.items():
        level = values["model_args"] if name in values["model_args"] else values
        level[name] = value
    (target / "config.json").write_text(json.dumps(values), "utf-8")
    return target


def test_its_speakers_are_voices_in_the_order_of_their_numbers(voices: BatchedSpeech) -> None:
    assert [voice.id for voice in voices.voices] == list(SPEAKERS)
    assert all(voice.licence and voice.source and voice.accent == "en" for voice in voices.voices)


def test_it_says_what_it_can(voices: BatchedSpeech) -> None:
    able = voices.abilities
    assert able.languages == ("en",)
    assert able.rate_hz == 22_050
    assert able.code_licence == "MPL-2.0"
    assert not able.clones
    assert not able.commercial
    assert set(able.styles.values()) == {StyleMeans.PROSODY}


def test_a_batch_of_lines_is_spoken_in_order(voices: BatchedSpeech) -> None:
    lines = [SpokenLine(text, voice) for text in SENTENCES for voice in voices.voices]
    takes = spoken(voices, *lines)
    assert [take.line for take in takes] == lines
    for take in takes:
        assert take.audio.rate_hz == 22_050
        assert np.isfinite(take.audio.samples).all()
        assert take.audio.duration_s > 0.5


def test_speakers_differ(voices: BatchedSpeech) -> None:
    one, other, _ = spoken(voices, *(SpokenLine(SENTENCES[0], voice) for voice in voices.voices))
    count = min(one.audio.frames, other.audio.frames)
    assert not np.allclose(one.audio.samples[:count], other.audio.samples[:count], atol=1e-3)


def test_a_line_sounds_the_same_alone_and_among_longer_ones(tmp_path: Path) -> None:
    folder = str(vits(tmp_path, wide=True))
    many, alone = (make_coqui(model=folder, device="cpu", max_batch=most) for most in (8, 1))
    lines = [SpokenLine(text, many.voices[0]) for text in ("nobody moves", *SENTENCES)]
    for one, other in zip(spoken(alone, *lines), spoken(many, *lines), strict=True):
        assert one.audio.frames == other.audio.frames
        np.testing.assert_allclose(one.audio.samples, other.audio.samples, atol=1e-5)


def test_another_attempt_is_another_take_and_the_same_attempt_the_same(voices: BatchedSpeech) -> None:
    line, again = (SpokenLine(SENTENCES[0], voices.voices[0], attempt=attempt) for attempt in (0, 1))
    first, second, third = (spoken(voices, one)[0].audio.samples for one in (line, line, again))
    assert np.array_equal(first, second)
    assert len(first) != len(third) or not np.allclose(first, third, atol=1e-3)


def test_styles_of_pace_change_the_length_and_others_do_not(folder: Path) -> None:
    model = CoquiSpeech(model=str(folder), device="cpu")
    styles = (Style(), Style("tired"), Style("tired", 0.5), Style("urgent"), Style("whispering"))
    plain, tired, less, urgent, other = (
        sound.frames for sound in model.render([Utterance(SENTENCES[0], model.voices[0], one, "", 7) for one in styles])
    )
    assert tired > less > plain > urgent
    assert other == plain


def test_nothing_to_say_is_a_breath(voices: BatchedSpeech) -> None:
    (take,) = spoken(voices, SpokenLine(" … ", voices.voices[0]))
    assert take.audio.peak == 0.0


def test_five_thousand_characters_are_spoken_in_pieces(voices: BatchedSpeech) -> None:
    text = (". ".join(SENTENCES) + ". ") * 28
    (take,) = spoken(voices, SpokenLine(text[:5_000], voices.voices[0]))
    assert take.audio.duration_s > 60.0


def test_letters_that_it_does_not_know_are_told(voices: BatchedSpeech) -> None:
    good, bad = voices.speak([SpokenLine(SENTENCES[0], voices.voices[0]), SpokenLine("漢字", voices.voices[0])])
    assert isinstance(good, Take)
    assert isinstance(bad, FailedTake)
    assert "none of the letters" in bad.reason


def test_an_unknown_language_and_an_unknown_voice_are_told(voices: BatchedSpeech, folder: Path, tmp_path: Path) -> None:
    (failed,) = voices.speak([SpokenLine(SENTENCES[0], voices.voices[0], language="fr")])
    assert isinstance(failed, FailedTake)
    assert "'fr'" in failed.reason
    assert "speaks en" in failed.reason
    with pytest.raises(SettingsError, match="knows no speaker 'p999'"):
        make_coqui(model=str(folder), device="cpu", voices=[{"speaker": "p999"}])


def test_it_makes_no_voices_of_recordings(voices: BatchedSpeech) -> None:
    with pytest.raises(SynthesisError, match="no voices of recordings"):
        voices.clone(spoken(voices, SpokenLine(SENTENCES[0], voices.voices[0]))[0].audio, "Anna")


def test_several_languages_are_told_apart(tmp_path: Path) -> None:
    many = make_coqui(model=str(vits(tmp_path, languages=("en", "pt-br"))), device="cpu")
    assert many.abilities.languages == ("en", "pt")
    line = [SpokenLine(SENTENCES[0], many.voices[0], language=tag) for tag in ("en", "pt-BR")]
    one, other = (take.audio.samples for take in spoken(many, *line))
    assert len(one) != len(other) or np.abs(one - other).max() > 1e-5


def test_phonemes_are_made_without_a_program_on_the_path(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    read = CoquiSpeech(model=str(edited(folder, tmp_path, use_phonemes=True)), device="cpu")
    inner = read._model
    letters = inner._read(["good evening"], ["en"])[0]  # type: ignore[attr-defined]
    plain = make_coqui(model=str(folder), device="cpu")._model._model._read(["good evening"], ["en"])[0]  # type: ignore[attr-defined]
    assert letters != plain
    assert inner.model.tokenizer.decode([one for one in letters if one != letters[0]]) == "ɡˈʊd ˈiːvnɪŋ"


def test_the_identity_is_of_the_weights(voices: BatchedSpeech, folder: Path, tmp_path: Path) -> None:
    import torch

    target = edited(folder, tmp_path)
    state = torch.load(target / "model_file.pth", weights_only=True)
    state["model"]["emb_g.weight"] += 1.0
    torch.save(state, target / "model_file.pth")
    other = make_coqui(model=str(target), device="cpu")
    assert other.identity != voices.identity
    assert other.voices[0].recipe != voices.voices[0].recipe


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"model": "tacotron2"}, "'tacotron2' models are not spoken with here"),
        ({"hidden_channels": 10**9}, "out of range"),
        ({"hidden_channels": 32}, "not those of its config.json"),
        ({"characters": {"characters_class": "os.path.join"}}, "not part of Coqui"),
        ({"text_cleaner": "re"}, "not part of Coqui"),
        ({"text_cleaner": "no_such_cleaners"}, "makes no VITS"),
        ({"use_phonemes": True, "phonemizer": "gruut"}, "'gruut'"),
        ({"use_phonemes": True, "phoneme_language": "xx"}, "'xx'"),
        ({"use_d_vector_file": True}, "vectors"),
        ({"encoder_sample_rate": 16_000}, "another rate"),
        ({"upsample_rates_decoder": [8, 8, 2]}, "makes no VITS"),
    ],
)
def test_a_configuration_that_cannot_be_is_told(
    folder: Path, tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    with pytest.raises((SettingsError, SynthesisError), match=re.escape(fault)):
        make_coqui(model=str(edited(folder, tmp_path, **changes)), device="cpu")


def test_speakers_must_be_known(folder: Path, tmp_path: Path) -> None:
    target = edited(folder, tmp_path)
    (target / "speaker_ids.json").write_text('{"p225": 0, "p226": 5}', "utf-8")
    with pytest.raises(SettingsError, match="not numbered from 0"):
        make_coqui(model=str(target), device="cpu")
    (target / "speaker_ids.json").unlink()
    with pytest.raises(SettingsError, match=r"speaker_ids\.json is missing"):
        make_coqui(model=str(target), device="cpu")


def test_a_model_that_is_not_here_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no folder"):
        make_coqui(model=str(tmp_path / "nowhere"))
    with pytest.raises(WeightsMissing, match=r"config\.json"):
        make_coqui(model=str(tmp_path))
    with pytest.raises(SettingsError, match="need a model"):
        make_coqui()


def test_it_moves_out_of_memory_and_back(voices: BatchedSpeech, folder: Path) -> None:
    model = CoquiSpeech(model=str(folder), device="cpu")
    assert 0.0 < model.size_gb < 0.1
    model.move_out()
    model.move_in()
    assert spoken(BatchedSpeech(model, model.voices), SpokenLine(SENTENCES[0], model.voices[0]))
