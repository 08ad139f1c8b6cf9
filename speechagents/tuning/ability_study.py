"""One model tuned on several mixtures of agent data and general instructions, each by several seeds.

Owns the order of that, its folder, and going on with it after a break: cells that are finished are kept. Does not know
how a model is tuned (`training`) or measured (`before_after`), nor what is made of the figures (`ability_table`).
Importing it needs PyTorch.

What a model loses of its general ability can only be seen in one that has some. So all cells begin with one base that
was taught general instructions first and no agent data, unless the recipe's base has learnt enough elsewhere.

::

    out/study.json               what is studied; another study is refused
    out/base/                    the run that taught the base, with its own abilities.json
    out/ratio-050-seed-1/        a run of tuning on half agent data
        abilities.json           what was found of its model
        whole/  stage/           where scenes are played: the whole model, and the run of the benchmark
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from speechagents.errors import TuningError
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.tuning.ability_table import AbilityTable, Rated
from speechagents.tuning.before_after import Make, measured
from speechagents.tuning.held_out import HeldOut, baselines
from speechagents.tuning.measures import Evaluation, read_evaluation, write_evaluation
from speechagents.tuning.pools import TuningData
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Hearing, Recipe
from speechagents.tuning.run_folder import BASE, MODEL
from speechagents.tuning.stage_trial import Trial, play_trial, unit_speech_folder
from speechagents.tuning.training import tune
from speechagents.tuning.tuned_model import ADAPTER_CONFIG
from speechagents.tuning.tuning_events import TuningOver

STUDY_FILE: Final = "study.json"
EVALUATION_FILE: Final = "abilities.json"
RATIOS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of agent data."""
SEEDS: Final = (1, 2, 3)

_BASE: Final = "base"
_WHOLE: Final = "whole"
_STAGE: Final = "stage"
_CONTROLLERS: Final = {FamilyKind.CHAT: "transformers", FamilyKind.UNITS: "units"}

ReadPools = Callable[[Recipe], TuningData]
"""The samples that a recipe mixes."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is studied.

    Attributes:
        recipe: What is tuned, and how; its share of agent data is what the claim is about.
        base: How the base is taught first; without agent data. None takes the recipe's base as it is.
        ratios: Shares of agent data, that of the recipe among them.
        seeds: Of each.
        trial: Scenes that each model plays; None plays none.
        device: As `devices.choose_device` takes it.
    """

    recipe: Recipe
    base: Recipe | None = None
    ratios: tuple[float, ...] = RATIOS
    seeds: tuple[int, ...] = SEEDS
    trial: Trial | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.ratios or not all(0.0 <= one <= 1.0 for one in self.ratios):
            raise TuningError("shares of agent data are numbers from 0 to 1, at least one", field="ratios")
        if len({_percent(one) for one in self.ratios}) < len(self.ratios):
            raise TuningError("two shares of agent data are the same percentage; give each once", field="ratios")
        if self.recipe.data.agent not in self.ratios:
            raise TuningError(
                f"the share that the recipe names, {self.recipe.data.agent:g}, is not among them, and the claim is "
                "about it; add it",
                field="ratios",
            )
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise TuningError("give seeds, each once", field="seeds")
        if self.base is None and self.recipe.base.random:
            raise TuningError("a base of random weights can do nothing yet; teach it first", field="base")
        if self.base is not None and self.base.data.agent:
            raise TuningError("the base is taught without agent data; set agent: 0", field="data.agent")
        if self.base is not None and self.base.family is not self.recipe.family:
            raise TuningError(f"the base is of the family {self.base.family}, the recipe of {self.recipe.family}")

    def cell_recipe(self, ratio: float, seed: int, base: Path | None) -> Recipe:
        """How a cell is tuned.

        Args:
            ratio: Share of agent data.
            seed: Of the cell.
            base: Folder of the base that was taught; None takes the recipe's.
        """
        return replace(
            self.recipe,
            base=self.recipe.base if base is None else Base(model=str(base)),
            data=replace(self.recipe.data, agent=ratio),
            training=replace(self.recipe.training, seed=seed),
        )


@dataclass(frozen=True, slots=True)
class CellDone:
    """A model is tuned and measured.

    Attributes:
        name: Of its folder.
        over: How tuning went; None for a base that was not tuned.
        done: Models that are measured by now.
        planned: Of the study.
    """

    name: str
    over: TuningOver | None
    done: int
    planned: int


def general_only(recipe: Recipe, steps: int) -> Recipe:
    """How a recipe's base is taught general instructions: all of its weights, without any agent data."""
    return replace(
        recipe,
        adapter=Adapter(kind=AdapterKind.FULL),
        data=replace(recipe.data, agent=0.0),
        training=replace(recipe.training, steps=steps, warmup=min(recipe.training.warmup, steps)),
    )


def named(ratio: float) -> str:
    """A share of agent data, as the name of the models that were tuned on it."""
    return f"{_percent(ratio)} % agent data"


