"""Script text made fit for espeak-ng, with the place of every word kept.

Owns the normalisation: what is spoken, what only shapes the melody, what is dropped; and the mapping from
characters sent to the words of the text. Knows nothing of voices or sound. Nothing in the text is markup:
espeak-ng is called without SSML, and control characters, which it reads as commands, never reach it. Nor does a
bracket: the phoneme input, which double brackets open, is for phonetic words alone (`voices.phonetic`), and only what
`phonemes` knows stands in it.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from speechagents.voices.espeak.phonemes import english_phonemes
from speechagents.voices.phonetic import has_sounds, replaced, spelled

MAX_TEXT_CHARS: Final = 20_000
"""Longest text that one take may have (about 25 minutes)."""

_PAUSE_MARKS: Final = ".,;:!?"
_REPLACED: Final = {
    "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'",
    "“": "", "”": "", "„": "", "«": "", "»": "", "‹": "", "›": "", '"': "", "″": "",
    "…": ",", "—": ", ", "–": ", ", "―": ", ", "‒": "-", "‐": "-", "‑": "-", "−": "-",
    "。": ". ", "，": ", ", "、": ", ", "！": "! ", "？": "? ", "；": "; ", "：": ": ",
    "؟": "?", "،": ",", "؛": ";", "।": ".",
    "‽": "?", "⁉": "?", "⁈": "?", "‼": "!", "¡": "", "¿": "",
    "（": ", ", "）": ", ", "(": ", ", ")": ", ",
}  # fmt: skip
_SPOKEN_SYMBOLS: Final = frozenset("&%+=@#€$£¥°§×÷√")
_CURRENCIES: Final = {"$": "dollars", "£": "pounds", "€": "euros", "¥": "yen"}
# English titles whose full stop ends no sentence; espeak-ng would pause and drop its voice.
_TITLES: Final = frozenset(
    ("mr", "mrs", "ms", "dr", "st", "prof", "sgt", "lt", "capt", "cpt", "col", "gen", "rev", "hon", "mt", "messrs")
)
_JOINERS: Final = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class SpokenText:
    """Text to send, and where its words stand in it.

    Attributes:
        text: What espeak-ng is given; empty when nothing in it can be spoken.
        tokens: The spoken tokens as they stand in the original, marks included.
        starts: 0-based character in `text` at which each token starts, ascending.
    """

    text: str
    tokens: tuple[str, ...]
    starts: tuple[int, ...]

    def token_at(self, character: int) -> int:
        """Index of the token that a 0-based character of `text` belongs to."""
        return max(0, bisect_right(self.starts, character) - 1)


def spoken_text(text: str, *, language: str) -> SpokenText:
    """Normalise a text token by token (tokens are separated by white space).

    Quotation marks and emoji are dropped, dashes, ellipses and brackets become pauses. A line in capitals is
    lowered: espeak-ng would spell its short words. A token without anything to speak lends its pause to the one
    before it. A phonetic word is spoken by its sounds in English, by its letters elsewhere.
    """
    raw = unicodedata.normalize("NFC", text).split()
    lowered = _in_capitals(raw)
    english = language.lower().startswith("en") or not language
    pieces: list[str] = []
    tokens: list[str] = []
    starts: list[int] = []
    length = 0
    for place, token in enumerate(raw):
        sounds = english and has_sounds(token)
        piece = _phonetic_piece(token) if sounds else _piece(spelled(token), english=english)
        if not any(c.isalnum() or c in _SPOKEN_SYMBOLS for c in piece):
            mark = next((c for c in piece if c in _PAUSE_MARKS), "," if "-" in piece else "")
            if pieces and mark and pieces[-1][-1] not in _PAUSE_MARKS:
                pieces[-1] += mark
                length += 1
            continue
        if english and place + 1 < len(raw) and _is_title(piece):
            piece = piece[:-1]
        if lowered and token != "I" and not sounds:  # noqa: S105 - the pronoun
            piece = piece.lower()
        if pieces:
            length += 1
        tokens.append(spelled(token))
        starts.append(length)
        pieces.append(piece)
        length += len(piece)
    return SpokenText(" ".join(pieces), tuple(tokens), tuple(starts))


def _in_capitals(tokens: list[str]) -> bool:
    """Whether most words are written in capitals, so that capitals mean loudness, not abbreviation."""
    words = [token for token in tokens if sum(map(str.isalpha, token)) >= 2]
    capitals = sum(1 for word in words if word.isupper())
    return capitals >= 2 and 2 * capitals > len(words)


def _is_title(piece: str) -> bool:
    """Whether a piece is a title ("Mr.") or an initial ("J."; "I." ends a sentence more often)."""
    stem, stop = piece[:-1], piece[-1:]
    return stop == "." and (stem.lower() in _TITLES or (len(stem) == 1 and stem.isupper() and stem != "I"))


def _phonetic_piece(token: str) -> str:
    """A token with a phonetic word in it, its marks of punctuation kept."""
    pieces: list[str] = []

    def spoken(ipa: str, letters: str) -> str:
        pieces.append(f"[[{phonemes}]]" if (phonemes := english_phonemes(ipa)) else _piece(letters, english=True))
        return f"\0{len(pieces) - 1}\0"

    # What stands around goes the way of all text, so that no bracket of it comes near the engine.
    whole = replaced(token.replace("\0", ""), spoken)
    return "".join(
        pieces[int(part)] if odd else _piece(part, english=True)
        for part, odd in zip(whole.split("\0"), cycle((False, True)), strict=False)
    )


def _piece(token: str, *, english: bool) -> str:
    """One token as espeak-ng shall read it."""
    out: list[str] = []
    for place, char in enumerate(token):
        category = unicodedata.category(char)
        if char in _REPLACED:
            out.append(_REPLACED[char])
        elif char in _JOINERS:
            # Persian and the Indic scripts spell with them; in emoji they join what is dropped anyway.
            if 0 < place < len(token) - 1 and token[place - 1].isalpha() and token[place + 1].isalpha():
                out.append(char)
        elif category[0] in "LMN" or char in _SPOKEN_SYMBOLS or char in ".,;:!?'-":
            out.append(char)
        elif category[0] in "PS":
            out.append(" ")
    piece = " ".join("".join(out).replace("--", ", ").replace("...", ",").split()).replace(" ,", ",")
    if any(c.isalnum() or c in _SPOKEN_SYMBOLS for c in piece):
        piece = piece.lstrip(",.;:!? ")
    if english and len(piece) > 1 and piece[0] in _CURRENCIES and piece[1].isdigit():
        amount = piece[1:].rstrip(_PAUSE_MARKS)
        piece = f"{amount} {_CURRENCIES[piece[0]]}{piece[1 + len(amount) :]}"
    return piece
