"""One line on its way to the person: how much may be sent, and how much has been heard.

Owns the pacing of sound and the estimate of what was played. Does not know sockets or who speaks. Sound is sent only a
little ahead of the ear: so that a line that is cut leaves next to nothing in the client's buffer, a client that is slow
gets no pile, and what agents remember of a cut line is what was heard.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from speechagents.audio import Audio
from speechagents.live.pcm16 import RATE_HZ

_LEAD_S: Final = 0.4
"""How far sending runs ahead of hearing: enough for a hiccup of the network or of a busy page."""

_PIECE_S: Final = 0.1
"""Sound of one event: with 40 ms, sending to 25 listeners took a fifth of a core more (`benchmarks.live listeners`)."""

_END_SLACK_S: Final = 0.03
_ROUNDING_S: Final = 1e-6


class Playout:
    """The sound of one line. Times are seconds on a clock that does not go back; `feed` in order, then `end`.

    Args:
        lead_s: How far sending runs ahead of hearing.
    """

    def __init__(self, *, lead_s: float = _LEAD_S) -> None:
        self._lead_s = lead_s
        self._waiting: deque[Audio] = deque()
        self._fed_s = 0.0
        self._sent_s = 0.0
        self._ended = False
        # What was heard at a moment: from there on it goes with the clock, never beyond what was sent.
        self._heard_s = 0.0
        self._heard_at_s: float | None = None
        self._reports = False
        self._paused_s: float | None = None

    @property
    def has_begun(self) -> bool:
        """Something was sent."""
        return self._sent_s > 0.0

    @property
    def duration_s(self) -> float:
        """Length of all sound so far."""
        return self._fed_s

    @property
    def is_paused(self) -> bool:
        """Nothing is sent now."""
        return self._paused_s is not None

    def feed(self, audio: Audio) -> None:
        """More sound, mono at `RATE_HZ`."""
        if audio.rate_hz != RATE_HZ or audio.channels != 1:
            raise ValueError(f"sound for the wire is mono at {RATE_HZ} Hz")
        size = round(_PIECE_S * RATE_HZ)
        for first in range(0, audio.frames, size):
            self._waiting.append(Audio(audio.samples[first : first + size].copy(), RATE_HZ))
        self._fed_s += audio.duration_s

    def end(self) -> None:
        """That was all."""
        self._ended = True

    def due(self, now_s: float) -> list[Audio]:
        """The pieces to be sent now."""
        pieces: list[Audio] = []
        if self.is_paused:
            return pieces
        while self._waiting and self._lead_s - (self._sent_s - self.heard_s(now_s)) > _ROUNDING_S:
            piece = self._waiting.popleft()
            if self._heard_at_s is None or self._ran_dry(now_s):
                # It is heard from now on: the first piece, or the first after a gap in which nothing was left to hear.
                self._heard_s, self._heard_at_s = self.heard_s(now_s), now_s
            self._sent_s += piece.duration_s
            pieces.append(piece)
        return pieces

    def next_due_s(self, now_s: float) -> float | None:
        """When to ask again: more is due, or the end is heard; None if that waits for `feed` or `play`."""
        if self.is_paused or self._heard_at_s is None:
            return None
        if self._waiting:
            return now_s + max(0.0, self._sent_s - self._lead_s - self.heard_s(now_s)) + 0.001
        if self._ended:
            return now_s + max(0.0, self._fed_s - self.heard_s(now_s)) + 0.001
        return None

    def reported(self, played_s: float, now_s: float) -> None:
        """The client says how much of the line it has played."""
        played_s = min(max(0.0, played_s), self._sent_s)
        if self._heard_at_s is None or (self._reports and played_s < self._heard_s):
            return
        self._reports = True
        self._heard_s, self._heard_at_s = played_s, now_s

    def heard_s(self, now_s: float) -> float:
        """How much of the line has been heard, as far as is known."""
        if self._heard_at_s is None:
            return 0.0
        at_s = now_s if self._paused_s is None else self._paused_s
        return min(self._sent_s, self._heard_s + max(0.0, at_s - self._heard_at_s))

    def is_over(self, now_s: float) -> bool:
        """All of it has been heard; a line without sound is over at once."""
        if not self._ended or self._waiting or self.is_paused:
            return False
        if self._heard_at_s is None:
            return True
        left_s = self._fed_s - self.heard_s(now_s)
        return left_s <= _END_SLACK_S

    def pause(self, now_s: float) -> None:
        """Send nothing more for now; the client stops as well."""
        if self._paused_s is None:
            self._paused_s = now_s

    def play(self, now_s: float) -> None:
        """Go on."""
        if self._paused_s is None:
            return
        if self._heard_at_s is not None:
            self._heard_s, self._heard_at_s = self.heard_s(now_s), now_s
        self._paused_s = None

    def _ran_dry(self, now_s: float) -> bool:
        return self.heard_s(now_s) >= self._sent_s
