"""Scenes that the planner plays by itself: without voices, as the engine would ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from speechagents.agents.memory import Memory
from speechagents.agents.policies import Floor, make_policy
from speechagents.controllers.controller import AgentInput, Answer, Heard
from speechagents.controllers.rehearsal import RehearsalController
from speechagents.drama import Deed, Message, Role, SceneBrief, Turn

PICNIC = SceneBrief(
    "Picnic",
    (Role("Ella", "25, a writer", secrets=("She has taken a post in Melbourne; her flight is booked",)), Role("Tom")),
    setting="EXT. PARK - DAY",
    background="A picnic in the park with a lemon cake, a guitar and a letter.",
    beats=("They meet under the plane tree.", "The cake is cut.", "The truth about the ring comes out."),
)


def crowd(count: int, *, seed: int = 0, turns: int = 100) -> SceneBrief:
    """So many roles at the picnic."""
    trades = ("baker", "nurse", "retired judge", "sailor", "student")
    roles = tuple(
        Role(f"{chr(65 + number)}nna{chr(97 + number)}", f"{20 + number}, {trades[number % 5]}")
        for number in range(count)
    )
    return replace(PICNIC, roles=roles, seed=seed, turns=turns)


def played(
    scene: SceneBrief, *, policy: str = "", watch: Callable[[AgentInput, Turn], None] = lambda *_: None
) -> list[Turn]:
    """All turns of a scene; `watch` sees each with what its role knew."""
    memory, chooser, controller = Memory(), make_policy(policy or scene.policy), RehearsalController()
    present = tuple(role.name for role in scene.roles)
    turns: list[Turn] = []
    said: list[Message] = []
    for step in range(scene.turns):
        floor = Floor(
            scene=scene,
            present=present,
            turns=tuple(turn.role for turn in turns),
            recent=tuple(said[-16:]),
            step=step,
            seed=scene.seed,
            directed="",
            directed_reason="",
            bids=None,
        )
        choice = chooser.next_speaker(floor)
        assert choice is not None
        role = scene.role(choice.role)
        assert role is not None
        heard = memory.recent(role.name)
        ask = AgentInput(
            scene=scene,
            present=present,
            facts=(),
            heard=heard,
            role=role,
            recalled=memory.recall(role.name, cue=" ".join(one.text for one in heard[-4:])),
            step=step,
            beat=step * len(scene.beats) // scene.turns,
        )
        (answer,) = controller.respond([ask], seed=step)
        assert isinstance(answer, Answer)
        turn = answer.turn
        watch(ask, turn)
        turns.append(turn)
        memory.add(Heard(step + 1, turn.role, turn.text, turn.deed, turn.style, turn.addresses))
        said.append(
            Message(step + 1, turn.role, turn.text, turn.deed, turn.style, turn.addresses, (), 0.0, 0.0, "")
            if turn.deed is not Deed.SILENT
            else said[-1]
        )
    return turns
