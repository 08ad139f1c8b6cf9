"""How much a language model on the unsure quotations can gain: one that knows is asked, and one that is often right.

    python -m benchmarks.attribution_oracle --corpus FOLDER [--share 0.3] [--novels Emma ...]

For each annotated novel: percent right without a model; with one that is always right about the least sure share of
the quotations; and with ones that are right as often as the columns say, else name somebody else of those listed. What
even the first leaves wrong is lost elsewhere: quotations that were not found, speakers who are not listed, and sure
ones that are wrong. The questions are the product's own, so their number and length are what a real model would cost.

Shipped models learned from these novels; for figures of novels not trained on, give `headroom` an attribution by a
model that did not see the novel.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pdnc import AnnotatedNovel, GoldQuote, read_corpus
from speechagents.attribution.asking import Told, ask_about_unsure
from speechagents.attribution.attribute import attribute
from speechagents.attribution.quotation import Attribution
from speechagents.controllers.ascribing import Ascribed, Excerpt
from speechagents.controllers.ascription_prompt import ascription_prompt
from speechagents.controllers.controller import Usage

SKILLS = (1.0, 0.9, 0.8)
"""How often the models are right about what they are asked."""

_CHARS_PER_TOKEN = 4
_TOKENS_PER_ANSWER = 15


class Oracle:
    """Answers by the annotation of a novel, as often as its skill says.

    Args:
        novel: What is true.
        skill: Share of its answers that are right; the others name somebody else of those listed.

    Attributes:
        questions: Excerpts it was shown.
        chars: Characters of all prompts a language model would have been given.
    """

    def __init__(self, novel: AnnotatedNovel, *, skill: float = 1.0) -> None:
        self._novel = novel
        self._skill = skill
        self._spans = sorted(
            (start, end, number) for number, quote in enumerate(novel.quotes) for start, end in quote.spans
        )
        self.questions = 0
        self.chars = 0

    @property
    def identity(self) -> str:
        """The novel and the skill."""
        return f"oracle 1 {self._novel.folder.name} {self._skill:g}"

    def ascribe(self, excerpts: Sequence[Excerpt], *, seed: int) -> Iterator[Ascribed]:
        """What is annotated; what is not, it is not sure of."""
        for excerpt in excerpts:
            self.questions += 1
            messages = ascription_prompt(excerpt).messages
            chars = sum(len(part.text) for message in messages for part in message.parts)
            self.chars += chars
            speakers = dict(self._answers(excerpt, seed))
            yield Ascribed(speakers, Usage(chars // _CHARS_PER_TOKEN, _TOKENS_PER_ANSWER * len(speakers)))

    def _answers(self, excerpt: Excerpt, seed: int) -> Iterator[tuple[int, str]]:
        seen: set[int] = set()
        for piece in excerpt.pieces:
            if not piece.number or piece.number in seen:
                continue
            seen.add(piece.number)
            gold = self._gold(piece.start, piece.start + len(piece.text))
            if gold is None or not gold.speakers:
                continue
            right = [one.name for one in excerpt.candidates if self._novel.named(one.name) & gold.speakers]
            wrong = [one.name for one in excerpt.candidates if one.name not in right]
            chance = _chance(f"{seed} {piece.start}")
            if chance >= self._skill and wrong:
                yield piece.number, wrong[int(_chance(f"who {seed} {piece.start}") * len(wrong))]
            elif chance < self._skill and right:
                yield piece.number, right[0]

    def _gold(self, start: int, end: int) -> GoldQuote | None:
        """The annotated quotation that overlaps a stretch most."""
        near = self._spans[max(0, bisect_right(self._spans, (start,)) - 1) : bisect_left(self._spans, (end,))]
        overlaps = [(min(end, stop) - max(start, begin), number) for begin, stop, number in near]
        overlap, number = max(overlaps, default=(0, 0))
        return self._novel.quotes[number] if overlap > 0 else None


@dataclass(frozen=True, slots=True)
class Headroom:
    """What asking gained.

    Attributes:
        quotes: Annotated quotations that count.
        before: Of them right without a model.
        after: Of them right with it.
        told: What came of asking.
        chars: Characters of all prompts.
    """

    quotes: int
    before: int
    after: int
    told: Told
    chars: int


def headroom(novel: AnnotatedNovel, attribution: Attribution, *, share: float = 0.3, skill: float = 1.0) -> Headroom:
    """Ask an oracle about the least sure quotations of a novel.

    Args:
        novel: The annotated novel.
        attribution: Who says what, as found without a model.
        share: Of all quotations found, those that are asked about.
        skill: How often the oracle is right.
    """
    confidences = sorted(quote.confidence for quote in attribution.quotes)
    most = round(share * len(confidences))
    below = min(1.0, math.nextafter(confidences[most - 1], 2.0)) if most else 0.0
    oracle = Oracle(novel, skill=skill)
    told = ask_about_unsure(novel.text, novel.paragraphs, attribution, oracle, below=below, most=most)
    return Headroom(
        quotes=sum(bool(quote.speakers) for quote in novel.quotes),
        before=count_right(novel, attribution),
        after=count_right(novel, told.attribution),
        told=told,
        chars=oracle.chars,
    )


def count_right(novel: AnnotatedNovel, attribution: Attribution) -> int:
    """Annotated quotations that were found and have their speaker, as the corpus's scorer counts them."""
    spans = sorted((*span, number) for number, quote in enumerate(attribution.quotes) for span in quote.spans)
    right = 0
    for gold in novel.quotes:
        covered, best, name = 0, 0, None
        for start, end in gold.spans:
            near = spans[max(0, bisect_right(spans, (start,)) - 1) : bisect_left(spans, (end,))]
            for begin, stop, number in near:
                overlap = min(end, stop) - max(start, begin)
                covered += max(0, overlap)
                if overlap > best:
                    best, name = overlap, attribution.quotes[number].speaker
        total = sum(end - start for start, end in gold.spans) or 1
        right += bool(covered * 2 >= total and name and novel.named(name) & gold.speakers)
    return right


