"""Scoring: every finished cell is measured once, what was measured is kept, and judges are counted."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from speechagents.benchmark.document import Table
from speechagents.benchmark.judged_sections import judged_metrics, judged_sections
from speechagents.benchmark.metrics.catalogue import all_metrics
from speechagents.benchmark.metrics.metric import Needs
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.running import run
from speechagents.benchmark.scores import RunScores, read_scores
from speechagents.benchmark.scoring import NO_EARS, CellScored, ScoreSettings, score
from speechagents.errors import BenchmarkError, SettingsError
from tests.benchmark.judging.courtroom import scoring
from tests.controllers.fault_server import FaultServer, no_rule, says

DEAF = ScoreSettings(ears=NO_EARS, jobs=1)
CRITERIA = ("consistency", "quality", "believability", "relationship", "rhythm", "emotion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one script, not scored yet."""
    folder = tmp_path_factory.mktemp("scoring") / "reference"
    list(run(RunSettings(script="reference", preset="embedded", roles=(2,), scenes=1, jobs=1), folder))
    return folder


def scored(folder: Path, settings: ScoreSettings) -> tuple[list[CellScored], RunScores]:
    events = list(score(folder, settings))
    last = events[-1]
    assert isinstance(last, RunScores)
    return [event for event in events if isinstance(event, CellScored)], last


def test_every_metric_is_listed_once_with_its_source() -> None:
    metrics = all_metrics()
    assert len({metric.name for metric in metrics}) == len(metrics) >= 20
    for metric in metrics:
        assert metric.title
        assert metric.about.endswith(".")
        assert metric.source


def test_a_cell_is_measured_once_and_by_everything_that_can_be(folder: Path) -> None:
    cells, scores = scored(folder, DEAF)
    assert [cell.reused for cell in cells] == [False]
    wanted = {metric.name for metric in all_metrics() if metric.needs is not Needs.EARS}
    assert set(scores.cells[0].values) == wanted
    present = [name for name, found in scores.cells[0].values.items() if found.value is not None]
    assert len(present) >= 0.8 * len(wanted)
    again, same = scored(folder, DEAF)
    assert [cell.reused for cell in again] == [True]
    assert same == scores == read_scores(folder)


def test_what_was_measured_and_is_damaged_is_measured_again(folder: Path) -> None:
    scored(folder, DEAF)
    path = folder / "cells" / "001-night-ferry-2" / "measures.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    cells, _ = scored(folder, DEAF)
    assert [cell.reused for cell in cells] == [False]
    assert path.read_bytes() == whole


def test_a_worker_that_is_killed_is_replaced_and_the_scores_are_the_same(folder: Path, tmp_path: Path) -> None:
    _, scores = scored(folder, DEAF)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("measures.json", "scores.json"))
    killed: list[int] = []

    def kill_the_first() -> None:
        end = time.monotonic() + 120.0
        while not killed and time.monotonic() < end:
            for process in psutil.Process().children():
                with suppress(psutil.Error):
                    if "spawn_main" in " ".join(process.cmdline()):
                        process.kill()
                        killed.append(process.pid)
                        break
            time.sleep(0.01)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    cells, again = scored(copy, DEAF)
    killer.join()
    assert killed
    assert [cell.reused for cell in cells] == [False]
    assert again == scores


def test_without_a_judge_nothing_judged_is_there(folder: Path) -> None:
    _, scores = scored(folder, DEAF)
    assert not any(name.startswith("judged_") for name in scores.cells[0].values)
    assert judged_sections([folder], [scores]) == ()


@pytest.fixture
def judge() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.rule = scoring(4)
        yield server


def test_judges_become_scores_and_a_report_says_how_far_they_agree(folder: Path, judge: FaultServer) -> None:
    settings = ScoreSettings(ears=NO_EARS, jobs=1, judge=judge.url, judge_model="tiny", judge_repeats=2)
    _, scores = scored(folder, settings)
    judged = {name: found for name, found in scores.cells[0].values.items() if name.startswith("judged_")}
    assert set(judged) == {f"judged_{name}" for name in CRITERIA}
    assert {(found.value, found.count) for found in judged.values()} == {(4.0, 2)}
    asked = len(judge.received)
    scored(folder, settings)
    assert len(judge.received) == asked, "what was answered is not asked again"
    judge.rule = scoring(2)
    _, scores = scored(folder, replace(settings, judge_model="large"))
    (section,) = judged_sections([folder], [scores])
    captions = [block.caption for block in section.blocks if isinstance(block, Table)]
    assert len(captions) == 3, "each judge with itself, and both with each other"
    assert any("tiny" in caption and "large" in caption for caption in captions)


def test_what_cannot_be_read_of_a_judge_is_told_and_is_no_score(folder: Path, judge: FaultServer) -> None:
    judge.rule = no_rule
    judge.otherwise = says("Lovely! Five out of five.")
    settings = ScoreSettings(ears=NO_EARS, jobs=1, judge=judge.url, judge_model="mute", judge_repeats=1)
    _, scores = scored(folder, settings)
    assert not any(name.startswith("judged_") for name in scores.cells[0].values)
    assert any("of 6 scores" in problem for problem in scores.problems)


def test_judged_scores_have_a_metric_each(folder: Path) -> None:
    assert {metric.name for metric in judged_metrics()} == {f"judged_{name}" for name in CRITERIA}


# What cannot be scored


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds no run"):
        list(score(tmp_path, DEAF))
    with pytest.raises(BenchmarkError, match="was not scored yet"):
        read_scores(tmp_path)


def test_a_run_of_other_scenes_is_refused(folder: Path, tmp_path: Path) -> None:
    values = json.loads((folder / "run.json").read_text("utf-8"))
    (tmp_path / "run.json").write_text(json.dumps({**values, "benchmark": "hcs v1 000000000000"}), "utf-8")
    with pytest.raises(BenchmarkError, match="run on hcs v1 000000000000"):
        list(score(tmp_path, DEAF))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"judge_model": "tiny"}, "need a judge"),
        ({"judge": "http://localhost:1", "judge_repeats": 0}, "0 repeats"),
        ({"jobs": -1}, "-1 jobs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ScoreSettings(**options)  # type: ignore[arg-type]
