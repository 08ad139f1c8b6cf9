"""Who has the floor: sequences of what happens, with times, and what is to be done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.live.floor import Do, Floor, Outcome, Pace, Said

GAP_S, PATIENCE_S = 0.2, 8.0


def speaking() -> Floor:
    """A floor on which an agent has begun to speak at 1 s, and the next thought is being had."""
    floor = Floor(Pace(gap_s=GAP_S, patience_s=PATIENCE_S))
    assert floor.tick(0.0) == (Do.THINK,)
    assert floor.thought(1.0, Outcome.SPEAKS) == (Do.PERFORM, Do.THINK)
    return floor


def test_agents_speak_first_and_think_ahead_while_one_speaks() -> None:
    floor = speaking()
    assert floor.is_speaking
    assert floor.thought(1.5, Outcome.SPEAKS) == ()


def test_the_next_agent_starts_a_gap_after_the_end() -> None:
    floor = speaking()
    floor.thought(1.5, Outcome.SPEAKS)
    assert floor.played_out(4.0) == ()
    assert floor.deadline == pytest.approx(4.0 + GAP_S)
    assert floor.tick(4.1) == ()
    assert floor.tick(4.2) == (Do.PERFORM, Do.THINK)


def test_a_cough_turns_the_agent_down_and_up_again() -> None:
    floor = speaking()
    assert floor.person_began(2.0) == (Do.DUCK,)
    assert floor.person_voiced(2.2, 0.2, words=False) == ()
    assert floor.person_ended(2.6) == ()
    assert floor.person_understood(2.65, Said.NOTHING) == (Do.UNDUCK,)
    assert floor.is_speaking


def test_a_cough_leaves_the_next_thought_as_it_is() -> None:
    floor = speaking()
    floor.thought(1.5, Outcome.SPEAKS)
    floor.person_began(2.0)
    floor.person_ended(2.3)
    floor.person_understood(2.4, Said.NOTHING)
    floor.played_out(4.0)
    assert floor.tick(4.2) == (Do.PERFORM, Do.THINK)


def test_a_sign_of_listening_takes_no_floor() -> None:
    floor = speaking()
    floor.person_began(2.0)
    floor.person_ended(2.5)
    assert floor.person_understood(2.6, Said.MURMUR) == (Do.UNDUCK,)


def test_the_same_words_into_silence_are_an_answer() -> None:
    floor = Floor()
    floor.tick(0.0)
    floor.thought(0.1, Outcome.AWAITS)
    floor.person_began(2.0)
    floor.person_ended(2.5)
    assert floor.person_understood(2.6, Said.MURMUR) == (Do.FORGET, Do.HEAR_PERSON, Do.THINK)


def test_words_cut_the_agent_and_what_was_thought_ahead_is_forgotten() -> None:
    floor = speaking()
    floor.person_began(2.0)
    assert floor.person_voiced(2.2, 0.2, words=True) == ()  # recognisers hear words in a cough
    assert floor.person_voiced(2.3, 0.3, words=True) == (Do.CUT_FOR_PERSON, Do.FORGET)
    assert not floor.is_speaking
    floor.person_ended(3.0)
    assert floor.person_understood(3.1, Said.WORDS) == (Do.HEAR_PERSON, Do.THINK)


def test_half_a_second_of_voice_cuts_whatever_was_said() -> None:
    floor = speaking()
    floor.person_began(2.0)
    assert floor.person_voiced(2.49, 0.49, words=False) == ()
    assert floor.person_voiced(2.5, 0.5, words=False) == (Do.CUT_FOR_PERSON, Do.FORGET)
    assert floor.person_voiced(2.6, 0.6, words=True) == (), "a line is cut once"


def test_short_words_over_a_line_cut_it_once_they_are_understood() -> None:
    floor = speaking()
    floor.person_began(2.0)
    floor.person_ended(2.2)
    assert floor.person_understood(2.3, Said.WORDS) == (Do.CUT_FOR_PERSON, Do.FORGET, Do.HEAR_PERSON, Do.THINK)


def test_nobody_begins_while_the_person_speaks_or_is_being_understood() -> None:
    floor = Floor()
    floor.tick(0.0)
    floor.person_began(0.5)
    assert floor.thought(0.6, Outcome.SPEAKS) == ()
    assert floor.deadline is None
    floor.person_ended(1.0)
    assert floor.tick(1.2) == ()
    assert floor.person_understood(1.3, Said.WORDS) == (Do.FORGET, Do.HEAR_PERSON, Do.THINK)


def test_two_utterances_before_the_first_is_understood_are_two() -> None:
    floor = Floor()
    floor.tick(0.0)
    floor.person_began(0.5)
    floor.person_ended(1.0)
    floor.person_began(1.1)
    assert floor.person_understood(1.2, Said.WORDS) == (Do.FORGET, Do.HEAR_PERSON), "the person is speaking again"
    floor.person_ended(1.8)
    assert floor.person_understood(1.9, Said.WORDS) == (Do.HEAR_PERSON, Do.THINK)


def test_agents_go_on_when_the_person_keeps_quiet() -> None:
    floor = Floor(Pace(patience_s=PATIENCE_S))
    floor.tick(0.0)
    assert floor.thought(1.0, Outcome.AWAITS) == ()
    assert floor.waits_for_person
    assert floor.deadline == 1.0 + PATIENCE_S
    assert floor.tick(9.0) == (Do.FORGET, Do.THINK_WITHOUT_PERSON)
    assert floor.thought(9.1, Outcome.SPEAKS) == (Do.PERFORM, Do.THINK)


def test_patience_begins_when_the_agent_before_has_finished() -> None:
    floor = speaking()
    floor.thought(1.5, Outcome.AWAITS)
    assert not floor.waits_for_person
    floor.played_out(20.0)
    assert floor.waits_for_person
    assert floor.deadline == 20.0 + PATIENCE_S


def test_a_cancelling_client_gets_quiet_until_it_asks_or_speaks() -> None:
    floor = speaking()
    assert floor.cancel(2.0) == (Do.CUT_FOR_CLIENT, Do.FORGET)
    assert floor.tick(3.0) == ()
    assert floor.urge(4.0) == (Do.THINK,)


def test_after_a_cancel_the_agents_go_on_in_the_end() -> None:
    floor = speaking()
    floor.cancel(2.0)
    assert floor.deadline == 2.0 + PATIENCE_S
    assert floor.tick(10.0) == (Do.THINK,)


def test_an_urging_client_need_not_wait_for_the_person() -> None:
    floor = Floor()
    floor.tick(0.0)
    floor.thought(0.5, Outcome.AWAITS)
    assert floor.urge(1.0) == (Do.FORGET, Do.THINK_WITHOUT_PERSON)


def test_typed_words_cut_like_spoken_ones() -> None:
    assert speaking().person_typed(2.0) == (Do.CUT_FOR_PERSON, Do.FORGET, Do.HEAR_PERSON, Do.THINK)


def test_what_makes_no_sound_is_recorded_and_followed_after_a_beat() -> None:
    floor = Floor(Pace(beat_s=0.5))
    floor.tick(0.0)
    assert floor.thought(1.0, Outcome.SILENT) == (Do.KEEP_SILENCE, Do.THINK)
    assert floor.thought(1.1, Outcome.SPEAKS) == ()
    assert floor.tick(1.5) == (Do.PERFORM, Do.THINK)


def test_the_end_comes_after_the_last_line_was_heard() -> None:
    floor = speaking()
    assert floor.thought(1.5, Outcome.OVER) == ()
    floor.played_out(4.0)
    assert floor.tick(4.2) == (Do.END,)
    assert floor.is_over
    assert floor.tick(60.0) == ()


def test_a_voice_that_fails_voids_what_was_thought_ahead() -> None:
    floor = speaking()
    floor.thought(1.5, Outcome.SPEAKS)
    assert floor.voice_failed(2.0) == (Do.FORGET, Do.THINK)
    assert not floor.is_speaking


def test_a_paused_floor_starts_nothing_and_waits_anew_afterwards() -> None:
    floor = Floor(Pace(patience_s=PATIENCE_S))
    floor.tick(0.0)
    floor.pause()
    assert floor.thought(1.0, Outcome.AWAITS) == ()
    assert floor.deadline is None
    assert floor.play(100.0) == ()
    assert floor.deadline == 100.0 + PATIENCE_S


STEPS: dict[str, Callable[[Floor, float], tuple[Do, ...]]] = {
    "tick": lambda floor, now: floor.tick(now),
    "speaks": lambda floor, now: floor.thought(now, Outcome.SPEAKS),
    "silent": lambda floor, now: floor.thought(now, Outcome.SILENT),
    "awaits": lambda floor, now: floor.thought(now, Outcome.AWAITS),
    "played": lambda floor, now: floor.played_out(now),
    "failed": lambda floor, now: floor.voice_failed(now),
    "began": lambda floor, now: floor.person_began(now),
    "voiced": lambda floor, now: floor.person_voiced(now, 0.6, words=True),
    "ended": lambda floor, now: floor.person_ended(now),
    "words": lambda floor, now: floor.person_understood(now, Said.WORDS),
    "nothing": lambda floor, now: floor.person_understood(now, Said.NOTHING),
    "typed": lambda floor, now: floor.person_typed(now),
    "cancel": lambda floor, now: floor.cancel(now),
    "urge": lambda floor, now: floor.urge(now),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0.0, 5.0)), max_size=60))
def test_whatever_happens_one_voice_speaks_and_one_thought_is_had(steps: list[tuple[str, float]]) -> None:
    """The carrier of the commands never gets one that cannot be carried out."""
    floor = Floor()
    now = 0.0
    thinking = speaking = ready = False
    for name, later in steps:
        now += later
        # Only what can happen: thoughts come to those who think, and what is not spoken is not heard to its end.
        if (name in ("speaks", "silent", "awaits") and not thinking) or (name in ("played", "failed") and not speaking):
            continue
        if name in ("played", "failed"):
            speaking = False
        if name in ("speaks", "silent", "awaits"):
            thinking, ready = False, True
        for do in STEPS[name](floor, now):
            match do:
                case Do.THINK | Do.THINK_WITHOUT_PERSON:
                    assert not thinking
                    assert not ready
                    thinking = True
                case Do.FORGET:
                    assert thinking or ready
                    thinking = ready = False
                case Do.PERFORM:
                    assert ready
                    assert not speaking
                    assert not floor.person_has_it
                    ready, speaking = False, True
                case Do.KEEP_SILENCE:
                    assert ready
                    ready = False
                case Do.CUT_FOR_PERSON | Do.CUT_FOR_CLIENT:
                    assert speaking
                    speaking = False
                case Do.DUCK | Do.UNDUCK:
                    assert speaking
                case _:
                    pass
        assert floor.is_speaking == speaking
