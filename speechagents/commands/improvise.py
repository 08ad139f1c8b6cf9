"""``speechagents improvise`` and ``speechagents replay``.

Owns their arguments. Does not know how a scene is played.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from speechagents.commands.options import (
    EXIT_PARTLY,
    Commands,
    add_export_options,
    add_out_option,
    add_workers_option,
    path_here,
    positive,
    print_json,
    watched,
)
from speechagents.errors import SettingsError
from speechagents.settings import ImproviseSettings

if TYPE_CHECKING:
    from speechagents.drama import SceneBrief
    from speechagents.events import Event, Finished, SceneOver


def add_improvise_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``improvise``."""
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
        "--write-scene", type=path_here, metavar="FILE", help="only write the proposed scene, for editing"
    )
    add_out_option(improvise, required=False, note="; not needed with --write-scene")
    improvise.add_argument("--roles", type=positive, metavar="N", help="play with the first N roles; propose N")
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
    add_workers_option(improvise)
    improvise.set_defaults(run=_improvise)
    add_export_options(improvise)


def add_replay_command(commands: Commands) -> None:
    """Add ``replay``."""
    replay = commands.add_parser("replay", help="read an improvised scene again, without any model")
    replay.add_argument("production", help="folder of the production, or its address in a store")
    replay.add_argument("--json", action="store_true", help="one JSON object a message, thoughts included")
    replay.set_defaults(run=_replay)


def _improvise(arguments: argparse.Namespace) -> int:
    from speechagents.events import SceneOver
    from speechagents.production.heap import share_one_heap
    from speechagents.production.storage import write_atomically
    from speechagents.scripts.scene_file import read_scene, write_scene
    from speechagents.studio import Studio

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
    with Studio(preset=arguments.preset, jobs=arguments.jobs, workers=arguments.workers) as studio:
        scene: SceneBrief | None = None
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
        elif arguments.scene is not None:
            scene = read_scene(arguments.scene)
        over: list[SceneOver] = []

        def noting(events: Generator[Event, None, None]) -> Generator[Event, None, None]:
            with closing(events):
                for event in events:
                    if isinstance(event, SceneOver):
                        over.append(event)
                    yield event

        if scene is None:
            events = studio.resume_scene(arguments.out)
        else:
            events = studio.improvise(scene, out=arguments.out, settings=settings, resume=arguments.resume)
        finished = watched(noting(events))
    return _finish_scene(finished, over[0], as_json=arguments.json)


def _finish_scene(finished: Finished, over: SceneOver, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "turns": over.turns,
                "roles": finished.roles,
                "duration_s": round(finished.duration_s, 3),
                "seconds": round(finished.seconds, 3),
                "fallback_turns": over.fallback_turns,
                "files": list(finished.places),
                "tokens_in": over.usage.tokens_in,
                "tokens_out": over.usage.tokens_out,
                "messages": over.messages,
                "ended": over.reason,
            }
        )
    else:
        for place in finished.places:
            print(place)
    return EXIT_PARTLY if finished.failed else 0


def _replay(arguments: argparse.Namespace) -> int:
    from speechagents.stream import message_to_json
    from speechagents.studio import Studio
    from speechagents.terminal import message_line

    with closing(Studio.replay(arguments.production)) as events:
        for event in events:
            if arguments.json:
                print_json({**message_to_json(event.message), "thoughts": event.thoughts})
            else:
                print(message_line(event.message))
    return 0
