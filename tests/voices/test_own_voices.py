"""Own voices: nothing is kept or cloned unless the person whose voice it is has agreed, and that is on record."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from speechagents import Studio
from speechagents.audio import Audio
from speechagents.errors import CastError, SoundError
from speechagents.voices.own_voices import MAX_VOICES, STATEMENT, OwnVoices, check_sample, read_sample
from speechagents.voices.synthesizer import (
    Age,
    ClonesVoices,
    FailedTake,
    Gender,
    SpokenLine,
    Take,
    Voice,
)

RATE_HZ = 16_000


def speech(seconds: float = 5.0, *, pitch_hz: float = 120.0, level: float = 0.3) -> Audio:
    """Something as loud and as long as speech."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return Audio((level * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32), RATE_HZ)


class Parrot:
    """A back end that clones: its voices hum at the loudest frequency of their sample."""

    identity = "parrot 1"

    def __init__(self, *, jobs: int = 1) -> None:
        self.voices: Sequence[Voice] = ()

    def clone(self, sample: Audio, name: str) -> Voice:
        spectrum = np.abs(np.fft.rfft(sample.samples))
        pitch_hz = float(spectrum.argmax() * sample.rate_hz / sample.frames)
        return Voice(
            "own-parrot", name, Gender.NEUTRAL, Age.ADULT, "en", "Hello.", pitch_hz, f"{pitch_hz:.3f}", "own", "sample"
        )

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for line in lines:
            yield Take(line, speech(1.0, pitch_hz=float(line.voice.recipe)))


@pytest.fixture
def own(tmp_path: Path) -> OwnVoices:
    return OwnVoices(tmp_path / "voices", today=lambda: date(2026, 11, 26))


def test_a_voice_is_kept_with_the_consent_beside_it(own: OwnVoices, tmp_path: Path) -> None:
    voice = own.add(speech(), name=" Aunt  Vera ", owner="Vera Example", agreed=STATEMENT)
    sample = (tmp_path / "voices" / voice.id / "sample.flac").read_bytes()
    assert json.loads((tmp_path / "voices" / voice.id / "consent.json").read_text("utf-8")) == {
        "owner": "Vera Example",
        "statement": STATEMENT,
        "given_on": "2026-11-26",
        "sample_sha256": hashlib.sha256(sample).hexdigest(),
        "name": "Aunt Vera",
    }
    assert own.all() == (voice,)


@pytest.mark.parametrize(
    "wrong",
    [{"agreed": ""}, {"agreed": "yes"}, {"owner": " "}, {"owner": "x" * 121}, {"name": "\u200b"}, {"name": "x" * 61}],
)
def test_without_consent_nothing_is_written(own: OwnVoices, tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(CastError):
        own.add(speech(), **{"name": "Vera", "owner": "Vera Example", "agreed": STATEMENT, **wrong})
    assert not (tmp_path / "voices").exists()


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (speech(2.9), "3 to 60 s"),
        (speech(60.1), "3 to 60 s"),
        (Audio.silence(5.0, RATE_HZ), "hardly anything"),
        (speech(level=0.0001), "hardly anything"),
    ],
)
def test_a_sample_that_no_voice_can_be_made_of_is_refused(sample: Audio, why: str) -> None:
    check_sample(speech())
    with pytest.raises(SoundError, match=why):
        check_sample(sample)


def test_the_same_recording_is_one_voice(own: OwnVoices) -> None:
    first = own.add(speech(), name="Vera", owner="Vera Example", agreed=STATEMENT)
    again = own.add(speech(), name="Aunt Vera", owner="Vera Example", agreed=STATEMENT)
    assert (first.id, own.all()) == (again.id, (again,))


