"""Workers on this machine: threads of this process, and processes beside it.

Owns which worker gets a batch, and that a process that is lost is replaced. Does not know how a process is spoken to
(`worker_process`), nor what becomes of a batch that failed (`dispatch`).
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from speechagents.cluster.executor import Post, Service
from speechagents.cluster.worker_process import (
    GRACE_S,
    NotBegunError,
    WorkerProcess,
    close_services,
    pickled,
)
from speechagents.cores import usable_cores
from speechagents.errors import ClusterError, SettingsError, WorkerLost

MAX_WORKERS: Final = 256
MAX_LIMIT_S: Final = 1e6
_STARTS: Final = 5
"""Processes in a row that may be gone before they have a batch."""
_CLOSED: Final = "the workers are closed"


class InProcess:
    """Threads of this process as workers: nothing travels, and nothing outlives a crash.

    Each post is loaded once, and its service is used by several threads at a time, as every `Synthesizer` can be.

    Args:
        threads: Batches at work at once.

    Raises:
        SettingsError: The number is out of range.
    """

    def __init__(self, threads: int) -> None:
        self._threads = _checked(threads, "threads")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="speechagents-worker")
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._services: dict[str, Service] = {}

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        """Have a batch done by a thread.

        Raises:
            ClusterError: It is closed.
        """
        try:
            return self._pool.submit(self._do, post, tasks)
        except RuntimeError as error:
            raise ClusterError(_CLOSED) from error

    def capacity(self, post: Post) -> int:  # noqa: ARG002 - every thread does everything
        """Batches that keep all threads busy."""
        return 2 * self._threads

    def close(self) -> None:
        """Wait for batches that are at work, cancel the others, and close the services.

        A thread cannot be ended from outside.
        """
        self._pool.shutdown(wait=True, cancel_futures=True)
        services, self._services = self._services, {}
        close_services(services)

    def _do(self, post: Post, tasks: Sequence[Any]) -> list[Any]:
        try:
            return list(self._service(post).do(tasks))
        except Exception:
            raise
        except BaseException as error:
            # A service that ends "the process" from within has ended a worker, not the one who waits for the result.
            raise WorkerLost(f"a worker thread ended itself ({type(error).__name__})") from error

    def _service(self, post: Post) -> Service:
        """The service of a post; whoever comes while it is being loaded waits."""
        with self._lock:
            loading = self._loading.setdefault(post.name, threading.Lock())
        with loading:
            if post.name not in self._services:
                self._services[post.name] = post.make()
            return self._services[post.name]


@dataclass(slots=True, eq=False)
class _Job:
    post: Post
    tasks: Sequence[Any]
    future: Future[list[Any]] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread with a process, which comes with the first batch and is replaced when it is lost.

    Attributes:
        jobs: What it is to do next; None ends it.
        posts: Names of what its process has loaded or was given to load.
        process: The process, while there is one.
    """

    jobs: queue.SimpleQueue[_Job | None] = field(default_factory=queue.SimpleQueue)
    posts: set[str] = field(default_factory=set)
    process: WorkerProcess | None = None
    thread: threading.Thread | None = None


