"""Sees to it that the weights of a back end are here before it loads.

Owns the step between a preset, which names weights, and a back end, which is given a folder: what is missing is
downloaded first, with size and licence told before the first byte; and what the back ends of a studio have in common.
Does not know how weights are found or fetched, nor any back end, nor who the workers are that may have them instead.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from speechagents.backends import LISTENERS, NOTHING_SHARED, SYNTHESIZERS
from speechagents.errors import WeightsMissing
from speechagents.gpus import gpus
from speechagents.listeners.listener import Listener
from speechagents.preset import Preset, resolved
from speechagents.residency import SPARE, LoadedModels, Residence
from speechagents.voices.synthesizer import Synthesizer
from speechagents.weights import Weights, find

if TYPE_CHECKING:
    from speechagents.cluster.workforce import Workforce
    from speechagents.weights_fetching import Announce

_EMBEDDED: Final = "pocketsphinx"
_OPTIONS: Final[Mapping[str, str]] = {
    "synthesizer": "options",
    "controller": "controller_options",
    "listener": "listener_options",
}


def provided(
    preset: Preset, kind: Literal["synthesizer", "controller", "listener"], *, announce: Announce | None = None
) -> dict[str, Any]:
    """The options of a part of a preset as its back end takes them; its weights are on this machine then.

    Args:
        preset: Which.
        kind: Which part of it.
        announce: Is told of downloads; None writes lines to the error stream.

    Raises:
        WeightsMissing: Weights are not here and cannot be fetched.
        SettingsError: An environment variable that the preset names is not set.
        StorageError: There is no room for them.
    """
    options: Mapping[str, Any] = getattr(preset, _OPTIONS[kind])
    folders = {one: _folder(one, preset, announce) for one in preset.weights.get(kind, ())}
    return resolved(options, folders)


def in_common() -> Mapping[str, Any]:
    """What the back ends of one studio share, by the names that their factories know it by.

    ``residence``: the memory of the first GPU. ``loaded``: models that several of them use.
    """
    gpu = next(iter(gpus()), None)
    budget_gb = gpu.memory_gb * (1.0 - SPARE) if gpu else float("inf")
    return {"residence": Residence(budget_gb), "loaded": LoadedModels()}


def load_voices(preset: Preset, jobs: int, *, shared: Mapping[str, Any] = NOTHING_SHARED) -> Synthesizer:
    """The voices of a preset.

    Args:
        preset: Which.
        jobs: What of them is at work at once.
        shared: What the back ends of a studio have in common.

    Raises:
        SpeechAgentsError: They cannot be used here.
    """
    options = {"jobs": jobs, **provided(preset, "synthesizer")}
    loaded: Synthesizer = SYNTHESIZERS.load(preset.synthesizer, options, shared=shared)
    return loaded


def hired(workers: str, preset: Preset, *, jobs: int) -> Workforce | None:
    """Workers that have the voices of a preset; None where nobody is named.

    Args:
        workers: Who, as ``--workers`` says it (`cluster.workers`).
        preset: Whose voices they load, wherever they are.
        jobs: How many there are where `workers` does not say; 0 is one for each core, or for each place that a
            cluster has.

    Raises:
        SpeechAgentsError: They cannot be reached, or the voices not be loaded.
    """
    if not workers:
        return None
    from speechagents.cluster.workforce import hire  # one machine needs nothing of it

    return hire(workers, preset, jobs=jobs)


def load_ears(
    preset: Preset, *, announce: Announce | None = None, shared: Mapping[str, Any] = NOTHING_SHARED
) -> Listener:
    """The recogniser of a preset, or the embedded one where it names none.

    Args:
        preset: Which.
        announce: Is told of downloads; None writes lines to the error stream.
        shared: What the back ends of a studio have in common.

    Raises:
        SpeechAgentsError: It cannot be used here.
    """
    options = provided(preset, "listener", announce=announce)
    loaded: Listener = LISTENERS.load(preset.listener or _EMBEDDED, options, shared=shared)
    return loaded


def _folder(weights: Weights, preset: Preset, announce: Announce | None) -> Path:
    found = find(weights)
    if found is not None:
        return found
    # Whoever needs no download need not wait for the HTTP client.
    from speechagents.weights_fetching import fetch
    from speechagents.weights_lines import FetchLines

    try:
        return fetch(weights, announce or FetchLines(sys.stderr))
    except WeightsMissing as error:
        raise WeightsMissing(f"preset {preset.name} needs {weights}: {error}") from error
