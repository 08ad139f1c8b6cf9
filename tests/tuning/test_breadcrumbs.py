"""Of a change, what lies between two shares of magnitudes is kept, to the number."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.breadcrumbs import Breadcrumbs, keep


def slowly(numbers: list[float], crumbs: Breadcrumbs) -> list[float]:
    """The same by sorting: the definition, word by word."""
    order = sorted(range(len(numbers)), key=lambda place: (abs(numbers[place]), place))
    low, high = crumbs.ranks(len(numbers))
    kept = set(order[low:high])
    return [number if place in kept else 0.0 for place, number in enumerate(numbers)]


@pytest.mark.parametrize("shape", [(1,), (7,), (40, 25), (3, 5, 11), (0,), ()])
@pytest.mark.parametrize("shares", [(0.85, 0.99), (0.0, 1.0), (0.1, 0.5), (0.5, 1.0), (0.0, 0.994), (0.3, 0.31)])
@pytest.mark.parametrize("distinct", [0, 1, 3], ids=["all different", "all equal", "three magnitudes"])
def test_it_is_what_sorting_gives(shape: tuple[int, ...], shares: tuple[float, float], distinct: int) -> None:
    change = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    if distinct:
        change = torch.round(change.clamp(-1, 1) * (distinct - 1) / 2) + 1.0 * (distinct == 1)
    crumbs = Breadcrumbs(*shares)
    wanted = slowly(change.reshape(-1).tolist(), crumbs)
    count = keep(change, crumbs)
    assert change.reshape(-1).tolist() == wanted
    low, high = crumbs.ranks(change.numel())
    assert count == max(0, high - low)


def test_shares_are_exact() -> None:
    change = torch.randn(200, 500, generator=torch.Generator().manual_seed(4))
    before = change.abs().clone()
    assert keep(change, Breadcrumbs(0.85, 0.99)) == 14_000
    left = change != 0
    assert int(left.sum()) == 14_000
    assert int((before < before[left].min()).sum()) == 85_000
    assert int((before > before[left].max()).sum()) == 1_000


def test_all_is_kept_between_nothing_and_everything() -> None:
    change = torch.randn(30, 30, generator=torch.Generator().manual_seed(5))
    before = change.clone()
    assert keep(change, Breadcrumbs(0.0, 1.0)) == 900
    assert torch.equal(change, before)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (-0.1, 0.5), (0.1, 1.5), (float("nan"), 1.0)])
def test_shares_that_cannot_be_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(TuningError, match="--keep-from or --keep-to"):
        Breadcrumbs(*shares)
