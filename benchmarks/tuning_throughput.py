"""How fast each recipe trains, beside what the device can do at most.

    python -m benchmarks.tuning_throughput [--recipes tiny,understudy-base] [--steps 8] [--device auto] [--write]

Each recipe is run by the code that `speechagents tune` runs, for some steps, on trajectories of a few scenes of the
benchmark that are gathered first (`--data` takes a folder instead). A base that is no random one is stood in for by
random weights of its size, made on the device: how fast it trains does not depend on what it knows. Without `--recipes`
these are left out on a CPU, and so is whatever has no data or no memory here; why is said.

A row tells tokens a second (padding not counted) and how many of them are learnt, operations by `tuning.throughput`
(a lower bound), and what share that is of two products of matrices, measured in the same run: one of the shape that
most operations of the recipe have (its tokens by the width of its model, by the feed-forward part's), and a large
square one. The time to read and write weights, gradients and moments once, by the measured bandwidth, is what a step
takes at least. On a CPU all times are CPU time by thread, limits and steps alike, so that it does not matter who else
is at work; on a GPU they are those on the wall.

`--write` keeps the figures in benchmarks/results/tuning_throughput.json, beside those of other devices and recipes.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.device_limits import Limits, best_s, measure_limits
from benchmarks.sized_family import SizedFamily
from speechagents.errors import SpeechAgentsError

if TYPE_CHECKING:
    from speechagents.tuning.recipe import Hearing, Recipe
    from speechagents.tuning.trajectory_folder import TrajectoryFolder
    from speechagents.tuning.tuning_events import TuningEvent

RESULTS: Final = Path(__file__).parent / "results" / "tuning_throughput.json"
WARM_UP: Final = 2
"""Steps that do not count: memory is got, and kernels are chosen."""
SCENES: Final = 6

# Threads that spin while they wait take the cores of whoever else is at work.
_SETTINGS: Final = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of a recipe.

    Attributes:
        recipe: Its name.
        base: With how many weights, and how many are learnt.
        batch: Samples at once, and batches of a step.
        tokens_per_step: Mean, without padding.
        padding: Share of what was computed that was padding.
        tokens_per_s: Of all steps.
        targets_per_s: Tokens that are learnt, likewise.
        tflop_per_s: Operations, in 10^12 a second.
        like_tflop_per_s: Of a product of matrices of the recipe's shape.
        share_of_like: Of that.
        share_of_square: Of a product of large square matrices.
        step_s: Median.
        least_step_s: To read and write weights, gradients and moments once.
        peak_gb: Of the GPU's memory; None on a CPU.
    """

    recipe: str
    base: str
    batch: str
    tokens_per_step: float
    padding: float
    tokens_per_s: float
    targets_per_s: float
    tflop_per_s: float
    like_tflop_per_s: float
    share_of_like: float
    share_of_square: float
    step_s: float
    least_step_s: float
    peak_gb: float | None


