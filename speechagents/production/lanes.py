"""Work on several threads whose results arrive in order, with bounded memory.

Owns scheduling. Does not know what is worked on: exports encode, measure and check through it.

A *job* is a generator that yields one `Lane` after another and returns its result. A lane is a row of tasks whose
products must be consumed in order: tasks of all lanes run on one pool, products are consumed in the calling
thread. Products wait in memory only up to a limit for each task and a number of tasks for each lane. The number
of threads decides when something is computed, never what.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

WAITING_BYTES = 16_000_000
"""Products of one task that may wait; then the task does. It never holds up the task that is consumed next.

Seven minutes of M4B and MP3 together: with room for less than two, a thread that was ahead with a long scene waited
and its core with it.
"""


@dataclass(frozen=True, slots=True)
class Product:
    """Something a task made.

    Attributes:
        value: What was made; the lane's `consume` knows the type.
        seconds: How much of the programme it stands for.
        size: Bytes it holds, or a guess.
    """

    value: Any
    seconds: float
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Tasks whose products are consumed in order.

    Attributes:
        tasks: Each makes its products when iterated in a worker thread. Taken one by one, as room allows.
        consume: Called in the thread that iterates `run`.
        total_s: Seconds of all products together, for progress; 0 reports none.
    """

    tasks: Iterable[Callable[[], Iterator[Product]]]
    consume: Callable[[Any], None]
    total_s: float = 0.0


Job = Generator[Lane, None, Result]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job's lane is."""

    job: str
    done_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A job's result."""

    job: str
    result: Result


class _Cancelled(Exception):  # noqa: N818 - no error: it ends a worker whose products nobody wants any more
    pass


class _Task:
    """Products of one task, handed from its worker to the consumer."""

    def __init__(self, make: Callable[[], Iterator[Product]], news: threading.Condition) -> None:
        self._make = make
        self._news = news
        self.products: deque[Product] = deque()
        self.waiting = 0
        self.front = False
        self.finished = False
        self.cancelled = False
        self.error: BaseException | None = None

    def work(self) -> None:
        try:
            for product in self._make():
                with self._news:
                    while self.waiting > WAITING_BYTES and not self.front and not self.cancelled:
                        self._news.wait()
                    if self.cancelled:
                        raise _Cancelled
                    self.products.append(product)
                    self.waiting += product.size
                    self._news.notify_all()
        except _Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            self.error = error
        finally:
            with self._news:
                self.finished = True
                self._news.notify_all()


class _RunningJob:
    """A job and the tasks of its present lane."""

    def __init__(self, name: str, job: Job[Any]) -> None:
        self.name = name
        self.job = job
        self.lane: Lane | None = None
        self.waiting_tasks: Iterator[Callable[[], Iterator[Product]]] = iter(())
        self.started: deque[_Task] = deque()
        self.exhausted = True
        self.done_s = 0.0
        self.told_s = 0.0
        self.result: Any = None

    def next_lane(self) -> bool:
        """Begin the next lane; false when the job has returned."""
        try:
            self.lane = next(self.job)
        except StopIteration as stop:
            self.result = stop.value
            return False
        self.waiting_tasks = iter(self.lane.tasks)
        self.exhausted = False
        self.done_s = self.told_s = 0.0
        return True


PROGRESS_STEP_S = 10.0
"""Progress is told each time so many seconds of the programme are done."""


def run(
    jobs: Mapping[str, Job[Any]] | Iterable[tuple[str, Job[Any]]], *, threads: int, at_once: int | None = None
) -> Iterator[Progress | Done[Any]]:
    """Run jobs together, their lanes side by side.

    Args:
        jobs: By name. Earlier ones start first. Pairs are taken one by one, as jobs are begun.
        threads: Workers.
        at_once: Most jobs that are begun and not done; None begins all.

    Yields:
        Progress of lanes that have a `total_s`, and each job's result as soon as it returns.

    Raises:
        BaseException: Whatever a task, a `consume` or a job raised; everything else is stopped first.
    """
    news = threading.Condition()
    waiting = iter(jobs.items() if isinstance(jobs, Mapping) else jobs)
    active: list[_RunningJob] = []
    exhausted = False
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="speechagents-export")
    try:
        while active or not exhausted:
            while not exhausted and (at_once is None or len(active) < at_once):
                if (pair := next(waiting, None)) is None:
                    exhausted = True
                    break
                job = _RunningJob(*pair)
                active.append(job)
                if not job.next_lane():
                    active.remove(job)
                    yield Done(job.name, job.result)
            _start_tasks(active, pool, news, look_ahead=threads + 1)
            for job in list(active):
                yield from _consume(job, news)
                if job.exhausted and not job.started:
                    if job.next_lane():
                        continue
                    active.remove(job)
                    yield Done(job.name, job.result)
            with news:
                if active and (exhausted or len(active) == at_once) and not any(_has_news(job) for job in active):
                    news.wait()
    finally:
        with news:
            for job in active:
                for task in job.started:
                    task.cancelled = True
            news.notify_all()
        pool.shutdown(wait=True, cancel_futures=True)
        # All jobs are closed even if closing one raises: each has a temporary file to remove.
        with contextlib.ExitStack() as closing:
            for job in active:
                closing.callback(job.job.close)


def _start_tasks(
    active: list[_RunningJob], pool: ThreadPoolExecutor, news: threading.Condition, look_ahead: int
) -> None:
    """Fill every lane up to the look-ahead, in turn, so that lanes advance through the programme together."""
    hungry = [job for job in active if not job.exhausted]
    while hungry:
        for job in list(hungry):
            if len(job.started) >= look_ahead:
                hungry.remove(job)
                continue
            make = next(job.waiting_tasks, None)
            if make is None:
                job.exhausted = True
                hungry.remove(job)
                continue
            task = _Task(make, news)
            task.front = not job.started
            job.started.append(task)
            pool.submit(task.work)


def _has_news(job: _RunningJob) -> bool:
    if not job.started:
        return True
    return bool(job.started[0].products) or job.started[0].finished


def _consume(job: _RunningJob, news: threading.Condition) -> Iterator[Progress]:
    """Consume what the front task of a job has ready, and go on to the next one when it is finished."""
    lane = job.lane
    while job.started and lane is not None:
        task = job.started[0]
        with news:
            ready = list(task.products)
            task.products.clear()
            task.waiting = 0
            finished = task.finished
            news.notify_all()
        for product in ready:
            lane.consume(product.value)
            job.done_s += product.seconds
            if lane.total_s and job.done_s - job.told_s >= PROGRESS_STEP_S:
                job.told_s = job.done_s
                yield Progress(job.name, min(job.done_s, lane.total_s), lane.total_s)
        if not finished:
            return
        if task.error is not None:
            raise task.error
        job.started.popleft()
        if job.started:
            with news:
                job.started[0].front = True
                news.notify_all()
