"""How well and how soon a person is understood: turn detection and the embedded recogniser.

    python -m benchmarks.ears [--sentences 12] [--write]

There is no person at hand, so lines are spoken by ``flite`` with the voices awb, rms and slt, which pocketsphinx
understands about as well as recorded people (``apt install flite``; without it, by the recorded lines of the tests), in
a quiet room and with pink noise 30 dB and 20 dB below the voice. Prints

* word error rates: without hints, with the names of the scene, and with the names and a text about the scene, always
  sent in pieces of 20 ms and understood while it is spoken; and of whole clips, which are understood at their end,
* how many of the spoken names were got right,
* the same for an embedded voice, which shows why agents do not hear through this recogniser,
* the speed of a decoder (seconds of sound for a second of its CPU time, catching up included), memory and start,
* from the last piece of an utterance to its transcript, with sound sent at the speed at which it is spoken,
* milliseconds for one window of the voice activity detector, on one thread, and beside onnxruntime where installed,
* how long after the last voice the end of a turn is noticed,
* how many sounds the pronunciation rules get wrong on words that the dictionary has.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import psutil

from speechagents.audio import Audio, Samples
from speechagents.listeners.pocketsphinx import PocketsphinxListener
from speechagents.listeners.sphinx.pronouncing import letters, pronounce
from speechagents.listeners.vad import RATE_HZ, WINDOW, SileroVad
from speechagents.live.endpointing import SpeechStopped, TurnDetection, TurnDetector
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine, Take

RESULTS = Path(__file__).parent / "results" / "ears.json"
SPOKEN = Path(__file__).parents[1] / "tests" / "listeners" / "spoken"

# Written for this project; every other line holds a name.
LINES = (
    "Sophia, did you see the umbrella in the hallway?",
    "Good evening everybody, is this seat taken?",
    "Tell me the truth, Mireille, or I will call the police.",
    "I would rather be anywhere else than on this boat.",
    "Then let us ask Grisha what she saw from the balcony.",
    "Please put the blue jug by the window and shut the garden gate behind you.",
    "I do not believe a word of it, Oberon.",
    "Why did you hide the letter under the piano?",
    "Come with me, Tansy, before the others wake up.",
    "The train from Warsaw is late again.",
    "I think it belongs to Inspector Quill, but nobody told him.",
    "I am so tired of waiting for the rain to stop.",
)
NAMES = ("Sophia", "Mireille", "Grisha", "Oberon", "Tansy", "Inspector Quill")
TEXT = (
    "A boarding house by the sea, in the rain. Somebody has taken the umbrella from the hallway, a letter lies under "
    "the piano, and the last train from Warsaw is late. From the balcony one sees the garden gate and the boat."
)
HINTS: dict[str, tuple[str, ...]] = {"no hints": (), "names": NAMES, "names and a text": (*NAMES, TEXT)}
NOISES = {"quiet": 50.0, "30 dB": 30.0, "20 dB": 20.0}
VOICES = ("awb", "rms", "slt")
PAD_S = 0.3


@dataclass(frozen=True, slots=True)
class Clip:
    """A line as it was spoken, mono at 24 kHz."""

    text: str
    samples: Samples


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    parser.add_argument("--sentences", type=int, default=len(LINES), help="how many of the lines")
    arguments = parser.parse_args(argv)
    lines = LINES[: arguments.sentences]
    spoken = flite(lines) if shutil.which("flite") else recorded()
    listener = PocketsphinxListener()
    report: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "voices": "flite awb, rms, slt" if shutil.which("flite") else "the recorded lines of the tests",
        "lines": len(spoken),
        "recogniser": listener.identity,
        "live": {
            noise: {
                hints: understood(lambda clip, words: live(listener, clip, words), noisy(spoken, snr_db), words)
                for hints, words in HINTS.items()
            }
            for noise, snr_db in NOISES.items()
        },
        "whole clips, 30 dB": {
            hints: understood(lambda clip, words: whole(listener, clip, words), noisy(spoken, 30.0), words)
            for hints, words in HINTS.items()
        },
        "an embedded voice, quiet": understood(
            lambda clip, words: live(listener, clip, words), noisy(embedded(lines), 50.0), HINTS["names and a text"]
        ),
        "decoder": decoder(noisy(spoken, 30.0)[:6]),
        "end of utterance to transcript": latency(listener, noisy(spoken, 30.0)[:: max(1, len(spoken) // 8)]),
        "voice activity detector": detector(noisy(spoken, 30.0)[:3]),
        "end of turn": turns(noisy(spoken, 30.0)),
        "sounds wrong by rule": mispronounced(),
    }
    listener.close()
    print(json.dumps(report, indent=2))
    if arguments.write:
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def flite(lines: Sequence[str]) -> list[Clip]:
    """All lines by all three voices."""
    clips = []
    program = shutil.which("flite") or ""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "line.wav"
        for voice in VOICES:
            for line in lines:
                subprocess.run([program, "-voice", voice, "-t", line, "-o", str(path)], check=True)
                clips.append(Clip(line, Audio.read(path).mono().resampled(24_000).samples))
    return clips


def recorded() -> list[Clip]:
    """What lies beside the tests."""
    table = re.findall(r"\| `(\S+\.flac)` \| (.+?) \|", (SPOKEN / "README.md").read_text("utf-8"))
    return [Clip(text, Audio.read(SPOKEN / name).resampled(24_000).samples) for name, text in table]


def embedded(lines: Sequence[str]) -> list[Clip]:
    """The lines by the first embedded voice with an American accent."""
    with EspeakSynthesizer(jobs=1) as synthesizer:
        voice = next(one for one in synthesizer.voices if one.accent.lower().startswith("en-us"))
        takes = list(synthesizer.speak([SpokenLine(line, voice) for line in lines]))
    return [
        Clip(take.line.text, take.audio.resampled(24_000).samples.copy()) for take in takes if isinstance(take, Take)
    ]


def noisy(clips: Sequence[Clip], snr_db: float) -> list[Clip]:
    """The same at one loudness, with a pause before and after, over pink noise."""
    found = []
    for number, clip in enumerate(clips):
        pause = np.zeros(round(PAD_S * 24_000), np.float32)
        level = float(np.sqrt(np.mean(clip.samples**2)))
        sound = np.concatenate([pause, clip.samples * (0.07 / level), pause])
        spectrum = np.fft.rfft(np.random.default_rng(number).standard_normal(len(sound)))
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(len(sound), 1.0 / 24_000), 50.0))
        noise = np.fft.irfft(spectrum, len(sound))
        noise *= 0.07 * 10.0 ** (-snr_db / 20.0) / np.sqrt(np.mean(noise**2))
        found.append(Clip(clip.text, (sound + noise).astype(np.float32)))
    return found


def live(listener: PocketsphinxListener, clip: Clip, hints: Sequence[str]) -> str:
    """Understood while it is spoken, sent as fast as it is taken."""
    hearer = listener.open(hints=hints)
    for at in range(0, len(clip.samples), 480):
        hearer.feed(Audio(clip.samples[at : at + 480].copy(), 24_000))
    return hearer.finish().text


def whole(listener: PocketsphinxListener, clip: Clip, hints: Sequence[str]) -> str:
    """Understood at its end."""
    (found,) = listener.transcribe([Audio(clip.samples.copy(), 24_000)], hints=hints)
    return found.text


def understood(
    listen: Callable[[Clip, Sequence[str]], str], clips: Sequence[Clip], hints: Sequence[str]
) -> dict[str, float]:
    """Share of words that are wrong, and of names that are right."""
    names = {word for name in NAMES for word in plain(name)} - {"inspector"}
    wrong = words = named = right = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as people:
        texts = list(people.map(lambda clip: listen(clip, hints), clips))
    for clip, text in zip(clips, texts, strict=True):
        spoken, heard = plain(clip.text), plain(text)
        wrong += edits(spoken, heard)
        words += len(spoken)
        named += sum(word in names for word in spoken)
        right += sum(word in heard for word in spoken if word in names)
    found = {"words wrong": round(wrong / words, 3), "names right": round(right / max(1, named), 2)}
    print(f"{len(hints)} hints, {len(clips)} clips: {found}", file=sys.stderr, flush=True)
    return found


def plain(text: str) -> list[str]:
    """Words without marks and capitals."""
    return re.sub(r"[^a-z' ]", "", text.lower()).split()


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Least number of things to insert, leave out or replace."""
    row = list(range(len(other) + 1))
    for at, thing in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, wanted in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (thing != wanted))
    return row[-1]


