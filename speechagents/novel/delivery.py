"""How a quotation is said, as far as the prose around it tells.

Owns the reading of speech tags (“cried he angrily”), of what stands right before a quotation (“She laughed.”), and the
order in which cues count. Which words mean which style is the affair of `speechagents.styles`.

A way of producing voice in the verb outranks everything (whispered, shouted, sobbed), then come adverbs and phrases,
then the verb's mood, then punctuation and capitals of the quotation itself.
"""

from __future__ import annotations

import re
from typing import Final

from speechagents.attribution.quotation import Quote
from speechagents.drama import Style
from speechagents.styles import style_from_text, style_from_verb, style_from_words

_AHEAD_CHARS: Final = 90
_BEHIND_CHARS: Final = 60
_BEAT_CHARS: Final = 60
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[,;]")
# Marks of quotations end what belongs to a tag, and so does the beginning of another clause with a subject of its own.
_CLAUSE_ENDS: Final = re.compile(
    r"[.;:!?…—“”„«»\"\n(]|\s(?:and|as|while|when|but|who|whom|which|for|because|though|until|till|before|if|that|"
    r"und|als|während|aber|der|die|das|welcher|et|tandis|mais|qui|y|mientras|pero|que|che|mentre|ma|e)\s",
    re.IGNORECASE,
)
_SENTENCE_STARTS: Final = re.compile(r"[.;:!?…—“”„«»\"\n)]")


def _words(*languages: str) -> frozenset[str]:
    return frozenset(word for language in languages for word in language.split())


_DETERMINERS: Final = _words(
    "the a an this that his her my your their its our", "der die das ein eine sein seine ihr ihre",
    "le la les un une son sa ses", "el los las una su sus", "il lo gli", "o os as um uma",
)  # fmt: skip
_MANNER_OPENERS: Final = _words("in with under at into", "mit unter voller", "avec à d'une", "con en com")
# In a tag these open a manner (“with gravity”), while in the brackets of a script they open a direction.
_WITH: Final = _words("with", "mit voller", "avec", "con com")
_VOICES: Final = _words("voice tone tones breath")
_MANNER_NOUNS: Final = _words("stimme ton")
# Modes of the voice itself: where the verb says one of them, nothing of a mood is heard through it.
_MODES: Final = frozenset({"whispering", "shouting", "singing", "laughing", "crying"})
_SHORT_TAG_WORDS: Final = 4
_TITLE_DOTS: Final = re.compile(r"(?<=\b(?:Mr|Ms|Dr|St))\.|(?<=\bMrs|\bMme|\bCol|\bRev|\bGen)\.|(?<=\b[A-Z])\.")
_TONE: Final = re.compile(
    r"\b(?:in|with|mit|avec|d'une|en|con|com)\s+((?:[^\s,;]+\s+){1,5}?)"
    r"(?:voices?|tones?|accents?|manner|way|air|stimme|ton|voix|voz|voce|tono|tom)\b",
    re.IGNORECASE,
)
"""“in a low, trembling voice”: the words between are read by themselves, for a direction opens with a preposition."""


def manner(text: str, quote: Quote) -> Style | None:
    """The style that the prose around a quotation asks for, None if it asks for none.

    Args:
        text: The whole book; at most `_AHEAD_CHARS` around the tag are read.
        quote: The quotation.
    """
    if quote.tag is not None:
        return read_tag(_tag_clause(text, quote))
    return _read_beat(text, quote)


def read_tag(clause: str) -> Style | None:
    """The style that a speech tag asks for: “whispered Emma”, “he said in a low voice”, “cried she, laughing”."""
    verb, rest = _parted(clause)
    mood = style_from_words(rest)
    said = None if mood.guessed else mood.style
    if verb is not None and verb.tag in _MODES:
        return verb
    if said is not None and said.tag != "default":
        return said
    return verb if verb is not None and verb.tag != "default" else None


def line_style(manner: Style | None, words: str) -> Style:
    """The style of a line of a quotation: the prose's, else what its punctuation and capitals ask for."""
    return manner or style_from_text(words)


