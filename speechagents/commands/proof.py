"""``speechagents proof``.

Owns its arguments and how its findings are shown. Does not know how takes are proofed. Exit code 3 says that lines
are left that have a fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from speechagents.commands.options import EXIT_PARTLY, Commands, print_json
from speechagents.drama import clean_name

if TYPE_CHECKING:
    from speechagents.events import Event, ProofFinished
    from speechagents.production.proofing.finding import Proofed

_EVERY_LINES = 500


def add_proof_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``proof``."""
    proof = commands.add_parser(
        "proof",
        parents=[common],
        help="listen to every take of a production, and speak faulty ones again",
        description="Proof every take of a production: dropped, repeated and invented words, clipping, silence, noise, "
        "wrong length. Faulty takes are spoken again where their voice can; the report is proof.json in the folder. "
        "Exit code 0: all lines are good; 3: some are not, and are listed.",
    )
    proof.add_argument("production", help="folder of the production, or its address in a store")
    proof.set_defaults(run=_proof)


def _proof(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio

    share_one_heap()
    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        finished = _shown(studio.proof(arguments.production))
    if arguments.json:
        print_json(
            {
                **finished.summary.as_json(),
                "faulty_lines": [_faulty_line(proofed) for proofed in finished.faulty],
                "remix": finished.remix,
                "report": finished.place,
                "seconds": round(finished.seconds, 3),
            }
        )
    else:
        print(finished.place)
    return EXIT_PARTLY if finished.summary.faulty else 0


def _shown(events: Generator[Event, None, None]) -> ProofFinished:
    """Tell of lines with faults and of retakes as they come, and give the last event back."""
    with closing(events):
        return _told_of(events)


def _told_of(events: Iterable[Event]) -> ProofFinished:
    from speechagents.events import LineProofed, ProofFinished, Started, Warned

    finished: ProofFinished | None = None
    lines = done = 0
    for event in events:
        match event:
            case Started():
                lines = event.lines
            case Warned():
                _say(f"warning: {event.message}")
            case LineProofed(proofed=proofed):
                done += 1
                if not proofed.good:
                    _say(_told(proofed))
                elif proofed.new and proofed.attempt:
                    _say(f"line {proofed.line.number} ({proofed.line.role}): spoken again, good now")
                if done % _EVERY_LINES == 0:
                    _say(f"{done} of {lines} lines proofed")
            case ProofFinished():
                finished = event
            case _:
                pass
    assert finished is not None  # noqa: S101 - every event stream ends with it
    summary = finished.summary
    _say(f"{summary.lines} lines proofed: {summary.faulty} with faults, {summary.retaken} retaken")
    if finished.remix:
        _say(
            f"{finished.remix} lines of the finished files have another take now: run the command that made them again"
        )
    return finished


def _told(proofed: Proofed) -> str:
    from speechagents.production.proofing.finding import joined

    retaken = f" (best of {proofed.retakes + 1} takes)" if proofed.retakes else ""
    return f"line {proofed.line.number} ({proofed.line.role}): {joined(proofed.finding.faults)}{retaken}"


def _faulty_line(proofed: Proofed) -> dict[str, object]:
    return {
        "line": proofed.line.number,
        "role": proofed.line.role,
        "take": proofed.take,
        "retakes": proofed.retakes,
        "faults": [fault.as_json() for fault in proofed.finding.faults],
        "heard": proofed.finding.heard,
    }


def _say(text: str) -> None:
    # Texts and names of scripts, and whatever was heard, must not steer the terminal.
    print(clean_name(text), file=sys.stderr)
