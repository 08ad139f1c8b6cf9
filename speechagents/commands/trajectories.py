"""``speechagents trajectories``: gathers what models are tuned with into a folder.

Owns the arguments and what is shown. Does not know how anything is gathered (`tuning.gathering`).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from speechagents.commands.options import Commands, path_here, print_json

if TYPE_CHECKING:
    from speechagents.tuning.gathering import GatherEvent
    from speechagents.tuning.trajectory_folder import TrajectoryFolder

_PROGRESS_S = 2.0
"""Seconds between two lines of progress."""


def add_trajectories_command(commands: Commands) -> None:
    """Add ``trajectories``."""
    gather = commands.add_parser(
        "trajectories",
        help="gather what models are tuned with",
        description="Gather what agents knew before each turn, and what they did, from scenes: one line of JSON a "
        "turn, with a data card, in splits that share nothing.",
    )
    gather.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="hcs:train (the benchmark that comes with this package), hcs, the folder of a benchmark, of a run of one, "
        "or of an improvised production, or a script file",
    )
    gather.add_argument("--out", type=path_here, required=True, metavar="DIR", help="new folder of the trajectories")
    gather.add_argument(
        "--hearing",
        choices=("text", "audio", "units"),
        default="text",
        help="what agents are given of a message: its text, its sound as well, or its speech units as well "
        "(default text)",
    )
    gather.add_argument(
        "--messages", type=int, default=16, metavar="N", help="most messages that an agent is given (default 16)"
    )
    gather.add_argument(
        "--roles", type=_counts, default=(), metavar="N,N", help="only with so many roles (default: any)"
    )
    gather.add_argument("--scenes", type=int, default=0, metavar="N", help="most scenes of each split (default: all)")
    gather.add_argument("--turns", type=int, default=0, metavar="N", help="most messages of a take (default: all)")
    gather.add_argument(
        "--split",
        choices=("train", "dev", "test"),
        help="where scenes go that no benchmark has put anywhere (default: by their id, 8 of 10 to train)",
    )
    gather.add_argument("--licence", default="", metavar="SPDX", help="of sources that say nothing of it")
    gather.add_argument("--seed", type=int, default=0, help="of the voices (default 0)")
    gather.add_argument("--keep-audio", action="store_true", help="with --hearing units: keep the sounds, too")
    gather.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    gather.set_defaults(run=_gather, stopped="nothing was written")


def _gather(arguments: argparse.Namespace) -> int:
    from speechagents.tuning.gathering import Gathered, GatherSettings, gather
    from speechagents.tuning.sources import NOT_STATED, Wanted
    from speechagents.tuning.trajectory import Split

    settings = GatherSettings(
        sources=tuple(arguments.sources),
        wanted=Wanted(
            roles=arguments.roles,
            scenes=arguments.scenes,
            turns=arguments.turns,
            split=Split(arguments.split) if arguments.split else None,
            licence=arguments.licence or NOT_STATED,
        ),
        hearing=arguments.hearing,
        messages=arguments.messages,
        seed=arguments.seed,
        keep_audio=arguments.keep_audio,
    )
    began_s = time.monotonic()
    progress = _Progress()
    for event in gather(settings, arguments.out):
        progress.show(event)
        if isinstance(event, Gathered):
            _finish(arguments.out, event.folder, time.monotonic() - began_s, as_json=arguments.json)
    return 0


class _Progress:
    """Lines on standard error."""

    def __init__(self) -> None:
        self._told_s = time.monotonic()

    def show(self, event: GatherEvent) -> None:
        """What has been done."""
        from speechagents.benchmark.wording import counted
        from speechagents.tuning.gathering import Gathered, MessagesVoiced, SourcesRead, TurnsSifted

        now_s = time.monotonic()
        match event:
            case SourcesRead(sources):
                for source in sources:
                    messages = sum(len(take.moments) for take in source.takes)
                    _say(f"{source.name}: {counted(len(source.takes), 'take')} with {counted(messages, 'message')}")
                    for note in source.notes:
                        _say(f"{source.name}: {note}")
            case TurnsSifted(kept, repeated, leaked):
                _say(
                    f"{counted(kept, 'turn')}; {sum(repeated.values())} left out that their split says already, "
                    f"{sum(leaked.values())} that another split says"
                )
            case MessagesVoiced(done, total):
                if now_s - self._told_s >= _PROGRESS_S or done == total:
                    self._told_s = now_s
                    _say(f"{done:,} of {counted(total, 'message')} have their sound")
            case Gathered(folder):
                for split, figures in folder.manifest.splits.items():
                    _say(
                        f"{split.value}: {counted(figures.trajectories, 'trajectory', 'trajectories')} of "
                        f"{counted(figures.scenes, 'scene')}"
                    )


def _finish(out: Path, folder: TrajectoryFolder, seconds: float, *, as_json: bool) -> None:
    if not as_json:
        print(out)
        return
    manifest = folder.manifest
    print_json(
        {
            "folder": str(out),
            "digest": folder.digest,
            "trajectories": {split.value: figures.trajectories for split, figures in manifest.splits.items()},
            "scenes": {split.value: figures.scenes for split, figures in manifest.splits.items()},
            "repeated": sum(figures.repeated for figures in manifest.splits.values()),
            "leaked": sum(figures.leaked for figures in manifest.splits.values()),
            "thought": manifest.thought,
            "hearing": manifest.hearing,
            "sounds": manifest.sounds,
            "sound_s": manifest.sound_s,
            "unspoken": manifest.unspoken,
            "codec": manifest.codec,
            "seconds": round(seconds, 3),
        }
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} are no numbers such as 2,3,5") from error
