"""A line, spoken clause by clause: the first can be heard while the others are still being spoken.

Owns the pieces of one line, the pauses between them, and what of it was heard. Does not know who speaks to whom, nor
how sound reaches anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from speechagents.audio import Audio
from speechagents.voices.synthesizer import Word

LIVE_HZ: Final = 24_000
"""Rate of everything that is played live."""


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """The next piece of a line.

    Attributes:
        text: What is said in it; the clauses of a line, in order, hold every word of it.
        start_s: Where it begins, in seconds from the start of the line: where the clause before it ended.
        audio: Mono at `LIVE_HZ`; the pause before the clause is part of it.
        words: Its words, times in seconds from the start of the line.
    """

    text: str
    start_s: float
    audio: Audio
    words: tuple[Word, ...]