def is_plain_tag(narration: str) -> bool:
    """Whether a stretch of narration is a short tag that says nothing but who speaks: “said Emma”, “ he replied. ”."""
    words = [word for word in _WORD.findall(narration) if word[0].isalpha()]
    if not 2 <= len(words) <= _SHORT_TAG_WORDS or re.search(r"[.;:!?…]\s*\w", _TITLE_DOTS.sub(" ", narration)):
        return False
    verbs = [index for index, word in enumerate(words) if style_from_verb(word) == Style()]
    # The verb stands at an end: “said Emma”, “Mrs Weston said”; in “he said nothing more” it does not.
    return len(verbs) == 1 and verbs[0] in (0, len(words) - 1) and _is_name(words[1:] if verbs[0] == 0 else words[:-1])


def _is_name(words: list[str]) -> bool:
    return all(word[0].isupper() or word in _PRONOUNS or word in _DETERMINERS for word in words) or (
        words[0].casefold() in ("the", "der", "die", "le", "la", "el", "il") and len(words) == 2
    )


_PRONOUNS: Final = _words(
    "he she i they we you it er sie ich wir il elle je ils elles él ella yo lei lui io ele ela eu"
)


def _tag_clause(text: str, quote: Quote) -> str:
    """The tag with what belongs to it: back to the beginning of its sentence, on to the end of its clause."""
    assert quote.tag is not None  # noqa: S101 - the caller looked
    start, end = quote.tag
    spans = [edge for span in quote.spans for edge in span]
    floor = max((edge for edge in spans if edge <= start), default=0)
    ceiling = min((edge for edge in spans if edge >= end), default=len(text))
    before = text[max(floor, start - _BEHIND_CHARS) : start]
    if starts := list(_SENTENCE_STARTS.finditer(before)):
        before = before[starts[-1].end() :]
    elif start - _BEHIND_CHARS > floor:
        before = ""  # the sentence began further off: this is no adverb before a verb
    after = text[end : min(ceiling, end + _AHEAD_CHARS)]
    if closes := _CLAUSE_ENDS.search(after):
        after = after[: closes.start()]
    return before + text[start:end] + after


def _read_beat(text: str, quote: Quote) -> Style | None:
    """What a short sentence right before a quotation without a tag says of the voice: “She laughed. “Do you?””."""
    start = quote.spans[0][0]
    before = text[max(0, start - _BEAT_CHARS) : start].rstrip(" ")
    paragraph = max(before.rfind("\n"), *(before.rfind(mark) for mark in '“”"»«')) + 1
    sentence = before[paragraph:].rstrip(".: ")
    if not sentence or (paragraph == 0 and start > _BEAT_CHARS):
        return None
    ends = [match.end() for match in re.finditer(r"[.!?…]\s", sentence)]
    verb, _ = _parted(sentence[ends[-1] :] if ends else sentence)
    return verb if verb is not None and verb.tag in _MODES else None


def _parted(clause: str) -> tuple[Style | None, str]:
    """The style of the verb of speech, and the words that may speak of manner besides.

    Names and whoever is described (“the angry captain”, “her cold hand”) are left out, for they are not how it is said.
    """
    verb: Style | None = None
    kept: list[str] = []
    words = _WORD.findall(clause)
    describes = False  # within “the angry captain”
    for index, written in enumerate(words):
        word = written.casefold()
        if _is_action(words, index):
            continue
        if word in ",;":
            describes = False
            kept.append(word)
        elif verb is None and (found := style_from_verb(word)) is not None:
            verb, describes = found, False
            kept.append(",")
        elif word in _DETERMINERS:
            manners = index > 0 and words[index - 1].casefold() in _MANNER_OPENERS
            describes = not (manners or _VOICES.intersection(words[index + 1 : index + 3]))
            if not describes:
                kept.append(word)
        elif word in _WITH:
            describes = False
            kept.append(",")
        elif word.endswith("ly") or word in _MANNER_OPENERS or word in _MANNER_NOUNS:
            describes = False
            kept.append(word)
        elif not describes and not written[0].isupper():
            kept.append(word)
    return verb, _TONE.sub(r", \1,", " ".join(kept))


def _is_action(words: list[str], index: int) -> bool:
    """Whether a participle has an object, and so tells what hands and heads do: “shaking her head”, “biting his lip”.

    What is done with the voice (“lowering his voice”) is how something is said.
    """
    following = words[index + 1 : index + 4]
    return (
        words[index].endswith("ing")
        and bool(following)
        and following[0].casefold() in _DETERMINERS
        and not _VOICES.intersection(following)
    )
