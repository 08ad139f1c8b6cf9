"""One process beside this one that does batches: how it is started, given work, waited for, and ended.

Owns the process and what passes over its pipe. Does not know which batches it gets (`local`), nor what they are.

The process keeps the services that it has loaded. It ends when its pipe closes, when it is told to (`SIGTERM`, with
time to clear its scratch away), and when the process that started it is gone, however that went.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection
from typing import Any, Final

from speechagents.cluster.executor import Post, Service
from speechagents.errors import ClusterError, SpeechAgentsError, WorkerLost

START_LIMIT_S: Final = 300.0
"""Until a process says that it is ready, and that it has what it was given."""
LOAD_LIMIT_S: Final = 3_600.0
"""Loading may fetch weights from far."""
GRACE_S: Final = 5.0
"""So long a process has to end by itself before it is killed."""
_LOOK_S: Final = 1.0
"""So often a silent process is looked after. Its pipe tells its end, unless a child of it holds that open."""
_PARENT_LOOK_S: Final = 2.0
_ENDED: Final = 128 + 15
"""Exit code of a process that was told to end."""

_READY, _BEGUN, _LOADED, _DONE, _REFUSED, _FAILED = range(6)
"""What a process says. Refused: by an error of ours, after which the service goes on; failed: by any other."""


class NotBegunError(Exception):
    """The process was gone before it had the batch; another one may do it as if nothing had happened."""


class WorkerProcess:
    """A process that does one batch after the other. Used by one thread; `terminate` and `kill` by any.

    Args:
        threads: Threads that libraries in it may compute with.

    Attributes:
        pid: Its number, for the system.
        posts: Names of the posts that it has loaded.
        trusted: Whether it can go on; not after an error that nobody foresaw, and not once it has ended.

    Raises:
        ClusterError: The machine has no room for another process.
    """

    def __init__(self, *, threads: int) -> None:
        self.posts: set[str] = set()
        self.trusted = True
        self._ready = False
        self._ended = False
        self._code = 0
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, threads), name="speechagents-worker", daemon=True)
        try:
            self._process.start()
        except OSError as error:
            self._pipe.close()
            raise ClusterError(f"no worker process can be started ({error}); use fewer --workers") from error
        finally:
            # Ours is the only other end: when the process dies, the pipe says so.
            theirs.close()
        self.pid = self._process.pid or 0

    @property
    def usable(self) -> bool:
        """Whether it runs and can go on."""
        return self.trusted and self._process.is_alive()

    def do(self, post: Post, tasks: Sequence[Any], *, limit_s: float) -> list[Any]:
        """Have a batch done.

        Args:
            post: What does it; loaded if it is not yet.
            tasks: The batch.
            limit_s: Seconds that it may take, loading not counted; 0 for any number.

        Raises:
            WorkerLost: The process was lost with it, or was ended because it took too long.
            NotBegunError: The process was lost without it.
            ClusterError: The process does not start.
            BaseException: What loading the post or doing the batch raised.
        """
        if not self._ready:
            self._greet()
        known = post.name in self.posts
        try:
            self._pipe.send((post.name, None if known else post.make, list(tasks)))
            begun = self._receive(START_LIMIT_S)
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                self.kill()
            self.end()
            raise NotBegunError from None
        self._heard(begun)
        if not known:
            self._answer(LOAD_LIMIT_S, f"loading {post.name}")
            self.posts.add(post.name)
        results: list[Any] = self._answer(limit_s, f"a batch of {post.name}")
        return results

    def terminate(self) -> None:
        """Tell it to end, whatever it is at."""
        # ValueError: it has ended by itself meanwhile.
        with contextlib.suppress(OSError, ValueError):
            self._process.terminate()

    def kill(self) -> None:
        """End it by force."""
        with contextlib.suppress(OSError, ValueError):
            self._process.kill()

    def end(self) -> str:
        """Have it end, by force if it must be; what became of it, for people. The second time, nothing is done."""
        if self._ended:
            return _told(self._code)
        self.trusted = False
        self._ended = True
        self._pipe.close()
        self._process.join(GRACE_S)
        if self._process.exitcode is None:
            self.terminate()
            self._process.join(GRACE_S)
        if self._process.exitcode is None:
            self.kill()
            self._process.join()
        self._code = self._process.exitcode or 0
        self._process.close()
        return _told(self._code)

    def _greet(self) -> None:
        try:
            self._receive(START_LIMIT_S)
        except TimeoutError:
            self.kill()
            self.end()
            raise ClusterError(f"a worker process has not started within {START_LIMIT_S:g} s") from None
        except (EOFError, OSError):
            how = self.end()
            if self._code < 0 or self._code == _ENDED:
                raise NotBegunError from None
            raise ClusterError(
                f"a worker process does not start: it {how}. A script that uses workers has to be a file, "
                'and to begin below `if __name__ == "__main__":`'
            ) from None
        self._ready = True

    def _answer(self, limit_s: float, what: str) -> Any:
        try:
            answer = self._receive(limit_s)
        except TimeoutError:
            self.kill()
            self.end()
            raise WorkerLost(f"{what} took longer than {limit_s:g} s, and its process was ended") from None
        except (EOFError, OSError):
            raise WorkerLost(f"a worker process {self.end()} with {what}") from None
        return self._heard(answer)

    def _heard(self, answer: tuple[int, Any]) -> Any:
        kind, value = answer
        if kind in (_REFUSED, _FAILED):
            self.trusted = kind == _REFUSED
            raise value
        return value

    def _receive(self, limit_s: float) -> tuple[int, Any]:
        """What it says next.

        Raises:
            EOFError: It is gone.
            OSError: It is gone.
            TimeoutError: It says nothing for that many seconds; 0 waits for ever.
        """
        until = time.monotonic() + limit_s if limit_s else float("inf")
        while not self._pipe.poll(max(0.0, min(_LOOK_S, until - time.monotonic()))):
            if not self._process.is_alive() and not self._pipe.poll():
                raise EOFError
            if time.monotonic() >= until:
                raise TimeoutError
        said: tuple[int, Any] = self._pipe.recv()
        return said


def _told(code: int) -> str:
    """How a process ended, for people."""
    if code == _ENDED:
        return "was told to end"
    if code >= 0:
        return f"ended (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed ({name}{', out of memory?' if name == 'SIGKILL' else ''})"


def _serve(pipe: connection.Connection, threads: int) -> None:
    """Do batches until nobody wants any; the body of the process."""
    # Ctrl-C reaches all processes of a terminal; the one that started this one ends it in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    threading.Thread(target=_follow_parent, name="speechagents-parent", daemon=True).start()
    services: dict[str, Service] = {}
    try:
        pipe.send((_READY, None))
        while True:
            _do_batch(pipe, services)
    except (EOFError, OSError):
        return
    finally:
        close_services(services)


def _do_batch(pipe: connection.Connection, services: dict[str, Service]) -> None:
    name: str | None = None
    try:
        name, make, tasks = pipe.recv()
        # From here on, whatever becomes of this process is held against the batch.
        pipe.send((_BEGUN, None))
        if make is not None:
            services[name] = make()
            pipe.send((_LOADED, None))
        answer = pickled((_DONE, list(services[name].do(tasks))))
    except (EOFError, OSError) as error:
        if name is None:
            raise
        answer = _refusal(error)
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the batch
        answer = _refusal(error)
    pipe.send_bytes(answer)


def pickled(value: Any) -> bytes:
    """A value as it travels to another process of ours.

    Raises:
        TypeError: It cannot.
    """
    try:
        return bytes(multiprocessing.reduction.ForkingPickler.dumps(value))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"it cannot be sent from one process to another: {error}") from error


def close_services(services: dict[str, Service]) -> None:
    """Close what can be closed; a service that fails at it does not keep others from it."""
    for service in services.values():
        close: Callable[[], None] | None = getattr(service, "close", None)
        if close is not None:
            with contextlib.suppress(Exception):
                close()


def _refusal(error: Exception) -> bytes:
    """An error as it travels; one that would not arrive as it was is told in words."""
    kind = _REFUSED if isinstance(error, SpeechAgentsError) else _FAILED
    if kind == _FAILED:
        # What the other side raises has no traceback of this one.
        error.add_note("".join(traceback.format_exception(error)))
    with contextlib.suppress(Exception):
        answer = pickled((kind, error))
        # Errors whose constructor wants more than a message go out well and raise when they come in.
        if type(pickle.loads(answer)[1]) is type(error):  # noqa: S301 - our own bytes of a moment ago
            return answer
    return pickled((kind, RuntimeError(f"{type(error).__name__}: {error}")))


def _leave(_number: int, _frame: Any) -> None:
    raise SystemExit(_ENDED)


def _follow_parent() -> None:
    """End this process when the one that started it is gone: in order if it can, by force if it hangs."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while os.getppid() == parent.pid and not connection.wait([parent.sentinel], _PARENT_LOOK_S):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(_ENDED)
