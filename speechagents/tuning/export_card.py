"""The card of an exported model: what it is, of what and how it was made, and what nobody has tried.

Owns the text and what a base's own card says of its licence. Does not know files, nor how anything is merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from speechagents import __version__
from speechagents.tuning.tuned_model import TunedKind

if TYPE_CHECKING:
    from speechagents.tuning.export import Exported
    from speechagents.tuning.merging import Merge

CARD: Final = "README.md"
_MAX_HEAD_BYTES: Final = 64_000
_MAX_LICENCE_CHARS: Final = 100

_USE: Final = """\
It is a folder as `transformers` saves one. It acts in a preset of your own, which `speechagents merge` writes with
`--preset-file mine.yaml`: `speechagents improvise SCENE.yaml --out DIR --preset mine.yaml`. A server that speaks
OpenAI's requests can serve it (`vllm serve FOLDER`), and is named by `--server URL`."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a model that was merged.

    Attributes:
        name: What it is called.
        kind: What it was.
        files: SHA-256 of its files, by name.
        recipe: As plain values; empty if there is none.
        run: What its run says of itself; empty if it says nothing.
        adapter: Settings of an adapter.
    """

    name: str
    kind: TunedKind
    files: Mapping[str, str]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    adapter: Mapping[str, Any] = field(default_factory=dict)


def licence_of(folder: Path) -> str:
    """The licence that a model's card names, as it names it; empty if it names none."""
    try:
        with (folder / CARD).open("rb") as file:
            head = file.read(_MAX_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    if not head.startswith("---\n"):
        return ""
    try:
        values = yaml.safe_load(head[4:].partition("\n---")[0])
    except (yaml.YAMLError, RecursionError):
        return ""
    if not isinstance(values, dict):
        return ""
    named, own = values.get("license"), values.get("license_name")
    licence = own if named == "other" else named
    return licence.strip()[:_MAX_LICENCE_CHARS] if isinstance(licence, str) else ""


def card(exported: Exported, merge: Merge, sources: Sequence[Source]) -> str:
    """The card.

    Args:
        exported: What was made.
        merge: How.
        sources: Of what.
    """
    head: dict[str, Any] = {"library_name": "transformers"}
    if exported.base:
        head["base_model"] = exported.base
    if exported.licence:
        head["license"] = exported.licence
    head["tags"] = ["speechagents"]
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---",
        f"# {' + '.join(exported.models)}",
        _what(exported),
        "## How it was made",
        "\n".join(
            _made(one, strength) for one, strength in zip(sources, merge.strengths_of(len(sources)), strict=True)
        ),
        _merged(exported, merge),
        "## How to use it",
        _USE,
        "## What was not tried",
        _untried(exported),
    ]
    return "\n\n".join(parts) + "\n"


def _what(exported: Exported) -> str:
    licence = exported.licence or "not named by its card; see where it comes from"
    of = (
        f"{_quoted(exported.base)}, tuned to play roles. The licence of the base is: {licence}; it holds for this "
        "model, too, beside that of the data."
        if exported.base
        else "A model tuned from random weights."
    )
    return f"{of} Architecture: `{exported.architecture}`. Written by speechagents {__version__}."


def _made(source: Source, strength: float) -> str:
    said = [f"**{source.name}**, {_kind(source)}"]
    if source.recipe:
        said.append(
            f"by the recipe {_quoted(source.recipe.get('name', '?'))}: {source.recipe.get('about', '')}".rstrip(": ")
        )
    if data := _data_digest(source.run):
        said.append(f"on the data `{data}`")
    if strength != 1.0:
        said.append(f"with strength {strength:g}")
    return f"- {', '.join(said)}."


def _kind(source: Source) -> str:
    if source.kind is TunedKind.WHOLE:
        return "a whole model"
    adapter = source.adapter
    targets = adapter.get("target_modules", "?")
    named = ", ".join(map(str, targets)) if isinstance(targets, list) else str(targets)
    return f"a LoRA adapter of rank {adapter.get('r', '?')}, alpha {adapter.get('lora_alpha', '?')}, on {named}"


def _data_digest(run: Mapping[str, Any]) -> str:
    """The digest of the data in what a run says."""
    found = run.get("data", "")
    found = found.get("digest", "") if isinstance(found, Mapping) else found
    return found if isinstance(found, str) else ""


def _merged(exported: Exported, merge: Merge) -> str:
    merged, crumbs = exported.merged, merge.breadcrumbs
    if not merged.weights:
        return "It is the tuned model as it is: nothing was added to anything."
    if crumbs is None:
        how = "The changes were added to the base whole."
    else:
        how = (
            "The changes were added to the base as Model Breadcrumbs (Davari & Belilovsky 2023, arXiv 2312.06795): of "
            f"each tensor, those whose magnitudes lie between the shares {crumbs.keep_from:g} and {crumbs.keep_to:g} "
            "of all, from the smallest up."
        )
    return (
        f"{how} {merged.changed} of {merged.tensors} tensors differ from the base; of the changes of all weights in "
        f"them, {merged.share:.1%} were kept. The norm of all changes together is {merged.norm:.4g}, "
        f"{merged.relative:.3%} of that of what was tuned. Which files it was made of is in `speechagents.json`, with "
        "their SHA-256."
    )


def _untried(exported: Exported) -> str:
    said = (
        "It was written, not played: whether it acts better than its base is to be measured. vLLM was not run; the "
        "folder has what its documentation asks for (`config.json` with an architecture, safetensors under the base's "
        f"names, tokenizer files). Whether it knows `{exported.architecture}` its list of supported models says."
    )
    several = "Models that were merged may disturb each other: measure what matters to you before you rely on it."
    return f"{said} {several}" if len(exported.models) > 1 else said


def _quoted(name: object) -> str:
    return f"`{str(name).replace('`', '')}`"
