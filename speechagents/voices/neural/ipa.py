"""Text as sounds of the International Phonetic Alphabet, for neural models that read phonemes.

Owns the process that makes them (`ipa_worker`, which holds espeak-ng), and that punctuation stays where it was, for
models phrase by it. Does not know which sounds a model has.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import espeakng_loader

from speechagents.errors import SynthesisError
from speechagents.voices.neural import ipa_worker

PUNCTUATION: Final = ';:,.!?¡¿—…"«»“”()'
"""Marks that stay. Inside a word or number they are left to espeak-ng."""

_MARKS: Final = re.compile(rf"(?:^|(?<=\s))[{re.escape(PUNCTUATION)}]+|[{re.escape(PUNCTUATION)}]+(?=\s|$)|—+")
_TITLES: Final = re.compile(r"\b(Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr)\.(?=\s)")
_SWITCH: Final = re.compile(r"\([^()]*\)")
"""What espeak-ng writes around a word that it takes for another language's; text has no brackets left."""
_LIMIT_S: Final = 30.0
_MOST_CHARS: Final = 100_000


def ipa_of(texts: Sequence[str], language: str, *, tie: str = "") -> list[str]:
    """The sounds of texts, words separated by spaces.

    Args:
        texts: Plain text in one language.
        language: espeak-ng's file for it, such as ``gmw/en-US``.
        tie: Character between letters that are one sound; empty for none.

    Raises:
        SynthesisError: espeak-ng cannot be started, does not speak the language, or took too long.
    """
    parts = [_split(text) for text in texts]
    spoken = list(dict.fromkeys(part for row in parts for part, mark in row if not mark))
    sounds = dict(zip(spoken, _asked(tuple(spoken), language, tie), strict=True))
    return ["".join(part if mark else _spaced(part, sounds[part]) for part, mark in row).strip() for row in parts]


def _split(text: str) -> list[tuple[str, bool]]:
    """A text in parts, each with whether it is punctuation; together they are the text."""
    text = _TITLES.sub(r"\1", " ".join(text.split()))
    parts: list[tuple[str, bool]] = []
    at = 0
    for found in _MARKS.finditer(text):
        parts += [(text[at : found.start()], False), (found.group(), True)]
        at = found.end()
    parts.append((text[at:], False))
    return [(part, mark or not part.strip()) for part, mark in parts if part]


def _spaced(text: str, sounds: str) -> str:
    """Sounds with the white space that stood around their text."""
    before = " " if text[:1].isspace() else ""
    return before + sounds + (" " if text[-1:].isspace() else "")


@lru_cache(maxsize=256)
def _asked(texts: tuple[str, ...], language: str, tie: str) -> tuple[str, ...]:
    if not texts:
        return ()
    if sum(map(len, texts)) > _MOST_CHARS:
        raise SynthesisError(f"more than {_MOST_CHARS} characters at once; split the text")
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-I",
                "-S",
                str(Path(ipa_worker.__file__)),
                espeakng_loader.get_library_path(),
                espeakng_loader.get_data_path(),
            ],
            input=json.dumps({"language": language, "tie": tie, "texts": texts}).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT_S,
            check=True,
        )
        told = json.loads(done.stdout)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        raise SynthesisError(f"espeak-ng cannot read this text ({type(error).__name__})") from error
    if "error" in told or len(told["ipa"]) != len(texts):
        raise SynthesisError(str(told.get("error", "espeak-ng lost a text")))
    return tuple(" ".join(_SWITCH.sub("", sounds).split()) for sounds in told["ipa"])
