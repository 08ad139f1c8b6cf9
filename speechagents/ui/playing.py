"""Improvised scenes of a visitor as the page plays them: begun, gone on with, left for another way, finished early.

Owns what the buttons of the Improvise page do to shelf and runs, and the records that all pages look at. Does not know
how anything is drawn, nor how a scene is played.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speechagents.agents.record import STEPS_FILE, recorded
from speechagents.agents.steps import Ending, Step
from speechagents.branches import SCENE_FILE
from speechagents.drama import SceneBrief
from speechagents.errors import NoSuchProduction, ProductionError, SpeechAgentsError
from speechagents.production.folder import Production
from speechagents.scripts.scene_file import read_scene, write_scene
from speechagents.serving.cards import Kind
from speechagents.settings import DEFAULT_FORMATS, ImproviseSettings

if TYPE_CHECKING:
    from speechagents.serving.cards import ProductionCard
    from speechagents.serving.house import House
    from speechagents.serving.runs import Run
    from speechagents.serving.visitors import Visitor

KIND: Final = Kind.IMPROVISE
_LOOKED_AT: Final = 64


@dataclass(frozen=True, slots=True)
class Fork:
    """How a scene should go on differently.

    Attributes:
        at: Id of the last message to share.
        seed: Of what is decided from there on.
        note: What the director says; empty for nothing.
        note_to: Name of the role it is for; empty for everybody.
        beats: What should happen from here on; None keeps the scene's.
        turns: Most turns in all; None keeps the scene's.
    """

    at: int
    seed: int
    note: str = ""
    note_to: str = ""
    beats: tuple[str, ...] | None = None
    turns: int | None = None


class Records:
    """The records of scenes that are being looked at, each read once however many pages look.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, tuple[int, tuple[Step | Ending, ...]]] = OrderedDict()

    def of(self, folder: Path) -> tuple[Step | Ending, ...]:
        """What is recorded of a production by now.

        Raises:
            ProductionError: A record is damaged.
        """
        with self._lock:
            end, entries = self._known.pop(folder, (0, ()))
            try:
                size = (folder / STEPS_FILE).stat().st_size
            except OSError:
                return ()
            if size < end:  # another scene has taken the place of the one that was read
                end, entries = 0, ()
            news = recorded(folder, after=end) if size > end else ()
            entries += tuple(one.entry for one in news)
            self._known[folder] = (news[-1].end if news else end, entries)
            while len(self._known) > _LOOKED_AT:
                self._known.popitem(last=False)
            return entries


