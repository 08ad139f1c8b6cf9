"""Noise of a stream for each row, whichever rows are beside it."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.voices.neural.seeded_chance import Chance, seeded_chance

torch = pytest.importorskip("torch")


def test_a_row_draws_the_same_beside_other_rows() -> None:
    weights = torch.rand(3, 50, generator=torch.Generator().manual_seed(0))
    with seeded_chance([1, 2, 3]):
        many, noise = torch.multinomial(weights, 1), torch.randn(3, 4)
    with seeded_chance([2]):
        alone, same = torch.multinomial(weights[1:2], 1), torch.randn(1, 4)
    assert many[1].item() == alone.item()
    assert torch.equal(noise[1], same[0])


def test_padding_at_the_end_of_an_axis_changes_nothing_before_it() -> None:
    with seeded_chance([5, 6]):
        short, next_short = torch.randn(2, 3, 10), torch.randn_like(torch.zeros(2, 3, 10))
    with seeded_chance([6]):
        long, next_long = torch.randn((1, 4, 25)), torch.randn_like(torch.zeros(1, 4, 25))
    assert torch.equal(short[1], long[0, :3, :10])
    assert torch.equal(next_short[1], next_long[0, :3, :10])


def test_rows_of_an_item_that_are_together_are_its_own() -> None:
    weights = torch.ones(6, 1000)
    with seeded_chance([1, 2]):
        pairs = torch.multinomial(weights, 1).flatten().tolist()
    with seeded_chance([2]):
        alone = weights[:3].multinomial(1, replacement=True).flatten().tolist()
    assert pairs[3:] == alone
    assert len(set(pairs)) == 6


def test_tokens_are_drawn_by_their_weights_and_never_one_without_any() -> None:
    with seeded_chance(range(20_000)):
        drawn = torch.multinomial(torch.tensor([[0.1, 0.0, 0.6, 0.3, 0.0]]).repeat(20_000, 1), 1)
    shares = (torch.bincount(drawn[:, 0], minlength=5) / 20_000).numpy()
    np.testing.assert_allclose(shares, [0.1, 0.0, 0.6, 0.3, 0.0], atol=0.015)
    assert shares[1] == shares[4] == 0.0


def test_noise_is_normal_and_goes_where_it_is_wanted() -> None:
    with seeded_chance([3, 4]):
        noise = torch.randn(2, 5_000, dtype=torch.float64)
        half = torch.randn_like(torch.zeros(2, 4, dtype=torch.bfloat16))
        assert torch.randn(2, 0).shape == (2, 0)
    assert noise.dtype == torch.float64
    assert half.dtype == torch.bfloat16
    assert abs(float(noise.mean())) < 0.03
    assert abs(float(noise.std()) - 1.0) < 0.03
    assert abs(float((noise[0] * noise[1]).mean())) < 0.04


def test_rows_that_nobody_can_tell_apart_depend_on_all_seeds() -> None:
    chance = Chance([1, 2])
    assert chance.owners(3) is None
    assert Chance([1, 2]).uniform(3).tolist() == chance.uniform(3).tolist()
    assert Chance([1, 3]).uniform(3).tolist() != Chance([1, 2]).uniform(3).tolist()
    chance.order = [1, 1, 0]
    assert chance.owners(3) == [1, 1, 0]


def test_chance_outside_is_left_as_it_was() -> None:
    torch.manual_seed(11)
    first = torch.rand(3)
    torch.manual_seed(11)
    with seeded_chance([1]):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), first)
    with seeded_chance([1]):
        assert torch.equal(torch.rand(3), inside), "whatever else is drawn is fixed by the seeds, too"
