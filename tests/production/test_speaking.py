"""From lines to takes: what is kept, what is told, and what voices elsewhere have encoded already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Line
from speechagents.production.speaking import Rendering, Request, SpeaksToFiles, keep, render, speak
from speechagents.production.takes import TakeFile, TakeStore, encode_take, take_address
from speechagents.voices.synthesizer import Age, FailedTake, Gender, SpokenLine, Synthesizer, Take, Voice, Word

VOICE = Voice("ada", "A voice.", Gender.FEMALE, Age.ADULT, "en-GB", "Hello.", 200.0, "pitch 1", "CC0-1.0", "test")
MUTE, SILENT, LOUD = "Mute.", "Silent.", "Loud."


def spoken(text: str) -> Take | FailedTake:
    """Half a second of something; some texts come out otherwise."""
    line = SpokenLine(text, VOICE)
    if text == MUTE:
        return FailedTake(line, "it has no voice")
    samples = np.sin(np.arange(8_000, dtype=np.float32) / np.float32(9.0))
    samples *= np.float32({SILENT: 0.0, LOUD: 1.0}.get(text, 0.3))
    return Take(line, Audio(samples, 16_000), (Word(text, 0.0, 0.5),))


class Voices:
    """Speaks, and notes what."""

    identity = "made-up 1"
    voices = (VOICE,)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for line in lines:
            self.asked.append(line.text)
            yield spoken(line.text)


class FarVoices(Voices):
    """The same, to files, with a doubt of its own."""

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        raise AssertionError("its takes would be decoded and encoded again")

    def speak_files(self, lines: Sequence[SpokenLine]) -> Iterator[TakeFile | FailedTake]:
        for take in super().speak(lines):
            if isinstance(take, FailedTake):
                yield take
            else:
                file = TakeFile.read(encode_take(take), take.line, doubts=("it comes from far away",))
                assert file is not None
                yield file


def rendered(store: TakeStore, voices: Synthesizer, *texts: str) -> tuple[list[Rendering], list[str]]:
    doubts: list[str] = []
    requests = [Request(Line(number, "Ada", text), SpokenLine(text, VOICE)) for number, text in enumerate(texts, 1)]
    return list(render(requests, voices, store, doubts.append)), doubts


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_line_that_occurs_twice_is_spoken_once_and_never_again(tmp_path: Path) -> None:
    store, voices = TakeStore(tmp_path), Voices()
    first, _ = rendered(store, voices, "One.", "Two.", "One.")
    assert [one.reused for one in first] == [False, False, True]
    again, _ = rendered(store, voices, "Two.", "One.")
    assert all(one.reused for one in again)
    assert voices.asked == ["One.", "Two."]


def test_what_cannot_be_heard_is_not_kept(tmp_path: Path) -> None:
    store = TakeStore(tmp_path / "takes")
    renderings, doubts = rendered(store, Voices(), MUTE, SILENT)
    assert [one.take.reason for one in renderings if isinstance(one.take, FailedTake)] == [
        "it has no voice",
        "it is silent",
    ]
    assert doubts == []
    assert not (tmp_path / "takes").exists()


def test_doubts_are_told_with_the_line_and_the_voice(tmp_path: Path) -> None:
    _, doubts = rendered(TakeStore(tmp_path), Voices(), "One.", LOUD)
    assert doubts == ["line 2 (ada): it clips (peak 1.000)"]


def test_a_damaged_take_is_spoken_again(tmp_path: Path) -> None:
    store, voices = TakeStore(tmp_path), Voices()
    ((one,), _) = rendered(store, voices, "One.")
    whole = files(tmp_path)
    store.path(one.address).write_bytes(b"fLaC")
    ((again,), _) = rendered(store, voices, "One.")
    assert not again.reused
    assert files(tmp_path) == whole


def test_files_of_voices_elsewhere_are_kept_unopened_with_what_was_doubted_there(tmp_path: Path) -> None:
    here, far = TakeStore(tmp_path / "here"), TakeStore(tmp_path / "far")
    texts = ("One.", MUTE, LOUD)
    rendered(here, Voices(), *texts)
    renderings, doubts = rendered(far, FarVoices(), *texts)
    assert [type(one.take) for one in renderings] == [TakeFile, FailedTake, TakeFile]
    assert doubts == ["line 1 (ada): it comes from far away", "line 3 (ada): it comes from far away"]
    assert files(tmp_path / "far") == files(tmp_path / "here")


def test_only_who_offers_files_is_asked_for_them() -> None:
    lines = [SpokenLine("One.", VOICE)]
    assert not isinstance(Voices(), SpeaksToFiles)
    assert [type(one) for one in speak(Voices(), lines)] == [Take]
    assert [type(one) for one in speak(FarVoices(), lines)] == [TakeFile]


@pytest.mark.parametrize("make", [Voices, FarVoices])
def test_what_was_kept_is_given_back_as_it_is_there(tmp_path: Path, make: type[Voices]) -> None:
    store, voices, line = TakeStore(tmp_path), make(), SpokenLine("One.", VOICE)
    address = take_address(voices.identity, line)
    (fresh,) = speak(voices, [line])
    kept, loaded = keep(store, address, fresh), store.load(address, line)
    assert loaded is not None
    assert not isinstance(kept, FailedTake)
    assert np.array_equal(kept.audio.samples, loaded.audio.samples)
    assert (kept.words, kept.duration_s) == (loaded.words, loaded.duration_s)
