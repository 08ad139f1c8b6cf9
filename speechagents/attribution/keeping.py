"""Attributions on disk: what was found in a text is found once, whoever asks again.

Owns the file and the key under which a finding stands: the text, its paragraphs, the characters that were given and the
model. Does not know how anything is found (`attribute`). A file that is missing, damaged or of another version counts
as not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from speechagents.attribution.attribution_json import attribution_from_json, attribution_to_json
from speechagents.attribution.quotation import Attribution, Character
from speechagents.production.storage import write_atomically

_MAX_BYTES: Final = 256_000_000


class KeptAttributions:
    """What is known of one text.

    Args:
        path: The file; it is read now, and written by `write` alone.
        text: The novel.
        paragraphs: Offsets of its paragraphs.
    """

    def __init__(self, path: Path, text: str, paragraphs: Sequence[tuple[int, int]]) -> None:
        self._path = path
        self._text = text
        self._paragraphs = paragraphs
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
        digest.update(json.dumps(list(paragraphs)).encode())
        self._digest = digest.hexdigest()
        self._known = _read(path)
        self._used: dict[str, Attribution] = {}

    def attribution(self, characters: Sequence[Character] | None = None) -> Attribution:
        """Who says what.

        Args:
            characters: Who there is; None finds them.
        """
        from speechagents.attribution.apart import attribute_apart

        key = self._key(characters)
        if key not in self._used:
            known = self._known.get(key)
            self._used[key] = known or attribute_apart(self._text, self._paragraphs, characters=characters)
        return self._used[key]

    def know(self, attribution: Attribution, characters: Sequence[Character] | None = None) -> None:
        """Take over what was found elsewhere, by a person for example.

        Args:
            attribution: Who says what.
            characters: Who there was said to be; None for those that were found.
        """
        self._used[self._key(characters)] = attribution

    def write(self) -> None:
        """Keep what was asked for, and forget what was not.

        Raises:
            StorageError: The disk is full or read-only.
        """
        values = {key: attribution_to_json(one) for key, one in self._used.items()}
        write_atomically(self._path, json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def _key(self, characters: Sequence[Character] | None) -> str:
        from speechagents.attribution.attribute import MODEL_VERSION

        given = None if characters is None else [[one.name, one.aliases, one.gender.value] for one in characters]
        return hashlib.sha256(json.dumps([self._digest, MODEL_VERSION, given]).encode()).hexdigest()


def _read(path: Path) -> dict[str, Attribution]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        values = json.loads(path.read_text("utf-8", "surrogatepass"))
        return {str(key): attribution_from_json(value) for key, value in values.items()}
    except (OSError, ValueError, AttributeError):
        return {}
