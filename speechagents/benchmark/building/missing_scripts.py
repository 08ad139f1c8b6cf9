"""Scripts for all scenes and numbers of roles that have none written by hand, played by a controller.

Owns which are missing, and going on where an earlier run stopped. Does not know how scripts are kept
(`generated_scripts`) or played (`scripting`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from speechagents.benchmark.building.events import Built, ItemRefused, ScriptBuilt
from speechagents.benchmark.building.scripting import check_play, play_silently, script_scene
from speechagents.benchmark.cells import turns_of
from speechagents.benchmark.generated_scripts import read_generated_scripts, write_generated_scripts
from speechagents.benchmark.scene_set import ROLE_COUNTS, SceneSet
from speechagents.benchmark.script_file import HAND, SceneScript
from speechagents.controllers.controller import Controller, Usage

_POLICY = "addressed"


def write_missing_scripts(
    scene_set: SceneSet, controller: Controller, folder: Path, *, roles: Sequence[int] = ROLE_COUNTS, seed: int = 0
) -> Iterator[ScriptBuilt | ItemRefused | Built]:
    """Generate the scripts that nobody has written, for each number of roles in turn.

    Those that are in the folder already and were made by the same controller stay; each new one is on disk before the
    next is begun.

    Args:
        scene_set: The scenes, and the scripts that were written.
        controller: Plays the scenes.
        folder: Of the generated scripts, see `generated_scripts`.
        roles: Numbers of roles.
        seed: Of everything left to chance.

    Yields:
        What came of each script; `Built` last.

    Raises:
        BenchmarkError: What is in the folder is damaged.
        ControllerError: The controller cannot be used.
        StorageError: The folder cannot be written.
    """
    made_by = controller.identity
    briefs = {scene_id: scene.brief for scene_id, scene in scene_set.scenes.items()}
    there = dict(read_generated_scripts(folder, briefs))
    refused = duplicates = 0
    usage = Usage()
    for count in roles:
        for scene_id, scene in briefs.items():
            known = there.get((scene_id, count))
            written = scene_set.scripts.get((scene_id, count))
            if count > len(scene.roles) or (written is not None and written.made_by == HAND):
                continue
            if known is not None and known.made_by == made_by:
                yield ScriptBuilt(scene_id, count, len(known.lines), reused=True)
                continue
            name = f"{scene_id}-{count}"
            brief = script_scene(scene, count, turns=turns_of(count), policy=_POLICY, seed=_seed(seed, name))
            play = play_silently(brief, controller)
            usage += play.usage
            checked = check_play(play, brief)
            duplicates += checked.repeated
            if checked.refusal:
                refused += 1
                yield ItemRefused(name, checked.refusal, checked.duplicate)
                continue
            there[scene_id, count] = SceneScript(scene_id, count, made_by, checked.lines)
            write_generated_scripts(folder, count, (one for one in there.values() if one.roles == count))
            yield ScriptBuilt(scene_id, count, len(checked.lines))
    yield Built(len(briefs), len(there), refused, duplicates, usage, ended="every script was asked for", complete=True)


def _seed(seed: int, name: str) -> int:
    digest = hashlib.blake2b(f"{seed}\0generated\0{name}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")
