"""What becomes of a book's footnotes and endnotes.

Owns the choice and how a mark that points at a note is told from other text. Does not know any file format.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Notes(StrEnum):
    """Whether notes are voiced."""

    SKIP = "skip"
    """They are skipped with the reason `FOOTNOTE`."""
    READ = "read"
    """They are read where they stand; the marks that point at them stay silent."""


FOOTNOTE: Final = "footnote"
"""Reason of a skipped note."""
FOOTNOTE_MARK: Final = "footnote mark"
"""Reason of a cut mark."""

_MARK: Final = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶‖]{1,3}|[ivxl]{1,5}|[A-Za-z])[\])]?[.:]?")
_BACK: Final = re.compile(r"[↩↑⤴⏎^\ufe0e\ufe0f\s\[\]]{1,6}|\[?(?:back|return|zurück|retour)\]?", re.IGNORECASE)


def is_note_mark(text: str) -> bool:
    """Whether a short text may be nothing but a mark: a number, a letter, an asterisk, with or without brackets."""
    return len(text) <= 8 and _MARK.fullmatch(text.strip()) is not None


def is_back_link(text: str) -> bool:
    """Whether a link's text says that it leads from a note back to its mark."""
    return bool(text.strip()) and _BACK.fullmatch(text.strip()) is not None
