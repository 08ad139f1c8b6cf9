"""What unit models make of speech: units written down as words, words read aloud as units.

Owns greedy writing and the two error rates. Does not know the unit format (`units.wording`), nor how units sound
(`units.codec`). Importing it needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch

from speechagents.benchmark.metrics.intelligibility import word_errors
from speechagents.errors import TuningError
from speechagents.tuning.family import Example
from speechagents.tuning.held_out import HeldOut
from speechagents.tuning.measures import Evaluation, Scored, collected, group_of
from speechagents.tuning.speech_instructions import HEAR
from speechagents.tuning.trajectory import Instruction
from speechagents.tuning.unit_family import UnitFamily
from speechagents.units.tokens import END, PAD
from speechagents.units.wording import read_units, read_words

BATCH: Final = 16
"""Samples that are written at once."""
_ROOM: Final = 1.5
"""So many times the tokens of the right answer may be written, and some more: what goes on for ever is all wrong by
then."""
_SPARE_TOKENS: Final = 8


def transcribe_and_read(model: Any, family: UnitFamily, held_out: HeldOut) -> Evaluation:
    """Word and unit error rates of a unit model, over the general instructions that are in speech.

    Args:
        model: Of the family; it is left in the mode it was in.
        family: Makes examples of samples.
        held_out: What it is measured with.

    Returns:
        ``words_wrong`` and ``units_wrong``, each as far as there are such instructions.
    """
    found: list[tuple[str, str, Scored]] = []
    left_out: list[str] = []
    asked: list[tuple[Instruction, Example]] = []
    for sample in held_out.general:
        if not sample.answer_units and not (sample.question_units and sample.task == HEAR):
            continue
        try:
            asked.append((sample, family.example(sample)))
        except TuningError:
            left_out.append(sample.id)
    answers = _written(model, family, [example for _, example in asked])
    for (sample, _), written in zip(asked, answers, strict=True):
        if sample.answer_units:
            errors = edit_distance(sample.answer_units, read_units(written))
            count, name = len(sample.answer_units), "units_wrong"
            errors = min(errors, count)
        else:
            errors, count = word_errors(sample.answer, read_words(written), language="en")
            name = "words_wrong"
        if count:
            found.append((name, sample.id, Scored(group_of(sample), errors, count)))
    return collected(held_out.digest, found, left_out)


def edit_distance(wanted: Sequence[int], written: Sequence[int]) -> int:
    """Fewest units that must be put in, taken out or exchanged to make one sequence of the other.

    Levenshtein (1966), Soviet Physics Doklady 10:707; by rows (Wagner & Fischer 1974, J. ACM 21:168), where the
    insertions of a row are a running minimum.
    """
    other = np.asarray(written, np.int64)
    places = np.arange(len(other) + 1)
    row = places.copy()
    for count, unit in enumerate(wanted, 1):
        best = np.empty_like(row)
        best[0] = count
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (other != unit))
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def _written(model: Any, family: UnitFamily, examples: Sequence[Example]) -> Iterator[str]:
    """What the model writes behind each prompt, always the likeliest token, up to its end."""
    answers: dict[int, str] = {}
    order = sorted(range(len(examples)), key=lambda number: (examples[number].spans[0].start, number))
    training = model.training
    model.eval()
    try:
        for first in range(0, len(order), BATCH):
            numbers = order[first : first + BATCH]
            texts = _batch(model, family, [examples[number] for number in numbers])
            answers.update(zip(numbers, texts, strict=True))
    finally:
        model.train(training)
    for number in range(len(examples)):
        yield answers[number]


def _batch(model: Any, family: UnitFamily, examples: Sequence[Example]) -> Sequence[str]:
    prompts = [example.ids[: example.spans[0].start] for example in examples]
    end, pad = family.tokens.id_of(END), family.tokens.id_of(PAD)
    width = max(map(len, prompts))
    device = next(model.parameters()).device
    # Padded on the left: what is written stands directly behind each prompt.
    ids = torch.full((len(prompts), width), pad, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        mask[row, width - len(prompt) :] = 1
    most = max(round(_ROOM * example.targets) for example in examples) + _SPARE_TOKENS
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            do_sample=False,
            max_new_tokens=max(1, min(most, family.context - width)),
            eos_token_id=end,
            pad_token_id=pad,
        )
    return [_until_end(family, row[width:], end) for row in out.tolist()]


def _until_end(family: UnitFamily, ids: Sequence[int], end: int) -> str:
    """The string of tokens up to the first that ends it; a model may have numbers for which there is no token."""
    written = []
    for number in ids:
        if number == end:
            break
        if number < family.tokens.size:
            written.append(number)
    return family.tokens.decode(written)
