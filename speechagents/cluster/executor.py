"""Where work is done: in this process, in processes beside it, or on a cluster; the protocol, and what passes over it.

Owns the values and the protocol. Does not know what the work is (`voices`, `pressing`, `scenes`), who does it
(`local`, `ray_executor`), nor what happens when somebody who did it is gone (`dispatch`).

A `Post` says what a worker loads and keeps; tasks of that post go to workers that hold it, some at once. Whoever
submits sees to it that not too much waits: `Executor.capacity` says how much keeps all workers busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from speechagents.errors import SettingsError

MAX_BATCH: Final = 1_024


class Service(Protocol):
    """What a worker keeps loaded, and does to one batch after the other."""

    def do(self, tasks: Sequence[Any]) -> Iterable[Any]:
        """One result for each task, in order.

        A task at fault is a result that says so; an exception says that the worker cannot go on, or that the whole
        batch is at fault. Results of a batch depend on its tasks alone.
        """


@dataclass(frozen=True, slots=True)
class Needs:
    """What a worker takes of its machine.

    Attributes:
        cpus: Cores.
        gpus: Graphics cards; 0.5 lets two workers share one.
        vram_gb: GPU memory; a card with less is not chosen.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    vram_gb: float = 0.0

    def __post_init__(self) -> None:
        for name in ("cpus", "gpus", "vram_gb"):
            if not 0.0 <= getattr(self, name) <= 4_096.0:
                raise SettingsError(f"{name} {getattr(self, name)} is not between 0 and 4096")


@dataclass(frozen=True, slots=True)
class Post:
    """A kind of worker.

    Attributes:
        name: For people, and to know it again: equal names load equal things.
        make: Loads it, on the worker: a function of a module, or `functools.partial` of one, so that it travels.
        needs: What each worker takes of its machine.
        batch: Most tasks that a worker is given at once.
        together: A worker does a whole batch in about the time of one task, as a model on a GPU; otherwise one task
            after the other.
    """

    name: str
    make: Callable[[], Service]
    needs: Needs = field(default_factory=Needs)
    batch: int = 1
    together: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= MAX_BATCH:
            raise SettingsError(f"a batch of {self.batch} tasks is not between 1 and {MAX_BATCH}")


class Executor(Protocol):
    """Has workers. Safe to use from several threads."""

    def submit(self, post: Post, tasks: Sequence[Any]) -> Future[list[Any]]:
        """Have a batch done by a worker of that post, which is started if there is room for another one.

        The future fails with `WorkerLost` if the worker was killed or its machine is gone, with what loading the post
        raised, and with what the service raised; none of these ends the executor. Cancelling it keeps a batch that
        waits from being begun.
        """

    def capacity(self, post: Post) -> int:
        """Batches that keep all workers of a post busy, one of each in work and one waiting; at least 2."""

    def close(self) -> None:
        """End all workers, whatever they are at."""
