"""A scene that goes on differently from some message on: what the branch shares, and what it changes.

Owns the branch point, the changed brief and the director's word to those who play on. Does not know where productions
lie (`branches`), nor how a scene is played (`improvisation`).

A branch keeps the seed of its scene, which rules the rhythm, the staging and the cast: so all that is shared keeps its
times and its sound. What is decided from the branch point on goes by a seed of the branch's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

from speechagents.agents.record import Recorded
from speechagents.agents.steps import Step
from speechagents.controllers.controller import AgentInput, Answer, Controller, MalformedTurn
from speechagents.drama import MAX_TURNS, SceneBrief, clean_name, role_key
from speechagents.errors import SceneError, SettingsError
from speechagents.scripts.scene_file import MAX_BEATS, MAX_ITEM_CHARS, MAX_SEED, clean_text

MAX_NOTE_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a scene leaves the one it came from.

    Attributes:
        message: Id of the last message that both share.
        step: Number of steps that both share; the first one of its own has this number.
        seed: Of what is decided from there on.
        note: What the director tells those who play on; empty for nothing.
        note_to: Name of the role that is told; empty tells everybody.
    """

    message: int
    step: int
    seed: int
    note: str = ""
    note_to: str = ""

    def __post_init__(self) -> None:
        if self.message < 1 or self.step < 1:
            raise ValueError("a branch shares at least one message")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed {self.seed} is not between 0 and {MAX_SEED}")

    def deciding(self, scene: SceneBrief) -> SceneBrief:
        """The scene as those see it who decide what happens next."""
        return replace(scene, seed=self.seed)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A branch as `as_json` gave it.

        Raises:
            ValueError: Something is missing or of the wrong kind.
        """
        kinds = {"message": int, "step": int, "seed": int, "note": str, "note_to": str}
        if wrong := [name for name, kind in kinds.items() if type(values.get(name)) is not kind]:
            raise ValueError(f"{', '.join(wrong)} is missing or of the wrong kind")
        return cls(**{field.name: values[field.name] for field in fields(cls)})


def shared(records: Sequence[Recorded], at: int) -> tuple[tuple[Recorded, ...], Step]:
    """The records up to the step that a message belongs to, and that step.

    A murmur lies under the turn that it answers, so both are shared, whichever of the two is named.

    Raises:
        SettingsError: There is no such message.
    """
    for count, record in enumerate(records, 1):
        if isinstance(record.entry, Step) and any(message.id == at for message in record.entry.messages):
            return tuple(records[:count]), record.entry
    last = max((m.id for record in records if isinstance(record.entry, Step) for m in record.entry.messages), default=0)
    remedy = f"choose one from 1 to {last}" if last else "play the scene first"
    raise SettingsError(f"there is no message {at} to branch from; {remedy}")


def changed_scene(
    scene: SceneBrief, last: Step, *, turns: int | None = None, beats: Sequence[str] | None = None
) -> SceneBrief:
    """The brief that a branch goes on with.

    Args:
        scene: The brief so far.
        last: The last step that is shared.
        turns: Most turns, the shared ones included; None keeps the brief's.
        beats: What should happen from here on, instead of the beat being played and those after it; None keeps them.

    Raises:
        SettingsError: No turn would be left.
        SceneError: A beat is too long, or there are too many.
    """
    played = last.number + 1
    turns = scene.turns if turns is None else turns
    if not played < turns <= MAX_TURNS:
        raise SettingsError(
            f"{played} turns are played up to there, so {turns} leave none to go on with; choose {played + 1} to "
            f"{MAX_TURNS} turns in all"
        )
    if beats is None:
        return replace(scene, turns=turns)
    coming = tuple(text for beat in beats if (text := clean_text(beat)))
    for number, text in enumerate(coming):
        if len(text) > MAX_ITEM_CHARS:
            raise SceneError(f"{len(text)} characters; shorten it to {MAX_ITEM_CHARS}", field=f"beats[{number}]")
    # What is played stays: agents and director count the beats from the first one on.
    both = scene.beats[: last.stock.ledger.beat] + coming
    if len(both) > MAX_BEATS:
        raise SceneError(f"{len(both)} beats with those that are played; keep at most {MAX_BEATS}", field="beats")
    return replace(scene, turns=turns, beats=both)


def clean_note(note: str, to: str, scene: SceneBrief) -> tuple[str, str]:
    """A note and the name of the role it is for, as `Branch` keeps them.

    Raises:
        SettingsError: It is too long, or there is no such role.
    """
    note, to = clean_name(note), clean_name(to)
    if len(note) > MAX_NOTE_CHARS:
        raise SettingsError(f"a note of {len(note)} characters is too long; shorten it to {MAX_NOTE_CHARS}")
    role = scene.role(to) if to else None
    if to and role is None:
        raise SettingsError(f"{to} is no role of this scene; there are {', '.join(one.name for one in scene.roles)}")
    return note, role.name if role and note else ""


class Noted:
    """A controller whose roles are told something by the director when a branch begins.

    A role hears it each time it is asked, until it has said or done something since.

    Args:
        controller: Takes the turns.
        branch: With the note.
    """

    def __init__(self, controller: Controller, branch: Branch) -> None:
        self._controller = controller
        self._branch = branch

    @property
    def identity(self) -> str:
        """The controller's."""
        return self._controller.identity

    @property
    def hears(self) -> bool:
        """Whether the controller does."""
        return self._controller.hears

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """The controller's turns; see `Controller.respond`."""
        return self._controller.respond([self._told(ask) for ask in asks], seed=seed)

    def _told(self, ask: AgentInput) -> AgentInput:
        branch = self._branch
        meant = not branch.note_to or role_key(branch.note_to) == ask.role.key
        since = any(one.id > branch.message and role_key(one.speaker) == ask.role.key for one in ask.heard)
        if not meant or since or ask.step < branch.step:
            return ask
        return replace(ask, note=" ".join(note for note in (ask.note, branch.note) if note))
