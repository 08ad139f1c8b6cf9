"""``speechagents bench`` as people type it: play, measure, report; and what it says of input that is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from speechagents.benchmark.scene_set import read_scene_set
from speechagents.cli import main

ROLES = ["--roles", "2", "--scenes", "1", "--jobs", "1", "--preset", "embedded"]


def test_two_runs_are_played_scored_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planner, scripts = tmp_path / "planner", tmp_path / "scripts"
    assert main(["bench", "run", "--controller", "rehearsal", *ROLES, "--out", str(planner), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["played"], told["planned"], told["failed"], told["left"]) == (1, 1, 0, 0)
    assert main(["bench", "run", "--script", "reference", *ROLES, "--out", str(scripts)]) == 0
    assert "34 turns" in capsys.readouterr().err
    for folder in (planner, scripts):
        cell = folder / "cells" / "001-night-ferry-2"
        assert main(["export", str(cell), "--formats", "mp3,vtt"]) == 0
        assert {path.suffix for path in (cell / "exports").iterdir()} == {".mp3", ".vtt"}
    capsys.readouterr()
    assert main(["bench", "score", str(scripts), str(planner), "--ears", "none", "--jobs", "1", "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["runs"]
    assert [run["cells"] for run in scored] == [1, 1]
    assert all(0.0 < run["means"]["distinct_1"] <= 1.0 for run in scored)
    page = tmp_path / "report.html"
    assert (
        main(["bench", "report", str(scripts), str(planner), "--html", str(page), "--out", str(tmp_path / "r.md")]) == 0
    )
    text = (tmp_path / "r.md").read_text("utf-8")
    assert "scripts and planner compared" in text
    assert "speechagents bench run" in text
    html = page.read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "<svg" in html
    assert "<script" not in html
    links = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"'\s)>]*)", html)
    assert all(link.startswith("#") for link in links), "it asks for nothing from anywhere"


def test_scenes_of_ones_own_are_built_and_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own"
    built = ["bench", "build", "--controller", "rehearsal", "--licence", "CC0-1.0", "--scenes", "2", "--roles", "2"]
    assert main([*built, "--turns", "4", "--out", str(own), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == 2
    scenes = read_scene_set(own)
    assert all(len(scene.brief.roles) == 25 for scene in scenes.scenes.values())
    played = ["bench", "run", "--set", str(own), "--split", "all", "--controller", "rehearsal", "--turns", "4", *ROLES]
    assert main([*played, "--out", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--out", "{here}/run", "--roles", "1"], "1 roles are not between 2 and 25"),
        (["run", "--out", "{here}/run", "--script", "sonnet"], "script 'sonnet' is none of reference"),
        (["run", "--out", "{here}/run", "--set", "{here}"], "no index.yaml here"),
        (["score", "{here}"], "holds no run"),
        (["report", "{here}"], "was not scored yet"),
        (["build", "--out", "{here}/own", "--licence", "do what you like"], "is no SPDX id"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["bench", *(one.format(here=tmp_path) for one in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--roles", "2,x"], "no numbers such as 2,5,10,25"), (["--budget-tokens", "many"], "no whole number from 1 on")],
)
def test_numbers_that_are_none_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "run", "--out", str(tmp_path / "run"), *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
