"""``speechagents fetch``: downloads what a preset needs, ahead of its first use.

Owns its arguments and what it prints. Does not know how weights are fetched.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from speechagents.commands.options import Commands, print_json
from speechagents.errors import BackendMissing, SettingsError

if TYPE_CHECKING:
    from speechagents.weights_fetching import FetchEvent


def add_fetch_command(commands: Commands) -> None:
    """Add ``fetch``."""
    fetch = commands.add_parser(
        "fetch",
        help="download what a preset needs",
        description="Download what a preset needs, ahead of its first use, into the cache that all programs share "
        "which load models from the Hugging Face hub. Size and licence are shown first; what broke off is gone on "
        "with. `speechagents doctor` lists the presets.",
    )
    fetch.add_argument("preset", help="its name")
    fetch.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    fetch.set_defaults(run=_fetch)


def _fetch(arguments: argparse.Namespace) -> int:
    from speechagents.preset import total_size
    from speechagents.presets import named_preset
    from speechagents.weights_fetching import FetchDone, fetch
    from speechagents.weights_lines import FetchLines

    if arguments.preset == "auto":
        raise SettingsError("auto takes what is ready and fetches nothing; name a preset (`speechagents doctor`)")
    preset = named_preset(arguments.preset)
    if preset.packages_missing:
        raise BackendMissing(f"preset {preset.name!r} cannot run here: {preset.packages_missing}")
    lines = FetchLines(sys.stderr)
    done: list[FetchDone] = []

    def announce(event: FetchEvent) -> None:
        if isinstance(event, FetchDone):
            done.append(event)
        lines(event)

    began_s = time.monotonic()
    sold = "" if preset.commercial else "; NON-COMMERCIAL: what is made with it may not be sold"
    needed = preset.all_weights
    what = f"{total_size(needed)} of weights" if needed else "no weights"
    print(f"preset {preset.name}: {what}, licence {preset.licence}{sold}", file=sys.stderr)
    for weights in needed:
        fetch(weights, announce)
    if arguments.json:
        print_json(
            {
                "preset": preset.name,
                "licence": preset.licence,
                "commercial": preset.commercial,
                "seconds": round(time.monotonic() - began_s, 3),
                "weights": [
                    {
                        "repo": one.weights.repo,
                        "revision": one.folder.name,
                        "licence": one.weights.licence,
                        "commercial": one.weights.commercial,
                        "folder": str(one.folder),
                        "bytes": one.total_bytes,
                        "fetched_bytes": one.fetched_bytes,
                    }
                    for one in done
                ],
            }
        )
    else:
        for one in done:
            print(one.folder)
    return 0
