"""Who may come near: which origins, which host names, and who holds a token of the live stage.

Owns these questions, for requests and sockets alike. Does not know HTTP messages, accounts or sessions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Purpose, Signer

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


class Gate:
    """Answers for one server.

    Args:
        signer: Signs the tokens.
        settings: Where the server listens, and what other origins its owner trusts.
    """

    def __init__(self, signer: Signer, settings: ServeSettings) -> None:
        self._signer = signer
        self._origins = frozenset(origin.lower() for origin in settings.origins)
        self._only_this_machine = settings.only_this_machine

    def origin_allowed(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from our own pages, or from no page at all.

        Browsers tell the origin of every request that a foreign page could use to act in a visitor's name; programs
        that are no browsers tell none.

        Args:
            headers: Of the request, names in lower case.
        """
        origin = headers.get("origin")
        if origin is None:
            # What a foreign page embeds comes without an origin; browsers tell it all the same, only not whose it is.
            return headers.get("sec-fetch-site", "none") != "cross-site" or _is_visit(headers)
        if origin.lower() in self._origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower() != ""

    def host_allowed(self, headers: Mapping[str, str]) -> bool:
        """Whether a request names the server as its visitors do.

        A server for this machine alone is reached under this machine's names. Under another name comes only a page
        that has had its own name point here.
        """
        if not self._only_this_machine:
            return True
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        return name in _OWN_NAMES or _is_loopback(name) or any(urlsplit(one).netloc == host for one in self._origins)

    def issue_token(self, visitor: str) -> tuple[str, float]:
        """A token for the live stage.

        Args:
            visitor: Id of the visitor.

        Returns:
            The token, and when it stops being good, in epoch seconds.
        """
        return self._signer.sign(Purpose.LIVE, visitor), self._signer.expires_at(Purpose.LIVE)

    def visitor_of_token(self, token: str) -> str | None:
        """Whose token it is; None if it is nobody's, or too old."""
        parts = self._signer.read(Purpose.LIVE, token)
        return parts[0] if parts is not None and len(parts) == 1 else None


def _is_visit(headers: Mapping[str, str]) -> bool:
    """Somebody follows a link to us, or a page shows us in a frame; the headers of our pages say which may."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in ("document", "iframe")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
