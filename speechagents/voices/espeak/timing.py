"""When each word is heard: from espeak-ng's events to times of the text's own tokens.

Owns the mapping and its repairs. Events name characters of the text that was sent; espeak-ng merges some words
("that is"), splits others (numbers) and may point a character or two aside, so tokens are found by position, made
ascending, and filled in where none points at them.
"""

from __future__ import annotations

import numpy as np

from speechagents.voices.espeak.process import Utterance
from speechagents.voices.espeak.text import SpokenText
from speechagents.voices.espeak.worker import EVENT_PAUSE, EVENT_WORD
from speechagents.voices.synthesizer import Word

_LEAST_WORD_S = 0.02


def word_times(spoken: SpokenText, utterance: Utterance, *, offset_s: float, duration_s: float) -> tuple[Word, ...]:
    """One word for each token of the text, ascending, inside the audio.

    Args:
        spoken: What was sent.
        utterance: What came back.
        offset_s: How much was cut from the beginning of the utterance.
        duration_s: Length of the audio that is left.
    """
    count = len(spoken.tokens)
    if count == 0:
        return ()
    rate = utterance.rate_hz
    starts = np.full(count + 1, np.nan)
    events = utterance.events
    for _, character, _, sample in events[events[:, 0] == EVENT_WORD].tolist():
        place = spoken.token_at(character - 1)
        time_s = sample / rate - offset_s
        if np.isnan(starts[place]) or time_s < starts[place]:
            starts[place] = time_s
    # A token without an event shares the time up to the next one that has one, by its length in characters.
    starts[0] = 0.0 if np.isnan(starts[0]) else starts[0]
    starts[count] = duration_s
    places = np.array([*spoken.starts, len(spoken.text) + 1], float)
    known = ~np.isnan(starts)
    starts = np.interp(places, places[known], starts[known])
    starts = np.maximum.accumulate(np.clip(starts, 0.0, duration_s))
    # Of a pile at the end each word keeps a little time: shifting by its rank keeps the order.
    least = min(_LEAST_WORD_S, duration_s / (count + 1))
    latest = duration_s - least * np.arange(count, 0, -1)
    starts[:count] = np.minimum(starts[:count], latest)
    for index in range(1, count):
        starts[index] = max(starts[index], starts[index - 1] + least)
    pauses = np.sort(events[events[:, 0] == EVENT_PAUSE, 3]) / rate - offset_s
    words = []
    for index, token in enumerate(spoken.tokens):
        start_s, end_s = float(starts[index]), float(starts[index + 1])
        # The last run of pauses before the next word is silence, not word.
        within = pauses[(pauses > start_s + least) & (pauses < end_s)]
        if within.size:
            end_s = float(within[0])
        words.append(Word(token, start_s, end_s))
    return tuple(words)
