"""A preset for an exported model: a YAML file that `--preset` takes.

Owns what such a preset says. Does not know how presets are read (`preset_file`), nor how models are exported.

A model that chats acts with the embedded voices. A speech-unit language model speaks itself, by the codec of its units,
which lies beside it as in ``models/understudy``: the preset names the folder that holds both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from speechagents.errors import SettingsError, WeightsMissing
from speechagents.preset_file import read_preset
from speechagents.production.storage import write_atomically
from speechagents.units.tokens import load_tokens

if TYPE_CHECKING:
    from speechagents.tuning.export import Exported

CODEC_FOLDER: Final = "codec"
MODEL_FOLDER: Final = "lm"
"""Where `units.speech` looks for the two."""

_MAX_NAME: Final = 40
_HEAD: Final = "# Written by `speechagents merge`. The shipped presets show how to name better voices, and ears.\n"
_LICENCES: Final = {
    one.lower(): one for one in ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")
}
"""Those that allow what is made with a model to be sold, by the names that the hub has for them."""
_ESPEAK: Final = "GPL-3.0-or-later (eSpeak NG, in a process of its own)"


def check_preset_place(path: Path) -> None:
    """Refuse a file that no preset can be, before anything is merged for it.

    Raises:
        SettingsError: Its name does not end in ``.yaml``, or it is there already.
    """
    if path.suffix != ".yaml":
        raise SettingsError(f"--preset-file {path.name!r} is no name of a preset; let it end in .yaml")
    if path.exists():
        raise SettingsError(f"--preset-file {path} is there already; choose another name, or remove it")


def write_preset(path: Path, exported: Exported) -> str:
    """Write a preset whose controller is an exported model.

    Args:
        path: The file.
        exported: The model.

    Returns:
        The preset's name.

    Raises:
        SettingsError: No name can be made of the file's, or a model of units has no codec beside it.
        StorageError: It cannot be written.
    """
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:_MAX_NAME].strip("-")
    if not name or name == "auto":
        raise SettingsError(f"--preset-file {path.name!r} makes no name; use letters and digits")
    named = exported.base or "random weights"
    known = _LICENCES.get(exported.licence.lower(), "")
    licence = known or exported.licence or (f"that of {exported.base}" if exported.base else "that of its data")
    folder = exported.folder.resolve()
    units = _speaks_units(folder)
    if units:
        folder = _with_codec(folder)
    values: dict[str, Any] = {
        "name": name,
        "description": f"{' + '.join(exported.models)}, tuned from {named}, acts.",
        "rank": 0,
        "synthesizer": {
            "name": "unit-speech" if units else "espeak",
            **({"model": str(folder)} if units else {}),
            "licence": licence if units else _ESPEAK,
        },
        "controller": {
            "name": "units" if units else "transformers",
            "model": str(folder),
            "licence": licence,
            "commercial": bool(known),
        },
        "vram_gb": 0,
    }
    text = _HEAD + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)
    write_atomically(path, text.encode())
    read_preset(path)
    return name


def _with_codec(folder: Path) -> Path:
    """The folder with a model of units and their codec."""
    if folder.name != MODEL_FOLDER or not (folder.parent / CODEC_FOLDER).is_dir():
        raise SettingsError(
            f"{folder} holds the model, and no preset was written: a model of speech units needs the codec of its "
            f"units. Merge into DIR/{MODEL_FOLDER} beside DIR/{CODEC_FOLDER}, a copy of the codec that encoded its data"
        )
    return folder.parent


def _speaks_units(folder: Path) -> bool:
    """Whether a model has the vocabulary of the unit format."""
    try:
        return load_tokens(folder).units > 0
    except (SettingsError, WeightsMissing):
        return False
