"""Ids of server events: their number within the session, so that a client can say what it has.

Owns the form.
"""

from __future__ import annotations

import re


def event_id(number: int) -> str:
    """The id of a server event."""
    return f"event_{number:08d}"


def event_number(name: str) -> int | None:
    """The number of a server event by its id, 0 for an empty one; None if it is none."""
    if not name:
        return 0
    found = re.fullmatch(r"event_([0-9]{1,15})", name, re.ASCII)
    return int(found[1]) if found else None
