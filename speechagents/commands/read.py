"""``speechagents read``.

Owns its arguments. Does not know how a book is read aloud.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from speechagents.commands.options import (
    Commands,
    add_ascriber_options,
    add_out_option,
    add_workers_option,
    finish,
    formats,
    watched,
)
from speechagents.errors import SettingsError
from speechagents.settings import NOTES, SPEECH_TAGS, ReadSettings

_DEFAULTS = ReadSettings()


def add_read_command(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add ``read``."""
    read = commands.add_parser(
        "read",
        parents=[common],
        help="read a book aloud with a full cast",
        description="Read a book (EPUB, DOCX, PDF, HTML, Markdown, text) aloud: every character has a voice. Makes one "
        "M4B with chapters, a file for each chapter, and subtitles. Run the same command again to go on where it was.",
    )
    read.add_argument("book", type=Path, nargs="?", help="the book; not needed with --resume")
    add_out_option(read)
    read.add_argument(
        "--cast", type=Path, metavar="FILE", help="cast sheet (YAML): voices, and corrections of who speaks"
    )
    read.add_argument("--characters", type=Path, metavar="CSV", help="the characters, instead of those that are found")
    add_ascriber_options(read)
    read.add_argument("--lexicon", type=Path, metavar="FILE", help="how words are pronounced (PLS 1.0)")
    read.add_argument("--proof", action="store_true", help="listen to every take, and speak faulty ones again")
    read.add_argument("--chapters", default="", metavar="LIST", help="which to read, such as 1-3,5 (default: all)")
    read.add_argument("--notes", choices=NOTES, default=_DEFAULTS.notes, help="footnotes (default: skip)")
    read.add_argument("--first-person", action="store_true", help="a narrator in the story has that character's voice")
    read.add_argument(
        "--narrator-voice", default="", metavar="VOICE", help="the narrator's voice (default: it is cast)"
    )
    read.add_argument(
        "--credits", action=argparse.BooleanOptionalAction, default=True, help="say title and author (default: yes)"
    )
    read.add_argument("--opening", default="", metavar="TEXT", help="opening credits (default: title and author)")
    read.add_argument("--closing", default="", metavar="TEXT", help="closing credits (default: the end, and thanks)")
    read.add_argument("--narrator-name", default="", metavar="NAME", help="whom the credits name as the reader")
    read.add_argument(
        "--tags", choices=SPEECH_TAGS, default=_DEFAULTS.tags, help="read “said Emma”, or drop it (default: read)"
    )
    read.add_argument(
        "--min-confidence",
        type=float,
        default=_DEFAULTS.min_confidence,
        metavar="0..1",
        help="less sure quotations go to the narrator (default 0)",
    )
    read.add_argument("--title", default="", help="title (default: the book's)")
    read.add_argument("--author", default="", help="author (default: the book's)")
    read.add_argument("--lang", default="", dest="language", help="language of the book (default: its own, else en)")
    read.add_argument("--cover", type=Path, help="cover picture, JPEG or PNG (default: the book's, or one is drawn)")
    read.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default 0)")
    read.add_argument(
        "--formats",
        type=formats,
        default=_DEFAULTS.formats,
        help="comma-separated: m4b (the whole book), mp3, opus, flac, wav, wav24 (a file for each chapter), epub "
        "(read-along: text and sound side by side), sample (one to five minutes, for shops), vtt, srt, rttm, otio, "
        f"json (default {','.join(_DEFAULTS.formats)})",
    )
    read.add_argument("--master", default=_DEFAULTS.master, help="acx (default), r128, podcast or none")
    read.add_argument("--resume", action="store_true", help="insist on going on with an existing production")
    add_workers_option(read)
    read.set_defaults(run=_read)


def _read(arguments: argparse.Namespace) -> int:
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio

    share_one_heap()
    if arguments.book is None and not arguments.resume:
        raise SettingsError("read needs a BOOK, or --resume with the --out of a production")
    settings = ReadSettings(**{field.name: getattr(arguments, field.name) for field in fields(ReadSettings)})
    if arguments.book is None and settings != _DEFAULTS:
        raise SettingsError("without a BOOK, --resume goes on as before; name the book again to change options")
    with Studio(preset=arguments.preset, jobs=arguments.jobs, workers=arguments.workers) as studio:
        if arguments.book is None:
            events = studio.resume(arguments.out)
        else:
            events = studio.read(arguments.book, out=arguments.out, settings=settings, resume=arguments.resume)
        finished = watched(events)
    return finish(finished, as_json=arguments.json)
