"""Responsiveness: does what is said take up what was said before.

Owns four measures. Each compares what follows a line with what else in the same scene could have followed it, so that a
common topic, or talk that is all questions, gives nothing: lines in random order have 0, or one half, whatever they
are. Does not know what a good answer is; a line may ignore a question for a good reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import fsum
from typing import Final

from speechagents.benchmark.metrics.cohesion import SpokenLine, Talk, rivals
from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs

_GROUP: Final = "Responsiveness"
_BACK: Final = 2
"""Lines before that a line may take up: an answer comes next, or after one other line."""
_SOON: Final = 2
_CHOICE: Final = 3
"""Speakers from which on it is a choice who answers."""
_RIVALS: Final = 24
_MIN_LINES: Final = 6


def _uptake(looked: Looked) -> Measured:
    talk = Talk.of(looked.played)
    lines = talk.lines
    saying = Counter(word for line in lines for word in line.stems)
    by_speaker: dict[str, Counter[str]] = {}
    number = Counter(line.speaker for line in lines)
    for line in lines:
        by_speaker.setdefault(line.speaker, Counter()).update(line.stems)
    found: list[tuple[int, float]] = []
    for place, line in enumerate(lines):
        before = [one for one in lines[max(0, place - _BACK) : place] if one.speaker != line.speaker]
        others = len(lines) - number[line.speaker]
        if not before or not line.weight or others < _BACK:
            continue
        own = by_speaker[line.speaker]
        # The mean over all lines by others, at once: how many of them have each word.
        elsewhere = fsum(talk.weights[word] * (saying[word] - own[word]) for word in line.stems) / others
        here = fsum(talk.shared(line, one) for one in before) / len(before)
        found.append((place, (here - elsewhere) / line.weight))
    return _mean(found)


def _addressed(looked: Looked) -> Measured:
    lines = Talk.of(looked.played).lines
    if len({line.speaker for line in lines}) < _CHOICE:
        return Measured(None)
    soon = [
        frozenset(one.speaker for one in lines[place + 1 : place + 1 + _SOON]) for place in range(len(lines) - _SOON)
    ]
    found: list[tuple[int, float]] = []
    for place, line in enumerate(lines[:-_SOON]):
        # How often one of them speaks so soon anyway, after anybody else: most talk goes to and fro.
        anyway = [
            not line.calls.isdisjoint(following)
            for other, following in enumerate(soon)
            if other != place and lines[other].speaker not in line.calls
        ]
        if line.calls and anyway:
            found.append((place, float(not line.calls.isdisjoint(soon[place])) - sum(anyway) / len(anyway)))
    return _mean(found)


def _questions(looked: Looked) -> Measured:
    talk = Talk.of(looked.played)
    return _against_rivals(talk, talk.answering, [bool(line.question) for line in talk.lines])


def _order(looked: Looked) -> Measured:
    talk = Talk.of(looked.played)
    return _against_rivals(talk, talk.cohesion, [True] * len(talk.lines))


def _against_rivals(talk: Talk, score: Callable[[SpokenLine, SpokenLine], float], wanted: Sequence[bool]) -> Measured:
    """How often the next line fits a wanted one better than others do; a draw counts one half."""
    lines = talk.lines
    if len(lines) < _MIN_LINES:
        return Measured(None)
    found: list[tuple[int, float]] = []
    for place, (line, following) in enumerate(pairwise(lines)):
        others = rivals(lines, place, _RIVALS)
        if not wanted[place] or following.speaker == line.speaker or not others:
            continue
        own = score(line, following)
        scores = [score(line, other) for other in others]
        better = sum(own > one for one in scores) + 0.5 * sum(own == one for one in scores)
        found.append((place + 1, better / len(scores)))
    return _mean(found)


def _mean(found: Sequence[tuple[int, float]]) -> Measured:
    if not found:
        return Measured(None)
    return Measured(fsum(value for _, value in found) / len(found), len(found), tuple(found))


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="uptake",
        title="Uptake of what was said",
        about="Share of a line's content that the two lines before by others have, beyond what lines from elsewhere "
        "in the scene share with it; 0 by chance.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Lexical alignment of turns against a surrogate of the same talk: Reitter & Moore 2014, J. Memory and "
        "Language 76:29; weights: Spärck Jones 1972, J. Documentation 28:11",
        measure=_uptake,
    ),
    Metric(
        name="addressed_answer",
        title="Those spoken to answer",
        about="Share of calls by name after which one of those called speaks within two turns, beyond the chance with "
        "the same turns in random order; 0 by chance; three or more speakers.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Current speaker selects next: Sacks, Schegloff & Jefferson 1974, Language 50:696",
        measure=_addressed,
    ),
    Metric(
        name="questions_answered",
        title="Questions answered",
        about="How often the line after a question looks more like its answer than lines from elsewhere in the scene; "
        "0.5 by chance.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Adjacency pairs: Schegloff & Sacks 1973, Semiotica 8:289; as selection among candidates: Lowe et al. "
        "2015, arXiv 1506.08909",
        measure=_questions,
    ),
    Metric(
        name="order_coherence",
        title="Coherence of the order",
        about="How often the next line is tied to a line more closely than lines from elsewhere in the scene; 0.5 by "
        "chance.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Discrimination of the true order: Barzilay & Lapata 2008, Computational Linguistics 34:1; ties: "
        "Halliday & Hasan 1976",
        measure=_order,
    ),
)
