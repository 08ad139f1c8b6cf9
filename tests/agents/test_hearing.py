"""How messages reach agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from speechagents.agents.hearing import INAUDIBLE, Ears, Hearing
from speechagents.audio import Audio
from speechagents.drama import Deed, Message, Style
from speechagents.errors import SettingsError
from speechagents.listeners.listener import Transcript

SOUND = Audio(np.zeros(1_600, np.float32), 16_000)


def message(number: int, text: str = "Hello there.", take: str = "take") -> Message:
    return Message(number, "Ella", text, Deed.SPEAK, Style(), (), (), 0.0, 1.0, take)


class Mishearing:
    """Understands everything a little wrong."""

    identity = "mishearing"

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.calls: list[tuple[int, tuple[str, ...], str]] = []

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        self.calls.append((len(clips), tuple(hints), language))
        yield from map(Transcript, self.texts)


def test_agents_that_read_are_given_the_text() -> None:
    ears = Ears(Hearing.TEXT, controller_hears=False, listener=None, sound_of=lambda _: SOUND)
    assert ears.listen([message(1)]) == ["Hello there."]


def test_whoever_cannot_hear_is_given_what_the_listener_understood_in_one_batch() -> None:
    listener = Mishearing("Yellow bear.", "\x1b[31m", "")
    ears = Ears(Hearing.AUDIO, controller_hears=False, listener=listener, sound_of=lambda _: SOUND)
    found = ears.listen([message(1), message(2), message(3)], hints=["Ella"], language="en")
    assert found == ["Yellow bear.", "[31m", INAUDIBLE]
    assert listener.calls == [(3, ("Ella",), "en")]


def test_what_makes_no_sound_is_seen_not_heard() -> None:
    listener = Mishearing("Yellow bear.")
    sounds = {1: None, 2: SOUND}
    ears = Ears(Hearing.AUDIO, controller_hears=False, listener=listener, sound_of=lambda one: sounds[one.id])
    assert ears.listen([message(1, "puts the kettle on", take=""), message(2)]) == [
        "puts the kettle on",
        "Yellow bear.",
    ]


def test_all_agents_are_given_the_same_sound_which_is_loaded_once() -> None:
    loaded: list[int] = []

    def sound_of(one: Message) -> Audio:
        loaded.append(one.id)
        return SOUND

    ears = Ears(Hearing.AUDIO, controller_hears=True, listener=None, sound_of=sound_of)
    for _ in range(25):
        heard = [ears.heard(message(number), "Hello there.", with_audio=True) for number in range(1, 49)]
    assert all(one.audio is SOUND for one in heard)
    assert len(loaded) == 48
    assert ears.heard(message(1), "Hello there.", with_audio=False).audio is None


def test_where_nobody_can_hear_sound_is_refused() -> None:
    with pytest.raises(SettingsError, match="speech recogniser"):
        Ears(Hearing.AUDIO, controller_hears=False, listener=None, sound_of=lambda _: SOUND)
