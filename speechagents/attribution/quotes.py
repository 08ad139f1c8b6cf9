"""Quotation marks become quotations: which characters of a paragraph are said by somebody.

Owns the families of marks and the rules by which marks pair up. Does not know who speaks.

The family of a text is the one that opens most stretches: double (``“ ” „ "``), single (``‘ ’ '``), guillemets
(``« »``, either way round) or dashes at the start of a paragraph. Marks of the other families inside it are nested
and stay part of the quotation around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from speechagents.attribution.lexicon import word_set


class Marks(Enum):
    """Families of quotation marks."""

    DOUBLE = "double"
    SINGLE = "single"
    GUILLEMETS = "guillemets"
    DASH = "dash"


@dataclass(frozen=True, slots=True)
class QuoteSpan:
    """A quotation, or the part of it that stands in one paragraph.

    Attributes:
        start: Offset of its opening mark.
        end: Offset behind its closing mark.
        paragraph: Index of the paragraph.
        resumes: It goes on with the quotation that was left open in the paragraph before.
    """

    start: int
    end: int
    paragraph: int
    resumes: bool = False


_OPENS_DOUBLE: Final = re.compile(r"[“„]|(?:(?<=[\s(\[—–\-_])|^)\"(?=[^\s])", re.MULTILINE)
_OPENS_SINGLE: Final = re.compile(r"(?:(?<=[\s(\[—–])|^)[‘'](?=[^\W\d_])[^‘'’\n]*(?:\n[^‘'’\n]+)*", re.MULTILINE)
_SINGLE_SPEECH: Final = re.compile(r"[.,!?…—–\-][’'](?![^\W_])")
_OPENS_GUILLEMETS: Final = re.compile(r"[«»](?=[^\s])|«(?=\s)")
_OPENS_DASH: Final = re.compile(r"[ \t]*(?:[—–―]|--)[ \t]*(?=[^\s\-—–―])")
# “—Ven —dijo Emma—. Ahora mismo.”: the dash that ends what the narrator puts in may stand right behind it.
_INNER_DASH: Final = re.compile(
    r"(?<=[\s.,!?…])(?:[—–―]|--)(?=\s?[^\W\d_])|(?P<behind>(?<=[^\W_])(?:[—–―]|--)(?=[\s.,;:!?…])[.,;:!?…]*\s*)"
)
_MARKS_DOUBLE: Final = re.compile(r"[“”„\"]")
_MARKS_SINGLE: Final = re.compile(r"[‘’']")
_MARKS_GUILLEMETS: Final = re.compile(r"[«»]")
_OPENS_SINGLE_INSIDE: Final = re.compile(r"(?<=[\s(\[—–])[‘'](?=[^\W\d_])")
_LETTERS: Final = re.compile(r"[^\W\d_]*")
_SURE_ELISIONS: Final = word_set("tis twas twere twill twould twixt em neath gainst pon")
_ELISIONS: Final = _SURE_ELISIONS | word_set(
    "til till cause bout cos ere un ee ave ad is ow im er alf ope ome ouse and ead round most"
)
_LOOKAHEAD: Final = 3
"""Most paragraphs that a quotation without marks at their start runs on through: a verse, a list."""


def find_marks(text: str) -> Marks:
    """The family of quotation marks that a text uses for speech."""
    double = sum(1 for _ in _OPENS_DOUBLE.finditer(text))
    single = sum(
        1 for match in _OPENS_SINGLE.finditer(text) if _SINGLE_SPEECH.search(text, match.end() - 1, match.end() + 1)
    )
    guillemets = sum(1 for _ in _OPENS_GUILLEMETS.finditer(text)) // 2
    dashes = sum(1 for line in text.split("\n") if _OPENS_DASH.match(line))
    counts = {Marks.DOUBLE: double, Marks.SINGLE: single, Marks.GUILLEMETS: guillemets, Marks.DASH: dashes}
    best = max(counts, key=lambda marks: counts[marks])
    # Dashes also stand before lists and verse: they must clearly outnumber the marks that mean nothing else.
    if best is Marks.DASH and dashes < 2 * max(double, single, guillemets):
        best = max((Marks.DOUBLE, Marks.SINGLE, Marks.GUILLEMETS), key=lambda marks: counts[marks])
    return best


def find_quotes(text: str, paragraphs: Sequence[tuple[int, int]], marks: Marks | None = None) -> list[QuoteSpan]:
    """All quotations of a text.

    Args:
        text: The text.
        paragraphs: Offsets of its paragraphs, in order.
        marks: The family; None finds out.

    Returns:
        Spans in order, apart from each other, each inside one paragraph.
    """
    marks = marks or find_marks(text)
    if marks is Marks.DASH:
        return [span for index, (start, end) in enumerate(paragraphs) for span in _dashed(text, start, end, index)]
    read = {Marks.DOUBLE: _double, Marks.SINGLE: _single, Marks.GUILLEMETS: _guillemets}[marks]
    signs = [list(read(text, start, end)) for start, end in paragraphs]
    spans: list[QuoteSpan] = []
    left_open = False
    for index, (start, end) in enumerate(paragraphs):
        found = signs[index]
        resumes = left_open
        opened: int | None = None
        if left_open and not (found and found[0].may_open and _is_first(text, start, found[0].offset)):
            # No mark at its start: the quotation runs on only if its closing mark comes within reach.
            if _closes_ahead(text, paragraphs, signs, index):
                opened = start
            else:
                resumes = False
        for sign in found:
            if opened is None:
                if sign.may_open and (sign.sure or not sign.may_close):
                    opened = sign.offset
            elif sign.may_close:
                spans.append(QuoteSpan(opened, sign.offset + 1, index, resumes))
                opened, resumes = None, False
            elif sign.sure:
                # A new quotation opens though nobody closed the last one.
                spans.append(QuoteSpan(opened, _trimmed(text, opened, sign.offset), index, resumes))
                opened, resumes = sign.offset, False
        left_open = opened is not None
        if opened is not None and _trimmed(text, opened, end) > opened:
            spans.append(QuoteSpan(opened, _trimmed(text, opened, end), index, resumes))
    return spans


@dataclass(frozen=True, slots=True)
class _Sign:
    """A quotation mark and what it can be; `sure` if it opens beyond doubt."""

    offset: int
    may_open: bool
    may_close: bool
    sure: bool = False


def _double(text: str, start: int, end: int) -> Iterator[_Sign]:
    low = False
    for match in _MARKS_DOUBLE.finditer(text, start, end):
        at = match.start()
        mark = match.group()
        if mark in "“„":
            # “ closes what „ opened.
            yield _Sign(at, may_open=True, may_close=mark == "“" and low, sure=True)
            low = low or mark == "„"
        elif mark == "”":
            yield _Sign(at, may_open=False, may_close=True)
        else:
            before = text[at - 1] if at > start else " "
            after = text[at + 1] if at + 1 < end else " "
            opens = (before.isspace() or before in "([—–-_'‘") and not after.isspace()
            closes = not before.isspace() and (after.isspace() or after in ")]—–-.,;:!?_'’")
            if opens == closes:
                yield _Sign(at, may_open=True, may_close=True, sure=True)
            else:
                # Beside a typing error a mark that closes is still taken for a closing one only.
                yield _Sign(at, may_open=opens, may_close=closes or not opens, sure=opens)


def _single(text: str, start: int, end: int) -> Iterator[_Sign]:
    closes_later = _ClosesLater(text, start, end)
    for match in _MARKS_SINGLE.finditer(text, start, end):
        at = match.start()
        mark = match.group()
        before = text[at - 1] if at > start else " "
        after = text[at + 1] if at + 1 < end else " "
        if before.isalnum() and after.isalnum():
            continue
        opens = (before.isspace() or before in '([—–-"“') and not after.isspace() and after not in ",.;:)]"
        if opens and _is_elision(text, start, at):
            continue
        if opens or mark == "‘":
            yield _Sign(at, may_open=True, may_close=False, sure=True)
        elif before in ".,!?…—–-;:)" or (
            not before.isspace() and (after in ".,;:!?)—–" or at + 1 >= end or not closes_later.than(at))
        ):
            yield _Sign(at, may_open=False, may_close=True)


def _is_elision(text: str, start: int, at: int) -> bool:
    """Whether a mark that could open stands for letters that are left out: ’tis, ’em."""
    word = _LETTERS.match(text, at + 1)
    follows = word.group().lower() if word else ""
    if follows in _SURE_ELISIONS or (text[at] == "’" and at > start):
        return True
    return follows in _ELISIONS and not _is_first(text, start, at) and text[max(start, at - 2)] not in ",:.?!—"


class _ClosesLater:
    """Whether a mark behind punctuation closes before another one opens: then this one is an apostrophe.

    It is asked for places in rising order, and looks at each character once.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._end = end
        self._closing = start - 1
        self._opening = start - 1

    def than(self, at: int) -> bool:
        self._closing = self._next(_SINGLE_SPEECH, self._closing, at)
        self._opening = self._next(_OPENS_SINGLE_INSIDE, self._opening, at)
        return self._closing < self._end and self._closing < self._opening

    def _next(self, pattern: re.Pattern[str], known: int, at: int) -> int:
        """Where a pattern is found behind a place, the end if nowhere."""
        if known > at:
            return known
        found = pattern.search(self._text, at + 1, self._end)
        return found.start() if found else self._end


