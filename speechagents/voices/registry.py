"""Finds speech synthesis back ends by name.

Built-in back ends and those of other packages come through the same door: the entry point group
``speechagents.synthesizers``, whose values are callables that take keyword options, ``jobs`` among them, and return a
`Synthesizer`.
Knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from speechagents.errors import BackendMissing, SettingsError
from speechagents.voices.synthesizer import Synthesizer

GROUP = "speechagents.synthesizers"


def load_synthesizer(name: str, options: Mapping[str, Any]) -> Synthesizer:
    """Make a back end.

    Args:
        name: Name of its entry point.
        options: Keyword arguments for it.

    Raises:
        SettingsError: Nobody registered that name, or it does not take such options.
        BackendMissing: It is registered, but a package it needs is not installed.
    """
    factory = _load(name)
    try:
        synthesizer: Synthesizer = factory(**options)
    except TypeError as error:
        raise SettingsError(f"voices {name!r}: {error}") from error
    return synthesizer


def names() -> Sequence[str]:
    """Every registered name."""
    return sorted(point.name for point in entry_points(group=GROUP))


def missing(name: str) -> str:
    """What keeps a back end from loading, with the remedy; empty when nothing does."""
    try:
        _load(name)
    except (BackendMissing, SettingsError) as error:
        return str(error)
    return ""


def _load(name: str) -> Any:
    known: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        raise SettingsError(
            f"no voices named {name!r}; installed: {', '.join(sorted(known)) or 'none: reinstall speechagents'}"
        )
    point = known[name]
    try:
        return point.load()
    except ImportError as error:
        extra = point.extras[0] if point.extras else ""
        package = f"speechagents[{extra}]" if extra else (point.dist.name if point.dist else "speechagents")
        raise BackendMissing(
            f'voices {name!r} need {error.name or error}, which is not installed: python -m pip install "{package}"'
        ) from error
