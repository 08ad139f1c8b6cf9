"""The routes by which files leave the server.

Owns these routes and what their responses say of themselves. Does not know who may come in (`wall`) nor what opens with
which key (`links`).
"""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from speechagents.errors import NoSuchProduction, SpeechAgentsError
from speechagents.serving.archive import archive
from speechagents.serving.house import STATIC_FOLDER, House
from speechagents.serving.links import PRODUCTIONS, STATIC, VOICES
from speechagents.serving.visitors import Visitor
from speechagents.serving.wall import HEALTH

_TYPES: Final[Mapping[str, str]] = {
    ".flac": "audio/flac",
    ".m4b": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "text/plain; charset=utf-8",
    ".rttm": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "text/plain; charset=utf-8",
    ".otio": "application/json",
    ".yaml": "text/plain; charset=utf-8",
}
_SHOWN = ("audio/", "text/vtt")
_LISTENERS = 64
_LISTENERS_EACH = 4
_LOOK_AGAIN_S = 0.2


def file_routes(house: House) -> list[BaseRoute]:
    """The routes of productions, voices, the pages' own files, and of health."""
    # What a page's script is must not depend on what a machine's registry says of its ending.
    mimetypes.add_type("text/javascript", ".js")
    files = _Files(house)
    return [
        Route(HEALTH, _health),
        Route(f"{PRODUCTIONS}/{{production}}/files/{{name:path}}", files.file),
        Route(f"{PRODUCTIONS}/{{production}}/zip", files.zip),
        Route(f"{PRODUCTIONS}/{{production}}/listen", files.listen),
        Route(f"{VOICES}/{{voice}}.wav", files.sample),
        Mount(STATIC, StaticFiles(directory=STATIC_FOLDER)),
    ]


async def _health(request: Request) -> Response:  # noqa: ARG001 - what a route is given
    return JSONResponse({"status": "ok"})


class _Files:
    """Answers for one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._listening: Counter[str] = Counter()

    async def file(self, request: Request) -> Response:
        """A file of a production, whole or in ranges."""
        production, name = request.path_params["production"], request.path_params["name"]
        holder = self._house.links.holder(_key(request), production, name, self._house.visitor_of(request))
        if holder is None:
            return _no_key()
        try:
            shelf = self._house.shelf(holder)
            path = await anyio.to_thread.run_sync(shelf.file, production, name)
            title = (await anyio.to_thread.run_sync(shelf.card, production)).title
        except NoSuchProduction as error:
            return _gone(error)
        kind = _TYPES.get(path.suffix, "application/octet-stream")
        return FileResponse(
            path,
            media_type=kind,
            filename=_file_name(title, PurePosixPath(name)),
            content_disposition_type="inline" if kind.startswith(_SHOWN) else "attachment",
        )

    async def zip(self, request: Request) -> Response:
        """A whole production."""
        production = request.path_params["production"]
        holder = self._house.links.zip_holder(_key(request), production, self._house.visitor_of(request))
        if holder is None:
            return _no_key()
        try:
            shelf = self._house.shelf(holder)
            folder = shelf.folder(production)
            title = (await anyio.to_thread.run_sync(shelf.card, production)).title
        except NoSuchProduction as error:
            return _gone(error)
        if not folder.is_dir():
            return _gone(NoSuchProduction("nothing has been made of this production yet"))
        name = _safe(title)
        response = StreamingResponse(archive(folder, top=name), media_type="application/zip")
        response.headers["content-disposition"] = FileResponse(
            folder, filename=f"{name}.zip", stat_result=folder.stat()
        ).headers["content-disposition"]
        return response

    async def listen(self, request: Request) -> Response:
        """A production's sound while it is made; once it is made, a file like any other."""
        production = request.path_params["production"]
        holder = self._house.links.listen_holder(_key(request), production, self._house.visitor_of(request))
        if holder is None:
            return _no_key()
        run = self._house.runs.of(holder, production)
        if run is None:
            return _gone(NoSuchProduction("nothing is being made here now; listen to the finished files"))
        if run.sound.complete:
            if not run.sound.path.is_file():
                return _gone(NoSuchProduction("there is no sound to listen to"))
            return FileResponse(run.sound.path, media_type="audio/mpeg")
        if self._listening[holder.id] >= _LISTENERS_EACH or self._listening.total() >= _LISTENERS:
            return JSONResponse({"error": "too many listen at once; close a page"}, HTTPStatus.TOO_MANY_REQUESTS)
        self._listening[holder.id] += 1

        async def sound() -> AsyncIterator[bytes]:
            position = 0
            while not await request.is_disconnected():
                block = run.sound.read_from(position)
                if block is None:
                    return
                if block:
                    position += len(block)
                    yield block
                else:
                    await anyio.sleep(_LOOK_AGAIN_S)

        return _Listening(sound(), lambda: self._one_less(holder))

    async def sample(self, request: Request) -> Response:
        """The sample of a voice."""
        try:
            path = await anyio.to_thread.run_sync(self._house.samples.path, request.path_params["voice"])
        except SpeechAgentsError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.INTERNAL_SERVER_ERROR)
        if path is None:
            return _gone(NoSuchProduction("there is no such voice"))
        return FileResponse(path, media_type="audio/wav", headers={"cache-control": "private, max-age=3600"})

    def _one_less(self, listener: Visitor) -> None:
        self._listening[listener.id] -= 1
        if self._listening[listener.id] <= 0:
            del self._listening[listener.id]


class _Listening(StreamingResponse):
    """Sound for one listener, and the news that they have gone, however they went."""

    def __init__(self, sound: AsyncIterator[bytes], gone: Callable[[], None]) -> None:
        super().__init__(sound, media_type="audio/mpeg", headers={"accept-ranges": "none"})
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._gone()


def _key(request: Request) -> str:
    return request.query_params.get("key", "")


def _no_key() -> Response:
    message = "this link is not yours or has grown too old; open it from the page again"
    return JSONResponse({"error": message}, HTTPStatus.FORBIDDEN)


def _gone(error: SpeechAgentsError) -> Response:
    return JSONResponse({"error": str(error)}, HTTPStatus.NOT_FOUND)


def _file_name(title: str, name: PurePosixPath) -> str:
    """What a file is saved as: its production's title, and which of its files it is."""
    which = "" if name.stem == "programme" else f" {name.stem[:80]}"
    return f"{_safe(title)}{which}{name.suffix}"


def _safe(title: str) -> str:
    """A title as the name of a file on any system."""
    kept = "".join(char if char.isprintable() and char not in '<>:"/\\|?*' else "-" for char in title)
    return kept.strip(" .")[:80] or "production"
