"""Results arrive in order, memory is bounded and nothing hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from speechagents.production.lanes import WAITING_BYTES, Done, Job, Lane, Product, Progress, run


def task(values: list[int], *, delay_s: float = 0.0, size: int = 1) -> Callable[[], Iterator[Product]]:
    def work() -> Iterator[Product]:
        for value in values:
            time.sleep(delay_s)
            yield Product(value, 10.0, size)

    return work


def collecting(tasks: list[Callable[[], Iterator[Product]]], total_s: float = 0.0) -> Job[list[int]]:
    found: list[int] = []
    yield Lane(tasks, found.append, total_s)
    return found


def results(jobs: dict[str, Job[Any]], threads: int) -> dict[str, Any]:
    return {event.job: event.result for event in run(jobs, threads=threads) if isinstance(event, Done)}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_products_come_in_order_however_slow_their_tasks(threads: int) -> None:
    tasks = [task([3 * n, 3 * n + 1, 3 * n + 2], delay_s=0.004 * (3 - n % 3)) for n in range(9)]
    assert results({"": collecting(tasks)}, threads) == {"": list(range(27))}


def test_jobs_run_side_by_side_and_lanes_of_one_job_after_each_other() -> None:
    def two_lanes() -> Job[list[int]]:
        first = yield from collecting([task([1, 2])])
        second = yield from collecting([task([3]), task([4])])
        return first + second

    def no_lane() -> Job[str]:
        return "at once"
        yield

    def empty_lane() -> Job[list[int]]:
        return (yield from collecting([]))

    jobs: dict[str, Job[Any]] = {"two": two_lanes(), "none": no_lane(), "empty": empty_lane()}
    assert results(jobs, 2) == {"two": [1, 2, 3, 4], "none": "at once", "empty": []}


def test_progress_is_told_with_the_total() -> None:
    events = list(run({"job": collecting([task([1, 2, 3])], total_s=30.0)}, threads=1))
    assert events[:-1] == [Progress("job", seconds, 30.0) for seconds in (10.0, 20.0, 30.0)]


def test_a_task_that_runs_ahead_waits() -> None:
    ahead = 0
    release = threading.Event()

    def slow() -> Iterator[Product]:
        release.wait(5.0)
        yield Product(0, 0.0, 1)

    def eager() -> Iterator[Product]:
        nonlocal ahead
        for _ in range(10):
            ahead += 1
            yield Product(1, 0.0, WAITING_BYTES)

    def watch() -> None:
        time.sleep(0.3)
        seen.append(ahead)
        release.set()

    seen: list[int] = []
    watcher = threading.Thread(target=watch)
    watcher.start()
    found = results({"": collecting([slow, eager])}, threads=2)[""]
    watcher.join()
    assert found == [0] + [1] * 10
    assert seen[0] <= 3


def test_few_tasks_are_taken_before_there_is_room() -> None:
    taken = 0

    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        nonlocal taken
        for n in range(100):
            taken += 1
            yield task([n])

    most = 0

    def consume(value: int) -> None:
        nonlocal most
        most = max(most, taken - value)

    def job() -> Job[None]:
        yield Lane(tasks(), consume)

    list(run({"": job()}, threads=2))
    assert taken == 100
    assert most <= 4


@pytest.mark.parametrize("place", ["task", "consume", "job"])
def test_an_error_stops_everything_and_cleans_up(place: str) -> None:
    closed: list[str] = []

    def fail() -> Iterator[Product]:
        yield Product(1, 0.0, 1)
        if place == "task":
            raise RuntimeError("broken")

    def consume(value: int) -> None:
        if place == "consume":
            raise RuntimeError("broken")

    def job(name: str, lane: Lane) -> Job[None]:
        try:
            yield lane
            if place == "job":
                raise RuntimeError("broken")
        finally:
            closed.append(name)

    endless = Lane([task(list(range(100_000)), delay_s=0.001)], [].append)
    with pytest.raises(RuntimeError, match="broken"):
        list(run({"bad": job("bad", Lane([fail], consume)), "other": job("other", endless)}, threads=2))
    assert sorted(closed) == ["bad", "other"]


def test_whoever_stops_listening_stops_the_work() -> None:
    before = threading.active_count()
    events = run({"": collecting([task(list(range(100_000)), delay_s=0.001)], total_s=1e6)}, threads=2)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_no_more_jobs_are_begun_than_may_be_at_once() -> None:
    """And they are taken one by one: a book of any length has few chapters in the press."""
    begun: list[int] = []
    done: list[int] = []
    most = 0

    def job(number: int) -> Job[int]:
        nonlocal most
        begun.append(number)
        most = max(most, len(begun) - len(done))
        yield Lane(tasks=iter([lambda: iter([Product(number, 0.0, 0)])]), consume=lambda _: None)
        return number

    taken: list[int] = []

    def jobs() -> Iterator[tuple[str, Job[int]]]:
        for number in range(40):
            taken.append(number)
            assert len(taken) - len(done) <= 4
            yield str(number), job(number)

    for event in run(jobs(), threads=2, at_once=3):
        assert isinstance(event, Done)
        done.append(event.result)
    assert sorted(done) == list(range(40))
    assert begun == list(range(40))
    assert most <= 3


def test_jobs_that_have_nothing_to_do_end_at_once() -> None:
    def job(number: int) -> Job[int]:
        return number
        yield

    events = list(run(((str(number), job(number)) for number in range(10)), threads=2, at_once=2))
    assert [event.result for event in events if isinstance(event, Done)] == list(range(10))
