"""Improvising at the command line, as a stranger meets it: real processes, real voices, every message read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speechagents.cli import main
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene
from speechagents.stream import read_stream
from tests.test_cli import bytes_of, command

PICNIC = resource("assets", "examples", "scenes", "city-park-picnic.yaml")
QUICK = ("--controller", "rehearsal", "--formats", "mp3,vtt")


def test_one_command_plays_a_scene(tmp_path: Path) -> None:
    run = command("improvise", PICNIC, "--out", tmp_path / "out", "--turns", "8", "--json", *QUICK)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 1
    done = json.loads(run.stdout)
    assert {
        "turns",
        "roles",
        "duration_s",
        "seconds",
        "fallback_turns",
        "files",
        "tokens_in",
        "tokens_out",
    } <= done.keys()
    assert done["turns"] == 8
    assert done["fallback_turns"] == 0
    assert [Path(name).name for name in done["files"]] == ["programme.mp3", "programme.vtt"]
    assert done["duration_s"] > 8
    messages = read_stream(tmp_path / "out" / "stream.jsonl")
    assert len(messages) >= 8
    spoken = [message for message in messages if message.take]
    assert all(f"{message.speaker}" in run.stderr and message.text in run.stderr for message in spoken)
    assert "rehearsal" in run.stderr, "it says who acts"
    assert "\x1b" not in run.stderr


def test_an_idea_is_enough(tmp_path: Path) -> None:
    idea = "Three sisters have to sell the house they grew up in."
    run = command("improvise", "--idea", idea, "--roles", "3", "--turns", "5", "--out", tmp_path / "out", *QUICK)
    assert run.returncode == 0, run.stderr
    scene = read_scene(tmp_path / "out" / "scene.yaml")
    assert len(scene.roles) == 3
    assert idea in scene.background


def test_a_proposed_scene_can_be_edited_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    assert main(["improvise", "--idea", "A duel at dawn.", "--roles", "2", "--write-scene", str(path), *QUICK]) == 0
    assert str(path) in capsys.readouterr().out
    path.write_text(path.read_text("utf-8").replace("turns:", "# turns:"), "utf-8")
    out = tmp_path / "out"
    assert main(["improvise", str(path), "--out", str(out), "--turns", "3", *QUICK]) == 0
    assert len(read_stream(out / "stream.jsonl")) >= 3


def test_killed_at_any_moment_resume_ends_with_the_same_bytes(tmp_path: Path) -> None:
    arguments = ["improvise", str(PICNIC), "--turns", "60", *QUICK, "--out"]
    whole = command(*arguments, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    out = tmp_path / "killed"
    run = subprocess.Popen(
        [sys.executable, "-m", "speechagents", *arguments, str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("takes/*.flac"))) < 10 and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, "it was done before it could be killed"
    again = command("improvise", "--resume", "--out", out)
    assert again.returncode == 0, again.stderr
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_a_scene_is_replayed_without_any_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["improvise", str(PICNIC), "--out", str(out), "--turns", "4", *QUICK]) == 0
    capsys.readouterr()
    assert main(["replay", str(out), "--json"]) == 0
    replayed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["text"] for one in replayed] == [message.text for message in read_stream(out / "stream.jsonl")]
    assert any(one["thoughts"] for one in replayed)
    assert main(["replay", str(out)]) == 0
    assert replayed[0]["text"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (["improvise", "--out", "{out}"], "--idea"),
        (["improvise", str(PICNIC)], "--out DIR"),
        (["improvise", str(PICNIC), "--idea", "x", "--out", "{out}"], "not both"),
        (["improvise", str(PICNIC), "--write-scene", "s.yaml", "--out", "{out}"], "--idea"),
        (["improvise", "no-scene.yaml", "--out", "{out}"], "no-scene.yaml"),
        (["improvise", str(PICNIC), "--out", "{out}", "--policy", "loudest"], "addressed"),
        (["improvise", str(PICNIC), "--out", "{out}", "--roles", "26"], "26"),
        (["improvise", str(PICNIC), "--out", "{out}", "--turns", "0"], "turns"),
        (["improvise", str(PICNIC), "--out", "{out}", "--critic", "1"], "critic"),
        (["improvise", str(PICNIC), "--out", "{out}", "--controller", "oracle"], "rehearsal"),
        (["improvise", str(PICNIC), "--out", "{out}", "--server", "ftp://x", "--model", "m"], "http"),
        (["improvise", str(PICNIC.with_name("la-ultima-olla.yaml")), "--out", "{out}"], "speaks de and en"),
        (["improvise", "--resume", "--out", "{out}"], "production"),
        (["replay", "{out}"], "production"),
    ],
)
def test_bad_input_is_named_with_the_remedy_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], clue: str
) -> None:
    out = tmp_path / "out"
    assert main([argument.format(out=out) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert clue in said
    assert "Traceback" not in said
    assert not out.exists()
