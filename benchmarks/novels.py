"""A novel with annotated quotations, as a Fountain screenplay: a real, long text with many roles.

Reads a novel of the Project Dialogism Novel Corpus (Vishnubhotla, Hammond and Hirst, LREC 2022, arXiv 2204.05836):
``novel_text.txt``, ``quotation_info.csv`` and ``character_info.csv``. Chapters become scenes, narration becomes
action, quotations become dialogue of the annotated speaker. Nothing of the corpus is part of this project.
"""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import dataclass
from pathlib import Path

GROUP = "SEVERAL VOICES"
UNKNOWN = "A VOICE"
_STAND_INS = {"_group": GROUP, "_unknowable": UNKNOWN}
_CHAPTER = re.compile(
    r"(?:chapter|part|book|volume)\s+(?:[ivxlc]+|\d+|one|two|three)\b[^\n]{0,60}|[IVXLC]+\.?", re.IGNORECASE
)
_PARAGRAPHS = re.compile(r"(?:[ \t]*\r?\n){2,}")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_QUOTE_OPENS = re.compile(r"[\"“]\s*\Z")
_QUOTE_CLOSES = re.compile(r"\A\s*[\"”]")


@dataclass(frozen=True, slots=True)
class _Quote:
    """A stretch of speech: characters ``start`` to ``end`` of the novel, and its place in the quotation."""

    start: int
    end: int
    speaker: str
    resumes: bool


def from_novel(folder: Path) -> str:
    """Turn an annotated novel into Fountain.

    Args:
        folder: Holds the three files of one novel of the corpus.

    Raises:
        OSError: A file is missing.
        ValueError: A file is not in the corpus's form.
    """
    # Offsets count characters of the text as it is stored: newlines must not be translated.
    text = (folder / "novel_text.txt").read_bytes().decode("utf-8")
    blocks = [f"Title: {_BETWEEN_WORDS.sub(' ', folder.name)}\nCredit: Adapted by rule\nLanguage: en"]
    position = 0
    for quote in _quotes(folder, length=len(text)):
        blocks += _narration(_QUOTE_OPENS.sub("", _QUOTE_CLOSES.sub("", text[position : quote.start])))
        speech = _speakable(text[quote.start : quote.end].strip('"“” \t\r\n'))
        if speech:
            extension = " (CONT'D)" if quote.resumes else ""
            blocks.append(f"@{quote.speaker}{extension}\n{speech}")
        position = quote.end
    blocks += _narration(_QUOTE_CLOSES.sub("", text[position:]))
    return "\n\n".join(blocks) + "\n"


def _quotes(folder: Path, *, length: int) -> list[_Quote]:
    """The quotations in the order of the text, cut where they overlap; what the narrator says is left out."""
    names = _main_names(folder)
    found = []
    with (folder / "quotation_info.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                spans, speaker = ast.literal_eval(row["quoteByteSpans"]), row["speaker"]
                spans = [(int(start), int(end)) for start, end in spans]
            except (KeyError, TypeError, ValueError, SyntaxError) as error:
                raise ValueError(f"{folder / 'quotation_info.csv'}: not in the corpus's form ({error})") from error
            if speaker == "_narr":
                continue
            cue = _STAND_INS.get(speaker) or _cue(names.get(_identity(speaker), speaker)) or UNKNOWN
            found += [_Quote(start, end, cue, resumes=place > 0) for place, (start, end) in enumerate(spans)]
    quotes: list[_Quote] = []
    for quote in sorted(found, key=lambda q: (q.start, q.end)):
        start = max(quote.start, quotes[-1].end if quotes else 0)
        if start < quote.end <= length:
            quotes.append(_Quote(start, quote.end, quote.speaker, quote.resumes))
    return quotes


def _main_names(folder: Path) -> dict[str, str]:
    """Main name of every name and alias."""
    names: dict[str, str] = {}
    with (folder / "character_info.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                aliases = ast.literal_eval(row["Aliases"])
                main = row["Main Name"]
            except (KeyError, ValueError, SyntaxError) as error:
                raise ValueError(f"{folder / 'character_info.csv'}: not in the corpus's form ({error})") from error
            names[_identity(main)] = main
            for alias in aliases:
                names.setdefault(_identity(str(alias)), main)
    return names


def _identity(name: str) -> str:
    """A name without case, punctuation and repeated white space."""
    return " ".join(re.sub(r"[^\w' ]", " ", name).casefold().split())


def _cue(name: str) -> str:
    """A name as a character cue: capitals, without the marks that mean something in a cue."""
    return " ".join(re.sub(r"[()^@\[\]*_]", " ", name).upper().split())


def _narration(stretch: str) -> list[str]:
    """Action paragraphs, and a scene heading for each chapter title, of what stands between two quotations."""
    blocks = []
    for paragraph in _PARAGRAPHS.split(stretch):
        words = _speakable(paragraph)
        first, _, rest = paragraph.strip().partition("\n")
        if _CHAPTER.fullmatch(first.strip()):
            blocks.append(f".{_speakable(first).upper()}")
            words = _speakable(rest)
        if any(character.isalnum() for character in words):
            blocks.append(f"!{words}")  # forced: no paragraph of a novel may be misread as a cue or transition
    return blocks


def _speakable(text: str) -> str:
    """One line of plain text without the marks that mean something in Fountain."""
    line = " ".join(text.split())
    for mark, plain in (
        ("\\", ""),
        ("[[", "["),
        ("]]", "]"),
        ("/*", "/"),
        ("*/", "/"),
        ("*", ""),
        ("_", ""),
        ("~", "-"),
    ):
        line = line.replace(mark, plain)
    # A speech that stands wholly in brackets would be read as a parenthetical.
    return line[1:-1].strip() if line.startswith("(") and line.endswith(")") else line.strip()
