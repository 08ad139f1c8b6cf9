"""Does the sound show the style that was asked for, does it still do so late in a scene, and can styles be told apart?

Owns what each style is expected to do to a voice, and the three metrics. Does not know how styles are made, or who
speaks. Directions alone are expected, no amounts: they are what studies of speech agree on.

**Against what.** A turn is compared with how the same role would sound in the style ``default``. That is estimated of
the role's other turns in the cell, each corrected by what its own style does on average in this cell: one amount for
each cue, fitted to all roles by least squares within roles. So no line has to be spoken plainly for it; but a role that
is sad in every line is compared with nothing, and left out. Where styles do nothing to the sound, the amounts come out
near 0, and what is left is the median of the role's other turns.

**From what on.** A cue counts in full from `CLEAR` on, in proportion below it, and against the turn in the other
direction. So a voice that ignores styles gets about 0 whatever its lines are: what chance does is against it as often
as for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.take_sound import SpokenTurn, spoken_turns
from speechagents.drama import Style

Floats = NDArray[np.float64]


class Cue(StrEnum):
    """What can be heard of a style."""

    RATE = "rate"
    LEVEL = "level"
    PITCH = "pitch"
    RANGE = "range"
    VOICING = "voicing"
    CLARITY = "clarity"
    EFFORT = "effort"
    PAUSES = "pauses"


CLEAR: Final[Mapping[Cue, float]] = MappingProxyType(
    {
        Cue.RATE: 0.10,
        Cue.LEVEL: 2.0,
        Cue.PITCH: 1.5,
        Cue.RANGE: 1.0,
        Cue.VOICING: 0.2,
        Cue.CLARITY: 2.0,
        Cue.EFFORT: 3.0,
        Cue.PAUSES: 0.05,
    }
)
"""From which change on a cue counts in full.

