"""What models are measured with: held-out samples, drawn by a seed, and what can be had without any model.

Owns the choice and the baselines. Does not know models. Scenes are what is sampled, so that few turns of many scenes
tell more than many turns of few: samples are taken from all scenes in turn.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from speechagents.benchmark.metrics.naming import Company
from speechagents.controllers.controller import AgentInput
from speechagents.drama import role_key
from speechagents.errors import TuningError
from speechagents.styles import STYLES
from speechagents.tuning.general import general_instructions
from speechagents.tuning.measures import Evaluation, Scored, collected
from speechagents.tuning.mixing import shuffled
from speechagents.tuning.recipe import RULES, Recipe
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Sample, Split, Trajectory, next_speakers
from speechagents.tuning.trajectory_folder import TrajectoryFolder

MOST: Final = 200
"""Samples of each kind, unless another number is asked for."""

CHANCE: Final = "by chance"
OTHERS: Final = "anybody but the last speaker"
ADDRESSED: Final = "whoever was addressed last"
BEFORE_LAST: Final = "the one before the last"
COMMONEST: Final = "the commonest style"

_Kind = TypeVar("_Kind", Trajectory, NextSpeaker, Instruction)


@dataclass(frozen=True)
class HeldOut:
    """Samples that models are measured with.

    Attributes:
        turns: For styles, lines and speech units.
        questions: Who speaks next.
        general: General instructions.
        common_style: The commonest style of the data that models learn from.
    """

    turns: tuple[Trajectory, ...]
    questions: tuple[NextSpeaker, ...]
    general: tuple[Instruction, ...]
    common_style: str = "default"

    def __post_init__(self) -> None:
        if self.common_style not in STYLES:
            raise ValueError(f"{self.common_style!r} is no style")
        learnt = next((one.id for one in self.samples if one.split is Split.TRAIN), "")
        if learnt:
            raise TuningError("belongs to the data that models learn from; measure with dev or test", field=learnt)

    @property
    def samples(self) -> Sequence[Sample]:
        """All of them."""
        return (*self.turns, *self.questions, *self.general)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the samples: evaluations compare where it is the same."""
        return hashlib.sha256(repr((self.turns, self.questions, self.general)).encode()).hexdigest()


def choose_held_out(
    turns: Iterable[Trajectory],
    general: Iterable[Instruction],
    *,
    most: int = MOST,
    seed: int = 0,
    common_style: str = "default",
) -> HeldOut:
    """Draw what models are measured with.

    Args:
        turns: Trajectories of one held-out split.
        general: General instructions of it.
        most: Turns, questions who speaks next, instructions about speech and other ones, of each at most.
        seed: Of the draw.
        common_style: The commonest style of what models learn from; see `commonest_style`.

    Raises:
        TuningError: There is nothing to measure with, or some of it is what models learn from.
    """
    all_turns = sorted(turns, key=lambda one: one.id)
    listed = sorted(general, key=lambda one: one.id)
    held_out = HeldOut(
        _spread(all_turns, lambda one: one.scene_id, most, f"{seed}\0turns"),
        _spread(next_speakers(all_turns), lambda one: one.scene_id, most, f"{seed}\0questions"),
        (
            *_spread([one for one in listed if _of_speech(one)], lambda one: one.task, most, f"{seed}\0speech"),
            *_spread([one for one in listed if not _of_speech(one)], lambda one: one.task, most, f"{seed}\0general"),
        ),
        common_style,
    )
    if not held_out.samples:
        raise TuningError("there are no held-out samples to measure with; gather trajectories of dev or test scenes")
    return held_out


def held_out_of(
    recipe: Recipe, data: TrajectoryFolder, *, split: Split = Split.TEST, most: int = MOST, seed: int = 0
) -> HeldOut:
    """Draw what models of a recipe are measured with.

    Args:
        recipe: Says which general instructions there are, and as what a model is given speech.
        data: Trajectories.
        split: Which of them.
        most: Of each kind.
        seed: Of the draw; runs with other seeds are measured with the same.

    Raises:
        TuningError: Data or general instructions cannot be used, or there is nothing to measure with.
    """
    source, hearing = recipe.general_file or RULES, str(recipe.data.hearing)
    general = [
        one
        for share in (1.0, 0.0)
        for one in general_instructions(source, data, split, seed, most, hearing=hearing, speech_share=share)
        if _of_speech(one) or not share
    ]
    style = commonest_style(data.samples(Split.TRAIN))
    return choose_held_out(data.samples(split), general, most=most, seed=seed, common_style=style)


