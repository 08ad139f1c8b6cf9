"""The opening and closing credits of an audiobook.

Owns their words, in the languages that have been written so far, and their lines. Shops ask for both: title, author
and who reads at the beginning, and that it is over at the end; that the voices are synthetic is said in either, because
listeners have a right to know it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from speechagents.drama import NARRATOR, Line, Scene
from speechagents.errors import SettingsError
from speechagents.novel.wording import spoken_heading
from speechagents.scripts.spoken import is_speakable, split_speech

OPENING_LINES: Final = 9
"""Numbers kept for the opening credits: the book begins with the next one, however many of them are used."""

MAX_CREDIT_CHARS: Final = 2_000
_LINE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said in one language; ``{title}``, ``{author}`` and ``{reader}`` are filled in."""

    opening_title: str
    closing_title: str
    by: str
    read: str
    read_by: str
    was: str
    untitled: str
    end: str


_ENGLISH: Final = _Words(
    opening_title="Opening credits",
    closing_title="Closing credits",
    by="{title}, by {author}.",
    read="Read by synthetic voices.",
    read_by="Read by {reader}, with synthetic voices.",
    was="This was {title}",
    untitled="This recording is over.",
    end="The end.",
)
_WORDS: Final = {
    "en": _ENGLISH,
    "de": _Words(
        opening_title="Vorspann",
        closing_title="Abspann",
        by="{title}. Von {author}.",
        read="Gelesen von künstlichen Stimmen.",
        read_by="Gelesen von {reader}, mit künstlichen Stimmen.",
        was="Das war {title}",
        untitled="Die Aufnahme ist zu Ende.",
        end="Ende.",
    ),
    "fr": _Words(
        opening_title="Générique de début",
        closing_title="Générique de fin",
        by="{title}, de {author}.",
        read="Lu par des voix de synthèse.",
        read_by="Lu par {reader}, avec des voix de synthèse.",
        was="C'était {title}",
        untitled="L'enregistrement est terminé.",
        end="Fin.",
    ),
    "es": _Words(
        opening_title="Créditos iniciales",
        closing_title="Créditos finales",
        by="{title}, de {author}.",
        read="Leído por voces sintéticas.",
        read_by="Leído por {reader}, con voces sintéticas.",
        was="Esto ha sido {title}",
        untitled="La grabación ha terminado.",
        end="Fin.",
    ),
}
_AND: Final = {"en": "and", "de": "und", "fr": "et", "es": "y"}


@dataclass(frozen=True, slots=True)
class Credits:
    """What is said before and after a book.

    Attributes:
        opening_title: Title of the opening's chapter.
        opening: Its text.
        closing_title: Title of the closing's chapter.
        closing: Its text.
    """

    opening_title: str
    opening: str
    closing_title: str
    closing: str

    def opening_scene(self) -> Scene:
        """The opening with its lines, numbered from 1."""
        return _scene(self.opening_title, self.opening, 1)

    def closing_scene(self, first_line: int) -> Scene:
        """The closing with its lines, numbered from `first_line`."""
        return _scene(self.closing_title, self.closing, first_line)


def write_credits(
    title: str, authors: tuple[str, ...], language: str, *, reader: str = "", opening: str = "", closing: str = ""
) -> Credits:
    """Word the credits of a book.

    Args:
        title: The book's, possibly empty.
        authors: Their names.
        language: BCP 47 tag; English where the language has not been written.
        reader: Who is named as the narrator, empty for nobody.
        opening: Text of the opening instead of the usual one.
        closing: Text of the closing instead of the usual one.

    Raises:
        SettingsError: A text is longer than `MAX_CREDIT_CHARS`, or has no word in it.
    """
    for option, text in (("opening", opening), ("closing", closing)):
        if len(text) > MAX_CREDIT_CHARS:
            raise SettingsError(
                f"the {option} credits have {len(text)} characters; at most {MAX_CREDIT_CHARS} are read"
            )
        if text and not is_speakable(text):
            raise SettingsError(
                f"the {option} credits “{text[:40]}” have no word in them; write some, or leave them out"
            )
    tag = language.casefold().partition("-")[0]
    words = _WORDS.get(tag, _ENGLISH)
    names = [" ".join(author.split()) for author in authors if author.strip()]
    author = f" {_AND.get(tag, 'and')} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    title = " ".join(title.split()).rstrip(" .")
    head = words.by.format(title=title, author=author) if title and author else spoken_heading(title)
    read = words.read_by.format(reader=" ".join(reader.split())) if reader.strip() else words.read
    was = words.was.format(title=title) + "." if title else words.untitled
    return Credits(
        words.opening_title,
        " ".join(opening.split()) or f"{head} {read}".strip(),
        words.closing_title,
        " ".join(closing.split()) or f"{was} {read} {words.end}",
    )


def _scene(title: str, text: str, first_line: int) -> Scene:
    pieces = [piece for piece in split_speech(text, _LINE_CHARS) if is_speakable(piece)]
    lines = (
        Line(number=first_line + index, role=NARRATOR, text=piece, continues=index > 0)
        for index, piece in enumerate(pieces)
    )
    return Scene(title, items=tuple(lines))
