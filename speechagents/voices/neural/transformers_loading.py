"""Models of Hugging Face Transformers from disk: safetensors only, no code of theirs, no network, onto a device.

Owns loading, what is refused, where the codec lies that some models need besides their own weights, and what stands in
a model's card. Does not know any kind of model. Imports PyTorch and
Transformers when asked, not before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from speechagents.devices import Device, memory_errors
from speechagents.errors import SettingsError, SynthesisError
from speechagents.library_talk import without_bars
from speechagents.weights import local_folder

DTYPES: Final = ("auto", "float32", "bfloat16", "float16")
"""Number formats that weights can be loaded in."""

CODEC_FOLDER: Final = "codec"
"""Inside a model: where its codec may lie."""

_ON_THE_HUB: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_COMMERCIAL: Final = re.compile(
    r"(apache|mit|bsd|cc0|cc-by-[0-9]|cc-by-sa-[0-9]|openrail|unlicense|isc)", re.IGNORECASE
)
_LICENCE_LINE: Final = re.compile(r"^license:\s*[\"']?([\w.+-]{1,60})", re.MULTILINE)
_MOST_CARD_BYTES: Final = 20_000
_MOST_JSON_BYTES: Final = 20_000_000
_MOST_MISSING: Final = 0.1
"""Part of a model's weights that its file may lack: some are computed, and older files do not have all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model comes from and where it goes.

    Attributes:
        folder: With its files.
        device: Where it runs.
        dtype: Format of its weights; one of `DTYPES`.
        attention: Implementation of attention, as the library calls it; empty leaves it to the library.
        waits: It stays in the computer's memory until somebody moves it.
    """

    folder: Path
    device: Device
    dtype: str = "auto"
    attention: str = ""
    waits: bool = False

    def another(self, name: str) -> Place:
        """A further model that this one needs, for the same device.

        Raises:
            WeightsMissing: It is not on this machine.
            SettingsError: That can be no name, or its weights are pickled.
        """
        return replace(self, folder=local_folder(name))

    def inside(self, name: str) -> Place:
        """The same for a folder inside this one."""
        return replace(self, folder=self.folder / name)


def load_config(place: Place) -> Any:
    """A model's configuration.

    Raises:
        SettingsError: There is none, or the installed library does not know that kind.
    """
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(place.folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"the model in {place.folder} has no configuration that this transformers ({transformers.__version__}) "
            f"reads: {first_line(error)}; update transformers, or take another model"
        ) from error


def load_model(kind: Any, place: Place, **options: Any) -> Any:
    """A model's weights.

    Args:
        kind: A class of the library.
        place: Where from and where to.
        options: More for the library.

    Raises:
        SynthesisError: The weights are damaged, or of another model.
        MemoryFull: It does not fit into the memory of the GPU.
    """
    import torch
    from safetensors import SafetensorError  # type: ignore[import-not-found,unused-ignore]

    # Weights in a half format are for GPUs: a CPU is slower with them, and less exact.
    chosen = "float32" if place.dtype == "auto" and not place.device.is_gpu else place.dtype
    if place.attention:
        options["attn_implementation"] = place.attention
    try:
        with memory_errors(), without_bars():
            model, told = kind.from_pretrained(
                place.folder,
                dtype=chosen if chosen == "auto" else getattr(torch, chosen),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
            missing = len(told["missing_keys"])
            if missing > _MOST_MISSING * len(model.state_dict()):
                raise ValueError(f"{missing} of its weights are not there")
            return model.eval().to("cpu" if place.waits else place.device.name)
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError, SafetensorError) as error:
        raise SynthesisError(
            f"the weights in {place.folder} cannot be loaded: {first_line(error)}; download the model again"
        ) from error


def load_part(kind: Any, place: Place, **options: Any) -> Any:
    """A tokenizer or a feature extractor.

    Args:
        kind: A class of the library.
        place: Where from.
        options: More for the library.

    Raises:
        SettingsError: It is not there or damaged, or needs a package that is not installed.
    """
    try:
        return kind.from_pretrained(place.folder, trust_remote_code=False, local_files_only=True, **options)
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        raise SettingsError(f"the model in {place.folder} lacks what reads text: {first_line(error)}") from error


def load_json(place: Place, name: str) -> dict[str, Any]:
    """A file of settings; empty where there is none.

    Raises:
        SettingsError: It is damaged or too large.
    """
    path = place.folder / name
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MOST_JSON_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is damaged: {first_line(error)}; download the model again") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is damaged: it holds no settings; download the model again")
    return values


def codec_place(place: Place, wanted: str, usual: str) -> Place:
    """Where the codec of a model is.

    The library itself would take whatever a model names, pickles and paths anywhere included.

    Args:
        place: The model's.
        wanted: Folder or name that somebody asks for; empty takes the folder `CODEC_FOLDER` inside the model, or else
            the name that the model gives, if that is one on the hub.
        usual: Name where nobody says any.

    Raises:
        WeightsMissing: It is not on this machine.
        SettingsError: That can be no name, or its weights are pickled.
    """
    # Codecs are small, and their sound suffers in half formats.
    place = replace(place, dtype="float32")
    if wanted:
        return place.another(wanted)
    beside = place.inside(CODEC_FOLDER)
    if beside.folder.is_dir():
        return beside
    named: Any = load_json(place, "audio_tokenizer_config.json") or load_json(place, "processor_config.json").get(
        "audio_tokenizer"
    )
    name = named.get("audio_tokenizer_name_or_path") if isinstance(named, dict) else None
    return place.another(name if isinstance(name, str) and _ON_THE_HUB.fullmatch(name) else usual)


def name_of(folder: Path) -> str:
    """What a model is called: by its name on the hub where it lies in the hub's cache, or else by its folder."""
    storage = folder.parent.parent.name
    if folder.parent.name == "snapshots" and storage.startswith("models--"):
        return storage.removeprefix("models--").replace("--", "/")
    return folder.resolve().name


def licence_of(folder: Path) -> str:
    """The licence that a model's card names; empty where there is no card, or it names none."""
    try:
        with (folder / "README.md").open("rb") as file:
            text = file.read(_MOST_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    found = _LICENCE_LINE.search(text)
    return found.group(1) if found and text.lstrip().startswith("---") else ""


def is_commercial(licence: str) -> bool:
    """Whether what is made with weights of a licence may be sold; no for one that nobody knows."""
    return bool(_COMMERCIAL.match(licence)) and "nc" not in re.split(r"[^a-z]", licence.lower())


def first_line(error: BaseException) -> str:
    """What an error says, for a message."""
    return ((str(error) or repr(error)).strip().splitlines() or [""])[0][:300]
