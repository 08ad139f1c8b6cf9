"""The codec is taught with lines of the split for learning, and of no other."""

from __future__ import annotations

import pytest

from speechagents.benchmark.generated_scripts import read_generated_scripts
from speechagents.benchmark.scene_set import Split, shipped_scene_set
from speechagents.errors import TuningError
from speechagents.resources import resource
from speechagents.tuning.codec_lines import benchmark_lines


def test_lines_are_those_of_scripts_of_the_split() -> None:
    scenes = shipped_scene_set().scenes
    briefs = {scene_id: scene.brief for scene_id, scene in scenes.items()}
    scripts = read_generated_scripts(resource("assets", "hcs", "v1", "generated"), briefs)
    said = {
        line.text
        for (scene_id, _), script in scripts.items()
        if scenes[scene_id].split is Split.TRAIN
        for line in script.lines
    }
    chosen = benchmark_lines(Split.TRAIN, count=200, seed=1)
    assert len(chosen) == 200
    assert {text for text, _ in chosen} <= said


def test_the_seed_chooses() -> None:
    assert benchmark_lines(Split.DEV, count=20, seed=1) == benchmark_lines(Split.DEV, count=20, seed=1)
    assert benchmark_lines(Split.DEV, count=20, seed=1) != benchmark_lines(Split.DEV, count=20, seed=2)


@pytest.mark.parametrize("count", [0, 1_000_000])
def test_more_lines_than_there_are_is_refused_with_their_number(count: int) -> None:
    with pytest.raises(TuningError, match=r"the dev split has \d+"):
        benchmark_lines(Split.DEV, count=count, seed=1)
