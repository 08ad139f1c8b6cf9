"""A scene played without a sound, and what of it becomes a script.

Owns the silent stage and what is asked of a script. It plays by the same rules as an improvised scene
(`agents.deciding`), but nobody stands in for a turn that the controller fails to take: the role keeps silent, so that
no line of a script is anybody else's. Actions are heard by the others and left out of the script. Does not know where
scripts are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speechagents.agents.deciding import Company, Deciding
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.interplay import broken_off
from speechagents.agents.policies import make_policy
from speechagents.agents.state import SceneState
from speechagents.benchmark.building.duplicates import LINE_AT_LEAST, LINE_WORDS, Twins
from speechagents.benchmark.script_file import ScriptLine
from speechagents.controllers.controller import AgentInput, Answer, Controller, Directs, MalformedTurn, Usage
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, SceneBrief, role_key
from speechagents.errors import ControllerError

MOST_FAILED: Final = 0.1
"""Largest share of turns that the controller may fail to take."""
MOST_REPEATED: Final = 0.2
"""Largest share of lines that may say again what was said; they are left out."""
LEAST_LINES: Final = 0.25
"""Smallest number of lines, as a share of the turns that a script may have."""
LEAST_SPEAKING: Final = 0.5
"""Smallest share of the roles that has to speak."""


@dataclass(frozen=True, slots=True)
class SilentPlay:
    """A scene as it was played.

    Attributes:
        lines: What was said, in order.
        turns: That were taken, silent ones included.
        failed: Turns that the controller failed to take.
        ending: Why it was over.
        usage: What it cost.
        fault: Why the last of the failed turns failed.
    """

    lines: tuple[ScriptLine, ...]
    turns: int
    failed: int
    ending: str
    usage: Usage
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a play.

    Attributes:
        lines: Those that are kept.
        repeated: Lines that were left out.
        refusal: Why there is no script; empty where there is one.
        duplicate: It is refused for what it repeats.
    """

    lines: tuple[ScriptLine, ...]
    repeated: int = 0
    refusal: str = ""
    duplicate: bool = False


def script_scene(scene: SceneBrief, roles: int, *, turns: int, policy: str, seed: int) -> SceneBrief:
    """A scene as a script of it is played: with its first so many roles."""
    return replace(scene.with_first_roles(roles), turns=turns, policy=policy, seed=seed)


def play_silently(
    scene: SceneBrief, controller: Controller, *, after_turn: Callable[[Usage], None] | None = None
) -> SilentPlay:
    """Play a scene to its end.

    Args:
        scene: What is played; its policy and its seed count.
        controller: Acts for all roles.
        after_turn: Is told after each turn what the scene has cost so far; what it raises ends the play.

    Raises:
        ControllerError: The controller cannot be used any longer.
    """
    actor = _Watched(controller)
    directs = controller if scene.policy == "director" and isinstance(controller, Directs) else None
    company = Company(
        controller=controller,
        actor=actor,
        understudy=ScriptedController(),
        policy=make_policy(scene.policy),
        director=Director(scene, controller=directs, seed=scene.seed),
        ears=Ears(Hearing.TEXT, controller_hears=controller.hears, listener=None, sound_of=lambda _: None),
        waits_for_sound=False,
    )
    state = SceneState(scene)
    deciding = Deciding(scene, company, {})
    fault = ""
    while not isinstance(chosen := deciding.choose(state), str):
        step = state.steps
        turn, usage = deciding.act(state, chosen)
        if actor.error is not None:
            raise actor.error
        fault = turn.fallback or fault
        turn = broken_off(turn, seed=scene.seed, step=step)
        messages = state.messages_of(turn, None)
        state.take_turn(turn, usage + chosen.usage)
        state.hear(messages, [message.text for message in messages])
        if after_turn is not None:
            after_turn(state.usage)
    said = (message for message in state.said if message.deed is Deed.SPEAK)
    lines = tuple(ScriptLine(one.speaker, one.style.tag, one.text) for one in said)
    return SilentPlay(lines, state.steps, state.fallbacks, chosen, state.usage, fault)


def check_play(play: SilentPlay, scene: SceneBrief) -> Checked:
    """Leave out what repeats what was said, and refuse what is no script."""
    lines, repeated = _without_repetitions(play.lines)
    speaking = {role_key(line.role) for line in lines}
    if play.failed > MOST_FAILED * play.turns:
        return Checked(lines, repeated, f"{play.failed} of {play.turns} turns could not be used ({play.fault})")
    if repeated > MOST_REPEATED * len(play.lines):
        reason = f"{repeated} of {len(play.lines)} lines say again what was said"
        return Checked(lines, repeated, reason, duplicate=True)
    if len(lines) < max(2.0, LEAST_LINES * scene.turns):
        return Checked(lines, repeated, f"{len(lines)} lines where {scene.turns} turns could be taken")
    if len(speaking) < max(2.0, LEAST_SPEAKING * len(scene.roles)):
        return Checked(lines, repeated, f"{len(speaking)} of {len(scene.roles)} roles speak")
    return Checked(lines, repeated)


def _without_repetitions(lines: Sequence[ScriptLine]) -> tuple[tuple[ScriptLine, ...], int]:
    """The lines without those that resemble an earlier one; short ones may come again, as in life."""
    said = Twins()
    kept = []
    for number, line in enumerate(lines):
        if len(line.text.split()) >= LINE_WORDS:
            if said.like(line.text, LINE_AT_LEAST) is not None:
                continue
            said.add(str(number), line.text)
        kept.append(line)
    return tuple(kept), len(lines) - len(kept)


class _Watched:
    """A controller that remembers why it could not be used: scenes go on without it, and scripts must not."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.error: ControllerError | None = None

    @property
    def identity(self) -> str:
        return self._controller.identity

    @property
    def hears(self) -> bool:
        return self._controller.hears

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        try:
            yield from self._controller.respond(asks, seed=seed)
        except ControllerError as error:
            self.error = error
            raise