def _chance(text: str) -> float:
    """Evenly from 0 to 1."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) / float(1 << 56)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each novel and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--novels", nargs="*", default=())
    parser.add_argument("--given", action="store_true", help="the cast is given (default: it is found)")
    options = parser.parse_args(arguments)
    novels = [one for one in read_corpus(options.corpus) if not options.novels or one.folder.name in options.novels]
    if not novels:
        print(f"attribution_oracle: no such novels in {options.corpus}", file=sys.stderr)
        return 2
    columns = " ".join(f"{f'skill {skill:.0%}':>10}" for skill in SKILLS)
    print(f"{'novel':28} {'quotes':>6} {'alone':>6} {columns} {'asked':>6} {'questions':>9} {'tokens':>9}")
    sums: list[tuple[int, ...]] = []
    for novel in novels:
        attribution = attribute(novel.text, novel.paragraphs, characters=novel.characters if options.given else None)
        rooms = [headroom(novel, attribution, share=options.share, skill=skill) for skill in SKILLS]
        first = rooms[0]
        counts = (first.quotes, first.before, *(room.after for room in rooms), first.told.asked, first.told.questions)
        sums.append((*counts, first.chars // _CHARS_PER_TOKEN))
        print(_row(novel.folder.name, sums[-1]))
    print(_row("all", tuple(map(sum, zip(*sums, strict=True)))))
    return 0


def _row(name: str, counts: tuple[int, ...]) -> str:
    quotes, before, *after, asked, questions, tokens = counts
    percents = " ".join(f"{100 * right / quotes:>10.1f}" for right in after)
    return f"{name:28} {quotes:>6} {100 * before / quotes:>6.1f} {percents} {asked:>6} {questions:>9} {tokens:>9}"


if __name__ == "__main__":
    sys.exit(main())
