"""Turn-taking: who speaks how much, who speaks next, and when.

Owns those measures and the distribution of human floor transfers that they are compared with. Does not know how starts
were chosen (`production.rhythm`) or who chose the speakers. Times are those of the stream; where nothing sounds,
measures of time have no value.

**The human distribution** (`HUMAN_OFFSETS_S`). Nobody publishes the distribution of offsets between turns as a table;
it was put together from five published figures, as the midpoints of twenty equal parts of two log-normal laws:

- 35 % of floor transfers are overlaps: halfway between 30.1 % in Switchboard (Levinson & Torreira 2015, Front. Psychol.
  6:731) and two fifths in three other corpora (Heldner & Edlund 2010, J. Phonetics 38:555);
- an overlap lasts 0.205 s in the median and 0.275 s in the mean (Levinson & Torreira 2015);
- 53 % of all transfers come before 0.2 s, the middle of 51 to 55 % (Heldner & Edlund 2010, over the three corpora);
- the mean offset is 0.208 s (Stivers et al. 2009, PNAS 106:10587, over ten languages).

The law of the gaps follows from the last two. Figures that took no part agree: the median gap is 0.33 s (0.26 to 0.35 s
in telephone corpora, Levinson & Torreira 2015), the median offset 0.18 s (gaps between speakers centre near 0.2 s in
all sources). It is talk in pairs, by telephone or face to face; drama may well be slower. The figures were taken over
as others quote them, not looked up in the papers; a run is told how far it is from them, and nothing is better for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.words import tokens
from speechagents.benchmark.played import Played
from speechagents.drama import Deed, Message

HUMAN_OFFSETS_S: Final = (
    -0.63, -0.38, -0.27, -0.20, -0.15, -0.11, -0.07, 0.07, 0.12, 0.16,
    0.20, 0.24, 0.28, 0.33, 0.39, 0.46, 0.55, 0.68, 0.90, 1.45,
)  # fmt: skip
"""Offsets between turns of people, in seconds: quantiles at 0.025, 0.075, … 0.975."""

_GROUP: Final = "Turn-taking"
_MIN_OFFSETS: Final = 5
_LISTENING: Final = 3
"""Speakers from which on it is a choice who speaks next."""


def _talk_balance(looked: Looked) -> Measured:
    words: Counter[str] = Counter()
    for line in looked.played.lines:
        words[looked.played.role_of(line)] += len(tokens(line.text))
    return _evenness(looked.played, words, len(looked.played.lines))


def _turn_balance(looked: Looked) -> Measured:
    lines = Counter(map(looked.played.role_of, looked.played.lines))
    return _evenness(looked.played, lines, len(looked.played.lines))


def _silent_roles(looked: Looked) -> Measured:
    played = looked.played
    speaking = {played.role_of(message) for message in played.messages if message.deed is Deed.SPEAK}
    roles = played.scene.roles
    return Measured(sum(role.key not in speaking for role in roles) / len(roles), len(roles))


def _longest_absence(looked: Looked) -> Measured:
    """In rounds, so that casts of different size can be compared."""
    speakers = list(map(looked.played.role_of, looked.played.lines))
    roles = looked.played.scene.roles
    if not speakers:
        return Measured(None)
    longest = 0
    for role in roles:
        places = [-1, *(place for place, key in enumerate(speakers) if key == role.key), len(speakers)]
        longest = max(longest, *(later - place - 1 for place, later in pairwise(places)))
    return Measured(longest / len(roles), len(speakers))


def _return(looked: Looked) -> Measured:
    speakers = list(map(looked.played.role_of, looked.played.lines))
    number = Counter(speakers)
    if len(number) < _LISTENING:
        return Measured(None)
    found: list[tuple[int, float]] = []
    for place in range(2, len(speakers)):
        first, last, now = speakers[place - 2 : place + 1]
        if last in (first, now):
            continue
        # Of the lines that are left when these two are taken, without those of the last speaker.
        chance = (number[first] - 1) / (len(speakers) - number[last] - 1)
        found.append((place, float(now == first) - chance))
    return _mean(found)


def _offset_distance(looked: Looked) -> Measured:
    offsets = [offset for _, offset in _offsets_s(looked.played)]
    if len(offsets) < _MIN_OFFSETS:
        return Measured(None)
    return Measured(distance_s(offsets, HUMAN_OFFSETS_S), len(offsets))


def _median_offset(looked: Looked) -> Measured:
    found = _offsets_s(looked.played)
    return Measured(median(offset for _, offset in found) if found else None, len(found), tuple(found))


def _overlaps(looked: Looked) -> Measured:
    return _mean([(place, float(offset < 0.0)) for place, offset in _offsets_s(looked.played)])


def _together(looked: Looked) -> Measured:
    """Everything that sounds takes part, signs of listening too."""
    edges = sorted(
        edge
        for message in looked.played.messages
        if _sounds(message)
        for edge in ((message.start_s, 1), (message.end_s, -1))
    )
    speaking, before_s = 0, 0.0
    any_s = several_s = 0.0
    for at_s, change in edges:
        any_s += (at_s - before_s) * (speaking > 0)
        several_s += (at_s - before_s) * (speaking > 1)
        speaking, before_s = speaking + change, at_s
    return Measured(several_s / any_s if any_s > 0.0 else None, len(edges) // 2)


def _back_channels(looked: Looked) -> Measured:
    spoken = [message for message in looked.played.messages if message.deed in (Deed.SPEAK, Deed.BACK_CHANNEL)]
    if not spoken:
        return Measured(None)
    return Measured(sum(message.deed is Deed.BACK_CHANNEL for message in spoken) / len(spoken), len(spoken))


def distance_s(offsets_s: Sequence[float], quantiles_s: Sequence[float]) -> float:
    """Mean distance that offsets must be moved to be distributed as quantiles say, in seconds.

    The first Wasserstein distance (Vallender 1974, Theory of Probability 18:784): the mean difference of the quantile
    functions, taken at the midpoints of as many equal parts as there are quantiles.

    Args:
        offsets_s: In any order, at least one.
        quantiles_s: At the midpoints of equal parts, ascending.
    """
    ordered = sorted(offsets_s)
    parts = len(quantiles_s)
    own = (ordered[(2 * part + 1) * len(ordered) // (2 * parts)] for part in range(parts))
    return math.fsum(abs(one - other) for one, other in zip(own, quantiles_s, strict=True)) / parts


def _offsets_s(played: Played) -> Sequence[tuple[int, float]]:
    """From the end of each line to the start of the next by somebody else, with that one's position."""
    lines = list(enumerate(played.lines))
    return [
        (place, round(line.start_s - before.end_s, 3))
        for (_, before), (place, line) in pairwise(lines)
        if played.role_of(before) != played.role_of(line) and _sounds(before) and _sounds(line)
    ]


