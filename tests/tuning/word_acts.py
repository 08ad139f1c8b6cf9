"""A policy that knows two dozen words, and the smallest scenes it can play: it learns in seconds.

An answer is some words and an end. What the model is given is who speaks and who spoke last, as one token each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.errors import TuningError
from speechagents.tuning.family import Example, Part, Span
from speechagents.tuning.rl_recipe import GuardLimits, Reinforcement
from speechagents.tuning.rollouts import Action, Drawn, Episode, Staged, play
from speechagents.tuning.trajectory import Sample, Split, Trajectory

_SPELT = (
    "yes no bread water letter harbour ring brother window lamp river stone winter captain garden horse song key fire "
    "table silver mother night road"
)
WORDS = tuple(_SPELT.split())
END, START = len(WORDS), len(WORDS) + 1
"""Tokens; `END` ends an answer, `START` stands for a role that has not spoken. What is no word can end one, too."""
ROLES = ("Ann", "Ben", "Cleo")
SIZE = START + 1 + len(ROLES)
MOST_WORDS = 8
SCENE = SceneBrief("The quay", tuple(map(Role, ROLES)), background="A quay at night.", turns=6, seed=5)


@dataclass(frozen=True, slots=True)
class WordActs:
    """`rollouts.Acts`: a turn is well-formed if it ends, and has words and nothing else."""

    def prompt(self, ask: AgentInput) -> Sequence[int]:
        last = ask.heard[-1].speaker if ask.heard else ""
        return (START, _token(last), _token(ask.role.name))

    def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
        *said, end = ids
        if end < END or not said or max(said) >= END:
            return None
        return Turn(ask.role.name, text=" ".join(WORDS[one] for one in said).capitalize() + ".")

    def ends(self, ask: AgentInput) -> Sequence[int]:
        return (END,)


class WordFamily:
    """A `Family` of these models: samples are the words of turns, and nothing else can be learnt."""

    def load(self) -> Any:
        return word_model()

    def example(self, sample: Sample) -> Example:
        if not isinstance(sample, Trajectory):
            raise TuningError("it knows turns alone")
        prompt = WordActs().prompt(sample.ask)
        words = [WORDS.index(word) for word in sample.turn.text.lower().rstrip(".").split()]
        ids = (*prompt, *words, END)
        return Example(ids, (Span(Part.LINE, len(prompt), len(ids)),))

    def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        import torch

        width = max(len(one.ids) for one in examples)
        ids = torch.tensor([[*one.ids, *[END] * (width - len(one.ids))] for one in examples])
        mask = torch.tensor([[1] * len(one.ids) + [0] * (width - len(one.ids)) for one in examples])
        labels = torch.full_like(ids, -100)
        for row, one in enumerate(examples):
            labels[row, one.spans[0].start : len(one.ids)] = ids[row, one.spans[0].start : len(one.ids)]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def trajectories(scenes: int, split: Split, *, turns: int = 6, roles: Sequence[str] = ROLES) -> list[Trajectory]:
    """What was said in scenes in which everybody says four words."""
    chance = np.random.default_rng(list(Split).index(split))
    found = []
    for number in range(scenes):
        scene_id = f"{split.value}-{number}"
        scene = SceneBrief(f"Quay {scene_id}", tuple(map(Role, roles)), background=f"Quay {scene_id} at night.")
        heard: list[Heard] = []
        for at in range(turns):
            name = roles[at % len(roles)]
            words = [WORDS[one] for one in chance.permutation(len(WORDS))[:4]]
            turn = Turn(name, text=" ".join(words).capitalize() + ".")
            role = scene.role(name)
            assert role is not None
            found.append(
                Trajectory(
                    id=f"{scene_id}/take/{at}",
                    scene_id=scene_id,
                    split=split,
                    ask=AgentInput(scene, tuple(roles), (), tuple(heard), role, step=at),
                    turn=turn,
                    heard_sounds=("",) * at,
                    sound="",
                    heard_units=((),) * at,
                    units=(),
                )
            )
            heard.append(Heard(at + 1, name, turn.text, Deed.SPEAK, Style()))
    return found


def word_model(seed: int = 0) -> Any:
    """A Llama of one layer with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=SIZE,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=64,
            initializer_range=0.05,
            bos_token_id=None,
            eos_token_id=END,
            pad_token_id=END,
        )
    )


@dataclass(slots=True)
class ScriptedPolicy:
    """`rollouts.Policy` that says what it was told to, in order, and remembers what it was asked."""

    answers: Sequence[str]
    asked: list[tuple[Sequence[int], int]]

    @classmethod
    def saying(cls, *answers: str) -> ScriptedPolicy:
        return cls(answers, [])

    def draw(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> Sequence[Drawn]:
        found = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            text = self.answers[len(self.asked) % len(self.answers)]
            self.asked.append((prompt, seed))
            found.append(drawn(text))
        return found


def drawn(text: str) -> Drawn:
    """Words as tokens; a last full stop is the end, without it the answer was cut off."""
    ids = [WORDS.index(word) for word in text.rstrip(".").split()] + ([END] if text.endswith(".") else [])
    return Drawn(tuple(ids), (-1.0,) * len(ids))


def rl(**more: Any) -> Reinforcement:
    """A part of a recipe for these scenes."""
    values: dict[str, Any] = {
        "reward": {"formed": 1.0},
        "roles": 3,
        "turns": 6,
        "policy": "round-robin",
        "scenes": 1,
        "episodes": 8,
        "dev_scenes": 0,
        "answer_tokens": MOST_WORDS + 1,
        "kl": 0.01,
        "guard": GuardLimits(kl=50.0),
        **more,
    }
    return Reinforcement(**values)


def staged(**more: Any) -> Staged:
    return Staged("quay", replace(SCENE, policy="round-robin", **more))


def episode(*answers: str, **more: Any) -> Episode:
    """One episode in which these answers are given."""
    return play([staged(**more)], WordActs(), ScriptedPolicy.saying(*answers), episodes=1, seed=0)[0]


def acted(role: str, text: str) -> Action:
    return Action(role, (START,), drawn(text), Turn(role, text=text))


def _token(name: str) -> int:
    return START + 1 + ROLES.index(name) if name in ROLES else START
