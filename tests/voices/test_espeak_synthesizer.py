"""The embedded synthesizer as others use it: order, words, determinism, bad lines, bad luck."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from speechagents.drama import Style
from speechagents.errors import SettingsError
from speechagents.voices.checks import check_take
from speechagents.voices.espeak import EspeakSynthesizer, process
from speechagents.voices.espeak.finish import REFERENCE_DB
from speechagents.voices.espeak.process import Utterance
from speechagents.voices.espeak.synthesizer import BREATH_S, SAMPLE_RATE_HZ
from speechagents.voices.espeak.worker import EVENT_WORD
from speechagents.voices.measure import speech_level_db
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take, Voice

from .conftest import Speak

LONG = "The ferry leaves at nine, the baker says, and everybody else says ten. " * 70


def digest(take: Take | FailedTake) -> str:
    assert isinstance(take, Take), take
    return hashlib.sha256(take.audio.samples.tobytes() + repr(take.words).encode()).hexdigest()


def some_lines(voices: Sequence[Voice]) -> list[SpokenLine]:
    styles = [Style(), Style("whispering"), Style("angry", 1.5), Style("laughing", 0.4)]
    return [
        SpokenLine(f"Line {i}: it's never too late for {i * 7} pickled plums.", voice, styles[i % 4], language)
        for i, voice in enumerate(voices[::3])
        for language in ("", "de")
    ]


def line_process(synthesizer: EspeakSynthesizer) -> psutil.Process:
    """The child that is speaking a line right now."""
    for _ in range(2000):
        for worker in psutil.Process().children():
            if "worker.py" in " ".join(worker.cmdline()) and (children := worker.children()):
                return children[0]
        time.sleep(0.001)
    raise AssertionError("no line is being spoken")


def test_it_is_a_synthesizer(espeak: EspeakSynthesizer) -> None:
    synthesizer: Synthesizer = espeak
    assert "1.52" in synthesizer.identity
    assert len(synthesizer.voices) >= 30


def test_takes_are_mono_trimmed_and_level(speak: Speak) -> None:
    for take in speak(["Good evening.", "No!", "I have brought the ladder, the rope and the cheese."]):
        assert take.audio.rate_hz == SAMPLE_RATE_HZ
        assert take.audio.channels == 1
        assert speech_level_db(take.audio) == pytest.approx(REFERENCE_DB, abs=0.2)
        for edge in (take.audio.samples[: SAMPLE_RATE_HZ // 20], take.audio.samples[-SAMPLE_RATE_HZ // 20 :]):
            assert np.abs(edge).max() > 1e-4
        assert check_take(take) == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It’s “quoted” text… yes — and that is that.", ""),
        ("Mr. Smith paid $5.50 on 12/5, i.e. 25 times, to AC/DC & Co.", ""),
        ("GET OUT OF IT NOW", ""),
        ("1 2 3 4 5 6 7 8 9 10 11 12", ""),
        ("a 🙂 b ... c !", ""),
        ("You're in it, it's what is not on the other side of the one I'd have.", ""),
        ("Der 21. März war's, „ganz genau“ um 7 Uhr.", "de"),
        ("C'est l'heure : « bonjour », dit-elle, qu'est-ce que c'est ?", "fr"),
        ("¿Qué hora es? ¡Son las 3!", "es"),
        ("Dell'acqua c'è, ma non un po' di più.", "it"),
        ("Disse-lhe que não; às 8 horas, talvez.", "pt-BR"),
        ("你好，我是老师。 今天 是 星期三。", "zh-CN"),
    ],
)
def test_every_spoken_token_has_its_time(speak: Speak, text: str, language: str) -> None:
    (take,) = speak([text], language=language)
    assert check_take(take) == ()
    spoken = [part for part in text.split() if part == "&" or any(map(str.isalnum, part))]
    assert [word.text for word in take.words] == spoken
    assert min(word.end_s - word.start_s for word in take.words) > 0.015


def test_a_voice_keeps_its_accent_within_the_language_asked_for(speak: Speak, espeak: EspeakSynthesizer) -> None:
    scot = next(voice for voice in espeak.voices if voice.accent == "en-GB-scotland")
    own, english, british, american, german = (
        digest(speak(["The girl heard a bird on the road."], voice=scot, language=language)[0])
        for language in ("", "en", "en-GB", "en-US", "de")
    )
    assert own == english == british
    assert len({own, american, german}) == 3


def test_a_run_without_spaces_is_one_word(speak: Speak) -> None:
    (take,) = speak(["太好了！你呢？"], language="cmn")
    assert [word.text for word in take.words] == ["太好了！你呢？"]


def test_words_start_where_the_sound_does(speak: Speak) -> None:
    """After the pause of a comma the next word's time is where energy comes back, within 60 ms."""
    (take,) = speak(["Once, twice, thrice, gone."])
    levels = np.abs(take.audio.samples)
    for word in take.words[1:]:
        window = levels[round((word.start_s - 0.06) * SAMPLE_RATE_HZ) : round((word.start_s + 0.06) * SAMPLE_RATE_HZ)]
        assert window[: window.size // 4].max() < 0.1 * window.max() or window.max() > 0.01
    gaps = [b.start_s - a.end_s for a, b in zip(take.words, take.words[1:], strict=False)]
    assert min(gaps) > 0.05


@pytest.mark.parametrize("text", ["…", "?!", "🙂", "—"])
def test_a_line_with_nothing_to_say_is_a_breath_of_silence(speak: Speak, text: str) -> None:
    (take,) = speak([text])
    assert take.words == ()
    assert take.audio.peak == 0.0
    assert take.audio.duration_s == pytest.approx(BREATH_S, abs=1e-3)
    assert check_take(take) == ()


def test_the_same_line_gives_the_same_bytes_in_any_order(espeak: EspeakSynthesizer) -> None:
    lines = some_lines(espeak.voices)
    first = [digest(take) for take in espeak.speak(lines)]
    order = list(range(len(lines)))
    random.Random(3).shuffle(order)  # noqa: S311 - any order will do
    shuffled = [digest(take) for take in espeak.speak([lines[i] for i in order])]
    assert shuffled == [first[i] for i in order]
    with EspeakSynthesizer(jobs=1) as fresh:
        alone = [digest(take) for take in fresh.speak(lines[-2:])]
    assert alone == first[-2:]


def test_takes_come_in_order_and_one_by_one(espeak: EspeakSynthesizer, narrator: Voice) -> None:
    lines = [SpokenLine(text, narrator) for text in (LONG, "Short.", "Shorter.", LONG, "End.")]
    assert [take.line for take in espeak.speak(lines)] == lines
    stream = espeak.speak([SpokenLine("First.", narrator)] + [SpokenLine(LONG[:400], narrator)] * 20)
    start = time.perf_counter()
    next(stream)
    first_s = time.perf_counter() - start
    assert len(list(stream)) == 20
    assert first_s < (time.perf_counter() - start) / 2


def test_a_bad_line_fails_alone(espeak: EspeakSynthesizer, narrator: Voice) -> None:
    stranger = replace(narrator, id="nobody")
    lines = [
        SpokenLine("Fine.", narrator),
        SpokenLine("Who?", stranger),
        SpokenLine("How?", narrator, Style("purple")),
        SpokenLine("Was?", narrator, language="xx"),
        SpokenLine("x" * 20_001, narrator),
        SpokenLine("Fine too.", narrator),
    ]
    takes = list(espeak.speak(lines))
    assert [isinstance(take, Take) for take in takes] == [True, False, False, False, False, True]
    reasons = [take.reason for take in takes if isinstance(take, FailedTake)]
    for reason, part in zip(reasons, ("'nobody'", "'purple'", "'xx'", "split it"), strict=True):
        assert part in reason


def without_sound(utterance: Utterance) -> Utterance:
    return replace(utterance, samples=np.zeros_like(utterance.samples))


def without_words(utterance: Utterance) -> Utterance:
    return replace(utterance, events=utterance.events[utterance.events[:, 0] != EVENT_WORD])


@pytest.mark.parametrize(("spoil", "reason"), [(without_sound, "made no sound"), (without_words, "found no word")])
def test_a_line_with_words_that_comes_back_without_them_has_failed(
    narrator: Voice, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Utterance], Utterance], reason: str
) -> None:
    whole = process._utterance
    monkeypatch.setattr(process, "_utterance", lambda body: spoil(whole(body)))
    with EspeakSynthesizer(jobs=1) as synthesizer:
        (take,) = synthesizer.speak([SpokenLine("The kettle sang.", narrator)])
    assert isinstance(take, FailedTake)
    assert reason in take.reason


