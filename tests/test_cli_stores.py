"""Addresses of stores on the command line: where they are taken, and where they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.cli import main
from speechagents.resources import resource

PICNIC = resource("assets", "examples", "scenes", "city-park-picnic.yaml")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with a cache of its own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("SPEECHAGENTS_CACHE", str(tmp_path / "cache"))


def test_a_play_in_a_store_is_performed_exported_and_proofed(
    play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"file://{tmp_path}/store/mine"
    assert main(["perform", str(play), "--out", out, "--formats", "flac,vtt", "--preset", "embedded"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"{out}/exports/programme.flac", f"{out}/exports/programme.vtt"]
    assert all(Path(place.removeprefix("file://")).is_file() for place in told)
    assert main(["export", out, "--formats", "srt", "--preset", "embedded", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [f"{out}/exports/programme.srt"]
    assert main(["proof", out, "--preset", "embedded"]) == 0
    assert capsys.readouterr().out == f"{out}/proof.json\n"
    assert main(["perform", "--resume", "--out", out, "--preset", "embedded", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["spoken"] == 0


def test_a_scene_in_a_store_is_improvised_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = f"file://{tmp_path}/store/mine"
    options = ["--turns", "3", "--controller", "rehearsal", "--formats", "vtt", "--preset", "embedded"]
    assert main(["improvise", str(PICNIC), "--out", out, *options]) == 0
    assert capsys.readouterr().out == f"{out}/exports/programme.vtt\n"
    assert main(["replay", out]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    "command",
    [
        ["simulate", str(PICNIC), "--controller", "rehearsal", "--out"],
        ["bench", "run", "--controller", "rehearsal", "--out"],
        ["bench", "build", "--licence", "CC0-1.0", "--out"],
        ["bench", "report", "run", "--out"],
        ["bench", "report", "run", "--html"],
        ["attribute", "novel.txt", "--json"],
        ["improvise", "--idea", "rain", "--write-scene"],
        ["voices", "--play-to"],
        ["tune", "--data", "data", "--out"],
        ["trajectories", "run", "--out"],
        ["merge", "a", "b", "--out"],
        ["codec", "--out"],
        ["talk", str(PICNIC), "--record"],
        ["serve", "--data"],
    ],
    ids=lambda command: f"{' '.join(command[:2])} {command[-1]}",
)
@pytest.mark.parametrize("address", ["s3://bucket/plays/mine", "s3:/bucket/plays"])
def test_where_no_store_will_do_its_address_is_refused_and_no_folder_is_made(
    command: list[str], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, address])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"argument {command[-1]}: s3://… is an address in a store" in told
    assert "name a path here, and copy it there when all is done" in told
    assert not any(Path().iterdir())


@pytest.mark.parametrize("command", ["perform", "read"])
def test_an_address_that_lacks_a_slash_is_no_folder(
    command: str, play: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(play), "--out", "s3:/bucket/plays", "--preset", "embedded"]) == 2
    assert "s3:/… is no address: s3://… is one" in capsys.readouterr().err
    assert not any(Path().iterdir())
