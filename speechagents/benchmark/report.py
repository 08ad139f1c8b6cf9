"""The report of one run or several: what was run, what was measured, how runs compare; written as Markdown.

Owns the order of a report, and Markdown. Does not know how anything is measured or tested. Names and problems are
untrusted: in Markdown they can neither make markup nor leave their cell.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from speechagents.benchmark.comparison import ALPHA, Discrimination, compare, discriminate, refuse_different
from speechagents.benchmark.document import Block, Commands, Items, Paragraph, Pictures, Report, Section, Table
from speechagents.benchmark.metrics.metric import Metric
from speechagents.benchmark.report_figures import pictures, summarise_all
from speechagents.benchmark.report_tables import (
    command_of,
    compared,
    discriminated,
    folder_of,
    measured_tables,
    problems,
    what_was_run,
)
from speechagents.benchmark.scores import RunScores
from speechagents.benchmark.statistics import LEAST_SCENES, PERMUTATIONS, RESAMPLES
from speechagents.benchmark.wording import shortened, visible
from speechagents.errors import BenchmarkError

MAX_RUNS: Final = 20
_NAME_CHARS: Final = 60
_MARKUP: Final = re.compile(r"([\\`*_\[\]<|~&$])")
_OPENING: Final = re.compile(r"^(\d*)([#>]|[-+](?=[-+\s]|$)|(?<=\d)[.)](?=\s|$))")
"""What begins a heading, a quotation or a list."""


def make_report(
    runs: Sequence[RunScores],
    metrics: Sequence[Metric],
    *,
    reference: str = "",
    baseline: str = "",
    more: Sequence[Section] = (),
    seed: int = 0,
) -> Report:
    """What there is to say of some runs.

    Args:
        runs: The first is what the others are compared with.
        metrics: What is shown of them, in this order.
        reference: Name of a run that should be the best: how each metric tells it from the others is shown.
        baseline: Name of the run that a metric has to put the reference above; needed with `reference`.
        more: Sections from elsewhere, such as how far judges agree.
        seed: Of bootstraps and tests.

    Raises:
        BenchmarkError: There is no run, there are too many, they are of different benchmarks, or none has that name.
    """
    if not 1 <= len(runs) <= MAX_RUNS:
        raise BenchmarkError(f"{len(runs)} runs; a report takes 1 to {MAX_RUNS}")
    refuse_different(runs)
    named = _named(runs)
    titles = {metric.name: metric.title for metric in metrics}
    summaries = summarise_all(named, metrics, seed)
    sections = [what_was_run(named), _reading(len(named))]
    groups = {metric.group: [one for one in metrics if one.group == metric.group] for metric in metrics}
    for heading, group in groups.items():
        drawn = tuple(svg for metric in group for svg in pictures(named, metric, summaries, seed))
        blocks = (*measured_tables(group, named, summaries), *((Pictures(drawn),) if drawn else ()))
        sections.append(Section(heading, blocks))
    sections += [compared(compare(named[0], run, metrics, seed=seed), titles) for run in named[1:]]
    if reference:
        sections.append(discriminated(_discrimination(named, metrics, reference, baseline, seed)))
    sections += [*more, problems(named), _reproducing(named), _sources(named, metrics)]
    return Report(f"Human-Communication Simulation: {', '.join(run.info.name for run in named)}", tuple(sections))


def markdown_of(report: Report) -> str:
    """The report as Markdown (GitHub's, for its tables); plots are left out."""
    parts = [f"# {_text(report.title)}"]
    for section in report.sections:
        parts.append(f"## {_text(section.heading)}")
        parts += [written for block in section.blocks if (written := "\n".join(_markdown(block)))]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _text(text)
        case Items(items):
            for term, said in items:
                yield f"- **{_text(term)}**: {_text(said)}" if term else f"- {_text(said)}"
        case Commands(lines):
            yield "```sh"
            yield from map(visible, lines)
            yield "```"
        case Table(caption, head, rows, notes):
            yield f"**{_text(caption)}**"
            yield ""
            for row in (head, ("---",) * len(head), *rows):
                yield "| " + " | ".join(cell if cell == "---" else _text(cell) for cell in row) + " |"
            for note in notes:
                yield ""
                yield _text(note)
        case Pictures():
            return


def _text(text: str) -> str:
    """Plain text, safe at the beginning of a line, too."""
    return _OPENING.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", visible(text)))


def _named(runs: Sequence[RunScores]) -> tuple[RunScores, ...]:
    """Runs with names that differ and can be shown."""
    taken: set[str] = set()
    named = []
    for at, run in enumerate(runs, 1):
        short = shortened(run.info.name, _NAME_CHARS) or f"run {at}"
        name = next(
            one for one in itertools.chain((short,), (f"{short} ({n})" for n in itertools.count(2))) if one not in taken
        )
        taken.add(name)
        named.append(replace(run, info=replace(run.info, name=name)))
    return tuple(named)


def _reading(runs: int) -> Section:
    means = (
        "Values are means over scenes, each scene with the same weight whatever was played of it. In brackets stands "
        "the interval that holds the true mean in 95 of 100 such benchmarks, behind it n, the number of cells: a "
        f"scene, a number of roles, a repetition. Intervals are BCa bootstraps, {RESAMPLES:,} draws of whole scenes "
        "(Efron & Tibshirani 1993, section 14.3), wider for few scenes (Hesterberg 2015, arXiv:1411.5279); for fewer "
        f"than {LEAST_SCENES} scenes there is none. ↑ more is better, ↓ less is better; a metric without an arrow "
        "only describes, and nothing is better for it."
    )
    tests = (
        "Runs are compared cell by cell. p is that of random signs of the scenes’ differences (Fisher 1935): of all "
        f"signs, or {PERMUTATIONS:,} draws; it is adjusted for the number of metrics after Holm (1979). A run is "
        f"called better where the adjusted p is at most {ALPHA}; “undecided” does not mean equal. d_z is the mean of "
        "the differences by their standard deviation (Cohen 1988), Cliff’s δ how much more often a run has the "
        "larger value (Cliff 1993)."
    )
    return Section("How to read it", (Paragraph(means), *((Paragraph(tests),) if runs > 1 else ())))


def _discrimination(
    runs: Sequence[RunScores], metrics: Sequence[Metric], reference: str, baseline: str, seed: int
) -> Discrimination:
    by_name = {run.info.name: run for run in runs}
    if reference not in by_name:
        raise BenchmarkError(f"no run is called {reference!r}; there are {', '.join(by_name)}")
    others = [run for run in runs if run.info.name != reference]
    return discriminate(by_name[reference], others, metrics, baseline=baseline, seed=seed)


def _reproducing(runs: Sequence[RunScores]) -> Section:
    folders = shlex.join(folder_of(run.info) for run in runs)
    lines = (
        *(command_of(run.info) for run in runs),
        f"speechagents bench score {folders}",
        f"speechagents bench report {folders} --html report.html",
    )
    about = (
        "With the same versions, scenes and seed, controllers that go by rule and scripts give the same numbers again; "
        "a language model may answer otherwise. A judge or another recogniser is named when scoring."
    )
    return Section("How to reproduce it", (Commands(lines), Paragraph(about)))


def _sources(runs: Sequence[RunScores], metrics: Sequence[Metric]) -> Section:
    known = {metric.name for metric in metrics}
    others = dict.fromkeys(name for run in runs for cell in run.cells for name in cell.values if name not in known)
    blocks: list[Block] = [Items(tuple((one.title, f"{one.about} Source: {one.source}") for one in metrics))]
    if others:
        blocks.append(Paragraph(f"Measured as well and not shown: {', '.join(others)}."))
    return Section("Metrics and their sources", tuple(blocks))
