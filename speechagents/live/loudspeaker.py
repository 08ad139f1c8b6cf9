"""What a client of the live stage hears: arriving sound in order, ducked or dropped as the server says.

Owns order, prebuffer, ducking, dropping, and how much of each line was played. Does not know sound cards or sockets:
whoever plays pulls from here, from any thread. The page in the browser does the same (``ui/static/live``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.live import pcm16

PREBUFFER_S: Final = 0.04
_RAMP_S: Final = 0.015
_FRAME_S: Final = 0.02
_MOST_WAITING_S: Final = 300.0
_REMEMBERED: Final = 256


@dataclass(slots=True)
class _Item:
    id: str
    chunks: deque[Samples] = field(default_factory=deque)
    waiting: int = 0
    played: int = 0
    started: bool = False
    dry: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """How much of a line was played.

    Attributes:
        item_id: Which.
        played_s: Seconds from its start.
        is_last: It was played to its end, dropped, or all that has come of it was played: worth saying at once.
    """

    item_id: str
    played_s: float
    is_last: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened so far.

    Attributes:
        frames: Frames of 20 ms that were played.
        late_frames: Frames that were missing in the middle of a line.
        items: Lines that were played to their end.
        cut_items: Lines that were dropped after they had begun.
    """

    frames: int
    late_frames: int
    items: int
    cut_items: int


class Loudspeaker:
    """Plays one line after the other. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: deque[_Item] = deque()
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._reports: deque[Played] = deque(maxlen=_REMEMBERED)
        self._gain = self._target = 1.0
        self._playing = False
        self._held = False
        self._gap = 0
        self._played = self._late = self._whole = self._cut = 0

    @property
    def is_busy(self) -> bool:
        """Something is played, or waits to be."""
        with self._lock:
            return bool(self._items)

    @property
    def heard(self) -> Heard:
        """What happened so far."""
        with self._lock:
            return Heard(int(self._played / (_FRAME_S * pcm16.RATE_HZ)), self._late, self._whole, self._cut)

    def push(self, item_id: str, audio: Audio) -> None:
        """More sound of a line; of one that was dropped or has ended it is passed over, as is more than fits."""
        with self._lock:
            room = round(_MOST_WAITING_S * pcm16.RATE_HZ) - sum(item.waiting for item in self._items)
            samples = audio.samples[: max(0, room)]
            if item_id in self._closed or not samples.size:
                return
            item = self._find(item_id)
            if item is None:
                item = _Item(item_id)
                self._items.append(item)
            item.chunks.append(samples)
            item.waiting += samples.size

    def end(self, item_id: str) -> None:
        """Nothing more of a line comes."""
        with self._lock:
            item = self._find(item_id)
            if item is None:
                self._close(item_id)
            else:
                item.ended = True

    def drop(self, item_id: str) -> None:
        """Play nothing more of a line, whatever still comes of it."""
        with self._lock:
            item = self._find(item_id)
            if item is not None:
                if item is self._items[0]:
                    self._playing = False
                self._items.remove(item)
                self._cut += item.started
                self._report(item, is_last=True)
            self._close(item_id)

    def duck(self, item_id: str, gain: float) -> None:
        """Play the line that is on from now on at this gain."""
        with self._lock:
            if self._items and self._items[0].id == item_id:
                self._target = min(1.0, max(0.0, gain))

    def hold(self) -> None:
        """Stand still until `release`."""
        with self._lock:
            self._held = True

    def release(self) -> None:
        """Go on."""
        with self._lock:
            self._held = False

    def pull(self, frames: int) -> Samples:
        """The next so many samples at the rate of the wire; silence where there is nothing to hear."""
        output = np.zeros(frames, np.float32)
        with self._lock:
            at = 0
            while at < frames and self._items and not self._held:
                item = self._items[0]
                if item.dry and item.ended and not item.waiting:
                    self._finish(item)
                elif not self._playing and not self._start(item):
                    self._gap += (frames - at) if item.dry else 0
                    break
                elif item.chunks:
                    at += self._render(item, output[at:])
                elif item.ended:
                    self._finish(item)
                else:
                    self._run_dry(item)
        return output

    def reports(self) -> list[Played]:
        """How much of which line was played since this was asked last; the line that is on comes last."""
        with self._lock:
            found = list(self._reports)
            self._reports.clear()
            if self._items and self._items[0].started and not self._items[0].dry:
                found.append(Played(self._items[0].id, self._items[0].played / pcm16.RATE_HZ, is_last=False))
            return found

    def _find(self, item_id: str) -> _Item | None:
        return next((item for item in self._items if item.id == item_id), None)

    def _close(self, item_id: str) -> None:
        self._closed[item_id] = None
        if len(self._closed) > _REMEMBERED:
            self._closed.popitem(last=False)

    def _report(self, item: _Item, *, is_last: bool) -> None:
        self._reports.append(Played(item.id, item.played / pcm16.RATE_HZ, is_last))

    def _start(self, item: _Item) -> bool:
        if item.waiting < PREBUFFER_S * pcm16.RATE_HZ and not item.ended:
            return False
        if item.dry:
            self._late += max(1, round(self._gap / (_FRAME_S * pcm16.RATE_HZ)))
            item.dry = False
        if not item.started:
            item.started = True
            self._gain = self._target = 1.0
        self._playing = True
        return True

    def _run_dry(self, item: _Item) -> None:
        # The end, or a gap: what comes next will tell.
        self._playing = False
        item.dry = True
        self._gap = 0
        self._report(item, is_last=True)

    def _finish(self, item: _Item) -> None:
        self._items.popleft()
        self._playing = False
        self._whole += 1
        self._report(item, is_last=True)
        self._close(item.id)

    def _render(self, item: _Item, output: Samples) -> int:
        chunk = item.chunks.popleft()
        count = min(chunk.size, output.size)
        if count < chunk.size:
            item.chunks.appendleft(chunk[count:])
        output[:count] = chunk[:count] * self._gains(count)
        item.waiting -= count
        item.played += count
        self._played += count
        return count

    def _gains(self, count: int) -> Samples:
        if self._gain == self._target:
            return np.full(count, self._gain, np.float32)
        step = np.sign(self._target - self._gain) / (_RAMP_S * pcm16.RATE_HZ)
        gains = self._gain + step * np.arange(1, count + 1)
        low, high = sorted((self._gain, self._target))
        gains = np.clip(gains, low, high)
        self._gain = float(gains[-1])
        return np.asarray(gains, np.float32)