def decoder(clips: Sequence[Clip]) -> dict[str, float]:
    """Speed, memory and start of one decoder."""
    others = set(psutil.Process().children())
    began = time.perf_counter()
    alone = PocketsphinxListener(decoders=1)
    alone.open().finish()
    live(alone, Clip("", np.zeros(2_400, np.float32)), ())
    start_s = time.perf_counter() - began
    began = time.perf_counter()
    live(alone, Clip("", np.zeros(2_400, np.float32)), HINTS["names and a text"])
    words_s = time.perf_counter() - began
    (process,) = set(psutil.Process().children()) - others
    before_s = process.cpu_times().user
    for clip in clips:
        live(alone, clip, HINTS["names and a text"])
    cpu_s = process.cpu_times().user - before_s
    memory_mb = process.memory_info().rss / 2**20
    alone.close()
    sound_s = sum(len(clip.samples) for clip in clips) / 24_000
    return {
        "times real time": round(sound_s / cpu_s, 1),
        "memory MB": round(memory_mb),
        "start s": round(start_s, 2),
        "learning likely words s": round(words_s, 2),
    }


def latency(listener: PocketsphinxListener, clips: Sequence[Clip]) -> dict[str, float]:
    """Sound comes as fast as it is spoken; the end is known 0.35 s after the voice, as on the live stage."""
    delays_ms, feeds_ms, firsts_s = [], [], []
    for clip in clips:
        tail = np.zeros(round(0.05 * 24_000), np.float32)
        sound = np.concatenate([clip.samples, tail])
        hearer = listener.open(hints=HINTS["names and a text"])
        began = time.perf_counter()
        first_s = None
        for at in range(0, len(sound), 480):
            time.sleep(max(0.0, began + (at + 480) / 24_000 - time.perf_counter()))
            sent = time.perf_counter()
            text = hearer.feed(Audio(sound[at : at + 480].copy(), 24_000))
            feeds_ms.append(1000.0 * (time.perf_counter() - sent))
            if text and first_s is None:
                first_s = time.perf_counter() - began - PAD_S
        ended = time.perf_counter()
        hearer.finish()
        delays_ms.append(1000.0 * (time.perf_counter() - ended))
        firsts_s.append(first_s if first_s is not None else len(sound) / 24_000)
    return {
        "p50 ms": round(statistics.median(delays_ms)),
        "most ms": round(max(delays_ms)),
        "longest feed ms": round(max(feeds_ms), 1),
        "begin of voice to first words p50 s": round(statistics.median(firsts_s), 2),
    }


