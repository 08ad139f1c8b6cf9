"""What a report consists of, whatever it is written as: headings, paragraphs, lists, tables, commands, pictures.

Owns the values. Does not know what a report says, nor how it is written down. All texts are plain: whoever writes them
down escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list.

    Attributes:
        items: A term, which may be empty, and what is said of it.
    """

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows.
        head: Of each column; the first column names the rows.
        rows: As many cells each as there are columns.
        notes: Below it.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError(f"a row of {self.caption!r} has not {len(self.head)} cells")


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a terminal."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Plots as SVG, which are markup already; only a form that can hold them shows them."""

    svgs: tuple[str, ...]


Block: TypeAlias = Paragraph | Items | Table | Commands | Pictures


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading.

    Attributes:
        heading: Its own.
        blocks: What is below it.
    """

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Attributes:
        title: Of the whole.
        sections: In order.
    """

    title: str
    sections: tuple[Section, ...]
