"""The results of a run on disk: what is kept whatever happens, and whose folder it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.cluster.budget import Spent
from speechagents.cluster.results import RESULTS_FILE, RUN_FILE, Results, RunIdentity, SceneRecord
from speechagents.errors import ProductionBusy, ProductionError, SettingsError, StorageError
from tests.test_journal import largest_file

RUN = RunIdentity(
    scenes=2,
    digest="0123456789abcdef",
    repeat=3,
    seed=7,
    roles=0,
    turns=4,
    policy="",
    controller="openai",
    model="tiny",
)
SAID = ({"id": 1, "speaker": "Ann", "text": "Wörtchen \u2028 \ud83d"},)


def record(scene: str = "picnic", repeat: int = 0, **fields: Any) -> SceneRecord:
    values = {
        "scene": scene,
        "repeat": repeat,
        "seed": 2**62,
        "ending": "all 4 turns are played",
        "turns": 4,
        "fallbacks": 1,
        "tokens_in": 400,
        "tokens_out": 80,
        "tokens": 480,
        "requests": {"a": 3, "b": 1},
        "seconds": 1.25,
    }
    return SceneRecord(**{**values, **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


def test_each_finished_scene_is_one_line_with_its_figures_and_its_transcript(folder: Path) -> None:
    with Results(folder, RUN) as results:
        results.append(record(), SAID)
        (line,) = results.path.read_text("utf-8").splitlines()
    told = json.loads(line)
    assert told["messages"][0]["speaker"] == "Ann"
    assert (told["scene"], told["turns"], told["requests"]) == ("picnic", 4, {"a": 3, "b": 1})
    with Results(folder, RUN) as results:
        assert list(results.records()) == [record()]
    assert record().spent == Spent(requests=4, tokens=480, seconds=1.25)


def test_every_torn_end_is_healed_and_nothing_whole_is_lost(folder: Path) -> None:
    with Results(folder, RUN) as results:
        for repeat in range(2):
            results.append(record(repeat=repeat), SAID)
    whole = (folder / RESULTS_FILE).read_bytes()
    for length in range(0, len(whole), 7):
        (folder / RESULTS_FILE).write_bytes(whole[:length])
        with Results(folder, RUN) as results:
            assert [one.repeat for one in results.records()] == list(range(whole[:length].count(b"\n")))
            results.append(record(repeat=2), SAID)
        assert json.loads((folder / RESULTS_FILE).read_bytes().splitlines()[-1])["repeat"] == 2


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"digest": "f" * 16}, {"turns": 5}, {"policy": "random"}, {"model": "large"}, {"repeat": 2}]
)
def test_another_runs_folder_is_refused_and_stays_as_it_is(folder: Path, change: dict[str, Any]) -> None:
    with Results(folder, RUN) as results:
        results.append(record(), SAID)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (name,) = change
    with pytest.raises(SettingsError, match=rf"holds a run with {name} .*name a new folder for --out"):
        Results(folder, replace(RUN, **change))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_more_repeats_go_on_with_a_run(folder: Path) -> None:
    with Results(folder, RUN) as results:
        results.append(record(), SAID)
    with Results(folder, replace(RUN, repeat=5)) as results:
        assert list(results.records()) == [record()]
    with pytest.raises(SettingsError, match="repeat 5, not 3"):
        Results(folder, RUN)


def test_a_folder_of_something_else_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "thesis.doc").write_bytes(b"x")
    with pytest.raises(ProductionError, match="not empty and no simulation"):
        Results(folder, RUN)
    with pytest.raises(ProductionError, match="is a file"):
        Results(folder / "thesis.doc", RUN)
    assert [path.name for path in folder.iterdir()] == ["thesis.doc"]


def test_one_process_at_a_time_works_in_a_folder(folder: Path) -> None:
    with Results(folder, RUN), pytest.raises(ProductionBusy, match="another run is working here"), Results(folder, RUN):
        pass
    with Results(folder, RUN):
        pass


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"schema": 1}', "cannot be read"),
        ('{"schema": 2}', "another version"),
    ],
)
def test_a_damaged_run_file_is_told(folder: Path, written: str, said: str) -> None:
    folder.mkdir(parents=True)
    (folder / RUN_FILE).write_text(written, "utf-8")
    with pytest.raises(ProductionError, match=rf"run\.json: .*{said}"):
        Results(folder, RUN)


@pytest.mark.parametrize(
    "change",
    [{"turns": "four"}, {"repeat": -1}, {"requests": [1]}, {"requests": {"a": "x"}}, {"scene": 3}, {"seconds": "1"}],
)
def test_a_line_that_is_no_scene_is_told_by_its_number(folder: Path, change: dict[str, Any]) -> None:
    with Results(folder, RUN) as results:
        results.append(record(), SAID)
    line = json.loads((folder / RESULTS_FILE).read_text("utf-8"))
    with (folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({**line, **change}) + "\n")
    with Results(folder, RUN) as results, pytest.raises(ProductionError, match=r"results\.jsonl:2: is no finished"):
        list(results.records())


def test_a_full_disk_is_told_and_leaves_nothing_of_the_scene(folder: Path) -> None:
    with Results(folder, RUN) as results:
        results.append(record(), SAID)
        size = results.path.stat().st_size
        with largest_file(size + 20), pytest.raises(StorageError, match=r"results\.jsonl"):
            results.append(record(repeat=1), SAID)
        assert results.path.stat().st_size == size
        results.append(record(repeat=1), SAID)
        assert [one.repeat for one in results.records()] == [0, 1]
