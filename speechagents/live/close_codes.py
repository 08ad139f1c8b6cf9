"""Why a live socket was closed: the codes of RFC 6455 and our own.

Owns the numbers. Clients decide by them whether to come back.
"""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """Codes with which the server closes, or clients do."""

    LEFT = 1000
    """From the client: it does not come back, its session ends at once."""
    POLICY = 1008
    """The client reads too slowly or sends rubbish; it may resume."""
    TOO_BIG = 1009
    """A frame was too large; it may resume."""
    INTERNAL = 1011
    TRY_LATER = 1013
    """No room for another session."""
    TAKEN_OVER = 4001
    """Another connection resumed the session."""
    GONE = 4004
    """The session to be resumed is over, or never was."""
    IDLE = 4008
    """Nothing was heard from the client for long; its session is over."""
