"""Workers that play cells: where they may play, as whom, and what becomes of a cell whose worker is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from speechagents.benchmark.cell_worker import CellService, CellTask, Who, cell_post
from speechagents.benchmark.cells import plan_cells
from speechagents.benchmark.played import CellRecord
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.running import CellDone, RunOver, run
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.cluster.sharing import SharedFolder
from speechagents.errors import ClusterError, SettingsError
from speechagents.presets import named_preset

SETTINGS = RunSettings(controller="rehearsal", preset="embedded", roles=(2,), scenes=1, turns=6, jobs=1)
NAME = "001-night-ferry-2"
WAIT_S = 120.0


@pytest.fixture(scope="module")
def service() -> Iterator[CellService]:
    with closing(CellService(SETTINGS, named_preset("embedded"))) as loaded:
        yield loaded


@pytest.fixture
def task(tmp_path: Path) -> CellTask:
    scene = shipped_scene_set().scenes["001-night-ferry"]
    (cell,) = plan_cells([scene], (2,), repeats=1, seed=0, turns=2)
    return CellTask(cell, scene.brief, scene.facts, None, tmp_path / "cells" / cell.name)


def test_a_cell_is_played_where_the_folder_is_seen_and_by_whom_it_is_meant_for(
    service: CellService, task: CellTask, tmp_path: Path
) -> None:
    (company,) = service.do([Who()])
    assert isinstance(company, tuple)
    assert company[0].startswith("rehearsal")
    with SharedFolder.of(tmp_path) as shared:
        (record,) = service.do([replace(task, shared=shared, company=company)])
    assert isinstance(record, CellRecord)
    assert record.turns == 2


def test_a_folder_that_a_worker_does_not_see_ends_the_run(service: CellService, task: CellTask, tmp_path: Path) -> None:
    elsewhere = SharedFolder(tmp_path, tmp_path / ".shared-0", "secret")
    with pytest.raises(ClusterError, match="name a folder for --out that all machines share"):
        list(service.do([replace(task, shared=elsewhere)]))
    assert not task.folder.exists()


def test_workers_that_would_play_as_somebody_else_end_the_run(service: CellService, task: CellTask) -> None:
    with pytest.raises(ClusterError, match="name --controller and --preset"):
        list(service.do([replace(task, company=("somebody else", "other voices"))]))
    assert not task.folder.exists()


@pytest.mark.parametrize(
    ("options", "gpus"),
    [
        ({}, 0.0),
        ({"workers": "ray"}, 1.0),
        ({"workers": "ray", "server": "http://localhost:1/v1"}, 0.0),
        ({"workers": "ray", "script": "reference"}, 0.0),
        ({"workers": "ray", "controller": "rehearsal"}, 0.0),
    ],
)
def test_only_elsewhere_and_only_for_a_model_of_its_own_a_worker_wants_a_gpu(
    options: dict[str, str], gpus: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speechagents.preset.Preset.blocked", "")
    post = cell_post(RunSettings(preset="gpu-80gb", **options))  # type: ignore[arg-type]
    assert (post.needs.gpus, post.needs.vram_gb) == (gpus, 80.0 if gpus else 0.0)


def test_workers_that_nobody_knows_are_refused() -> None:
    with pytest.raises(SettingsError, match="--workers 'many' is none of"):
        RunSettings(workers="many")


def test_a_cell_whose_worker_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    out = tmp_path / "killed"
    killed: list[int] = []

    def kill_who_plays() -> None:
        end = time.monotonic() + WAIT_S
        while not killed and time.monotonic() < end:
            time.sleep(0.002)
            if next(out.glob("cells/*/steps.jsonl"), None) is None:
                continue
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if "spawn_main" in " ".join(child.cmdline()):
                        child.kill()
                        killed.append(child.pid)

    killer = threading.Thread(target=kill_who_plays)
    killer.start()
    events = list(run(SETTINGS, out))
    killer.join()
    assert killed
    assert [event.name for event in events if isinstance(event, CellDone)] == [NAME]
    assert isinstance(events[-1], RunOver)
    assert (events[-1].played, events[-1].failed) == (1, 0)
    list(run(SETTINGS, tmp_path / "whole"))
    for name in ("stream.jsonl", "steps.jsonl"):
        one, other = (folder / "cells" / NAME / name for folder in (out, tmp_path / "whole"))
        assert one.read_bytes() == other.read_bytes()
