"""An MP3 file that grows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio
from speechagents.serving.listening import Listenable


def tone(seconds: float, *, rate_hz: int = 44_100, channels: int = 2) -> Audio:
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)
    return Audio(np.repeat(wave[:, None], 2, axis=1) if channels == 2 else wave, rate_hz)


def everything(sound: Listenable) -> bytes:
    whole = b""
    while block := sound.read_from(len(whole)):
        whole += block
    return whole


def test_what_comes_in_pieces_is_one_recording(tmp_path: Path) -> None:
    sound = Listenable(tmp_path / "new" / "listen.mp3")
    with sound:
        for seconds in (0.01, 1.0, 0.333, 2.0):
            sound.add(tone(seconds))
        assert not sound.complete
    assert sound.complete
    assert sound.seconds == pytest.approx(3.343, abs=0.01)
    data = everything(sound)
    assert data == sound.path.read_bytes()
    samples, rate_hz = sf.read(io.BytesIO(data))
    assert len(samples) / rate_hz == pytest.approx(3.343, abs=0.15)
    spectrum = np.abs(np.fft.rfft(samples[2 * rate_hz : 3 * rate_hz]))
    assert np.argmax(spectrum) == 440


def test_a_reader_is_told_what_is_there_what_is_to_come_and_the_end(tmp_path: Path) -> None:
    sound = Listenable(tmp_path / "listen.mp3")
    assert sound.read_from(0) == b""
    with sound:
        sound.add(tone(1.0))
        first = sound.read_from(0)
        assert first
        assert sound.read_from(len(first)) == b""
        sound.add(tone(1.0))
        assert sound.read_from(len(first))
    assert sound.read_from(10_000_000) is None


def test_a_run_without_sound_leaves_no_file(tmp_path: Path) -> None:
    sound = Listenable(tmp_path / "listen.mp3")
    with sound:
        sound.add(Audio(np.zeros((0, 2), np.float32), 44_100))
    assert sound.read_from(0) is None
    assert not sound.path.exists()


def test_mono_and_other_rates_are_taken(tmp_path: Path) -> None:
    sound = Listenable(tmp_path / "listen.mp3")
    with sound:
        sound.add(tone(1.0))
        sound.add(tone(1.0, rate_hz=22_050, channels=1))
    samples, rate_hz = sf.read(io.BytesIO(everything(sound)))
    assert len(samples) / rate_hz == pytest.approx(2.0, abs=0.15)


def test_a_folder_that_cannot_be_written_costs_the_listener_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    sound = Listenable(tmp_path / "file" / "listen.mp3")
    with sound:
        sound.add(tone(0.1))
        sound.add(tone(0.1))
    assert (sound.seconds, sound.read_from(0)) == (0.0, None)


def test_a_deleted_file_ends_the_listening(tmp_path: Path) -> None:
    sound = Listenable(tmp_path / "listen.mp3")
    with sound:
        sound.add(tone(1.0))
        sound.discard()
        assert sound.read_from(0) is None
