"""Times of what was spoken become times of what is written.

Owns the way back. Does not know how a voice times its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from speechagents.voices.phonetic import spelled
from speechagents.voices.synthesizer import Word


def written_words(said: Sequence[tuple[str, str]], words: Sequence[Word]) -> tuple[Word, ...]:
    """One word for each written one, from those of the take.

    A written word lasts from the first to the last of the words spoken for it. One that nothing is spoken for shares
    the time of those before it, by its length in characters. Without words of the take there are none.

    Args:
        said: Written words with what is spoken for each, as `Pronunciation.said` gives them.
        words: Of the take; voices pass over tokens without a letter, such as a lone dash.
    """
    if not words:
        return ()
    spans: list[tuple[float, float] | None] = []
    place = 0
    for _, spoken in said:
        tokens = [spelled(token) for token in spoken.split()]
        first = place
        for token in tokens:
            # Where a voice passed over a token, the next one is looked for at the same place.
            if place < len(words) and (words[place].text == token or any(map(str.isalnum, token))):
                place += 1
        spans.append((words[first].start_s, words[place - 1].end_s) if place > first else None)
    timed: list[Word] = []
    index = 0
    while index < len(said):
        behind = index + 1
        while behind < len(said) and spans[behind] is None:
            behind += 1
        start, end = spans[index] or (words[0].start_s, words[0].start_s)
        texts = [written for written, _ in said[index:behind]]
        total = sum(map(len, texts))
        for text in texts:
            until = end if text is texts[-1] else start + (end - start) * len(text) / total
            timed.append(Word(text, start, until))
            start = until
            total = max(1, total - len(text))
        index = behind
    return tuple(timed)
