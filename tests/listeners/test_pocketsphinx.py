"""The embedded recogniser understands a voice that is close to people's, while it speaks."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.backends import LISTENERS
from speechagents.errors import ListenerError, SettingsError
from speechagents.listeners.listener import ChecksLanguage, Hearer, HearsPeopleOnly, Listener, StreamingListener
from speechagents.listeners.pocketsphinx import PocketsphinxListener

SPOKEN = Path(__file__).parent / "spoken"
UMBRELLA = Audio.read(SPOKEN / "umbrella.flac")
TRUTH = Audio.read(SPOKEN / "truth.flac")
GRISHA = Audio.read(SPOKEN / "grisha.flac")
SILENCE = Audio(np.zeros(16_000, np.float32), 16_000)
NAMES = ["Sophia", "Grisha"]


@pytest.fixture(scope="module")
def listener() -> Iterator[PocketsphinxListener]:
    made = PocketsphinxListener(decoders=2)
    yield made
    made.close()


def pieces(clip: Audio, frames: int = 480) -> Iterator[Audio]:
    for at in range(0, clip.frames, frames):
        yield Audio(clip.samples[at : at + frames].copy(), clip.rate_hz)


def listen(hearer: Hearer, clip: Audio) -> str:
    for piece in pieces(clip):
        hearer.feed(piece)
    return hearer.finish().text


def processes(listener: PocketsphinxListener) -> list[int]:
    return [process._popen.pid for process in listener._pool._free]


def test_it_is_there_by_default_and_says_what_it_can() -> None:
    assert LISTENERS.missing("pocketsphinx") == ""
    made: Listener = LISTENERS.load("pocketsphinx", {"decoders": 1})
    assert made.identity.startswith("pocketsphinx 5.")
    assert isinstance(made, StreamingListener)
    assert isinstance(made, ChecksLanguage)
    assert isinstance(made, HearsPeopleOnly)


def test_clips_are_understood_in_order_with_times_inside_them(listener: PocketsphinxListener) -> None:
    clips = [UMBRELLA, SILENCE, TRUTH]
    first, nothing, second = listener.transcribe(clips, hints=NAMES)
    assert first.text == "Sophia did you see the umbrella in the hallway"
    assert nothing.text == ""
    assert second.text.startswith("Tell me the truth")
    assert second.text.endswith("call the police")
    for transcript, clip in ((first, UMBRELLA), (second, TRUTH)):
        assert transcript.language == "en"
        assert len(transcript.words) == len(transcript.text.split())
        starts = [word.start_s for word in transcript.words]
        assert starts == sorted(starts)
        assert all(0.0 <= word.start_s < word.end_s <= clip.duration_s + 0.1 for word in transcript.words)
    assert list(listener.transcribe([])) == []


def test_a_name_that_no_dictionary_has_is_understood_when_it_is_hinted_at(listener: PocketsphinxListener) -> None:
    (without,) = listener.transcribe([GRISHA])
    (hinted,) = listener.transcribe([GRISHA], hints=NAMES)
    assert "Grisha" not in without.text
    assert hinted.text == "Then let us ask Grisha what she saw"


def test_words_appear_while_the_person_speaks(listener: PocketsphinxListener) -> None:
    hearer = listener.open(hints=NAMES)
    texts: list[str] = []
    for piece in pieces(UMBRELLA):
        texts.append(hearer.feed(piece))
        deadline = time.monotonic() + 20.0
        # In life 30 ms pass between two pieces; here the decoder is waited for, once.
        while not any(texts) and len(texts) > 60 and time.monotonic() < deadline:
            texts.append(hearer.feed(Audio(np.zeros(0, np.float32), UMBRELLA.rate_hz)))
    assert any(texts)
    assert hearer.finish().text == "Sophia did you see the umbrella in the hallway"


def test_the_same_sound_gives_the_same_words_whatever_was_heard_before(listener: PocketsphinxListener) -> None:
    found = [listen(listener.open(hints=NAMES), clip) for clip in (TRUTH, UMBRELLA, TRUTH, GRISHA, TRUTH)]
    assert found[0] == found[2] == found[4]


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_rate_and_loudness_do_not_matter_much(listener: PocketsphinxListener, rate_hz: int, gain: float) -> None:
    text = listen(listener.open(hints=NAMES), UMBRELLA.scaled(gain).resampled(rate_hz))
    assert "did you see the umbrella" in text


def test_utterances_of_several_people_are_kept_apart(listener: PocketsphinxListener) -> None:
    with ThreadPoolExecutor(3) as people:
        # More people than decoders: one of them waits, and is understood all the same.
        said = people.map(lambda clip: listen(listener.open(hints=NAMES), clip), (UMBRELLA, GRISHA, UMBRELLA))
        one, other, third = said
    assert one == third == "Sophia did you see the umbrella in the hallway"
    assert other == "Then let us ask Grisha what she saw"


def test_who_lets_go_of_an_utterance_frees_its_decoder() -> None:
    listener = PocketsphinxListener(decoders=1)
    for _ in range(3):
        hearer = listener.open()
        hearer.feed(UMBRELLA)
        del hearer
        gc.collect()
    assert listen(listener.open(hints=NAMES), UMBRELLA) == "Sophia did you see the umbrella in the hallway"
    assert len(processes(listener)) == 1
    listener.close()


def test_a_decoder_is_ready_for_whoever_speaks_next() -> None:
    listener = PocketsphinxListener(decoders=2)
    hearer = listener.open()
    hearer.feed(UMBRELLA)
    assert len(processes(listener)) == 1, "one listens, and another has been started"
    other = listener.open()
    other.feed(TRUTH)
    assert processes(listener) == [], "no more than there may be"
    hearer.finish()
    other.finish()
    listener.close()


def test_the_next_utterance_of_a_scene_finds_its_words_loaded() -> None:
    listener = PocketsphinxListener(decoders=2)
    listen(listener.open(hints=NAMES), UMBRELLA)
    (first,) = (process._popen.pid for process in listener._pool._free if process.words)
    listen(listener.open(hints=["Quill"]), TRUTH)
    assert len(processes(listener)) == 2
    hearer = listener.open(hints=NAMES)
    hearer.feed(UMBRELLA)
    assert first not in processes(listener)
    hearer.finish()
    listener.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_decoder_that_dies_costs_one_utterance() -> None:
    listener = PocketsphinxListener(decoders=1)
    hearer = listener.open()
    hearer.feed(UMBRELLA)
    assert hearer._process is not None
    os.kill(hearer._process._popen.pid, signal.SIGKILL)
    with pytest.raises(ListenerError, match="died"):
        hearer.finish()
    assert listen(listener.open(hints=NAMES), UMBRELLA) == "Sophia did you see the umbrella in the hallway"
    listener.close()


def test_no_process_outlives_its_listener() -> None:
    listener = PocketsphinxListener(decoders=1)
    (process,) = listener._pool._free
    del listener
    gc.collect()
    assert process._popen.poll() is not None


def test_nothing_said_is_nothing_understood(listener: PocketsphinxListener) -> None:
    assert listener.open().finish().text == ""
    assert listen(listener.open(), Audio(np.zeros(100, np.float32), 24_000)) == ""
    noise = (0.01 * np.random.default_rng(0).standard_normal(24_000)).astype(np.float32)
    assert len(listen(listener.open(), Audio(noise, 16_000)).split()) <= 2


@pytest.mark.parametrize("tag", ["de", "fr-FR", "cmn"])
def test_another_language_is_refused_with_the_remedy(listener: PocketsphinxListener, tag: str) -> None:
    for refused in (
        lambda: listener.check_language(tag),
        lambda: listener.open(language=tag),
        lambda: list(listener.transcribe([UMBRELLA], language=tag)),
    ):
        with pytest.raises(ListenerError, match=r"English only, not .*speechagents\[neural\].*whisper"):
            refused()


@pytest.mark.parametrize("tag", ["", "en", "en-GB", "en_US", "EN"])
def test_english_is_understood_by_every_name(listener: PocketsphinxListener, tag: str) -> None:
    listener.check_language(tag)


def test_misuse_is_refused(listener: PocketsphinxListener) -> None:
    with pytest.raises(SettingsError, match="decoders"):
        PocketsphinxListener(decoders=65)
    hearer = listener.open()
    hearer.feed(UMBRELLA)
    with pytest.raises(ValueError, match="does not continue"):
        hearer.feed(Audio(np.zeros(10, np.float32), 48_000))
    hearer.finish()
    with pytest.raises(ValueError, match="over"):
        hearer.feed(UMBRELLA)
    with pytest.raises(ValueError, match="over"):
        hearer.finish()
    closed = PocketsphinxListener(decoders=1)
    closed.close()
    with pytest.raises(ListenerError, match="closed"):
        closed.open().feed(UMBRELLA)
