"""What tuned models are measured by: names, which values are better, and values of single samples.

Owns the list of measures and what was found of one model. Does not know how anything is measured (`evaluation`,
`transcription`, `stage_trial`), nor how models are compared (`changes`). Importing it needs no PyTorch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from speechagents.benchmark.metrics.metric import Better
from speechagents.errors import TuningError
from speechagents.production.storage import write_atomically
from speechagents.tuning.trajectory import Instruction

OF_KIND: Final = ": "
"""Stands between a measure of general tasks and one kind of them: ``general_exact: arithmetic``."""
ON_STAGE: Final = "stage "
"""So names of the benchmark's metrics begin."""
_SCHEMA: Final = 1
_MAX_BYTES: Final = 200_000_000
_DIGITS: Final = 9


class Side(StrEnum):
    """Whose ability it is."""

    AGENT = "agent"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        name: Short and unique.
        title: For people, as the head of a row.
        about: One sentence: what it is.
        side: Agents' tasks or general ones.
        better: Which values are better.
        perplexity: The value is in nats; people are shown its exponential.
        claims: "Better at agents, no worse in general" hangs on it.
        margin: Of a measure of general tasks that claims: so much worse, in its own unit, is no worse.
    """

    name: str
    title: str
    about: str
    side: Side
    better: Better
    perplexity: bool = False
    claims: bool = False
    margin: float = 0.0

    def shown(self, value: float) -> float:
        """A value as people are shown it."""
        return math.exp(min(value, 700.0)) if self.perplexity else value

    def gain(self, difference: float) -> float:
        """A difference, positive where it is for the better."""
        return difference if self.better is Better.HIGHER else -difference


MEASURES: Final[Mapping[str, Measure]] = {
    one.name: one
    for one in (
        Measure(
            "next_speaker",
            "Next speaker right",
            "Share of turns for which the name that follows is the likeliest of all that are present.",
            Side.AGENT,
            Better.HIGHER,
            claims=True,
        ),
        Measure(
            "style",
            "Style right",
            "Share of turns whose style is the likeliest of all styles behind the true thoughts.",
            Side.AGENT,
            Better.HIGHER,
            claims=True,
        ),
        Measure(
            "line_nats",
            "Perplexity of lines, per token",
            "How many tokens the model hesitates between at each token of a line.",
            Side.AGENT,
            Better.LOWER,
            perplexity=True,
            claims=True,
        ),
        Measure(
            "line_word_nats",
            "Perplexity of lines, per word",
            "The same by words that blanks part, whatever the tokenizer: marks belong to words.",
            Side.AGENT,
            Better.LOWER,
            perplexity=True,
        ),
        Measure(
            "line_bits",
            "Bits per character of lines",
            "Negative binary logarithm of a line's likelihood by its characters: tokenizers compare by it.",
            Side.AGENT,
            Better.LOWER,
        ),
        Measure(
            "unit_nats",
            "Perplexity of speech units",
            "How many units the model hesitates between at each unit of a turn's speech, behind words and style.",
            Side.AGENT,
            Better.LOWER,
            perplexity=True,
            claims=True,
        ),
        Measure(
            "general_exact",
            "General answers right",
            "Share of answers that the model would write token for token if it always took the likeliest.",
            Side.GENERAL,
            Better.HIGHER,
            claims=True,
            margin=0.05,
        ),
        Measure(
            "general_nats",
            "Perplexity of general answers, per token",
            "How many tokens the model hesitates between at each token of a good answer.",
            Side.GENERAL,
            Better.LOWER,
            perplexity=True,
            claims=True,
            margin=0.1,
        ),
        Measure(
            "words_wrong",
            "Words misheard",
            "Word error rate of what the model writes down of speech units, at most 1 for a sample.",
            Side.GENERAL,
            Better.LOWER,
        ),
        Measure(
            "units_wrong",
            "Units misread",
            "Unit error rate of what the model reads aloud, by the units of the same words in the same voice, at most "
            "1 for a sample.",
            Side.GENERAL,
            Better.LOWER,
        ),
    )
}
"""All but the benchmark's own metrics, which `measure_of` knows."""


def measure_of(name: str) -> Measure:
    """The measure of a name, those of single kinds of general tasks and the benchmark's metrics included.

    Raises:
        KeyError: There is none.
    """
    if name.startswith(ON_STAGE):
        return _metric(name)
    base, _, kind = name.partition(OF_KIND)
    found = MEASURES[base]
    if not kind:
        return found
    return Measure(
        name, f"{found.title}{OF_KIND}{kind}", found.about, found.side, found.better, perplexity=found.perplexity
    )


