"""The document model of a script: what stands in it, in order, whatever form it was written in.

Owns the elements and the normal form of their texts. Does not know any file syntax (`fountain`, `dialogue`, `fdx`,
`script_json`) nor how a script is performed (`breakdown`). Equality of two scripts means: the same text in
the same places; line numbers of the source take no part in it.

Every element brings its text into a normal form when it is made: outer white space and empty lines go, a text of
one line has one line, neighbouring runs of speech are one. What no screenplay can hold (a note without an end, a
nameless role) raises `ValueError`. So every `Script` that exists can be written in every form and read back equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby

from speechagents.drama import role_key
from speechagents.scripts.cue import MAX_EXTENSIONS, is_extension, is_name, is_plain, split_cue
from speechagents.scripts.inline import lines_of, one_line, unify

MAX_SECTION_DEPTH = 9

# Fountain's list (INT, EXT, EST, INT./EXT, INT/EXT, I/E, then a dot or a space) and the same pairs turned round.
_HEADING = re.compile(r"(?:INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E|E/I)[. ]", re.IGNORECASE)


class PartKind(StrEnum):
    """What a part of a dialogue block is."""

    SPEECH = "speech"
    PARENTHETICAL = "parenthetical"
    LYRIC = "lyric"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of speech, a parenthetical (without its brackets) or sung lines inside a dialogue block.

    Text keeps Fountain's emphasis marks and ``[[notes]]`` as written; it may hold newlines.
    """

    kind: PartKind
    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind is PartKind.PARENTHETICAL:
            _set(self, text=one_line(self.text))
        else:
            _set(self, text="\n".join(_trimmed([line.strip() for line in lines_of(unify(self.text))])))
        if not self.text:
            raise ValueError(f"a {self.kind.value} needs text")


@dataclass(frozen=True, slots=True)
class Heading:
    """A scene heading (slug line), for example ``INT. KITCHEN - DAY``, without a leading dot or number."""

    text: str
    number: str = ""
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=_required(one_line(self.text), "a heading"), number=self.number.strip())
        if not all(character.isalnum() or character in ".-" for character in self.number):
            raise ValueError("a scene number is made of letters, digits, dots and dashes")


