"""Reads a preset from its file, a YAML mapping.

Owns the form of the file and what is said when it is wrong. Does not know which presets there are (`presets`).

::

    name: laptop
    description: One sentence for people.
    rank: 30                     # --preset auto takes the ready preset with the highest rank
    synthesizer:                 # and in the same form, if there is one: controller, listener
      name: kokoro               # the back end
      weights:                   # what it loads, see `weights.Weights`
        - {repo: owner/model, revision: main, files: ["*.json", "*.safetensors"], size_gb: 0.4, licence: MIT,
           commercial: true, what: voices}
      packages: [name>=1.2]      # what it needs besides the extra that brings it
      licence: MIT               # of what comes with its package, if that is worth a word
      commercial: true
      model: owner/model         # all else are options of the back end
    vram_gb: 0                   # GPU memory that all parts need together

An option ``${NAME}`` is the value of an environment variable. Where ``model`` is a repository of the part's weights,
the back end is given their revision, too; any other option that is one becomes the folder that holds them. Licence and
download of the preset follow from its parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.errors import SettingsError
from speechagents.preset import KINDS, REQUIREMENT, Licence, Preset
from speechagents.weights import Weights

_MAX_BYTES: Final = 64_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


def read_preset(path: Path) -> Preset:
    """A preset from its file.

    Raises:
        SettingsError: The file cannot be used; the message names it and the field.
    """
    try:
        with path.open("rb") as file:
            written = file.read(_MAX_BYTES + 1)
        if len(written) > _MAX_BYTES:
            raise SettingsError(f"larger than {_MAX_BYTES // 1000} kB")
        return _preset(yaml.safe_load(written.decode("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path.name}: cannot be read ({str(error).splitlines()[0][:200]})") from error
    except SettingsError as error:
        raise SettingsError(f"{path.name}: {error}") from error


def _preset(values: object) -> Preset:
    top = _fields(values, "", needed={"name", "description", "rank", "synthesizer", "vram_gb"}, also=set(KINDS))
    name = _of(str, top["name"], "name")
    if not _NAME.fullmatch(name) or name == "auto":
        raise SettingsError(f"name {name[:50]!r} is not made of small letters, digits and hyphens")
    parts: dict[str, Any] = {}
    weights: dict[str, tuple[Weights, ...]] = {}
    licences: list[Licence] = []
    packages: list[str] = []
    for kind in KINDS:
        if kind in top:
            part = dict(_of(dict, top[kind], kind))
            parts[kind] = _of(str, part.pop("name", None), f"{kind}.name")
            weights[kind] = _weights(part.pop("weights", []), kind)
            packages += _packages(part.pop("packages", []), kind)
            licence, commercial = part.pop("licence", None), part.pop("commercial", True)
            if licence is not None:
                licences.append(
                    Licence(_of(str, licence, f"{kind}.licence"), _of(bool, commercial, f"{kind}.commercial"))
                )
            parts["options" if kind == "synthesizer" else f"{kind}_options"] = part
    vram_gb = _of((int, float), top["vram_gb"], "vram_gb")
    if not 0 <= vram_gb <= 2_000:
        raise SettingsError(f"vram_gb {vram_gb:g} is not between 0 and 2000")
    preset = Preset(
        name=name,
        description=_of(str, top["description"], "description"),
        rank=_of(int, top["rank"], "rank"),
        vram_gb=float(vram_gb),
        weights=weights,
        licences=tuple(licences),
        packages=tuple(dict.fromkeys(packages)),
        **parts,
    )
    if not preset.licence:
        raise SettingsError("no part names a licence, nor weights that have one")
    return preset


def _packages(values: object, kind: str) -> list[str]:
    found = [_of(str, one, f"{kind}.packages") for one in _of(list, values, f"{kind}.packages")]
    for one in found:
        if not REQUIREMENT.fullmatch(one):
            raise SettingsError(f"{kind}.packages {one[:60]!r} is no requirement like name>=1.2")
    return found


def _weights(values: object, kind: str) -> tuple[Weights, ...]:
    found = []
    for index, one in enumerate(_of(list, values, f"{kind}.weights")):
        where = f"{kind}.weights[{index}]"
        needed = {"repo", "files", "size_gb", "licence", "commercial", "what"}
        entry = _fields(one, where, needed=needed, also={"revision"})
        files = _of(list, entry["files"], f"{where}.files")
        found.append(
            Weights(
                repo=_of(str, entry["repo"], f"{where}.repo"),
                files=tuple(_of(str, file, f"{where}.files") for file in files),
                size_gb=float(_of((int, float), entry["size_gb"], f"{where}.size_gb")),
                licence=_of(str, entry["licence"], f"{where}.licence"),
                commercial=_of(bool, entry["commercial"], f"{where}.commercial"),
                what=_of(str, entry["what"], f"{where}.what"),
                revision=_of(str, entry.get("revision", "main"), f"{where}.revision"),
            )
        )
    return tuple(found)


def _fields(values: object, where: str, *, needed: set[str], also: set[str]) -> Mapping[str, Any]:
    """A mapping with the fields that it must have, and no others than it may have."""
    found: Mapping[str, Any] = _of(dict, values, where or "the file")
    dot = f"{where}." if where else ""
    for name in sorted(needed - set(found)):
        raise SettingsError(f"{dot}{name} is missing")
    for name in sorted(str(name) for name in set(found) - needed - also):
        raise SettingsError(f"{dot}{name[:50]} is no field; there are {', '.join(sorted(needed | also))}")
    return found


def _of(kind: type | tuple[type, ...], value: object, where: str) -> Any:
    """A value of a type; a truth is no number."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        said = " or ".join(_CALLED[one] for one in kinds)
        raise SettingsError(f"{where} {str(value)[:60]!r} is not {said}")
    return value


_CALLED: Final = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}
