"""Branches of improvised scenes as productions of their own.

Owns what a branch takes over from the production that it leaves, and ``branch.json``, which says where it left. The
production that is left is only read, and may be played meanwhile. A branch is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from speechagents.agents.branching import Branch, changed_scene, clean_note, shared
from speechagents.agents.record import STEPS_FILE, recorded
from speechagents.agents.steps import Step
from speechagents.drama import Message
from speechagents.errors import ProductionError, SettingsError
from speechagents.journal import entry_line
from speechagents.production.folder import Production
from speechagents.production.storage import storage_errors, temporary_beside, write_atomically
from speechagents.production.takes import TakeStore
from speechagents.scripts.scene_file import MAX_SEED, read_scene, write_scene
from speechagents.stream import message_to_json

BRANCH_FILE = "branch.json"
SCENE_FILE = "scene.yaml"
"""The scene as it is played, for reading and editing."""

_MAX_BRANCH_BYTES = 16_000
_KEPT = ("kind", "controller", "title", "language", "improvise")
# These are in the scene already, and a branch may change them.
_SETTLED = {"roles": None, "turns": None, "policy": "", "seed": None, "cast": None}


def branch_production(
    origin: Path,
    out: Path,
    *,
    at: int,
    seed: int,
    note: str = "",
    note_to: str = "",
    beats: Sequence[str] | None = None,
    turns: int | None = None,
) -> Branch:
    """Make a branch; see `Studio.branch`."""
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        raise SettingsError(f"seed {seed!r} is not a whole number from 0 to {MAX_SEED}")
    production = Production(origin, must_exist=True)
    record = production.record()
    if record.get("kind") != "improvised" or not isinstance(record.get("improvise"), dict):
        raise ProductionError(f"{origin}: holds no scene that agents improvised alone; only such a scene has branches")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ProductionError(f"{out}: is not empty; name a new folder for the branch")
    scene = read_scene(origin / SCENE_FILE)
    records, last = shared(recorded(origin), at)
    messages = [message for one in records if isinstance(one.entry, Step) for message in one.entry.messages]
    note, note_to = clean_note(note, note_to, scene)
    branch = Branch(message=messages[-1].id, step=last.number + 1, seed=seed, note=note, note_to=note_to)
    goes_on = changed_scene(scene, last, turns=turns, beats=beats)
    about = {name: record[name] for name in _KEPT if name in record}
    about |= {"improvise": {**record["improvise"], **_SETTLED}, "state": "working"}
    made = temporary_beside(out)
    try:
        with storage_errors(out):
            made.mkdir(parents=True)
            branched = Production(made)
            _link_takes(production.takes, TakeStore(made / "takes"), messages)
            if production.cast_path.exists():
                shutil.copyfile(production.cast_path, made / production.cast_path.name)
        write_atomically(made / SCENE_FILE, write_scene(goes_on).encode("utf-8"))
        write_atomically(made / STEPS_FILE, b"".join(one.line for one in records))
        stream = b"".join(entry_line(message_to_json(message)) for message in messages)
        write_atomically(made / production.stream_path.name, stream)
        write_atomically(made / BRANCH_FILE, (json.dumps(branch.as_json(), ensure_ascii=False) + "\n").encode("utf-8"))
        branched.write_record(about)
        with storage_errors(out):
            made.replace(out)  # an empty folder gives way
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return branch


def read_branch(folder: Path) -> Branch | None:
    """Where a production left the one it came from; None for one that is no branch.

    Raises:
        ProductionError: It cannot be read.
    """
    path = folder / BRANCH_FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MAX_BRANCH_BYTES).decode("utf-8"))
        if not isinstance(values, dict):
            raise ValueError("is no object")
        return Branch.from_json(values)
    except (OSError, ValueError, RecursionError) as error:
        raise ProductionError(f"{path}: cannot be read ({error}); branch from the first scene again") from error


def _link_takes(here: TakeStore, there: TakeStore, messages: Iterable[Message]) -> None:
    """Share the takes of messages. A take is never changed in place, so one file may stand in two productions."""
    for address in dict.fromkeys(message.take for message in messages if message.take):
        source, target = here.path(address), there.path(address)
        if not source.is_file():
            continue  # it is spoken again, as in any production
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk, or one without hard links
            shutil.copyfile(source, target)