def detector(clips: Sequence[Clip]) -> dict[str, float]:
    """CPU time of one window of 32 ms."""
    sound = np.concatenate([Audio(clip.samples.copy(), 24_000).resampled(RATE_HZ).samples for clip in clips])
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    stream = SileroVad().stream()

    def ours() -> None:
        for window in windows:
            stream.probability(window)

    found = {"ms a window": round(1000.0 * cpu_time(ours) / len(windows), 4)}
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("faster_whisper"):
        import onnxruntime  # type: ignore[import-not-found,unused-ignore]
        from faster_whisper.utils import get_assets_path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            f"{get_assets_path()}/silero_vad_v6.onnx", options, providers=["CPUExecutionProvider"]
        )
        state = np.zeros((1, 1, 128), np.float32)
        inputs = {"input": np.zeros((1, WINDOW + 64), np.float32), "h": state, "c": state}

        def theirs() -> None:
            for _ in windows:
                session.run(None, inputs)

        found["ms a window with onnxruntime"] = round(1000.0 * cpu_time(theirs) / len(windows), 4)
    return found


def cpu_time(work: Callable[[], None]) -> float:
    """The best of three, in seconds of CPU time."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def turns(clips: Sequence[Clip]) -> dict[str, float]:
    """Whether a line is one turn, and how long after its last voice that is known."""
    vad = SileroVad()
    delays_s, found = [], []
    for clip in clips:
        going = TurnDetector(TurnDetection(), vad)
        rest = (0.0005 * np.random.default_rng(1).standard_normal(24_000)).astype(np.float32)
        sound = np.concatenate([clip.samples, rest])
        voice_end_s = len(clip.samples) / 24_000 - PAD_S
        stops = []
        for at in range(0, len(sound), 480):
            boundaries = going.feed(Audio(sound[at : at + 480].copy(), 24_000))
            stops += [going.position_s for one in boundaries if isinstance(one, SpeechStopped)]
        found.append(len(stops))
        delays_s += [stops[-1] - voice_end_s] if stops else []
    return {
        "lines that are one turn": round(sum(one == 1 for one in found) / len(found), 2),
        "last voice to its end noticed p50 s": round(statistics.median(delays_s), 2),
        "most s": round(max(delays_s), 2),
    }


def mispronounced() -> float:
    """Share of sounds that the rules get wrong on every 20th word of the dictionary."""
    path = Path(pocketsphinx.get_model_path("en-us")) / "cmudict-en-us.dict"
    entries = [line.split() for line in path.read_text("utf-8").splitlines()[::20]]
    known = [(word, sounds) for word, *sounds in entries if letters(word) == word and len(word) > 2]
    wrong = sum(edits(sounds, pronounce(word)) for word, sounds in known)
    return round(wrong / sum(len(sounds) for _, sounds in known), 3)


if __name__ == "__main__":
    sys.exit(main())