def measure(recipe: Recipe, data: TrajectoryFolder, device: str, limits: Limits, *, steps: int) -> Speed:
    """Train by a recipe for some steps.

    Args:
        recipe: Its number of steps and how often it is measured are not kept to.
        data: Trajectories.
        device: As PyTorch calls it.
        limits: Of the device, in the recipe's precision.
        steps: So many count, behind `WARM_UP`.

    Raises:
        SpeechAgentsError: It cannot be trained here.
    """
    import torch

    from speechagents.tuning.families import make_family
    from speechagents.tuning.memory_estimate import SHAPES
    from speechagents.tuning.pools import read_pools
    from speechagents.tuning.recipe import AdapterKind, Base, FamilyKind, Hearing
    from speechagents.tuning.training import tune
    from speechagents.tuning.tuning_events import StepDone
    from speechagents.tuning.tuning_log import read_log

    count = WARM_UP + steps
    training = replace(
        recipe.training, steps=count, warmup=0, evaluate_every=count, checkpoint_every=count, dev_samples=2, patience=99
    )
    short = replace(recipe, training=training)
    shape = None if recipe.base.random else SHAPES.get(recipe.base.model)
    if shape is not None:
        small = "qwen2" if recipe.data.hearing is Hearing.TEXT else "qwen2_audio"
        short = replace(short, base=Base(random=small, layers=1, width=32, heads=2))
    elif not recipe.base.random and recipe.family is FamilyKind.UNITS:
        short = replace(short, base=Base(random="llama-units"))
    elif not recipe.base.random:
        raise SpeechAgentsError(f"nobody knows the size of {recipe.base.model}")
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    widths: list[tuple[int, int]] = []
    clock = clock_of(device)
    times = []

    def watch(event: TuningEvent) -> None:
        if isinstance(event, StepDone):
            times.append(clock())

    def make(folder: Path) -> Any:
        family = make_family(short, data, folder=folder)
        sized = family if shape is None else SizedFamily(family, short, shape, device)
        return _Watched(sized, widths)

    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        tune(short, read_pools(short, data), out, make=make, announce=watch, device=device)
        log = [entry for entry in read_log(out / "log.jsonl") if "loss" in entry]
        said = json.loads((out / "run.json").read_text("utf-8"))
    entries = log[WARM_UP:]
    steps_s = [after - before for before, after in itertools.pairwise(times)][WARM_UP - 1 :]
    tokens, places = (sum(entry[name] for entry in entries) for name in ("tokens", "places"))
    (width, feed), *_ = widths
    rows = round(places / len(entries) / training.accumulate)
    like = like_tflop_s(device, limits.dtype, rows, width, feed)
    spent_s = sum(steps_s)
    rate = said["flop_per_token"] * tokens / spent_s / 1e12
    learnt, frozen = said["learnt"], said["frozen"]
    size = 2 if limits.dtype == "bfloat16" and recipe.adapter.kind is AdapterKind.LORA else 4
    # Frozen weights are read forwards and backwards; of what is learnt weights, gradients and both moments are read
    # and written.
    moved = 2 * size * frozen * training.accumulate + 8 * 4 * learnt
    return Speed(
        recipe=recipe.name,
        base=f"{(learnt + frozen) / 1e6:,.2f} M, {learnt / 1e6:,.2f} M learnt",
        batch=f"{training.batch} x {training.accumulate}",
        tokens_per_step=round(tokens / len(entries), 1),
        padding=round(1.0 - tokens / places, 3),
        tokens_per_s=round(tokens / spent_s, 1),
        targets_per_s=round(sum(entry["targets"] for entry in entries) / spent_s, 1),
        tflop_per_s=round(rate, 4),
        like_tflop_per_s=round(like, 4),
        share_of_like=round(rate / like, 3),
        share_of_square=round(rate / limits.compute_tflop_s, 3),
        step_s=round(statistics.median(steps_s), 4),
        least_step_s=round(moved / limits.bandwidth_gb_s / 1e9, 5),
        peak_gb=round(torch.cuda.max_memory_allocated(device) / 1e9, 2) if device.startswith("cuda") else None,
    )


class _Watched:
    """A family whose model's widths are taken down."""

    def __init__(self, family: Any, widths: list[tuple[int, int]]) -> None:
        self._family = family
        self._widths = widths
        self.example = family.example
        self.collate = family.collate

    def load(self) -> Any:
        model = self._family.load()
        text = (model.get_base_model() if hasattr(model, "get_base_model") else model).config.get_text_config()
        self._widths.append((int(text.hidden_size), int(text.intermediate_size)))
        return model


def like_tflop_s(device: str, dtype: str, tokens: int, width: int, feed: int) -> float:
    """What a product of matrices of a given shape reaches at best, in 10^12 operations a second."""
    import torch

    kind = getattr(torch, dtype)
    left = torch.randn(tokens, width, dtype=kind, device=device)
    right = torch.randn(width, feed, dtype=kind, device=device)
    return 2.0 * tokens * width * feed / best_s(lambda: left @ right, device, times=20, clock=clock_of(device)) / 1e12


def clock_of(device: str) -> Callable[[], float]:
    """Seconds: of a GPU those on the wall, of a CPU those that this process computed, by thread."""
    if device != "cpu":
        return time.perf_counter
    import torch

    threads = torch.get_num_threads()
    return lambda: time.process_time() / threads


def better(one: Limits, other: Limits) -> Limits:
    """The best of two measurements of a device: whatever else was at work has slowed one of them down."""
    return replace(
        one,
        bandwidth_gb_s=max(one.bandwidth_gb_s, other.bandwidth_gb_s),
        compute_tflop_s=max(one.compute_tflop_s, other.compute_tflop_s),
    )


