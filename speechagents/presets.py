"""The presets that come with the package, a user's own, and which of them can run on this machine now.

Owns the files ``models/presets/*.yaml``, what a preset is asked for by, and the choice of ``auto``. Knows neither what
stands in them (`preset_file`) nor what a preset is made of (`preset`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from speechagents.backends import SYNTHESIZERS
from speechagents.errors import SettingsError
from speechagents.preset import Licence, Preset, total_size
from speechagents.preset_file import read_preset
from speechagents.resources import resource

__all__ = ["Preset", "choose_preset", "named_preset", "presets"]


@functools.cache
def presets() -> Sequence[Preset]:
    """All shipped presets, the best first.

    Raises:
        SettingsError: One of the files cannot be used.
    """
    found = [read_preset(path) for path in resource("models", "presets").glob("*.yaml")]
    return tuple(sorted(found, key=lambda preset: (-preset.rank, preset.name)))


def choose_preset(name: str | Preset = "auto", *, elsewhere: bool = False) -> tuple[Preset, str]:
    """The preset of a name, or the best one that is ready now.

    One that is asked for by name is given even if its weights are still to be downloaded; ``auto`` takes none that
    would begin a download.

    Args:
        name: Of a preset, or the preset itself.
        elsewhere: Others run it, where there may be what is missing here.

    Returns:
        The preset and one sentence saying why it was taken.

    Raises:
        SettingsError: There is no such preset, or it cannot run here.
    """
    if isinstance(name, Preset):
        return name, f"preset {name.name}: given"
    if name != "auto":
        preset = named_preset(name)
        if elsewhere:
            return preset, f"preset {name}: asked for"
        if preset.blocked:
            raise SettingsError(f"preset {name!r} cannot run here: {preset.blocked}")
        unfetched = preset.unfetched
        first = f"; {total_size(unfetched)} of weights come on first use" if unfetched else ""
        return preset, f"preset {name}: asked for{first}"
    better: list[str] = []
    for preset in presets():
        if preset.is_ready:
            why = f"not ready here: {', '.join(better)}" if better else "the best that is ready here"
            return preset, f"preset {preset.name}: {why}"
        better.append(preset.name)
    raise SettingsError("; ".join(f"preset {preset.name!r}: {preset.missing}" for preset in presets()))


def named_preset(name: str) -> Preset:
    """The preset of a name, or in a file of the user's, whether it can run here or not.

    Args:
        name: Of a preset or of a synthesizer; or the path of a file that ends in ``.yaml``.

    Raises:
        SettingsError: There is no such preset, or the file cannot be used.
    """
    if name.endswith(".yaml"):
        return read_preset(Path(name))
    known = {back_end: _alone(back_end) for back_end in SYNTHESIZERS.names()}
    known |= {preset.name: preset for preset in presets()}
    if name not in known:
        raise SettingsError(
            f"no preset {name!r}; there are: auto, {', '.join(sorted(known))}; or name a file that ends in .yaml"
        )
    return known[name]


def _alone(back_end: str) -> Preset:
    """A registered back end, by its own name: how a plugin without a preset file is asked for."""
    return Preset(
        name=back_end,
        description=f"The voices {back_end!r} with their own defaults.",
        rank=0,
        synthesizer=back_end,
        vram_gb=0.0,
        licences=(Licence("see the package that brings it", commercial=False),),
    )
