"""A run of reinforcement: its folder, its end, and going on after it was killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

from safetensors.numpy import load_file

from speechagents.errors import TuningError
from speechagents.tuning.checkpoints import checkpoints
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Hearing, Mix, Precision, Recipe, Training
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.reinforcing import COLD_START, reinforce
from speechagents.tuning.rl_events import ReinforcementOver, RoundPlayed, ScenesReady
from speechagents.tuning.rl_recipe import GuardLimits
from speechagents.tuning.run_folder import read_run
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder, write_trajectory_folder
from speechagents.tuning.tuning_log import read_log
from tests.tuning.word_acts import WordActs, WordFamily, rl, trajectories

ROUNDS = 4
COLD = Training(steps=6, batch=8, learning_rate=0.03, max_tokens=64, evaluate_every=3, checkpoint_every=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrajectoryFolder:
    path = tmp_path_factory.mktemp("data") / "words"
    return write_trajectory_folder(path, [*trajectories(5, Split.TRAIN), *trajectories(2, Split.DEV)])


def recipe(training: Mapping[str, Any] | None = None, **more: Any) -> Recipe:
    return Recipe(
        name="words",
        about="For tests.",
        family=FamilyKind.CHAT,
        base=Base(random="qwen2"),
        adapter=Adapter(AdapterKind.FULL),
        data=Mix(agent=1.0, next_speaker=0.0),
        training=Training(
            **{
                "steps": ROUNDS,
                "batch": 64,
                "learning_rate": 0.02,
                "max_tokens": 64,
                "seed": 3,
                "evaluate_every": 2,
                "checkpoint_every": 2,
                "dtype": Precision.FLOAT32,
                "dev_samples": 4,
                **(training or {}),
            }
        ),
        rl=rl(**{"scenes": 2, "episodes": 4, "dev_scenes": 1, "turns": 3, **more}),
    )


def run(out: Path, data: TrajectoryFolder, one: Recipe | None = None, **more: Any) -> ReinforcementOver:
    return reinforce(one or recipe(), data, out, make=lambda *_: WordFamily(), act=lambda _: WordActs(), **more)


def lines(out: Path) -> list[dict[str, Any]]:
    """Of the log, without times."""
    return [
        {name: value for name, value in entry.items() if not name.endswith("_s")}
        for entry in read_log(out / "log.jsonl")
    ]


def weights(out: Path) -> dict[str, bytes]:
    return {name: one.tobytes() for name, one in load_file(out / "model" / "model.safetensors").items()}


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


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory, data: TrajectoryFolder) -> Path:
    """The same with a cold start."""
    out = tmp_path_factory.mktemp("cold") / "run"
    run(out, data, recipe(cold_start=COLD))
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


def test_a_run_that_is_over_is_told_again(straight: Path, data: TrajectoryFolder) -> None:
    again: list[Any] = []
    over = run(straight, data, resume=True, announce=again.append)
    assert again == [over]
    with pytest.raises(TuningError, match="go on with it by --resume"):
        run(straight, data)


def test_a_guard_ends_it_and_the_last_model_without_a_complaint_is_left(tmp_path: Path, data: TrajectoryFolder) -> None:
    one = recipe(guard=GuardLimits(kl=1e-6, patience=2))
    over = run(tmp_path / "run", data, one)
    assert over.reason.startswith("the reward is being gamed: the policy is ")
    assert (over.rounds, over.kept) == (2, 0)
    found = lines(tmp_path / "run")
    assert ["complaint" in entry for entry in found] == [False, True, True]
    start = {name: value.detach().numpy().tobytes() for name, value in WordFamily().load().state_dict().items()}
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


def test_a_cold_start_comes_first_and_is_what_the_policy_is_held_to(straight: Path, cold: Path) -> None:
    assert read_run(cold / COLD_START)["state"] == "finished"
    warm, plain = lines(cold)[0], lines(straight)[0]
    # It has read that turns end, and what is measured is how far it goes from there.
    assert warm["formed"] > plain["formed"]
    assert warm["kl"] == pytest.approx(0.0, abs=1e-6)


def test_a_run_that_was_killed_behind_its_cold_start_does_not_do_it_again(
    cold: Path, tmp_path: Path, data: TrajectoryFolder
) -> None:
    one, out = recipe(cold_start=COLD), tmp_path / "run"

    def kill(event: object) -> None:
        if isinstance(event, ScenesReady):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(out, data, one, announce=kill)
    before = (out / COLD_START / "log.jsonl").read_bytes()
    run(out, data, one, resume=True)
    assert (out / COLD_START / "log.jsonl").read_bytes() == before
    assert weights(out) == weights(cold)


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


def unfinished(straight: Path, tmp_path: Path) -> Path:
    """A copy of a run, killed before its end."""
    out = tmp_path / "copy"
    shutil.copytree(straight, out)
    said = {**read_run(out), "state": "running"}
    (out / "run.json").write_text(json.dumps(said), "utf-8")
    return out


def test_another_recipe_is_refused_in_the_same_folder(straight: Path, data: TrajectoryFolder) -> None:
    with pytest.raises(TuningError, match="recipe: holds a run with another recipe"):
        run(straight, data, recipe(kl=0.5), resume=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rl": None}, "words: rl: says nothing of reinforcement"),
        (
            {"family": FamilyKind.UNITS, "base": Base(random="llama-units"), "data": Mix(hearing=Hearing.UNITS)},
            "family: scenes are played in words: write chat",
        ),
        ({"training": Training(steps=2, recompute=True)}, "training.recompute: activations are kept"),
        ({"training": Training(steps=2, max_tokens=40)}, "rl.answer_tokens: 9 tokens of an answer leave no room"),
        ({"rl": rl(roles=4)}, "rl.roles: the train split holds no scene with 4 roles, but with 3"),
        ({"rl": rl(reward={"uptake": 1.0})}, "rl.turns: the data hold 5 stretches as long as a scene"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_written(
    tmp_path: Path, data: TrajectoryFolder, change: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(TuningError) as error:
        run(tmp_path / "run", data, replace(recipe(), **change))
    assert str(error.value).startswith(said)
    assert not (tmp_path / "run").exists()


def test_scenes_of_dev_are_played_and_never_learnt_from(tmp_path: Path, data: TrajectoryFolder) -> None:
    played: list[Sequence[int]] = []

    class Watching(WordActs):
        __slots__ = ()

        def prompt(self, ask: Any) -> Sequence[int]:
            played.append(ask.scene.title)
            return super().prompt(ask)

    reinforce(recipe(), data, tmp_path / "run", make=lambda *_: WordFamily(), act=lambda _: Watching())
    dev = [title for title in played if "dev" in str(title)]
    # Three measurements of one scene, four episodes, three turns.
    assert len(dev) == 36
    assert {str(title) for title in played if "test" in str(title)} == set()
