"""Reinforcement: a recipe's policy learns from the scenes that it plays, is watched, and can be killed at any moment.

Owns what has to be there before the first round: scenes, a reward, a policy that can act. Does not know what happens in
a round (`learner`) or between rounds (`rl_run`). Importing it needs PyTorch and Transformers.

A round follows from seed, number and weights alone, so that a run that goes on from a checkpoint ends with the same
bits as one that never stopped, where the device computes the same twice. The folder is that of any run of tuning
(`run_folder`), with ``reward.svg`` and ``vitals.svg``; a cold start is a run of its own in ``cold-start/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from speechagents.benchmark.scene_set import Split
from speechagents.devices import Device, choose_device, memory_errors
from speechagents.errors import MemoryFull, TuningError
from speechagents.tuning.chat_acting import ChatActs
from speechagents.tuning.checkpoints import Tensors, checkpoints, learnt, put_weights, read_checkpoint
from speechagents.tuning.family import Family
from speechagents.tuning.learner import Learner
from speechagents.tuning.pools import TuningData, read_pools
from speechagents.tuning.recipe import TRAINING_LIMITS, FamilyKind, Recipe
from speechagents.tuning.rewards import benchmark_reward
from speechagents.tuning.rl_events import AnnounceRl, ReinforcementOver, nobody
from speechagents.tuning.rl_recipe import Reinforcement
from speechagents.tuning.rl_run import Playing, RlRun, what_came
from speechagents.tuning.rollouts import Acts
from speechagents.tuning.run_folder import BASE, CHECKPOINTS, RunFolder, run_folder
from speechagents.tuning.stagings import check_scenes, good_windows, staged_scenes
from speechagents.tuning.training import tune
from speechagents.tuning.trajectory_folder import TrajectoryFolder

MakeFamily = Callable[[Recipe, Path], Family]
"""Makes the family of a recipe; is given the folder for a base whose random weights are made for it."""
MakeActs = Callable[[Any], Acts]
"""Makes what asks the model of a family, and understands it."""

COLD_START: Final = "cold-start"

_REMEDY: Final = "halve training.batch and rl.rows, or rl.answer_tokens"
_DEV_SEED: Final = 0
"""Of chance outside the policy in dev scenes: the same in all runs, so that they can be compared."""


def reinforce(
    recipe: Recipe,
    data: TrajectoryFolder,
    out: Path,
    *,
    make: MakeFamily,
    act: MakeActs = ChatActs,
    resume: bool = False,
    announce: AnnounceRl = nobody,
    device: str = "auto",
) -> ReinforcementOver:
    """Let a policy learn by a recipe.

    Args:
        recipe: With a part ``rl``.
        data: Trajectories, whose scenes are played: those of the train split are learnt from.
        out: Folder of the run.
        make: Makes families.
        act: Asks and understands a family's model.
        resume: Go on with the run in the folder, if there is one; one that is over is told again.
        announce: Is told how far it is.
        device: As `devices.choose_device` takes it.

    Raises:
        TuningError: Recipe, data, base or folder cannot be used, or a checkpoint is damaged.
        ProductionBusy: Another run is writing into the folder.
        StorageError: The disk is full or read-only.
        MemoryFull: A batch does not fit.
    """
    rl = _checked(recipe)
    train = data.samples(Split.TRAIN)
    scenes = staged_scenes(train, rl, seed=recipe.training.seed)
    check_scenes(scenes, train, rl)
    dev = staged_scenes(data.samples(Split.DEV), rl, seed=_DEV_SEED)[: rl.dev_scenes]
    cold = _cold_start(recipe, rl, data)
    reward, scales = benchmark_reward(rl, good_windows(train, rl), seed=recipe.training.seed)
    with run_folder(out, recipe=recipe.digest, data=data.digest, resume=resume) as folder:
        over = what_came(folder)
        if over is None:
            place = choose_device(device)
            start: Tensors = {}
            if cold is not None:
                folder.claim(recipe=recipe.digest, data=data.digest)
                start = _taught(cold, folder, make, announce, device)
            try:
                with memory_errors():
                    family = make(_with_room(recipe, rl), folder.path / BASE)
                    acts = act(family)
                    model = _loaded(family, start, place)
                    ends = acts.ends(train[0].ask)
                    learner = Learner(model, acts, reward, scenes, rl, recipe.training, ends=ends)
                    playing = Playing(learner, family, dev, len(scenes), scales, data.digest, place)
                    with RlRun(recipe, rl, folder, playing, announce) as run:
                        over = run.play()
            except MemoryFull as error:
                raise MemoryFull(f"{error}; {_REMEDY}") from error
        announce(over)
        return over


def _checked(recipe: Recipe) -> Reinforcement:
    """The part of a recipe that can be run."""
    rl, training = recipe.rl, recipe.training
    if rl is None:
        raise TuningError(
            "says nothing of reinforcement; add method: grpo and a part rl", source=recipe.name, field="rl"
        )
    if recipe.family is not FamilyKind.CHAT:
        raise TuningError(f"scenes are played in words: write {FamilyKind.CHAT}, or method: mix", field="family")
    if training.recompute:
        raise TuningError(
            f"activations are kept while a policy learns; remove it, and lower training.batch ({training.batch})",
            field="training.recompute",
        )
    least, _ = TRAINING_LIMITS["max_tokens"]
    if training.max_tokens - rl.answer_tokens < least:
        raise TuningError(
            f"{rl.answer_tokens} tokens of an answer leave no room for a prompt in {training.max_tokens}; raise "
            "training.max_tokens",
            field="rl.answer_tokens",
        )
    return rl


def _with_room(recipe: Recipe, rl: Reinforcement) -> Recipe:
    """The recipe for prompts that leave room for an answer."""
    room = recipe.training.max_tokens - rl.answer_tokens
    return replace(recipe, training=replace(recipe.training, max_tokens=room))


def _loaded(family: Family, start: Tensors, place: Device) -> Any:
    """The model with the weights of the frozen start, those that are learnt in single precision."""
    model = family.load().to(place.name)
    for one in learnt(model).values():
        # In half precision small updates get lost.
        one.data = one.data.float()
    if start:
        put_weights(model, start, source=COLD_START)
    return model


@dataclass(frozen=True, slots=True)
class _ColdStart:
    """Supervised training before the first round.

    Attributes:
        recipe: By which it runs.
        samples: That it mixes.
    """

    recipe: Recipe
    samples: TuningData


def _cold_start(recipe: Recipe, rl: Reinforcement, data: TrajectoryFolder) -> _ColdStart | None:
    if rl.cold_start is None:
        return None
    # The same base: of random weights, too, and in the same precision.
    training = replace(rl.cold_start, seed=recipe.training.seed, dtype=recipe.training.dtype)
    cold = replace(recipe, rl=None, training=training)
    return _ColdStart(cold, read_pools(cold, data))


def _taught(cold: _ColdStart, folder: RunFolder, make: MakeFamily, announce: AnnounceRl, device: str) -> Tensors:
    """The weights after a cold start. What is done of it is not done again."""
    path, recipe, samples = folder.path / COLD_START, cold.recipe, cold.samples
    try:
        tune(
            recipe,
            samples,
            path,
            make=lambda _: make(recipe, folder.path / BASE),
            resume=True,
            announce=announce,
            device=device,
        )
        there = checkpoints(path / CHECKPOINTS)
        if not there:
            raise TuningError("its checkpoints are gone; delete the folder, and it is done again")
        return read_checkpoint(there[-1], recipe=recipe.digest, data=samples.digest).best
    except TuningError as error:
        raise TuningError(str(error), source=COLD_START) from error
    except MemoryFull as error:
        raise MemoryFull(f"{COLD_START}: {error}") from error
