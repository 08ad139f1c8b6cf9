"""Options of a simulation, checked, and who acts in it by them.

Owns that choice: a pool of endpoints, or one controller for all scenes. Does not know how scenes are played
(`text_scene`) nor in which order (`simulating`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from speechagents.backends import CONTROLLERS
from speechagents.cluster.budget import Budget, Caps
from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.endpoints import PATIENCE_S, EndpointPool
from speechagents.cluster.figures import Account, RunFigures
from speechagents.controllers.controller import Controller
from speechagents.controllers.prompted import PromptedController
from speechagents.drama import MAX_TURNS, SceneBrief
from speechagents.errors import SettingsError
from speechagents.scripts.scene_file import MAX_SEED
from speechagents.settings import ImproviseSettings
from speechagents.voices.synthesizer import ChecksLanguage

SERVER_CONTROLLER: Final = "openai"
"""Acts behind endpoints."""

MAX_AT_ONCE: Final = 1_024
MAX_REPEAT: Final = 1_000_000
MAX_PLAYS: Final = 10_000_000
"""Most scenes times repeats."""

_AT_ONCE: Final = 4
"""Scenes at once of a controller that is no pool."""


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """What is simulated, and by whom.

    Attributes:
        scenes: Scene files, and folders of them.
        repeat: How often each scene is played, every time by another seed.
        seed: Of the run.
        roles: Play with the first so many roles of each scene; 0 plays with all.
        turns: Most turns; 0 takes the scene's.
        policy: Turn policy; empty takes the scene's.
        endpoints: Who is asked.
        controller: Who acts, if no endpoints do: ``rehearsal`` needs no server and no model.
        model: Its model; endpoints have theirs with them.
        at_once: Most scenes under way; 0 for as many as endpoints take requests.
        caps: What it may cost.
        patience_s: How long no endpoint may answer before the run ends, in seconds.

    Raises:
        SettingsError: Something of that cannot be, or does not go together.
    """

    scenes: tuple[Path, ...]
    repeat: int = 1
    seed: int = 0
    roles: int = 0
    turns: int = 0
    policy: str = ""
    endpoints: tuple[EndpointSpec, ...] = ()
    controller: str = ""
    model: str = ""
    at_once: int = 0
    caps: Caps = field(default_factory=Caps)
    patience_s: float = PATIENCE_S

    def __post_init__(self) -> None:
        if not self.scenes:
            raise SettingsError("no scenes are named; name scene files, or folders of them")
        for name, value, least, most in (
            ("repeat", self.repeat, 1, MAX_REPEAT),
            ("seed", self.seed, 0, MAX_SEED),
            ("turns", self.turns, 0, MAX_TURNS),
            ("at-once", self.at_once, 0, MAX_AT_ONCE),
        ):
            if not least <= value <= most:
                raise SettingsError(f"{name} {value} is not between {least} and {most}")
        if self.endpoints and self.controller not in ("", SERVER_CONTROLLER):
            raise SettingsError(f"endpoints are asked by no controller {self.controller!r}; name one or the other")
        if not self.endpoints and self.controller in ("", SERVER_CONTROLLER):
            raise SettingsError(
                "nobody acts; name servers with --endpoint URL or --endpoints FILE, or try it without any with "
                "--controller rehearsal"
            )
        if self.caps.requests and not self.endpoints:
            raise SettingsError("a budget of requests needs endpoints; limit the tokens or the scenes")

    @property
    def as_improvised(self) -> ImproviseSettings:
        """What is changed of each scene, as for one that is improvised."""
        return ImproviseSettings(roles=self.roles or None, turns=self.turns or None, policy=self.policy)

    @property
    def scenes_at_once(self) -> int:
        """How many scenes are under way."""
        wanted = sum(endpoint.concurrency for endpoint in self.endpoints) or _AT_ONCE
        return self.at_once or min(wanted, MAX_AT_ONCE)


class Troupe(Protocol):
    """Acts in all scenes of a run. Safe to use from several threads."""

    def check(self, scene: SceneBrief) -> None:
        """Refuse a scene that cannot be played.

        Raises:
            SettingsError: It cannot.
        """

    def controller(self, account: Account) -> Controller:
        """Who acts in one scene; what it costs is put down to the account."""

    def close(self) -> None:
        """Break off what is under way."""


class OfEndpoints:
    """A troupe behind a pool of endpoints.

    Args:
        pool: The endpoints.
    """

    def __init__(self, pool: EndpointPool) -> None:
        self._pool = pool

    def check(self, scene: SceneBrief) -> None:
        """Models take any scene."""

    def controller(self, account: Account) -> Controller:
        """A controller whose requests are put down to the account."""
        return PromptedController(self._pool.model(account))

    def close(self) -> None:
        """Break off all requests."""
        self._pool.close()


class OfOne:
    """A troupe of one controller that plays all scenes.

    Args:
        controller: Who acts.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def check(self, scene: SceneBrief) -> None:
        """Refuse a language that it does not speak."""
        if isinstance(self._controller, ChecksLanguage):
            self._controller.check_language(scene.language)

    def controller(self, account: Account) -> Controller:  # noqa: ARG002 - nobody is asked over a network
        """The one there is."""
        return self._controller

    def close(self) -> None:
        """It ends by itself, with the turn that it is at."""


def bring_together(settings: SimulationSettings, budget: Budget, figures: RunFigures) -> Troupe:
    """Who acts.

    Args:
        settings: By these.
        budget: Asked before each request.
        figures: Kept up to date.

    Raises:
        SettingsError: There is no such controller, or it takes no model.
        BackendMissing: A package it needs is not installed.
    """
    if settings.endpoints:
        return OfEndpoints(
            EndpointPool(settings.endpoints, budget=budget, figures=figures, patience_s=settings.patience_s)
        )
    options = {"model": settings.model} if settings.model else {}
    return OfOne(CONTROLLERS.load(settings.controller, options))
