"""The format of OpenAI's transcription requests, and what can be believed of an answer.

Owns the fields of a request, what differs between servers (`HearingDialect`), and the reading of answers: text, words
with times, language. Everything that comes back is untrusted; what repeats itself, or is more than anybody could have
said in the time, was made up and is left out. Does not know how it travels.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from speechagents.scripts.languages import language_tag

MAX_HINT_CHARS: Final = 400
"""Whisper reads the last 224 tokens of a prompt."""

MADE_UP_RATIO: Final = 2.4
"""Text that compresses better than this repeats itself: Whisper's own sign of a hallucination (Radford et al. 2022)."""

_NO_SPEECH: Final = 0.6
_UNSURE: Final = -1.0
"""A segment that is probably no speech, and of whose words the model is unsure, is silence (the same paper)."""

_CHARS_PER_S: Final = 40.0
_CHARS_SLACK: Final = 100
"""Nobody speaks faster: the fastest have 25 characters a second."""

_MAX_WORDS: Final = 20_000
_MAX_WORD_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class HearingDialect:
    """What a server takes beyond a file and a model; the first thing tried gives the most.

    Attributes:
        answer: ``words`` asks for word times, ``segments`` for those of sentences, ``text`` for nothing but text.
        prompted: It takes likely words as a prompt.
        told_language: It takes a language.
        tempered: It takes a temperature.
    """

    answer: str = "words"
    prompted: bool = True
    told_language: bool = True
    tempered: bool = True

    def without(self, complaint: str) -> HearingDialect | None:
        """The next one to try after a server's complaint; None if it is not about what it takes.

        Every step gives something up for good, so that there are few of them.
        """
        words = complaint.casefold()
        if self.answer == "words" and re.search(r"granularit|word[- _]?(level )?timestamp", words):
            return replace(self, answer="segments")
        if self.answer != "text" and re.search(r"verbose_json|response_format|timestamp", words):
            return replace(self, answer="text")
        if self.prompted and re.search(r"\bprompt\b", words):
            return replace(self, prompted=False)
        if self.tempered and "temperature" in words:
            return replace(self, tempered=False)
        if self.told_language and "language" in words:
            return replace(self, told_language=False)
        return None


def form_fields(
    dialect: HearingDialect, *, model: str, hints: Sequence[str], language: str
) -> dict[str, str | Sequence[str]]:
    """The fields of a request beside the file.

    Args:
        dialect: What the server takes.
        model: Its name there.
        hints: Names and words that are likely.
        language: Primary tag; empty lets the model find out.
    """
    fields: dict[str, str | Sequence[str]] = {"model": model}
    fields["response_format"] = "json" if dialect.answer == "text" else "verbose_json"
    if dialect.answer == "words":
        fields["timestamp_granularities[]"] = ["word", "segment"]
    if dialect.tempered:
        fields["temperature"] = "0"
    prompt = ", ".join(hints)[:MAX_HINT_CHARS]
    if prompt and dialect.prompted:
        fields["prompt"] = prompt
    if language and dialect.told_language:
        fields["language"] = language
    return fields


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of an answer, times in seconds from the start of what was sent."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class HeardText:
    """What an answer says, as far as it can be believed."""

    text: str
    words: tuple[HeardWord, ...] = ()
    language: str = ""


def read_answer(data: object, *, duration_s: float) -> HeardText | None:
    """What was understood; None where the answer holds no text at all.

    Args:
        data: The JSON that came back.
        duration_s: Length of what was sent, in seconds.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
        return None
    language = _language(data.get("language"))
    segments = [one for one in _rows(data.get("segments")) if isinstance(one.get("text"), str)]
    believed = [one for one in segments if not _made_up(one)]
    text = _clean(" ".join(str(one["text"]) for one in believed) if len(believed) < len(segments) else data["text"])
    if _repeats(text) or len(text) > _CHARS_SLACK + _CHARS_PER_S * duration_s:
        return HeardText("", language=language)
    rows = _rows(data.get("words")) or [word for one in segments for word in _rows(one.get("words"))]
    words = [word for word in map(_word, rows) if word is not None]
    doubted = [one for one in segments if one not in believed]
    words = [word for word in words if not any(_within(word, one) for one in doubted)]
    return HeardText(text, tuple(words) if text else (), language)


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value[:_MAX_WORDS] if isinstance(row, Mapping)] if isinstance(value, list) else []


def _made_up(segment: Mapping[str, Any]) -> bool:
    silent = (_number(segment.get("no_speech_prob")) or 0.0) > _NO_SPEECH
    unsure = (_number(segment.get("avg_logprob")) or 0.0) < _UNSURE
    return (silent and unsure) or _repeats(str(segment["text"]))


def _repeats(text: str) -> bool:
    packed = text.encode("utf-8", "replace")
    return len(packed) > MADE_UP_RATIO * len(zlib.compress(packed))


def _word(row: Mapping[str, Any]) -> HeardWord | None:
    text, start_s, end_s = row.get("word", row.get("text")), _number(row.get("start")), _number(row.get("end"))
    if not isinstance(text, str) or start_s is None or end_s is None or not 0.0 <= start_s <= end_s:
        return None
    text = _clean(text[:_MAX_WORD_CHARS])
    sure = _number(row.get("probability", row.get("confidence")))
    confidence = 1.0 if sure is None else min(1.0, max(0.0, sure))
    return HeardWord(text, start_s, end_s, confidence) if text else None


def _within(word: HeardWord, segment: Mapping[str, Any]) -> bool:
    start_s, end_s = _number(segment.get("start")), _number(segment.get("end"))
    return start_s is not None and end_s is not None and start_s <= (word.start_s + word.end_s) / 2.0 <= end_s


def _number(value: object) -> float | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if isinstance(value, int | float) and right else None


def _language(value: object) -> str:
    """The tag of a language that a server names by tag or, as OpenAI does, by its English name."""
    return language_tag(value) if isinstance(value, str) and len(value) <= 40 else ""


def _clean(text: str) -> str:
    """One line without halves of surrogate pairs, which no file can hold, and control characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(char if char.isprintable() else " " for char in whole).split())
