"""Who says what in a novel: the one door of attribution.

Owns the order of the work and what becomes of the models' numbers. Reading is `novel`'s, the numbers are `features`',
`neighbours`' and `spoken`'s, trees are `forest`'s. Runs on NumPy alone, without a download.

Two looks: the first scores every candidate of every passage by what stands around it; the second sees, beside that,
what the first made of the passages before and behind. After each, people take turns (`turns`). A third look gained
nothing (``benchmarks/NOTES.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.clues import RefKind, Tag
from speechagents.attribution.features import Candidates, gather
from speechagents.attribution.forest import Forest, softmax
from speechagents.attribution.neighbours import look_again
from speechagents.attribution.novel import Novel, read_novel
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Attribution, Character, Quote, QuoteKind
from speechagents.attribution.spoken import describe_speech
from speechagents.attribution.turns import take_turns
from speechagents.resources import resource

MODEL_VERSION: Final = "2"
"""Changes whenever the same text may be attributed otherwise than before."""

SAID_AT_LEAST: Final = 0.2
"""Quotations that are less likely said by anybody are the narrator's. Chosen on the training novels: higher, and real
speech is lost."""

TRUST_IN_TAGS: Final = 0.5
"""Weight of the first look's logarithm, beside the second's, where a tag names the speaker."""

_TALK_GAP: Final = 3
"""Paragraphs between two passages that can still be a talk."""


@dataclass(frozen=True, slots=True)
class SpeakerModel:
    """What was learned from annotated novels.

    Attributes:
        first: Scores candidates by the text.
        second: Scores them by the text and by the first look at the neighbours.
        said: Tells whether anybody speaks; the log-odds.
        score: Scores of the second look, ascending.
        right: Part of the passages with such a score whose speaker was right, on novels not trained on.
    """

    first: Forest
    second: Forest
    said: Forest
    score: NDArray[np.float32]
    right: NDArray[np.float32]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as arrays, for `numpy.savez`."""
        forests = {"first": self.first, "second": self.second, "said": self.said}
        arrays = {name: array for prefix, forest in forests.items() for name, array in forest.arrays(prefix).items()}
        return {**arrays, "score": self.score, "right": self.right}


def attribute(
    text: str, paragraphs: Sequence[tuple[int, int]], *, characters: Sequence[Character] | None = None
) -> Attribution:
    """Find the quotations of a novel, its characters, and a speaker for each quotation.

    Args:
        text: All of it.
        paragraphs: Offsets of its paragraphs, in order, apart from each other.
        characters: Who there is; None finds them.

    Returns:
        Characters that are named or speak, and all quotations.
    """
    novel = read_novel(text, paragraphs, characters)
    given = characters is not None
    return attribution_of(novel, speaker_model("given" if given else "open"), named=given)


def attribution_of(novel: Novel, model: SpeakerModel, *, named: bool) -> Attribution:
    """Choose a speaker for every passage of a novel.

    Args:
        novel: The novel.
        model: What was learned.
        named: Whether the cast was given; of one that was found, only those stay who are named twice or speak.
    """
    guess = choose(novel, model)
    quotes = tuple(_quote(novel, number, guess) for number in range(len(novel.passages)))
    everybody = novel.characters
    if not named:
        # Nobody needs "The Boy" in the cast who never says a word.
        speaking = {quote.speaker for quote in quotes} | {quote.addressee for quote in quotes}
        everybody = tuple(one for one in everybody if one.mentions > 1 or one.name in speaking)
    ranked = tuple(sorted(everybody, key=lambda one: (-one.mentions, one.name)))
    first_person = novel.characters[novel.narrator].name if novel.narrator >= 0 else None
    return Attribution(ranked, quotes, first_person)


@dataclass(frozen=True, slots=True)
class Guess:
    """A speaker for each passage.

    Attributes:
        who: Index of the character, -1 for the narrator.
        confidence: Probability that it is right.
    """

    who: list[int]
    confidence: list[float]


def choose(novel: Novel, model: SpeakerModel) -> Guess:
    """Choose speakers.

    Args:
        novel: The novel.
        model: What was learned.
    """
    candidates = gather(novel.characters, novel.paragraphs, novel.passages)
    if not novel.passages:
        return Guess([], [])
    if len(candidates.who):
        probabilities = look(novel, candidates, model.first, model.second)
    said = 1.0 / (1.0 + np.exp(-model.said.score(describe_speech(novel))))
    who: list[int] = []
    confidence: list[float] = []
    for number, passage in enumerate(novel.passages):
        first, last = candidates.offsets[number], candidates.offsets[number + 1]
        if said[number] < SAID_AT_LEAST or first == last or passage.tag.subject.kind is RefKind.I:
            # What "I" says in a story whose teller has no name is the narrator's to say.
            who.append(-1)
            confidence.append(float(1.0 - said[number]) if said[number] < SAID_AT_LEAST else 0.5)
            continue
        best = int(first + np.argmax(probabilities[first:last]))
        who.append(int(candidates.who[best]))
        confidence.append(float(np.interp(probabilities[best], model.score, model.right)))
    return Guess(who, confidence)


