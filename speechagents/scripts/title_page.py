"""The title page: ``Key: value`` lines at the head of a script, longer values indented below their key.

Owns its reading and writing, the same for Fountain and for the fenced head of the dialogue form. Does not know
what the keys mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from speechagents.scripts.inline import SourceLine, lines_of
from speechagents.scripts.script import is_title_key

TitlePage = tuple[tuple[str, str], ...]

KNOWN_KEYS = frozenset(
    {
        *("title", "credit", "author", "authors", "source", "draft date", "date", "contact", "copyright", "notes"),
        *("revision", "language", "lang", "episode", "series", "subtitle", "version", "narrator", "genre"),
    }
)
"""Keys that make a first line a title page even if the lines below it are none; Fountain's own and a few more."""

_INDENT = "    "


def read_title_page(lines: Sequence[SourceLine]) -> tuple[TitlePage, int]:
    """Read the title page if there is one.

    It begins with the first line that is not blank and ends with a blank one. ``FADE IN:`` with nothing behind it
    is none, nor is a lone sentence with a colon that more text follows: all lines are keys or indented values, or
    one of the keys is known.

    Returns:
        The entries, empty without a title page, and the index of the first line behind it.
    """
    start = next((index for index, line in enumerate(lines) if line.text.strip()), len(lines))
    entries: list[tuple[str, list[str]]] = []
    end, whole = start, True
    while end < len(lines) and lines[end].text.strip():
        text = lines[end].text
        key, colon, value = text.partition(":")
        if entries and text[0] in " \t":
            entries[-1][1].append(text)
        elif colon and is_title_key(key.strip()):
            entries.append((key.strip(), [value]))
        else:
            whole = False
            break
        end += 1
    known = any(key.casefold() in KNOWN_KEYS for key, _ in entries)
    filled = any(text.strip() for _, texts in entries for text in texts)
    if not filled or not (whole or known):
        return (), start
    return tuple((key, "\n".join(texts)) for key, texts in entries), end


def write_title_page(entries: TitlePage) -> str:
    """Entries as lines, without the blank line or fence that ends them."""
    written = []
    for key, value in entries:
        lines = lines_of(value)
        if len(lines) > 1:
            written.append("\n".join((f"{key}:", *(_INDENT + line for line in lines))))
        else:
            written.append(f"{key}: {value}")
    return "\n".join(written)
