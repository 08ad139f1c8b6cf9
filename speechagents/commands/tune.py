"""``speechagents tune``: teaches a model to play roles, by a recipe.

Owns the arguments and what is shown. Does not know how anything is learnt (`tuning.training`, `tuning.reinforcing`).
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.commands.options import Commands, path_here, positive, print_json
from speechagents.errors import BackendMissing

if TYPE_CHECKING:
    from speechagents.tuning.recipe import Recipe
    from speechagents.tuning.trajectory_folder import TrajectoryFolder
    from speechagents.tuning.tuning_events import Begun, TuningEvent

_PROGRESS_S = 2.0
"""Seconds between two lines of progress."""
_PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors")


def add_tune_command(commands: Commands) -> None:
    """Add ``tune``."""
    tune = commands.add_parser(
        "tune",
        help="teach a model to play roles",
        description="Tune a model by a recipe, on trajectories that `speechagents trajectories` has gathered, mixed "
        "with general instructions. The best model is in DIR/model; `speechagents merge` makes one that plays.",
    )
    tune.add_argument(
        "--recipe", required=True, metavar="FILE", help="a YAML file, or the name of a shipped recipe such as tiny"
    )
    tune.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of trajectories")
    tune.add_argument("--out", type=path_here, required=True, metavar="DIR", help="folder of the run")
    tune.add_argument("--resume", action="store_true", help="go on with the run in --out, if one was begun")
    tune.add_argument("--steps", type=_steps, metavar="N", help="another number of steps than the recipe's")
    tune.add_argument(
        "--jobs", type=positive, metavar="N", help="threads that compute on a CPU (default: OMP_NUM_THREADS, or 1)"
    )
    tune.add_argument(
        "--evaluate",
        action="store_true",
        help="measure the base and what came of it with held-out samples: DIR/evaluation.md",
    )
    tune.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    tune.set_defaults(run=_tune, stopped="with --resume it goes on from its newest checkpoint")


def _tune(arguments: argparse.Namespace) -> int:
    from speechagents.tuning.families import INSTALL
    from speechagents.tuning.recipe import Method
    from speechagents.tuning.recipe_file import find_recipe, read_recipe
    from speechagents.tuning.trajectory_folder import read_trajectory_folder

    recipe = _with_steps(read_recipe(find_recipe(arguments.recipe)), arguments.steps)
    folder = read_trajectory_folder(arguments.data)
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise BackendMissing(f"tuning: {package} is not installed: {INSTALL}")
    _prepare_libraries(arguments.jobs)
    learn = _reinforced if recipe.method is Method.GRPO else _mixed
    model, came = learn(arguments, recipe, folder)
    if arguments.evaluate:
        from speechagents.tuning.before_after import evaluate_run

        _say("measuring the base, and what came of it")
        evaluate_run(recipe, arguments.out, folder)
    if arguments.json:
        print_json({"folder": str(arguments.out), "model": str(model), **came})
    else:
        print(model)
    return 0


def _mixed(arguments: argparse.Namespace, recipe: Recipe, folder: TrajectoryFolder) -> tuple[Path, Mapping[str, Any]]:
    """The model, and what there is to say of it."""
    from speechagents.tuning.families import make_family
    from speechagents.tuning.pools import read_pools
    from speechagents.tuning.run_folder import check_free

    data = read_pools(recipe, folder)
    # Said at once: the libraries below take seconds to load.
    check_free(arguments.out, recipe=recipe.digest, data=data.digest, resume=arguments.resume)
    _say_recipe(recipe)
    _say_memory(recipe)

    from speechagents.tuning.training import tune

    over = tune(
        recipe,
        data,
        arguments.out,
        make=lambda base: make_family(recipe, folder, folder=base),
        resume=arguments.resume,
        announce=_Progress(recipe).show,
    )
    return over.model, {
        "step": over.step,
        "steps": over.steps,
        "stopped_early": over.stopped_early,
        "best_step": over.best_step,
        "best_loss": over.best_loss,
        "tokens": over.tokens,
        "targets": over.targets,
        "left_out": over.left_out,
        "seconds": round(over.seconds, 3),
        "tokens_per_s": round(over.tokens_per_s, 1),
    }


def _reinforced(
    arguments: argparse.Namespace, recipe: Recipe, folder: TrajectoryFolder
) -> tuple[Path, Mapping[str, Any]]:
    """The model, and what there is to say of it."""
    from speechagents.commands.reinforce import reinforce_by

    cold = recipe.rl.cold_start if recipe.rl is not None else None
    shown = dataclasses.replace(recipe, training=cold or recipe.training)
    return reinforce_by(arguments, recipe, folder, show_cold_start=_Progress(shown).show)


class _Progress:
    """Lines on standard error."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._told_s = 0.0

    def show(self, event: TuningEvent) -> None:
        """What has been done."""
        from speechagents.tuning import tuning_events as events

        match event:
            case events.Begun():
                self._begun(event)
            case events.StepDone(step, steps, loss, tokens_per_s):
                if time.monotonic() - self._told_s >= _PROGRESS_S or step in (1, steps):
                    self._told_s = time.monotonic()
                    _say(f"step {step} of {steps}: loss {loss:.4f}, {tokens_per_s:,.0f} tokens/s")
            case events.Measured(step, loss, kinds, best, waited):
                each = ", ".join(f"{name} {value:.4f}" for name, value in kinds.items())
                said = "the best so far" if best else f"no better for {waited} of {self._recipe.training.patience}"
                _say(f"step {step}: dev {loss:.4f} ({each}), {said}")
            case events.CheckpointWritten(step):
                _say(f"step {step}: checkpoint written")
            case events.TuningOver():
                why = f", since nothing became better after step {event.best_step}" if event.stopped_early else ""
                _say(
                    f"{event.step} of {event.steps} steps are done{why}; the best model is that of step "
                    f"{event.best_step}, dev {event.best_loss:.4f}; {event.tokens:,} tokens, "
                    f"{event.tokens_per_s:,.0f} a second"
                )
                if event.left_out:
                    _say(f"{event.left_out} samples had no room; raise training.max_tokens to learn from them")

    def _begun(self, event: Begun) -> None:
        total = event.learnt + event.frozen
        samples = ", ".join(
            f"{event.samples[pool]:,} of {pool} ({share:.0%})" for pool, share in event.shares.items() if share
        )
        agent, general = event.dev_samples
        _say(f"computes {event.device}")
        _say(f"learnt: {event.learnt:,} of {total:,} weights ({event.learnt / total:.2%}), {event.frozen:,} are frozen")
        _say(f"samples: {samples}; dev: {agent} of agents, {general} general")
        if event.dev_left_out:
            _say(f"{event.dev_left_out} samples of dev have no room; raise training.max_tokens to measure with them")
        if event.step:
            _say(f"goes on from step {event.step} of {event.steps}")


