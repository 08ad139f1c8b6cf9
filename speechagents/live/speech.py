"""One line of an agent on the live stage: it can be heard while it is still being spoken, and cut off.

Owns what was spoken and what of it was heard. Does not know who speaks to whom, how sound reaches anybody, nor how a
line comes to be in pieces (`clauses`, `streamed`).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from speechagents.agents.interplay import CUT_MARK
from speechagents.audio import Audio
from speechagents.drama import MAX_LINE_CHARS
from speechagents.live.clauses import Clause, Piece, Unspoken, spoken_by_clause
from speechagents.live.streamed import spoken_as_it_comes
from speechagents.voices.synthesizer import SpokenLine, StreamsSpeech, Synthesizer, Take, Word

_CUT_FADE_S: Final = 0.012
_HEARD_EARLY_S: Final = 0.03
"""A word of which no more than this is missing was heard."""


class LineSpeech:
    """One line while it is being spoken. `clauses` may run in one thread while another asks what was `heard`.

    Args:
        synthesizer: The voices; those that can be heard while they are made are, all others speak clause by clause.
        line: What is said.
    """

    def __init__(self, synthesizer: Synthesizer, line: SpokenLine) -> None:
        self._line = line
        if isinstance(synthesizer, StreamsSpeech) and synthesizer.streams:
            self._spoken = spoken_as_it_comes(synthesizer, line)
        else:
            self._spoken = spoken_by_clause(synthesizer, line)
        self._pieces: list[Piece] = []
        self._complete = self._stopped = False
        self._next = threading.Lock()
        self.problem = ""
        """Why a part of the line has no sound; empty if all of it could be spoken."""

    def clauses(self) -> Iterator[Clause]:
        """All pieces that can be spoken, from the first one on, each as soon as it is ready."""
        number = 0
        while number < len(self._pieces) or self._speak_next(number):
            yield self._pieces[number].clause
            number += 1

    def whole(self) -> Take | None:
        """The take of the whole line; what is not spoken yet is spoken now. None if nothing can be spoken."""
        for _ in self.clauses():
            pass
        return self._joined(self._words) if self._pieces else None

    def heard(self, heard_s: float) -> tuple[str, Take] | None:
        """What was said, and its sound, when the line was cut off after so many seconds.

        Returns:
            The text with `CUT_MARK` behind it, or as it stands if its last word was heard; None if no word was.
        """
        complete, words = self._complete, self._words
        said = said_until(self._line.text, words, heard_s)
        if said is None:
            return None
        text, known = said
        if complete and len(known) == len(words) and known[-1] == words[-1]:
            return self._line.text, self._joined(words)
        joined = self._joined(known).audio
        sound = joined.samples[: round(heard_s * joined.rate_hz)].copy()
        fade = min(sound.size, round(_CUT_FADE_S * joined.rate_hz))
        sound[sound.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        return text, Take(self._line, Audio(sound, joined.rate_hz), known)

    def stop(self) -> None:
        """Nothing more is wanted of it: what is not being spoken already stays unspoken."""
        self._stopped = True
        if self._next.acquire(blocking=False):
            try:
                self._spoken.close()
            finally:
                self._next.release()

    @property
    def _words(self) -> tuple[Word, ...]:
        return tuple(word for piece in self._pieces for word in piece.clause.words)

    def _joined(self, words: tuple[Word, ...]) -> Take:
        sounds = [piece.native for piece in self._pieces]
        sound = Audio(np.concatenate([one.samples for one in sounds]), sounds[0].rate_hz)
        return Take(self._line, sound, words)

    def _speak_next(self, number: int) -> bool:
        """Add the piece of a number, if there is one; those that cannot be spoken are passed over."""
        with self._next:
            while number >= len(self._pieces):
                piece = None if self._stopped else next(self._spoken, None)
                if piece is None:
                    self._complete = not self._stopped
                    return False
                if isinstance(piece, Unspoken):
                    self.problem = piece.reason
                else:
                    self._pieces.append(piece)
            return True


def said_until(text: str, words: Sequence[Word], heard_s: float) -> tuple[str, tuple[Word, ...]] | None:
    """How far somebody got with a line, and with which words.

    In scripts without spaces a run of characters counts as one word; of those it is divided by its length.

    Args:
        text: The line.
        words: Its words, times from its start.
        heard_s: How much of it was heard.

    Returns:
        The text with `CUT_MARK` behind it; None if not a single word was heard.
    """
    end, heard = 0, []
    for word in words:
        begins = max(end, text.find(word.text, end))
        if word.end_s <= heard_s + _HEARD_EARLY_S:
            end = begins + len(word.text)
            heard.append(word)
            continue
        share = (heard_s - word.start_s) / max(1e-6, word.end_s - word.start_s)
        part = word.text[: max(0, int(share * len(word.text)))]
        if part and unicodedata.east_asian_width(part[-1]) == "W":
            end = begins + len(part)
            heard.append(Word(part, word.start_s, heard_s))
        break
    if not heard:
        return None
    said = re.sub(r"[^\w]+$", "", text[:end])[: MAX_LINE_CHARS - len(CUT_MARK)]
    return said + CUT_MARK, tuple(heard)
