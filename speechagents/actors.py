"""Who acts in an improvised scene: the controller asked for, the preset's, or a server that runs on this machine.

Owns that choice and the sentence that explains it. Does not know any controller, nor how a scene is played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from speechagents.agents.critic import Criticised
from speechagents.backends import CONTROLLERS, LISTENERS, NOTHING_SHARED
from speechagents.controllers.controller import Controller, Criticises, MalformedTurn, Proposes
from speechagents.controllers.discovery import FoundServer, find_servers
from speechagents.drama import SceneBrief, clean_name
from speechagents.errors import SceneError, SettingsError, SpeechAgentsError
from speechagents.listeners.listener import HearsPeopleOnly, Listener
from speechagents.presets import Preset
from speechagents.providing import provided
from speechagents.settings import ImproviseSettings

SERVER_CONTROLLER: Final = "openai"
"""Talks to any OpenAI-compatible server."""

UNDERSTUDY: Final = "rehearsal"
"""Takes the turns that a controller fails to take: it is always there and cannot fail."""

_MAX_IDEA_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Actors:
    """Who acts in a scene.

    Attributes:
        controller: Acts for all roles.
        understudy: Makes the turns that the controller fails to make.
        listener: Hears for a controller that cannot, if agents are to hear.
        critic: Takes the turns instead of the controller, if drafts are to be judged first.
        why: Why these were chosen, for people.
    """

    controller: Controller
    understudy: Controller
    listener: Listener | None = None
    critic: Controller | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A controller's name with its options, and why it was chosen."""

    name: str
    options: dict[str, Any]
    why: str


def choose_actors(
    preset: Preset, settings: ImproviseSettings, *, shared: Mapping[str, Any] = NOTHING_SHARED
) -> tuple[Actors, ImproviseSettings]:
    """Who acts, and the settings that choose the same again, whatever runs on this machine by then.

    Args:
        preset: What is taken where the settings name nobody.
        settings: Who is asked for.
        shared: What the back ends of a studio have in common.

    Raises:
        SettingsError: What is asked for does not exist, or does not go together.
        BackendMissing: A package it needs is not installed.
        ControllerError: It cannot be used.
    """
    choice = _choose(preset, settings)
    controller: Controller = CONTROLLERS.load(choice.name, choice.options, shared=shared)
    actors = Actors(
        controller=controller,
        understudy=CONTROLLERS.load(UNDERSTUDY, {}),
        listener=_listener(preset, controller, settings, shared),
        critic=_critic(controller, settings),
        why=choice.why,
    )
    pinned = replace(
        settings,
        controller=choice.name,
        model=str(choice.options.get("model", "")) if choice.name != preset.controller else settings.model,
        server=str(choice.options.get("base_url", "")) if choice.name != preset.controller else settings.server,
    )
    return actors, pinned


def propose_scene(
    preset: Preset,
    settings: ImproviseSettings,
    idea: str,
    *,
    roles: int,
    language: str,
    seed: int,
    shared: Mapping[str, Any] = NOTHING_SHARED,
) -> SceneBrief:
    """Make a scene of one sentence; see `Studio.propose`."""
    idea = clean_name(idea)
    if not idea or len(idea) > _MAX_IDEA_CHARS:
        raise SceneError(f"an idea is one sentence of at most {_MAX_IDEA_CHARS} characters", source="--idea")
    choice = _choose(preset, settings)
    controller = CONTROLLERS.load(choice.name, choice.options, shared=shared)
    if not isinstance(controller, Proposes):
        raise SceneError(f"the controller {choice.name} proposes no scenes; write a scene file", source="--idea")
    found = controller.propose(idea, roles=roles, language=language, seed=seed)
    if isinstance(found, MalformedTurn):
        raise SceneError(
            f"the controller {choice.name} proposed nothing usable ({found.reason}); try again, or write a scene file",
            source="--idea",
        )
    return found


def _choose(preset: Preset, settings: ImproviseSettings) -> _Choice:
    """The controller or server that is named; else the preset's own model; else a server that is found."""
    wanted = {name: value for name, value in (("model", settings.model), ("base_url", settings.server)) if value}
    name = settings.controller or (SERVER_CONTROLLER if settings.server else "")
    if name == preset.controller:
        return _Choice(name, {**provided(preset, "controller"), **wanted}, f"controller {name}: asked for")
    if name and (name != SERVER_CONTROLLER or settings.server):
        return _Choice(name, wanted, f"controller {name}: asked for")
    if preset.controller != UNDERSTUDY and not name and not settings.model:
        return _Choice(
            preset.controller, provided(preset, "controller"), f"controller {preset.controller}: the preset's"
        )
    server = next(iter(find_servers()), None)
    if server is not None:
        return _at(server, settings.model)
    if name == SERVER_CONTROLLER:
        raise SettingsError("no server answers on this machine; start one, or name it with --server URL")
    if settings.model:
        raise SettingsError(
            f"no server on this machine could run the model {settings.model!r}; start one, name it with "
            "--server URL, or say which --controller takes it"
        )
    why = f"controller {preset.controller}: the preset's; no server runs on this machine"
    return _Choice(preset.controller, provided(preset, "controller"), why)


def _at(server: FoundServer, model: str) -> _Choice:
    options = {"base_url": server.base_url}
    if chosen := model or next(iter(server.models), ""):
        options["model"] = chosen
    runs = f"{server.name} at {server.base_url}" + (f" with {chosen}" if chosen else "")
    return _Choice(SERVER_CONTROLLER, options, f"controller {SERVER_CONTROLLER}: found {runs}")


def _listener(
    preset: Preset, controller: Controller, settings: ImproviseSettings, shared: Mapping[str, Any]
) -> Listener | None:
    """Who listens for a controller that cannot hear: the preset's, or the first that understands these voices."""
    if settings.hearing != "audio" or controller.hears:
        return None
    if preset.listener:
        chosen: Listener = LISTENERS.load(preset.listener, provided(preset, "listener"), shared=shared)
        return chosen
    for name in LISTENERS.names():
        if LISTENERS.missing(name):
            continue
        try:
            found: Listener = LISTENERS.load(name, {}, shared=shared)
        except SpeechAgentsError:
            continue  # its weights are not here, or nobody named its server
        if not isinstance(found, HearsPeopleOnly):
            return found
    return None


def _critic(controller: Controller, settings: ImproviseSettings) -> Controller | None:
    if not settings.critic_passes:
        return None
    if not isinstance(controller, Criticises):
        raise SettingsError(f"{controller.identity} cannot criticise; leave --critic out")
    return Criticised(controller, controller, passes=settings.critic_passes)
