"""How fast a client may send."""

import pytest

from speechagents.live.bucket import Bucket
from tests.live.fake_clock import FakeClock


def test_what_fits_goes_at_once_and_the_rest_waits_its_time() -> None:
    bucket = Bucket(10.0, 3.0, FakeClock().now)
    assert [bucket.take(1.0) for _ in range(5)] == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])


def test_it_fills_again_with_time_but_never_above_the_brim() -> None:
    clock = FakeClock()
    bucket = Bucket(10.0, 3.0, clock.now)
    bucket.take(3.0)
    clock.now_s += 0.2
    assert [bucket.take(1.0) for _ in range(3)] == pytest.approx([0.0, 0.0, 0.1])
    clock.now_s += 1_000.0
    assert [bucket.take(1.0) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.1])


def test_waiting_as_told_keeps_to_the_rate() -> None:
    clock = FakeClock()
    bucket = Bucket(4.0, 8.0, clock.now)
    for _ in range(100):
        clock.now_s += bucket.take(3.0)
    assert clock.now_s - 1_000.0 == pytest.approx((300.0 - 8.0) / 4.0)


def test_a_bucket_that_lets_nothing_through_is_refused() -> None:
    for per_s, most in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValueError, match="nothing"):
            Bucket(per_s, most, FakeClock().now)
