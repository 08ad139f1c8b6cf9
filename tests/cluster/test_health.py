"""A circuit breaker: when an endpoint rests, who probes it, and whose fault a failure is."""

from __future__ import annotations

import math

import pytest

from speechagents.cluster.health import MAX_REST_S, Health

ANN, BOB = "Ann's scene", "Bob's scene"


@pytest.fixture
def health() -> Health:
    return Health("a")


def fail(health: Health, now_s: float, *, probe: bool = False, whose: str = ANN, gone: bool = False) -> bool:
    return health.failed("it broke", now_s, probe=probe, whose=whose, gone=gone)


def trip(health: Health) -> None:
    for whose in (ANN, BOB, ANN):
        fail(health, 0.0, whose=whose)


def test_one_that_nobody_has_asked_is_well(health: Health) -> None:
    assert health.is_up
    assert health.is_ready(0.0)
    assert not health.begin(), "nothing is probed"


def test_three_failures_in_a_row_send_it_to_rest(health: Health) -> None:
    fail(health, 0.0)
    fail(health, 0.0)
    assert health.is_up
    fail(health, 0.0)
    assert not health.is_up
    assert not health.is_ready(health.opens_s - 0.001)
    assert health.is_ready(health.opens_s)
    assert health.why == "it broke"


def test_an_answer_in_between_forgives(health: Health) -> None:
    for _ in range(10):
        fail(health, 0.0)
        fail(health, 0.0)
        health.answered(probe=False)
    assert health.is_up
    assert health.why == ""


def test_one_that_is_not_there_rests_at_once(health: Health) -> None:
    assert not fail(health, 0.0, gone=True), "nobody is at fault"
    assert not health.is_up


def test_one_request_probes_it_and_an_answer_opens_it(health: Health) -> None:
    trip(health)
    now_s = health.opens_s
    assert health.begin()
    assert not health.is_ready(now_s), "one probe at a time"
    health.answered(probe=True)
    assert health.is_up
    assert health.is_ready(now_s)


def test_a_probe_that_fails_sends_it_back_for_longer_on_average(health: Health) -> None:
    trip(health)
    rests_s = []
    for _ in range(12):
        now_s = health.opens_s
        assert health.begin()
        fail(health, now_s, probe=True)
        rests_s.append(health.opens_s - now_s)
    assert max(rests_s) <= 30.0
    assert sum(rests_s[-6:]) > sum(rests_s[:6])


def test_a_probe_that_nobody_waits_for_leaves_room_for_the_next(health: Health) -> None:
    trip(health)
    now_s = health.opens_s
    assert health.begin()
    health.let_go(probe=True)
    assert health.is_ready(now_s)
    assert health.begin()


def test_what_was_sent_before_it_came_to_rest_changes_nothing(health: Health) -> None:
    trip(health)
    opens_s = health.opens_s
    health.answered(probe=False)
    fail(health, 0.5)
    assert health.opens_s == opens_s
    assert not health.is_up


@pytest.mark.parametrize(("asked_s", "rests_s"), [(7.5, 7.5), (0.0, 0.0), (1e9, MAX_REST_S)])
def test_it_rests_for_as_long_as_it_asks_within_reason(health: Health, asked_s: float, rests_s: float) -> None:
    health.limited("slow down", 100.0, probe=False, rest_s=asked_s)
    assert health.opens_s == 100.0 + rests_s
    assert not health.is_up
    assert health.begin(), "after a rest it is probed"


def test_of_several_pleas_the_longest_counts(health: Health) -> None:
    for rest_s in (2.0, 9.0, 1.0, None):
        health.limited("slow down", 0.0, probe=False, rest_s=rest_s)
    assert health.opens_s == 9.0


def test_one_that_asks_for_rest_without_a_time_rests_for_longer_each_time(health: Health) -> None:
    rests_s = []
    now_s = 0.0
    for number in range(10):
        health.limited("slow down", now_s, probe=number > 0, rest_s=None)
        rests_s.append(health.opens_s - now_s)
        now_s = health.opens_s
        health.begin()
    assert sum(rests_s[5:]) > sum(rests_s[:5])
    assert max(rests_s) <= 30.0


def test_one_that_is_barred_never_opens(health: Health) -> None:
    health.bar("no key")
    assert not health.is_up
    assert health.opens_s == math.inf
    assert not health.is_ready(1e12)


def test_who_fails_alone_again_and_again_may_be_at_fault(health: Health) -> None:
    assert fail(health, 0.0)
    assert fail(health, 0.0)
    assert fail(health, 0.0), "the third, which trips it"
    health.begin()
    assert fail(health, health.opens_s, probe=True)


def test_one_that_fails_for_several_is_out_of_order_which_is_nobodys_fault(health: Health) -> None:
    assert fail(health, 0.0, whose=ANN)
    assert fail(health, 0.0, whose=BOB), "not out of order yet"
    assert not fail(health, 0.0, whose=ANN)
    health.begin()
    assert not fail(health, health.opens_s, probe=True, whose=BOB)
