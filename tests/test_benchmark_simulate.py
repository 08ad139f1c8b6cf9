"""What scenes cost their driver: the real command on a few scenes, with and without servers that answer at once."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fast_server import TURN, FastServers, fast_servers
from benchmarks.simulate import beyond, kept, main, measure
from tests.cluster.talking import write_scenes


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Two scenes of two roles."""
    write_scenes(tmp_path / "scenes", 2)
    return tmp_path / "scenes"


def ask(servers: FastServers, *prompts: str) -> list[str]:
    """Ask the first server, over one connection."""
    connection = http.client.HTTPConnection(*servers.urls[0].split("/")[2].split(":"))  # type: ignore[arg-type]
    said = []
    for prompt in prompts:
        connection.request("POST", "/v1/chat/completions", json.dumps({"messages": [{"content": prompt}]}))
        answer: dict[str, Any] = json.load(connection.getresponse())
        said.append(answer["choices"][0]["message"]["content"])
    connection.close()
    return said


def test_what_one_scene_more_costs_leaves_the_start_out() -> None:
    rows = [{"cpu_s": 3.0, "scenes": 100, "turns": 600}, {"cpu_s": 21.0, "scenes": 1_000, "turns": 5_900}]
    assert beyond(rows) == (18.0, 900, 5_300)
    assert beyond(rows[:1]) == (3.0, 100, 600)


def test_runs_that_are_too_short_to_compare_are_refused() -> None:
    rows = [{"cpu_s": 1.1, "scenes": 2, "turns": 4}, {"cpu_s": 1.0, "scenes": 4, "turns": 8}]
    with pytest.raises(SystemExit, match="2 scenes more took no time"):
        beyond(rows)


def test_scenes_are_rehearsed_in_the_drivers_process(scenes: Path) -> None:
    found = measure(scenes, [4], turns=2, servers=0)
    (row,) = found["rows"]
    assert (row["scenes"], row["turns"], row["requests"]) == (4, 8, 0)
    assert row["cpu_s"] > 0.0
    assert row["driver_peak_mb"] > 20.0
    assert found["scene_files"] == 2
    assert "prompt_chars_per_request" not in found


def test_scenes_are_played_against_servers_and_what_these_are_asked_is_counted(scenes: Path) -> None:
    found = measure(scenes, [4], turns=3, servers=2)
    (row,) = found["rows"]
    assert (row["scenes"], row["turns"], row["requests"]) == (4, 12, 12)
    assert found["requests_per_scene"] == 3.0
    assert found["prompt_chars_per_request"] > 500
    assert found["answer_chars_per_request"] == len(TURN)
    assert found["memory_ratio"] == 1.0


def test_a_run_that_cannot_be_played_ends_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("roles: 3\n", "utf-8")
    with pytest.raises(SystemExit, match="ended with 2"):
        measure(tmp_path, [1], turns=2, servers=0)


def test_figures_of_one_who_acts_leave_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "simulate.json"
    for report in ({"processor": "old", "rehearsal": 1, "servers": 1}, {"processor": "new", "servers": 2}):
        path.write_text(kept(path, report), "utf-8")
    assert json.loads(path.read_text("utf-8")) == {"processor": "new", "rehearsal": 1, "servers": 2}


def test_nobody_else_acts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--who", "servers,audience"])
    assert ended.value.code == 2
    assert "--who audience" in capsys.readouterr().err


def test_fast_servers_answer_and_count() -> None:
    with fast_servers(2) as servers:
        assert len(set(servers.urls)) == 2
        assert ask(servers, "Who goes there?", "x" * 200_000) == [TURN, TURN]
    assert (servers.asked.requests, servers.asked.prompt_chars) == (2, 200_015)