Rate (natural logarithm): twice the just noticeable difference of 5 % (Quené 2007, J. Phonetics 35:353). Level (dB):
twice that of about 1 dB (Zwicker & Fastl 1999, Psychoacoustics, chapter 7). Pitch (semitones): 1.5 are enough for a
difference in prominence (Rietveld & Gussenhoven 1985, J. Phonetics 13:299). Range (semitones, half of the middle
68 %): an excursion that is wider by 2, twice half of it. No thresholds are known to us for the others, which are set
to two or three times what the text alone does to them from line to line (of 394 lines, spoken by embedded voices in one
style: 0.06 of voicing, 0.9 dB of clarity, 1.6 dB of effort), or somewhat less (0.07 of pauses).
"""

_RATE, _LEVEL, _PITCH, _RANGE = Cue.RATE, Cue.LEVEL, Cue.PITCH, Cue.RANGE
_UP, _DOWN = 1, -1

EXPECTED: Final[Mapping[str, Mapping[Cue, int]]] = MappingProxyType(
    {
        # Juslin & Laukka (2003), Psychological Bulletin 129:770, for happiness, sadness, tenderness, fear and
        # anger; excitement is the elation of Banse & Scherer (1996), J. Personality and Social Psychology 70:614. In
        # tenderness they have a low pitch, and studies of talk to the young a high one: it is left out.
        "happy": {_RATE: _UP, _LEVEL: _UP, _PITCH: _UP, _RANGE: _UP},
        "excited": {_RATE: _UP, _LEVEL: _UP, _PITCH: _UP, _RANGE: _UP, Cue.EFFORT: _UP},
        "sad": {_RATE: _DOWN, _LEVEL: _DOWN, _PITCH: _DOWN, _RANGE: _DOWN, Cue.EFFORT: _DOWN},
        "tender": {_RATE: _DOWN, _LEVEL: _DOWN, _RANGE: _DOWN, Cue.EFFORT: _DOWN},
        "afraid": {_RATE: _UP, _PITCH: _UP, _RANGE: _DOWN, Cue.CLARITY: _DOWN},
        "angry": {_RATE: _UP, _LEVEL: _UP, _PITCH: _UP, _RANGE: _UP, Cue.EFFORT: _UP},
        # Low activation: Laukka, Juslin & Bresin (2005), Cognition & Emotion 19:633; tired speech halts besides.
        "calm": {_RATE: _DOWN, _LEVEL: _DOWN, _PITCH: _DOWN, _RANGE: _DOWN},
        "tired": {_RATE: _DOWN, _LEVEL: _DOWN, _PITCH: _DOWN, _RANGE: _DOWN, Cue.PAUSES: _UP},
        # Bachorowski, Smoski & Owren (2001), J. Acoust. Soc. Am. 110:1581: laughter is high and wide.
        "laughing": {_PITCH: _UP, _RANGE: _UP},
        # Erickson et al. (2006), Phonetica 63:1, for speech in tears; despair is high in Banse & Scherer (1996) too.
        "crying": {_RATE: _DOWN, _PITCH: _UP, Cue.CLARITY: _DOWN},
        "pleading": {_RATE: _DOWN, _PITCH: _UP},
        # Vocal effort: Traunmüller & Eriksson (2000), J. Acoust. Soc. Am. 107:3438; Zhang & Hansen (2007), Interspeech,
        # p. 2289, from whispered through shouted.
        "quiet": {_LEVEL: _DOWN, _PITCH: _DOWN, Cue.EFFORT: _DOWN},
        "whispering": {Cue.VOICING: _DOWN, _LEVEL: _DOWN},
        "shouting": {_LEVEL: _UP, _PITCH: _UP, Cue.EFFORT: _UP},
        # Jiang & Pell (2017), Speech Communication 88:106: doubt is slow, halting and high, and not loud.
        "hesitant": {_RATE: _DOWN, _LEVEL: _DOWN, _PITCH: _UP, Cue.PAUSES: _UP},
        # Pell et al. (2009), J. Phonetics 37:417.
        "surprised": {_PITCH: _UP, _RANGE: _UP},
        # Hellier et al. (2002), Human Factors 44:1.
        "urgent": {_RATE: _UP, _LEVEL: _UP, _PITCH: _UP},
        # The contempt of Banse & Scherer (1996) is low; that it is flat is what the style is said to be.
        "cold": {_PITCH: _DOWN, _RANGE: _DOWN},
        # Cheang & Pell (2008), Speech Communication 50:366. Whether the melody is wide or narrow depends on the study.
        "sarcastic": {_RATE: _DOWN, _PITCH: _DOWN},
        # Ohala (1984), Phonetica 41:1, for the low pitch of those who have weight; the rest is what the style is said
        # to be.
        "solemn": {_RATE: _DOWN, _PITCH: _DOWN, Cue.PAUSES: _UP},
        # Ozaki et al. (2024), Science Advances 10:eadm9797: songs are slower and higher than speech, everywhere.
        "singing": {_RATE: _DOWN, _PITCH: _UP},
    }
)
"""Direction of each cue by style, against ``default``. What is not named may be anything, but for the voicing: nobody
loses the voice who does not whisper."""

LEAST_TURNS: Final = 5
"""So many turns on either side are needed before two groups of them are compared."""


def expected(style: Style) -> Mapping[Cue, float]:
    """What a style should do to each cue: the direction times the strength, all 0 for plain speech."""
    if style.strength == 0.0 or style.tag not in EXPECTED:
        return dict.fromkeys(Cue, 0.0)
    return {Cue.VOICING: 0.0} | {cue: sign * style.strength for cue, sign in EXPECTED[style.tag].items()}


def changes(turns: Sequence[SpokenTurn], *, from_others: bool) -> Floats:
    """By how much each turn differs from plain speech of its role, shape ``(turns, cues)``, in units of `CLEAR`.

    Args:
        turns: Of one cell.
        from_others: What is plain for a role is told by its other turns alone, so that no turn is compared with itself.

    Returns:
        NaN where there is nothing to compare with: a whisper has no pitch, and who speaks once, or in one style alone,
        has no turn that should sound otherwise.
    """
    sounds = np.array([_values(turn) for turn in turns]).reshape(len(turns), len(Cue))
    wanted = _wanted(turns)
    roles = np.array([turn.role for turn in turns])
    found = np.full_like(sounds, np.nan)
    for at, cue in enumerate(Cue):
        values, directions = sounds[:, at], wanted[:, at]
        known = ~np.isnan(values) & ~np.isnan(directions)
        amount = _amount(values, directions, roles, known)
        if amount is None:
            # Nobody knows what styles do here, so that plain turns alone tell what is plain.
            known, amount = known & (directions == 0.0), 0.0
        for turn in np.flatnonzero(~np.isnan(values)):
            beside = known & (roles == roles[turn])
            if from_others:
                # Turns that should all sound alike tell nothing of each other.
                beside[turn] = False
                beside &= np.any(directions[beside] != directions[turn])
            if beside.any():
                plain = float(np.median(values[beside] - amount * directions[beside]))
                found[turn, at] = (values[turn] - plain) / CLEAR[cue]
    return found


def _values(turn: SpokenTurn) -> list[float]:
    sound = turn.sound
    rate = turn.syllables_per_s
    by_cue: Mapping[Cue, float | None] = {
        Cue.RATE: math.log(rate) if rate else None,
        Cue.LEVEL: sound.level_db,
        Cue.PITCH: sound.pitch_st,
        Cue.RANGE: sound.spread_st,
        Cue.VOICING: sound.voiced,
        Cue.CLARITY: sound.harmonicity_db,
        Cue.EFFORT: sound.effort_db,
        Cue.PAUSES: sound.pause_share,
    }
    return [math.nan if (value := by_cue[cue]) is None else value for cue in Cue]


def _wanted(turns: Sequence[SpokenTurn]) -> Floats:
    """What the style of each turn should do to each cue; NaN where it may do anything."""
    rows = [expected(turn.style) for turn in turns]
    return np.array([[row.get(cue, math.nan) for cue in Cue] for row in rows]).reshape(len(turns), len(Cue))


def _amount(values: Floats, directions: Floats, roles: NDArray[np.str_], known: NDArray[np.bool_]) -> float | None:
    """What styles do to a cue on average: the slope of its values over their directions, within roles.

    None where no role speaks in two styles that should differ in it.
    """
    shared = total = 0.0
    for role in np.unique(roles[known]):
        own = known & (roles == role)
        centred = directions[own] - directions[own].mean()
        shared += float(np.sum(centred * values[own]))
        total += float(np.sum(centred * centred))
    return shared / total if total > 1e-9 else None


def adherence_by_turn(turns: Sequence[SpokenTurn]) -> tuple[tuple[int, float], ...]:
    """How far each turn shows its style, from -1 to 1, with its position; plain turns say nothing and are left out."""
    wanted, found = _wanted(turns), changes(turns, from_others=True)
    shown = []
    for turn, directions, heard in zip(turns, wanted, found, strict=True):
        asked = ~np.isnan(directions) & (directions != 0.0) & ~np.isnan(heard)
        if asked.any():
            # Half a style is shown by half the change.
            due = np.minimum(1.0, np.abs(directions[asked]))
            credit = np.clip(heard[asked] * np.sign(directions[asked]) / due, -1.0, 1.0)
            shown.append((turn.position, float(credit.mean())))
    return tuple(shown)


def _adherence(looked: Looked) -> Measured:
    shown = adherence_by_turn(spoken_turns(looked.played))
    if not shown:
        return Measured(None)
    return Measured(float(np.mean([value for _, value in shown])), len(shown), shown)


def _kept(looked: Looked) -> Measured:
    shown = adherence_by_turn(spoken_turns(looked.played))
    middle = len(looked.played.lines) / 2.0
    early = [value for position, value in shown if position < middle]
    late = [value for position, value in shown if position >= middle]
    if min(len(early), len(late)) < LEAST_TURNS:
        return Measured(None, len(shown))
    return Measured(float(np.mean(late) - np.mean(early)), len(shown))


def _separation(looked: Looked) -> Measured:
    turns = spoken_turns(looked.played)
    if len(turns) < 2:
        return Measured(None)
    sounds = changes(turns, from_others=False)
    first, second = np.triu_indices(len(turns), 1)
    apart = np.square(sounds[first] - sounds[second])
    told = ~np.isnan(apart)
    compared = told.any(axis=1)
    apart = np.where(told, apart, 0.0).sum(axis=1)[compared] / told.sum(axis=1)[compared]
    styles = np.array([turn.style.tag if turn.style.strength else "default" for turn in turns])
    same = (styles[first] == styles[second])[compared]
    if min(np.count_nonzero(same), np.count_nonzero(~same)) < LEAST_TURNS:
        return Measured(None, int(compared.sum()))
    further = np.sign(apart[~same][:, None] - apart[same][None, :])
    return Measured(float(further.mean()), int(compared.sum()))


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="style_adherence",
        title="Style adherence",
        about="How far the sound of a turn goes in the directions that its style is known for, against the same "
        "role's other turns: 1 all the way, 0 as plain speech, below 0 the other way.",
        group="Style",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit="",
        source="Directions after Juslin & Laukka 2003, Psychological Bulletin 129:770, Banse & Scherer 1996, J. "
        "Personality and Social Psychology 70:614, and others named in the code; the score is ours",
        measure=_adherence,
    ),
    Metric(
        name="style_kept",
        title="Style kept to the end",
        about="Style adherence of the second half of the turns minus that of the first: below 0 where a voice "
        "loses its styles as the scene goes on.",
        group="Style",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit="",
        source="Ours, of style adherence by turn",
        measure=_kept,
    ),
    Metric(
        name="style_separation",
        title="Styles told apart",
        about="Whether turns in different styles sound less alike than turns in the same style, in whatever way: 1 "
        "always, 0 by chance. Each turn is taken relative to the plain speech of its role.",
        group="Style",
        better=Better.HIGHER,
        needs=Needs.SOUND,
        unit="",
        source="The R of Clarke 1993, Australian J. Ecology 18:117 (analysis of similarities)",
        measure=_separation,
    ),
)
