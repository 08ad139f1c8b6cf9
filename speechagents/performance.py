"""One play, produced into one folder: spoken, mixed, exported and remembered.

Owns the order of that work and what ``production.json`` remembers of it. Does not know where the play comes from: a
script and an improvised scene are performed alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.drama import NARRATOR, Deed, Message, role_key
from speechagents.errors import ProductionError
from speechagents.events import Event, Exported, Finished, LineFailed, LineSpoken, Started, Warned
from speechagents.journal import entry_line
from speechagents.listeners.listener import Listener
from speechagents.production.energy import EnergyMeter
from speechagents.production.exports import Tags, check_formats, export
from speechagents.production.folder import Production
from speechagents.production.loudness import LoudnessMeter
from speechagents.production.masters import master_named
from speechagents.production.mixfile import FRAME_BYTES, MixedProgramme
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.scene_stage import Performed, Stage, perform_scenes
from speechagents.production.sounds import SoundLibrary
from speechagents.production.stems import write_stems
from speechagents.production.storage import write_atomically
from speechagents.production.timeline import Timeline
from speechagents.scripts.breakdown import Breakdown
from speechagents.scripts.script import Script
from speechagents.scripts.script_json import script_from_json, script_to_json
from speechagents.settings import PerformSettings
from speechagents.stream import message_to_json
from speechagents.voices.cast_file import read_cast_file, write_cast_file
from speechagents.voices.casting import Cast, Casting, Overrides, apart, cast_roles
from speechagents.voices.missing_styles import missing_styles
from speechagents.voices.synthesizer import Synthesizer

if TYPE_CHECKING:
    from speechagents.cluster.workforce import Workforce

_CHARS_PER_S = 12.0
"""Speech with its pauses, for estimating room on disk: 155 words a minute are about 14 characters a second."""

_BYTES_PER_S = {"wav": 176_400, "wav24": 264_600, "flac": 90_000}
"""Size of the large formats; the others stay below 24 000."""


@dataclass(frozen=True, slots=True)
class Troupe:
    """What every performance of a studio is made with.

    Attributes:
        synthesizer: The voices.
        preset: Name of the preset.
        why: Why it was chosen.
        jobs: Scenes and encoders at work at once.
        load_listener: Loads the recogniser that takes are proofed with.
        shared: What the back ends of the studio have in common.
        workforce: The workers that the voices are spread over; None where everything is done here.
    """

    synthesizer: Synthesizer
    preset: str
    why: str
    jobs: int
    load_listener: Callable[[], Listener]
    shared: Mapping[str, Any] = field(default_factory=dict)
    workforce: Workforce | None = None


def cast_play(
    synthesizer: Synthesizer,
    play: Breakdown,
    wanted: Path | None,
    own: Path,
    *,
    seed: int,
    wishes: Overrides | None = None,
) -> Cast:
    """Cast a play.

    Args:
        synthesizer: Whose voices.
        play: Roles and the scenes they share.
        wanted: The user's cast file, if there is one.
        own: The production's, gone by if it exists and the user has none.
        seed: Chooses among equals.
        wishes: Gone by where there is neither file.

    Raises:
        CastError: A wish cannot be honoured.
    """
    wishes = wishes or Overrides()
    if wanted is not None:
        wishes = read_cast_file(wanted)
    elif own.exists():
        # The production's own cast may hold roles that the script no longer has; they wish for nothing.
        present = {role_key(role.name) for role in play.roles} | {role_key(NARRATOR)}
        wishes = Overrides(tuple(wish for wish in read_cast_file(own).wishes if role_key(wish.role) in present))
    return cast_roles(
        play.roles,
        play.scenes,
        synthesizer.voices,
        seed=seed,
        distance=apart,
        overrides=wishes,
        language=play.language,
    )


@dataclass(frozen=True, slots=True)
class Performance:
    """One performance, decided.

    Attributes:
        troupe: With what.
        play: What.
        cast: By whom.
        sounds: The user's effects and ambiences.
        settings: Options of this run.
        remembered: Options that a later resume goes by.
        production: Where.
        script: What the play was broken down from; None for an improvised scene, whose stream stands for it.
        about: Further values for ``production.json``.
        recorded: Addresses of recordings by the number of their line; see `Stage`.
        human: Names of the roles that are heard with a person's own voice.
    """

    troupe: Troupe
    play: Breakdown
    cast: Cast
    sounds: SoundLibrary
    settings: PerformSettings
    remembered: PerformSettings
    production: Production
    script: Script | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    recorded: Mapping[int, str] = field(default_factory=dict)
    human: tuple[str, ...] = ()

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

    def produce(self) -> Iterator[Event]:
        """Speak, mix and export, and remember it; `Finished` comes last."""
        began = time.monotonic()
        play, settings = self.play, self.settings
        with self.production as production:
            production.demand_space(self.bytes_needed)
            if self.script is not None:
                write_atomically(production.script_path, script_to_json(self.script).encode("utf-8"))
            if not _says_the_same(production.cast_path, self.cast):
                write_cast_file(self.cast, production.cast_path)
            production.write_record(self._record(finished=None))
            yield Started(
                title=play.title,
                scenes=len(play.scenes),
                lines=sum(len(scene.lines) for scene in play.scenes),
                roles=self.roles,
                cast=self.cast,
                preset=self.troupe.why,
                language=play.language,
            )
            styles = (line.style for scene in play.scenes for line in scene.lines)
            doubts = (
                *play.warnings,
                *self.cast.warnings,
                *self.sounds.unknown_cues(play.scenes),
                *missing_styles(self.troupe.synthesizer, styles),
            )
            yield from map(Warned, doubts)
            tally = _Tally()
            stage = self.stage
            performed: list[Performed] = []
            for staged in perform_scenes(play.scenes, stage, performed):
                tally.note(staged)
                yield staged
            timeline = Timeline(play.title, tuple(scene.scene for scene in performed), self.sounds.files, play.language)
            if self.script is not None:
                write_atomically(production.stream_path, _stream_of(timeline))
            stems: Mapping[str, Path] = {}
            if settings.stems:
                stems = write_stems(
                    timeline,
                    stage.sound_of,
                    production.exports / "stems",
                    comment=self._tags.full_comment,
                    jobs=self.troupe.jobs,
                )
            exported: list[Exported] = []
            for event in export(
                MixedProgramme([scene.mix for scene in performed]),
                timeline,
                out=production.exports,
                formats=settings.formats,
                master=settings.master,
                tags=self._tags,
                cover=settings.cover,
                measured=[scene.measured for scene in performed],
                jobs=self.troupe.jobs,
                stems=stems,
            ):
                if isinstance(event, Exported):
                    exported.append(event)
                yield event
            # Formats are done in the order of their speed; what is recorded has the order they were asked for.
            asked = check_formats(settings.formats)
            done = sorted(exported, key=lambda event: (asked.index(event.format), event.part))
            finished = Finished(
                folder=production.folder,
                files=(*(event.path for event in done), *stems.values()),
                lines=tally.lines,
                roles=self.roles,
                duration_s=timeline.duration_s,
                seconds=time.monotonic() - began,
                spoken=len(tally.fresh),
                failed=tuple(tally.failed),
                gates={
                    f"{event.format} {event.part}" if event.part else event.format: event.report.as_json()
                    for event in done
                    if event.report is not None
                },
            )
            production.write_record(self._record(finished=finished))
        yield finished

    @property
    def stage(self) -> Stage:
        """What the scenes are performed with."""
        return Stage(
            synthesizer=self.troupe.synthesizer,
            cast=self.cast,
            takes=self.production.takes,
            work=self.production.work,
            sounds=self.sounds,
            seed=self.settings.seed,
            language=self.play.language,
            jobs=self.troupe.jobs,
            meter=EnergyMeter if master_named(self.settings.master) is None else LoudnessMeter,
            recorded=self.recorded,
            proofs=ProofRecord(self.production.folder),
        )

    @property
    def _tags(self) -> Tags:
        play, settings = self.play, self.settings
        return Tags(
            title=play.title,
            author=settings.author or play.author,
            language=play.language,
            synthetic=self._synthetic,
            cast=tuple((casting.role, self._heard_as(casting)) for casting in self.cast if casting.lines),
        )

    @property
    def _synthetic(self) -> str:
        """Which voices are synthetic, in words."""
        engine = self.troupe.synthesizer.identity
        if not self.human:
            return f"all voices are synthetic ({engine})"
        names = " and ".join(self.human)
        return f"all voices but that of {names} are synthetic ({engine}); {names}: a person's own voice"

    def _heard_as(self, casting: Casting) -> str:
        """Whose voice a role has: a synthetic one, a person's, or both where some of it was typed."""
        if role_key(casting.role) not in map(role_key, self.human):
            return casting.voice.id
        typed = any(
            role_key(line.role) == role_key(casting.role) and line.number not in self.recorded
            for scene in self.play.scenes
            for line in scene.lines
        )
        return f"a person, and {casting.voice.id} for what was typed" if typed else "a person"

    def _record(self, *, finished: Finished | None) -> dict[str, Any]:
        record: dict[str, Any] = {
            **self.about,
            "title": self.play.title,
            "language": self.play.language,
            "preset": self.troupe.preset,
            "voices": self.troupe.synthesizer.identity,
            "settings": self.remembered.as_json(),
            "cast": {casting.role: casting.voice.id for casting in self.cast},
            **({"human_voices": list(self.human)} if self.human else {}),
            "state": "working" if finished is None else "partly" if finished.failed else "done",
        }
        # An export adds files to those that stand; a performance makes the others those of an older script.
        before = self.production.record() if self.remembered is not self.settings else {}
        files = [name for name in before.get("files", []) if (self.production.folder / name).exists()]
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