def table(speeds: Sequence[Speed], limits: Limits) -> str:
    """Figures for people, as Markdown."""
    head = (
        *("recipe", "weights", "batch", "tokens/s", "learnt/s", "padding", "TFLOP/s"),
        *("of a like product", "of a square one", "step, s", "least, s"),
    )
    lines = [
        f"{limits.name}: {limits.bandwidth_gb_s:g} GB/s, {limits.compute_tflop_s:g} TFLOP/s in {limits.dtype}",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    lines += [
        f"| {one.recipe} | {one.base} | {one.batch} | {one.tokens_per_s:,.0f} | {one.targets_per_s:,.0f} | "
        f"{one.padding:.0%} | {one.tflop_per_s:.4g} | {one.share_of_like:.0%} of {one.like_tflop_per_s:.4g} | "
        f"{one.share_of_square:.0%} | {one.step_s:.3g} | {one.least_step_s:.3g} |"
        for one in speeds
    ]
    return "\n".join(lines)


def kept(path: Path, found: Mapping[str, Any]) -> str:
    """The results with those of a device in the place of older ones of the same recipes on it, as JSON."""

    def key(one: Mapping[str, Any]) -> tuple[str, str]:
        return one["limits"]["name"], one["limits"]["dtype"]

    devices = json.loads(path.read_text("utf-8"))["devices"] if path.is_file() else []
    names = {one["recipe"] for one in found["recipes"]}
    older = [one for device in devices if key(device) == key(found) for one in device["recipes"]]
    rows = sorted(
        [*found["recipes"], *(one for one in older if one["recipe"] not in names)], key=lambda one: str(one["recipe"])
    )
    others = [device for device in devices if key(device) != key(found)]
    return json.dumps({"devices": sorted([*others, {**found, "recipes": rows}], key=key)}, indent=1) + "\n"


def _gathered(hearing: Hearing, folder: Path) -> TrajectoryFolder:
    from speechagents.tuning.gathering import Gathered, GatherSettings, gather
    from speechagents.tuning.sources import Wanted

    settings = GatherSettings(
        sources=("hcs:train", "hcs:dev"), wanted=Wanted(roles=(2, 5), scenes=SCENES), hearing=str(hearing)
    )
    (done,) = (event for event in gather(settings, folder / str(hearing)) if isinstance(event, Gathered))
    return done.folder


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="", metavar="NAME,NAME", help="default: those that fit the device")
    parser.add_argument("--data", type=Path, metavar="DIR", help="trajectories (default: gathered for each recipe)")
    parser.add_argument("--steps", type=int, default=8, help="steps that count (default 8)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--write", action="store_true", help="keep the figures under benchmarks/results")
    arguments = parser.parse_args(argv)
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers", "peft")):
        print("nothing measured: the extra [tuning] is not installed")
        return 0
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from speechagents.devices import choose_device
    from speechagents.tuning.recipe import Method
    from speechagents.tuning.recipe_file import find_recipe, read_recipe, shipped_recipes
    from speechagents.tuning.trajectory_folder import read_trajectory_folder

    device = choose_device(arguments.device)
    dtype = "bfloat16" if device.name.startswith("cuda") else "float32"
    limits = measure_limits(device.name, dtype, clock=clock_of(device.name))
    names = arguments.recipes.split(",") if arguments.recipes else list(shipped_recipes())
    speeds: list[Speed] = []
    with tempfile.TemporaryDirectory() as scratch:
        folders: dict[Hearing, TrajectoryFolder] = {}
        for name in names:
            recipe = read_recipe(find_recipe(name))
            small = bool(recipe.base.random) or recipe.family == "units"
            if recipe.method is not Method.MIX or not (arguments.recipes or small or device.is_gpu):
                print(f"{name}: left out, see --help", file=sys.stderr)
                continue
            try:
                if arguments.data is not None:
                    data = read_trajectory_folder(arguments.data)
                else:
                    heard = recipe.data.hearing
                    data = folders.get(heard) or folders.setdefault(heard, _gathered(heard, Path(scratch)))
                speeds.append(measure(recipe, data, device.name, limits, steps=arguments.steps))
                print(f"{name}: {speeds[-1].tokens_per_s:,.0f} tokens/s", file=sys.stderr, flush=True)
            except (SpeechAgentsError, RuntimeError, ValueError) as error:
                # The last two are the libraries': one recipe that fails must not cost the others their figures.
                print(f"{name}: not measured: {error}", file=sys.stderr)
                continue
            limits = better(limits, measure_limits(device.name, dtype, clock=clock_of(device.name)))
            speeds = [replace(one, share_of_square=one.tflop_per_s / limits.compute_tflop_s) for one in speeds]
            if arguments.write:
                found = {"limits": _plain(limits), "cores": os.cpu_count(), "steps": arguments.steps}
                RESULTS.write_text(kept(RESULTS, {**found, "recipes": [_plain(one) for one in speeds]}), "utf-8")
    print(table(speeds, limits))
    return 0


def _plain(value: Any) -> dict[str, Any]:
    found = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: round(one, 4) if name == "share_of_square" else one for name, one in found.items()}


if __name__ == "__main__":
    sys.exit(main())
