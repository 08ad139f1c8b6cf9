"""Is a take what its line asked for? Judged by word times and the signal alone.

Owns the checks that need no ears; knows no engine. A recogniser cannot judge synthetic voices such as
espeak-ng's (it misreads two words of three on some of them), but the engine's own events and the shape of the
sound show dropped words, silence, clipping and runaway lengths. Cheap: well under a millisecond per second of
audio.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from speechagents.voices.measure import LEVEL_FRAME_S, frame_levels_db
from speechagents.voices.phonetic import spelled
from speechagents.voices.synthesizer import Take

MAX_PAUSE_S: Final = 2.5
"""Longest silence inside a line. Pauses between sentences stay under 1 s even in the slowest style."""
SILENT_BELOW_DB: Final = -60.0
CLIPPED_ABOVE: Final = 0.999

# Seconds per character of ordinary speech: English at 150 words a minute has 0.07; a Chinese syllable takes
# 0.25 and a digit is a word. Lines are accepted within wide factors of that, as styles alone double and halve
# the speed.
_LETTER_S: Final = 0.07
_IDEOGRAPH_S: Final = 0.25
_DIGIT_S: Final = 0.3
_SHORTEST: Final = 0.25
_LONGEST: Final = 5.0
_SLACK_S: Final = 2.0
_TIME_SLACK_S: Final = 1e-3


class Doubt(StrEnum):
    """What a take can be doubted for."""

    DAMAGED = "damaged"
    CLIPPING = "clipping"
    SILENCE = "silence"
    LENGTH = "length"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """One thing that is wrong with a take, and the same as a phrase for people."""

    doubt: Doubt
    what: str


def unusable(take: Take) -> str:
    """Why a take must not be kept, as a phrase for people; empty when it can be.

    It has no audio, samples that are no numbers, or nothing but zeros where there is something to say. Everything
    else that `check_take` finds is a doubt about a take that can still be heard.
    """
    if not take.audio.frames:
        return "there is no audio"
    peak = take.audio.peak
    if not np.isfinite(peak):
        return "the audio holds values that are no numbers"
    if peak == 0.0 and _spoken(spelled(take.line.text).split()):
        return "it is silent"
    return ""


def check_take(take: Take, *, timed: bool = True) -> tuple[str, ...]:
    """Everything that is wrong with a take, as phrases for people; empty when it is good.

    Args:
        take: What was rendered.
        timed: The back end gives word times; without them the words cannot be checked.
    """
    return tuple(doubtful.what for doubtful in doubts(take, timed=timed))


def doubts(take: Take, *, timed: bool = True) -> tuple[Doubtful, ...]:
    """The same as `check_take`, each with its kind."""
    tokens = spelled(take.line.text).split()
    spoken = _spoken(tokens)
    faults = _signal_faults(take, something_to_say=bool(spoken))
    if spoken:
        faults += _length_faults(take, spoken)
    if timed:
        faults += _word_faults(take, tokens, spoken)
    return tuple(faults)


def _spoken(tokens: list[str]) -> list[str]:
    return [token for token in tokens if any(map(str.isalnum, token))]


def _signal_faults(take: Take, *, something_to_say: bool) -> list[Doubtful]:
    if reason := unusable(take):
        silent = take.audio.frames > 0 and take.audio.peak == 0.0
        return [Doubtful(Doubt.SILENCE if silent else Doubt.DAMAGED, reason)]
    samples = take.audio.mono().samples
    peak = take.audio.peak
    faults = [Doubtful(Doubt.CLIPPING, f"it clips (peak {peak:.3f})")] if peak >= CLIPPED_ABOVE else []
    if not something_to_say:
        return faults
    levels = frame_levels_db(samples, take.audio.rate_hz)
    if not levels.size or levels.max() < SILENT_BELOW_DB:
        return [*faults, Doubtful(Doubt.SILENCE, "it is silent")]
    loud = np.flatnonzero(levels > max(float(levels.max()) - 50.0, SILENT_BELOW_DB))
    longest_s = float(np.diff(loud).max(initial=0)) * LEVEL_FRAME_S
    if longest_s > MAX_PAUSE_S:
        faults.append(Doubtful(Doubt.SILENCE, f"it is silent for {longest_s:.1f} s in the middle"))
    return faults


def _length_faults(take: Take, spoken: list[str]) -> list[Doubtful]:
    usual_s = sum(_usual_s(char) for token in spoken for char in token)
    duration_s = take.audio.duration_s
    if duration_s < _SHORTEST * usual_s - LEVEL_FRAME_S:
        return [Doubtful(Doubt.LENGTH, f"it lasts {duration_s:.1f} s, too short for its text")]
    if duration_s > _LONGEST * usual_s + _SLACK_S:
        return [Doubtful(Doubt.LENGTH, f"it lasts {duration_s:.1f} s, too long for its text")]
    return []


def _usual_s(char: str) -> float:
    if char.isdigit():
        return _DIGIT_S
    category = unicodedata.category(char)
    if category == "Lo" and unicodedata.east_asian_width(char) == "W":
        return _IDEOGRAPH_S
    return _LETTER_S if category[0] == "L" else 0.0


def _word_faults(take: Take, tokens: list[str], spoken: list[str]) -> list[Doubtful]:
    faults = []
    rest = iter(tokens)
    strange = next((word.text for word in take.words if word.text not in rest), None)
    if strange is not None:
        faults.append(Doubtful(Doubt.WORDS, f"the word {strange!r} is not in the text, or out of order"))
    timed = [word.text for word in take.words if any(map(str.isalnum, word.text))]
    if strange is None and timed != spoken:
        missing = next((a for a, b in zip(spoken, [*timed, *[""] * len(spoken)], strict=False) if a != b), "")
        faults.append(Doubtful(Doubt.WORDS, f"the word {missing!r} has no time"))
    end_s = 0.0
    for word in take.words:
        if not (end_s - _TIME_SLACK_S <= word.start_s < word.end_s <= take.audio.duration_s + _TIME_SLACK_S):
            faults.append(
                Doubtful(Doubt.WORDS, f"the time of the word {word.text!r} is out of order or outside the audio")
            )
            break
        end_s = word.end_s
    return faults
