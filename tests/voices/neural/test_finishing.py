"""From a model's sound to a take: trimmed, and as loud as every other voice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.audio import Audio
from speechagents.voices.measure import speech_level_db
from speechagents.voices.neural.finishing import (
    MARGIN_S,
    PEAK_DB,
    PIECE_GAP_S,
    REFERENCE_DB,
    finished,
    finished_as_it_comes,
    joined,
)

RATE_HZ = 24_000


def tone(seconds: float = 1.0, *, level: float = 0.2, hz: float = 220.0, rate_hz: int = RATE_HZ) -> Audio:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return Audio((level * np.sin(2.0 * np.pi * hz * at)).astype(np.float32), rate_hz)


def silence(seconds: float) -> Audio:
    return Audio.silence(seconds, RATE_HZ)


def end_to_end(*sounds: Audio) -> Audio:
    return Audio(np.concatenate([sound.samples for sound in sounds]), sounds[0].rate_hz)


@settings(deadline=None)
@given(st.floats(0.005, 0.99))
def test_every_take_has_the_same_level(level: float) -> None:
    assert speech_level_db(finished(tone(level=level))) == pytest.approx(REFERENCE_DB, abs=0.1)


def test_pauses_do_not_make_a_take_louder() -> None:
    plain = finished(tone(2.0))
    pausing = finished(end_to_end(tone(1.0), silence(3.0), tone(1.0)))
    assert speech_level_db(pausing) == pytest.approx(speech_level_db(plain), abs=0.2)


def test_a_take_with_a_peak_is_turned_down_as_a_whole() -> None:
    samples = tone(1.0, level=0.01).samples.copy()
    samples[12_000:12_020] = 0.9
    take = finished(Audio(samples, RATE_HZ))
    assert take.peak == pytest.approx(10.0 ** (PEAK_DB / 20.0), abs=1e-4)
    assert speech_level_db(take) < REFERENCE_DB


def test_silence_around_the_speech_goes_but_for_a_margin() -> None:
    take = finished(end_to_end(silence(1.0), tone(1.0), silence(2.0)))
    assert take.duration_s == pytest.approx(1.0 + 2 * MARGIN_S, abs=0.03)


def test_a_pause_within_the_speech_stays() -> None:
    assert finished(end_to_end(tone(), silence(1.5), tone())).duration_s == pytest.approx(3.5, abs=0.03)


def test_a_hiss_around_the_speech_counts_as_silence() -> None:
    hiss = Audio((1e-4 * np.random.default_rng(1).standard_normal(RATE_HZ)).astype(np.float32), RATE_HZ)
    assert finished(end_to_end(hiss, tone(), hiss)).duration_s == pytest.approx(1.04, abs=0.05)


@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32), np.zeros(7, np.float32)])
def test_silence_stays_what_it_is(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    take = finished(Audio(samples, RATE_HZ))
    assert take.frames == samples.size
    assert take.peak == 0.0


def test_what_is_hardly_there_does_not_become_loud_noise() -> None:
    hiss = Audio((1e-5 * np.random.default_rng(1).standard_normal(RATE_HZ)).astype(np.float32), RATE_HZ)
    assert finished(hiss).peak < 0.01


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_stay_for_others_to_refuse(odd: float) -> None:
    samples = tone().samples.copy()
    samples[1_000] = odd
    assert not np.isfinite(finished(Audio(samples, RATE_HZ)).samples).all()


def test_a_click_shorter_than_a_frame_is_kept_whole() -> None:
    click = Audio(np.full(100, 0.5, np.float32), RATE_HZ)
    assert finished(click).frames == 100


def test_stereo_is_mixed() -> None:
    wide = Audio(np.stack([tone().samples, tone().samples], axis=1), RATE_HZ)
    assert finished(wide).channels == 1


def test_a_take_is_a_sound_of_its_own() -> None:
    sound = tone()
    before = sound.samples.copy()
    finished(sound)
    assert np.array_equal(sound.samples, before)


def test_pieces_are_joined_with_a_pause_whatever_silence_they_bring() -> None:
    padded = end_to_end(silence(0.7), tone(1.0), silence(0.4))
    whole = joined([padded, padded, padded])
    assert whole.duration_s == pytest.approx(3 * (1.0 + 2 * MARGIN_S) + 2 * PIECE_GAP_S, abs=0.1)
    gap = whole.samples[round(1.1 * RATE_HZ) : round(1.2 * RATE_HZ)]
    assert np.abs(gap).max() == 0.0


def test_a_single_piece_is_left_as_it_is() -> None:
    sound = end_to_end(silence(0.5), tone())
    assert joined([sound]) is sound


# Sound that is still coming


def cut(sound: Audio, piece_s: float) -> list[Audio]:
    step = round(piece_s * sound.rate_hz)
    return [Audio(sound.samples[at : at + step].copy(), sound.rate_hz) for at in range(0, sound.frames, step)]


@settings(deadline=None)
@given(st.floats(0.04, 0.9), st.floats(0.005, 2.0))
def test_a_beginning_sets_the_level_of_all_of_it(level: float, piece_s: float) -> None:
    played = end_to_end(*finished_as_it_comes(cut(end_to_end(silence(0.5), tone(1.5, level=level)), piece_s)))
    assert speech_level_db(played) == pytest.approx(REFERENCE_DB, abs=0.6)
    assert played.duration_s == pytest.approx(1.5 + MARGIN_S, abs=0.03)


def test_what_is_far_too_soft_is_not_made_as_loud_as_speech() -> None:
    (played,) = finished_as_it_comes([tone(1.0, level=0.002)])
    assert speech_level_db(played) < REFERENCE_DB - 10.0


def test_something_louder_later_is_turned_down_for_good_and_not_clipped() -> None:
    sounds = [tone(0.5, level=0.05), tone(0.5, level=0.9), tone(0.5, level=0.05)]
    played = list(finished_as_it_comes(sounds))
    most = 10.0 ** (PEAK_DB / 20.0)
    assert max(sound.peak for sound in played) <= most + 1e-4
    assert played[1].peak == pytest.approx(most, abs=0.01)
    assert played[2].peak < played[0].peak


def test_a_piece_is_handed_on_before_the_next_is_asked_for() -> None:
    asked: list[int] = []

    def sounds() -> Iterator[Audio]:
        for number in range(4):
            asked.append(number)
            yield tone(0.3)

    playing = finished_as_it_comes(sounds())
    next(playing)
    assert asked == [0]


def test_silence_alone_is_no_sound() -> None:
    assert list(finished_as_it_comes(cut(silence(2.0), 0.1))) == []
    assert list(finished_as_it_comes([])) == []


def test_a_line_that_is_shorter_than_a_beginning_is_handed_on_at_its_end() -> None:
    (played,) = finished_as_it_comes([silence(0.2), tone(0.1)])
    assert played.duration_s == pytest.approx(0.1 + MARGIN_S, abs=0.02)
