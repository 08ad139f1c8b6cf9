"""Batches hold their shares, go through pools in epochs, and follow from seed and number alone."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.errors import TuningError
from speechagents.tuning.mixing import Mixing, Pick, Pool, shuffled
from speechagents.tuning.recipe import Mix

SIZES = {Pool.TURN: 7, Pool.NEXT_SPEAKER: 5, Pool.GENERAL: 11}
SHUFFLED = (7, 6, 3, 4, 5, 2, 1, 0)
PICKS = (Pick(Pool.TURN, 6), Pick(Pool.GENERAL, 0), Pick(Pool.TURN, 4), Pick(Pool.GENERAL, 3))
shares = st.integers(0, 100).map(lambda percent: percent / 100)


def _mixing(agent: float = 0.5, next_speaker: float = 0.2, *, batch: int = 4, seed: int = 1) -> Mixing:
    return Mixing(Mix(agent=agent, next_speaker=next_speaker), SIZES, batch, seed)


@settings(max_examples=60, deadline=None)
@given(
    agent=shares, next_speaker=shares, batch=st.integers(1, 9), start=st.integers(0, 5_000), count=st.integers(1, 40)
)
def test_any_batches_in_a_row_hold_the_shares_to_within_one_sample(
    agent: float, next_speaker: float, batch: int, start: int, count: int
) -> None:
    mixing = _mixing(agent, next_speaker, batch=batch)
    found = Counter(pick.pool for picks in mixing.batches(start, start + count) for pick in picks)
    samples = batch * count
    assert abs(found[Pool.GENERAL] - samples * (1 - agent)) < 1
    agents = samples - found[Pool.GENERAL]
    assert abs(found[Pool.NEXT_SPEAKER] - agents * next_speaker) < 1


def test_kinds_alternate_instead_of_standing_in_blocks() -> None:
    agents = [pick.pool is not Pool.GENERAL for picks in _mixing(0.5).batches(0, 20) for pick in picks]
    assert all(one is not other for one, other in itertools.pairwise(agents))


def test_what_is_written_as_a_decimal_is_exact_for_ever() -> None:
    mixing = _mixing(0.1, 0.0, batch=10)
    for start in (0, 10**9, 10**15):
        pools = [pick.pool for pick in mixing.picks(start)]
        assert pools.count(Pool.TURN) == 1


@pytest.mark.parametrize("pool", list(Pool))
def test_no_sample_comes_twice_before_its_pool_is_exhausted(pool: Pool) -> None:
    mixing = _mixing(0.5, 0.4)
    drawn = [pick.index for picks in mixing.batches(0, 200) for pick in picks if pick.pool is pool]
    size = SIZES[pool]
    assert len(drawn) > 5 * size
    epochs = [drawn[at : at + size] for at in range(0, len(drawn) - size, size)]
    assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1, "each epoch has an order of its own"


def test_a_batch_follows_from_seed_and_number_alone() -> None:
    assert list(_mixing().batches(0, 30))[17] == _mixing().picks(17)
    assert list(_mixing().batches(17, 30)) == list(_mixing().batches(0, 30))[17:]
    assert _mixing(seed=2).picks(0) != _mixing(seed=1).picks(0)


def test_the_order_never_changes_between_versions() -> None:
    assert shuffled(8, "any key") == SHUFFLED
    assert _mixing().picks(1_000) == PICKS


def test_one_kind_alone_needs_nothing_of_the_other() -> None:
    only = Mixing(Mix(agent=0.0), {Pool.GENERAL: 3}, 4, 1)
    assert {pick.pool for picks in only.batches(0, 9) for pick in picks} == {Pool.GENERAL}
    only = Mixing(Mix(agent=1.0, next_speaker=0.0), {Pool.TURN: 3}, 4, 1)
    assert {pick.pool for picks in only.batches(0, 9) for pick in picks} == {Pool.TURN}


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (Pool.TURN, "holds no turn of this split; gather more scenes, or set agent: 0"),
        (Pool.NEXT_SPEAKER, "asks who speaks next; set next_speaker: 0"),
        (Pool.GENERAL, "no general instructions of this split; add some, or set agent: 1"),
    ],
)
def test_a_share_of_an_empty_pool_is_refused_with_a_remedy(lacking: Pool, message: str) -> None:
    with pytest.raises(TuningError, match=message):
        Mixing(Mix(), {pool: size for pool, size in SIZES.items() if pool is not lacking}, 4, 1)
