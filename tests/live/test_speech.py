"""A line, clause by clause: when it can be heard, how it sounds as a whole, and what is left of it when it is cut."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from speechagents import Studio
from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.live.clauses import LIVE_HZ
from speechagents.live.speech import LineSpeech, said_until
from speechagents.voices.measure import speech_level_db
from speechagents.voices.synthesizer import Age, FailedTake, Gender, SpokenLine, Take, Voice, Word

VOICE = Voice("ada", "A voice.", Gender.FEMALE, Age.ADULT, "en-GB", "Hello.", 200.0, "pitch 1", "CC0-1.0", "test")
TEXT = "Well, if you ask me, nobody came here on purpose; we stayed because of the rain. It was warm inside!"
CLAUSES = ["Well, if you ask me,", "nobody came here on purpose; we stayed because of the rain.", "It was warm inside!"]


@dataclass
class Voices:
    """Speaks a tone of a tenth of a second for each word; refuses texts that hold a word."""

    refuses: str = "\0"
    timed: bool = True
    rate_hz: int = 22_050
    asked: list[list[str]] = field(default_factory=list)
    identity = "tones 1"
    voices = (VOICE,)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        self.asked.append([line.text for line in lines])
        for line in lines:
            if self.refuses in line.text:
                yield FailedTake(line, "the voice is hoarse")
                continue
            words = line.text.split()
            tone = np.sin(np.arange(self.rate_hz * len(words) // 10) * 0.2).astype(np.float32) * np.float32(0.3)
            times = tuple(Word(word, n / 10, (n + 1) / 10) for n, word in enumerate(words))
            yield Take(line, Audio(tone, self.rate_hz), times if self.timed else ())


def line(text: str = TEXT, style: str = "default") -> SpokenLine:
    return SpokenLine(text, VOICE, Style(style), "en")


def test_the_first_clause_is_given_before_any_other_is_asked_for() -> None:
    voices = Voices()
    clauses = LineSpeech(voices, line()).clauses()
    assert next(clauses).text == CLAUSES[0]
    assert voices.asked == [CLAUSES[:1]]
    assert [clause.text for clause in clauses] == CLAUSES[1:]
    assert voices.asked == [CLAUSES[:1], CLAUSES[1:]]


def test_a_line_with_speech_units_is_one_clause_for_they_are_of_all_of_it() -> None:
    voices = Voices()
    (clause,) = LineSpeech(voices, replace(line(), units=(3, 1, 4))).clauses()
    assert clause.text == TEXT
    assert [text for asked in voices.asked for text in asked] == [TEXT]


def test_clauses_follow_each_other_without_a_gap_and_words_keep_their_times() -> None:
    found = list(LineSpeech(Voices(), line()).clauses())
    for before, after in itertools.pairwise(found):
        assert after.start_s == pytest.approx(before.start_s + before.audio.duration_s, abs=1e-3)
    assert {clause.audio.rate_hz for clause in found} == {LIVE_HZ}
    words = [word for clause in found for word in clause.words]
    assert [word.text for word in words] == TEXT.split()
    whole = np.concatenate([clause.audio.samples for clause in found])
    for word in words:
        inside = whole[round((word.start_s + 0.01) * LIVE_HZ) : round((word.end_s - 0.01) * LIVE_HZ)]
        assert np.abs(inside).max() > 0.25
    # Where no word is, there is silence: the pauses.
    for word, following in itertools.pairwise(words):
        if following.start_s - word.end_s > 0.05:
            pause = whole[round((word.end_s + 0.01) * LIVE_HZ) : round((following.start_s - 0.01) * LIVE_HZ)]
            assert np.abs(pause).max() < 0.01


def test_pauses_follow_the_marks_and_the_style() -> None:
    def pauses(style: str) -> list[float]:
        found = list(LineSpeech(Voices(), line(style=style)).clauses())
        return [after.words[0].start_s - before.words[-1].end_s for before, after in itertools.pairwise(found)]

    comma, stop = pauses("default")
    assert comma == pytest.approx(0.22, abs=0.01)
    assert stop == pytest.approx(0.45, abs=0.01)
    assert pauses("tired")[0] > 1.3 * comma
    assert pauses("urgent")[0] < 0.8 * comma


def test_the_take_is_what_was_played() -> None:
    speech = LineSpeech(Voices(rate_hz=LIVE_HZ), line())
    played = np.concatenate([clause.audio.samples for clause in speech.clauses()])
    take = speech.whole()
    assert take is not None
    assert np.array_equal(take.audio.samples, played)
    assert [word.text for word in take.words] == TEXT.split()


def test_a_line_can_be_kept_whole_that_nobody_listened_to_the_end_of() -> None:
    speech = LineSpeech(Voices(), line())
    next(speech.clauses())
    take = speech.whole()
    assert take is not None
    assert take.words[-1].text == "inside!"


def test_clauses_can_be_heard_again_and_are_spoken_once() -> None:
    voices = Voices()
    speech = LineSpeech(voices, line())
    once, again = list(speech.clauses()), list(speech.clauses())
    assert all(one is other for one, other in zip(once, again, strict=True))
    assert len(voices.asked) == 2


def test_what_cannot_be_spoken_is_left_out_and_told() -> None:
    speech = LineSpeech(Voices(refuses="rain"), line())
    assert [clause.text for clause in speech.clauses()] == [CLAUSES[0], CLAUSES[2]]
    assert speech.problem == "the voice is hoarse"
    silent = LineSpeech(Voices(refuses=""), line())
    assert list(silent.clauses()) == []
    assert silent.whole() is None
    assert silent.heard(1.0) is None


def test_without_word_times_words_share_a_clause_by_their_length() -> None:
    (clause,) = LineSpeech(Voices(timed=False), line("Never — elephants.")).clauses()
    assert [word.text for word in clause.words] == ["Never", "elephants."]
    assert clause.words[0].end_s == pytest.approx(clause.audio.duration_s * 5 / 15, abs=0.01)
    assert clause.words[1].end_s == pytest.approx(clause.audio.duration_s, abs=0.01)


def test_a_line_that_is_cut_off_keeps_what_was_played_of_it() -> None:
    speech = LineSpeech(Voices(rate_hz=LIVE_HZ), line())
    played = np.concatenate([clause.audio.samples for clause in speech.clauses()])
    heard = speech.heard(0.36)
    assert heard is not None
    text, take = heard
    assert text == "Well, if you --"
    assert [word.text for word in take.words] == ["Well,", "if", "you"]
    assert take.audio.duration_s == pytest.approx(0.36, abs=1e-4)
    kept = take.audio.samples
    fade = round(0.012 * LIVE_HZ)
    assert np.array_equal(kept[:-fade], played[: len(kept) - fade])
    assert abs(kept[-1]) < 1e-3


@pytest.mark.parametrize(
    ("heard_s", "text"),
    [
        (0.0, None),
        (0.05, None),
        (0.09, "Well --"),
        (0.45, "Well, if you ask --"),
        (0.6, "Well, if you ask me --"),  # in the pause behind it
        (0.95, "Well, if you ask me, nobody came --"),
        (99.0, TEXT),
    ],
)
def test_words_count_as_heard_when_they_are_over(heard_s: float, text: str | None) -> None:
    speech = LineSpeech(Voices(), line())
    list(speech.clauses())
    heard = speech.heard(heard_s)
    assert (heard and heard[0]) == text


def test_a_line_is_cut_although_its_end_was_never_spoken() -> None:
    speech = LineSpeech(Voices(), line())
    next(speech.clauses())
    heard = speech.heard(99.0)
    assert heard is not None
    assert heard[0] == "Well, if you ask me --"


def test_what_is_stopped_is_spoken_no_further() -> None:
    voices = Voices()
    speech = LineSpeech(voices, line())
    next(speech.clauses())
    speech.stop()
    assert [clause.text for clause in speech.clauses()] == CLAUSES[:1]
    assert voices.asked == [CLAUSES[:1]]


def test_a_cut_need_not_wait_for_a_slow_voice() -> None:
    held, asked = threading.Event(), threading.Event()

    class Slow(Voices):
        def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
            for take in super().speak(lines):
                if take.line.text != CLAUSES[0]:
                    asked.set()
                    held.wait(30)
                yield take

    speech = LineSpeech(Slow(), line())
    found: list[str] = []
    listener = threading.Thread(target=lambda: found.extend(clause.text for clause in speech.clauses()))
    listener.start()
    assert asked.wait(30)
    heard = speech.heard(0.36)  # in this thread, while the other waits for the voice
    speech.stop()
    held.set()
    listener.join(30)
    assert heard is not None
    assert heard[0] == "Well, if you --"
    assert found[0] == CLAUSES[0]
    assert CLAUSES[2] not in found


def test_scripts_without_spaces_are_cut_within_a_run() -> None:
    words = (Word("我们不应该在这里，", 0.0, 1.8), Word("因为下雨了。", 2.0, 3.2))
    text = "我们不应该在这里，因为下雨了。"
    assert said_until(text, words, 0.9) == ("我们不应 --", (Word("我们不应", 0.0, 0.9),))
    assert said_until(text, words, 2.6) == ("我们不应该在这里，因为下 --", (words[0], Word("因为下", 2.0, 2.6)))
    assert said_until(text, words, 0.1) is None


def test_a_cut_is_found_among_words_that_occur_twice_and_marks_that_are_not_spoken() -> None:
    text = "No … no -- and no, I say."
    words = tuple(Word(word, n, n + 0.5) for n, word in enumerate(["No", "no", "and", "no,", "I", "say."]))
    assert said_until(text, words, 1.5) == ("No … no --", words[:2])
    assert said_until(text, words, 3.6) == ("No … no -- and no --", words[:4])


@pytest.mark.parametrize("style", ["default", "tired", "excited"])
def test_real_voices_sound_as_if_the_line_had_been_spoken_in_one_go(studio: Studio, style: str) -> None:
    voice = studio.synthesizer.voices[3]
    spoken = replace(line(style=style), voice=voice)
    (whole,) = studio.synthesizer.speak([spoken])
    assert isinstance(whole, Take)
    pieces = list(LineSpeech(studio.synthesizer, spoken).clauses())
    assert len(pieces) == 3
    joined = Audio(np.concatenate([piece.audio.samples for piece in pieces]), LIVE_HZ)
    assert joined.duration_s == pytest.approx(whole.audio.duration_s, rel=0.06)
    words = [word for piece in pieces for word in piece.words]
    assert [word.text for word in words] == [word.text for word in whole.words]
    for one, other in zip(words, whole.words, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=0.25)
    for piece in pieces:
        # No clause stands out: each is within 4 dB of what it is in the whole line.
        there = whole.audio.samples[
            round(piece.words[0].start_s * whole.audio.rate_hz) : round(piece.words[-1].end_s * whole.audio.rate_hz)
        ]
        here = speech_level_db(piece.audio)
        assert here == pytest.approx(speech_level_db(Audio(there.copy(), whole.audio.rate_hz)), abs=4.0)
    steps = np.abs(np.diff(joined.samples))
    assert steps.max() < 1.5 * np.abs(np.diff(whole.audio.resampled(LIVE_HZ).samples)).max()  # nothing clicks
