"""Kokoro, on a tiny graph with its inputs and outputs: it hums, in the right shapes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError, WeightsMissing
from speechagents.resources import resource
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.kokoro import KokoroSpeech, make_kokoro
from speechagents.voices.neural.kokoro_phonemes import LANGUAGES
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import FailedTake, Gender, SpokenLine, Take
from tests.voices.neural.tiny_kokoro_model import graph, kokoro

TEXT = "Good evening, everybody!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kokoro(tmp_path_factory.mktemp("kokoro"))


@pytest.fixture(scope="module")
def model(folder: Path) -> KokoroSpeech:
    return KokoroSpeech(model=str(folder), device="cpu")


@pytest.fixture(scope="module")
def voices(folder: Path) -> BatchedSpeech:
    return make_kokoro(model=str(folder), device="cpu", jobs=1)


def spoken(synthesizer: BatchedSpeech, *lines: SpokenLine) -> list[Take]:
    takes = list(synthesizer.speak(lines))
    for take in takes:
        assert isinstance(take, Take), take
    return [take for take in takes if isinstance(take, Take)]


def test_the_catalogue_has_sources_and_licences() -> None:
    entries = yaml.safe_load(resource("models", "voices", "kokoro.yaml").read_text("utf-8"))["voices"]
    assert len(entries) == 25
    for field in ("id", "speaker", "sample", "source"):
        assert len({entry[field] for entry in entries}) == 25
    for entry in entries:
        assert entry["licence"].startswith("Apache-2.0")
        assert entry["accent"] in LANGUAGES
        # What the model calls a voice says its language and its gender.
        assert entry["speaker"][0] == {"en-US": "a", "en-GB": "b", "pt-BR": "p"}.get(
            entry["accent"], entry["accent"][0]
        )
        assert entry["speaker"][1] == entry["gender"][0]


def test_the_voices_are_those_whose_files_are_there(voices: BatchedSpeech) -> None:
    assert [(voice.id, voice.gender, voice.accent) for voice in voices.voices] == [
        ("heart", Gender.FEMALE, "en-US"),
        ("michael", Gender.MALE, "en-US"),
        ("emma", Gender.FEMALE, "en-GB"),
        ("dora", Gender.FEMALE, "es"),
        ("siwis", Gender.FEMALE, "fr"),
    ]


def test_it_says_what_it_can(voices: BatchedSpeech) -> None:
    able = voices.abilities
    assert able.languages == ("en", "es", "fr", "hi", "it", "pt")
    assert able.rate_hz == 24_000
    assert able.commercial
    assert (able.weights_licence, able.vram_gb, able.clones) == ("Apache-2.0", 0.0, False)


def test_a_batch_of_lines_is_spoken_in_order(voices: BatchedSpeech) -> None:
    lines = [SpokenLine(text, voices.voices[0]) for text in (TEXT, "Soup?", "Nobody moves that piano.")]
    lines += [SpokenLine("¿Qué tal, muchacho?", voices.voices[3]), SpokenLine("Bonjour à tous.", voices.voices[4])]
    takes = spoken(voices, *lines)
    assert [take.line for take in takes] == lines
    for take in takes:
        assert take.audio.rate_hz == 24_000
        assert take.audio.duration_s > 0.2
        assert np.isfinite(take.audio.samples).all()


def test_voices_differ(voices: BatchedSpeech) -> None:
    one, other = (take.audio.samples for take in spoken(voices, *(SpokenLine(TEXT, v) for v in voices.voices[:2])))
    assert len(one) != len(other) or not np.allclose(one, other, atol=1e-2)


def test_the_same_line_sounds_the_same_whatever_was_said_before(voices: BatchedSpeech, folder: Path) -> None:
    line = SpokenLine(TEXT, voices.voices[0])
    first = spoken(voices, line)[0].audio.samples
    spoken(voices, SpokenLine("Something else.", voices.voices[1]))
    again, new = spoken(voices, line)[0], spoken(make_kokoro(model=str(folder), device="cpu", jobs=1), line)[0]
    assert np.array_equal(first, again.audio.samples)
    assert np.array_equal(first, new.audio.samples)


def test_another_attempt_is_another_take(voices: BatchedSpeech) -> None:
    one, other = spoken(voices, *(SpokenLine(TEXT, voices.voices[0], attempt=attempt) for attempt in (0, 1)))
    assert not np.array_equal(one.audio.samples, other.audio.samples)


def test_styles_of_pace_change_the_length_and_others_do_not(model: KokoroSpeech) -> None:
    styles = (Style(), Style("tired"), Style("urgent"), Style("whispering"))
    plain, slow, fast, other = (
        sound.frames for sound in model.render([Utterance(TEXT, model.voices[0], one, "", 7) for one in styles])
    )
    assert slow == pytest.approx(plain / 0.8, abs=1)
    assert fast == pytest.approx(plain / 1.2, abs=1)
    assert other == plain


def test_a_voice_can_speak_other_languages_with_its_own_sound(model: KokoroSpeech) -> None:
    home, foreign = model.render([Utterance("Paris", model.voices[0], Style(), tag, 7) for tag in ("", "fr-FR")])
    assert home.frames != foreign.frames


def test_the_variety_of_english_is_the_voices_own(model: KokoroSpeech) -> None:
    american, english = model.voices[0], model.voices[2]
    asked = [("en", american), ("en-AU", american), ("en", english), ("en-US", english), ("", english)]
    assert [model._language(Utterance("x", voice, Style(), tag, 0)) for tag, voice in asked] == [
        "en-US",
        "en-US",
        "en-GB",
        "en-US",
        "en-GB",
    ]


def test_nothing_to_say_is_a_breath(voices: BatchedSpeech) -> None:
    (take,) = spoken(voices, SpokenLine("…", voices.voices[0]))
    assert take.audio.peak == 0.0


def test_five_thousand_characters_are_spoken_in_pieces(voices: BatchedSpeech) -> None:
    text = ("Nobody moves that piano before I have had my soup. " * 100)[:5_000]
    (take,) = spoken(voices, SpokenLine(text, voices.voices[0]))
    assert take.audio.duration_s > 100.0


def test_what_cannot_be_spoken_is_told(voices: BatchedSpeech, model: KokoroSpeech) -> None:
    (german,) = voices.speak([SpokenLine("Guten Abend.", voices.voices[0], language="de")])
    assert isinstance(german, FailedTake)
    assert "'de'" in german.reason
    assert "en, es, fr" in german.reason
    with pytest.raises(SettingsError, match="does not speak 'ja'"):
        voices.check_language("ja")
    absent = next(one for one in model._speakers if one == "bella")
    stranger = Utterance(TEXT, model.voices[0], Style(), "", 0)
    (take,) = voices.speak([SpokenLine(TEXT, replace(model.voices[0], id=absent))])
    assert isinstance(take, FailedTake)
    assert "no voice of this model" in take.reason
    assert model.render([stranger])


def test_a_recording_makes_no_voice(voices: BatchedSpeech) -> None:
    with pytest.raises(SynthesisError, match="no voices of recordings"):
        voices.clone(spoken(voices, SpokenLine(TEXT, voices.voices[0]))[0].audio, "Anna")


def test_a_model_that_is_not_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsMissing, match="no folder"):
        make_kokoro(model=str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match=r"holds no onnx/model\.onnx"):
        make_kokoro(model=str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("path", "content", "fault"),
    [
        ("onnx/model.onnx", b"", "cannot be loaded"),
        ("onnx/model.onnx", b"no graph at all", "cannot be loaded"),
        ("onnx/model.onnx", b"RandomNormalLike and no graph", "is damaged"),
        ("tokenizer.json", b"{}", "what its tokens are"),
        ("tokenizer.json", b"{", "is damaged"),
        ("tokenizer.json", b'{"model": {"vocab": {"a": "one"}}}', "what its tokens are"),
        ("voices/af_heart.bin", b"", "no voice of Kokoro"),
        ("voices/af_heart.bin", b"\0" * 1_000, "no voice of Kokoro"),
        ("voices/af_heart.bin", b"\xff" * 1_024, "is damaged"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, path: str, content: bytes, fault: str) -> None:
    (kokoro(tmp_path) / path).write_bytes(content)
    with pytest.raises((SettingsError, SynthesisError), match=fault):
        make_kokoro(model=str(tmp_path), device="cpu")


def test_missing_files_are_told(tmp_path: Path) -> None:
    for path in (kokoro(tmp_path) / "voices").iterdir():
        path.unlink()
    with pytest.raises(SettingsError, match="holds no voices"):
        make_kokoro(model=str(tmp_path), device="cpu")
    kokoro(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(SettingsError, match=r"tokenizer\.json is missing"):
        make_kokoro(model=str(tmp_path), device="cpu")


def test_another_model_in_onnx_is_told(tmp_path: Path) -> None:
    import onnx  # type: ignore[import-not-found,unused-ignore]

    other = onnx.load_from_string(graph(draws=False))
    other.graph.input[1].name = "speaker"
    for node in other.graph.node:
        node.input[:] = ["speaker" if name == "style" else name for name in node.input]
    (kokoro(tmp_path) / "onnx" / "model.onnx").write_bytes(other.SerializeToString())
    with pytest.raises(SettingsError, match="no input style"):
        make_kokoro(model=str(tmp_path), device="cpu")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"graph": "../model"}, "is none of model"),
        ({"graph": "model_q4"}, r"holds no onnx/model_q4\.onnx"),
        ({"device": "tpu"}, "none of auto, cpu, cuda"),
        ({"threads": -1}, "threads"),
    ],
)
def test_an_option_out_of_range_is_told(folder: Path, options: dict[str, object], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        KokoroSpeech(model=str(folder), **options)  # type: ignore[arg-type]


def test_it_needs_no_pytorch(folder: Path) -> None:
    code = (
        "import sys; from speechagents.voices.neural.kokoro import make_kokoro as make; "
        f"make(model={str(folder)!r}, device='cpu', jobs=1); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
