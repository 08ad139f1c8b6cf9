"""The model that comes with this project hears, answers and speaks, on any CPU, and says the same each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from speechagents.benchmark.metrics.intelligibility import word_errors
from speechagents.benchmark.scene_set import Split
from speechagents.drama import Style
from speechagents.resources import resource
from speechagents.tuning.codec_lines import benchmark_lines
from speechagents.units.generation import Sampling
from speechagents.units.speech import UnitSpeech, load_unit_speech
from speechagents.units.wording import hear_prompt, read_words
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.measure import pitch
from speechagents.voices.synthesizer import SpokenLine, Take

SCENE = resource("assets", "hcs", "v1", "scenes", "001-night-ferry.yaml")


@pytest.fixture(scope="module")
def speech() -> UnitSpeech:
    return load_unit_speech()


def takes(lines: list[str], voice_id: str) -> list[Take]:
    with EspeakSynthesizer(jobs=1) as synthesizer:
        (voice,) = (voice for voice in synthesizer.voices if voice.id == voice_id)
        spoken = list(synthesizer.speak([SpokenLine(line, voice) for line in lines]))
    return [take for take in spoken if isinstance(take, Take)]


def test_all_of_it_weighs_less_than_twenty_megabytes() -> None:
    folder = resource("models", "understudy")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 20_000_000
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".safetensors", ".md"}


def test_it_writes_down_most_of_what_is_said_in_the_world_that_it_knows(speech: UnitSpeech) -> None:
    lines = [text for text, _ in benchmark_lines(Split.TRAIN, count=8, seed=4)]
    missed = words = 0
    for line, units in zip(lines, speech.codec.encode([take.audio for take in takes(lines, "adam")]), strict=True):
        written = speech.model.words(hear_prompt(units), sampling=Sampling(0.0, 0.0), seed=1).text
        one, count = word_errors(line, read_words(written), language="en")
        missed += one
        words += count
    assert missed / words < 0.15


def test_units_of_a_voice_are_voiced_again_at_its_height_and_length(speech: UnitSpeech) -> None:
    for voice in ("gordon", "adam", "alma", "wren"):
        (take,) = takes(["We tell them tonight, before the list does."], voice)
        (units,) = speech.codec.encode([take.audio])
        again = speech.codec.voiced(units, voice=voice, style=Style())
        assert again.duration_s == pytest.approx(take.audio.duration_s, rel=0.15)
        assert pitch(again).median_hz == pytest.approx(pitch(take.audio).median_hz, rel=0.15)


def test_a_scene_is_played_from_sound_to_sound_the_same_twice_and_without_pytorch(tmp_path: Path) -> None:
    command = ["improvise", str(SCENE), "--preset", "understudy", "--hearing", "audio", "--roles", "3", "--turns", "4"]
    code = (
        "import sys; from speechagents.cli import main; code = main(sys.argv[1:]); "
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    streams = []
    for name in ("one", "other"):
        out = tmp_path / name
        arguments = [*command, "--out", str(out), "--formats", "flac", "--json"]
        answer = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
        over = json.loads(answer.stdout.splitlines()[-1])
        assert over["turns"] == 4
        assert over["fallback_turns"] <= 1
        streams.append((out / "stream.jsonl").read_bytes())
    assert streams[0] == streams[1]
    messages = [json.loads(line) for line in streams[0].splitlines()]
    assert all(message["take"] and message["end_s"] > message["start_s"] for message in messages)
    assert any(message.get("units") for message in messages)
