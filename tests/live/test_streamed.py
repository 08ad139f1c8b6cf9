"""A line that is heard while its voice makes it: which words are in it, what is kept, what is left when it is cut."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.errors import SynthesisError
from speechagents.live.clauses import LIVE_HZ
from speechagents.live.speech import LineSpeech
from speechagents.voices.synthesizer import FailedTake, SpokenLine, StreamsSpeech, Take
from tests.live.test_speech import TEXT, VOICE, line

PIECE_S = 0.3


@dataclass
class Streaming:
    """Sings a tone of `char_s` seconds for each character, a piece of 0.3 s at a time."""

    char_s: float = 0.07
    rate_hz: int = LIVE_HZ
    breaks_after: int = 10**6
    made: int = 0
    closed: bool = False
    asked: list[str] = field(default_factory=list)
    identity = "tones 1"
    voices = (VOICE,)
    streams = True

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        raise NotImplementedError

    def sound(self, text: str = TEXT) -> Audio:
        at = np.arange(round(len(text) * self.char_s * self.rate_hz)) / self.rate_hz
        return Audio((0.3 * np.sin(2.0 * np.pi * 200.0 * at)).astype(np.float32), self.rate_hz)

    def stream(self, line: SpokenLine) -> Generator[Audio, None, None]:
        self.asked.append(line.text)
        sound = self.sound(line.text)
        step = round(PIECE_S * self.rate_hz)
        try:
            for number, first in enumerate(range(0, sound.frames, step)):
                if number == self.breaks_after:
                    raise SynthesisError("the model broke off")
                self.made += 1
                yield Audio(sound.samples[first : first + step].copy(), self.rate_hz)
        finally:
            self.closed = True


def test_a_line_is_asked_for_as_a_whole_and_heard_from_its_first_piece() -> None:
    voices = Streaming()
    assert isinstance(voices, StreamsSpeech)
    clauses = LineSpeech(voices, line()).clauses()
    first = next(clauses)
    assert voices.asked == [TEXT]
    assert voices.made == 1
    assert first.audio.duration_s == pytest.approx(PIECE_S, abs=0.03)
    assert first.text == ""
    assert next(clauses).text == "Well, if"


@pytest.mark.parametrize("char_s", [0.03, 0.07, 0.2])
def test_the_pieces_hold_every_word_once_in_order_however_fast_the_voice_is(char_s: float) -> None:
    found = list(LineSpeech(Streaming(char_s), line()).clauses())
    assert " ".join(piece.text for piece in found if piece.text) == TEXT
    words = [word for piece in found for word in piece.words]
    assert [word.text for word in words] == TEXT.split()
    for one, other in itertools.pairwise(words):
        assert one.start_s <= one.end_s <= other.start_s + 1e-9
    assert words[-1].end_s == pytest.approx(len(TEXT) * char_s, abs=0.01)
    # The last word is not given away before the sound ends.
    assert TEXT.split()[-1] not in " ".join(piece.text for piece in found[:-1])


@pytest.mark.parametrize("rate_hz", [LIVE_HZ, 22_050, 44_100])
def test_what_is_played_has_no_seam_and_is_what_is_kept(rate_hz: int) -> None:
    voices = Streaming(rate_hz=rate_hz)
    speech = LineSpeech(voices, line())
    found = list(speech.clauses())
    for before, after in itertools.pairwise(found):
        assert after.start_s == pytest.approx(before.start_s + before.audio.duration_s, abs=1e-6)
    played = np.concatenate([piece.audio.samples for piece in found])
    take = speech.whole()
    assert take is not None
    assert np.array_equal(take.audio.samples, voices.sound().samples)
    at_once = voices.sound().resampled(LIVE_HZ).samples
    assert abs(played.size - at_once.size) <= 1
    least = min(played.size, at_once.size)
    assert np.abs(played[:least] - at_once[:least]).max() < 1e-3


def test_a_line_that_is_cut_off_keeps_what_can_have_been_said() -> None:
    speech = LineSpeech(Streaming(), line())
    clauses = speech.clauses()
    for _ in range(4):
        next(clauses)
    heard = speech.heard(0.9)
    assert heard is not None
    text, take = heard
    assert text == "Well, if you ask --"
    assert take.audio.duration_s == pytest.approx(0.9, abs=1e-3)


def test_what_breaks_off_is_told_and_what_was_heard_is_kept() -> None:
    speech = LineSpeech(Streaming(breaks_after=3), line())
    found = list(speech.clauses())
    assert speech.problem == "the model broke off"
    assert sum(piece.audio.duration_s for piece in found) == pytest.approx(3 * PIECE_S, abs=1e-3)
    assert TEXT.startswith(" ".join(piece.text for piece in found if piece.text))
    take = speech.whole()
    assert take is not None
    assert take.audio.duration_s == pytest.approx(3 * PIECE_S, abs=1e-3)


def test_a_voice_that_makes_no_sound_is_a_problem() -> None:
    for voices in (Streaming(breaks_after=0), Streaming(char_s=0.0)):
        speech = LineSpeech(voices, line())
        assert list(speech.clauses()) == []
        assert speech.problem
        assert speech.whole() is None


def test_what_is_stopped_stops_the_voice() -> None:
    voices = Streaming()
    speech = LineSpeech(voices, line())
    next(speech.clauses())
    speech.stop()
    assert voices.closed
    assert voices.made == 1
    assert len(list(speech.clauses())) == 1


def test_marks_that_nobody_speaks_stay_in_the_text() -> None:
    found = list(LineSpeech(Streaming(), line("Never — elephants — at all.")).clauses())
    assert " ".join(piece.text for piece in found if piece.text) == "Never — elephants — at all."
    assert [word.text for piece in found for word in piece.words] == ["Never", "elephants", "at", "all."]
