"""One scene, played as text: no voices, no folder, nothing on disk.

Owns the loop and the transcript. Turns come about exactly as in an improvised scene (`agents.deciding`): the same scene
with the same seed and the same answers has the same words as ``speechagents improvise`` gives it. Does not know who
answers, nor what becomes of the transcript (`results`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from speechagents.agents.deciding import Company, Deciding
from speechagents.agents.director import Director, ending
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.policies import make_policy
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Step
from speechagents.controllers.controller import Controller, Directs, Usage
from speechagents.drama import Deed, Message, SceneBrief
from speechagents.stream import message_to_json

_OF_SOUND = ("start_s", "end_s", "take")
"""Fields of a message that mean nothing where there is no sound."""


@dataclass(frozen=True, slots=True)
class PlayedText:
    """A scene that is over.

    Attributes:
        ending: Why.
        turns: Turns taken, silent ones included.
        fallbacks: Turns that the understudy took, because the controller failed to.
        fault: Why the last of those failed; empty where there are none.
        messages: What was said and done, in order, as plain values; a turn's thoughts stand with its message.
    """

    ending: str
    turns: int
    fallbacks: int
    fault: str
    messages: tuple[dict[str, Any], ...]


def play_text(
    scene: SceneBrief,
    controller: Controller,
    understudy: Controller,
    *,
    before_turn: Callable[[], None],
    after_turn: Callable[[Usage], None],
) -> PlayedText:
    """Play a scene to its end.

    Args:
        scene: What is played; its policy and its seed count.
        controller: Acts for all roles.
        understudy: Takes the turns that the controller fails to take.
        before_turn: Called before each turn; what it raises ends the play.
        after_turn: Is told what each turn has cost, as servers count it.

    Raises:
        ControllerError: The controller cannot be used, and nobody has said anything yet.
    """
    company = Company(
        controller=controller,
        actor=controller,
        understudy=understudy,
        policy=make_policy(scene.policy),
        director=Director(
            scene,
            controller=controller if scene.policy == "director" and isinstance(controller, Directs) else None,
            seed=scene.seed,
        ),
        ears=Ears(Hearing.TEXT, controller_hears=False, listener=None, sound_of=_no_sound),
        waits_for_sound=False,
    )
    state = SceneState(scene)
    deciding = Deciding(scene, company, {})
    messages: list[dict[str, Any]] = []
    fault = ""
    while True:
        if not _is_over(scene, state):  # the end costs nothing
            before_turn()
        step = deciding.step(state)
        if isinstance(step, str):
            break
        state.hear(step.messages, step.understood)
        fault = step.turn.fallback or fault
        messages += _as_told(step)
        after_turn(step.usage)
    return PlayedText(step, state.steps, state.fallbacks, fault, tuple(messages))


def _is_over(scene: SceneBrief, state: SceneState) -> bool:
    """Whether there will be no further turn, whatever anybody says."""
    ended = ending(scene, turns=state.acted, silent_in_a_row=state.silent, active=len(state.present), done=False)
    return bool(ended)


def _as_told(step: Step) -> list[dict[str, Any]]:
    told = []
    for message in step.messages:
        values = {name: value for name, value in message_to_json(message).items() if name not in _OF_SOUND}
        if message.deed is not Deed.BACK_CHANNEL and step.turn.thoughts:
            values["thoughts"] = step.turn.thoughts
        told.append(values)
    return told


def _no_sound(message: Message) -> None:  # noqa: ARG001 - what ears ask
    return None
