"""No turn twice in a split, and nothing of one split in another.

Owns what counts as the same turn and the search for it. Scenes are the unit of splitting: one scene lies in one split.
Different scenes can still hold the same words, most of all where a program wrote them, so turns are compared as well.
Does not know where trajectories come from.

**Measure.** A turn with its context is the text of the last `CONTEXT` messages that were heard and what is said. Two
turns are the same if these resemble each other by `LINE_AT_LEAST` or more, and so do their lines alone: a long message
that stands in the context of several turns makes none of them the same. The measure and the threshold are those of
`benchmark.building.duplicates`. Without context, lines of fewer than `LINE_WORDS` words are never the same: people say
yes more than once.

**Search.** The estimate is the share of equal minima among `MINIMA`. Two that differ in fewer of them than there are
bands agree in one band as a whole (the pigeonhole principle; Rajaraman & Ullman 2011, *Mining of Massive Datasets*,
section 3.4, take fewer and longer bands and so miss some), so that looking at those with an equal band finds exactly
what comparing everything with everything would find.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from speechagents.benchmark.building.duplicates import LINE_AT_LEAST, LINE_WORDS, MINIMA, minima
from speechagents.errors import TuningError
from speechagents.tuning.trajectory import Split, Trajectory

CONTEXT: Final = 2
"""Messages that are compared together with a line."""

_LEAST_EQUAL: Final = int(np.ceil(LINE_AT_LEAST * MINIMA))
_BANDS: Final = MINIMA - _LEAST_EQUAL + 1
_BOUNDS: Final = tuple(band * MINIMA // _BANDS * 4 for band in range(_BANDS + 1))
"""In bytes: a minimum has four."""
_STRICTEST_FIRST: Final = (Split.TEST, Split.DEV, Split.TRAIN)
"""What measures with is kept whole; what is learnt from gives way."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that lies in two splits.

    Attributes:
        what: Id of a scene, or of a trajectory.
        split: Its split.
        other: What it is the same as, in another split.
        other_split: That split.
    """

    what: str
    split: Split
    other: str
    other_split: Split


@dataclass(frozen=True, slots=True)
class Sifted:
    """Trajectories without repetitions.

    Attributes:
        kept: Positions of those that stay, ascending.
        repeated: How many of each split were said before in it, nearly.
        leaked: How many of each split were dropped because they are, nearly, in one that measures.
    """

    kept: Sequence[int]
    repeated: Mapping[Split, int]
    leaked: Mapping[Split, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A turn that was looked at."""

    id: str
    split: Split
    minima: npt.NDArray[np.uint32]
    line: npt.NDArray[np.uint32] = field(repr=False)


class _Turns:
    """Turns that have been seen, and which of them says the same as another one."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []
        self._bands: dict[tuple[int, bytes], list[int]] = {}

    def like(self, turn: _Seen) -> Sequence[_Seen]:
        """Those that are the same, in the order they were added."""
        found: set[int] = set()
        for band in _bands(turn):
            found.update(self._bands.get(band, ()))
        return [one for at in sorted(found) if _same(one := self._seen[at], turn)]

    def add(self, turn: _Seen) -> None:
        """Remember a turn."""
        for band in _bands(turn):
            self._bands.setdefault(band, []).append(len(self._seen))
        self._seen.append(turn)


def sifted(trajectories: Sequence[Trajectory]) -> Sifted:
    """Which trajectories to keep, so that no split repeats itself and no turn lies in two.

    Of turns that are the same the first one stays; of those in two splits the one of the split that measures: test
    before dev, dev before train.
    """
    turns = _Turns()
    kept: list[int] = []
    repeated, leaked = (Counter(dict.fromkeys(Split, 0)) for _ in range(2))
    for split in _STRICTEST_FIRST:
        for at, one in enumerate(trajectories):
            if one.split is not split:
                continue
            turn = _turn(one)
            same = turns.like(turn) if turn is not None else ()
            if not same:
                kept.append(at)
                if turn is not None:
                    turns.add(turn)
            elif all(other.split is split for other in same):
                repeated[split] += 1
            else:
                leaked[split] += 1
    return Sifted(sorted(kept), dict(repeated), dict(leaked))


def leaks(trajectories: Iterable[Trajectory]) -> Sequence[Leak]:
    """All that lies in two splits: scenes first, then turns, each once."""
    scenes: dict[str, Split] = {}
    split_scenes: dict[str, Leak] = {}
    turns, same_turns = _Turns(), []
    for one in trajectories:
        before = scenes.setdefault(one.scene_id, one.split)
        if before is not one.split:
            split_scenes.setdefault(one.scene_id, Leak(one.scene_id, one.split, one.scene_id, before))
        turn = _turn(one)
        if turn is None:
            continue
        other = next((other for other in turns.like(turn) if other.split is not one.split), None)
        if other is not None:
            same_turns.append(Leak(one.id, one.split, other.id, other.split))
        turns.add(turn)
    return [*split_scenes.values(), *same_turns]


def refuse_leaks(trajectories: Iterable[Trajectory], *, source: str) -> None:
    """Refuse trajectories of which something lies in two splits.

    Args:
        trajectories: All of them.
        source: What they are, for messages.

    Raises:
        TuningError: Something does; the message names the first such thing and how many there are.
    """
    found = leaks(trajectories)
    if found:
        first = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        what = (
            f"the scene {first.what} lies in {first.other_split.value} and in {first.split.value}"
            if first.what == first.other
            else f"{first.what} ({first.split.value}) says nearly the same as {first.other} ({first.other_split.value})"
        )
        raise TuningError(
            f"{what}{more}; keep a scene in one split, and drop such turns from what is learnt", source=source
        )


def _turn(one: Trajectory) -> _Seen | None:
    """A turn as it is compared; None for one that may be said again by anybody."""
    before = [heard.text for heard in one.ask.heard[-CONTEXT:]]
    if not before and len(one.turn.text.split()) < LINE_WORDS:
        return None
    return _Seen(one.id, one.split, minima("\n".join([*before, one.turn.text])), minima(one.turn.text))


def _bands(turn: _Seen) -> Iterator[tuple[int, bytes]]:
    """Number and content of each band."""
    data = turn.minima.tobytes()
    return ((start, data[start:end]) for start, end in itertools.pairwise(_BOUNDS))


def _same(one: _Seen, other: _Seen) -> bool:
    return (
        int((one.minima == other.minima).sum()) >= _LEAST_EQUAL and int((one.line == other.line).sum()) >= _LEAST_EQUAL
    )