def run_study(
    study: Study,
    held_out: HeldOut,
    out: Path,
    *,
    make: Make,
    pools: ReadPools,
    told: Callable[[CellDone], None] | None = None,
) -> AbilityTable:
    """Tune and measure everything that is not finished yet.

    Args:
        study: What.
        held_out: What models are measured with.
        out: Folder of the study; it must stay where it is until the study is finished.
        make: Makes families.
        pools: Gives what models learn from.
        told: Is told of each model as it is measured.

    Raises:
        TuningError: The folder holds another study, or something else; or a model cannot be tuned.
    """
    out = out.absolute()
    _claim_folder(study, held_out, out)
    work = _Work(study, held_out, out, make, pools, told or (lambda _: None))
    base = work.base()
    models = [
        Rated(named(ratio), tuple(work.cell(ratio, seed) for seed in study.seeds)) for ratio in sorted(study.ratios)
    ]
    return AbilityTable(
        Rated("untuned", (base,)),
        tuple(models),
        claimed=named(study.recipe.data.agent),
        general_only=named(0.0) if 0.0 in study.ratios else "",
        baselines=baselines(held_out),
    )


class _Work:
    """A study that is going on."""

    def __init__(
        self,
        study: Study,
        held_out: HeldOut,
        out: Path,
        make: Make,
        pools: ReadPools,
        told: Callable[[CellDone], None],
    ) -> None:
        self._study = study
        self._held_out = held_out
        self._out = out
        self._make = make
        self._pools = pools
        self._told = told
        self._done = 0

    def base(self) -> Evaluation:
        """Teach the model that all cells begin with, and measure it."""
        folder, recipe = self._out / _BASE, self._study.base
        over = None if recipe is None else self._tuned(recipe, folder)
        model = None if over is None else folder / MODEL
        return self._measured(recipe or self._study.recipe, model, folder, over)

    def cell(self, ratio: float, seed: int) -> Evaluation:
        """Tune a model and measure it."""
        folder = self._out / f"ratio-{_percent(ratio):03d}-seed-{seed}"
        recipe = self._study.cell_recipe(ratio, seed, self._out / _BASE / MODEL if self._study.base else None)
        over = self._tuned(recipe, folder)
        return self._measured(recipe, folder / MODEL, folder, over)

    def _tuned(self, recipe: Recipe, folder: Path) -> TuningOver:
        return tune(
            recipe,
            self._pools(recipe),
            folder,
            make=lambda base: self._make(recipe, base),
            resume=True,
            device=self._study.device,
        )

    def _measured(self, recipe: Recipe, model: Path | None, folder: Path, over: TuningOver | None) -> Evaluation:
        """What was found of a model: as it stands in its folder, or measured now."""
        path = folder / EVALUATION_FILE
        found = read_evaluation(path) if path.is_file() else None
        if found is None or found.held_out != self._held_out.digest:
            found = measured(recipe, model, folder / BASE, self._held_out, make=self._make, device=self._study.device)
            if self._study.trial is not None:
                found = found.with_measures(self._played(recipe, model, folder, self._study.trial))
            with storage_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
            write_evaluation(path, found)
        self._done += 1
        planned = 1 + len(self._study.ratios) * len(self._study.seeds)
        self._told(CellDone(folder.name, over, self._done, planned))
        return found

    def _played(self, recipe: Recipe, model: Path | None, folder: Path, trial: Trial) -> Evaluation:
        """What the benchmark makes of scenes that a model plays."""
        whole = Path(recipe.base.model) if model is None else _whole(model, folder)
        if recipe.family is FamilyKind.UNITS:
            whole = unit_speech_folder(whole, folder / _WHOLE)
        # Models hear on stage what they have learnt to hear.
        heard = replace(trial, hearing="text" if recipe.data.hearing is Hearing.TEXT else "audio")
        return play_trial(whole, _CONTROLLERS[recipe.family], folder / _STAGE, heard, held_out=self._held_out.digest)


def _whole(model: Path, folder: Path) -> Path:
    """A whole model that a controller can load: a tuned one as it is, an adapter merged with its base."""
    if not (model / ADAPTER_CONFIG).is_file():
        return model
    from speechagents.tuning.export import export

    whole = folder / _WHOLE
    return whole if (whole / "config.json").is_file() else export([model], whole).folder


def _claim_folder(study: Study, held_out: HeldOut, out: Path) -> None:
    """Say in the folder what is studied, or refuse one that holds something else."""
    trial = study.trial
    wanted: dict[str, Any] = {
        "recipe": study.recipe.digest,
        "base": "" if study.base is None else study.base.digest,
        "held_out": held_out.digest,
        "trial": None if trial is None else [trial.split, trial.scenes, trial.roles, trial.turns, trial.seed],
    }
    path = out / STUDY_FILE
    if path.is_file():
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise TuningError(f"cannot be read ({error}); name a new folder", source=path.name) from error
        odd = next((name for name in wanted if not isinstance(found, dict) or found.get(name) != wanted[name]), "")
        if odd:
            raise TuningError(
                "the folder holds another study; run the same command as then, or name a new folder",
                source=path.name,
                field=odd,
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TuningError("is not empty and no study; name a new folder", source=str(out))
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(wanted, indent=1) + "\n").encode())


def _percent(ratio: float) -> int:
    return round(100.0 * ratio)
