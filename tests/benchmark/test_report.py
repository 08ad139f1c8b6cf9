"""A report says what was run, what was measured, what is absent and why, who is better, and how to repeat it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence

import pytest
from markdown_it import MarkdownIt

from speechagents.benchmark.document import Commands, Items, Paragraph, Pictures, Report, Section, Table
from speechagents.benchmark.metrics.metric import Better, Measured, Metric, Needs
from speechagents.benchmark.report import MAX_RUNS, make_report, markdown_of
from speechagents.benchmark.report_tables import command_of
from speechagents.benchmark.scores import RunScores
from speechagents.commands.bench import add_bench_command
from speechagents.errors import BenchmarkError
from tests.benchmark.made_up_runs import SCENES, info, metric, run_of, spread, with_turns

METRICS = (
    metric("quality", title="Quality"),
    metric("errors", Better.LOWER, title="Errors", unit="per line"),
    metric("gap_s", Better.NEITHER, title="Gap", group="Turn-taking", unit="s", needs=Needs.SOUND),
    metric("seconds", Better.LOWER, title="Time", group="Cost", unit="s a turn"),
    metric("judged_quality", title="Quality, judged", group="Judged"),
)
REFERENCE = run_of(
    {
        "quality": with_turns(spread(0.9)),
        "errors": spread(0.1),
        "gap_s": with_turns(spread(0.2)),
        "seconds": spread(3.0),
    },
    name="reference",
    asked={"script": "reference", "preset": "auto"},
    system="script reference",
    policy="scripted",
    scripted=True,
)
SHUFFLED = run_of(
    {
        "quality": with_turns(spread(0.5, seed=1)),
        "errors": spread(0.1, seed=2),
        "gap_s": with_turns(spread(0.8, seed=3)),
    },
    name="shuffled",
    planned=64,
    problems=[
        "001-scene-2: there is no take",
        "002-scene-25: there is no take",
        "judge qwen: of 60 scores 3 refused (I'm sorry), 1 timed out (60 s); 56 count",
    ],
    voices="",
)


def section(report: Report, heading: str) -> Section:
    return next(one for one in report.sections if one.heading == heading)


def tables(of: Section) -> list[Table]:
    return [block for block in of.blocks if isinstance(block, Table)]


def row(table: Table, name: str) -> dict[str, str]:
    return next(dict(zip(table.head, row, strict=True)) for row in table.rows if row[0] == name)


@pytest.fixture(scope="module")
def report() -> Report:
    return make_report((REFERENCE, SHUFFLED), METRICS, reference="reference", baseline="shuffled")


def test_it_says_what_was_run(report: Report) -> None:
    (table,) = tables(section(report, "What was run"))
    shown = {one[0]: one[1:] for one in table.rows}
    assert table.head == ("", "reference", "shuffled")
    assert shown["Who acts"] == ("script reference", "rehearsal 1")
    assert shown["Voices"] == ("espeak 1.52", "–")
    assert shown["Benchmark"] == ("hcs v1 0123abcd",) * 2
    assert shown["Cells played of planned"] == ("60 of 60", "60 of 64")
    assert shown["Version of python"] == ("3.11.9",) * 2
    assert shown["Commit"] == ("0123456789abcdef",) * 2
    assert {"Split", "Numbers of roles", "Seed", "Machine", "Turn policy", "Agents hear"} <= shown.keys()


def test_each_group_shows_means_with_intervals_and_counts(report: Report) -> None:
    every, by_roles = tables(section(report, "Words"))
    assert re.fullmatch(r"0\.9\d\d \(0\.8\d\d to 0\.9\d\d\) · n 60", row(every, "Quality ↑")["reference"])
    assert row(every, "Errors (per line) ↓").keys() == {"Metric", "reference", "shuffled"}
    assert by_roles.head == ("Metric", "Run", "2 roles", "5 roles", "25 roles")
    assert [one[:2] for one in by_roles.rows] == [
        *(("Quality ↑", name) for name in ("reference", "shuffled")),
        *(("Errors (per line) ↓", name) for name in ("reference", "shuffled")),
    ]
    assert by_roles.rows[0][2].endswith("· n 20")


def test_a_metric_that_describes_has_no_arrow_and_is_never_better(report: Report) -> None:
    assert row(tables(section(report, "Turn-taking"))[0], "Gap (s)")
    (table,) = tables(section(report, "reference and shuffled compared"))
    assert row(table, "Gap (s)")["Better"] == "(only describes)"
    (table,) = tables(section(report, "Does a metric know reference from the others?"))
    assert row(table, "Gap (s)")["Above shuffled"] == "(only describes)"
    assert "✓" not in row(table, "Gap (s)")["shuffled"]


def test_what_is_absent_is_a_dash_with_its_reason(report: Report) -> None:
    (table,) = tables(section(report, "Judged"))
    assert row(table, "Quality, judged ↑")["reference"] == "– (1)"
    assert table.notes == ("– (1): no judge gave a score that counts.",)
    every = tables(section(report, "Cost"))[0]
    assert row(every, "Time (s a turn) ↓")["shuffled"] == "– (1)"
    assert every.notes == ("– (1): it was not measured.",)


def test_two_runs_are_compared_and_the_better_one_is_named(report: Report) -> None:
    (table,) = tables(section(report, "reference and shuffled compared"))
    quality = row(table, "Quality ↑")
    assert quality["Better"] == "reference"
    assert quality["Cells (scenes)"] == "60 (20)"
    assert quality["Difference"].startswith("−0.40")
    assert quality["p, Holm"] == "< 0.001"
    assert quality["Cliff’s δ"] == "−1.00"
    assert row(table, "Errors (per line) ↓")["Better"] == "undecided"
    (items,) = [
        block for block in section(report, "reference and shuffled compared").blocks if isinstance(block, Items)
    ]
    assert items.items == (("Without a pair", "Time, Quality, judged"),)


def test_the_discrimination_table_says_which_metrics_know_the_reference(report: Report) -> None:
    (table,) = tables(section(report, "Does a metric know reference from the others?"))
    assert table.head == ("Metric", "shuffled", "Above shuffled")
    assert row(table, "Quality ↑")["Above shuffled"] == "yes"
    assert row(table, "Quality ↑")["shuffled"].endswith("/ +1.00 ✓")
    assert row(table, "Errors (per line) ↓")["Above shuffled"] == "no"
    assert row(table, "Time (s a turn) ↓")["Above shuffled"] == "–"


def test_cells_that_only_one_run_has_are_named() -> None:
    one = run_of({"quality": spread(0.5)}, name="one")
    two = run_of({"quality": spread(0.5, scenes=SCENES[:12], roles=(2, 5))}, name="two")
    (items,) = [
        block
        for block in section(make_report((one, two), METRICS[:1]), "one and two compared").blocks
        if isinstance(block, Items)
    ]
    ((term, said),) = items.items
    assert term == "Only in one"
    assert said.startswith("36 cells: 001-scene, 25 roles; 002-scene, 25 roles;")
    assert said.endswith(" and 26 more")


def test_runs_without_a_common_cell_are_shown_side_by_side_and_not_compared() -> None:
    one = run_of({"quality": spread(0.5, roles=(2,))}, name="one")
    two = run_of({"quality": spread(0.5, roles=(5,))}, name="two")
    compared = section(make_report((one, two), METRICS[:1]), "one and two compared")
    assert compared.blocks[0] == Paragraph("They have no cell with a value in common, so that nothing can be compared.")


def test_problems_are_counted_and_told_with_what_was_not_played(report: Report) -> None:
    (items,) = section(report, "Problems").blocks
    assert items == Items(
        (
            ("shuffled", "4 cells of 64 not played or not measured"),
            ("shuffled", "2 times: there is no take (001-scene-2, 002-scene-25)"),
            ("shuffled", "judge qwen: of 60 scores 3 refused (I'm sorry), 1 timed out (60 s); 56 count"),
        )
    )
    assert section(make_report((REFERENCE,), METRICS), "Problems").blocks == (Paragraph("None."),)


def test_many_problems_are_not_all_listed() -> None:
    run = run_of({"quality": spread(0.5)}, problems=[f"trouble {number} {'x' * 500}" for number in range(100)])
    (items,) = section(make_report((run,), METRICS[:1]), "Problems").blocks
    assert isinstance(items, Items)
    assert len(items.items) == 41
    assert items.items[-1] == ("one", "60 more of other kinds")
    assert all(len(said) <= 400 for _, said in items.items)


def test_the_command_makes_the_run_again() -> None:
    run = info(
        "a run",
        asked={
            "controller": "openai",
            "model": "m 1",
            "server": "http://me:secret@localhost:8000/v1",
            "preset": "auto",
        },
        split="",
        scenes=3,
        repeats=2,
        turns=12,
        budget_turns=99,
        budget_tokens=1_000,
        scripted=True,
        hearing="audio",
        policy="bidding",
    )
    parser = argparse.ArgumentParser()
    add_bench_command(parser.add_subparsers())
    words = shlex.split(command_of(run))
    assert "secret" not in command_of(run)
    given = vars(parser.parse_args(words[1:]))
    assert words[0] == "speechagents"
    expected = {
        "split": "all",
        "roles": (2, 5, 25),
        "scenes": 3,
        "repeats": 2,
        "turns": 12,
        "seed": 7,
        "controller": "openai",
        "model": "m 1",
        "server": "http://localhost:8000/v1",
        "preset": "auto",
        "policy": "bidding",
        "hearing": "audio",
        "scripted": True,
        "budget_turns": 99,
        "budget_tokens": 1_000,
    }
    assert {name: given[name] for name in expected} == expected
    assert str(given["out"]) == "a run"


def test_a_script_is_run_without_what_it_does_not_take(report: Report) -> None:
    lines = next(block.lines for block in section(report, "How to reproduce it").blocks if isinstance(block, Commands))
    assert lines[0] == (
        "speechagents bench run --split test --roles 2,5,25 --script reference --preset auto --seed 7 --out reference"
    )
    assert lines[2:] == (
        "speechagents bench score reference shuffled",
        "speechagents bench report reference shuffled --html report.html",
    )


def test_every_metric_is_listed_with_its_source_and_what_is_not_shown_is_named() -> None:
    (items, more) = section(make_report((REFERENCE,), METRICS[1:]), "Metrics and their sources").blocks
    assert isinstance(items, Items)
    assert ("Errors", "What errors is. Source: Author (1999), errors.") in items.items
    assert len(items.items) == len(METRICS) - 1
    assert more == Paragraph("Measured as well and not shown: quality.")


def plots(of: Section) -> list[str]:
    return [
        found[1]
        for block in of.blocks
        if isinstance(block, Pictures)
        for svg in block.svgs
        if (found := re.search(r"<title [^>]*>([^<]*)<", svg))
    ]


def test_what_is_drawn_goes_by_what_there_is(report: Report) -> None:
    assert plots(section(report, "Words")) == [
        "Quality, by number of roles",
        "Quality, turn by turn",
        "Errors, by number of roles",
    ]
    assert plots(section(report, "Turn-taking")) == ["Gap, by number of roles", "Gap, distribution"]
    assert plots(section(report, "Cost")) == ["Time, by number of roles", "Time, all cells"]
    assert plots(section(report, "Judged")) == []


def test_what_is_only_yes_or_no_is_drawn_as_it_goes_on() -> None:
    """Whether turns overlap: of two values there is no distribution to look at."""
    overlaps = Measured(0.5, 4, tuple((at, float(at % 2)) for at in range(4)))
    run = run_of({"overlaps": dict.fromkeys(spread(0.0, roles=(5,)), overlaps)})
    assert plots(section(make_report((run,), (metric("overlaps", Better.NEITHER),)), "Words")) == [
        "Overlaps, turn by turn"
    ]


def test_with_one_number_of_roles_there_is_neither_a_line_nor_a_second_table() -> None:
    found = section(make_report((run_of({"quality": spread(0.5, roles=(5,))}),), METRICS[:1]), "Words")
    assert len(found.blocks) == 1


def test_runs_of_one_name_are_told_apart() -> None:
    runs = [run_of({"quality": spread(0.5, seed=seed)}, name=name) for seed, name in enumerate(("a", "a", "", "a"))]
    table = tables(make_report(runs, METRICS[:1]).sections[0])[0]
    assert table.head[1:] == ("a", "a (2)", "run 3", "a (3)")


def test_sections_from_elsewhere_stand_behind_the_comparison() -> None:
    more = Section("Agreement", (Paragraph("They agree."),))
    headings = [one.heading for one in make_report((REFERENCE, SHUFFLED), METRICS, more=(more,)).sections]
    assert headings.index("Agreement") == headings.index("reference and shuffled compared") + 1


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ((), "0 runs"),
        ((REFERENCE,) * (MAX_RUNS + 1), "21 runs"),
        ((REFERENCE, run_of({}, benchmark="hcs v2 0")), "compare runs of one benchmark"),
    ],
)
def test_what_cannot_be_reported_is_refused(runs: Sequence[RunScores], told: str) -> None:
    with pytest.raises(BenchmarkError, match=told):
        make_report(runs, METRICS)


def test_a_reference_has_to_be_among_the_runs() -> None:
    with pytest.raises(BenchmarkError, match="no run is called 'best'; there are reference, shuffled"):
        make_report((REFERENCE, SHUFFLED), METRICS, reference="best", baseline="shuffled")


def test_the_same_runs_make_the_same_report(report: Report) -> None:
    assert make_report((REFERENCE, SHUFFLED), METRICS, reference="reference", baseline="shuffled") == report


def test_a_run_of_which_nothing_was_measured_can_be_reported() -> None:
    text = markdown_of(make_report((run_of({}, planned=3),), METRICS))
    assert "no cell was played" in text
    assert "3 cells of 3 not played or not measured" in text


def rendered(markdown: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").render(markdown))


def test_markdown_has_the_tables_of_the_report(report: Report) -> None:
    html = rendered(markdown_of(report))
    assert html.count("<table>") == sum(len(tables(one)) for one in report.sections)
    assert html.count("<h2>") == len(report.sections)
    assert "svg" not in html
    assert '<code class="language-sh">speechagents bench run' in html


HOSTILE = (
    "a|b | c",
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "# head",
    "- item",
    "+ item",
    "> quote",
    "1. one",
    "1) one",
    "---",
    "***",
    "`code`",
    "```\nfence",
    "line\n\n# two",
    "\\| end\\",
    "&lt;b&gt;",
    "~~x~~",
    "<!-- x",
    "[x]: http://evil.example",
    "_x_ **y**",
    "$x$",
    "| --- |",
    "    indented",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_make_no_markdown(text: str) -> None:
    report = Report(
        text,
        (
            Section(
                text,
                (
                    Paragraph(text),
                    Items(((text, text), ("", text))),
                    Table(text, (text, text), ((text, text),), (text,)),
                ),
            ),
        ),
    )
    html = rendered(markdown_of(report))
    plain = " ".join(text.split())
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html == (
        f"<h1>{escaped}</h1>\n<h2>{escaped}</h2>\n<p>{escaped}</p>\n"
        f"<ul>\n<li><strong>{escaped}</strong>: {escaped}</li>\n<li>{escaped}</li>\n</ul>\n"
        f"<p><strong>{escaped}</strong></p>\n"
        f"<table>\n<thead>\n<tr>\n<th>{escaped}</th>\n<th>{escaped}</th>\n</tr>\n</thead>\n"
        f"<tbody>\n<tr>\n<td>{escaped}</td>\n<td>{escaped}</td>\n</tr>\n</tbody>\n</table>\n<p>{escaped}</p>\n"
    )


def test_a_command_cannot_leave_its_fence() -> None:
    run = run_of({"quality": spread(0.5)}, name="a\n```\n# x", asked={"controller": "x\n```\ny"})
    html = rendered(markdown_of(make_report((run,), METRICS[:1])))
    assert html.count("<pre>") == 1
    assert "<h1>x" not in html


def test_only_known_metrics_are_needed(report: Report) -> None:
    metrics: Sequence[Metric] = METRICS[:1]
    assert [one.heading for one in make_report((REFERENCE,), metrics).sections] == [
        "What was run",
        "How to read it",
        "Words",
        "Problems",
        "How to reproduce it",
        "Metrics and their sources",
    ]
