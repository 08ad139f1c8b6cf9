"""A whole play proofed: every line examined, faulty ones spoken again, and a report of all of it.

Owns the order of that work over scenes, and where their lines stand in time. Does not know how a line is proofed
(`production.proofing`) or where the play comes from: scripts, scenes that were improvised and books are proofed alike.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from speechagents.drama import Line, Scene, role_key
from speechagents.errors import ProductionError
from speechagents.events import Event, LineProofed, ProofFinished, Started, Warned
from speechagents.listeners.listener import Listener
from speechagents.performance import Performance
from speechagents.production.proofing.finding import Proofed, ProofLine
from speechagents.production.proofing.proofer import CHUNK_LINES, Proofer
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.proofing.report import FILE_NAME, Place, ReportWriter
from speechagents.production.takes import TakeStore
from speechagents.production.timeline import PlacedScene
from speechagents.pronunciation.respelling import shown
from speechagents.stream import MessageStream
from speechagents.voices.synthesizer import SpeaksByRule, SpokenLine, Synthesizer

MAX_NAMED: Final = 1_000
"""Faulty lines that are named at the end; the report has them all."""


@dataclass(frozen=True, slots=True)
class ProofPlay:
    """What is to be proofed, and with what.

    Attributes:
        folder: Of the production.
        takes: Its takes.
        scenes: Its lines; scenes may be made when they are asked for.
        spoken_line: A line as its voice is asked for it; which attempt it asks for does not matter.
        synthesizer: The voices.
        load_listener: Loads the recogniser; called only if there is something to listen to.
        language: BCP 47 tag.
        names: Names that may be spoken.
        recorded: Addresses of recordings by the number of their line.
        people: Names of the roles that are a person's own voice.
    """

    folder: Path
    takes: TakeStore
    scenes: Sequence[Scene]
    spoken_line: Callable[[Line], SpokenLine]
    synthesizer: Synthesizer
    load_listener: Callable[[], Listener]
    language: str
    names: Sequence[str] = ()
    recorded: Mapping[int, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()

    def lines(self, scene: Scene) -> list[ProofLine]:
        """The lines of a scene as proofing takes them."""
        return [self.line(line) for line in scene.lines]

    def line(self, line: Line) -> ProofLine:
        """A line as proofing takes it."""
        recorded = self.recorded.get(line.number, "")
        human = bool(recorded) and role_key(line.role) in map(role_key, self.people)
        return ProofLine(line, replace(self.spoken_line(line), attempt=0), recorded, human)

    def proofer(self, record: ProofRecord) -> Proofer:
        """What proofs it; the recogniser is loaded here if anything is to be listened to.

        Raises:
            ListenerError: The recogniser cannot be loaded.
        """
        by_rule = isinstance(self.synthesizer, SpeaksByRule)
        return Proofer(
            self.takes,
            record,
            self.synthesizer,
            None if by_rule and not self.people else self.load_listener(),
            play=(line for scene in self.scenes for line in self.lines(scene)),
            language=self.language,
            names=self.names,
        )


def play_of_performance(performance: Performance) -> ProofPlay:
    """A script, or a scene that was improvised, as proofing takes it."""
    stage, production = performance.stage, performance.production
    return ProofPlay(
        folder=production.folder,
        takes=production.takes,
        scenes=performance.play.scenes,
        spoken_line=stage.spoken_line,
        synthesizer=stage.synthesizer,
        load_listener=performance.troupe.load_listener,
        language=performance.play.language,
        names=[role.name for role in performance.play.roles],
        recorded=stage.recorded,
        people=performance.human,
    )


def proof_performance(performance: Performance) -> Iterator[Event]:
    """Proof a play that was performed; see `proof_play` for the rest.

    Yields:
        `Started`, then what `proof_play` yields.
    """
    play = performance.play
    with performance.production:
        yield Started(
            title=play.title,
            scenes=len(play.scenes),
            lines=sum(len(scene.lines) for scene in play.scenes),
            roles=performance.roles,
            cast=performance.cast,
            preset=performance.troupe.why,
            language=play.language,
        )
        yield from proof_play(play_of_performance(performance), StreamPlaces(performance.production.stream_path))


def proof_play(play: ProofPlay, places: Places) -> Iterator[Event]:
    """Proof a play, whether it was mixed before or not: takes that are missing are made.

    Nothing is mixed. Where another take than before is kept, the files are out of date until the play is performed,
    read or exported again.

    Args:
        play: What, in a folder that nobody else works in.
        places: When its lines were heard as it was last mixed.

    Yields:
        A `LineProofed` for each line in order, `ProofFinished` last. A `Warned` may come anywhere.

    Raises:
        StorageError: The disk is full or read-only.
        ListenerError: The recogniser cannot be used at all.
    """
    began = time.monotonic()
    proofer = play.proofer(ProofRecord(play.folder))
    path = play.folder / FILE_NAME
    faulty: list[Proofed] = []
    unheard = ""
    with ReportWriter(path) as report:
        for index, scene in enumerate(play.scenes):
            lines = play.lines(scene)
            for first in range(0, len(lines), CHUNK_LINES):
                for proofed in proofer.proof(lines[first : first + CHUNK_LINES]):
                    report.write(proofed, places.place(proofed, index, scene.title))
                    if not proofed.good and len(faulty) < MAX_NAMED:
                        faulty.append(proofed)
                    if proofed.finding.unheard and proofed.finding.unheard != unheard:
                        unheard = proofed.finding.unheard
                        yield Warned(f"line {proofed.line.number} is judged by its sound alone: {unheard}")
                    yield LineProofed(proofed, index)
    yield ProofFinished(
        folder=play.folder,
        report=path,
        summary=report.summary,
        faulty=tuple(faulty),
        remix=places.other_takes,
        seconds=time.monotonic() - began,
    )


def report_of(play: ProofPlay, proofer: Proofer, scenes: Sequence[PlacedScene]) -> Iterator[Proofed]:
    """Write the report of a play all of whose lines were proofed while it was made: nothing is listened to again.

    Args:
        play: What.
        proofer: That proofed it.
        scenes: Its scenes as they were mixed.

    Yields:
        Each line, in order. The report is there when all have been read.
    """
    places = ScenePlaces(scenes)
    with ReportWriter(play.folder / FILE_NAME) as report:
        for index, scene in enumerate(play.scenes):
            for proofed in proofer.proof(play.lines(scene)):
                report.write(proofed, places.place(proofed, index, scene.title))
                yield proofed


class Places:
    """When lines were heard; this one knows of none."""

    other_takes = 0

    def place(self, proofed: Proofed, index: int, title: str) -> Place:  # noqa: ARG002
        """Where a line stands; lines are asked for in the order of the play.

        Args:
            proofed: The line.
            index: 0-based index of its scene.
            title: Of the scene.
        """
        return Place(index + 1, title)


class StreamPlaces(Places):
    """When lines were heard in the programme as last mixed, from its message stream.

    A line is found by who says it and what: numbers of lines change when a script does.

    Args:
        path: The stream; without one, or with a damaged one, no times are known.
    """

    def __init__(self, path: Path) -> None:
        self._waiting: dict[tuple[str, str], deque[tuple[float, float, str]]] = defaultdict(deque)
        if not path.is_file():
            return
        try:
            with MessageStream(path) as stream:
                for message in stream:
                    key = (role_key(message.speaker), shown(message.text))
                    self._waiting[key].append((message.start_s, message.end_s, message.take))
        except ProductionError:
            self._waiting.clear()

    def place(self, proofed: Proofed, index: int, title: str) -> Place:
        """Where a line stands; each line of the same words takes the next place."""
        waiting = self._waiting.get((role_key(proofed.line.role), shown(proofed.line.text)))
        if not waiting:
            return Place(index + 1, title)
        start_s, end_s, take = waiting.popleft()
        self.other_takes += take != proofed.take
        return Place(index + 1, title, start_s=start_s, end_s=end_s)


class ScenePlaces(Places):
    """When lines are heard in scenes that were mixed, read one at a time.

    Args:
        scenes: In order; fewer than there are in the play where only some were mixed.
    """

    def __init__(self, scenes: Sequence[PlacedScene]) -> None:
        self._scenes = scenes
        self._index = -1
        self._scene: PlacedScene | None = None
        self._lines: dict[int, tuple[float, float, str]] = {}

    def place(self, proofed: Proofed, index: int, title: str) -> Place:
        """Where a line stands."""
        if index != self._index:
            self._index = index
            self._scene = self._scenes[index] if index < len(self._scenes) else None
            lines = self._scene.lines if self._scene else ()
            self._lines = {one.line.number: (one.start_s, one.end_s, one.take) for one in lines}
        found = self._lines.get(proofed.line.number)
        if self._scene is None or found is None:
            return Place(index + 1, title)
        start_s, end_s, take = found
        self.other_takes += take != proofed.take
        return Place(index + 1, title, self._scene.start_s, start_s, end_s)
