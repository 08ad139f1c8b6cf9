"""From tasks to results: order, bounds, and what happens when batches fail and workers die."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from speechagents.cluster.dispatch import Counts, Dispatcher, Done, Quarantined
from speechagents.cluster.executor import Post, Service
from speechagents.cluster.local import InProcess
from speechagents.errors import (
    BackendMissing,
    ClusterError,
    MemoryFull,
    SettingsError,
    StorageError,
    WeightsMissing,
    WorkerLost,
)
from tests.cluster.made_up_services import Doing, Order, crashing, noted, without_weights

Tasks = list[Any]
Act = Callable[[Tasks], Exception | list[Any] | None]


def no_service() -> Service:
    raise AssertionError("the executors of these tests load nothing")


def post_of(batch: int, *, together: bool = True) -> Post:
    """Tasks are together unless a test is about that: then batches are as large as they can be."""
    return Post("made-up", no_service, batch=batch, together=together)


def tens(tasks: Tasks) -> list[Any]:
    return [10 * task for task in tasks]


@dataclass
class Scripted:
    """An executor whose batches end as it is told, and when.

    Attributes:
        act: Results of a batch, an error, or None to leave it under way.
        workers: Decides the capacity.
        given: Every batch it was given.
    """

    act: Act = tens
    workers: int = 1
    given: list[Tasks] = field(default_factory=list)
    futures: list[Future[list[Any]]] = field(default_factory=list)

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        self.given.append(list(tasks))
        self.futures.append(Future())
        self._end(len(self.given) - 1, self.act(list(tasks)))
        return self.futures[-1]

    def end(self, number: int) -> None:
        """End a batch that was left under way well."""
        self._end(number, tens(self.given[number]))

    def capacity(self, post: Post) -> int:
        return 2 * self.workers

    def close(self) -> None:
        for future in self.futures:
            future.cancel()

    def _end(self, number: int, how: Exception | list[Any] | None) -> None:
        if isinstance(how, Exception):
            self.futures[number].set_exception(how)
        elif how is not None:
            self.futures[number].set_result(how)


class Failing:
    """What a batch comes to in which some tasks fail, each as often as is said."""

    def __init__(self, times: dict[int, int], error: type[Exception] = ValueError) -> None:
        self._left = dict(times)
        self._error = error

    def __call__(self, tasks: Tasks) -> Exception | list[Any]:
        for task in tasks:
            if self._left.get(task, 0):
                self._left[task] -= 1
                return self._error(f"{task} is poison")
        return tens(tasks)


FOREVER = 10**6


def numbers(outcomes: Iterable[Done | Quarantined]) -> list[int]:
    return [outcome.number for outcome in outcomes]


class TestOrder:
    def test_results_stand_beside_their_tasks(self) -> None:
        outcomes = list(Dispatcher(Scripted()).ordered(post_of(2), [3, 1, 2]))
        assert outcomes == [Done(0, 3, 30), Done(1, 1, 10), Done(2, 2, 20)]

    def test_nothing_comes_of_nothing(self) -> None:
        executor = Scripted()
        assert list(Dispatcher(executor).ordered(post_of(8), [])) == []
        assert list(Dispatcher(executor).as_they_come(post_of(1), iter(()))) == []
        assert executor.given == []

    def test_ordered_waits_for_the_first_and_as_they_come_does_not(self) -> None:
        for kept in (True, False):
            executor = Scripted(lambda tasks: None if 0 in tasks else tens(tasks))
            dispatcher = Dispatcher(executor)
            outcomes = (dispatcher.ordered if kept else dispatcher.as_they_come)(post_of(1), range(3))
            if kept:
                threading.Timer(0.1, executor.end, (0,)).start()
                assert numbers(outcomes) == [0, 1, 2]
            else:
                assert numbers(itertools.islice(outcomes, 2)) == [1, 2]
                executor.end(0)
                assert numbers(outcomes) == [0]

    def test_a_quarantined_task_keeps_its_place(self) -> None:
        outcomes = list(Dispatcher(Scripted(Failing({1: FOREVER}))).ordered(post_of(4), range(4)))
        assert numbers(outcomes) == [0, 1, 2, 3]
        assert [isinstance(outcome, Quarantined) for outcome in outcomes] == [False, True, False, False]


class TestBounds:
    def test_tasks_are_read_as_workers_have_room(self) -> None:
        read: list[int] = []

        def tasks() -> Iterator[int]:
            for number in range(100_000):
                read.append(number)
                yield number

        executor = Scripted(workers=2)
        with closing(Dispatcher(executor).as_they_come(post_of(5, together=False), tasks())) as outcomes:
            for outcome in itertools.islice(outcomes, 1_000):
                # Four batches with the workers, one being taken, and what is read ahead to see the end coming.
                assert len(read) <= outcome.number + 5 * 4 + 5 + (2 * 2 * 5 + 1)
        assert len(read) < 1_040

    def test_one_by_one_nothing_is_read_ahead(self) -> None:
        """Whoever decides by earlier results what comes next, as a budget does, is asked no sooner than need be."""
        rest = iter(range(100))
        with closing(Dispatcher(Scripted(workers=3)).as_they_come(post_of(1), rest)) as outcomes:
            next(outcomes)
            assert next(rest) == 7, "six under way, and one for the one that is done"

    def test_while_the_first_takes_long_only_so_much_is_done_ahead(self) -> None:
        executor = Scripted(lambda tasks: None if 0 in tasks else tens(tasks), workers=2)
        outcomes = Dispatcher(executor).ordered(post_of(3), range(1_000))
        first = threading.Thread(target=lambda: seen.append(next(outcomes)))
        seen: list[Done | Quarantined] = []
        first.start()
        before = -1
        while before != len(executor.given) < 100:
            before = len(executor.given)
            time.sleep(0.1)
        assert before <= 1 + 2 * 4 + 4, "two rounds for all workers wait, and a third is under way"
        executor.end(0)
        first.join(10.0)
        assert numbers([*seen, *outcomes]) == list(range(1_000))

    @pytest.mark.parametrize(
        ("total", "workers", "sizes"),
        [
            (40, 2, [20, 20]),
            (100, 2, [32, 32, 18, 18]),
            (64, 2, [32, 32]),
            (3, 2, [2, 1]),
            (66, 2, [32, 17, 17]),
            (32, 1, [32]),
        ],
    )
    def test_of_batches_that_take_as_long_as_a_task_the_last_ones_are_alike(
        self, total: int, workers: int, sizes: list[int]
    ) -> None:
        executor = Scripted(workers=workers)
        list(Dispatcher(executor).ordered(post_of(32), range(total)))
        assert [len(batch) for batch in executor.given] == sizes

    @pytest.mark.parametrize(
        ("total", "workers", "sizes"),
        [
            (150, 2, [32, 30, 22, 17, 13, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1, 1]),
            (40, 2, [10, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1]),
            (3, 2, [1, 1, 1]),
            (40, 1, [20, 10, 5, 3, 1, 1]),
        ],
    )
    def test_of_batches_whose_tasks_take_their_time_the_last_ones_are_small(
        self, total: int, workers: int, sizes: list[int]
    ) -> None:
        executor = Scripted(workers=workers)
        outcomes = list(Dispatcher(executor).ordered(post_of(32, together=False), range(total)))
        assert numbers(outcomes) == list(range(total))
        assert [len(batch) for batch in executor.given] == sizes

    def test_closing_cancels_what_waits(self) -> None:
        executor = Scripted(lambda tasks: tens(tasks) if 0 in tasks else None, workers=2)
        outcomes = Dispatcher(executor).ordered(post_of(1), range(100))
        assert next(outcomes) == Done(0, 0, 0)
        outcomes.close()
        assert len(executor.futures) == 5
        assert all(future.cancelled() for future in executor.futures[1:])

    def test_an_error_of_whoever_gives_the_tasks_is_theirs(self) -> None:
        def tasks() -> Iterator[int]:
            yield 1
            raise StorageError("the disk is gone")

        executor = Scripted(lambda _: None)
        with pytest.raises(StorageError, match="the disk is gone"):
            list(Dispatcher(executor).ordered(post_of(1), tasks()))
        assert executor.futures[0].cancelled()


class TestFailures:
    @pytest.mark.parametrize("error", [ValueError, WorkerLost, MemoryFull])
    def test_halves_find_the_one_at_fault(self, error: type[Exception]) -> None:
        executor = Scripted(Failing({5: FOREVER}, error))
        dispatcher = Dispatcher(executor)
        outcomes = list(dispatcher.ordered(post_of(8), range(8)))
        assert executor.given == [
            [0, 1, 2, 3, 4, 5, 6, 7],
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [4, 5],
            [6, 7],
            [4],
            [5],
            [5],
            [5],
        ]
        (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Quarantined)]
        assert (lost.number, lost.task) == (5, 5)
        assert dispatcher.counts == Counts(
            tasks=8, batches=9, retried=8, lost=6 if error is WorkerLost else 0, quarantined=1
        )

    def test_the_reason_says_what_happened_and_how_often(self) -> None:
        def reason(error: type[Exception], *, tries: int = 3) -> str:
            (outcome,) = Dispatcher(Scripted(Failing({1: FOREVER}, error)), tries=tries).ordered(post_of(1), [1])
            assert isinstance(outcome, Quarantined)
            return outcome.reason

        assert reason(ValueError) == (
            "made-up: it failed 3 times; it is not tried again; the last time: ValueError: 1 is poison"
        )
        assert reason(WorkerLost, tries=1) == (
            "made-up: its worker was lost once; it is not tried again; the last time: 1 is poison"
        )

    def test_a_reason_is_of_bounded_length(self) -> None:
        executor = Scripted(lambda _: ValueError("x" * 100_000))
        (outcome,) = Dispatcher(executor).ordered(post_of(1), [1])
        assert isinstance(outcome, Quarantined)
        assert len(outcome.reason) < 1_000

    def test_by_itself_a_task_has_all_its_tries(self) -> None:
        """What happened to it in company counts for nothing."""
        executor = Scripted(Failing({5: 5}))
        assert all(isinstance(one, Done) for one in Dispatcher(executor).ordered(post_of(8), range(8)))
        executor = Scripted(Failing({5: 6}))
        assert not all(isinstance(one, Done) for one in Dispatcher(executor).ordered(post_of(8), range(8)))

    @pytest.mark.parametrize("wrong", [[], [1], [1, 2, 3]])
    def test_a_service_that_miscounts_has_failed(self, wrong: list[int]) -> None:
        executor = Scripted(lambda tasks: wrong if len(tasks) == 2 else [0, 0])
        reasons = [one.reason for one in Dispatcher(executor).ordered(post_of(2), "ab") if isinstance(one, Quarantined)]
        assert len(reasons) == 2
        assert "it gave 2 results for 1 tasks" in reasons[0]

    @pytest.mark.parametrize("tries", [0, -1, 101])
    def test_tries_out_of_range(self, tries: int) -> None:
        with pytest.raises(SettingsError, match=f"{tries} tries are not between 1 and 100"):
            Dispatcher(Scripted(), tries=tries)


class TestAccidents:
    def test_where_workers_die_of_themselves_a_task_is_not_blamed_so_soon(self) -> None:
        """Tasks 1 to 9 lose their worker once each and are done then; task 0 meets eleven such accidents in a row."""
        executor = Scripted(Failing({0: 11, **dict.fromkeys(range(1, 10), 1)}, WorkerLost), workers=5)
        dispatcher = Dispatcher(executor)
        assert all(isinstance(one, Done) for one in dispatcher.ordered(post_of(1), range(10)))
        assert dispatcher.counts.lost == 20

    def test_but_in_the_end_it_is(self) -> None:
        executor = Scripted(Failing({0: FOREVER, **dict.fromkeys(range(1, 100), 1)}, WorkerLost), workers=5)
        outcomes = list(Dispatcher(executor).ordered(post_of(1), range(100)))
        assert isinstance(outcomes[0], Quarantined)
        assert "its worker was lost 12 times" in outcomes[0].reason
        assert all(isinstance(outcome, Done) for outcome in outcomes[1:])

    def test_two_that_kill_their_workers_do_not_excuse_each_other(self) -> None:
        executor = Scripted(Failing({3: FOREVER, 4: FOREVER}, WorkerLost), workers=2)
        list(Dispatcher(executor).ordered(post_of(1), range(8)))
        assert (executor.given.count([3]), executor.given.count([4])) == (3, 3)

    def test_accidents_excuse_no_errors(self) -> None:
        error: dict[int, Act] = {0: Failing({0: FOREVER}), 1: Failing(dict.fromkeys(range(1, 50), 1), WorkerLost)}
        executor = Scripted(lambda tasks: error[min(1, tasks[0])](tasks), workers=5)
        outcomes = list(Dispatcher(executor).ordered(post_of(1), range(50)))
        assert isinstance(outcomes[0], Quarantined)
        assert executor.given.count([0]) == 3

    def test_when_all_workers_are_lost_it_is_not_the_tasks(self) -> None:
        executor = Scripted(lambda _: WorkerLost("the room is on fire"), workers=4)
        with pytest.raises(ClusterError, match=r"30 workers were lost one after the other.*the room is on fire"):
            list(Dispatcher(executor).ordered(post_of(32), range(1_000)))
        assert len(executor.given) < 40


class TestWhatNoTaskIsToBlameFor:
    """With real threads, which load a post as workers do."""

    @pytest.fixture
    def threads(self) -> Iterator[InProcess]:
        with closing(InProcess(2)) as opened:
            yield opened

    def test_a_post_that_refuses_to_load_ends_it_at_once(self, threads: InProcess, tmp_path: Path) -> None:
        post = Post("without", functools.partial(without_weights, tmp_path), batch=4)
        with pytest.raises(WeightsMissing, match="the weights are on the other machine"):
            list(Dispatcher(threads).ordered(post, range(1_000)))
        assert len(noted(tmp_path, "loaded")) <= threads.capacity(post)

    def test_a_post_that_crashes_while_it_loads_is_tried_elsewhere_but_not_for_ever(
        self, threads: InProcess, tmp_path: Path
    ) -> None:
        post = Post("crashing", functools.partial(crashing, tmp_path))
        with pytest.raises(ClusterError, match="it cannot be loaded: RuntimeError: no device"):
            list(Dispatcher(threads).ordered(post, range(1_000)))
        assert 30 <= len(noted(tmp_path, "loaded")) <= 40

    def test_what_is_missing_is_missing_when_it_is_found_late(self) -> None:
        executor = Scripted(lambda _: BackendMissing("python -m pip install it"))
        with pytest.raises(BackendMissing):
            list(Dispatcher(executor).ordered(post_of(1), range(10)))
        assert len(executor.given) == 2

    def test_workers_that_cannot_be_reached(self) -> None:
        executor = Scripted(lambda _: ClusterError("the cluster is gone"))
        with pytest.raises(ClusterError, match="the cluster is gone"):
            list(Dispatcher(executor).ordered(post_of(1), range(10)))

    def test_workers_that_are_closed_meanwhile(self) -> None:
        executor = Scripted(lambda _: None)
        threading.Timer(0.1, executor.close).start()
        with pytest.raises(ClusterError, match="closed before all was done"):
            list(Dispatcher(executor).ordered(post_of(1), range(10)))


def test_several_threads_use_one(tmp_path: Path) -> None:
    seen: dict[int, list[int]] = {}
    with closing(InProcess(3)) as threads:
        dispatcher = Dispatcher(threads)
        post = Post("doing", functools.partial(Doing, tmp_path), batch=4)

        def scene(number: int) -> None:
            orders = [Order(100 * number + line, "refuse" if line == 7 else "") for line in range(30)]
            outcomes = dispatcher.ordered(post, orders)
            seen[number] = [outcome.task.number for outcome in outcomes if isinstance(outcome, Done)]

        scenes = [threading.Thread(target=scene, args=(number,)) for number in range(5)]
        for thread in scenes:
            thread.start()
        for thread in scenes:
            thread.join(60.0)
    assert seen == {n: [100 * n + line for line in range(30) if line != 7] for n in range(5)}
    counts = dispatcher.counts
    assert (counts.tasks, counts.quarantined, counts.lost) == (150, 5, 0)
