"""What can be said of a run: how far it is, how long it will still take, and what happened lately.

Owns the sums. Does not know threads, queues or pages. What is kept does not grow with the length of a book: the latest
events, and counters for the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from speechagents.events import (
    Event,
    Exported,
    ExportProgress,
    Finished,
    LineFailed,
    LineSpoken,
    MessageSpoken,
    SceneOver,
    SoundReady,
    Started,
    TurnPassed,
    Warned,
)

_KEPT_EVENTS: Final = 400
_KEPT_WARNINGS: Final = 50
_SPEAKING_SHARE: Final = 0.6
"""Part of the work that speaking and mixing is; encoding is the rest (`benchmarks/NOTES.md`)."""


class RunState(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        return self in (RunState.STOPPED, RunState.FAILED, RunState.DONE)


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with its number, counted from 1."""

    number: int
    event: Event


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it stands at one moment.

    Attributes:
        state: Where it stands.
        position: 1 for the next in the queue, 0 for one that does not wait.
        progress: From 0 to 1.
        seconds_left: Estimated; None while there is nothing to go by.
        stage: What is being done, in one or two words.
        title: Of the programme; empty before it has started.
        lines: Lines to speak.
        lines_done: Lines spoken or failed.
        turns: Turns of an improvised scene so far.
        events: What happened after the number asked for, as far as it is remembered.
        cursor: Number of the latest event.
        warnings: The latest warnings.
        error: Why it failed; empty if it did not.
        started: How it began.
        over: How an improvised scene ended.
        finished: What was made.
        listen_s: Seconds of sound that can be listened to.
        elapsed_s: Time it has been working, waiting and pauses not counted.
    """

    state: RunState
    position: int
    progress: float
    seconds_left: float | None
    stage: str
    title: str
    lines: int
    lines_done: int
    turns: int
    events: tuple[Seen, ...]
    cursor: int
    warnings: tuple[str, ...]
    error: str
    started: Started | None
    over: SceneOver | None
    finished: Finished | None
    listen_s: float
    elapsed_s: float


class Ledger:
    """Keeps the account of one run. Not safe for several threads at once.

    Args:
        now: The clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.cursor = 0
        self.finished: Finished | None = None
        self.has_turns = False
        self._state = RunState.WAITING
        self._now = now
        self._worked_s = 0.0
        self._working_since: float | None = None
        self._events: deque[Seen] = deque(maxlen=_KEPT_EVENTS)
        self._warnings: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._started: Started | None = None
        self._over: SceneOver | None = None
        self._error = ""
        self._stage = ""
        self._lines = 0
        self._lines_done = 0
        self._turns = 0
        self._exports: dict[str, tuple[float, float]] = {}

    @property
    def state(self) -> RunState:
        """Where the run stands; time counts only while it is running."""
        return self._state

    @state.setter
    def state(self, state: RunState) -> None:
        if state is self._state:
            return
        if self._working_since is not None:
            self._worked_s += self._now() - self._working_since
        self._working_since = self._now() if state is RunState.RUNNING else None
        self._state = state

    def note(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case Started():
                self._started = event
                self._lines = event.lines
                self.has_turns = event.lines == 0
                self._stage = "playing" if self.has_turns else "speaking"
            case MessageSpoken() | TurnPassed():
                self._turns += 1
            case SceneOver():
                self._over = event
                self._lines = event.messages
                self._stage = "mixing"
            case LineSpoken() | LineFailed():
                self._lines_done += 1
                self._lines = max(self._lines, self._lines_done)
            case ExportProgress():
                self._exports[event.format] = (event.done_s, event.total_s)
                self._stage = f"exporting {event.format}"
            case Exported():
                _, total_s = self._exports.get(event.format, (0.0, 0.0))
                self._exports[event.format] = (total_s, total_s)
            case Warned():
                self._warnings.append(event.message)
            case Finished():
                self.finished = event
            case _:
                pass
        if isinstance(event, SoundReady | ExportProgress):
            return  # many, and told by `listen_s` and `progress`
        if isinstance(event, MessageSpoken):
            event = replace(event, read=None)  # it would keep the whole stage alive
        self.cursor += 1
        self._events.append(Seen(self.cursor, event))

    def end(self, state: RunState, error: str) -> None:
        """The run is over."""
        self.state = state
        self._error = error
        self._stage = ""

    def view(self, since: int, *, position: int, listen_s: float) -> RunView:
        """The account as it stands."""
        progress = self._progress()
        return RunView(
            state=self._state,
            position=position if self._state is RunState.WAITING else 0,
            progress=progress,
            seconds_left=self._seconds_left(progress),
            stage=self._stage,
            title=self._started.title if self._started is not None else "",
            lines=self._lines,
            lines_done=self._lines_done,
            turns=self._turns,
            events=tuple(seen for seen in self._events if seen.number > since),
            cursor=self.cursor,
            warnings=tuple(self._warnings),
            error=self._error,
            started=self._started,
            over=self._over,
            finished=self.finished,
            listen_s=listen_s,
            elapsed_s=self._elapsed_s,
        )

    @property
    def _elapsed_s(self) -> float:
        return self._worked_s + (self._now() - self._working_since if self._working_since is not None else 0.0)

    def _progress(self) -> float:
        if self._state is RunState.DONE:
            return 1.0
        spoken = min(1.0, self._lines_done / self._lines) if self._lines else 0.0
        return min(0.999, _SPEAKING_SHARE * spoken + (1.0 - _SPEAKING_SHARE) * _share(self._exports))

    def _seconds_left(self, progress: float) -> float | None:
        """As long as it took so far for each part of the work that is done; how long a scene will be, nobody knows."""
        if self._state.over:
            return 0.0
        if progress < 0.01 or self._elapsed_s <= 0 or (self.has_turns and self._over is None):
            return None
        return self._elapsed_s / progress * (1.0 - progress)


def _share(exports: Mapping[str, tuple[float, float]]) -> float:
    total_s = sum(total for _, total in exports.values())
    return min(1.0, sum(done for done, _ in exports.values()) / total_s) if total_s > 0 else 0.0
