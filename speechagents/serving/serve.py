"""The server: pages, API, files and the live stage behind one wall, on one port.

Owns how these are put together, started and stopped. There is one way, and `app.py`, a Space and ``speechagents serve``
all take it. Does not know any page or route.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware

from speechagents.errors import ServeError
from speechagents.live.socket import live_routes
from speechagents.serving.cookies import Cookies
from speechagents.serving.doors import Doors
from speechagents.serving.files import file_routes
from speechagents.serving.house import House
from speechagents.serving.login import login_routes
from speechagents.serving.protection import script_hashes
from speechagents.serving.settings import ServeSettings
from speechagents.serving.wall import Guards, Wall

if TYPE_CHECKING:
    import gradio as gr

Build = Callable[[House], "gr.Blocks"]
"""Lays out the pages."""

_SWEEP_EVERY_S = 3_600.0
_CACHE_S = 3_600


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is running.

    Attributes:
        house: What it shares.
        demo: Its pages.
        url: Where it can be reached from this machine.
    """

    house: House
    demo: gr.Blocks
    url: str

    def stop(self) -> None:
        """Stop it: sessions end, productions can be resumed."""
        self.house.close()
        self.demo.close(verbose=False)


def serve(settings: ServeSettings) -> None:
    """Run a server until it is told to stop.

    Raises:
        ServeError: It cannot start.
    """
    told_to_stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: told_to_stop.set())
    served = start(settings)
    _say(f"ready at {served.url}")
    told_to_stop.wait()
    _say("stopping; what was being made can be resumed")
    served.stop()


def start(settings: ServeSettings, *, house: House | None = None, build: Build | None = None) -> Served:
    """Start a server in the background.

    Args:
        settings: Its options.
        house: What it shares; None opens one.
        build: Lays out the pages; None takes those of `speechagents.ui`.

    Raises:
        ServeError: The port is taken, or the login file cannot be used.
    """
    _be_private(settings)
    _check_port(settings)
    house = house or House(settings)
    try:
        demo, options = assemble(house, build)
        demo.launch(
            server_name=settings.host, server_port=settings.port, prevent_thread_lock=True, inbrowser=False, **options
        )
    except BaseException:
        house.close()
        raise
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - only compared
    return Served(house, demo, f"http://{shown}:{settings.port}{settings.root_path}/")


def assemble(house: House, build: Build | None = None) -> tuple[gr.Blocks, dict[str, Any]]:
    """The pages, and what they must be launched with.

    Args:
        house: What the server shares.
        build: Lays out the pages.
    """
    settings = house.settings
    if build is None:
        from speechagents.ui.app import build_app
        from speechagents.ui.theme import looks

        demo, appearance = build_app(house), looks()
    else:
        demo, appearance = build(house), dict[str, Any]()
    demo.queue(max_size=256, default_concurrency_limit=8, api_open=False)
    # Uploads are deleted by whoever reads them; what was uploaded and never read goes after an hour.
    demo.delete_cache = (_CACHE_S, _CACHE_S)
    public = {one.api_name for one in demo.fns.values() if one.api_visibility == "public"}
    guards = Guards(
        settings,
        house.signer,
        house.gate,
        house.accounts,
        Doors((page[0] for page in demo.pages), (name for name in public if isinstance(name, str))),
        script_hashes(appearance.get("head", "").encode("utf-8")),
    )
    cookies = Cookies(house.signer, framed=settings.on_space)
    return demo, {
        "footer_links": ["api", "settings"],
        **appearance,
        "app_kwargs": {
            "middleware": [Middleware(Wall, guards)],
            "routes": [
                *file_routes(house),
                *login_routes(house.accounts, cookies, root_path=settings.root_path),
                *live_routes(house.sessions, house.gate),
            ],
            "lifespan": _lifespan(house),
        },
        "ssr_mode": False,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "pwa": False,
        "share": False,
        "quiet": True,
        "max_file_size": settings.allowance.upload_bytes,
        "mcp_server": importlib.util.find_spec("mcp") is not None,
        "root_path": settings.root_path or None,
    }


def _say(text: str) -> None:
    sys.stderr.write(f"speechagents: {text}\n")
    sys.stderr.flush()


def _lifespan(house: House) -> Callable[[Any], Any]:
    """What goes on as long as the server does."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        house.opens(asyncio.get_running_loop())
        sweeping = asyncio.create_task(_sweep(house))
        try:
            yield
        finally:
            sweeping.cancel()

    return lifespan


async def _sweep(house: House) -> None:
    while True:
        with suppress(OSError):
            await asyncio.to_thread(house.workspace.sweep)
        await asyncio.sleep(_SWEEP_EVERY_S)


def _be_private(settings: ServeSettings) -> None:
    """Keep Gradio from telling anybody that it runs, and its cache with our data; before it is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.data / "uploads"))


def _check_port(settings: ServeSettings) -> None:
    """Gradio would look for another port, or say something less clear."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ServeError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error}); stop what is running "
            "there, or choose another port: speechagents serve --port, GRADIO_SERVER_PORT for app.py"
        ) from error
