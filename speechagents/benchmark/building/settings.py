"""Options of a build, checked before anybody is asked anything.

Owns names, defaults and limits. Does not know what is built with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speechagents.benchmark.scene_set import POOL, ROLE_COUNTS
from speechagents.drama import MAX_PLAYERS, MAX_TURNS, MIN_PLAYERS
from speechagents.errors import SettingsError
from speechagents.scripts.languages import language_tag
from speechagents.scripts.scene_file import MAX_SEED, POLICIES

MAX_BUILT_SCENES: Final = 1_000
MAX_TEXT_CHARS: Final = 200
"""Longest name of a benchmark, and longest licence."""
LEAST_AT_ONCE: Final = 4
"""Fewest roles that a controller is asked for at once: two who are known, and two who are new."""

# SPDX 2.3, annex D: ids, and expressions of them.
_LICENCE: Final = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Options of a build.

    Attributes:
        licence: SPDX id or expression under which everything built may be used; whoever builds has to know.
        name: Of the benchmark, with its version.
        scenes: How many.
        roles: Numbers of roles for which scripts are written; none writes no scripts.
        ideas: File with an idea a line; None combines ideas from facets.
        seed: Of everything left to chance.
        language: BCP 47 tag of the scenes.
        policy: Turn policy with which scripts are played.
        turns: Most turns of a script; 0 goes by the number of roles, see `cells.TURNS`.
        roles_at_once: Most roles that a controller is asked for at once; it is asked for fewer once it fails.
        budget_tokens: Tokens that the build may cost in all; 0 for no limit.
        budget_items: Scenes and scripts that may be asked for in all, refused ones included; 0 for no limit.
    """

    licence: str
    name: str = "my benchmark v1"
    scenes: int = 100
    roles: tuple[int, ...] = ROLE_COUNTS
    ideas: Path | None = None
    seed: int = 0
    language: str = "en"
    policy: str = "addressed"
    turns: int = 0
    roles_at_once: int = POOL
    budget_tokens: int = 0
    budget_items: int = 0

    def __post_init__(self) -> None:
        if len(self.licence) > MAX_TEXT_CHARS or not _LICENCE.fullmatch(self.licence):
            raise SettingsError(
                f"licence {self.licence[:60]!r} is no SPDX id; write for example CC-BY-4.0 or Apache-2.0"
            )
        if not 1 <= len(self.name) <= MAX_TEXT_CHARS or not self.name.isprintable() or self.name != self.name.strip():
            raise SettingsError(f"a benchmark's name is one line of at most {MAX_TEXT_CHARS} characters")
        if list(self.roles) != sorted(set(self.roles)):
            raise SettingsError("give numbers of roles in ascending order, each once, such as 2,3,5,10,25")
        if not all(MIN_PLAYERS <= count <= MAX_PLAYERS for count in self.roles):
            raise SettingsError(f"a script is for {MIN_PLAYERS} to {MAX_PLAYERS} roles")
        if self.policy not in POLICIES:
            raise SettingsError(f"no turn policy {self.policy!r}; there are: {', '.join(POLICIES)}")
        if language_tag(self.language) != self.language or not self.language:
            raise SettingsError(f"language {self.language[:40]!r} is no BCP 47 tag; write for example en, de or pt-BR")
        for what, value, low, high in (
            ("scenes", self.scenes, 1, MAX_BUILT_SCENES),
            ("turns", self.turns, 0, MAX_TURNS),
            ("roles at once", self.roles_at_once, LEAST_AT_ONCE, POOL),
            ("seed", self.seed, 0, MAX_SEED),
            ("the budget of tokens", self.budget_tokens, 0, 10**12),
            ("the budget of items", self.budget_items, 0, 10**6),
        ):
            if not low <= value <= high:
                raise SettingsError(f"{what}: {value} is not between {low} and {high}")
