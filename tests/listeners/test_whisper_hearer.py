"""Whisper listens along by looking at what was said so far, every now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

pytest.importorskip("faster_whisper")

from speechagents.audio import Audio
from speechagents.listeners.listener import StreamingListener, Transcript
from speechagents.listeners.whisper import WhisperHearer, WhisperListener


class Slow:
    """A listener that needs a given time for each look, and understands how long the sound was."""

    identity = "slow"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes_s: float) -> None:
        self.now_s = 0.0
        self.looks: list[float] = []
        self._takes_s = takes_s
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        self.now_s += self._takes_s
        self.looks.append(round(clips[0].duration_s, 2))
        return iter([Transcript(f"{clips[0].duration_s:.1f} {' '.join(hints)}", language=language)])


def feed(hearer: WhisperHearer, duration_s: float) -> list[str]:
    return [hearer.feed(Audio.silence(0.1, 24_000)) for _ in range(round(10 * duration_s))]


def test_partials_come_every_eight_tenths_and_the_end_hears_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, takes_s=0.2)
    hearer = WhisperHearer(slow, ["Ella"], "en")
    texts = feed(hearer, 2.0)
    assert texts[:7] == [""] * 7
    assert texts[7] == texts[14] == "0.8 Ella"
    assert texts[-1] == "1.6 Ella"
    assert hearer.finish() == Transcript("2.0 Ella", language="en")
    assert slow.looks == [0.8, 1.6, 2.0]


def test_where_a_look_takes_long_there_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, takes_s=1.5)
    feed(WhisperHearer(slow, [], "en"), 4.0)
    assert slow.looks == [0.8, 2.3, 3.8]


def test_a_long_speech_is_left_alone_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, takes_s=0.0)
    hearer = WhisperHearer(slow, [], "en")
    feed(hearer, 25.0)
    assert max(slow.looks) <= 20.0
    hearer.finish()
    assert slow.looks[-1] == 25.0


def test_an_utterance_of_nothing_and_one_that_changes_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, takes_s=0.0)
    assert WhisperHearer(slow, [], "en").finish() == Transcript("", language="en")
    hearer = WhisperHearer(slow, [], "en")
    feed(hearer, 0.1)
    with pytest.raises(ValueError, match="does not continue"):
        hearer.feed(Audio(np.zeros(10, np.float32), 16_000))


def test_whisper_offers_it() -> None:
    assert issubclass(WhisperListener, StreamingListener)