class LocalPool:
    """Processes of this machine as workers. A batch whose process is killed fails alone; the next one has a new one.

    Processes start when there is work, and end with `close` and with this process, however that ends. A process has
    one batch at a time, and keeps every post loaded that it was given; batches go to those that hold their post, if
    any is free. A post that needs a GPU has as many workers as may share one; use ``ray`` for several cards.

    Args:
        processes: Most of them.
        limit_s: Seconds that a batch may take before its process is ended; 0 for any number.

    Raises:
        SettingsError: A number is out of range.
    """

    def __init__(self, processes: int, *, limit_s: float = 0.0) -> None:
        self._most = _checked(processes, "worker processes")
        if not 0.0 <= limit_s <= MAX_LIMIT_S:
            raise SettingsError(f"a limit of {limit_s} s for a batch is not between 0 and {MAX_LIMIT_S:g}")
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._waiting: deque[_Job] = deque()
        self._travels: set[str] = set()
        self._closed = False

    @property
    def pids(self) -> Sequence[int]:
        """Numbers of the processes that there are, for whoever watches over them."""
        with self._lock:
            processes = [worker.process for worker in self._workers]
        return [process.pid for process in processes if process is not None]

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        """Have a batch done by a process.

        Raises:
            ClusterError: It is closed, or the post cannot travel.
        """
        if post.name not in self._travels:
            try:
                pickled(post.make)
            except TypeError as error:
                raise ClusterError(f"{post.name}: {error}; workers need a function of a module") from error
            self._travels.add(post.name)
        job = _Job(post, tasks)
        with self._lock:
            if self._closed:
                raise ClusterError(_CLOSED)
            self._waiting.append(job)
            self._hand_out()
        return job.future

    def capacity(self, post: Post) -> int:
        """Batches that keep all processes busy which the post may have."""
        return 2 * self._most_of(post)

    def close(self) -> None:
        """Cancel what waits, and end all processes."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            workers, self._workers = self._workers, []
            idle, self._idle = self._idle, []
        atexit.unregister(self.close)
        for job in waiting:
            job.future.cancel()
        for worker in workers:
            worker.jobs.put(None)
            if worker not in idle and worker.process is not None:
                worker.process.terminate()
        for worker in workers:
            if (thread := worker.thread) is not None and thread is not threading.current_thread():
                thread.join(GRACE_S)
                if thread.is_alive() and (process := worker.process) is not None:
                    process.kill()
                thread.join()

    def _most_of(self, post: Post) -> int:
        return min(self._most, max(1, int(1.0 / post.needs.gpus))) if post.needs.gpus else self._most

    def _hand_out(self) -> None:
        """Give what waits to workers that are free, oldest first. Under the lock."""
        kept: list[_Job] = []
        while self._waiting and (self._idle or len(self._workers) < self._most):
            job = self._waiting.popleft()
            if (worker := self._chosen(job.post)) is None:
                kept.append(job)
                continue
            worker.posts.add(job.post.name)
            worker.jobs.put(job)
        self._waiting.extendleft(reversed(kept))

    def _chosen(self, post: Post) -> _Worker | None:
        """A free worker for a post: one that holds it, a new one, or one that has to load it besides others."""
        free = min(self._idle, key=lambda worker: (post.name not in worker.posts, len(worker.posts)), default=None)
        if free is None or post.name not in free.posts:
            if sum(post.name in worker.posts for worker in self._workers) >= self._most_of(post):
                return None
            if (free is None or free.posts) and len(self._workers) < self._most:
                return self._started()
        if free is not None:
            self._idle.remove(free)
        return free

    def _started(self) -> _Worker:
        if not self._workers:
            # Before the interpreter ends: its own way of ending processes would have them replaced meanwhile.
            atexit.register(self.close)
        worker = _Worker()
        worker.thread = threading.Thread(target=self._work, args=(worker,), name="speechagents-worker", daemon=True)
        self._workers.append(worker)
        worker.thread.start()
        return worker

    def _work(self, worker: _Worker) -> None:
        """Do what a worker is given; the body of its thread."""
        while (job := worker.jobs.get()) is not None:
            if job.future.set_running_or_notify_cancel():
                try:
                    results = self._done(worker, job)
                except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                    failure: BaseException = ClusterError(_CLOSED) if self._closed else error
                    self._free(worker)
                    job.future.set_exception(failure)
                else:
                    self._free(worker)
                    job.future.set_result(results)
            else:
                self._free(worker)
        self._drop(worker)

    def _free(self, worker: _Worker) -> None:
        """Give a worker its next job before anybody hears of the last one."""
        with self._lock:
            worker.posts = set(worker.process.posts) if worker.process is not None else set()
            if not self._closed:
                self._idle.append(worker)
                self._hand_out()

    def _done(self, worker: _Worker, job: _Job) -> list[Any]:
        """Results of a batch; a process that was gone before it had the batch is replaced unnoticed."""
        for _ in range(_STARTS):
            if worker.process is None:
                worker.process = WorkerProcess(threads=max(1, usable_cores() // self._most))
            if self._closed:
                # Whoever closes has ended the processes that there were.
                raise ClusterError(_CLOSED)
            try:
                if worker.process.usable:
                    return worker.process.do(job.post, job.tasks, limit_s=self._limit_s)
            except NotBegunError:
                pass
            finally:
                if not worker.process.usable:
                    self._drop(worker)
        raise WorkerLost(f"{_STARTS} worker processes were gone before they had a batch of {job.post.name}")

    @staticmethod
    def _drop(worker: _Worker) -> None:
        if worker.process is not None:
            worker.process.end()
            worker.process = None


def _checked(number: int, what: str) -> int:
    if not 1 <= number <= MAX_WORKERS:
        raise SettingsError(f"{number} {what} are not between 1 and {MAX_WORKERS}")
    return number
