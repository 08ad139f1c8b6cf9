"""A studio whose voices and ears are those of the language of tones, through the door that plugins use."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from speechagents import backends
from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS

from .tone_speech import ToneListener, ToneVoices, voice

VOCABULARY: list[str] = []
SAYS: dict[tuple[str, int], Any] = {}
"""What the voices say instead of a line, by text and attempt."""

ASKED: list[Any] = []
"""Every line that the voices were asked for."""


class Voices(ToneVoices):
    """Three of them."""

    def __init__(self, **_: object) -> None:
        super().__init__(VOCABULARY, SAYS, asked=ASKED)

    @property
    def voices(self) -> list[Any]:
        return [voice(name) for name in ("tone-a", "tone-b", "tone-c")]


class Ears(ToneListener):
    """They know the voices' words."""

    def __init__(self, **_: object) -> None:
        super().__init__(VOCABULARY)


def install_tones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studios made from now on have these voices and ears, which make no mistakes yet."""
    points = EntryPoints(
        [
            EntryPoint("espeak", f"{__name__}:Voices", SYNTHESIZERS.group),
            EntryPoint("pocketsphinx", f"{__name__}:Ears", LISTENERS.group),
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    SAYS.clear()
    ASKED.clear()
