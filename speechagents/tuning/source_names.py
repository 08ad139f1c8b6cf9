"""Sources of trajectories by name: what a name means, and who reads it.

Owns that. Does not know how a source is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from speechagents.errors import TuningError
from speechagents.tuning.sources import SHIPPED, KnownScenes, Source, Wanted
from speechagents.tuning.sources_benchmark import benchmark_named, benchmark_source
from speechagents.tuning.sources_production import is_production, production_source, productions_of_run
from speechagents.tuning.sources_script import script_source


def read_sources(names: Sequence[str], wanted: Wanted) -> Sequence[Source]:
    """Read sources.

    Args:
        names: ``hcs`` or ``hcs:train``, or paths: the folder of a benchmark (with ``:train`` behind it for one split),
            of a benchmark's run, of a production; a screenplay or dialogue.
        wanted: What of them.

    Raises:
        InputError: One cannot be used; the message names it and the remedy.
        ProductionError: A production is damaged.
    """
    benchmarks = {name: named for name in names if (named := benchmark_named(name)) is not None}
    known = KnownScenes([scene_set for scene_set, *_ in benchmarks.values()])
    found: list[Source] = []
    for name in dict.fromkeys(names):
        path = Path(name)
        if name in benchmarks:
            found.append(benchmark_source(*benchmarks[name], wanted))
        elif is_production(path):
            found.append(production_source(path, wanted, known))
        elif runs := productions_of_run(path):
            found += [production_source(one, wanted, known) for one in runs]
        elif path.is_dir():
            raise TuningError(
                f"{path}: holds neither a production, nor a benchmark (index.yaml), nor a run of one; name a folder "
                f"that `speechagents improvise` or `speechagents bench` made, a script file, or {SHIPPED}"
            )
        else:
            found.append(script_source(path, wanted))
    return found
