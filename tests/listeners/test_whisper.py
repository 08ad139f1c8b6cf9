"""Whisper, on a tiny model with random weights: it understands nonsense, in the right places."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("faster_whisper")
pytest.importorskip("transformers")

from speechagents import Studio
from speechagents.audio import Audio
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.listeners.whisper import WhisperListener, _span_at, _spans
from speechagents.voices.synthesizer import SpokenLine, Take
from tests.listeners.tiny_whisper import tiny_whisper

SILENCE = Audio(np.zeros(32_000, np.float32), 16_000)


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> WhisperListener:
    return WhisperListener(model=str(tiny_whisper(tmp_path_factory.mktemp("whisper"))), device="cpu")


@pytest.fixture(scope="module")
def speech(studio: Studio) -> list[Audio]:
    voices = [voice for voice in studio.synthesizer.voices if voice.gender.value == "male"][:2]
    lines = [
        SpokenLine("Good evening, everybody. The train is late again.", voices[0]),
        SpokenLine("Nobody told me about the train.", voices[1]),
    ]
    takes = list(studio.synthesizer.speak(lines))
    assert all(isinstance(take, Take) for take in takes)
    return [take.audio for take in takes if isinstance(take, Take)]


def test_every_clip_has_a_transcript_in_order_with_times_inside_it(
    listener: WhisperListener, speech: list[Audio]
) -> None:
    clips = [speech[0], SILENCE, speech[1]]
    found = list(listener.transcribe(clips, hints=["Ella", "Tom"], language="en-GB"))
    assert len(found) == 3
    assert found[1].text == ""
    for transcript, clip in zip(found, clips, strict=True):
        assert transcript.language == "en"
        for word in transcript.words:
            assert 0.0 <= word.start_s <= word.end_s <= clip.duration_s + 0.5
            assert 0.0 <= word.confidence <= 1.0


def test_the_same_clips_give_the_same_words(listener: WhisperListener, speech: list[Audio]) -> None:
    assert list(listener.transcribe(speech, language="en")) == list(listener.transcribe(speech, language="en"))


def test_an_utterance_in_pieces_is_understood_as_a_whole(listener: WhisperListener, speech: list[Audio]) -> None:
    clip = speech[0].resampled(24_000)
    hearer = listener.open(hints=["Ella"], language="en")
    for at in range(0, clip.frames, 4_800):
        hearer.feed(Audio(clip.samples[at : at + 4_800].copy(), 24_000))
    assert hearer.finish() == next(listener.transcribe([clip], hints=["Ella"], language="en"))


def test_silence_and_noise_are_not_shown_to_the_model(listener: WhisperListener) -> None:
    noise = Audio((0.01 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32), 16_000)
    assert [one.text for one in listener.transcribe([SILENCE, noise])] == ["", ""]
    assert list(listener.transcribe([])) == []


def test_speech_is_found_in_its_own_clip(speech: list[Audio]) -> None:
    sounds = [clip.resampled(16_000).mono().samples for clip in (speech[0], SILENCE, speech[1])]
    spans = list(_spans(sounds))
    assert {span.clip for span in spans} == {0, 2}
    for span in spans:
        assert span.offset <= span.start < span.end <= span.offset + len(sounds[span.clip])
        assert _span_at(spans, (span.start + span.end) / 2 / 16_000) == span


def test_a_model_that_is_not_here_is_refused_at_once_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"hf download Systran/faster-whisper-tiny.*download: true"):
        WhisperListener(model="tiny", device="cpu")
    with pytest.raises(SettingsError, match="batch"):
        WhisperListener(batch=0)


def test_the_package_is_missed_by_its_name() -> None:
    code = (
        "import importlib.util as u; u.find_spec = lambda name, *_: None\n"
        "try:\n    import speechagents.listeners.whisper\n"
        "except ModuleNotFoundError as error:\n    print(error.name)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "faster_whisper", run.stderr
