"""A Ray cluster as an `Executor`: workers on as many machines as there are.

Owns the one thread that everything about the cluster happens on, and what reaches it from others. Does not know how
Ray is spoken to (`ray_cluster`), nor how many workers a post has and what they are given (`ray_crew`).

Each worker is an actor that keeps its post loaded, on a machine that has what the post needs. While batches wait there
are more of them, up to what the machines hold; idle ones are ended after a while. Batches and results travel by Ray's
object store. What becomes of a batch whose worker was lost is decided elsewhere (`dispatch`).

Machines of the cluster need this package in the same version as here, in the Python that runs their Ray; a worker that
has another one is refused with both versions. What their workers print goes to Ray's log files there.

**Ray runs whatever reaches its ports**, see `ray_cluster`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any, Final

from speechagents import __version__
from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.ray_cluster import RayCluster, StartedLateError
from speechagents.cluster.ray_crew import GRACE_S, Batch, Crew
from speechagents.cluster.ray_worker import packed
from speechagents.errors import ClusterError, SettingsError

MOST_WORKERS: Final = 10_000
IDLE_S: Final = 60.0
CONNECT_S: Final = 15.0
"""A cluster that starts together with its driver is there a little later."""
_STARTS: Final = 3
"""Times that a Ray of this machine is started before it is given up."""
_TICK_S: Final = 1.0
"""So often crews are looked after while nothing happens."""
_CLOSED: Final = "the workers are closed"


class RayExecutor:
    """Workers on a Ray cluster. Safe to use from several threads.

    Args:
        address: ``ray://HOST:PORT`` of a cluster elsewhere, ``HOST:PORT`` or ``auto`` of one that this machine belongs
            to; empty for the one that ``RAY_ADDRESS`` names, or else one of this machine alone, which is started now
            and ended by `close`.
        most: Workers of a post at most. As many are asked for while batches wait, even if the machines have no room for
            them yet, so that a cluster that can grow does. 0 is as many as the machines have room for.
        idle_s: So long a worker without work is kept, if it is not the last one of its post.
        connect_s: So long a cluster that is starting may not answer yet.

    Raises:
        SettingsError: A number is out of range.
        BackendMissing: Ray is not installed.
        ClusterError: There is no cluster at the address.
    """

    def __init__(
        self, address: str = "", *, most: int = 0, idle_s: float = IDLE_S, connect_s: float = CONNECT_S
    ) -> None:
        if not 0 <= most <= MOST_WORKERS:
            raise SettingsError(f"{most} workers are not between 0 and {MOST_WORKERS}")
        if not 0.0 <= idle_s <= 1e6:
            raise SettingsError(f"idle workers cannot be kept for {idle_s} s")
        if not 0.0 <= connect_s <= 1e6:
            raise SettingsError(f"a cluster cannot be waited for for {connect_s} s")
        self._most = most
        self._idle_s = idle_s
        self._connect_s = connect_s
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._crews: dict[str, Crew] = {}
        self._posts: dict[str, Post] = {}
        self._broken: ClusterError | None = None
        for tries_left in reversed(range(_STARTS)):
            try:
                self._cluster = self._connected(address)
                break
            except StartedLateError:
                if not tries_left:
                    raise

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        """Have a batch done by a worker of the cluster.

        Raises:
            ClusterError: It is closed, or the batch or the post cannot travel.
        """
        future: Future[list[Any]] = Future()
        try:
            make = b"" if post.name in self._posts else packed(post.make)
            batch = Batch(packed(list(tasks)), future)
        except Exception as error:
            raise ClusterError(f"{post.name}: it cannot be sent to another machine: {error}") from error
        with self._lock:
            if self._closed:
                raise ClusterError(_CLOSED)
            self._inbox.put(lambda: self._add(post, make, batch))
        return future

    def capacity(self, post: Post) -> int:
        """Batches that keep all workers busy which the cluster has room for."""
        return max(2, 2 * (self._most or self._cluster.places(post.needs)))

    def close(self) -> None:
        """End all workers, and Ray if it was started here. Batches that wait are cancelled."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._inbox.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _connected(self, address: str) -> RayCluster:
        """Start the thread, which connects."""
        connected: Future[RayCluster] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(address, connected), name="speechagents-ray", daemon=True
        )
        self._thread.start()
        return connected.result()

    def _run(self, address: str, connected: Future[RayCluster]) -> None:
        """Do what is asked for, one thing after the other; the body of the thread."""
        try:
            cluster = RayCluster(address, cores=self._most, connect_s=self._connect_s)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever opens the connection
            connected.set_exception(error)
            return
        self._cluster = cluster
        connected.set_result(cluster)
        try:
            while self._do_next():
                pass
        finally:
            self._end()

    def _do_next(self) -> bool:
        """Wait for something to do, and do it; whether there may be more."""
        try:
            waiting = [self._inbox.get(timeout=_TICK_S)]
            waiting += [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        except queue.Empty:
            waiting = []
        try:
            for doing in waiting:
                if doing is None:
                    return False
                doing()
            if self._broken is None:
                self._look_after()
        except ClusterError as error:
            self._broken = error
        except Exception as error:  # noqa: BLE001 - whoever waits for a batch must hear of it
            self._broken = ClusterError(f"the workers cannot be looked after any more: {type(error).__name__}: {error}")
        if self._broken is not None:
            for crew in self._crews.values():
                crew.fail(self._broken)
        return True

    def _look_after(self) -> None:
        self._cluster.look()
        for name, crew in self._crews.items():
            crew.staff()
            if crew.hungry():
                self._make_room(crew, self._posts[name].needs)

    def _make_room(self, crew: Crew, needs: Needs) -> None:
        """Have others give up places for a crew: all that are idle, or else a busy one."""
        others = [other for other in self._crews.values() if other is not crew]
        gave = [other.make_room(needs) for other in others]
        for other in others if not any(gave) else ():
            if other.take_turns(needs):
                return

    def _add(self, post: Post, make: bytes, batch: Batch) -> None:
        crew = self._crews.get(post.name)
        if crew is None:
            crew = self._crews[post.name] = Crew(
                post,
                make=make,
                version=__version__,
                cluster=self._cluster,
                call=self._inbox.put,
                most=self._most,
                idle_s=self._idle_s,
            )
            self._posts[post.name] = post
        crew.add(batch)

    def _end(self) -> None:
        leaving = [left for crew in self._crews.values() for left in crew.close()]
        wait(leaving, timeout=GRACE_S)
        for crew in self._crews.values():
            crew.kill_late(grace_s=0.0)
        self._cluster.close()