def test_there_is_a_limit_and_room_is_made_by_removing(own: OwnVoices) -> None:
    voices = [
        own.add(speech(pitch_hz=100.0 + number), name=f"Voice {number}", owner="Vera", agreed=STATEMENT)
        for number in range(MAX_VOICES)
    ]
    with pytest.raises(CastError, match="remove one first"):
        own.add(speech(pitch_hz=300.0), name="One more", owner="Vera", agreed=STATEMENT)
    own.remove(voices[3].id)
    own.add(speech(pitch_hz=300.0), name="One more", owner="Vera", agreed=STATEMENT)
    assert len(own.all()) == MAX_VOICES


def test_removing_leaves_neither_sample_nor_consent(own: OwnVoices, tmp_path: Path) -> None:
    voice = own.add(speech(), name="Vera", owner="Vera Example", agreed=STATEMENT)
    own.remove(voice.id)
    assert list((tmp_path / "voices").iterdir()) == []
    for name in (voice.id, "../voices", "..", ""):
        with pytest.raises(CastError, match="no such voice"):
            own.remove(name)


def damage_owner(consent: dict[str, Any]) -> object:
    return {**consent, "owner": ""}


def damage_digest(consent: dict[str, Any]) -> object:
    return {**consent, "sample_sha256": "0" * 64}


def damage_all(consent: dict[str, Any]) -> object:
    return [consent]


@pytest.mark.parametrize("damage", [damage_owner, damage_digest, damage_all])
def test_a_sample_whose_consent_is_damaged_or_another_ones_is_no_voice(
    own: OwnVoices, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    voice = own.add(speech(), name="Vera", owner="Vera Example", agreed=STATEMENT)
    path = tmp_path / "voices" / voice.id / "consent.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text("utf-8")))), "utf-8")
    assert own.all() == ()
    with pytest.raises(CastError, match="no consent"):
        own.cloned(voice.id, Parrot())


def test_another_sample_under_an_old_consent_is_no_voice(own: OwnVoices, tmp_path: Path) -> None:
    voice = own.add(speech(), name="Vera", owner="Vera Example", agreed=STATEMENT)
    sf.write(tmp_path / "voices" / voice.id / "sample.flac", speech(pitch_hz=200.0).samples, RATE_HZ)
    assert own.all() == ()


def test_a_back_end_that_clones_speaks_with_the_voice_of_the_sample(
    own: OwnVoices, install_voices: Callable[[str], None]
) -> None:
    install_voices("tests.voices.test_own_voices:Parrot")
    voice = own.add(speech(pitch_hz=180.0), name="Vera", owner="Vera Example", agreed=STATEMENT)
    with Studio(preset="espeak") as studio:
        assert isinstance(studio.synthesizer, ClonesVoices)
        cloned = own.cloned(voice.id, studio.synthesizer)
        (take,) = studio.synthesizer.speak([SpokenLine("Hello.", cloned)])
    assert isinstance(take, Take)
    assert (cloned.description, round(cloned.f0_hz)) == ("Vera", 180)
    assert np.abs(np.fft.rfft(take.audio.samples)).argmax() == 180


def test_the_embedded_voices_clone_nobody(studio: Studio) -> None:
    assert not isinstance(studio.synthesizer, ClonesVoices)


def encoded(audio: Audio, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    sf.write(file, audio.samples, audio.rate_hz, **{"format": "WAV", **options})
    file.seek(0)
    return file


def test_an_upload_is_read_as_far_as_a_sample_may_go(tmp_path: Path) -> None:
    assert read_sample(encoded(speech(4.0))).duration_s == pytest.approx(4.0)
    stereo = Audio(np.stack([speech(4.0).samples] * 2, axis=1), RATE_HZ)
    assert read_sample(encoded(stereo, format="FLAC")).channels == 1
    with pytest.raises(SoundError, match="longer than 60 s"):
        read_sample(encoded(Audio.silence(3_600.0, 8_000), format="FLAC"))
    for wrong in (io.BytesIO(b"RIFF nothing"), tmp_path / "missing.wav"):
        with pytest.raises(SoundError, match="cannot be read as sound"):
            read_sample(wrong)
