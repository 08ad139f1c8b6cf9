"""What runs on a worker of a Ray cluster: it says who it is, loads a post, and does one batch after the other.

Owns that, and the bytes that answers travel as. Does not know who asks, nor what is asked of it beside it.

Answers are pickled here and not by Ray: what arrives is then the same as from a process on this machine, with arrays
that may be written to, and an error of a service arrives as the service raised it. They come from workers that run this
very package, and from nobody else.
"""

from __future__ import annotations

import importlib
import pickle
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from speechagents import __version__, errors, gpus
from speechagents.cluster.executor import Service
from speechagents.cluster.worker_process import close_services
from speechagents.errors import ClusterError, SpeechAgentsError

_WORDS: Final = 4_000
"""Characters of an error that cannot travel as it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was raised on a worker.

    Attributes:
        pickled: The error itself; empty if it does not survive the way.
        kind: Name of the nearest kind of error of this package; empty if it is none.
        words: What it said.
    """

    pickled: bytes
    kind: str
    words: str

    def error(self) -> Exception:
        """The error, or the nearest that can be made of it here."""
        if self.pickled:
            try:
                error = pickle.loads(self.pickled)  # noqa: S301 - see above: our own worker wrote it
            except Exception:  # noqa: BLE001 - its module may be on the worker alone; what it said is here
                error = None
            if isinstance(error, Exception):
                return error
        kind = getattr(errors, self.kind, RuntimeError)
        made: Exception = kind(self.words)
        return made


class RayWorker:
    """An actor of a Ray cluster. Methods are called one at a time; what they raise is in their answer."""

    def __init__(self) -> None:
        self._service: Service | None = None

    def greet(self, version: str, vram_gb: float) -> bytes:
        """Say where this runs, if it can be of use there.

        Args:
            version: Of this package, where the work comes from.
            vram_gb: GPU memory that the post needs.
        """
        return _answer(lambda: _fit(version, vram_gb))

    def load(self, make: bytes) -> bytes:
        """Load a post, and keep it."""
        return _answer(lambda: self._load(make))

    def do(self, tasks: bytes) -> bytes:
        """Do a batch; the answer holds a result for each task."""
        return _answer(lambda: self._do(tasks))

    def leave(self) -> None:
        """Close what is loaded, and end this process."""
        if self._service is not None:
            close_services({"": self._service})
        _of_ray("actor").exit_actor()

    def _load(self, make: bytes) -> None:
        self._service = pickle.loads(make)()  # noqa: S301 - the driver wrote it

    def _do(self, tasks: bytes) -> list[Any]:
        if self._service is None:
            raise ClusterError("a worker was given work before it had loaded what does it")
        return list(self._service.do(pickle.loads(tasks)))  # noqa: S301 - the driver wrote it


def read_answer(answer: bytes) -> Any:
    """What a worker's method gave, or the `Fault`."""
    try:
        return pickle.loads(answer)  # noqa: S301 - see above: our own worker wrote it
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer's
        return _fault(error)


def packed(value: Any) -> bytes:
    """A value as a worker reads it; also of classes that are known in this process alone."""
    data: bytes = _of_ray("cloudpickle").dumps(value)
    return data


def _of_ray(module: str) -> Any:
    return importlib.import_module(f"ray.{module}")


def _answer(call: Callable[[], Any]) -> bytes:
    try:
        return packed(call())
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
        return packed(_fault(error))


def _fault(error: Exception) -> Fault:
    ours = isinstance(error, SpeechAgentsError)
    if not ours:
        trace = "".join(traceback.format_exception(error))
        error.add_note(f"on the worker {socket.gethostname()}:\n{trace[-_WORDS:]}")
    kind = next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__), "")
    words = str(error) if ours else f"{type(error).__name__}: {error}"
    try:
        pickled = pickle.dumps(error)
        back = pickle.loads(pickled)  # noqa: S301 - written a line above
    except Exception:  # noqa: BLE001 - then its words travel alone
        return Fault(b"", kind, words[:_WORDS])
    # One whose constructor takes something else than its words may come back as another one.
    same = type(back) is type(error) and str(back) == str(error)
    return Fault(pickled if same else b"", kind, words[:_WORDS])


def _fit(version: str, vram_gb: float) -> str:
    host = socket.gethostname()
    if version != __version__:
        raise ClusterError(
            f"the worker {host} has speechagents {__version__}, and {version} is running here: install the same there "
            f'(python -m pip install "speechagents=={version}") and restart its Ray'
        )
    largest = max((gpu.memory_gb for gpu in gpus.gpus()), default=0.0) if vram_gb else 0.0
    if 0.0 < largest < vram_gb:
        raise ClusterError(
            f"the worker {host} has a GPU with {largest:.0f} GB, and {vram_gb:g} GB are needed: give vram_gb in its "
            "`ray start --resources` as what it has"
        )
    return host
