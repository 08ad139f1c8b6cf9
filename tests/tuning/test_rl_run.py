"""A run of reinforcement on disk: its folder, its end, and going on after it was killed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

from speechagents.errors import TuningError
from speechagents.tuning.checkpoints import checkpoints
from speechagents.tuning.grpo import Told
from speechagents.tuning.learner import Learner, Learnt, Round
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.rl_events import ReinforcementOver, RoundPlayed, ScenesReady
from speechagents.tuning.rl_recipe import GuardLimits
from speechagents.tuning.run_folder import read_run
from speechagents.tuning.trajectory_folder import TrajectoryFolder
from speechagents.tuning.tuning_log import read_log
from tests.tuning.word_runs import ROUNDS, lines, recipe, run, start_weights, unfinished, weights, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrajectoryFolder:
    return write_data(tmp_path_factory.mktemp("data") / "words")


@pytest.fixture(scope="module")
def told() -> list[Any]:
    """What the run that was never killed has told."""
    return []


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, data: TrajectoryFolder, told: list[Any]) -> Path:
    """A run that was never killed."""
    out = tmp_path_factory.mktemp("straight") / "run"
    run(out, data, announce=told.append)
    return out


def test_the_folder_holds_recipe_log_pictures_checkpoints_and_the_model(straight: Path) -> None:
    assert read_recipe(straight / "recipe.yaml") == recipe()
    assert [one.name for one in checkpoints(straight / "checkpoints")] == ["step-000002", "step-000004"]
    for picture in ("reward.svg", "vitals.svg"):
        assert (straight / picture).read_text("utf-8").startswith("<svg")
    assert "formed 100%" in (straight / "model" / "README.md").read_text("utf-8")
    said = read_run(straight)
    assert (said["state"], said["step"], said["kept"], said["reason"]) == ("finished", ROUNDS, ROUNDS, "")
    assert not [path for path in straight.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


def test_each_round_is_a_line_of_the_log_and_the_one_behind_the_last_teaches_nothing(straight: Path) -> None:
    found = lines(straight)
    assert [entry["step"] for entry in found] == [1, 2, 3, 4, 5]
    assert ["gradient" in entry for entry in found] == [True, True, True, True, False]
    assert ["dev_reward" in entry for entry in found] == [True, False, True, False, True]
    assert found[0]["kl"] == pytest.approx(0.0, abs=1e-6)
    assert all(entry["kl"] > 1e-5 for entry in found[1:])
    assert found[0]["parts"] == {"formed": found[0]["reward"]}


def test_it_says_how_far_it_is(straight: Path, told: list[Any]) -> None:
    assert isinstance(told[0], ScenesReady)
    assert told[0].scenes == (5, 1)
    assert [one.number for one in told if isinstance(one, RoundPlayed)] == [1, 2, 3, 4, 5]
    over = told[-1]
    assert isinstance(over, ReinforcementOver)
    assert over.model == straight / "model"
    assert (over.rounds, over.planned, over.kept, over.reason) == (ROUNDS, ROUNDS, ROUNDS, "")


@pytest.mark.parametrize("killed_after", [1, 3, 5])
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(
    straight: Path, tmp_path: Path, data: TrajectoryFolder, killed_after: int
) -> None:
    def kill(event: object) -> None:
        if isinstance(event, RoundPlayed) and event.number == killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", data, announce=kill)
    run(tmp_path / "run", data, resume=True)
    assert weights(tmp_path / "run") == weights(straight)
    assert lines(tmp_path / "run") == lines(straight)


def test_a_guard_ends_it_and_the_last_model_without_a_complaint_is_left(tmp_path: Path, data: TrajectoryFolder) -> None:
    one = recipe(guard=GuardLimits(kl=1e-6, patience=2))
    over = run(tmp_path / "run", data, one)
    assert over.reason.startswith("the reward is being gamed: the policy is ")
    assert (over.rounds, over.kept) == (2, 0)
    found = lines(tmp_path / "run")
    assert ["complaint" in entry for entry in found] == [False, True, True]
    start = start_weights()
    assert {name: start[name] for name in weights(tmp_path / "run")} == weights(tmp_path / "run")
    said = read_run(tmp_path / "run")
    assert (said["state"], said["reason"]) == ("ended early", over.reason)
    assert "It was ended early" in (tmp_path / "run" / "model" / "README.md").read_text("utf-8")


def test_a_guard_goes_on_watching_where_a_killed_run_was(tmp_path: Path, data: TrajectoryFolder) -> None:
    one = recipe({"checkpoint_every": 1}, guard=GuardLimits(kl=1e-6, patience=3))

    def kill(event: object) -> None:
        if isinstance(event, RoundPlayed) and event.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", data, one, announce=kill)
    over = run(tmp_path / "run", data, one, resume=True)
    run(tmp_path / "straight", data, one)
    assert (over.rounds, over.kept) == (3, 0)
    assert weights(tmp_path / "run") == weights(tmp_path / "straight")


def test_a_gradient_that_is_no_number_ends_it_and_the_model_before_it_is_left(
    straight: Path, tmp_path: Path, data: TrajectoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = Learner.learn

    def fails(self: Learner, played: Round, number: int) -> Learnt:
        if number < 2:
            return learn(self, played, number)
        return Learnt(Told(), math.nan, 0.0)

    monkeypatch.setattr(Learner, "learn", fails)
    over = run(tmp_path / "run", data)
    assert over.reason == "the gradient of round 3 is no number any more; lower training.learning_rate"
    assert (over.rounds, over.kept) == (2, 2)
    # What was told until then is what the whole run has told, and the log is JSON for others, too.
    assert lines(tmp_path / "run")[:2] == lines(straight)[:2]
    text = (tmp_path / "run" / "log.jsonl").read_text("utf-8")
    assert [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()][2]["gradient"] is None


def test_a_first_round_that_earns_nothing_ends_it(
    tmp_path: Path, data: TrajectoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Learner.play

    def earns_nothing(self: Learner, number: int) -> Round:
        played = play(self, number)
        return replace(played, rewarded=tuple(replace(one, team=0.0) for one in played.rewarded))

    monkeypatch.setattr(Learner, "play", earns_nothing)
    over = run(tmp_path / "run", data)
    assert over.reason.startswith("no episode of the first round earned anything")
    assert "rl.cold_start" in over.reason
    assert (over.rounds, over.kept) == (0, 0)
    assert weights(tmp_path / "run").items() <= start_weights().items()


def test_a_divergence_that_is_no_number_is_complained_of_and_what_was_watched_is_known_again(
    tmp_path: Path, data: TrajectoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = recipe({"checkpoint_every": 1}, guard=GuardLimits(kl=50.0, patience=3))
    monkeypatch.setattr(Round, "kl", property(lambda _: math.nan))

    def kill(event: object) -> None:
        if isinstance(event, RoundPlayed) and event.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", data, one, announce=kill)
    over = run(tmp_path / "run", data, one, resume=True)
    # Not even the first round was without a complaint: the start is left.
    assert over.reason.startswith("the reward is being gamed: the policy is nan nats a token away from its start")
    assert (over.rounds, over.kept) == (2, 0)
    start = start_weights()
    assert {name: start[name] for name in weights(tmp_path / "run")} == weights(tmp_path / "run")


def test_a_damaged_checkpoint_is_refused(straight: Path, tmp_path: Path, data: TrajectoryFolder) -> None:
    out = unfinished(straight, tmp_path)
    path = out / "checkpoints" / "step-000004" / "weights.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(TuningError, match=r"step-000004/weights.safetensors: damaged: it is not what was written"):
        run(out, data, resume=True)


def test_a_log_that_is_not_whole_is_refused_since_it_is_what_guards_know(
    straight: Path, tmp_path: Path, data: TrajectoryFolder
) -> None:
    out = unfinished(straight, tmp_path)
    path = out / "log.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    with pytest.raises(TuningError, match=r"log.jsonl: does not hold all 4 rounds"):
        run(out, data, resume=True)


@pytest.mark.parametrize("name", ["spoken", "reward", "play_s", "tokens"])
def test_a_line_of_the_log_that_lacks_something_is_refused(
    straight: Path, tmp_path: Path, data: TrajectoryFolder, name: str
) -> None:
    out = unfinished(straight, tmp_path)
    first, *others = read_log(out / "log.jsonl")
    lacking = {key: value for key, value in first.items() if key != name}
    (out / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (lacking, *others)), "utf-8")
    with pytest.raises(TuningError, match=r"log.jsonl: does not hold all 4 rounds"):
        run(out, data, resume=True)
