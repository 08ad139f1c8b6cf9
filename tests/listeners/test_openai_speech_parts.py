"""What is spoken in a clip, without its silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.listeners import openai_speech_parts
from speechagents.listeners.openai_speech_parts import SpeechPart, speech_parts

UMBRELLA = Audio.read(Path(__file__).parent / "spoken" / "umbrella.flac").resampled(16_000)


def after(seconds: float, *clips: Audio) -> Audio:
    pause = np.zeros(round(seconds * 16_000), np.float32)
    return Audio(np.concatenate([part for clip in clips for part in (pause, clip.samples)]), 16_000)


def test_speech_without_silence_is_one_part_as_it_is() -> None:
    (part,) = speech_parts(UMBRELLA)
    assert part.sound.duration_s == pytest.approx(UMBRELLA.duration_s, abs=0.5)
    assert part.in_clip_s(0.0) == pytest.approx(0.0, abs=0.5)


def test_times_lead_back_to_where_the_sound_was() -> None:
    clip = after(7.0, UMBRELLA, UMBRELLA)
    (part,) = speech_parts(clip)
    for at in range(0, part.sound.frames - 160, 4_001):
        there = round(part.in_clip_s(at / 16_000) * 16_000)
        assert clip.samples[there] == part.sound.samples[at]
    assert part.in_clip_s(part.sound.duration_s) <= clip.duration_s


def test_a_short_pause_stays_and_a_long_one_is_cut() -> None:
    short, long = (next(iter(speech_parts(after(pause, UMBRELLA, UMBRELLA)))) for pause in (0.4, 20.0))
    assert short.sound.duration_s == pytest.approx(2 * UMBRELLA.duration_s + 0.4, abs=0.8)
    assert long.sound.duration_s < 2 * UMBRELLA.duration_s + 1.5


def test_more_than_a_server_takes_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_speech_parts, "MOST_S", 4.0)
    clip = after(2.0, UMBRELLA, UMBRELLA, UMBRELLA)
    parts = list(speech_parts(clip))
    assert len(parts) == 3
    assert all(part.sound.duration_s <= 4.0 for part in parts)
    begins = [part.in_clip_s(0.0) for part in parts]
    assert begins == sorted(begins)
    monkeypatch.setattr(openai_speech_parts, "MOST_S", 1.0)
    parts = list(speech_parts(clip))
    assert all(part.sound.duration_s <= 1.0 for part in parts), "speech without a pause is cut too"
    assert sum(part.sound.duration_s for part in parts) == pytest.approx(3 * UMBRELLA.duration_s, abs=2.0)


@pytest.mark.parametrize("frames", [0, 1, 511, 512, 513, 16_000])
def test_nobody_speaks_in_silence_of_any_length(frames: int) -> None:
    assert list(speech_parts(Audio(np.zeros(frames, np.float32), 16_000))) == []


def test_a_click_is_no_speech() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[8_000:8_010] = 0.9
    assert list(speech_parts(Audio(samples, 16_000))) == []


def test_a_time_before_the_first_stretch_belongs_to_it() -> None:
    part = SpeechPart(Audio.silence(2.0, 16_000), ((0, 16_000), (16_000, 80_000)))
    assert part.in_clip_s(-0.5) == 0.5
    assert part.in_clip_s(0.5) == 1.5
    assert part.in_clip_s(1.5) == 5.5
