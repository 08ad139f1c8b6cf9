"""Coqui's XTTS, on a tiny model with random weights: it speaks noise, in the right shapes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("coqpit")

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.coqui import CoquiSpeech, make_coqui
from speechagents.voices.neural.off_thread import NobodyListens
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import ClonesVoices, FailedTake, SpokenLine, Take
from tests.voices.neural.tiny_coqui_models import SENTENCES, XTTS_SPEAKERS, xtts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return xtts(tmp_path_factory.mktemp("xtts"))


@pytest.fixture(scope="module")
def model(folder: Path) -> CoquiSpeech:
    return CoquiSpeech(model=str(folder), device="cpu")


@pytest.fixture(scope="module")
def voices(model: CoquiSpeech) -> BatchedSpeech:
    return BatchedSpeech(model, model.voices)


def spoken(synthesizer: BatchedSpeech, *lines: SpokenLine) -> list[Take]:
    takes = list(synthesizer.speak(lines))
    for take in takes:
        assert isinstance(take, Take), take
    return [take for take in takes if isinstance(take, Take)]


def recording(hz: float, duration_s: float = 3.0) -> Audio:
    """Something like a voice: pulses of a pitch, louder and softer."""
    time = np.arange(round(duration_s * 16_000)) / 16_000
    pulses = sum(np.sin(2 * np.pi * hz * number * time) / number for number in range(1, 12))
    return Audio((0.1 * pulses * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32), 16_000)


def without(folder: Path, target: Path, name: str) -> Path:
    """A copy of a model that lacks a file."""
    for path in folder.iterdir():
        if path.name != name:
            (target / path.name).symlink_to(path)
    return target


def test_the_voices_are_those_of_the_catalogue_that_the_model_has(voices: BatchedSpeech) -> None:
    assert [(voice.id, voice.gender.value) for voice in voices.voices] == [
        ("claribel-dervla", "female"),
        ("andrew-chipper", "male"),
    ]
    assert all("non-commercial" in voice.licence and voice.source for voice in voices.voices)


def test_any_speaker_of_the_model_can_be_named(folder: Path) -> None:
    named = CoquiSpeech(
        model=str(folder), device="cpu", voices=[{"speaker": XTTS_SPEAKERS[2], "id": "else", "gender": "male"}]
    )
    assert [voice.id for voice in named.voices] == ["else"]


def test_it_says_what_it_can(voices: BatchedSpeech) -> None:
    able = voices.abilities
    assert able.rate_hz == 24_000
    assert able.clones
    assert isinstance(voices, ClonesVoices)
    assert not able.commercial
    assert "Coqui Public Model License" in able.weights_licence
    # Without the packages that read their writing, Chinese and Japanese are not among them.
    assert {"en", "de"} <= set(able.languages) <= {"en", "de", "zh", "ja"}


def test_a_batch_of_lines_and_voices_is_spoken_in_order(voices: BatchedSpeech) -> None:
    lines = [SpokenLine(text, voice) for text in SENTENCES for voice in voices.voices]
    takes = spoken(voices, *lines)
    assert [take.line for take in takes] == lines
    for take in takes:
        assert take.audio.rate_hz == 24_000
        assert take.audio.frames
        assert np.isfinite(take.audio.samples).all()


def test_a_line_sounds_the_same_alone_and_among_longer_ones(model: CoquiSpeech) -> None:
    utterances = [
        Utterance(text, model.voices[number % 2], Style(), "", 10 + number)
        for number, text in enumerate(("soup", *SENTENCES))
    ]
    together = model.render(utterances)
    for utterance, sound in zip(utterances, together, strict=True):
        (alone,) = model.render([utterance])
        assert alone.frames == sound.frames
        np.testing.assert_allclose(alone.samples, sound.samples, atol=1e-5)


def test_it_says_what_coquis_own_inference_says(model: CoquiSpeech) -> None:
    import torch

    from speechagents.voices.neural.coqui_library import quiet
    from speechagents.voices.neural.seeded_chance import seeded_chance

    inner = model._model
    latents, voice = inner._shown[XTTS_SPEAKERS[0]]  # type: ignore[attr-defined]
    config = inner._config  # type: ignore[attr-defined]
    with torch.inference_mode(), quiet(), seeded_chance([7]):
        said = inner.model.inference(
            SENTENCES[1],
            "en",
            latents,
            voice,
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            repetition_penalty=config.repetition_penalty,
        )["wav"]
    (sound,) = model.render([Utterance(SENTENCES[1], model.voices[0], Style(), "en", 7)])
    np.testing.assert_allclose(sound.samples, said, atol=1e-5)


def test_another_attempt_is_another_take_and_the_same_attempt_the_same(voices: BatchedSpeech) -> None:
    line, again = (SpokenLine(SENTENCES[0], voices.voices[0], attempt=attempt) for attempt in (0, 1))
    first, second, third = (spoken(voices, one)[0].audio.samples for one in (line, line, again))
    assert np.array_equal(first, second)
    assert len(first) != len(third) or not np.allclose(first, third, atol=1e-3)


def test_voices_differ(model: CoquiSpeech) -> None:
    one, other = (model.render([Utterance(SENTENCES[0], voice, Style(), "", 3)])[0].samples for voice in model.voices)
    assert len(one) != len(other) or not np.allclose(one, other, atol=1e-3)


def test_styles_of_pace_change_the_length_and_others_do_not(model: CoquiSpeech) -> None:
    plain, slow, fast, other = (
        model.render([Utterance(SENTENCES[2], model.voices[0], style, "", 5)])[0].frames
        for style in (Style(), Style("tired"), Style("urgent"), Style("whispering"))
    )
    assert slow > plain > fast
    assert other == plain


def test_five_thousand_characters_are_spoken_in_pieces(voices: BatchedSpeech) -> None:
    text = ((". ".join(SENTENCES) + ". ") * 40)[:5_000]
    (take,) = spoken(voices, SpokenLine(text, voices.voices[0]))
    assert take.audio.duration_s > 5.0


def test_what_cannot_be_spoken_is_told(voices: BatchedSpeech) -> None:
    voice = voices.voices[0]
    stranger = replace(voice, id="nobody")
    unknown, klingon, breath = voices.speak(
        [SpokenLine("Hello.", stranger), SpokenLine("Hello.", voice, language="tlh"), SpokenLine("…", voice)]
    )
    assert isinstance(unknown, FailedTake)
    assert "'nobody' is no voice" in unknown.reason
    assert isinstance(klingon, FailedTake)
    assert "it speaks en, de" in klingon.reason
    assert isinstance(breath, Take)


def test_a_recording_twice_is_the_same_voice(voices: BatchedSpeech) -> None:
    one, two, other = (
        voices.clone(recording(120), "Anna"),
        voices.clone(recording(120), "A."),
        voices.clone(recording(210), "Otto"),
    )
    assert one.id == two.id != other.id
    assert one.recipe == two.recipe != other.recipe
    first, second, third = (spoken(voices, SpokenLine(SENTENCES[0], voice))[0] for voice in (one, two, other))
    assert np.array_equal(first.audio.samples, second.audio.samples)
    count = min(first.audio.frames, third.audio.frames)
    assert not np.allclose(first.audio.samples[:count], third.audio.samples[:count], atol=1e-3)


def test_a_recording_of_nothing_makes_no_voice(voices: BatchedSpeech) -> None:
    for sample in (Audio.silence(5.0, 24_000), recording(120, 0.5)):
        with pytest.raises(SynthesisError, match="holds no speech"):
            voices.clone(sample, "Anna")


@pytest.mark.parametrize(
    ("lacking", "fault"),
    [
        ("vocab.json", r"vocab\.json is missing"),
        ("model.pth", "holds none of"),
        ("speakers_xtts.pth", r"speakers_xtts\.pth is missing"),
    ],
)
def test_a_folder_that_lacks_something_is_told(folder: Path, tmp_path: Path, lacking: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        make_coqui(model=str(without(folder, tmp_path, lacking)), device="cpu")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("vocab.json", b"{}", "makes no XTTS"),
        ("vocab.json", b"\0" * 100, "makes no XTTS"),
        ("config.json", b"{", "damaged"),
        ("config.json", b"[" * 100_000, "damaged"),
        ("config.json", b'{"model": "xtts"}', "no configuration of a Coqui model"),
        ("model.pth", b"PK\x03\x04 nothing", "cannot be loaded"),
        ("model.pth", b"", "cannot be loaded"),
        ("speakers_xtts.pth", b"no pickle", "cannot be loaded|more than tensors"),
    ],
)
def test_a_damaged_file_is_told(folder: Path, tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    (without(folder, tmp_path, name) / name).write_bytes(content)
    with pytest.raises((SettingsError, SynthesisError), match=fault):
        make_coqui(model=str(tmp_path), device="cpu")


def test_half_a_checkpoint_is_told(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "model.pth").read_bytes()
    (without(folder, tmp_path, "model.pth") / "model.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SynthesisError, match="cannot be loaded"):
        make_coqui(model=str(tmp_path), device="cpu")


def test_safetensors_are_taken_first(folder: Path, tmp_path: Path, voices: BatchedSpeech) -> None:
    import torch
    from safetensors.torch import save_file  # type: ignore[import-not-found,unused-ignore]

    state = torch.load(folder / "model.pth", weights_only=True)["model"]
    target = without(folder, tmp_path, "model.pth")
    save_file({name: value.contiguous().clone() for name, value in state.items()}, target / "model.safetensors")
    (target / "model.pth").write_bytes(b"not looked at")
    other = make_coqui(model=str(target), device="cpu")
    line = SpokenLine(SENTENCES[0], voices.voices[0])
    assert np.array_equal(spoken(other, line)[0].audio.samples, spoken(voices, line)[0].audio.samples)


def test_a_checkpoint_of_coquis_trainer_is_read(folder: Path, tmp_path: Path) -> None:
    """Its weights have another prefix, and those of training beside them."""
    import torch

    state = torch.load(folder / "model.pth", weights_only=True)["model"]
    target = without(folder, tmp_path, "model.pth")
    trained = {f"xtts.{name}": value for name, value in state.items()} | {"dvae.codebook": torch.zeros(2)}
    torch.save({"model": trained, "config": {"model": "xtts"}, "step": 3}, target / "model.pth")
    assert CoquiSpeech(model=str(target), device="cpu").voices


def test_the_configuration_may_name_what_it_likes(folder: Path, tmp_path: Path) -> None:
    target = without(folder, tmp_path, "config.json")
    values = json.loads((folder / "config.json").read_text("utf-8"))
    values["model_args"]["tokenizer_file"] = "https://example.invalid/vocab.json"
    values["base_model"] = "tortoise"
    (target / "config.json").write_text(json.dumps(values), "utf-8")
    assert re.fullmatch(r"coqui 1 xtts .+ [0-9a-f]{16}", CoquiSpeech(model=str(target), device="cpu").identity)


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> CoquiSpeech:
    """One that writes enough codes to be heard while it does."""
    return CoquiSpeech(model=str(xtts(tmp_path_factory.mktemp("talkative"), codes=90)), device="cpu")


@pytest.mark.parametrize("style", [Style(), Style("tired")])
def test_what_is_heard_while_it_writes_is_what_it_would_have_said(talkative: CoquiSpeech, style: Style) -> None:
    utterance = Utterance(SENTENCES[0], talkative.voices[0], style, "en", 7)
    (whole,) = talkative.render([utterance])
    heard: list[Audio] = []
    talkative.stream(utterance, heard.append)
    assert len(heard) >= 3, "after 20, 40 and 80 codes, and at the end"
    streamed = np.concatenate([piece.samples for piece in heard])
    assert streamed.size == whole.frames
    assert np.abs(streamed - whole.samples).max() < 1e-3 * max(1.0, whole.peak)


def test_nobody_listens_to_the_rest(talkative: CoquiSpeech) -> None:
    utterance = Utterance(SENTENCES[0], talkative.voices[0], Style(), "en", 7)
    heard: list[Audio] = []

    def once(piece: Audio) -> None:
        heard.append(piece)
        raise NobodyListens

    with pytest.raises(NobodyListens):
        talkative.stream(utterance, once)
    assert len(heard) == 1
    assert talkative.render([utterance])[0].frames
