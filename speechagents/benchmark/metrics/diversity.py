"""Repetition: how varied is what is said, and the way in which it is said.

Owns eight measures. All are made so that a longer cell is not worse for its length: what is counted is counted in
samples of a fixed size, or against a fixed number of other lines; only a line that is said again word for word counts
however far back. A cell that is smaller than one sample has no value. Does not know whether variety is wanted; the
hand-written scripts show how much of it people write.

Distinct words are those of random samples, in closed form, and not of stretches: people take up each other's words, so
that lines in an order that makes sense repeat more within a stretch than shuffled ones do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Final

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.words import tokens
from speechagents.benchmark.played import Played

_GROUP: Final = "Repetition"
_SAMPLE_WORDS: Final = 100
"""A scene for two has some 300 words."""
_SAMPLE_LINES: Final = 20
_BACK_WORDS: Final = 400
"""How far back a repeated sequence of words counts: about the shortest scene, so that a longer one is not worse."""
_SEQUENCE: Final = 4
_SAME_LINE: Final = 3
"""Words of a line that should not come twice; "No." and "Yes, sir." may."""
_REFERENCES: Final = 12
_ORDER: Final = 3


def _distinct_1(looked: Looked) -> Measured:
    return _distinct([word for line in _lines(looked.played) for word in line], _SAMPLE_WORDS)


def _distinct_2(looked: Looked) -> Measured:
    return _distinct([pair for line in _lines(looked.played) for pair in pairwise(line)], _SAMPLE_WORDS)


def _openings(looked: Looked) -> Measured:
    return _distinct([line[0] for line in _lines(looked.played)], _SAMPLE_LINES)


def _self_bleu(looked: Looked) -> Measured:
    lines = _lines(looked.played)
    if len(lines) <= _REFERENCES:
        return Measured(None)
    counted = [[_grams(line, size) for size in range(1, _ORDER + 1)] for line in lines]
    scores: list[float] = []
    for place, line in enumerate(lines):
        others = _spread([index for index in range(len(lines)) if index != place], _REFERENCES)
        scores.append(_bleu(line, counted[place], [lines[one] for one in others], [counted[one] for one in others]))
    return Measured(math.fsum(scores) / len(scores), len(scores))


def _repeated_lines(looked: Looked) -> Measured:
    seen: set[tuple[str, ...]] = set()
    found: list[tuple[int, float]] = []
    for place, message in enumerate(looked.played.lines):
        line = tuple(tokens(message.text))
        if len(line) >= _SAME_LINE:
            found.append((place, float(line in seen)))
            seen.add(line)
    return _mean(found)


def _repeated_sequences(looked: Looked) -> Measured:
    """Sequences lie within lines: two lines side by side have nothing in common."""
    last: dict[tuple[str, ...], int] = {}
    at = 0
    found: list[tuple[int, float]] = []
    total = again = 0
    for place, message in enumerate(looked.played.lines):
        line = tokens(message.text)
        here = 0
        grams = [tuple(line[start : start + _SEQUENCE]) for start in range(len(line) - _SEQUENCE + 1)]
        for gram in grams:
            here += gram in last and at - last[gram] <= _BACK_WORDS
            last[gram] = at
            at += 1
        at += len(line) - len(grams)
        total, again = total + len(grams), again + here
        if grams:
            found.append((place, here / len(grams)))
    return Measured(again / total if total else None, total, tuple(found))


def _styles(looked: Looked) -> Measured:
    tags = [line.style.tag for line in looked.played.lines]
    if len(tags) < _SAMPLE_LINES:
        return Measured(None)
    values = [_entropy_bits(tags[start : start + _SAMPLE_LINES]) for start in range(len(tags) - _SAMPLE_LINES + 1)]
    return Measured(math.fsum(values) / len(values), len(tags))


def _line_length(looked: Looked) -> Measured:
    lengths = [len(tokens(line.text)) for line in looked.played.lines]
    if len(lengths) < 2 or not sum(lengths):
        return Measured(None)
    mean = math.fsum(lengths) / len(lengths)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in lengths) / (len(lengths) - 1))
    return Measured(spread / mean, len(lengths))


def expected_distinct(items: Sequence[Hashable], sample: int) -> float:
    """Expected share of distinct items in a random sample without replacement (Hurlbert 1971).

    Args:
        items: As many as the sample or more.
        sample: Size of the sample, at least 1.
    """
    whole = len(items)

    def missed(count: int) -> float:
        """Probability that none of so many is drawn."""
        return math.comb(whole - count, sample) / math.comb(whole, sample)

    times = Counter(Counter(items).values())
    return math.fsum(number * (1.0 - missed(count)) for count, number in times.items()) / sample


def _distinct(items: Sequence[Hashable], sample: int) -> Measured:
    whole = len(items)
    return Measured(expected_distinct(items, sample) if whole >= sample else None, whole)


def _bleu(
    line: Sequence[str],
    counts: Sequence[Counter[tuple[str, ...]]],
    others: Sequence[Sequence[str]],
    other_counts: Sequence[Sequence[Counter[tuple[str, ...]]]],
) -> float:
    """Sentence BLEU up to trigrams; orders above 1 are smoothed by one."""
    logs: list[float] = []
    for order in range(min(_ORDER, len(line))):
        clipped = sum(
            min(count, max(other[order][gram] for other in other_counts)) for gram, count in counts[order].items()
        )
        whole = len(line) - order
        smooth = 1 if order else 0
        if not clipped + smooth:
            return 0.0
        logs.append(math.log((clipped + smooth) / (whole + smooth)))
    nearest = min((abs(len(other) - len(line)), len(other)) for other in others)[1]
    brevity = min(0.0, 1.0 - nearest / len(line))
    return math.exp(brevity + math.fsum(logs) / len(logs))


def _grams(line: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(line[start : start + size]) for start in range(len(line) - size + 1))


def _spread(items: Sequence[int], most: int) -> Sequence[int]:
    """So many items, evenly over all."""
    return [items[(2 * number + 1) * len(items) // (2 * most)] for number in range(most)]


def _entropy_bits(items: Sequence[str]) -> float:
    return -math.fsum(n / len(items) * math.log2(n / len(items)) for n in Counter(items).values())


def _lines(played: Played) -> Sequence[Sequence[str]]:
    return [line for message in played.lines if (line := tokens(message.text))]


def _mean(found: Sequence[tuple[int, float]]) -> Measured:
    if not found:
        return Measured(None)
    return Measured(math.fsum(value for _, value in found) / len(found), len(found), tuple(found))


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="distinct_1",
        title="Distinct words",
        about=f"Share of distinct words among {_SAMPLE_WORDS} drawn from the scene.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Distinct-1: Li et al. 2016, arXiv 1510.03055; in samples of a fixed size: McCarthy & Jarvis 2010, "
        "Behavior Research Methods 42:381; Hurlbert 1971, Ecology 52:577",
        measure=_distinct_1,
    ),
    Metric(
        name="distinct_2",
        title="Distinct word pairs",
        about=f"Share of distinct pairs of words side by side among {_SAMPLE_WORDS} drawn from the scene.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Distinct-2: Li et al. 2016, arXiv 1510.03055; in samples of a fixed size: McCarthy & Jarvis 2010, "
        "Behavior Research Methods 42:381; Hurlbert 1971, Ecology 52:577",
        measure=_distinct_2,
    ),
    Metric(
        name="self_bleu",
        title="Self-BLEU",
        about=f"How much a line looks like {_REFERENCES} others of the scene, by words, pairs and triples, mean over "
        "lines.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Zhu et al. 2018, arXiv 1802.01886; BLEU: Papineni et al. 2002, P02-1040; smoothing: Lin & Och 2004, "
        "C04-1072",
        measure=_self_bleu,
    ),
    Metric(
        name="repeated_lines",
        title="Repeated lines",
        about=f"Share of lines of {_SAME_LINE} words and more that somebody has said before, word for word.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Sequence-level repetition: Welleck et al. 2020, arXiv 1908.04319",
        measure=_repeated_lines,
    ),
    Metric(
        name="repeated_4_grams",
        title="Repeated word sequences",
        about=f"Share of sequences of {_SEQUENCE} words that were said within the {_BACK_WORDS} words before.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="seq-rep-4: Welleck et al. 2020, arXiv 1908.04319",
        measure=_repeated_sequences,
    ),
    Metric(
        name="opening_variety",
        title="Variety of openings",
        about=f"Share of distinct first words among {_SAMPLE_LINES} lines drawn from the scene.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Distinct-1: Li et al. 2016, arXiv 1510.03055; in samples of one size: Hurlbert 1971, Ecology 52:577",
        measure=_openings,
    ),
    Metric(
        name="style_variety",
        title="Variety of styles",
        about=f"Entropy of the styles of {_SAMPLE_LINES} lines in a row, mean over all such stretches.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="bit",
        source="Entropy: Shannon 1948, Bell System Technical J. 27:379",
        measure=_styles,
    ),
    Metric(
        name="length_variety",
        title="Variety of lengths",
        about="Standard deviation of the number of words of a line, divided by its mean.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Coefficient of variation: Pearson 1896, Phil. Trans. R. Soc. A 187:253",
        measure=_line_length,
    ),
)
