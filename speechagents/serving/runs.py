"""Productions in the making, in the background: they go on when the page is closed.

Owns who may work when, pausing, stepping and stopping, and what is remembered of a run for those who look later. Does
not know what is made: a run is whatever gives events.

A run works in a thread of its own, and only while it holds one of a few places; a run that waits or is paused holds
none. Between two events it looks whether it should pause or stop: that is where a production can always be resumed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from speechagents.errors import ProductionBusy, QuotaError, SpeechAgentsError
from speechagents.events import Event, Finished, MessageSpoken, SceneOver, SoundReady, TurnPassed
from speechagents.serving.listening import Listenable
from speechagents.serving.run_view import Ledger, RunState, RunView
from speechagents.serving.visitors import Visitor

_LOG = logging.getLogger(__name__)
_WAITING = 64
_REMEMBERED = 200
_PAUSED_S = 1_800.0
_STOPPING_S = 20.0
_LOOK_AGAIN_S = 5.0


class Run:
    """One run of one production. All its methods may be called from any thread.

    Args:
        visitor: Whose it is.
        production: Id of the production.
        kind: How the production comes about.
        events: Begins the work; called once, in the run's thread.
        listen: File of the sound so far.
        runs: What it belongs to.
    """

    def __init__(
        self,
        visitor: Visitor,
        production: str,
        kind: str,
        events: Callable[[], Iterator[Event]],
        listen: Path,
        runs: Runs,
    ) -> None:
        self.visitor = visitor
        self.production = production
        self.kind = kind
        self.sound = Listenable(listen)
        self._events = events
        self._runs = runs
        self._change = threading.Condition()
        self._ledger = Ledger(runs.now)
        self._wish: RunState = RunState.RUNNING
        self._steps = 0
        self._thread = threading.Thread(target=self._work, name=f"run {production}", daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def view(self, since: int = 0) -> RunView:
        """What can be said of it now.

        Args:
            since: Give only events after this number; `RunView.cursor` of the view before.
        """
        position = self._runs.position(self)
        with self._change:
            return self._ledger.view(since, position=position, listen_s=self.sound.seconds)

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        with self._change:
            return self._ledger.state.over

    def pause(self) -> None:
        """Hold it before its next event."""
        self._want(RunState.PAUSED)

    def play(self) -> None:
        """Let it go on."""
        self._want(RunState.RUNNING)

    def step(self) -> None:
        """Let it go on for one turn of the scene, or one event of a performance that has no turns."""
        with self._change:
            if self._wish in (RunState.RUNNING, RunState.PAUSED):
                self._wish = RunState.PAUSED
                self._steps += 1
                self._change.notify_all()

    def stop(self) -> None:
        """End it before its next event; its production can be resumed."""
        self._want(RunState.STOPPED)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is over.

        Returns:
            It is over.
        """
        with self._change:
            return self._change.wait_for(lambda: self._ledger.state.over, timeout_s)

    def wait_for_news(self, since: int, timeout_s: float) -> RunView:
        """Wait until something happened after a number, or for some time, and look."""
        with self._change:
            self._change.wait_for(lambda: self._ledger.cursor > since or self._ledger.state.over, timeout_s)
        return self.view(since)

    def _want(self, wish: RunState) -> None:
        with self._change:
            if self._wish is not RunState.STOPPED:
                self._wish = wish
                self._steps = 0
                self._change.notify_all()
        self._runs.look()

    def _work(self) -> None:
        try:
            with self.sound:
                self._play_through()
        finally:
            self._runs.leave(self)

    def _play_through(self) -> None:
        state, error = RunState.STOPPED, ""
        try:
            with closing(_Lazy(self._events)) as events:
                while self._may_go_on():
                    event = next(events, None)
                    if event is None:
                        break
                    if isinstance(event, SoundReady):
                        self.sound.add(event.read())
                    self._note(event)
                    if isinstance(event, Finished):
                        state = RunState.DONE
        except SpeechAgentsError as failure:
            state, error = RunState.FAILED, str(failure)
        except Exception as failure:  # noqa: BLE001
            # A thread of its own has nobody above it who could tell: the log gets all of it, the visitor the gist.
            _LOG.exception("a run of %s failed", self.kind)
            state, error = (
                RunState.FAILED,
                f"this should not have happened ({type(failure).__name__}); please report it",
            )
        finally:
            # Only now that the production is closed may another run begin, or somebody delete it.
            with self._change:
                self._ledger.end(state, error)
                self._change.notify_all()

    def _may_go_on(self) -> bool:
        """Wait for leave to take one more event; False to end."""
        paused_from: float | None = None
        while True:
            with self._change:
                if self._wish is RunState.STOPPED:
                    return False
                goes = self._wish is RunState.RUNNING or self._steps > 0
                if not goes:
                    self._ledger.state = RunState.PAUSED
                    self._change.notify_all()
            if goes:
                if self._runs.take_place(self):
                    with self._change:
                        self._ledger.state = RunState.RUNNING
                        self._change.notify_all()
                    return True
                continue
            self._runs.give_place(self)
            paused_from = self._runs.now() if paused_from is None else paused_from
            if self._runs.now() - paused_from > _PAUSED_S:
                self.stop()
            with self._change:
                self._change.wait_for(lambda: self._wish is not RunState.PAUSED or self._steps > 0, _LOOK_AGAIN_S)

    @property
    def wants_to_stop(self) -> bool:
        """It was asked to stop."""
        with self._change:
            return self._wish is RunState.STOPPED

    def waits(self) -> None:
        """Note that there is no place for it yet."""
        with self._change:
            self._ledger.state = RunState.WAITING
            self._change.notify_all()

    def _note(self, event: Event) -> None:
        with self._change:
            self._ledger.note(event)
            has_turns = self._ledger.has_turns
            turn_over = isinstance(event, MessageSpoken | TurnPassed | SceneOver | Finished)
            if self._steps and (turn_over or not has_turns):
                self._steps -= 1
            self._change.notify_all()


