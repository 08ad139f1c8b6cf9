"""Takes of scenes that agents improvised: the folder of a production, or a run of a benchmark with many of them.

Owns that one translation: the record of the scene is folded again as it was when it was played, so that each agent is
given what it knew then. Does not know how a scene is played (`agents`).

Turns that are not the controller's own are left out; everybody heard them all the same. A scene in which a person plays
is refused: what people say in front of a microphone is theirs, and no source of data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from speechagents.agents.record import STEPS_FILE, recorded
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Step
from speechagents.assembling import SceneKind
from speechagents.benchmark.played import CELL_FILE
from speechagents.benchmark.wording import counted
from speechagents.branches import SCENE_FILE
from speechagents.drama import Deed, Message, SceneBrief
from speechagents.errors import TuningError
from speechagents.journal import entry_line
from speechagents.production.folder import Production
from speechagents.production.takes import TakeStore
from speechagents.scripts.scene_file import read_scene
from speechagents.stream import message_to_json, read_stream
from speechagents.tuning.scene_takes import Moment, SceneTake
from speechagents.tuning.sources import NOT_STATED, KnownScenes, Source, Wanted

_CUES = 3
"""Messages that an agent recalls by, as when it was asked (`agents.deciding`)."""


def is_production(path: Path) -> bool:
    """Whether a folder holds a production."""
    return (path / "production.json").is_file()


def productions_of_run(path: Path) -> Sequence[Path]:
    """The finished cells of a benchmark's run, in order; none where it is no such run."""
    return sorted(one.parent for one in (path / "cells").glob(f"*/{CELL_FILE}"))


def production_source(folder: Path, wanted: Wanted, known: KnownScenes) -> Source:
    """The scene of a production.

    Args:
        folder: Of the production; nothing in it is changed.
        wanted: What of it.
        known: Scenes that are in a split already.

    Raises:
        TuningError: It holds no scene that agents improvised.
        ProductionError: It is damaged.
    """
    record = Production(folder, must_exist=True).record()
    if not (folder / SCENE_FILE).is_file():
        raise TuningError(
            "holds no improvised scene; give the script file that it was performed from", source=folder.name
        )
    if record.get("kind") == SceneKind.LIVE:
        raise TuningError(
            "a person plays in it, and what people say is not gathered; name scenes that agents improvised alone",
            source=folder.name,
        )
    scene = read_scene(folder / SCENE_FILE)
    moments = tuple(_moments(folder, scene))
    said = b"".join(entry_line(message_to_json(moment.message)) for moment in moments)
    digest = hashlib.sha256(said).hexdigest()
    if not wanted.plays(len(scene.roles)):
        notes: tuple[str, ...] = (f"its {len(scene.roles)} roles are not wanted",)
        return Source(scene.title, "production", digest[:12], wanted.licence, (), notes)
    scene_id, split = known.place(scene, wanted)
    moments = moments[: wanted.turns or None]
    lost = sum(not moment.own and moment.message.deed is Deed.SPEAK for moment in moments)
    notes = (f"{counted(lost, 'turn is', 'turns are')} not the controller's own",) if lost else ()
    made_by = str(record.get("controller", ""))[:400] or NOT_STATED
    take = SceneTake(scene_id, digest[:8], split, scene, moments, made_by, recorded=True)
    return Source(scene.title, "production", digest[:12], wanted.licence, (take,), notes)


def _moments(folder: Path, scene: SceneBrief) -> Iterator[Moment]:
    takes = TakeStore(folder / "takes")
    if not (folder / STEPS_FILE).is_file():
        # A script that was spoken into a production: nobody thought.
        present = tuple(role.name for role in scene.roles)
        for number, message in enumerate(read_stream(folder / "stream.jsonl")):
            yield _moment(takes, message, message.text, {"present": present, "step": number}, own=True)
        return
    state = SceneState(scene)
    for step in (one.entry for one in recorded(folder) if isinstance(one.entry, Step)):
        state.take_note(step.stock)
        recent = state.memory.recent(step.turn.role)
        knew = {
            "present": state.present,
            "step": state.steps,
            "facts": state.memory.facts,
            "recalled": state.memory.recall(step.turn.role, cue=" ".join(one.text for one in recent[-_CUES:])),
            "note": step.note,
            "beat": state.beat,
        }
        for message, understood in zip(step.messages, step.understood, strict=True):
            own = message.deed is not Deed.BACK_CHANNEL and not step.turn.fallback
            thoughts = step.turn.thoughts if own else ""
            yield _moment(takes, message, understood, {**knew, "thoughts": thoughts}, own=own)
        state.take_turn(step.turn, step.usage)
        state.hear(step.messages, step.understood)


def _moment(takes: TakeStore, message: Message, understood: str, knew: Mapping[str, Any], *, own: bool) -> Moment:
    # A message that could not be spoken is the agent's own all the same.
    sound = takes.path(message.take) if message.take else None
    return Moment(message, understood, own=own, sound=sound, **knew)
