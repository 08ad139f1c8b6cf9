"""Sound as a value."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio
from speechagents.errors import SoundError


def tone(*, hz: float, rate_hz: int, duration_s: float = 1.0) -> Audio:
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    return Audio((0.5 * np.sin(2 * np.pi * hz * times)).astype(np.float32), rate_hz)


def test_samples_cannot_be_changed() -> None:
    sound = Audio.silence(0.1, 22_050)
    with pytest.raises(ValueError, match="read-only"):
        sound.samples[0] = 1.0


@pytest.mark.parametrize("samples", [np.zeros((4, 3), np.float32), np.zeros((2, 2, 2), np.float32)])
def test_only_mono_and_stereo_are_sound(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    with pytest.raises(ValueError, match="neither mono nor stereo"):
        Audio(samples, 22_050)


def test_float64_is_refused_rather_than_silently_halved() -> None:
    with pytest.raises(TypeError, match="float64"):
        Audio(np.zeros(4), 22_050)  # type: ignore[arg-type]


def test_a_tone_keeps_pitch_and_level_when_resampled() -> None:
    sound = tone(hz=1000, rate_hz=22_050).resampled(44_100)
    assert sound.rate_hz == 44_100
    assert sound.frames == 44_100
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert int(np.argmax(spectrum)) == 1000
    assert sound.peak == pytest.approx(0.5, abs=0.01)


def test_pcm16_survives_a_round_trip_through_a_file(tmp_path: Path) -> None:
    pcm = np.array([0, 1, -1, 32767, -32768], np.int16)
    path = tmp_path / "x.flac"
    sf.write(path, pcm, 22_050, subtype="PCM_16")
    assert np.array_equal(Audio.read(path).samples, Audio.from_pcm16(pcm.tobytes(), 22_050).samples)


def test_six_channels_are_mixed_down(tmp_path: Path) -> None:
    path = tmp_path / "surround.wav"
    sf.write(path, np.tile(np.arange(6, dtype=np.float32) / 10, (100, 1)), 44_100, subtype="FLOAT")
    sound = Audio.read(path)
    assert sound.channels == 1
    assert sound.samples[50] == pytest.approx(0.25)


def test_what_is_no_sound_is_named_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "letter.wav"
    path.write_text("Dear Sir")
    with pytest.raises(SoundError, match=r"letter\.wav: cannot be read as sound .* use WAV"):
        Audio.read(path)


def test_a_missing_file_is_an_error_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="nothing"):
        Audio.read(tmp_path / "nothing.wav")


def test_a_file_that_claims_to_be_endless_is_refused() -> None:
    raw = io.BytesIO()
    sf.write(raw, np.zeros(10, np.int16), 8000, format="WAV")
    data = bytearray(raw.getvalue())
    # A low rate makes a small file long: 4 000 frames at 1 Hz are over an hour.
    data[24:28] = (1).to_bytes(4, "little")
    long = bytes(data[:40]) + (40_000).to_bytes(4, "little") + bytes(40_000)
    with pytest.raises(SoundError, match="longer than 4 h"):
        Audio.read(io.BytesIO(long))
