"""The workers of one post on a Ray cluster, and the batches that wait for them.

Owns how many workers there are, which batch goes to whom, and what happens when one is lost. Does not know Ray
(`ray_cluster`). Everything here happens on one thread; `call` brings it there what workers answer.

A worker is *asked for*, *placed* when a machine has room, *ready* when it has loaded the post, and then given batches:
one to work on, and a second one to wait beside it if batches are so short that the way to the worker would be noticed.
The batch that a lost worker had fails. If it had two, nobody knows which it was at, for an answer may be lost as well:
then none fails, and each is given to another worker, alone.
"""

from __future__ import annotations

import enum
import functools
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.ray_cluster import RayActor, RayCluster
from speechagents.cluster.ray_worker import Fault, read_answer
from speechagents.errors import ClusterError, SpeechAgentsError, StorageError, WorkerLost

_LOG = logging.getLogger(__name__)

_SHORT_S: Final = 0.5
"""Batches that take longer wait here, where any worker can have them, and not beside a certain one."""
_WEIGHT: Final = 0.2
"""Of the last batch in the mean time of a batch."""
_STARTS: Final = 3
"""Workers that may be lost in a row before they are ready; then it is the loading that kills them."""
_ROOM_S: Final = 60.0
"""So long the cluster may be without any machine that could hold a worker: machines come and go."""
_GROWTH_S: Final = 900.0
"""The same for a cluster that was asked for more workers than it has room for: a new machine takes its time."""
_HUNGER_S: Final = 2.0
"""So long a post waits for a first worker before another post gives up a place for it."""
_TURN_S: Final = 30.0
"""So long a busy worker keeps its place."""
GRACE_S: Final = 5.0
"""So long a worker has to close what it has loaded."""


@dataclass(eq=False, slots=True)
class Batch:
    """Tasks that go to a worker together.

    Attributes:
        tasks: Pickled.
        future: What whoever submitted them waits for.
        given: It was given to a worker before, and cannot be cancelled any more.
        alone: A worker was lost with this one and another; whoever has it now has nothing else.
    """

    tasks: bytes
    future: Future[list[Any]]
    given: bool = False
    alone: bool = False


class _State(enum.Enum):
    ASKED = enum.auto()
    PLACED = enum.auto()
    READY = enum.auto()
    LEAVING = enum.auto()
    GONE = enum.auto()


@dataclass(eq=False, slots=True)
class _Worker:
    """A worker.

    Attributes:
        actor: Reaches it.
        since_s: When its state, or what it is at, began.
        placed_s: When it was given its place.
        host: Where that is.
        batches: What it was given and has not answered, oldest first.
    """

    actor: RayActor
    since_s: float
    state: _State = _State.ASKED
    placed_s: float = 0.0
    host: str = ""
    batches: deque[Batch] = field(default_factory=deque)


