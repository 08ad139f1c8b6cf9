"""Simulations: what is played, how often and by which seed; budgets; and going on after an end of any kind."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from speechagents import backends
from speechagents.backends import CONTROLLERS
from speechagents.cluster import simulating
from speechagents.cluster.budget import Caps
from speechagents.cluster.figures import Ended, RunFigures
from speechagents.cluster.results import RESULTS_FILE
from speechagents.cluster.scene_shelf import play_seed
from speechagents.cluster.simulating import RunBegun, RunOver, SceneFailed, ScenePlayed, SimulationEvent, simulate
from speechagents.cluster.simulation import SimulationSettings
from speechagents.errors import ClusterError, InputError, ProductionError, SceneError, SettingsError
from tests.cluster.talking import slowly, spec, talks, write_scenes
from tests.controllers.fault_server import FaultServer, Received, complains, hangs, says


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.rule = talks
        yield running


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def rehearsed(tmp_path: Path, scenes: int = 2, **options: Any) -> SimulationSettings:
    paths = write_scenes(tmp_path / "scenes", scenes)
    return SimulationSettings(tuple(paths), controller="rehearsal", **options)


def asked(server: FaultServer, tmp_path: Path, scenes: int = 2, **options: Any) -> SimulationSettings:
    paths = write_scenes(tmp_path / "scenes", scenes)
    return SimulationSettings(tuple(paths), **{"endpoints": (spec(server, "a", concurrency=4),), **options})


def run(settings: SimulationSettings, out: Path, **options: Any) -> RunOver:
    return over_of(list(simulate(settings, out, **options)))


def over_of(events: list[SimulationEvent]) -> RunOver:
    over = events[-1]
    assert isinstance(over, RunOver)
    assert over.finished + over.failed + over.left == over.planned
    return over


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / RESULTS_FILE).read_text("utf-8").splitlines()]


def plays(out: Path) -> list[tuple[str, int]]:
    return [(line["scene"], line["repeat"]) for line in lines(out)]


def transcripts(out: Path) -> dict[tuple[str, int], Any]:
    return {(line["scene"], line["repeat"]): (line["seed"], line["messages"]) for line in lines(out)}


# What is played


def test_every_scene_is_played_as_often_as_asked_by_seeds_of_its_own(tmp_path: Path, out: Path) -> None:
    events = list(simulate(rehearsed(tmp_path, 3, repeat=4, seed=5), out))
    assert events[0] == RunBegun(planned=12, before=0, at_once=4)
    over = over_of(events)
    assert (over.finished, over.failed, over.left, over.before, over.ended) == (12, 0, 0, 0, "")
    assert over.turns == 24
    told = lines(out)
    assert Counter(plays(out)) == {(f"scene-{n:03}", repeat): 1 for n in range(3) for repeat in range(4)}
    assert all(line["seed"] == play_seed(5, line["scene"], line["repeat"]) for line in told)
    assert len({json.dumps(line["messages"]) for line in told}) > 6, "repeats differ"
    assert [event.record.scene for event in events if isinstance(event, ScenePlayed)] == [
        line["scene"] for line in told
    ], "in the order of finishing"


def test_all_scenes_are_played_once_before_any_is_played_again(tmp_path: Path, out: Path) -> None:
    run(rehearsed(tmp_path, 3, repeat=2, at_once=1), out)
    assert plays(out) == [(f"scene-{number:03}", repeat) for repeat in range(2) for number in range(3)]


def test_transcripts_follow_from_the_seed_however_many_are_under_way(tmp_path: Path) -> None:
    for name, at_once, seed in (("one", 1, 3), ("many", 6, 3), ("other", 6, 4)):
        run(rehearsed(tmp_path, 3, repeat=3, at_once=at_once, seed=seed), tmp_path / name)
    assert transcripts(tmp_path / "one") == transcripts(tmp_path / "many")
    assert transcripts(tmp_path / "one") != transcripts(tmp_path / "other")


def test_options_change_scenes_as_they_do_in_improvising(tmp_path: Path, out: Path) -> None:
    over = run(rehearsed(tmp_path, 1, turns=5, policy="round-robin"), out)
    assert over.turns == 5
    turns = [told["speaker"] for told in lines(out)[0]["messages"] if told["deed"] != "back_channel"]
    assert turns == ["Ann", "Bob", "Ann", "Bob", "Ann"]


def test_models_act_and_their_costs_are_put_down_to_each_scene(server: FaultServer, tmp_path: Path, out: Path) -> None:
    over = run(asked(server, tmp_path, 3, repeat=2), out)
    assert (over.finished, over.fallbacks, over.requests) == (6, 0, 12)
    assert (over.tokens_in, over.tokens_out) == (1_200, 240)
    for line in lines(out):
        assert line["requests"] == {"a": 2}
        assert (line["tokens_in"], line["tokens_out"], line["tokens"]) == (200, 40, 240)
        assert line["ending"] == "all 2 turns are played"
        assert line["seconds"] > 0.0
        assert all(told["text"].startswith("I remember the") for told in line["messages"])


def test_no_more_scenes_are_under_way_than_allowed(server: FaultServer, tmp_path: Path, out: Path) -> None:
    server.rule = lambda received: slowly(talks(received), 0.01)
    run(asked(server, tmp_path, 6, repeat=3, at_once=2), out)
    assert server.most_at_once == 2


# What cannot be played


def test_a_scene_in_which_nothing_could_be_taken_is_no_result_and_is_tried_again(
    server: FaultServer, tmp_path: Path, out: Path
) -> None:
    def refuses_one(received: Received) -> Any:
        return complains(400, "not this one") if "Scene 1" in received.asked else talks(received)

    server.rule = refuses_one
    settings = asked(server, tmp_path, 3, repeat=2)
    events = list(simulate(settings, out))
    over = over_of(events)
    assert (over.finished, over.failed, over.left) == (4, 2, 0)
    failed = [event for event in events if isinstance(event, SceneFailed)]
    assert {(event.scene, event.repeat) for event in failed} == {("scene-001", 0), ("scene-001", 1)}
    assert all(re.search("none of its 2 turns could be taken .*not this one", event.reason) for event in failed)
    assert "scene-001" not in dict(plays(out))
    server.rule = talks
    assert run(settings, out).finished == 6
    assert len(plays(out)) == 6


def test_a_turn_that_fails_is_the_understudys_and_the_scene_a_result(
    server: FaultServer, tmp_path: Path, out: Path
) -> None:
    server.rule = lambda received: says("") if "1. " in received.asked else talks(received)
    over = run(asked(server, tmp_path, 1), out)
    assert (over.finished, over.turns, over.fallbacks) == (1, 2, 1)
    assert [bool(told["fallback"]) for told in lines(out)[0]["messages"]] == [False, True]


def test_if_everything_fails_the_rest_is_not_tried(
    server: FaultServer, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulating, "_ALL_FAIL", 5)
    server.rule = lambda _: complains(400, "no such thing")
    with pytest.raises(ClusterError, match=r"all of 5 scenes failed, the last one because none of its .*no such thing"):
        run(asked(server, tmp_path, 10, repeat=10), out)
    assert len(server.received) < 100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"roles": 5}, "scene-000.yaml: the scene has 2 roles"),
        ({"policy": "loudest"}, "no turn policy 'loudest'"),
        ({"turns": 3_000}, "turns 3000 is not between"),
        ({"repeat": 0}, "repeat 0 is not between"),
        ({"seed": -1}, "seed -1"),
        ({"controller": "oracle"}, "no controller named 'oracle'"),
        ({"controller": "openai"}, "--endpoint URL or --endpoints FILE"),
        ({"controller": ""}, "--controller rehearsal"),
        ({"model": "tiny"}, "model"),
        ({"caps": Caps(requests=5)}, "a budget of requests needs endpoints"),
        ({"scenes": ()}, "no scenes are named"),
        ({"repeat": 1_000_000}, "plays are more than"),
        ({"endpoints": (spec(1),)}, "no controller 'rehearsal'"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    tmp_path: Path, out: Path, options: dict[str, Any], said: str
) -> None:
    paths = write_scenes(tmp_path / "scenes", 200 if options.get("repeat") else 1)
    with pytest.raises(InputError) as caught:
        run(SimulationSettings(**{"scenes": tuple(paths), "controller": "rehearsal", **options}), out)
    assert said in str(caught.value)
    assert not out.exists()


def test_a_language_that_nobody_speaks_is_told_with_its_scene(tmp_path: Path, out: Path) -> None:
    settings = rehearsed(tmp_path, 1)
    write_scenes(tmp_path / "scenes", 1, language="fi")
    with pytest.raises(SceneError, match=r"scene-000\.yaml: .* speaks de and en"):
        run(settings, out)
    assert not out.exists()


def test_a_scene_file_that_changes_meanwhile_ends_the_run_and_what_is_finished_is_kept(
    tmp_path: Path, out: Path
) -> None:
    going = simulate(rehearsed(tmp_path, 3, at_once=1), out)
    assert isinstance(next(going), RunBegun)
    write_scenes(tmp_path / "scenes", 3, background="Another room.")
    with pytest.raises(SceneError, match="was changed while the run was going on"):
        list(going)


# Budgets


def test_a_budget_of_scenes_ends_the_run_and_a_larger_one_goes_on(tmp_path: Path, out: Path) -> None:
    over = run(rehearsed(tmp_path, 3, repeat=4, caps=Caps(scenes=5)), out)
    assert (over.finished, over.left, over.ended) == (5, 7, "the budget of 5 scenes reaches no further")
    over = run(rehearsed(tmp_path, 3, repeat=4, caps=Caps(scenes=8)), out)
    assert (over.finished, over.before, over.left) == (8, 5, 4)
    over = run(rehearsed(tmp_path, 3, repeat=4), out)
    assert (over.finished, over.before, over.left, over.ended) == (12, 8, 0, "")


def test_a_budget_of_requests_is_kept_and_wastes_none(server: FaultServer, tmp_path: Path, out: Path) -> None:
    settings = asked(server, tmp_path, 5, repeat=10, caps=Caps(requests=31))
    over = run(settings, out)
    assert (over.finished, over.left) == (15, 35), "two requests a scene"
    assert len(server.received) == over.requests == 30
    assert run(settings, out).finished == 15, "what was spent before counts"
    assert len(server.received) == 30


def test_a_budget_of_tokens_is_kept(server: FaultServer, tmp_path: Path, out: Path) -> None:
    over = run(asked(server, tmp_path, 5, repeat=10, caps=Caps(tokens=240 * 7 + 100)), out)
    assert (over.finished, over.left) == (7, 43)
    assert over.ended == "the budget of 1780 tokens reaches no further"


def test_scenes_that_cost_more_than_was_to_be_expected_are_broken_off_and_left(
    server: FaultServer, tmp_path: Path, out: Path
) -> None:
    answers = 0

    def dearer(received: Received) -> Any:
        nonlocal answers
        answers += 1
        return says("Hm?", tokens=(100, 20)) if answers > 6 and len(received.json["messages"]) == 2 else talks(received)

    server.rule = dearer  # from the fourth scene on each turn takes a repair
    figures = RunFigures("a")
    over = run(asked(server, tmp_path, 20, at_once=1, caps=Caps(requests=9)), out, figures=figures)
    assert (over.finished, over.left) == (3, 17)
    assert (over.ended, figures.scenes[Ended.BROKEN_OFF]) == ("the budget of 9 requests is spent", 1)
    assert len(server.received) == 9
    assert len(plays(out)) == 3, "nothing of a scene that was broken off is a result"


def test_when_the_time_is_up_nobody_waits_for_answers(server: FaultServer, tmp_path: Path, out: Path) -> None:
    server.rule = lambda received: hangs(server) if "Scene 1" in received.asked else talks(received)
    over = run(asked(server, tmp_path, 2, repeat=3, caps=Caps(seconds=2.0)), out)
    assert over.finished == 3
    assert (over.left, over.ended) == (3, "the budget of 2 s is spent")
    assert over.seconds < 10.0


def test_the_tokens_of_a_controller_without_endpoints_count_as_well(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = CONTROLLERS.group
    points = EntryPoints(
        [
            EntryPoint("own", "tests.cluster.talking:make_counting", group),
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    paths = write_scenes(tmp_path / "scenes", 10)
    over = run(SimulationSettings(tuple(paths), controller="own", caps=Caps(tokens=100)), out)
    assert (over.finished, over.left) == (3, 7), "26 tokens a scene"
    assert (over.tokens_in, over.tokens_out, over.requests) == (60, 18, 0)


# Going on


def test_an_interrupted_run_goes_on_and_plays_nothing_twice(tmp_path: Path, out: Path) -> None:
    settings = rehearsed(tmp_path, 4, repeat=5)
    going = simulate(settings, out)
    for event in going:
        if isinstance(event, ScenePlayed) and event.finished == 7:
            break
    going.close()  # type: ignore[attr-defined]
    assert len(plays(out)) == 7
    over = run(settings, out)
    assert (over.finished, over.before) == (20, 7)
    assert len(set(plays(out))) == len(plays(out)) == 20
    run(settings, tmp_path / "whole")
    assert transcripts(out) == transcripts(tmp_path / "whole")


def test_a_torn_last_line_is_played_again(tmp_path: Path, out: Path) -> None:
    settings = rehearsed(tmp_path, 2, repeat=2)
    run(settings, out)
    path = out / RESULTS_FILE
    path.write_bytes(path.read_bytes()[:-30])
    assert run(settings, out).before == 3
    assert len(set(plays(out))) == len(plays(out)) == 4


def test_more_repeats_go_on_where_fewer_ended(tmp_path: Path, out: Path) -> None:
    run(rehearsed(tmp_path, 2, repeat=2), out)
    over = run(rehearsed(tmp_path, 2, repeat=3), out)
    assert (over.planned, over.before) == (6, 4)
    run(rehearsed(tmp_path, 2, repeat=3), tmp_path / "whole")
    assert transcripts(out) == transcripts(tmp_path / "whole")


def test_another_runs_folder_is_refused(tmp_path: Path, out: Path) -> None:
    run(rehearsed(tmp_path, 2), out)
    with pytest.raises(SettingsError, match="holds a run with seed 0, not 1"):
        run(rehearsed(tmp_path, 2, seed=1), out)
    with pytest.raises(SettingsError, match="holds a run with scenes 2, not 3"):
        run(rehearsed(tmp_path, 3), out)
    (out / "run.json").unlink()
    with pytest.raises(ProductionError, match="of another run"):
        run(rehearsed(tmp_path, 2, seed=1), out)


def test_if_no_endpoint_answers_any_longer_what_is_finished_is_kept(tmp_path: Path, out: Path) -> None:
    with FaultServer() as server:
        server.rule = talks
        settings = asked(server, tmp_path, 10, repeat=3, at_once=2, patience_s=0.5)
        going = simulate(settings, out)
        for event in going:
            if isinstance(event, ScenePlayed) and event.finished == 5:
                break
        port = server.port
    with pytest.raises(ClusterError, match=r"no endpoint has answered .*; \d+ of 30 scenes are finished and kept; the"):
        list(going)
    kept = len(plays(out))
    assert 5 <= kept < 30
    with FaultServer(port=port) as server:
        server.rule = talks
        over = run(settings, out)
    assert (over.finished, over.before) == (30, kept)
    assert len(set(plays(out))) == 30
