"""A run of tuning from its newest checkpoint to its end: what happens before, between and after the steps.

Owns where a run stands: weights, moments, what was best, what is logged and saved, and when. Does not know how a step
is made (`training`), kinds of models (`family`), or the form of files (`run_folder`, `checkpoints`, `tuning_log`).
Importing it needs PyTorch and Transformers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
import transformers

from speechagents import __version__
from speechagents.devices import Device
from speechagents.errors import TuningError
from speechagents.tuning.adapters import counted
from speechagents.tuning.batches import StepCount
from speechagents.tuning.checkpoints import (
    Standing,
    Tensors,
    checkpoints,
    copied,
    learnt,
    put_moments,
    put_weights,
    read_checkpoint,
    write_checkpoint,
)
from speechagents.tuning.dev_loss import DevSamples
from speechagents.tuning.early_stopping import Progress
from speechagents.tuning.family import Family
from speechagents.tuning.loss_plot import loss_plot
from speechagents.tuning.mixing import Mixing
from speechagents.tuning.optimisation import make_optimizer
from speechagents.tuning.pools import TuningData
from speechagents.tuning.recipe import Recipe
from speechagents.tuning.recipe_file import write_recipe
from speechagents.tuning.run_folder import PLOT_FILE, RECIPE_FILE, RunFolder
from speechagents.tuning.saving import save_model
from speechagents.tuning.throughput import flop_per_token
from speechagents.tuning.tuned_card import model_card
from speechagents.tuning.tuning_events import Announce, Begun, CheckpointWritten, Measured, StepDone, TuningOver
from speechagents.tuning.tuning_log import TuningLog

_VERSION: Final = 1
_RUNNING, _FINISHED, _STOPPED = "running", "finished", "stopped early"


class TuningRun:
    """One run, from its newest checkpoint or from the beginning. It is closed when it is left.

    Args:
        recipe: By which it runs.
        data: The samples.
        folder: Where it writes.
        family: Whose model it is.
        mixing: Of the samples.
        place: Where it computes.
        announce: Is told how far it is.

    Raises:
        TuningError: The base or the newest checkpoint cannot be used, or there is nothing to measure with.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: TuningData,
        folder: RunFolder,
        family: Family,
        mixing: Mixing,
        place: Device,
        announce: Announce,
    ) -> None:
        self.recipe = recipe
        self.data = data
        self.folder = folder
        self.family = family
        self.mixing = mixing
        self.place = place
        self._announce = announce
        self._dev = DevSamples(family, data, agent=recipe.data.agent)
        self.model = family.load().to(place.name)
        for one in learnt(self.model).values():
            # In half precision small updates get lost.
            one.data = one.data.float()
        self.optimizer = make_optimizer(self.model, recipe.training)
        self._weights = counted(self.model)
        self._flop = flop_per_token(self.model)
        self._progress = Progress(recipe.training.patience)
        self._best: Tensors = {}
        self._exported = 0
        self._done = 0
        self._count = StepCount()
        self._go_on()
        self._log = TuningLog(folder.log, done=self._done)
        folder.write(RECIPE_FILE, write_recipe(recipe))
        folder.write_run(self._about(_RUNNING))
        self._tell_begin()

    def __enter__(self) -> TuningRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self._done

    @property
    def over(self) -> bool:
        """There is nothing more to learn: all steps are done, or nothing becomes better any more."""
        return self._done >= self.recipe.training.steps or self._progress.over

    def _go_on(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        there = checkpoints(self.folder.checkpoints)
        if not there:
            return
        found = read_checkpoint(there[-1], recipe=self.recipe.digest, data=self.data.digest)
        source = f"{there[-1].name}"
        put_weights(self.model, found.weights, source=source)
        put_moments(self.model, self.optimizer, found.moments, source=source)
        self._best = found.best
        self._progress = found.standing.progress
        self._done = found.standing.step
        self._count = StepCount(tokens=found.standing.tokens, targets=found.standing.targets)

    def _tell_begin(self) -> None:
        self._announce(
            Begun(
                step=self._done,
                steps=self.recipe.training.steps,
                device=self.place.why,
                learnt=self._weights.learnt,
                frozen=self._weights.frozen,
                samples={str(pool): size for pool, size in self.data.sizes.items()},
                shares={str(pool): float(share) for pool, share in self.mixing.shares.items()},
                dev_samples=self._dev.counts,
                dev_left_out=self._dev.left_out,
            )
        )

    def step_done(self, number: int, figures: Mapping[str, float], count: StepCount, step_s: float) -> None:
        """A step was made: log it, measure and save where it is time to.

        Args:
            number: Of the step, from 1 on.
            figures: Its ``loss``, the length of its gradient (``grad_norm``) and its ``learning_rate``.
            count: Of its samples.
            step_s: The time it took.

        Raises:
            TuningError: Its loss is no number.
            StorageError: The disk is full.
        """
        if not math.isfinite(figures["loss"]):
            raise TuningError(
                f"the loss of step {number} is no number any more; lower it, or lower training.clip",
                field="training.learning_rate",
            )
        self._done = number
        self._count += count
        self._log.write(
            {
                "step": number,
                "loss": figures["loss"],
                "gradient": figures.get("grad_norm"),
                "learning_rate": figures["learning_rate"],
                "tokens": count.tokens,
                "targets": count.targets,
                "places": count.places,
                **({"left_out": count.left_out} if count.left_out else {}),
                "step_s": round(step_s, 4),
                "tokens_per_s": round(count.tokens / step_s, 1),
                "targets_per_s": round(count.targets / step_s, 1),
                "flop_per_s": round(self._flop * count.tokens / step_s),
            }
        )
        training = self.recipe.training
        self._announce(StepDone(number, training.steps, figures["loss"], count.tokens / step_s))
        if number == training.steps or number % training.evaluate_every == 0:
            self._measure()
        if self.over or number % training.checkpoint_every == 0:
            write_checkpoint(self.folder.checkpoints, self._standing(), self.model, self.optimizer, self._best)
            self._announce(CheckpointWritten(number))

    def _measure(self) -> None:
        began_s = time.perf_counter()
        found = self._dev.measure(self.model)
        self._progress = self._progress.after(found.loss, self._done)
        best = self._progress.best_step == self._done
        self._log.write(
            {
                "step": self._done,
                "dev": found.loss,
                **{f"dev_{name}": loss for name, loss in found.kinds.items()},
                "dev_parts": dict(found.parts),
                "best": best,
                "dev_s": round(time.perf_counter() - began_s, 3),
            }
        )
        if best:
            self._best = copied(self.model)
            self._export()
        self._plot()
        self._announce(Measured(self._done, found.loss, found.kinds, best, self._progress.waited))

    def finish(self) -> TuningOver:
        """Leave the best model in its place, and say what came of it.

        Raises:
            TuningError: There is none, since its loss was never a number.
        """
        if not self._best:
            raise TuningError("the loss on dev was never a number; lower it", field="training.learning_rate")
        if self._exported != self._progress.best_step:
            # It was found by a run that was killed: whatever that left is made again from what is known to be whole.
            put_weights(self.model, self._best, source="the best weights")
            self._export()
        self._plot()
        self.folder.write_run(self._about(_FINISHED if self._done == self.recipe.training.steps else _STOPPED))
        over = what_came(self.folder)
        assert over is not None  # noqa: S101 - it was said just now
        return over

    def _export(self) -> None:
        """Put the model as it is now into the place of the best one."""

        def save(folder: Path) -> None:
            save_model(self.family, self.model, folder)
            best = self._progress
            card = model_card(self.recipe, self.data, step=best.best_step, loss=best.best_loss)
            (folder / "README.md").write_text(card, "utf-8")

        self.folder.replace_model(save)
        self._exported = self._progress.best_step

    def _plot(self) -> None:
        if picture := loss_plot(self._log.entries, title=self.recipe.name):
            self.folder.write(PLOT_FILE, picture)

    def _standing(self) -> Standing:
        return Standing(
            step=self._done,
            recipe=self.recipe.digest,
            data=self.data.digest,
            progress=self._progress,
            tokens=self._count.tokens,
            targets=self._count.targets,
        )

    def _about(self, state: str) -> Mapping[str, Any]:
        """What the folder says of the run."""
        recipe = self.recipe
        spent_s = math.fsum(entry.get("step_s", 0.0) for entry in self._log.entries)
        return {
            "version": _VERSION,
            "recipe": {"name": recipe.name, "digest": recipe.digest},
            "data": {"digest": self.data.digest},
            "family": str(recipe.family),
            "base": recipe.base.model or f"random {recipe.base.random}",
            "learnt": self._weights.learnt,
            "frozen": self._weights.frozen,
            "flop_per_token": self._flop,
            "samples": {str(pool): size for pool, size in self.data.sizes.items()},
            "device": self.place.why,
            "versions": {
                "speechagents": __version__,
                "torch": str(torch.__version__),
                "transformers": transformers.__version__,
            },
            "state": state,
            "step": self._done,
            "steps": recipe.training.steps,
            "best_step": self._progress.best_step,
            "best_loss": self._progress.best_loss if self._best else None,
            "tokens": self._count.tokens,
            "targets": self._count.targets,
            "left_out": sum(entry.get("left_out", 0) for entry in self._log.entries),
            "seconds": round(spent_s, 3),
        }


def what_came(folder: RunFolder) -> TuningOver | None:
    """What came of a run that is over; None if it is not, or its model is gone."""
    said = folder.said
    if said.get("state") not in (_FINISHED, _STOPPED) or not folder.model.is_dir():
        return None
    return TuningOver(
        step=int(said["step"]),
        steps=int(said["steps"]),
        best_step=int(said["best_step"]),
        best_loss=float(said["best_loss"]),
        model=folder.model,
        tokens=int(said["tokens"]),
        targets=int(said["targets"]),
        seconds=float(said["seconds"]),
        left_out=int(said["left_out"]),
    )
