"""What programs may call: the same work as the pages', by Gradio's API and as tools of an MCP server.

Owns the endpoints, their arguments and their answers. Does not know how anything is made. Answers are JSON with links
that work for whoever holds them, for some hours; a production is named by a ticket that only this server can write,
so that a program without cookies finds its own productions again and nobody else's.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypedDict
from urllib.parse import urlsplit

import gradio as gr
from gradio.events import api

from speechagents.agents.policies import make_policy
from speechagents.audition import table
from speechagents.errors import InputError, NoSuchProduction, SettingsError, SpeechAgentsError
from speechagents.production.folder import Production
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, parse_scene
from speechagents.serving.run_view import RunView
from speechagents.serving.tokens import Purpose
from speechagents.settings import ImproviseSettings
from speechagents.ui.drafts import Draft
from speechagents.ui.error_box import plain_words
from speechagents.ui.reading import read_text
from speechagents.ui.render_options import settings_of

if TYPE_CHECKING:
    from speechagents.serving.house import House
    from speechagents.serving.visitors import Visitor

PUBLIC: Final = ("perform", "improvise", "production", "voices")
"""Names of all endpoints that programs may call; everything else of the app is the pages' own."""

MAX_WAIT_S: Final = 3_600.0
_POLL_S: Final = 0.3
_TICKET: Final = "ticket"
_MAX_TICKET_CHARS: Final = 1_000

_Arguments = ParamSpec("_Arguments")


class ProductionFile(TypedDict):
    """A finished file.

    ``meets`` says whether it meets its loudness standard; None where none applies.
    """

    name: str
    size_bytes: int
    url: str
    meets: bool | None


class ProductionStatus(TypedDict):
    """What can be said of a production.

    ``state`` is waiting, running, paused, stopped, failed or done; times are in seconds.
    """

    production: str
    title: str
    kind: str
    state: str
    progress: float
    stage: str
    seconds_left: float | None
    lines: int
    lines_done: int
    lines_spoken: int
    duration_s: float
    warnings: list[str]
    failed: list[str]
    error: str
    files: list[ProductionFile]


def add_endpoints(house: House) -> None:
    """Add the endpoints to the Blocks that are open."""
    endpoints = Endpoints(house)
    for name in PUBLIC:
        api(getattr(endpoints, name), api_name=name, concurrency_limit=None)


