"""The processes that hold decoders, and who may use which.

Owns starting, feeding, waiting for and ending `worker.py`. Knows the wire format; knows nothing of sound, of words or
of how many people speak.
"""

from __future__ import annotations

import contextlib
import json
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, Any, Final

from speechagents.errors import ListenerError

_WORKER: Final = Path(__file__).with_name("worker.py")
_ANSWER_LIMIT_S: Final = 60.0
"""How long a decoder may take over what it has been sent before it is given up."""

LikelyWords = tuple[tuple[str, float, str], ...]
"""Word, weight, and how it sounds if no dictionary knows it."""


class Attention(Enum):
    """When an utterance is understood."""

    LIVE = "while it is spoken"
    AT_ITS_END = "at its end: a little better, and much later"


@dataclass(frozen=True, slots=True)
class FoundWord:
    """One word of a transcript; see `listeners.listener.TranscribedWord`."""

    text: str
    start_s: float
    end_s: float


class DecoderProcess:
    """One process. Used by one thread at a time; its answers are read by a thread of its own.

    Attributes:
        words: What is likely to be said, as it knows; None before the first utterance.
        said: What has been understood so far of the utterance that is going on.
        alive: It can be used.
    """

    def __init__(self) -> None:
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise ListenerError(f"the recogniser cannot be started ({error})") from error
        self.words: LikelyWords | None = None
        self.alive = True
        self._number = 0
        self.said = ""
        self._finals: queue.SimpleQueue[tuple[bytes, int, bytes]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="pocketsphinx-reader", daemon=True)
        self._reader.start()

    def open(self, words: LikelyWords, attention: Attention) -> None:
        """Begin an utterance, and forget the one before."""
        self._number += 1
        self.said = ""
        self.words = words
        self._send(b"O", json.dumps({"words": words, "live": attention is Attention.LIVE}).encode())

    def feed(self, pcm: bytes) -> None:
        """Send 16-bit samples at 16 kHz. What is understood of them stands in `said` a moment later."""
        self._send(b"F", pcm)

    def end(self) -> Sequence[FoundWord]:
        """End the utterance and wait for its words."""
        self._send(b"E", b"")
        while True:
            try:
                kind, number, body = self._finals.get(timeout=_ANSWER_LIMIT_S)
            except queue.Empty:
                self.kill()
                raise ListenerError(f"the recogniser said nothing for {_ANSWER_LIMIT_S:.0f} s") from None
            if kind == b"":
                self.alive = False
                raise ListenerError("the recogniser's process died; try again, or reinstall pocketsphinx")
            if number != self._number:
                continue
            if kind == b"X":
                raise ListenerError(f"the recogniser failed ({body.decode(errors='replace')[:200]})")
            return [FoundWord(str(text), *map(float, rest)) for text, *rest in json.loads(body)]

    def abandon(self) -> None:
        """End an utterance that nobody wants."""
        with contextlib.suppress(ListenerError):
            self._send(b"A", b"")

    def kill(self) -> None:
        """End it, whatever it is doing: it has nothing to put away."""
        self.alive = False
        self._popen.kill()
        self._popen.wait()
        self._release()

    def _release(self) -> None:
        if self._reader is not threading.current_thread():
            self._reader.join()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._popen.stdin is not None  # noqa: S101 - opened in the constructor
        return self._popen.stdin

    def _send(self, kind: bytes, body: bytes) -> None:
        rest = memoryview(struct.pack("<IcI", len(body) + 5, kind, self._number) + body)
        try:
            while rest:
                rest = rest[self._stdin.write(rest) or 0 :]
        except (OSError, ValueError) as error:
            self.alive = False
            raise ListenerError("the recogniser's process died; try again, or reinstall pocketsphinx") from error

    def _read(self) -> None:
        assert self._popen.stdout is not None  # noqa: S101 - opened in the constructor
        stream: Any = self._popen.stdout
        with contextlib.suppress(OSError, ValueError):
            while len(head := _exactly(stream, 9)) == 9:
                length, kind, number = struct.unpack("<IcI", head)
                body = _exactly(stream, length - 5)
                if kind == b"P":
                    if number == self._number:
                        self.said = body.decode(errors="replace")
                else:
                    self._finals.put((kind, number, body))
        self.alive = False
        self._finals.put((b"", 0, b""))


class DecoderPool:
    """A few processes, each for one utterance at a time. Thread-safe.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Condition(threading.RLock())  # a finalizer may run in whichever thread holds it
        self._free: list[DecoderProcess] = [DecoderProcess()]
        self._out = 0
        self._closed = False

    def take(self, words: LikelyWords) -> DecoderProcess | None:
        """One that is free, at best one that knows these words; None if all are in use."""
        with self._lock:
            if self._closed:
                raise ListenerError("the recogniser is closed")
            for process in [one for one in self._free if not one.alive]:
                self._free.remove(process)
                process.kill()
            known = [one for one in self._free if one.words == words] or [one for one in self._free if not one.words]
            if known or (self._free and len(self._free) + self._out >= self._most):
                process = (known or self._free)[0]
                self._free.remove(process)
            elif self._out + len(self._free) < self._most:
                process = DecoderProcess()
            else:
                return None
            self._out += 1
            if not self._free and self._out < self._most:
                # It takes more than a second to load its model; whoever speaks next should not wait for that.
                self._free.append(DecoderProcess())
            return process

    def wait_and_take(self, words: LikelyWords) -> DecoderProcess:
        """As `take`, but waits until one is free."""
        with self._lock:
            while (process := self.take(words)) is None:
                self._lock.wait()
            return process

    def give_back(self, process: DecoderProcess) -> None:
        """Whoever took it is done."""
        with self._lock:
            self._out -= 1
            if self._closed or not process.alive:
                process.kill()
            else:
                self._free.append(process)
            self._lock.notify_all()

    def close(self) -> None:
        """End those that are free now, and the others when they are given back."""
        with self._lock:
            self._closed = True
            while self._free:
                self._free.pop().kill()
            self._lock.notify_all()


def _exactly(stream: Any, count: int) -> bytes:
    """That many bytes, fewer at the end of the stream."""
    whole = b""
    while len(whole) < count and (got := stream.read(count - len(whole))):
        whole += got
    return whole
