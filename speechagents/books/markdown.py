"""Markdown becomes a book: CommonMark, footnotes, and the metadata that Pandoc and static sites put at its head.

Owns what CommonMark lacks. The rest is HTML, and `xhtml` knows what that means to a listener.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from speechagents.books.book import Book
from speechagents.books.composing import MAX_BLOCK_CHARS, check_lengths
from speechagents.books.html import book_of_page
from speechagents.books.markup import parse_html
from speechagents.books.notes import Notes
from speechagents.errors import ScriptError
from speechagents.scripts.languages import language_tag

MAX_CHARS: Final = 5_000_000
_PIECE_CHARS: Final = 200_000

_FRONT: Final = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_PANDOC: Final = re.compile(r"%[ \t]*(?P<title>[^\n]*)\n(?:%[ \t]*(?P<authors>[^\n]*)\n)?(?:%[^\n]*\n)?")
_MARK: Final = re.compile(r"\[\^([^\]\s]{1,60})\](?!:)")
_NOTE: Final = re.compile(r"[ ]{0,3}\[\^([^\]\s]{1,60})\]:[ \t]*(.*)")
_FENCE: Final = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_ATTRIBUTES: Final = re.compile(r"[ \t]*\{[#.][^{}\n]{0,200}\}[ \t]*$", re.MULTILINE)
_SPAN: Final = re.compile(r"\[([^\[\]\n]{1,300})\]\{([^{}\n]{1,200})\}")
_LANGUAGE: Final = re.compile(r"""\blang=["']?([\w-]{2,20})""")
_CUTS: Final = re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE)
_SIGNS: Final = re.compile(r"^(?:#{1,6}[ \t]+\S|={3,}[ \t]*$|[ ]{0,3}\[\^[^\]\s]+\]:)", re.MULTILINE)


def looks_like_markdown(text: str) -> bool:
    """Whether a text has headings or notes as only Markdown writes them."""
    head = text[:200_000]
    return _FRONT.match(head) is not None or len(_SIGNS.findall(head)) >= 2


def read_markdown(text: str, source: str, notes: Notes = Notes.SKIP, warnings: tuple[str, ...] = ()) -> Book:
    """A book from Markdown. `Book.text` is what a reader of the page sees, not its source.

    Args:
        text: The whole of it.
        source: Name of the file, for messages.
        notes: Whether notes are voiced.
        warnings: What was doubtful before.

    Raises:
        ScriptError: It is too long, its metadata is broken, or it has nothing to read.
    """
    from markdown_it import MarkdownIt

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_CHARS:
        reason = f"longer than {MAX_CHARS // 1_000_000} million characters; split it into volumes"
        raise ScriptError(reason, source=source)
    _refuse_long(text, source)
    text, meta = _metadata(text, source)
    body = _SPAN.sub(_span, _ATTRIBUTES.sub("", _with_notes(text)))
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 40}).enable("table")
    # Chapter by chapter, for the parser's memory is a hundred times its text; links defined earlier are remembered.
    known: dict[str, Any] = {}
    page = "".join(parser.render(piece, known) for piece in _pieces(body))
    root = parse_html(f"<html><body>{page}</body></html>", source, source)
    return book_of_page(
        root,
        source,
        notes,
        warnings,
        title=_said(meta, "title"),
        authors=_several(meta, "author", "authors", "creator"),
        language=language_tag(_said(meta, "lang", "language")),
    )


def _pieces(text: str) -> Iterator[str]:
    """A text cut in front of headings, every so many characters.

    A heading inside fenced code looks alike, but novels have no such code, and all that is lost is its fence.
    """
    start = 0
    for match in _CUTS.finditer(text):
        if match.start() - start >= _PIECE_CHARS:
            yield text[start : match.start()]
            start = match.start()
    yield text[start:]


def _refuse_long(text: str, source: str) -> None:
    """Before it is parsed, which takes its time."""
    start = 0
    while (end := text.find("\n\n", start)) >= 0 or start < len(text):
        end = len(text) if end < 0 else end
        if end - start > MAX_BLOCK_CHARS:
            check_lengths(end - start, 0, source, line=text.count("\n", 0, start) + 1)
        start = end + 2


def _metadata(text: str, source: str) -> tuple[str, Mapping[str, Any]]:
    """Text without the metadata at its head, and those."""
    if (match := _FRONT.match(text)) is not None:
        import yaml

        try:
            found = yaml.safe_load(match[1])
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 2 if mark else 1
            raise ScriptError("the metadata between --- is broken YAML; mend it", source=source, line=line) from None
        # A scene break at the very beginning looks alike, but holds no fields.
        if isinstance(found, dict):
            return text[match.end() :], {str(key).lower(): value for key, value in found.items()}
        return text, {}
    match = _PANDOC.match(text)
    if match is None:
        return text, {}
    authors = [name.strip() for name in re.split(r";|,? and ", match["authors"] or "") if name.strip()]
    return text[match.end() :], {"title": match["title"].strip(), "author": authors}


def _with_notes(text: str) -> str:
    """Marks and notes as HTML, for CommonMark has none."""
    if "[^" not in text:
        return text
    lines, out = text.split("\n"), []
    fence = ""
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        note = None if fence else _NOTE.match(line)
        if note is None:
            out.append(line if fence else _MARK.sub(_mark, line))
            continue
        name = _identifier(note[1])
        out += ["", f'<aside class="footnote" role="doc-footnote" id="fn-{name}">', "", _MARK.sub(_mark, note[2])]
        # Lines that follow at once, and indented ones behind blank lines, belong to the note.
        while index < len(lines):
            line = lines[index]
            blank = not line.strip()
            goes_on = line.startswith(("    ", "\t")) or (
                not blank and lines[index - 1].strip() and not _NOTE.match(line)
            )
            if blank:
                behind = next((other for other in lines[index : index + 4] if other.strip()), "")
                goes_on = behind.startswith(("    ", "\t"))
            if not goes_on:
                break
            out.append(line[4:] if line.startswith("    ") else line.lstrip())
            index += 1
        out += ["", "</aside>", ""]
    return "\n".join(out)


def _mark(match: re.Match[str]) -> str:
    name = _identifier(match[1])
    return f'<a class="footnote-ref" role="doc-noteref" href="#fn-{name}">{name}</a>'


def _span(match: re.Match[str]) -> str:
    """Pandoc's bracketed span: its language counts, the rest of its attributes says nothing to a listener."""
    language = _LANGUAGE.search(match[2])
    return f'<span lang="{language[1]}">{match[1]}</span>' if language else match[1]


def _identifier(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name)


def _said(meta: Mapping[str, Any], *names: str) -> str:
    return next((str(meta[name]).strip() for name in names if isinstance(meta.get(name), str | int | float)), "")


def _several(meta: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    for name in names:
        value = meta.get(name)
        if isinstance(value, str) and value.strip():
            return (value.strip(),)
        if isinstance(value, list):
            found = [item.get("name", "") if isinstance(item, dict) else item for item in value]
            return tuple(item.strip() for item in found if isinstance(item, str) and item.strip())
    return ()
