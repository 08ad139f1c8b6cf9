"""Styles put into words and speeds, for models that are told how to speak.

Owns one plain English sentence for each style tag, weaker or stronger by its strength, and how much faster or slower a
style is. Knows no server.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from speechagents.drama import Style

MANNERS: Final = MappingProxyType(
    {
        "happy": "Sound {much}happy and bright, with a smile in the voice.",
        "laughing": "Speak with {much}audible laughter breaking up the words.",
        "excited": "Sound {much}excited and full of energy.",
        "calm": "Sound {much}calm, slow and even.",
        "tender": "Sound {much}tender, soft and close.",
        "quiet": "Speak {much}quietly and confidentially, but do not whisper.",
        "whispering": "Whisper the whole line {much}softly, with breath and without voice.",
        "sad": "Sound {much}sad, low and slow.",
        "crying": "Sound {much}tearful, with an unsteady voice that is close to breaking.",
        "pleading": "Sound {much}pleading, begging the listener.",
        "tired": "Sound {much}tired, weak and slow.",
        "hesitant": "Sound {much}hesitant and unsure, with small pauses.",
        "afraid": "Sound {much}afraid, tense and fast.",
        "surprised": "Sound {much}surprised, with wide leaps of pitch.",
        "angry": "Sound {much}angry, hard and loud.",
        "shouting": "Shout {much}loudly, to somebody far away.",
        "urgent": "Sound {much}urgent, fast and pressing.",
        "cold": "Sound {much}cold, flat and without feeling.",
        "sarcastic": "Sound {much}sarcastic, drawn out, meaning the opposite.",
        "solemn": "Sound {much}solemn, grave and weighty.",
        "singing": "Half sing the line, {much}melodiously, on held notes.",
    }
)
"""A sentence for each style but the default one; ``{much}`` is where its strength goes."""

_SPEEDS: Final = MappingProxyType(
    {
        "happy": 1.05,
        "excited": 1.12,
        "calm": 0.92,
        "tender": 0.93,
        "sad": 0.85,
        "crying": 0.88,
        "pleading": 0.94,
        "tired": 0.82,
        "hesitant": 0.87,
        "afraid": 1.12,
        "angry": 1.1,
        "urgent": 1.2,
        "sarcastic": 0.92,
        "solemn": 0.88,
    }
)
PACED: Final = frozenset(_SPEEDS)
"""Styles that `speed_of` tells from the default one."""

_WEAK: Final = 0.75
_STRONG: Final = 1.35


def instruction_of(style: Style) -> str:
    """One English sentence that says how; empty for the default style, for strength 0 and for unknown tags."""
    manner = MANNERS.get(style.tag, "")
    if not manner or style.strength == 0.0:
        return ""
    much = "slightly " if style.strength < _WEAK else "extremely " if style.strength > _STRONG else ""
    return manner.format(much=much)


def speed_of(style: Style) -> float:
    """How much faster than in the default style; 1 for styles that are about as fast."""
    return round(float(_SPEEDS.get(style.tag, 1.0) ** style.strength), 3)
