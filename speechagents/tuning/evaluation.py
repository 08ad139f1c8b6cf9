"""The same measurement of any model, before it is tuned and afterwards.

Owns what is asked of a model, and what counts as right. Does not know how likelihoods are computed (`candidates`),
which samples are asked (`held_out`), or what models compare by (`changes`). Nothing is written by the model: it is
asked how likely it holds what was said, and what could have been said instead.

Importing it needs PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from speechagents.drama import role_key
from speechagents.errors import TuningError
from speechagents.styles import STYLES
from speechagents.tuning.candidates import BATCH_TOKENS, Likelihoods, SpanScore, span_nats
from speechagents.tuning.family import Example, Family, Part
from speechagents.tuning.held_out import HeldOut
from speechagents.tuning.measures import OF_KIND, Evaluation, Scored, collected, group_of
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Trajectory

_Asked = TypeVar("_Asked", Trajectory, NextSpeaker)
_Found = Iterator[tuple[str, str, Scored]]
Told = Callable[[int, int], None]
"""Is told how many samples are done, and of how many."""


def evaluate(
    model: Any,
    family: Family,
    held_out: HeldOut,
    *,
    batch_tokens: int = BATCH_TOKENS,
    share: bool | None = None,
    told: Told | None = None,
) -> Evaluation:
    """Measure a model.

    Args:
        model: Of the family, where it computes; it is left in the mode it was in.
        family: Makes examples of samples.
        held_out: What it is measured with.
        batch_tokens: Most tokens at once.
        share: Compute what candidates have in common once; None finds out whether the model can.
        told: Is told how far it is.
    """
    likelihoods = Likelihoods(model, family, batch_tokens=batch_tokens, share=share)
    found: list[tuple[str, str, Scored]] = []
    left_out: list[str] = []
    planned = len(held_out.samples)
    asked: Sequence[Trajectory | NextSpeaker] = (*held_out.turns, *held_out.questions)
    for done, sample in enumerate(asked, 1):
        try:
            if isinstance(sample, Trajectory):
                found += _turn(likelihoods, family, sample)
            else:
                found += _question(likelihoods, family, sample)
        except TuningError:
            left_out.append(sample.id)
        if told is not None:
            told(done, planned)
    found += _instructions(likelihoods, family, held_out.general, left_out)
    if told is not None:
        told(planned, planned)
    return collected(held_out.digest, found, left_out)


def _turn(likelihoods: Likelihoods, family: Family, sample: Trajectory) -> _Found:
    """Style, line and speech units of a turn."""
    example = family.example(sample)
    if any(span.part is Part.STYLE for span in example.spans):
        plain = _without_messages(sample)
        others = [
            family.example(replace(plain, turn=replace(sample.turn, style=replace(sample.turn.style, tag=tag))))
            for tag in STYLES
            if tag != sample.turn.style.tag
        ]
        ranked = likelihoods.ranked(example, others, Part.STYLE)
        yield "style", sample.id, Scored(sample.scene_id, ranked.first_is_best, 1.0)
        spans = ranked.spans
    else:
        (spans,) = likelihoods.spans([example])
    nats, tokens = span_nats(spans, Part.LINE)
    if tokens:
        text = sample.turn.text
        yield "line_nats", sample.id, Scored(sample.scene_id, nats, tokens)
        yield "line_word_nats", sample.id, Scored(sample.scene_id, nats, len(text.split()))
        yield "line_bits", sample.id, Scored(sample.scene_id, nats / math.log(2.0), len(text))
    nats, tokens = span_nats(spans, Part.UNITS)
    if tokens:
        yield "unit_nats", sample.id, Scored(sample.scene_id, nats, tokens)


def _question(likelihoods: Likelihoods, family: Family, sample: NextSpeaker) -> _Found:
    """Who speaks next, among those present."""
    example = family.example(sample)
    plain = _without_messages(sample)
    others = [
        family.example(replace(plain, speaker=name))
        for name in sample.ask.present
        if role_key(name) != role_key(sample.speaker)
    ]
    ranked = likelihoods.ranked(example, others, Part.ANSWER)
    yield "next_speaker", sample.id, Scored(sample.scene_id, ranked.first_is_best, 1.0)


def _without_messages(sample: _Asked) -> _Asked:
    """A sample of which only the answer is of use.

    `Likelihoods.ranked` puts it behind another prompt, and a short one is made in a fraction of the time.
    """
    return replace(sample, ask=replace(sample.ask, heard=(), recalled=()), heard_sounds=(), heard_units=())


def _instructions(
    likelihoods: Likelihoods, family: Family, samples: Sequence[Instruction], left_out: list[str]
) -> _Found:
    """Answers to general instructions, all together and by their kind."""
    kept: list[tuple[Instruction, Example]] = []
    for sample in samples:
        try:
            kept.append((sample, family.example(sample)))
        except TuningError:
            left_out.append(sample.id)
    scored = likelihoods.spans([example for _, example in kept])
    for (sample, _), spans in zip(kept, scored, strict=True):
        nats, tokens = span_nats(spans, Part.ANSWER, Part.UNITS)
        for name in ("general_nats", f"general_nats{OF_KIND}{sample.task}"):
            yield name, sample.id, Scored(group_of(sample), nats, tokens)
        if (right := _all_right(spans)) is not None:
            for name in ("general_exact", f"general_exact{OF_KIND}{sample.task}"):
                yield name, sample.id, Scored(group_of(sample), float(right), 1.0)


def _all_right(spans: Sequence[SpanScore]) -> bool | None:
    """Whether the likeliest tokens are the answer, its end included; None for an answer in speech.

    The form behind an answer is its end: 42 is not written by who would write 421.
    """
    last = max((at for at, span in enumerate(spans) if span.part is Part.ANSWER), default=None)
    if last is None or any(span.part is Part.UNITS for span in spans):
        return None
    ends = spans[last + 1 : last + 2]
    return all(span.greedy for span in (*(one for one in spans if one.part is Part.ANSWER), *ends))
