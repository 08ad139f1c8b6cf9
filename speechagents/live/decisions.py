"""What may come next in a scene with a person in it.

Owns these values alone. Nothing of them is recorded before `live.scene.LiveScene.keep`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from speechagents.agents.steps import Step
from speechagents.drama import Message


class Among(Enum):
    """Who may be given the floor."""

    EVERYBODY = "everybody"
    """The person too: then `LiveScene.decide` answers `Awaits`."""
    AGENTS = "agents"
    """The person keeps quiet: a turn that would be theirs is passed, and somebody else goes on."""


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
