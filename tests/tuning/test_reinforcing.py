"""What reinforcement begins with: scenes, a reward, a cold start; and what it refuses."""

from __future__ import annotations

import math
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

from speechagents.errors import MemoryFull, TuningError
from speechagents.tuning.recipe import Base, FamilyKind, Hearing, Mix, Training
from speechagents.tuning.reinforcing import COLD_START, reinforce
from speechagents.tuning.rl_events import ScenesReady
from speechagents.tuning.run_folder import read_run
from speechagents.tuning.trajectory_folder import TrajectoryFolder
from speechagents.tuning.tuning_events import StepDone
from tests.tuning.word_acts import WordActs, WordFamily, rl
from tests.tuning.word_runs import COLD, lines, recipe, run, unfinished, weights, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrajectoryFolder:
    return write_data(tmp_path_factory.mktemp("data") / "words")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, data: TrajectoryFolder) -> Path:
    """A run that was never killed."""
    out = tmp_path_factory.mktemp("straight") / "run"
    run(out, data)
    return out


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory, data: TrajectoryFolder) -> Path:
    """The same with a cold start."""
    out = tmp_path_factory.mktemp("cold") / "run"
    run(out, data, recipe(cold_start=COLD))
    return out


def test_a_run_that_is_over_is_told_again(straight: Path, data: TrajectoryFolder) -> None:
    again: list[Any] = []
    over = run(straight, data, resume=True, announce=again.append)
    assert again == [over]
    with pytest.raises(TuningError, match="go on with it by --resume"):
        run(straight, data)


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


@pytest.mark.parametrize("killed_after", [1, 4])
def test_a_run_that_was_killed_in_its_cold_start_goes_on_with_it_and_ends_with_the_same_bits(
    cold: Path, tmp_path: Path, data: TrajectoryFolder, killed_after: int
) -> None:
    one, out = recipe(cold_start=COLD), tmp_path / "run"

    def kill(event: object) -> None:
        if isinstance(event, StepDone) and event.step == killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(out, data, one, announce=kill)
    with pytest.raises(TuningError, match="go on with it by --resume"):
        run(out, data, one)
    run(out, data, one, resume=True)
    assert weights(out) == weights(cold)
    assert lines(out) == lines(cold)


def test_a_cold_start_whose_checkpoints_are_gone_is_named_with_a_remedy(
    cold: Path, tmp_path: Path, data: TrajectoryFolder
) -> None:
    out = unfinished(cold, tmp_path)
    shutil.rmtree(out / COLD_START / "checkpoints")
    with pytest.raises(TuningError, match=r"^cold-start: its checkpoints are gone; delete the folder"):
        run(out, data, recipe(cold_start=COLD), resume=True)
    shutil.rmtree(out / COLD_START)
    run(out, data, recipe(cold_start=COLD), resume=True)
    assert weights(out) == weights(cold)


def test_what_is_wrong_with_a_cold_start_is_said_of_it(tmp_path: Path, data: TrajectoryFolder) -> None:
    class Spoilt(WordFamily):
        def load(self) -> Any:
            model = super().load()
            model.lm_head.weight.data.fill_(math.nan)
            return model

    with pytest.raises(TuningError, match=r"^cold-start: training\.learning_rate: the loss of step 1 is no number"):
        reinforce(recipe(cold_start=COLD), data, tmp_path / "run", make=lambda *_: Spoilt(), act=lambda _: WordActs())


def test_a_batch_that_does_not_fit_is_told_with_a_remedy(tmp_path: Path, data: TrajectoryFolder) -> None:
    class Full(WordActs):
        __slots__ = ()

        def prompt(self, ask: Any) -> Sequence[int]:
            raise MemoryError

    with pytest.raises(MemoryFull, match=r"; halve training\.batch and rl\.rows, or rl\.answer_tokens$"):
        reinforce(recipe(), data, tmp_path / "run", make=lambda *_: WordFamily(), act=lambda _: Full())


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
