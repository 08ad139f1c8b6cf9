"""What a scene is about, by its nouns: topics of beats and backgrounds, and what the last speaker was on about.

Owns finding them, by articles or by capitals. Understands nothing: a noun is a word that stands where nouns stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

_TOKEN = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]")
_LEAST: Final = 3
_MOST: Final = 24
_MOST_TEXT: Final = 4_000
_NO_HEAD: Final = ("s", "ed", "ing", "ly")


def nouns(text: str, grammar: Mapping[str, Any], *, names: Collection[str] = ()) -> list[str]:
    """Nouns of a text in order, each once.

    Args:
        text: Untrusted; only its beginning is looked at.
        grammar: Of the language.
        names: Words that are names, case-folded: nobody talks about "the Tom".
    """
    not_nouns = frozenset(str(grammar["not_nouns"]).split())
    articles = frozenset(str(grammar["articles"]).split())
    tokens = _TOKEN.findall(text[:_MOST_TEXT])
    found = []
    for at, token in enumerate(tokens[1:], 1):
        if not _LEAST <= len(token) <= _MOST or token.casefold() in not_nouns or token.casefold() in names:
            continue
        if grammar["capitals"]:
            if token[0].isupper() and token[1:].islower() and tokens[at - 1][0].isalpha():
                found.append(token)
        elif token.islower() and not _is_plural(token) and _behind_article(tokens[:at], articles, not_nouns):
            # Of "the lemon cake" and "the warmest day" the second word is what it is about.
            after = tokens[at + 1] if at + 1 < len(tokens) else ""
            heads = after.isalpha() and after.islower() and after not in not_nouns and not after.endswith(_NO_HEAD)
            found.append(after if heads and len(after) <= _MOST else token)
    return list(dict.fromkeys(found))


def _behind_article(before: Sequence[str], articles: Collection[str], not_nouns: Collection[str]) -> bool:
    """Whether an article comes right before, or before one word that can stand between."""
    if before[-1].casefold() in articles:
        return True
    return len(before) > 1 and before[-1].casefold() in not_nouns and before[-2].casefold() in articles


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def first_person(secret: str, grammar: Mapping[str, Any]) -> str:
    """A secret in the words of its owner, as far as its first clause can be turned over; empty if it cannot.

    "She has taken a post in Melbourne; her flight ..." becomes "I have taken a post in Melbourne."
    """
    verbs: Mapping[str, str] = grammar.get("first_person", {})
    pronouns = frozenset(grammar.get("pronouns", ()))
    clause = re.split(r"[;.,:]", secret, maxsplit=1)[0].strip()
    words = clause.split()
    if len(words) > 1 and words[0].casefold() in pronouns:
        words = words[1:]
    elif not words or words[0].casefold() not in verbs:
        return ""
    verb = words[0].casefold()
    if verb not in verbs and not verb.endswith("ed"):
        return ""
    possessives: Mapping[str, str] = grammar.get("possessives", {})
    rest = [possessives.get(word, word) for word in words[1:]]
    # Whoever else is "she" in the rest cannot be told from the owner.
    if not rest or pronouns & {word.casefold() for word in rest} or len(clause) > 120:
        return ""
    return " ".join(["I", verbs.get(verb, verb), *rest]) + "."
