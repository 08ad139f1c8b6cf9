"""``speechagents merge``: tuned models become one that loads without any of them.

Owns its arguments and what is printed. Does not know how models are merged or exported (`tuning`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speechagents.commands.options import Commands, path_here, print_json
from speechagents.errors import BackendMissing, SettingsError
from speechagents.weights import size

if TYPE_CHECKING:
    from speechagents.tuning.export import Exported
    from speechagents.tuning.merging import Merge


def add_merge_command(commands: Commands) -> None:
    """Add ``merge``."""
    merge = commands.add_parser(
        "merge",
        help="make one model of a base and what was tuned of it",
        description="Add tuned adapters or models to the model they were tuned from, and write a folder that "
        "transformers and vLLM load. Works from file to file: memory holds a few copies of the largest tensor.",
    )
    merge.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="folder that `speechagents tune` wrote")
    merge.add_argument(
        "--out", type=path_here, required=True, metavar="FOLDER", help="folder of the merged model; a new one"
    )
    merge.add_argument(
        "--base", default="", metavar="MODEL", help="folder or name of the base (default: what the models say)"
    )
    merge.add_argument(
        "--strength",
        type=_strengths,
        default=(1.0,),
        metavar="X[,X]",
        help="what changes are multiplied with: one number, or one for each model (default 1)",
    )
    merge.add_argument(
        "--breadcrumbs",
        action="store_true",
        help="keep neither the largest nor the smallest changes of each tensor (Model Breadcrumbs)",
    )
    merge.add_argument(
        "--keep-from",
        type=float,
        metavar="0..1",
        help="with --breadcrumbs: the share of changes that is too small to be kept (default 0.85)",
    )
    merge.add_argument(
        "--keep-to",
        type=float,
        metavar="0..1",
        help="with --breadcrumbs: the share above which changes are too large to be kept (default 0.99)",
    )
    merge.add_argument(
        "--dtype",
        default="",
        metavar="FORMAT",
        help="of all weights: float32, float16 or bfloat16 (default: those of the base)",
    )
    merge.add_argument(
        "--preset-file", type=path_here, metavar="FILE", help="write a preset (YAML) in which the merged model acts"
    )
    merge.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    merge.set_defaults(run=_merge, stopped="nothing was written")


def _merge(arguments: argparse.Namespace) -> int:
    try:
        from speechagents.tuning.export import export
        from speechagents.tuning.export_preset import check_preset_place, write_preset

        if arguments.preset_file is not None:
            check_preset_place(arguments.preset_file)
        exported = export(arguments.models, arguments.out, merge=_how(arguments), base=arguments.base)
    except ModuleNotFoundError as error:
        from speechagents.tuning.families import INSTALL

        raise BackendMissing(f"merge: {error.name or error} is not installed: {INSTALL}") from error
    preset = write_preset(arguments.preset_file, exported) if arguments.preset_file is not None else ""
    _tell(exported)
    if preset:
        _say(f"try it: speechagents improvise SCENE.yaml --out DIR --preset {arguments.preset_file}")
    if arguments.json:
        _print(exported, arguments.preset_file)
    else:
        print(exported.folder)
    return 0


def _how(arguments: argparse.Namespace) -> Merge:
    """How is to be merged, as it was asked for."""
    from speechagents.tuning.breadcrumbs import KEEP_FROM, KEEP_TO, Breadcrumbs
    from speechagents.tuning.merging import Merge

    shares = (arguments.keep_from, arguments.keep_to)
    if not arguments.breadcrumbs:
        if shares != (None, None):
            raise SettingsError("--keep-from and --keep-to say what --breadcrumbs keep; add it, or leave them out")
        return Merge(arguments.strength, dtype=arguments.dtype)
    low, high = shares
    return Merge(
        arguments.strength,
        Breadcrumbs(KEEP_FROM if low is None else low, KEEP_TO if high is None else high),
        arguments.dtype,
    )


def _tell(exported: Exported) -> None:
    merged = exported.merged
    written = sum(path.stat().st_size for path in exported.folder.iterdir())
    _say(f"{' + '.join(exported.models)} → {exported.folder} ({exported.architecture}, {size(written)})")
    if not merged.weights:
        _say(f"{merged.tensors} tensors, as they were tuned: there is no base to add them to")
        return
    base = exported.base or "its base"
    _say(f"{merged.changed} of {merged.tensors} tensors of {base} changed, {merged.share:.1%} of changes kept")
    _say(f"norm of the change {merged.norm:.4g}, {merged.relative:.3%} of that of the tensors that were tuned")


def _print(exported: Exported, preset: Path | None) -> None:
    merged = exported.merged
    print_json(
        {
            "folder": str(exported.folder),
            "base": exported.base,
            "models": list(exported.models),
            "architecture": exported.architecture,
            "licence": exported.licence,
            "tensors": merged.tensors,
            "changed": merged.changed,
            "weights": merged.weights,
            "kept": merged.kept,
            "share": round(merged.share, 6),
            "norm": merged.norm,
            "relative": merged.relative,
            **({"preset": str(preset)} if preset is not None else {}),
        }
    )


def _strengths(text: str) -> tuple[float, ...]:
    """Numbers, separated by commas."""
    return tuple(float(part) for part in text.split(","))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
