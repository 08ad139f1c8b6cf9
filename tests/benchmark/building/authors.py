"""What tests of building share: a controller that writes as it is told, and words that nobody has said before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from speechagents.benchmark.building.events import BuildEvent, Built
from speechagents.benchmark.building.pipeline import build
from speechagents.benchmark.building.settings import BuildSettings
from speechagents.controllers.controller import AgentInput, Answer, Controller, MalformedTurn, Usage
from speechagents.drama import Role, SceneBrief, Style, Turn

Proposes = Callable[[str, int, int], SceneBrief | MalformedTurn]
"""Makes a scene of an idea, a number of roles and a seed."""
Says = Callable[[AgentInput], Turn | MalformedTurn]

SETTINGS = BuildSettings("CC0-1.0", scenes=2, roles=(2, 3), turns=8, language="en")

_VOWELS = "aeiou"
_CONSONANTS = "bdfgklmnprstvz"


def words(seed: object, count: int) -> str:
    """Words without a meaning that only a seed decides."""
    digest = hashlib.shake_128(str(seed).encode()).digest(6 * count)
    letters = [
        (_VOWELS if at % 2 else _CONSONANTS)[one % (5 if at % 2 else len(_CONSONANTS))] for at, one in enumerate(digest)
    ]
    return " ".join("".join(letters[6 * at : 6 * at + 6]) for at in range(count))


def person(seed: object, *, name: str = "") -> Role:
    return Role(
        name or words((seed, "name"), 1).title(),
        f"44, {words((seed, 'profile'), 9)}",
        goals=(words((seed, "goal"), 4),),
    )


def whole_scene(idea: str, roles: int, seed: int) -> SceneBrief:
    """A good scene: nothing in it is in another one."""
    people = [person((idea, seed, at)) for at in range(roles)]
    return SceneBrief(
        words((idea, "title"), 3).capitalize(),
        tuple(people),
        setting="INT. HALL - DAY",
        background=f"{words((idea, seed), 12)}. The {words(idea, 1)} has forty lamps.",
        beats=("They meet.", "They part."),
    )


def new_words(ask: AgentInput) -> Turn:
    said = f"{words((ask.scene.title, ask.scene.seed, ask.step), 7).capitalize()}."
    return Turn(ask.role.name, text=said, style=Style("calm"), thoughts="So be it.")


class Author:
    """A controller that proposes and plays as functions say, and remembers what it was asked.

    Attributes:
        proposals: Idea and number of roles of each.
        turns: How many were asked for.
    """

    def __init__(
        self, proposes: Proposes = whole_scene, says: Says = new_words, *, questions: int | None = None, made: str = "1"
    ) -> None:
        self._proposes = proposes
        self._says = says
        self._left = questions
        self._made = made
        self.proposals: list[tuple[str, int]] = []
        self.turns = 0

    @property
    def identity(self) -> str:
        return f"author {self._made}"

    @property
    def hears(self) -> bool:
        return False

    def propose(self, idea: str, *, roles: int, language: str, seed: int) -> SceneBrief | MalformedTurn:
        self._tire()
        self.proposals.append((idea, roles))
        return self._proposes(idea, roles, seed)

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        for ask in asks:
            self._tire()
            self.turns += 1
            found = self._says(ask)
            yield found if isinstance(found, MalformedTurn) else Answer(found, Usage(10, 5))

    def _tire(self) -> None:
        """After so many questions whoever runs it gives up."""
        if self._left is not None:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1


def built(settings: BuildSettings, controller: Controller, folder: Path) -> tuple[list[BuildEvent], Built]:
    """Build to the end: what came on the way, and what there is."""
    events = list(build(settings, controller, folder))
    last = events.pop()
    assert isinstance(last, Built)
    return events, last


def files_of(folder: Path) -> dict[str, bytes]:
    """What a build has made, without its journal."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.name not in (".lock", "build.jsonl"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(kept)}
