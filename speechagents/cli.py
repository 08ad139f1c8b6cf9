"""The command line: ``speechagents`` and ``python -m speechagents``.

Owns arguments, exit codes and what is printed. Does not know how anything is done: it calls `Studio` and shows its
events. Exit codes: 0 done; 2 the input is at fault; 3 partly rendered, what failed is listed; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from speechagents import __version__
from speechagents.drama import clean_name
from speechagents.errors import SettingsError, SpeechAgentsError
from speechagents.settings import DEFAULT_FORMATS, PerformSettings

EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SpeechAgentsError as error:
        # Messages quote names from scripts and cast files, which must not steer the terminal.
        print(f"speechagents: {clean_name(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("speechagents: stopped; the same command goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`speechagents voices | head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _perform(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio
    from speechagents.terminal import show

    share_one_heap()
    if arguments.script is None and not arguments.resume:
        raise SettingsError("perform needs a SCRIPT, or --resume with the --out of a production")
    settings = PerformSettings(
        formats=arguments.formats,
        master=arguments.master,
        narrator=arguments.narrator,
        stems=arguments.stems,
        seed=arguments.seed,
        language=arguments.lang,
        author=arguments.author,
        cast=arguments.cast,
        sounds=arguments.sounds,
        cover=arguments.cover,
    )
    if arguments.script is None and settings != PerformSettings():
        raise SettingsError("without a SCRIPT, --resume goes on as before; name the script again to change options")
    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        if arguments.script is None:
            events = studio.resume(arguments.out)
        else:
            events = studio.perform(arguments.script, out=arguments.out, settings=settings, resume=arguments.resume)
        return _finish(show(events, stream=sys.stderr), as_json=arguments.json)


def _export(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio
    from speechagents.terminal import show

    share_one_heap()
    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        events = studio.export(
            arguments.production, formats=arguments.formats, master=arguments.master, stems=arguments.stems
        )
        return _finish(show(events, stream=sys.stderr), as_json=arguments.json)


def _finish(finished: object, *, as_json: bool) -> int:
    from speechagents.events import Finished

    assert isinstance(finished, Finished)  # noqa: S101 - every event stream ends with it
    if as_json:
        print(
            json.dumps(
                {
                    "lines": finished.lines,
                    "roles": finished.roles,
                    "duration_s": round(finished.duration_s, 3),
                    "seconds": round(finished.seconds, 3),
                    "realtime_factor": round(finished.duration_s / max(finished.seconds, 1e-9), 1),
                    "files": [str(path) for path in finished.files],
                    "spoken": finished.spoken,
                    "gates": {name: gate["passed"] for name, gate in finished.gates.items()},
                    "failed": [
                        {"line": failed.line.number, "role": failed.line.role, "reason": failed.reason}
                        for failed in finished.failed
                    ],
                },
                ensure_ascii=False,
            )
        )
    else:
        for path in finished.files:
            print(path)
    return EXIT_PARTLY if finished.failed else 0


def _voices(arguments: argparse.Namespace) -> int:
    from speechagents.audition import audition, table
    from speechagents.studio import Studio

    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        if arguments.play_to is not None:
            for path in audition(studio.synthesizer, arguments.play_to, language=arguments.lang):
                print(path)
        elif arguments.json:
            print(json.dumps(table(studio.synthesizer.voices), ensure_ascii=False))
        else:
            for row in table(studio.synthesizer.voices):
                print(
                    f"{row['id']:<14} {row['gender']:<8} {row['age']:<6} {row['accent']:<16} "
                    f"{row['f0_hz']:>4.0f} Hz  {row['description']}"
                )
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from speechagents.doctor import examine

    report = examine()
    if arguments.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        print(report.as_text())
    return 0 if report.healthy else 1


def _formats(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip().lower())))


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 256")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speechagents", description="A stage for talking agents: text becomes full-cast audio."
    )
    parser.add_argument("--version", action="version", version=f"speechagents {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--preset", default="auto", help="set of back ends (default: the best that is ready)")
    common.add_argument("--jobs", type=_positive, help="threads and voice processes (default: one per core)")
    common.add_argument("--json", action="store_true", help="print one line of JSON at the end")

    perform = commands.add_parser(
        "perform",
        parents=[common],
        help="perform a screenplay or dialogue",
        description="Perform a screenplay (Fountain, FDX) or a dialogue (Name (style): line) with a full cast.",
    )
    perform.add_argument("script", type=Path, nargs="?", help="the script; not needed with --resume")
    perform.add_argument("--out", type=Path, required=True, help="folder of the production")
    perform.add_argument("--narrator", action=argparse.BooleanOptionalAction, default=False, help="read action aloud")
    perform.add_argument("--cast", type=Path, help="cast file (YAML) that overrides the casting")
    perform.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default 0)")
    perform.add_argument("--lang", default="", help="language of the script (default: its title page, else en)")
    perform.add_argument("--author", default="", help="author for the metadata (default: the title page)")
    perform.add_argument("--sounds", type=Path, help="folder of effects and ambiences for the script's cues")
    perform.add_argument("--cover", type=Path, help="cover picture, JPEG or PNG (default: one is drawn)")
    perform.add_argument("--resume", action="store_true", help="insist on going on with an existing production")
    perform.set_defaults(run=_perform)

    export = commands.add_parser(
        "export", parents=[common], help="make further files from a production, without speaking anything again"
    )
    export.add_argument("production", type=Path, help="folder of the production")
    export.set_defaults(run=_export)

    for command in (perform, export):
        command.add_argument(
            "--formats",
            type=_formats,
            default=DEFAULT_FORMATS,
            help="comma-separated: wav, wav24, flac, mp3, opus, m4b, vtt, srt, rttm, otio, json "
            f"(default {','.join(DEFAULT_FORMATS)})",
        )
        command.add_argument("--master", default="podcast", help="acx, r128, podcast (default) or none")
        command.add_argument("--stems", action="store_true", help="also one FLAC for each role")

    voices = commands.add_parser("voices", parents=[common], help="list the voices, or hear them")
    voices.add_argument("--play-to", type=Path, metavar="DIR", help="write each voice's sample as WAV")
    voices.add_argument("--lang", default="", help="speak the samples with this language's rules")
    voices.set_defaults(run=_voices)

    doctor = commands.add_parser("doctor", help="show what can run here and what is missing")
    doctor.add_argument("--json", action="store_true", help="print one line of JSON")
    doctor.set_defaults(run=_doctor)
    return parser
