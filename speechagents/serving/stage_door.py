"""The stage door: what a live session of this house is made of.

Owns the opening of a scene for a visitor and what becomes of it afterwards. Does not know sockets, or how a scene is
played.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speechagents.drama import SceneBrief
from speechagents.errors import ProductionError, SceneError, SpeechAgentsError
from speechagents.listeners.listener import Listener
from speechagents.listeners.vad import SileroVad
from speechagents.live.client_events import OpenScene
from speechagents.live.outbox import Outbox
from speechagents.live.play import Threads
from speechagents.live.session import Hearing, Opened, StageSession
from speechagents.live.sessions import SessionLimits, Sessions, Ticket
from speechagents.live.timing import LoopClock
from speechagents.providing import load_ears
from speechagents.resources import resource
from speechagents.scripts.scene_file import parse_scene
from speechagents.serving.cards import Kind
from speechagents.serving.settings import ServeSettings
from speechagents.serving.visitors import Visitor
from speechagents.settings import DEFAULT_FORMATS, ImproviseSettings
from speechagents.voices.synthesizer import SpokenLine, Synthesizer

if TYPE_CHECKING:
    from speechagents.serving.house import House

DEFAULT_EXAMPLE: Final = "city-park-picnic"
"""The scene for a client that asks for none."""

_WAITERS: Final = 32
"""Threads that mostly wait: for models on other machines and for the disk, or for a recogniser. With one for each core,
two people whose words were still being understood left everybody else unheard."""


def make_sessions(house: House, settings: ServeSettings) -> Sessions:
    """The live stage of a house."""
    listener, deaf = _listener(house)
    cores = os.cpu_count() or 1
    hearing = Hearing(SileroVad(), listener, deaf, ThreadPoolExecutor(_WAITERS, thread_name_prefix="ear"))
    threads = Threads(
        thinking=ThreadPoolExecutor(_WAITERS, thread_name_prefix="thought"),
        voices=ThreadPoolExecutor(max(2, cores), thread_name_prefix="voice"),
    )
    # The first voice of each process takes a second to come; nobody on stage should wait for it.
    threads.voices.submit(_warm, house.studio.synthesizer, 2 * cores)
    clock = LoopClock()

    async def make(ticket: Ticket, outbox: Outbox) -> StageSession:
        door = StageDoor(house, house.visitor_with_id(ticket.visitor))
        default = OpenScene("", example=ticket.scene or DEFAULT_EXAMPLE, role=ticket.role)
        return StageSession(
            ticket.session_id,
            outbox,
            opens=door.open,
            default=default,
            hearing=hearing,
            threads=threads,
            clock=clock,
        )

    return Sessions(make, SessionLimits(total=settings.max_sessions))


class StageDoor:
    """Opens scenes for one visitor.

    Args:
        house: Whose voices and shelves.
        visitor: Who steps on stage.
    """

    def __init__(self, house: House, visitor: Visitor) -> None:
        self._house = house
        self._visitor = visitor

    def open(self, wanted: OpenScene) -> Opened:
        """Open the scene that a client asks for, as a new production on the visitor's shelf.

        Raises:
            SceneError: There is no such scene or role, or it cannot be read.
            ProductionError: There is no room for another production.
        """
        scene = _scene(wanted)
        role = scene.role(wanted.role) if wanted.role else scene.roles[0]
        if role is None:
            names = ", ".join(one.name for one in scene.roles)
            raise SceneError(f"nobody in it is called {wanted.role!r}; there are: {names}", source=scene.title)
        shelf = self._house.shelf(self._visitor)
        production = shelf.create(scene.title, Kind.LIVE)
        try:
            live = self._house.studio.live(
                scene,
                person=role.name,
                out=shelf.folder(production),
                settings=ImproviseSettings(policy=wanted.policy, turns=wanted.turns, seed=wanted.seed),
            )
        except SpeechAgentsError:
            shelf.delete(production)
            raise
        return Opened(live, production, lambda: self._after(production))

    def _after(self, production: str) -> None:
        """Make the files of what was played; a scene in which nothing was said leaves nothing behind."""
        shelf = self._house.shelf(self._visitor)
        try:
            folder = shelf.folder(production)
            if not _anything_in(folder / "stream.jsonl"):
                shelf.delete(production)
                return
            studio = self._house.studio
            self._house.start(
                self._visitor, production, Kind.LIVE, lambda: studio.export(folder, formats=DEFAULT_FORMATS)
            )
        except ProductionError:
            # Deleted by its owner meanwhile, or no room for another run: "Resume" on the Productions page makes them.
            return


def _anything_in(stream: Path) -> bool:
    return stream.is_file() and stream.stat().st_size > 0


def _warm(synthesizer: Synthesizer, lines: int) -> None:
    """Let the voices speak once, all at the same time; what goes wrong here is told when somebody is to speak."""
    with contextlib.suppress(SpeechAgentsError):
        for _ in synthesizer.speak([SpokenLine("Ready.", voice) for voice in synthesizer.voices[:lines]]):
            pass


def _scene(wanted: OpenScene) -> SceneBrief:
    if wanted.yaml:
        return parse_scene(wanted.yaml, source="scene")
    folder = resource("assets", "examples", "scenes")
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if wanted.example not in names:
        raise SceneError(f"no example is called {wanted.example!r}; there are: {', '.join(names)}", source="scene")
    return parse_scene((folder / f"{wanted.example}.yaml").read_text("utf-8"), source=wanted.example)


def _listener(house: House) -> tuple[Listener | None, str]:
    """Who understands people here, or why nobody does."""
    try:
        return load_ears(house.studio.preset, shared=house.studio.shared), ""
    except SpeechAgentsError as error:
        return None, str(error)