def remembered_script(folder: Path) -> tuple[Script, PerformSettings]:
    """The script of a production and the options it was performed with.

    Raises:
        ProductionError: The folder holds none, or a damaged one.
    """
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


@dataclass(slots=True)
class _Tally:
    """What became of the lines."""

    lines: int = 0
    fresh: set[str] = field(default_factory=set)
    failed: list[LineFailed] = field(default_factory=list)

    def note(self, event: Event) -> None:
        match event:
            case LineSpoken():
                self.lines += 1
                if not event.reused:
                    # Two scenes that share a line may both have spoken it; that is one take all the same.
                    self.fresh.add(event.placed.take)
            case LineFailed():
                self.lines += 1
                self.failed.append(event)


def _says_the_same(path: Path, cast: Cast) -> bool:
    """Whether a cast file asks for just this cast; then it stays as it is, with the reasons it was written with."""
    if not path.exists():
        return False
    return set(read_cast_file(path).wishes) == set(cast.overrides().wishes)


def _stream_of(timeline: Timeline) -> bytes:
    """A performed script as a message stream: what was said, by whom, when, in one order for all."""
    placed = sorted(
        (line for scene in timeline.scenes for line in scene.lines), key=lambda line: (line.start_s, line.line.number)
    )
    return b"".join(
        entry_line(
            message_to_json(
                Message(
                    id=number,
                    speaker=line.line.role,
                    text=line.line.text,
                    deed=Deed.SPEAK,
                    style=line.line.style,
                    addresses=(),
                    audience=(),
                    start_s=line.start_s,
                    end_s=line.end_s,
                    take=line.take,
                )
            )
        )
        for number, line in enumerate(placed, 1)
    )
