"""Which doors of Gradio's server are open.

Owns that list. Gradio's server has doors that these pages do not need: some give out any file of its cache, fetch other
servers' pages or show who is here. What is not listed is closed, so that a door of a later version is closed as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_API = "/gradio_api"
_FOLDERS = ("/assets/", "/static/", "/svelte/")
_SINGLE = frozenset(
    {
        "/",
        "/config",
        "/theme.css",
        "/favicon.ico",
        "/robots.txt",
        "/manifest.json",
        *(
            f"{_API}/{name}"
            for name in (
                "app_id",
                "cancel",
                "component_server",
                "info",
                "login_check",
                "openapi.json",
                "queue/data",
                "queue/join",
                "queue/status",
                "reset",
                "startup-events",
                "theme.css",
                "upload",
                "upload_progress",
                "user",
            )
        ),
    }
)
_CALL = re.compile(rf"{_API}/call/(?:v2/)?([\w-]{{1,100}})(?:/[0-9a-f-]{{1,64}})?")
_HEARTBEAT = re.compile(rf"{_API}/heartbeat/[\w-]{{1,100}}")
_MCP = re.compile(rf"{_API}/mcp(?:/(?:schema|sse|messages/?)?)?")

STARTUP = f"{_API}/startup-events"
"""What Gradio asks itself while it starts."""

UPLOAD = f"{_API}/upload"


class Doors:
    """The open doors of one app.

    Args:
        pages: Paths of its pages without the slash before them.
        endpoints: Names that programs may call. Gradio would let them call the handlers of its pages as well.
    """

    def __init__(self, pages: Iterable[str], endpoints: Iterable[str] = ()) -> None:
        self._open = _SINGLE | {f"/{page.strip('/')}" for page in pages}
        self._endpoints = frozenset(endpoints)

    def is_open(self, path: str) -> bool:
        """Whether a path may be asked for."""
        if ".." in path or "\\" in path or "\x00" in path:
            return False
        if path.startswith(_FOLDERS):
            return True
        plain = path.rstrip("/") or "/"
        call = _CALL.fullmatch(plain)
        if call is not None:
            return call.group(1) in self._endpoints
        return plain in self._open or any(form.fullmatch(plain) for form in (_HEARTBEAT, _MCP))


def is_furniture(path: str) -> bool:
    """Whether a path leads to what every page is made of: the same for everybody, and a hundred of it for a page."""
    return path.startswith((*_FOLDERS, "/studio/")) or path in ("/theme.css", "/favicon.ico", f"{_API}/theme.css")
