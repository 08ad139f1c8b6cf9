"""Addresses of what a visitor may fetch, each with a key that opens that one thing for some hours.

Owns the form of those addresses and the check of their keys. Does not know files or HTTP.

A key names visitor, production and file. The key of a page's link opens it for that visitor alone, who shows a cookie
as well; the key of a carried link, as answers of the API hold, opens it for whoever holds it.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from speechagents.serving.tokens import Purpose, Signer
from speechagents.serving.visitors import Visitor

STATIC = "/studio"
PRODUCTIONS = "/productions"
VOICES = "/voices"
_ZIP = "zip"
_LISTEN = "listen"


class Links:
    """Makes addresses and checks their keys.

    Args:
        signer: Signs the keys.
        root_path: Where a proxy mounts the server; empty for the top.
    """

    def __init__(self, signer: Signer, *, root_path: str = "") -> None:
        self._signer = signer
        self._root = root_path

    def file(self, visitor: Visitor, production: str, name: str) -> str:
        """A file of a production, for its visitor's pages."""
        key = self._signer.sign(Purpose.LINK, visitor.id, production, name)
        return self._address(f"{PRODUCTIONS}/{production}/files/{quote(name)}", key)

    def carried_file(self, visitor: Visitor, production: str, name: str) -> str:
        """A file of a production, for whoever gets this address from its visitor."""
        key = self._signer.sign(Purpose.CARRIED, visitor.id, production, name, visitor.name)
        return self._address(f"{PRODUCTIONS}/{production}/files/{quote(name)}", key)

    def zip(self, visitor: Visitor, production: str) -> str:
        """A whole production."""
        key = self._signer.sign(Purpose.LINK, visitor.id, production, _ZIP)
        return self._address(f"{PRODUCTIONS}/{production}/{_ZIP}", key)

    def listen(self, visitor: Visitor, production: str) -> str:
        """A production while it is made."""
        key = self._signer.sign(Purpose.LINK, visitor.id, production, _LISTEN)
        return self._address(f"{PRODUCTIONS}/{production}/{_LISTEN}", key)

    def voice(self, voice_id: str) -> str:
        """The sample of a voice."""
        return f"{self._root}{VOICES}/{quote(voice_id)}.wav"

    def static(self, name: str, *, version: str) -> str:
        """A file of the pages themselves; another version has another address, so that it can be kept for good."""
        return f"{self._root}{STATIC}/{quote(name)}?{urlencode({'v': version})}"

    def holder(self, key: str, production: str, name: str, visitor: Visitor) -> Visitor | None:
        """Whose thing a key opens for a visitor; None if it opens nothing."""
        parts = self._signer.read(Purpose.LINK, key)
        if parts is not None:
            return visitor if parts == (visitor.id, production, name) else None
        carried = self._signer.read(Purpose.CARRIED, key)
        if carried is not None and len(carried) == 4 and carried[1:3] == (production, name):
            return Visitor(carried[0], carried[3])
        return None

    def zip_holder(self, key: str, production: str, visitor: Visitor) -> Visitor | None:
        """Whose production a key lets a visitor take home."""
        return self.holder(key, production, _ZIP, visitor)

    def listen_holder(self, key: str, production: str, visitor: Visitor) -> Visitor | None:
        """Whose production a key lets a visitor listen to."""
        return self.holder(key, production, _LISTEN, visitor)

    def _address(self, path: str, key: str) -> str:
        return f"{self._root}{path}?{urlencode({'key': key})}"
