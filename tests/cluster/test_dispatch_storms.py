"""Storms: batches that fail and workers that die at random, and every task comes out once all the same."""

from __future__ import annotations

import functools
import os
import random
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from speechagents.cluster.dispatch import Dispatcher, Done, Quarantined
from speechagents.cluster.executor import Post, Service
from speechagents.cluster.local import LocalPool
from speechagents.errors import WorkerLost
from tests.cluster.made_up_services import Doing, Order, noted

FOREVER = 10**6


def no_service() -> Service:
    raise AssertionError("the executor of these tests loads nothing")


def numbers(outcomes: Iterable[Done | Quarantined]) -> list[int]:
    return [outcome.number for outcome in outcomes]


class Stormy:
    """An executor that ends what is under way in any order, well or not: each task fails as often as is said."""

    def __init__(self, seed: int, workers: int, fails: dict[int, tuple[int, type[Exception]]]) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - what ends next is no secret
        self._workers = workers
        self._fails = dict(fails)
        self._news = threading.Condition()
        self._under_way: list[tuple[list[int], Future[list[Any]]]] = []
        self._over = False
        self._thread = threading.Thread(target=self._end_all)
        self._thread.start()
        self.batches = 0
        self.most = 0

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        future: Future[list[Any]] = Future()
        with self._news:
            self.batches += 1
            self._under_way.append((list(tasks), future))
            self.most = max(self.most, len(self._under_way))
            self._news.notify()
        return future

    def capacity(self, post: Post) -> int:
        return 2 * self._workers

    def close(self) -> None:
        with self._news:
            self._over = True
            self._news.notify()
        self._thread.join()

    def _end_all(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._under_way or self._over)
                if not self._under_way:
                    return
                tasks, future = self._under_way.pop(self._chance.randrange(len(self._under_way)))
            at_fault = [task for task in tasks if self._fails.get(task, (0, ValueError))[0]]
            if not at_fault:
                future.set_result([10 * task for task in tasks])
                continue
            times, error = self._fails[at_fault[0]]
            self._fails[at_fault[0]] = (times - 1, error)
            future.set_exception(error("on the way"))


@pytest.mark.parametrize("kept", [True, False])
@examples(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 4),
    batch=st.integers(1, 9),
    together=st.booleans(),
    total=st.integers(0, 60),
    data=st.data(),
)
def test_whatever_fails_and_whenever_each_task_comes_out_once(
    kept: bool, seed: int, workers: int, batch: int, together: bool, total: int, data: st.DataObject
) -> None:
    """A few poisoned tasks, and accidents that pass: nothing is missing, doubled or out of order."""
    tasks = st.integers(0, max(0, total - 1))
    poisoned = data.draw(st.sets(tasks, max_size=3))
    shaken = data.draw(st.sets(tasks, max_size=20)) - poisoned
    kinds = st.sampled_from([ValueError, WorkerLost])
    fails: dict[int, tuple[int, type[Exception]]] = {task: (FOREVER, data.draw(kinds)) for task in sorted(poisoned)}
    fails |= {task: (2, data.draw(kinds)) for task in sorted(shaken)}
    with closing(Stormy(seed, workers, fails)) as executor:
        dispatcher = Dispatcher(executor)
        run = dispatcher.ordered if kept else dispatcher.as_they_come
        outcomes = list(run(Post("made-up", no_service, batch=batch, together=together), range(total)))
    found = numbers(outcomes)
    assert sorted(found) == list(range(total))
    assert not kept or found == sorted(found)
    assert {one.number for one in outcomes if isinstance(one, Quarantined)} == {n for n in poisoned if n < total}
    assert all(one.result == 10 * one.task for one in outcomes if isinstance(one, Done))
    assert executor.most <= 2 * workers
    counts = dispatcher.counts
    assert (counts.tasks, counts.batches) == (total, executor.batches)
    # Halves of a batch are fewer than two for each task, and a task by itself is tried twelve times at most.
    assert executor.batches <= 2 * total + 12 * len(fails) + 1


class TestWithProcesses:
    @pytest.fixture(autouse=True)
    def importable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Worker processes look for the services of these tests where this process does."""
        monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2])

    def test_one_task_that_kills_its_workers_is_found_and_all_else_is_done(self, tmp_path: Path) -> None:
        post = Post("doing", functools.partial(Doing, tmp_path), batch=4, together=True)
        with closing(LocalPool(2)) as pool:
            dispatcher = Dispatcher(pool)
            orders = [Order(number, "die" if number == 9 else "") for number in range(16)]
            outcomes = list(dispatcher.ordered(post, orders))
        assert numbers(outcomes) == list(range(16))
        (lost,) = [one for one in outcomes if isinstance(one, Quarantined)]
        assert lost.number == 9
        assert "its worker was lost 3 times" in lost.reason
        assert "SIGKILL" in lost.reason
        assert len(noted(tmp_path, "die")) == dispatcher.counts.lost == 5, "with four, with two, and thrice alone"

    def test_workers_killed_at_random_leave_no_trace_in_the_results(self, tmp_path: Path) -> None:
        post = Post("doing", functools.partial(Doing, tmp_path), batch=3)
        chance = random.Random(9)  # noqa: S311 - whom to kill is no secret
        orders = [Order(number, "nap" if number % 5 == 0 else "", once=True) for number in range(60)]
        over = threading.Event()
        killed: list[int] = []

        def kill(pool: LocalPool) -> None:
            while not over.wait(0.4) and len(killed) < 8:
                if pids := pool.pids:
                    killed.append(chance.choice(pids))
                    os.kill(killed[-1], signal.SIGKILL)

        with closing(LocalPool(2)) as pool:
            killer = threading.Thread(target=kill, args=(pool,))
            killer.start()
            dispatcher = Dispatcher(pool)
            outcomes = list(dispatcher.ordered(post, orders))
            over.set()
            killer.join()
        assert numbers(outcomes) == list(range(60))
        assert not [one for one in outcomes if isinstance(one, Quarantined)]
        # A nap says so once; whoever does a task after its first worker was killed does it straight on.
        assert all(one.result[0] in (one.task.number, -1) for one in outcomes if isinstance(one, Done))
        assert killed
        assert dispatcher.counts.tasks == 60
