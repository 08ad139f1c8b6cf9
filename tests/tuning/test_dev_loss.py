"""Losses on dev: in nats a token, of both kinds and of each part, weighted as training is mixed."""

from __future__ import annotations

import dataclasses
import math

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.dev_loss import DevSamples
from tests.tuning.letter_family import LetterFamily, llama
from tests.tuning.letter_runs import data

FAMILY, DATA = LetterFamily(), data()


def test_it_is_the_loss_of_the_library_over_all_samples() -> None:
    model = llama(seed=0)
    found = DevSamples(FAMILY, DATA, agent=1.0).measure(model)
    assert model.training, "it is left as it was"
    examples = [FAMILY.example(sample) for sample in DATA.dev_agent]
    with torch.no_grad():
        wanted = float(model.eval()(**FAMILY.collate(examples)).loss)
    assert found.loss == found.kinds["agent"] == pytest.approx(wanted, rel=1e-5)
    tokens = dict.fromkeys(found.parts, 0)
    for example in examples:
        for span in example.spans:
            tokens[str(span.part)] += span.end - span.start
    mean = math.fsum(found.parts[part] * count for part, count in tokens.items()) / sum(tokens.values())
    assert mean == pytest.approx(found.loss)


def test_what_counts_is_weighted_as_it_is_mixed() -> None:
    model = llama(seed=0)
    found = DevSamples(FAMILY, DATA, agent=0.25).measure(model)
    assert found.loss == pytest.approx(0.25 * found.kinds["agent"] + 0.75 * found.kinds["general"])
    assert DevSamples(FAMILY, DATA, agent=0.0).measure(model).loss == found.kinds["general"]


def test_a_kind_that_is_not_there_does_not_count() -> None:
    only = dataclasses.replace(DATA, dev_general=())
    found = DevSamples(FAMILY, only, agent=0.25).measure(llama(seed=0))
    assert found.loss == found.kinds["agent"]
    assert set(found.kinds) == {"agent"}
    found = DevSamples(FAMILY, only, agent=0.0).measure(llama(seed=0))
    assert found.loss == found.kinds["agent"], "something is better than nothing"


def test_samples_without_room_are_left_out_and_counted() -> None:
    samples = DevSamples(LetterFamily(context=20), DATA, agent=0.5)
    assert samples.counts == (0, 5)
    assert samples.left_out == len(DATA.dev_agent)
    assert set(samples.measure(llama(seed=0)).kinds) == {"general"}
    with pytest.raises(TuningError, match=r"training\.max_tokens: no sample of dev has room; raise it"):
        DevSamples(LetterFamily(context=3), DATA, agent=0.5)
