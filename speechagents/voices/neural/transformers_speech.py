"""Text-to-speech models of Hugging Face Transformers as voices: one adapter over every kind that the library has.

Owns which kind a model is of, its references (how a voice sounds), its seeds and its memory. What kinds differ in is
each kind's (`transformers_vits`, `transformers_csm` …). Importing this module needs PyTorch and Transformers; nothing
else in the package imports it but the registry.

A model that has no voices of its own makes them up: it once says a sentence by the chance of the voice's seed, alone,
and then everything in the voice of that. So the voice stays the same from line to line.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from speechagents.audio import Audio
from speechagents.backends import LISTENERS
from speechagents.devices import choose_device, memory_errors
from speechagents.errors import SettingsError, SynthesisError
from speechagents.residency import Residence
from speechagents.voices.abilities import Abilities
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.seeded_chance import seeded_chance
from speechagents.voices.neural.speech_family import Prompt, Reference, Saying, Speaker, SpeechFamily
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.neural.transformers_languages import primary_tag, sample_sentence
from speechagents.voices.neural.transformers_loading import (
    DTYPES,
    Place,
    first_line,
    is_commercial,
    licence_of,
    load_config,
    name_of,
)
from speechagents.voices.neural.transformers_voices import Described, Origin, catalogue
from speechagents.voices.synthesizer import Age, Gender, Voice
from speechagents.weights import local_folder

for _package in ("torch", "transformers"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

FAMILIES: Final[Mapping[str, tuple[str, str, str, tuple[str, ...]]]] = MappingProxyType(
    {
        "bark": ("transformers_bark", "Bark", "BarkModel", ("language",)),
        "csm": ("transformers_csm", "Csm", "CsmForConditionalGeneration", ()),
        "dia": ("transformers_dia", "Dia", "DiaForConditionalGeneration", ("codec",)),
        "higgs_audio_v2": ("transformers_higgs", "Higgs", "HiggsAudioV2ForConditionalGeneration", ("codec",)),
        "speecht5": ("transformers_speecht5", "SpeechT5", "SpeechT5ForTextToSpeech", ("vocoder", "speaker_vectors")),
        "vibevoice": ("transformers_vibevoice", "VibeVoice", "VibeVoiceForConditionalGeneration", ()),
        "vits": ("transformers_vits", "Vits", "VitsModel", ()),
    }
)
"""Module, class, the library's class and further options of each kind, by ``model_type`` of the configuration."""

_MOST_REFERENCE_S: Final = 15.0
_LEAST_SOUND_S: Final = 0.03
_MOST_WORDS_CHARS: Final = 400
_LEAST_CLONE_S: Final = 1.0
_RETRIES: Final = 2
_OTHER_SEED: Final = 0x9E3779B9
_NO_SETTINGS: Final = frozenset({"_name_or_path", "transformers_version"})
_SMALL_GB: Final = 0.8
"""Weights of models that a CPU runs well."""
_FOR_ACTIVATIONS: Final = 1.3
_MARKS: Final = re.compile(
    r"<\|[^<>|]{0,60}\|>|<\||\|>|</?\w{1,12}>|\[(?:(?:S|SPEAKER)?\s*\d+|UNK|SEP|PAD|CLS|MASK)\]", re.IGNORECASE
)


