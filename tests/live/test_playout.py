"""One line on its way to the person: pacing and what was heard, on a clock of the test's own."""

from __future__ import annotations

import pytest

from speechagents.audio import Audio
from speechagents.live.pcm16 import RATE_HZ
from speechagents.live.playout import Playout


def sound(duration_s: float) -> Audio:
    return Audio.silence(duration_s, RATE_HZ)


def sent_s(pieces: list[Audio]) -> float:
    return sum(piece.duration_s for piece in pieces)


def test_sending_runs_a_little_ahead_of_hearing() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(2.0))
    assert sent_s(playout.due(10.0)) == pytest.approx(0.4)
    assert playout.due(10.0) == []
    assert sent_s(playout.due(10.2)) == pytest.approx(0.2)
    assert playout.heard_s(10.2) == pytest.approx(0.2)


def test_it_says_when_to_ask_again() -> None:
    playout = Playout(lead_s=0.4)
    assert playout.next_due_s(10.0) is None, "nothing is there yet"
    playout.feed(sound(1.0))
    playout.due(10.0)
    due_s = playout.next_due_s(10.0)
    assert due_s is not None
    assert playout.due(due_s)


def test_a_line_is_over_when_it_was_heard_not_when_it_was_sent() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(0.3))
    playout.end()
    playout.due(10.0)
    assert not playout.is_over(10.1)
    assert playout.next_due_s(10.1) == pytest.approx(10.3, abs=0.01)
    assert playout.is_over(10.3)


def test_a_line_without_sound_is_over_at_once() -> None:
    playout = Playout()
    playout.end()
    assert playout.is_over(0.0)


def test_a_client_that_plays_late_is_believed() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(2.0))
    playout.due(10.0)
    playout.reported(0.05, 10.2)
    assert playout.heard_s(10.2) == pytest.approx(0.05)
    assert playout.heard_s(10.3) == pytest.approx(0.15)


def test_a_client_cannot_have_played_what_was_not_sent() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(2.0))
    playout.due(10.0)
    playout.reported(60.0, 10.1)
    assert playout.heard_s(10.1) == pytest.approx(0.4)


def test_reports_out_of_order_do_not_turn_time_back() -> None:
    playout = Playout()
    playout.feed(sound(2.0))
    playout.due(10.0)
    playout.reported(0.2, 10.2)
    playout.reported(0.1, 10.21)
    assert playout.heard_s(10.21) == pytest.approx(0.21)


def test_a_clause_that_comes_late_is_heard_from_when_it_comes() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(0.2))
    playout.due(10.0)
    playout.feed(sound(1.0))  # two seconds later: the voice was slow
    assert sent_s(playout.due(12.0)) == pytest.approx(0.4)
    assert playout.heard_s(12.1) == pytest.approx(0.3)


def test_a_pause_stops_sending_and_hearing() -> None:
    playout = Playout(lead_s=0.4)
    playout.feed(sound(2.0))
    playout.due(10.0)
    playout.pause(10.1)
    assert playout.due(20.0) == []
    assert playout.heard_s(20.0) == pytest.approx(0.1)
    assert playout.next_due_s(20.0) is None
    playout.play(20.0)
    assert playout.heard_s(20.1) == pytest.approx(0.2)


def test_pieces_put_together_are_the_sound() -> None:
    playout = Playout()
    playout.feed(sound(0.333))
    playout.feed(sound(0.5))
    playout.end()
    pieces: list[Audio] = []
    now_s = 0.0
    while not playout.is_over(now_s):
        pieces += playout.due(now_s)
        now_s += 0.02
    assert sum(piece.frames for piece in pieces) == sound(0.333).frames + sound(0.5).frames


def test_sound_of_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="24000"):
        Playout().feed(Audio.silence(0.1, 22_050))
