"""Fast convolution: of a stream with a long stereo response, and of a whole take with a short filter.

Owns the FFT arithmetic: NumPy's transforms, which since version 2 stay in single precision. Knows nothing of rooms
and filters.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from speechagents.audio import Samples

_Spectrum = NDArray[np.complex64]

_FILTER_FFT: Final = 16_384
"""Transform length of `filtered`: the least time per sample for filters of about a thousand taps."""


class StereoConvolver:
    """Convolves a mono stream with a stereo response, some blocks at a time.

    Uniformly partitioned overlap-save (Gardner 1995, J. Audio Eng. Soc. 43:127, with equal partitions): one
    forward transform per block and one backward per channel, however long the response is. Silence costs
    nothing, and its output is exactly zero. How many blocks are fed at once changes the time it takes (transforms
    side by side share the vector unit), never a bit of the output.

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

    def feed(self, blocks: Samples) -> Samples:
        """The output of the same stretch of time as the input, shape ``(2, frames)``.

        Args:
            blocks: Mono float32, as many frames as a number of whole blocks has.
        """
        joined = np.concatenate((self._previous, blocks))
        self._previous = joined[-self._block :].copy()
        rows = joined.reshape(-1, self._block)
        sounds = np.asarray(rows.any(axis=1))
        heard = np.flatnonzero(sounds[:-1] | sounds[1:])
        # Row k of the windows is blocks k - 1 and k.
        spectra = np.fft.rfft(sliding_window_view(joined, 2 * self._block)[heard * self._block], axis=1)
        spectrum_of = dict(zip(heard.tolist(), spectra, strict=True))
        totals: dict[int, _Spectrum] = {}
        for index in range(len(rows) - 1):
            self._inputs = [spectrum_of.get(index), *self._inputs[:-1]]
            for part, spectrum in zip(self._parts, self._inputs, strict=True):
                if spectrum is not None:
                    total = totals.get(index)
                    totals[index] = part * spectrum if total is None else np.add(total, part * spectrum, out=total)
        out = np.zeros((2, len(rows) - 1, self._block), np.float32)
        if totals:
            sound = np.fft.irfft(np.stack(list(totals.values()), axis=1), 2 * self._block)
            out[:, list(totals)] = sound[:, :, self._block :]
        return out.reshape(2, -1)


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
    return np.asarray(response, np.float32)
