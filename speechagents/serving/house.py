"""The house: everything that the pages, the API and the sockets of one server share.

Owns what is shared, and its opening and closing. Does not know pages, routes or HTTP.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from speechagents.errors import NoSuchProduction
from speechagents.events import Event
from speechagents.serving.accounts import Accounts
from speechagents.serving.cards import Kind
from speechagents.serving.gate import Gate
from speechagents.serving.links import Links
from speechagents.serving.runs import Run, Runs
from speechagents.serving.samples import Samples
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Signer, secret_key
from speechagents.serving.visitors import Visitor
from speechagents.serving.workspace import Shelf, Workspace
from speechagents.serving.zero_gpu import LentGpu, gpu_mark
from speechagents.studio import Studio

if TYPE_CHECKING:
    from speechagents.live.sessions import Sessions

STATIC_FOLDER = Path(__file__).resolve().parent.parent / "ui" / "static"
_LISTEN_FILE = "listen.mp3"
_ENDING_S = 10.0


class House:
    """What one server shares. Use it as a context manager, or call `close`.

    Args:
        settings: Options of the server.
        studio: Loaded back ends; None loads those of the settings.
        environment: Where a secret may be given.

    Raises:
        ServeError: The secret or the login file cannot be used.
        SettingsError: The preset cannot run here.
        StorageError: The data folder cannot be used.
    """

    def __init__(
        self,
        settings: ServeSettings,
        *,
        studio: Studio | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.settings = settings
        self.signer = Signer(secret_key(environment, settings.data))
        self.accounts = Accounts(settings.auth_file) if settings.auth_file is not None else None
        self.workspace = Workspace(settings.data / "productions", settings.allowance)
        self.links = Links(self.signer, root_path=settings.root_path)
        self.runs = Runs(settings.runs, each=settings.allowance.runs)
        self.gate = Gate(self.signer, settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owns_studio = studio is None
        mark = gpu_mark()  # before anything imports torch
        self.studio = studio or Studio(preset=settings.preset, jobs=settings.jobs)
        if mark is not None and self.studio.preset.vram_gb > 0:
            self.studio.synthesizer = LentGpu(self.studio.synthesizer, mark)
        self.samples = Samples(self.studio.synthesizer, settings.data / "samples")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def opens(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server has begun to answer, in this loop."""
        self._loop = loop

    def close(self) -> None:
        """Stop what is going on, so that it can be resumed, and end the back ends' processes."""
        if self._loop is not None and self._loop.is_running() and "sessions" in vars(self):
            with suppress(TimeoutError, RuntimeError):
                asyncio.run_coroutine_threadsafe(self.sessions.shut_down(), self._loop).result(_ENDING_S)
        self.runs.close()
        if self._owns_studio:
            self.studio.close()

    @functools.cached_property
    def sessions(self) -> Sessions:
        """The live stage; opened when somebody asks for it."""
        from speechagents.serving.stage_door import make_sessions

        return make_sessions(self, self.settings)

    def visitor_of(self, request: Any) -> Visitor:
        """Whose request it is: a `gradio.Request` or a Starlette request that came through the wall.

        Raises:
            LookupError: It did not come through the wall.
        """
        inner = getattr(request, "request", None)
        scope = (inner if inner is not None else request).scope
        visitor = scope.get("state", {}).get("visitor")
        if not isinstance(visitor, Visitor):
            raise LookupError("a request that came in beside the wall has no visitor")
        return visitor

    def visitor_with_id(self, visitor_id: str) -> Visitor:
        """The visitor that an id, as tokens hold it, stands for."""
        names = self.accounts.names() if self.accounts is not None else ()
        known = (Visitor.named(name, self.signer) for name in names)
        return next((visitor for visitor in known if visitor.id == visitor_id), Visitor(visitor_id))

    def shelf(self, visitor: Visitor) -> Shelf:
        """What a visitor keeps here."""
        return self.workspace.shelf(visitor)

    def start(self, visitor: Visitor, production: str, kind: Kind | str, events: Callable[[], Iterator[Event]]) -> Run:
        """Make a production in the background.

        Args:
            visitor: Whose it is.
            production: Its id on the visitor's shelf.
            kind: How it comes about.
            events: Begins the work, such as ``lambda: house.studio.perform(script, out=shelf.folder(id))``; called in
                a thread of its own.

        Raises:
            NoSuchProduction: There is none of that id.
            ProductionBusy: A run of it is going on.
            QuotaError: The visitor or the server has no room for it.
        """
        shelf = self.shelf(visitor)
        slot = shelf.own(production)
        shelf.check_room()
        return self.runs.start(visitor, production, Kind(kind).value, events, listen=slot / _LISTEN_FILE)

    def delete(self, visitor: Visitor, production: str) -> None:
        """Delete a production; a run of it is stopped first.

        Raises:
            NoSuchProduction: There is none of that id.
            ProductionBusy: The run has not stopped yet.
        """
        run = self.runs.of(visitor, production)
        if run is not None:
            run.stop()
            run.wait(10.0)
        self.shelf(visitor).delete(production)

    def link(self, visitor: Visitor, production: str, name: str) -> str:
        """Address of a production's file, for the visitor's own pages."""
        return self.links.file(visitor, production, name)

    def carried_link(self, visitor: Visitor, production: str, name: str) -> str:
        """Address of a production's file that works without a cookie, for answers of the API."""
        return self.links.carried_file(visitor, production, name)

    def zip_link(self, visitor: Visitor, production: str) -> str:
        """Address of a whole production."""
        return self.links.zip(visitor, production)

    def listen_link(self, visitor: Visitor, production: str) -> str:
        """Address of the sound of a production while it is made."""
        return self.links.listen(visitor, production)

    def voice_link(self, voice_id: str) -> str:
        """Address of a voice's sample."""
        return self.links.voice(voice_id)

    def static_link(self, name: str) -> str:
        """Address of a file of the pages themselves.

        Raises:
            NoSuchProduction: There is no such file.
        """
        try:
            version = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]
        except OSError as error:
            raise NoSuchProduction(f"{name}: no such file among those of the pages") from error
        return self.links.static(name, version=version)

    def live_token(self, visitor: Visitor) -> tuple[str, float]:
        """A token for the live stage, and when it stops being good, in epoch seconds."""
        return self.gate.issue_token(visitor.id)
