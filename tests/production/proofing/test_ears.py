"""The embedded recogniser as proofing uses it: real, and believed no further than it deserves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Line
from speechagents.listeners.pocketsphinx import PocketsphinxListener
from speechagents.production.proofing.examining import Examined, Examiner
from speechagents.production.proofing.finding import FaultKind, Finding, ProofLine
from speechagents.voices.espeak.synthesizer import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine, Take

TEXT = "Yesterday evening the ferry left without any passengers."


@pytest.fixture(scope="module")
def ears() -> Iterator[PocketsphinxListener]:
    listener = PocketsphinxListener(decoders=1)
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def person() -> Iterator[Take]:
    """Somebody at a microphone: the voice that is understood best, with a little noise of the room."""
    with EspeakSynthesizer(jobs=1) as voices:
        voice = next(voice for voice in voices.voices if voice.id == "felix")
        (take,) = voices.speak([SpokenLine(TEXT, voice, language="en-US")])
        assert isinstance(take, Take)
        noise = np.random.default_rng(0).normal(0.0, 0.003, take.audio.frames)
        samples = (take.audio.samples + noise).astype(np.float32)
        yield Take(take.line, Audio(samples, take.audio.rate_hz), take.words)


def examined(ears: PocketsphinxListener, text: str, audio: Audio, *, language: str = "en-US") -> Finding:
    line = SpokenLine(text, VOICES.voices[0], language=language)
    one = ProofLine(Line(1, "Daniel", text), line, recorded="0" * 64, human=True)
    (found,) = Examiner(VOICES, ears, language=language).examine([Examined(one, "0" * 64, Take(line, audio))])
    return found


VOICES = EspeakSynthesizer(jobs=1)  # its catalogue alone: no process is started


def test_what_a_person_said_passes(ears: PocketsphinxListener, person: Take) -> None:
    found = examined(ears, TEXT, person.audio)
    assert found.faults == ()
    assert found.score > 0.5
    assert found.heard is not None
    assert found.heard.lower().startswith("yesterday evening the")


def test_something_else_than_the_text_does_not(ears: PocketsphinxListener, person: Take) -> None:
    found = examined(ears, "Who would have thought so much milk could go sour in a week?", person.audio)
    assert [fault.kind for fault in found.faults] == [FaultKind.MISREAD]


def test_a_language_it_does_not_know_is_judged_by_the_sound_and_says_so(
    ears: PocketsphinxListener, person: Take
) -> None:
    found = examined(ears, "Gestern Abend fuhr die Fähre ohne Fahrgäste ab.", person.audio, language="de")
    assert found.faults == ()
    assert found.heard is None
    assert "English only" in found.unheard
