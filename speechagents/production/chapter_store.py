"""Finished chapters of a book on disk, named by what is in them.

Owns the folder ``chapters/``: for each chapter where its lines stand, and for each format its file of sound and what
that measures. Nothing in it says which number or title a chapter has: a chapter that moves stays finished. Does not
know how a chapter is spoken, placed or encoded (`chapter_press`).

::

    chapters/<key>.json        places of the lines, from the start of the chapter
    chapters/<key>.mp3         its sound, without tags
    chapters/<key>.mp3.json    what that file measures; there only when the file is complete
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from speechagents.drama import Line, Scene
from speechagents.errors import StorageError
from speechagents.production.gate import GateReport, Verdict
from speechagents.production.loudness import Loudness
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.production.timeline import PlacedLine, PlacedScene
from speechagents.pronunciation.respelling import shown
from speechagents.voices.synthesizer import Word

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in its chapter.

    Attributes:
        take: Address of its take; empty when it could not be spoken.
        start_s: When it starts, from the start of the chapter.
        duration_s: Length of its sound.
        words: Words with times from the start of the line.
        failed: Why it could not be spoken, empty when it was.
    """

    take: str
    start_s: float = 0.0
    duration_s: float = 0.0
    words: tuple[Word, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ChapterPlan:
    """When the lines of a chapter are heard.

    Attributes:
        frames: Length of the chapter in frames of the programme.
        places: One for each line of its scene, in order.
    """

    frames: int
    places: tuple[Place, ...]

    @property
    def duration_s(self) -> float:
        """Length of the chapter."""
        return self.frames / PROGRAMME_HZ

    @property
    def complete(self) -> bool:
        """Every line could be spoken."""
        return not any(place.failed for place in self.places)

    def placed(self, scene: Scene, *, start_s: float = 0.0) -> PlacedScene:
        """The scene with its lines in their places.

        Args:
            scene: The scene that was planned.
            start_s: Where the chapter begins in the programme.
        """
        return PlacedScene(
            title=scene.title,
            setting=scene.setting,
            start_s=start_s,
            end_s=start_s + self.duration_s,
            lines=tuple(
                _placed(line, place, start_s)
                for line, place in zip(scene.lines, self.places, strict=True)
                if not place.failed
            ),
        )


def _placed(line: Line, place: Place, start_s: float) -> PlacedLine:
    at = start_s + place.start_s
    line = replace(line, text=shown(line.text))
    words = tuple(Word(word.text, at + word.start_s, at + word.end_s) for word in place.words)
    return PlacedLine(line, place.take, at, place.duration_s, words)


class ChapterStore:
    """The folder of finished chapters. Safe to use from several threads: files are published by renaming.

    Args:
        folder: Made when the first chapter is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sound(self, key: str, suffix: str) -> Path:
        """File of a chapter's sound in a format, whether it exists or not."""
        return self._folder / f"{key}.{suffix}"

    def prepare(self) -> None:
        """Make the folder."""
        with storage_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    def save_plan(self, key: str, plan: ChapterPlan) -> None:
        """Write down where the lines of a chapter stand.

        Raises:
            StorageError: The disk is full or read-only.
        """
        places = [
            {"failed": place.failed}
            if place.failed
            else {
                "take": place.take,
                "start_s": round(place.start_s, 4),
                "duration_s": place.duration_s,
                "words": [[word.text, round(word.start_s, 4), round(word.end_s, 4)] for word in place.words],
            }
            for place in plan.places
        ]
        values = {"format": _FORMAT, "frames": plan.frames, "lines": places}
        write_atomically(self._plan_path(key), json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))

    def plan(self, key: str, lines: int) -> ChapterPlan | None:
        """Where the lines of a chapter stand; None when nobody knows, or the file is damaged.

        Args:
            key: Of the chapter.
            lines: How many lines it has.
        """
        try:
            values = json.loads(self._plan_path(key).read_bytes())
            if values["format"] != _FORMAT:
                return None
            plan = ChapterPlan(int(values["frames"]), tuple(map(_place, values["lines"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return plan if len(plan.places) == lines else None

    def save_report(self, key: str, suffix: str, report: GateReport | None) -> None:
        """Say that a file of sound is complete, and what it measures (None without a master).

        Raises:
            StorageError: The file has vanished, or the disk is full or read-only.
        """
        sound = self.sound(key, suffix)
        with storage_errors(sound):
            size = sound.stat().st_size
        values = {"format": _FORMAT, "bytes": size, "report": report.as_json() if report else None}
        write_atomically(self._report_path(key, suffix), json.dumps(values).encode())

    def has(self, key: str, suffix: str) -> bool:
        """Whether a chapter's sound is complete in a format."""
        return self._report_of(key, suffix) is not None

    def report(self, key: str, suffix: str) -> GateReport | None:
        """What a complete file measures, None without a master.

        Raises:
            StorageError: The file is not there any more.
        """
        values = self._report_of(key, suffix)
        if values is None:
            raise StorageError(f"{self.sound(key, suffix)}: is gone or damaged; run the same command again")
        return _report(values["report"]) if values["report"] is not None else None

    def keep_only(self, keys: Collection[str]) -> None:
        """Remove the files of all other chapters: those that the book no longer has."""
        for path in self._files():
            if path.name.partition(".")[0] not in keys:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from self._folder.iterdir()

    def _report_of(self, key: str, suffix: str) -> dict[str, Any] | None:
        """What was said about a file, None if it is not there as it was said."""
        try:
            values = json.loads(self._report_path(key, suffix).read_bytes())
            if values["format"] != _FORMAT or self.sound(key, suffix).stat().st_size != values["bytes"]:
                return None
            if values["report"] is not None:
                _report(values["report"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return dict(values)

    def _plan_path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _report_path(self, key: str, suffix: str) -> Path:
        return self._folder / f"{key}.{suffix}.json"


def _place(values: dict[str, Any]) -> Place:
    if failed := values.get("failed"):
        return Place("", failed=str(failed))
    return Place(
        take=str(values["take"]),
        start_s=float(values["start_s"]),
        duration_s=float(values["duration_s"]),
        words=tuple(Word(str(text), float(start), float(end)) for text, start, end in values["words"]),
    )


def _report(values: dict[str, Any]) -> GateReport:
    given = {name: value for name, value in values.items() if name != "passed"}
    verdicts: Sequence[dict[str, Any]] = given.pop("verdicts")
    return GateReport(
        **{**given, "measured": Loudness(**given["measured"])}, verdicts=tuple(Verdict(**one) for one in verdicts)
    )