def _say_recipe(recipe: Recipe) -> None:
    from speechagents.tuning.recipe import AdapterKind

    base, training = recipe.base, recipe.training
    lora = recipe.adapter.kind is AdapterKind.LORA
    _say(f"recipe {recipe.name}: {recipe.about}")
    _say(
        f"family {recipe.family}, base {base.model or f'random {base.random}'}, "
        + (f"low-rank updates of rank {recipe.adapter.rank}" if lora else "all weights")
        + f"; {training.steps} steps of {training.samples} samples"
    )


def _say_memory(recipe: Recipe) -> None:
    """What training will take, of a base that is no toy; one that is not here is missed before anything is loaded."""
    if not recipe.base.model:
        return
    from speechagents.devices import choose_device
    from speechagents.tuning.memory_estimate import estimated, recipe_shape
    from speechagents.weights import local_folder

    folder = local_folder(recipe.base.model, revision=recipe.base.revision, files=("config.json",))
    shape = recipe_shape(recipe, folder)
    if shape is None:
        return
    device = choose_device("auto")
    estimate = estimated(recipe, shape, half=device.name.startswith("cuda"))
    _say(f"memory: about {estimate}")
    if device.memory_gb and not estimate.fits(device.memory_gb):
        _say(f"this GPU has {device.memory_gb:.0f} GB: halve training.batch and double training.accumulate")


def _with_steps(recipe: Recipe, steps: int | None) -> Recipe:
    if steps is None:
        return recipe
    training = dataclasses.replace(recipe.training, steps=steps, warmup=min(recipe.training.warmup, steps))
    return dataclasses.replace(recipe, training=training)


def _prepare_libraries(threads: int | None) -> None:
    """What the libraries read once, when they are imported: what is set already stays, unless it was asked for here."""
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    for name, value in (
        # Threads that spin while they wait take the cores of whoever else is at work.
        ("OMP_WAIT_POLICY", "PASSIVE"),
        ("GOMP_SPINCOUNT", "0"),
        ("OMP_NUM_THREADS", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
        # Nothing is asked of a network: what is missing is fetched by a command of its own.
        ("HF_HUB_OFFLINE", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        # One process computes on one GPU.
        ("CUDA_VISIBLE_DEVICES", "0"),
    ):
        os.environ.setdefault(name, value)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 10_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000000")
    return int(text)
