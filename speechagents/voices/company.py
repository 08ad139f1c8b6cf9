"""Who speaks how much in a drama, and with whom: what casting needs to know of it.

Owns the value and its counting over scenes; a novel is counted in its own way (`speechagents.novel.acquaintance`). Does
not know voices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.drama import NARRATOR, Role, Scene, role_key

_NARRATOR: Final = Role(NARRATOR)
_NARRATOR_KEY: Final = _NARRATOR.key


@dataclass(frozen=True, slots=True)
class Company:
    """Who speaks how much, and with whom. Roles stand in order of casting: most words first, then by key.

    Attributes:
        roles: All but the narrator.
        lines: Lines of each.
        words: Words of each.
        together: Symmetric matrix: the two share a scene.
        exchange: Symmetric matrix: changes of turn between the two, as a share (0 to 1) of the busier one's.
        crowded: For each role the title and the number of roles of its largest scene.
        narrated: Lines and words of the narrator.
        near: Symmetric matrix: the two do not meet, but are heard close enough to each other that one voice for both
            might confuse; None where nobody is.
        place: What people share who meet, for messages.
        narrator: The narrator as far as they are a person: who tells the story as “I”.
    """

    roles: tuple[Role, ...]
    lines: NDArray[np.int64]
    words: NDArray[np.int64]
    together: NDArray[np.bool_]
    exchange: NDArray[np.float64]
    crowded: tuple[tuple[str, int], ...]
    narrated: tuple[int, int]
    near: NDArray[np.bool_] | None = None
    place: str = "scene"
    narrator: Role = _NARRATOR

    @classmethod
    def of(cls, roles: Sequence[Role], scenes: Sequence[Scene]) -> Company:
        """Count who speaks, how much and after whom."""
        known = {role.key: role for role in roles}
        lines: Counter[str] = Counter()
        words: Counter[str] = Counter()
        for scene in scenes:
            for line in scene.lines:
                key = role_key(line.role)
                known.setdefault(key, Role(line.role))
                lines[key] += 1
                words[key] += len(line.text.split())
        order = sorted(known.keys() - {_NARRATOR_KEY}, key=lambda key: (-words[key], key))
        at = {key: index for index, key in enumerate(order)}
        count = len(order)
        together = np.zeros((count, count), np.bool_)
        turns = np.zeros((count, count))
        crowded: dict[int, tuple[str, int]] = {}
        for scene in scenes:
            # A voice over is heard in the scene like any other; the narrator stands outside.
            speakers = [at[key] for line in scene.lines if (key := role_key(line.role)) != _NARRATOR_KEY]
            present = sorted(set(speakers))
            together[np.ix_(present, present)] = True
            for one, other in pairwise(speakers):
                turns[one, other] += 1
            for index in present:
                crowded[index] = max(crowded.get(index, ("", 0)), (scene.title, len(present)), key=lambda c: c[1])
        np.fill_diagonal(together, val=False)
        np.fill_diagonal(turns, 0.0)
        turns += turns.T
        busy = turns.sum(axis=1)
        return cls(
            tuple(known[key] for key in order),
            np.array([lines[key] for key in order], np.int64),
            np.array([words[key] for key in order], np.int64),
            together,
            turns / np.maximum(1.0, np.maximum.outer(busy, busy)),
            tuple(crowded.get(index, ("", 0)) for index in range(count)),
            (lines[_NARRATOR_KEY], words[_NARRATOR_KEY]),
        )
