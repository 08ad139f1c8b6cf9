"""An improvised scene from brief to files: who acts, with which voices, where it is kept, and what is made of it.

Owns that assembly. Does not know how a scene is played (`agents.improvisation`) or produced (`performance`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from speechagents.actors import Actors, choose_actors
from speechagents.agents.branching import Noted
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.improvisation import Company, Improvisation
from speechagents.agents.policies import make_policy
from speechagents.agents.steps import Step, StepLog
from speechagents.agents.transcript import line_of, play_of, read_through
from speechagents.audio import Audio
from speechagents.branches import SCENE_FILE, read_branch
from speechagents.controllers.controller import Directs
from speechagents.drama import Message, SceneBrief, role_key
from speechagents.errors import ProductionError, SettingsError
from speechagents.events import Event, Finished, MessageSpoken, SceneOver, Started, Warned
from speechagents.performance import Performance, Troupe, cast_play
from speechagents.presets import Preset
from speechagents.production.cover import read_cover
from speechagents.production.exports import check_formats
from speechagents.production.folder import Production
from speechagents.production.masters import master_named
from speechagents.production.scene_stage import Stage
from speechagents.production.sounds import SoundLibrary
from speechagents.production.storage import write_atomically
from speechagents.production.takes import TakeStore
from speechagents.scripts.breakdown import Breakdown
from speechagents.scripts.scene_file import POLICIES, read_scene, write_scene
from speechagents.settings import ImproviseSettings, PerformSettings
from speechagents.stream import read_stream
from speechagents.voices.cast_file import write_cast_file
from speechagents.voices.casting import Cast, Override, Overrides
from speechagents.voices.synthesizer import ChecksLanguage


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
    scene = _as_played(scene, settings)
    check_formats(settings.formats)
    master_named(settings.master)
    if settings.cover is not None:
        read_cover(settings.cover)
    if isinstance(troupe.synthesizer, ChecksLanguage):
        troupe.synthesizer.check_language(scene.language)
    policy = make_policy(scene.policy)
    production = Production(out, must_exist=resume)
    _refuse_another_scene(production, scene)
    if isinstance(cast_by, Preset):
        actors, settings = choose_actors(cast_by, settings)
    else:
        actors = cast_by
    controller = actors.controller
    if isinstance(controller, ChecksLanguage):
        controller.check_language(scene.language)
    cast = _cast(troupe, scene, settings, production)
    stage = _stage(troupe, scene, cast, production)
    branch = read_branch(out)
    decides = branch.deciding(scene) if branch else scene
    actor = actors.critic or controller
    company = Company(
        controller=controller,
        actor=Noted(actor, branch) if branch and branch.note else actor,
        understudy=actors.understudy,
        policy=policy,
        director=Director(
            scene,
            controller=controller if scene.policy == "director" and isinstance(controller, Directs) else None,
            seed=decides.seed,
        ),
        ears=Ears(
            Hearing(settings.hearing),
            controller_hears=controller.hears,
            listener=actors.listener,
            sound_of=partial(_sound_of, stage, scene.language),
        ),
        waits_for_sound=settings.hearing == "audio",
    )
    about = {"kind": "improvised", "controller": controller.identity, "improvise": _settings_json(settings)}
    over: SceneOver | None = None
    spoken = 0
    with production:
        write_atomically(out / SCENE_FILE, write_scene(scene).encode("utf-8"))
        if not production.cast_path.exists() or settings.cast is not None:
            write_cast_file(cast, production.cast_path)
        production.write_record({**about, "title": scene.title, "language": scene.language, "state": "working"})
        why = f"{troupe.why}; {actors.why or controller.identity}"
        yield Started(scene.title, 1, 0, len(scene.roles), cast, why, scene.language)
        yield from map(Warned, cast.warnings)
        for played in Improvisation(scene, company, stage, out, decides=decides).play():
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
    scene, _ = remembered_scene(out)
    production = Production(out, must_exist=True)
    record = production.record()
    about: dict[str, Any] = {name: value for name, value in record.items() if name in _REMEMBERED}
    play = play_of(scene, read_stream(production.stream_path))
    if not play.scenes:
        raise ProductionError(f"{out}: nobody has said anything yet; resume the scene first")
    yield from _performance(troupe, play, production, replace(wanted, seed=scene.seed), about).produce()


def is_improvised(out: Path) -> bool:
    """Whether a folder holds an improvised scene."""
    return (out / SCENE_FILE).is_file()


def remembered_scene(out: Path) -> tuple[SceneBrief, ImproviseSettings]:
    """The scene of a production and the options it was started with.

    Raises:
        ProductionError: The folder holds none, or a damaged one.
    """
    production = Production(out, must_exist=True)
    if not is_improvised(out):
        raise ProductionError(f"{out}: holds no improvised scene; perform its script again, or name another folder")
    return read_scene(out / SCENE_FILE), _settings_from_json(production.record().get("improvise"), out)


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


_REMEMBERED = ("kind", "controller", "improvise")


def _as_played(scene: SceneBrief, settings: ImproviseSettings) -> SceneBrief:
    """The scene with what the options change of it."""
    if settings.policy and settings.policy not in POLICIES:
        raise SettingsError(f"no turn policy {settings.policy!r}; there are: {', '.join(POLICIES)}")
    roles = scene.roles
    if settings.roles is not None:
        if settings.roles > len(roles):
            raise SettingsError(f"the scene has {len(roles)} roles, so it cannot be played with {settings.roles}")
        roles = roles[: settings.roles]
        names = {role.key for role in roles}
        roles = tuple(
            replace(role, relations=tuple(one for one in role.relations if role_key(one[0]) in names)) for role in roles
        )
    return replace(
        scene,
        roles=roles,
        turns=settings.turns or scene.turns,
        policy=settings.policy or scene.policy,
        seed=scene.seed if settings.seed is None else settings.seed,
    )


def _refuse_another_scene(production: Production, scene: SceneBrief) -> None:
    """A folder goes on with its own scene only; what was played would not fit another one."""
    path = production.folder / SCENE_FILE
    if not path.is_file():
        if production.record():
            raise ProductionError(f"{production.folder}: holds a performed script; name a new folder for --out")
        return
    played = read_scene(path)
    if replace(played, turns=scene.turns) != scene:
        raise ProductionError(
            f"{production.folder}: holds another scene, or this one with other options; go on with it with "
            "--resume alone, or name a new folder for --out"
        )


def _cast(troupe: Troupe, scene: SceneBrief, settings: ImproviseSettings, production: Production) -> Cast:
    """Voices before anybody has spoken: as if all roles shared one scene, which they do."""
    play = Breakdown(scene.title, "", scene.language, (read_through(scene),), scene.roles, ())
    wishes = Overrides(tuple(Override(role.name, voice=role.voice) for role in scene.roles if role.voice))
    return cast_play(troupe.synthesizer, play, settings.cast, production.cast_path, seed=scene.seed, wishes=wishes)


def _stage(troupe: Troupe, scene: SceneBrief, cast: Cast, production: Production) -> Stage:
    return Stage(
        synthesizer=troupe.synthesizer,
        cast=cast,
        takes=production.takes,
        work=production.work,
        sounds=SoundLibrary(None),
        seed=scene.seed,
        language=scene.language,
        jobs=troupe.jobs,
    )


def _performance(
    troupe: Troupe, play: Breakdown, production: Production, settings: PerformSettings, about: Mapping[str, Any]
) -> Performance:
    cast = cast_play(troupe.synthesizer, play, None, production.cast_path, seed=settings.seed)
    return Performance(troupe, play, cast, SoundLibrary(None), settings, settings, production, script=None, about=about)


def _perform_settings(scene: SceneBrief, settings: ImproviseSettings) -> PerformSettings:
    return PerformSettings(
        formats=settings.formats, master=settings.master, seed=scene.seed, language=scene.language, cover=settings.cover
    )


def _sound_of(stage: Stage, language: str, message: Message) -> Audio | None:
    if not message.take:
        return None
    take = stage.takes.load(message.take, stage.spoken_line(line_of(message, language=language)))
    return take.audio if take is not None else None


def _take_sound(takes: TakeStore, message: Message) -> Audio:
    try:
        return Audio.read(takes.path(message.take))
    except (OSError, ValueError) as error:
        raise ProductionError(f"{takes.path(message.take)}: cannot be read ({error}); resume the scene") from error


def _settings_json(settings: ImproviseSettings) -> dict[str, Any]:
    return {
        name: str(value.absolute()) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
    }


def _settings_from_json(values: object, out: Path) -> ImproviseSettings:
    damaged = ProductionError(f"{out / 'production.json'}: holds no options of an improvised scene; play it again")
    if not isinstance(values, dict):
        raise damaged
    kept = {field.name: values[field.name] for field in fields(ImproviseSettings) if field.name in values}
    formats = kept.pop("formats", [])
    if not isinstance(formats, list) or not all(isinstance(name, str) for name in formats):
        raise damaged
    try:
        paths = {name: Path(kept.pop(name)) for name in ("cast", "cover") if kept.get(name)}
        return ImproviseSettings(**{**kept, **paths, "formats": tuple(formats)})
    except (TypeError, ValueError) as error:
        raise damaged from error
