"""What is decided before a script is performed: its parts, their voices, the sounds it asks for.

Owns the order of these checks, of which each ends it before anything is written. Does not know how it is performed
(`performance`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from speechagents.performance import Performance, Troupe, cast_play
from speechagents.production.cover import read_cover
from speechagents.production.exports import check_formats
from speechagents.production.folder import Production
from speechagents.production.masters import master_named
from speechagents.production.sounds import SoundLibrary
from speechagents.reading_aloud import refuse_book
from speechagents.scripts.breakdown import break_down
from speechagents.scripts.script import Script
from speechagents.settings import PerformSettings
from speechagents.voices.synthesizer import ChecksLanguage


def prepare(
    troupe: Troupe,
    script: Script,
    out: Path,
    settings: PerformSettings,
    *,
    resume: bool,
    remembered: PerformSettings,
) -> Performance:
    """Everything decided, and nothing written yet.

    Args:
        troupe: Who performs.
        script: What.
        out: The production folder.
        settings: Options of this run.
        resume: Refuse a folder that holds no production yet.
        remembered: The settings that a later resume goes by.

    Raises:
        InputError: The script, the cast, a sound, the cover or an option is at fault.
        ProductionError: The folder cannot be used.
    """
    refuse_book(out)
    check_formats(settings.formats)
    master_named(settings.master)
    if not script.title:
        title = Path(script.source).stem or "Untitled"
        script = replace(script, title_page=(("Title", title), *script.title_page))
    if settings.cover is not None:
        read_cover(settings.cover)
    play = break_down(script, narrator=settings.narrator, language=settings.language)
    if isinstance(troupe.synthesizer, ChecksLanguage):
        troupe.synthesizer.check_language(play.language)
    sounds = SoundLibrary(settings.sounds)
    sounds.check(play.scenes)
    production = Production(out, must_exist=resume)
    cast = cast_play(troupe.synthesizer, play, settings.cast, production.cast_path, seed=settings.seed)
    return Performance(troupe, play, cast, sounds, settings, remembered, production, script)