def _metric(name: str) -> Measure:
    from speechagents.benchmark.metrics.catalogue import all_metrics

    metric = {one.name: one for one in all_metrics()}[name.removeprefix(ON_STAGE)]
    title = metric.title + (f" ({metric.unit})" if metric.unit else "")
    return Measure(name, title, metric.about, Side.AGENT, metric.better)


@dataclass(frozen=True, slots=True)
class Scored:
    """One sample by one measure.

    Attributes:
        group: What was sampled: the scene of the sample, or the sample itself. Samples of one scene are no further
            evidence about other scenes.
        value: Sum of what is measured: right answers, nats.
        weight: By what it is divided: answers, tokens.
    """

    group: str
    value: float
    weight: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.weight) and self.weight > 0.0):
            raise ValueError(f"{self.value} of {self.weight} is no measurement")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found of one model.

    Attributes:
        held_out: Digest of the samples: only evaluations of the same compare.
        measures: By name of the measure and id of the sample.
        left_out: Ids of samples for which the model has no room.
    """

    held_out: str
    measures: Mapping[str, Mapping[str, Scored]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def by_group(self, measure: str) -> Mapping[str, float]:
        """A measure's value for each group, in the order of their names; none where it was not measured."""
        sums: dict[str, list[Scored]] = {}
        for one in self.measures.get(measure, {}).values():
            sums.setdefault(one.group, []).append(one)
        return {
            group: math.fsum(one.value for one in found) / math.fsum(one.weight for one in found)
            for group, found in sorted(sums.items())
        }

    def mean(self, measure: str) -> float | None:
        """A measure's mean over groups, each with the same weight; None where it was not measured."""
        found = self.by_group(measure)
        return math.fsum(found.values()) / len(found) if found else None

    def with_measures(self, more: Evaluation) -> Evaluation:
        """This and what was measured of the same model by other means."""
        return Evaluation(
            self.held_out, {**self.measures, **more.measures}, tuple(dict.fromkeys(self.left_out + more.left_out))
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": _SCHEMA,
            "held_out": self.held_out,
            "left_out": list(self.left_out),
            "measures": {
                name: {sample: [one.group, one.value, one.weight] for sample, one in found.items()}
                for name, found in self.measures.items()
            },
        }

    @classmethod
    def from_json(cls, values: Any, source: str = "") -> Self:
        """Values as `to_json` gave them.

        Raises:
            TuningError: They are damaged, or of another version.
        """
        try:
            if values["schema"] != _SCHEMA:
                raise TuningError("was written by another version; evaluate again", source=source)
            measures = {
                str(name): {
                    str(sample): Scored(str(group), float(value), float(weight))
                    for sample, (group, value, weight) in found.items()
                }
                for name, found in values["measures"].items()
            }
            for name in measures:
                measure_of(name)
            return cls(str(values["held_out"]), measures, tuple(map(str, values["left_out"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TuningError(f"is damaged ({error!r:.200}); evaluate again", source=source) from error


def group_of(sample: Instruction) -> str:
    """What was sampled when an instruction was: the scene, where it is about the speech of one; else itself.

    Ids of instructions begin with their kind; those about speech go on with the scene.
    """
    rest = sample.id.removeprefix(f"{sample.task}/")
    return sample.id if rest == sample.id else rest.partition("/")[0]


def collected(held_out: str, found: Sequence[tuple[str, str, Scored]], left_out: Sequence[str] = ()) -> Evaluation:
    """An evaluation of single findings: measure, sample and value of each, rounded to what a file keeps."""
    measures: dict[str, dict[str, Scored]] = {}
    for measure, sample, one in found:
        measures.setdefault(measure, {})[sample] = Scored(
            one.group, round(one.value, _DIGITS), round(one.weight, _DIGITS)
        )
    return Evaluation(held_out, measures, tuple(left_out))


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation as JSON.

    Raises:
        StorageError: The disk is full or the folder cannot be written.
    """
    write_atomically(path, (json.dumps(evaluation.to_json(), ensure_ascii=False) + "\n").encode())


def read_evaluation(path: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        TuningError: It cannot be read, or is damaged.
    """
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise TuningError(f"cannot be read ({error}); evaluate again", source=path.name) from error
    return Evaluation.from_json(values, path.name)
