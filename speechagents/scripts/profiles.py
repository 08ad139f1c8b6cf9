"""Who the roles are, as far as the action says: "ANNA (30s), a weary nurse" introduces a nurse in her thirties.

Owns the search for such introductions. Does not know what casting makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from speechagents.drama import role_key

MAX_PROFILE_CHARS = 200
MAX_SEARCHED_CHARS = 2_000_000
"""Introductions stand early; action beyond this many characters is not searched."""
_LOOK_AHEAD_CHARS = 260
_MAX_APPOSITIONS = 4

_WORD = re.compile(r"\w[\w'’.&#/-]*")
_BRACKET = re.compile(r"[\s,]*\(([^()]{1,120})\)")
_APPOSITION = re.compile(r"\s*,\s+([^,.;:!?()\n]{2,120})")
_PREDICATE = re.compile(r"\s+(?:is|was|ist|war|est|es|è|é)\s+([^,.;:!?()\n]{2,120})")
# What describes somebody begins with an article, an age or a word of age; "wiping her hands" is action.
_DESCRIBES = re.compile(
    r"(?:an?|the|her|his|their|in (?:his|her|their)|aged?|early|mid|late|just|about|almost|barely|over|under|"
    r"ein|eine|der|die|das|anfang|mitte|ende|etwa|un|une|la|le|une?|una|uno|el|il|lo|um|uma|os?|as?)\b|\d|"
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|twenties|thirties|forties|fifties|sixties|seventies|"
    r"eighties|teens?|teenaged?|old|elderly|young|middle.aged)\b",
    re.IGNORECASE,
)


def find_profiles(names: Iterable[str], actions: Sequence[str]) -> Mapping[str, str]:
    """Look for the introduction of each role.

    The first mention that describes counts. Linear in the length of the action.

    Args:
        names: Names of the roles.
        actions: Paragraphs of action in order, without markup.

    Returns:
        Profiles by `role_key`; roles that nothing introduces are missing.
    """
    keys = {words: role_key(name) for name in names if (words := tuple(_folded(name)))}
    openings = {words[0] for words in keys}
    lengths = sorted({len(words) for words in keys}, reverse=True)
    profiles: dict[str, str] = {}
    searched = 0
    for action in actions:
        searched += len(action)
        if searched > MAX_SEARCHED_CHARS:
            break
        ends = [match.end() for match in _WORD.finditer(action)]
        spoken = _folded(action)
        for at, word in enumerate(spoken):
            if word not in openings:
                continue
            for length in lengths:
                key = keys.get(tuple(spoken[at : at + length]))
                if key is None or at + length > len(spoken):
                    continue  # at the end of a paragraph a slice is shorter than was asked for
                end = ends[at + length - 1]
                if key not in profiles and (profile := _description(action[end : end + _LOOK_AHEAD_CHARS])):
                    profiles[key] = profile
                break
    return profiles


def _folded(name: str) -> list[str]:
    return [match.group().rstrip(".'’").casefold() for match in _WORD.finditer(name)]


def _description(text: str) -> str:
    """What follows a name, as far as it describes its bearer."""
    found: list[str] = []
    position = 0
    if match := _BRACKET.match(text):
        found.append(match[1])
        position = match.end()
    if (match := _PREDICATE.match(text, position)) and _DESCRIBES.match(match[1]):
        found.append(match[1])
        position = match.end()
    for _ in range(_MAX_APPOSITIONS):
        match = _APPOSITION.match(text, position)
        if not match or not _DESCRIBES.match(match[1]):
            break
        found.append(match[1])
        position = match.end()
    return " ".join(", ".join(found).split())[:MAX_PROFILE_CHARS].strip()