class _Lazy(Iterator[Event]):
    """Events whose work begins with the first of them, and can be ended whether it began or not."""

    def __init__(self, begin: Callable[[], Iterator[Event]]) -> None:
        self._begin = begin
        self._events: Iterator[Event] | None = None

    def __next__(self) -> Event:
        if self._events is None:
            self._events = self._begin()
        return next(self._events)

    def close(self) -> None:
        close = getattr(self._events, "close", None)
        if close is not None:
            close()


class Runs:
    """All runs of the server.

    Args:
        places: How many work at once.
        each: Runs of one visitor that may be going on or waiting.
        now: The clock, in seconds; its zero does not matter.
    """

    def __init__(self, places: int, *, each: int = 3, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._places = places
        self._each = each
        self._change = threading.Condition()
        self._working: set[Run] = set()
        self._waiting: deque[Run] = deque()
        self._runs: dict[tuple[str, str], Run] = {}
        self._closed = False

    def start(
        self,
        visitor: Visitor,
        production: str,
        kind: str,
        events: Callable[[], Iterator[Event]],
        *,
        listen: Path,
    ) -> Run:
        """Start a run, or put it into the queue.

        Args:
            visitor: Whose.
            production: Id of the production.
            kind: How it comes about.
            events: Begins the work, in the run's thread.
            listen: File for the sound while it is made.

        Raises:
            ProductionBusy: A run of this production is going on.
            QuotaError: The visitor, or the server, has as many as there may be.
        """
        with self._change:
            if self._closed:
                raise QuotaError("the server is stopping; try again in a moment")
            before = self._runs.get((visitor.id, production))
            if before is not None and not before.over:
                raise ProductionBusy("this production is being worked on; stop it first, or wait for it")
            going_on = [run for run in self._runs.values() if not run.over]
            if sum(run.visitor.id == visitor.id for run in going_on) >= self._each:
                raise QuotaError(f"you have {self._each} productions in the making; wait for one, or stop one")
            if len(going_on) >= self._places + _WAITING:
                raise QuotaError("too many productions are in the making here; try again in some minutes")
            run = Run(visitor, production, kind, events, listen, self)
            self._forget_the_oldest()
            self._runs.pop((visitor.id, production), None)
            self._runs[visitor.id, production] = run
            self._waiting.append(run)
        run.begin()
        return run

    def of(self, visitor: Visitor, production: str) -> Run | None:
        """The latest run of a production, over or not."""
        with self._change:
            return self._runs.get((visitor.id, production))

    def all_of(self, visitor: Visitor) -> tuple[Run, ...]:
        """The remembered runs of a visitor, the latest first."""
        with self._change:
            return tuple(run for run in reversed(self._runs.values()) if run.visitor.id == visitor.id)

    def close(self) -> None:
        """Stop all runs so that they can be resumed, and wait for them a little."""
        with self._change:
            self._closed = True
            runs = tuple(self._runs.values())
        for run in runs:
            run.stop()
        until = time.monotonic() + _STOPPING_S
        for run in runs:
            run.wait(max(0.0, until - time.monotonic()))

    def position(self, run: Run) -> int:
        """1 for the next in the queue, 0 for one that does not wait."""
        with self._change:
            return self._waiting.index(run) + 1 if run in self._waiting else 0

    def take_place(self, run: Run) -> bool:
        """Wait for a place to work at; False if the run's wishes should be looked at first."""
        with self._change:
            if run in self._working:
                return True
            if run not in self._waiting:
                self._waiting.append(run)
            if self._waiting[0] is not run or len(self._working) >= self._places:
                run.waits()
                self._change.wait(_LOOK_AGAIN_S)
            if self._waiting[0] is run and len(self._working) < self._places and not run.wants_to_stop:
                self._waiting.popleft()
                self._working.add(run)
                self._change.notify_all()
                return True
            return False

    def give_place(self, run: Run) -> None:
        """Let another one work."""
        with self._change:
            self._working.discard(run)
            if run in self._waiting:
                self._waiting.remove(run)
            self._change.notify_all()

    def leave(self, run: Run) -> None:
        """A run is over."""
        self.give_place(run)

    def look(self) -> None:
        """Wake those who wait: somebody's wishes have changed."""
        with self._change:
            self._change.notify_all()

    def _forget_the_oldest(self) -> None:
        over = [key for key, run in self._runs.items() if run.over]
        for key in over[: max(0, len(self._runs) + 1 - _REMEMBERED)]:
            self._runs.pop(key).sound.discard()
