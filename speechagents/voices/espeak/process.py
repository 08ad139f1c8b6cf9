"""The worker processes that hold espeak-ng, and the queue in front of them.

Owns starting, feeding, timing out and restarting `worker.py`. Each worker has a thread that keeps two requests
in the pipe, so that it speaks the next line while the last one is finished here. Knows the wire format; knows
nothing of voices, styles or words.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.errors import SynthesisError
from speechagents.voices.espeak import worker as wire

_DEPTH: Final = 2 if hasattr(os, "fork") else 1
_START_LIMIT_S: Final = 60.0
_GRACE_S: Final = 15.0
"""How long past its own limit a worker may stay silent before it is killed."""
_ATTEMPTS: Final = 2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What espeak-ng answers.

    Attributes:
        samples: Mono float32, full scale ±1, as synthesised.
        rate_hz: Frames per second.
        events: int32 of shape ``(n, 4)``: type, 1-based character, length in characters, sample.
    """

    samples: Samples
    rate_hz: int
    events: NDArray[np.int32]


class _WorkerDiedError(Exception):
    """The process ended or stopped answering."""


def request_frame(
    *,
    text: str,
    language: str,
    variant: str,
    settings: Mapping[str, int],
    limit_s: float,
    phonemes: bool = False,
) -> bytes:
    """One request as bytes; `worker.Request` says what the fields mean."""
    fields: dict[str, Any] = {
        "text": text,
        "language": language,
        "variant": variant,
        "settings": dict(settings),
        "limit_s": limit_s,
    }
    if phonemes:
        fields["phonemes"] = True
    return json.dumps(fields, ensure_ascii=False).encode()


@dataclass(eq=False, slots=True)
class _Job(Generic[Result]):
    frame: bytes
    limit_s: float
    finish: Callable[[Utterance], Result]
    future: Future[Result]
    attempts: int = 0


class WorkerPool:
    """Several espeak-ng processes behind one queue. Thread-safe.

    Workers start when the first request needs them. After `close`, or when the host process ends in any way, they
    end by themselves and remove their folders.
    """

    def __init__(self, jobs: int) -> None:
        self._queue: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._jobs = jobs
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._version: str | None = None

    @property
    def version(self) -> str:
        """Version of espeak-ng; starts a process for a moment if none has been started yet.

        Raises:
            SynthesisError: espeak-ng cannot be started.
        """
        if self._version is None:
            with contextlib.closing(_Process()) as process:
                self._version = process.version
        return self._version

    def submit(self, frame: bytes, *, limit_s: float, finish: Callable[[Utterance], Result]) -> Future[Result]:
        """Queue a request; `finish` runs on the worker's thread with the answer.

        The future fails with `SynthesisError` when the line cannot be spoken.

        Raises:
            RuntimeError: The pool is closed.
        """
        job = _Job(frame, limit_s, finish, Future[Result]())
        with self._lock:
            if self._closed:
                raise RuntimeError("the synthesizer is closed")
            if len(self._threads) < self._jobs:
                thread = threading.Thread(target=self._run, name="espeak", daemon=True)
                self._threads.append(thread)
                thread.start()
            # Under the lock: a job put after `close` has emptied the queue would never be answered.
            self._queue.put(job)
        return job.future

    def close(self) -> None:
        """End the workers. What is still queued fails."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            threads = list(self._threads)
        with contextlib.suppress(queue.Empty):
            while True:
                if (job := self._queue.get_nowait()) is not None:
                    job.future.cancel()
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    def _run(self) -> None:
        """Serve the queue with one process; the body of a worker's thread."""
        process: _Process | None = None
        waiting: deque[_Job[Any]] = deque()
        closing = False
        try:
            while waiting or not closing:
                if not closing and len(waiting) < _DEPTH:
                    with contextlib.suppress(queue.Empty):
                        job = self._queue.get(block=not waiting)
                        if job is None:
                            closing = True
                        elif job.future.set_running_or_notify_cancel():
                            waiting.append(job)
                            if process is not None:
                                # A dead process shows when its answer is awaited.
                                with contextlib.suppress(OSError):
                                    process.send(job.frame)
                        continue
                if not waiting:
                    continue
                try:
                    if process is None:
                        process = _Process()
                        self._version = process.version
                        for job in waiting:
                            process.send(job.frame)
                    answer = process.receive(waiting[0].limit_s + _GRACE_S)
                    self._settle(waiting, answer, process)
                    if not hasattr(os, "fork"):
                        process.close()
                        process = None
                except (_WorkerDiedError, OSError) as error:
                    if process is not None:
                        process.kill()
                        process = None
                    self._blame(waiting, str(error))
                except SynthesisError as error:
                    for job in waiting:
                        job.future.set_exception(error)
                    waiting.clear()
        finally:
            if process is not None:
                process.close()

    @staticmethod
    def _settle(waiting: deque[_Job[Any]], answer: bytearray, process: _Process) -> None:
        """Finish the oldest job with its answer; a crash of its child is retried once."""
        kind, body = answer[:1], answer[1:]
        job = waiting.popleft()
        if kind == b"C" and job.attempts + 1 < _ATTEMPTS:
            job.attempts += 1
            waiting.append(job)
            process.send(job.frame)
        elif kind == b"A":
            try:
                job.future.set_result(job.finish(_utterance(body)))
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                job.future.set_exception(error)
        else:
            job.future.set_exception(SynthesisError(body.decode(errors="replace")))

    @staticmethod
    def _blame(waiting: deque[_Job[Any]], reason: str) -> None:
        """The process died on the oldest job: let it be tried once more, then give it up."""
        job = waiting[0]
        job.attempts += 1
        if job.attempts >= _ATTEMPTS:
            waiting.popleft()
            job.future.set_exception(SynthesisError(reason or "the espeak-ng process died"))


