"""One take of a scene, from wherever it comes, and the trajectories in it.

Owns what sources have to say about a take, what each agent knew before each of its turns, and the thoughts of those of
whom none are known. Does not know sources (`sources`), sound (`voicing`) or splits.

**Thoughts.** Where a source has thoughts they are kept. For all others they are derived by one rule, in the order of
the paper's figure (what was heard, then what should be answered): ``Heard NAME: "…". I should answer NAME.`` They hold
neither the style nor a word of the line itself, because lines and styles are measured behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import Deed, Message, SceneBrief, Turn, role_key
from speechagents.tuning.trajectory import Split, Trajectory

QUOTED_CHARS: Final = 200
"""Longest stretch of what was heard that derived thoughts quote."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A message of a take, and what its speaker knew.

    Attributes:
        message: What was said or done.
        understood: What was understood of it.
        own: It is an agent's own turn, and worth learning from.
        present: Names of the roles that had not left, before it.
        step: 0-based number of the turn.
        thoughts: The speaker's; empty where none are known.
        facts: What was established before it.
        recalled: What the speaker recalled.
        note: The director's, to the speaker.
        beat: The beat that was played.
        sound: File of its sound; None where there is none yet.
    """

    message: Message
    understood: str
    own: bool
    present: tuple[str, ...]
    step: int
    thoughts: str = ""
    facts: tuple[str, ...] = ()
    recalled: tuple[Heard, ...] = ()
    note: str = ""
    beat: int = 0
    sound: Path | None = None


@dataclass(frozen=True, slots=True)
class SceneTake:
    """One take of a scene.

    Attributes:
        scene_id: Of the scene.
        name: Of the take; unique within the scene.
        split: Of the scene.
        scene: The brief, with the roles that play.
        moments: In order.
        made_by: Who made it, for the data card: a controller's identity, or ``hand``.
        recorded: Messages that have a sound have it on disk; else a voice has to speak them.
    """

    scene_id: str
    name: str
    split: Split
    scene: SceneBrief
    moments: tuple[Moment, ...]
    made_by: str
    recorded: bool = False

    @property
    def id(self) -> str:
        """Scene and take."""
        return f"{self.scene_id}/{self.name}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A trajectory whose sounds are not known yet.

    Attributes:
        trajectory: Without sounds and units.
        take: Id of its take.
        message: Id of the message that the turn became.
        made_by: As `SceneTake.made_by`.
        thought: The thoughts are the agent's own, not derived.
    """

    trajectory: Trajectory
    take: str
    message: int
    made_by: str
    thought: bool


def drafts_of(take: SceneTake, *, messages: int) -> Iterator[Draft]:
    """The trajectories of a take, in order.

    Args:
        take: The take.
        messages: Most messages that an agent is given, the last ones.
    """
    for at, moment in enumerate(take.moments):
        message = moment.message
        role = take.scene.role(message.speaker)
        if not moment.own or message.deed is not Deed.SPEAK or role is None:
            continue
        heard = tuple(_heard(one) for one in take.moments[:at] if one.message.heard_by(role.name))[-messages:]
        near = {one.id for one in heard}
        thoughts = moment.thoughts or derived_thoughts(role.name, heard, message.addresses)
        yield Draft(
            Trajectory(
                id=f"{take.id}/{moment.step}",
                scene_id=take.scene_id,
                split=take.split,
                ask=AgentInput(
                    scene=take.scene,
                    present=moment.present,
                    facts=moment.facts,
                    heard=heard,
                    role=role,
                    recalled=tuple(one for one in moment.recalled if one.id not in near),
                    note=moment.note,
                    step=moment.step,
                    beat=moment.beat,
                ),
                turn=Turn(
                    role=role.name,
                    deed=message.deed,
                    text=message.text,
                    style=message.style,
                    thoughts=thoughts,
                    addresses=message.addresses,
                    private=bool(message.audience),
                ),
                heard_sounds=("",) * len(heard),
                sound="",
                heard_units=((),) * len(heard),
                units=(),
            ),
            take=take.id,
            message=message.id,
            made_by=take.made_by,
            thought=bool(moment.thoughts),
        )


def derived_thoughts(name: str, heard: Sequence[Heard], addresses: Sequence[str]) -> str:
    """Thoughts before a turn of which none are known: what was heard last, and who should be answered.

    Args:
        name: Of the role that thinks.
        heard: What it has heard, oldest first; its own messages among them.
        addresses: Whom its turn is meant for, if that is known of the turn itself.
    """
    own = role_key(name)
    last = next((one for one in reversed(heard) if role_key(one.speaker) != own), None)
    if last is None:
        return f"Nobody has spoken to me yet. I should speak to {_listed(addresses) or 'everybody'}."
    answered = _listed(addresses) or last.speaker
    if last.deed is Deed.SPEAK or last.deed is Deed.BACK_CHANNEL:
        return f'Heard {last.speaker}: "{_quoted(last.text)}". I should answer {answered}.'
    return f'Saw {last.speaker}: "{_quoted(last.text)}". I should answer {answered}.'


def _heard(moment: Moment) -> Heard:
    message = moment.message
    return Heard(
        id=message.id,
        speaker=message.speaker,
        text=moment.understood,
        deed=message.deed,
        style=message.style,
        addresses=message.addresses,
        private=bool(message.audience),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _quoted(text: str) -> str:
    plain = text.replace('"', "'")
    if len(plain) <= QUOTED_CHARS:
        return plain
    return plain[:QUOTED_CHARS].rsplit(" ", 1)[0] + " …"
