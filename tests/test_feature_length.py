"""A feature-length screenplay from end to end: 150 pages, more than thirty roles, real voices."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
import webvtt

from benchmarks.screenplays import make_screenplay
from speechagents.drama import role_key
from speechagents.events import LineFailed, SceneReady, Started, Warned
from tests.conftest import Perform, finished


@pytest.mark.slow
def test_a_feature_length_screenplay_is_performed_to_the_last_line(perform: Perform, tmp_path: Path) -> None:
    script = tmp_path / "feature.fountain"
    script.write_text(make_screenplay(pages=150, roles=34, seed=3), "utf-8")
    events = perform(script, tmp_path / "out", formats=("opus", "vtt", "json"), master="none")
    done = finished(events)
    started = events[0]
    assert isinstance(started, Started)
    assert (done.roles, len(done.failed)) == (34, 0)
    assert done.lines == started.lines > 1_000
    assert 90 * 60 < done.duration_s < 180 * 60
    assert not [event for event in events if isinstance(event, LineFailed)]
    faulty = re.compile(r"line \d+ \([a-z0-9-]+\): ")
    assert not [event.message for event in events if isinstance(event, Warned) and faulty.match(event.message)]

    scenes = [event.scene for event in events if isinstance(event, SceneReady)]
    for one, other in pairwise(scenes):
        assert other.start_s == one.end_s
    for scene in scenes:
        voices = defaultdict(set)
        for placed in scene.lines:
            voices[started.cast[placed.line.role].voice.id].add(role_key(placed.line.role))
            assert scene.start_s < placed.start_s < placed.end_s < scene.end_s
        assert all(len(roles) == 1 for roles in voices.values()), f"two roles share a voice in {scene.title}"

    cues = webvtt.read(str(tmp_path / "out" / "exports" / "programme.vtt"))
    assert len(cues) >= done.lines
    assert cues[-1].end_in_seconds <= done.duration_s
