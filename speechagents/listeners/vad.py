"""Voice or no voice: the Silero detector, computed with numpy.

Owns the forward pass and its weights (``models/vad``, whose card says where they come from). Does not know what follows
from a probability; `endpointing` does. It needs no inference engine: the network is small enough that one window of
32 ms takes a fraction of a millisecond in matrix products, on one core.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.resources import resource

RATE_HZ: Final = 16_000
WINDOW: Final = 512
"""Samples that one probability is for."""
WINDOW_S: Final = WINDOW / RATE_HZ

_CONTEXT: Final = 64
"""Samples of the window before, which the network is shown again."""
_FRAME: Final = 256
_HOP: Final = 128
_FRAMES: Final = 4
_BINS: Final = _FRAME // 2 + 1
_STATE: Final = 128
_EDGE: Final = _HOP * (_FRAMES - 1) + _FRAME - _CONTEXT - WINDOW
"""Samples that the last frame of the spectrum reaches beyond the window; they are its mirror image."""

Floats = NDArray[np.float32]


class SileroVad:
    """The weights. Read-only, loaded once, shared between all streams and threads."""

    def __init__(self) -> None:
        with np.load(resource("models", "vad", "silero-v6.npz"), allow_pickle=False) as stored:
            weights: dict[str, Floats] = {name: stored[name] for name in stored.files}
        for weight in weights.values():
            weight.flags.writeable = False
        self.spectrum = weights["spectrum"]
        self.convolutions = tuple((weights[f"convolution_{n}"], weights[f"convolution_{n}_bias"]) for n in range(4))
        self.lstm, self.lstm_bias = weights["lstm"], weights["lstm_bias"]
        self.output, self.output_bias = weights["output"], float(weights["output_bias"][0])

    def stream(self) -> VoiceStream:
        """A sound that begins now."""
        return VoiceStream(self)


class VoiceStream:
    """One sound, window after window. Used by one thread at a time."""

    def __init__(self, vad: SileroVad) -> None:
        self._vad = vad
        # Zeros at both ends are what the convolutions see beyond the window.
        self._sound = np.zeros(_CONTEXT + WINDOW + _EDGE, np.float32)
        self._magnitudes = np.zeros((_FRAMES + 2, _BINS), np.float32)
        self._first = np.zeros((_FRAMES + 2, _STATE), np.float32)
        self._second = np.zeros((_FRAMES // 2 + 1, _STATE // 2), np.float32)
        self._lstm_in = np.zeros(2 * _STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)

    def probability(self, window: Samples) -> float:
        """How probable it is that somebody speaks in the next `WINDOW` samples, mono at `RATE_HZ`."""
        if window.shape != (WINDOW,):
            raise ValueError(f"a window of shape {window.shape} is not {WINDOW} samples")
        sound = self._sound
        end = _CONTEXT + WINDOW
        sound[:_CONTEXT] = sound[WINDOW:end]
        sound[_CONTEXT:end] = window
        sound[end:] = sound[end - 2 : end - 2 - _EDGE : -1]
        return self._recur(self._encode(sound))

    def _encode(self, sound: Floats) -> Floats:
        """What the window sounds like: a spectrum in four frames, boiled down to one by four convolutions."""
        (w0, b0), (w1, b1), (w2, b2), (w3, b3) = self._vad.convolutions
        parts = sliding_window_view(sound, _FRAME)[::_HOP] @ self._vad.spectrum
        np.hypot(parts[:, :_BINS], parts[:, _BINS:], out=self._magnitudes[1:-1])
        np.maximum(_threes(self._magnitudes, 1) @ w0 + b0, 0.0, out=self._first[1:-1])
        np.maximum(_threes(self._first, 2) @ w1 + b1, 0.0, out=self._second[1:])
        third = np.maximum(self._second.reshape(-1) @ w2 + b2, 0.0)
        encoded: Floats = np.maximum(third @ w3 + b3, 0.0)
        return encoded

    def _recur(self, encoded: Floats) -> float:
        """What it means after all that was heard before: one step of an LSTM."""
        self._lstm_in[:_STATE] = encoded
        gates = self._lstm_in @ self._vad.lstm + self._vad.lstm_bias
        let_in, let_out, keep = _sigmoid(gates[: 3 * _STATE]).reshape(3, _STATE)
        self._cell = keep * self._cell + let_in * np.tanh(gates[3 * _STATE :])
        hidden = let_out * np.tanh(self._cell)
        self._lstm_in[_STATE:] = hidden
        return float(_sigmoid(np.maximum(hidden, 0.0) @ self._vad.output + self._vad.output_bias))


def _threes(rows: Floats, step: int) -> Floats:
    """Every run of three rows, laid end to end; `step` rows from run to run."""
    width = rows.shape[1]
    runs: Floats = sliding_window_view(rows.reshape(-1), 3 * width)[:: step * width]
    return runs


def _sigmoid(x: Floats) -> Floats:
    # By way of tanh, which does not overflow.
    half: Floats = np.float32(0.5) * (np.float32(1.0) + np.tanh(np.float32(0.5) * x))
    return half
