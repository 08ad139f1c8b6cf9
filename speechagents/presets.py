"""Presets: which back ends work together, and which set can run on this machine now.

Owns the files ``models/presets/*.yaml`` and the choice of ``auto``. Does not know any back end: it asks
whether one can be loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS
from speechagents.errors import SettingsError
from speechagents.resources import resource


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of back ends.

    Attributes:
        name: What ``--preset`` takes.
        description: One sentence for people.
        rank: ``auto`` prefers the highest among those that are ready.
        synthesizer: Name of the speech synthesis back end.
        options: Keyword arguments of that back end.
        controller: Name of the back end that acts for roles who improvise.
        controller_options: Keyword arguments of it.
        listener: Name of the speech recognition back end; empty for none.
        listener_options: Keyword arguments of it.
        licence: Licence of code and weights together, the strictest named.
        commercial: What is made with it may be sold.
        download_gb: Download at first use.
        vram_gb: GPU memory it needs; 0 runs on the CPU.
    """

    name: str
    description: str
    rank: int
    synthesizer: str
    licence: str
    commercial: bool
    download_gb: float
    vram_gb: float
    options: Mapping[str, Any] = field(default_factory=dict)
    controller: str = "rehearsal"
    controller_options: Mapping[str, Any] = field(default_factory=dict)
    listener: str = ""
    listener_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """What keeps it from running here, with the remedy; empty when it is ready."""
        missing = SYNTHESIZERS.missing(self.synthesizer) or CONTROLLERS.missing(self.controller)
        return missing or (LISTENERS.missing(self.listener) if self.listener else "")


@functools.cache
def presets() -> Sequence[Preset]:
    """All shipped presets, the best first."""
    found = [_read(path) for path in resource("models", "presets").glob("*.yaml")]
    return tuple(sorted(found, key=lambda preset: (-preset.rank, preset.name)))


def choose_preset(name: str = "auto") -> tuple[Preset, str]:
    """The preset of a name, or the best one that is ready now.

    Returns:
        The preset and one sentence saying why it was taken.

    Raises:
        SettingsError: There is no such preset, or it cannot run here.
    """
    known = {preset.name: preset for preset in presets()}
    known = {back_end: _alone(back_end) for back_end in SYNTHESIZERS.names()} | known
    if name != "auto":
        if name not in known:
            raise SettingsError(f"no preset {name!r}; there are: auto, {', '.join(sorted(known))}")
        if known[name].missing:
            raise SettingsError(f"preset {name!r} cannot run here: {known[name].missing}")
        return known[name], f"preset {name}: asked for"
    waiting = [preset for preset in presets() if preset.missing]
    ready = next((preset for preset in presets() if not preset.missing), None)
    if ready is None:
        raise SettingsError("; ".join(f"preset {preset.name!r}: {preset.missing}" for preset in waiting))
    better = [preset.name for preset in waiting if preset.rank > ready.rank]
    why = f"not ready here: {', '.join(better)}" if better else "the best that is ready here"
    return ready, f"preset {ready.name}: {why}"


def _alone(back_end: str) -> Preset:
    """A registered back end, by its own name: how a plugin without a preset file is asked for."""
    return Preset(
        name=back_end,
        description=f"The voices {back_end!r} with their own defaults.",
        rank=0,
        synthesizer=back_end,
        licence="see the package that brings it",
        commercial=False,
        download_gb=0.0,
        vram_gb=0.0,
    )


def _read(path: Path) -> Preset:
    values = yaml.safe_load(path.read_text("utf-8"))
    for kind, options in (
        ("synthesizer", "options"),
        ("controller", "controller_options"),
        ("listener", "listener_options"),
    ):
        if kind in values:
            chosen = dict(values[kind])
            values[kind] = chosen.pop("name")
            values[options] = chosen
    return Preset(**values)
