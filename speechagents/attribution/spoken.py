"""Whether what stands in quotation marks is said by somebody, as numbers for the model that tells.

Owns these features. Titles, quoted words and letters stand in the same marks as speech; the narrator reads them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.novel import Novel
from speechagents.attribution.passages import Passage

_MARKS = {
    ",": 1.0,
    ".": 2.0,
    "?": 3.0,
    "!": 4.0,
    "—": 5.0,
    "--": 5.0,
    "-": 5.0,
    "...": 6.0,
    "…": 6.0,
    ";": 7.0,
    ":": 8.0,
}


def describe_speech(novel: Novel) -> NDArray[np.float32]:
    """One row for each passage."""
    rows = [_row(novel, number) for number in range(len(novel.passages))]
    return np.array(rows, dtype=np.float32).reshape(len(rows), -1 if rows else 0)


def _row(novel: Novel, number: int) -> Sequence[float]:
    passage, lower, words = novel.passages[number], novel.tokens.lower, novel.tokens.words
    first = novel.tokens.at(passage.spans[0].start)
    last = novel.tokens.at(passage.spans[-1].end)
    paragraph = novel.paragraphs[passage.first]
    opens = first == novel.tokens.paragraphs[passage.first]
    before = "" if opens else lower[first - 1]
    closes = last >= novel.tokens.paragraphs[passage.last + 1]
    behind = "" if closes else words[last]
    inside = words[first + 1] if first + 1 < last else ""
    said = passage.words
    return (
        math.log1p(len(said)),
        float(len(passage.spans)),
        _MARKS.get(passage.ends, 0.0),
        float(inside[:1].isupper()),
        float(opens),
        float(closes),
        _MARKS.get(before, 9.0 if before else 0.0),
        9.0 if behind[:1].islower() else 10.0 if behind[:1].isupper() else _MARKS.get(behind, 0.0),
        float(passage.tag.strength),
        float(passage.tag.place),
        float(passage.tag.subject.kind),
        float(passage.behind.kind),
        float(paragraph.words),
        _share(said, ("i", "me", "my", "i'm", "i'll", "i've", "you", "your", "we")),
        float(len(passage.spoken_to)),
        _gap(novel.passages, number),
        _gap(novel.passages, number + 1),
    )


def _share(said: Sequence[str], words: Sequence[str]) -> float:
    return sum(word in words for word in said) / max(1, len(said))


def _gap(passages: Sequence[Passage], number: int) -> float:
    """Paragraphs between a passage and the one before it."""
    if not 0 < number < len(passages):
        return 20.0
    return float(min(20, passages[number].first - passages[number - 1].last))
