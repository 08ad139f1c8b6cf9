"""Coqui's library is imported without leaving anything behind that others could take for torchaudio."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("coqpit")

import torch

from speechagents.errors import BackendMissing
from speechagents.voices.neural import coqui_library
from speechagents.voices.neural.coqui_library import coqui
from speechagents.voices.neural.coqui_torchaudio import MelSpectrogram, resample


def test_nobody_else_finds_the_stand_in() -> None:
    coqui()
    for name in ("torchaudio", "torchcodec"):
        module = sys.modules.get(name)
        assert module is None or getattr(module, "__file__", None)


def test_importing_speechagents_imports_none_of_it() -> None:
    code = "import sys, speechagents; sys.exit(any(name in sys.modules for name in ('torch', 'TTS', 'onnxruntime')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_old_pytorch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.5.1+cu121")
    with pytest.raises(BackendMissing, match=r"2\.5\.1.*update it"):
        coqui_library._check_torch()


def test_a_mel_spectrogram_has_a_band_for_a_tone() -> None:
    """Buffers have the names and shapes that checkpoints hold."""
    mel = MelSpectrogram(sample_rate=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=64)
    assert {name: tuple(value.shape) for name, value in mel.state_dict().items()} == {
        "spectrogram.window": (400,),
        "mel_scale.fb": (257, 64),
    }
    tones = torch.sin(2 * torch.pi * torch.tensor([[400.0], [3_000.0]]) * torch.arange(16_000) / 16_000)
    bands = mel(tones).mean(-1)
    assert mel(tones).shape == (2, 64, 101)
    # The loudest band is the one whose middle is next to the tone: 2595 log10(1 + f / 700) mel.
    for row, hz in zip(bands, (400.0, 3_000.0), strict=True):
        expected = np.log10(1 + hz / 700) / np.log10(1 + 8_000 / 700) * 65 - 1
        assert abs(int(row.argmax()) - expected) <= 1


def test_bands_of_equal_area_fall_with_their_width() -> None:
    options: dict[str, Any] = {"sample_rate": 22_050, "n_fft": 2_048, "f_max": 8_000, "n_mels": 80}
    equal, plain = MelSpectrogram(norm="slaney", **options), MelSpectrogram(**options)
    ratio = (equal.mel_scale.fb.max(0).values / plain.mel_scale.fb.max(0).values)[1:]
    assert (ratio.diff() < 0).all()


def test_resampling_keeps_a_tone() -> None:
    seconds = torch.arange(22_050) / 22_050
    tone = 0.5 * torch.sin(2 * torch.pi * 440 * seconds)[None]
    changed = resample(tone, 22_050, 16_000)
    expected = 0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000)
    assert changed.shape == (1, 16_000)
    torch.testing.assert_close(changed[0, 200:-200], expected[200:-200], atol=1e-3, rtol=0)