class Playing:
    """What a visitor can do with improvised scenes.

    Args:
        house: Studio, shelves and runs.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.records = Records()

    def begin(self, visitor: Visitor, scene: SceneBrief, *, formats: Sequence[str] = DEFAULT_FORMATS) -> str:
        """Play a scene from its start, as a new production.

        Returns:
            The production's id.

        Raises:
            QuotaError: The visitor may not have one more.
            SceneError: No file can hold the scene.
        """
        write_scene(scene)
        settings = ImproviseSettings(formats=tuple(formats))
        shelf = self._house.shelf(visitor)
        production = shelf.create(scene.title, KIND)
        out = shelf.folder(production)
        with self._or_nothing(visitor, production):
            self._house.start(
                visitor, production, KIND, lambda: self._house.studio.improvise(scene, out=out, settings=settings)
            )
        return production

    def branch(self, visitor: Visitor, production: str, fork: Fork) -> str:
        """Let a scene go on differently from a message, as a new production.

        Returns:
            The new production's id.

        Raises:
            SpeechAgentsError: It cannot; nothing new is left on the shelf.
        """
        shelf = self._house.shelf(visitor)
        origin = shelf.folder(production)
        new = shelf.create(f"{shelf.card(production).title} (from message {fork.at})", KIND)
        out = shelf.folder(new)
        with self._or_nothing(visitor, new):
            self._house.studio.branch(
                origin,
                out=out,
                at=fork.at,
                seed=fork.seed,
                note=fork.note,
                note_to=fork.note_to,
                beats=fork.beats,
                turns=fork.turns,
            )
            self._house.start(visitor, new, KIND, lambda: self._house.studio.resume_scene(out))
        return new

    def go_on(self, visitor: Visitor, production: str) -> None:
        """Let a scene go on that is paused, or was stopped.

        Raises:
            SpeechAgentsError: It cannot.
        """
        run = self._house.runs.of(visitor, production)
        if run is not None and not run.over:
            run.play()
            return
        shelf = self._house.shelf(visitor)
        if shelf.card(production).kind is not KIND:
            raise ProductionError("a scene with a person on stage goes on at the live stage, not here")
        out = shelf.folder(production)
        self._house.start(visitor, production, KIND, lambda: self._house.studio.resume_scene(out))

    def step(self, visitor: Visitor, production: str) -> None:
        """Let a scene go on for one turn.

        Raises:
            SpeechAgentsError: It cannot.
        """
        run = self._house.runs.of(visitor, production)
        if run is None or run.over:
            self.go_on(visitor, production)
            run = self._house.runs.of(visitor, production)
        if run is not None:
            run.pause()
            run.step()

    def pause(self, visitor: Visitor, production: str) -> None:
        """Hold a scene before its next turn."""
        run = self._house.runs.of(visitor, production)
        if run is not None:
            run.pause()

    def stop(self, visitor: Visitor, production: str) -> None:
        """Stop a scene; it can be gone on with later."""
        run = self._house.runs.of(visitor, production)
        if run is not None:
            run.stop()

    def finish(self, visitor: Visitor, production: str) -> None:
        """Make the files of what has been played so far.

        Raises:
            SpeechAgentsError: It cannot.
        """
        run = self._house.runs.of(visitor, production)
        if run is not None and not run.over:
            run.stop()
            run.wait(10.0)
        out = self._house.shelf(visitor).folder(production)
        self._house.start(visitor, production, KIND, lambda: self._house.studio.export(out, formats=DEFAULT_FORMATS))

    def run(self, visitor: Visitor, production: str) -> Run | None:
        """The latest run of a production."""
        return self._house.runs.of(visitor, production)

    def latest(self, visitor: Visitor) -> str:
        """Id of the scene that is being played for a visitor; empty if none is."""
        runs = (run for run in self._house.runs.all_of(visitor) if run.kind == KIND and not run.over)
        return next((run.production for run in runs), "")

    def scenes(self, visitor: Visitor) -> tuple[ProductionCard, ...]:
        """The scenes on a visitor's shelf, those in which the visitor played included."""
        return tuple(card for card in self._house.shelf(visitor).cards() if card.kind in (Kind.IMPROVISE, Kind.LIVE))

    def is_scene(self, visitor: Visitor, production: str) -> bool:
        """Whether a production is a scene of this visitor."""
        try:
            card = self._house.shelf(visitor).card(production) if production else None
        except NoSuchProduction:
            return False
        return card is not None and card.kind in (Kind.IMPROVISE, Kind.LIVE)

    def scene(self, visitor: Visitor, production: str) -> SceneBrief | None:
        """What is played; None before the first run has written it down.

        Raises:
            SpeechAgentsError: It cannot be read, or is nobody's.
        """
        path = self._house.shelf(visitor).folder(production) / SCENE_FILE
        return read_scene(path) if path.is_file() else None

    def voices(self, visitor: Visitor, production: str) -> dict[str, str]:
        """Id of the voice of each role, where it is known."""
        run = self._house.runs.of(visitor, production)
        started = run.view().started if run is not None else None
        if started is not None:
            return {casting.role: casting.voice.id for casting in started.cast}
        with contextlib.suppress(SpeechAgentsError):
            cast = Production(self._house.shelf(visitor).folder(production)).record().get("cast", {})
            return {str(role): str(voice) for role, voice in cast.items()} if isinstance(cast, dict) else {}
        return {}

    def controller(self, visitor: Visitor, production: str) -> str:
        """Who acts in a scene: the controller's identity; empty before that is known."""
        with contextlib.suppress(SpeechAgentsError):
            return str(Production(self._house.shelf(visitor).folder(production)).record().get("controller", ""))
        return ""

    @contextlib.contextmanager
    def _or_nothing(self, visitor: Visitor, production: str) -> Iterator[None]:
        """Take a new production off the shelf again if it cannot be begun."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(SpeechAgentsError):
                self._house.shelf(visitor).delete(production)
            raise
