"""Voices of Kokoro-82M by ONNX Runtime: small, quick on a CPU, Apache-2.0.

Owns the speech model: its files, voices and speed. Sounds are `kokoro_phonemes`', repeatable chance `kokoro_graph`'s.
Importing this module needs ONNX Runtime; nothing else in the package imports it but the registry.

The files are those of the model's export on the Hugging Face hub (``onnx-community/Kokoro-82M-v1.0-ONNX``): a graph
with the inputs ``input_ids``, ``style`` and ``speed``, and for each voice a table with a vector for every length of
text. All of it is plain data. Kokoro speaks a line at a time; the cores of a CPU share its work. Its only style is
speed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

from speechagents.audio import Audio
from speechagents.errors import MemoryFull, SettingsError, SynthesisError
from speechagents.resources import resource
from speechagents.voices.abilities import Abilities
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.coqui_folder import digest
from speechagents.voices.neural.kokoro_graph import NORMAL, UNIFORM, chance, repeatable
from speechagents.voices.neural.kokoro_phonemes import LANGUAGES, Phonemes
from speechagents.voices.neural.pace import PACE_STYLES, pace
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import Age, Gender, Voice
from speechagents.weights import local_folder

if importlib.util.find_spec("onnxruntime") is None:
    raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

MODEL: Final = "onnx-community/Kokoro-82M-v1.0-ONNX"
"""Its name on the Hugging Face hub."""
GRAPHS: Final = (
    "model",
    "model_fp16",
    "model_quantized",
    "model_q8f16",
    "model_uint8",
    "model_uint8f16",
    "model_q4",
    "model_q4f16",
)
"""Exports of the model in its folder ``onnx``, the most exact first; without a choice the first that is there."""

_RATE_HZ: Final = 24_000
_MAX_CHARS: Final = 300
_STYLE: Final = 256
"""Numbers of a voice for one length of text."""
_MOST_VOICE_BYTES: Final = 4_000_000
_MOST_GRAPH_BYTES: Final = 1_500_000_000
_MOST_S: Final = 120.0
_INPUTS: Final = frozenset(("input_ids", "style", "speed"))
_DEVICES: Final = ("auto", "cpu", "cuda")

Vectors = npt.NDArray[np.float32]


class KokoroSpeech:
    """Kokoro in memory.

    Args:
        model: A folder, or a name on the Hugging Face hub whose files are on this machine.
        revision: Of a name on the hub.
        graph: Which export: one of `GRAPHS`; empty takes the most exact that is there.
        device: ``auto`` (a GPU if this ONNX Runtime has one, else the CPU), ``cpu`` or ``cuda``.
        threads: Of a CPU; 0 leaves it to ONNX Runtime.

    Raises:
        SettingsError: An argument is out of range, or the folder lacks something.
        WeightsMissing: The model is not on this machine.
        SynthesisError: It is damaged.
        BackendMissing: A package that it needs is not installed.
    """

    def __init__(
        self,
        *,
        model: str = MODEL,
        revision: str = "",
        graph: str = "",
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        if graph and graph not in GRAPHS:
            raise SettingsError(f"graph {graph[:40]!r} is none of {', '.join(GRAPHS)}")
        if device not in _DEVICES:
            raise SettingsError(f"device {device[:40]!r} is none of {', '.join(_DEVICES)}")
        if not 0 <= threads <= 1024:
            raise SettingsError(f"{threads} threads are not between 0 and 1024")
        # The voices end in .bin, and are plain numbers.
        names = tuple(f"{entry['speaker']}.bin" for entry in _listed())
        folder = local_folder(model, revision=revision, allowed=names)
        path = _graph_path(folder, graph)
        self._phonemes = Phonemes(folder)
        self._styles = _voice_tables(folder / "voices")
        self._session = _session(path, device, threads)
        self._own_inputs = {one.name for one in self._session.get_inputs()}
        if missing := sorted(_INPUTS - self._own_inputs):
            raise SettingsError(f"{path} is no Kokoro: it has no input {missing[0]}")
        self._chance = self._own_inputs & {NORMAL, UNIFORM}
        self.identity = f"kokoro 1 {path.stem} {digest(path)}"
        """The export and a digest of it."""
        self.voices: Sequence[Voice] = tuple(
            voice for speaker, voice in _catalogue(self.identity).items() if speaker in self._styles
        )
        """The voices of the catalogue whose files are there."""
        self._speakers = {voice.id: name for name, voice in _catalogue(self.identity).items()}
        spoken = {tag.partition("-")[0] for tag in LANGUAGES}
        self.abilities = Abilities(
            languages=tuple(sorted(spoken)),
            rate_hz=_RATE_HZ,
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0",
            commercial=True,
            styles=PACE_STYLES,
            max_chars=_MAX_CHARS,
        )
        """What it can do."""

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        """Speak a batch, one after the other.

        Raises:
            MemoryFull: A text does not fit.
            SynthesisError: It cannot be spoken.
        """
        languages = [self._language(utterance) for utterance in utterances]
        rows: dict[int, list[int]] = {}
        for language in dict.fromkeys(languages):
            numbers = [number for number, one in enumerate(languages) if one == language]
            rows.update(
                zip(numbers, self._phonemes.tokens([utterances[n].text for n in numbers], language), strict=True)
            )
        return [self._said(utterance, rows[number]) for number, utterance in enumerate(utterances)]

    def _language(self, utterance: Utterance) -> str:
        """The language of a line: the variety of its voice where that is one of it."""
        home = utterance.voice.accent
        wanted = (utterance.language or home).replace("_", "-")
        primary = wanted.partition("-")[0].lower()
        for tag in (wanted, home, *LANGUAGES):
            known = next((one for one in LANGUAGES if one.lower() == tag.lower()), "")
            if known and known.partition("-")[0] == primary:
                return known
        spoken = ", ".join(self.abilities.languages)
        raise SynthesisError(f"this model does not speak {wanted[:40]!r}; it speaks {spoken}")

    def _said(self, utterance: Utterance, tokens: Sequence[int]) -> Audio:
        table = self._styles.get(self._speakers.get(utterance.voice.id, ""))
        if table is None:
            raise SynthesisError(f"{utterance.voice.id!r} is no voice of this model; see `speechagents voices`")
        drawn = chance(utterance.seed) if self._chance else {}
        inputs = {
            "input_ids": np.array([[0, *tokens, 0]], np.int64),
            "style": table[min(len(tokens), len(table) - 1)][None],
            "speed": np.array([pace(utterance.style)], np.float32),
            **{name: drawn[name] for name in self._chance},
        }
        try:
            made = self._session.run(None, inputs)[0]
        except Exception as error:
            reason = (str(error).strip() or repr(error)).splitlines()[0][:200]
            if "alloc" in reason.lower():
                raise MemoryFull("the text does not fit into memory") from error
            raise SynthesisError(f"the model broke off: {reason}") from error
        samples = np.asarray(made, np.float32).reshape(-1)
        if len(samples) > _MOST_S * _RATE_HZ:
            raise SynthesisError(f"the model made {len(samples) / _RATE_HZ:.0f} s of {utterance.text[:60]!r}")
        return Audio(np.ascontiguousarray(samples), _RATE_HZ)


def make_kokoro(*, jobs: int = 0, max_batch: int = 8, **options: Any) -> BatchedSpeech:
    """Kokoro's voices.

    Args:
        jobs: Threads of the CPU that it takes; 0 leaves it to ONNX Runtime.
        max_batch: Most pieces whose sounds are looked up at once; they are spoken one after the other.
        options: Those of `KokoroSpeech`.
    """
    model = KokoroSpeech(**{"threads": jobs, **options})
    return BatchedSpeech(model, model.voices, max_batch=max_batch)


def _graph_path(folder: Path, graph: str) -> Path:
    for name in (graph,) if graph else GRAPHS:
        for path in (folder / "onnx" / f"{name}.onnx", folder / f"{name}.onnx"):
            if path.is_file():
                if path.stat().st_size > _MOST_GRAPH_BYTES:
                    raise SettingsError(f"{path} is larger than any Kokoro")
                return path
    raise SettingsError(f"{folder} holds no onnx/{graph or 'model'}.onnx; download {MODEL}")


def _session(path: Path, device: str, threads: int) -> Any:
    import onnxruntime

    gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not gpu:
        raise SettingsError(
            "device cuda: this ONNX Runtime has no CUDA; install onnxruntime-gpu, or use the device cpu"
        )
    providers = ["CPUExecutionProvider"]
    if gpu and device != "cpu":
        providers.insert(0, "CUDAExecutionProvider")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    graph = repeatable(path)
    try:
        return onnxruntime.InferenceSession(graph if isinstance(graph, bytes) else str(graph), settings, providers)
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0][:200]
        raise SynthesisError(f"{path} cannot be loaded ({reason}); download the model again") from error


def _voice_tables(folder: Path) -> dict[str, Vectors]:
    """Vectors by voice and length of text, of those voices of the catalogue that are there."""
    tables = {}
    for entry in _listed():
        path = folder / f"{entry['speaker']}.bin"
        if not path.is_file():
            continue
        size = path.stat().st_size
        if not 0 < size <= _MOST_VOICE_BYTES or size % (4 * _STYLE):
            raise SettingsError(f"{path} is no voice of Kokoro; download it again")
        table = np.fromfile(path, "<f4").astype(np.float32).reshape(-1, _STYLE)
        if not np.isfinite(table).all():
            raise SettingsError(f"{path} is damaged; download it again")
        tables[str(entry["speaker"])] = table
    if not tables:
        raise SettingsError(f"{folder} holds no voices of Kokoro, such as af_heart.bin; download {MODEL}")
    return tables


@cache
def _listed() -> Sequence[Mapping[str, Any]]:
    """The catalogue as it stands in its file."""
    with resource("models", "voices", "kokoro.yaml").open("rb") as file:
        return tuple(yaml.safe_load(file)["voices"])


def _catalogue(recipe: str) -> dict[str, Voice]:
    """Voices by what the model calls them."""
    return {
        str(entry["speaker"]): Voice(
            id=str(entry["id"]),
            description=str(entry["description"]),
            gender=Gender(entry["gender"]),
            age=Age(entry.get("age", "adult")),
            accent=str(entry["accent"]),
            sample=str(entry["sample"]),
            f0_hz=0.0,
            recipe=f"{recipe} speaker {entry['speaker']}",
            licence=str(entry["licence"]),
            source=str(entry["source"]),
            narrates=bool(entry.get("narrates", False)),
        )
        for entry in _listed()
    }
