"""Trying again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.controllers.retrying import Backoff, TransientError, http_date, persist, retry_after_s

NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)


def run(
    *troubles: TransientError, backoff: Backoff | None = None, seed: str = "a"
) -> tuple[str | None, list[float], int]:
    """The result, the waits and the number of tries of something that fails so often before it works."""
    waits: list[float] = []
    tries = 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries <= len(troubles):
            raise troubles[tries - 1]
        return "done"

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def work() -> str | None:
        try:
            return await persist(attempt, backoff=backoff or Backoff(), seed=seed, sleep=sleep)
        except TransientError:
            return None

    return asyncio.run(work()), waits, tries


def test_what_works_at_once_is_done_once_and_waits_for_nothing() -> None:
    assert run() == ("done", [], 1)


def test_a_trouble_that_passes_is_outlived() -> None:
    result, waits, tries = run(TransientError("a"), TransientError("b"))
    assert (result, len(waits), tries) == ("done", 2, 3)


def test_the_last_trouble_is_raised_when_all_tries_are_used_up_and_nothing_waits_after_it() -> None:
    result, waits, tries = run(*[TransientError("again")] * 9, backoff=Backoff(attempts=3))
    assert (result, len(waits), tries) == (None, 2, 3)


def test_other_errors_are_not_tried_again() -> None:
    async def attempt() -> str:
        raise ValueError("for good")

    async def sleep(seconds: float) -> None:
        raise AssertionError("waited")

    with pytest.raises(ValueError, match="for good"):
        asyncio.run(persist(attempt, backoff=Backoff(), seed="a", sleep=sleep))


def test_waiting_can_be_broken_off() -> None:
    async def attempt() -> str:
        raise TransientError("again")

    async def work() -> None:
        waiting = asyncio.Event()

        async def sleep(seconds: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(_as_coroutine(lambda: persist(attempt, backoff=Backoff(), seed="a", sleep=sleep)))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


async def _as_coroutine(call: Callable[[], Awaitable[str]]) -> str:
    return await call()


@given(tried=st.integers(1, 200), seed=st.text(max_size=20))
def test_waits_grow_to_a_limit_and_are_drawn_from_nothing_to_the_whole(tried: int, seed: str) -> None:
    backoff = Backoff(first_s=0.5, most_s=30.0)
    assert 0.0 <= backoff.wait_s(tried, seed=seed) < min(30.0, 0.5 * 2.0 ** (tried - 1)) + 1e-12


def test_draws_spread_over_the_whole_range() -> None:
    waits = sorted(Backoff(first_s=1.0).wait_s(1, seed=f"prompt {number}") for number in range(400))
    assert waits[0] < 0.05
    assert waits[-1] > 0.95
    assert 0.4 < waits[200] < 0.6


def test_the_same_seed_waits_the_same_and_another_waits_otherwise() -> None:
    troubles = [TransientError("again")] * 3
    assert run(*troubles, seed="7 0") == run(*troubles, seed="7 0")
    assert run(*troubles, seed="7 0")[1] != run(*troubles, seed="7 1")[1]


def test_a_wait_is_as_long_as_the_other_side_asks_but_not_longer_than_the_limit() -> None:
    backoff = Backoff(first_s=0.5, most_s=30.0)
    assert backoff.wait_s(1, seed="a", retry_after_s=7.0) == 7.0
    assert backoff.wait_s(1, seed="a", retry_after_s=86_400.0) == 30.0
    assert backoff.wait_s(1, seed="a", retry_after_s=0.0) == backoff.wait_s(1, seed="a")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Sat, 01 Mar 2025 12:00:09 GMT", 9.0),
        ("Saturday, 01-Mar-25 12:00:09 GMT", 9.0),
        ("Sat, 01 Mar 2025 13:00:09 +0100", 9.0),
        ("Sat, 01 Mar 2025 11:59:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-3", None),
        ("soon", None),
        ("1e9", None),
        ("9" * 400, None),
        ("٣", None),
        ("Sat, 99 Mar 2025 12:00:09 GMT", None),
        ("Sat, 01 Mar 99999 12:00:09 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_otherwise_nothing(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOW) == seconds


@given(st.text(max_size=60))
def test_no_header_makes_it_fail(value: str) -> None:
    seconds = retry_after_s(value, now=NOW)
    assert seconds is None or seconds >= 0.0


def test_a_date_without_a_zone_is_in_utc() -> None:
    assert http_date("Sat, 01 Mar 2025 12:00:00 -0000") == NOW


@pytest.mark.parametrize("options", [{"attempts": 0}, {"first_s": 0.0}, {"first_s": 9.0, "most_s": 1.0}])
def test_a_policy_that_makes_no_sense_cannot_be_made(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"attempts|waits"):
        Backoff(**options)  # type: ignore[arg-type]
