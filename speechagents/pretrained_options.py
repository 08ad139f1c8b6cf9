"""How the library is told to load a model: precision, attention, quantisation, over which GPUs.

Owns the translation of a choice into the library's options, and what is done instead where a package or a GPU is not
there. Does not load anything (`pretrained`).

Quantisation while loading is bitsandbytes' (MIT): LLM.int8 (Dettmers et al. 2022, arXiv 2208.07339) and NF4 (Dettmers
et al. 2023, arXiv 2305.14314). It runs on NVIDIA, AMD, Intel and Apple GPUs and on CPUs, and makes linear layers small:
embeddings, and the experts of models that have them in one block, stay as they are.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from speechagents.devices import Device
from speechagents.errors import BackendMissing, SettingsError

DTYPES: Final = ("auto", "float32", "bfloat16", "float16")
ATTENTIONS: Final = ("", "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""Implementations that come with the library. It knows others by names on a hub, whose code it would run."""

QUANTISED_SIZE: Final[Mapping[str, float]] = {"int8": 0.6, "int4": 0.4}
"""Ways of quantisation, and what is left of weights in a half format: about, since some stay as they are."""

_BITS: Final = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16}
_WANTED_BITS: Final = {"float32": 32, "bfloat16": 16, "float16": 16}
_MAX_HEADER_BYTES: Final = 100_000_000
"""What the format allows."""

_NOT_FOR_INTEGERS: Final = (r".*\bvisual", r".*\baudio_tower", r".*\blm_head", "talker", "token2wav", "code2wav")
"""Parts of omni models, as patterns, that stay as they are: what hears and speaks is small, and suffers most."""

_INSTALL: Final = 'python -m pip install "bitsandbytes>=0.46.1" "accelerate>=1.1"'


def library_options(
    *, dtype: str, attention: str, quantisation: str, config: Any, device: Device, spread: bool
) -> tuple[dict[str, Any], list[str]]:
    """Options for loading, and what is done otherwise than asked for.

    Args:
        dtype: One of `DTYPES`.
        attention: One of `ATTENTIONS`.
        quantisation: Empty, or a key of `QUANTISED_SIZE`.
        config: The library's configuration of the model, or of the part of it that is loaded.
        device: Where it is to run.
        spread: It goes over all GPUs.

    Raises:
        BackendMissing: A package that is needed for it is not installed.
        SettingsError: Weights that are quantised already are to be quantised.
    """
    import torch

    notices: list[str] = []
    options: dict[str, Any] = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype), "config": config}
    chosen, notice = _attention(attention, device)
    if chosen:
        options["attn_implementation"] = chosen
    notices += [notice] if notice else []
    if quantisation:
        options["quantization_config"] = _quantised(quantisation, dtype, config)
        if any("expert" in name for name in _names(config)):
            notices.append(f"{quantisation} makes its linear layers small; its experts stay as they are")
    quantised = bool(quantisation or getattr(config, "quantization_config", None))
    if importlib.util.find_spec("accelerate") is not None:
        # Weights go from the disk to where they are needed, piece by piece.
        options["device_map"] = "auto" if spread else {"": device.name}
    elif spread:
        raise BackendMissing(
            "one GPU is too small for the model, and to spread it over several needs accelerate: python -m pip install "
            '"accelerate>=1.1"'
        )
    elif quantised and device.is_gpu:
        raise BackendMissing(f"quantised weights need accelerate: {_INSTALL}")
    if spread or (quantised and device.is_gpu):
        why = "is spread over several GPUs" if spread else "has quantised weights"
        notices.append(f"it {why} and stays where it is: other models share what memory remains")
    return options, notices


def size_on_disk_gb(folder: Path, *, dtype: str, quantisation: str, part: str = "") -> float:
    """What a model's weights will take, by the headers of its files.

    Args:
        folder: With its files.
        dtype: One of `DTYPES`.
        quantisation: Empty, or a key of `QUANTISED_SIZE`.
        part: What the names of the weights begin with that are loaded; empty, or none such, counts all.

    Raises:
        ValueError: A file is damaged.
    """
    bits: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, (format_, count) in _header(path).items():
            stored = _BITS.get(format_, 8)
            bits[name] = count * (_WANTED_BITS.get(dtype, stored) if format_ in _BITS else stored)
    of_part = [size for name, size in bits.items() if name.startswith(part)]
    return sum(of_part or bits.values()) / 8e9 * QUANTISED_SIZE.get(quantisation, 1.0)


def _header(path: Path) -> dict[str, tuple[str, int]]:
    """Format and number of numbers of each of a file's weights."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _MAX_HEADER_BYTES:
            raise ValueError(f"{path.name} is damaged: it is no safetensors file")
        try:
            found = json.loads(file.read(length))
            weights = {name: (str(one["dtype"]), math.prod(one["shape"])) for name, one in found.items() if _is(name)}
            end = max((int(one["data_offsets"][1]) for name, one in found.items() if _is(name)), default=0)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise ValueError(f"{path.name} is damaged: its header cannot be read") from error
    if path.stat().st_size < 8 + length + end:
        raise ValueError(f"{path.name} is damaged: it ends too early")
    return weights


def _is(name: str) -> bool:
    return name != "__metadata__"


def _attention(wanted: str, device: Device) -> tuple[str, str]:
    """What attention is used, and what is to be said about it."""
    if not wanted.startswith("flash_attention"):
        return wanted, ""
    from transformers import utils

    package = "flash-attn" if wanted.endswith("2") else "flash-attn-3"
    installed = utils.is_flash_attn_2_available if wanted.endswith("2") else utils.is_flash_attn_3_available
    if not device.name.startswith("cuda"):
        return "", f"{wanted} is for NVIDIA and AMD GPUs; the library's own attention is used"
    if not installed():
        return "", f"{wanted} is not installed (python -m pip install {package}); the library's own attention is used"
    return wanted, ""


def _quantised(quantisation: str, dtype: str, config: Any) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    already = getattr(config, "quantization_config", None)
    if already:
        method = already.get("quant_method", "") if isinstance(already, dict) else getattr(already, "quant_method", "")
        raise SettingsError(f"the model is quantised already ({method}); leave quantisation out")
    for package in ("bitsandbytes", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise BackendMissing(f"quantisation needs {package}, which is not installed: {_INSTALL}")
    omni = hasattr(config, "thinker_config") or "thinker" in str(config.model_type)
    left = list(_NOT_FOR_INTEGERS) if omni else None
    if quantisation == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=left)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if dtype == "auto" else getattr(torch, dtype),
        llm_int8_skip_modules=left,
    )


def _names(config: Any) -> list[str]:
    """Names of settings, those of parts included."""
    found: list[str] = []
    waiting = [config.to_dict()]
    while waiting:
        values = waiting.pop()
        found += values
        waiting += [value for value in values.values() if isinstance(value, dict)]
    return [str(name) for name in found]
