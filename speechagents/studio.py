"""The one face of the package: perform a script, resume it, export it again.

Owns the order of the work and what a production remembers. Every step is done by a module of its own; the command
line, the web app and servers call this class and nothing further in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from speechagents.drama import NARRATOR, role_key
from speechagents.errors import ProductionError
from speechagents.events import Event, Exported, Finished, LineFailed, LineSpoken, Started, Warned
from speechagents.presets import choose_preset
from speechagents.production.cover import read_cover
from speechagents.production.exports import Tags, check_formats, export
from speechagents.production.folder import Production
from speechagents.production.masters import master_named
from speechagents.production.mixfile import FRAME_BYTES, MixedProgramme
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.scene_stage import Performed, Stage, perform_scenes
from speechagents.production.sounds import SoundLibrary
from speechagents.production.stems import write_stems
from speechagents.production.storage import write_atomically
from speechagents.production.timeline import Timeline
from speechagents.scripts.breakdown import Breakdown, break_down
from speechagents.scripts.reading import load_script
from speechagents.scripts.script import Script
from speechagents.scripts.script_json import script_from_json, script_to_json
from speechagents.settings import PerformSettings
from speechagents.voices.cast_file import read_cast_file, write_cast_file
from speechagents.voices.casting import Cast, Overrides, cast_roles
from speechagents.voices.measure import voice_distance
from speechagents.voices.registry import load_synthesizer
from speechagents.voices.synthesizer import ChecksLanguage, Synthesizer, Voice

UNTITLED = "Untitled"

_CHARS_PER_S = 12.0
"""Speech with its pauses, for estimating room on disk: 155 words a minute are about 14 characters a second."""

_BYTES_PER_S = {"wav": 176_400, "wav24": 264_600, "flac": 90_000}
"""Size of the large formats; the others stay below 24 000."""


class Studio:
    """Loaded back ends, ready to perform. Use it as a context manager, or call `close`.

    Args:
        preset: Name of a set of back ends; ``auto`` takes the best that is ready here.
        jobs: Scenes and encoders at work at once, and voice processes; one per core by default.
    """

    def __init__(self, *, preset: str = "auto", jobs: int | None = None) -> None:
        chosen, self.why = choose_preset(preset)
        self._jobs = jobs or _cores()
        self.synthesizer: Synthesizer = load_synthesizer(chosen.synthesizer, {"jobs": self._jobs, **chosen.options})
        self.preset = chosen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the back ends' processes."""
        close = getattr(self.synthesizer, "close", None)
        if close is not None:
            close()

    def perform(
        self,
        script: Script | Path | str,
        *,
        out: Path | str,
        settings: PerformSettings | None = None,
        resume: bool = False,
    ) -> Iterator[Event]:
        """Perform a script into a production folder.

        A folder that holds a production already is gone on with: takes whose text, voice and style are unchanged
        are used again, and so is its ``cast.yaml``, edited or not. The work is done while the events are read.

        Args:
            script: A script, or the path of a Fountain, FDX, dialogue or JSON file.
            out: The production folder.
            settings: Options; the defaults if None.
            resume: Refuse a folder that holds no production yet.

        Yields:
            Events as listed in `speechagents.events`, `Finished` last.

        Raises:
            InputError: The script, the cast, a sound, the cover or an option is at fault; nothing was written.
            ProductionError: The folder cannot be used.
        """
        settings = settings or PerformSettings()
        if not isinstance(script, Script):
            script = load_script(Path(script))
        yield from self._perform(script, Path(out), settings, resume=resume, remembered=settings)

    def resume(self, out: Path | str) -> Iterator[Event]:
        """Go on with a production as it was started: same script, same settings.

        Raises:
            ProductionError: The folder holds no production, or a damaged one.
        """
        script, settings = _remembered(Path(out))
        return self.perform(script, out=out, settings=settings, resume=True)

    def export(
        self, production: Path | str, *, formats: Sequence[str], master: str = "podcast", stems: bool = False
    ) -> Iterator[Event]:
        """Make further files from a production. Nothing is spoken again unless takes are missing.

        Args:
            production: Its folder.
            formats: Names of formats.
            master: Name of the loudness standard.
            stems: Also write the stems.
        """
        script, settings = _remembered(Path(production))
        wanted = replace(settings, formats=tuple(formats), master=master, stems=stems)
        return self._perform(script, Path(production), wanted, resume=True, remembered=settings)

    def _perform(
        self, script: Script, out: Path, settings: PerformSettings, *, resume: bool, remembered: PerformSettings
    ) -> Iterator[Event]:
        """Decide everything, then produce; `remembered` are the settings that a later resume goes by."""
        check_formats(settings.formats)
        master_named(settings.master)
        if not script.title:
            title = Path(script.source).stem or UNTITLED
            script = replace(script, title_page=(("Title", title), *script.title_page))
        if settings.cover is not None:
            read_cover(settings.cover)
        play = break_down(script, narrator=settings.narrator, language=settings.language)
        if isinstance(self.synthesizer, ChecksLanguage):
            self.synthesizer.check_language(play.language)
        sounds = SoundLibrary(settings.sounds)
        sounds.check(play.scenes)
        production = Production(out, must_exist=resume)
        cast = self._cast(play, settings, production.cast_path)
        yield from self._produce(_Work(script, play, cast, sounds, settings, remembered, production))

    def _cast(self, play: Breakdown, settings: PerformSettings, own: Path) -> Cast:
        wishes = Overrides()
        if settings.cast is not None:
            wishes = read_cast_file(settings.cast)
        elif own.exists():
            # The production's own cast may hold roles that the script no longer has; they wish for nothing.
            present = {role_key(role.name) for role in play.roles} | {role_key(NARRATOR)}
            wishes = Overrides(tuple(wish for wish in read_cast_file(own).wishes if role_key(wish.role) in present))
        return cast_roles(
            play.roles,
            play.scenes,
            self.synthesizer.voices,
            seed=settings.seed,
            distance=_distance,
            overrides=wishes,
            language=play.language,
        )

    def _produce(self, work: _Work) -> Iterator[Event]:
        began = time.monotonic()
        play, settings = work.play, work.settings
        with work.production as production:
            production.demand_space(work.bytes_needed)
            write_atomically(production.script_path, script_to_json(work.script).encode("utf-8"))
            if not _says_the_same(production.cast_path, work.cast):
                write_cast_file(work.cast, production.cast_path)
            production.write_record(self._record(work, finished=None))
            yield Started(
                title=play.title,
                scenes=len(play.scenes),
                lines=sum(len(scene.lines) for scene in play.scenes),
                roles=work.roles,
                cast=work.cast,
                preset=self.why,
                language=play.language,
            )
            doubts = (*play.warnings, *work.cast.warnings, *work.sounds.unknown_cues(play.scenes))
            yield from map(Warned, doubts)
            tally = _Tally()
            stage = self._stage(work)
            performed: list[Performed] = []
            for staged in perform_scenes(play.scenes, stage, performed):
                tally.note(staged)
                yield staged
            timeline = Timeline(play.title, tuple(scene.scene for scene in performed), work.sounds.files, play.language)
            stems: Mapping[str, Path] = {}
            if settings.stems:
                stems = write_stems(
                    timeline,
                    stage.sound_of,
                    production.exports / "stems",
                    comment=self._tags(work).full_comment,
                    jobs=self._jobs,
                )
            exported: dict[str, Exported] = {}
            for event in export(
                MixedProgramme([scene.mix for scene in performed]),
                timeline,
                out=production.exports,
                formats=settings.formats,
                master=settings.master,
                tags=self._tags(work),
                cover=settings.cover,
                loudness=[scene.measured for scene in performed],
                jobs=self._jobs,
                stems=stems,
            ):
                if isinstance(event, Exported):
                    exported[event.format] = event
                yield event
            # Formats are done in the order of their speed; what is recorded has the order they were asked for.
            done = [exported[name] for name in check_formats(settings.formats)]
            finished = Finished(
                folder=production.folder,
                files=(*(event.path for event in done), *stems.values()),
                lines=tally.spoken + tally.reused + len(tally.failed),
                roles=work.roles,
                duration_s=timeline.duration_s,
                seconds=time.monotonic() - began,
                spoken=tally.spoken,
                failed=tuple(tally.failed),
                gates={event.format: event.report.as_json() for event in done if event.report is not None},
            )
            production.write_record(self._record(work, finished=finished))
        yield finished

    def _stage(self, work: _Work) -> Stage:
        return Stage(
            synthesizer=self.synthesizer,
            cast=work.cast,
            takes=work.production.takes,
            work=work.production.work,
            sounds=work.sounds,
            seed=work.settings.seed,
            language=work.play.language,
            jobs=self._jobs,
        )

    def _tags(self, work: _Work) -> Tags:
        play, settings = work.play, work.settings
        return Tags(
            title=play.title,
            author=settings.author or play.author,
            language=play.language,
            synthetic=f"all voices are synthetic ({self.synthesizer.identity})",
            cast=tuple((casting.role, casting.voice.id) for casting in work.cast if casting.lines),
        )

    def _record(self, work: _Work, *, finished: Finished | None) -> dict[str, Any]:
        record: dict[str, Any] = {
            "title": work.play.title,
            "language": work.play.language,
            "preset": self.preset.name,
            "voices": self.synthesizer.identity,
            "settings": work.remembered.as_json(),
            "cast": {casting.role: casting.voice.id for casting in work.cast},
            "state": "working" if finished is None else "partly" if finished.failed else "done",
        }
        # An export adds files to those that stand; a performance makes the others those of an older script.
        before = work.production.record() if work.remembered is not work.settings else {}
        files = [name for name in before.get("files", []) if (work.production.folder / name).exists()]
        gates = dict(before.get("gates", {}))
        failed: Sequence[LineFailed] = ()
        if finished is not None:
            record["duration_s"] = round(finished.duration_s, 3)
            files += [path.relative_to(finished.folder).as_posix() for path in finished.files]
            gates |= finished.gates
            failed = finished.failed
        record["files"] = list(dict.fromkeys(files))
        record["failed"] = [
            {"line": line.line.number, "role": line.line.role, "reason": line.reason} for line in failed
        ]
        record["gates"] = gates
        return record


