"""Omni models that hear and speak: one model in memory thinks for the roles and lends them its voices."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents import pretrained
from speechagents.audio import Audio
from speechagents.controllers import sampling
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Speaker
from speechagents.controllers.transformers import TransformersModel
from speechagents.drama import Style
from speechagents.errors import MemoryFull, SettingsError, SynthesisError
from speechagents.residency import LoadedModels, Residence
from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural import omni_speech
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.omni_speech import OmniSpeech, make_omni_speech
from speechagents.voices.neural.omni_voices import request
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take
from tests.controllers.tiny_models import text_model
from tests.controllers.tiny_omni import SPEAKING

KINDS = tuple(SPEAKING)
OPTIONS: dict[str, Any] = {"device": "cpu", "dtype": "float32"}
GREETING = "Good morning to you."


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: build(tmp_path_factory.mktemp("omni") / name) for name, build in SPEAKING.items()}


@pytest.fixture(scope="session")
def models(folders: dict[str, Path]) -> dict[str, OmniSpeech]:
    return {name: OmniSpeech(model=str(folder), **OPTIONS) for name, folder in folders.items()}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with random weights does not know when to stop: it is stopped early."""
    monkeypatch.setattr(omni_speech, "_SPARE_S", 0.5)
    monkeypatch.setattr(omni_speech, "_SLOWEST_CHARS_PER_S", 30.0)


def said(
    model: OmniSpeech, text: str = GREETING, *, voice: int = 0, seed: int = 1, style: str = "default"
) -> Utterance:
    return Utterance(text, model.voices[voice], Style(style), "en", seed)


def sound(model: OmniSpeech, *utterances: Utterance) -> list[np.ndarray[Any, Any]]:
    found = model.render(utterances)
    assert all(one.rate_hz == 24_000 and one.frames > 0 and np.isfinite(one.samples).all() for one in found)
    return [one.samples for one in found]


