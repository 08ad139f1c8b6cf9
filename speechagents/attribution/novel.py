"""A novel read for attribution: its quotations, its characters, and the clues.

Owns the order in which that is found. Does not choose speakers (`attribute`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from speechagents.attribution.characters import described_speakers, find_characters
from speechagents.attribution.lexicon import lexicon
from speechagents.attribution.mentions import NameIndex
from speechagents.attribution.narrator import find_narrator, let_tell
from speechagents.attribution.passages import Paragraph, Passage, read_passages, resolve
from speechagents.attribution.quotation import Character
from speechagents.attribution.quotes import QuoteSpan, find_quotes
from speechagents.attribution.tokens import Tokens, tokenise


@dataclass(frozen=True, slots=True)
class Novel:
    """What attribution knows of a novel before it chooses any speaker.

    Attributes:
        tokens: Its words.
        characters: Given or found, in the order in which candidates count them.
        paragraphs: What the narrator says.
        passages: What is said.
        narrator: Index of the character who tells the story as “I”, -1 for nobody.
    """

    tokens: Tokens
    characters: tuple[Character, ...]
    paragraphs: list[Paragraph]
    passages: list[Passage]
    narrator: int


def read_novel(
    text: str, paragraphs: Sequence[tuple[int, int]], characters: Sequence[Character] | None = None
) -> Novel:
    """Read a novel.

    Args:
        text: All of it.
        paragraphs: Offsets of its paragraphs, in order, apart from each other.
        characters: Who there is; None finds them.
    """
    tokens = tokenise(text, paragraphs)
    spans = find_quotes(text, paragraphs)
    if characters is None:
        named = find_characters(tokens, _quoted(tokens, spans), lexicon())
        _, passages, _ = _read(tokens, spans, named)
        characters = (*named, *described_speakers(passages, named))
    narrated, passages, counts = _read(tokens, spans, characters)
    narrator = find_narrator(len(characters), narrated, passages)
    let_tell(narrator, narrated, passages)
    counted = tuple(replace(one, mentions=count) for one, count in zip(characters, counts, strict=True))
    return Novel(tokens, counted, narrated, passages, narrator)


def _read(
    tokens: Tokens, spans: Sequence[QuoteSpan], characters: Sequence[Character]
) -> tuple[list[Paragraph], list[Passage], list[int]]:
    mentions = resolve(list(NameIndex(characters, lexicon(), tokens).find(tokens)), tokens.paragraphs, characters)
    counts = [0] * len(characters)
    for named in mentions.values():
        counts[named.who] += 1
    return *read_passages(tokens, spans, mentions, lexicon(), characters), counts


def _quoted(tokens: Tokens, spans: Sequence[QuoteSpan]) -> bytearray:
    """For each token, whether it is said by somebody."""
    quoted = bytearray(len(tokens.words))
    for span in spans:
        first, last = tokens.at(span.start), tokens.at(span.end)
        quoted[first:last] = b"\x01" * (last - first)
    return quoted
