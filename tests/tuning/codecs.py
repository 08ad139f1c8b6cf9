"""A small codec that was not taught, for tests of what uses one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from speechagents.styles import STYLES
from speechagents.units.codec import save_codec
from speechagents.units.networks import ENCODER_DILATIONS, FRAME_DILATIONS, POSITIONS, UNIT_LAYERS
from speechagents.units.spectrum import BANDS, Floats

NAMES = ("_", "a", "t", "s", "i")
VOICES = ("adam", "alma")
LEVELS_DB = dict.fromkeys(STYLES, -23.0) | {"angry": -19.0, "whispering": -31.0}


def made_up_weights(names: int = len(NAMES), voices: int = len(VOICES), size: int = 8) -> dict[str, Floats]:
    """Weights of both networks in the layout that `units.networks` wants, much narrower than real ones."""
    chance = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.first": (size, BANDS, 5),
        **{f"encoder.layers.{number}": (size, size, 5) for number in range(len(ENCODER_DILATIONS))},
        "encoder.narrow": (4, size),
        "encoder.scores": (names, 4),
        "decoder.enter": (size, 6 + 4),
        **{f"decoder.unit_layers.{number}": (size, size, 5) for number in range(UNIT_LAYERS)},
        "decoder.length": (1, size),
        "decoder.place": (size, size + POSITIONS),
        **{f"decoder.frame_layers.{number}": (size, size, 5) for number in range(len(FRAME_DILATIONS))},
        **{f"decoder.manners.{number}": (size, 4) for number in range(len(FRAME_DILATIONS))},
        "decoder.spectrum": (BANDS + 2, size),
    }
    weights = {f"{name}.weight": chance.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    # The encoder is no chance: a unit says in which quarter of the spectrum there is more sound than usual.
    for layer in ("first", *(f"layers.{number}" for number in range(len(ENCODER_DILATIONS))), "narrow", "scores"):
        weights[f"encoder.{layer}.weight"][:] = 0.0
    for quarter in range(4):
        weights["encoder.first.weight"][quarter, quarter * BANDS // 4 : (quarter + 1) * BANDS // 4, 2] = 4 / BANDS
        weights["encoder.narrow.weight"][quarter, quarter] = 1.0
        weights["encoder.scores.weight"][quarter + 1, quarter] = 20.0
    weights["encoder.scores.bias"][0] = 2.0
    weights["decoder.length.bias"] += np.float32(2.0)
    weights["decoder.spectrum.bias"][BANDS] = np.float32(np.log(120.0))
    tables = {"decoder.units": (names, 6), "decoder.voices": (voices, 4), "decoder.styles": (len(STYLES), 4)}
    weights |= {f"{name}.weight": chance.normal(0, 1, shape).astype(np.float32) for name, shape in tables.items()}
    return weights | {"mean": np.full(BANDS, -2.5, np.float32), "spread": np.array([0.8], np.float32)}


def save_made_up_codec(folder: Path) -> Path:
    """Write such a codec and give its folder."""
    save_codec(folder, made_up_weights(), names=NAMES, voices=VOICES, levels_db=LEVELS_DB)
    return folder
