"""A production proofed: every line examined, faulty ones spoken again, and a report of all of it.

Owns the order of that work over a whole play, and where its lines stand in time. Does not know how a line is proofed
(`production.proofing`) or where the play comes from.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from speechagents.drama import Line, role_key
from speechagents.errors import ProductionError
from speechagents.events import Event, LineProofed, ProofFinished, Started, Warned
from speechagents.listeners.listener import Listener
from speechagents.performance import Performance
from speechagents.production.proofing.finding import Proofed, ProofLine
from speechagents.production.proofing.proofer import CHUNK_LINES, Proofer
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.proofing.report import FILE_NAME, Place, ReportWriter
from speechagents.production.scene_stage import Stage
from speechagents.stream import MessageStream
from speechagents.voices.synthesizer import SpeaksByRule

MAX_NAMED: Final = 1_000
"""Faulty lines that are named at the end; the report has them all."""


def proof_performance(performance: Performance, load_listener: Callable[[], Listener]) -> Iterator[Event]:
    """Proof a play that was performed, or begin with that: takes that are missing are made.

    Nothing is mixed. Where another take than before is kept, the files are out of date until the play is performed or
    exported again.

    Args:
        performance: Of the play.
        load_listener: Loads the recogniser; called only if there is something to listen to.

    Yields:
        `Started`, a `LineProofed` for each line in order, `ProofFinished` last. A `Warned` may come anywhere.

    Raises:
        ProductionError: The folder cannot be used.
        ListenerError: The recogniser cannot be used at all.
    """
    began = time.monotonic()
    play, stage, production = performance.play, performance.stage, performance.production
    people = {role_key(name) for name in performance.human}
    by_rule = isinstance(stage.synthesizer, SpeaksByRule)
    with production:
        listener = None if by_rule and not people else load_listener()
        yield Started(
            title=play.title,
            scenes=len(play.scenes),
            lines=sum(len(scene.lines) for scene in play.scenes),
            roles=performance.roles,
            cast=performance.cast,
            preset=performance.troupe.why,
            language=play.language,
        )

        def lines_of(index: int) -> list[ProofLine]:
            return [proof_line(line, stage, people) for line in play.scenes[index].lines]

        proofer = Proofer(
            production.takes,
            ProofRecord(production.folder),
            stage.synthesizer,
            listener,
            play=(line for index in range(len(play.scenes)) for line in lines_of(index)),
            language=play.language,
            names=[role.name for role in play.roles],
        )
        times = _Times(performance)
        faulty: list[Proofed] = []
        unheard = ""
        path = production.folder / FILE_NAME
        with ReportWriter(path) as report:
            for index, scene in enumerate(play.scenes):
                lines = lines_of(index)
                for first in range(0, len(lines), CHUNK_LINES):
                    for proofed in proofer.proof(lines[first : first + CHUNK_LINES]):
                        report.write(proofed, times.place(proofed, index, scene.title))
                        if not proofed.good and len(faulty) < MAX_NAMED:
                            faulty.append(proofed)
                        if proofed.finding.unheard and proofed.finding.unheard != unheard:
                            unheard = proofed.finding.unheard
                            yield Warned(f"line {proofed.line.number} is judged by its sound alone: {unheard}")
                        yield LineProofed(proofed, index)
    yield ProofFinished(
        folder=production.folder,
        report=path,
        summary=report.summary,
        faulty=tuple(faulty),
        remix=times.other_takes,
        seconds=time.monotonic() - began,
    )


def proof_line(line: Line, stage: Stage, people: set[str]) -> ProofLine:
    """A line as proofing takes it.

    Args:
        line: The line.
        stage: Knows its voice, and its recording if it has one.
        people: Keys of the roles that are a person's own voice.
    """
    recorded = stage.recorded.get(line.number, "")
    human = bool(recorded) and role_key(line.role) in people
    return ProofLine(line, replace(stage.spoken_line(line), attempt=0), recorded, human)


@dataclass(slots=True)
class _Times:
    """When each line was heard in the programme as last mixed, from its message stream.

    A line is found by who says it and what: numbers of lines change when a script does.
    """

    performance: Performance
    other_takes: int = 0
    _waiting: dict[tuple[str, str], deque[tuple[float, float, str]]] = field(default_factory=lambda: defaultdict(deque))

    def __post_init__(self) -> None:
        path = self.performance.production.stream_path
        if not path.is_file():
            return
        try:
            with MessageStream(path) as stream:
                for message in stream:
                    key = (role_key(message.speaker), message.text)
                    self._waiting[key].append((message.start_s, message.end_s, message.take))
        except ProductionError:
            # A damaged stream costs the times; the takes can be proofed all the same.
            self._waiting.clear()

    def place(self, proofed: Proofed, index: int, title: str) -> Place:
        """Where a line stands; each line of the same words takes the next place."""
        waiting = self._waiting.get((role_key(proofed.line.role), proofed.line.text))
        if not waiting:
            return Place(index + 1, title)
        start_s, end_s, take = waiting.popleft()
        self.other_takes += take != proofed.take
        return Place(index + 1, title, start_s=start_s, end_s=end_s)
