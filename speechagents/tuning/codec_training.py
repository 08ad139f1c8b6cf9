"""Teaching the unit codec: the encoder from speech to the phonemes it was made of, then the decoder back to speech.

Owns both courses and what is measured on the way. Does not know the networks' insides. Importing this module needs
PyTorch.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional

from speechagents.styles import STYLES
from speechagents.tuning.codec_networks import DecoderNetwork, EncoderNetwork, decoder_loss
from speechagents.tuning.codec_speech import UNKNOWN, LabelledSpeech, inventory_of, levels_of
from speechagents.units.codec import likeliest
from speechagents.units.networks import FRAMES_PER_UNIT_STEP, normalised, positions, unit_scores
from speechagents.units.spectrum import BANDS, Floats

Told = Callable[[str], None]

_BATCH: Final = 16
_ENCODER_RATE: Final = 2e-3
_DECODER_RATE: Final = 2e-3
_DECAY: Final = 1e-2
_CLIP: Final = 1.0
_NOISE: Final = 0.15
_TILT: Final = 0.3
"""Noise and colour of rooms and microphones that are added to spectra, in units of their spread."""
_IGNORED: Final = -100


@dataclass(frozen=True, slots=True, eq=False)
class TaughtCodec:
    """What came of it.

    Attributes:
        weights: For `units.codec.save_codec`.
        names: Of the units.
        voices: Ids.
        levels_db: Of the styles, at strength 1.
        figures: What was measured on the lines held back.
    """

    weights: Mapping[str, Floats]
    names: tuple[str, ...]
    voices: tuple[str, ...]
    levels_db: Mapping[str, float]
    figures: Mapping[str, float]


def teach_codec(
    speech: Sequence[LabelledSpeech],
    held_back: Sequence[LabelledSpeech],
    *,
    encoder_rounds: int,
    decoder_rounds: int,
    seed: int,
    told: Told,
) -> TaughtCodec:
    """Teach both networks.

    Args:
        speech: To learn from.
        held_back: To measure with.
        encoder_rounds: How often the encoder hears all of it.
        decoder_rounds: How often the decoder does.
        seed: Of weights, order and noise.
        told: Is told of progress.
    """
    names = inventory_of(speech)
    voices = tuple(sorted({one.voice for one in speech}))
    encoder, accuracy = _teach_encoder(speech, held_back, names, rounds=encoder_rounds, seed=seed, told=told)
    learnt = {name: value.detach().numpy() for name, value in encoder.state_dict().items()}
    mean = np.mean([one.mel.mean(axis=0) for one in speech], axis=0).astype(np.float32)
    spread = np.float32(np.mean([one.mel.std() for one in speech]))
    lines = [line for one in speech if (line := _line(one, learnt, voices, mean, spread)) is not None]
    # A voice that was not learnt cannot be measured.
    known = [one for one in held_back if one.voice in voices]
    checked = [line for one in known if (line := _line(one, learnt, voices, mean, spread)) is not None]
    decoder, loss = _teach_decoder(
        lines, checked, (len(names), len(voices)), rounds=decoder_rounds, seed=seed, told=told
    )
    weights = {f"encoder.{name}": value for name, value in learnt.items()}
    weights |= {f"decoder.{name}": value.detach().numpy() for name, value in decoder.state_dict().items()}
    weights |= {"mean": mean, "spread": np.array([spread], np.float32)}
    figures = {"step_accuracy": accuracy, "decoder_loss": loss}
    return TaughtCodec(weights, names, voices, levels_of(speech), figures)


def _teach_encoder(
    speech: Sequence[LabelledSpeech],
    held_back: Sequence[LabelledSpeech],
    names: Sequence[str],
    *,
    rounds: int,
    seed: int,
    told: Told,
) -> tuple[EncoderNetwork, float]:
    inventory = {name: index for index, name in enumerate(names)}
    rows = [(normalised(one.mel), one.labels(inventory)) for one in speech]
    checked = [(normalised(one.mel), one.labels(inventory)) for one in held_back]
    torch.manual_seed(seed)
    network = EncoderNetwork(len(names))
    optimizer, schedule = _optimizer(network, _ENCODER_RATE, rounds * -(-len(rows) // _BATCH))
    chance = random.Random(seed)  # noqa: S311 - orders lines
    accuracy, began_s = 0.0, time.monotonic()
    for number in range(rounds):
        network.train()
        for batch in _batches(rows, lambda row: len(row[0]), chance):
            spectra, labels = _padded(batch)
            loudness = torch.rand(len(batch), 1, 1)
            colour = torch.randn(len(batch), 1, BANDS).cumsum(2) / BANDS**0.5
            spectra = spectra + _NOISE * loudness * torch.randn_like(spectra) + _TILT * colour
            loss = functional.cross_entropy(network(spectra).transpose(1, 2), labels, ignore_index=_IGNORED)
            _step(network, loss, optimizer, schedule)
        network.eval()
        right = total = 0
        with torch.no_grad():
            for batch in _batches(checked, lambda row: len(row[0]), random.Random(0)):  # noqa: S311
                spectra, labels = _padded(batch)
                known = labels != _IGNORED
                right += int((network(spectra).argmax(2) == labels)[known].sum())
                total += int(known.sum())
        accuracy = right / max(1, total)
        told(f"encoder, round {number + 1} of {rounds}: {accuracy:.1%} right, {time.monotonic() - began_s:.0f} s")
    return network, accuracy


def _teach_decoder(
    lines: Sequence[_Line],
    checked: Sequence[_Line],
    sizes: tuple[int, int],
    *,
    rounds: int,
    seed: int,
    told: Told,
) -> tuple[DecoderNetwork, float]:
    torch.manual_seed(seed)
    network = DecoderNetwork(*sizes, len(STYLES))
    optimizer, schedule = _optimizer(network, _DECODER_RATE, rounds * -(-len(lines) // _BATCH))
    chance = random.Random(seed)  # noqa: S311 - orders lines
    found, began_s = 0.0, time.monotonic()
    for number in range(rounds):
        network.train()
        for batch in _batches(lines, lambda line: len(line.mel), chance):
            tensors = _together(batch)
            _step(network, decoder_loss(network(tensors), tensors), optimizer, schedule)
        network.eval()
        with torch.no_grad():
            losses = []
            for batch in _batches(checked, lambda line: len(line.mel), random.Random(0)):  # noqa: S311
                tensors = _together(batch)
                losses.append(float(decoder_loss(network(tensors), tensors)))
        found = float(np.mean(losses)) if losses else 0.0
        told(f"decoder, round {number + 1} of {rounds}: loss {found:.4f}, {time.monotonic() - began_s:.0f} s")
    return network, found


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """What the decoder learns from: units with their lengths in frames, and how they sound."""

    units: Any
    lengths: Any
    mel: Floats
    f0_hz: Floats
    voice: int
    style: int
    strength: float


def _line(
    one: LabelledSpeech, encoder: Mapping[str, Floats], voices: Sequence[str], mean: Floats, spread: Any
) -> _Line | None:
    path = likeliest(unit_scores(one.mel, encoder))
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    lengths = np.diff(np.append(starts, len(path))) * FRAMES_PER_UNIT_STEP
    units = path[starts]
    first = int(lengths[0]) if units[0] == 0 else 0
    last = int(lengths[-1]) if units[-1] == 0 and len(units) > 1 else 0
    inside = slice(int(first > 0), len(units) - int(last > 0))
    units, lengths = units[inside], lengths[inside]
    if not units.size:
        return None
    count = min(int(lengths.sum()), len(one.mel) - first)
    lengths[-1] -= int(lengths.sum()) - count
    if lengths[-1] < 1:
        return None
    part = slice(first, first + count)
    style = list(STYLES).index(one.style.tag)
    mel = ((one.mel[part] - mean) / spread).astype(np.float32)
    return _Line(units, lengths, mel, one.f0_hz[part], voices.index(one.voice), style, one.style.strength)


def _together(batch: Sequence[_Line]) -> dict[str, Any]:
    units, frames = max(len(one.units) for one in batch), max(len(one.mel) for one in batch)
    count = len(batch)
    arrays: dict[str, Any] = {
        "units": np.zeros((count, units), np.int64),
        "lengths": np.zeros((count, units), np.float32),
        "unit_mask": np.zeros((count, units), bool),
        "unit_of_frame": np.zeros((count, frames), np.int64),
        "positions": np.zeros((count, frames, positions(np.array([1])).shape[1]), np.float32),
        "mel": np.zeros((count, frames, BANDS), np.float32),
        "f0": np.zeros((count, frames), np.float32),
        "frame_mask": np.zeros((count, frames), bool),
        "voice": np.array([one.voice for one in batch]),
        "style": np.array([one.style for one in batch]),
        "strength": np.array([one.strength for one in batch], np.float32),
    }
    for row, one in enumerate(batch):
        here, there = slice(len(one.units)), slice(len(one.mel))
        arrays["units"][row, here] = one.units
        arrays["lengths"][row, here] = one.lengths
        arrays["unit_mask"][row, here] = True
        arrays["unit_of_frame"][row, there] = np.repeat(np.arange(len(one.units)), one.lengths)
        arrays["positions"][row, there] = positions(one.lengths)
        arrays["mel"][row, there] = one.mel
        arrays["f0"][row, there] = one.f0_hz
        arrays["frame_mask"][row, there] = True
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def _padded(batch: Sequence[tuple[Floats, Any]]) -> tuple[Any, Any]:
    frames = max(len(spectrum) for spectrum, _ in batch)
    frames += frames % FRAMES_PER_UNIT_STEP
    spectra = np.zeros((len(batch), frames, BANDS), np.float32)
    labels = np.full((len(batch), frames // FRAMES_PER_UNIT_STEP), _IGNORED, np.int64)
    for row, (spectrum, known) in enumerate(batch):
        spectra[row, : len(spectrum)] = spectrum
        labels[row, : len(known)] = np.where(known == UNKNOWN, _IGNORED, known)
    return torch.from_numpy(spectra), torch.from_numpy(labels)


def _batches(rows: Sequence[Any], size: Callable[[Any], int], chance: random.Random) -> Iterator[list[Any]]:
    """Rows of like size together, in an order of chance."""
    order = sorted(range(len(rows)), key=lambda at: size(rows[at]) + chance.uniform(0.0, 40.0))
    batches = [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]
    chance.shuffle(batches)
    for batch in batches:
        yield [rows[at] for at in batch]


def _optimizer(network: Any, rate: float, steps: int) -> tuple[Any, Any]:
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=_DECAY)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, max(2, steps))


def _step(network: Any, loss: Any, optimizer: Any, schedule: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
    optimizer.step()
    schedule.step()
