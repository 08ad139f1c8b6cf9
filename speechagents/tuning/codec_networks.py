"""The two networks of the unit codec in PyTorch, for learning.

Owns their layers and losses. `units.networks` has the same arithmetic in NumPy, for use; a test holds them together.
Importing this module needs PyTorch.
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from speechagents.units.networks import ENCODER_DILATIONS, FRAME_DILATIONS, POSITIONS, UNIT_LAYERS
from speechagents.units.spectrum import BANDS

_WIDTH: Final = 5
_ENCODER_SIZE: Final = 160
_NARROW: Final = 48
_UNIT_SIZE: Final = 96
_MANNER_SIZE: Final = 48
_DECODER_SIZE: Final = 192
_USUAL_FRAMES: Final = 8
_USUAL_F0_HZ: Final = 130.0
_F0_WEIGHT: Final = 2.0
_VOICED_WEIGHT: Final = 0.3
_LENGTH_WEIGHT: Final = 0.5


def _convolution(inside: int, outside: int, *, dilation: int = 1, stride: int = 1) -> nn.Conv1d:
    margin = dilation * (_WIDTH // 2)
    return nn.Conv1d(inside, outside, _WIDTH, stride=stride, dilation=dilation, padding=margin)


def _gelu(values: Any) -> Any:
    return functional.gelu(values, approximate="tanh")


class EncoderNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """From normalised spectra to unit scores.

    Args:
        units: Size of the inventory.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.first = _convolution(BANDS, _ENCODER_SIZE, stride=2)
        self.layers = nn.ModuleList(
            [_convolution(_ENCODER_SIZE, _ENCODER_SIZE, dilation=dilation) for dilation in ENCODER_DILATIONS]
        )
        self.narrow = nn.Linear(_ENCODER_SIZE, _NARROW)
        self.scores = nn.Linear(_NARROW, units)

    def forward(self, spectra: Any) -> Any:
        """Scores of shape ``(batch, frames // 2, units)`` of spectra of shape ``(batch, frames, BANDS)``."""
        hidden = _gelu(self.first(spectra.transpose(1, 2)))
        for layer in self.layers:
            hidden = hidden + _gelu(layer(hidden))
        return self.scores(self.narrow(hidden.transpose(1, 2)))


class DecoderNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """From units, voice and style to lengths, spectra and melody.

    Args:
        units: Size of the inventory.
        voices: Number of voices.
        styles: Number of styles.
    """

    def __init__(self, units: int, voices: int, styles: int) -> None:
        super().__init__()
        self.units = nn.Embedding(units, _UNIT_SIZE)
        self.voices = nn.Embedding(voices, _MANNER_SIZE)
        self.styles = nn.Embedding(styles, _MANNER_SIZE)
        nn.init.normal_(self.voices.weight, std=0.3)
        nn.init.normal_(self.styles.weight, std=0.3)
        self.enter = nn.Linear(_UNIT_SIZE + _MANNER_SIZE, _DECODER_SIZE)
        self.unit_layers = nn.ModuleList([_convolution(_DECODER_SIZE, _DECODER_SIZE) for _ in range(UNIT_LAYERS)])
        self.length = nn.Linear(_DECODER_SIZE, 1)
        self.place = nn.Linear(_DECODER_SIZE + POSITIONS, _DECODER_SIZE)
        self.frame_layers = nn.ModuleList(
            [_convolution(_DECODER_SIZE, _DECODER_SIZE, dilation=dilation) for dilation in FRAME_DILATIONS]
        )
        self.manners = nn.ModuleList([nn.Linear(_MANNER_SIZE, _DECODER_SIZE) for _ in FRAME_DILATIONS])
        self.spectrum = nn.Linear(_DECODER_SIZE, BANDS + 2)
        with torch.no_grad():
            # Where speech is on average: what is far from nought takes long to reach in small steps.
            self.length.bias.add_(math.log(_USUAL_FRAMES))
            self.spectrum.bias[BANDS].add_(math.log(_USUAL_F0_HZ))

    def forward(self, batch: dict[str, Any]) -> tuple[Any, Any]:
        """Log lengths of the units and, for the lengths that the batch has, what each frame is.

        Args:
            batch: ``units``, ``unit_mask`` (batch, units); ``voice``, ``style``, ``strength`` (batch,);
                ``unit_of_frame``, ``frame_mask`` (batch, frames); ``positions`` (batch, frames, POSITIONS).

        Returns:
            ``(batch, units)`` and ``(batch, frames, BANDS + 2)``: spectrum, log fundamental frequency, voicing.
        """
        manner = self.voices(batch["voice"]) + batch["strength"][:, None] * self.styles(batch["style"])
        rows = self.units(batch["units"])
        hidden = self.enter(torch.cat([rows, manner[:, None].expand(-1, rows.shape[1], -1)], dim=2))
        hidden = self._layers(hidden, self.unit_layers, batch["unit_mask"], None)
        lengths = self.length(hidden)[:, :, 0]
        index = batch["unit_of_frame"][:, :, None].expand(-1, -1, hidden.shape[2])
        frames = self.place(torch.cat([hidden.gather(1, index), batch["positions"]], dim=2))
        frames = self._layers(frames, self.frame_layers, batch["frame_mask"], manner)
        return lengths, self.spectrum(frames)

    def _layers(self, rows: Any, layers: nn.ModuleList, mask: Any, manner: Any) -> Any:
        """Residual convolutions; what lies behind the end of a row counts as nothing, as it does for one row alone."""
        kept = mask[:, None].to(rows.dtype)
        hidden = rows.transpose(1, 2)
        for number, layer in enumerate(layers):
            out = layer(hidden * kept)
            if manner is not None:
                out = out + self.manners[number](manner)[:, :, None]
            hidden = hidden + _gelu(out)
        return hidden.transpose(1, 2)


def decoder_loss(found: tuple[Any, Any], batch: dict[str, Any]) -> Any:
    """Mean absolute error of spectrum, melody (where there is voice) and log lengths, and cross entropy of voicing.

    Args:
        found: What `DecoderNetwork` gives.
        batch: With what was wanted: ``mel``, ``f0`` (0 where there is no voice), ``lengths``.
    """
    lengths, out = found
    here = batch["frame_mask"]
    voiced = here & (batch["f0"] > 0)
    spectrum = (out[:, :, :BANDS] - batch["mel"]).abs()[here].mean()
    wanted = torch.log(batch["f0"].clamp(min=1.0))
    melody = (out[:, :, BANDS] - wanted).abs()[voiced].mean()
    voicing = functional.binary_cross_entropy_with_logits(out[:, :, BANDS + 1][here], (batch["f0"] > 0)[here].float())
    length = (lengths - torch.log(batch["lengths"].clamp(min=1.0))).abs()[batch["unit_mask"]].mean()
    return spectrum + _F0_WEIGHT * melody + _VOICED_WEIGHT * voicing + _LENGTH_WEIGHT * length
