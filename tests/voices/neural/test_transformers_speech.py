"""Speech models of Transformers as voices: tiny ones with random weights, of each kind that the adapter takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from speechagents.audio import Audio
from speechagents.backends import BackEnds
from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError, WeightsMissing
from speechagents.listeners.listener import Transcript
from speechagents.residency import Residence
from speechagents.testing.synthesizers import SynthesizerTerms, check_synthesizer
from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural import speech_family, transformers_speech
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.neural.transformers_speech import FAMILIES, TransformersSpeech, make_transformers_speech
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice
from tests.voices.neural.tiny_speech_models import BUILDERS

# Of diffusers with the newest NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHOWN = ("csm", "dia", "higgs", "vibevoice")
TEXTS = ("Hello there.", "A longer line, by somebody else.", "No.")
NEEDS = {"speecht5": "sentencepiece", "vibevoice": "diffusers"}
Make = Callable[..., TransformersSpeech]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name in NEEDS:
            pytest.importorskip(NEEDS[name])
        if name not in built:
            built[name] = BUILDERS[name](tmp_path_factory.mktemp("speech") / name)
        return built[name]

    return folder


@pytest.fixture(scope="session")
def model(folders: Callable[[str], Path]) -> Make:
    loaded: dict[str, TransformersSpeech] = {}

    def made(name: str) -> TransformersSpeech:
        if name not in loaded:
            loaded[name] = TransformersSpeech(model=str(folders(name)), device="cpu")
        return loaded[name]

    return made


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of these models never stop: they are stopped sooner, and voices that they make up say less at first."""
    monkeypatch.setattr(speech_family, "_SPARE_S", 0.5)
    monkeypatch.setattr(transformers_speech, "sample_sentence", lambda _: "Well, well.")


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recogniser that understands the same of everything."""

    class Ears:
        def transcribe(self, clips: Sequence[Audio], **_: Any) -> Iterator[Transcript]:
            yield from (Transcript("good <|AUDIO|> evening") for _ in clips)

    monkeypatch.setattr(BackEnds, "load", lambda *_: Ears())


def said(text: str, voice: Voice, *, seed: int = 1, style: Style = Style()) -> Utterance:
    return Utterance(text, voice, style, "", seed)


def one(model: TransformersSpeech, text: str = TEXTS[0], *, voice: int = 0, **more: Any) -> Audio:
    return model.render([said(text, model.voices[voice], **more)])[0]


def close(first: Audio, second: Audio) -> bool:
    return first.frames == second.frames and np.allclose(
        first.samples, second.samples, atol=1e-3 * max(first.peak, 1e-9), rtol=0
    )


def recording(seconds: float = 2.0, rate_hz: int = 44_100) -> Audio:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return Audio((0.3 * np.sin(2 * np.pi * 220 * time) * (1 + np.sin(7 * time))).astype(np.float32), rate_hz)


@pytest.mark.parametrize("name", BUILDERS)
def test_three_lines_are_three_sounds(name: str, model: Make) -> None:
    speaker = model(name)
    voices = [speaker.voices[0], speaker.voices[-1], speaker.voices[0]]
    lines = [said(text, voice, seed=seed) for seed, (text, voice) in enumerate(zip(TEXTS, voices, strict=True))]
    sounds = speaker.render(lines)
    assert len(sounds) == 3
    for sound, text in zip(sounds, TEXTS, strict=True):
        assert sound.rate_hz == speaker.abilities.rate_hz
        assert sound.channels == 1
        assert np.isfinite(sound.samples).all()
        assert sound.peak > 0.0
        assert 0.0 < sound.duration_s <= 0.5 + 1 / 12.5 + len(text) / 7.0, "what never ends is stopped"
    assert len({sound.samples.tobytes() for sound in sounds}) == 3


@pytest.mark.parametrize("name", BUILDERS)
def test_a_line_sounds_the_same_in_any_company(name: str, model: Make) -> None:
    speaker = model(name)
    line = said(TEXTS[0], speaker.voices[0], seed=7)
    other = said("Another line that is a good deal longer.", speaker.voices[-1], seed=8)
    alone, again = speaker.render([line])[0], speaker.render([line])[0]
    assert np.array_equal(alone.samples, again.samples)
    assert close(speaker.render([line, other])[0], alone)
    assert close(speaker.render([said("No.", speaker.voices[0], seed=9), other, line])[2], alone)


@pytest.mark.parametrize("name", BUILDERS)
def test_another_seed_is_another_sound(name: str, model: Make) -> None:
    speaker = model(name)
    assert not close(one(speaker, seed=1), one(speaker, seed=2))


@pytest.mark.parametrize("name", [name for name in BUILDERS if name != "vits"])
def test_voices_differ(name: str, model: Make) -> None:
    speaker = model(name)
    assert not close(one(speaker, voice=0), one(speaker, voice=1))


@pytest.mark.parametrize("name", BUILDERS)
def test_there_are_at_most_25_voices_and_each_says_where_it_is_from(name: str, model: Make) -> None:
    voices = model(name).voices
    assert len(voices) == {"vits": 1, "bark": 3}.get(name, 25)
    assert len({voice.id for voice in voices}) == len(voices)
    assert len({voice.recipe for voice in voices}) == len(voices)
    assert all(voice.licence and voice.source and voice.sample and voice.accent for voice in voices)


@pytest.mark.parametrize("name", BUILDERS)
def test_marks_of_a_model_in_a_text_are_no_marks(name: str, model: Make) -> None:
    sound = one(model(name), "Say <|AUDIO|> this [S2] and <|AUDIO_OUT|> that <|vision_pad|><|eot|> [3].")
    assert close(sound, one(model(name), "Say this and that ."))
    with pytest.raises(SynthesisError, match="nothing to say"):
        one(model(name), "<|AUDIO|> [S1]")


@pytest.mark.parametrize("name", SHOWN)
def test_a_voice_of_a_recording(name: str, folders: Callable[[str], Path], listener: None) -> None:
    speaker = TransformersSpeech(model=str(folders(name)), device="cpu", listener="ears")
    assert speaker.abilities.clones
    voice = speaker.clone(recording(), "Ann")
    assert voice == speaker.clone(recording(), "Ann")
    assert "Ann" in voice.description
    sound = speaker.render([said(TEXTS[0], voice, seed=3)])[0]
    assert sound.frames
    assert not close(sound, one(speaker, seed=3))
    with pytest.raises(SynthesisError, match="no speech"):
        speaker.clone(Audio.silence(3.0, 16_000), "Nobody")
    with pytest.raises(SynthesisError, match="no speech"):
        speaker.clone(recording(0.2), "Hasty")


def test_a_model_that_must_know_the_words_clones_only_with_a_listener(model: Make) -> None:
    assert not model("csm").abilities.clones
    with pytest.raises(SynthesisError, match="listener"):
        model("csm").clone(recording(), "Ann")
    with pytest.raises(SynthesisError, match="no voices of recordings"):
        model("vits").clone(recording(), "Ann")


def test_pace_is_a_style(model: Make) -> None:
    speaker = model("many_voices")
    text = "The lamp went out, and then we heard somebody laugh."
    plain, sad, urgent, angry = (one(speaker, text, style=Style(tag)) for tag in ("default", "sad", "urgent", "angry"))
    assert speaker.abilities.styles["sad"] is StyleMeans.PROSODY
    assert urgent.frames < plain.frames < sad.frames
    assert plain.frames < one(speaker, text, style=Style("sad", 0.5)).frames < sad.frames
    assert "angry" not in speaker.abilities.styles
    assert np.array_equal(angry.samples, plain.samples), "what it cannot do it says plainly"
    both = speaker.render([said(text, speaker.voices[0]), said(text, speaker.voices[0], style=Style("sad"))])
    assert [sound.frames for sound in both] == [plain.frames, sad.frames], "each row of a batch has its own pace"


@pytest.mark.parametrize("name", ["bark", "dia"])
def test_marks_are_a_style(name: str, model: Make) -> None:
    speaker = model(name)
    assert speaker.abilities.styles["laughing"] is StyleMeans.TAG
    plain = one(speaker)
    assert not close(one(speaker, style=Style("laughing")), plain)
    assert close(one(speaker, style=Style("laughing", 0.0)), plain)
    assert close(one(speaker, style=Style("cold")), plain)


@pytest.mark.parametrize("name", ["vits", "speecht5"])
def test_the_contract_of_voices(name: str, folders: Callable[[str], Path]) -> None:
    check_synthesizer(
        lambda: make_transformers_speech(model=str(folders(name)), device="cpu", jobs=2),
        SynthesizerTerms(tolerance=1e-3, long_chars=5_000 if name == "vits" else 700),
    )


def test_a_long_line_is_cut_and_joined(folders: Callable[[str], Path]) -> None:
    synthesizer = make_transformers_speech(model=str(folders("vits")), device="cpu")
    text = ("the ferry leaves at nine, the baker says, and everybody else says ten. " * 71)[:5_000]
    (take,) = synthesizer.speak([SpokenLine(text, synthesizer.voices[0])])
    assert isinstance(take, Take)
    (short,) = synthesizer.speak([SpokenLine(text[:350], synthesizer.voices[0])])
    assert isinstance(short, Take)
    assert take.audio.duration_s > 5 * short.audio.duration_s


def test_lines_that_cannot_be_said(folders: Callable[[str], Path], model: Make) -> None:
    synthesizer = make_transformers_speech(model=str(folders("vits")), device="cpu")
    voice, stranger = synthesizer.voices[0], model("many_voices").voices[4]
    takes = list(
        synthesizer.speak(
            [
                SpokenLine("", voice),
                SpokenLine("Hello.", stranger),
                SpokenLine("Guten Tag.", voice, language="de"),
                SpokenLine("你好", voice),
                SpokenLine("Hello.", voice),
            ]
        )
    )
    assert isinstance(takes[0], Take)
    assert takes[0].audio.peak == 0.0
    reasons = [take.reason for take in takes[1:4] if isinstance(take, FailedTake)]
    assert ["no voice" in reasons[0], "does not speak 'de'" in reasons[1], "letters" in reasons[2]] == [True] * 3
    assert isinstance(takes[4], Take)
    with pytest.raises(SettingsError, match="en"):
        synthesizer.check_language("de-AT")


def test_languages_are_the_models_or_those_that_are_given(folders: Callable[[str], Path], model: Make) -> None:
    assert model("vits").abilities.languages == ("en",)
    assert model("bark").abilities.languages == ("de", "en")
    assert model("vits").voices[0].accent == "en"
    told = TransformersSpeech(model=str(folders("csm")), device="cpu", languages=("en", "fr"))
    assert told.abilities.languages == ("en", "fr")
    with pytest.raises(SettingsError, match="BCP 47"):
        TransformersSpeech(model=str(folders("csm")), device="cpu", languages=("English",))


def test_the_licence_stands_in_the_models_card(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("vits"), tmp_path / "model")
    assert not TransformersSpeech(model=str(folder), device="cpu").abilities.commercial
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Voices\n", "utf-8")
    able = TransformersSpeech(model=str(folder), device="cpu").abilities
    assert (able.weights_licence, able.commercial) == ("cc-by-nc-4.0", False)
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n", "utf-8")
    able = TransformersSpeech(model=str(folder), device="cpu").abilities
    assert (able.weights_licence, able.commercial) == ("apache-2.0", True)
    given = TransformersSpeech(model=str(folder), device="cpu", licence="LicenseRef-own", commercial=False)
    assert (given.abilities.weights_licence, given.abilities.commercial) == ("LicenseRef-own", False)
    assert given.voices[0].licence == "LicenseRef-own"


def test_names_and_weights_make_the_identity(folders: Callable[[str], Path], model: Make, tmp_path: Path) -> None:
    moved = shutil.copytree(folders("vits"), tmp_path / folders("vits").name)
    assert TransformersSpeech(model=str(moved), device="cpu").identity == model("vits").identity
    assert model("vits").identity != model("many_voices").identity
    assert TransformersSpeech(model=str(moved), device="cpu", dtype="bfloat16").identity != model("vits").identity


def test_what_is_no_model_that_speaks_is_refused(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("vits"), tmp_path / "model")
    for wanted, said_of_it in (
        ({"model_type": "bert", "architectures": ["BertModel"]}, ", ".join(FAMILIES)),
        ({"model_type": "nonsense"}, "transformers"),
        ({"model_type": "speecht5", "architectures": ["SpeechT5ForSpeechToText"]}, "does not speak"),
    ):
        (folder / "config.json").write_text(json.dumps(wanted), "utf-8")
        with pytest.raises(SettingsError, match=said_of_it):
            TransformersSpeech(model=str(folder), device="cpu")
    (folder / "config.json").write_text("{", "utf-8")
    with pytest.raises(SettingsError, match="configuration"):
        TransformersSpeech(model=str(folder), device="cpu")
    with pytest.raises(WeightsMissing, match="no folder"):
        TransformersSpeech(model=str(tmp_path / "nowhere"), device="cpu")
    with pytest.raises(WeightsMissing, match="hf download"):
        TransformersSpeech(model="nobody/nothing-at-all", device="cpu")


def test_damaged_weights_are_refused(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("vits"), tmp_path / "model")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"\xff" * 200, b""):
        weights.write_bytes(damaged)
        with pytest.raises(SynthesisError, match="cannot be loaded"):
            TransformersSpeech(model=str(folder), device="cpu")
    shutil.copy(folders("csm") / "model.safetensors", weights)
    with pytest.raises(SynthesisError, match="cannot be loaded"):
        TransformersSpeech(model=str(folder), device="cpu")


def test_pickled_weights_are_refused(folders: Callable[[str], Path], tmp_path: Path) -> None:
    import torch

    folder = shutil.copytree(folders("vits"), tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(SettingsError, match="pickle"):
        TransformersSpeech(model=str(folder), device="cpu")


def test_pickled_weights_of_a_codec_are_refused(folders: Callable[[str], Path], tmp_path: Path) -> None:
    import torch

    folder = shutil.copytree(folders("dia"), tmp_path / "model")
    (folder / "codec" / "model.safetensors").unlink()
    torch.save({}, folder / "codec" / "pytorch_model.bin")
    with pytest.raises(SynthesisError, match="cannot be loaded"):
        TransformersSpeech(model=str(folder), device="cpu")


def test_a_codec_is_looked_for_on_the_hub_and_nowhere_else(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("dia"), tmp_path / "model")
    away = shutil.move(folder / "codec", tmp_path / "elsewhere")
    assert TransformersSpeech(model=str(folder), device="cpu", codec=str(away)).voices
    named = {"audio_tokenizer": {"audio_tokenizer_class": "DacModel", "audio_tokenizer_name_or_path": str(away)}}
    (folder / "processor_config.json").write_text(json.dumps(named), "utf-8")
    with pytest.raises(WeightsMissing, match="descript/dac_44khz"):
        TransformersSpeech(model=str(folder), device="cpu")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model": ""}, "need a model"),
        ({"dtype": "int3"}, "dtype"),
        ({"device": "abacus"}, "device"),
        ({"vocoder": "x"}, "take no option 'vocoder'"),
        ({"voices": "no-such-list"}, "no list of voices"),
        ({"voices": [{"speaker": "99"}]}, "no speaker '99'"),
        ({"voices": [{"speaker": "0", "pitch": 3}]}, "'pitch' is none of"),
        ({"voices": [{"speaker": "0", "id": "Big Ben"}]}, "small letters"),
        ({"voices": [{"speaker": "0", "gender": "loud"}]}, "loud"),
        ({"voices": [{"speaker": "0"}, {"speaker": "0"}]}, "twice"),
        ({"voices": [{"speaker": "0", "accent": "posh accent"}]}, "BCP 47"),
        ({"voices": ["0"]}, "no description"),
    ],
)
def test_options_that_cannot_be(options: Mapping[str, Any], reason: str, folders: Callable[[str], Path]) -> None:
    with pytest.raises(SettingsError, match=reason):
        TransformersSpeech(**{"model": str(folders("vits")), "device": "cpu", **options})


def test_voices_under_other_names(folders: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "voices.yaml"
    path.write_text(
        "voices:\n  - {speaker: '7', id: gruff, description: An old sailor., gender: male, age: elder, "
        "accent: en-GB, narrates: true}\n  - {speaker: 3, id: clear}\n",
        "utf-8",
    )
    speaker = TransformersSpeech(model=str(folders("many_voices")), device="cpu", voices=str(path))
    gruff, clear = speaker.voices
    assert (gruff.id, gruff.gender, gruff.age, gruff.accent, gruff.narrates) == (
        "gruff",
        "male",
        "elder",
        "en-GB",
        True,
    )
    assert clear.description == "Speaker 3 of the model."
    plain = TransformersSpeech(model=str(folders("many_voices")), device="cpu")
    assert np.array_equal(one(speaker, voice=0).samples, one(plain, voice=7).samples)


def test_vectors_of_speakers_from_a_file(folders: Callable[[str], Path], tmp_path: Path) -> None:
    from safetensors.numpy import save_file  # type: ignore[import-not-found,unused-ignore]

    vectors = np.random.default_rng(3).standard_normal((2, 12)).astype(np.float32)
    arrays = {"ann": vectors[0], "ben": vectors[1], "wrong-size": vectors[0, :5]}
    save_file(arrays, tmp_path / "speakers.safetensors")
    np.savez(tmp_path / "speakers.npz", **arrays)
    options: dict[str, Any] = {"model": str(folders("speecht5")), "device": "cpu"}
    sounds = []
    for name in ("speakers.safetensors", "speakers.npz"):
        speaker = TransformersSpeech(**options, speaker_vectors=str(tmp_path / name))
        assert [voice.id for voice in speaker.voices] == ["ann", "ben"]
        sounds.append(one(speaker))
    assert np.array_equal(sounds[0].samples, sounds[1].samples)
    np.savez(tmp_path / "pickled.npz", ann=np.array([{"a": 1}], object))
    for name, reason in (("pickled.npz", "can be read"), ("none.npz", "can be read"), ("odd.npz", "12 numbers")):
        if name == "odd.npz":
            np.savez(tmp_path / name, ann=vectors[0, :3])
        with pytest.raises(SettingsError, match=reason):
            TransformersSpeech(**options, speaker_vectors=str(tmp_path / name))


@pytest.mark.parametrize("damage", ["pickled", "missing", "floats"])
def test_presets_that_are_no_codes_are_refused(damage: str, folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("bark"), tmp_path / "model")
    path = folder / "speaker_embeddings" / "v2" / "en_speaker_1_semantic_prompt.npy"
    path.unlink()
    if damage == "pickled":
        np.save(path, np.array([print], object), allow_pickle=True)
    elif damage == "floats":
        np.save(path, np.ones(20))
    speaker = TransformersSpeech(model=str(folder), device="cpu")
    with pytest.raises(SynthesisError, match="preset"):
        one(speaker)


def test_presets_outside_the_model_are_none(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders("bark"), tmp_path / "model")
    listed = json.loads((folder / "speaker_embeddings_path.json").read_text("utf-8"))
    listed["v2/en_speaker_1"]["fine_prompt"] = "../../etc/voice.npy"
    listed["v2/en_speaker_6"]["fine_prompt"] = "/etc/voice.npy"
    (folder / "speaker_embeddings_path.json").write_text(json.dumps(listed), "utf-8")
    assert [voice.id for voice in TransformersSpeech(model=str(folder), device="cpu").voices] == ["de-speaker-3"]


def test_the_presets_of_a_language_come_first(folders: Callable[[str], Path]) -> None:
    speaker = TransformersSpeech(model=str(folders("bark")), device="cpu", language="de")
    assert [voice.accent for voice in speaker.voices] == ["de", "en", "en"]


def test_a_model_that_breaks_fails_its_lines_alone(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = TransformersSpeech(model=str(folders("vits")), device="cpu")
    forward = speaker._family.model.forward  # type: ignore[attr-defined]

    def breaking(**inputs: Any) -> Any:
        if inputs["input_ids"].shape[1] > 20:
            raise RuntimeError("too many letters")
        return forward(**inputs)

    monkeypatch.setattr(speaker._family.model, "forward", breaking)  # type: ignore[attr-defined]
    assert one(speaker, "No.").frames
    with pytest.raises(SynthesisError, match="too many letters"):
        one(speaker, "This has more letters.")


def test_memory_is_shared_with_others(folders: Callable[[str], Path]) -> None:
    speaker = TransformersSpeech(model=str(folders("vits")), device="cpu", residence=Residence())
    assert speaker.abilities.vram_gb == 0.0
    assert 0.0 < speaker.size_gb < 0.01
    speaker.move_out()
    speaker.move_in()
    assert one(speaker).frames
