"""From tasks to results: batches for workers, trying again what was lost, and giving up what cannot be done.

Owns the order, how much is under way, and what happens when a worker is gone or a batch fails. Does not know what the
tasks are, nor what the workers run on.

A batch that fails, or whose worker is lost with it, is tried again in halves, until what is at fault is alone. A task
that fails so often by itself is *quarantined*: its place is taken by the reason, and everything else goes on. A worker
may also have been lost by accident, with an innocent task. Where that is seen to happen (a task was done after its
worker had been lost), it is held against the other tasks less.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from typing import Any, Final

from speechagents.cluster.executor import Executor, Post, Service
from speechagents.errors import (
    BackendMissing,
    ClusterError,
    SettingsError,
    SpeechAgentsError,
    WeightsMissing,
    WorkerLost,
)

MOST_TRIES: Final = 100
_PATIENCE: Final = 4
"""So many times the tries has a task whose workers are lost, while others are seen to be lost by accident."""
_HELD: Final = 2
"""Results that wait for their turn, in what all workers are given at once."""
_TAPER: Final = 2
"""So many rounds for all workers before the end, batches begin to get smaller."""
_IN_A_ROW: Final = 10
"""So many times the tries may workers be lost one after the other, with nothing done; then it is not the tasks."""
_REASON: Final = 500
"""Characters of what a worker says of a failure."""


@dataclass(frozen=True, slots=True)
class Done:
    """A task is done.

    Attributes:
        number: Its place among the tasks, from 0.
        task: The task.
        result: What the service made of it.
    """

    number: int
    task: Any
    result: Any


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A task could not be done and is not tried again.

    Attributes:
        number: Its place among the tasks, from 0.
        task: The task.
        reason: For people: how often it was tried, and what happened.
    """

    number: int
    task: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What a dispatcher has done so far.

    Attributes:
        tasks: Taken on; each is done, quarantined or under way.
        batches: Given to workers.
        retried: Of these, given again after a failure, as a whole or as a half.
        lost: Workers that were lost with a batch.
        quarantined: Tasks.
    """

    tasks: int = 0
    batches: int = 0
    retried: int = 0
    lost: int = 0
    quarantined: int = 0


class Dispatcher:
    """Has tasks done by the workers of an executor. Safe to use from several threads.

    Args:
        executor: Has the workers; whoever made it closes it.
        tries: How often a task that fails by itself is tried before it is quarantined.

    Raises:
        SettingsError: The number of tries is out of range.
    """

    def __init__(self, executor: Executor, *, tries: int = 3) -> None:
        if not 1 <= tries <= MOST_TRIES:
            raise SettingsError(f"{tries} tries are not between 1 and {MOST_TRIES}")
        self._executor = executor
        self._tally = _Tally(tries)

    @property
    def counts(self) -> Counts:
        """What has been done so far, by all threads together."""
        return self._tally.counts

    def as_they_come(self, post: Post, tasks: Iterable[Any]) -> Generator[Done | Quarantined, None, None]:
        """Have tasks done; outcomes come as soon as they are there.

        Args:
            post: What does them.
            tasks: Read in the calling thread, little by little, as workers are free and outcomes are taken.

        Yields:
            One outcome for each task. Closing the iterator cancels what waits.

        Raises:
            ClusterError: There are no workers any more, or one after the other is lost.
            SpeechAgentsError: What loading the post raised.
        """
        with contextlib.closing(_Flow(self._executor, post, tasks, self._tally).run()) as ended:
            for outcomes in ended:
                yield from outcomes

    def ordered(self, post: Post, tasks: Iterable[Any]) -> Generator[Done | Quarantined, None, None]:
        """Have tasks done; outcomes come in the order of the tasks, otherwise as by `as_they_come`.

        While an early task takes long, later ones are done ahead of it, up to a limit, and wait for it.
        """
        flow = _Flow(self._executor, post, tasks, self._tally)
        early: dict[int, Done | Quarantined] = {}
        turn = 0
        with contextlib.closing(flow.run()) as ended:
            for outcomes in ended:
                early.update((outcome.number, outcome) for outcome in outcomes)
                while (outcome := early.pop(turn, None)) is not None:
                    turn += 1
                    yield outcome
                flow.held = len(early)


class _UnloadedError(ClusterError):
    """Loading a post has failed, which no task is to blame for."""

    def __init__(self, cause: BaseException | str) -> None:
        # What is no error of ours travels as text: it may not survive the way back.
        self.why = cause if isinstance(cause, SpeechAgentsError) else _described(cause)
        super().__init__(self.why)

    def __str__(self) -> str:
        return f"it cannot be loaded: {self.why}"


def _load(make: Callable[[], Service]) -> Service:
    """Make a service, on the worker; what that raises can be told from what the service raises."""
    try:
        return make()
    except Exception as error:
        raise _UnloadedError(error) from error


class _Tally:
    """What all flows of a dispatcher count, and what they learn of accidents."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self._lock = threading.Lock()
        self._counts = Counts()
        self._accidents = 0

    @property
    def counts(self) -> Counts:
        with self._lock:
            return self._counts

    @property
    def accidents(self) -> int:
        """Losses of workers that turned out not to be the task's fault: later it was done."""
        with self._lock:
            return self._accidents

    def add(
        self,
        *,
        tasks: int = 0,
        batches: int = 0,
        retried: int = 0,
        lost: int = 0,
        quarantined: int = 0,
        accidents: int = 0,
    ) -> None:
        with self._lock:
            old = self._counts
            self._counts = Counts(
                old.tasks + tasks,
                old.batches + batches,
                old.retried + retried,
                old.lost + lost,
                old.quarantined + quarantined,
            )
            self._accidents += accidents


