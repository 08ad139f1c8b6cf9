"""``speechagents voices`` and ``speechagents doctor``: what is there to work with.

Owns their arguments and tables. Does not know how voices are made or back ends found.
"""

from __future__ import annotations

import argparse
import json

from speechagents.commands.options import Commands, path_here


def add_voices_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``voices``."""
    voices = commands.add_parser("voices", parents=[common], help="list the voices, or hear them")
    voices.add_argument("--play-to", type=path_here, metavar="DIR", help="write each voice's sample as WAV")
    voices.add_argument("--lang", default="", help="speak the samples with this language's rules")
    voices.set_defaults(run=_voices)


def add_doctor_command(commands: Commands) -> None:
    """Add ``doctor``."""
    doctor = commands.add_parser("doctor", help="show what can run here and what is missing")
    doctor.add_argument("--json", action="store_true", help="print one line of JSON")
    doctor.set_defaults(run=_doctor)


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
