"""Respellings that stand in the text itself: ``{Siobhan|shiv-AWN}``, or by sounds ``{Siobhan|/ʃɪˈvɔːn/}``.

Owns the form. Braces with a bar between do not occur in prose: what stands before the bar is shown, what stands behind
is spoken. Does not know who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from speechagents.pronunciation.lexicon import Reading
from speechagents.pronunciation.phonetics import is_ipa
from speechagents.voices.phonetic import unmarked

_MARK: Final = re.compile(r"\{([^{}|\n]{1,100})\|([^{}|\n]{1,300})\}")


def shown(text: str) -> str:
    """A text as its readers see it: without respellings."""
    return _MARK.sub(r"\1", text) if "{" in text else text


def respellings(text: str) -> Iterator[tuple[int, int, Reading]]:
    """Where the respelt words of a text stand in what `shown` makes of it, with their readings."""
    removed = 0
    for match in _MARK.finditer(text) if "{" in text else ():
        start = match.start() - removed
        word, spoken = match[1], unmarked(match[2].strip())
        sounds = spoken[1:-1] if len(spoken) > 2 and spoken[0] == spoken[-1] == "/" else ""
        if sounds and is_ipa(sounds):
            yield start, start + len(word), Reading(ipa=sounds)
        elif spoken:
            yield start, start + len(word), Reading(alias=spoken)
        removed += len(match[0]) - len(word)
