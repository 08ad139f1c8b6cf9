"""``speechagents bench``: build scenes, run a benchmark over them, score the run, and report it.

Owns the arguments and what is shown. Does not know how any of it is done (`benchmark`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speechagents.commands.options import EXIT_PARTLY, Commands, add_workers_option, path_here, positive, print_json

if TYPE_CHECKING:
    from speechagents.benchmark.scores import RunScores


def add_bench_command(commands: Commands) -> None:
    """Add ``bench`` and what is under it."""
    bench = commands.add_parser(
        "bench",
        help="measure how well agents talk with each other",
        description="The Human-Communication Simulation benchmark: 100 scenes with 25 roles each.",
    )
    under = bench.add_subparsers(required=True, metavar="WHAT")
    _add_build(under)
    _add_run(under)
    _add_score(under)
    _add_report(under)


def _add_build(under: Commands) -> None:
    build = under.add_parser(
        "build",
        help="make scenes and scripts of one's own",
        description="Make a folder of scenes with pools of 25 roles, and scripts of them, by any controller; run the "
        "same command again to go on.",
    )
    build.add_argument("--out", type=path_here, required=True, metavar="DIR", help="folder of the scenes")
    build.add_argument("--licence", required=True, metavar="SPDX", help="under which everything built may be used")
    build.add_argument("--name", default="my benchmark v1", help="with its version (default: my benchmark v1)")
    build.add_argument("--scenes", type=_number, default=100, metavar="N", help="how many (default 100)")
    build.add_argument("--roles", type=_counts, default=(2, 3, 5, 10, 25), metavar="N,N", help="default 2,3,5,10,25")
    build.add_argument("--ideas", type=Path, metavar="FILE", help="an idea a line (default: combined from lists)")
    build.add_argument("--lang", default="en", help="language of the scenes (default en)")
    build.add_argument("--policy", default="addressed", help="turn policy of the scripts (default addressed)")
    build.add_argument("--turns", type=_number, default=0, metavar="N", help="most turns of a script")
    build.add_argument("--seed", type=int, default=0, help="same seed, same scenes (default 0)")
    build.add_argument(
        "--controller", default="", help="who proposes and plays (default: a server found here, or the preset's)"
    )
    build.add_argument("--model", default="", help="model of the controller")
    build.add_argument("--server", default="", metavar="URL", help="an OpenAI-compatible server")
    build.add_argument("--preset", default="auto", help="whose controller (default auto)")
    build.add_argument("--budget-tokens", type=_number, default=0, metavar="N", help="most tokens in all")
    build.add_argument("--budget-items", type=_number, default=0, metavar="N", help="most scenes and scripts asked for")
    build.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    build.set_defaults(run=_build)


def _add_run(under: Commands) -> None:
    run = under.add_parser(
        "run",
        help="play scenes into a folder",
        description="Play scenes into a folder; run the same command again to go on with a run that was cut short.",
    )
    run.add_argument("--out", type=path_here, required=True, metavar="DIR", help="folder of the run")
    run.add_argument(
        "--split", default="test", choices=("train", "dev", "test", "all"), help="of the scenes (default test)"
    )
    run.add_argument("--roles", type=_counts, default=(2, 5, 10, 25), metavar="N,N", help="default 2,5,10,25")
    run.add_argument("--scenes", type=_number, default=0, metavar="N", help="most scenes (default: all of the split)")
    run.add_argument("--repeats", type=positive, default=1, metavar="N", help="how often each (default 1)")
    run.add_argument(
        "--turns", type=_number, default=0, metavar="N", help="most turns (default: by the number of roles)"
    )
    run.add_argument("--seed", type=int, default=0, help="same seed, same run (default 0)")
    run.add_argument("--controller", default="", help="who acts (default: a server found here, or the preset's)")
    run.add_argument("--model", default="", help="model of the controller")
    run.add_argument("--server", default="", metavar="URL", help="an OpenAI-compatible server")
    run.add_argument(
        "--script",
        default="",
        metavar="NAME",
        help="instead of a controller: the scripts as they were written (reference), or spoilt: shuffled, "
        "wrong-roles, wrong-facts, taken-back, repeating, monotone, fading, one-voice",
    )
    run.add_argument("--scripted", action="store_true", help="only scenes that have a script written by hand")
    run.add_argument("--policy", default="addressed", help="turn policy (default addressed)")
    run.add_argument("--hearing", choices=("text", "audio"), default="text", help="agents read, or really hear")
    run.add_argument("--preset", default="auto", help="voices and the rest (default auto)")
    run.add_argument("--set", type=Path, dest="scene_set", metavar="DIR", help="other scenes than the shipped ones")
    run.add_argument("--budget-turns", type=_number, default=0, metavar="N", help="most turns in all")
    run.add_argument("--budget-tokens", type=_number, default=0, metavar="N", help="most tokens in all")
    run.add_argument("--jobs", type=positive, default=0, metavar="N", help="scenes at once")
    add_workers_option(run)
    run.add_argument("--name", default="", help="what it is called in reports (default: the folder's name)")
    run.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    run.set_defaults(run=_run)


def _add_score(under: Commands) -> None:
    score = under.add_parser("score", help="measure a run", description="Measure the finished scenes of a run.")
    score.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="folders of runs")
    score.add_argument("--ears", default="", metavar="NAME", help="recogniser for intelligibility, or none")
    score.add_argument(
        "--judge",
        default="",
        metavar="URL",
        help="an OpenAI-compatible server that judges; without one, nothing judged is reported",
    )
    score.add_argument("--judge-model", default="", metavar="NAME", help="its model (default: the first it lists)")
    score.add_argument("--judge-repeats", type=positive, default=2, metavar="N", help="how often each (default 2)")
    score.add_argument("--judge-tokens", type=_number, default=0, metavar="N", help="most tokens that judging may cost")
    score.add_argument("--judge-audio", action="store_true", help="the judge hears takes as well")
    score.add_argument("--set", type=Path, dest="scene_set", metavar="DIR", help="the scenes that were run")
    score.add_argument("--jobs", type=positive, default=0, metavar="N", help="scenes at once")
    score.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    score.set_defaults(run=_score)


def _add_report(under: Commands) -> None:
    report = under.add_parser(
        "report",
        help="report one run, or compare several",
        description="Report scored runs as "
        "Markdown, and as one HTML file with plots. The first run is what the others are compared with.",
    )
    report.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="folders of scored runs")
    report.add_argument("--out", type=path_here, metavar="FILE", help="Markdown file (default: printed)")
    report.add_argument(
        "--reference",
        default="",
        metavar="NAME",
        help="show how each metric tells this run, which should be the best, from the others",
    )
    report.add_argument("--baseline", default="", metavar="NAME", help="the run that the reference has to be told from")
    report.add_argument("--html", type=path_here, metavar="FILE", help="HTML file with plots")
    report.set_defaults(run=_report)


def _build(arguments: argparse.Namespace) -> int:
    from speechagents.actors import choose_actors
    from speechagents.benchmark.building.events import Built, ItemRefused, SceneBuilt, ScriptBuilt
    from speechagents.benchmark.building.pipeline import build
    from speechagents.benchmark.building.settings import BuildSettings
    from speechagents.presets import choose_preset
    from speechagents.settings import ImproviseSettings

    settings = BuildSettings(
        licence=arguments.licence,
        name=arguments.name,
        scenes=arguments.scenes,
        roles=arguments.roles,
        ideas=arguments.ideas,
        seed=arguments.seed,
        language=arguments.lang,
        policy=arguments.policy,
        turns=arguments.turns,
        budget_tokens=arguments.budget_tokens,
        budget_items=arguments.budget_items,
    )
    asked = ImproviseSettings(controller=arguments.controller, model=arguments.model, server=arguments.server)
    actors, _ = choose_actors(choose_preset(arguments.preset)[0], asked)
    _say(actors.why)
    complete = False
    for event in build(settings, actors.controller, arguments.out):
        if isinstance(event, SceneBuilt) and not event.reused:
            _say(f"{event.scene_id}: {event.title}")
        elif isinstance(event, ScriptBuilt) and not event.reused:
            _say(f"{event.scene_id}: {event.lines} lines for {event.roles} roles")
        elif isinstance(event, ItemRefused):
            _say(f"speechagents: {event.item} is left out: {event.reason}")
        elif isinstance(event, Built):
            complete = event.complete
            _say(
                f"{event.scenes} scenes and {event.scripts} scripts; {event.refused} refused, {event.duplicates} left "
                "out as said before" + (f"; over because {event.ended}" if event.ended else "")
            )
            if arguments.json:
                print_json(
                    {
                        "scenes": event.scenes,
                        "scripts": event.scripts,
                        "refused": event.refused,
                        "duplicates": event.duplicates,
                        "complete": event.complete,
                        "folder": str(arguments.out),
                    }
                )
    return 0 if complete else EXIT_PARTLY


def _run(arguments: argparse.Namespace) -> int:
    from speechagents.benchmark.run_settings import RunSettings
    from speechagents.benchmark.running import CellDone, CellFailed, RunOver, run

    settings = RunSettings(
        controller=arguments.controller,
        model=arguments.model,
        server=arguments.server,
        script=arguments.script,
        preset=arguments.preset,
        scene_set=arguments.scene_set,
        split="" if arguments.split == "all" else arguments.split,
        roles=arguments.roles,
        scenes=arguments.scenes,
        repeats=arguments.repeats,
        turns=arguments.turns,
        seed=arguments.seed,
        policy=arguments.policy,
        hearing=arguments.hearing,
        scripted=arguments.scripted,
        budget_turns=arguments.budget_turns,
        budget_tokens=arguments.budget_tokens,
        jobs=arguments.jobs,
        workers=arguments.workers,
        name=arguments.name,
    )
    failed = 0
    for event in run(settings, arguments.out):
        if isinstance(event, CellDone) and not event.reused:
            record = event.record
            _say(f"{event.done:4d}/{event.planned}  {event.name}: {record.turns} turns in {record.seconds:.1f} s")
        elif isinstance(event, CellFailed):
            _say(f"speechagents: {event.name} could not be played: {event.reason}")
        elif isinstance(event, RunOver):
            failed = event.failed
            _say(
                f"{event.played} of {event.planned} scenes are played, {event.turns} turns"
                + (f", {event.tokens} tokens" if event.tokens else "")
                + (f"; {event.left} are beyond the budget" if event.left else "")
            )
            if arguments.json:
                print_json(
                    {
                        "played": event.played,
                        "planned": event.planned,
                        "failed": event.failed,
                        "left": event.left,
                        "turns": event.turns,
                        "tokens": event.tokens,
                        "folder": str(arguments.out),
                    }
                )
    return EXIT_PARTLY if failed else 0


def _score(arguments: argparse.Namespace) -> int:
    from speechagents.benchmark.scores import RunScores
    from speechagents.benchmark.scoring import CellScored, ScoreSettings, score

    settings = ScoreSettings(
        ears=arguments.ears,
        judge=arguments.judge,
        judge_model=arguments.judge_model,
        judge_repeats=arguments.judge_repeats,
        judge_audio=arguments.judge_audio,
        judge_tokens=arguments.judge_tokens,
        scene_set=arguments.scene_set,
        jobs=arguments.jobs,
    )
    told = []
    for folder in arguments.runs:
        for event in score(folder, settings):
            if isinstance(event, CellScored):
                if not event.reused:
                    _say(f"{event.done:4d}/{event.planned}  {event.name}")
            elif isinstance(event, RunScores):
                for problem in event.problems:
                    _say(f"speechagents: {problem}")
                told.append({"folder": str(folder), "cells": len(event.cells), "means": _means(event)})
    if arguments.json:
        print_json({"runs": told})
    else:
        _say("scored; `speechagents bench report` shows the figures")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from speechagents.benchmark.judged_sections import judged_metrics, judged_sections
    from speechagents.benchmark.metrics.catalogue import all_metrics
    from speechagents.benchmark.report import make_report, markdown_of
    from speechagents.benchmark.report_html import html_of
    from speechagents.benchmark.scores import read_scores
    from speechagents.production.storage import write_atomically

    runs = [read_scores(folder) for folder in arguments.runs]
    report = make_report(
        runs,
        [*all_metrics(), *judged_metrics()],
        reference=arguments.reference,
        baseline=arguments.baseline,
        more=judged_sections(arguments.runs, runs),
    )
    if arguments.html is not None:
        write_atomically(arguments.html, html_of(report).encode())
    if arguments.out is not None:
        write_atomically(arguments.out, markdown_of(report).encode())
    elif arguments.html is None:
        print(markdown_of(report))
    for path in (arguments.out, arguments.html):
        if path is not None:
            _say(str(path))
    return 0


def _means(scores: RunScores) -> dict[str, float]:
    names = dict.fromkeys(name for cell in scores.cells for name in cell.values)
    values = {name: list(scores.of(name).values()) for name in names}
    return {name: round(sum(found) / len(found), 4) for name, found in values.items() if found}


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _number(text: str) -> int:
    """A number from 1 to 10¹²."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:14]) <= 10**12):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} are no numbers such as 2,5,10,25") from error
