"""What several commands share: options, kinds of values, and how a result is printed.

Owns these. Does not know any command.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from speechagents.cluster.store_address import folder_here
from speechagents.errors import SettingsError
from speechagents.settings import DEFAULT_FORMATS, UNSURE_BELOW

if TYPE_CHECKING:
    from speechagents.events import Event, Finished

EXIT_PARTLY = 3

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
"""Where commands are added."""


def common_options() -> argparse.ArgumentParser:
    """Options of every command that loads back ends."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--preset", default="auto", help="set of back ends, or its YAML file (default: the best that is ready)"
    )
    common.add_argument("--jobs", type=positive, help="threads and voice processes, or workers (default: one per core)")
    common.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    return common


def add_workers_option(command: argparse.ArgumentParser) -> None:
    """The option for workers elsewhere."""
    command.add_argument(
        "--workers",
        default="",
        metavar="WHERE",
        help="processes or machines that share the work: N or local:N (processes of this machine), local (--jobs of "
        "them), ray (a Ray cluster of this machine), ray://HOST:PORT (one that runs; --jobs N asks it for so many "
        "workers while work waits, even if it has to grow for them; else as many as it has room for) (default: none "
        "but this process)",
    )


def add_out_option(command: argparse.ArgumentParser, *, required: bool = True, note: str = "") -> None:
    """The option for the place of a production. It is no `Path`, which would make one slash of two."""
    command.add_argument(
        "--out",
        required=required,
        metavar="DIR",
        help=f"folder of the production, or its address in a store: s3://BUCKET/DIR, gs://, az://, sftp:// …{note}",
    )


def add_export_options(command: argparse.ArgumentParser) -> None:
    """Options of every command that makes files."""
    command.add_argument(
        "--formats",
        type=formats,
        default=DEFAULT_FORMATS,
        help="comma-separated: wav, wav24, flac, mp3, opus, m4b, vtt, srt, rttm, otio, json "
        f"(default {','.join(DEFAULT_FORMATS)})",
    )
    command.add_argument("--master", default="podcast", help="acx, r128, podcast (default) or none")


def add_stems_option(command: argparse.ArgumentParser) -> None:
    """The option for stems."""
    command.add_argument("--stems", action="store_true", help="also one FLAC for each role")


def add_ascriber_options(command: argparse.ArgumentParser) -> None:
    """Options of every command that finds out who speaks in a novel."""
    command.add_argument(
        "--controller", default="", help="who is asked about unsure speakers: openai, transformers … (default: nobody)"
    )
    command.add_argument("--model", default="", help="its model (default: its own)")
    command.add_argument("--server", default="", metavar="URL", help="an OpenAI-compatible server that is asked")
    command.add_argument(
        "--unsure",
        type=float,
        default=UNSURE_BELOW,
        metavar="0..1",
        help=f"quotations less sure than this are asked about (default {UNSURE_BELOW:g})",
    )


def formats(text: str) -> tuple[str, ...]:
    """Names of formats, separated by commas."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip().lower())))


def positive(text: str) -> int:
    """A number from 1 to 256."""
    value = int(text)
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 256")
    return value


def path_here(text: str) -> Path:
    """A path of what is written on this machine alone."""
    try:
        return folder_here(text, instead="name a path here, and copy it there when all is done")
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def watched(events: Generator[Event, None, None]) -> Finished:
    """Show events on the error stream, and give the last one back. What ends the showing ends the work, in order."""
    from speechagents.terminal import show

    with closing(events):
        return show(events, stream=sys.stderr)


def print_json(values: Mapping[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(values, ensure_ascii=False))


def finish(finished: Finished, *, as_json: bool) -> int:
    """Print what was made, and give the exit code.

    Args:
        finished: What was made.
        as_json: One line of JSON.
    """
    if as_json:
        print_json(
            {
                "lines": finished.lines,
                "roles": finished.roles,
                "duration_s": round(finished.duration_s, 3),
                "seconds": round(finished.seconds, 3),
                "realtime_factor": round(finished.duration_s / max(finished.seconds, 1e-9), 1),
                "files": list(finished.places),
                "spoken": finished.spoken,
                "gates": {name: gate["passed"] for name, gate in finished.gates.items()},
                **({"faulty": finished.faulty} if finished.faulty else {}),
                "failed": [
                    {"line": failed.line.number, "role": failed.line.role, "reason": failed.reason}
                    for failed in finished.failed
                ],
            }
        )
    else:
        for place in finished.places:
            print(place)
    return EXIT_PARTLY if finished.failed or finished.faulty else 0
