"""Who tells the story as “I”.

Owns that one decision. Does not know who says what.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from speechagents.attribution.clues import Ref, RefKind
from speechagents.attribution.passages import TELLER, Paragraph, Passage

MIN_SHARE: Final = 0.008
"""Least part of the narration's tokens that are “I”: novels told from outside stay below 0.002, those told by one of
their characters are above 0.015."""


def is_first_person(paragraphs: Sequence[Paragraph]) -> bool:
    """Whether the narration says “I” as one who was there."""
    words = sum(paragraph.words for paragraph in paragraphs)
    return words > 0 and sum(paragraph.i for paragraph in paragraphs) / words >= MIN_SHARE


def find_narrator(characters: int, paragraphs: Sequence[Paragraph], passages: Sequence[Passage]) -> int:
    """The character who tells the story.

    Others call them by name, and they hardly ever name themselves.

    Args:
        characters: Their number.
        paragraphs: What the narrator says.
        passages: What is said.

    Returns:
        Index of the character, -1 for a narrator outside of the story, or one who is never named.
    """
    if not is_first_person(paragraphs):
        return -1
    called = [0.0] * characters
    for passage in passages:
        # An “I” beside what is said makes it likelier that “I” is spoken to.
        near = any(
            paragraphs[index].i
            for index in range(max(0, passage.first - 2), passage.last + 2)
            if index < len(paragraphs)
        )
        for who in passage.spoken_to:
            called[who] += 1.0 if near else 0.5
    named = [0] * characters
    for paragraph in paragraphs:
        for who in paragraph.named:
            if who != TELLER:
                named[who] += 1
    scores = [count / (1.0 + named[who]) for who, count in enumerate(called)]
    best = max(range(characters), key=lambda who: (scores[who], -who), default=-1)
    return best if best >= 0 and called[best] >= 2 and scores[best] > 1.0 else -1


def let_tell(narrator: int, paragraphs: Sequence[Paragraph], passages: Sequence[Passage]) -> None:
    """Read every “I” of the narration as the name of whoever tells the story.

    Args:
        narrator: Index of the character, -1 for nobody of the story: then “I” names nobody.
        paragraphs: What the narrator says; changed.
        passages: What is said; changed.
    """
    for paragraph in paragraphs:
        if paragraph.i:
            paragraph.named = [
                narrator if who == TELLER else who for who in paragraph.named if who != TELLER or narrator >= 0
            ]
            paragraph.subjects = [
                narrator if who == TELLER else who for who in paragraph.subjects if who != TELLER or narrator >= 0
            ]
        paragraph.first = _named(paragraph.first, narrator)
        paragraph.last = _named(paragraph.last, narrator)
    for passage in passages:
        passage.tag = passage.tag._replace(subject=_named(passage.tag.subject, narrator))
        passage.ahead = _named(passage.ahead, narrator)
        passage.behind = _named(passage.behind, narrator)


def _named(ref: Ref, narrator: int) -> Ref:
    return ref._replace(kind=RefKind.NAME, who=narrator) if ref.kind is RefKind.I and narrator >= 0 else ref
