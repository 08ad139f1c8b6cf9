"""How much of what was said a recogniser understands.

Owns the choice of takes and the word error rate. Does not know the recogniser. Words are compared in the normal form of
`proofing.words` (no case, punctuation or accents; abbreviations and numbers written out, in the way of which most was
heard).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from speechagents.audio import Audio
from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.take_sound import SpokenTurn, spoken_turns
from speechagents.errors import ListenerError, SoundError
from speechagents.listeners.listener import ChecksLanguage
from speechagents.production.proofing.words import heard_words, said
from speechagents.voices.phonetic import spelled

MOST_TAKES: Final = 4
"""Takes of a cell that are listened to: about 50 words. Recognising is by far the dearest of all measures."""
_MOST_HEARD: Final = 4
_SPARE_CHARS: Final = 200
"""A transcript is read up to so many times the length of its line and some characters: what goes on for ever is all
wrong by then."""


def chosen_turns(turns: Sequence[SpokenTurn], most: int = MOST_TAKES) -> tuple[SpokenTurn, ...]:
    """The turns that are listened to: one of each of so many equal stretches, each of whoever was heard least so far.

    Of several the one nearest to the middle of the stretch is taken.
    """
    if len(turns) <= most:
        return tuple(turns)
    times: dict[str, int] = {}
    chosen = []
    for first, end in pairwise(round(len(turns) * part / most) for part in range(most + 1)):
        middle = (first + end - 1) / 2.0
        at = min(range(first, end), key=lambda at: (times.get(turns[at].role, 0), abs(at - middle), at))
        times[turns[at].role] = times.get(turns[at].role, 0) + 1
        chosen.append(turns[at])
    return tuple(chosen)


def word_errors(text: str, heard: str, *, language: str) -> tuple[int, int]:
    """How many words of a text were misheard, left out or added, at most all of them, and how many it has.

    The edit distance of Levenshtein (1966) over words, each error costing 1, as in NIST's sclite. A number in a
    language that nobody can write out here counts as heard, whatever stands in its place.

    Args:
        text: What was to be said.
        heard: What was understood.
        language: BCP 47 tag of both; empty counts as English.
    """
    words = said(spelled(text), language=language)
    listened = heard_words(heard[: _MOST_HEARD * len(text) + _SPARE_CHARS], language=language)
    present = set(listened)
    wanted: list[tuple[str, bool]] = []
    for one in words:
        way = max(one.ways, key=lambda way: sum(word in present for word in way) / len(way))
        wanted += [(word, one.wild) for word in way]
    row = list(range(len(listened) + 1))
    for above, (word, wild) in enumerate(wanted):
        last, row[0] = row[0], above + 1
        for at, other in enumerate(listened, 1):
            wrong = 0 if wild or word == other else 1
            last, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, last + wrong)
    return min(row[-1], len(wanted)), len(wanted)


def _error_rate(looked: Looked) -> Measured:
    if looked.ears is None:
        return Measured(None)
    language = looked.played.scene.language
    if isinstance(looked.ears, ChecksLanguage):
        try:
            looked.ears.check_language(language)
        except ListenerError:
            return Measured(None)  # nobody can say what they would have understood
    turns, clips = [], []
    for turn in chosen_turns(spoken_turns(looked.played)):
        clip = _clip(looked, turn)
        if clip is not None:
            turns.append(turn)
            clips.append(clip)
    found = [
        (turn.position, *word_errors(turn.text, transcript.text, language=language))
        for turn, transcript in zip(turns, looked.ears.transcribe(clips, language=language), strict=True)
    ]
    counted = [(position, errors, words) for position, errors, words in found if words]
    if not counted:
        return Measured(None)
    share = sum(errors for _, errors, _ in counted) / sum(words for _, _, words in counted)
    by_turn = tuple((position, errors / words) for position, errors, words in counted)
    return Measured(share, len(counted), by_turn)


def _clip(looked: Looked, turn: SpokenTurn) -> Audio | None:
    try:
        sound = looked.played.sound(looked.played.lines[turn.position])
    except SoundError:
        return None
    return None if sound is None else sound.mono()


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="word_error_rate",
        title="Words misheard",
        about=f"Share of the words of up to {MOST_TAKES} takes, spread over roles and turns, that the recogniser gets "
        "wrong, at most 1 for a take; it compares runs with the same recogniser alone, and the embedded one gets most "
        "words of the embedded voices wrong.",
        group="Intelligibility",
        better=Better.LOWER,
        needs=Needs.EARS,
        unit="",
        source="Word error rate with the edit distance of Levenshtein 1966, Soviet Physics Doklady 10:707",
        measure=_error_rate,
    ),
)
