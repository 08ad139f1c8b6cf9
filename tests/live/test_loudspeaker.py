"""What a terminal client hears of arriving sound: order, gaps, ducking, and silence after a cut."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Audio, Samples
from speechagents.live.loudspeaker import Loudspeaker

RATE_HZ = 24_000


def sound(ms: int, value: float = 0.5) -> Audio:
    return Audio(np.full(ms * 24, value, np.float32), RATE_HZ)


def listen(loudspeaker: Loudspeaker, ms: int) -> Samples:
    return np.concatenate([loudspeaker.pull(480) for _ in range(ms // 20)])


def sounding_ms(samples: Samples) -> float:
    return float(np.count_nonzero(samples)) / 24


def test_lines_follow_each_other_without_a_gap() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(50, 0.1))
    loudspeaker.push("b", sound(50, 0.2))
    loudspeaker.push("a", sound(50, 0.1))
    loudspeaker.end("a")
    loudspeaker.end("b")
    heard = listen(loudspeaker, 200)
    assert heard[: 100 * 24] == pytest.approx(0.1)
    assert heard[100 * 24 : 150 * 24] == pytest.approx(0.2)
    assert not heard[150 * 24 :].any()
    assert loudspeaker.heard.items == 2
    assert not loudspeaker.is_busy


def test_a_line_starts_when_40_ms_of_it_are_there_or_all_of_it() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(30))
    assert sounding_ms(listen(loudspeaker, 100)) == 0
    loudspeaker.end("a")
    assert sounding_ms(listen(loudspeaker, 100)) == 30
    assert loudspeaker.heard.late_frames == 0


def test_a_dropped_line_is_silent_at_once_and_its_late_sound_is_never_heard() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(500))
    listen(loudspeaker, 100)
    loudspeaker.reports()
    loudspeaker.drop("a")
    loudspeaker.push("a", sound(500))
    assert sounding_ms(listen(loudspeaker, 200)) == 0
    (last,) = loudspeaker.reports()
    assert (last.item_id, last.played_s, last.is_last) == ("a", 0.1, True)
    assert loudspeaker.heard.cut_items == 1
    loudspeaker.push("b", sound(60))
    loudspeaker.end("b")
    assert sounding_ms(listen(loudspeaker, 100)) == 60


def test_a_gap_is_counted_once_sound_follows_it() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(40))
    listen(loudspeaker, 140)
    assert loudspeaker.heard.late_frames == 0
    loudspeaker.push("a", sound(40))
    listen(loudspeaker, 40)
    assert loudspeaker.heard.late_frames == 5


def test_ducking_ramps_and_ends_with_its_line() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(200))
    listen(loudspeaker, 40)
    loudspeaker.duck("a", 0.2)
    ramp = listen(loudspeaker, 40)
    assert np.abs(np.diff(ramp)).max() < 0.005
    assert ramp[20 * 24] == pytest.approx(0.1)
    loudspeaker.end("a")
    listen(loudspeaker, 200)
    loudspeaker.push("b", sound(60))
    assert listen(loudspeaker, 20)[0] == pytest.approx(0.5)


def test_held_it_stands_still_and_loses_nothing() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(200))
    loudspeaker.end("a")
    before = sounding_ms(listen(loudspeaker, 100))
    loudspeaker.hold()
    assert sounding_ms(listen(loudspeaker, 100)) == 0
    loudspeaker.release()
    assert before + sounding_ms(listen(loudspeaker, 200)) == 200


def test_reports_tell_where_a_line_is_and_when_it_has_ended() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.push("a", sound(100))
    listen(loudspeaker, 60)
    assert [(one.played_s, one.is_last) for one in loudspeaker.reports()] == [(0.06, False)]
    listen(loudspeaker, 60)
    assert [(one.played_s, one.is_last) for one in loudspeaker.reports()] == [(0.1, True)], "all that came"
    loudspeaker.end("a")
    listen(loudspeaker, 20)
    assert [one.is_last for one in loudspeaker.reports()] == [True]
    assert loudspeaker.reports() == []


def test_memory_is_bounded() -> None:
    loudspeaker = Loudspeaker()
    for _ in range(400):
        loudspeaker.push("a", sound(1000))
    loudspeaker.end("a")
    assert sounding_ms(listen(loudspeaker, 310_000)) == 300_000
