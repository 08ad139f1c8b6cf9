"""Deciding a turn, apart from what comes of it."""

from __future__ import annotations

from dataclasses import replace

from speechagents.agents.deciding import Chosen, Company, Deciding
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.policies import make_policy
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Step
from speechagents.controllers.controller import Judgement, Ledger, MalformedTurn, Usage
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Role, SceneBrief, Turn

SCENE = SceneBrief("Picnic", (Role("Ella"), Role("Tom"), Role("Sophia")), policy="round-robin", turns=4, seed=3)


def deciding(controller: ScriptedController, scene: SceneBrief = SCENE) -> Deciding:
    directs = controller if scene.policy == "director" else None
    company = Company(
        controller=controller,
        actor=controller,
        understudy=ScriptedController([Turn("Ella", text="Let us go on.")]),
        policy=make_policy(scene.policy),
        director=Director(scene, controller=directs, seed=scene.seed),
        ears=Ears(Hearing.TEXT, controller_hears=False, listener=None, sound_of=lambda _: None),
        waits_for_sound=False,
    )
    return Deciding(scene, company, {})


def chosen(decider: Deciding, state: SceneState) -> Chosen:
    found = decider.choose(state)
    assert isinstance(found, Chosen)
    return found


def test_the_floor_is_given_before_anybody_thinks() -> None:
    controller = ScriptedController([Turn("Ella", text="Hello.")])
    decider, state = deciding(controller), SceneState(SCENE)
    first = chosen(decider, state)
    assert first.choice.role == "Ella"
    assert controller.asked == []
    turn, usage = decider.act(state, first)
    assert (turn.text, usage) == ("Hello.", Usage())
    assert state.steps == 0  # whoever asked says what has happened


def test_what_is_decided_on_a_fork_leaves_the_state_alone() -> None:
    ledger = Ledger(
        facts=("The cake: is gone",),
        plan="Find it.",
        beat=0,
        progress=Judgement(True, ""),
        in_loop=Judgement(False, ""),
        done=Judgement(False, ""),
        next_role="Tom",
        note="Blush.",
    )
    scene = SceneBrief("Picnic", SCENE.roles, policy="director", turns=4)
    controller = ScriptedController([Turn("Tom", text="It was not me.")])
    controller.enqueue_ledgers(ledger)
    decider, state = deciding(controller, scene), SceneState(scene)
    fork = state.forked()
    found = chosen(decider, fork)
    turn, usage = decider.act(fork, found)
    step = found.step(0, turn, fork.messages_of(turn, None), usage)
    fork.take_turn(turn, usage)
    fork.hear(step.messages, step.understood)
    assert (step.note, controller.asked[0].note, controller.asked[0].facts) == ("Blush.", "Blush.", ledger.facts)
    assert (fork.plan, fork.memory.facts, fork.turns, len(fork.said)) == ("Find it.", ledger.facts, ["Tom"], 1)
    assert (state.plan, state.memory.facts, state.turns, state.said) == ("", (), [], [])
    assert state.memory.recent_all() == ()
    assert fork.memory.recent_all()[0].text == "It was not me."


def test_the_understudy_takes_what_the_controller_fails_to_take() -> None:
    decider, state = (
        deciding(ScriptedController([MalformedTurn("Ella", "spoke in riddles", Usage(7, 3))])),
        SceneState(SCENE),
    )
    turn, usage = decider.act(state, chosen(decider, state))
    assert (turn.text, turn.fallback, usage) == ("Let us go on.", "spoke in riddles", Usage(7, 3))


def test_turns_end_a_scene_and_a_persons_do_not_count() -> None:
    alone, together = SceneState(SCENE), SceneState(SCENE, person="SOPHIA")
    for state in (alone, together):
        for role in ("Ella", "Tom", "Sophia", "Ella"):
            state.take_turn(Turn(role, text="Well."), Usage())
    assert (alone.acted, together.acted, together.steps) == (4, 3, 4)
    assert deciding(ScriptedController()).choose(alone) == "all 4 turns are played"
    assert chosen(deciding(ScriptedController()), together).choice.role == "Tom"


def test_a_person_who_keeps_quiet_is_no_silence_of_the_scene() -> None:
    state = SceneState(SCENE, person="Sophia")
    for role in ("Ella", "Tom"):
        state.take_turn(Turn(role, Deed.SILENT), Usage())
    assert state.silent == 2
    state.take_turn(Turn("Sophia", Deed.SILENT), Usage())
    assert state.silent == 0


def test_a_whole_step_is_taken_by_the_state_and_heard_by_nobody_yet() -> None:
    controller = ScriptedController([Turn("Ella", text="Hello, both of you."), Turn("Tom", Deed.LEAVE, "goes home")])
    decider, state = deciding(controller), SceneState(SCENE)
    first = decider.step(state)
    assert isinstance(first, Step)
    assert (first.number, first.turn.text, first.choice.role) == (0, "Hello, both of you.", "Ella")
    assert [message.text for message in first.messages] == list(first.understood) == ["Hello, both of you."]
    assert (state.turns, state.said) == (["Ella"], [])
    state.hear(first.messages, first.understood)
    assert isinstance(decider.step(state), Step)
    assert state.present == ("Ella", "Sophia")


def test_there_is_no_step_after_the_last() -> None:
    scene = replace(SCENE, turns=1)
    decider, state = deciding(ScriptedController([Turn("Ella", text="Goodbye.")]), scene), SceneState(scene)
    assert isinstance(decider.step(state), Step)
    assert decider.step(state) == "all 1 turns are played"
