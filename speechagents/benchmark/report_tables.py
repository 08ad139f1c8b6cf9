"""Sections of a report that are made of tables: what was run, what was measured, how runs compare.

Owns what stands in them. Does not know how a report is written down (`report`, `report_html`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from speechagents.benchmark.comparison import (
    Compared,
    Comparison,
    Discerned,
    Discernment,
    Discrimination,
    Winner,
)
from speechagents.benchmark.document import Block, Items, Paragraph, Section, Table
from speechagents.benchmark.metrics.metric import Better, Metric
from speechagents.benchmark.report_figures import Summaries, role_counts
from speechagents.benchmark.scores import RunInfo, RunScores
from speechagents.benchmark.statistics import CellKey
from speechagents.benchmark.summary import Summary
from speechagents.benchmark.wording import NOTHING, counted, number, p_value, shortened, with_interval

_ARROWS: Final = {Better.HIGHER: "↑", Better.LOWER: "↓", Better.NEITHER: ""}
_MOST_CELLS: Final = 10
_MOST_PROBLEMS: Final = 40
_PROBLEM_CHARS: Final = 400
_OF_CELL: Final = re.compile(r"(?P<cell>[0-9]{3,5}-[a-z0-9-]+): (?P<text>.*)", re.DOTALL)
_OPTIONS: Final = ("controller", "model", "server", "script", "preset", "set")
_USER: Final = re.compile(r"(?<=://)[^/@\s]*@")


def what_was_run(runs: Sequence[RunScores]) -> Section:
    """A table with a column for each run."""
    rows = {
        "Who acts": [run.info.system for run in runs],
        "Voices": [run.info.voices for run in runs],
        "Turn policy": [run.info.policy for run in runs],
        "Agents hear": [run.info.hearing for run in runs],
        "Benchmark": [run.info.benchmark for run in runs],
        "Split": [run.info.split or "all" for run in runs],
        "Numbers of roles": [", ".join(map(str, run.info.roles)) for run in runs],
        "Cells played of planned": [f"{len(run.cells):,} of {run.planned:,}" for run in runs],
        "Scenes played": [f"{len({cell.scene_id for cell in run.cells}):,}" for run in runs],
        "Only with a script by hand": ["yes" if run.info.scripted else "no" for run in runs],
        "Repetitions": [str(run.info.repeats) for run in runs],
        "Most turns": [_limit(run.info.turns, "by the number of roles") for run in runs],
        "Budget, turns": [_limit(run.info.budget_turns, "no limit") for run in runs],
        "Budget, tokens": [_limit(run.info.budget_tokens, "no limit") for run in runs],
        "Seed": [str(run.info.seed) for run in runs],
        **{
            f"Version of {package}": [run.info.versions.get(package, "") for run in runs]
            for package in dict.fromkeys(package for run in runs for package in run.info.versions)
        },
        "Commit": [run.info.commit for run in runs],
        "Machine": [run.info.machine for run in runs],
    }
    table = Table(
        "Runs",
        ("", *(run.info.name for run in runs)),
        tuple((name, *(value or NOTHING for value in values)) for name, values in rows.items()),
    )
    return Section("What was run", (table,))


def measured_tables(group: Sequence[Metric], runs: Sequence[RunScores], summaries: Summaries) -> Iterator[Table]:
    """Tables of the metrics of a group: of all cells, and by number of roles."""
    notes = _Notes()
    rows = tuple(
        (_titled(metric), *(notes.shown(summaries[run.info.name, metric.name, None]) for run in runs))
        for metric in group
    )
    yield Table("All numbers of roles", ("Metric", *(run.info.name for run in runs)), rows, notes.listed())
    counts = role_counts(runs)
    if len(counts) < 2:
        return
    notes = _Notes()
    rows = tuple(
        (
            _titled(metric),
            run.info.name,
            *(notes.shown(summaries[run.info.name, metric.name, roles]) for roles in counts),
        )
        for metric in group
        for run in runs
        if summaries[run.info.name, metric.name, None].mean is not None
    )
    if rows:
        head = ("Metric", "Run", *(f"{count} roles" for count in counts))
        yield Table("By number of roles", head, rows, notes.listed())


def compared(comparison: Comparison, titles: Mapping[str, str]) -> Section:
    """Two runs, metric by metric."""
    first, second = comparison.first, comparison.second
    blocks: list[Block] = []
    if comparison.metrics:
        head = ("Metric", "Cells (scenes)", first, second, "Difference", "p", "p, Holm", "d_z", "Cliff’s δ", "Better")
        rows = tuple(_compared_row(one, first, second) for one in comparison.metrics)
        blocks.append(Table(f"{second} less {first}, over the cells that both have", head, rows))
    else:
        blocks.append(Paragraph("They have no cell with a value in common, so that nothing can be compared."))
    missing = (
        *((f"Only in {first}", _cells(comparison.only_first)) if comparison.only_first else (),),
        *((f"Only in {second}", _cells(comparison.only_second)) if comparison.only_second else (),),
        *(("Without a pair", ", ".join(titles[name] for name in comparison.unpaired)) if comparison.unpaired else (),),
    )
    told = tuple((item[0], item[1]) for item in missing if item)
    if told:
        blocks.append(Items(told))
    return Section(f"{first} and {second} compared", tuple(blocks))


def discriminated(found: Discrimination) -> Section:
    """How metrics tell a reference from the other runs."""
    head = ("Metric", *found.others, f"Above {found.baseline}")
    rows = tuple(
        (_titled(metric), *map(_discerned, effects), _verdict(effects[found.others.index(found.baseline)]))
        for metric, effects in found.rows
    )
    about = (
        f"How {found.reference} stands to each other run, over the cells that both have: Cohen’s d_z of the scenes’ "
        f"differences / Cliff’s δ. Above 0 {found.reference} is better, or has more where a metric only describes. "
        f"✓ says that it is better and the interval of the difference excludes 0; {NOTHING} that there are no values."
    )
    return Section(
        f"Does a metric know {found.reference} from the others?",
        (Paragraph(about), Table("Effect sizes", head, rows)),
    )


def problems(runs: Sequence[RunScores]) -> Section:
    """What could not be played or measured, equal problems counted."""
    told: list[tuple[str, str]] = []
    for run in runs:
        if len(run.cells) < run.planned:
            left = counted(run.planned - len(run.cells), "cell")
            told.append((run.info.name, f"{left} of {run.planned:,} not played or not measured"))
        cells: dict[str, list[str]] = {}
        for problem in run.problems:
            match = _OF_CELL.fullmatch(problem)
            cells.setdefault(match["text"] if match else problem, []).append(match["cell"] if match else "")
        ranked = sorted(cells.items(), key=lambda item: -len(item[1]))
        for text, of in ranked[:_MOST_PROBLEMS]:
            times = f"{len(of):,} times: " if len(of) > 1 else ""
            where = _some([cell for cell in of if cell])
            told.append((run.info.name, times + shortened(text, _PROBLEM_CHARS) + (f" ({where})" if where else "")))
        if left_out := sum(len(of) for _, of in ranked[_MOST_PROBLEMS:]):
            told.append((run.info.name, f"{left_out:,} more of other kinds"))
    return Section("Problems", (Items(tuple(told)) if told else Paragraph("None."),))


def command_of(info: RunInfo) -> str:
    """The command that makes the run again, for a POSIX shell."""
    words = ["speechagents", "bench", "run", "--split", info.split or "all", "--roles", ",".join(map(str, info.roles))]
    for option in _OPTIONS:
        if value := info.asked.get(option):
            words += [f"--{option}", _USER.sub("", value)]
    if "script" not in info.asked:
        words += ["--policy", info.policy, "--hearing", info.hearing]
        words += ["--scripted"] if info.scripted else []
    for option, number_of, unless in (
        ("--scenes", info.scenes, 0),
        ("--repeats", info.repeats, 1),
        ("--turns", info.turns, 0),
        ("--budget-turns", info.budget_turns, 0),
        ("--budget-tokens", info.budget_tokens, 0),
    ):
        words += [option, str(number_of)] if number_of != unless else []
    return shlex.join([*words, "--seed", str(info.seed), "--out", folder_of(info)])


def folder_of(info: RunInfo) -> str:
    """A folder for it that no shell takes for an option."""
    return f"./{info.name}" if info.name.startswith("-") else info.name


class _Notes:
    """Why values are absent, as numbered notes below a table; one for each reason."""

    def __init__(self) -> None:
        self._reasons: dict[str, int] = {}

    def shown(self, summary: Summary) -> str:
        """A value with its interval and the number of cells, or a dash with the number of its note."""
        if summary.mean is None:
            return f"{NOTHING} ({self._reasons.setdefault(summary.absent, len(self._reasons) + 1)})"
        return f"{with_interval(summary.mean, summary.interval)} · n {summary.cells:,}"

    def listed(self) -> tuple[str, ...]:
        return tuple(f"{NOTHING} ({at}): {reason}." for reason, at in self._reasons.items())


def _titled(metric: Metric) -> str:
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.title}{unit} {_ARROWS[metric.better]}".rstrip()


def _limit(value: int, without: str) -> str:
    return f"{value:,}" if value else without


def _compared_row(one: Compared, first: str, second: str) -> tuple[str, ...]:
    pair = one.paired
    better = {
        Winner.FIRST: first,
        Winner.SECOND: second,
        Winner.UNDECIDED: "undecided",
        Winner.DESCRIBES: "(only describes)",
    }
    return (
        _titled(one.metric),
        f"{pair.pairs:,} ({pair.scenes:,})",
        number(pair.first),
        number(pair.second),
        with_interval(pair.difference, pair.interval, signed=True),
        p_value(pair.p),
        p_value(one.p_holm),
        NOTHING if pair.effect is None else number(pair.effect, 2, signed=True),
        number(pair.delta, 2, signed=True),
        better[one.winner],
    )


def _discerned(one: Discernment) -> str:
    if one.delta is None:
        return NOTHING
    effect = NOTHING if one.effect is None else number(one.effect, 2, signed=True)
    sure = " ✓" if one.verdict is Discerned.ABOVE else ""
    return f"{effect} / {number(one.delta, 2, signed=True)}{sure}"


def _verdict(one: Discernment) -> str:
    if not one.pairs:
        return NOTHING
    return {
        Discerned.ABOVE: "yes",
        Discerned.NOT_ABOVE: "no",
        Discerned.TOO_FEW: "too few scenes",
        Discerned.DESCRIBES: "(only describes)",
    }[one.verdict]


def _cells(keys: Sequence[CellKey]) -> str:
    names = [
        f"{scene}, {roles} roles" + (f", repetition {repeat + 1}" if repeat else "") for scene, roles, repeat in keys
    ]
    return f"{counted(len(keys), 'cell')}: {_some(names, '; ')}"


def _some(names: Sequence[str], mark: str = ", ") -> str:
    """The first few of many."""
    rest = f" and {len(names) - _MOST_CELLS:,} more" if len(names) > _MOST_CELLS else ""
    return mark.join(names[:_MOST_CELLS]) + rest