def look(novel: Novel, candidates: Candidates, first: Forest, second: Forest) -> NDArray[np.float32]:
    """Probability of each candidate, after both looks.

    Args:
        novel: The novel.
        candidates: Who may speak.
        first: Trees of the first look.
        second: Trees of the second.
    """
    before = softmax(_scored(first, (block.rows() for block in candidates.blocks)), candidates.offsets)
    after = softmax(_scored(second, describe_again(novel, candidates, before)), candidates.offsets)
    return blend(novel, candidates, before, after)


def _scored(forest: Forest, blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
    return np.concatenate([forest.score(rows) for rows in blocks])


def blend(
    novel: Novel, candidates: Candidates, before: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The two looks as one.

    Args:
        novel: The novel.
        candidates: Who may speak.
        before: What the first look made of them.
        after: What the second did.
    """
    # A plain tag (“said Holmes”) needs no second look, which trusts a run of guesses more than it.
    plain = [one.tag.strength == 2 and one.tag.subject.kind is RefKind.NAME for one in novel.passages]
    trust = np.repeat(np.array(plain, dtype=np.float64), np.diff(candidates.offsets)) * TRUST_IN_TAGS
    scores = np.log(after.astype(np.float64) + 1e-6) + trust * np.log(before.astype(np.float64) + 1e-6)
    blended = softmax(scores, candidates.offsets)
    return take_turns(novel.passages, candidates, blended, again_at_once=-0.5, after_next=0.0)


def describe_again(novel: Novel, candidates: Candidates, before: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """What the second look goes by.

    Args:
        novel: The novel.
        candidates: Who may speak.
        before: What the first look made of them.

    Yields:
        The rows of one block of the candidates after the other.
    """
    turns = take_turns(novel.passages, candidates, before)
    neighbours = look_again(len(novel.characters), novel.passages, candidates, turns)
    for block, around in zip(candidates.blocks, neighbours, strict=True):
        rows = slice(candidates.offsets[block.passages.start], candidates.offsets[block.passages.stop])
        yield np.hstack([block.rows(), before[rows, None], around])


@cache
def speaker_model(name: str) -> SpeakerModel:
    """A shipped model; read once.

    Args:
        name: ``given`` for a cast that is given, ``open`` for one that was found.
    """
    with np.load(resource("models", "attribution", f"{name}.npz"), allow_pickle=False) as arrays:
        return SpeakerModel(
            Forest.of_arrays(arrays, "first"),
            Forest.of_arrays(arrays, "second"),
            Forest.of_arrays(arrays, "said"),
            arrays["score"],
            arrays["right"],
        )


def _quote(novel: Novel, number: int, guess: Guess) -> Quote:
    passage = novel.passages[number]
    speaker = guess.who[number]
    addressee = _addressee(novel.passages, guess.who, number)
    return Quote(
        spans=tuple((span.start, span.end) for span in passage.spans),
        speaker=novel.characters[speaker].name if speaker >= 0 else None,
        confidence=round(guess.confidence[number], 4),
        kind=kind_of(passage.tag),
        addressee=novel.characters[addressee].name if addressee >= 0 else None,
        tag=(novel.tokens.starts[passage.tag.start], novel.tokens.end(passage.tag.end - 1))
        if passage.tag.strength
        else None,
    )


def kind_of(tag: Tag) -> QuoteKind:
    """How a quotation's speaker is told, by its tag."""
    if not tag.strength:
        return QuoteKind.IMPLICIT
    return QuoteKind.EXPLICIT if tag.subject.kind is RefKind.NAME else QuoteKind.ANAPHORIC


def _addressee(passages: Sequence[Passage], who: Sequence[int], number: int) -> int:
    """Whom a passage is said to: who is called by name in it, else whoever spoke last, else whoever answers."""
    if who[number] < 0:
        return -1
    passage = passages[number]
    for called in (*passage.spoken_to, *passage.tag.objects):
        if called != who[number]:
            return called
    for near in (number - 1, number + 1):
        if 0 <= near < len(passages) and who[near] not in (-1, who[number]):
            gap = passages[max(near, number)].first - passages[min(near, number)].last
            if gap <= _TALK_GAP:
                return who[near]
    return -1
