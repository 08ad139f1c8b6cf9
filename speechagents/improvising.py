"""An improvised scene from brief to files: who acts, with which voices, where it is kept, and what is made of it.

Owns the order of that work. Does not know who plays with which voices (`assembling`), how a scene is played
(`agents.improvisation`) or produced (`performance`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from speechagents.actors import Actors, choose_actors
from speechagents.agents.improvisation import Improvisation
from speechagents.agents.policies import make_policy
from speechagents.agents.steps import Step, StepLog
from speechagents.agents.transcript import play_of
from speechagents.assembling import (
    SceneKind,
    assemble,
    check_options,
    refuse_another_scene,
    scene_as_played,
    settings_from_json,
    settings_json,
    write_down,
)
from speechagents.audio import Audio
from speechagents.branches import SCENE_FILE, read_branch
from speechagents.drama import Message, SceneBrief, role_key
from speechagents.errors import ProductionError
from speechagents.events import Event, Finished, MessageSpoken, SceneOver, Started, Warned
from speechagents.performance import Performance, Troupe, cast_play
from speechagents.presets import Preset
from speechagents.production.folder import Production
from speechagents.production.sounds import SoundLibrary
from speechagents.production.takes import TakeStore
from speechagents.scripts.breakdown import Breakdown
from speechagents.scripts.scene_file import read_scene
from speechagents.settings import ImproviseSettings, PerformSettings
from speechagents.stream import read_stream


def improvise(
    troupe: Troupe,
    cast_by: Preset | Actors,
    scene: SceneBrief,
    out: Path,
    settings: ImproviseSettings,
    *,
    resume: bool,
) -> Iterator[Event]:
    """Play a scene and produce it; see `Studio.improvise`."""
    began = time.monotonic()
    scene = scene_as_played(scene, settings)
    check_options(troupe, scene, settings)
    production = Production(out, must_exist=resume)
    refuse_another_scene(production, scene, SceneKind.IMPROVISED)
    if isinstance(cast_by, Preset):
        actors, settings = choose_actors(cast_by, settings, shared=troupe.shared)
    else:
        actors = cast_by
    controller = actors.controller
    branch = read_branch(out)
    assembled = assemble(troupe, actors, scene, settings, production, policy=make_policy(scene.policy), branch=branch)
    cast = assembled.cast
    decides = branch.deciding(scene) if branch else scene
    about = {"kind": SceneKind.IMPROVISED, "controller": controller.identity, "improvise": settings_json(settings)}
    over: SceneOver | None = None
    spoken = 0
    with production:
        write_down(production, scene, cast, settings, about)
        why = f"{troupe.why}; {actors.why or controller.identity}"
        yield Started(scene.title, 1, 0, len(scene.roles), cast, why, scene.language)
        yield from map(Warned, cast.warnings)
        for played in Improvisation(scene, assembled.company, assembled.stage, out, decides=decides).play():
            if isinstance(played, SceneOver):
                over = played
            spoken += isinstance(played, MessageSpoken) and not played.reused and played.read is not None
            yield played
    assert over is not None  # noqa: S101 - the last event of every scene
    play = play_of(scene, read_stream(production.stream_path))
    if not play.scenes:
        yield Finished(out, (), 0, 0, 0.0, time.monotonic() - began, 0, (), {})
        return
    for event in _performance(troupe, play, production, _perform_settings(scene, settings), about).produce():
        if isinstance(event, Finished):
            # The scene was thought out and spoken before it was mixed; all of that took the time.
            event = replace(event, seconds=time.monotonic() - began, spoken=spoken)
        if not isinstance(event, Started):
            yield event


def export_scene(troupe: Troupe, out: Path, wanted: PerformSettings) -> Iterator[Event]:
    """Make further files from a production that was improvised."""
    yield from performed_scene(troupe, out, wanted).produce()


def performed_scene(troupe: Troupe, out: Path, wanted: PerformSettings) -> Performance:
    """A production that was improvised, or played live, as the performance of what was said in it.

    Raises:
        ProductionError: The folder holds no such scene, or nobody has said anything.
    """
    scene, _ = remembered_scene(out)
    production = Production(out, must_exist=True)
    record = production.record()
    about: dict[str, Any] = {name: value for name, value in record.items() if name in _REMEMBERED}
    messages = read_stream(production.stream_path)
    live = record.get("kind") == SceneKind.LIVE
    if live:
        # In the order in which it was heard: what a person throws in stands before the line that it was thrown into.
        messages = tuple(
            replace(message, id=number)
            for number, message in enumerate(sorted(messages, key=lambda one: (one.start_s, one.id)), 1)
        )
    person = str(record.get("person", ""))
    play = play_of(scene, messages, person=person)
    if not play.scenes:
        raise ProductionError(f"{out}: nobody has said anything yet; resume the scene first")
    wanted = replace(wanted, seed=scene.seed)
    # Options of its own to remember, so that the files of earlier exports stay on the record.
    performance = replace(_performance(troupe, play, production, wanted, about), remembered=replace(wanted))
    if live:
        # Nobody says it again as it was said: the person not at all, and a line that was cut off not just so far.
        heard = {message.id: message.take for message in messages if message.take}
        own = any(message.take and role_key(message.speaker) == role_key(person) for message in messages)
        performance = replace(performance, recorded=heard, human=(person,) if own else ())
    return performance


def remembered_person(out: Path) -> str:
    """Name of the role that a person plays in a production.

    Raises:
        ProductionError: Nobody does.
    """
    record = Production(out, must_exist=True).record()
    if record.get("kind") != SceneKind.LIVE or not isinstance(record.get("person"), str):
        raise ProductionError(f"{out}: holds no scene with a person in it; play one live, into a new folder")
    return str(record["person"])


def is_improvised(out: Path) -> bool:
    """Whether a folder holds an improvised scene, with or without a person in it."""
    return (out / SCENE_FILE).is_file()


def remembered_scene(out: Path) -> tuple[SceneBrief, ImproviseSettings]:
    """The scene of a production and the options it was started with.

    Raises:
        ProductionError: The folder holds none, or a damaged one.
    """
    production = Production(out, must_exist=True)
    if not is_improvised(out):
        raise ProductionError(f"{out}: holds no improvised scene; perform its script again, or name another folder")
    return read_scene(out / SCENE_FILE), settings_from_json(production.record().get("improvise"), out)


def replay(out: Path) -> Iterator[MessageSpoken]:
    """The messages of a finished scene, from disk alone; see `Studio.replay`."""
    messages = read_stream(Production(out, must_exist=True).stream_path)
    thoughts: dict[int, tuple[str, str]] = {}
    with StepLog(out / "steps.jsonl") as log:
        for record in log:
            if isinstance(record, Step) and record.messages:
                thoughts[record.messages[0].id] = (record.turn.thoughts, record.choice.reason)
    takes = TakeStore(out / "takes")
    for message in messages:
        thought, reason = thoughts.get(message.id, ("", ""))
        read = partial(_take_sound, takes, message) if message.take else None
        yield MessageSpoken(message, thought, reason, reused=True, read=read)


_REMEMBERED = ("kind", "person", "controller", "improvise")


def _performance(
    troupe: Troupe, play: Breakdown, production: Production, settings: PerformSettings, about: Mapping[str, Any]
) -> Performance:
    cast = cast_play(troupe.synthesizer, play, None, production.cast_path, seed=settings.seed)
    return Performance(troupe, play, cast, SoundLibrary(None), settings, settings, production, script=None, about=about)


def _perform_settings(scene: SceneBrief, settings: ImproviseSettings) -> PerformSettings:
    return PerformSettings(
        formats=settings.formats, master=settings.master, seed=scene.seed, language=scene.language, cover=settings.cover
    )


def _take_sound(takes: TakeStore, message: Message) -> Audio:
    try:
        return Audio.read(takes.path(message.take))
    except (OSError, ValueError) as error:
        raise ProductionError(f"{takes.path(message.take)}: cannot be read ({error}); resume the scene") from error