def test_letters_that_espeak_passes_over_fail_and_a_lone_sign_is_a_breath(
    espeak: EspeakSynthesizer, narrator: Voice
) -> None:
    letter, sign = espeak.speak([SpokenLine("\u02bb", narrator), SpokenLine("$", narrator, language="zh")])
    assert isinstance(letter, FailedTake)
    assert isinstance(sign, Take)
    assert sign.audio.peak == 0.0


def test_five_thousand_characters_are_one_take(speak: Speak) -> None:
    text = LONG[:5000].strip()
    (take,) = speak([text])
    assert check_take(take) == ()
    assert len(take.words) == len(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "<speak><prosody rate='x-fast'>hi</speak>", "[[h@l'oU]] [[", "\x01\x1b[31m red \x00 dead \x7f", "a" * 3000,
        "!?" * 2000 + " hm", "\u202eright to left\u202c مرحبا שלום", "9" * 400, "&lt;&#0; &amp;", "%s%n%x {0}",
        "Z͑͗a̸l͓g͖o " * 20, "\ud800 lone", "é" * 50 + "e\u0301" * 50,
    ],
)  # fmt: skip
def test_hostile_text_is_only_read_aloud(speak: Speak, text: str) -> None:
    (take,) = speak([text])
    assert 0.05 < take.audio.duration_s < 600
    assert take.audio.peak < 0.9


