"""What Multi-Agent Tuning does to a model: its abilities before and after, for several shares of agent data.

    python -m benchmarks.tuning --data DIR [--recipe NAME] [--out DIR] [--write]

A base is taught general instructions first, without agent data: random weights have no ability that could be lost. Then
it is tuned by the recipe with 0, 25, 50, 75 and 100 % agent data, with several seeds each, and each model is measured
with the same held-out samples: who speaks next, the style of a turn, the likelihood of lines and of speech units,
general tasks made by rule, and, for models that hear units, how well they write down and read aloud. With `--play N`
every model plays N held-out scenes of the benchmark, too.

The claim "better at agents' tasks, no worse in general" is about the recipe's own share of agent data; it is written
only if the figures show it. What was begun in `--out` is gone on with, and what is finished there is kept.

`--write` writes the table and all figures under benchmarks/results: tuning.md and tuning.json, or tuning-NAME.md and
tuning-NAME.json with `--name NAME`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechagents import __version__
from speechagents.benchmark.report import markdown_of
from speechagents.errors import BackendMissing, SpeechAgentsError
from speechagents.tuning.ability_report import ability_report
from speechagents.tuning.ability_table import AbilityTable, table_json, verdict
from speechagents.tuning.families import INSTALL
from speechagents.tuning.held_out import HeldOut, held_out_of
from speechagents.tuning.pools import read_pools
from speechagents.tuning.recipe import Recipe
from speechagents.tuning.recipe_file import find_recipe, read_recipe
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder, read_trajectory_folder

RESULTS = Path(__file__).parent / "results"
RECIPE = Path(__file__).parent / "tuning.yaml"
BASE_RECIPE = Path(__file__).parent / "tuning_base.yaml"
SEEDS = (1, 2, 3)
PERCENT = (0, 25, 50, 75, 100)
BASE_STEPS = 600
SAMPLES = 120

_ENVIRONMENT = (
    ("OMP_WAIT_POLICY", "PASSIVE"),
    ("OMP_NUM_THREADS", "1"),
    ("HF_HUB_OFFLINE", "1"),
    ("TQDM_DISABLE", "1"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Study a recipe, print what is shown, and with ``--write`` keep the figures."""
    arguments = _parser().parse_args(argv)
    try:
        with ExitStack() as opened:
            out = arguments.out or Path(opened.enter_context(tempfile.TemporaryDirectory()))
            return _run(arguments, out / "study" if arguments.out is None else out)
    except SpeechAgentsError as error:
        print(f"benchmarks.tuning: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        print(f"benchmarks.tuning: {error.name or error} is not installed: {INSTALL}", file=sys.stderr)
        return BackendMissing.exit_code


def wanted_recipe(recipe: Recipe, *, steps: int) -> Recipe:
    """A recipe with another number of steps, measured and saved as often in proportion; 0 keeps its own."""
    if not steps:
        return recipe
    training = recipe.training
    share = steps / training.steps
    changed = replace(
        training,
        steps=steps,
        warmup=min(steps, round(training.warmup * share)),
        evaluate_every=max(1, round(training.evaluate_every * share)),
        checkpoint_every=max(1, round(training.checkpoint_every * share)),
    )
    return replace(recipe, training=changed)


def about(recipe: Recipe, base: Recipe | None, data: TrajectoryFolder, held_out: HeldOut) -> Mapping[str, str]:
    """What was tuned on what, for people."""
    training, first = recipe.training, base or recipe
    dev = any(one.split is Split.DEV for one in held_out.samples)
    of = "of dev, by which the best step is chosen as well" if dev else "of scenes and tasks that no model has seen"
    begun = first.base.model or f"random weights ({first.base.random})"
    if base is not None:
        taught = base.training
        begun += f", taught general instructions alone in {taught.steps} steps of {taught.samples} samples"
    return {
        "Recipe": f"{recipe.name}, family {recipe.family}, {recipe.adapter.kind}",
        "Base": begun,
        "Tuning": f"{training.steps} steps of {training.samples} samples with each share of agent data, "
        f"{recipe.data.next_speaker:.0%} of which ask who speaks next; the step that is best on dev is taken",
        "General instructions": "tasks made by rule" if recipe.general_file is None else "a file of conversations",
        "Data": f"{data.digest}, {len(data.samples(Split.TRAIN)):,} turns to learn from",
        "Measured with": f"{len(held_out.turns)} turns, {len(held_out.questions)} questions who speaks next and "
        f"{len(held_out.general)} general tasks, {of}",
        "Version": __version__,
    }


def write_results(stem: Path, table: AbilityTable, terms: Mapping[str, str], figures: Mapping[str, Any]) -> None:
    """Write the table as Markdown and all figures as JSON.

    Args:
        stem: Of both files.
        table: The figures.
        terms: As `about` gives them.
        figures: What else is kept.
    """
    stem.with_suffix(".md").write_text(markdown_of(ability_report(table, "Multi-Agent Tuning", terms)), "utf-8")
    values = {"about": dict(terms), **figures, **table_json(table)}
    stem.with_suffix(".json").write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", "utf-8")


def wanted_base(recipe: Recipe, given: Recipe | None, *, steps: int | None) -> Recipe | None:
    """How the base is taught first.

    Args:
        recipe: By which it will be tuned.
        given: Another recipe for it; None teaches general instructions by the recipe itself.
        steps: In how many steps; None takes those of the given recipe, and `BASE_STEPS` for random weights.

    Returns:
        The recipe; None where the base is taken as it is.
    """
    from speechagents.tuning.ability_study import general_only

    if given is not None:
        return wanted_recipe(given, steps=steps or 0)
    if steps is None:
        steps = BASE_STEPS if recipe.base.random else 0
    return general_only(recipe, steps) if steps else None


def _run(arguments: argparse.Namespace, out: Path) -> int:
    # What libraries read once, when they are imported: threads that spin take the cores of others.
    for name, value in _ENVIRONMENT:
        os.environ.setdefault(name, value)

    from speechagents.tuning.ability_study import CellDone, Study, run_study
    from speechagents.tuning.families import make_family
    from speechagents.tuning.stage_trial import Trial

    recipe = wanted_recipe(read_recipe(find_recipe(str(arguments.recipe or RECIPE))), steps=arguments.steps)
    named = arguments.base_recipe or ("" if arguments.recipe else BASE_RECIPE)
    given = read_recipe(find_recipe(str(named))) if named else None
    base = wanted_base(recipe, given, steps=arguments.base_steps)
    data = read_trajectory_folder(arguments.data)
    study = Study(
        recipe,
        base,
        ratios=tuple(percent / 100.0 for percent in arguments.ratios),
        seeds=arguments.seeds,
        trial=Trial(split=arguments.split, scenes=arguments.play) if arguments.play else None,
        device=arguments.device,
    )
    held_out = held_out_of(recipe, data, split=Split(arguments.split), most=arguments.samples)
    began_s = time.monotonic()
    cells: dict[str, Any] = {}

    def told(done: CellDone) -> None:
        over, after_s = done.over, round(time.monotonic() - began_s, 1)
        cells[done.name] = {
            "after_s": after_s,
            **({} if over is None else {"best_step": over.best_step, "steps": over.step, "tokens": over.tokens}),
        }
        trained = "" if over is None else f", best after {over.best_step} of {over.steps} steps"
        print(f"{done.done} of {done.planned}: {done.name}{trained}, {after_s:.0f} s", flush=True)

    table = run_study(
        study,
        held_out,
        out,
        make=lambda one, where: make_family(one, data, folder=where),
        pools=lambda one: read_pools(one, data),
        told=told,
    )
    terms = about(recipe, base, data, held_out)
    for sentence in verdict(table):
        print(sentence)
    if arguments.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        figures = {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, {arguments.device}",
            "seeds_used": list(arguments.seeds),
            "wall_s": round(time.monotonic() - began_s, 1),
            "cells": cells,
        }
        write_results(RESULTS / f"tuning{'-' if arguments.name else ''}{arguments.name}", table, terms, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of trajectories")
    parser.add_argument("--recipe", default="", help=f"name or file of a recipe (default {RECIPE.name})")
    parser.add_argument("--base-recipe", default="", help="by which the base is taught (default: the recipe's own)")
    parser.add_argument("--out", type=Path, help="folder of the study (default: a temporary one)")
    parser.add_argument("--steps", type=int, default=0, help="of each tuning (default: the recipe's)")
    parser.add_argument("--base-steps", type=int, help=f"of the base (default: its recipe's, or {BASE_STEPS})")
    parser.add_argument("--seeds", type=_numbers, default=SEEDS, help="such as 1,2,3")
    parser.add_argument(
        "--ratios", type=_numbers, default=PERCENT, help="percent of agent data, such as 0,25,50,75,100"
    )
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"held out, of each kind (default {SAMPLES})")
    parser.add_argument("--split", choices=("dev", "test"), default="test", help="of the held-out samples")
    parser.add_argument("--play", type=int, default=0, metavar="N", help="scenes that each model plays (default none)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--name", default="", help="behind the names of the results")
    parser.add_argument("--write", action="store_true", help="write the table under benchmarks/results")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    """Whole numbers, separated by commas."""
    try:
        return tuple(int(one) for one in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,2,3") from None


if __name__ == "__main__":
    sys.exit(main())