class TransformersSpeech:
    """A text-to-speech model in memory. Used by one thread at a time.

    Args:
        model: A folder, or a name on the Hugging Face hub whose files are on this machine.
        revision: Of a name on the hub.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        dtype: ``auto`` (as the weights are; on a CPU ``float32``), ``float32``, ``bfloat16`` or ``float16``.
        attention: Implementation of attention, such as ``sdpa``; empty leaves the choice to the library.
        languages: Primary BCP 47 tags that it speaks; empty takes what is known of its kind.
        licence: Of the weights; empty takes what the model's card says.
        commercial: What is made with them may be sold; None goes by the licence.
        voices: What its voices are called (`transformers_voices`); empty takes all of them under made-up names.
        listener: Name of the speech recogniser that tells what is said in a recording that becomes a voice: kinds that
            must know it clone only with one.
        listener_options: Options of it.
        residence: The memory that the model shares with others; None keeps it on its device.
        family: What only some kinds take: ``codec``, ``vocoder``, ``speaker_vectors``, ``language``.

    Raises:
        SettingsError: An argument is out of range, or the model is of no kind that speaks.
        WeightsMissing: It is not on this machine.
        SynthesisError: Its weights are damaged.
        BackendMissing: Its kind needs a package that is not installed.
        MemoryFull: It does not fit into the memory of the GPU.
    """

    def __init__(
        self,
        *,
        model: str = "",
        revision: str = "",
        device: str = "auto",
        dtype: str = "auto",
        attention: str = "",
        languages: Sequence[str] = (),
        licence: str = "",
        commercial: bool | None = None,
        voices: Described = (),
        listener: str = "",
        listener_options: Mapping[str, Any] | None = None,
        residence: Residence | None = None,
        **family: str,
    ) -> None:
        if not model:
            raise SettingsError("transformers voices need a model: a folder, or a name on the hub")
        if dtype not in DTYPES:
            raise SettingsError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}")
        folder, chosen = local_folder(model, revision=revision), choose_device(device)
        waits = residence is not None and chosen.is_gpu
        place = Place(folder, chosen, dtype, attention, waits)
        self._residence = residence if waits else None
        config = load_config(place)
        self._place = place
        self._family = _load_family(config, place, family)
        self._listener, self._listener_options = listener, dict(listener_options or {})
        self.identity = _identity(place, config, family)
        """The model's name, and a digest of its configuration, weights and options."""
        self.abilities: Abilities = self._able(tuple(languages), licence or licence_of(place.folder), commercial)
        """What it can do."""
        origin = Origin(
            name=name_of(folder),
            recipe=self.identity,
            licence=self.abilities.weights_licence,
            language=next(iter(self.abilities.languages), "und"),
        )
        self._origin = origin
        known = catalogue(self._family.speakers, origin, voices)
        self.voices: Sequence[Voice] = tuple(voice for voice, _ in known.values())
        """The voices that it brings."""
        self._speakers: dict[str, Speaker] = {name: speaker for name, (_, speaker) in known.items()}
        self._references: dict[str, Reference] = {}

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        """Speak a batch.

        Raises:
            MemoryFull: It is too large.
            SynthesisError: It cannot be spoken.
        """
        sayings = [self._saying(utterance) for utterance in utterances]
        return self._said(sayings, [utterance.seed for utterance in utterances])

    def clone(self, sample: Audio, name: str) -> Voice:
        """A voice that sounds like a recording.

        Args:
            sample: Somebody speaking.
            name: What the voice is called.

        Raises:
            SynthesisError: The model makes no voices of recordings, or nothing can be made of this one.
        """
        prompt = self._family.traits.prompt
        if prompt is Prompt.NOTHING:
            raise SynthesisError("this model makes no voices of recordings")
        if prompt is Prompt.CLIP_AND_WORDS and not self._listener:
            raise SynthesisError(
                "this model has to know what is said in the recording: name a speech recogniser in the option "
                "listener of its preset, such as whisper"
            )
        heard = sample.mono().resampled(self._family.traits.rate_hz)
        heard = Audio(np.ascontiguousarray(heard.samples[: round(_MOST_REFERENCE_S * heard.rate_hz)]), heard.rate_hz)
        if heard.duration_s < _LEAST_CLONE_S or not _sounds(heard):
            raise SynthesisError(f"the recording holds no speech, or less than {_LEAST_CLONE_S:g} s of it")
        words = _words_of(heard, self._listener, self._listener_options) if prompt is Prompt.CLIP_AND_WORDS else ""
        digest = hashlib.sha256(heard.samples.tobytes()).hexdigest()[:16]
        voice = Voice(
            id=f"own-{digest}",
            description=f"The voice of {name}.",
            gender=Gender.NEUTRAL,
            age=Age.ADULT,
            accent=self._origin.language,
            sample=sample_sentence(self._origin.language),
            f0_hz=0.0,
            recipe=f"{self._origin.recipe} recording {digest}",
            licence="its speaker's; see the consent",
            source="a recording, by consent of its speaker",
        )
        self._references[voice.id] = Reference(heard, _cleaned(words))
        self._speakers[voice.id] = Speaker(voice.id, voice.description)
        return voice

    @property
    def size_gb(self) -> float:
        """What its weights take."""
        return float(sum(one.numel() * one.element_size() for one in self._model.parameters())) / 1e9

    def move_in(self) -> None:
        """Into the memory of its device.

        Raises:
            MemoryFull: There is not so much.
        """
        with memory_errors():
            self._model.to(self._place.device.name)

    def move_out(self) -> None:
        """Out of the memory of a GPU, into that of the computer."""
        import torch

        self._model.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _in_memory(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._residence is None else self._residence.using(self)

    @property
    def _model(self) -> Any:
        family: Any = self._family
        return family.model

    def _able(self, languages: tuple[str, ...], licence: str, commercial: bool | None) -> Abilities:
        traits = self._family.traits
        if unknown := [tag for tag in languages if primary_tag(str(tag)) != tag]:
            raise SettingsError(f"{unknown[0]!r} is no primary BCP 47 tag, such as en or de")
        can_clone = traits.prompt is Prompt.CLIP or (traits.prompt is Prompt.CLIP_AND_WORDS and bool(self._listener))
        return Abilities(
            languages=languages or traits.languages,
            rate_hz=traits.rate_hz,
            code_licence="Apache-2.0",
            weights_licence=licence or "unknown: see the model's card",
            commercial=is_commercial(licence) if commercial is None else commercial,
            styles=traits.styles,
            clones=can_clone,
            vram_gb=round(self.size_gb * _FOR_ACTIVATIONS, 1) if self.size_gb > _SMALL_GB else 0.0,
            max_chars=traits.max_chars,
        )

    def _saying(self, utterance: Utterance) -> Saying:
        text = _cleaned(utterance.text)
        if not any(map(str.isalnum, text)):
            raise SynthesisError(f"{utterance.text[:60]!r} is marks of models alone, nothing to say")
        voice, language = utterance.voice.id, primary_tag(utterance.language)
        reference = self._reference(voice)
        return Saying(text, self._speakers[voice].key, utterance.style, language, reference)

    def _reference(self, voice_id: str) -> Reference | None:
        """How a voice sounds, for models that are to be shown; made once for those that it makes up."""
        speaker = self._speakers.get(voice_id)
        if speaker is None:
            raise SynthesisError(f"{voice_id!r} is no voice of this model; see `speechagents voices`")
        shown = self._family.traits.prompt is not Prompt.NOTHING
        if shown and speaker.seed is not None and voice_id not in self._references:
            words = sample_sentence(self._origin.language)
            # Alone: in another batch it might come out as another voice.
            sound = self._said([Saying(words, speaker.key)], [speaker.seed])[0]
            self._references[voice_id] = Reference(sound, words)
        return self._references.get(voice_id)

    def _said(self, sayings: Sequence[Saying], seeds: Sequence[int]) -> list[Audio]:
        """Sound of each; where a model says nothing at all it is asked again, with another seed."""
        said: dict[int, Audio] = {}
        left = list(range(len(sayings)))
        for attempt in range(1 + _RETRIES):
            for shown in (True, False):
                rows = [row for row in left if (sayings[row].reference is not None) is shown]
                again = [seeds[row] + attempt * _OTHER_SEED for row in rows]
                said.update(zip(rows, self._spoken([sayings[row] for row in rows], again), strict=True))
            left = [row for row in left if not _sounds(said[row])]
            if not left:
                return [said[row] for row in range(len(sayings))]
        raise SynthesisError(f"the model says nothing to {sayings[left[0]].text[:60]!r}")

    def _spoken(self, sayings: Sequence[Saying], seeds: Sequence[int]) -> list[Audio]:
        import torch

        if not sayings:
            return []
        try:
            with self._in_memory(), memory_errors(), torch.inference_mode(), seeded_chance(seeds) as chance:
                rows = [row.float().cpu().numpy() for row in self._family.speak(sayings, chance)]
        except (RuntimeError, ValueError, IndexError, KeyError, TypeError) as error:
            raise SynthesisError(f"the model broke off: {first_line(error)}") from error
        rate_hz = self._family.traits.rate_hz
        return [Audio(np.ascontiguousarray(row, np.float32), rate_hz) for row in rows]


def make_transformers_speech(
    *, jobs: int = 0, max_batch: int = 32, residence: Residence | None = None, **options: Any
) -> BatchedSpeech:
    """Voices of a model of Transformers, spoken in batches.

    Args:
        jobs: Nothing here: a GPU speaks a batch at a time.
        max_batch: Most pieces spoken at once.
        residence: The memory that the model shares with others.
        options: Those of `TransformersSpeech`.
    """
    del jobs
    model = TransformersSpeech(residence=residence, **options)
    return BatchedSpeech(model, model.voices, max_batch=max_batch)


def _load_family(config: Any, place: Place, options: Mapping[str, str]) -> SpeechFamily:
    """The kind of a model, loaded."""
    kind = str(getattr(config, "model_type", ""))
    if kind not in FAMILIES:
        raise SettingsError(
            f"a model of kind {kind[:60]!r} is none that speaks here; those that do: {', '.join(FAMILIES)}"
        )
    module, name, architecture, own = FAMILIES[kind]
    declared = tuple(config.architectures or ())
    if declared and architecture not in declared:
        raise SettingsError(
            f"the model in {place.folder} is a {declared[0]}, which does not speak; {architecture} does"
        )
    if unknown := sorted(set(options) - set(own)):
        raise SettingsError(
            f"models of kind {kind} take no option {unknown[0]!r}; further options: {', '.join(own) or 'none'}"
        )
    import transformers

    if not hasattr(transformers, architecture):
        raise SettingsError(f"this transformers ({transformers.__version__}) has no {architecture}; update it")
    loaded = getattr(importlib.import_module(f"speechagents.voices.neural.{module}"), name)
    family: SpeechFamily = loaded(place, config, **options)
    return family


def _identity(place: Place, config: Any, options: Mapping[str, str]) -> str:
    weights = sorted((path.name, path.stat().st_size) for path in place.folder.glob("*.safetensors"))
    # Names without their folders, which are others on another machine.
    named = {key: Path(value).name for key, value in options.items()}
    settings = {key: value for key, value in config.to_dict().items() if key not in _NO_SETTINGS}
    told = json.dumps([settings, weights, place.dtype, named], sort_keys=True, default=str)
    return f"transformers-speech 1 {name_of(place.folder)} {hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"


def _cleaned(text: str) -> str:
    """A text without anything that a model would take for a mark of its own rather than for words."""
    return " ".join(_MARKS.sub(" ", text).split())


def _sounds(sound: Audio) -> bool:
    return sound.duration_s >= _LEAST_SOUND_S and 0.0 < sound.peak < float("inf")


def _words_of(sample: Audio, listener: str, options: Mapping[str, Any]) -> str:
    """What is said in a recording, by a speech recogniser."""
    ears = LISTENERS.load(listener, options)
    text = next(iter(ears.transcribe([sample])), None)
    words = " ".join(text.text.split())[:_MOST_WORDS_CHARS] if text is not None else ""
    if not any(map(str.isalnum, words)):
        raise SynthesisError("no words were understood in the recording; record a clear sentence or two")
    return words
