"""A book as JSON and back, without loss.

Owns this form and what is checked of it. Does not know where it is kept.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from speechagents.books.book import Block, BlockKind, Book, Chapter, Cut, Tongue
from speechagents.errors import ScriptError

FORMAT: Final = "speechagents-book"
VERSION: Final = 1


def book_to_json(book: Book) -> str:
    """A book as a JSON object; the same book gives the same characters."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "title": book.title,
            "authors": list(book.authors),
            "language": book.language,
            "identifier": book.identifier,
            "source": book.source,
            "warnings": list(book.warnings),
            "cover": base64.b64encode(book.cover).decode("ascii"),
            "chapters": [
                {
                    "title": chapter.title,
                    "level": chapter.level,
                    "blocks": [_block_to_json(block) for block in chapter.blocks],
                }
                for chapter in book.chapters
            ],
            "text": book.text,
        },
        ensure_ascii=False,
    )


def book_from_json(text: str, *, source: str) -> Book:
    """The book of such an object.

    Args:
        text: The JSON.
        source: Name of the file, for messages.

    Raises:
        ScriptError: It is no JSON, of another form or version, or its blocks do not tile its text.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScriptError(f"broken JSON ({error.msg}); read the book again", source=source, line=error.lineno) from None
    except RecursionError:
        raise ScriptError("JSON nested too deeply; read the book again", source=source) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ScriptError(f'no book: its "format" is not "{FORMAT}"; read the book again', source=source)
    if found.get("version") != VERSION:
        reason = (
            f"version {str(found.get('version'))[:20]} of the form, which this release does not know; read the book "
        )
        raise ScriptError(f"{reason}again", source=source)
    fields = _Fields(found, source, "")
    chapters = tuple(
        _chapter(_Fields(chapter, source, f"chapters[{index}]"))
        for index, chapter in enumerate(fields.many("chapters", dict))
    )
    try:
        cover = base64.b64decode(fields.one("cover", str), validate=True)
        return Book(
            fields.one("text", str),
            chapters,
            fields.one("title", str),
            tuple(fields.many("authors", str)),
            fields.one("language", str),
            cover,
            fields.one("identifier", str),
            fields.one("source", str),
            tuple(fields.many("warnings", str)),
        )
    except (ValueError, binascii.Error) as error:
        raise ScriptError(f"a book whose parts do not fit ({error}); read the book again", source=source) from None


def _block_to_json(block: Block) -> dict[str, Any]:
    """Only what is not empty: a novel has thousands."""
    return {
        "kind": block.kind.value,
        "start": block.start,
        "end": block.end,
        **({"reason": block.reason} if block.reason else {}),
        **({"level": block.level} if block.level else {}),
        **({"cuts": [[cut.start, cut.end, cut.reason] for cut in block.cuts]} if block.cuts else {}),
        **({"tongues": [[it.start, it.end, it.language] for it in block.tongues]} if block.tongues else {}),
    }


class _Fields:
    """An object's fields, each with the type that is asked for."""

    def __init__(self, found: Mapping[str, Any], source: str, path: str) -> None:
        self._found, self.source, self.path = found, source, path

    def one(self, name: str, kind: type, default: object = None) -> Any:
        value = self._found.get(name, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.wrong(name)
        return value

    def many(self, name: str, kind: type) -> list[Any]:
        values = self.one(name, list)
        if not all(isinstance(value, kind) for value in values):
            raise self.wrong(name)
        return list(values)

    def stretches(self, name: str) -> list[tuple[int, int, str]]:
        """Triples of two offsets and a text."""
        found = []
        for value in self.one(name, list, []):
            fits = isinstance(value, list) and [type(part) for part in value] == [int, int, str]
            if not fits:
                raise self.wrong(name)
            found.append((value[0], value[1], value[2]))
        return found

    def wrong(self, name: str) -> ScriptError:
        place = f"{self.path}.{name}".lstrip(".")
        return ScriptError(f"{place} is missing or of the wrong type; read the book again", source=self.source)


def _chapter(fields: _Fields) -> Chapter:
    blocks = fields.many("blocks", dict)
    if not blocks:
        raise fields.wrong("blocks")
    return Chapter(
        fields.one("title", str),
        tuple(_block(_Fields(block, fields.source, f"{fields.path}.blocks[{i}]")) for i, block in enumerate(blocks)),
        fields.one("level", int),
    )


def _block(fields: _Fields) -> Block:
    try:
        return Block(
            BlockKind(fields.one("kind", str)),
            fields.one("start", int),
            fields.one("end", int),
            fields.one("reason", str, ""),
            fields.one("level", int, 0),
            tuple(Cut(*stretch) for stretch in fields.stretches("cuts")),
            tuple(Tongue(*stretch) for stretch in fields.stretches("tongues")),
        )
    except ValueError as error:
        raise ScriptError(f"{fields.path}: {error}; read the book again", source=fields.source) from None
