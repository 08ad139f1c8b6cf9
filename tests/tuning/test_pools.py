"""Pools: what is learnt from and what is measured with, from a folder, by a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.mixing import Pool
from speechagents.tuning.pools import pool_samples, read_pools
from speechagents.tuning.recipe import Adapter, Base, FamilyKind, Mix, Recipe, Training
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Split, Trajectory
from speechagents.tuning.trajectory_folder import TrajectoryFolder, write_trajectory_folder
from tests.tuning.chat_samples import LINES, turn_sample


def _recipe(folder: Path = Path(), *, steps: int = 10, dev: int = 5, seed: int = 1, **mix: object) -> Recipe:
    return Recipe(
        "r",
        "For tests.",
        FamilyKind.CHAT,
        Base(random="qwen2"),
        Adapter(),
        Mix(**{"agent": 0.5, "next_speaker": 0.4, **mix}),  # type: ignore[arg-type]
        Training(steps=steps, batch=4, dev_samples=dev, seed=seed),
        folder=folder,
    )


@pytest.fixture
def folder(tmp_path: Path) -> TrajectoryFolder:
    turns = [turn_sample(at) for at in range(len(LINES))]
    dev = []
    for at in range(1, 7):
        one = turn_sample(at, split=Split.DEV, text=f"Of dev {at}.")
        ids = {"id": f"pond/{at}", "scene_id": "pond"}
        dev.append(Trajectory(**{name: getattr(one, name) for name in Trajectory.__slots__} | ids))
    return write_trajectory_folder(tmp_path / "data", [*turns, *dev])


def test_what_is_learnt_from_is_of_train_and_what_is_measured_with_of_dev(folder: TrajectoryFolder) -> None:
    data = read_pools(_recipe(), folder)
    assert data.sizes == {Pool.TURN: 8, Pool.NEXT_SPEAKER: 7, Pool.GENERAL: 20}
    assert all(one.split is Split.TRAIN for pool in data.train.values() for one in pool)
    assert all(one.split is Split.DEV for one in (*data.dev_agent, *data.dev_general))
    assert [type(one) for one in data.dev_agent] == [Trajectory] * 3 + [NextSpeaker] * 2
    assert len(data.dev_general) == 5


def test_no_more_is_made_by_rule_than_is_drawn(folder: TrajectoryFolder) -> None:
    assert read_pools(_recipe(steps=3), folder).sizes[Pool.GENERAL] == 6
    assert read_pools(_recipe(agent=1.0), folder).sizes[Pool.GENERAL] == 0
    assert len(read_pools(_recipe(agent=1.0), folder).dev_general) == 5, (
        "how much is forgotten is measured all the same"
    )


def test_a_file_beside_the_recipe_is_used_whole(folder: TrajectoryFolder, tmp_path: Path) -> None:
    chats = [
        {
            "messages": [
                {"role": "user", "content": f"Question {at}?"},
                {"role": "assistant", "content": f"Answer {at}."},
            ]
        }
        for at in range(60)
    ]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats), "utf-8")
    data = read_pools(_recipe(tmp_path, general="chats.jsonl", steps=3), folder)
    assert data.sizes[Pool.GENERAL] > 30
    answers = {one.answer for one in data.train[Pool.GENERAL] if isinstance(one, Instruction)}
    assert answers < {f"Answer {at}." for at in range(60)}


def test_the_digest_follows_from_the_samples(folder: TrajectoryFolder) -> None:
    assert read_pools(_recipe(), folder).digest == read_pools(_recipe(), folder).digest
    assert read_pools(_recipe(), folder).digest != read_pools(_recipe(steps=11), folder).digest


def test_dev_is_the_same_for_every_seed(folder: TrajectoryFolder) -> None:
    first, second = read_pools(_recipe(seed=1), folder), read_pools(_recipe(seed=2), folder)
    assert (first.dev_agent, first.dev_general) == (second.dev_agent, second.dev_general)
    assert first.train[Pool.GENERAL] != second.train[Pool.GENERAL]


def test_nothing_to_measure_with_is_refused() -> None:
    with pytest.raises(TuningError, match="data: there is nothing of dev to measure with; gather more scenes"):
        pool_samples(_recipe(), [turn_sample(1)], [], [])
