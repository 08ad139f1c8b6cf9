"""The timeline as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from speechagents.production.loudness import LoudnessMeter
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import Tags
from speechagents.production.timeline import Timeline
from speechagents.production.timeline_json import timeline_json

from .conftest import ArrayProgramme, Exports


def test_every_line_and_word_is_there(plain: Exports, timeline: Timeline) -> None:
    found = json.loads(plain.path("json").read_text("utf-8"))
    assert (found["schema"], found["version"]) == ("speechagents.timeline", 1)
    assert found["language"] == "de"
    assert found["synthetic_voices"] == "test voices 1.0"
    assert found["roles"][:2] == [
        {"name": "Anna", "voice": "en-woman-1"},
        {"name": "Ben & <Co>", "voice": "en-man-2"},
    ]
    assert [scene["title"] for scene in found["scenes"]] == [scene.title for scene in timeline.scenes]
    lines: list[dict[str, Any]] = [line for scene in found["scenes"] for line in scene["lines"]]
    for line, placed in zip(lines, timeline.lines(), strict=True):
        assert (line["line"], line["role"], line["text"]) == (
            placed.line.number,
            placed.line.role,
            placed.line.text,
        )
        assert line["take"] == placed.take
        assert line["style"] == {"tag": placed.line.style.tag, "strength": 1.0}
        assert line["start_s"] == pytest.approx(placed.start_s, abs=1e-4)
        assert [word["text"] for word in line["words"]] == [word.text for word in placed.words]


def test_levels_are_those_of_the_finished_programme(drama: ArrayProgramme, timeline: Timeline, tags: Tags) -> None:
    parts = []
    ends = [*drama.joints, drama.frames]
    for first, end in zip([0, *drama.joints], ends, strict=True):
        meter = LoudnessMeter()
        meter.feed(drama.read(first, end - first))
        parts.append(meter.finish())
    found = json.loads("".join(timeline_json(timeline, tags, energy=[part.energy for part in parts], gain_db=6.0)))
    lines = [line for scene in found["scenes"] for line in scene["lines"]]
    for line, placed in zip(lines, timeline.lines(), strict=True):
        first, end = round(placed.start_s * PROGRAMME_HZ), round(placed.end_s * PROGRAMME_HZ)
        sound = drama.sound[first:end].astype(np.float64)
        expected = 10.0 * np.log10(np.mean(sound**2)) + 6.0
        # Levels are known in steps of 100 ms.
        assert line["level_db"] == pytest.approx(expected, abs=1.5)


def test_without_measurements_there_are_no_levels(timeline: Timeline, tags: Tags) -> None:
    found = json.loads("".join(timeline_json(timeline, tags, energy=None, gain_db=0.0)))
    assert {line["level_db"] for scene in found["scenes"] for line in scene["lines"]} == {None}


def test_an_empty_timeline_is_json() -> None:
    found = json.loads("".join(timeline_json(Timeline("T", ()), Tags("T"), energy=None, gain_db=0.0)))
    assert found["scenes"] == []
    assert found["duration_s"] == 0.0
