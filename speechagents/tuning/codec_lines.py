"""Which lines the unit codec is taught with: lines of the benchmark's scripts, of the split for learning and no other.

Owns the choice. Does not know how they are spoken (`codec_speech`).
"""

from __future__ import annotations

import random

from speechagents.benchmark.generated_scripts import read_generated_scripts
from speechagents.benchmark.scene_set import Split, shipped_scene_set
from speechagents.drama import Style
from speechagents.errors import TuningError
from speechagents.resources import resource


def benchmark_lines(split: Split, *, count: int, seed: int) -> list[tuple[str, Style]]:
    """Lines of the shipped benchmark's generated scripts, chosen by chance, with the styles that they have there.

    Args:
        split: Of their scenes.
        count: How many.
        seed: Of the choice.

    Raises:
        TuningError: There are not so many.
    """
    scenes = shipped_scene_set().scenes
    briefs = {scene_id: scene.brief for scene_id, scene in scenes.items()}
    scripts = read_generated_scripts(resource("assets", "hcs", "v1", "generated"), briefs)
    lines = [
        (line.text, Style(line.style))
        for (scene_id, _), script in sorted(scripts.items())
        if scenes[scene_id].split is split
        for line in script.lines
    ]
    if not 1 <= count <= len(lines):
        raise TuningError(f"{count} lines: the {split} split has {len(lines)}; ask for 1 to that many", field="lines")
    return random.Random(seed).sample(lines, count)  # noqa: S311 - chooses lines, guards nothing