def test_markup_is_not_obeyed(speak: Speak) -> None:
    plain, marked = speak(["one two", '<break time="5s"/> one two'])
    assert marked.audio.duration_s < plain.audio.duration_s + 3.0
    spelt, spoken = speak(["h at l", "[[h@l]]"])
    assert abs(spelt.audio.duration_s - spoken.audio.duration_s) < 0.7


def test_a_crash_costs_nothing_but_time(narrator: Voice) -> None:
    with EspeakSynthesizer(jobs=1) as synthesizer:
        lines = [SpokenLine(LONG, narrator), SpokenLine("After.", narrator)]
        whole = [digest(take) for take in synthesizer.speak(lines)]
        stream = synthesizer.speak(lines)
        killer = threading.Timer(0.0, lambda: line_process(synthesizer).send_signal(signal.SIGSEGV))
        killer.start()
        assert [digest(take) for take in stream] == whole
        killer.join()


def test_a_line_that_always_crashes_fails_alone(narrator: Voice) -> None:
    with EspeakSynthesizer(jobs=1) as synthesizer:

        def kill_twice() -> None:
            first = line_process(synthesizer)
            first.send_signal(signal.SIGSEGV)
            while (second := line_process(synthesizer)).pid == first.pid:
                time.sleep(0.001)
            second.send_signal(signal.SIGSEGV)

        killer = threading.Thread(target=kill_twice)
        killer.start()
        failed, fine = list(synthesizer.speak([SpokenLine(LONG, narrator)])), None
        killer.join()
        (fine,) = synthesizer.speak([SpokenLine("After.", narrator)])
        assert isinstance(failed[0], FailedTake)
        assert "crashed" in failed[0].reason
        assert isinstance(fine, Take)


def test_a_killed_worker_is_replaced(narrator: Voice) -> None:
    with EspeakSynthesizer(jobs=1) as synthesizer:
        lines = [SpokenLine(f"{number} {LONG[:600]}", narrator) for number in range(6)]
        whole = [digest(take) for take in synthesizer.speak(lines)]
        stream = synthesizer.speak(lines)
        again = [digest(next(stream))]
        worker = line_process(synthesizer).parent()
        assert worker is not None
        worker.kill()
        again += [digest(take) for take in stream]
        assert again == whole


def test_several_threads_share_it(espeak: EspeakSynthesizer) -> None:
    lines = some_lines(espeak.voices)
    whole = [digest(take) for take in espeak.speak(lines)]
    results: dict[int, list[str]] = {}

    def work(number: int) -> None:
        results[number] = [digest(take) for take in espeak.speak(lines)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[number] == whole for number in range(4))


def test_closing_ends_the_workers_and_removes_their_folders(
    narrator: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    synthesizer = EspeakSynthesizer(jobs=2)
    before = {child.pid for child in psutil.Process().children()}
    list(synthesizer.speak([SpokenLine("Hello.", narrator)] * 4))
    workers = [child for child in psutil.Process().children() if child.pid not in before]
    assert len(workers) == len(list(tmp_path.iterdir())) == 2
    synthesizer.close()
    synthesizer.close()
    assert not any(worker.is_running() for worker in workers)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="closed"):
        next(synthesizer.speak([SpokenLine("Hello?", narrator)]))


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Even when the host is killed, the workers end and leave nothing in the temporary folder."""
    program = (
        "import os, psutil, signal\n"
        "from speechagents.voices.espeak import EspeakSynthesizer\n"
        "from speechagents.voices.synthesizer import SpokenLine\n"
        "s = EspeakSynthesizer(jobs=1)\n"
        "list(s.speak([SpokenLine('Hi.', s.voices[0])]))\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    worker = int(done.stdout)
    for _ in range(500):
        if not psutil.pid_exists(worker) and not list(tmp_path.iterdir()):
            return
        time.sleep(0.01)
    raise AssertionError("the worker outlived its parent")


def test_espeak_is_never_loaded_into_this_process() -> None:
    """GPL isolation: speaking works without the library in the caller's memory."""
    program = (
        "import sys\n"
        "from speechagents.voices.espeak import EspeakSynthesizer\n"
        "from speechagents.voices.synthesizer import SpokenLine\n"
        "with EspeakSynthesizer(jobs=1) as s:\n"
        "    list(s.speak([SpokenLine('Hi.', s.voices[0])]))\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert 'python' in maps\n"
        "sys.exit('libespeak' in maps)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("jobs", [0, -1, 1000])
def test_a_senseless_number_of_jobs_is_refused(jobs: int) -> None:
    with pytest.raises(SettingsError, match="jobs"):
        EspeakSynthesizer(jobs=jobs)
