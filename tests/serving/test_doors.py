"""Which of Gradio's doors are open, against the doors that the installed Gradio has."""

from __future__ import annotations

import re
from pathlib import Path

import gradio
import pytest

from speechagents.serving.doors import Doors

DOORS = Doors(["", "improvise"], ["perform"])

OPEN = [
    "/",
    "/improvise",
    "/config",
    "/assets/index-x.js",
    "/theme.css",
    "/gradio_api/info",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/upload",
    "/gradio_api/call/perform",
    "/gradio_api/call/v2/perform",
    "/gradio_api/call/perform/0123abcd",
    "/gradio_api/heartbeat/abc123",
    "/gradio_api/mcp",
    "/gradio_api/mcp/",
    "/gradio_api/startup-events",
]
SHUT = [
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=../secret.key",
    "/gradio_api/file/x",
    "/file=/etc/passwd",
    "/gradio_api/proxy=https://x.hf.space/",
    "/gradio_api/dev/reload",
    "/gradio_api/stream/a",
    "/gradio_api/stream/a/b/c/playlist.m3u8",
    "/gradio_api/process_recording",
    "/gradio_api/vibe-edit",
    "/gradio_api/vibe-code/",
    "/gradio_api/run-history/buckets",
    "/gradio_api/runs",
    "/gradio_api/token",
    "/gradio_api/profiling/traces",
    "/gradio_api/deep_link",
    "/gradio_api/custom_component/a/client/x/index.js",
    "/monitoring",
    "/monitoring/summary",
    "/docs",
    "/pwa_icon/512",
    "/assets/../config",
    "/assets/..\\config",
    "/live",
    "/gradio_api/call/perform/b/c/d",
    "/gradio_api/call/_private_handler",
    "/gradio_api/call/v2/_private_handler",
    "/gradio_api/run/perform",
    "/gradio_api/api/perform",
]


@pytest.mark.parametrize("path", OPEN)
def test_what_the_pages_need_is_open(path: str) -> None:
    assert DOORS.is_open(path)


@pytest.mark.parametrize("path", SHUT)
def test_what_they_do_not_need_is_shut(path: str) -> None:
    assert not DOORS.is_open(path)


ALSO_THOUGHT_OF = """
/login /logout /gradio_api/user /gradio_api/login_check /gradio_api/app_id /gradio_api/openapi.json /svelte /static
/favicon.ico /robots.txt /manifest.json /pwa_icon /gradio_api/reset /gradio_api/run /gradio_api/api /gradio_api/call/v2
/gradio_api/cancel /gradio_api/component_server /gradio_api/queue/status /gradio_api/upload_progress
/gradio_api/undo-vibe-edit /gradio_api/vibe-starter-queries /gradio_api/profiling/summary /gradio_api/profiling/clear
/gradio_api/run-history/connect /gradio_api/run-history/records
"""


def test_every_door_of_the_installed_gradio_was_thought_of() -> None:
    """A new door of a new version is shut; this test says that somebody should look whether pages need it."""
    source = (Path(gradio.__file__).parent / "routes.py").read_text("utf-8")
    written = re.findall(r'@(?:router|app)\.\w+\(\s*f?"([^"]+)"', source)
    routes = {path.split("{")[0].split("=")[0].rstrip("/") for path in written} - {""}
    assert len(routes) > 40
    known = " ".join((*OPEN, *SHUT, ALSO_THOUGHT_OF))
    assert {route for route in routes if route not in known and f"/gradio_api{route}" not in known} == set()
