"""What proofing asks for and finds.

Owns the values. Does not know how a take is examined (`examining`), judged or retaken (`proofer`), or where findings
are kept (`record`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from speechagents.drama import Line
from speechagents.voices.synthesizer import SpokenLine


class FaultKind(StrEnum):
    """What is wrong with a take."""

    DROPPED = "dropped"
    """Words of the text are not heard."""
    REPEATED = "repeated"
    """Words are heard once more than they stand in the text."""
    INVENTED = "invented"
    """Words are heard that are not in the text."""
    MISREAD = "misread"
    """So little of the text is heard that single words are not worth naming."""
    CLIPPING = "clipping"
    SILENCE = "silence"
    """All of it, or a stretch in the middle."""
    LENGTH = "length"
    """Too short or too long for the text, or for its voice."""
    NOISE = "noise"
    DAMAGED = "damaged"
    """No sound at all, or values that are no numbers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a take.

    Attributes:
        kind: What.
        what: The same for people, with words and figures.
        at_s: Where in the take, in seconds; None where that means nothing.
    """

    kind: FaultKind
    what: str
    at_s: float | None = None

    def __post_init__(self) -> None:
        if self.at_s is not None:
            object.__setattr__(self, "at_s", round(self.at_s, 3))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": str(self.kind), "what": self.what, "at_s": self.at_s}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A fault as `as_json` gave it."""
        at_s = values["at_s"]
        return cls(FaultKind(values["kind"]), str(values["what"]), None if at_s is None else float(at_s))


@dataclass(frozen=True, slots=True)
class Finding:
    """What examining one take found; nothing in it depends on any other take.

    Attributes:
        take: Address of the take.
        examiner: By whom and with which text; see `examining.Examiner.identity`.
        score: Share of the text that was heard as written, 0 to 1; what was invented counts against it. 1 where
            nobody listened.
        faults: In order of time as far as they have one.
        heard: What a recogniser understood; None where none listened.
        unheard: Why none listened, for people; empty where one did.
        s_per_syllable: Pace of the speech, 0 where it has too few syllables to tell.
    """

    take: str
    examiner: str
    score: float = 1.0
    faults: tuple[Fault, ...] = ()
    heard: str | None = None
    unheard: str = ""
    s_per_syllable: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.score <= 1.0 and math.isfinite(self.s_per_syllable) and self.s_per_syllable >= 0.0):
            raise ValueError(f"a finding with score {self.score} and {self.s_per_syllable} s a syllable is none")
        # As they are on disk: a resumed run must decide by the same figures as one that goes through.
        for name in ("score", "s_per_syllable"):
            object.__setattr__(self, name, round(getattr(self, name), 4))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "take": self.take,
            "examiner": self.examiner,
            "score": self.score,
            "faults": [fault.as_json() for fault in self.faults],
            "heard": self.heard,
            "unheard": self.unheard,
            "s_per_syllable": self.s_per_syllable,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A finding as `as_json` gave it.

        Raises:
            ValueError: The values are no finding.
        """
        try:
            heard = values["heard"]
            return cls(
                take=str(values["take"]),
                examiner=str(values["examiner"]),
                score=float(values["score"]),
                faults=tuple(Fault.from_json(fault) for fault in values["faults"]),
                heard=None if heard is None else str(heard),
                unheard=str(values["unheard"]),
                s_per_syllable=float(values["s_per_syllable"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no finding: {error!r}") from error


@dataclass(frozen=True, slots=True)
class ProofLine:
    """A line to be proofed.

    Attributes:
        line: As it stands in the play.
        spoken: As its voice was asked for it the first time (attempt 0).
        recorded: Address of its recording where no voice made it: a person's own, or a line as far as it was heard.
            Recordings are proofed but never retaken.
        human: It is a person's recording.
    """

    line: Line
    spoken: SpokenLine
    recorded: str = ""
    human: bool = False


@dataclass(frozen=True, slots=True)
class Proofed:
    """What became of a line.

    Attributes:
        line: The line.
        take: Address of the take that is kept.
        attempt: Which attempt that is; 0 the first.
        retakes: How often it was spoken again.
        finding: What is known of the kept take; `finding.faults` is empty where it is good.
        new: Somebody examined a take of it in this run, rather than reading a finding from disk.
        spoken: Takes of it that were made in this run.
    """

    line: Line
    take: str
    attempt: int
    retakes: int
    finding: Finding
    new: bool
    spoken: int = 0

    @property
    def good(self) -> bool:
        """Nothing is wrong with it."""
        return not self.finding.faults


@dataclass(slots=True)
class ProofSummary:
    """Counts over many lines.

    Attributes:
        lines: Lines proofed.
        faulty: Those whose kept take still has a fault.
        retaken: Those whose kept take is not the first.
        unheard: Those nobody listened to though a recogniser should have.
        faults: How often each kind of fault is left.
    """

    lines: int = 0
    faulty: int = 0
    retaken: int = 0
    unheard: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def note(self, proofed: Proofed) -> None:
        """Count a line."""
        self.lines += 1
        self.faulty += not proofed.good
        self.retaken += proofed.attempt > 0
        self.unheard += bool(proofed.finding.unheard)
        for kind in {str(fault.kind) for fault in proofed.finding.faults}:
            self.faults[kind] = self.faults.get(kind, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """Plain values, kinds in a fixed order."""
        kinds: Iterator[FaultKind] = (kind for kind in FaultKind if str(kind) in self.faults)
        return {
            "lines": self.lines,
            "faulty": self.faulty,
            "retaken": self.retaken,
            "unheard": self.unheard,
            "faults": {str(kind): self.faults[str(kind)] for kind in kinds},
        }


def joined(faults: Sequence[Fault]) -> str:
    """Faults as one phrase for people."""
    return "; ".join(fault.what for fault in faults)
