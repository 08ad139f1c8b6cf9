"""What a scene is played with: the brief as it is played, voices, stage and company, decided before anybody speaks.

Owns those decisions and their checks, for scenes that agents improvise and for those with a person in them. Does not
know how a scene is played (`improvising`, `live.scene`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from speechagents.actors import Actors
from speechagents.agents.branching import Branch, Noted
from speechagents.agents.deciding import Company
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.policies import TurnPolicy, make_policy
from speechagents.agents.transcript import line_of, read_through
from speechagents.audio import Audio
from speechagents.branches import SCENE_FILE
from speechagents.controllers.controller import Directs
from speechagents.drama import Message, SceneBrief, role_key
from speechagents.errors import ProductionError, SettingsError
from speechagents.performance import Troupe, cast_play
from speechagents.production.cover import read_cover
from speechagents.production.exports import check_formats
from speechagents.production.folder import Production
from speechagents.production.masters import master_named
from speechagents.production.scene_stage import Stage
from speechagents.production.sounds import SoundLibrary
from speechagents.production.storage import write_atomically
from speechagents.scripts.breakdown import Breakdown
from speechagents.scripts.scene_file import POLICIES, read_scene, write_scene
from speechagents.settings import ImproviseSettings
from speechagents.voices.cast_file import write_cast_file
from speechagents.voices.casting import Cast, Override, Overrides
from speechagents.voices.synthesizer import ChecksLanguage


class SceneKind(StrEnum):
    """How the scene of a production is played, as ``production.json`` says it."""

    IMPROVISED = "improvised"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Assembled:
    """All that a scene is played with.

    Attributes:
        cast: Who speaks with which voice.
        stage: Where it is spoken.
        company: Who decides.
    """

    cast: Cast
    stage: Stage
    company: Company


def scene_as_played(scene: SceneBrief, settings: ImproviseSettings) -> SceneBrief:
    """The scene with what the options change of it.

    Raises:
        SettingsError: There is no such policy, or there are fewer roles.
    """
    if settings.policy and settings.policy not in POLICIES:
        raise SettingsError(f"no turn policy {settings.policy!r}; there are: {', '.join(POLICIES)}")
    if settings.roles is not None:
        try:
            scene = scene.with_first_roles(settings.roles)
        except ValueError as error:
            raise SettingsError(str(error)) from error
    return replace(
        scene,
        turns=settings.turns or scene.turns,
        policy=settings.policy or scene.policy,
        seed=scene.seed if settings.seed is None else settings.seed,
    )


def check_options(troupe: Troupe, scene: SceneBrief, settings: ImproviseSettings) -> None:
    """Refuse what cannot be produced.

    Raises:
        InputError: An option is at fault, or no voice speaks the language.
    """
    check_formats(settings.formats)
    master_named(settings.master)
    if settings.cover is not None:
        read_cover(settings.cover)
    if isinstance(troupe.synthesizer, ChecksLanguage):
        troupe.synthesizer.check_language(scene.language)
    make_policy(scene.policy)


def refuse_another_scene(production: Production, scene: SceneBrief, kind: SceneKind, *, person: str = "") -> None:
    """A folder goes on with its own scene only; what was played would not fit another one.

    Raises:
        ProductionError: The folder holds something else.
    """
    path, record = production.folder / SCENE_FILE, production.record()
    if not path.is_file():
        if record:
            raise ProductionError(f"{production.folder}: holds a performed script; name a new folder for --out")
        return
    if record.get("kind", kind) != kind:
        how = "with a person in it" if kind is SceneKind.IMPROVISED else "that agents improvised alone"
        raise ProductionError(f"{production.folder}: holds a scene {how}; name a new folder")
    played = read_scene(path)
    if replace(played, turns=scene.turns) != scene:
        raise ProductionError(
            f"{production.folder}: holds another scene, or this one with other options; go on with it with "
            "--resume alone, or name a new folder for --out"
        )
    before = str(record.get("person", person))
    if role_key(before) != role_key(person):
        raise ProductionError(f"{production.folder}: was played with a person as {before}; play that role again")


def assemble(
    troupe: Troupe,
    actors: Actors,
    scene: SceneBrief,
    settings: ImproviseSettings,
    production: Production,
    *,
    policy: TurnPolicy,
    branch: Branch | None = None,
) -> Assembled:
    """Cast a scene and bring those together who play it.

    Raises:
        InputError: The cast, or what the agents shall hear with, is at fault.
    """
    controller = actors.controller
    if isinstance(controller, ChecksLanguage):
        controller.check_language(scene.language)
    cast = _cast(troupe, scene, settings, production)
    stage = Stage(
        synthesizer=troupe.synthesizer,
        cast=cast,
        takes=production.takes,
        work=production.work,
        sounds=SoundLibrary(None),
        seed=scene.seed,
        language=scene.language,
        jobs=troupe.jobs,
    )
    actor = actors.critic or controller
    company = Company(
        controller=controller,
        actor=Noted(actor, branch) if branch and branch.note else actor,
        understudy=actors.understudy,
        policy=policy,
        director=Director(
            scene,
            controller=controller if scene.policy == "director" and isinstance(controller, Directs) else None,
            seed=branch.seed if branch else scene.seed,
        ),
        ears=Ears(
            Hearing(settings.hearing),
            controller_hears=controller.hears,
            listener=actors.listener,
            sound_of=partial(_sound_of, stage, scene.language),
        ),
        waits_for_sound=settings.hearing == "audio",
    )
    return Assembled(cast, stage, company)


def write_down(
    production: Production, scene: SceneBrief, cast: Cast, settings: ImproviseSettings, about: Mapping[str, Any]
) -> None:
    """Write what a later run goes by: the scene, its cast and what is known of the production."""
    write_atomically(production.folder / SCENE_FILE, write_scene(scene).encode("utf-8"))
    if not production.cast_path.exists() or settings.cast is not None:
        write_cast_file(cast, production.cast_path)
    production.write_record({**about, "title": scene.title, "language": scene.language, "state": "working"})


def settings_json(settings: ImproviseSettings) -> dict[str, Any]:
    """Plain values of the options, for ``production.json``."""
    return {
        name: str(value.absolute()) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
    }


def settings_from_json(values: object, out: Path) -> ImproviseSettings:
    """Options as `settings_json` gave them.

    Raises:
        ProductionError: They are missing or damaged.
    """
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


def _cast(troupe: Troupe, scene: SceneBrief, settings: ImproviseSettings, production: Production) -> Cast:
    """Voices before anybody has spoken: as if all roles shared one scene, which they do."""
    play = Breakdown(scene.title, "", scene.language, (read_through(scene),), scene.roles, ())
    wishes = Overrides(tuple(Override(role.name, voice=role.voice) for role in scene.roles if role.voice))
    return cast_play(troupe.synthesizer, play, settings.cast, production.cast_path, seed=scene.seed, wishes=wishes)


def _sound_of(stage: Stage, language: str, message: Message) -> Audio | None:
    if not message.take:
        return None
    take = stage.takes.load(message.take, stage.spoken_line(line_of(message, language=language)))
    return take.audio if take is not None else None
