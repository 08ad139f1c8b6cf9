"""The folder of a Coqui model: its configuration and checkpoints, read as what they are, files from anybody.

Owns what is read and what is refused. Configurations name further files, modules to import and programs to run: paths
are not followed, for what a model needs lies in its folder under a known name, and of names only known ones are taken.
Checkpoints are pickles: they are read as tensors and plain values alone (``weights_only``), and not by Coqui's own
loader, which writes a converted copy over some. Does not know what becomes of the weights. Imports PyTorch when asked.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.transformers_loading import first_line

KINDS: Final = ("vits", "xtts")
CHECKPOINTS: Final = ("model.safetensors", "model.pth", "model_file.pth", "best_model.pth")
"""Names of a model's weights, the first that is there is taken."""

_MOST_JSON_BYTES: Final = 10_000_000
_MOST_NUMBER: Final = 1_000_000
"""Nothing in the shape of a model is larger."""
_MOST_DEPTH: Final = 8
_CHARACTERS: Final = re.compile(
    r"TTS\.tts\.utils\.text\.characters\.[A-Za-z]{1,40}|TTS\.tts\.models\.vits\.VitsCharacters"
)
_CLEANER: Final = re.compile(r"[a-z_]{1,60}_cleaners")
_PATHS: Final = (
    "speakers_file",
    "speaker_file",
    "language_ids_file",
    "d_vector_file",
    "speaker_encoder_model_path",
    "speaker_encoder_config_path",
    "tokenizer_file",
    "gpt_checkpoint",
    "clvp_checkpoint",
    "decoder_checkpoint",
)
"""Fields that Coqui would open, here or on a server."""


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a model, without anything that would be opened, imported or run.

    Raises:
        SettingsError: It is missing or damaged, or of a model that is not spoken with here.
    """
    values = read_json(folder / "config.json")
    if not isinstance(values, dict) or not isinstance(values.get("model_args"), dict):
        raise SettingsError(f"{folder / 'config.json'} is no configuration of a Coqui model")
    kind = str(values.get("model", "")).lower()
    if kind not in KINDS:
        raise SettingsError(f"Coqui's {kind[:40]!r} models are not spoken with here, only {' and '.join(KINDS)}")
    _check_numbers(values["model_args"], 0)
    _check_numbers(values.get("audio"), 0)
    for level in (values, values["model_args"]):
        for name in (*_PATHS, "use_speaker_encoder_as_loss"):
            level.pop(name, None)
    # Coqui unpickles a file that this part may name; all that is needed of it is numbers.
    audio = values.get("audio")
    numbers = audio.items() if isinstance(audio, dict) else ()
    values["audio"] = {name: value for name, value in numbers if type(value) in (int, float)}
    characters = values.get("characters")
    named = characters.get("characters_class") if isinstance(characters, dict) else None
    if named is not None and not _CHARACTERS.fullmatch(str(named)):
        raise SettingsError(f"the model's letters are to be read by {str(named)[:80]!r}, which is not part of Coqui")
    cleaner = values.get("text_cleaner")
    if cleaner is not None and not _CLEANER.fullmatch(str(cleaner)):
        raise SettingsError(f"the model's text is to be cleaned by {str(cleaner)[:80]!r}, which is not part of Coqui")
    values.pop("base_model", None)
    return values


def read_json(path: Path) -> Any:
    """A file of settings.

    Raises:
        SettingsError: It is missing, damaged or too large.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_JSON_BYTES + 1)
        if len(text) > _MOST_JSON_BYTES:
            raise ValueError(f"more than {_MOST_JSON_BYTES} bytes are no settings")
        return json.loads(text)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); download the model again") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is damaged: {first_line(error)}; download the model again") from error


def checkpoint_path(folder: Path) -> Path:
    """The file with a model's weights.

    Raises:
        SettingsError: There is none.
    """
    for name in CHECKPOINTS:
        if (folder / name).is_file():
            return folder / name
    raise SettingsError(f"{folder} holds none of {', '.join(CHECKPOINTS)}; download the model again")


def read_weights(path: Path) -> dict[str, Any]:
    """The tensors of a model by name.

    Raises:
        SettingsError: The file holds more than tensors and plain values: loading it could run code.
        SynthesisError: It is damaged.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError  # type: ignore[import-not-found,unused-ignore]
        from safetensors.torch import load_file  # type: ignore[import-not-found,unused-ignore]

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise _damaged(path, error) from error
    state = read_tensors(path)
    weights = state.get("model", state) if isinstance(state, dict) else None
    return _named_tensors(weights, path)


def read_tensors(path: Path) -> Any:
    """What a checkpoint holds, if that is tensors and plain values.

    Raises:
        SettingsError: It holds anything else: loading it could run code.
        SynthesisError: It is damaged.
    """
    import torch

    try:
        # Released XTTS checkpoints hold their configuration as objects: they become empty ones, which are not used.
        with torch.serialization.safe_globals([(_Ignored, name) for name in _CONFIGS]), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _REFUSED.search(str(error)):
            raise SettingsError(
                f"{path} holds more than tensors, and to load it could run code: it was not. Take the model from "
                "whoever made it, or convert it to model.safetensors on a machine you can spare"
            ) from error
        raise _damaged(path, error) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _damaged(path, error) from error


def digest(path: Path) -> str:
    """A short digest of a large file: of its size, and of its beginning, middle and end."""
    size = path.stat().st_size
    found = hashlib.blake2b(str(size).encode(), digest_size=8)
    with path.open("rb") as file:
        for start in (0, size // 2, max(0, size - _SAMPLED_BYTES)):
            file.seek(start)
            found.update(file.read(_SAMPLED_BYTES))
    return found.hexdigest()


_SAMPLED_BYTES: Final = 1 << 20

_REFUSED: Final = re.compile(r"Unsupported (global|class|operand)|GLOBAL|not an allowed global|Trying to (call|set)")
"""In the words of PyTorch."""
_CONFIGS: Final = (
    "TTS.tts.configs.xtts_config.XttsConfig",
    "TTS.tts.configs.xtts_config.XttsArgs",
    "TTS.tts.configs.xtts_config.XttsAudioConfig",
    "TTS.tts.models.xtts.XttsArgs",
    "TTS.tts.models.xtts.XttsAudioConfig",
    "TTS.config.shared_configs.BaseDatasetConfig",
)
"""Classes of Coqui whose objects released checkpoints hold."""


class _Ignored:
    """What becomes of a configuration in a checkpoint."""


def _named_tensors(weights: Any, path: Path) -> dict[str, Any]:
    import torch

    if not isinstance(weights, Mapping) or not weights:
        raise _damaged(path, ValueError("it holds no weights"))
    found = {str(name): value for name, value in weights.items() if isinstance(value, torch.Tensor)}
    if not found:
        raise _damaged(path, ValueError("it holds no weights"))
    return found


def _damaged(path: Path, error: Exception) -> SynthesisError:
    return SynthesisError(f"the weights in {path} cannot be loaded: {first_line(error)}; download the model again")


def _check_numbers(value: Any, depth: int) -> None:
    """Refuse a shape that would fill the memory before a weight was read."""
    if isinstance(value, dict | list):
        if depth > _MOST_DEPTH or len(value) > 1_000:
            raise SettingsError("the configuration of the model is none: it is too deep or too long")
        for part in value.values() if isinstance(value, dict) else value:
            _check_numbers(part, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not -_MOST_NUMBER <= value <= _MOST_NUMBER:
        raise SettingsError(f"the configuration of the model is none: {value} is out of range")
