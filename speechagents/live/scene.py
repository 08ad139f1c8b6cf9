"""A scene in which one role is a person: agents and the person share one message stream.

Owns the record: what was decided, what of it was heard, what the person said. Does not know sockets, clocks or turn
taking; whoever drives it says when something was played, and how far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from speechagents.actors import Actors
from speechagents.agents.steps import Step
from speechagents.audio import Audio
from speechagents.drama import Message, SceneBrief
from speechagents.live.speech import Clause
from speechagents.performance import Troupe
from speechagents.settings import ImproviseSettings
from speechagents.voices.casting import Cast


class Among(Enum):
    """Who may be given the floor."""

    EVERYBODY = "everybody"
    """The person too: then `LiveScene.decide` answers `Awaits`."""
    AGENTS = "agents"
    """The person has kept quiet: their turn is passed, and somebody else goes on."""


@dataclass(frozen=True, slots=True)
class Speaks:
    """An agent is about to say something. Nothing of it is recorded before `LiveScene.keep`.

    Attributes:
        step: The decision; its messages have neither times nor takes.
        message: What would enter the stream if all of it is heard.
        why: Why the role has the floor.
        thought_s: Seconds that the controller took for it.
        basis: What had happened when it was decided, as a digest; see `LiveScene.holds`.
        passed: The person had kept quiet before.
    """

    step: Step
    message: Message
    why: str
    thought_s: float = 0.0
    basis: str = field(default="", repr=False)
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """An agent has the floor and makes no sound: it does something, leaves, or stays silent. Recorded by `keep`.

    Attributes:
        step: The decision; `step.messages` holds what is done, or nothing.
        role: Who.
        reason: Why the role has the floor.
        thought_s: Seconds that the controller took for it.
        basis: As for `Speaks`.
        passed: As for `Speaks`.
    """

    step: Step
    role: str
    reason: str
    thought_s: float = 0.0
    basis: str = field(default="", repr=False)
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Awaits:
    """The floor is the person's.

    Attributes:
        role: Name of the person's role.
        reason: Why.
    """

    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """The scene is over."""

    reason: str


Decision = Speaks | Silent | Awaits | Over


class LiveScene:
    """A scene with a person in it, open in its production folder. Use it as a context manager.

    Args:
        troupe: With which voices.
        actors: Who acts for the agents.
        scene: What is played.
        person: Name of the role that the person plays.
        out: The production folder; what is recorded there already is gone on with.
        settings: Options.
    """

    scene: SceneBrief
    person: str
    cast: Cast
    controller: str
    """Identity of the controller."""
    why: str
    """Why these voices and this controller, for people."""

    def __init__(
        self,
        troupe: Troupe,
        actors: Actors,
        scene: SceneBrief,
        person: str,
        out: Path,
        *,
        settings: ImproviseSettings,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    @property
    def position_s(self) -> float:
        """End of the latest message: where the clock of a session that goes on has to start."""
        raise NotImplementedError

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the roles that have not left, the person's included."""
        raise NotImplementedError

    @property
    def thinks_ahead(self) -> bool:
        """Whether `decide` may be asked what comes after a line that is still being played."""
        raise NotImplementedError

    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        raise NotImplementedError

    def decide(self, among: Among = Among.EVERYBODY, *, assuming: Speaks | None = None) -> Decision:
        """Who is next and what they do; changes nothing that is recorded.

        Args:
            among: Whether the person may be given the floor.
            assuming: Decide as if this line had been heard whole: thinking ahead while it is being played.
        """
        raise NotImplementedError

    def holds(self, decided: Speaks | Silent) -> bool:
        """Whether what has happened since is just what was assumed; if not, decide again."""
        raise NotImplementedError

    def speech(self, decided: Speaks) -> Iterator[Clause]:
        """Its sound, each clause as soon as it is spoken; nothing if it cannot be spoken."""
        raise NotImplementedError

    def keep(
        self, decided: Speaks | Silent, *, start_s: float, end_s: float, heard_s: float | None = None
    ) -> tuple[Message, ...]:
        """Record what became of a decision; its messages are on disk when this returns.

        Args:
            decided: The decision.
            start_s: When it began, on the session's clock.
            end_s: When it was over.
            heard_s: How much of its sound was played; None for all.
        """
        raise NotImplementedError

    def person_said(self, text: str, audio: Audio | None, *, start_s: float, end_s: float) -> Message:
        """Record what the person said.

        Args:
            text: What was understood, or typed; not empty.
            audio: The person's own sound; None for what was typed.
            start_s: When it began, on the session's clock.
            end_s: When it was over.
        """
        raise NotImplementedError
