"""What the person says, while it is said: sound in, and out come its begin, its words so far, its end and its text.

Owns the order of that work for one session and the threads' side of it. Does not know how voice is told from noise
(`endpointing`), how words are understood (`listeners`), or what follows from them (`floor`). Sound is taken without
waiting; the work is done one piece after the other on threads that sessions share, and told in the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from speechagents.audio import Audio
from speechagents.errors import ListenerError
from speechagents.listeners.listener import Hearer, Listener, StreamingListener, Transcript
from speechagents.listeners.vad import RATE_HZ as VAD_HZ
from speechagents.listeners.vad import WINDOW
from speechagents.live.endpointing import SpeechStarted, SpeechStopped, TurnDetector
from speechagents.live.pcm16 import RATE_HZ

MAX_UTTERANCE_S: Final = 60.0
"""Whoever speaks longer is taken to have made one message, and goes on with the next."""

_MAX_BACKLOG_S: Final = 10.0
"""Sound that waits because the recogniser is slow; what comes on top of that is lost, and said to be."""

_LEAST_S: Final = WINDOW / VAD_HZ
"""Less sound than one window of the detector is not worth a thread's attention."""

_HISTORY_S: Final = 2.0
"""How far back the begin of an utterance can lie when it is noticed."""


@dataclass(frozen=True, slots=True)
class Began:
    """The person has begun to speak.

    Attributes:
        at_s: When, on the session's clock.
    """

    at_s: float