def _sounds(message: Message) -> bool:
    return message.end_s > message.start_s


def _evenness(played: Played, parts: Counter[str], lines: int) -> Measured:
    """Entropy of shares, divided by that of equal ones (Pielou 1966, J. Theoretical Biology 13:131)."""
    whole = sum(parts.values())
    if not whole:
        return Measured(None)
    shares = [part / whole for part in parts.values() if part]
    return Measured(-math.fsum(one * math.log(one) for one in shares) / math.log(len(played.scene.roles)), lines)


def _mean(found: Iterable[tuple[int, float]]) -> Measured:
    kept = tuple(found)
    return Measured(math.fsum(value for _, value in kept) / len(kept) if kept else None, len(kept), kept)


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="talk_balance",
        title="Balance of talk",
        about="Evenness of the words that the roles say: 1 if all say as much, 0 if one says all.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Evenness: Pielou 1966, J. Theoretical Biology 13:131",
        measure=_talk_balance,
    ),
    Metric(
        name="turn_balance",
        title="Balance of turns",
        about="Evenness of the lines that the roles say: 1 if all say as many, 0 if one says all.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Evenness: Pielou 1966, J. Theoretical Biology 13:131; turn distribution is not specified in advance: "
        "Sacks, Schegloff & Jefferson 1974, Language 50:696",
        measure=_turn_balance,
    ),
    Metric(
        name="silent_roles",
        title="Roles without a line",
        about="Share of the roles of the scene that never say a line.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Own: a role that plays has a part",
        measure=_silent_roles,
    ),
    Metric(
        name="longest_absence",
        title="Longest absence",
        about="Longest stretch without a line of some role, in rounds of as many lines as there are roles.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="rounds",
        source="Own",
        measure=_longest_absence,
    ),
    Metric(
        name="speaker_returns",
        title="The last but one speaks again",
        about="Share of turns that go back to whoever spoke before the last speaker, beyond the chance with the same "
        "shares; 0 by chance; three or more speakers.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Bias towards the prior speaker: Sacks, Schegloff & Jefferson 1974, Language 50:696, section 4.4",
        measure=_return,
    ),
    Metric(
        name="offset_distance",
        title="Distance of gaps from people's",
        about="How far the offsets between turns would have to be moved to be distributed as people's are.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="s",
        source="Heldner & Edlund 2010, J. Phonetics 38:555; Levinson & Torreira 2015, Front. Psychol. 6:731; Stivers "
        "et al. 2009, PNAS 106:10587; distance: Vallender 1974, Theory of Probability 18:784",
        measure=_offset_distance,
    ),
    Metric(
        name="median_offset",
        title="Median offset",
        about="Median time from the end of a turn to the start of the next; below 0 they overlap; about 0.2 among "
        "people.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="s",
        source="Stivers et al. 2009, PNAS 106:10587",
        measure=_median_offset,
    ),
    Metric(
        name="overlap_share",
        title="Turns that overlap",
        about="Share of turns that start before the turn before has ended; 0.30 to 0.40 among people.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Heldner & Edlund 2010, J. Phonetics 38:555; Levinson & Torreira 2015, Front. Psychol. 6:731",
        measure=_overlaps,
    ),
    Metric(
        name="overlap_time",
        title="Time of several voices",
        about="Share of the time with speech in which two or more speak; under 0.05 among people.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Levinson & Torreira 2015, Front. Psychol. 6:731",
        measure=_together,
    ),
    Metric(
        name="back_channel_share",
        title="Signs of listening",
        about="Share of everything spoken that only shows listening; 0.19 among people on the telephone.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="",
        source="Stolcke et al. 2000, Computational Linguistics 26:339",
        measure=_back_channels,
    ),
)
