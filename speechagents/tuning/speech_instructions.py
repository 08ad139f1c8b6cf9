"""Instructions about the speech of trajectories: write down what is heard, read aloud what is written.

Owns how such instructions are made of turns. Does not know what becomes of them in a model. Each lies in the split of
its turn's scene; those that measure hold no words that are learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from speechagents.scripts.scene_file import clean_text
from speechagents.tuning.trajectory import Instruction, Split, Trajectory
from speechagents.tuning.trajectory_folder import TrajectoryFolder

HEAR: Final = "hear"
READ_ALOUD: Final = "read aloud"
HEARD: Final = "What is said here?"


def hear_instructions(data: TrajectoryFolder, split: Split, *, units: bool) -> Sequence[Instruction]:
    """What is said in the units, or in the sound, of each turn?

    Args:
        data: The turns.
        split: Of them.
        units: The question is asked in speech units, not in sound.
    """
    return tuple(
        Instruction(
            id=f"{HEAR}/{one.id}",
            split=split,
            question=HEARD,
            answer=clean_text(one.turn.text),
            task=HEAR,
            question_units=one.units if units else (),
            sound="" if units else one.sound,
        )
        for one in _turns(data, split)
        if (one.units if units else one.sound)
    )


def read_aloud_instructions(data: TrajectoryFolder, split: Split) -> Sequence[Instruction]:
    """The units of each turn's words, said in its style."""
    return tuple(
        Instruction(
            id=f"{READ_ALOUD}/{one.id}",
            split=split,
            question=f"Read aloud ({one.turn.style.tag}): {clean_text(one.turn.text)}",
            answer=clean_text(one.turn.text),
            task=READ_ALOUD,
            answer_units=one.units,
            style=one.turn.style,
        )
        for one in _turns(data, split)
        if one.units
    )


def _turns(data: TrajectoryFolder, split: Split) -> Iterator[Trajectory]:
    """The turns of a split; of one that measures, those whose words are in no split that comes before it."""
    order = (Split.TRAIN, Split.DEV, Split.TEST)
    learnt = {_words(one) for earlier in order[: order.index(split)] for one in data.samples(earlier)}
    return (one for one in data.samples(split) if clean_text(one.turn.text) and _words(one) not in learnt)


def _words(one: Trajectory) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in one.turn.text.casefold()).split())
