"""What a report says of judges: how far they agree with themselves, with each other, and with what was measured.

Owns these sections, and judged scores as metrics. Does not know how judges are asked (`judging`) or reports written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from speechagents.benchmark.document import Paragraph, Section, Table
from speechagents.benchmark.judging.agreement import (
    Agreement,
    Correlation,
    agreement_of_judges,
    agreement_of_repeats,
    correlations,
)
from speechagents.benchmark.judging.criteria import CRITERIA, LEAST, MOST
from speechagents.benchmark.judging.judge import kept_verdicts
from speechagents.benchmark.judging.opinions import Judged
from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.played import read_cell_record
from speechagents.benchmark.scores import RunScores

_SHOWN: Final = 24
"""Correlations that are listed, the strongest first."""


def judged_metrics() -> tuple[Metric, ...]:
    """The criteria as metrics, for reports; what judges gave stands in the scores, and nothing else finds it."""
    return tuple(
        Metric(
            criterion.metric,
            f"{criterion.title}, judged",
            criterion.about,
            "Judged",
            Better.HIGHER,
            Needs.TEXT,
            f"{LEAST}–{MOST}",
            criterion.source,
            _not_measured,
        )
        for criterion in CRITERIA
    )


def judged_sections(folders: Sequence[Path], runs: Sequence[RunScores], *, seed: int = 0) -> tuple[Section, ...]:
    """What there is to say of judges; nothing where nobody judged.

    Args:
        folders: Of the runs.
        runs: What was measured of them.
        seed: Of the bootstrap.
    """
    by_judge: dict[str, list[Judged]] = {}
    for folder in folders:
        for cell in sorted((folder / "cells").glob("*")):
            if read_cell_record(cell) is not None:
                for identity, verdicts in kept_verdicts(cell).items():
                    by_judge.setdefault(identity, []).append(Judged(f"{folder}/{cell.name}", verdicts))
    if not by_judge:
        return ()
    tables = [
        *(
            _agreement(f"{name} with itself, from one repetition to another", agreement_of_repeats(judged))
            for name, judged in by_judge.items()
        ),
        *(
            _agreement(f"{one} with {other}", agreement_of_judges(by_judge[one], by_judge[other]))
            for one, other in itertools.combinations(by_judge, 2)
        ),
    ]
    found = correlations([cell for run in runs for cell in run.cells], seed=seed)
    return (Section("How far judges can be trusted", (*tables, *_going_together(found))),)


def _agreement(caption: str, found: Mapping[str, Agreement]) -> Table:
    return Table(
        caption,
        ("criterion", "scenes", "Krippendorff's alpha", "Spearman's rho"),
        tuple((name, str(one.cells), _shown(one.alpha), _shown(one.rho)) for name, one in found.items()),
        ("Alpha is 1 for full agreement and 0 for that of chance; – where all scores are the same.",),
    )


def _going_together(found: Sequence[Correlation]) -> Iterator[Table | Paragraph]:
    if not found:
        yield Paragraph("There are too few judged scenes to say how scores go with what was measured.")
        return
    strongest = sorted(found, key=lambda one: -abs(one.rho))[:_SHOWN]
    yield Table(
        f"Judged and measured, the {len(strongest)} of {len(found)} pairs that go together most",
        ("judged", "measured", "Spearman's rho", "95 %", "scenes"),
        tuple(
            (
                one.judged,
                one.measured,
                _shown(one.rho),
                "–" if one.low is None else f"{_shown(one.low)} to {_shown(one.high)}",
                str(one.cells),
            )
            for one in strongest
        ),
        ("Of so many pairs some are far from 0 by chance.",),
    )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _not_measured(looked: Looked) -> Measured:  # noqa: ARG001 - metrics take a cell
    return Measured(None)
