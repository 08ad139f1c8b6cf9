"""``speechagents simulate`` as people type it: with servers, without any, and with input that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from speechagents.cli import main
from tests.cluster.talking import talks, write_scenes
from tests.controllers.fault_server import FaultServer, complains


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPEECHAGENTS_SERVER", "SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", 3)
    return tmp_path / "scenes"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.rule = talks
        yield running


def test_without_any_server_it_can_be_rehearsed(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["simulate", str(scenes), "--repeat", "2", "--controller", "rehearsal", "--out", str(out)]
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    told = json.loads(line)
    assert (told["planned"], told["finished"], told["failed"], told["left"]) == (6, 6, 0, 0)
    assert told["results"] == str(out / "results.jsonl")
    assert len((out / "results.jsonl").read_text("utf-8").splitlines()) == 6
    assert "6 of 6 scenes are finished" in said.err
    assert "\x1b" not in said.err
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(out / "results.jsonl")
    assert "6 of them finished before" in said.err


def test_servers_are_named_one_by_one_or_in_a_file(
    scenes: Path, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultServer() as other:
        other.rule = talks
        urls = ["--endpoint", server.url, "--endpoint", other.url, "--model", "tiny", "--concurrency", "1"]
        assert main(["simulate", str(scenes), "--out", str(tmp_path / "a"), *urls, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert sorted(told["endpoints"]) == sorted(f"127.0.0.1:{one.port}" for one in (server, other))
        assert sum(one["answered"] for one in told["endpoints"].values()) == told["requests"] == 6
        assert (told["tokens_in"], told["tokens_out"]) == (600, 120)
        file = tmp_path / "pool.yaml"
        file.write_text(f"endpoints:\n  - {{name: a, url: '{server.url}'}}\n  - {{name: b, url: '{other.url}'}}\n")
        pool = ["--endpoints", str(file), "--model", "tiny", "--seed", "1"]
        assert main(["simulate", str(scenes), "--out", str(tmp_path / "b"), *pool, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert sorted(told["endpoints"]) == ["a", "b"]


def test_the_environment_names_a_server_where_nobody_else_does(
    scenes: Path, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEECHAGENTS_SERVER", server.url)
    assert main(["simulate", str(scenes), "--out", str(tmp_path / "out")]) == 0
    assert len(server.received) == 6


def test_what_the_budget_leaves_is_told_and_no_failure(
    scenes: Path, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["simulate", str(scenes), "--out", str(tmp_path / "out"), "--endpoint", server.url, "--json"]
    assert main([*command, "--budget-requests", "5"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["finished"], told["left"], told["ended"]) == (2, 1, "the budget of 5 requests reaches no further")
    assert "1 left: the budget of 5 requests reaches no further" in said.err


def test_a_full_disk_is_told_and_the_same_command_goes_on(scenes: Path, tmp_path: Path) -> None:
    """A file that cannot grow any more stands for a disk that is full."""
    out = tmp_path / "out"
    command = ["simulate", str(scenes), "--repeat", "20", "--controller", "rehearsal", "--out", str(out), "--json"]
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
        "from speechagents.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.run([sys.executable, "-c", limited, *command], capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    assert f"{out / 'results.jsonl'}: " in run.stderr
    assert "free some space" in run.stderr
    kept = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert 0 < len(kept) < 60
    again = subprocess.run(
        [sys.executable, "-m", "speechagents", *command], capture_output=True, text=True, check=False
    )
    told = json.loads(again.stdout)
    assert (told["before"], told["finished"], told["failed"]) == (len(kept), 60, 0)
    assert len((out / "results.jsonl").read_text("utf-8").splitlines()) == 60


def test_scenes_that_fail_are_told_and_make_another_exit_code(
    scenes: Path, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.rule = lambda received: complains(400, "no\x1b[31m") if "Scene 1" in received.asked else talks(received)
    assert main(["simulate", str(scenes), "--out", str(tmp_path / "out"), "--endpoint", server.url]) == 3
    said = capsys.readouterr().err
    assert "speechagents: scene-001 1 could not be played: none of its 2 turns could be taken" in said
    assert "\x1b" not in said


def test_if_no_server_answers_it_is_told_with_what_to_do(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = ["--endpoint", "http://127.0.0.1:9", "--patience-s", "0.2"]
    assert main(["simulate", str(scenes), "--out", str(tmp_path / "out"), *gone]) == 3
    said = capsys.readouterr().err
    assert "no endpoint has answered for 0 s (127.0.0.1:9: no connection" in said
    assert "0 of 3 scenes are finished and kept; the same command goes on" in said


def test_figures_are_served_while_it_runs(
    scenes: Path, server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("prometheus_client")
    command = ["simulate", str(scenes), "--out", str(tmp_path / "out"), "--endpoint", server.url]
    assert main([*command, "--metrics-port", "0"]) == 0
    assert "figures for Prometheus: http://127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--endpoint URL or --endpoints FILE, or try it without any with --controller rehearsal"),
        (["--endpoint", "ftp://x"], "is no http or https URL"),
        (["--endpoint", "http://127.0.0.1:1", "--endpoints", "pool.yaml"], "not both"),
        (["--endpoints", "no-pool.yaml"], "no-pool.yaml: cannot be read"),
        (["--endpoint", "http://127.0.0.1:1", "--controller", "rehearsal"], "name one or the other"),
        (["--endpoint", "http://127.0.0.1:1", "--concurrency", "9999"], "concurrency"),
        (["--endpoint", "http://127.0.0.1:1", "--patience-s", "0"], "patience_s"),
        (["--controller", "rehearsal", "--policy", "loudest"], "addressed"),
        (["--controller", "rehearsal", "--budget-requests", "5"], "needs endpoints"),
        (["--controller", "rehearsal", "--budget-s", "-1"], "budget"),
        (["--controller", "rehearsal", "no-scene.yaml"], "no such file"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    out = tmp_path / "out"
    more = [one for one in arguments if one == "no-scene.yaml"]
    rest = [one for one in arguments if one not in more]
    assert main(["simulate", str(scenes), *more, "--out", str(out), *rest]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not out.exists()
