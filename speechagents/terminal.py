"""Shows a performance's events to somebody at a terminal, or in a log.

Owns bars and plain lines. Knows only the events. Names and texts of scripts are untrusted: they are printed without
control characters and without rich's markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from speechagents.drama import Deed, Message, clean_name
from speechagents.events import (
    Event,
    Exported,
    ExportProgress,
    Finished,
    LineFailed,
    LineSpoken,
    MessageSpoken,
    ReadingProgress,
    SceneOver,
    SceneReady,
    SpeakersAsked,
    Started,
    TurnPassed,
    Warned,
)


def show(events: Iterable[Event], *, stream: TextIO) -> Finished:
    """Show events until the last one and give that one back.

    Args:
        events: Of one performance.
        stream: Where to; bars if it is a terminal, else one plain line for each scene and file.
    """
    finished: Finished | None = None
    with _Bars.on(stream) if stream.isatty() else _Log.on(stream) as display:
        for event in events:
            if isinstance(event, Finished):
                finished = event
            display.show(event)
    assert finished is not None  # noqa: S101 - every event stream ends with it
    return finished


class _Display(Protocol):
    def show(self, event: Event) -> None: ...


class _Log:
    """Plain lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._scenes = 0
        self._chapters = 0
        self._closed = False

    @classmethod
    @contextmanager
    def on(cls, stream: TextIO) -> Iterator[_Display]:
        yield cls(stream)

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._scenes = event.scenes
        line = _sentence(event, self._scenes)
        if isinstance(event, ReadingProgress):
            # A line for each chapter: a log is no place for a bar.
            line, self._chapters = line if event.chapters > self._chapters else "", event.chapters
        if line and not self._closed:
            try:
                print(clean_line(line), file=self._stream, flush=True)
            except BrokenPipeError:
                self._closed = True  # nobody reads any more (`… | head`); the work goes on all the same


class _Bars:
    """Progress bars with the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._scenes = 0
        self._speaking: TaskID | None = None
        self._asking: TaskID | None = None
        self._reading: TaskID | None = None
        self._exports: dict[str, TaskID] = {}

    @classmethod
    @contextmanager
    def on(cls, stream: TextIO) -> Iterator[_Display]:
        console = Console(file=stream)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            yield cls(progress)

    def show(self, event: Event) -> None:
        match event:
            case Started():
                self._scenes = event.scenes
                if event.lines:
                    self._speaking = self._progress.add_task("speaking", total=event.lines)
                self._print(event)
            case MessageSpoken() | TurnPassed() | SceneOver():
                self._print(event)
            case LineSpoken() if self._speaking is not None:
                self._progress.advance(self._speaking)
            case LineFailed() if self._speaking is not None:
                self._progress.advance(self._speaking)
                self._print(event)
            case SpeakersAsked():
                self._ask(event)
            case ReadingProgress():
                self._read(event)
            case ExportProgress():
                if event.format not in self._exports:
                    self._exports[event.format] = self._progress.add_task(event.format, total=round(event.total_s))
                self._progress.update(self._exports[event.format], completed=round(event.done_s))
            case Exported():
                if event.format in self._exports:
                    task = self._exports[event.format]
                    self._progress.update(task, completed=self._progress.tasks[task].total)
                self._print(event)
            case Warned() | Finished():
                self._print(event)
            case SceneReady() if self._reading is not None:
                self._print(event)
            case _:
                pass

    def _ask(self, event: SpeakersAsked) -> None:
        if self._asking is None:
            self._asking = self._progress.add_task("asking who speaks", total=event.of)
        self._progress.update(self._asking, completed=event.done)

    def _read(self, event: ReadingProgress) -> None:
        """One bar for a whole book, with the time left as the work itself tells it."""
        if self._reading is None:
            if self._speaking is not None:
                self._progress.remove_task(self._speaking)
                self._speaking = None
            self._reading = self._progress.add_task("", total=100)
        about = f"{event.chapters} of {self._scenes} chapters"
        self._progress.update(self._reading, completed=round(100 * event.done), description=about)

    def _print(self, event: Event) -> None:
        self._progress.console.print(escape(clean_line(_sentence(event, self._scenes))), highlight=False)


def _sentence(event: Event, scenes: int) -> str:
    match event:
        case Started(lines=0):
            return f"{event.title}: {event.roles} roles improvise, language {event.language}; {event.preset}"
        case MessageSpoken():
            return message_line(event.message) + (f"  [{event.message.fallback}]" if event.message.fallback else "")
        case TurnPassed():
            return f"         {event.turn.role} stays silent" + (
                f"  [{event.turn.fallback}]" * bool(event.turn.fallback)
            )
        case SceneOver():
            return (
                f"the scene is over: {event.reason}; {event.turns} turns, {event.fallback_turns} of them by the "
                f"understudy, {event.usage.tokens_in} tokens in, {event.usage.tokens_out} out"
            )
        case Started():
            return (
                f"{event.title}: {event.scenes} scenes, {event.lines} lines, {event.roles} roles, "
                f"language {event.language}; {event.preset}"
            )
        case Warned():
            return f"note: {event.message}"
        case LineFailed():
            return f"line {event.line.number} of {event.line.role} could not be spoken: {event.reason}"
        case SceneReady():
            return f"scene {event.index + 1}/{scenes} {event.scene.title}: {clock(event.scene.end_s)}"
        case SpeakersAsked():
            return f"asked who speaks: {event.done} of {event.of} questions"
        case ReadingProgress():
            left = "" if event.left_s is None else f", {clock(event.left_s)} left"
            return f"{event.chapters} of {scenes} chapters, {100 * event.done:.0f} % done{left}"
        case Exported():
            if event.report is None:
                return str(event.path)
            verdict = "meets" if event.report.passed else "DOES NOT MEET"
            return f"{event.path} {verdict} {event.report.master}, see production.json"
        case Finished():
            factor = event.duration_s / max(event.seconds, 1e-9)
            return (
                f"{clock(event.duration_s)} of sound in {event.seconds:.1f} s ({factor:.0f} x real time), "
                f"{event.spoken} of {event.lines} lines spoken anew, {len(event.failed)} failed"
            )
        case _:
            return ""


def message_line(message: Message) -> str:
    """A message as a line of a transcript."""
    style = "" if message.style.tag == "default" else f" ({message.style.tag})"
    to = f" to {', '.join(message.addresses)}" if message.addresses else ""
    private = " in private" if message.audience else ""
    at = f"{message.start_s:8.2f}"
    match message.deed:
        case Deed.ACT | Deed.LEAVE:
            return clean_line(f"{at} {message.speaker} {message.text}")
        case _:
            return clean_line(f"{at} {message.speaker}{style}{to}{private}: {message.text}")


def clean_line(text: str) -> str:
    """A text without anything that steers a terminal; blanks at its start stay."""
    return text[: len(text) - len(text.lstrip())] + clean_name(text)


def clock(seconds: float) -> str:
    """A time as people write it: 1:02:03, or 2:03 under an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
