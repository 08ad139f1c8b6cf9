"""``speechagents serve``.

Owns its arguments, and how a password is asked for. Does not know how the server is built.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.commands.options import Commands, path_here, positive
from speechagents.errors import SettingsError

if TYPE_CHECKING:
    from speechagents.serving.settings import ServeSettings


def add_serve_command(commands: Commands) -> None:
    """Add ``serve``."""
    serve = commands.add_parser(
        "serve",
        help="open the studio in the browser",
        description="Serve the studio as a web app, with its API and the live stage; the same app as app.py.",
        epilog="Without an --auth-file everybody who can reach the server may use it.",
    )
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    serve.add_argument("--port", type=int, help="port to listen on (default 7860)")
    serve.add_argument("--auth-file", type=Path, metavar="FILE", help="names and passwords of those who may come in")
    serve.add_argument(
        "--add-user", metavar="NAME", help="write NAME into the --auth-file with a password that is asked for, and end"
    )
    serve.add_argument("--max-sessions", type=int, metavar="N", help="people on the live stage at once (default 25)")
    serve.add_argument("--data", type=path_here, metavar="DIR", help="where productions are kept")
    serve.add_argument(
        "--origin",
        action="append",
        dest="origins",
        metavar="URL",
        help="origin under which a proxy shows this server, such as https://studio.example.org; may be repeated",
    )
    serve.add_argument("--preset", help="set of back ends, or its YAML file (default: the best that is ready)")
    serve.add_argument("--jobs", type=positive, help="threads and voice processes (default: one per core)")
    serve.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.add_user is not None:
        return _add_user(arguments)
    settings = _settings(arguments)
    from speechagents.production.heap import share_one_heap

    share_one_heap()
    from speechagents.serving.serve import serve

    serve(settings)
    return 0


def _settings(arguments: argparse.Namespace) -> ServeSettings:
    """What the environment says, and over that what was asked for."""
    from speechagents.serving.settings import ServeSettings

    asked: dict[str, Any] = {
        name: value
        for name in ("host", "port", "auth_file", "max_sessions", "data", "preset", "jobs")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.origins:
        asked["origins"] = tuple(arguments.origins)
    return replace(ServeSettings.from_environment(os.environ), **asked)


def _add_user(arguments: argparse.Namespace) -> int:
    from speechagents.serving.accounts import add_account

    if arguments.auth_file is None:
        raise SettingsError("--add-user writes into a login file; name it with --auth-file FILE")
    if sys.stdin.isatty():
        password = getpass.getpass(f"password for {arguments.add_user}: ")
        if getpass.getpass("once more: ") != password:
            raise SettingsError("the two passwords differ; nothing was written")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    add_account(arguments.auth_file, arguments.add_user, password)
    print(f"{arguments.add_user} may come in with this password: {arguments.auth_file}")
    return 0
