"""Turns are found where they are, however the sound comes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from speechagents.audio import Audio, Samples
from speechagents.errors import SettingsError
from speechagents.listeners.vad import WINDOW_S, SileroVad, VoiceStream
from speechagents.live.endpointing import SpeechStarted, SpeechStopped, TurnDetection, TurnDetector
from tests.live.babble import babble, hush

VAD = SileroVad()
SETTINGS = TurnDetection()
TWO_TURNS = np.concatenate([hush(0.6), babble(1.0), hush(1.2), babble(0.6), hush(1.0)])
"""Voice from 0.6 to 1.6 s and from 2.8 to 3.3 s."""

Boundaries = list[SpeechStarted | SpeechStopped]


def heard(detector: TurnDetector, sound: Samples, sizes: Iterable[int] = (480,)) -> Boundaries:
    """Feed a sound in pieces of these sizes, over and over."""
    found: Boundaries = []
    at, lengths = 0, list(sizes)
    while at < len(sound):
        size = lengths[0]
        lengths.append(lengths.pop(0))
        found += detector.feed(Audio(sound[at : at + size].copy(), 24_000))
        at += size
    return found


def detector(settings: TurnDetection = SETTINGS) -> TurnDetector:
    return TurnDetector(settings, VAD)


ONCE = heard(detector(), TWO_TURNS)


def test_two_turns_are_two_pairs_at_their_places() -> None:
    first, first_end, second, second_end = ONCE
    assert isinstance(first, SpeechStarted)
    assert isinstance(second, SpeechStarted)
    assert isinstance(first_end, SpeechStopped)
    assert isinstance(second_end, SpeechStopped)
    assert first.start_s == pytest.approx(0.6 - SETTINGS.prefix_padding_s, abs=0.12)
    assert first_end.start_s == first.start_s
    assert first_end.end_s == pytest.approx(1.6, abs=0.2)
    assert second.start_s == pytest.approx(2.8 - SETTINGS.prefix_padding_s, abs=0.12)
    assert second_end.end_s == pytest.approx(3.3, abs=0.2)


@how(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 24_000), min_size=1, max_size=12))
def test_how_the_sound_was_cut_into_pieces_does_not_matter(sizes: list[int]) -> None:
    cut = detector()
    assert heard(cut, TWO_TURNS, [max(120, size) for size in sizes]) == ONCE
    assert cut.position_s == pytest.approx(len(TWO_TURNS) / 24_000)


def test_single_samples_and_nothing_are_pieces_too() -> None:
    slow = detector()
    assert slow.feed(Audio(np.zeros(0, np.float32), 24_000)) == []
    found = heard(slow, TWO_TURNS[:12_000], [1])
    assert found + heard(slow, TWO_TURNS[12_000:], [97]) == ONCE


@how(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.8), st.floats(0.1, 0.8)), min_size=1, max_size=5), st.floats(0.05, 0.6))
def test_boundaries_alternate_and_never_go_back(spans: list[tuple[float, float]], silence_s: float) -> None:
    sound = np.concatenate([part for quiet, loud in spans for part in (hush(quiet), babble(loud))] + [hush(1.0)])
    going, last_s = False, 0.0
    for one in heard(detector(replace(SETTINGS, silence_s=silence_s)), sound):
        assert isinstance(one, SpeechStopped) == going
        going = not going
        assert one.start_s >= last_s if going else True
        if isinstance(one, SpeechStopped):
            assert one.end_s > one.start_s
            last_s = one.end_s
    assert not going


def test_a_turn_ends_as_soon_as_the_silence_is_long_enough() -> None:
    sound = np.concatenate([hush(0.4), babble(1.0), hush(2.0)])
    patient = detector()
    stops = [
        (patient.position_s, one)
        for at in range(0, len(sound), 480)
        for one in patient.feed(Audio(sound[at : at + 480].copy(), 24_000))
        if isinstance(one, SpeechStopped)
    ]
    ((known_s, stop),) = stops
    # A window, and what the resampler holds back, come on top.
    assert 0.35 <= known_s - stop.end_s <= 0.35 + 3 * WINDOW_S


def test_a_click_is_no_turn() -> None:
    click = hush(1.5).copy()
    click[12_000:12_240] = 0.8
    assert heard(detector(), click) == []
    assert heard(detector(replace(SETTINGS, least_speech_s=0.8)), np.concatenate([babble(0.5), hush(0.6)])) == []


def test_a_pause_in_the_middle_of_a_sentence_is_waited_out() -> None:
    sound = np.concatenate([hush(0.3), babble(0.8), hush(0.75), babble(0.8), hush(1.5)])

    def turns(text: str) -> int:
        """Turns found if that was understood while the person spoke."""
        going = detector()
        found: Boundaries = []
        for at in range(0, len(sound), 480):
            found += going.feed(Audio(sound[at : at + 480].copy(), 24_000))
            going.expect_more(text)
        return sum(isinstance(one, SpeechStopped) for one in found)

    assert turns("I went to the station and") == 1
    assert turns("I went to the station") == 2


@pytest.mark.parametrize(
    ("text", "language", "silence_s"),
    [
        ("", "en", 0.35),
        ("give me the key", "en", 0.35),
        ("give me the", "en", 0.9),
        ("Because", "en-GB", 0.9),
        ("well, I’m", "en", 0.9),
        ("Give me the key,", "en", 0.9),
        ("Give me …", "en", 0.9),
        ("Give me the key.", "en", 0.25),
        ("“Where is it?” ", "en", 0.25),
        ("und", "en", 0.35),
        ("Ich weiß, dass", "de", 0.9),
        ("the", "de", 0.35),
    ],
)
def test_the_words_so_far_say_how_long_to_wait(text: str, language: str, silence_s: float) -> None:
    assert replace(SETTINGS, language=language).silence_after(text) == silence_s


def test_what_was_understood_of_one_turn_does_not_delay_the_next() -> None:
    going = detector()
    heard(going, np.concatenate([hush(0.3), babble(0.8)]))
    going.expect_more("and")
    found = heard(going, np.concatenate([hush(1.5), babble(0.8), hush(0.7)]))
    assert [type(one) for one in found] == [SpeechStopped, SpeechStarted, SpeechStopped]


def test_a_long_wait_that_is_asked_for_is_never_made_shorter_by_an_open_end() -> None:
    assert replace(SETTINGS, silence_s=2.0).silence_after("and") == 2.0
    assert replace(SETTINGS, silence_s=0.1).silence_after("Yes.") == 0.1


def test_seconds_of_voice_count_the_utterance_that_is_going_on() -> None:
    going = detector()
    heard(going, hush(0.5))
    assert going.voiced_s == 0.0
    heard(going, babble(0.8))
    assert going.voiced_s == pytest.approx(0.8, abs=0.15)
    heard(going, hush(1.0))
    assert going.voiced_s == 0.0


def test_who_pushes_to_talk_ends_their_turn_themselves() -> None:
    going = detector(replace(SETTINGS, ends_by_itself=False))
    (started,) = heard(going, np.concatenate([hush(0.3), babble(0.8), hush(3.0)]))
    stopped = going.cut()
    assert stopped is not None
    assert stopped.start_s == started.start_s
    assert stopped.end_s == pytest.approx(1.1, abs=0.2)
    assert going.cut() is None


def test_a_turn_that_was_cut_goes_on_as_another() -> None:
    going = detector()
    heard(going, np.concatenate([hush(0.3), babble(0.8)]))
    stopped = going.cut()
    assert stopped is not None
    started, ended = heard(going, np.concatenate([babble(0.8), hush(0.7)]))
    assert started.start_s >= stopped.end_s
    assert isinstance(ended, SpeechStopped)


def test_what_is_forgotten_is_not_ended() -> None:
    going = detector()
    heard(going, np.concatenate([hush(0.3), babble(0.8)]))
    going.reset()
    assert heard(going, hush(1.0)) == []
    assert going.position_s == pytest.approx(2.02, abs=0.05)


def test_after_a_muted_microphone_the_next_words_are_found_all_the_same() -> None:
    muted = np.zeros(3 * 24_000, np.float32)
    found = heard(detector(), np.concatenate([muted, babble(1.0), muted]))
    assert [type(one) for one in found] == [SpeechStarted, SpeechStopped]
    assert found[1].end_s == pytest.approx(4.0, abs=0.12)  # type: ignore[union-attr]


def test_a_muted_microphone_is_not_listened_to() -> None:
    asked: list[int] = []

    class Counting(SileroVad):
        def stream(self) -> VoiceStream:
            made = super().stream()
            probability = made.probability

            def counted(window: Samples) -> float:
                asked.append(len(window))
                return probability(window)

            made.probability = counted  # type: ignore[method-assign]
            return made

    heard(TurnDetector(SETTINGS, Counting()), np.zeros(10 * 24_000, np.float32))
    assert len(asked) < 0.05 * 10.0 / WINDOW_S


def test_other_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="16000"):
        detector().feed(Audio(np.zeros(100, np.float32), 16_000))
    with pytest.raises(ValueError, match="2 channels"):
        detector().feed(Audio(np.zeros((100, 2), np.float32), 24_000))


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.5}, {"silence_s": 0.0}, {"prefix_padding_s": -1.0}, {"silence_s": float("nan")}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="is not between"):
        replace(SETTINGS, **wrong)  # type: ignore[arg-type]
