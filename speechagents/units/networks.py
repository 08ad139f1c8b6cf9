"""The two networks of the codec, as NumPy runs them: sound features to unit scores, units to spectrum and melody.

Owns their arithmetic. Does not know where weights come from (`codec`) or how they are learnt (`tuning.codec_networks`,
which has the same two in PyTorch; a test holds them together).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.units.spectrum import BANDS, HOP, RATE_HZ, Floats

Weights = Mapping[str, Floats]

ENCODER_DILATIONS: Final = (1, 2, 1)
"""Of the layers behind the first, which halves the rate."""
UNIT_LAYERS: Final = 2
FRAME_DILATIONS: Final = (1, 2, 4, 8, 1)
POSITIONS: Final = 5
"""What each frame is told of its place."""
LEAST_FRAMES: Final = 2
MOST_FRAMES: Final = 100
FRAMES_PER_UNIT_STEP: Final = 2
"""Spectra come every 10 ms, unit scores every 20 ms."""

_SECONDS: Final = HOP / RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """What units sound like.

    Attributes:
        mel: Normalised log amplitudes, shape ``(frames, BANDS)``.
        f0: Logarithm of the fundamental frequency in hertz, shape ``(frames,)``.
        voiced: Log odds that there is a voice, shape ``(frames,)``.
    """

    mel: Floats
    f0: Floats
    voiced: Floats


def normalised(mel: Floats) -> Floats:
    """A recording's spectrum without its speaker's and its room's mean, in units of its own spread."""
    return np.asarray((mel - mel.mean(axis=0)) / (mel.std() + 1e-3), np.float32)


def unit_scores(mel: Floats, weights: Weights) -> Floats:
    """Log probabilities of the units.

    Args:
        mel: As `spectrum.mel_spectrum` gives it, shape ``(frames, BANDS)``.
        weights: Of the encoder.

    Returns:
        Shape ``(-(-frames // 2), units)``.
    """
    rows = normalised(mel)
    if len(rows) % FRAMES_PER_UNIT_STEP:
        rows = np.concatenate([rows, rows[-1:]])
    hidden = _gelu(_convolved(rows, weights, "first", stride=FRAMES_PER_UNIT_STEP))
    for number, dilation in enumerate(ENCODER_DILATIONS):
        hidden = hidden + _gelu(_convolved(hidden, weights, f"layers.{number}", dilation=dilation))
    scores = _linear(_linear(hidden, weights, "narrow"), weights, "scores")
    scores -= scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), np.float32)


def spectra(units: Sequence[int], condition: tuple[int, int, float], weights: Weights, pace: float = 1.0) -> Spectra:
    """What units sound like in a voice and a style.

    Args:
        units: At least one.
        condition: Index of the voice, index of the style, strength of the style.
        weights: Of the decoder.
        pace: Above 1 is faster.
    """
    voice, style, strength = condition
    manner = weights["voices.weight"][voice] + np.float32(strength) * weights["styles.weight"][style]
    rows = weights["units.weight"][np.asarray(units)]
    hidden = _linear(
        np.concatenate([rows, np.broadcast_to(manner, (len(rows), manner.size))], axis=1), weights, "enter"
    )
    for number in range(UNIT_LAYERS):
        hidden = hidden + _gelu(_convolved(hidden, weights, f"unit_layers.{number}"))
    lengths = np.exp(_linear(hidden, weights, "length")[:, 0]) / pace
    frames = np.clip(np.rint(lengths), LEAST_FRAMES, MOST_FRAMES).astype(np.int64)
    hidden = np.concatenate([np.repeat(hidden, frames, axis=0), positions(frames)], axis=1)
    hidden = _linear(hidden, weights, "place")
    for number, dilation in enumerate(FRAME_DILATIONS):
        bias = _linear(manner[None], weights, f"manners.{number}")
        hidden = hidden + _gelu(_convolved(hidden, weights, f"frame_layers.{number}", dilation=dilation) + bias)
    out = _linear(hidden, weights, "spectrum")
    return Spectra(out[:, :BANDS], out[:, BANDS], out[:, BANDS + 1])


def positions(frames: NDArray[np.int64]) -> Floats:
    """Where each frame stands: within its unit, from both ends; the unit's length; seconds from both ends of the line.

    Args:
        frames: Number of frames of each unit.

    Returns:
        Shape ``(frames.sum(), POSITIONS)``.
    """
    total = int(frames.sum())
    starts = np.repeat(np.cumsum(frames) - frames, frames)
    lengths = np.repeat(frames, frames).astype(np.float32)
    within = (np.arange(total) - starts + 0.5) / lengths
    at_s = np.arange(total, dtype=np.float32) * np.float32(_SECONDS)
    behind_s = np.float32(total * _SECONDS) - at_s
    rows = [within, 1.0 - within, np.log(lengths) / 3.0, np.minimum(at_s, 5.0) / 5.0, np.minimum(behind_s, 5.0) / 5.0]
    return np.stack(rows, axis=1).astype(np.float32)


def _linear(rows: Floats, weights: Weights, name: str) -> Floats:
    return np.asarray(rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"], np.float32)


def _convolved(rows: Floats, weights: Weights, name: str, *, stride: int = 1, dilation: int = 1) -> Floats:
    """A convolution over time that keeps the length (divided by the stride); weights are ``(out, in, width)``."""
    kernel = weights[f"{name}.weight"]
    width = kernel.shape[2]
    margin = dilation * (width // 2)
    padded = np.pad(rows, ((margin, margin), (0, 0)))
    count = (len(rows) - 1) // stride + 1
    total = np.zeros((count, kernel.shape[0]), np.float32)
    for tap in range(width):
        first = tap * dilation
        total += padded[first : first + (count - 1) * stride + 1 : stride] @ kernel[:, :, tap].T
    return total + weights[f"{name}.bias"]


def _gelu(values: Floats) -> Floats:
    """GELU in its tanh form (Hendrycks & Gimpel 2016, arXiv 1606.08415)."""
    inner = math.sqrt(2.0 / math.pi) * (values + 0.044715 * values**3)
    return np.asarray(0.5 * values * (1.0 + np.tanh(inner)), np.float32)
