"""Scenes played without a sound, and what of them is good enough for a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from speechagents.benchmark.building.scripting import SilentPlay, check_play, play_silently, script_scene
from speechagents.benchmark.script_file import ScriptLine
from speechagents.controllers.controller import AgentInput, Answer, Bid, DirectorInput, Ledger, MalformedTurn, Usage
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, SceneBrief, Style, Turn
from speechagents.errors import ControllerError
from tests.benchmark.building.authors import Author, new_words, whole_scene, words

SCENE = whole_scene("A goat in the lift.", 25, 1)


def played(roles: int = 2, *, turns: int = 8, policy: str = "round-robin") -> SceneBrief:
    return script_scene(SCENE, roles, turns=turns, policy=policy, seed=4)


def test_a_scene_is_played_by_its_first_roles_turn_by_turn_and_written_down() -> None:
    anna, ben = (role.name for role in SCENE.roles[:2])
    controller = ScriptedController(
        [
            Turn(anna, text="Is this your goat?", style=Style("surprised", 1.4), addresses=(ben,)),
            Turn(anna, Deed.SILENT),
            Turn(ben, text="It came with the lift.", style=Style("calm")),
            Turn(ben, Deed.ACT, "presses all the buttons"),
        ]
    )
    play = play_silently(played(turns=4), controller)
    assert play.lines == (
        ScriptLine(anna, "surprised", "Is this your goat?"),
        ScriptLine(ben, "calm", "It came with the lift."),
    )
    assert (play.turns, play.failed, play.ending) == (4, 0, "all 4 turns are played")
    # What is done without words is seen by the others all the same.
    assert [role.name for ask in controller.asked for role in ask.scene.roles] == [anna, ben] * 4


def test_others_hear_what_was_said_and_done() -> None:
    anna, ben = (role.name for role in SCENE.roles[:2])
    controller = ScriptedController([Turn(anna, Deed.ACT, "feeds the goat"), Turn(ben, text="That was my ticket.")])
    play_silently(played(turns=3), controller)
    assert [one.text for one in controller.asked[2].heard] == ["feeds the goat", "That was my ticket."]


def test_the_embedded_controller_fills_a_stage_of_25() -> None:
    scene = played(25, turns=60, policy="addressed")
    play = play_silently(scene, make_rehearsal())
    assert play == play_silently(scene, make_rehearsal())
    checked = check_play(play, scene)
    assert not checked.refusal
    assert len(checked.lines) >= 50
    assert len({line.role for line in checked.lines}) >= 13


def test_nobody_stands_in_for_a_turn_that_fails() -> None:
    def stumbles(ask: AgentInput) -> Turn | MalformedTurn:
        return MalformedTurn(ask.role.name, "no JSON") if ask.step % 5 == 4 else new_words(ask)

    scene = played(turns=20)
    play = play_silently(scene, Author(says=stumbles))
    assert play.failed == 4
    assert len(play.lines) == 16
    assert check_play(play, scene).refusal == "4 of 20 turns could not be used (no JSON)"


def test_a_controller_that_breaks_down_ends_the_play_with_its_error() -> None:
    class Breaks(Author):
        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            if self.turns == 3:
                raise ControllerError("the server is gone")
            return super().respond(asks, seed=seed)

    with pytest.raises(ControllerError, match="the server is gone"):
        play_silently(played(), Breaks())


def test_what_it_costs_is_told_turn_by_turn_and_can_end_it() -> None:
    costs: list[Usage] = []

    def after_turn(usage: Usage) -> None:
        costs.append(usage)
        if len(costs) == 3:
            raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        play_silently(played(), Author(), after_turn=after_turn)
    assert costs == [Usage(10, 5), Usage(20, 10), Usage(30, 15)]


def test_bids_and_the_director_are_asked_where_the_policy_wants_them() -> None:
    class Troupe(Author):
        asked = 0

        def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:
            self.asked += 1
            return (Bid(ask.role.name, 0.5, usage=Usage(1, 1)) for ask in asks)

        def direct(self, ask: DirectorInput, *, seed: int) -> Ledger | MalformedTurn:
            self.asked += 1
            return MalformedTurn("", "no ledger", Usage(1, 1))

    for policy in ("bidding", "director"):
        troupe = Troupe()
        play = play_silently(played(3, turns=6, policy=policy), troupe)
        assert len(play.lines) == 6
        assert troupe.asked >= 6
        assert play.usage.tokens_in > 60


def lines(*texts: str) -> tuple[ScriptLine, ...]:
    return tuple(ScriptLine(SCENE.roles[at % 2].name, "calm", text) for at, text in enumerate(texts))


def play_of(*texts: str, turns: int = 8, failed: int = 0) -> SilentPlay:
    return SilentPlay(lines(*texts), turns, failed, "", Usage(), "no JSON" if failed else "")


NEW = [words(number, 7) for number in range(8)]


def test_a_line_that_says_again_what_was_said_is_left_out() -> None:
    again = NEW[2].upper() + "!"
    checked = check_play(play_of(*NEW, again), played())
    assert checked.lines == lines(*NEW)
    assert (checked.repeated, checked.refusal) == (1, "")


def test_short_lines_may_come_again() -> None:
    checked = check_play(play_of("No.", "No.", "I said no.", "I said no.", *NEW[:4]), played())
    assert (len(checked.lines), checked.repeated) == (8, 0)


@pytest.mark.parametrize(
    ("play", "refusal", "duplicate"),
    [
        (play_of(*NEW[:3], *NEW[:3], *NEW[3:]), "3 of 11 lines say again what was said", True),
        (play_of(NEW[0]), "1 lines where 8 turns could be taken", False),
        (play_of(), "0 lines where 8 turns could be taken", False),
        (play_of(*NEW, failed=1), "1 of 8 turns could not be used (no JSON)", False),
    ],
)
def test_what_is_no_script_is_refused_with_the_reason(play: SilentPlay, refusal: str, duplicate: bool) -> None:
    checked = check_play(play, played())
    assert (checked.refusal, checked.duplicate) == (refusal, duplicate)


def test_a_monologue_is_no_script() -> None:
    play = replace(play_of(*NEW), lines=tuple(replace(line, role=SCENE.roles[0].name) for line in lines(*NEW)))
    assert check_play(play, played()).refusal == "1 of 2 roles speak"
