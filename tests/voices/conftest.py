"""Real voices for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from speechagents.drama import Style
from speechagents.voices.espeak import EmbeddedVoice, EspeakSynthesizer, load_catalogue
from speechagents.voices.synthesizer import SpokenLine, Take, Voice

Speak = Callable[..., list[Take]]


@pytest.fixture(scope="session")
def espeak() -> Iterator[EspeakSynthesizer]:
    """The embedded synthesizer with two workers."""
    with EspeakSynthesizer(jobs=2) as synthesizer:
        yield synthesizer


@pytest.fixture(scope="session")
def catalogue() -> tuple[EmbeddedVoice, ...]:
    """The embedded voices."""
    return load_catalogue()


@pytest.fixture(scope="session")
def narrator(catalogue: tuple[EmbeddedVoice, ...]) -> Voice:
    """A plain voice to try things on."""
    return next(entry.voice for entry in catalogue if entry.voice.narrates)


@pytest.fixture(scope="session")
def speak(espeak: EspeakSynthesizer, narrator: Voice) -> Speak:
    """Speak texts; every one must become a take."""

    def spoken(
        texts: Sequence[str], *, voice: Voice = narrator, style: Style = Style(), language: str = ""
    ) -> list[Take]:
        takes = list(espeak.speak([SpokenLine(text, voice, style, language) for text in texts]))
        for take in takes:
            assert isinstance(take, Take), take
        return [take for take in takes if isinstance(take, Take)]

    return spoken
