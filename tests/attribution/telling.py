"""Short texts, read as novels are."""

from __future__ import annotations

from collections.abc import Sequence

from speechagents.attribution.clues import Ref, RefKind
from speechagents.attribution.novel import Novel, read_novel
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Character, Gender

EMMA = Character("Emma Hart", ("Emma",), Gender.FEMALE)
TOM = Character("Tom Reed", ("Tom",), Gender.MALE)
LUCY = Character("Lucy Vane", ("Lucy",), Gender.FEMALE)
LANDLORD = Character("The Landlord", (), Gender.MALE)
CAST = (EMMA, TOM, LUCY, LANDLORD)


def laid_out(*paragraphs: str) -> tuple[str, list[tuple[int, int]]]:
    """A text of paragraphs with a blank line between them, and their offsets."""
    places, at = [], 0
    for paragraph in paragraphs:
        places.append((at, at + len(paragraph)))
        at += len(paragraph) + 2
    return "\n\n".join(paragraphs), places


def told(*paragraphs: str, cast: Sequence[Character] | None = CAST) -> Novel:
    """A novel of paragraphs."""
    return read_novel(*laid_out(*paragraphs), cast)


def only(novel: Novel) -> Passage:
    """The one passage of a novel."""
    (passage,) = novel.passages
    return passage


def meant(ref: Ref, cast: Sequence[Character] = CAST) -> str:
    """Who or what a noun phrase stands for: a name, a gender, the words of a description."""
    if ref.kind is RefKind.NAME:
        return cast[ref.who].name
    if ref.kind is RefKind.PRONOUN:
        return ref.gender.value
    return " ".join(ref.head) if ref.kind is RefKind.NOUN else ref.kind.name


def names(indices: Sequence[int], cast: Sequence[Character] = CAST) -> list[str]:
    """Characters by index."""
    return [cast[who].name for who in indices]
