"""What is measured of one take: sounds whose answer is known, and that each take is analysed once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.benchmark.metrics.take_sound import recorded_turns, spoken_turns, take_sound
from speechagents.drama import Deed, Message, Style
from speechagents.production.takes import TakeStore, recording_address
from speechagents.voices.measure import fingerprint
from speechagents.voices.synthesizer import SpokenLine, Take
from tests.benchmark.metrics.spoken_scenes import Speaker, played_of

RATE_HZ = 22_050
VOICES = {"Anna": "alma", "Ben": "adam"}


def buzz(f0_hz: float, duration_s: float = 1.0, *, tilt_db: float = -6.0) -> Audio:
    """Harmonics of a fundamental that fall by so much for each octave."""
    times = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    numbers = np.arange(1, int(8_000 / f0_hz))
    heights = 10.0 ** (tilt_db * np.log2(numbers) / 20.0)
    sound = (heights[:, None] * np.sin(2.0 * np.pi * f0_hz * numbers[:, None] * times)).sum(axis=0)
    return Audio((0.1 * sound / np.abs(sound).max()).astype(np.float32), RATE_HZ)


def noise(duration_s: float = 1.0) -> Audio:
    samples = 0.05 * np.random.default_rng(1).standard_normal(int(duration_s * RATE_HZ))
    return Audio(samples.astype(np.float32), RATE_HZ)


def message(text: str, take: str, *, id: int = 1, deed: Deed = Deed.SPEAK) -> Message:  # noqa: A002 - as messages call it
    return Message(id, "Anna", text, deed, Style(), (), (), 0.0, 1.0, take)


def test_pitch_is_told_in_semitones_above_55_hertz() -> None:
    low, high = take_sound(buzz(110.0)), take_sound(buzz(220.0))
    assert low.pitch_st == pytest.approx(12.0, abs=0.2)
    assert high.pitch_st == pytest.approx(24.0, abs=0.2)
    assert low.voiced > 0.9


def test_what_has_no_voice_has_no_melody() -> None:
    sound = take_sound(noise())
    assert sound.voiced < 0.1
    assert sound.pitch_st is None
    assert sound.spread_st is None


def test_pauses_are_no_speech() -> None:
    tone = buzz(120.0, 2.0)
    paused = take_sound(Audio(np.concatenate([tone.samples, np.zeros(2 * RATE_HZ, np.float32)]), RATE_HZ))
    assert paused.active_s == pytest.approx(2.0, abs=0.05)
    assert paused.pause_share == pytest.approx(0.5, abs=0.02)
    assert paused.level_db == pytest.approx(take_sound(tone).level_db, abs=0.2)


def test_effort_is_heard_in_the_spectrum_whatever_the_level() -> None:
    soft, loud = buzz(120.0, tilt_db=-12.0), buzz(120.0, tilt_db=-6.0)
    assert take_sound(loud).effort_db > take_sound(soft).effort_db + 6.0
    assert take_sound(soft.scaled(5.0)).effort_db == pytest.approx(take_sound(soft).effort_db, abs=0.01)


def test_a_wave_that_was_cut_off_and_turned_down_is_clipped() -> None:
    whole = buzz(120.0)
    cut = Audio(np.clip(whole.samples, -0.6 * whole.peak, 0.6 * whole.peak).astype(np.float32), RATE_HZ)
    assert not take_sound(noise()).clipped
    assert take_sound(cut.scaled(0.5)).clipped
    assert take_sound(noise().scaled(1.0 / noise().peak)).clipped


def test_embedded_voices_are_whole(speaker: Speaker) -> None:
    lines = [("Anna", "shouting", "Get out of the water, all of you!"), ("Ben", "quiet", "She means it, you know.")]
    assert [turn.sound.clipped for turn in spoken_turns(speaker.play(lines, VOICES))] == [False, False]


@pytest.mark.parametrize("audio", [Audio.silence(1.0, RATE_HZ), Audio.silence(0.0, RATE_HZ), noise().scaled(1e-4)])
def test_silence_is_silent(audio: Audio) -> None:
    assert take_sound(audio).silent


@pytest.mark.parametrize("duration_s", [0.005, 0.03])
def test_a_click_can_be_measured(duration_s: float) -> None:
    assert np.isfinite(take_sound(buzz(200.0, duration_s)).level_db)


def test_both_channels_of_stereo_are_heard() -> None:
    tone = buzz(120.0)
    both = Audio(np.stack([tone.samples, tone.samples], axis=1), RATE_HZ)
    assert take_sound(both) == take_sound(tone)


def test_the_fingerprint_is_that_of_the_voice_catalogue(speaker: Speaker) -> None:
    played = speaker.play([("Anna", "default", "The tug is on its way.")], VOICES)
    (turn,) = spoken_turns(played)
    sound = played.sound(played.lines[0])
    assert sound is not None
    assert turn.sound.fingerprint == pytest.approx(fingerprint([sound]), abs=0.002)


def test_speed_is_syllables_for_a_second_of_speech(speaker: Speaker) -> None:
    played = speaker.play(
        [("Anna", "default", "The captain said so."), ("Anna", "urgent", "The captain said so.")], VOICES
    )
    plain, urgent = spoken_turns(played)
    assert plain.syllables_per_s == pytest.approx(5.0 / plain.sound.active_s)
    assert urgent.syllables_per_s > 1.15 * plain.syllables_per_s


def test_turns_are_numbered_among_what_was_said_aloud(speaker: Speaker) -> None:
    played = speaker.play([("Anna", "default", "Half past six."), ("Ben", "calm", "So late?")], VOICES)
    first, second = played.messages
    murmur = dataclasses.replace(first, id=2, deed=Deed.BACK_CHANNEL, text="mm-hm")
    nothing = dataclasses.replace(first, id=3, text="…")
    last = dataclasses.replace(second, id=4)
    among = dataclasses.replace(played, messages=(first, murmur, nothing, last))
    assert [(turn.position, turn.role) for turn in spoken_turns(among)] == [(0, "anna"), (2, "ben")]


def test_what_was_not_kept_or_is_damaged_is_left_out(speaker: Speaker, tmp_path: Path) -> None:
    assert spoken_turns(played_of([message("Half past six.", "")])) == ()
    lost, damaged = "0" * 64, "1" * 64
    store = TakeStore(tmp_path / "takes")
    store.path(damaged).parent.mkdir()
    store.path(damaged).write_bytes(b"fLaC and no more")
    messages = [message("Half past six.", lost), message("So late?", damaged, id=2)]
    assert spoken_turns(played_of(messages, folder=tmp_path)) == ()


def test_silent_takes_are_recorded_but_not_spoken(speaker: Speaker, tmp_path: Path) -> None:
    silence = Audio.silence(1.0, RATE_HZ)
    address = recording_address(silence)
    voice = speaker.synthesizer.voices[0]
    TakeStore(tmp_path / "takes").save(address, Take(SpokenLine("Half past six.", voice), silence))
    played = played_of([message("Half past six.", address)], folder=tmp_path)
    assert len(recorded_turns(played)) == 1
    assert spoken_turns(played) == ()


def test_a_take_is_analysed_once(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    played = speaker.play([("Anna", "default", "Nobody has read this take before.")], VOICES)
    reads: list[Path] = []
    read = Audio.read

    def counted(path: Path) -> Audio:
        reads.append(path)
        return read(path)

    monkeypatch.setattr(Audio, "read", counted)
    assert spoken_turns(played) == spoken_turns(played)
    assert len(reads) == 1
