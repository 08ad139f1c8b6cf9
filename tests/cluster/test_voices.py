"""Voices elsewhere: the same takes as voices here, whoever speaks them, and whoever is lost while speaking."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from speechagents.cluster.dispatch import Dispatcher
from speechagents.cluster.executor import Post
from speechagents.cluster.local import InProcess, LocalPool
from speechagents.cluster.voices import DescribedVoices, SpreadSynthesizer, VoiceService, voice_post
from speechagents.cluster.workforce import workforce_of
from speechagents.drama import Line, Style
from speechagents.errors import ClusterError, SettingsError
from speechagents.presets import named_preset
from speechagents.production.speaking import Request, render
from speechagents.production.takes import TakeFile, TakeStore, encode_take, take_address
from speechagents.voices.abilities import DeclaresAbilities
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import (
    ChecksLanguage,
    ClonesVoices,
    FailedTake,
    SpeaksAnew,
    SpeaksByRule,
    SpokenLine,
    StreamsSpeech,
    Synthesizer,
    Take,
)
from tests.cluster.made_up_services import note, noted
from tests.cluster.made_up_voices import (
    GO,
    POISON,
    WAITS,
    Bare,
    Everything,
    LoudVoices,
    damaging,
    loud,
    misencoding,
    near,
    near_once,
    of_tomorrow,
)

pytestmark = pytest.mark.usefixtures("importable")


def post(notes: Path, make: Callable[[Path], VoiceService] = near, *, batch: int = 4) -> Post:
    """Workers of a test; those of another one may not be taken for them."""
    return Post(f"voices of {notes}", partial(make, notes), batch=batch)


def some_lines(voices: Synthesizer) -> list[SpokenLine]:
    """Lines by several voices, in several styles, one of them without words, and two that cannot be spoken."""
    texts = ["Is anybody there?", "Nobody answered.", "…", "It is half past six, and the ferry is late again."]
    lines = [
        SpokenLine(text, voices.voices[number], Style(style), language)
        for number, (text, style, language) in enumerate(
            zip(texts, ("default", "angry", "default", "whispering"), ("", "en", "", "en"), strict=True)
        )
    ]
    stranger = replace(lines[0].voice, id="nobody-has-this-id")
    return [
        *lines,
        SpokenLine("Who speaks Klingon?", lines[0].voice, language="tlh"),
        SpokenLine("Who am I?", stranger),
    ]


# What comes back


def test_takes_have_the_addresses_and_the_bytes_that_they_have_here(
    here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path
) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(pool), post(tmp_path))
    lines = some_lines(here)
    stores = {name: TakeStore(tmp_path / name) for name in ("here", "elsewhere")}
    for name, voices in (("here", here), ("elsewhere", spread)):
        failed = []
        for line, take in zip(lines, voices.speak(lines), strict=True):
            assert take.line is line
            if isinstance(take, FailedTake):
                failed.append(take.reason)
            else:
                stores[name].save(take_address(voices.identity, line), take)
        assert len(failed) == 2, failed
        assert "tlh" in failed[0]
    files = {name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in stores}
    assert len(files["here"]) == 4
    assert files["elsewhere"] == files["here"]


def test_a_take_that_was_rounded_once_is_not_rounded_again(here: EspeakSynthesizer) -> None:
    (take,) = here.speak(some_lines(here)[3:4])
    assert isinstance(take, Take)
    file = TakeFile.read(encode_take(take), take.line)
    assert file is not None
    travelled = file.opened()
    assert travelled is not None
    assert not np.array_equal(travelled.audio.samples, take.audio.samples), "it is not what the voice gave"
    assert encode_take(travelled) == encode_take(take)


def test_what_a_worker_has_encoded_is_kept_as_it_is_and_its_doubts_are_told(
    here: EspeakSynthesizer, threads: InProcess, tmp_path: Path
) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(threads), post(tmp_path, loud))
    requests = [Request(Line(number, "Ada", line.text), line) for number, line in enumerate(some_lines(here)[:4], 1)]
    alone = LoudVoices(tmp_path)
    doubts: dict[str, list[str]] = {"here": [], "elsewhere": []}
    for name, voices, kind in (("here", alone, Take), ("elsewhere", spread, TakeFile)):
        renderings = list(render(requests, voices, TakeStore(tmp_path / name), doubts[name].append))
        assert {type(one.take) for one in renderings} == {kind}
    alone.close()
    files = {name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in doubts}
    assert len(files["here"]) == 4
    assert files["elsewhere"] == files["here"]
    assert doubts["elsewhere"] == doubts["here"]
    assert len([doubt for doubt in doubts["here"] if "it clips" in doubt]) == 3


def test_a_line_is_there_before_the_last_one_is_spoken(
    here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path
) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(pool), post(tmp_path, batch=1))
    lines = [SpokenLine(text, here.voices[0]) for text in ("One.", f"Two, with {WAITS}.", "Three.")]
    takes = spread.speak(lines)
    assert isinstance(next(takes), Take)
    note(tmp_path, GO)
    assert [take.line.text for take in takes] == [line.text for line in lines[1:]]


def test_lines_of_one_call_go_to_several_workers(here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(pool), post(tmp_path))
    takes = list(spread.speak([SpokenLine(f"Line {number}.", here.voices[0]) for number in range(12)]))
    assert all(isinstance(take, Take) for take in takes)
    assert len(noted(tmp_path, "spoken")) == 12
    assert len(set(noted(tmp_path, "spoken"))) == 2


def test_nobody_is_loaded_for_no_lines(here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(pool), post(tmp_path))
    assert list(spread.speak([])) == []
    assert noted(tmp_path, "loaded") == []


# What goes wrong


def test_a_line_that_kills_whoever_speaks_it_fails_alone(
    here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path
) -> None:
    dispatcher = Dispatcher(pool)
    spread = SpreadSynthesizer(here, dispatcher, post(tmp_path))
    texts = ["One.", "Two.", f"Three is {POISON}.", "Four.", "Five."]
    takes = list(spread.speak([SpokenLine(text, here.voices[0]) for text in texts]))
    failed = [take for take in takes if isinstance(take, FailedTake)]
    assert [take.line.text for take in failed] == [texts[2]]
    assert "its worker was lost 3 times" in failed[0].reason
    assert dispatcher.counts.quarantined == 1


def test_a_worker_that_is_killed_changes_no_take(here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path) -> None:
    dispatcher = Dispatcher(pool)
    spread = SpreadSynthesizer(here, dispatcher, post(tmp_path, near_once, batch=2))
    lines = [SpokenLine(f"Line {number}{f' of {POISON}' * (number == 3)}.", here.voices[0]) for number in range(8)]
    takes = spread.speak(lines)
    first = next(takes)
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    assert _bytes([first, *takes]) == _bytes(here.speak(lines))
    assert dispatcher.counts.lost >= 1


def test_voices_of_another_version_are_refused(here: EspeakSynthesizer, threads: InProcess, tmp_path: Path) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(threads), post(tmp_path, of_tomorrow))
    with pytest.raises(ClusterError, match=r"of tomorrow.*install the same version"):
        list(spread.speak([SpokenLine("Hello.", here.voices[0])]))
    assert noted(tmp_path, "spoken") == []


@pytest.mark.parametrize("make", [damaging, misencoding])
def test_a_take_that_comes_back_damaged_is_none(
    here: EspeakSynthesizer, threads: InProcess, tmp_path: Path, make: Callable[[Path], VoiceService]
) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(threads), post(tmp_path, make))
    (take,) = spread.speak([SpokenLine("Hello.", here.voices[0])])
    assert isinstance(take, FailedTake)
    assert "came back damaged" in take.reason


def test_what_is_damaged_on_the_way_is_not_kept(here: EspeakSynthesizer, threads: InProcess, tmp_path: Path) -> None:
    spread = SpreadSynthesizer(here, Dispatcher(threads), post(tmp_path, damaging))
    request = Request(Line(1, "Ada", "Hello."), SpokenLine("Hello.", here.voices[0]))
    (rendering,) = render([request], spread, TakeStore(tmp_path / "takes"), pytest.fail)
    assert isinstance(rendering.take, FailedTake)
    assert not (tmp_path / "takes").exists()


# What they offer


OFFERS = (DeclaresAbilities, ChecksLanguage, SpeaksByRule, SpeaksAnew, StreamsSpeech, ClonesVoices)


def offered(voices: object) -> list[type]:
    return [offer for offer in OFFERS if isinstance(voices, offer)]


def test_they_offer_what_the_voices_offer(here: EspeakSynthesizer, threads: InProcess, tmp_path: Path) -> None:
    dispatcher = Dispatcher(threads)
    embedded = SpreadSynthesizer(here, dispatcher, post(tmp_path))
    assert offered(embedded) == [DeclaresAbilities, ChecksLanguage, SpeaksByRule] == offered(here)
    assert embedded.abilities == here.abilities
    assert embedded.voices == here.voices
    assert offered(SpreadSynthesizer(Bare(here), dispatcher, post(tmp_path))) == []


def test_they_neither_stream_nor_clone(threads: InProcess, tmp_path: Path) -> None:
    """A take travels whole, and each worker would have to be taught a voice."""
    inner = Everything(tmp_path)
    assert offered(inner) == list(OFFERS)
    spread = SpreadSynthesizer(inner, Dispatcher(threads), post(tmp_path))
    assert offered(spread) == [DeclaresAbilities, ChecksLanguage, SpeaksByRule, SpeaksAnew]
    assert not spread.abilities.clones
    inner.close()


def test_a_worker_tells_what_voices_are_that_nobody_loads_here(
    here: EspeakSynthesizer, pool: LocalPool, tmp_path: Path
) -> None:
    told = DescribedVoices(Dispatcher(pool), post(tmp_path))
    assert offered(told) == offered(here)
    assert (told.identity, tuple(told.voices)) == (here.identity, tuple(here.voices))
    assert (told.abilities, told.rule) == (here.abilities, here.rule)
    told.check_language("de")
    with pytest.raises(SettingsError) as elsewhere:
        told.check_language("tlh")
    with pytest.raises(SettingsError) as at_home:
        here.check_language("tlh")
    assert str(elsewhere.value) == str(at_home.value)
    assert len(noted(tmp_path, "loaded")) <= 2
    assert os.getpid() not in noted(tmp_path, "loaded")


def test_what_keeps_voices_from_loading_is_said_at_once(threads: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEECHAGENTS_SPEECH_SERVER", raising=False)
    with pytest.raises(SettingsError, match="set the environment variable SPEECHAGENTS_SPEECH_SERVER"):
        workforce_of(threads, named_preset("server"))


@pytest.mark.parametrize(
    ("preset", "gpus", "vram_gb"),
    [("embedded", 0.0, 0.0), ("laptop", 0.0, 0.0), ("gpu-24gb", 0.0, 0.0), ("gpu-80gb", 1.0, 7.0)],
)
def test_only_voices_that_are_heavy_want_a_gpu(preset: str, gpus: float, vram_gb: float) -> None:
    needs = voice_post(named_preset(preset)).needs
    assert (needs.cpus, needs.gpus, needs.vram_gb) == (1.0, gpus, vram_gb)


def _bytes(takes: Iterator[Take | FailedTake] | Sequence[Take | FailedTake]) -> list[bytes]:
    return [encode_take(take) for take in takes if isinstance(take, Take)]
