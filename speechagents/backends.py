"""Finds back ends by name.

Built-in back ends and those of other packages come through the same door: entry points, whose values are callables
that take keyword options. Knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from speechagents.errors import BackendMissing, SettingsError


@dataclass(frozen=True, slots=True)
class BackEnds:
    """All back ends of one kind.

    Attributes:
        group: Their entry point group.
        kind: What one is called in messages.
    """

    group: str
    kind: str

    def load(self, name: str, options: Mapping[str, Any]) -> Any:
        """Make a back end.

        Args:
            name: Name of its entry point.
            options: Keyword arguments for it.

        Raises:
            SettingsError: Nobody registered that name, or it does not take such options.
            BackendMissing: It is registered, but a package it needs is not installed.
        """
        factory = self._factory(name)
        try:
            return factory(**options)
        except TypeError as error:
            raise SettingsError(f"{self.kind} {name!r}: {error}") from error

    def names(self) -> Sequence[str]:
        """Every registered name."""
        return sorted(point.name for point in entry_points(group=self.group))

    def missing(self, name: str) -> str:
        """What keeps a back end from loading, with the remedy; empty when nothing does."""
        try:
            self._factory(name)
        except (BackendMissing, SettingsError) as error:
            return str(error)
        return ""

    def _factory(self, name: str) -> Any:
        known: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=self.group)}
        if name not in known:
            installed = ", ".join(sorted(known)) or "none: reinstall speechagents"
            raise SettingsError(f"no {self.kind} named {name!r}; installed: {installed}")
        point = known[name]
        try:
            return point.load()
        except ImportError as error:
            extra = point.extras[0] if point.extras else ""
            package = f"speechagents[{extra}]" if extra else (point.dist.name if point.dist else "speechagents")
            raise BackendMissing(
                f'{self.kind} {name!r}: {error.name or error} is not installed: python -m pip install "{package}"'
            ) from error


SYNTHESIZERS: Final = BackEnds("speechagents.synthesizers", "synthesizer")
"""Factories of `voices.synthesizer.Synthesizer`; they take ``jobs``."""

CONTROLLERS: Final = BackEnds("speechagents.controllers", "controller")
"""Factories of `controllers.controller.Controller`."""

LISTENERS: Final = BackEnds("speechagents.listeners", "listener")
"""Factories of `listeners.listener.Listener`."""
