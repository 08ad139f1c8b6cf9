"""How far a book is that is being read aloud: what has become of its chapters, and how long the rest will take.

Owns the running figures. Does not know how chapters are made (`recital`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechagents.drama import Deed, Message
from speechagents.events import Exported, LineFailed, ReadingProgress
from speechagents.journal import entry_line
from speechagents.production.binding import BoundChapter
from speechagents.production.timeline import PlacedScene
from speechagents.stream import message_to_json


@dataclass(slots=True)
class Outcome:
    """What has become of the chapters whose turn has come."""

    bound: list[BoundChapter] = field(default_factory=list)
    spoken: int = 0
    failed: list[LineFailed] = field(default_factory=list)
    exported: list[tuple[str, int, Path]] = field(default_factory=list)
    gates: dict[str, Any] = field(default_factory=dict)
    told: int = 0
    faulty: int = 0

    def note(self, event: object) -> None:
        """Remember a file."""
        if isinstance(event, Exported):
            self.exported.append((event.format, event.part, event.path))
            if event.report is not None:
                self.gates[f"{event.format} {event.part}"] = event.report.as_json()

    def files(self, formats: Sequence[str]) -> tuple[Path, ...]:
        """All files, in the order of the formats asked for."""
        return tuple(path for *_, path in sorted(self.exported, key=lambda one: (formats.index(one[0]), one[1])))

    def messages(self, scene: PlacedScene) -> bytes:
        """A chapter as entries of the message stream."""
        entries = []
        for placed in scene.lines:
            self.told += 1
            line = placed.line
            message = Message(
                id=self.told,
                speaker=line.role,
                text=line.text,
                deed=Deed.SPEAK,
                style=line.style,
                addresses=(),
                audience=(),
                start_s=placed.start_s,
                end_s=placed.end_s,
                take=placed.take,
            )
            entries.append(entry_line(message_to_json(message)))
        return b"".join(entries)


class TimeLeft:
    """How far the chapters are, and how long the rest will take.

    Args:
        chars: Characters of each chapter.
        began: When the work began, by `time.monotonic`.
    """

    def __init__(self, chars: Sequence[int], began: float) -> None:
        self._chars = chars
        self._total = max(1, sum(chars))
        self._began = began
        self._shares: dict[int, float] = {}
        self._done = 0
        self._fresh = 0
        self._chapters = 0

    def share(self, index: int, share: float) -> None:
        """A chapter is encoded up to a share of it."""
        self._shares[index] = share

    def finished(self, index: int, *, fresh: bool) -> None:
        """A chapter is done."""
        self._shares.pop(index, None)
        self._done += self._chars[index]
        self._fresh += self._chars[index] if fresh else 0
        self._chapters += 1

    def told(self) -> ReadingProgress:
        """As an event."""
        under_way = sum(self._chars[index] * share for index, share in self._shares.items())
        made = self._fresh + under_way
        rest = max(0.0, self._total - self._done - under_way)
        took_s = time.monotonic() - self._began
        return ReadingProgress(
            done=min(1.0, (self._done + under_way) / self._total),
            chapters=self._chapters,
            left_s=rest * took_s / made if made else 0.0 if not rest else None,
        )
