"""The voices of omni models: who speaks, in which languages, under which licence, and how a line is asked for.

Owns the catalogue, the file that holds the voices of Qwen2.5-Omni, and the words of the prompt. Does not know how a
model runs (`omni_speech`).

Facts are those of the models' own pages: github.com/QwenLM/Qwen2.5-Omni and github.com/QwenLM/Qwen3-Omni (voices,
languages, the system prompt that Qwen2.5-Omni needs to speak well), and the licences in their repositories on the hub.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from speechagents.drama import Style
from speechagents.errors import SynthesisError
from speechagents.styles import STYLES
from speechagents.voices.neural.transformers_loading import is_commercial, licence_of
from speechagents.voices.synthesizer import Age, Gender, Voice

SPEAKERS_FILE: Final = "spk_dict.pt"
MOST_SPEAKERS: Final = 25

LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "qwen2_5_omni": ("en", "zh"),
    "qwen3_omni_moe": ("de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh"),
}
"""What each kind speaks."""

_NAMES: Final = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
}
_KNOWN: Final[Mapping[str, tuple[Gender, str]]] = {
    "aiden": (Gender.MALE, "A relaxed, warm young man from America."),
    "chelsie": (Gender.FEMALE, "A woman with a soft, warm and clear voice."),
    "ethan": (Gender.MALE, "A lively, friendly man with a bright voice."),
}
_LICENCES: Final[Mapping[str, tuple[str, bool]]] = {
    "Qwen/Qwen2.5-Omni-3B": ("Qwen Research License", False),
    "Qwen/Qwen2.5-Omni-7B": ("Apache-2.0", True),
    "Qwen/Qwen3-Omni-30B-A3B-Instruct": ("Apache-2.0", True),
}
_SAMPLE: Final = "The curtain rises in five minutes, and nobody has seen the king."
_SYSTEM: Final = (
    "You are Qwen, a virtual human developed by the Qwen Team, Alibaba Group, capable of perceiving auditory and "
    "visual inputs, as well as generating text and speech."
)
_MAX_SPEAKERS_BYTES: Final = 100_000_000
_MAX_NUMBERS: Final = 10_000_000
_WEAK: Final = 0.75
_STRONG: Final = 1.25


def read_speakers(folder: Path) -> dict[str, dict[str, Any]]:
    """The voices of a Qwen2.5-Omni: for each a token, a vector and a spectrogram, checked.

    The file is a pickle of PyTorch's. It is read by the reader that makes tensors and numbers and runs nothing.

    Raises:
        SynthesisError: It is not there, or holds anything else.
    """
    import torch

    path = folder / SPEAKERS_FILE
    try:
        if path.stat().st_size > _MAX_SPEAKERS_BYTES:
            raise ValueError("it is too large")
        found = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(found, dict) or not found:
            raise ValueError("it holds no voices")
        return {_checked_name(name): _checked(one) for name, one in list(found.items())[:MOST_SPEAKERS]}
    except FileNotFoundError as error:
        raise SynthesisError(f"{path} is missing: it holds the model's voices; download the model again") from error
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        said = (str(error).strip().splitlines() or [repr(error)])[0][:200]
        raise SynthesisError(f"{path} is refused: {said}; download the model again from its publisher") from error


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[\w .-]{1,40}", name):
        raise ValueError("a voice in it has no proper name")
    return name


def _checked(one: Any) -> dict[str, Any]:
    """One voice: nothing but what is used of it."""
    import torch

    token, vector, spectrogram = int(one["bos_token"]), one["cond"], one["ref_mel"]
    for tensor in (vector, spectrogram):
        if not isinstance(tensor, torch.Tensor) or not 0 < tensor.numel() <= _MAX_NUMBERS:
            raise ValueError("a voice in it is no tensor")
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError("a voice in it holds what is no number")
    return {"bos_token": token, "cond": vector, "ref_mel": spectrogram}


def catalogue(speakers: Sequence[str], *, model: str, recipe: str, licence: str) -> dict[str, tuple[Voice, str]]:
    """Voices by id, each with the name by which the model knows it.

    Args:
        speakers: Names by which the model knows them.
        model: Where they come from.
        recipe: What makes them sound so.
        licence: Of the weights.
    """
    found: dict[str, tuple[Voice, str]] = {}
    for number, speaker in enumerate(speakers[:MOST_SPEAKERS]):
        gender, description = _KNOWN.get(
            speaker.lower(), (Gender.NEUTRAL, f"{speaker}, a voice of {Path(model).name}.")
        )
        slug = re.sub(r"[^a-z0-9]+", "-", speaker.lower()).strip("-") or str(number)
        name = f"omni-{slug}" if f"omni-{slug}" not in found else f"omni-{slug}-{number}"
        voice = Voice(
            id=name,
            description=description,
            gender=gender,
            age=Age.ADULT,
            accent="en",
            sample=_SAMPLE,
            f0_hz=0.0,
            recipe=f"{recipe} {speaker}",
            licence=licence,
            source=f"https://huggingface.co/{model}" if _is_on_hub(model) else Path(model).name,
            narrates=gender is not Gender.NEUTRAL,
        )
        found[name] = (voice, speaker)
    return found


def licence(model: str, folder: Path) -> tuple[str, bool]:
    """Licence of the weights, and whether what is made with them may be sold: no where nobody says so."""
    if model in _LICENCES:
        return _LICENCES[model]
    named = licence_of(folder)
    return (named, is_commercial(named)) if named else ("unknown: see the model's page", False)


def request(text: str, style: Style, language: str) -> str:
    """The prompt for a line, up to where the model answers.

    Args:
        text: The line, without marks.
        style: How it is to be said.
        language: Primary BCP 47 tag, or empty.
    """
    wishes = [f"Read this line aloud in {_NAMES[language]}." if language in _NAMES else "Read this line aloud."]
    if style.tag in STYLES and style.tag != "default" and style.strength > 0.0:
        degree = "Slightly: " if style.strength < _WEAK else "Very strongly: " if style.strength > _STRONG else ""
        wishes.append(f"Say it in this manner ({style.tag}). {degree}{STYLES[style.tag]}")
    wishes.append("Say exactly these words and nothing else:")
    return (
        f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n{' '.join(wishes)}\n{text}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def _is_on_hub(model: str) -> bool:
    return model.count("/") == 1 and not Path(model).is_dir()
