"""What controls a role agent: the protocol, and the values that go in and come out.

Owns what an agent is told before it takes a turn, and what may come back. Does not know how it is put into words
(`prompts`), which model answers (`openai`, `transformers`, `rehearsal`) or who gets the floor (`agents.policies`).

Every controller can `respond`. What else it can do it says by having the method: `Bids`, `Directs`, `Proposes`,
`Criticises`; whoever wants one of these asks with `isinstance` and has a plan for no.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from speechagents.audio import Audio
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as one agent heard it.

    Attributes:
        id: Of the message.
        speaker: Name of the role.
        text: What was understood: the text itself, or a listener's transcript with its mishearings. Untrusted.
        deed: Spoken, done, or leaving.
        style: How it was said.
        addresses: Whom it was meant for; empty means everybody.
        private: Not everybody heard it.
        audio: The sound, for controllers that hear; None otherwise.
    """

    id: int
    speaker: str
    text: str
    deed: Deed
    style: Style
    addresses: tuple[str, ...] = ()
    private: bool = False
    audio: Audio | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class AgentInput:
    """All that an agent knows when it is asked.

    What everybody shares comes first, here and in prompts, so that all agents of a scene share one prefix.

    Attributes:
        scene: The brief. Goals and secrets in it are private to their roles: prompts show the own ones alone.
        present: Names of the roles that have not left, in the order of the brief.
        facts: What has been established so far, shared by all, oldest first.
        heard: Recent messages, oldest first; those with `private` stand in the own part of prompts.
        role: Who is asked.
        recalled: Older messages that matter now, oldest first.
        note: The director's note to this role; empty for none.
        step: 0-based number of the turn that is being decided; the same for all who are asked together.
        beat: 0-based index of the beat that is being played, 0 without beats.
    """

    scene: SceneBrief
    present: tuple[str, ...]
    facts: tuple[str, ...]
    heard: tuple[Heard, ...]
    role: Role
    recalled: tuple[Heard, ...] = ()
    note: str = ""
    step: int = 0
    beat: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer cost; 0 where nothing is counted."""

    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn that a controller made of its own.

    Attributes:
        turn: The turn; its `role` is the one that was asked.
        usage: What it cost, failed attempts included.
    """

    turn: Turn
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class MalformedTurn:
    """No turn could be made of what came back, not even after one repair.

    Attributes:
        role: Who was asked.
        reason: What was wrong, for people.
        usage: What it cost.
    """

    role: str
    reason: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Bid:
    """How much an agent wants the floor.

    Attributes:
        role: Who.
        want: From 0 (not at all) to 1 (now).
        interrupts: It would break off whoever is speaking.
        reason: Why, for people.
        usage: What it cost.
    """

    role: str
    want: float
    interrupts: bool = False
    reason: str = ""
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if not 0.0 <= self.want <= 1.0:
            raise ValueError(f"a bid of {self.want} is not between 0 and 1")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A yes or no with its reason."""

    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the director makes of the scene after a turn.

    Attributes:
        facts: What has been established and is new since the last ledger.
        plan: How this beat should go on, in a sentence.
        beat: 0-based index of the beat that is played now.
        progress: The last turns brought the beat forward.
        in_loop: They repeat themselves.
        done: The scene is over.
        next_role: Name of who should speak next; empty leaves it to the policy.
        next_reason: Why.
        note: What to tell that role; empty for nothing.
        usage: What it cost.
    """

    facts: tuple[str, ...]
    plan: str
    beat: int
    progress: Judgement
    in_loop: Judgement
    done: Judgement
    next_role: str = ""
    next_reason: str = ""
    note: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class DirectorInput:
    """All that the director knows.

    Attributes:
        scene: The brief, secrets and goals of all roles included.
        present: Names of the roles that have not left.
        facts: What has been established so far.
        heard: Recent messages, private ones included.
        plan: The plan of the last ledger.
        beat: Index of the beat of the last ledger.
        stalls: Turns in a row without progress.
        step: 0-based number of the turn that comes next.
    """

    scene: SceneBrief
    present: tuple[str, ...]
    facts: tuple[str, ...]
    heard: tuple[Heard, ...]
    plan: str = ""
    beat: int = 0
    stalls: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Critique:
    """A critic's view of a draft turn.

    Attributes:
        score: From 0 (breaks the scene) to 1 (nothing to mend).
        advice: What to do better, one sentence.
        usage: What it cost.
    """

    score: float
    advice: str
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class Controller(Protocol):
    """Acts for roles."""

    @property
    def identity(self) -> str:
        """Name, model and version: what must be the same for the same turns."""

    @property
    def hears(self) -> bool:
        """Takes the audio of what was heard; else it is given text alone."""

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """One turn for each agent asked, in order; all of a call are worked on together.

        Raises:
            ControllerError: The back end cannot be reached or used at all.
        """


@runtime_checkable
class Bids(Protocol):
    """Says how much agents want the floor."""

    def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:
        """One bid for each agent asked, in order; one batch."""


@runtime_checkable
class Directs(Protocol):
    """Directs a scene."""

    def direct(self, ask: DirectorInput, *, seed: int) -> Ledger | MalformedTurn:
        """Take stock after a turn; what is malformed has the empty role."""


@runtime_checkable
class Proposes(Protocol):
    """Makes a scene of one sentence."""

    def propose(self, idea: str, *, roles: int, language: str, seed: int) -> SceneBrief | MalformedTurn:
        """A scene with so many roles; what is malformed has the empty role."""


@runtime_checkable
class Criticises(Protocol):
    """Judges draft turns."""

    def criticise(self, ask: AgentInput, draft: Turn, *, seed: int) -> Critique | MalformedTurn:
        """Score a draft for consistency with scene, role and stream, for repetition and style."""
