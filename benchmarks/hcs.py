"""The Human-Communication Simulation benchmark on itself: what each metric tells apart, and the baselines.

    python -m benchmarks.hcs [--out DIR] [--jobs N] [--write]

Plays and measures, offline:

* the scripts written by hand, as they are and spoilt in one way each (`speechagents.benchmark.baselines`), and the
  rehearsal planner on the same scenes and numbers of roles: the table of what each metric tells apart,
* the test split with 2, 5, 10 and 25 roles by the rehearsal planner: the full run, whose time is told. In it alone the
  embedded recogniser listens: it misreads the embedded voices, and takes most of the time,
* its first ten scenes by other turn policies, compared with the full run over the scenes that they share.

``--write`` puts reports and figures under ``benchmarks/results/hcs``; what was played stays in ``--out``, and a run
that was cut short goes on there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speechagents.benchmark.baselines import BASELINES
from speechagents.benchmark.metrics.catalogue import all_metrics
from speechagents.benchmark.report import make_report, markdown_of
from speechagents.benchmark.report_html import html_of
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.running import RunOver, run
from speechagents.benchmark.scene_set import ROLE_COUNTS
from speechagents.benchmark.scores import RunScores
from speechagents.benchmark.scoring import NO_EARS, ScoreSettings, score

RESULTS = Path(__file__).parent / "results" / "hcs"
POLICIES = ("round-robin", "bidding", "director")
REFERENCE, SHUFFLED, PLANNER, TEST = "reference", "shuffled", "rehearsal", "rehearsal-test"


def runs(jobs: int) -> dict[str, RunSettings]:
    """What is played, by name."""
    common: dict[str, Any] = {"preset": "embedded", "jobs": jobs}
    written: dict[str, Any] = {**common, "split": "", "roles": ROLE_COUNTS}
    return {
        **{name: RunSettings(script=name, **written) for name in BASELINES},
        PLANNER: RunSettings(controller="rehearsal", scripted=True, **written),
        TEST: RunSettings(controller="rehearsal", **common),
        **{policy: RunSettings(controller="rehearsal", policy=policy, scenes=10, **common) for policy in POLICIES},
    }


def play(name: str, settings: RunSettings, folder: Path) -> dict[str, Any]:
    """Play and measure one run.

    Returns:
        What was measured, and how long it took; the times of a run that was cut short and gone on with mean nothing.
    """
    began = time.monotonic()
    *_, over = run(settings, folder)
    played_s = time.monotonic() - began
    assert isinstance(over, RunOver)
    *_, scores = score(folder, ScoreSettings(ears="" if name == TEST else NO_EARS, jobs=settings.jobs))
    assert isinstance(scores, RunScores)
    took_s = time.monotonic() - began
    print(
        f"{name}: {over.played} of {over.planned} scenes, {over.turns} turns, {took_s:.0f} s ({played_s:.0f} s to play)"
    )
    return {"scores": scores, "turns": over.turns, "play_s": round(played_s, 1), "score_s": round(took_s - played_s, 1)}


def means(scores: RunScores) -> dict[str, float]:
    """Mean of each metric over the scenes that have it."""
    found = {metric.name: list(scores.of(metric.name).values()) for metric in all_metrics()}
    return {name: round(sum(values) / len(values), 4) for name, values in found.items() if values}


def main(argv: Sequence[str] | None = None) -> None:
    """Play, measure and report everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the runs (default: a temporary one)")
    parser.add_argument("--jobs", type=int, default=0, help="scenes at once (default: one a core)")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/hcs")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.out or Path(scratch)
        done = {name: play(name, settings, folder / name) for name, settings in runs(arguments.jobs).items()}
    scores = {name: one["scores"] for name, one in done.items()}
    metrics = all_metrics()
    spoilt = [scores[name] for name in (*BASELINES, PLANNER)]
    told = make_report(spoilt, metrics, reference=REFERENCE, baseline=SHUFFLED)
    full = make_report([scores[name] for name in (TEST, *POLICIES)], metrics)
    figures = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "benchmark": scores[REFERENCE].info.benchmark,
        "runs": {
            name: {
                "cells": len(one["scores"].cells),
                "turns": one["turns"],
                "play_s": one["play_s"],
                "score_s": one["score_s"],
                "means": means(one["scores"]),
            }
            for name, one in done.items()
        },
    }
    if not arguments.write:
        print(markdown_of(told))
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "discrimination.md").write_text(markdown_of(told), "utf-8")
    (RESULTS / "test.md").write_text(markdown_of(full), "utf-8")
    (RESULTS / "test.html").write_text(html_of(full), "utf-8")
    (RESULTS / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
