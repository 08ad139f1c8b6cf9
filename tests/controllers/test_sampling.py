"""How the next token is chosen."""

from __future__ import annotations

import pytest

from speechagents.controllers.sampling import SeededSampling

torch = pytest.importorskip("torch")


def chosen(seed: int, temperature: float, *, top_p: float = 1.0, draws: int = 4_000) -> list[float]:
    """How often each of three tokens is chosen."""
    scores = torch.log(torch.tensor([[0.6, 0.3, 0.1]]))
    sampling = SeededSampling([seed], [temperature], top_p=top_p)
    counts = [0, 0, 0]
    for _ in range(draws):
        counts[int(sampling(None, scores.clone()).argmax())] += 1
    return [count / draws for count in counts]


def test_tokens_are_chosen_as_often_as_they_are_likely() -> None:
    assert chosen(1, 1.0) == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_the_colder_the_likelier() -> None:
    assert chosen(1, 0.5)[0] > 0.72
    assert chosen(1, 0.0) == [1.0, 0.0, 0.0]


def test_the_unlikely_tail_is_out() -> None:
    assert chosen(1, 1.0, top_p=0.85)[2] == 0.0


def test_nothing_is_out_of_the_whole_however_the_sum_is_rounded() -> None:
    # So many and so unequal that the probabilities of the likeliest sum up to more than 1 in single precision.
    scores = 3.0 * torch.randn((1, 150_000), generator=torch.Generator().manual_seed(3))
    noisy = SeededSampling([1], [1.0], top_p=1.0)(None, scores)
    assert bool(torch.isfinite(noisy).all())


def test_the_same_seed_chooses_the_same() -> None:
    assert chosen(3, 1.0, draws=50) == chosen(3, 1.0, draws=50)
