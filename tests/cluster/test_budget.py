"""Budgets: how far they reach, and that they hold where the estimate was wrong."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from speechagents.cluster.budget import BrokenOffError, Budget, Caps, Spent
from speechagents.errors import SettingsError


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_without_caps_everything_fits() -> None:
    budget = Budget(Caps())
    for _ in range(1_000):
        budget.take_request()
        budget.take_tokens(10**9)
    assert budget.why_full(10_000) == ""
    assert budget.over == ""
    assert budget.left_s is None


def test_no_request_is_sent_beyond_the_cap_whoever_asks() -> None:
    budget = Budget(Caps(requests=500))

    def send(_: int) -> int:
        try:
            budget.take_request()
        except BrokenOffError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(send, range(2_000))) == 500
    with pytest.raises(BrokenOffError, match="the budget of 500 requests is spent"):
        budget.check()


def test_nothing_is_sent_when_the_tokens_are_spent() -> None:
    budget = Budget(Caps(tokens=1_000))
    budget.take_tokens(999)
    budget.check()
    budget.take_tokens(500)
    with pytest.raises(BrokenOffError, match="the budget of 1000 tokens is spent"):
        budget.take_request()


def test_time_runs_from_the_start() -> None:
    clock = Clock()
    budget = Budget(Caps(seconds=10.0), now=clock)
    assert budget.left_s == 10.0
    clock.now_s += 9.0
    budget.check()
    assert budget.left_s == pytest.approx(1.0)
    clock.now_s += 2.0
    assert budget.left_s == 0.0
    with pytest.raises(BrokenOffError, match="the budget of 10 s is spent"):
        budget.check()


@pytest.mark.parametrize("caps", [Caps(requests=100), Caps(tokens=100)])
def test_the_first_scene_is_played_alone_to_see_what_one_costs(caps: Caps) -> None:
    budget = Budget(caps)
    assert budget.why_full(0) == ""
    assert "not known yet" in budget.why_full(1)
    budget.scene_over(Spent(requests=10, tokens=10), finished=True)
    assert [bool(budget.why_full(under_way)) for under_way in (0, 8, 9)] == [False, False, True]


def test_a_scene_that_would_not_be_finished_is_not_begun() -> None:
    budget = Budget(Caps(tokens=100))
    for _ in range(3):
        budget.scene_over(Spent(tokens=30), finished=True)
    assert budget.why_full(0) == "the budget of 100 tokens reaches no further"


def test_what_failed_costs_as_well() -> None:
    budget = Budget(Caps(requests=10))
    budget.scene_over(Spent(requests=6), finished=False)
    assert "reaches no further" in budget.why_full(0)


def test_what_earlier_commands_have_cost_counts() -> None:
    budget = Budget(Caps(requests=100, tokens=1_000, scenes=3))
    budget.found(Spent(requests=100, tokens=10))
    with pytest.raises(BrokenOffError, match="100 requests"):
        budget.take_request()
    other = Budget(Caps(scenes=3))
    for _ in range(2):
        other.found(Spent())
    assert other.why_full(0) == ""
    assert other.why_full(1) == "the budget of 3 scenes reaches no further"


def test_scenes_that_fail_leave_room_for_others() -> None:
    budget = Budget(Caps(scenes=1))
    budget.scene_over(Spent(), finished=False)
    assert budget.why_full(0) == ""
    budget.scene_over(Spent(), finished=True)
    assert budget.why_full(0)


def test_a_scene_that_would_end_too_late_is_not_begun() -> None:
    clock = Clock()
    budget = Budget(Caps(seconds=10.0), now=clock)
    budget.scene_over(Spent(seconds=3.0), finished=True)
    clock.now_s += 6.0
    assert budget.why_full(5) == ""
    clock.now_s += 2.0
    assert budget.why_full(5) == "the budget of 10 s reaches no further"


def test_a_run_that_ends_sends_nothing_more() -> None:
    budget = Budget(Caps())
    budget.stop("enough")
    budget.stop("another reason")
    assert budget.over == "enough"
    with pytest.raises(BrokenOffError, match="enough"):
        budget.take_request()
    assert budget.why_full(0) == "enough"


@pytest.mark.parametrize("caps", [{"tokens": -1}, {"requests": 10**16}, {"seconds": math.nan}, {"scenes": -3}])
def test_a_cap_that_cannot_be_is_refused(caps: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="is not between 0 and"):
        Caps(**caps)  # type: ignore[arg-type]
