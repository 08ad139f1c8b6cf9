"""The samples that a recipe mixes: to learn from, and a few of dev to measure with.

Owns which samples these are and their digest. Does not know how they are mixed (`mixing`), or what becomes of them in a
model. Importing it needs no PyTorch.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from speechagents.errors import TuningError
from speechagents.tuning.mixing import Pool, shuffled
from speechagents.tuning.recipe import Recipe
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Sample, Split, Trajectory, next_speakers

if TYPE_CHECKING:
    from speechagents.tuning.trajectory_folder import TrajectoryFolder

Pools = Mapping[Pool, Sequence[Sample]]

_Kind = TypeVar("_Kind")

MOST_GENERAL: Final = 50_000
"""General instructions that are made by rule for a run, at most."""

_DEV_SEED: Final = 0
_DEV_KEY: Final = "dev"
"""Dev samples are the same whatever the seed, so that runs with several seeds can be compared."""


@dataclass(frozen=True, slots=True)
class TuningData:
    """Samples to learn from and to measure with.

    Attributes:
        train: To learn from.
        dev_agent: Turns and questions who speaks next, to measure with.
        dev_general: General instructions to measure with.
        digest: SHA-256 of all of them.
    """

    train: Pools
    dev_agent: Sequence[Sample]
    dev_general: Sequence[Sample]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.dev_agent and not self.dev_general:
            raise TuningError("there is nothing of dev to measure with; gather more scenes", field="data")
        digest = hashlib.sha256()
        for sample in (*(one for pool in Pool for one in self.train.get(pool, ())), *self.dev_agent, *self.dev_general):
            digest.update(repr(sample).encode())
        object.__setattr__(self, "digest", digest.hexdigest())

    @property
    def sizes(self) -> Mapping[Pool, int]:
        """Samples to learn from."""
        return {pool: len(self.train.get(pool, ())) for pool in Pool}


def read_pools(recipe: Recipe, data: TrajectoryFolder) -> TuningData:
    """The samples of a recipe from a folder of trajectories.

    Args:
        recipe: Says which general instructions, and how many samples to measure with.
        data: The trajectories; general instructions about speech are made of them as well.

    Raises:
        TuningError: A file cannot be used, or there is nothing to measure with.
    """
    from speechagents.tuning.general import MAX_COUNT, general_instructions

    training = recipe.training
    drawn = math.ceil(training.steps * training.samples * (1.0 - recipe.data.agent))
    source = recipe.general_file or recipe.data.general
    # Of a file everything is used; by rule no more is made than a run can see.
    count = MAX_COUNT if recipe.general_file is not None and drawn else min(drawn, MOST_GENERAL)
    general = functools.partial(
        general_instructions, source, data, hearing=str(recipe.data.hearing), speech_share=recipe.data.speech
    )
    learnt = general(Split.TRAIN, training.seed, count)
    measured = general(Split.DEV, _DEV_SEED, training.dev_samples)
    return pool_samples(recipe, data.samples(Split.TRAIN), data.samples(Split.DEV), [*learnt, *measured])


def pool_samples(
    recipe: Recipe, train: Sequence[Trajectory], dev: Sequence[Trajectory], general: Iterable[Instruction]
) -> TuningData:
    """The samples of a recipe.

    Args:
        recipe: Says how many to measure with.
        train: Turns to learn from.
        dev: Turns to measure with.
        general: Of both splits; others are left out.

    Raises:
        TuningError: There is nothing to measure with.
    """
    instructions: dict[Split, list[Instruction]] = {split: [] for split in Split}
    for one in general:
        instructions[one.split].append(one)
    most = recipe.training.dev_samples
    asked = round(most * recipe.data.next_speaker)
    questions: Sequence[NextSpeaker] = _some(next_speakers(dev), asked)
    return TuningData(
        train={
            Pool.TURN: train,
            Pool.NEXT_SPEAKER: next_speakers(train) if recipe.data.next_speaker else (),
            Pool.GENERAL: instructions[Split.TRAIN],
        },
        dev_agent=(*_some(dev, most - len(questions)), *questions),
        dev_general=_some(instructions[Split.DEV], most),
    )


def _some(samples: Sequence[_Kind], most: int) -> Sequence[_Kind]:
    """So many of them, from all over, in their own order."""
    return tuple(samples[at] for at in sorted(shuffled(len(samples), _DEV_KEY)[:most]))
