"""From a metric's value to 0 … 1: between what spoilt scenes have and what good ones reach, both measured.

Owns the derivation. Does not know episodes or weights (`rewards`). The scenes are those of the data that the policy is
taught with, cut into windows as long as an episode; they are spoilt in the ways of the benchmark
(`benchmark.baselines`). A metric that does not tell the windows from any spoilt ones, or has nothing to measure in most
of them, cannot say that one episode is better than another: it is refused as a reward, with that reason.

**Ends.** 0 is what nine of ten spoilt windows reach or exceed, 1 is what one of ten good ones exceeds; the spoilt ones
are those of the way that the metric sees best. Single windows scatter: ends at the means of both would make most
episodes 0 or 1. Nothing is gained beyond 1: whoever repeats everything that was said before him has more uptake than
people have, and is not better for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.benchmark.baselines import BASELINES, Baseline
from speechagents.benchmark.facts import Fact
from speechagents.benchmark.metrics.metric import Better, Looked, Metric
from speechagents.benchmark.played import CellRecord, Played
from speechagents.benchmark.script_file import SceneScript, ScriptLine
from speechagents.benchmark.statistics import paired_effect, sign_flip_p
from speechagents.drama import Deed, Message, SceneBrief, Style
from speechagents.errors import TuningError

MAX_WINDOWS: Final = 120
"""Windows that are measured, spread over all there are: 0.1 of any quantity is known well enough."""
LEAST_WINDOWS: Final = 12
LEAST_MEASURED: Final = 0.5
"""Smallest share of good windows in which a metric has to find something to measure."""
SURE: Final = 0.01
"""Largest p of the difference between good and spoilt windows, for the best of all ways to spoil. Windows of one scene
are counted as if they were independent; they are not quite, hence strict."""
_LOW, _HIGH = 10.0, 90.0


@dataclass(frozen=True, slots=True)
class Window:
    """Lines of a good scene, as many as an episode has.

    Attributes:
        scene_id: Of the scene.
        scene: The brief.
        facts: What everybody in it knows.
        lines: In order.
    """

    scene_id: str
    scene: SceneBrief
    facts: tuple[Fact, ...]
    lines: tuple[ScriptLine, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """A metric's way to 0 … 1, and where it comes from.

    Attributes:
        zero: The value that is worth 0.
        one: The value that is worth 1; below `zero` where less is better.
        good: Mean of the good windows.
        spoilt: Mean of the spoilt ones.
        baseline: How they were spoilt.
        windows: Good windows in which there was something to measure.
    """

    zero: float
    one: float
    good: float
    spoilt: float
    baseline: str
    windows: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.zero) and math.isfinite(self.one)) or self.zero == self.one:
            raise ValueError(f"{self.zero} and {self.one} are no two ends")

    def worth(self, value: float) -> float:
        """Of a value: 0 to 1."""
        return min(1.0, max(0.0, (value - self.zero) / (self.one - self.zero)))


def derive_scales(windows: Sequence[Window], metrics: Iterable[Metric], *, seed: int = 0) -> Mapping[str, Scale]:
    """The scale of each metric, by name.

    Args:
        windows: All of the same number of lines.
        metrics: That look at words alone.
        seed: Of how windows are spoilt.

    Raises:
        TuningError: There are too few windows, or a metric cannot tell good from spoilt ones.
    """
    if len(windows) < LEAST_WINDOWS:
        raise TuningError(
            f"the data hold {len(windows)} stretches as long as a scene that is to be played, {LEAST_WINDOWS} are "
            "needed to scale what is rewarded; play fewer turns, or gather more scenes",
            field="rl.turns",
        )
    chosen = [windows[at * len(windows) // MAX_WINDOWS] for at in range(MAX_WINDOWS)]
    chosen = list(windows) if len(windows) <= MAX_WINDOWS else chosen
    played = {name: [_spoilt(one, way, seed + at) for at, one in enumerate(chosen)] for name, way in BASELINES.items()}
    return {metric.name: _scale(metric, played) for metric in metrics}


def played_lines(name: str, scene: SceneBrief, facts: Sequence[Fact], messages: Sequence[Message]) -> Played:
    """Messages as metrics take them: a cell that was never on a disk."""
    record = CellRecord(name, len(scene.roles), 0, scene.seed, "", 0.0, turns=len(messages))
    return Played(name, record, scene, tuple(facts), tuple(messages))


def _scale(metric: Metric, played: Mapping[str, Sequence[Played]]) -> Scale:
    found = {name: [metric.measure(Looked(one)).value for one in cells] for name, cells in played.items()}
    reference, *ways = found
    good = [value for value in found[reference] if value is not None]
    whole = len(found[reference])
    if len(good) < max(LEAST_WINDOWS, LEAST_MEASURED * whole):
        raise _refused(
            metric, f"finds something to measure in {len(good)} of {whole} stretches of this length; play more turns"
        )
    sign = -1.0 if metric.better is Better.LOWER else 1.0
    best: tuple[float, str] = (0.0, "")
    for way in ways:
        pairs = zip(found[reference], found[way], strict=True)
        apart = [sign * (one - other) for one, other in pairs if one is not None and other is not None]
        effect = paired_effect(apart) or 0.0
        # As many tests as there are ways: the first Bonferroni bound is enough for what has to be plain to see.
        if effect > best[0] and sign_flip_p(apart) * len(ways) <= SURE:
            best = (effect, way)
    if not best[1]:
        raise _refused(metric, "does not tell good scenes from spoilt ones at this length; play more turns")
    spoilt = [value for value in found[best[1]] if value is not None]
    zero, one = np.percentile(sign * np.array(spoilt), _LOW), np.percentile(sign * np.array(good), _HIGH)
    if not one > zero:
        raise _refused(metric, "is the same in nearly all good and spoilt scenes of this length; play more turns")
    # Adding 0 makes 0 of -0.
    return Scale(
        zero=sign * float(zero) + 0.0,
        one=sign * float(one) + 0.0,
        good=math.fsum(good) / len(good),
        spoilt=math.fsum(spoilt) / len(spoilt),
        baseline=best[1],
        windows=len(good),
    )


def _refused(metric: Metric, why: str) -> TuningError:
    return TuningError(f"{metric.name} {why}, or leave it out", field=f"rl.reward.{metric.name}")


def _spoilt(window: Window, way: Baseline, seed: int) -> Played:
    """A window as it is with a way to spoil it; those ways that only the voices show change nothing."""
    script = SceneScript(window.scene_id, len(window.scene.roles), "", window.lines)
    lines = way.spoil(script, window.facts, np.random.default_rng(seed)).lines
    messages = [
        Message(number, line.role, line.text, Deed.SPEAK, Style(line.style), (), (), 0.0, 0.0, "")
        for number, line in enumerate(lines, 1)
    ]
    # Spoken plainly is written plainly here, where nothing is spoken.
    plain = [
        replace(message, style=Style()) if at >= way.plain_from * len(messages) else message
        for at, message in enumerate(messages)
    ]
    return played_lines(window.scene_id, window.scene, window.facts, plain)