def split_to_measure(data: TrajectoryFolder) -> Split:
    """The split that models are measured with: test, or dev where nothing of test was gathered."""
    return Split.TEST if data.manifest.splits[Split.TEST].trajectories else Split.DEV


def commonest_style(turns: Iterable[Trajectory]) -> str:
    """The commonest style of what models learn from; of equally common ones the first by name."""
    counts = Counter(turn.turn.style.tag for turn in turns)
    return min(counts, key=lambda tag: (-counts[tag], tag), default="default")


def baselines(held_out: HeldOut) -> Mapping[str, Evaluation]:
    """What can be had without any model, by name: `CHANCE`, `OTHERS`, `ADDRESSED`, `BEFORE_LAST`, `COMMONEST`.

    Whoever has nothing to go by guesses among all that are present: it counts what guessing is right on average.
    """
    guesses: Mapping[str, Callable[[AgentInput], Sequence[str]]] = {
        CHANCE: lambda ask: ask.present,
        OTHERS: _others,
        ADDRESSED: _addressed_last,
        BEFORE_LAST: _before_last,
    }
    found: dict[str, list[tuple[str, str, Scored]]] = {name: [] for name in (*guesses, COMMONEST)}
    for one in held_out.questions:
        for name, guess in guesses.items():
            names = {role_key(who) for who in guess(one.ask)} & {role_key(who) for who in one.ask.present}
            names = names or {role_key(who) for who in one.ask.present}
            right = 1.0 / len(names) if role_key(one.speaker) in names else 0.0
            found[name].append(("next_speaker", one.id, Scored(one.scene_id, right, 1.0)))
    for turn in held_out.turns:
        style = turn.turn.style.tag
        found[CHANCE].append(("style", turn.id, Scored(turn.scene_id, 1.0 / len(STYLES), 1.0)))
        right = float(style == held_out.common_style)
        found[COMMONEST].append(("style", turn.id, Scored(turn.scene_id, right, 1.0)))
    return {name: collected(held_out.digest, one) for name, one in found.items()}


def _of_speech(sample: Instruction) -> bool:
    return bool(sample.question_units or sample.answer_units or sample.sound)


def _others(ask: AgentInput) -> Sequence[str]:
    last = role_key(ask.heard[-1].speaker) if ask.heard else ""
    return [name for name in ask.present if role_key(name) != last]


def _addressed_last(ask: AgentInput) -> Sequence[str]:
    """Those whom the latest message was meant for that says so, or calls somebody by name."""
    company = Company.of(ask.scene.roles)
    for one in reversed(ask.heard):
        if found := one.addresses or tuple(company.called(one.text)):
            return found
    return ()


def _before_last(ask: AgentInput) -> Sequence[str]:
    """Who spoke before the last speaker did."""
    if not ask.heard:
        return ()
    last = role_key(ask.heard[-1].speaker)
    return next(([one.speaker] for one in reversed(ask.heard) if role_key(one.speaker) != last), ())


def _spread(samples: Sequence[_Kind], group_of: Callable[[_Kind], str], most: int, key: str) -> tuple[_Kind, ...]:
    """So many samples of all groups in turn, groups and samples in an order that is drawn; then in their own order."""
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(samples):
        groups.setdefault(group_of(one), []).append(number)
    drawn = [[groups[name][at] for at in shuffled(len(groups[name]), f"{key}\0{name}")] for name in sorted(groups)]
    drawn = [drawn[at] for at in shuffled(len(drawn), key)]
    chosen: list[int] = []
    for turn in range(max(map(len, drawn), default=0)):
        chosen += [group[turn] for group in drawn if turn < len(group)]
        if len(chosen) >= most:
            break
    return tuple(samples[number] for number in sorted(chosen[:most]))
