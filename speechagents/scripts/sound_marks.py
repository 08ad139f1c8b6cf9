"""Words that ask for a sound: ``SFX: DOOR SLAM``, ``AMBIENCE: RAIN``.

Owns the list of such words and how a request is read, in an action line or a note alike. Does not know which sound
files there are.
"""

from __future__ import annotations

from speechagents.drama import CueKind

_KINDS = {
    **dict.fromkeys(("sfx", "fx", "sound", "sounds", "sound effect", "music"), CueKind.EFFECT),
    **dict.fromkeys(("ambience", "ambiance", "ambient", "atmos", "atmosphere", "background"), CueKind.AMBIENCE),
}
MAX_SOUND_CHARS = 200
"""A longer text is no name of a sound."""


def read_sound(text: str) -> tuple[CueKind, str] | None:
    """The sound that a line asks for, None when it asks for none.

    The word must stand first, and a colon behind it.
    """
    word, colon, name = text.partition(":")
    kind = _KINDS.get(word.strip().casefold())
    name = " ".join(name.split()).rstrip(".")
    return (kind, name) if colon and kind and 0 < len(name) <= MAX_SOUND_CHARS else None


def is_sound_word(word: str) -> bool:
    """Whether it is one of the words, so that it names no speaker."""
    return word.strip().casefold() in _KINDS
