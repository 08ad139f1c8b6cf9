"""Measure the understudy: what its codec keeps of speech, what its model hears and says, how fast a scene is played.

::

    python -m benchmarks.understudy            print the figures
    python -m benchmarks.understudy --write    also write benchmarks/results/understudy.json

Lines are spoken by the embedded voices, heard as units by the codec, and written down by the model. "Learnt" lines are
of scenes it learnt from, "new" ones of the test split, which nothing was learnt from or chosen by.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speechagents.benchmark.metrics.intelligibility import word_errors
from speechagents.benchmark.scene_set import Split
from speechagents.drama import Style
from speechagents.resources import resource
from speechagents.tuning.codec_lines import benchmark_lines
from speechagents.tuning.codec_speech import UNKNOWN, spoken_lines
from speechagents.units.codec import UnitCodec, load_codec
from speechagents.units.generation import Sampling, UnitModel
from speechagents.units.speech import load_unit_speech
from speechagents.units.wording import hear_prompt, read_prompt, read_units, read_words
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.espeak.catalogue import load_catalogue
from speechagents.voices.measure import fingerprint, pitch, speech_level_db, voice_distance
from speechagents.voices.synthesizer import SpokenLine, Take

RESULTS = Path(__file__).parent / "results" / "understudy.json"
SEED = 11
GREEDY = Sampling(temperature=0.0, unit_temperature=0.0)
SCENES = ("001-night-ferry", "003-blood-type", "006-dumpling-hour")
# Not of any script: what a closed world makes of other words.
FOREIGN = (
    "The baker's daughter carried seven loaves across the frozen river before anyone was awake.",
    "Please put the blue jug by the window and shut the garden gate behind you.",
    "Nobody at the party had noticed that the clock was running backwards.",
    "Three thieves and a judge shared the last carriage of the evening train.",
)


def main() -> None:
    """Measure, print, and write if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--lines", type=int, default=60, help="lines of each kind (default %(default)s)")
    arguments.add_argument("--write", action="store_true", help="write benchmarks/results/understudy.json")
    given = arguments.parse_args()
    codec, model = load_codec(), load_unit_speech().model
    with EspeakSynthesizer(jobs=1) as espeak:
        figures: dict[str, Any] = {
            "machine": f"{platform.machine()}, one thread",
            "sizes_mb": sizes(),
            "codec": {**phonemes(codec, given.lines), **voices(codec, espeak)},
            "model": {
                name: heard_and_read(codec, model, espeak, lines)
                for name, lines in (
                    ("learnt", benchmark_lines(Split.TRAIN, count=given.lines, seed=SEED)),
                    ("new", benchmark_lines(Split.TEST, count=given.lines, seed=SEED)),
                    ("foreign", [(line, Style()) for line in FOREIGN]),
                )
            },
        }
    figures["scenes"] = played()
    print(json.dumps(figures, indent=1))
    if given.write:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


def sizes() -> dict[str, float]:
    """Of what is shipped, in MB."""
    folder = resource("models", "understudy")
    return {
        part: round(sum(path.stat().st_size for path in (folder / part).iterdir()) / 1e6, 2) for part in ("codec", "lm")
    }


def phonemes(codec: UnitCodec, count: int) -> dict[str, float]:
    """How many of espeak-ng's own phonemes units get wrong, on lines and voices of the test split."""
    inventory = {name: number for number, name in enumerate(codec.names)}
    wrong = total = 0
    with_units = 0
    for one in spoken_lines(benchmark_lines(Split.TEST, count=count, seed=SEED), list(load_catalogue()), seed=SEED):
        labels = [label for label, _ in itertools.groupby(one.labels(inventory).tolist()) if label not in (0, UNKNOWN)]
        units = [unit for unit in codec.units_of(one.mel) if unit]
        wrong += edit_distance(labels, units)
        total += len(labels)
        with_units += len(units)
    return {
        "phonemes": total,
        "phonemes_wrong": round(wrong / total, 4),
        "units_per_phoneme": round(with_units / total, 3),
    }


