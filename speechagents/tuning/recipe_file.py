"""Recipes as YAML files: those that people write, and those that come with the package.

Owns their form, and each fault's line, field and remedy. Does not know what the values mean (`recipe`).

::

    name: tiny
    about: One sentence for people.
    family: chat                     # or units
    base: {model: owner/name, revision: main}  # a name on the hub, or a folder; or tiny random weights: {random: qwen2}
    adapter: {kind: lora, rank: 8, alpha: 16, targets: [q_proj, v_proj]}       # or {kind: full}
    data: {agent: 0.5, next_speaker: 0.2, general: rules, hearing: text}
    training: {steps: 60, batch: 4, learning_rate: 1.0e-3, warmup: 5, max_tokens: 1024, seed: 1}
    method: grpo                     # by reinforcement, then with a part rl, see `rl_recipe`; mix is the default

All that is left out has the default of its value here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from speechagents.benchmark.fields import entries, fault, number, one_of, read_document, text, texts, whole, yes_or_no
from speechagents.errors import BenchmarkError, TuningError
from speechagents.resources import resource
from speechagents.scripts.yaml_nodes import Node
from speechagents.tuning.recipe import (
    ADAPTER_LIMITS,
    BASE_LIMITS,
    MIX_LIMITS,
    NAME,
    RANDOM_BASES,
    TRAINING_LIMITS,
    Adapter,
    AdapterKind,
    Base,
    FamilyKind,
    Hearing,
    Limits,
    Method,
    Mix,
    Precision,
    Recipe,
    Schedule,
    Training,
    names_of,
    recipe_values,
)

if TYPE_CHECKING:
    from speechagents.tuning.rl_recipe import Reinforcement

_Part = TypeVar("_Part")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        TuningError: Something is missing or wrong; the message names file, line, field and remedy.
    """
    try:
        needed = ("name", "about", "family", "base", "adapter", "data", "training")
        found = entries(read_document(path), needed, ("method", "rl"))
        parts: dict[str, Any] = {
            "base": _base(found["base"]),
            "adapter": _adapter(found["adapter"]),
            "data": _mix(found["data"]),
            "training": read_training(found["training"]),
            "rl": _reinforcement(found),
        }
        name, about = text(found["name"]), text(found["about"], most=2_000)
        kind = FamilyKind(one_of(found["family"], tuple(FamilyKind)))
    except BenchmarkError as error:
        raise TuningError(str(error)) from error
    try:
        return Recipe(name=name, about=about, family=kind, folder=path.parent, **parts)
    except TuningError as error:
        raise TuningError(str(error), source=path.name) from error


def find_recipe(name: str) -> Path:
    """Path of a recipe: of a file, or of a shipped recipe by its name.

    Raises:
        TuningError: There is neither; the message lists the shipped ones.
    """
    if NAME.fullmatch(name) and name in (shipped := shipped_recipes()):
        return shipped[name]
    path = Path(name).expanduser()
    if not path.is_file():
        there = ", ".join(shipped_recipes())
        raise TuningError(f"there is no such recipe; write the path of a YAML file, or one of {there}", source=name)
    return path


def shipped_recipes() -> Mapping[str, Path]:
    """Recipes that come with the package, by name."""
    try:
        folder = resource("models", "recipes")
    except FileNotFoundError:
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def write_recipe(recipe: Recipe) -> str:
    """The recipe as YAML that `read_recipe` reads back equal, wherever it lies: a file beside it is named in full."""
    values = recipe_values(recipe)
    if recipe.general_file is not None:
        values["data"]["general"] = str(recipe.general_file.expanduser().absolute())
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def _base(node: Node) -> Base:
    found = entries(node, (), ("model", "revision", "random", *BASE_LIMITS))
    values: dict[str, Any] = {name: text(found[name]) for name in ("model", "revision") if name in found}
    if "random" in found:
        values["random"] = one_of(found["random"], RANDOM_BASES)
    values |= read_numbers(Base, found, BASE_LIMITS)
    return _made(Base, values, node)


def _adapter(node: Node) -> Adapter:
    found = entries(node, ("kind",), ("rank", "alpha", "dropout", "targets"))
    values: dict[str, Any] = {"kind": AdapterKind(one_of(found["kind"], tuple(AdapterKind)))}
    if values["kind"] is AdapterKind.FULL and len(found) > 1:
        name = next(name for name in found if name != "kind")
        raise fault(found[name].at, f"all weights are learnt: {name} is for kind: {AdapterKind.LORA}; remove it")
    values |= read_numbers(Adapter, found, ADAPTER_LIMITS)
    if "targets" in found:
        values["targets"] = texts(found["targets"])
    return _made(Adapter, values, node)


def _mix(node: Node) -> Mix:
    found = entries(node, ("agent",), ("next_speaker", "speech", "general", "hearing"))
    values: dict[str, Any] = read_numbers(Mix, found, MIX_LIMITS)
    if "general" in found:
        values["general"] = text(found["general"])
    if "hearing" in found:
        values["hearing"] = Hearing(one_of(found["hearing"], tuple(Hearing)))
    return _made(Mix, values, node)


def read_training(node: Node) -> Training:
    """The part that says how it is trained; a part ``rl`` has another one of the kind."""
    found = entries(node, ("steps",), [name for name in names_of(Training) if name != "steps"])
    values: dict[str, Any] = read_numbers(Training, found, TRAINING_LIMITS)
    if "schedule" in found:
        values["schedule"] = Schedule(one_of(found["schedule"], tuple(Schedule)))
    if "dtype" in found:
        values["dtype"] = Precision(one_of(found["dtype"], tuple(Precision)))
    if "recompute" in found:
        values["recompute"] = yes_or_no(found["recompute"])
    return _made(Training, values, node)


def _reinforcement(found: Mapping[str, Node]) -> Reinforcement | None:
    method = Method(one_of(found["method"], tuple(Method))) if "method" in found else Method.MIX
    if "rl" not in found:
        if method is Method.GRPO:
            raise fault(found["method"].at, "needs a part rl that says what is rewarded; write rl: {reward: {…: 1.0}}")
        return None
    if method is Method.MIX:
        raise fault(found["rl"].at, f"is for method: {Method.GRPO}; write that, or remove it")
    # Knows all metrics of the benchmark, which no other recipe needs.
    from speechagents.tuning.rl_recipe import read_reinforcement

    return read_reinforcement(found["rl"])


def read_numbers(kind: type[Any], found: Mapping[str, Node], limits: Limits) -> dict[str, int | float]:
    """The numbers of a part that are there; whole ones where its value is whole."""
    types = {one.name: one.type for one in dataclasses.fields(kind)}
    return {
        name: whole(found[name], int(low), int(high)) if types[name] == "int" else number(found[name], low, high)
        for name, (low, high) in limits.items()
        if name in found
    }


def _made(kind: Callable[..., _Part], values: Mapping[str, Any], node: Node) -> _Part:
    """A part of values that are within their limits each; what does not go together is told with the part's place."""
    try:
        return kind(**values)
    except TuningError as error:
        raise TuningError(str(error), source=node.at.source, line=node.at.line) from error
