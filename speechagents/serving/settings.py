"""What whoever runs the server may choose, checked before anything is started.

Owns names, defaults and limits of the server's options. Does not know what they do.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speechagents.errors import SettingsError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
_MB = 1_000_000
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a visitor, and all visitors together, may keep here.

    Attributes:
        productions: Productions of one visitor.
        visitor_bytes: Disk of one visitor.
        total_bytes: Disk of all visitors.
        keep_days: Productions of visitors without a login are deleted when nobody touched them for so long.
        runs: Runs of one visitor that are going on or waiting.
        upload_bytes: Largest uploaded file.
    """

    productions: int = 20
    visitor_bytes: int = 2 * _GB
    total_bytes: int = 50 * _GB
    keep_days: float = 30.0
    runs: int = 3
    upload_bytes: int = 32 * _MB

    def __post_init__(self) -> None:
        for name in ("productions", "visitor_bytes", "total_bytes", "keep_days", "runs", "upload_bytes"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} must be more than 0, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Options of the server.

    Attributes:
        host: Address to listen on; only this machine by default.
        port: Port to listen on.
        data: Folder of all that visitors make; empty takes the platform's.
        auth_file: Names and passwords of those who may come in; None lets everybody in.
        max_sessions: People on the live stage at once.
        preset: Name of a set of back ends.
        jobs: Threads and voice processes; None takes one per core.
        runs: Productions in the making at once; the others wait.
        origins: Further origins whose pages may use this server, such as ``https://studio.example.org`` behind a
            proxy that changes the ``Host`` header.
        on_space: The server is a Hugging Face Space: behind its proxy, in its frame, with its GPUs.
        root_path: Where a proxy mounts the server, such as ``/studio``.
        allowance: How much visitors may keep.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    data: Path = field(default_factory=lambda: data_folder(os.environ))
    auth_file: Path | None = None
    max_sessions: int = 25
    preset: str = "auto"
    jobs: int | None = None
    runs: int = 2
    origins: tuple[str, ...] = ()
    on_space: bool = False
    root_path: str = ""
    allowance: Allowance = field(default_factory=Allowance)

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise SettingsError(f"port {self.port} is not between 1 and 65535")
        if not self.host or len(self.host) > 255 or any(char.isspace() for char in self.host):
            raise SettingsError(f"host {self.host!r} is no address; write for example 127.0.0.1 or 0.0.0.0")
        if not 0 <= self.max_sessions <= 10_000:
            raise SettingsError(f"{self.max_sessions} sessions are not between 0 and 10000")
        if not 1 <= self.runs <= 256:
            raise SettingsError(f"{self.runs} runs at once are not between 1 and 256")
        for origin in self.origins:
            scheme, separator, rest = origin.partition("://")
            if scheme not in ("http", "https") or not separator or not rest or "/" in rest:
                raise SettingsError(f"{origin!r} is no origin; write for example https://studio.example.org")
        if self.root_path and not self.root_path.startswith("/"):
            raise SettingsError(f"root path {self.root_path!r} does not begin with /")

    @property
    def only_this_machine(self) -> bool:
        """Nobody on another machine can reach the server."""
        return self.host in ("localhost", "::1", "[::1]") or self.host.startswith("127.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ServeSettings:
        """Settings of `app.py`: where Gradio's own variables say, on a Space for everybody.

        Raises:
            SettingsError: A variable holds something else than it should.
        """
        on_space = bool(environment.get("SPACE_ID"))
        host = environment.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_space else DEFAULT_HOST)  # noqa: S104
        auth_file = environment.get("SPEECHAGENTS_AUTH_FILE")
        return cls(
            host=host,
            port=_number(environment, "GRADIO_SERVER_PORT", DEFAULT_PORT),
            data=data_folder(environment),
            auth_file=Path(auth_file) if auth_file else None,
            max_sessions=_number(environment, "SPEECHAGENTS_MAX_SESSIONS", 25),
            preset=environment.get("SPEECHAGENTS_PRESET") or "auto",
            origins=tuple((environment.get("SPEECHAGENTS_ORIGINS") or "").replace(",", " ").split()),
            on_space=on_space,
            root_path=(environment.get("GRADIO_ROOT_PATH") or "").rstrip("/"),
        )


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where productions lie unless somebody says otherwise: the platform's place for a user's data.

    A Space has ``/data`` if it was given storage, else nothing that lasts.
    """
    if environment.get("SPEECHAGENTS_DATA"):
        return Path(environment["SPEECHAGENTS_DATA"])
    if environment.get("SPACE_ID"):
        lasting = Path("/data")
        return (lasting if os.access(lasting, os.W_OK) else Path(tempfile.gettempdir())) / "speechagents"
    if environment.get("XDG_DATA_HOME"):
        return Path(environment["XDG_DATA_HOME"]) / "speechagents"
    if environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "speechagents"
    return Path.home() / ".local" / "share" / "speechagents"


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{name}={text!r} is no whole number") from None
