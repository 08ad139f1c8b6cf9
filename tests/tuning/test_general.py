"""General instructions of a recipe: by rule or from a file, with speech where models hear, and disjoint splits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.drama import Style
from speechagents.errors import SettingsError, TuningError
from speechagents.tuning.general import general_instructions
from speechagents.tuning.general_rules import KINDS_OF_TASKS
from speechagents.tuning.manifest import About
from speechagents.tuning.recipe import RULES
from speechagents.tuning.speech_instructions import HEAR, READ_ALOUD
from speechagents.tuning.trajectory import Instruction, Split, Trajectory
from speechagents.tuning.trajectory_folder import NewTrajectoryFolder, TrajectoryFolder, new_trajectory_folder
from tests.tuning.made_up_scenes import SAID, WordCodec, sound_of, trajectories

COMMON = ("Tom", "Somebody has taken the ladder from behind the shed.", "angry")
DEV_SAID = (
    COMMON,
    ("Ella", "It was the wind, or the neighbour with the green hat.", "calm"),
    ("Sophia", "A ladder does not fly, not even on a night like that.", "sarcastic"),
)


def with_speech(turns: Sequence[Trajectory], folder: NewTrajectoryFolder) -> list[Trajectory]:
    sounds = [sound_of(one.turn.text) for one in turns]
    return [
        replace(one, sound=folder.keep(sound), units=units)
        for one, sound, units in zip(turns, sounds, WordCodec().encode(sounds), strict=True)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrajectoryFolder:
    """A folder with units and sounds; one line of dev is said in train as well, in another context."""
    train = trajectories([*SAID, COMMON])
    dev = trajectories(DEV_SAID, scene_id="ladder", split=Split.DEV)
    with new_trajectory_folder(tmp_path_factory.mktemp("general") / "data") as folder:
        return folder.finish([*with_speech(train, folder), *with_speech(dev, folder)], About(hearing="units"))


def test_by_rule_there_are_as_many_as_are_asked_for_of_all_kinds() -> None:
    found = general_instructions(RULES, None, Split.TRAIN, 1, 140)
    assert Counter(one.task for one in found) == dict.fromkeys(KINDS_OF_TASKS, 10)
    assert {one.split for one in found} == {Split.TRAIN}
    assert [one.task for one in found] != sorted(one.task for one in found), "not kind by kind"


def test_the_same_arguments_give_the_same_instructions(data: TrajectoryFolder) -> None:
    one, again, other = (
        general_instructions(RULES, data, Split.TRAIN, seed, 60, hearing="units") for seed in (5, 5, 6)
    )
    assert one == again
    assert one != other


def test_models_that_read_are_asked_nothing_about_speech(data: TrajectoryFolder) -> None:
    found = general_instructions(RULES, data, Split.TRAIN, 1, 60)
    assert not {HEAR, READ_ALOUD} & {one.task for one in found}


def test_models_that_hear_units_are_asked_to_write_down_and_to_read_aloud(data: TrajectoryFolder) -> None:
    found = general_instructions(RULES, data, Split.TRAIN, 1, 100, hearing="units")
    units = {one.turn.text: one.units for one in data.samples(Split.TRAIN)}
    hear, read = ([one for one in found if one.task == task] for task in (HEAR, READ_ALOUD))
    assert {one.answer: one.question_units for one in hear} == units
    assert {one.answer: one.answer_units for one in read} == units
    styles = {text: style for _, text, style in (*SAID, COMMON)}
    assert all(one.style == Style(styles[one.answer]) and styles[one.answer] in one.question for one in read)
    assert not any(word in one.question for one in hear for word in one.answer.split() if len(word) > 4)
    assert {one.sound for one in (*hear, *read)} == {""}


def test_models_that_hear_sound_are_asked_what_they_hear(data: TrajectoryFolder) -> None:
    found = [one for one in general_instructions(RULES, data, Split.TRAIN, 1, 100, hearing="audio") if one.task == HEAR]
    assert {one.answer: one.sound for one in found} == {one.turn.text: one.sound for one in data.samples(Split.TRAIN)}
    assert {one.question_units for one in found} == {()}


@pytest.mark.parametrize(
    ("share", "hear", "read", "rest"), [(0.5, 3, 2, 5), (0.0, 0, 0, 10), (0.8, 4, 4, 2), (1.0, 5, 5, 0)]
)
def test_speech_has_its_share(data: TrajectoryFolder, share: float, hear: int, read: int, rest: int) -> None:
    found = general_instructions(RULES, data, Split.TRAIN, 1, 10, hearing="units", speech_share=share)
    counts = Counter(one.task for one in found)
    assert (counts[HEAR], counts[READ_ALOUD], counts.total() - counts[HEAR] - counts[READ_ALOUD]) == (hear, read, rest)


def test_where_there_is_little_speech_the_rest_is_not_more_than_its_share(data: TrajectoryFolder) -> None:
    lines = len(data.samples(Split.TRAIN))
    found = general_instructions(RULES, data, Split.TRAIN, 1, 1_000, hearing="units")
    assert len(found) == 4 * lines, "each line heard and read, and as many others"


def test_what_measures_holds_no_words_that_are_learnt_from(data: TrajectoryFolder) -> None:
    found = general_instructions(RULES, data, Split.DEV, 1, 100, hearing="units")
    spoken = {one.answer for one in found if one.task in (HEAR, READ_ALOUD)}
    assert spoken == {text for _, text, _ in DEV_SAID[1:]}
    learnt = general_instructions(RULES, data, Split.TRAIN, 1, 100, hearing="units")
    assert not {(one.question, one.answer) for one in found} & {(one.question, one.answer) for one in learnt}


def test_data_without_speech_gives_no_instructions_about_it(tmp_path: Path) -> None:
    with new_trajectory_folder(tmp_path / "data") as folder:
        silent = folder.finish(trajectories(), About())
    for hearing in ("audio", "units"):
        found = general_instructions(RULES, silent, Split.TRAIN, 1, 28, hearing=hearing)
        assert not {HEAR, READ_ALOUD} & {one.task for one in found}
        assert len(found) == 28


def chats(tmp_path: Path, count: int = 200) -> Path:
    path = tmp_path / "chats.jsonl"
    lines = (
        {"messages": [{"role": "user", "content": f"Name number {at}."}, {"role": "assistant", "content": f"{at}"}]}
        for at in range(count)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_a_file_gives_conversations_of_each_split_none_in_two(tmp_path: Path) -> None:
    path = chats(tmp_path)
    found: dict[Split, Sequence[Instruction]] = {
        split: general_instructions(path, None, split, 1, 1_000) for split in Split
    }
    assert sum(map(len, found.values())) == 200
    assert all(one.split is split for split, several in found.items() for one in several)
    some = general_instructions(str(path), None, Split.TRAIN, 1, 20)
    assert len(some) == 20
    assert set(some) < set(found[Split.TRAIN])
    assert some != general_instructions(path, None, Split.TRAIN, 2, 20)


def test_a_file_stands_beside_instructions_about_speech(tmp_path: Path, data: TrajectoryFolder) -> None:
    counts = Counter(
        one.task for one in general_instructions(chats(tmp_path), data, Split.TRAIN, 1, 20, hearing="units")
    )
    assert counts == {"chat": 10, HEAR: 5, READ_ALOUD: 5}


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"gone\.jsonl: cannot be read"):
        general_instructions(tmp_path / "gone.jsonl", None, Split.TRAIN, 1, 10)


@pytest.mark.parametrize(
    ("seed", "count", "options", "said"),
    [
        (-1, 1, {}, "seed -1"),
        (0, -1, {}, "-1 general"),
        (0, 1, {"hearing": "smell"}, "hearing 'smell'"),
        (0, 1, {"speech_share": 1.5}, "a speech share of 1.5"),
    ],
)
def test_arguments_out_of_range_are_told(seed: int, count: int, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        general_instructions(RULES, None, Split.TRAIN, seed, count, **options)
