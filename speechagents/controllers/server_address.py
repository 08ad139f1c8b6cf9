"""Where a model server is, and which key it may be shown.

Owns both rules, for they belong together: a key goes to the server it is meant for, over a line nobody reads. Keys
live in the environment alone; they are read when a request is made and kept nowhere. Sends nothing (`exchange`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import SplitResult, urlsplit

from speechagents.errors import SettingsError

OWN_KEY_VARIABLE = "SPEECHAGENTS_API_KEY"
"""Key for whatever server is used."""

OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"
"""Key that many programs share; many who have it set do not think of it when they start a server of their own."""

_MAX_URL_CHARS = 2_000
_MAX_KEY_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The base URL of a server, checked.

    Attributes:
        base_url: Scheme, host, port and path, without a slash at the end: paths of requests are added to it.
        encrypted: It is reached over TLS.
        loopback: It runs on this machine.
    """

    base_url: str
    encrypted: bool
    loopback: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check a base URL; one without a path gets ``/v1``, where all known servers have it.

        Raises:
            SettingsError: It is no plain http or https URL.
        """
        parts = _split(text)
        path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
        return cls(
            f"{parts.scheme}://{parts.netloc}{path}", parts.scheme == "https", _is_loopback(parts.hostname or "")
        )

    def url(self, path: str) -> str:
        """The URL of a request."""
        return f"{self.base_url}/{path}"

    def key(self, variable: str | None, environment: Mapping[str, str]) -> str:
        """The key this server may be shown now; empty for none.

        Args:
            variable: Name of the environment variable that holds it; empty shows none. None takes
                `OWN_KEY_VARIABLE`, and without that `OPENAI_KEY_VARIABLE`, which goes over TLS alone: a program that
                happens to listen on a local port is not shown it.
            environment: Where variables are looked up.

        Raises:
            SettingsError: The key would cross a network unencrypted, or cannot be a key.
        """
        name = self.key_variable(variable, environment)
        key = environment.get(name, "").strip() if name else ""
        if not key:
            return ""
        if not re.fullmatch(r"[!-~]+", key) or len(key) > _MAX_KEY_CHARS:
            raise SettingsError(f"the value of {name} cannot be a key: it holds blanks, special characters or too much")
        if not (self.encrypted or self.loopback):
            raise SettingsError(
                f"the key in {name} would go to {self.base_url} unencrypted; use an https address, or unset it"
            )
        return key

    def key_variable(self, variable: str | None, environment: Mapping[str, str]) -> str:
        """Name of the variable that `key` reads; empty for none."""
        if variable is not None:
            return variable
        if environment.get(OWN_KEY_VARIABLE, "").strip() or not self.encrypted:
            return OWN_KEY_VARIABLE
        return OPENAI_KEY_VARIABLE


def _split(text: str) -> SplitResult:
    # Nothing of a URL with a user or a query is quoted in messages: there may be a secret in it.
    if not re.fullmatch(r"[!-~]+", text) or len(text) > _MAX_URL_CHARS or "\\" in text:
        raise SettingsError("a server's base URL is plain text without blanks, like http://localhost:11434/v1")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(
            "a server's base URL has a host and a port that cannot be; write http://host:port/v1"
        ) from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise SettingsError(
            "a server's base URL has no user, password, query or fragment; put the key into the environment variable "
            f"{OWN_KEY_VARIABLE}"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"server {text!r} is no http or https URL; write it like http://localhost:11434/v1")
    return parts


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
