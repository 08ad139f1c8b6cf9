"""Takes of a benchmark's scenes: its scripts, those written by hand and those that a controller made.

Owns that one translation. Does not know how a benchmark's folder is read (`benchmark.scene_set`). Splits are those of
the benchmark; learn from ``train`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from speechagents.benchmark.generated_scripts import read_generated_scripts
from speechagents.benchmark.scene_set import BenchScene, SceneSet, Split, read_scene_set, shipped_scene_set
from speechagents.benchmark.script_file import SceneScript
from speechagents.benchmark.wording import counted
from speechagents.drama import Deed, Message, Style
from speechagents.errors import SettingsError
from speechagents.resources import resource
from speechagents.tuning.scene_takes import Moment, SceneTake
from speechagents.tuning.sources import SHIPPED, Source, Wanted


def benchmark_named(name: str) -> tuple[SceneSet, Split | None, Path] | None:
    """The benchmark that a source names, the split of it, and its folder; None if it names none.

    Args:
        name: ``hcs``, or the path of a folder with an ``index.yaml``; behind either, ``:train`` and the like.

    Raises:
        SettingsError: It names a split that there is not.
        BenchmarkError: The benchmark cannot be used.
    """
    base, colon, behind = name.rpartition(":")
    if not colon or not (base == SHIPPED or _is_benchmark(Path(base))):
        base, behind = name, ""
    if base != SHIPPED and not _is_benchmark(Path(base)):
        return None
    if behind not in ("", *Split):
        raise SettingsError(f"{base} has no split {behind!r}; there are {', '.join(Split)}")
    split = Split(behind) if behind else None
    if base == SHIPPED:
        return shipped_scene_set(), split, resource("assets", "hcs", "v1")
    return read_scene_set(Path(base)), split, Path(base)


def benchmark_source(scene_set: SceneSet, split: Split | None, folder: Path, wanted: Wanted) -> Source:
    """The scripts of a benchmark.

    Args:
        scene_set: The benchmark.
        split: Of its scenes; None takes all.
        folder: Of its generated scripts.
        wanted: What of it.

    Raises:
        BenchmarkError: The generated scripts cannot be used.
    """
    briefs = {scene.id: scene.brief for scene in scene_set.scenes.values()}
    scripts = {**read_generated_scripts(folder / "generated", briefs), **scene_set.scripts}
    scenes = {scene.id: scene for scene in scene_set.of(split)}
    takes = [
        _take(scenes[scene_id], script, wanted)
        for (scene_id, roles), script in sorted(scripts.items())
        if scene_id in scenes and wanted.plays(roles)
    ]
    without = len(scenes) - len({take.scene_id for take in takes})
    licences = sorted({scene.licence for scene in scenes.values()})
    return Source(
        name=f"{scene_set.name}{f' ({split.value})' if split else ''}",
        kind="benchmark",
        digest=scene_set.digest,
        licence=" and ".join(licences) or wanted.licence,
        takes=wanted.part(takes),
        notes=(f"{counted(without, 'scene has', 'scenes have')} no script for these roles",) if without else (),
    )


def _is_benchmark(path: Path) -> bool:
    return (path / "index.yaml").is_file()


def _take(scene: BenchScene, script: SceneScript, wanted: Wanted) -> SceneTake:
    brief = replace(scene.brief.with_first_roles(script.roles), policy="scripted")
    return SceneTake(
        scene_id=scene.id,
        name=f"roles-{script.roles}",
        split=scene.split,
        scene=brief,
        moments=tuple(_moments(script, tuple(role.name for role in brief.roles), wanted.turns)),
        made_by=script.made_by,
    )


def _moments(script: SceneScript, present: tuple[str, ...], turns: int) -> Iterator[Moment]:
    for step, line in enumerate(script.lines[: turns or None]):
        message = Message(step + 1, line.role, line.text, Deed.SPEAK, Style(line.style), (), (), 0.0, 0.0, "")
        yield Moment(message, line.text, own=True, present=present, step=step)
