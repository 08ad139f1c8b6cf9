"""What speech-unit language models read and write: an agent's input as one string, and a turn as its continuation.

Owns the order of marks, how much room each thing has, and how an answer is read back. Does not know tokens, but counts
them by whoever does (`tokens`), nor how an answer comes about (`generation`).

::

    <scene> TITLE<about> BACKGROUND<cast> NAME, NAME          what is shared comes first
    <says> NAME<to> NAME<style:calm><u12><u7>…                each message as it was heard, the oldest first
    <says> NAME<style:sad><text> WORDS                        one whose sound is not known
    <you> NAME<who> PROFILE<thinks>                           who is asked
     THOUGHTS<to> NAME<answers> WORDS<style:angry><u3><u90>…<end>     what is written

    <next> NAME<end>                                          behind the messages: who speaks next
    <hear><u12><u7>…<text> WORDS<end>                         what was said?
    <read> WORDS<style:calm><u12><u7>…<end>                   say it
    <ask> QUESTION<text> ANSWER<end>                          anything else

A text begins with a space, so that a word is the same tokens at its beginning and within; in it stands no mark
(`tokens.plain`). A small model hears the last messages alone, and only what was said: facts, beats, notes, goals, and
what was done without words have no place in its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import MAX_LINE_CHARS, Deed, Style, Turn, role_key
from speechagents.styles import STYLES
from speechagents.units.tokens import END, plain, style_mark, unit_marks

MESSAGES: Final = 5
"""Most messages that are heard."""
MESSAGE_UNITS: Final = 256
"""Most units of a message that are heard, its last: about 20 s."""
TITLE_CHARS: Final = 80
BACKGROUND_CHARS: Final = 240
"""About 60 tokens."""
PROFILE_CHARS: Final = 160
"""About 40 tokens."""
CAST_CHARS: Final = 320
THOUGHT_CHARS: Final = 240
WORDS_CHARS: Final = 400
ADDRESSES: Final = 3
"""Most names of those who are spoken to; more are everybody."""
ANSWER_SHARE: Final = 0.375
"""Part of a model's context that is kept free for its answer."""

Count = Callable[[str], int]
"""How many tokens a string has."""

_ANSWER: Final = re.compile(
    r"(?P<thoughts>[^<]*)(?P<to>(?:<to>[^<]*)*)<answers>(?P<words>[^<]*)<style:(?P<style>[a-z]+)>"
    r"(?P<units>(?:<u\d{1,5}>)*)<end>"
)
_UNIT: Final = re.compile(r"<u(\d+)>")


