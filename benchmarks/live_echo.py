"""Two servers that say back what they hear: one with the live stage's own socket, one with Gradio's streaming.

    python -m benchmarks.live_echo {stage,gradio} PORT [--every SECONDS]

Owns what is behind the transports that `benchmarks.live_transport` measures, and nothing of the measuring.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speechagents.live import server_events
from speechagents.live.client_events import AppendAudio, ServerVad
from speechagents.live.outbox import Outbox
from speechagents.live.server_events import Answer
from speechagents.live.sessions import SessionInput, Sessions, Ticket
from speechagents.live.socket import live_routes
from speechagents.serving.gate import Gate
from speechagents.serving.house import STATIC_FOLDER
from speechagents.serving.links import STATIC
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Signer

PAGES = Path(__file__).parent / "pages"
_QUIET = 0.01
_ENDS_AFTER_S = 0.2


class Echo:
    """A session that says every sound again, as soon as it is there, frame by frame: each a line of its own.

    So every one begins as the lines of a scene do, with an empty buffer in the page.
    """

    def __init__(self, ticket: Ticket, outbox: Outbox) -> None:
        self._outbox = outbox
        self._lines = 0
        self._line: Answer | None = None
        self._quiet_s = 0.0
        view = server_events.session_view(ticket.session_id, ServerVad(0.5, 300, 350), model="benchmark-echo")
        outbox.put(server_events.session_created(view))

    async def receive(self, event: SessionInput) -> None:
        """Say a frame again, or be silent with the client."""
        if not isinstance(event, AppendAudio):
            return
        self._quiet_s = 0.0 if event.audio.peak > _QUIET else self._quiet_s + event.audio.duration_s
        if self._line is None and not self._quiet_s:
            self._lines += 1
            self._line = Answer(f"resp_{self._lines}", f"item_{self._lines}", "Echo")
            for beginning in (self._line.created(), self._line.item_added(), self._line.part_added()):
                self._outbox.put(beginning)
        if self._line is not None:
            self._outbox.put(self._line.audio_delta(event.audio))
            if self._quiet_s >= _ENDS_AFTER_S:
                self._outbox.put(self._line.audio_done())
                self._line = None

    async def close(self, reason: str) -> None:
        """There is nothing to end."""


def serve_stage(port: int) -> None:
    """The routes of the live stage and the page's own files, with an echo behind them."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    async def make(ticket: Ticket, outbox: Outbox) -> Echo:
        return Echo(ticket, outbox)

    gate = Gate(Signer(secrets.token_bytes(32)), ServeSettings(port=port))
    routes = [
        *live_routes(Sessions(make), gate, visitor_of=lambda _: "benchmark"),
        Mount(STATIC, StaticFiles(directory=STATIC_FOLDER)),
        Mount("/", StaticFiles(directory=PAGES)),
    ]
    # As Gradio, behind which the stage is served, starts it.
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")


def serve_gradio(port: int, every_s: float) -> None:
    """A microphone that streams into a function, which streams it into a loudspeaker."""
    import gradio as gr

    def echo(chunk: Any) -> Any:
        return chunk

    with gr.Blocks() as demo:
        microphone = gr.Audio(sources=["microphone"], streaming=True)
        loudspeaker = gr.Audio(streaming=True, autoplay=True)
        microphone.stream(echo, microphone, loudspeaker, stream_every=every_s, time_limit=600, concurrency_limit=None)
    demo.launch(server_name="127.0.0.1", server_port=port, ssr_mode=False, quiet=True, share=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("stage", "gradio"))
    parser.add_argument("port", type=int)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between Gradio's uploads")
    arguments = parser.parse_args(argv)
    if arguments.which == "stage":
        serve_stage(arguments.port)
    else:
        serve_gradio(arguments.port, arguments.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
