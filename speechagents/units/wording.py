"""What speech-unit language models read and write: an agent's input as one string, and a turn as its continuation.

Owns the order of marks, how much room each thing has, and how an answer is read back. Does not know tokens, but counts
them by whoever does (`tokens`), nor how an answer comes about (`generation`).

::

    <scene> TITLE<about> BACKGROUND<cast><r0> NAME<r1> NAME   what is shared comes first
    <says><r0><to><r1><style:calm><u12><u7>…                  each message as it was heard, the oldest first
    <says><r1><style:sad><text> WORDS                         one whose sound is not known
    <you><r0><who> PROFILE<thinks>                            who is asked
     THOUGHTS<to><r1><answers> WORDS<style:angry><u3><u90>…<end>      what is written

    <next><r1><end>                                           behind the messages: who speaks next
    <hear><u12><u7>…<text> WORDS<end>                         what was said?
    <read> WORDS<style:calm><u12><u7>…<end>                   say it
    <ask> QUESTION<text> ANSWER<end>                          anything else

A text begins with a space, so that a word is the same tokens at its beginning and within; in it stands no mark
(`tokens.plain`). Each role has a mark, which stands for its name everywhere but in lines: casts are new in each scene,
and a small model that cannot spell a name it never met can still point at one. It hears the last messages alone, and
only what was said: facts, beats, notes, goals, and what was done without words have no place in its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import MAX_LINE_CHARS, Deed, Style, Turn, role_key
from speechagents.styles import STYLES
from speechagents.units.tokens import END, plain, role_mark, style_mark, unit_marks

MESSAGES: Final = 5
"""Most messages that are heard."""
MESSAGE_UNITS: Final = 256
"""Most units of a message that are heard, its last: about 20 s."""
TITLE_CHARS: Final = 80
BACKGROUND_CHARS: Final = 240
"""About 60 tokens."""
PROFILE_CHARS: Final = 160
"""About 40 tokens."""
NAME_CHARS: Final = 32
THOUGHT_CHARS: Final = 240
WORDS_CHARS: Final = 400
ADDRESSES: Final = 3
"""Most names of those who are spoken to; more are everybody."""
ANSWER_SHARE: Final = 0.375
"""Part of a model's context that is kept free for its answer."""

Count = Callable[[str], int]
"""How many tokens a string has."""

_ANSWER: Final = re.compile(
    r"(?P<thoughts>(?:[^<]|<r\d{1,3}>)*)(?P<to>(?:<to><r\d{1,3}>)*)<answers>(?P<words>[^<]*)<style:(?P<style>[a-z]+)>"
    r"(?P<units>(?:<u\d{1,5}>)*)<end>"
)
_UNIT: Final = re.compile(r"<u(\d+)>")
_ROLE: Final = re.compile(r"<r(\d+)>")


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
    own = f"<you>{_role(ask.role.name, role_marks(ask.present))}" + (f"<who>{spaced(profile)}" if profile else "")
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


def turn_answer(turn: Turn, units: Sequence[int], present: Sequence[str]) -> tuple[Stretch, ...]:
    """A turn behind its `turn_prompt`.

    Args:
        turn: Something that is said.
        present: Names of the roles that are there, as in the prompt.
        units: As what it is said; none where they are not known.

    Raises:
        ValueError: Nothing is said in it.
    """
    words = plain(turn.text)
    if turn.deed is not Deed.SPEAK or not words:
        raise ValueError("the unit format has a place for what is said alone")
    marks = role_marks(present)
    return _written_parts(
        Stretch(What.THOUGHTS, _with_marks(spaced(clipped(turn.thoughts, THOUGHT_CHARS)), present)),
        Stretch(What.FORM, _addressed(turn.addresses, marks) + "<answers>"),
        Stretch(What.LINE, spaced(words)),
        Stretch(What.STYLE, style_mark(turn.style.tag)),
        Stretch(What.UNITS, unit_marks(units)),
        Stretch(What.FORM, END),
    )


def next_answer(speaker: str, present: Sequence[str]) -> tuple[Stretch, ...]:
    """Who speaks next, behind `next_prompt`; a name that is not among those present is written out."""
    return (Stretch(What.ANSWER, _role(speaker, role_marks(present)) + END),)


