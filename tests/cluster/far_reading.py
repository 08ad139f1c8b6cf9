"""Reading a small book aloud with workers, for tests of pressing and of what happens when somebody is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from speechagents.books.book import Book
from speechagents.cluster.dispatch import Dispatcher
from speechagents.cluster.executor import Executor, Post, Service
from speechagents.cluster.voices import SpreadSynthesizer
from speechagents.cluster.workforce import Workforce
from speechagents.events import Event, Finished, ReadingProgress
from speechagents.listeners.listener import Listener
from speechagents.performance import Troupe
from speechagents.reading_aloud import read_aloud
from speechagents.settings import ReadSettings
from speechagents.voices.espeak import EspeakSynthesizer
from tests.cluster.made_up_voices import near
from tests.test_reading_aloud import BOOK, know

FORMATS = ("m4b", "vtt")


class Hire:
    """Hires workers of an executor, of some kind.

    Args:
        voices: What tells what the voices are.
        notes: Folder for the workers' notes; those of another test are not taken for these.
    """

    def __init__(self, voices: EspeakSynthesizer, notes: Path) -> None:
        self._voices = voices
        self.notes = notes

    def __call__(self, executor: Executor, make: Callable[[Path], Service] = near) -> Workforce:
        dispatcher, post = Dispatcher(executor), Post(f"voices of {self.notes}", partial(make, self.notes), batch=8)
        return Workforce(executor, dispatcher, post, SpreadSynthesizer(self._voices, dispatcher, post))


def read(workforce: Workforce, out: Path, book: Book = BOOK, **options: Any) -> list[Event]:
    return list(reading(workforce, out, book, **options))


def reading(workforce: Workforce, out: Path, book: Book = BOOK, **options: Any) -> Iterator[Event]:
    if not (out / "attribution.json").exists():
        know(out, book)
    troupe = Troupe(workforce.voices, "embedded", "", 1, no_ears, workforce=workforce)
    return read_aloud(troupe, book, out, ReadSettings(**{"formats": FORMATS, **options}), resume=False)


def no_ears() -> Listener:
    raise AssertionError("voices that speak by rule need no ears")


def spoken(events: Sequence[Event]) -> int:
    assert isinstance(events[-1], Finished)
    return events[-1].spoken


def kinds(events: Sequence[Event]) -> list[str]:
    """What was told, without what depends on the time it took."""
    return [type(event).__name__ for event in events if not isinstance(event, ReadingProgress)]
