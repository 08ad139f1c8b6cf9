"""The one face of the package: perform a script, resume it, export it again.

Owns the order of the work and what a production remembers. Every step is done by a module of its own; the command
line, the web app and servers call this class and nothing further in.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from speechagents.actors import Actors, choose_actors, propose_scene
from speechagents.agents.branching import Branch
from speechagents.books.book import Book
from speechagents.branches import branch_production
from speechagents.cluster.mirror import mirrored
from speechagents.cluster.mirror_events import events_at
from speechagents.cluster.store_address import folder_here
from speechagents.cores import usable_cores
from speechagents.drama import SceneBrief
from speechagents.events import Event, MessageSpoken
from speechagents.improvising import (
    export_scene,
    improvise,
    is_improvised,
    performed_scene,
    remembered_person,
    remembered_scene,
    replay,
)
from speechagents.listeners.listener import Listener
from speechagents.live.scene import LiveScene
from speechagents.performance import Troupe, remembered_script
from speechagents.preparing import prepare
from speechagents.preset import Preset
from speechagents.presets import choose_preset
from speechagents.proofreading import proof_performance
from speechagents.providing import hired, in_common, load_ears, load_voices
from speechagents.reading_aloud import is_book, proof_book, read_aloud, remembered_book
from speechagents.scripts.reading import load_script
from speechagents.scripts.scene_file import read_scene
from speechagents.scripts.script import Script
from speechagents.settings import ImproviseSettings, PerformSettings, ReadSettings
from speechagents.voices.synthesizer import Synthesizer

Events: TypeAlias = Generator[Event, None, None]
"""What happens, as it happens. Closing it ends the work in order."""

_NO_LIVE_STORE = "a person plays in a folder here; `speechagents.cluster.mirror.mirrored` keeps one in a store"


class Studio:
    """Loaded back ends, ready to perform. Use it as a context manager, or call `close`.

    Wherever a production's folder is asked for, the address of one in a store will do (``s3://bucket/plays/mine``;
    `cluster.mirror`), except for scenes with a person in them.

    Args:
        preset: A set of back ends, or the name of one; ``auto`` takes the best that is ready here.
        jobs: Scenes and encoders at work at once, and voice processes, or workers; one per core by default.
        workers: Who shares the work, as ``--workers`` says it; a preset that is named need not be ready here then.
    """

    def __init__(self, *, preset: str | Preset = "auto", jobs: int | None = None, workers: str = "") -> None:
        self.preset, self.why = choose_preset(preset, elsewhere=bool(workers))
        cores = usable_cores()
        # With workers, the number is theirs: what is left to do here would not be faster by it.
        self._jobs = min(jobs or cores, cores) if workers else jobs or cores
        self.shared = in_common()
        self._workforce = hired(workers, self.preset, jobs=jobs or 0)
        self.synthesizer: Synthesizer = (
            self._workforce.voices if self._workforce else load_voices(self.preset, self._jobs, shared=self.shared)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the back ends' processes, and the workers."""
        for one in (self._workforce, self.synthesizer):
            close = getattr(one, "close", None)
            if close is not None:
                close()

    def perform(
        self,
        script: Script | Path | str,
        *,
        out: Path | str,
        settings: PerformSettings | None = None,
        resume: bool = False,
    ) -> Events:
        """Perform a script into a production folder.

        A folder that holds a production already is gone on with: takes whose text, voice and style are unchanged
        are used again, and so is its ``cast.yaml``, edited or not. The work is done while the events are read.

        Args:
            script: A script, or the path of a Fountain, FDX, dialogue or JSON file.
            out: The production folder, or its address in a store.
            settings: Options; the defaults if None.
            resume: Refuse a folder that holds no production yet.

        Yields:
            Events as listed in `speechagents.events`, `Finished` last.

        Raises:
            InputError: The script, the cast, a sound, the cover or an option is at fault; nothing was written.
            ProductionError: The folder cannot be used.
        """
        told = settings or PerformSettings()
        play = script if isinstance(script, Script) else load_script(Path(script))
        return events_at(
            out, lambda folder: prepare(self.troupe, play, folder, told, resume=resume, remembered=told).produce()
        )

    def read(
        self, book: Book | Path | str, *, out: Path | str, settings: ReadSettings | None = None, resume: bool = False
    ) -> Events:
        """Read a book aloud with a full cast into a production folder.

        A folder that holds the book already is gone on with: chapters and takes whose text, voices and style are
        unchanged are used again, and so is its ``cast.yaml``, edited or not. The work is done while events are read.

        Args:
            book: A book, or the path of an EPUB, DOCX, PDF, HTML, Markdown or text file.
            out: The production folder, or its address in a store.
            settings: Options; the defaults if None.
            resume: Refuse a folder that holds no production yet.

        Yields:
            Events as listed in `speechagents.events`, `Finished` last.

        Raises:
            InputError: The book, the cast, the cover or an option is at fault; nothing was written.
            ProductionError: The folder cannot be used.
        """
        source = book if isinstance(book, Book) else Path(book)
        told = settings or ReadSettings()
        return events_at(out, lambda folder: read_aloud(self.troupe, source, folder, told, resume=resume))

    def resume(self, out: Path | str) -> Events:
        """Go on with a production as it was started: same script or book, same settings.

        Raises:
            ProductionError: The folder holds no production, or a damaged one.
        """

        def work(folder: Path) -> Iterator[Event]:
            if is_book(folder):
                book, asked = remembered_book(folder)
                return read_aloud(self.troupe, book, folder, asked, resume=True)
            script, told = remembered_script(folder)
            return prepare(self.troupe, script, folder, told, resume=True, remembered=told).produce()

        return events_at(out, work)

    def export(
        self, production: Path | str, *, formats: Sequence[str], master: str = "podcast", stems: bool = False
    ) -> Events:
        """Make further files from a production. Nothing is spoken again unless takes are missing.

        Args:
            production: Its folder.
            formats: Names of formats.
            master: Name of the loudness standard.
            stems: Also write the stems.
        """

        def work(folder: Path) -> Iterator[Event]:
            if is_book(folder):
                book, asked = remembered_book(folder)
                other = replace(asked, formats=tuple(formats), master=master)
                return read_aloud(self.troupe, book, folder, other, resume=True, remembered=asked)
            if is_improvised(folder):
                wanted = PerformSettings(formats=tuple(formats), master=master, stems=stems)
                return export_scene(self.troupe, folder, wanted)
            script, told = remembered_script(folder)
            wanted = replace(told, formats=tuple(formats), master=master, stems=stems)
            return prepare(self.troupe, script, folder, wanted, resume=True, remembered=told).produce()

        return events_at(production, work)

    def proof(self, production: Path | str) -> Events:
        """Proof the takes of a production: by ear, or where a voice speaks by rule, by its engine's own words.

        A take with a fault is spoken again, up to twice, where its voice can speak it otherwise, and the best is kept.
        What was found is remembered; nothing is listened to twice.

        Args:
            production: Its folder.

        Yields:
            Events as listed in `speechagents.events`, `ProofFinished` last.

        Raises:
            ProductionError: The folder holds no production, or a damaged one.
            ListenerError: The recogniser cannot be used.
        """

        def work(folder: Path) -> Iterator[Event]:
            if is_book(folder):
                return proof_book(self.troupe, folder)
            if is_improvised(folder):
                return proof_performance(performed_scene(self.troupe, folder, PerformSettings()))
            script, told = remembered_script(folder)
            return proof_performance(prepare(self.troupe, script, folder, told, resume=True, remembered=told))

        return events_at(production, work)

    def _listener(self) -> Listener:
        """The preset's recogniser, or the embedded one."""
        return load_ears(self.preset, shared=self.shared)

    def improvise(
        self,
        scene: SceneBrief | Path | str,
        *,
        out: Path | str,
        actors: Actors | None = None,
        settings: ImproviseSettings | None = None,
        resume: bool = False,
    ) -> Events:
        """Let role agents improvise a scene, and produce it.

        A folder that holds the scene already is gone on with: what was played is not thought out again. The scene
        advances only while events are read: that is how it is stepped and paused.

        Args:
            scene: A brief, or the path of a scene file.
            out: The production folder, or its address in a store.
            actors: Who acts; None goes by the settings, what runs on this machine, and the preset.
            settings: Options; the defaults if None.
            resume: Refuse a folder that holds no production yet.

        Yields:
            Events as listed in `speechagents.events`, `Finished` last.

        Raises:
            InputError: The scene, the cast or an option is at fault; nothing was written.
            ControllerError: The controller cannot be used from the start.
            ProductionError: The folder cannot be used.
        """
        brief = scene if isinstance(scene, SceneBrief) else read_scene(Path(scene))
        asked = settings or ImproviseSettings()
        acting = actors or self.preset
        return events_at(out, lambda folder: improvise(self.troupe, acting, brief, folder, asked, resume=resume))

    def resume_scene(self, out: Path | str) -> Events:
        """Go on with an improvised scene as it was started.

        Raises:
            ProductionError: The folder holds no improvised scene, or a damaged one.
        """

        def work(folder: Path) -> Iterator[Event]:
            brief, settings = remembered_scene(folder)
            return improvise(self.troupe, self.preset, brief, folder, settings, resume=True)

        return events_at(out, work)

    def live(
        self,
        scene: SceneBrief | Path | str,
        *,
        person: str,
        out: Path | str,
        actors: Actors | None = None,
        settings: ImproviseSettings | None = None,
    ) -> LiveScene:
        """A scene in which a person plays a role among agents; whoever drives it says what was heard, and when.

        A folder that holds the scene already, with the same role for the person, is gone on with.

        Args:
            scene: A brief, or the path of a scene file.
            person: Name of the person's role.
            out: The production folder, on this machine.
            actors: Who acts for the others; None goes by the settings, what runs on this machine, and the preset.
            settings: Options; the defaults if None.

        Raises:
            InputError: The scene, the role, the cast or an option is at fault; nothing was written.
            ProductionError: The folder holds something else.
        """
        folder = folder_here(out, instead=_NO_LIVE_STORE)
        brief = scene if isinstance(scene, SceneBrief) else read_scene(Path(scene))
        settings = settings or ImproviseSettings()
        if actors is None:
            actors, settings = choose_actors(self.preset, settings, shared=self.shared)
        return LiveScene(self.troupe, actors, brief, person, folder, settings=settings)

    def resume_live(self, out: Path | str) -> LiveScene:
        """Go on with a scene with a person in it as it was started.

        Raises:
            ProductionError: The folder holds no such scene, or a damaged one.
        """
        folder = folder_here(out, instead=_NO_LIVE_STORE)
        person = remembered_person(folder)
        brief, settings = remembered_scene(folder)
        return self.live(brief, person=person, out=folder, settings=settings)

    @staticmethod
    def branch(
        production: Path | str,
        *,
        at: int,
        out: Path | str,
        seed: int,
        note: str = "",
        note_to: str = "",
        beats: Sequence[str] | None = None,
        turns: int | None = None,
    ) -> Branch:
        """Make a production that shares an improvised scene up to a message and can go on differently from there.

        `resume_scene` plays it on. The same branch point and the same options go on in the same way; with the seed
        of the scene and nothing changed, in the way it went. The production that is left stays as it is, and may be
        played meanwhile.

        Args:
            production: Folder of the scene.
            at: Id of the last message to share; the whole step that it belongs to is shared.
            out: Folder of the branch; it must not exist, or be empty.
            seed: Of what is decided from there on.
            note: What the director tells those who play on, until they have answered it.
            note_to: Name of the role that is told; empty tells everybody.
            beats: What should happen from here on, instead of the beat being played and those after it; None keeps
                them.
            turns: Most turns, the shared ones included; None keeps the scene's.

        Returns:
            Where the branch leaves the scene.

        Raises:
            SettingsError: There is no such message or role, or no turn would be left.
            SceneError: A beat cannot be used.
            ProductionError: The folder holds no improvised scene, or the new one is in use.
        """
        with mirrored(production) as origin, mirrored(out) as branch:
            return branch_production(
                origin.folder, branch.folder, at=at, seed=seed, note=note, note_to=note_to, beats=beats, turns=turns
            )

    def propose(
        self,
        idea: str,
        *,
        roles: int = 5,
        language: str = "en",
        seed: int = 0,
        settings: ImproviseSettings | None = None,
    ) -> SceneBrief:
        """Make a scene of one sentence.

        Args:
            idea: What happens.
            roles: How many play, 2 to 25.
            language: BCP 47 tag.
            seed: Chooses among equals.
            settings: Options; controller, model and server count.

        Raises:
            SceneError: The controller cannot propose scenes, or its proposal cannot be used.
        """
        settings = settings or ImproviseSettings()
        return propose_scene(self.preset, settings, idea, roles=roles, language=language, seed=seed, shared=self.shared)

    @staticmethod
    def replay(out: Path | str) -> Generator[MessageSpoken, None, None]:
        """Hear a scene again that was improvised, without any model: its messages with their sound.

        Raises:
            ProductionError: The folder holds no improvised scene.
        """
        with mirrored(out) as mirror:
            yield from replay(mirror.folder)

    @property
    def troupe(self) -> Troupe:
        """What it performs with, for who performs by other rules than a studio's."""
        about = (self.synthesizer, self.preset.name, self.why, self._jobs, self._listener, self.shared)
        return Troupe(*about, workforce=self._workforce)