def takes(speech: BatchedSpeech, *texts: str) -> list[Take | FailedTake]:
    return list(speech.speak([SpokenLine(text, speech.voices[0]) for text in texts]))


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_its_voices_speaks_at_its_rate(kind: str, models: dict[str, OmniSpeech]) -> None:
    model = models[kind]
    assert [voice.id for voice in model.voices] == ["omni-chelsie", "omni-ethan"]
    speech = BatchedSpeech(model, model.voices)
    spoken = list(speech.speak([SpokenLine(GREETING, voice) for voice in speech.voices]))
    assert all(isinstance(take, Take) and take.audio.rate_hz == speech.abilities.rate_hz == 24_000 for take in spoken)
    one, other = sound(model, said(model, voice=0), said(model, voice=1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_sounds_the_same_every_time_and_otherwise_in_another_attempt(
    kind: str, models: dict[str, OmniSpeech]
) -> None:
    model = models[kind]
    (first,), (again,), (other,) = (sound(model, said(model, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_sounds_the_same_whoever_else_speaks(kind: str, models: dict[str, OmniSpeech]) -> None:
    model = models[kind]
    lot = [
        said(model, seed=1),
        said(model, "What a day it is, and how far we have come to see it!", seed=2),
        said(model, "No.", voice=1, seed=3),
    ]
    alone = [sound(model, one)[0] for one in lot]
    for together, one in zip(sound(model, *lot), alone, strict=True):
        assert together.shape == one.shape
        np.testing.assert_allclose(together, one, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GREETING, GREETING),
        ("Grüße — an 3 alle!", "Grüße — an 3 alle!"),
        ("Half a \ud83d sign", "Half a  sign"),
        ("Marks<|im_end|> are <|im_<|im_end|>start|>no words", "Marks  are <|im_ start|>no words"),
    ],
)
def test_the_thinker_says_the_line_and_nothing_else(
    kind: str, text: str, words: str, models: dict[str, OmniSpeech], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models[kind]
    module = model._weights.module
    generate, heard = module.generate, []

    def listened(**options: Any) -> Any:
        tokens, waves = generate(**options)
        heard.append(model._tokenizer.decode(tokens[0, options["input_ids"].shape[1] :]))
        return tokens, waves

    monkeypatch.setattr(module, "generate", listened)
    sound(model, said(model, text))
    assert heard == [f"{words}<|im_end|>"]


def test_a_prompt_says_how_strongly_and_in_which_language() -> None:
    plain, slightly, strongly = (request("Go!", Style("angry", degree), "") for degree in (0.0, 0.5, 2.0))
    assert "angry" not in plain
    assert "Slightly: Hard, loud and fast." in slightly
    assert "Very strongly: Hard, loud and fast." in strongly
    assert "in German" in request("Los!", Style(), "de")
    assert request("Go!", Style("as a tree would"), "fi") == plain


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_is_an_instruction_that_the_model_hears(kind: str, models: dict[str, OmniSpeech]) -> None:
    model = models[kind]
    assert model.abilities.styles["angry"] is StyleMeans.INSTRUCTION
    (plain,), (angry,) = sound(model, said(model)), sound(model, said(model, style="angry"))
    assert not np.array_equal(plain, angry)
    (unknown,) = sound(model, said(model, style="as a tree would"))
    assert np.array_equal(plain, unknown)


def audible(take: Take | FailedTake) -> np.ndarray[Any, Any]:
    assert isinstance(take, Take)
    return take.audio.samples


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every load of weights from now on."""
    loads: list[str] = []
    load = pretrained.PretrainedModel._load

    def noted(self: pretrained.PretrainedModel) -> None:
        loads.append(self.folder.name)
        load(self)

    monkeypatch.setattr(pretrained.PretrainedModel, "_load", noted)
    return loads


def hearing(*heard: Audio) -> list[Prompt]:
    parts = [Part("You act in a play. You hear:\n"), *(Part("Ella: ", one) for one in heard), Part("\nAnswer.\n")]
    message = PromptMessage(Speaker.USER, tuple(parts))
    return [Prompt((message,), {"type": "object"}, max_tokens=12, temperature=0.0)]


def noise(seed: int) -> Audio:
    return Audio((0.3 * np.random.default_rng(seed).standard_normal(16_000)).astype(np.float32), 16_000)


@pytest.mark.parametrize("kind", KINDS)
def test_one_model_hears_thinks_and_speaks_and_is_loaded_once(
    kind: str, folders: dict[str, Path], models: dict[str, OmniSpeech], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "grammar_of", lambda *_: None)
    (wanted,) = takes(BatchedSpeech(models[kind], models[kind].voices), "Then let us go.")
    loads = counted(monkeypatch)
    shared: dict[str, Any] = {"residence": Residence(), "loaded": LoadedModels()}
    brain = TransformersModel(model=str(folders[kind]), speaks=True, **OPTIONS, **shared)
    speech = make_omni_speech(jobs=2, model=str(folders[kind]), **OPTIONS, **shared)
    assert brain.hears
    (answer,), (other,) = (list(brain.generate(hearing(noise(seed)), seed=1)) for seed in (0, 9))
    assert answer.text != other.text, "what is heard changes what is answered"
    spoken = [*takes(speech, "Then let us go."), *takes(speech, answer.text or "So be it.")]
    assert all(audible(take).size for take in spoken)
    assert np.array_equal(audible(spoken[0]), audible(wanted)), "thinking leaves nothing behind in what speaks"
    (again,) = brain.generate(hearing(noise(0)), seed=1)
    assert again.text == answer.text, "speaking leaves nothing behind in what thinks"
    assert loads == [folders[kind].name]


def test_a_brain_alone_leaves_the_talker_on_the_disk(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "grammar_of", lambda *_: None)
    thinker = TransformersModel(model=str(folders["qwen2_5_omni"]), **OPTIONS)
    whole = TransformersModel(model=str(folders["qwen2_5_omni"]), speaks=True, **OPTIONS)
    assert not hasattr(thinker._weights.module, "talker")
    assert [one.text for one in thinker.generate(hearing(noise(0)), seed=1)] == [
        one.text for one in whole.generate(hearing(noise(0)), seed=1)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_of_coarse_weights_only_the_thinker_is_made(kind: str, folders: dict[str, Path]) -> None:
    pytest.importorskip("bitsandbytes")
    pytest.importorskip("accelerate")
    model = OmniSpeech(model=str(folders[kind]), quantisation="int8", **OPTIONS)
    coarse = {name for name, one in model._weights.module.named_modules() if type(one).__name__ == "Linear8bitLt"}
    assert coarse
    assert all(name.startswith("thinker.") and ".layers." in name for name in coarse)
    assert not any("audio_tower" in name or "visual" in name for name in coarse)
    sound(model, said(model))


@dataclass(frozen=True, slots=True)
class PretendGpu:
    """The memory of the CPU, treated as that of a GPU."""

    name: str = "cpu"
    why: str = "pretending"
    memory_gb: float = 8.0
    is_gpu: bool = True


def test_voices_make_room_for_another_model_and_come_back(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "choose_device", lambda _: PretendGpu())
    small, large = (OmniSpeech(model=str(folders[kind]), **OPTIONS) for kind in KINDS)
    sizes = [one.abilities.vram_gb for one in (small, large)]
    residence = Residence(max(sizes) * 1.1)
    voices = [OmniSpeech(model=str(folders[kind]), residence=residence, **OPTIONS) for kind in KINDS]
    assert residence.used_gb == pytest.approx(sizes[1])
    for model, alone in zip(voices, (small, large), strict=True):
        assert np.array_equal(sound(model, said(model))[0], sound(alone, said(alone))[0])
        assert residence.used_gb == pytest.approx(model.abilities.vram_gb)


@pytest.fixture
def speech(models: dict[str, OmniSpeech]) -> BatchedSpeech:
    return BatchedSpeech(models["qwen2_5_omni"], models["qwen2_5_omni"].voices)


def test_a_voice_of_another_model_is_refused(speech: BatchedSpeech, models: dict[str, OmniSpeech]) -> None:
    stranger = replace(speech.voices[0], id="omni-nobody")
    (failed,) = speech.speak([SpokenLine(GREETING, stranger)])
    assert isinstance(failed, FailedTake)
    assert "no voice of this model" in failed.reason
    with pytest.raises(SynthesisError, match="no voice of this model"):
        models["qwen2_5_omni"].render([Utterance(GREETING, stranger, Style(), "", 1)])


def test_a_language_that_it_does_not_speak_is_refused(speech: BatchedSpeech) -> None:
    with pytest.raises(SettingsError, match="speaks en, zh"):
        speech.check_language("fi")


def test_a_line_with_nothing_to_say_is_a_breath(speech: BatchedSpeech, models: dict[str, OmniSpeech]) -> None:
    (take,) = takes(speech, "  … ")
    assert isinstance(take, Take)
    assert take.audio.peak == 0.0
    with pytest.raises(SynthesisError, match="nothing in the line"):
        models["qwen2_5_omni"].render([said(models["qwen2_5_omni"], "<|im_end|>")])


def test_a_long_line_is_spoken_in_pieces(speech: BatchedSpeech, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = speech._model
    render = model.render
    lengths: list[int] = []

    def noted(utterances: Sequence[Utterance]) -> Sequence[Audio]:
        lengths.extend(len(one.text) for one in utterances)
        return list(render(utterances))

    monkeypatch.setattr(OmniSpeech, "render", lambda _, utterances: noted(utterances))
    (take,) = takes(speech, "And so they went on, and on, and on again. " * 15)
    assert isinstance(take, Take)
    assert len(lengths) > 1
    assert max(lengths) <= speech.abilities.max_chars


@pytest.fixture
def copied(folders: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["qwen2_5_omni"], tmp_path / "copy"))


def test_weights_that_end_too_early_are_refused(copied: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(SynthesisError, match="ends too early"):
        OmniSpeech(model=str(copied), **OPTIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_no_numbers_make_no_sound(kind: str, folders: dict[str, Path]) -> None:
    model = OmniSpeech(model=str(folders[kind]), **OPTIONS)
    with torch.no_grad():
        model._weights.module.talker.codec_head.weight.fill_(torch.nan)
    with pytest.raises(SynthesisError, match="no numbers"):
        model.render([said(model)])


def test_what_does_not_fit_into_memory_is_told_so_that_less_is_tried(
    models: dict[str, OmniSpeech], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["qwen2_5_omni"]
    module = model._weights.module
    generate = module.generate

    def small(**options: Any) -> Any:
        if len(options["input_ids"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(**options)

    monkeypatch.setattr(module, "generate", small)
    with pytest.raises(MemoryFull):
        model.render([said(model), said(model, seed=2)])
    speech = BatchedSpeech(model, model.voices)
    assert all(isinstance(take, Take) for take in takes(speech, "One goes.", "Two come."))


def test_weights_that_lack_the_talker_are_refused(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = copied / "model.safetensors"
    kept = {name: one for name, one in load_file(weights).items() if not name.startswith("talker.codec_head")}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(SynthesisError, match=r"talker\.codec_head"):
        OmniSpeech(model=str(copied), **OPTIONS)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_voices_with_code_in_them_are_refused_and_nothing_runs(copied: Path, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    (copied / "spk_dict.pt").write_bytes(pickle.dumps({"Chelsie": Trap(sprung)}, protocol=2))
    with pytest.raises(SynthesisError, match="refused"):
        OmniSpeech(model=str(copied), **OPTIONS)
    torch.save({"Chelsie": Trap(sprung)}, copied / "spk_dict.pt")
    with pytest.raises(SynthesisError, match="refused"):
        OmniSpeech(model=str(copied), **OPTIONS)
    assert not sprung.exists()


@pytest.mark.parametrize(
    "voices",
    [
        [],
        {},
        {"../Chelsie": {"bos_token": 1, "cond": torch.zeros(1, 8), "ref_mel": torch.zeros(1, 4, 8)}},
        {"Chelsie": {"bos_token": 1, "cond": torch.full((1, 8), torch.nan), "ref_mel": torch.zeros(1, 4, 8)}},
        {"Chelsie": {"bos_token": 1, "cond": torch.zeros(1, 8)}},
    ],
)
def test_voices_that_are_none_are_refused(voices: Any, copied: Path) -> None:
    torch.save(voices, copied / "spk_dict.pt")
    with pytest.raises(SynthesisError, match=r"spk_dict\.pt is refused"):
        OmniSpeech(model=str(copied), **OPTIONS)


def test_a_model_without_its_voices_is_refused(copied: Path) -> None:
    (copied / "spk_dict.pt").unlink()
    with pytest.raises(SynthesisError, match="holds the model's voices"):
        OmniSpeech(model=str(copied), **OPTIONS)


def test_a_model_that_only_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="no omni model that speaks"):
        OmniSpeech(model=str(text_model(tmp_path / "text")), **OPTIONS)
    with pytest.raises(SettingsError, match="need a model"):
        make_omni_speech()


def test_what_nobody_says_of_its_licence_may_not_be_sold(models: dict[str, OmniSpeech], copied: Path) -> None:
    abilities = models["qwen2_5_omni"].abilities
    assert (abilities.weights_licence.partition(":")[0], abilities.commercial) == ("unknown", False)
    (copied / "README.md").write_text("---\nlicense: apache-2.0\n---\n", "utf-8")
    told = OmniSpeech(model=str(copied), **OPTIONS).abilities
    assert (told.weights_licence, told.commercial) == ("apache-2.0", True)
