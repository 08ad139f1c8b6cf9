"""Styles that a model of which only the speed can be set brings about: those that are a matter of pace.

Owns that table. Knows no model.

Directions after the reviews of vocal emotion (Juslin & Laukka 2003, Psychological Bulletin 129): fear and joy are fast,
sadness and tenderness slow. The amounts are smaller than those of the embedded voices, whose words stay clear at any
speed. Anger, whispers, tears and laughter are not there: by speed alone nobody hears them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from speechagents.drama import Style
from speechagents.voices.abilities import StyleMeans

PACE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "calm": 0.88,
        "sad": 0.82,
        "tired": 0.8,
        "solemn": 0.84,
        "tender": 0.92,
        "excited": 1.12,
        "urgent": 1.2,
        "afraid": 1.15,
    }
)
"""Speed of speech in a style at strength 1, relative to the model's own."""

PACE_STYLES: Final[Mapping[str, StyleMeans]] = MappingProxyType(dict.fromkeys(PACE, StyleMeans.PROSODY))
"""The same as a declaration for `Abilities.styles`."""

_SLOWEST, _FASTEST = 0.6, 1.6


def pace(style: Style) -> float:
    """How fast a style is spoken; 1 is as fast as the model speaks by itself, and stands for all other styles."""
    return min(max(float(PACE.get(style.tag, 1.0) ** style.strength), _SLOWEST), _FASTEST)
