"""The languages that espeak-ng speaks, and which of them a BCP 47 tag means.

Owns the mapping from tags (``de``, ``pt-BR``, ``zh-Hans-CN``) to espeak-ng's language files (``roa/pt-BR``).
Reads the installed data; loads no engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import espeakng_loader

from speechagents.errors import SettingsError

HOME_LANGUAGE = "en-US"

# Tags in common use that the files do not list themselves.
_ALIASES = {
    "en": "en-gb",
    "zh": "cmn",
    "zh-cn": "cmn",
    "zh-sg": "cmn",
    "zh-tw": "cmn",
    "zh-hans": "cmn",
    "zh-hant": "cmn",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "pt": "pt-pt",
    "es-mx": "es-419",
    "es-ar": "es-419",
    "es-co": "es-419",
    "es-cl": "es-419",
    "es-pe": "es-419",
    "es-us": "es-419",
    "no": "nb",
    "nn": "nb",
    "iw": "he",
    "in": "id",
    "tl": "fil",
    "mo": "ro",
    "sr-latn": "sr",
    "en-au": "en-gb",
    "en-nz": "en-gb",
    "en-ie": "en-gb-scotland",
    "en-in": "en-gb",
    "en-za": "en-gb",
    "en-ca": "en-us",
    "en-jm": "en-029",
}


def language_file(tag: str) -> str:
    """The espeak-ng language file that speaks a BCP 47 tag, for example ``gmw/de`` for ``de-AT``.

    The tag is matched without regard to case and ``_``; where there is no such variety its trailing parts are
    dropped one by one.

    Raises:
        SettingsError: espeak-ng does not speak it; the message lists what is similar.
    """
    files = _files()
    wanted = tag.strip().replace("_", "-").lower()
    rest = wanted
    while rest:
        found = files.get(_ALIASES.get(rest, rest)) or files.get(rest)
        if found:
            return found
        rest = rest.rpartition("-")[0]
    near = difflib.get_close_matches(wanted, [*files, *_ALIASES], n=5, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}" if near else f"known are {', '.join(languages())}"
    raise SettingsError(f"espeak-ng does not speak the language {tag!r}; {hint}?")


def languages() -> Sequence[str]:
    """Every language and variety that espeak-ng speaks, as BCP 47 tags, sorted."""
    return sorted({Path(file).name for file in _files().values()}, key=str.lower)


def primary_languages() -> tuple[str, ...]:
    """The first parts of all tags that are understood: ``de`` for ``de-AT``."""
    return tuple(sorted({tag.partition("-")[0] for tag in (*_files(), *_ALIASES)}))


@cache
def _files() -> dict[str, str]:
    """Lower-case tag to language file. A file's own name goes before the tags it lists, best priority first."""
    data = Path(espeakng_loader.get_data_path())
    named: dict[str, str] = {}
    listed: list[tuple[int, str, str]] = []
    for path in sorted((data / "lang").rglob("*")):
        if not path.is_file():
            continue
        fields = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        tags = [field[1:] for field in fields if len(field) > 1 and field[0] == "language"]
        dictionary = next((field[1] for field in fields if len(field) > 1 and field[0] == "dictionary"), "")
        # Three languages (fo, kaa, xex) are announced without their dictionary; espeak-ng is silent in them.
        if not (data / f"{dictionary or tags[0][0].partition('-')[0]}_dict").is_file():
            continue
        file = path.relative_to(data / "lang").as_posix()
        named[path.name.lower()] = file
        for tag, *priority in tags:
            listed.append((int(priority[0]) if priority and priority[0].isdigit() else 5, file, tag.lower()))
    for _, file, tag in sorted(listed):
        named.setdefault(tag, file)
    return named
