"""Scenes played side by side by one policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from speechagents.controllers.controller import AgentInput
from speechagents.drama import Deed, Role, SceneBrief, Turn
from speechagents.tuning.rollouts import Drawn, Staged, play
from tests.tuning.word_acts import END, ROLES, SCENE, START, ScriptedPolicy, WordActs, episode, staged


class NoEnds:
    def ends(self, ask: AgentInput) -> Sequence[int]:
        return (END,)


def said(one: object) -> list[tuple[str, str]]:
    return [(message.speaker, message.text) for message in one.messages]  # type: ignore[attr-defined]


def test_roles_take_turns_by_the_scenes_own_policy_and_hear_one_stream() -> None:
    policy = ScriptedPolicy.saying("bread.", "water ring.", "no.")
    one = play([staged(turns=3)], WordActs(), policy, episodes=1, seed=0)[0]
    assert said(one) == [("Ann", "Bread."), ("Ben", "Water ring."), ("Cleo", "No.")]
    # Who spoke last, and who speaks now.
    assert [prompt[1:] for prompt, _ in policy.asked] == [
        (START, START + 1),
        (START + 1, START + 2),
        (START + 2, START + 3),
    ]
    assert one.ending == "all 3 turns are played"
    assert one.formed == 1.0


def test_a_turn_is_an_action_with_its_prompt_tokens_and_probabilities() -> None:
    first = episode("bread water.").actions[0]
    assert (first.role, first.prompt) == ("Ann", (START, START, START + 1))
    assert first.drawn == Drawn((2, 3, END), (-1.0, -1.0, -1.0))
    assert first.turn == Turn("Ann", text="Bread water.")


def test_nobody_stands_in_for_a_turn_that_fails_and_the_scene_goes_on() -> None:
    one = episode("bread water", "ring.", turns=4)
    assert said(one) == [("Ben", "Ring."), ("Ann", "Ring.")]
    assert [action.turn is None for action in one.actions] == [True, False, True, False]
    assert one.formed == 0.5


def test_a_scene_in_which_every_turn_fails_dies_and_is_worth_what_was_done_of_all_that_was_asked() -> None:
    one = episode("bread", turns=20)
    assert one.ending == "silence: nobody has anything to say"
    assert (len(one.actions), one.messages, one.formed) == (3, (), 0.0)
    started = episode("bread.", "ring", "ring", "ring", turns=20)
    assert started.formed == 1 / 20


def test_an_answer_that_cannot_be_spoken_is_no_well_formed_turn() -> None:
    class Mute(NoEnds):
        def prompt(self, ask: AgentInput) -> Sequence[int]:
            return (1,)

        def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
            return Turn(ask.role.name, text="…")

    one = play([staged(turns=3)], Mute(), ScriptedPolicy.saying("no."), episodes=1, seed=0)[0]
    assert {action.turn for action in one.actions} == {None}
    assert one.formed == 0.0


def test_who_whispers_is_heard_by_those_alone_who_are_meant() -> None:
    heard: list[tuple[str, list[str]]] = []

    class Whisper(NoEnds):
        def prompt(self, ask: AgentInput) -> Sequence[int]:
            heard.append((ask.role.name, [one.text for one in ask.heard]))
            return (1,)

        def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
            to = ROLES[(ROLES.index(ask.role.name) + 1) % 3]
            return Turn(ask.role.name, text=f"Psst from {ask.role.name}", addresses=(to,), private=True)

    play([staged(turns=3)], Whisper(), ScriptedPolicy.saying("no."), episodes=1, seed=0)
    assert heard == [("Ann", []), ("Ben", ["Psst from Ann"]), ("Cleo", ["Psst from Ben"])]


def test_a_role_that_leaves_is_asked_no_more() -> None:
    class Leave(NoEnds):
        def prompt(self, ask: AgentInput) -> Sequence[int]:
            return (1,)

        def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
            deed = Deed.LEAVE if ask.role.name == "Ann" else Deed.SPEAK
            return Turn(ask.role.name, deed, "goes away")

    one = play([staged(turns=5)], Leave(), ScriptedPolicy.saying("no."), episodes=1, seed=0)[0]
    assert [action.role for action in one.actions] == ["Ann", "Ben", "Cleo", "Ben", "Cleo"]


def test_episodes_are_played_side_by_side_in_one_batch_a_turn() -> None:
    batches: list[int] = []

    class Counting(ScriptedPolicy):
        def draw(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> Sequence[Drawn]:
            batches.append(len(prompts))
            return ScriptedPolicy.draw(self, prompts, seeds)

    scenes = [staged(turns=2), replace(staged(turns=3), scene_id="other")]
    found = play(scenes, WordActs(), Counting.saying("no."), episodes=4, seed=0)
    assert batches == [8, 8, 4]
    assert [(one.staged.scene_id, one.number) for one in found] == [
        *(("quay", number) for number in range(4)),
        *(("other", number) for number in range(4)),
    ]


def test_every_draw_has_a_seed_of_its_own_that_follows_from_run_scene_episode_and_turn() -> None:
    def seeds(seed: int, count: int) -> list[int]:
        policy = ScriptedPolicy.saying("no.")
        play([staged(turns=3)], WordActs(), policy, episodes=count, seed=seed)
        return [one for _, one in policy.asked]

    assert len(set(seeds(1, 4))) == 12
    assert seeds(1, 4) == seeds(1, 4)
    assert not set(seeds(1, 4)) & set(seeds(2, 4))
    # Who is played beside it makes no difference.
    assert set(seeds(1, 2)) < set(seeds(1, 4))


def test_chance_outside_the_policy_is_the_same_for_all_episodes_of_a_scene() -> None:
    scene = replace(SCENE, policy="random", turns=6)
    found = play([Staged("quay", scene)], WordActs(), ScriptedPolicy.saying("no."), episodes=3, seed=0)
    orders = {tuple(action.role for action in one.actions) for one in found}
    assert len(orders) == 1
    other = play(
        [Staged("quay", replace(scene, seed=99))], WordActs(), ScriptedPolicy.saying("no."), episodes=1, seed=0
    )
    assert tuple(action.role for action in other[0].actions) not in orders


def test_long_turns_are_broken_off_as_on_stage_but_count_as_they_were_meant() -> None:
    words = "bread water letter harbour ring brother window lamp river stone winter captain garden horse song key"
    scene = SceneBrief("Quay", tuple(map(Role, ROLES)), turns=60, policy="round-robin", seed=1)
    one = play([Staged("quay", scene)], WordActs(), ScriptedPolicy.saying(f"{words}."), episodes=1, seed=0)[0]
    cut = [message for message in one.messages if message.cut]
    assert cut
    assert {action.turn.text for action in one.actions if action.turn} == {f"{words.capitalize()}."}
    murmurs = [message for message in one.messages if message.deed is Deed.BACK_CHANNEL]
    assert murmurs
    assert len(one.messages) == 60 + len(murmurs)


def test_an_answer_without_a_token_is_a_fault_of_the_policy() -> None:
    with pytest.raises(ValueError, match="0 tokens with 0"):
        Drawn((), ())
    with pytest.raises(ValueError, match="2 tokens with 1"):
        Drawn((1, 2), (0.0,))