@dataclass(frozen=True, slots=True)
class Voiced:
    """The person speaks on.

    Attributes:
        voiced_s: Seconds of voice since it began.
        text: What is understood so far, all of it.
    """

    voiced_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The person has fallen silent.

    Attributes:
        start_s: When it began, on the session's clock.
        end_s: When the voice ended.
    """

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Understood:
    """What was said between begin and end.

    Attributes:
        transcript: Its text is empty if there were no words.
        sound: The person's own.
        start_s: When it began, on the session's clock.
        end_s: When the voice ended.
        problem: Why nothing could be understood; empty otherwise.
    """

    transcript: Transcript
    sound: Audio
    start_s: float
    end_s: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SoundLost:
    """So many seconds of sound came faster than they could be listened to, and were left out."""

    lost_s: float


EarEvent = Began | Voiced | Ended | Understood | SoundLost


@dataclass(frozen=True, slots=True)
class _Heard:
    """A piece of sound, and when its end was heard."""

    audio: Audio
    now_s: float


class _Wish(Enum):
    """What the client wants of the utterance that is going on."""

    COMMIT = "commit"
    FORGET = "forget"
    LEAVE = "leave"


class _Utterance:
    """One utterance that is going on."""

    def __init__(self, start_s: float, hearer: Hearer | None, problem: str) -> None:
        self.start_s = start_s  # on the clock of the input
        self.hearer = hearer
        self.problem = problem
        self.pieces: list[Audio] = []
        self.text = ""

    @property
    def duration_s(self) -> float:
        return sum(piece.duration_s for piece in self.pieces)


class Ear:
    """The ear of one session.

    Args:
        detector: Tells voice from silence.
        listener: Understands; None if nobody does, and then `Understood` says `deaf`.
        deaf: Why nobody understands.
        executor: Threads that sessions share.
        tell: Called in the event loop, in order.
        hints: Names and words that are likely.
        language: BCP 47 tag.
    """

    def __init__(
        self,
        detector: TurnDetector,
        listener: Listener | None,
        executor: Executor,
        tell: Callable[[EarEvent], None],
        *,
        deaf: str = "",
        hints: Sequence[str] = (),
        language: str = "",
    ) -> None:
        self._detector = detector
        self._listener = listener
        self._deaf = deaf
        self._executor = executor
        self._tell = tell
        self._hints = tuple(hints)
        self._language = language
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: deque[_Heard | _Wish] = deque()
        self._backlog_s = 0.0
        self._lost_s = 0.0
        self._at_work = False
        self._closed = False
        # From here on touched by the thread at work alone.
        self._history: deque[Audio] = deque()
        self._history_s = 0.0
        self._utterance: _Utterance | None = None

    def hear(self, audio: Audio, now_s: float) -> None:
        """Take sound; never waits.

        Args:
            audio: Mono at `RATE_HZ`.
            now_s: The session's clock.
        """
        with self._lock:
            if self._backlog_s + audio.duration_s > _MAX_BACKLOG_S:
                self._lost_s += audio.duration_s
                return
            self._backlog_s += audio.duration_s
            enough = self._backlog_s >= _LEAST_S
            self._waiting.append(_Heard(audio, now_s))
        if enough:
            self._start()

    def commit(self) -> None:
        """What was said so far is an utterance, pause or not."""
        self._put(_Wish.COMMIT)

    def forget(self) -> None:
        """What was said and is not yet an utterance does not count."""
        self._put(_Wish.FORGET)

    def close(self) -> None:
        """Hear and tell nothing more."""
        self._closed = True
        with self._lock:
            self._waiting.clear()
        self._put(_Wish.LEAVE)

    def _put(self, wish: _Wish) -> None:
        with self._lock:
            self._waiting.append(wish)
        self._start()

    def _start(self) -> None:
        """Let a thread work off what waits, if none is at it."""
        with self._lock:
            if self._at_work:
                return
            self._at_work = True
        self._executor.submit(self._work)

    def _work(self) -> None:
        """Work off what waits; one thread at a time does."""
        now_s = 0.0
        try:
            while True:
                with self._lock:
                    if not self._waiting:
                        self._at_work = False
                        return
                    thing = self._waiting.popleft()
                    lost_s, self._lost_s = self._lost_s, 0.0
                    if isinstance(thing, _Heard):
                        self._backlog_s -= thing.audio.duration_s
                if lost_s:
                    self._say(SoundLost(lost_s))
                if isinstance(thing, _Heard):
                    now_s = thing.now_s
                    self._listen(thing)
                elif thing is _Wish.COMMIT:
                    self._boundary(self._detector.cut(), now_s)
                else:
                    self._detector.reset()
                    self._drop(now_s)  # nobody is told of it after `close`; the hearer is let go of
        except Exception as error:  # noqa: BLE001 - told to the session, which shows it; the thread is shared
            self._say_problem(error)
        finally:
            with self._lock:
                self._at_work = False

    def _listen(self, heard: _Heard) -> None:
        self._remember(heard.audio)
        if self._utterance is not None:
            self._feed(self._utterance, heard.audio)
        for boundary in self._detector.feed(heard.audio):
            self._boundary(boundary, heard.now_s)
        going = self._utterance
        if going is not None:
            self._say(Voiced(self._detector.voiced_s, going.text))
            if going.duration_s > MAX_UTTERANCE_S:
                self._boundary(self._detector.cut(), heard.now_s)

    def _boundary(self, boundary: SpeechStarted | SpeechStopped | None, now_s: float) -> None:
        if isinstance(boundary, SpeechStarted):
            hearer, problem = self._open()
            going = self._utterance = _Utterance(boundary.start_s, hearer, problem)
            self._say(Began(self._on_clock(boundary.start_s, now_s)))
            since_s = self._detector.position_s - boundary.start_s
            self._feed(going, self._latest(since_s))
        elif isinstance(boundary, SpeechStopped) and self._utterance is not None:
            going, self._utterance = self._utterance, None
            start_s, end_s = self._on_clock(boundary.start_s, now_s), self._on_clock(boundary.end_s, now_s)
            self._say(Ended(start_s, end_s))
            transcript, problem = self._finish(going)
            self._say(Understood(transcript, _joined(going.pieces), start_s, end_s, problem))

    def _drop(self, now_s: float) -> None:
        """End the utterance as if nothing had been said."""
        going, self._utterance = self._utterance, None
        if going is not None:
            start_s = self._on_clock(going.start_s, now_s)
            self._say(Ended(start_s, now_s))
            self._say(Understood(Transcript(""), _joined(going.pieces), start_s, now_s))

    def _open(self) -> tuple[Hearer | None, str]:
        if not isinstance(self._listener, StreamingListener):
            return None, ""
        try:
            return self._listener.open(hints=self._hints, language=self._language), ""
        except ListenerError as error:
            return None, str(error)

    def _feed(self, going: _Utterance, audio: Audio) -> None:
        if not audio.frames:
            return
        going.pieces.append(audio)
        if going.hearer is None:
            return
        try:
            text = going.hearer.feed(audio)
        except ListenerError as error:
            going.hearer, going.problem = None, str(error)
            return
        if text != going.text:
            going.text = text
            self._detector.expect_more(text)

    def _finish(self, going: _Utterance) -> tuple[Transcript, str]:
        """What was understood, and why nothing was."""
        if self._listener is None:
            return Transcript(""), self._deaf
        try:
            if going.hearer is not None:
                return going.hearer.finish(), ""
            if going.problem:
                return Transcript(""), going.problem
            heard = self._listener.transcribe([_joined(going.pieces)], hints=self._hints, language=self._language)
            return next(iter(heard), Transcript("")), ""
        except ListenerError as error:
            return Transcript(""), str(error)

    def _remember(self, audio: Audio) -> None:
        """Keep the latest sound: an utterance is noticed a moment after it began."""
        self._history.append(audio)
        self._history_s += audio.duration_s
        while self._history_s - self._history[0].duration_s > _HISTORY_S:
            self._history_s -= self._history.popleft().duration_s

    def _latest(self, duration_s: float) -> Audio:
        frames = max(0, round(duration_s * RATE_HZ))
        samples = _joined(self._history).samples
        return Audio(samples[len(samples) - min(frames, len(samples)) :].copy(), RATE_HZ)

    def _on_clock(self, at_s: float, now_s: float) -> float:
        """A time of the input on the session's clock: silence that the client left out does not count."""
        return max(0.0, now_s - (self._detector.position_s - at_s))

    def _say_problem(self, error: Exception) -> None:
        going, self._utterance = self._utterance, None
        if going is not None:
            self._say(Understood(Transcript(""), _joined(going.pieces), 0.0, 0.0, f"{type(error).__name__}: {error}"))

    def _say(self, event: EarEvent) -> None:
        if not self._closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, event)


def _joined(pieces: Sequence[Audio] | deque[Audio]) -> Audio:
    samples = [piece.samples for piece in pieces]
    return Audio(np.concatenate(samples) if samples else np.zeros(0, np.float32), RATE_HZ)
