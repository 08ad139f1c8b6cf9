"""The benchmark of many workers: what it makes of its trials, and each trial once, small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cluster import (
    BATCH,
    described,
    efficiencies,
    kept,
    measure_memory,
    measure_overhead,
    measure_rendering,
    measure_standing,
    run_trial,
)
from benchmarks.cluster_trials import TAKE_BYTES, made_up_lines


class Told:
    """Trials that take as long as they are told to, and remember what was asked."""

    def __init__(self, **figures: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self._figures = figures

    def __call__(self, name: str, **arguments: Any) -> dict[str, float]:
        self.asked.append({"name": name, **arguments})
        return {key: value(arguments) if callable(value) else value for key, value in self._figures.items()}


def test_efficiency_compares_each_round_with_itself() -> None:
    assert efficiencies([10.0, 40.0], [5.0, 25.0], 2) == [1.0, 0.8]


def test_workers_are_compared_with_one_core_without_them() -> None:
    wall_s = {(0, 1): 10.0, (1, 1): 12.0, (2, 2): 6.25, (0, 2): 5.5}
    trial = Told(
        wall_s=lambda asked: wall_s[asked["workers"], asked["cores"]],
        driver_s=0.5, start_s=1.0, sound_s=500.0, take_bytes=80_000.0,
    )  # fmt: skip
    found = measure_rendering(trial, where="local", lines=1_000, cores=2, rounds=2)
    assert [(row["workers"], row["cores"], row["efficiency"]) for row in found["rows"]] == [
        (0, 1, 1.0), (1, 1, 0.833), (2, 2, 0.8), (0, 2, 0.909),
    ]  # fmt: skip
    assert found["overhead_ms_per_line"] == 2.0
    assert found["rows"][2]["lines_per_s"] == 160.0
    assert found["rows"][2]["driver_ms_per_line"] == 0.5


def test_every_other_round_runs_backwards() -> None:
    trial = Told(wall_s=1.0, driver_s=0.1, start_s=1.0, sound_s=1.0, take_bytes=1.0)
    measure_rendering(trial, where="local", lines=10, cores=2, rounds=2)
    order = [(asked["workers"], asked["cores"]) for asked in trial.asked]
    assert order[:4] == [(0, 1), (1, 1), (2, 2), (0, 2)]
    assert order[4:] == order[3::-1]


def test_on_one_core_nothing_is_measured_twice() -> None:
    trial = Told(wall_s=1.0, driver_s=0.1, start_s=1.0, sound_s=1.0, take_bytes=1.0)
    found = measure_rendering(trial, where="local", lines=10, cores=1, rounds=1)
    assert [(row["workers"], row["cores"]) for row in found["rows"]] == [(0, 1), (1, 1)]


def test_standing_workers_are_efficient_by_the_time_they_slept() -> None:
    trial = Told(wall_s=5.0, driver_s=0.64)
    (row,) = measure_standing(trial, where="local", workers=[64], seconds=0.1, each=40)
    assert row["efficiency"] == 0.8
    assert row["tasks_per_s"] == 512.0
    assert row["driver_ms_per_task"] == 0.25
    assert trial.asked[0]["tasks"] == 64 * 40


def test_overhead_is_measured_one_by_one_and_in_batches_with_and_without_bytes() -> None:
    rows = measure_overhead(Told(wall_s=2.0, driver_s=1.0), where="ray", workers=2, tasks=1_000)
    assert [(row["batch"], row["result_bytes"]) for row in rows] == [
        (1, 0), (1, TAKE_BYTES), (BATCH, 0), (BATCH, TAKE_BYTES),
    ]  # fmt: skip
    assert {row["ms_per_task"] for row in rows} == {2.0}


def test_memory_is_told_as_a_ratio_of_the_longest_to_the_shortest() -> None:
    trial = Told(peak_mb=lambda asked: 100.0 + asked["lines"] / 1_000, wall_s=1.0)
    found = measure_memory(trial, where="local", workers=2, lengths=[1_000, 10_000])
    assert found["ratio"] == pytest.approx(110.0 / 101.0, abs=0.001)


def test_figures_of_one_kind_of_workers_leave_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"
    for where, report in (("local", {"memory": 1, "overhead": 1}), ("ray", {"memory": 2}), ("local", {"memory": 3})):
        path.write_text(kept(path, where, report), "utf-8")
    assert json.loads(path.read_text("utf-8")) == {"local": {"memory": 3, "overhead": 1}, "ray": {"memory": 2}}


def test_nothing_is_said_of_what_was_not_measured() -> None:
    row = {"lines": 10, "driver_peak_mb": 50.0, "wall_s": 1.0}
    assert described({"machine": "x", "memory": {"rows": [row], "ratio": 1.0}}) == [
        "memory, 10 lines: driver 50.0 MB, 1.0 s",
        "memory: 1.0 x from the shortest to the longest",
    ]


def test_made_up_lines_are_the_same_each_time_and_never_the_same_line_twice() -> None:
    lines = made_up_lines(120)
    assert lines == made_up_lines(120)
    assert len({line.text for line in lines}) == 120
    assert len({line.voice.id for line in lines}) > 30


def test_lines_are_rendered_by_a_worker_in_a_process_of_its_own() -> None:
    figures = run_trial("rendering", where="local", lines=3, cores=1, workers=1)
    assert figures["sound_s"] > 3.0
    assert figures["take_bytes"] > 10_000
    assert figures["driver_s"] > 0.0
    assert figures["wall_s"] > 0.0


def test_standing_workers_take_their_time() -> None:
    figures = run_trial("standing", where="local", workers=2, tasks=8, seconds=0.05, batch=1, size=1_000)
    assert figures["wall_s"] >= 8 * 0.05 / 2


def test_the_drivers_memory_is_measured() -> None:
    figures = run_trial("memory", where="local", lines=200, workers=1, batch=8, size=10_000)
    assert 15.0 < figures["peak_mb"] < 300.0


def test_a_trial_that_fails_ends_the_benchmark(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="the trial standing"):
        run_trial("standing", where="local", workers=0, tasks=1, seconds=0.0, batch=1)
    assert "worker processes" in capfd.readouterr().err
