"""What PyTorch learns is what NumPy runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from speechagents.tuning.codec_networks import DecoderNetwork, EncoderNetwork, decoder_loss  # noqa: E402
from speechagents.units.networks import POSITIONS, normalised, positions, spectra, unit_scores  # noqa: E402
from speechagents.units.spectrum import BANDS  # noqa: E402


def numbers(network: object) -> dict[str, np.ndarray]:
    assert isinstance(network, torch.nn.Module)
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def test_the_encoder_gives_the_same_scores() -> None:
    torch.manual_seed(0)
    network = EncoderNetwork(7)
    spectrum = np.random.default_rng(0).uniform(-4, 0, (60, BANDS)).astype(np.float32)
    with torch.no_grad():
        wanted = torch.log_softmax(network(torch.from_numpy(normalised(spectrum)[None])), dim=2)[0].numpy()
    assert np.allclose(unit_scores(spectrum, numbers(network)), wanted, atol=1e-4)


def test_the_decoder_gives_the_same_frames_alone_and_beside_a_longer_line() -> None:
    torch.manual_seed(0)
    network = DecoderNetwork(9, voices=3, styles=4)
    with torch.no_grad():
        network.length.bias.add_(1.5)
    units = (1, 5, 2, 8)
    found = spectra(units, (2, 1, 0.5), numbers(network))
    with torch.no_grad():
        lengths, _ = network(_batch([units, units + units], [[1] * 4, [1] * 8]))
        frames = np.clip(np.rint(np.exp(lengths[0, :4].numpy())), 2, 100).astype(np.int64)
        _, out = network(_batch([units, units + units], [frames.tolist(), [9] * 8]))
    own = out[0, : int(frames.sum())].numpy()
    assert np.allclose(found.mel, own[:, :BANDS], atol=1e-3)
    assert np.allclose(found.f0, own[:, BANDS], atol=1e-3)
    assert np.allclose(found.voiced, own[:, BANDS + 1], atol=1e-3)


def test_the_loss_is_least_where_all_is_right_and_looks_at_no_padding() -> None:
    batch = _batch([(1, 2), (3, 4, 5)], [[2, 3], [2, 2, 2]])
    count = batch["frame_mask"].shape[1]
    batch |= {"mel": torch.randn(2, count, BANDS), "f0": torch.full((2, count), 100.0)}
    right = torch.cat(
        [batch["mel"], torch.full((2, count, 1), float(np.log(100.0))), torch.full((2, count, 1), 20.0)], dim=2
    )
    lengths = torch.log(batch["lengths"].clamp(min=1.0))
    least = float(decoder_loss((lengths, right), batch))
    assert least == pytest.approx(0.0, abs=1e-4)
    padded = right + 5.0 * (~batch["frame_mask"])[:, :, None]
    assert float(decoder_loss((lengths, padded), batch)) == pytest.approx(least, abs=1e-6)
    assert float(decoder_loss((lengths, right + 0.1), batch)) > 0.05


def _batch(units: list[tuple[int, ...]], frames: list[list[int]]) -> dict[str, Any]:
    rows, longest, total = len(units), max(map(len, units)), max(map(sum, frames))
    batch = {
        "units": torch.zeros(rows, longest, dtype=torch.long),
        "lengths": torch.zeros(rows, longest),
        "unit_mask": torch.zeros(rows, longest, dtype=torch.bool),
        "unit_of_frame": torch.zeros(rows, total, dtype=torch.long),
        "positions": torch.zeros(rows, total, POSITIONS),
        "frame_mask": torch.zeros(rows, total, dtype=torch.bool),
        "voice": torch.tensor([2] * rows),
        "style": torch.tensor([1] * rows),
        "strength": torch.tensor([0.5] * rows),
    }
    for row, (one, of) in enumerate(zip(units, frames, strict=True)):
        batch["units"][row, : len(one)] = torch.tensor(one)
        batch["lengths"][row, : len(of)] = torch.tensor(of, dtype=torch.float32)
        batch["unit_mask"][row, : len(one)] = True
        batch["unit_of_frame"][row, : sum(of)] = torch.repeat_interleave(torch.arange(len(of)), torch.tensor(of))
        batch["positions"][row, : sum(of)] = torch.from_numpy(positions(np.array(of)))
        batch["frame_mask"][row, : sum(of)] = True
    return batch
