"""Fast convolution: of a stream with a long stereo response, and of a whole take with a short filter.

Owns the FFT arithmetic. Knows nothing of rooms and filters.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples

_Spectrum = NDArray[np.complex64]

_FILTER_FFT: Final = 16_384
"""Transform length of `filtered`: the least time per sample for filters of about a thousand taps."""


class StereoConvolver:
    """Convolves a mono stream with a stereo response, block by block.

    Uniformly partitioned overlap-save (Gardner 1995, J. Audio Eng. Soc. 43:127, with equal partitions): one
    forward transform per block and one backward per channel, however long the response is. Silence costs
    nothing, and its output is exactly zero.

    Args:
        response: float32 of shape ``(2, taps)``.
        block: Frames per block.
    """

    def __init__(self, response: Samples, block: int) -> None:
        self._block = block
        parts = max(1, -(-response.shape[1] // block))
        padded = np.zeros((2, parts * block), np.float32)
        padded[:, : response.shape[1]] = response
        # Shape (parts, 2, bins): part k of the response works on the input of k blocks ago.
        self._parts = np.fft.rfft(padded.reshape(2, parts, block).transpose(1, 0, 2), 2 * block)
        self._inputs: list[_Spectrum | None] = [None] * parts
        self._previous = np.zeros(block, np.float32)
        self._sounding = False

    def feed(self, block: Samples) -> Samples | None:
        """The output of the same stretch of time as the input, shape ``(2, frames)``; None for digital silence.

        Args:
            block: Mono float32, as many frames as a block has.
        """
        sounds = bool(block.any())
        spectrum: _Spectrum | None = None
        if sounds or self._sounding:
            # In double precision: numpy's forward transform of single precision takes 1.7 times as long.
            around = np.concatenate((self._previous, block), dtype=np.float64)
            spectrum = np.asarray(np.fft.rfft(around), np.complex64)
        self._previous = block
        self._sounding = sounds
        self._inputs = [spectrum, *self._inputs[:-1]]
        total: _Spectrum | None = None
        for part, heard in zip(self._parts, self._inputs, strict=True):
            if heard is not None:
                total = part * heard if total is None else np.add(total, part * heard, out=total)
        if total is None:
            return None
        return np.fft.irfft(total, 2 * self._block)[:, self._block :].astype(np.float32, copy=False)


def filtered(samples: Samples, taps: Samples) -> Samples:
    """A mono sound through a causal filter, as many frames as went in (overlap-add)."""
    step = _FILTER_FFT - len(taps) + 1
    if step <= 0:
        raise ValueError(f"a filter of {len(taps)} taps is too long for transforms of {_FILTER_FFT}")
    blocks = -(-len(samples) // step)
    padded = np.zeros(blocks * step, np.float32)
    padded[: len(samples)] = samples
    spectra = np.fft.rfft(padded.reshape(blocks, step), _FILTER_FFT) * np.fft.rfft(taps, _FILTER_FFT)
    pieces = np.fft.irfft(spectra, _FILTER_FFT).astype(np.float32, copy=False)
    out = np.zeros(blocks * step + _FILTER_FFT, np.float32)
    out[: blocks * step].reshape(blocks, step)[:] = pieces[:, :step]
    tail = _FILTER_FFT - step
    for index in range(blocks):
        end = (index + 1) * step
        out[end : end + tail] += pieces[index, step:]
    return out[: len(samples)]


def minimum_phase(magnitudes: NDArray[np.float64], taps: int) -> Samples:
    """The causal filter with given magnitudes whose energy comes as early as can be: nothing rings ahead.

    The phase is the Hilbert transform of the log magnitude, by folding the cepstrum (Oppenheim & Schafer 2010,
    *Discrete-Time Signal Processing*, ch. 13).

    Args:
        magnitudes: Linear gains at ``n // 2 + 1`` frequencies from 0 to half the rate.
        taps: Length; the second half is faded out.
    """
    length = 2 * (len(magnitudes) - 1)
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitudes, 1e-5)), length)
    cepstrum[1 : length // 2] *= 2.0
    cepstrum[length // 2 + 1 :] = 0.0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), length)[:taps]
    half = taps // 2
    response[half:] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, taps - half))
    return response.astype(np.float32)