def _utterance(body: bytearray) -> Utterance:
    rate_hz, count = struct.unpack_from("<II", body)
    events = np.frombuffer(body, np.int32, 4 * count, 8).reshape(-1, 4)
    pcm = np.frombuffer(body, np.int16, offset=8 + 16 * count)
    return Utterance(pcm.astype(np.float32) * np.float32(1.0 / 32768.0), rate_hz, events)


class _Process:
    """One running `worker.py`; used by one thread, its output drained by another."""

    def __init__(self) -> None:
        try:
            library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
            # Isolated and without site: it must not see this project's packages, and starts in a third of the
            # time.
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(wire.__file__)), library, data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, RuntimeError) as error:
            raise SynthesisError(f"espeak-ng cannot be started ({error}); reinstall espeakng-loader") from error
        self._answers: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._drain, name="espeak-reader", daemon=True)
        self._reader.start()
        self._folder = ""
        try:
            hello = self.receive(_START_LIMIT_S)
        except _WorkerDiedError as error:
            self.kill()
            raise SynthesisError(f"espeak-ng cannot be started ({error}); reinstall espeakng-loader") from error
        if hello[:1] != b"H":
            self.kill()
            raise SynthesisError(hello[1:].decode(errors="replace"))
        fields = json.loads(hello[1:])
        self.version = str(fields["version"])
        self._folder = str(fields["folder"])

    def send(self, frame: bytes) -> None:
        """Write one request."""
        assert self._popen.stdin is not None  # noqa: S101 - opened in the constructor
        rest = memoryview(struct.pack("<I", len(frame)) + frame)
        while rest:
            rest = rest[self._popen.stdin.write(rest) or 0 :]

    def receive(self, limit_s: float) -> bytearray:
        """The next answer.

        Raises:
            _WorkerDiedError: It ended, or said nothing for that many seconds.
        """
        try:
            answer = self._answers.get(timeout=limit_s)
        except queue.Empty:
            raise _WorkerDiedError(f"the espeak-ng process said nothing for {limit_s:.0f} s") from None
        if answer is None:
            raise _WorkerDiedError("the espeak-ng process died")
        return answer

    def close(self) -> None:
        """Let it end: its input closes."""
        assert self._popen.stdin is not None  # noqa: S101 - opened in the constructor
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        try:
            self._popen.wait(5.0)
        except subprocess.TimeoutExpired:
            self.kill()
            return
        self._release()

    def kill(self) -> None:
        """End it by force, with the line it is speaking."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._popen.pid, signal.SIGKILL)
            else:
                self._popen.kill()
        self._popen.wait()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._release()

    def _release(self) -> None:
        self._reader.join()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _drain(self) -> None:
        """Move answers to the queue, so that the worker never waits for a busy reader."""
        assert self._popen.stdout is not None  # noqa: S101 - opened in the constructor
        stream = self._popen.stdout
        while len(head := _read_exactly(stream, 4)) == 4:
            (length,) = struct.unpack("<I", head)
            body = _read_exactly(stream, length)
            if len(body) < length:
                break
            self._answers.put(body)
        self._answers.put(None)


def _read_exactly(stream: IO[bytes], count: int) -> bytearray:
    """That many bytes, fewer at the end of the stream or when it breaks."""
    whole = bytearray(count)
    view, done = memoryview(whole), 0
    with contextlib.suppress(OSError):
        while done < count and (got := stream.readinto(view[done:])):  # type: ignore[attr-defined]
            done += got
    return whole if done == count else whole[:done]
