"""Samples of a quarrel on a bench, as chat models are taught them, and the sounds that were heard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Hearing, Mix, Recipe, Training
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Sample, Split, Trajectory

SCENE = SceneBrief(
    title="The bench",
    roles=(
        Role("Ann", "41, keeps the park. Dry.", goals=("Get the key back",), secrets=("She has no permit",)),
        Role("Anna", "12, feeds ducks. Quick."),
        Role("Bo", "70, sleeps on benches. Slow."),
    ),
    setting="EXT. CITY PARK - DAY",
    background="A park on the last warm day. The gate is locked and the key is gone.",
    turns=12,
)
LINES = (
    ("Ann", "Who took the key?", "angry"),
    ("Anna", 'I did not. "Ask" him, he sees everything!', "afraid"),
    ("Bo", "Naïve question: what key?", "tired"),
    ("Ann", "The one on the hook - the brass one.", "cold"),
    ("Anna", "Ducks cannot carry keys, can they?", "surprised"),
    ("Bo", "They can carry more than you think.", "calm"),
    ("Ann", "Enough. Turn out your pockets.", "angry"),
    ("Anna", "They are full of bread.", "default"),
)


def sound_of(number: int, *, rate_hz: int = 16_000) -> Audio:
    """A sound of its own for each message, from 0.4 s on."""
    lot = np.random.default_rng(number)
    length = int((0.4 + 0.1 * number) * rate_hz)
    return Audio((0.2 * lot.standard_normal(length)).astype(np.float32), rate_hz)


def address(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def turn_sample(at: int, *, split: Split = Split.TRAIN, sounds: bool = False, **turn: Any) -> Trajectory:
    """The turn of one line, behind those before it."""
    speaker, text, style = LINES[at]
    heard = tuple(Heard(n + 1, who, said, Deed.SPEAK, Style(how)) for n, (who, said, how) in enumerate(LINES[:at]))
    role = SCENE.role(speaker)
    assert role is not None
    ask = AgentInput(SCENE, tuple(one.name for one in SCENE.roles), (), heard, role, step=at)
    thoughts = f"Heard {LINES[at - 1][0]}. I should answer." if at else ""
    made = replace(Turn(speaker, text=text, style=Style(style), thoughts=thoughts), **turn)
    return Trajectory(
        id=f"bench/{at}",
        scene_id="bench",
        split=split,
        ask=ask,
        turn=made,
        heard_sounds=tuple(address(n) if sounds else "" for n in range(at)),
        sound="",
        heard_units=((),) * at,
        units=(),
    )


def next_sample(at: int, *, sounds: bool = False) -> NextSpeaker:
    one = turn_sample(at, sounds=sounds)
    return NextSpeaker(
        f"bench/{at}/next", "bench", Split.TRAIN, one.ask, one.turn.role, one.heard_sounds, one.heard_units
    )


def question(text: str = "What is 12 + 7?", answer: str = "19", **more: Any) -> Instruction:
    return Instruction("sums/1", Split.TRAIN, text, answer, "arithmetic", **more)


@dataclass(frozen=True, slots=True)
class Samples:
    """What a folder of trajectories gives."""

    turns: Sequence[Trajectory]
    asked_for: list[str] = field(default_factory=list)

    def samples(self, split: Split) -> Sequence[Trajectory]:
        return [one for one in self.turns if one.split is split]

    def audio(self, sha: str) -> Audio:
        self.asked_for.append(sha)
        return next(sound_of(number) for number in range(len(LINES)) if address(number) == sha)


def samples(*, sounds: bool = False) -> Any:
    """The whole quarrel."""
    return Samples([turn_sample(at, sounds=sounds) for at in range(len(LINES))])


def mixed(*, sounds: bool) -> list[Sample]:
    """Of each kind one, with many, few and no messages before it."""
    return [turn_sample(6, sounds=sounds), next_sample(3, sounds=sounds), question(), turn_sample(0)]


def recipe(architecture: str = "qwen2", *, hearing: Hearing = Hearing.TEXT, **more: Any) -> Recipe:
    values: dict[str, Any] = {
        "base": Base(random=architecture, layers=2, width=32, heads=4, feed=64, vocabulary=1_200),
        "adapter": Adapter(AdapterKind.LORA, rank=4, alpha=8.0),
        "training": Training(steps=4, batch=2, max_tokens=2_048, seed=1),
        **more,
    }
    return Recipe("quarrel", "For tests.", FamilyKind.CHAT, data=Mix(hearing=hearing), **values)
