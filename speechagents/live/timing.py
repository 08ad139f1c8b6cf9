"""When things are done: the one door to the clock for everything live, and what the answer to a person took.

Owns the clock and the moments of an answer. Does not know what is timed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from speechagents.live.drama_events import Latencies


class Alarm(Protocol):
    """Something that will be done at a time."""

    def cancel(self) -> None:
        """It will not."""


class Clock(Protocol):
    """Tells the time and rings at times."""

    def now_s(self) -> float:
        """Seconds that only grow."""

    def call_at(self, when_s: float, do: Callable[[], None]) -> Alarm:
        """Do something in the event loop when that time has come."""


class LoopClock:
    """The clock of the running event loop."""

    def now_s(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def call_at(self, when_s: float, do: Callable[[], None]) -> Alarm:
        """As the protocol says."""
        return asyncio.get_running_loop().call_later(max(0.0, when_s - self.now_s()), do)


@dataclass(slots=True)
class AnswerTimes:
    """Moments on the way from the person's last word to the first sound of the answer, on one clock.

    Attributes:
        voice_ended_s: The person's voice ended.
        noticed_s: That was taken for the end.
        understood_s: The words were known.
        decided_s: Somebody knew what to answer.
        sounded_s: The first sound of it was sent.
    """

    voice_ended_s: float
    noticed_s: float
    understood_s: float
    decided_s: float | None = None
    sounded_s: float | None = None

    def latencies(self) -> Latencies:
        """The spans between them."""
        decided_s, sounded_s = self.decided_s, self.sounded_s
        return Latencies(
            end_of_utterance_s=self.noticed_s - self.voice_ended_s,
            recognition_s=self.understood_s - self.noticed_s,
            first_token_s=None if decided_s is None else decided_s - self.understood_s,
            first_audio_s=None if decided_s is None or sounded_s is None else sounded_s - decided_s,
            voice_to_voice_s=None if sounded_s is None else sounded_s - self.voice_ended_s,
        )
