"""How messages reach agents: as text, as sound, or as what a listener understood of the sound.

Owns that one step. What was understood is recorded with the step, so that resuming does not listen again. Transcripts
are untrusted: anybody can say anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from speechagents.audio import Audio
from speechagents.controllers.controller import Heard
from speechagents.drama import MAX_LINE_CHARS, Message, clean_name
from speechagents.errors import SettingsError
from speechagents.listeners.listener import Listener

INAUDIBLE = "(inaudible)"
"""What a listener understood nothing of."""


class Hearing(StrEnum):
    """What agents are given of a message."""

    TEXT = "text"
    AUDIO = "audio"


_SOUNDS_KEPT: Final = 64
"""More than agents are given at once (`memory`): some 15 MB."""


class Ears:
    """The ears of a scene.

    Args:
        hearing: Text, or the rendered sound.
        controller_hears: The controller takes sound itself.
        listener: Understands the sound for one that does not.
        sound_of: Gives the sound of a message, None if it makes none.

    Raises:
        SettingsError: Sound is wanted and nobody can hear.
    """

    def __init__(
        self,
        hearing: Hearing,
        *,
        controller_hears: bool,
        listener: Listener | None,
        sound_of: Callable[[Message], Audio | None],
    ) -> None:
        if hearing is Hearing.AUDIO and not controller_hears and listener is None:
            raise SettingsError(
                "hearing audio needs a controller that hears or a speech recogniser; "
                'python -m pip install "speechagents[neural]", or leave it at text'
            )
        self._listens = hearing is Hearing.AUDIO and not controller_hears
        self._listener = listener
        self._sound_of = sound_of
        self._kept: OrderedDict[int, Audio | None] = OrderedDict()

    def listen(self, messages: Sequence[Message], *, hints: Sequence[str] = (), language: str = "") -> list[str]:
        """What was understood of each message; all are listened to together."""
        understood = [message.text for message in messages]
        if not self._listens or self._listener is None:
            return understood
        sounds = [(index, sound) for index, message in enumerate(messages) if (sound := self._sound_of(message))]
        transcripts = self._listener.transcribe([sound.mono() for _, sound in sounds], hints=hints, language=language)
        for (index, _), transcript in zip(sounds, transcripts, strict=True):
            understood[index] = clean_name(transcript.text)[:MAX_LINE_CHARS] or INAUDIBLE
        return understood

    def heard(self, message: Message, understood: str, *, with_audio: bool) -> Heard:
        """A message as an agent gets it; the latest sounds are kept, for all agents are given the same."""
        return Heard(
            id=message.id,
            speaker=message.speaker,
            text=understood,
            deed=message.deed,
            style=message.style,
            addresses=message.addresses,
            private=bool(message.audience),
            audio=self._kept_sound(message) if with_audio else None,
        )

    def _kept_sound(self, message: Message) -> Audio | None:
        if message.id not in self._kept:
            self._kept[message.id] = self._sound_of(message)
            if len(self._kept) > _SOUNDS_KEPT:
                self._kept.popitem(last=False)
        return self._kept[message.id]
