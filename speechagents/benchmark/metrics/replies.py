"""Questions, and what has the form of an answer to them.

Owns the kinds of questions and the forms of answers, as far as words show them. Does not know who asks or answers, nor
whether an answer is true or polite. The kinds are those of Quirk et al. 1985 (A Comprehensive Grammar of the English
Language, 11.4-11.23): yes-no questions and wh-questions by what they ask for. That an answer has the form that its
question makes relevant is the conditional relevance of adjacency pairs (Schegloff & Sacks 1973, Semiotica 8:289).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

from speechagents.attribution.lexicon import word_set
from speechagents.benchmark.facts import sentences
from speechagents.benchmark.metrics.words import tokens


class Asks(StrEnum):
    """What a question asks for."""

    WHETHER = "whether"
    WHO = "who"
    WHERE = "where"
    WHEN = "when"
    WHY = "why"
    HOW_MUCH = "how_much"
    WHAT = "what"


_MARK: Final = re.compile(r"\?[\"'”’)\s]*$")
_HEAD: Final = 3
"""A wh-word among the first words makes a wh-question ("And then what?" is one, "Do you see what I mean?" is none)."""
_OPENING: Final = 4

_BY_WORD: Final = {
    "who": Asks.WHO,
    "whose": Asks.WHO,
    "whom": Asks.WHO,
    "who's": Asks.WHO,
    "where": Asks.WHERE,
    "where's": Asks.WHERE,
    "when": Asks.WHEN,
    "why": Asks.WHY,
    "what": Asks.WHAT,
    "what's": Asks.WHAT,
    "which": Asks.WHAT,
    "how": Asks.WHAT,
}
_MEASURES: Final = word_set("many much long old far deep often high big tall heavy")
_YES_NO: Final = word_set(
    "yes yeah yep aye no nope nay never not certainly surely course perhaps maybe probably always naturally absolutely "
    "exactly hardly both neither indeed true right"
)
_AUXILIARIES: Final = word_set(
    "am is are was were do does did have has had can could will would shall should may might must isn't aren't wasn't "
    "weren't don't doesn't didn't haven't hasn't hadn't can't couldn't won't wouldn't shan't shouldn't mustn't"
)
_SUBJECTS: Final = word_set("i you he she it we they that this there nobody everybody everyone one")
_NUMBERS: Final = word_set(
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million half quarter "
    "both all enough dozen once twice"
)
_TIMES: Final = word_set(
    "today tomorrow yesterday tonight now soon later ago before after since until till never always noon midnight "
    "morning evening night day week month year hour minute monday tuesday wednesday thursday friday saturday sunday "
    "january february march april may june july august september october november december at in when spring summer "
    "autumn winter christmas easter"
)
_PERSONS: Final = word_set(
    "me mine him his her hers us ours them theirs yours my your nobody somebody everybody everyone anyone whoever"
)
_PLACES: Final = word_set(
    "in at on under behind by beside from to into inside outside over above below between near here there home up down "
    "upstairs downstairs somewhere nowhere everywhere back across off through next"
)
_REASONS: Final = word_set("because so to for since that's it's i so's if who you")
_THINGS: Final = word_set(
    "a an the my your his her our their this that it it's that's nothing something some no two three what i to"
)
_PASSING: Final = frozenset({"know", "idea", "ask", "asking", "asked", "tell", "guess", "wonder"})
_TURNED: Final = {
    "you": ("i", "i'm", "i've", "i'd", "i'll", "we", "my", "me", "we're", "we've"),
    "your": ("i", "i'm", "my", "mine", "we", "our", "it's"),
    "i": ("you", "you're", "you've", "you'll", "your"),
    "my": ("you", "your", "you're", "it's"),
    "he": ("he", "he's", "he'd", "he'll", "his", "him"),
    "his": ("he", "he's", "his", "it's"),
    "she": ("she", "she's", "she'd", "she'll", "her"),
    "her": ("she", "she's", "her", "it's"),
    "they": ("they", "they're", "they've", "they'll", "their"),
    "it": ("it", "it's", "it'll"),
    "that": ("it", "it's", "that", "that's"),
    "this": ("it", "it's", "this", "that", "that's"),
    "we": ("we", "we're", "we've", "you", "i"),
}


def question(text: str) -> str:
    """The last question in a line; empty if there is none."""
    return next((one for one in reversed(sentences(text)) if _MARK.search(one)), "")


def asks(question: str) -> Asks:
    """What a question asks for."""
    words = tokens(question)
    for place, word in enumerate(words[:_HEAD]):
        if word == "how" and place + 1 < len(words) and words[place + 1] in _MEASURES:
            return Asks.HOW_MUCH
        if word == "what" and words[place + 1 : place + 2] == ["time"]:
            return Asks.WHEN
        if word == "how" and words[place + 1 : place + 2] == ["come"]:
            return Asks.WHY
        if word in _BY_WORD:
            return _BY_WORD[word]
    return Asks.WHETHER


def has_answer_form(question: str, line: str) -> bool:
    """Whether the beginning of a line has the form of an answer to a question.

    Either it has what the kind of question asks for in its first sentence (yes or no or a repeated auxiliary, a person,
    a place, a time, a reason, a number, a thing), or it passes ("I don't know", "Ask him").
    """
    first = tokens(next(iter(sentences(line)), ""))
    head = first[:_OPENING]
    if not head:
        return False
    if any(word in _PASSING for word in head):
        return True
    match asks(question):
        case Asks.WHETHER:
            return any(word in _YES_NO for word in head[:2]) or _repeats_auxiliary(tokens(question), head)
        case Asks.WHO:
            return head[0] in _PERSONS or any(
                one in _SUBJECTS and two in _AUXILIARIES for one, two in pairwise(head[:3])
            )
        case Asks.WHERE:
            return any(word in _PLACES for word in head)
        case Asks.WHEN:
            return any(word in _TIMES or word in _NUMBERS or word.isdigit() for word in first)
        case Asks.WHY:
            return head[0] in _REASONS or "because" in first
        case Asks.HOW_MUCH:
            return any(word in _NUMBERS or word.isdigit() for word in first)
        case Asks.WHAT:
            return head[0] in _THINGS


def turns_to(question: str, line: str) -> bool:
    """Whether a line begins with the person that a question is about: "Are you…?" with "I", "Is she…?" with "she"."""
    asked = tokens(question)
    head = frozenset(tokens(line)[:_OPENING])
    return any(word in head for one in asked for word in _TURNED.get(one.split("'")[0], ()))


def _repeats_auxiliary(asked: Sequence[str], head: Sequence[str]) -> bool:
    """Whether a subject has an auxiliary of the question: "Did you?", "I did"; "Isn't it?", "It isn't so"."""
    known = {_positive(word) for word in asked if word in _AUXILIARIES}
    return any(one in _SUBJECTS and _positive(two) in known for one, two in pairwise(head))


def _positive(auxiliary: str) -> str:
    """An auxiliary without its "n't", in the person that answers."""
    plain = {"can't": "can", "won't": "will", "shan't": "shall"}.get(auxiliary, auxiliary.removesuffix("n't"))
    return {"am": "are", "is": "are", "was": "were", "does": "do", "has": "have"}.get(plain, plain)
