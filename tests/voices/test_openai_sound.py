"""Sound that a server sends, whole and broken."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.controllers.exchange import UnusableAnswerError
from speechagents.controllers.retrying import TransientError
from speechagents.voices.openai_sound import decoded
from tests.voices.fault_speech_server import RATE_HZ, encoded, tone, with_length

SOUND = tone(20)
WAV = encoded(SOUND)


def read(content: bytes, *, form: str = "wav", most_s: float = 30.0) -> Audio:
    return decoded(content, form=form, pcm_hz=RATE_HZ, most_s=most_s)


@pytest.mark.parametrize("form", ["wav", "flac", "pcm"])
def test_sound_comes_back_as_it_was(form: str) -> None:
    found = read(encoded(SOUND, form), form=form)
    assert found.rate_hz == RATE_HZ
    np.testing.assert_allclose(found.samples, SOUND.samples, atol=1e-3)


def test_a_file_is_known_by_what_it_is_and_not_by_what_was_asked_for() -> None:
    """Servers that do not know the format that was asked for send the one they have."""
    assert read(encoded(SOUND, "flac"), form="wav").frames == SOUND.frames
    assert read(WAV, form="pcm").frames == SOUND.frames


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x7FFFFFFF, 0x7FFFFFFF),
        (2_000_000_036, 2_000_000_000),
        (0, 0),
        (36, 0),
        (0xFFFFFFFF, 0xFFFFFFFF - 44),
    ],
    ids=["OpenAI", "ElevenLabs", "pocket-tts", "libsndfile", "empty", "near the end"],
)
def test_a_header_that_was_sent_before_the_length_was_known_is_no_fault(riff: int, data: int) -> None:
    found = read(with_length(WAV, riff, data))
    assert found.frames == SOUND.frames
    np.testing.assert_allclose(found.samples, SOUND.samples, atol=1e-3)


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_sound_that_is_cut_short_is_worth_another_try(form: str, kept: float) -> None:
    content = encoded(SOUND, form)
    with pytest.raises((TransientError, UnusableAnswerError), match=r"breaks off|no sound that can be read"):
        read(content[: int(kept * len(content))], form=form)


def test_a_header_alone_is_cut_short() -> None:
    with pytest.raises(TransientError, match="breaks off"):
        read(WAV[:20])
    with pytest.raises(TransientError, match="sends silence"):
        read(with_length(WAV[:44], 36, 0))


def test_nothing_and_silence_are_worth_another_try() -> None:
    with pytest.raises(TransientError, match="no sound"):
        read(b"")
    for samples in (np.zeros(RATE_HZ, np.float32), np.full(RATE_HZ, 5e-4, np.float32)):
        with pytest.raises(TransientError, match="silence"):
            read(encoded(Audio(samples, RATE_HZ)))


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><html><body>Sign in</body></html>", b'{"error": "no"}', b"RIFFxxxxAVI LIST", bytes(1_000)],
    ids=["HTML", "JSON", "AVI", "zeros"],
)
def test_what_is_no_sound_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises((TransientError, UnusableAnswerError), match=r"no sound that can be read|breaks off"):
        read(content)


@pytest.mark.parametrize("form", ["wav", "flac", "pcm"])
def test_no_more_is_read_than_a_text_can_last(form: str) -> None:
    content = encoded(tone(200), form)
    assert read(content, form=form).duration_s == pytest.approx(12.1, abs=0.1)
    with pytest.raises(UnusableAnswerError, match="longer than 5 s, far too long for its text"):
        read(content, form=form, most_s=5.0)


def test_half_a_sample_at_the_end_is_left_out() -> None:
    assert read(encoded(SOUND, "pcm") + b"\x01", form="pcm").frames == SOUND.frames


def test_a_rate_that_no_speech_has_is_refused() -> None:
    with pytest.raises(UnusableAnswerError, match="1000 Hz"):
        read(encoded(tone(20, rate_hz=4_000)).replace((4_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
