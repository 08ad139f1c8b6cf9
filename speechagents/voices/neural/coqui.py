"""Voices of Coqui's models: multi-speaker VITS, and XTTS v2, which makes voices of recordings.

Owns the speech model over both kinds (`coqui_vits`, `coqui_xtts`): its names for voices, seeds, licences and memory.
Importing this module needs Coqui's library; nothing else in the package imports it but the registry.

The weights of XTTS v2 are non-commercial (Coqui Public Model License): what is made with them may not be sold. Neither
kind has styles of its own; those that are a matter of pace are done by speed. Nothing is ever downloaded by Coqui.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import yaml

from speechagents.audio import Audio
from speechagents.devices import choose_device, memory_errors
from speechagents.errors import SettingsError, SynthesisError
from speechagents.residency import Residence
from speechagents.resources import resource
from speechagents.voices.abilities import Abilities
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.coqui_folder import CHECKPOINTS, checkpoint_path, digest, read_config
from speechagents.voices.neural.coqui_library import quiet
from speechagents.voices.neural.off_thread import Heard
from speechagents.voices.neural.pace import PACE_STYLES
from speechagents.voices.neural.seeded_chance import seeded_chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Saying, Speaker
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.neural.transformers_languages import primary_tag, sample_sentence
from speechagents.voices.neural.transformers_loading import first_line, is_commercial, licence_of
from speechagents.voices.neural.transformers_voices import Described, Origin, catalogue
from speechagents.voices.synthesizer import Age, Gender, Voice
from speechagents.weights import local_folder

for _package in ("torch", "transformers", "TTS"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

CODE_LICENCE: Final = "MPL-2.0"
XTTS_LICENCE: Final = "Coqui Public Model License 1.0.0 (non-commercial)"
PICKLED_FILES: Final = (*(name for name in CHECKPOINTS if name.endswith(".pth")), "speakers_xtts.pth", "speakers.pth")
"""Files of a model that have the ending of a pickle, and are read as tensors alone."""

_SMALL_GB: Final = 0.8
"""Weights of models that a CPU runs well."""
_FOR_ACTIVATIONS: Final = 1.3


class _Model(Protocol):
    """A model of either kind."""

    model: Any
    rate_hz: int
    max_chars: int
    clones: bool
    languages: Sequence[str]
    speakers: Sequence[Speaker]

    def speak(self, sayings: Sequence[Saying]) -> list[Any]:
        """Say a batch: samples of each as a one-dimensional tensor."""


class CoquiSpeech:
    """A Coqui model in memory. Used by one thread at a time.

    Args:
        model: A folder, or a name on the Hugging Face hub whose files are on this machine (``coqui/XTTS-v2``).
        revision: Of a name on the hub.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        voices: Which of its speakers are offered, and what they are called: a list, a file, or the name of one in
            ``models/voices`` (see `transformers_voices`); empty takes the first `MOST_SPEAKERS` of the model, for XTTS
            those of ``models/voices/xtts.yaml`` that it has.
        licence: Of the weights; empty takes what is known of XTTS or the model's card says.
        commercial: What is made with them may be sold; None goes by the licence.
        residence: The memory that the model shares with others; None keeps it on its device.

    Raises:
        SettingsError: An argument is out of range, or the model is none that speaks here.
        WeightsMissing: It is not on this machine.
        SynthesisError: Its weights are damaged.
        BackendMissing: Coqui's library does not load.
        MemoryFull: It does not fit into the memory of the GPU.
    """

    def __init__(
        self,
        *,
        model: str = "",
        revision: str = "",
        device: str = "auto",
        voices: Described = (),
        licence: str = "",
        commercial: bool | None = None,
        residence: Residence | None = None,
    ) -> None:
        if not model:
            raise SettingsError("Coqui's voices need a model: a folder, or a name on the hub such as coqui/XTTS-v2")
        folder = local_folder(model, revision=revision, files=("config.json",), allowed=PICKLED_FILES)
        self._device = choose_device(device)
        self._residence = residence if self._device.is_gpu else None
        kind = str(read_config(folder)["model"]).lower()
        weights = checkpoint_path(folder)
        with quiet():
            self._model = _load(kind, folder, self._device)
        if not licence:
            licence = XTTS_LICENCE if kind == "xtts" else licence_of(folder) or "unknown: see the model's card"
        name = folder.name if folder == Path(model).expanduser() else model
        self.identity = f"coqui 1 {kind} {name} {digest(weights)}"
        """Kind, name and a digest of the weights."""
        self.abilities = Abilities(
            languages=tuple(self._model.languages),
            rate_hz=self._model.rate_hz,
            code_licence=CODE_LICENCE,
            weights_licence=licence,
            commercial=(kind != "xtts" and is_commercial(licence)) if commercial is None else commercial,
            styles=PACE_STYLES,
            clones=self._model.clones,
            vram_gb=round(_FOR_ACTIVATIONS * self.size_gb, 1) if self.size_gb > _SMALL_GB else 0.0,
            max_chars=self._model.max_chars,
        )
        """What it can do."""
        self._origin = Origin(name, self.identity, licence, next(iter(self.abilities.languages), "und"))
        known = _catalogue(self._model.speakers, self._origin, voices, kind)
        self.voices: Sequence[Voice] = tuple(voice for voice, _ in known.values())
        """The voices that it brings."""
        self._keys = {voice.id: speaker.key for voice, speaker in known.values()}

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        """Speak a batch.

        Raises:
            MemoryFull: It is too large.
            SynthesisError: It cannot be spoken.
        """
        sayings = [self._saying(utterance) for utterance in utterances]
        if not sayings:
            return []
        with self._speaking([one.seed for one in utterances]):
            rows = [row.float().cpu().numpy() for row in self._model.speak(sayings)]
        return [Audio(np.ascontiguousarray(row, np.float32), self.abilities.rate_hz) for row in rows]

    @property
    def streams(self) -> bool:
        """XTTS writes its sound from the beginning to the end; VITS makes all of it at once."""
        return hasattr(self._model, "stream")

    def stream(self, utterance: Utterance, heard: Heard) -> None:
        """Speak alone, and hand over what is made as soon as there is some of it; see `StreamsSound`."""

        def passed_on(row: Any) -> None:
            samples = np.array(row.float().cpu().numpy(), np.float32)
            heard(Audio(samples, self.abilities.rate_hz))

        with self._speaking([utterance.seed]):
            self._model.stream(self._saying(utterance), passed_on)  # type: ignore[attr-defined]

    def clone(self, sample: Audio, name: str) -> Voice:
        """A voice that sounds like a recording; see `ClonesVoices`.

        Raises:
            SynthesisError: This kind makes none of recordings, or nothing can be made of this one.
        """
        show = getattr(self._model, "show", None)
        if show is None:
            raise SynthesisError("this model makes no voices of recordings; XTTS does")
        with self._in_memory():
            key = str(show(sample))
        voice = Voice(
            id=key.replace(" ", "-"),
            description=f"The voice of {name}.",
            gender=Gender.NEUTRAL,
            age=Age.ADULT,
            accent=self._origin.language,
            sample=sample_sentence(self._origin.language),
            f0_hz=0.0,
            recipe=f"{self._origin.recipe} recording {key.removeprefix('own ')}",
            licence="its speaker's; see the consent",
            source="a recording, by consent of its speaker",
        )
        self._keys[voice.id] = key
        return voice

    @property
    def size_gb(self) -> float:
        """What its weights take, in 10⁹ bytes."""
        return float(sum(one.numel() * one.element_size() for one in self._model.model.parameters())) / 1e9

    def move_in(self) -> None:
        """Into the memory of its device.

        Raises:
            MemoryFull: There is not so much.
        """
        with memory_errors():
            self._model.model.to(self._device.name)

    def move_out(self) -> None:
        """Out of the memory of a GPU, into that of the computer."""
        import torch

        self._model.model.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextlib.contextmanager
    def _speaking(self, seeds: Sequence[int]) -> Iterator[None]:
        """The model in its memory, its chance that of the rows, and whatever it raises told as it is here."""
        import torch

        try:
            with self._in_memory(), memory_errors(), torch.inference_mode(), quiet(), seeded_chance(seeds):
                yield
        except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AssertionError) as error:
            raise SynthesisError(f"the model broke off: {first_line(error)}") from error

    def _in_memory(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._residence is None else self._residence.using(self)

    def _saying(self, utterance: Utterance) -> Saying:
        key = self._keys.get(utterance.voice.id)
        if key is None:
            raise SynthesisError(f"{utterance.voice.id!r} is no voice of this model; see `speechagents voices`")
        language = primary_tag(utterance.language or utterance.voice.accent)
        if language not in self.abilities.languages:
            if utterance.language:
                spoken = ", ".join(self.abilities.languages)
                raise SynthesisError(f"this model does not speak {utterance.language[:40]!r}; it speaks {spoken}")
            language = next(iter(self.abilities.languages), "")
        return Saying(utterance.text, key, utterance.style, language)


def make_coqui(
    *, jobs: int = 0, max_batch: int = 16, residence: Residence | None = None, **options: Any
) -> BatchedSpeech:
    """Voices of a Coqui model, spoken in batches.

    Args:
        jobs: Nothing here: a GPU speaks a batch at a time.
        max_batch: Most pieces spoken at once.
        residence: The memory that the model shares with others.
        options: Those of `CoquiSpeech`.
    """
    del jobs
    model = CoquiSpeech(residence=residence, **options)
    return BatchedSpeech(model, model.voices, max_batch=max_batch)


def _load(kind: str, folder: Path, device: Any) -> _Model:
    if kind == "xtts":
        from speechagents.voices.neural.coqui_xtts import CoquiXtts

        return CoquiXtts(folder, device)
    from speechagents.voices.neural.coqui_vits import CoquiVits

    return CoquiVits(folder, device)


def _catalogue(
    speakers: Sequence[Speaker], origin: Origin, described: Described, kind: str
) -> Mapping[str, tuple[Voice, Speaker]]:
    """Voices by id: those that are described, else those of XTTS that are known, else the model's first."""
    if not described and kind == "xtts":
        here = {speaker.key for speaker in speakers}
        listed = yaml.safe_load(resource("models", "voices", "xtts.yaml").read_text("utf-8"))["voices"]
        described = [entry for entry in listed if entry["speaker"] in here]
    return catalogue(speakers if described else speakers[:MOST_SPEAKERS], origin, described)