def _answering(
    endpoint: Callable[_Arguments, Awaitable[Any]],
) -> Callable[_Arguments, Awaitable[Any]]:
    """An endpoint whose faults reach the caller in their own words."""

    @functools.wraps(endpoint)
    async def answering(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Any:
        try:
            return await endpoint(*args, **kwargs)
        except SpeechAgentsError as error:
            owner: Any = args[0]
            raise gr.Error(plain_words(error, owner.house), print_exception=False) from error

    return answering


class Endpoints:
    """The endpoints, as methods.

    Args:
        house: What the server shares.
    """

    def __init__(self, house: House) -> None:
        self.house = house

    @_answering
    async def perform(  # noqa: D417 - the request is Gradio's own, no argument of a caller
        self,
        request: gr.Request,
        script: str,
        formats: list[str] = ["m4b", "mp3", "vtt"],  # noqa: B006 - a signature for programs; never changed
        master: str = "podcast",
        narrator: bool = False,
        stems: bool = False,
        language: str = "",
        seed: int = 0,
        wait_s: float = 600.0,
    ) -> ProductionStatus:
        """Perform a screenplay or dialogue with a full cast and export it.

        Args:
            script: The whole text: Fountain, or one line a speaker such as "Anna (whispering): Is it raining?".
            formats: Files to make, of wav, wav24, flac, mp3, opus, m4b, vtt, srt, rttm, otio, json.
            master: Loudness standard: podcast, r128, acx or none.
            narrator: Whether headings and action are read aloud.
            stems: Whether each role gets a file of its own, too.
            language: BCP 47 tag such as en or pt-BR; empty goes by the script.
            seed: The same seed gives the same bytes.
            wait_s: Seconds to wait for the end; with 0, ask `production` how far it is.

        Returns:
            State, warnings and links to the finished files.
        """
        visitor = self.house.visitor_of(request)
        settings = settings_of(formats, master, narrator, stems, seed, language)

        def begin() -> str:
            draft = Draft.begin(self.house, visitor, read_text(script))
            draft.perform(settings)
            return draft.id

        production = await asyncio.to_thread(begin)
        return await self._wait(visitor, production, request, wait_s)

    @_answering
    async def improvise(  # noqa: D417 - the request is Gradio's own, no argument of a caller
        self,
        request: gr.Request,
        scene: str = "",
        idea: str = "",
        roles: int = 5,
        turns: int = 24,
        policy: str = "",
        language: str = "en",
        seed: int = 0,
        formats: list[str] = ["m4b", "mp3", "vtt"],  # noqa: B006 - a signature for programs; never changed
        master: str = "podcast",
        wait_s: float = 600.0,
    ) -> ProductionStatus:
        """Let role agents improvise a scene and export it.

        Args:
            scene: The scene in YAML: title, roles, background, beats. Empty to go by the idea.
            idea: One sentence of which a scene is made, if there is none.
            roles: How many roles an idea gets, 2 to 25.
            turns: Most turns.
            policy: Who speaks next: empty for the scene's own, else addressed, bidding, director, round-robin, random.
            language: BCP 47 tag of an idea.
            seed: The same seed gives the same bytes.
            formats: Files to make.
            master: Loudness standard: podcast, r128, acx or none.
            wait_s: Seconds to wait for the end; with 0, ask `production` how far it is.

        Returns:
            State, warnings and links to the finished files.
        """
        visitor = self.house.visitor_of(request)
        wanted = settings_of(formats, master, False, False, seed, "")
        settings = ImproviseSettings(
            formats=wanted.formats, master=master, turns=turns, policy=policy, seed=wanted.seed
        )

        def begin() -> str:
            if len(scene.encode()) > MAX_SCENE_FILE_BYTES:
                raise SettingsError(f"the scene is larger than {MAX_SCENE_FILE_BYTES // 1000} kB; shorten it")
            if not scene.strip() and not idea.strip():
                raise SettingsError("neither a scene nor an idea; give one of them")
            if policy:
                make_policy(policy)
            studio = self.house.studio
            brief = (
                parse_scene(scene, source="scene")
                if scene.strip()
                else studio.propose(idea, roles=roles, language=language, seed=wanted.seed)
            )
            shelf = self.house.shelf(visitor)
            production = shelf.create(brief.title, "improvise")
            folder = shelf.folder(production)
            self.house.start(
                visitor, production, "improvise", lambda: studio.improvise(brief, out=folder, settings=settings)
            )
            return production

        production = await asyncio.to_thread(begin)
        return await self._wait(visitor, production, request, wait_s)

    @_answering
    async def production(  # noqa: D417 - the request is Gradio's own, no argument of a caller
        self, request: gr.Request, production: str
    ) -> ProductionStatus:
        """Ask how far a production is, and where its files are.

        Args:
            production: The ticket that `perform` or `improvise` gave.

        Returns:
            State, warnings and links to the finished files.
        """
        visitor, id_ = self._holder(production, self.house.visitor_of(request))
        return await asyncio.to_thread(self._status, visitor, id_, request)

    @_answering
    async def voices(self, request: gr.Request) -> list[dict[str, Any]]:
        """List the voices that can be cast.

        Returns:
            For each voice its id, gender, age, accent, measured pitch, licence, source and the link of a sample.
        """
        base = _base(request)
        voices = self.house.studio.synthesizer.voices
        return [{**row, "sample_url": base + self.house.voice_link(row["id"])} for row in table(voices)]

    async def _wait(self, visitor: Visitor, production: str, request: gr.Request, wait_s: float) -> ProductionStatus:
        until = time.monotonic() + min(max(0.0, float(wait_s)), MAX_WAIT_S)
        run = self.house.runs.of(visitor, production)
        while run is not None and not run.view().state.over and time.monotonic() < until:
            await asyncio.sleep(_POLL_S)
        return await asyncio.to_thread(self._status, visitor, production, request)

    def _holder(self, ticket: str, asking: Visitor) -> tuple[Visitor, str]:
        """Whose production a ticket names; without a key it is looked for on the shelf of who asks."""
        id_, _, key = str(ticket)[:_MAX_TICKET_CHARS].partition(".")
        holder = self.house.links.holder(key, id_, _TICKET, asking) if key else asking
        if holder is None:
            raise NoSuchProduction("there is no such production, or its ticket has run out; tickets last 12 hours")
        return holder, id_

    def _ticket(self, visitor: Visitor, production: str) -> str:
        return f"{production}.{self.house.signer.sign(Purpose.CARRIED, visitor.id, production, _TICKET, visitor.name)}"

    def _status(self, visitor: Visitor, production: str, request: gr.Request) -> ProductionStatus:
        shelf = self.house.shelf(visitor)
        card = shelf.card(production)
        run = self.house.runs.of(visitor, production)
        view = run.view() if run is not None else None
        record = Production(shelf.folder(production)).record()
        return ProductionStatus(
            production=self._ticket(visitor, production),
            title=card.title,
            kind=str(card.kind),
            state=str(view.state) if view is not None else _state_of(card.state),
            progress=view.progress if view is not None else float(card.state == "done"),
            stage=view.stage if view is not None else "",
            seconds_left=view.seconds_left if view is not None else None,
            lines=view.lines if view is not None else 0,
            lines_done=view.lines_done if view is not None else 0,
            lines_spoken=_spoken(view),
            duration_s=card.duration_s,
            warnings=list(view.warnings) if view is not None else [],
            failed=[f"line {f.get('line')} of {f.get('role')}: {f.get('reason')}" for f in record.get("failed", [])],
            error=view.error if view is not None else "",
            files=self._files(visitor, production, record, _base(request)),
        )

    def _files(self, visitor: Visitor, production: str, record: dict[str, Any], base: str) -> list[ProductionFile]:
        folder = self.house.shelf(visitor).folder(production)
        passed = {
            report.get("file"): bool(report.get("passed"))
            for report in record.get("gates", {}).values()
            if isinstance(report, dict)
        }
        return [
            ProductionFile(
                name=name.removeprefix("exports/"),
                size_bytes=(folder / name).stat().st_size,
                url=base + self.house.carried_link(visitor, production, name),
                meets=passed.get(name.removeprefix("exports/")),
            )
            for name in map(str, record.get("files", []))
            if (folder / name).is_file()
        ]


def _spoken(view: RunView | None) -> int:
    return view.finished.spoken if view is not None and view.finished is not None else 0


def _state_of(state: str) -> str:
    """What a shelf says, in the words of runs."""
    return {"new": "waiting", "working": "stopped", "partly": "done", "damaged": "failed"}.get(state, state)


def _base(request: gr.Request) -> str:
    """Scheme and host under which the caller knows this server."""
    headers = request.headers
    host = headers.get("x-forwarded-host") or headers.get("host") or ""
    scheme = headers.get("x-forwarded-proto") or urlsplit(str(request.url)).scheme
    if not host or any(not (c.isalnum() or c in ".-:[]") for c in host) or scheme not in ("http", "https"):
        raise InputError("the request names no usable host")
    return f"{scheme}://{host}"
