"""Can roles be told apart by their voices, and does each keep its own?

Owns the comparison of takes by role. Does not know which voice was to speak a role, nor how takes were made.

**Distance.** Two takes are as far apart as their fingerprints (`voices.measure.voice_distance`: pitch, cepstrum and
clarity, in units of what differs between sentences of one voice).

**Styles** change a voice, and are no fault of it. So fingerprints are compared after what styles do to them in this
cell was taken out: a shift of each of their numbers for each of `_STYLE_CUES`, fitted to all roles by least squares
within roles. What a style does besides stays in, as listeners have to bear it too. Whispered turns are left out: they
have no pitch, and people are recognised less well by them (Tartter 1991, Perception & Psychophysics 49:365).

**Bias.** Means of a few takes differ even where the voice is the same. Distances between roles are therefore means over
pairs of takes from which the pairs within the roles are subtracted, which is 0 on average for one voice (the unbiased
form of the squared distance between two means).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.style_adherence import Cue, expected
from speechagents.benchmark.metrics.take_sound import SpokenTurn, spoken_turns
from speechagents.benchmark.played import Played
from speechagents.voices.measure import voice_distance

Floats = NDArray[np.float64]

_STYLE_CUES: Final = (Cue.PITCH, Cue.EFFORT, Cue.CLARITY)
LEAST_TURNS: Final = 6
"""With fewer turns of roles that speak more than once, nothing is said."""


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """The turns that a cell's voices are compared by.

    Attributes:
        turns: Those of roles that speak at least twice.
        roles: Numbers of each of these roles' turns, in the order of their first turn.
        squares: Squared distance of every pair of turns.
        variance: Mean squared distance of a take from its role's mean, over all roles.
    """

    turns: tuple[SpokenTurn, ...]
    roles: Mapping[str, NDArray[np.intp]]
    squares: Floats
    variance: float

    def between(self) -> Sequence[float]:
        """Squared distance of the voices of every pair of roles; scatters around 0 for one voice."""
        return [
            float(self.squares[np.ix_(one, other)].mean()) - 2.0 * self.variance
            for one, other in combinations(self.roles.values(), 2)
        ]


@lru_cache(maxsize=1)
def _heard(played: Played) -> _Heard | None:
    """What voices are compared by; None where too little was said, or all of it by one role."""
    voiced = [turn for turn in spoken_turns(played) if turn.sound.pitch_st is not None]
    counts: dict[str, int] = {}
    for turn in voiced:
        counts[turn.role] = counts.get(turn.role, 0) + 1
    turns = tuple(turn for turn in voiced if counts[turn.role] > 1)
    names = np.array([turn.role for turn in turns])
    roles = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())}
    if len(roles) < 2 or len(turns) < LEAST_TURNS:
        return None
    prints = _without_styles(turns, roles)
    squares = np.zeros((len(turns), len(turns)))
    for first, second in combinations(range(len(turns)), 2):
        squares[first, second] = squares[second, first] = voice_distance(prints[first], prints[second]) ** 2
    # The squared distance of two takes of one voice is twice the variance.
    scatter = sum(float(squares[np.ix_(own, own)].sum()) / 2.0 / len(own) for own in roles.values())
    return _Heard(turns, roles, squares, scatter / (len(turns) - len(roles)))


def _without_styles(turns: Sequence[SpokenTurn], roles: Mapping[str, NDArray[np.intp]]) -> Floats:
    """Fingerprints less what styles do to them, shape ``(turns, numbers)``."""
    prints = np.array([turn.sound.fingerprint for turn in turns])
    wanted = np.array([[expected(turn.style).get(cue, 0.0) for cue in _STYLE_CUES] for turn in turns])
    centred, within = wanted.copy(), prints.copy()
    for own in roles.values():
        centred[own] -= centred[own].mean(axis=0)
        within[own] -= within[own].mean(axis=0)
    amounts: Floats = np.linalg.lstsq(centred, within, rcond=None)[0]
    return prints - wanted @ amounts


def _identified(looked: Looked) -> Measured:
    heard = _heard(looked.played)
    if heard is None:
        return Measured(None)
    names = np.array([turn.role for turn in heard.turns])
    others = heard.squares + np.diag(np.full(len(names), np.inf))
    hits = names[others.argmin(axis=1)] == names
    chance = float(np.mean([len(heard.roles[name]) - 1 for name in names.tolist()])) / (len(names) - 1)
    by_turn = tuple((turn.position, float(hit)) for turn, hit in zip(heard.turns, hits.tolist(), strict=True))
    return Measured((float(hits.mean()) - chance) / (1.0 - chance), len(names), by_turn)


def _apart(looked: Looked, *, least: bool) -> Measured:
    heard = _heard(looked.played)
    if heard is None:
        return Measured(None)
    squares = heard.between()
    square = min(squares) if least else float(np.mean(squares))
    return Measured(math.sqrt(max(0.0, square)), len(squares))


def _scatter(looked: Looked) -> Measured:
    heard = _heard(looked.played)
    return Measured(None) if heard is None else Measured(math.sqrt(heard.variance), len(heard.turns))


def _wavering(looked: Looked) -> Measured:
    heard = _heard(looked.played)
    if heard is None:
        return Measured(None)
    # The variance of roles' means is half their mean squared distance.
    between = max(0.0, float(np.mean(heard.between())) / 2.0)
    total = heard.variance + between
    return Measured(heard.variance / total if total else None, len(heard.turns))


_UNIT: Final = "sentences"
"""Distances are told in standard deviations between sentences of one voice."""
_DISTANCE_SOURCE: Final = "Cepstral distance after Davis & Mermelstein 1980, IEEE Trans. ASSP 28:357; the unit is ours"

METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="voice_identified",
        title="Voices recognised",
        about="How often the take that sounds most like a turn is one of the same role: 1 always, 0 as often as by "
        "chance (exact for the numbers of turns, as in Cohen's kappa).",
        group="Voices",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit="",
        source="Nearest neighbour, leave one out (Cover & Hart 1967, IEEE Trans. Information Theory 13:21); correction "
        "for chance of Cohen 1960, Educational and Psychological Measurement 20:37",
        measure=_identified,
    ),
    Metric(
        name="voice_distance_least",
        title="Least distance of two voices",
        about="Distance of the two roles that sound most alike, 0 for one voice. Compare it at equal numbers of roles: "
        "of more voices two are always closer.",
        group="Voices",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit=_UNIT,
        source=_DISTANCE_SOURCE,
        measure=partial(_apart, least=True),
    ),
    Metric(
        name="voice_distance",
        title="Mean distance of voices",
        about="Root mean square distance between the voices of two roles, in standard deviations between sentences of "
        "one voice.",
        group="Voices",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit=_UNIT,
        source=_DISTANCE_SOURCE,
        measure=partial(_apart, least=False),
    ),
    Metric(
        name="voice_scatter",
        title="Scatter within a voice",
        about="How far takes of a role lie from its mean, what styles do to all voices taken out; 1.4 to 1.7 "
        "for lines that an embedded voice speaks in one style.",
        group="Voices",
        better=Better.NEITHER,
        needs=Needs.SOUND,
        unit=_UNIT,
        source=_DISTANCE_SOURCE,
        measure=_scatter,
    ),
    Metric(
        name="voice_wavering",
        title="Share of voice variance within roles",
        about="Variance within roles divided by all variance: near 0 where every role keeps a voice of its own, 1 "
        "where roles differ no more than takes of one role do.",
        group="Voices",
        better=Better.LOWER,
        needs=Needs.SOUND,
        unit="",
        source="1 minus the intraclass correlation of Shrout & Fleiss 1979, Psychological Bulletin 86:420, case 1",
        measure=_wavering,
    ),
)