def voices(codec: UnitCodec, espeak: EspeakSynthesizer) -> dict[str, float]:
    """What comes back when units are voiced again: units, length, pitch, level, and whose voice it is."""
    lines = [text for text, _ in benchmark_lines(Split.TEST, count=3, seed=SEED)]
    errors = units_in = 0
    lengths, pitches, levels = [], [], []
    originals, copies = {}, {}
    voicing_s = hearing_s = sound_s = 0.0
    for voice in espeak.voices:
        takes = [
            take.audio for take in espeak.speak([SpokenLine(line, voice) for line in lines]) if isinstance(take, Take)
        ]
        began_s = time.process_time()
        units = codec.encode(takes)
        hearing_s += time.process_time() - began_s
        began_s = time.process_time()
        again = [codec.voiced(one, voice=voice.id, style=Style()) for one in units]
        voicing_s += time.process_time() - began_s
        sound_s += sum(sound.duration_s for sound in again)
        errors += sum(edit_distance(one, other) for one, other in zip(units, codec.encode(again), strict=True))
        units_in += sum(map(len, units))
        for take, copy in zip(takes, again, strict=True):
            lengths.append(copy.duration_s / take.duration_s)
            pitches.append(abs(12.0 * np.log2(pitch(copy).median_hz / pitch(take).median_hz)))
            levels.append(abs(speech_level_db(copy) - speech_level_db(take)))
        originals[voice.id], copies[voice.id] = fingerprint(takes), fingerprint(again)
    nearest = sum(
        min(originals, key=lambda other: voice_distance(copy, originals[other])) == name
        for name, copy in copies.items()
    )
    return {
        "voices": len(copies),
        "units_wrong_when_heard_again": round(errors / units_in, 4),
        "length_ratio": round(statistics.mean(lengths), 3),
        "pitch_error_median_st": round(statistics.median(pitches), 2),
        "level_error_db": round(statistics.mean(levels), 2),
        "nearest_to_own_original": nearest,
        "voicing_x_real_time": round(sound_s / voicing_s, 1),
        "hearing_x_real_time": round(sound_s / hearing_s, 1),
    }


def heard_and_read(
    codec: UnitCodec, model: UnitModel, espeak: EspeakSynthesizer, lines: Sequence[tuple[str, Style]]
) -> dict[str, float]:
    """Words that the model hears wrong in espeak-ng's voices, and in its own; units that it reads aloud otherwise."""
    chance = random.Random(SEED)  # noqa: S311 - chooses voices, guards nothing
    voices_used = [chance.choice(espeak.voices) for _ in lines]
    wanted = [SpokenLine(text, voice, style) for (text, style), voice in zip(lines, voices_used, strict=True)]
    takes = [take.audio for take in espeak.speak(wanted) if isinstance(take, Take)]
    wrong = own_wrong = words = unit_errors = units_in = 0
    for line, units in zip(wanted, codec.encode(takes), strict=True):
        missed, count = word_errors(line.text, transcript(model, units), language="en")
        wrong += missed
        words += count
        read = read_units(
            model.speech(read_prompt(line.text, line.style), words=count, sampling=GREEDY, seed=SEED).text
        )
        unit_errors += min(edit_distance(units, read), len(units))
        units_in += len(units)
        (again,) = codec.encode([codec.voiced(read or (0,), voice=line.voice.id, style=line.style)])
        own_wrong += word_errors(line.text, transcript(model, again), language="en")[0]
    return {
        "lines": len(lines),
        "words": words,
        "words_heard_wrong": round(wrong / words, 4),
        "words_of_its_own_speech_heard_wrong": round(own_wrong / words, 4),
        "units_read_otherwise": round(unit_errors / units_in, 4),
    }


def transcript(model: UnitModel, units: Sequence[int]) -> str:
    """What the model writes down."""
    return read_words(model.words(hear_prompt(units), sampling=GREEDY, seed=SEED).text) if units else ""


def played() -> dict[str, Any]:
    """Three scenes of the test split with three roles each, by the documented command, agents hearing sound."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    sound_s = process_s = 0.0
    turns = fallbacks = 0
    styles: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for scene in SCENES:
            file = resource("assets", "hcs", "v1", "scenes", f"{scene}.yaml")
            out = Path(folder) / scene
            command = [sys.executable, "-m", "speechagents", "improvise", str(file), "--preset", "understudy"]
            command += ["--hearing", "audio", "--roles", "3", "--turns", "10", "--seed", "1", "--out", str(out)]
            before = children_s()
            answer = subprocess.run(
                [*command, "--formats", "flac", "--json"], check=True, capture_output=True, text=True, env=environment
            )
            process_s += children_s() - before
            over = json.loads(answer.stdout.splitlines()[-1])
            turns += over["turns"]
            fallbacks += over["fallback_turns"]
            messages = [json.loads(line) for line in (out / "stream.jsonl").read_text().splitlines()]
            sound_s += sum(one["end_s"] - one["start_s"] for one in messages)
            styles |= {one["style"] for one in messages}
    return {
        "scenes": len(SCENES),
        "turns": turns,
        "fallback_turns": fallbacks,
        "styles": len(styles),
        "speech_s": round(sound_s, 1),
        "cpu_s": round(process_s, 1),
        "x_real_time": round(sound_s / process_s, 2),
    }


def children_s() -> float:
    """CPU time of all processes that were begun here and are over."""
    spent = os.times()
    return spent.children_user + spent.children_system


def edit_distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Insertions, deletions and substitutions (Levenshtein) from one row to the other."""
    row = list(range(len(other) + 1))
    for number, item in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, candidate in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (item != candidate))
    return row[-1]


if __name__ == "__main__":
    main()
