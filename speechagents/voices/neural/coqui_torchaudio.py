"""The little of torchaudio that Coqui's models use when they speak: a mel spectrogram and resampling.

Coqui imports torchaudio wherever it runs, although speaking needs none of it and cloning these two. torchaudio's
releases stopped short of those of PyTorch: its wheels do not load beside a PyTorch built for another CUDA, or for none.
Where it cannot be imported, this module stands in for it, under its name, while Coqui's modules are imported (see
`coqui_library`). Owns the two computations, with the parameters that Coqui passes; names and buffers are those of
torchaudio, for checkpoints hold them. Does not know Coqui.

The filters are triangles on the mel scale of the Hidden Markov Toolkit (Young et al. 2006, The HTK Book, section 5.4),
of equal height or, as in Slaney's auditory toolbox, of equal area. Importing this module needs PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import soxr
import torch


class Spectrogram(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """Power spectra of Hann or other windows, centred, as torchaudio's of that name."""

    window: torch.Tensor

    def __init__(
        self, n_fft: int, win_length: int, hop_length: int, window_fn: Callable[..., torch.Tensor], power: float
    ) -> None:
        super().__init__()
        self.n_fft, self.win_length, self.hop_length, self.power = n_fft, win_length, hop_length, power
        self.register_buffer("window", window_fn(win_length))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Magnitudes to a power: ``(..., time)`` becomes ``(..., n_fft // 2 + 1, frames)``."""
        flat = waveform.reshape(-1, waveform.shape[-1])
        spectra = torch.stft(
            flat,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            center=True,
            pad_mode="reflect",
            onesided=True,
            return_complex=True,
        )
        return spectra.reshape(*waveform.shape[:-1], *spectra.shape[-2:]).abs() ** self.power


class MelScale(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """Bands of a power spectrum, as torchaudio's of that name."""

    fb: torch.Tensor

    def __init__(
        self, n_mels: int, sample_rate: int, f_min: float, f_max: float, n_stft: int, norm: str | None
    ) -> None:
        super().__init__()
        self.register_buffer("fb", _filters(n_mels, sample_rate, f_min, f_max, n_stft, norm))

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        """``(..., n_stft, frames)`` becomes ``(..., n_mels, frames)``."""
        return torch.matmul(spectrum.transpose(-1, -2), self.fb).transpose(-1, -2)


class MelSpectrogram(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """Mel spectrogram, as torchaudio's of that name; options that Coqui does not use are refused by their absence."""

    def __init__(
        self,
        sample_rate: int = 16_000,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        f_min: float = 0.0,
        f_max: float | None = None,
        n_mels: int = 128,
        window_fn: Callable[..., torch.Tensor] = torch.hann_window,
        power: float = 2.0,
        normalized: bool = False,
        norm: str | None = None,
    ) -> None:
        super().__init__()
        if normalized:
            raise NotImplementedError("normalised spectra are not needed by any model that speaks")
        length = win_length or n_fft
        self.spectrogram = Spectrogram(n_fft, length, hop_length or length // 2, window_fn, power)
        highest = sample_rate / 2.0 if f_max is None else f_max
        self.mel_scale = MelScale(n_mels, sample_rate, f_min, highest, n_fft // 2 + 1, norm)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(..., time)`` becomes ``(..., n_mels, frames)``."""
        mels: torch.Tensor = self.mel_scale(self.spectrogram(waveform))
        return mels


def resample(waveform: torch.Tensor, orig_freq: int, new_freq: int) -> torch.Tensor:
    """Sound at another rate, by soxr in high quality: ``(channels, time)`` on any device."""
    if orig_freq == new_freq:
        return waveform
    samples = waveform.detach().cpu().numpy()
    changed = soxr.resample(samples.T, orig_freq, new_freq, quality="HQ").T
    return torch.from_numpy(changed.copy()).to(waveform.device, waveform.dtype)


def stand_in() -> Mapping[str, ModuleType]:
    """The modules by name: ``torchaudio``, its two parts that Coqui uses, and ``torchcodec``, which it looks for."""
    from importlib.machinery import ModuleSpec

    parts: dict[str, dict[str, Any]] = {
        "torchaudio": {"__path__": [], "__version__": "0"},
        "torchaudio.functional": {"resample": resample},
        "torchaudio.transforms": {"MelSpectrogram": MelSpectrogram},
        "torchcodec": {},
    }
    modules = {}
    for name, content in parts.items():
        module = ModuleType(name, "Stands in for a package that is not needed for speaking.")
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(content)
        modules[name] = module
    vars(modules["torchaudio"]).update(
        functional=modules["torchaudio.functional"], transforms=modules["torchaudio.transforms"]
    )
    return MappingProxyType(modules)


def _filters(n_mels: int, sample_rate: int, f_min: float, f_max: float, n_stft: int, norm: str | None) -> torch.Tensor:
    """Triangles, ``(n_stft, n_mels)``: each rises from its left neighbour's peak and falls to its right one's."""
    frequencies = torch.linspace(0.0, sample_rate // 2, n_stft)
    mels = torch.linspace(_mel(f_min), _mel(f_max), n_mels + 2)
    peaks = torch.tensor([_hz(mel) for mel in mels.tolist()])
    widths = peaks[1:] - peaks[:-1]
    slopes = peaks[None, :] - frequencies[:, None]
    triangles = torch.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]).clamp_min(0.0)
    if norm == "slaney":
        triangles = triangles * (2.0 / (peaks[2:] - peaks[:-2]))
    return triangles


def _mel(hz: float) -> float:
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def _hz(mel: float) -> float:
    return 700.0 * (math.pow(10.0, mel / 2595.0) - 1.0)
