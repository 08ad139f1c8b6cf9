"""The table of abilities as a report.

Owns the order and the words of the report. Does not know how figures come about (`changes`, `ability_table`), nor how a
report becomes Markdown (`benchmark.report`). Importing it needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from speechagents.benchmark.document import Block, Items, Paragraph, Report, Section, Table
from speechagents.benchmark.metrics.metric import Better
from speechagents.benchmark.statistics import LEAST_SCENES, RESAMPLES
from speechagents.benchmark.wording import NOTHING, number
from speechagents.tuning.ability_table import AbilityTable, allowed, shown_level, told, verdict
from speechagents.tuning.changes import Shown, change, level
from speechagents.tuning.measures import OF_KIND, ON_STAGE, Side, measure_of

_MARKS = {Shown.BETTER: " ✓", Shown.WORSE: " ✗", Shown.NOTHING: ""}


def ability_report(table: AbilityTable, title: str, run: Mapping[str, str]) -> Report:
    """Everything that there is to say.

    Args:
        table: The figures.
        title: Of the report.
        run: What was tuned on what, and how: terms and what is said of them.
    """
    names = table.measures
    stage = [name for name in names if name.startswith(ON_STAGE)]
    kinds = [name for name in names if OF_KIND in name]
    main = [name for name in names if name not in stage and name not in kinds]
    sections = [
        Section("What is shown", (*(Paragraph(sentence) for sentence in verdict(table)),)),
        Section("What was tuned", (Items(tuple(run.items())),)),
        Section("Abilities", (_levels("Before and after", table, main), *_baselines(table))),
        Section("What has changed", (_changes("Against the untuned model", table, main), *_general_only(table, main))),
    ]
    if kinds:
        sections.append(Section("General tasks", (_levels("By kind of task", table, kinds),)))
    if stage:
        about = (
            "Held-out scenes of the benchmark, played by each model for all roles. A scene in which another controller "
            "had to take more than a fifth of the turns counts for the share of such turns alone."
        )
        blocks = (_levels("On stage", table, stage), _changes("Against the untuned model", table, stage))
        sections.append(Section("On stage", (Paragraph(about), *blocks)))
    claiming = [name for name in main if measure_of(name).claims]
    sections += [Section("Seed by seed", (_seeds(table, claiming),)), _reading(names)]
    return Report(title, tuple(sections))


def _levels(caption: str, table: AbilityTable, names: Sequence[str]) -> Table:
    models = (table.untuned, *table.tuned)
    rows = [(_title(name), *(shown_level(name, one.seeds) or NOTHING for one in models)) for name in names]
    return Table(caption, ("", *(one.name for one in models)), tuple(rows))


def _changes(caption: str, table: AbilityTable, names: Sequence[str]) -> Table:
    rows = []
    for name in names:
        found = [table.change_of(one.name, name) for one in table.tuned]
        rows.append((_title(name), *(NOTHING if one is None else told(one) + _MARKS[one.shown] for one in found)))
    return Table(caption, ("", *(one.name for one in table.tuned)), tuple(rows))


def _general_only(table: AbilityTable, names: Sequence[str]) -> Sequence[Block]:
    if not table.general_only:
        return ()
    control = table.named(table.general_only)
    others = [one for one in table.tuned if one is not control]
    rows = []
    for name in names:
        found = [change(control.seeds, one.seeds, name) for one in others]
        rows.append((_title(name), *(NOTHING if one is None else told(one) + _MARKS[one.shown] for one in found)))
    caption = f"Against {table.general_only}: as many steps without agent data"
    return (Table(caption, ("", *(one.name for one in others)), tuple(rows)),) if others else ()


def _baselines(table: AbilityTable) -> Sequence[Block]:
    """What can be had without any model, beside the claimed one."""
    rows = []
    claimed = table.named(table.claimed)
    for measure in ("next_speaker", "style"):
        for name, one in table.baselines.items():
            shown = shown_level(measure, (one,))
            if shown:
                difference = change((one,), claimed.seeds, measure)
                against = NOTHING if difference is None else told(difference) + _MARKS[difference.shown]
                rows.append((_title(measure), name, shown, against))
    if not rows:
        return ()
    return (Table("Without any model", ("", "By", "Right", f"{table.claimed}, against it"), tuple(rows)),)


def _seeds(table: AbilityTable, names: Sequence[str]) -> Table:
    rows = []
    for name in names:
        about = measure_of(name)
        for one in (table.untuned, *table.tuned):
            found = level(one.seeds, name)
            if found is not None:
                each = ", ".join(number(about.shown(value)) for value in found.seeds)
                rows.append((_title(name), one.name, each, str(found.groups)))
    return Table("Mean of each seed", ("", "Model", "Means", "Scenes or tasks"), tuple(rows))


def _title(name: str) -> str:
    about = measure_of(name)
    arrow = {Better.HIGHER: " ↑", Better.LOWER: " ↓", Better.NEITHER: ""}[about.better]
    return about.title + arrow


def _reading(names: Sequence[str]) -> Section:
    means = (
        "Values are means over scenes (of general tasks in words: over tasks), each with the same weight, of the mean "
        "of all seeds. In brackets stands the 95 % interval of a BCa bootstrap, "
        f"{RESAMPLES:,} draws of whole scenes (Efron & Tibshirani 1993, section 14.3); for fewer than {LEAST_SCENES} "
        "scenes there is none. Changes are paired scene by scene; of perplexities they are quotients. ✓ shown to be "
        "better, ✗ shown to be worse: the interval lies on that side, and so does each single seed. ↑ more is better, "
        "↓ less is better."
    )
    claims = (
        "“Better at agents' tasks” asks for ✓ at each of the measures that are marked below; “no worse in general” "
        "asks for intervals that lie above the margin at each of the marked ones (non-inferiority; Piaggio et al. "
        "2012), and for no kind of task that is shown to be worse by more than that."
    )
    items = []
    for name in names:
        about = measure_of(name)
        mark = ""
        if about.claims:
            mark = " Asked for by the claim" + (f", {allowed(about)} allowed" if about.margin else "") + "."
        if OF_KIND not in name:
            side = "General tasks" if about.side is Side.GENERAL else "Agents' tasks"
            items.append((about.title, f"{about.about} {side}.{mark}"))
    return Section("How to read it", (Paragraph(means), Paragraph(claims), Items(tuple(items))))
