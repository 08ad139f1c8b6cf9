"""The command line: ``speechagents`` and ``python -m speechagents``.

Owns arguments, exit codes and what is printed. Does not know how anything is done: it calls `Studio` and shows its
events. Exit codes: 0 done; 2 the input is at fault; 3 partly rendered, what failed is listed; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents import __version__
from speechagents.drama import clean_name
from speechagents.errors import SettingsError, SpeechAgentsError
from speechagents.settings import DEFAULT_FORMATS, ImproviseSettings, PerformSettings

if TYPE_CHECKING:
    from speechagents.events import Event, Finished, SceneOver

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


def _improvise(arguments: argparse.Namespace) -> int:
    from speechagents.events import SceneOver
    from speechagents.production.heap import share_one_heap
    from speechagents.production.storage import write_atomically
    from speechagents.scripts.scene_file import read_scene, write_scene
    from speechagents.studio import Studio
    from speechagents.terminal import show

    share_one_heap()
    if arguments.out is None and arguments.write_scene is None:
        raise SettingsError("improvise needs a folder for the production: --out DIR")
    if arguments.write_scene is not None and not arguments.idea:
        raise SettingsError('--write-scene writes what is proposed: give an --idea "one sentence"')
    if arguments.scene is None and not arguments.idea and not arguments.resume:
        raise SettingsError('improvise needs a SCENE file, --idea "one sentence", or --resume with --out')
    if arguments.scene is not None and arguments.idea:
        raise SettingsError("improvise takes a SCENE file or an --idea, not both")
    settings = ImproviseSettings(
        formats=arguments.formats,
        master=arguments.master,
        roles=None if arguments.idea else arguments.roles,
        turns=arguments.turns,
        policy=arguments.policy,
        seed=arguments.seed,
        hearing=arguments.hearing,
        critic_passes=arguments.critic,
        controller=arguments.controller,
        model=arguments.model,
        server=arguments.server,
        cast=arguments.cast,
        cover=arguments.cover,
    )
    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        if arguments.scene is None and not arguments.idea:
            events = studio.resume_scene(arguments.out)
        else:
            if arguments.idea:
                scene = studio.propose(
                    arguments.idea,
                    roles=arguments.roles or 5,
                    language=arguments.lang or "en",
                    seed=arguments.seed or 0,
                    settings=settings,
                )
                if arguments.write_scene is not None:
                    write_atomically(arguments.write_scene, write_scene(scene).encode("utf-8"))
                    print(arguments.write_scene)
                    return 0
            else:
                scene = read_scene(arguments.scene)
            events = studio.improvise(scene, out=arguments.out, settings=settings, resume=arguments.resume)
        over: list[SceneOver] = []

        def noting() -> Iterator[Event]:
            for event in events:
                if isinstance(event, SceneOver):
                    over.append(event)
                yield event

        finished = show(noting(), stream=sys.stderr)
        return _finish_scene(finished, over[0], as_json=arguments.json)


def _finish_scene(finished: Finished, over: SceneOver, *, as_json: bool) -> int:
    if as_json:
        _print_json(
            {
                "turns": over.turns,
                "roles": finished.roles,
                "duration_s": round(finished.duration_s, 3),
                "seconds": round(finished.seconds, 3),
                "fallback_turns": over.fallback_turns,
                "files": [str(path) for path in finished.files],
                "tokens_in": over.usage.tokens_in,
                "tokens_out": over.usage.tokens_out,
                "messages": over.messages,
                "ended": over.reason,
            }
        )
    else:
        for path in finished.files:
            print(path)
    return EXIT_PARTLY if finished.failed else 0


def _replay(arguments: argparse.Namespace) -> int:
    from speechagents.stream import message_to_json
    from speechagents.studio import Studio
    from speechagents.terminal import message_line

    for event in Studio.replay(arguments.production):
        if arguments.json:
            _print_json({**message_to_json(event.message), "thoughts": event.thoughts})
        else:
            print(message_line(event.message))
    return 0


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


def _print_json(values: Mapping[str, Any]) -> None:
    print(json.dumps(values, ensure_ascii=False))


def _finish(finished: Finished, *, as_json: bool) -> int:
    if as_json:
        _print_json(
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
            }
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

    improvise = commands.add_parser(
        "improvise",
        parents=[common],
        help="let role agents improvise a scene",
        description="Let 2 to 25 role agents improvise a scene, from a scene file or one sentence, with a full cast.",
    )
    improvise.add_argument("scene", type=Path, nargs="?", help="the scene (YAML); not needed with --idea or --resume")
    improvise.add_argument(
        "--idea", default="", help="one sentence instead of a file; the controller proposes the rest"
    )
    improvise.add_argument(
        "--write-scene", type=Path, metavar="FILE", help="only write the proposed scene, for editing"
    )
    improvise.add_argument("--out", type=Path, help="folder of the production; not needed with --write-scene")
    improvise.add_argument("--roles", type=_positive, metavar="N", help="play with the first N roles; propose N")
    improvise.add_argument("--turns", type=int, metavar="N", help="most turns (default: the scene's)")
    improvise.add_argument("--policy", default="", help="turn policy (default: the scene's)")
    improvise.add_argument("--hearing", choices=("text", "audio"), default="text", help="agents read, or really hear")
    improvise.add_argument("--critic", type=int, default=0, metavar="N", help="passes of the critic, 0 to 2")
    improvise.add_argument("--controller", default="", help="who acts (default: a server found here, or the preset's)")
    improvise.add_argument("--model", default="", help="model of the controller")
    improvise.add_argument("--server", default="", metavar="URL", help="an OpenAI-compatible server")
    improvise.add_argument("--cast", type=Path, help="cast file (YAML) that overrides the casting")
    improvise.add_argument("--seed", type=int, help="same seed, same bytes (default: the scene's)")
    improvise.add_argument("--lang", default="", help="language of an --idea (default en)")
    improvise.add_argument("--cover", type=Path, help="cover picture, JPEG or PNG (default: one is drawn)")
    improvise.add_argument("--resume", action="store_true", help="go on with an existing production")
    improvise.set_defaults(run=_improvise)

    replay = commands.add_parser("replay", help="read an improvised scene again, without any model")
    replay.add_argument("production", type=Path, help="folder of the production")
    replay.add_argument("--json", action="store_true", help="one JSON object a message, thoughts included")
    replay.set_defaults(run=_replay)

    export = commands.add_parser(
        "export", parents=[common], help="make further files from a production, without speaking anything again"
    )
    export.add_argument("production", type=Path, help="folder of the production")
    export.set_defaults(run=_export)

    for command in (perform, improvise, export):
        command.add_argument(
            "--formats",
            type=_formats,
            default=DEFAULT_FORMATS,
            help="comma-separated: wav, wav24, flac, mp3, opus, m4b, vtt, srt, rttm, otio, json "
            f"(default {','.join(DEFAULT_FORMATS)})",
        )
        command.add_argument("--master", default="podcast", help="acx, r128, podcast (default) or none")
    for command in (perform, export):
        command.add_argument("--stems", action="store_true", help="also one FLAC for each role")

    voices = commands.add_parser("voices", parents=[common], help="list the voices, or hear them")
    voices.add_argument("--play-to", type=Path, metavar="DIR", help="write each voice's sample as WAV")
    voices.add_argument("--lang", default="", help="speak the samples with this language's rules")
    voices.set_defaults(run=_voices)

    doctor = commands.add_parser("doctor", help="show what can run here and what is missing")
    doctor.add_argument("--json", action="store_true", help="print one line of JSON")
    doctor.set_defaults(run=_doctor)
    return parser
