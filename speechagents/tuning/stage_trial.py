"""Held-out scenes of the benchmark, played by a tuned model and measured by the benchmark's own metrics.

Owns which scenes, and which metrics tell anything of a model. Does not know how scenes are played
(`benchmark.running`), nor what metrics are (`benchmark.metrics`).

What a controller fails to do another takes over on stage, so that a play never stops. Measured would then be that
other: a scene in which it took more than `MOST_FALLBACKS` of the turns counts for the share of such turns alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speechagents.benchmark.metrics.catalogue import all_metrics
from speechagents.benchmark.metrics.metric import Better, Metric, Needs
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.running import CellFailed, run
from speechagents.benchmark.scores import CellScores, RunScores
from speechagents.benchmark.scoring import NO_EARS, ScoreSettings, score
from speechagents.errors import TuningError
from speechagents.production.storage import storage_errors
from speechagents.resources import resource
from speechagents.tuning.measures import ON_STAGE, Evaluation, Scored, collected

FALLBACKS: Final = "fallback_turns"
"""Name of the metric for turns that are not the controller's own."""
MOST_FALLBACKS: Final = 0.2
"""With a larger share of them in a scene, its metrics say nothing of the controller."""

_COST: Final = "Cost"
"""Group of the metrics that are told by a clock: no two runs agree in them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Which scenes are played.

    Attributes:
        split: Of the benchmark: ``dev`` or ``test``.
        scenes: The first so many of it; with fewer than six there is no interval.
        roles: Number of roles.
        turns: Most turns of a scene.
        hearing: What agents hear, text or audio.
        seed: Of everything.
    """

    split: str = "test"
    scenes: int = 8
    roles: int = 3
    turns: int = 12
    hearing: str = "text"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in ("dev", "test"):
            raise TuningError(f"split {self.split!r} is none that models do not learn from; write dev or test")


def play_trial(model: Path, controller: str, folder: Path, trial: Trial, *, held_out: str = "") -> Evaluation:
    """Play and measure scenes; what is finished in the folder is not played again.

    Args:
        model: Folder of a whole model, in the form that the controller loads; see `unit_speech_folder`.
        controller: Name of the controller that loads it: ``transformers`` or ``units``.
        folder: Of the run.
        trial: Which scenes.
        held_out: Digest of the samples that the model is measured with otherwise.

    Raises:
        TuningError: A scene could not be played.
        InputError: The folder holds another run.
        ControllerError: The model cannot be used.
    """
    settings = RunSettings(
        controller=controller,
        model=str(model),
        preset="embedded",
        split=trial.split,
        roles=(trial.roles,),
        scenes=trial.scenes,
        turns=trial.turns,
        seed=trial.seed,
        hearing=trial.hearing,
        jobs=1,
        name=model.name,
    )
    for event in run(settings, folder):
        if isinstance(event, CellFailed):
            raise TuningError(f"the scene {event.name} could not be played: {event.reason}", source=str(model.name))
    *_, scores = score(folder, ScoreSettings(ears=NO_EARS, jobs=1))
    if not isinstance(scores, RunScores):
        raise TypeError("scoring ends with the scores")
    return trial_values(scores, held_out=held_out)


def unit_speech_folder(model: Path, folder: Path) -> Path:
    """A speech-unit language model with the codec that comes with this package, as the controller of units loads them.

    Args:
        model: Folder of the model.
        folder: To be made; one that is there is made anew, since the model may have changed.

    Raises:
        StorageError: The disk is full or read-only.
    """
    with storage_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(resource("models", "understudy", "codec"), folder / "codec")
        shutil.copytree(model, folder / "lm")
    return folder


def trial_values(scores: RunScores, *, held_out: str = "") -> Evaluation:
    """What the benchmark has measured of a model, by measures named after its metrics.

    Args:
        scores: Of a run.
        held_out: As in `play_trial`.
    """
    found: list[tuple[str, str, Scored]] = []
    for cell in scores.cells:
        name = f"{cell.scene_id}/{cell.roles}/{cell.repeat}"
        for metric in _metrics(cell):
            value = cell.values.get(metric.name)
            if value is not None and value.value is not None:
                found.append((ON_STAGE + metric.name, name, Scored(cell.scene_id, value.value, 1.0)))
    return collected(held_out, found)


def _metrics(cell: CellScores) -> Sequence[Metric]:
    """Those that say something of a cell: of words, with better and worse values, and the same in each run."""
    fallbacks = cell.values.get(FALLBACKS)
    own = fallbacks is None or fallbacks.value is None or fallbacks.value <= MOST_FALLBACKS
    return [
        metric
        for metric in all_metrics()
        if metric.name == FALLBACKS
        or (own and metric.needs is Needs.TEXT and metric.better is not Better.NEITHER and metric.group != _COST)
    ]
