"""How fast each voice of a play speaks, from its own first lines.

Owns the median and the limits around it. Goes by the first lines that a voice has in the play, in its neutral style:
so what is too slow for it does not depend on which scene is proofed first, nor on which was proofed before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Final

from speechagents.production.proofing.finding import Fault, FaultKind, Finding, ProofLine
from speechagents.production.proofing.signal import PACE_SYLLABLES
from speechagents.production.proofing.words import syllables
from speechagents.voices.phonetic import spelled
from speechagents.voices.synthesizer import SpokenLine

FIRST_LINES: Final = 15
LEAST_LINES: Final = 5
"""Lines that a median is taken of."""

SLOWEST: Final = 2.0
FASTEST: Final = 0.5
"""Limits against the median. Takes of one voice and style spread by about a fifth."""

_PACE_SYLLABLES: Final = max(8, PACE_SYLLABLES)
"""Short lines are drawn out or thrown in: they set no pace."""


class Paces:
    """Paces by voice, each found when it is first asked for. Safe to use from several threads.

    Args:
        lines: All lines of the play, in order; gone through once.
        measure: Findings of some lines' first takes, which are made where they are missing; those that failed are
            left out.
    """

    def __init__(self, lines: Iterable[ProofLine], measure: Callable[[Sequence[ProofLine]], Sequence[Finding]]) -> None:
        self._lines = lines
        self._measure = measure
        self._lock = threading.Lock()
        self._first: dict[str, list[ProofLine]] | None = None
        self._paces: dict[str, float] = {}

    def of(self, line: ProofLine) -> float:
        """Median seconds a syllable of a line's voice, 0 where it has too few lines to tell."""
        voice = _voice(line)
        with self._lock:
            if self._first is None:
                self._first = _first_lines(self._lines)
            if voice not in self._paces:
                found = self._measure(self._first.pop(voice, ()))
                known = [finding.s_per_syllable for finding in found if finding.s_per_syllable]
                self._paces[voice] = median(known) if len(known) >= LEAST_LINES else 0.0
            return self._paces[voice]


def pace_fault(finding: Finding, usual: float) -> Fault | None:
    """Whether a take is too slow or too fast for its voice.

    Args:
        finding: Of the take.
        usual: Seconds a syllable of its voice; 0 where nobody knows.
    """
    if not usual or not finding.s_per_syllable or FASTEST <= finding.s_per_syllable / usual <= SLOWEST:
        return None
    how = "slow" if finding.s_per_syllable > usual else "fast"
    what = f"it is too {how} for its voice: {finding.s_per_syllable:.2f} s a syllable, where {usual:.2f} s is usual"
    return Fault(FaultKind.LENGTH, what)


def _first_lines(lines: Iterable[ProofLine]) -> dict[str, list[ProofLine]]:
    first: dict[str, list[ProofLine]] = {}
    for line in lines:
        of_voice = first.setdefault(_voice(line), [])
        if len(of_voice) < FIRST_LINES and _sets_pace(line.spoken):
            of_voice.append(line)
    return first


def _sets_pace(spoken: SpokenLine) -> bool:
    return spoken.style.tag == "default" and syllables(spelled(spoken.text)) >= _PACE_SYLLABLES


def _voice(line: ProofLine) -> str:
    """Whose pace it is: a voice's in a language, or a person's."""
    return f"{line.line.role if line.human else line.spoken.voice.id} {line.spoken.language}"
