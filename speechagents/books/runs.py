"""The characters of one block while a page or document is read.

Owns white space, cuts and stretches in other languages inside a block. Does not know elements but as tokens that open
and close.
"""

from __future__ import annotations

import re
from typing import Final

from speechagents.books.book import Cut, Tongue
from speechagents.books.markup import Element

_SPACE: Final = re.compile(r"[ \t\r\n\f]+")


class Run:
    """The characters of one block while it is read, with what is cut and what is in another language."""

    def __init__(self, cut: tuple[Element, str] | None = None, language: str = "") -> None:
        self._pieces: list[str] = []
        self.length = 0
        """How many characters have been read."""
        self._last = "\n"
        self._cuts: list[Cut] = []
        self._open: tuple[Element, int, str] | None = (cut[0], 0, cut[1]) if cut else None
        self._tongues: list[Tongue] = []
        self._language, self._language_start = language, 0
        self._link: tuple[Element, int] | None = None
        self.linked = 0
        """How many characters are links to places in the book."""
        self.is_blank = False
        """Whether white space was put there on purpose."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been read yet."""
        return self.length == 0

    def tail(self) -> str:
        """The last few characters."""
        return "".join(self._pieces[-3:])[-12:]

    def text(self, raw: str, *, keep: bool) -> None:
        """Append characters, white space collapsed unless it is kept."""
        if keep:
            self._append(raw.replace("\r\n", "\n").replace("\r", "\n"))
            return
        text = _SPACE.sub(" ", raw)
        if self._last in " \n" and text.startswith(" "):
            text = text[1:]
        self.is_blank = self.is_blank or "\xa0" in text
        self._append(text)

    def newline(self) -> None:
        """A line ends here."""
        self.is_blank = True
        if self.length:
            self._append("\n")

    def speak(self, language: str) -> None:
        """What follows is in another language than the book, or in the book's (empty)."""
        if language == self._language:
            return
        self._end_tongue()
        self._language, self._language_start = language, self.length

    def open_cut(self, element: Element, reason: str) -> None:
        """What follows is not spoken, until the element ends."""
        if self._open is None:
            self._open = (element, self.length, reason)

    def close_cut(self, element: Element) -> None:
        """An element ends, and with it what it cut."""
        if self._open is not None and self._open[0] is element:
            _, start, reason = self._open
            self._open = None
            self.cut_from(start, reason)

    def cut_from(self, start: int, reason: str) -> None:
        """What has been read from a place on is not spoken."""
        if self.length > start:
            self._cuts.append(Cut(start, self.length, reason))

    def open_link(self, element: Element) -> None:
        """What follows is a link, until the element ends."""
        self._link = (element, self.length)

    def close_link(self, element: Element) -> None:
        """An element ends, and with it a link."""
        if self._link is not None and self._link[0] is element:
            self.linked += self.length - self._link[1]
            self._link = None

    def taken(self) -> tuple[str, tuple[Cut, ...], tuple[Tongue, ...]]:
        """Text without white space around it, cuts, and stretches in other languages."""
        self._end_tongue()
        if self._open is not None:
            self.cut_from(self._open[1], self._open[2])
        whole = "".join(self._pieces)
        text = whole.strip()
        front = len(whole) - len(whole.lstrip())
        end = front + len(text)
        cuts = tuple(
            Cut(max(cut.start, front) - front, min(cut.end, end) - front, cut.reason)
            for cut in self._cuts
            if min(cut.end, end) > max(cut.start, front)
        )
        tongues = tuple(
            Tongue(max(tongue.start, front) - front, min(tongue.end, end) - front, tongue.language)
            for tongue in self._tongues
            if min(tongue.end, end) > max(tongue.start, front)
        )
        return text, cuts, tongues

    def follower(self) -> Run:
        """The next block's, inside the same elements."""
        return Run((self._open[0], self._open[2]) if self._open else None, self._language)

    def _append(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self.length += len(text)
            self._last = text[-1]

    def _end_tongue(self) -> None:
        if self._language and self.length > self._language_start:
            self._tongues.append(Tongue(self._language_start, self.length, self._language))
        self._language_start = self.length


def without(text: str, cuts: tuple[Cut, ...]) -> str:
    """A text without what is cut from it."""
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : cut.start])
        at = cut.end
    return "".join([*pieces, text[at:]])