class Crew:
    """Workers of one post.

    Args:
        post: What they do.
        make: Loads it, pickled.
        version: Of this package.
        cluster: Where they are.
        call: Has something done by the thread of all this; any thread may call it.
        most: Workers at most; 0 is as many as the machines have room for.
        idle_s: So long a worker without work is kept, if it is not the last one.
    """

    def __init__(
        self,
        post: Post,
        *,
        make: bytes,
        version: str,
        cluster: RayCluster,
        call: Callable[[Callable[[], None]], None],
        most: int,
        idle_s: float,
    ) -> None:
        self._post = post
        self._make = make
        self._version = version
        self._cluster = cluster
        self._call = call
        self._most = most
        self._idle_s = idle_s
        self._workers: list[_Worker] = []
        self._waiting: deque[Batch] = deque()
        self._leaving: list[tuple[RayActor, Future[bytes], float]] = []
        self._batch_s = _SHORT_S
        self._stumbles = 0
        self._unfit = 0
        self._places = 0
        self._room_s = self._fed_s = time.monotonic()
        self._told = False

    def add(self, batch: Batch) -> None:
        """Have a batch wait for a worker."""
        if not self._waiting:
            self._room_s = self._fed_s = time.monotonic()
        self._waiting.append(batch)

    def staff(self) -> None:
        """Give out what waits, and have as many workers as that needs.

        Raises:
            ClusterError: Ray does not start workers.
        """
        now = time.monotonic()
        for worker in self._in_state(_State.READY):
            self._feed(worker, now)
        self._forget_cancelled()
        if (places := self._cluster.places(self._post.needs)) != self._places:
            # Machines have come or gone; one that was of no use may have been set right.
            self._places, self._unfit = places, 0
        under_way = len(self._waiting) + sum(len(worker.batches) for worker in self._workers)
        while len(self._workers) < min(self._roof(), under_way):
            self._ask_for_worker(now)
        self._end_idle(now)
        self._mind_room(now)

    def hungry(self) -> bool:
        """Whether it has waited for a first worker so long that others shall give up a place; then it waits anew."""
        now = time.monotonic()
        if not self._unplaced() or now - self._fed_s <= _HUNGER_S:
            return False
        self._fed_s = now
        return True

    def make_room(self, needs: Needs) -> bool:
        """Give up places for another post that takes of the same: those of idle workers.

        Returns:
            Whether there was one.
        """
        idle = [worker for worker in self._of_use_to(needs) if not worker.batches]
        for worker in idle:
            self._dismiss(worker)
        return bool(idle)

    def take_turns(self, needs: Needs) -> bool:
        """Give up a busy worker's place for another post that takes of the same, after what it is at.

        Returns:
            Whether one of them has had its turn.
        """
        late = time.monotonic() - _TURN_S
        worker = next((worker for worker in self._of_use_to(needs) if worker.placed_s < late), None)
        if worker is not None:
            worker.state = _State.LEAVING
        return worker is not None

    def fail(self, error: Exception) -> None:
        """Fail what waits, and what workers are at; they are ended."""
        for worker in list(self._workers):
            self._remove(worker)
        waiting, self._waiting = self._waiting, deque()
        for batch in waiting:
            if batch.given or batch.future.set_running_or_notify_cancel():
                batch.future.set_exception(error)

    def close(self) -> list[Future[bytes]]:
        """End all workers: at once those at work, in order those that are idle.

        Returns:
            What is done when these have left; then `kill_late`.
        """
        for worker in self._in_state(_State.READY):
            if not worker.batches:
                self._dismiss(worker)
        waiting, self._waiting = self._waiting, deque()
        self.fail(ClusterError("the workers are closed"))
        for batch in waiting:
            if not batch.future.cancel():
                batch.future.set_exception(ClusterError("the workers are closed"))
        return [left for _, left, _ in self._leaving]

    def kill_late(self, *, grace_s: float) -> None:
        """Kill workers that have not left in time."""
        late = time.monotonic() - grace_s
        for actor, left, since_s in self._leaving:
            if since_s <= late and not left.done():
                actor.kill()
        self._leaving = [leaving for leaving in self._leaving if leaving[2] > late and not leaving[1].done()]

    def _in_state(self, state: _State) -> list[_Worker]:
        return [worker for worker in self._workers if worker.state is state]

    def _of_use_to(self, needs: Needs) -> list[_Worker]:
        """Workers that have a place of the kind that is needed."""
        return self._in_state(_State.READY) if self._post.needs.gpus or not needs.gpus else []

    def _unplaced(self) -> bool:
        """Whether something waits and nobody has a place."""
        return bool(self._waiting) and all(worker.state is _State.ASKED for worker in self._workers)

    def _roof(self) -> int:
        """Workers that there may be."""
        return max(1, (self._most or self._places) - self._unfit)

    def _ask_for_worker(self, now: float) -> None:
        worker = _Worker(self._cluster.start_worker(self._post.needs), now)
        self._workers.append(worker)
        self._ask(worker, self._placed, "greet", self._version, self._post.needs.vram_gb)

    def _ask(
        self, worker: _Worker, then: Callable[[_Worker, Any, Exception | None], None], method: str, *arguments: Any
    ) -> None:
        """Call a worker's method; what comes of it is brought to this thread, if the worker still matters then."""

        def bring(answer: Future[bytes]) -> None:
            if worker.state is not _State.GONE:
                then(worker, *_opened(answer))

        worker.actor.ask(method, *arguments).add_done_callback(
            lambda answer: self._call(functools.partial(bring, answer))
        )

    def _placed(self, worker: _Worker, host: Any, error: Exception | None) -> None:
        if error is not None:
            self._not_ready(worker, error)
            return
        worker.host = str(host)
        worker.state = _State.PLACED
        worker.since_s = worker.placed_s = time.monotonic()
        self._ask(worker, self._loaded, "load", self._make)

    def _loaded(self, worker: _Worker, _nothing: Any, error: Exception | None) -> None:
        if error is not None:
            self._not_ready(worker, error)
            return
        self._stumbles = 0
        worker.state = _State.READY
        worker.since_s = time.monotonic()
        self._feed(worker, worker.since_s)

    def _not_ready(self, worker: _Worker, error: Exception) -> None:
        """A worker could not be made ready: lost by accident, or of no use."""
        self._remove(worker)
        if isinstance(error, WorkerLost):
            self._stumbles += 1
            if self._stumbles < _STARTS:
                return
            self._stumbles = 0
            error = WorkerLost(f"{_STARTS} workers of {self._post.name} were lost before they were ready: {error}")
        self._unfit += 1
        if self._workers:
            _LOG.warning("%s: a worker is of no use, the others go on: %s", self._post.name, error)
        else:
            self._unfit = 0
            self.fail(error)

    def _feed(self, worker: _Worker, now: float) -> None:
        """Give a worker what it can take of what waits."""
        while self._waiting and worker.state is _State.READY and self._may_have(worker, self._waiting[0]):
            batch = self._waiting.popleft()
            if not batch.given and not batch.future.set_running_or_notify_cancel():
                continue
            batch.given = True
            if not worker.batches:
                worker.since_s = now
            worker.batches.append(batch)
            self._ask(worker, self._answered, "do", batch.tasks)

    def _may_have(self, worker: _Worker, batch: Batch) -> bool:
        short = self._batch_s < _SHORT_S and not batch.alone and not any(one.alone for one in worker.batches)
        return len(worker.batches) < (2 if short else 1)

    def _answered(self, worker: _Worker, results: Any, error: Exception | None) -> None:
        """The oldest batch of a worker is done, or the worker is lost."""
        if isinstance(error, WorkerLost):
            self._lost(worker, error)
            return
        now = time.monotonic()
        batch = worker.batches.popleft()
        if isinstance(error, StorageError) and len(self._workers) > 1:
            # Its machine has no room: it would fail one batch after the other, faster than the others do them.
            self._unfit += 1
            self._remove(worker)
            _LOG.warning("%s: %s is done without: %s", self._post.name, worker.host, error)
        elif error is None or isinstance(error, SpeechAgentsError):
            self._batch_s += _WEIGHT * (now - worker.since_s - self._batch_s)
            worker.since_s = now
            # Before anybody hears of the results, and has to do with them.
            self._feed(worker, now)
            if worker.state is _State.LEAVING and not worker.batches:
                self._dismiss(worker)
        else:
            # After an error that nobody foresaw, a service may not be what it was.
            self._remove(worker)
        if error is None:
            batch.future.set_result(results)
        else:
            batch.future.set_exception(error)

    def _lost(self, worker: _Worker, error: WorkerLost) -> None:
        """A worker is lost with what it had."""
        if len(worker.batches) > 1:
            for batch in worker.batches:
                batch.alone = True
            self._remove(worker)
            return
        batch = worker.batches.popleft()
        self._remove(worker)
        what = f"a worker on {worker.host} was lost with a batch of {self._post.name}"
        batch.future.set_exception(WorkerLost(f"{what}: {error}"))

    def _remove(self, worker: _Worker) -> None:
        """End a worker at once; what it has not answered waits for another one."""
        worker.state = _State.GONE
        self._workers.remove(worker)
        worker.actor.kill()
        self._waiting.extendleft(reversed(worker.batches))
        worker.batches.clear()

    def _dismiss(self, worker: _Worker) -> None:
        """Let an idle worker close what it has loaded, and end."""
        worker.state = _State.GONE
        self._workers.remove(worker)
        self._leaving.append((worker.actor, worker.actor.ask("leave"), time.monotonic()))

    def _end_idle(self, now: float) -> None:
        self.kill_late(grace_s=GRACE_S)
        if self._waiting:
            return
        for worker in list(self._workers):
            if worker.batches or now - worker.since_s < self._idle_s:
                continue
            if worker.state is _State.READY and len(self._workers) > 1:
                self._dismiss(worker)
            elif worker.state is _State.ASKED:
                self._remove(worker)

    def _mind_room(self, now: float) -> None:
        """Give up when no machine could ever hold a worker; say so when others hold all the room."""
        if not self._unplaced():
            self._room_s = now
            self._told = False
            return
        limit_s = 0.0 if self._cluster.own else _GROWTH_S if self._most else _ROOM_S
        if not self._places and now - self._room_s >= limit_s:
            self.fail(ClusterError(f"a worker of {self._post.name} {self._cluster.wanting(self._post.needs)}"))
        elif not self._told and now - self._room_s >= _ROOM_S:
            self._told = True
            _LOG.warning("%s: others hold all the room on the cluster; it waits", self._post.name)

    def _forget_cancelled(self) -> None:
        self._waiting = deque(batch for batch in self._waiting if batch.given or not _is_cancelled(batch.future))


def _is_cancelled(future: Future[list[Any]]) -> bool:
    """Whether it was; then whoever waits for it is told that nothing comes of it."""
    return future.cancelled() and not future.set_running_or_notify_cancel()


def _opened(answer: Future[bytes]) -> tuple[Any, Exception | None]:
    """What an answer holds, or what went wrong."""
    error = answer.exception()
    if error is None:
        value = read_answer(answer.result())
        return (None, value.error()) if isinstance(value, Fault) else (value, None)
    return None, error if isinstance(error, Exception) else ClusterError(str(error))
