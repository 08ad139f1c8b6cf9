"""Token buckets on a clock that is moved by hand."""

from __future__ import annotations

from speechagents.serving.rates import Buckets, Rate

from .conftest import Clock


def test_a_burst_is_admitted_and_then_a_steady_rate(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=2.0, burst=3.0), now=clock)
    assert [buckets.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.wait_s("b") == 0.0, "others do not pay for it"
    clock.now += 0.5
    assert [buckets.wait_s("a") for _ in range(2)] == [0.0, 0.5]
    clock.now += 100
    assert [buckets.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_who_has_to_wait_does_not_wait_longer_for_asking(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1.0, burst=1.0), now=clock)
    buckets.wait_s("a")
    assert [buckets.wait_s("a") for _ in range(5)] == [1.0] * 5


def test_a_coming_that_is_forgiven_does_not_count(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1.0, burst=2.0), now=clock)
    for _ in range(10):
        assert buckets.wait_s("a") == 0.0
        buckets.forgive("a")
    buckets.forgive("a stranger")
    assert [buckets.wait_s("a") for _ in range(3)] == [0.0, 0.0, 1.0]


def test_the_table_does_not_grow_without_end(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1.0, burst=1.0), most=10, now=clock)
    for number in range(1_000):
        buckets.wait_s(str(number))
    assert len(buckets) == 10
