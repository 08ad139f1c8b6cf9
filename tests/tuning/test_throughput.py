"""Operations of a token: six for each weight of a matrix that is learnt, four for one that is not."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from torch.utils.flop_counter import FlopCounterMode

from speechagents.tuning.throughput import flop_per_token
from tests.tuning.letter_family import SIZE, llama
from tests.tuning.letter_runs import LoraFamily

# Two layers: queries and what leaves attention 32 x 32, keys and values 16 x 32, feed-forward 3 x 32 x 48.
MATRICES = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48) + SIZE * 32


def test_every_matrix_counts_and_embeddings_do_not() -> None:
    model = llama(seed=0)
    assert flop_per_token(model) == 6 * MATRICES
    model.requires_grad_(requires_grad=False)
    assert flop_per_token(model) == 4 * MATRICES


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`")
def test_updates_count_as_learnt_and_what_they_are_added_to_does_not() -> None:
    updates = 2 * 4 * (32 + 32 + 32 + 16)  # two layers, rank 4, of queries and values
    assert flop_per_token(LoraFamily().load()) == 4 * MATRICES + 6 * updates


def test_pytorch_counts_the_same_and_attention() -> None:
    model = llama(seed=0)
    ids = torch.randint(1, 100, (2, 24))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, labels=ids).loss.backward()
    attention = 3 * 2 * 2 * (2 * 24 * 32)  # forwards and twice backwards, layers, products, of all positions
    assert counter.get_total_flops() == ids.numel() * (flop_per_token(model) + attention)
