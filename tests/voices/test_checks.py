"""A good take passes, and each way of being bad is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.voices.checks import check_take, unusable
from speechagents.voices.phonetic import phonetic_word
from speechagents.voices.synthesizer import Take

from .conftest import Speak


@pytest.fixture(scope="module")
def good(speak: Speak) -> Take:
    (take,) = speak(["The kettle sang, and after that, on the 25th, nobody spoke."])
    return take


def test_a_good_take_has_no_faults(good: Take) -> None:
    assert check_take(good) == ()


def test_a_line_without_words_may_be_silent(speak: Speak) -> None:
    assert check_take(speak(["…"])[0]) == ()


def test_a_word_given_by_its_sounds_is_a_word_like_any_other(speak: Speak) -> None:
    name = phonetic_word("ˈtʃʌmli", "Chumley")
    (take,) = speak([f"“Where is {name}?” she asked, and {name}’s brother laughed."])
    assert [word.text for word in take.words][2] == "Chumley?”"
    assert check_take(take) == ()


def silent(take: Take) -> Take:
    return replace(take, audio=Audio.silence(take.audio.duration_s, take.audio.rate_hz))


def clipped(take: Take) -> Take:
    return replace(take, audio=Audio(np.clip(take.audio.samples * 50, -1, 1), take.audio.rate_hz))


def broken(take: Take) -> Take:
    samples = take.audio.samples.copy()
    samples[100] = np.nan
    return replace(take, audio=Audio(samples, take.audio.rate_hz))


def emptied(take: Take) -> Take:
    return replace(take, audio=Audio.silence(0, 22_050), words=())


def cut(take: Take) -> Take:
    return replace(take, audio=Audio(take.audio.samples[: take.audio.rate_hz // 3], take.audio.rate_hz))


def drawn_out(take: Take) -> Take:
    return replace(take, audio=Audio(np.tile(take.audio.samples, 12), take.audio.rate_hz))


def holed(take: Take) -> Take:
    half = take.audio.frames // 2
    parts = [take.audio.samples[:half], np.zeros(4 * take.audio.rate_hz, np.float32), take.audio.samples[half:]]
    return replace(take, audio=Audio(np.concatenate(parts), take.audio.rate_hz))


def word_dropped(take: Take) -> Take:
    return replace(take, words=take.words[:3] + take.words[4:])


def word_invented(take: Take) -> Take:
    return replace(take, words=(*take.words[:-1], replace(take.words[-1], text="hello")))


def words_swapped(take: Take) -> Take:
    return replace(take, words=(take.words[1], take.words[0], *take.words[2:]))


def times_reversed(take: Take) -> Take:
    first, second, *rest = take.words
    swapped = (replace(first, start_s=second.start_s, end_s=second.end_s), replace(second, start_s=0.0, end_s=0.1))
    return replace(take, words=(*swapped, *rest))


def times_outside(take: Take) -> Take:
    return replace(take, words=(*take.words[:-1], replace(take.words[-1], end_s=99.0)))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (silent, "silent"), (clipped, "clips"), (broken, "no numbers"), (emptied, "no audio"), (cut, "too short"),
        (drawn_out, "too long"), (holed, "in the middle"), (word_dropped, "no time"),
        (word_invented, "'hello' is not in the text"), (words_swapped, "out of order"),
        (times_reversed, "out of order"), (times_outside, "outside the audio"),
    ],
)  # fmt: skip
def test_each_fault_is_named(good: Take, spoil: Callable[[Take], Take], fault: str) -> None:
    assert any(fault in found for found in check_take(spoil(good)))


def test_words_are_not_asked_of_a_back_end_without_times(good: Take) -> None:
    untimed = replace(good, words=())
    assert check_take(untimed) != ()
    assert check_take(untimed, timed=False) == ()


@pytest.mark.parametrize(("spoil", "reason"), [(silent, "silent"), (broken, "no numbers"), (emptied, "no audio")])
def test_a_take_that_holds_no_speech_is_unusable(good: Take, spoil: Callable[[Take], Take], reason: str) -> None:
    assert reason in unusable(spoil(good))


@pytest.mark.parametrize("spoil", [clipped, cut, drawn_out, holed, word_dropped, times_outside])
def test_a_take_with_other_faults_can_still_be_heard(good: Take, spoil: Callable[[Take], Take]) -> None:
    assert unusable(spoil(good)) == ""


def test_a_breath_and_a_good_take_are_usable(good: Take, speak: Speak) -> None:
    assert unusable(good) == ""
    assert unusable(speak(["…"])[0]) == ""
