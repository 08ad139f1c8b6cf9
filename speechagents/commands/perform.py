"""``speechagents perform`` and ``speechagents export``.

Owns their arguments. Does not know how a script is performed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from speechagents.commands.options import (
    Commands,
    add_export_options,
    add_out_option,
    add_stems_option,
    add_workers_option,
    finish,
    watched,
)
from speechagents.errors import SettingsError
from speechagents.settings import PerformSettings


def add_perform_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``perform``."""
    perform = commands.add_parser(
        "perform",
        parents=[common],
        help="perform a screenplay or dialogue",
        description="Perform a screenplay (Fountain, FDX) or a dialogue (Name (style): line) with a full cast.",
    )
    perform.add_argument("script", type=Path, nargs="?", help="the script; not needed with --resume")
    add_out_option(perform)
    perform.add_argument("--narrator", action=argparse.BooleanOptionalAction, default=False, help="read action aloud")
    perform.add_argument("--cast", type=Path, help="cast file (YAML) that overrides the casting")
    perform.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default 0)")
    perform.add_argument("--lang", default="", help="language of the script (default: its title page, else en)")
    perform.add_argument("--author", default="", help="author for the metadata (default: the title page)")
    perform.add_argument("--sounds", type=Path, help="folder of effects and ambiences for the script's cues")
    perform.add_argument("--cover", type=Path, help="cover picture, JPEG or PNG (default: one is drawn)")
    perform.add_argument("--resume", action="store_true", help="insist on going on with an existing production")
    add_workers_option(perform)
    perform.set_defaults(run=_perform)
    add_export_options(perform)
    add_stems_option(perform)


def add_export_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``export``."""
    export = commands.add_parser(
        "export", parents=[common], help="make further files from a production, without speaking anything again"
    )
    export.add_argument("production", help="folder of the production, or its address in a store")
    export.set_defaults(run=_export)
    add_export_options(export)
    add_stems_option(export)


def _perform(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio

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
    with Studio(preset=arguments.preset, jobs=arguments.jobs, workers=arguments.workers) as studio:
        if arguments.script is None:
            events = studio.resume(arguments.out)
        else:
            events = studio.perform(arguments.script, out=arguments.out, settings=settings, resume=arguments.resume)
        finished = watched(events)
    return finish(finished, as_json=arguments.json)


def _export(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio

    share_one_heap()
    with Studio(preset=arguments.preset, jobs=arguments.jobs) as studio:
        finished = watched(
            studio.export(
                arguments.production, formats=arguments.formats, master=arguments.master, stems=arguments.stems
            )
        )
    return finish(finished, as_json=arguments.json)
