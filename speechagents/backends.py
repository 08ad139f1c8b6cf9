"""Finds back ends by name.

Built-in back ends and those of other packages come through the same door: entry points, whose values are callables
that take keyword options. Knows none of them. A checkout that runs without having been installed, as on a Hugging Face
Space, has its own entry points in ``pyproject.toml``.
"""

from __future__ import annotations

import functools
import inspect
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any, Final

from speechagents.errors import BackendMissing, SettingsError

NOTHING_SHARED: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class BackEnds:
    """All back ends of one kind.

    Attributes:
        group: Their entry point group.
        kind: What one is called in messages.
    """

    group: str
    kind: str

    def load(self, name: str, options: Mapping[str, Any], *, shared: Mapping[str, Any] = NOTHING_SHARED) -> Any:
        """Make a back end.

        Args:
            name: Name of its entry point.
            options: Keyword arguments for it.
            shared: What back ends of one studio have in common; a factory gets of it what its parameters name.

        Raises:
            SettingsError: Nobody registered that name, or it does not take such options.
            BackendMissing: It is registered, but a package it needs is not installed.
        """
        factory = self._factory(name)
        try:
            return factory(**_asked_for(factory, shared), **options)
        except TypeError as error:
            raise SettingsError(f"{self.kind} {name!r}: {error}") from error

    def names(self) -> Sequence[str]:
        """Every registered name."""
        return sorted(self._points())

    def missing(self, name: str) -> str:
        """What keeps a back end from loading, with the remedy; empty when nothing does."""
        try:
            self._factory(name)
        except (BackendMissing, SettingsError) as error:
            return str(error)
        return ""

    def _factory(self, name: str) -> Any:
        known = self._points()
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

    def _points(self) -> dict[str, EntryPoint]:
        registered = {point.name: point for point in entry_points(group=self.group)}
        return {**_of_checkout().get(self.group, {}), **registered}


def _asked_for(factory: Any, shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a factory's own parameters name; one that takes any option at all has to name these."""
    if not shared:
        return NOTHING_SHARED
    parameters = inspect.signature(factory).parameters
    return {name: value for name, value in shared.items() if name in parameters}


@functools.cache
def _of_checkout() -> Mapping[str, Mapping[str, EntryPoint]]:
    """Entry points of a checkout that is not installed, by group and name; nothing where it is installed."""
    try:
        distribution("speechagents")
    except PackageNotFoundError:
        return read_entry_points(Path(__file__).resolve().parent.parent / "pyproject.toml")
    return {}


def read_entry_points(pyproject: Path) -> Mapping[str, Mapping[str, EntryPoint]]:
    """Entry points that a ``pyproject.toml`` declares, by group and name; none if there is no such file."""
    if not pyproject.is_file():
        return {}
    groups = tomllib.loads(pyproject.read_text("utf-8")).get("project", {}).get("entry-points", {})
    return {
        group: {name: EntryPoint(name, value, group) for name, value in points.items()}
        for group, points in groups.items()
    }


SYNTHESIZERS: Final = BackEnds("speechagents.synthesizers", "synthesizer")
"""Factories of `voices.synthesizer.Synthesizer`; they take ``jobs``."""

CONTROLLERS: Final = BackEnds("speechagents.controllers", "controller")
"""Factories of `controllers.controller.Controller`."""

LISTENERS: Final = BackEnds("speechagents.listeners", "listener")
"""Factories of `listeners.listener.Listener`."""
