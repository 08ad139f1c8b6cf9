"""``speechagents talk``: a role on a live stage, from a terminal.

Owns its arguments and what is printed. Does not know how a talk goes (`live.talk`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import signal
import statistics
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.commands.options import EXIT_PARTLY, Commands, path_here, print_json
from speechagents.drama import SceneBrief, role_key
from speechagents.errors import BackendMissing, SettingsError, StorageError

if TYPE_CHECKING:
    from speechagents.audio import Audio
    from speechagents.live.connection import Event, Server
    from speechagents.live.talk import Card, Outcome, Talk

PASSWORD_VARIABLE: Final = "SPEECHAGENTS_PASSWORD"  # noqa: S105 - the name of a variable
DEFAULT_SERVER: Final = "http://127.0.0.1:7860"

_METRICS: Final = (
    ("voice_to_voice_ms", "voice to voice"),
    ("end_of_utterance_ms", "end of utterance"),
    ("recognition_ms", "recognition"),
    ("first_token_ms", "first token"),
    ("first_audio_ms", "first audio"),
)


def add_talk_command(commands: Commands) -> None:
    """Add ``talk``."""
    talk = commands.add_parser(
        "talk",
        help="take a role in a live scene, from a terminal",
        description="Take a role in a live scene on a running server: by microphone, with sound files, or in writing.",
        epilog="What you say is recorded in the production on the server. Ctrl-C leaves the stage.",
    )
    talk.add_argument("scene", type=Path, help="the scene (YAML)")
    talk.add_argument("--as", dest="role", default="", metavar="ROLE", help="role to play (default: the first)")
    talk.add_argument("--server", default=DEFAULT_SERVER, metavar="URL", help=f"default {DEFAULT_SERVER}")
    talk.add_argument("--user", default="", metavar="NAME", help="log in; the password is asked for")
    how = talk.add_mutually_exclusive_group()
    how.add_argument(
        "--wav",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="say this sound file and wait for the answer; may be repeated",
    )
    how.add_argument("--text", action="store_true", help="say the lines of the standard input, in writing")
    talk.add_argument("--record", type=path_here, metavar="OUT.wav", help="write what was heard")
    talk.add_argument("--policy", default="", help="turn policy (default: the scene's)")
    talk.add_argument("--turns", type=int, metavar="N", help="most turns (default: the scene's)")
    talk.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    talk.set_defaults(run=_talk)


def _talk(arguments: argparse.Namespace) -> int:
    from speechagents.live.talk import Part, read_voices
    from speechagents.scripts.scene_file import read_scene, write_scene

    scene = read_scene(arguments.scene)
    part = Part(
        yaml=write_scene(scene),
        role=_role(scene, arguments.role),
        policy=arguments.policy,
        turns=arguments.turns,
    )
    voices = read_voices(arguments.wav)
    server = _server(arguments)
    with _card(needs_microphone=not (arguments.wav or arguments.text)) as card, _recording(arguments.record) as hear:
        says = _files(voices) if voices else _lines() if arguments.text else _microphone
        outcome = asyncio.run(_take_part(server, part, says, card, hear))
    return _report(outcome, as_json=arguments.json)


def _role(scene: SceneBrief, name: str) -> str:
    if not name:
        return scene.roles[0].name
    for role in scene.roles:
        if role.key == role_key(name):
            return role.name
    raise SettingsError(f"no role {name!r} in {scene.title}; there are: {', '.join(r.name for r in scene.roles)}")


def _server(arguments: argparse.Namespace) -> Server:
    from speechagents.live.connection import Server

    server = Server(arguments.server)
    if not arguments.user:
        return server
    password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"Password of {arguments.user}: ")
    return Server(arguments.server, arguments.user, password)


@contextlib.contextmanager
def _card(*, needs_microphone: bool) -> Iterator[Card | None]:
    """The sound card; without one only a microphone is missed, what is heard can be recorded all the same."""
    from speechagents.live.sound_card import SoundCard

    with contextlib.ExitStack() as stack:
        card: Card | None = None
        try:
            card = stack.enter_context(SoundCard(microphone=needs_microphone))
        except BackendMissing:
            if needs_microphone:
                raise
        yield card


@contextlib.contextmanager
def _recording(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """A file that grows while one listens."""
    if path is None:
        yield lambda _: None
        return
    import soundfile as sf

    from speechagents.live import pcm16

    try:
        with sf.SoundFile(path, "w", pcm16.RATE_HZ, 1, subtype="PCM_16", format="WAV") as file:
            yield file.write
    except (sf.LibsndfileError, OSError) as error:
        raise StorageError(f"{path}: cannot be written ({error}); name another file with --record") from error


async def _take_part(
    server: Server,
    part: Any,
    says: Callable[[Talk], Any],
    card: Card | None,
    hear: Callable[[Any], None],
) -> Outcome:
    from speechagents.live.connection import Connection
    from speechagents.live.talk import Talk

    async with Connection(server) as connection:
        talk = Talk(connection, part, show=_show, hear=hear, card=card)
        return await talk.run(says)


def _files(voices: list[Audio]) -> Callable[[Talk], Any]:
    async def say(talk: Talk) -> None:
        for voice in voices:
            if talk.is_over:
                return
            if not await talk.speak(voice):
                _note("that was not understood")

    return say


def _lines() -> Callable[[Talk], Any]:
    interactive = sys.stdin.isatty()

    async def say(talk: Talk) -> None:
        async for line in _stdin():
            if talk.is_over:
                return
            if not line.strip():
                continue
            if interactive:
                await talk.send_line(line.strip())
            elif not await talk.type(line.strip()):
                _note("that did not arrive")

    return say


async def _microphone(talk: Talk) -> None:
    _note("You are heard. Ctrl-C leaves the stage.")
    leaving = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C ends the command as everywhere
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, leaving.set)
    listening = asyncio.create_task(talk.listen(microphone=True))
    left = asyncio.create_task(leaving.wait())
    try:
        await asyncio.wait([listening, left], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (listening, left):
            task.cancel()


async def _stdin() -> AsyncIterator[str]:
    """Lines of the standard input, read in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def tell(line: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the talk has ended, and its loop with it
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        for line in sys.stdin:
            tell(line)
        tell(None)

    threading.Thread(target=read, name="standard input", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _show(event: Event) -> None:
    from speechagents.stream import message_from_json
    from speechagents.terminal import clean_line, message_line

    match event["type"]:
        case "drama.scene.opened":
            roles = ", ".join(str(role.get("name")) for role in event.get("roles", []))
            _note(f"{event.get('title')}: {roles}. You are {event.get('role')}.")
            _note(f"acting: {event.get('controller')}; listening: {event.get('listener')}")
        case "drama.message":
            with contextlib.suppress(ValueError):  # a newer server may say what this client does not know
                print(message_line(message_from_json(event["message"])), flush=True)
        case "drama.metrics":
            figures = [f"{label} {event[name]} ms" for name, label in _METRICS if event.get(name) is not None]
            _note(f"answer: {', '.join(figures)}")
        case "drama.scene.over":
            _note(f"the scene is over: {event.get('reason')}")
        case "error":
            _note(clean_line(str((event.get("error") or {}).get("message"))))
        case _:
            pass


def _note(text: str) -> None:
    from speechagents.terminal import clean_line

    print(clean_line(text), file=sys.stderr, flush=True)


def _report(outcome: Outcome, *, as_json: bool) -> int:
    whole = outcome.understood == outcome.said and outcome.answered == outcome.said
    medians = {
        name: round(statistics.median(values))
        for name, _ in _METRICS
        if (values := [value for one in outcome.metrics if (value := one.get(name)) is not None])
    }
    if as_json:
        print_json(
            {
                "messages": outcome.messages,
                "said": outcome.said,
                "understood": outcome.understood,
                "answered": outcome.answered,
                "production": outcome.production,
                "ended": outcome.over,
                "frames": outcome.heard.frames,
                "late_frames": outcome.heard.late_frames,
                "cut_lines": outcome.heard.cut_items,
                **medians,
            }
        )
    else:
        _note(
            f"{outcome.messages} messages; {outcome.understood} of {outcome.said} understood, {outcome.answered} "
            f"answered; {outcome.heard.late_frames} of {outcome.heard.frames} frames late; "
            f"production {outcome.production} on the server"
        )
    return 0 if whole or outcome.over else EXIT_PARTLY