@dataclass(frozen=True, slots=True)
class Action:
    """Description of what happens; one paragraph, may hold newlines but no empty line.

    White space at the start of a line is kept unless it is centred; a tab is four spaces.
    """

    text: str
    centered: bool = False
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        lines = [line.rstrip() for line in lines_of(unify(self.text).replace("\t", "    "))]
        if self.centered:
            lines = [line.strip() for line in lines]
        _set(self, text=_required("\n".join(line for line in lines if line), "an action"))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A character cue and what follows it.

    Attributes:
        character: The name as written, without extensions, ``@`` or ``^``.
        parts: Speech, parentheticals and lyrics, in order.
        extensions: What stands in brackets behind the name: ``V.O.``, ``CONT'D``, ``on the radio``.
        dual: Spoken at the same time as the dialogue before it.
    """

    character: str
    parts: tuple[Part, ...]
    extensions: tuple[str, ...] = ()
    dual: bool = False
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        given = tuple(" ".join(one_line(text).split()) for text in self.extensions)
        cue = split_cue(one_line(self.character), max_extensions=MAX_EXTENSIONS - len(given))
        extensions = cue.extensions + given
        if not is_name(cue.name):
            raise ValueError("a character needs a name without backslashes, notes and comments")
        if len(extensions) > MAX_EXTENSIONS or not all(map(is_extension, extensions)):
            raise ValueError(
                f"at most {MAX_EXTENSIONS} extensions follow a name, without backslashes, notes and lone brackets"
            )
        if not self.parts:
            raise ValueError("a dialogue needs something to say")
        _set(self, character=cue.name, extensions=extensions, parts=tuple(_merged(self.parts)))


@dataclass(frozen=True, slots=True)
class Lyric:
    """Sung text outside any dialogue."""

    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=Part(PartKind.LYRIC, self.text).text)


@dataclass(frozen=True, slots=True)
class Transition:
    """``CUT TO:`` and its kin."""

    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=_required(one_line(self.text), "a transition"))


@dataclass(frozen=True, slots=True)
class Section:
    """An outline heading; depth 1 is the outermost. Not performed."""

    text: str
    depth: int = 1
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=one_line(self.text))
        if not 1 <= self.depth <= MAX_SECTION_DEPTH:
            raise ValueError(f"a section's depth of {self.depth} is not between 1 and {MAX_SECTION_DEPTH}")


@dataclass(frozen=True, slots=True)
class Synopsis:
    """A summary of what follows, in one line. Not performed."""

    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=one_line(self.text))


@dataclass(frozen=True, slots=True)
class Note:
    """A note that stands on its own, without its double brackets. Notes inside text stay in that text."""

    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text="\n".join(line.rstrip() for line in unify(self.text).split("\n")).strip())
        if "[[" in self.text or "]]" in self.text:
            raise ValueError("a note cannot hold double brackets")


@dataclass(frozen=True, slots=True)
class Boneyard:
    """Text that the author struck out, without the comment marks. Not performed, never lost."""

    text: str
    source_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        _set(self, text=unify(self.text).strip())
        if "*/" in self.text:
            raise ValueError("a boneyard cannot hold */, which ends it")


@dataclass(frozen=True, slots=True)
class PageBreak:
    """A forced page break."""

    source_line: int = field(default=0, compare=False)


Element = Heading | Action | Dialogue | Lyric | Transition | Section | Synopsis | Note | Boneyard | PageBreak


@dataclass(frozen=True, slots=True)
class Script:
    """A screenplay or dialogue.

    Attributes:
        elements: Everything in the body, in order.
        title_page: Keys and values of the title page in order; a value may hold newlines. One without a value is
            left out.
        source: Name of the file it was read from, for messages; takes no part in equality.
    """

    elements: tuple[Element, ...]
    title_page: tuple[tuple[str, str], ...] = ()
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        entries = ((one_line(key), _title_value(value)) for key, value in self.title_page)
        _set(self, title_page=tuple(entry for entry in entries if entry[1]))
        if not all(is_title_key(key) for key, _ in self.title_page):
            raise ValueError("a title page key begins with a letter, is no heading and holds no colon or markup")

    def title_value(self, key: str) -> str:
        """Value of a title page key without regard to case, empty if it is not there."""
        return next((value for name, value in self.title_page if name.casefold() == key.casefold()), "")

    @property
    def title(self) -> str:
        """The title, its lines joined and emphasis marks removed, or empty."""
        return " ".join(self.title_value("title").replace("*", "").replace("_", "").split())

    @property
    def characters(self) -> Sequence[str]:
        """Character names as first written, in order of appearance, one per `role_key`."""
        names: dict[str, str] = {}
        for element in self.elements:
            if isinstance(element, Dialogue):
                names.setdefault(role_key(element.character), element.character)
        return tuple(names.values())


def is_title_key(text: str) -> bool:
    """Whether it can stand before the colon of a title page entry."""
    return (
        text[:1].isalpha() and ":" not in text and "\n" not in text and is_plain(text) and not is_natural_heading(text)
    )


def is_natural_heading(text: str) -> bool:
    """Whether a line is a scene heading without a forcing dot: ``INT. KITCHEN``, ``ext/int car``."""
    return _HEADING.match(text) is not None


def _set(element: object, **values: object) -> None:
    """Give fields of a frozen value their normal form."""
    for name, value in values.items():
        object.__setattr__(element, name, value)


def _required(text: str, what: str) -> str:
    if not text:
        raise ValueError(f"{what} needs text")
    return text


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    """Lines without empty ones at either end."""
    filled = [index for index, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else ()


def _merged(parts: Sequence[Part]) -> Iterator[Part]:
    """Parts with neighbouring runs of one kind joined; each parenthetical stays its own."""
    for kind, run in groupby(parts, key=lambda part: part.kind):
        if kind is PartKind.PARENTHETICAL:
            yield from run
        else:
            first, *more = run
            yield replace(first, text="\n".join((first.text, *(part.text for part in more)))) if more else first


def _title_value(value: str) -> str:
    lines = (line.strip() for line in lines_of(unify(value)))
    return "\n".join(line for line in lines if line)
