"""What is made of a scene with a person in it: the person's own voice, lines as far as they were heard."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import av
import numpy as np
import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.audio import Audio, Samples
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Role, SceneBrief, Turn
from speechagents.events import Finished, LineSpoken
from speechagents.live.scene import Among, Speaks
from speechagents.stream import read_stream

SCENE = SceneBrief(
    title="Two Cups",
    setting="",
    roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker"), Role("Sophia", "28, a nurse")),
    policy="round-robin",
    seed=2,
)
TEXT = "I have told you a hundred times that nobody is allowed to touch the oven after midnight, not even you."
HZ = 1_000.0
"""No voice has a steady tone of this pitch."""


def whistle(seconds: float = 1.5) -> Audio:
    """The person whistles: a sound that can be told from all voices."""
    at = np.arange(round(24_000 * seconds)) / 24_000
    return Audio((0.1 * np.sin(2 * np.pi * HZ * at)).astype(np.float32), 24_000)


def whistled(sound: Samples, rate_hz: int) -> float:
    """Share of a sound's energy that lies around the whistle's pitch."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    at = np.fft.rfftfreq(sound.size, 1.0 / rate_hz)
    return float(power[np.abs(at - HZ) < 20.0].sum() / power.sum())


def decoded(path: Path) -> tuple[Samples, int]:
    """The sum of both channels, as FFmpeg decodes a file."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        return np.concatenate([frame.mean(axis=0) for frame in frames], axis=0), int(stream.rate)


@pytest.fixture
def production(studio: Studio, tmp_path: Path) -> Path:
    """Ella is cut off by the person, Tom answers, the person types a line."""
    turns = [Turn("Ella", text=TEXT), Turn("Tom", text="Let her finish.")]
    actors = Actors(ScriptedController(turns), ScriptedController())
    out = tmp_path / "out"
    with studio.live(SCENE, person="Sophia", out=out, actors=actors) as live:
        first = live.decide()
        assert isinstance(first, Speaks)
        list(live.speech(first))
        live.keep(first, start_s=20.0, end_s=21.5, heard_s=1.5)
        live.person_said("Tom, listen to this.", whistle(), start_s=21.3, end_s=22.8)
        second = live.decide(Among.AGENTS)
        assert isinstance(second, Speaks)
        live.keep(second, start_s=60.0, end_s=61.0)
        live.person_said("I only type.", None, start_s=90.0, end_s=90.0)
    return out


def exported(studio: Studio, production: Path, *formats: str) -> tuple[list[LineSpoken], Finished]:
    events = list(studio.export(production, formats=formats, master="none"))
    last = events[-1]
    assert isinstance(last, Finished)
    return [event for event in events if isinstance(event, LineSpoken)], last


def test_the_persons_own_sound_is_in_the_audiobook(studio: Studio, production: Path) -> None:
    lines, _ = exported(studio, production, "m4b")
    sound, rate_hz = decoded(production / "exports" / "programme.m4b")
    for line in lines:
        part = sound[round((line.placed.start_s + 0.4) * rate_hz) : round((line.placed.end_s - 0.1) * rate_hz)]
        mine = line.placed.line.text == "Tom, listen to this."
        assert (whistled(part, rate_hz) > 0.9) == mine


def test_nothing_that_was_heard_is_spoken_again(studio: Studio, production: Path) -> None:
    before = {path.name: path.read_bytes() for path in (production / "takes").iterdir()}
    lines, finished = exported(studio, production, "vtt")
    messages = read_stream(production / "stream.jsonl")
    assert [line.placed.line.text for line in lines] == [message.text for message in messages]
    assert [line.placed.take for line in lines[:3]] == [message.take for message in messages[:3]]
    assert [line.reused for line in lines] == [True, True, True, False]  # what was typed is spoken now
    assert finished.spoken == 1
    for name, held in before.items():
        assert (production / "takes" / name).read_bytes() == held
    assert exported(studio, production, "srt")[1].spoken == 0


def test_a_cut_line_lasts_as_long_as_it_was_heard_and_the_person_breaks_in(studio: Studio, production: Path) -> None:
    (cut, mine, *_), _ = exported(studio, production, "vtt")
    assert cut.placed.line.text.startswith("I have told you")
    assert cut.placed.line.text.endswith(" --")
    assert cut.placed.duration_s == pytest.approx(1.5, abs=0.01)
    assert cut.placed.end_s - 0.4 < mine.placed.start_s <= cut.placed.end_s


def test_the_pauses_in_which_people_thought_are_left_out(studio: Studio, production: Path) -> None:
    lines, finished = exported(studio, production, "vtt")
    assert finished.duration_s < 12.0
    for before, after in itertools.pairwise(lines):
        assert after.placed.start_s - before.placed.end_s < 1.6
    subtitles = (production / "exports" / "programme.vtt").read_text("utf-8")
    assert "<v Sophia>Tom," in subtitles
    assert "midnight" not in subtitles


def test_what_is_typed_is_spoken_by_the_roles_voice(studio: Studio, production: Path) -> None:
    (*_, typed), _ = exported(studio, production, "vtt")
    assert typed.placed.line.role == "Sophia"
    take = Audio.read(production / "takes" / f"{typed.placed.take}.flac")
    assert take.duration_s > 0.3
    assert whistled(take.samples, take.rate_hz) < 0.5


def test_files_say_whose_voice_is_a_persons(studio: Studio, production: Path) -> None:
    exported(studio, production, "json", "flac")
    record = json.loads((production / "production.json").read_text("utf-8"))
    assert (record["kind"], record["person"], record["human_voices"]) == ("live", "Sophia", ["Sophia"])
    with av.open(str(production / "exports" / "programme.flac")) as container:
        tags = dict(container.metadata)
    said = tags["SYNTHETIC_VOICES"]
    assert said.startswith("all voices but that of Sophia are synthetic")
    assert "Sophia: a person's own voice" in said
    assert "all voices are synthetic" not in json.dumps(tags)
    about = json.loads((production / "exports" / "programme.json").read_text("utf-8"))
    assert "but that of Sophia" in about["synthetic_voices"]


def test_where_the_person_only_typed_all_voices_are_synthetic(studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "typed"
    with studio.live(
        SCENE, person="Sophia", out=out, actors=Actors(ScriptedController(), ScriptedController())
    ) as live:
        live.person_said("I only type.", None, start_s=0.0, end_s=0.0)
    exported(studio, out, "json")
    about = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    assert about["synthetic_voices"].startswith("all voices are synthetic")
    assert "human_voices" not in json.loads((out / "production.json").read_text("utf-8"))


def test_a_word_thrown_in_is_heard_under_the_line(studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "under"
    actors = Actors(ScriptedController([Turn("Ella", text=TEXT)]), ScriptedController())
    with studio.live(SCENE, person="Sophia", out=out, actors=actors) as live:
        line = live.decide()
        assert isinstance(line, Speaks)
        live.person_said("Mm.", whistle(0.4), start_s=12.0, end_s=12.4)
        live.keep(line, start_s=10.0, end_s=16.0)
    lines = sorted(exported(studio, out, "vtt")[0], key=lambda one: one.placed.start_s)
    assert [one.placed.line.role for one in lines] == ["Ella", "Sophia"]
    assert lines[1].placed.start_s - lines[0].placed.start_s == pytest.approx(2.0, abs=0.02)


def test_a_recording_that_is_gone_is_told_and_not_replaced(studio: Studio, production: Path) -> None:
    mine = read_stream(production / "stream.jsonl")[1]
    (production / "takes" / f"{mine.take}.flac").unlink()
    lines, finished = exported(studio, production, "vtt")
    assert mine.text not in [line.placed.line.text for line in lines]
    (failed,) = finished.failed
    assert failed.line.text == mine.text
    assert mine.take in failed.reason
    assert "bring it back" in failed.reason


def test_a_live_scene_is_replayed_and_an_export_keeps_earlier_files_on_record(studio: Studio, production: Path) -> None:
    replayed = list(Studio.replay(production))
    assert [event.message.text for event in replayed][1] == "Tom, listen to this."
    assert replayed[1].read is not None
    sound = replayed[1].read()
    assert whistled(sound.samples, sound.rate_hz) > 0.9
    assert replayed[3].read is None  # what was typed made no sound
    exported(studio, production, "vtt")
    exported(studio, production, "srt")
    record = json.loads((production / "production.json").read_text("utf-8"))
    assert record["files"] == ["exports/programme.vtt", "exports/programme.srt"]
    with studio.live(SCENE, person="Sophia", out=production, actors=Actors(ScriptedController(), ScriptedController())):
        pass
    again = json.loads((production / "production.json").read_text("utf-8"))
    assert again["files"] == record["files"]


def test_stems_of_a_live_scene_hold_the_person_too(studio: Studio, production: Path) -> None:
    last = list(studio.export(production, formats=("vtt",), master="none", stems=True))[-1]
    assert isinstance(last, Finished)
    shares = []
    for path in last.files[1:]:
        stem = Audio.read(path).mono()
        shares.append(whistled(stem.samples, stem.rate_hz))
    assert len(shares) == 3
    assert sorted(share > 0.4 for share in shares) == [False, False, True]  # with what was typed in the same stem
