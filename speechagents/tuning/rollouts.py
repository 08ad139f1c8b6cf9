"""Whole scenes, played side by side by one policy for all roles: the episodes that it learns from.

Owns the playing and what is kept of it. The scenes are the product's own: the same turn policies, the same memory, the
same interruptions and signs of listening (`agents`); only no sound is made, everybody hears the words, and nobody
stands in for a turn that fails: the role keeps silent. Does not know what the tokens mean (`Acts`), how they are drawn
(`Policy`), what an episode is worth (`rewards`) or how a policy learns from it (`grpo`). Importing it needs no PyTorch.

**Turns are actions.** In the terms of *MARFT* (Liao et al. 2025, arXiv 2504.16129) a scene is a flexible Markov game:
agents act one after the other, which of them is next depends on what was done, and what each knows is the stream as far
as it could hear it. There every agent has an adapter of its own over a shared base, and a critic; here all roles share
all parameters and differ by their prompt alone, and the group of episodes takes the place of the critic.

**Groups.** All episodes of a scene have its seed, so that chance outside the policy (who is next among equals, who is
broken off) is the same for all; what differs between them is what the policy drew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from speechagents.agents.deciding import Chosen, Company, Deciding
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.interplay import broken_off, murmur
from speechagents.agents.policies import make_policy
from speechagents.agents.state import SceneState
from speechagents.benchmark.facts import Fact
from speechagents.controllers.controller import AgentInput, Answer, MalformedTurn
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Message, SceneBrief, Turn

_MALFORMED: Final = "no turn can be read in it"


class Acts(Protocol):
    """How a kind of model is asked for a turn and answers, in tokens."""

    def prompt(self, ask: AgentInput) -> Sequence[int]:
        """What it is given; never empty.

        Raises:
            TuningError: There is no room for it.
        """

    def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
        """What it did, from the tokens that it wrote, the one that ends an answer among them if there is one.

        None if they are no turn in the form asked for; never an error, whatever they are.
        """

    def ends(self, ask: AgentInput) -> Sequence[int]:
        """The tokens that end an answer, the usual one first; which input is asked with makes no difference."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer that was drawn.

    Attributes:
        ids: Tokens, the one that ends it included; none is missing unless there was no more room.
        log_probs: Of each, given those before, under the policy that drew it, in nats.
    """

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.ids or len(self.ids) != len(self.log_probs):
            raise ValueError(f"{len(self.ids)} tokens with {len(self.log_probs)} probabilities were drawn")


class Policy(Protocol):
    """Draws answers."""

    def draw(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> Sequence[Drawn]:
        """An answer for each prompt; equal prompts and seeds give equal answers, whoever else is asked."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene to be played.

    Attributes:
        scene_id: Its group: what tells it from the others of a round.
        scene: As it is played: its turns, its turn policy and its seed count.
        facts: What everybody in it knows, as far as it can be checked.
    """

    scene_id: str
    scene: SceneBrief
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A turn as the policy took it.

    Attributes:
        role: Name of who acted.
        prompt: What it was given.
        drawn: What it answered.
        turn: What that means; None where it means nothing that can be said or done.
    """

    role: str
    prompt: tuple[int, ...] = field(repr=False)
    drawn: Drawn = field(repr=False)
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """A scene as it was played.

    Attributes:
        staged: The scene.
        number: 0-based, among those of its scene.
        actions: In order.
        messages: What was said and done, signs of listening included; without times, as nothing sounded.
        ending: Why it was over.
    """

    staged: Staged
    number: int
    actions: tuple[Action, ...]
    messages: tuple[Message, ...]
    ending: str

    @property
    def formed(self) -> float:
        """Well-formed turns as a share of the turns that the scene asks for; a scene that dies early has few."""
        return sum(action.turn is not None for action in self.actions) / self.staged.scene.turns


