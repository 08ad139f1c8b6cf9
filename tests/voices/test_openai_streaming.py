"""Voices behind a server, heard while the server still sends them."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.controllers.exchange import UnusableAnswerError
from speechagents.controllers.retrying import TransientError
from speechagents.errors import SynthesisError
from speechagents.voices.measure import speech_level_db
from speechagents.voices.neural.finishing import PIECE_GAP_S, REFERENCE_DB
from speechagents.voices.openai_running_sound import RunningSound
from speechagents.voices.openai_speech import OpenAISpeech
from speechagents.voices.synthesizer import SpokenLine, StreamsSpeech
from tests.controllers.asking import Waits
from tests.controllers.fault_server import PATIENCE_S, Answer, Line, complains, drops_at_once, head, sends
from tests.voices.fault_speech_server import (
    RATE_HZ,
    SpeechServer,
    breaks_off,
    encoded,
    speaks_for_ever,
    tone,
    with_length,
)

TEXT = "Good evening, everybody."
MOST_S = 30.0


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with SpeechServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


def made(server: SpeechServer, waits: Waits, **options: object) -> OpenAISpeech:
    chosen = {"model": "tiny", "voices": ["alloy"], "key_variable": "", "timeout_s": PATIENCE_S, "attempts": 2}
    return OpenAISpeech(base_url=server.url, sleep=waits.sleep, **{**chosen, **options})  # type: ignore[arg-type]


@pytest.fixture
def speech(server: SpeechServer, waits: Waits) -> Iterator[OpenAISpeech]:
    with made(server, waits) as one:
        yield one


def line(speech: OpenAISpeech, text: str = TEXT) -> SpokenLine:
    return SpokenLine(text, speech.voices[0])


def end_to_end(sounds: list[Audio]) -> Audio:
    assert len({sound.rate_hz for sound in sounds}) == 1
    return Audio(np.concatenate([sound.samples for sound in sounds]), sounds[0].rate_hz)


class SpeaksSlowly:
    """Sends the first half of a sound, and the other when it is let."""

    def __init__(self, form: str = "wav") -> None:
        body = encoded(tone(len(TEXT)), form)
        self._body = with_length(body, 0xFFFFFFFF, 0xFFFFFFFF) if form == "wav" else body
        self.let = threading.Event()

    def __call__(self, line: Line) -> None:
        half = len(self._body) // 2
        line.send(head(200, {"Content-Type": "audio/wav"}) + self._body[:half])
        assert self.let.wait(PATIENCE_S)
        line.send(self._body[half:])
        line.hang_up()


@pytest.mark.parametrize("form", ["wav", "pcm"])
def test_a_line_is_heard_before_the_server_has_sent_the_rest(server: SpeechServer, waits: Waits, form: str) -> None:
    slow = SpeaksSlowly(form)
    server.answers.append(slow)
    with made(server, waits, response_format=form) as speech:
        sounds = speech.stream(line(speech))
        first = next(sounds)
        assert not slow.let.is_set()
        assert 0.3 < first.duration_s < 1.0
        slow.let.set()
        whole = end_to_end([first, *sounds])
    assert whole.rate_hz == RATE_HZ
    assert whole.duration_s == pytest.approx(len(TEXT) * 0.06 + 0.07, abs=0.05)
    assert speech_level_db(whole) == pytest.approx(REFERENCE_DB, abs=2.0)


def test_what_is_streamed_is_what_a_take_holds(speech: OpenAISpeech) -> None:
    streamed = end_to_end(list(speech.stream(line(speech))))
    (take,) = speech.speak([line(speech)])
    whole = take.audio  # type: ignore[union-attr]
    least = min(whole.frames, streamed.frames)
    one, other = whole.samples[:least], streamed.samples[:least]
    assert float(np.corrcoef(one, other)[0, 1]) > 0.999
    assert abs(whole.duration_s - streamed.duration_s) < 0.06  # the silence behind it


def test_another_rate_is_converted_without_a_seam(server: SpeechServer, waits: Waits) -> None:
    with made(server, waits, rate_hz=16_000) as speech:
        streamed = end_to_end(list(speech.stream(line(speech))))
        (take,) = speech.speak([line(speech)])
    assert streamed.rate_hz == 16_000
    whole = take.audio.samples  # type: ignore[union-attr]
    least = min(whole.size, streamed.frames)
    assert float(np.corrcoef(whole[:least], streamed.samples[:least])[0, 1]) > 0.999


def test_a_long_line_comes_piece_after_piece_with_a_pause_between_them(server: SpeechServer, waits: Waits) -> None:
    with made(server, waits, max_chars=30) as speech:
        streamed = end_to_end(list(speech.stream(line(speech, "This is the first one. And here is the second."))))
    assert server.texts == ["This is the first one.", "And here is the second."]
    assert streamed.duration_s == pytest.approx(45 * 0.06 + PIECE_GAP_S + 0.2, abs=0.1)


def test_who_stops_listening_breaks_off_the_request(server: SpeechServer, speech: OpenAISpeech) -> None:
    server.answers.append(speaks_for_ever)
    sounds = speech.stream(line(speech, "x" * 300))
    # The sound that goes on for ever is silence after a while: what was heard before it is a tone.
    next(sounds)
    sounds.close()
    assert server.wait_for_hang_ups(1)
    assert list(speech.stream(line(speech)))


@pytest.mark.parametrize("fault", [complains(503, "busy"), drops_at_once, sends(b"", kind="audio/wav")])
def test_before_the_first_sound_there_is_another_try(
    server: SpeechServer, speech: OpenAISpeech, waits: Waits, fault: Answer
) -> None:
    server.answers.append(fault)
    assert end_to_end(list(speech.stream(line(speech)))).duration_s > 1.0
    assert len(server.received) == 2
    assert len(waits) == 1


def test_after_the_first_sound_there_is_none_and_what_was_heard_stays(
    server: SpeechServer, speech: OpenAISpeech
) -> None:
    server.answers.append(breaks_off)
    heard: list[Audio] = []
    with pytest.raises(SynthesisError, match="it broke off"):
        heard.extend(speech.stream(line(speech)))
    sounds = speech.stream(line(speech))
    assert len(server.received) == 1
    assert next(sounds).frames
    sounds.close()


def test_what_a_server_does_not_take_is_learnt_while_streaming_too(server: SpeechServer, speech: OpenAISpeech) -> None:
    server.answers.append(complains(400, "unknown field: seed"))
    assert list(speech.stream(line(speech)))
    assert "seed" in server.received[0].json
    assert "seed" not in server.received[1].json


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (sends({"error": {"message": "no"}}), "application/json"),
        (sends(b"ID3" + bytes(400), kind="audio/mpeg"), "no sound that can be heard while it comes"),
        (sends(encoded(Audio.silence(1.0, RATE_HZ)), kind="audio/wav"), "the server sends silence"),
        (complains(400, "no such voice"), "no such voice"),
    ],
)
def test_what_cannot_be_streamed_says_why(server: SpeechServer, speech: OpenAISpeech, fault: Answer, said: str) -> None:
    server.otherwise = fault
    with pytest.raises(SynthesisError, match=said):
        list(speech.stream(line(speech)))


def test_a_server_that_is_closed_meanwhile_ends_the_stream(server: SpeechServer, speech: OpenAISpeech) -> None:
    slow = SpeaksSlowly()
    server.answers.append(slow)
    sounds = speech.stream(line(speech))
    next(sounds)
    speech.close()
    with pytest.raises(SynthesisError, match="was closed"):
        list(sounds)
    slow.let.set()


def test_packed_formats_are_spoken_as_whole_takes(server: SpeechServer, waits: Waits) -> None:
    with made(server, waits, response_format="flac") as speech:
        assert isinstance(speech, StreamsSpeech)
        assert not speech.streams
        with pytest.raises(SynthesisError, match="choose response_format wav or pcm"):
            next(speech.stream(line(speech)))


# The bytes themselves


def running(form: str = "wav", rate_hz: int = RATE_HZ) -> RunningSound:
    return RunningSound(form=form, pcm_hz=RATE_HZ, rate_hz=rate_hz, most_s=MOST_S)


def decoded(data: bytes, step: int, form: str = "wav") -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    sound = running(form)
    found = [sound.feed(data[first : first + step]) for first in range(0, len(data), step)]
    return np.concatenate([one.samples for one in [*found, sound.end()] if one is not None])


@pytest.mark.parametrize("step", [1, 7, 1000, 10**9])
@pytest.mark.parametrize("form", ["wav", "pcm"])
def test_however_the_bytes_are_cut_the_samples_are_the_same(form: str, step: int) -> None:
    sound = tone(5)
    assert np.abs(decoded(encoded(sound, form), step, form) - sound.samples).max() < 1e-4


def test_what_stands_around_the_samples_of_a_wav_file_is_no_sound() -> None:
    wav = encoded(tone(5))
    at = wav.index(b"data")
    extra = b"LIST" + struct.pack("<I", 10) + b"0123456789"
    around = wav[:at] + extra + wav[at:] + b"id3 " + struct.pack("<I", 400) + bytes(range(200)) * 2
    assert np.array_equal(decoded(around, 100), decoded(wav, 100))


def test_stereo_and_floats_are_read_too() -> None:
    samples = np.stack([tone(5).samples, -0.5 * tone(5).samples], axis=1).astype("<f4")
    fmt = struct.pack("<HHIIHH", 3, 2, RATE_HZ, RATE_HZ * 8, 8, 32)
    wav = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + fmt + b"data\xff\xff\xff\xff" + samples.tobytes()
    assert np.allclose(decoded(wav, 333), samples.mean(axis=1), atol=1e-6)


def test_raw_samples_that_come_as_a_wav_file_are_taken_as_one() -> None:
    sound = tone(5)
    assert np.abs(decoded(encoded(sound, "wav"), 50, "pcm") - sound.samples).max() < 1e-4


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"fLaC" + bytes(100), "no sound that can be heard"),
        (b"<html>nothing here</html>", "no sound that can be heard"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + bytes(100), "does not say what its samples are"),
        (b"RIFF\0\0\0\0WAVE" + b"junk\x10\0\0\0" * 20_000, "all header"),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 6, RATE_HZ, 0, 12, 16) + bytes(50),
            "6 channels of 16 bits",
        ),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"
            + struct.pack("<HHIIHH", 3, 1, RATE_HZ, 0, 4, 32)
            + b"data\xff\xff\xff\xff"
            + np.full(50, np.nan, "<f4").tobytes(),
            "no numbers",
        ),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UnusableAnswerError, match=said):
        running().feed(data)


def test_a_sound_without_end_is_not_followed_for_ever() -> None:
    sound = running("pcm")
    for _ in range(int(MOST_S)):
        sound.feed(bytes(RATE_HZ * 2))
    with pytest.raises(UnusableAnswerError, match="lasts longer than 30 s"):
        sound.feed(bytes(RATE_HZ * 2))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no sound"),
        (b"RIFF", "breaks off at its start"),
        (encoded(tone(20))[:9000], "breaks off: 8956 of"),
        (encoded(Audio.silence(1.0, RATE_HZ)), "silence"),
    ],
)
def test_what_breaks_off_may_be_tried_again(data: bytes, said: str) -> None:
    sound = running()
    if data:
        sound.feed(data)
    with pytest.raises(TransientError, match=said):
        sound.end()