def words_answer(words: str) -> tuple[Stretch, ...]:
    """Words behind `hear_prompt` and `question_prompt`.

    The end is part of it, or else the beginning of an answer would be one, too.
    """
    return (Stretch(What.ANSWER, spaced(words) + END),)


def speech_answer(units: Sequence[int]) -> tuple[Stretch, ...]:
    """Units behind `read_prompt`."""
    return _written_parts(Stretch(What.UNITS, unit_marks(units)), Stretch(What.FORM, END))


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
    named = [_named(place, ask.present) for place in _ROLE.findall(found["to"])]
    return Turn(
        ask.role.name,
        text=words,
        style=Style(found["style"]),
        thoughts=_written(_ROLE.sub(lambda mark: f" {_named(mark[1], ask.present)}", found["thoughts"])),
        addresses=tuple(dict.fromkeys(name for name in named if name and role_key(name) != ask.role.key)),
        units=read_units(found["units"]),
    )


def role_marks(present: Sequence[str]) -> Mapping[str, str]:
    """The mark of each role that is there, by its key, in order."""
    return {role_key(name): mark for place, name in enumerate(present) if (mark := role_mark(place))}


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
    marks = role_marks(ask.present)
    said = [(message, of) for message, of in zip(ask.heard, units, strict=True) if message.deed in _SAID]
    for message, of in reversed(said[-MESSAGES:]):
        shown = _message(message, marks, of[-min(MESSAGE_UNITS, room // 2) :] if of else ())
        left -= count(shown)
        if left < 0:
            break
        heard.append(shown)
    return "".join([shared, *reversed(heard), own])


_SAID: Final = (Deed.SPEAK, Deed.BACK_CHANNEL)


def _shared(ask: AgentInput) -> str:
    cast = "".join(f"{role_mark(place)}{spaced(clipped(name, NAME_CHARS))}" for place, name in enumerate(ask.present))
    about = clipped(ask.scene.background, BACKGROUND_CHARS)
    return (
        f"<scene>{spaced(clipped(ask.scene.title, TITLE_CHARS))}"
        + (f"<about>{spaced(about)}" if about else "")
        + f"<cast>{cast}"
    )


def _message(message: Heard, marks: Mapping[str, str], units: Sequence[int]) -> str:
    what = unit_marks(units) if units else f"<text>{spaced(clipped(message.text, WORDS_CHARS))}"
    to = _addressed(message.addresses, marks)
    return f"<says>{_role(message.speaker, marks)}{to}{style_mark(message.style.tag)}{what}"


def _role(name: str, marks: Mapping[str, str]) -> str:
    """The mark of a role; the name of one that is not there."""
    return marks.get(role_key(name)) or spaced(clipped(name, NAME_CHARS))


def _addressed(names: Sequence[str], marks: Mapping[str, str]) -> str:
    """Those who are spoken to, of whom one that has left is none; too many are everybody."""
    there = [mark for name in names if (mark := marks.get(role_key(name)))]
    return "".join(f"<to>{mark}" for mark in there) if len(there) <= ADDRESSES else ""


def _with_marks(shown: str, present: Sequence[str]) -> str:
    """A text with the marks of roles where their names stood, the space before a name included."""
    marks = {plain(name): mark for place, name in enumerate(present) if (mark := role_mark(place)) and plain(name)}
    if not marks:
        return shown
    longest_first = sorted(marks, key=len, reverse=True)
    return re.sub(f" ({'|'.join(map(re.escape, longest_first))})(?!\\w)", lambda found: marks[found[1]], shown)


def _named(place: str, present: Sequence[str]) -> str:
    """The name at a place of the cast; nothing if nobody has it."""
    return present[int(place)] if int(place) < len(present) else ""


def _written(text: str) -> str:
    """A text that a model wrote, byte by byte if it liked: without what is no character."""
    return plain(text.replace("\N{REPLACEMENT CHARACTER}", ""))


def _written_parts(*stretches: Stretch) -> tuple[Stretch, ...]:
    return tuple(one for one in stretches if one.text)