class What(StrEnum):
    """What a stretch of an answer is; the names are those of `tuning.family.Part`."""

    THOUGHTS = "thoughts"
    STYLE = "style"
    LINE = "line"
    UNITS = "units"
    ANSWER = "answer"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an answer. Those of one answer, joined, are it; each begins or ends at a mark."""

    what: What
    text: str


def turn_prompt(ask: AgentInput, units: Sequence[Sequence[int]], *, room: int, count: Count) -> str:
    """What an agent is told before it takes a turn.

    Args:
        ask: What it knows.
        units: Of each message of ``ask.heard``; none where they are not known.
        room: Most tokens; the oldest messages are left out first.
        count: Counts them.

    Raises:
        ValueError: There is no room even without messages.
    """
    profile = clipped(ask.role.profile, PROFILE_CHARS)
    own = f"<you>{spaced(ask.role.name)}" + (f"<who>{spaced(profile)}" if profile else "")
    return _prompt(ask, units, f"{own}<thinks>", room, count)


def next_prompt(ask: AgentInput, units: Sequence[Sequence[int]], *, room: int, count: Count) -> str:
    """Who speaks next? Arguments and errors are those of `turn_prompt`; the role that is asked is not in it."""
    return _prompt(ask, units, "<next>", room, count)


def hear_prompt(units: Sequence[int]) -> str:
    """What is said in these units?"""
    return f"<hear>{unit_marks(units)}<text>"


def read_prompt(words: str, style: Style) -> str:
    """Say these words in that style."""
    return f"<read>{spaced(words)}{style_mark(style.tag)}"


def question_prompt(question: str, units: Sequence[int] = ()) -> str:
    """A question in words, of what is heard if there are units."""
    heard = f"<hear>{unit_marks(units)}" if units else ""
    return f"{heard}<ask>{spaced(question)}<text>"


def turn_answer(turn: Turn, units: Sequence[int]) -> tuple[Stretch, ...]:
    """A turn behind its `turn_prompt`.

    Args:
        turn: Something that is said.
        units: As what it is said; none where they are not known.

    Raises:
        ValueError: Nothing is said in it.
    """
    words = plain(turn.text)
    if turn.deed is not Deed.SPEAK or not words:
        raise ValueError("the unit format has a place for what is said alone")
    named = turn.addresses if len(turn.addresses) <= ADDRESSES else ()
    return _present(
        Stretch(What.THOUGHTS, spaced(clipped(turn.thoughts, THOUGHT_CHARS))),
        Stretch(What.FORM, "".join(f"<to>{spaced(name)}" for name in named) + "<answers>"),
        Stretch(What.LINE, spaced(words)),
        Stretch(What.STYLE, style_mark(turn.style.tag)),
        Stretch(What.UNITS, unit_marks(units)),
        Stretch(What.FORM, END),
    )


def words_answer(words: str) -> tuple[Stretch, ...]:
    """A name behind `next_prompt`, or words behind `hear_prompt` and `question_prompt`.

    The end is part of it, or else the beginning of an answer would be one, too.
    """
    return (Stretch(What.ANSWER, spaced(words) + END),)


def speech_answer(units: Sequence[int]) -> tuple[Stretch, ...]:
    """Units behind `read_prompt`."""
    return _present(Stretch(What.UNITS, unit_marks(units)), Stretch(What.FORM, END))


def read_turn(written: str, ask: AgentInput) -> Turn:
    """The turn that a model wrote behind a `turn_prompt`.

    Args:
        written: All of it, the end included.
        ask: Who was asked, and who is there.

    Raises:
        ValueError: It has another form, or says nothing; the message says what is wrong.
    """
    found = _ANSWER.fullmatch(written)
    if found is None:
        raise ValueError(f"not in the form thoughts, words, style, units: {written[:80]!r}")
    words = _written(found["words"])
    if not any(map(str.isalnum, words)):
        raise ValueError(f"no words are said: {words[:80]!r}")
    if len(words) > MAX_LINE_CHARS:
        raise ValueError(f"more than {MAX_LINE_CHARS} characters are said")
    if found["style"] not in STYLES:
        raise ValueError(f"{found['style']!r} is no style")
    present = {role_key(plain(name)): name for name in ask.present if role_key(name) != ask.role.key}
    named = [present.get(role_key(name)) for name in found["to"].split("<to>")[1:]]
    return Turn(
        ask.role.name,
        text=words,
        style=Style(found["style"]),
        thoughts=_written(found["thoughts"]),
        addresses=tuple(dict.fromkeys(name for name in named if name is not None)),
        units=read_units(found["units"]),
    )


def read_units(written: str) -> tuple[int, ...]:
    """The units among marks, in order."""
    return tuple(int(one) for one in _UNIT.findall(written))


def read_words(written: str) -> str:
    """The words that stand before the end."""
    return _written(written.removesuffix(END))


def spaced(text: str) -> str:
    """A text as it stands behind a mark; nothing if there is none."""
    shown = plain(text)
    return f" {shown}" if shown else ""


def clipped(text: str, most: int) -> str:
    """A text of at most so many characters.

    It is cut behind a sentence if one ends in its second half, else behind a word.
    """
    shown = plain(text)
    if len(shown) <= most:
        return shown
    cut = shown[: most + 1]
    sentence = max(cut.rfind(f"{mark} ") for mark in ".!?") + 1
    word = cut.rfind(" ")
    return cut[: sentence if sentence > most // 2 else word if word > 0 else most]


def _prompt(ask: AgentInput, units: Sequence[Sequence[int]], own: str, room: int, count: Count) -> str:
    shared = _shared(ask)
    left = room - count(shared) - count(own)
    if left < 0:
        raise ValueError(f"{room} tokens are too few for a scene and a role; give the model a longer context")
    heard: list[str] = []
    said = [(message, of) for message, of in zip(ask.heard, units, strict=True) if message.deed in _SAID]
    for message, of in reversed(said[-MESSAGES:]):
        shown = _message(message, of[-min(MESSAGE_UNITS, room // 2) :] if of else ())
        left -= count(shown)
        if left < 0:
            break
        heard.append(shown)
    return "".join([shared, *reversed(heard), own])


_SAID: Final = (Deed.SPEAK, Deed.BACK_CHANNEL)


def _shared(ask: AgentInput) -> str:
    names = ", ".join(plain(name) for name in ask.present)
    about = clipped(ask.scene.background, BACKGROUND_CHARS)
    return (
        f"<scene>{spaced(clipped(ask.scene.title, TITLE_CHARS))}"
        + (f"<about>{spaced(about)}" if about else "")
        + f"<cast>{spaced(clipped(names, CAST_CHARS))}"
    )


def _message(message: Heard, units: Sequence[int]) -> str:
    named = message.addresses if len(message.addresses) <= ADDRESSES else ()
    to = "".join(f"<to>{spaced(name)}" for name in named)
    what = unit_marks(units) if units else f"<text>{spaced(clipped(message.text, WORDS_CHARS))}"
    return f"<says>{spaced(message.speaker)}{to}{style_mark(message.style.tag)}{what}"


def _written(text: str) -> str:
    """A text that a model wrote, byte by byte if it liked: without what is no character."""
    return plain(text.replace("\N{REPLACEMENT CHARACTER}", ""))


def _present(*stretches: Stretch) -> tuple[Stretch, ...]:
    return tuple(one for one in stretches if one.text)