@dataclass(slots=True)
class _Stage:
    """An episode that is being played."""

    staged: Staged
    number: int
    state: SceneState
    deciding: Deciding
    actions: list[Action] = field(default_factory=list)
    ending: str = ""


def play(scenes: Sequence[Staged], acts: Acts, policy: Policy, *, episodes: int, seed: int) -> Sequence[Episode]:
    """Play so many episodes of each scene, all side by side.

    Args:
        scenes: No two of the same id.
        acts: Asks and understands the policy.
        policy: Acts for everybody.
        episodes: Of each scene.
        seed: Of what is drawn.

    Returns:
        The episodes of the first scene, then those of the second, and so on.
    """
    stages = [
        _Stage(staged, number, SceneState(staged.scene), Deciding(staged.scene, _company(staged.scene), {}))
        for staged in scenes
        for number in range(episodes)
    ]
    playing = stages
    while playing:
        playing = _one_turn(playing, acts, policy, seed=seed)
    return [
        Episode(stage.staged, stage.number, tuple(stage.actions), tuple(stage.state.said), stage.ending)
        for stage in stages
    ]


def _one_turn(stages: Sequence[_Stage], acts: Acts, policy: Policy, *, seed: int) -> list[_Stage]:
    """Take one turn in each episode, in one batch; those that are not over yet come back."""
    going: list[tuple[_Stage, Chosen]] = []
    for stage in stages:
        chosen = stage.deciding.choose(stage.state)
        if isinstance(chosen, str):
            stage.ending = chosen
        else:
            going.append((stage, chosen))
    if not going:
        return []
    asks = [stage.deciding.ask(stage.state, chosen) for stage, chosen in going]
    prompts = [tuple(acts.prompt(ask)) for ask in asks]
    answers = policy.draw(prompts, [_seed(seed, stage) for stage, _ in going])
    for (stage, chosen), ask, prompt, drawn in zip(going, asks, prompts, answers, strict=True):
        turn = _happens(stage, chosen, ask, acts.turn(ask, drawn.ids))
        stage.actions.append(Action(ask.role.name, prompt, drawn, turn))
    return [stage for stage, _ in going]


def _happens(stage: _Stage, chosen: Chosen, ask: AgentInput, turn: Turn | None) -> Turn | None:
    """A turn is taken, and everybody hears of it: what `agents.improvisation` does, without voices.

    Returns:
        The turn as its role took it, before anybody broke it off; None if it could not be taken.
    """
    scene, state, step = stage.staged.scene, stage.state, stage.state.steps
    answer = MalformedTurn(ask.role.name, _MALFORMED) if turn is None else Answer(turn)
    own, usage = stage.deciding.taken(state, ask, answer)
    taken = broken_off(own, seed=scene.seed, step=step)
    hearers = taken.addresses if taken.private else state.present
    listens = murmur(taken, hearers, language=scene.language, seed=scene.seed, step=step)
    messages = state.messages_of(taken, None if listens is None else (listens.role, listens.text))
    state.take_turn(taken, usage + chosen.usage)
    state.hear(messages, [message.text for message in messages])
    return None if own.fallback else own


def _company(scene: SceneBrief) -> Company:
    """Those who make a scene besides the policy: the rules. They have nothing to say themselves."""
    silent = ScriptedController()
    return Company(
        controller=silent,
        actor=silent,
        understudy=silent,
        policy=make_policy(scene.policy),
        director=Director(scene, controller=None, seed=scene.seed),
        ears=Ears(Hearing.TEXT, controller_hears=False, listener=None, sound_of=lambda _: None),
        waits_for_sound=False,
    )


def _seed(seed: int, stage: _Stage) -> int:
    """Of one draw: of the run, the scene, the episode and the turn, and of nothing else."""
    what = f"{seed}\0{stage.staged.scene_id}\0{stage.staged.scene.seed}\0{stage.number}\0{stage.state.steps}"
    return int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest(), "big") >> 1
