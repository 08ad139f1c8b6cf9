"""The arithmetic in NumPy is that of PyTorch, and knows where each frame stands."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.units.networks import LEAST_FRAMES, POSITIONS, normalised, positions, spectra, unit_scores
from speechagents.units.spectrum import BANDS
from tests.tuning.codecs import NAMES, made_up_weights


def part(prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in made_up_weights().items() if name.startswith(prefix)}


def test_positions_run_through_units_and_through_the_line() -> None:
    found = positions(np.array([2, 3]))
    assert found.shape == (5, POSITIONS)
    assert np.allclose(found[:, 0], [0.25, 0.75, 1 / 6, 0.5, 5 / 6])
    assert np.allclose(found[:, 0] + found[:, 1], 1.0)
    assert found[0, 3] == 0.0
    assert np.all(np.diff(found[:, 3]) > 0)
    assert np.all(np.diff(found[:, 4]) < 0)


def test_a_recording_is_compared_with_itself_alone() -> None:
    spectrum = np.random.default_rng(0).uniform(-4, 0, (50, BANDS)).astype(np.float32)
    assert np.allclose(normalised(spectrum), normalised(spectrum - 1.5), atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7, 40])
def test_there_is_a_row_of_probabilities_for_every_two_frames(frames: int) -> None:
    spectrum = np.random.default_rng(0).uniform(-4, 0, (frames, BANDS)).astype(np.float32)
    scores = unit_scores(spectrum, part("encoder."))
    assert scores.shape == (-(-frames // 2), len(NAMES))
    assert np.allclose(np.exp(scores).sum(axis=1), 1.0, atol=1e-5)


def test_every_unit_sounds_for_a_while_and_less_long_at_a_higher_pace() -> None:
    usual, quick = (spectra((1, 2, 3), (0, 0, 1.0), part("decoder."), pace) for pace in (1.0, 2.0))
    assert len(quick.mel) < len(usual.mel)
    assert len(spectra((1, 2, 3), (0, 0, 1.0), part("decoder."), 1e6).mel) == 3 * LEAST_FRAMES
    assert usual.mel.shape == (len(usual.f0), BANDS)
    assert usual.voiced.shape == usual.f0.shape
