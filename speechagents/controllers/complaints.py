"""What a server says about an error, made fit for showing.

Owns the shapes that errors come in and what is taken out of them: control characters, length, and the key that the
server was sent. Does not know who asks.
"""

from __future__ import annotations

import json

from speechagents.drama import clean_name

MAX_CHARS = 300
"""Longest complaint that is shown."""

_MIN_SECRET_CHARS = 8
"""Shorter keys are made up for servers that want any ("none", "ollama"); to strike them out would spoil answers."""


def complaint_of(value: object) -> str:
    """The words of an error in JSON: OpenAI's, or a plain string as LM Studio has it, or FastAPI's; empty if none."""
    if not isinstance(value, dict):
        return ""
    inner = next((value[field] for field in ("error", "detail", "message") if value.get(field)), None)
    if isinstance(inner, dict):
        words = [inner.get("message"), inner.get("param")]
        return shown("; ".join(word for word in words if isinstance(word, str) and word))
    if isinstance(inner, list):
        return shown(json.dumps(inner[:10]))
    return shown(inner) if isinstance(inner, str) else ""


def shown(text: str) -> str:
    """One line of visible characters, cut to `MAX_CHARS`."""
    # Cut before cleaning as well: to clean is slow, and text from outside may be long.
    line = clean_name(text[: 4 * MAX_CHARS])
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"


def without_secret(secret: str, value: object) -> object:
    """The same JSON with a secret struck out of all its strings.

    Raises:
        RecursionError: It is nested too deeply.
    """
    if len(secret) < _MIN_SECRET_CHARS:
        return value
    if isinstance(value, str):
        return value.replace(secret, "***")
    if isinstance(value, list):
        return [without_secret(secret, item) for item in value]
    if isinstance(value, dict):
        return {without_secret(secret, name): without_secret(secret, item) for name, item in value.items()}
    return value
