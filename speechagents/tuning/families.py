"""Which family a recipe names.

Owns that choice. Does not know how a family works.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from speechagents.errors import BackendMissing
from speechagents.tuning.recipe import FamilyKind, Recipe

if TYPE_CHECKING:
    from speechagents.tuning.family import Family
    from speechagents.tuning.trajectory_folder import TrajectoryFolder

INSTALL = 'python -m pip install "speechagents[tuning]"'
"""What brings everything that tuning needs."""


def make_family(recipe: Recipe, data: TrajectoryFolder, *, folder: Path | None = None) -> Family:
    """The family that a recipe names.

    Args:
        recipe: Says which, and with which base.
        data: Trajectories; a tokenizer of random weights is made of them.
        folder: Where a base with random weights is written for whoever loads an adapter to it later; None keeps it no
            longer than the family.

    Raises:
        TuningError: The base cannot be used, or does not go with the recipe or the data.
        BackendMissing: A package is not installed; the message holds the line that installs it.
        WeightsMissing: The base is not on this machine.
    """
    try:
        if recipe.family is FamilyKind.UNITS:
            from speechagents.tuning.unit_family import make_unit_family

            return make_unit_family(recipe, data)
        from speechagents.tuning.chat_family import make_chat_family

        return make_chat_family(recipe, data, folder=folder)
    except ModuleNotFoundError as error:
        raise BackendMissing(f"tuning: {error.name or error} is not installed: {INSTALL}") from error
