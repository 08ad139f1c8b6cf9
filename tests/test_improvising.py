"""A scene from brief to files, as a user of the Python API sees it: scripted agents, the real voices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.errors import ProductionError, SettingsError
from speechagents.events import Event, Exported, Finished, MessageSpoken, SceneOver, Started
from speechagents.scripts.scene_file import read_scene
from speechagents.settings import ImproviseSettings
from speechagents.stream import read_stream

SCENE = SceneBrief(
    title="Two Cups",
    setting="INT. KITCHEN - NIGHT",
    roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker", voice="", goals=("To sleep.",)), Role("Sophia")),
    policy="round-robin",
    turns=4,
    seed=2,
)
SAID = (
    Turn("Ella", text="You are still awake?"),
    Turn("Tom", text="I am always awake at four.", style=Style("tired"), thoughts="She has been crying."),
    Turn("Ella", Deed.ACT, "puts the kettle on"),
    Turn("Tom", text="Then sit."),
)


def improvised(studio: Studio, out: Path, *, scene: SceneBrief = SCENE, **options: Any) -> list[Event]:
    settings = ImproviseSettings(**{"formats": ("vtt", "json"), "roles": 2, **options})
    actors = Actors(ScriptedController(SAID), ScriptedController())
    return list(studio.improvise(scene, actors=actors, out=out, settings=settings))


def test_a_scene_is_played_mixed_and_exported(studio: Studio, tmp_path: Path) -> None:
    events = improvised(studio, tmp_path / "out", formats=("vtt", "wav"), master="none")
    assert isinstance(events[0], Started)
    assert sum(isinstance(event, Started) for event in events) == 1
    assert [event.message.text for event in events if isinstance(event, MessageSpoken)] == [turn.text for turn in SAID]
    assert any(isinstance(event, SceneOver) for event in events)
    assert [event.format for event in events if isinstance(event, Exported)] == ["vtt", "wav"]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.lines, finished.roles, finished.spoken) == (3, 2, 3)
    subtitles = (tmp_path / "out" / "exports" / "programme.vtt").read_text("utf-8")
    assert "<v Tom>" in subtitles
    assert SAID[1].thoughts not in subtitles


def test_subtitles_and_stream_agree_on_the_times(studio: Studio, tmp_path: Path) -> None:
    improvised(studio, tmp_path / "out")
    exported = json.loads((tmp_path / "out" / "exports" / "programme.json").read_text("utf-8"))
    lines = [line for scene in exported["scenes"] for line in scene["lines"]]
    heard = [message for message in read_stream(tmp_path / "out" / "stream.jsonl") if message.take]
    assert [line["start_s"] for line in lines] == pytest.approx([message.start_s for message in heard], abs=1e-3)


def test_a_folder_keeps_its_scene_and_goes_on_with_no_other(studio: Studio, tmp_path: Path) -> None:
    improvised(studio, tmp_path / "out")
    assert read_scene(tmp_path / "out" / "scene.yaml") == replace(SCENE, roles=SCENE.roles[:2])
    with pytest.raises(ProductionError, match="another scene"):
        improvised(studio, tmp_path / "out", scene=replace(SCENE, title="Three Cups"))
    again = improvised(studio, tmp_path / "out")
    assert all(event.reused for event in again if isinstance(event, MessageSpoken))


def test_an_improvised_scene_is_exported_and_replayed_like_any_production(studio: Studio, tmp_path: Path) -> None:
    improvised(studio, tmp_path / "out")
    events = list(studio.export(tmp_path / "out", formats=("srt",)))
    assert isinstance(events[-1], Finished)
    assert (tmp_path / "out" / "exports" / "programme.srt").stat().st_size > 50
    replayed = list(Studio.replay(tmp_path / "out"))
    assert [(event.message.text, event.thoughts) for event in replayed] == [(turn.text, turn.thoughts) for turn in SAID]
    assert replayed[0].read is not None
    assert replayed[0].read().duration_s > 0.5
    assert replayed[2].read is None


@pytest.mark.parametrize("wrong", [{"policy": "loudest"}, {"roles": 4}, {"formats": ("mp5",)}, {"hearing": "audio"}])
def test_wrong_options_leave_nothing_behind(studio: Studio, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        improvised(studio, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()