@dataclass(slots=True, eq=False)
class _Batch:
    """Tasks that go to a worker together, with their places.

    Attributes:
        tasks: Place and task.
        raised: How often a single task failed by an error.
        lost: How often the worker was lost with these very tasks.
        accidents: Accidents that were known when the worker was lost first.
        again: It, or what it is half of, has failed before.
    """

    tasks: list[tuple[int, Any]]
    raised: int = 0
    lost: int = 0
    accidents: int = 0
    again: bool = False


class _Flow:
    """One iteration over tasks: what is read, what is under way, what is to be tried again.

    Attributes:
        held: Outcomes that whoever iterates keeps until their turn comes; while they are many, nothing new is begun.
    """

    def __init__(self, executor: Executor, post: Post, tasks: Iterable[Any], tally: _Tally) -> None:
        self.held = 0
        self._executor = executor
        self._post = replace(post, make=functools.partial(_load, post.make))
        self._rest: Iterator[tuple[int, Any]] = enumerate(tasks)
        self._ended = False
        self._share = 0
        self._tally = tally
        self._read: deque[tuple[int, Any]] = deque()
        self._again: deque[_Batch] = deque()
        self._under_way: dict[Future[list[Any]], _Batch] = {}
        self._news: queue.SimpleQueue[Future[list[Any]]] = queue.SimpleQueue()
        self._in_a_row = 0

    def run(self) -> Generator[list[Done | Quarantined], None, None]:
        """Outcomes, as batches end."""
        try:
            while self._fill():
                future = self._news.get()
                outcomes = self._outcomes(self._under_way.pop(future), future)
                # Before they are handed on: workers go on while somebody is busy with the outcomes.
                self._fill()
                if outcomes:
                    yield outcomes
        finally:
            for future in list(self._under_way):
                future.cancel()

    def _fill(self) -> bool:
        """Give workers what they can take; whether anything is under way."""
        capacity = self._executor.capacity(self._post)
        while len(self._under_way) < capacity and self._again:
            self._give(self._again.popleft())
        while len(self._under_way) < capacity and self.held < _HELD * capacity * self._post.batch:
            if not (tasks := self._next(max(1, capacity // 2))):
                break
            self._tally.add(tasks=len(tasks))
            self._give(_Batch(tasks))
        return bool(self._under_way)

    def _next(self, workers: int) -> list[tuple[int, Any]]:
        """The next tasks: a batch, or towards the end less, so that no worker is left with much when others are done.

        Where a batch takes as long as a task, all get the same share in the last round. Elsewhere each gets a share of
        what is left, which is less each time, down to single tasks (guided self-scheduling).
        """
        size = self._post.batch
        if size == 1:
            return list(itertools.islice(self._rest, 1))
        rounds = 1 if self._post.together else _TAPER
        if not self._ended:
            # One more than those rounds: then it is known whether another one comes.
            self._read.extend(itertools.islice(self._rest, max(0, rounds * workers * size + 1 - len(self._read))))
            self._ended = len(self._read) <= rounds * workers * size
        if self._ended:
            if not (self._share and self._post.together):
                self._share = -(-len(self._read) // (rounds * workers))
            size = min(size, self._share)
        return [self._read.popleft() for _ in range(min(size, len(self._read)))]

    def _give(self, batch: _Batch) -> None:
        self._tally.add(batches=1, retried=int(batch.again))
        future = self._executor.submit(self._post, [task for _, task in batch.tasks])
        self._under_way[future] = batch
        future.add_done_callback(self._news.put)

    def _outcomes(self, batch: _Batch, future: Future[list[Any]]) -> list[Done | Quarantined]:
        """What became of a batch; empty when it is tried again.

        Raises:
            SpeechAgentsError: What would fail any other batch alike.
        """
        try:
            results = future.result()
        except CancelledError:
            raise ClusterError("the workers were closed before all was done; run the same command again") from None
        except _UnloadedError as error:
            if isinstance(error.why, SpeechAgentsError):
                raise error.why from None
            return self._lost(batch, error)
        except WorkerLost as error:
            self._tally.add(lost=1)
            return self._lost(batch, error)
        except (BackendMissing, WeightsMissing, ClusterError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the batch's
            return self._failed(batch, _described(error))
        if len(results) != len(batch.tasks):
            return self._failed(batch, f"it gave {len(results)} results for {len(batch.tasks)} tasks")
        self._in_a_row = 0
        self._tally.add(accidents=batch.lost)
        return [Done(number, task, result) for (number, task), result in zip(batch.tasks, results, strict=True)]

    def _lost(self, batch: _Batch, error: ClusterError) -> list[Done | Quarantined]:
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW * self._tally.tries:
            raise ClusterError(
                f"{self._post.name}: {self._in_a_row} workers were lost one after the other and nothing was done; "
                f"the last one: {error}"
            ) from error
        if not batch.lost:
            batch.accidents = self._tally.accidents
        batch.lost += 1
        return self._tried(batch, str(error))

    def _failed(self, batch: _Batch, reason: str) -> list[Done | Quarantined]:
        batch.raised += 1
        return self._tried(batch, reason)

    def _tried(self, batch: _Batch, reason: str) -> list[Done | Quarantined]:
        """Try a batch again, in halves; quarantine a single task that was tried often enough."""
        if (size := len(batch.tasks)) > 1:
            half = (size + 1) // 2
            self._again.extend(_Batch(tasks, again=True) for tasks in (batch.tasks[:half], batch.tasks[half:]))
            return []
        tries = self._tally.tries
        accidents = self._tally.accidents - batch.accidents if batch.lost else 0
        allowed = min(tries + accidents, _PATIENCE * tries)
        if batch.raised < tries and batch.raised + batch.lost < allowed:
            batch.again = True
            self._again.append(batch)
            return []
        ((number, task),) = batch.tasks
        self._tally.add(quarantined=1)
        return [Quarantined(number, task, self._given_up(batch, reason))]

    def _given_up(self, batch: _Batch, reason: str) -> str:
        what = " and ".join(
            f"{happened} {'once' if times == 1 else f'{times} times'}"
            for happened, times in (("it failed", batch.raised), ("its worker was lost", batch.lost))
            if times
        )
        return f"{self._post.name}: {what}; it is not tried again; the last time: {reason[:_REASON]}"


def _described(error: BaseException | str) -> str:
    """An error for people who may not know its kind."""
    if isinstance(error, str | SpeechAgentsError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