@dataclass(frozen=True, slots=True)
class _Work:
    """One performance, decided."""

    script: Script
    play: Breakdown
    cast: Cast
    sounds: SoundLibrary
    settings: PerformSettings
    remembered: PerformSettings
    production: Production

    @property
    def roles(self) -> int:
        """Roles that have lines, the narrator not counted."""
        keys = {role_key(line.role) for scene in self.play.scenes for line in scene.lines}
        return len(keys - {role_key(NARRATOR)})

    @property
    def bytes_needed(self) -> int:
        """Room for the mix while it waits to be encoded, and for what comes of it."""
        chars = sum(len(line.text) for scene in self.play.scenes for line in scene.lines)
        files = sum(_BYTES_PER_S.get(name, 24_000) for name in self.settings.formats)
        return round(chars / _CHARS_PER_S * (PROGRAMME_HZ * FRAME_BYTES + files))


@dataclass(slots=True)
class _Tally:
    """What became of the lines."""

    spoken: int = 0
    reused: int = 0
    failed: list[LineFailed] = field(default_factory=list)

    def note(self, event: Event) -> None:
        match event:
            case LineSpoken(reused=True):
                self.reused += 1
            case LineSpoken():
                self.spoken += 1
            case LineFailed():
                self.failed.append(event)


def _remembered(folder: Path) -> tuple[Script, PerformSettings]:
    production = Production(folder, must_exist=True)
    settings = PerformSettings.from_json(production.record().get("settings", {}))
    try:
        text = production.script_path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProductionError(
            f"{production.script_path}: cannot be read ({error}); perform the script again with --out {folder}"
        ) from error
    # The cast used lies in the folder; the file that it was once read from may have changed or gone.
    return script_from_json(text, source=str(production.script_path)), replace(settings, cast=None)


def _says_the_same(path: Path, cast: Cast) -> bool:
    """Whether a cast file asks for just this cast; then it stays as it is, with the reasons it was written with."""
    if not path.exists():
        return False
    return set(read_cast_file(path).wishes) == set(cast.overrides().wishes)


def _distance(one: Voice, other: Voice) -> float:
    return voice_distance(one.fingerprint, other.fingerprint)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
