"""The two cookies: which browser it is, and who has logged in on it.

Owns their names, values and attributes. Does not know when they are set.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from speechagents.serving.accounts import Accounts
from speechagents.serving.tokens import Purpose, Signer
from speechagents.serving.visitors import Visitor

VISITOR_COOKIE = "speechagents_visitor"
LOGIN_COOKIE = "speechagents_login"
_MAX_HEADER = 16_000


def read_cookies(header: str) -> dict[str, str]:
    """Names and values of a ``Cookie`` header; nothing of one that is damaged."""
    if len(header) > _MAX_HEADER:
        return {}
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


class Cookies:
    """Makes and reads the cookies of one server.

    Args:
        signer: Signs their values.
        framed: The pages stand in a frame of another site, as on a Space: the cookies must be allowed there, and are
            kept apart by the site around the frame.
    """

    def __init__(self, signer: Signer, *, framed: bool) -> None:
        self._signer = signer
        self._framed = framed

    def stranger(self, cookies: dict[str, str]) -> Visitor | None:
        """The visitor of a browser that was here before."""
        parts = self._signer.read(Purpose.VISITOR, cookies.get(VISITOR_COOKIE, ""))
        return Visitor(parts[0]) if parts is not None and len(parts) == 1 else None

    def known(self, cookies: dict[str, str], accounts: Accounts) -> Visitor | None:
        """Who has logged in here, unless they were shut out or have another password since."""
        parts = self._signer.read(Purpose.LOGIN, cookies.get(LOGIN_COOKIE, ""))
        if parts is None or len(parts) != 2 or accounts.mark(parts[0]) != parts[1]:
            return None
        return Visitor.named(parts[0], self._signer)

    def for_stranger(self, visitor: Visitor, *, secure: bool) -> str:
        """``Set-Cookie`` for a browser that was never here."""
        return self._set(VISITOR_COOKIE, self._signer.sign(Purpose.VISITOR, visitor.id), Purpose.VISITOR, secure)

    def for_known(self, name: str, mark: str, *, secure: bool) -> str:
        """``Set-Cookie`` for somebody who has just logged in."""
        return self._set(LOGIN_COOKIE, self._signer.sign(Purpose.LOGIN, name, mark), Purpose.LOGIN, secure)

    def for_leaving(self, *, secure: bool) -> str:
        """``Set-Cookie`` for somebody who logs out."""
        return f"{LOGIN_COOKIE}=; Max-Age=0; {self._attributes(secure)}"

    def _set(self, name: str, value: str, purpose: Purpose, secure: bool) -> str:
        return f"{name}={value}; Max-Age={purpose.good_for_s:.0f}; {self._attributes(secure)}"

    def _attributes(self, secure: bool) -> str:
        if self._framed:
            return "Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