def _guillemets(text: str, start: int, end: int) -> Iterator[_Sign]:
    for match in _MARKS_GUILLEMETS.finditer(text, start, end):
        at = match.start()
        before = text[at - 1] if at > start else " "
        after = text[at + 1] if at + 1 < end else " "
        # French sets thin spaces inside; German sets »this way«.
        inward = before.isspace() or before in "([—–-" or at == start
        outward = after.isspace() or after in ".,;:!?)—–-"
        french = match.group() == "«"
        if inward and outward:
            yield _Sign(at, may_open=french, may_close=not french, sure=french)
        else:
            yield _Sign(at, may_open=inward, may_close=not inward, sure=inward)


def _dashed(text: str, start: int, end: int, paragraph: int) -> Iterator[QuoteSpan]:
    """A paragraph that begins with a dash is speech; between two further dashes the narrator may break in."""
    opening = _OPENS_DASH.match(text, start, end)
    if opening is None:
        return
    at, speaking = opening.start() + len(opening.group()) - len(opening.group().lstrip()), True
    for dash in _INNER_DASH.finditer(text, opening.end(), end):
        if speaking:
            follows = text[dash.end() : dash.end() + 2].strip()[:1]
            if dash["behind"] or not follows.islower():
                continue  # a new sentence behind a dash is still the speaker's
            yield QuoteSpan(at, _trimmed(text, at, dash.start()), paragraph)
        else:
            at = dash.end() if dash["behind"] else dash.start()
        speaking = not speaking
    if speaking and _trimmed(text, at, end) > at:
        yield QuoteSpan(at, _trimmed(text, at, end), paragraph)


def _is_first(text: str, start: int, offset: int) -> bool:
    return all(text[at] in " \t\r\n_*—–-(" for at in range(start, offset))


def _closes_ahead(
    text: str, paragraphs: Sequence[tuple[int, int]], signs: Sequence[Sequence[_Sign]], index: int
) -> bool:
    for ahead in range(index, min(index + _LOOKAHEAD, len(paragraphs))):
        if signs[ahead]:
            first = signs[ahead][0]
            return first.may_close and not (first.sure or _is_first(text, paragraphs[ahead][0], first.offset))
    return False


def _trimmed(text: str, start: int, end: int) -> int:
    """The end of a stretch without white space."""
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
