"""A tuned model beside the one that it came of, measured with the same samples.

Owns how both get into memory, and what a run's folder is told of it. Does not know what is measured (`evaluation`,
`transcription`), nor how figures are shown (`ability_report`). Importing it needs PyTorch.

::

    out/evaluation.json     what was found of both, sample by sample
    out/evaluation.md       the report
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load_file

from speechagents.benchmark.report import markdown_of
from speechagents.devices import choose_device, memory_errors
from speechagents.errors import TuningError
from speechagents.library_talk import without_bars
from speechagents.production.storage import write_atomically
from speechagents.tuning.ability_report import ability_report
from speechagents.tuning.ability_table import AbilityTable, Rated, table_json
from speechagents.tuning.evaluation import Told, evaluate
from speechagents.tuning.families import make_family
from speechagents.tuning.family import Family
from speechagents.tuning.held_out import MOST, HeldOut, baselines, held_out_of, split_to_measure
from speechagents.tuning.measures import Evaluation
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, Recipe
from speechagents.tuning.run_folder import BASE, MODEL
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder
from speechagents.tuning.tuned_model import ADAPTER, ADAPTER_CONFIG
from speechagents.tuning.unit_family import UnitFamily

JSON_FILE: Final = "evaluation.json"
REPORT_FILE: Final = "evaluation.md"
UNTUNED, TUNED = "untuned", "tuned"

Make = Callable[[Recipe, Path], Family]
"""Makes the family of a recipe; is given the folder of a base whose random weights were made for a run."""


def evaluate_run(
    recipe: Recipe,
    run: Path,
    data: TrajectoryFolder,
    *,
    most: int = MOST,
    device: str = "auto",
    told: Told | None = None,
) -> AbilityTable:
    """Measure a run's model and the base that it was tuned from, and write the report into its folder.

    Args:
        recipe: Of the run.
        run: Its folder, with the tuned model in ``model/``.
        data: The trajectories that it was tuned on; measured is with those of test, or of dev where there are none.
        most: Samples of each kind.
        device: As `devices.choose_device` takes it.
        told: Is told how far the measurement of each is, one after the other.

    Raises:
        TuningError: A model is damaged, or there is nothing to measure with.
        MemoryFull: It does not fit.
        StorageError: The disk is full or read-only.
    """
    split = split_to_measure(data)
    held_out = held_out_of(recipe, data, split=split, most=most)

    def make(one: Recipe, base: Path) -> Family:
        return make_family(one, data, folder=base)

    table = before_and_after(recipe, run, held_out, make=make, device=device, told=told)
    about = {
        "Recipe": f"{recipe.name}. {recipe.about}",
        "Base": recipe.base.model or f"random weights ({recipe.base.random})",
        "Data": data.digest,
        "Measured with": f"the split {split}"
        + (", by which the best step was chosen as well: it flatters a little" if split is Split.DEV else ""),
    }
    write_before_and_after(run, table, recipe.name, about)
    return table


def before_and_after(
    recipe: Recipe,
    run: Path,
    held_out: HeldOut,
    *,
    make: Make,
    device: str = "auto",
    told: Told | None = None,
) -> AbilityTable:
    """Measure a run's model and the base that it was tuned from.

    Args:
        recipe: Of the run.
        run: Its folder, with the tuned model in ``model/``.
        held_out: What both are measured with.
        make: Makes families.
        device: As `devices.choose_device` takes it.
        told: Is told how far the measurement of each is, one after the other.

    Raises:
        TuningError: A model is damaged, or not that of the recipe.
        MemoryFull: It does not fit.
    """
    before = measured(recipe, None, run / BASE, held_out, make=make, device=device, told=told)
    after = measured(recipe, run / MODEL, run / BASE, held_out, make=make, device=device, told=told)
    return AbilityTable(
        Rated(UNTUNED, (before,)), (Rated(TUNED, (after,)),), claimed=TUNED, baselines=baselines(held_out)
    )


def write_before_and_after(run: Path, table: AbilityTable, title: str, about: Mapping[str, str]) -> None:
    """Write ``evaluation.json`` and ``evaluation.md`` of a run.

    Args:
        run: Its folder.
        table: As `before_and_after` gives it.
        title: What was tuned.
        about: What was tuned on what: terms and what is said of them.

    Raises:
        StorageError: The disk is full or read-only.
    """
    values: dict[str, Any] = {
        **table_json(table),
        "found": {one.name: [seed.to_json() for seed in one.seeds] for one in (table.untuned, *table.tuned)},
    }
    write_atomically(run / JSON_FILE, (json.dumps(values, ensure_ascii=False) + "\n").encode())
    report = ability_report(table, f"{title}: before and after", about)
    write_atomically(run / REPORT_FILE, markdown_of(report).encode())


def measured(
    recipe: Recipe,
    model: Path | None,
    base: Path,
    held_out: HeldOut,
    *,
    make: Make,
    device: str = "auto",
    told: Told | None = None,
) -> Evaluation:
    """Measure one model, by all that its family can do.

    Args:
        recipe: By which it was tuned, or will be.
        model: Folder of the tuned model; None takes the recipe's base.
        base: Folder of a base whose random weights were made for a run.
        held_out: What it is measured with.
        make: Makes families.
        device: As `devices.choose_device` takes it.
        told: Is told how far it is.

    Raises:
        TuningError: The model is damaged, or not that of the recipe.
        MemoryFull: It does not fit.
    """
    place = choose_device(device)
    with memory_errors():
        loaded, family = load_tuned(recipe, model, base, make=make)
        loaded = loaded.to(place.name)
        found = evaluate(loaded, family, held_out, told=told)
        if isinstance(family, UnitFamily):
            from speechagents.tuning.transcription import transcribe_and_read

            found = found.with_measures(transcribe_and_read(loaded, family, held_out))
    return found


def load_tuned(recipe: Recipe, model: Path | None, base: Path, *, make: Make) -> tuple[Any, Family]:
    """A tuned model in memory, with its family; arguments and errors are those of `measured`."""
    with without_bars():
        if model is None or (model / ADAPTER_CONFIG).is_file():
            family = make(recipe, base)
            loaded = family.load()
            if model is not None:
                _put_adapter(loaded, model)
            return loaded, family
        whole = replace(recipe, base=Base(model=str(model)), adapter=Adapter(kind=AdapterKind.FULL))
        family = make(whole, base)
        return family.load(), family


def _put_adapter(loaded: Any, folder: Path) -> None:
    """Give a model with a fresh adapter the weights of a tuned one."""
    from peft import set_peft_model_state_dict

    try:
        tensors = load_file(folder / ADAPTER)
        result: Any = set_peft_model_state_dict(loaded, tensors)
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise TuningError(
            f"cannot be loaded ({str(error).splitlines()[0][:200]}); tune again", source=f"{folder.name}/{ADAPTER}"
        ) from error
    if result.unexpected_keys or any("lora_" in name for name in result.missing_keys):
        raise TuningError("is an adapter of another recipe; take that of its run", source=f"{folder.name}/{ADAPTER}")
