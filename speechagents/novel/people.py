"""The characters of a novel as roles: who gets a part, and what their profile tells the casting.

Owns the choice of who is voiced and the wording of profiles. How profiles are read is the affair of
`speechagents.voices.hints`; who speaks which quotation comes in with the attribution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote
from speechagents.drama import MAX_NAME_CHARS, MAX_ROLES, NARRATOR, Role, clean_name, role_key
from speechagents.voices.hints import role_hints
from speechagents.voices.synthesizer import Age

_NOUNS: Final = {
    (Gender.FEMALE, Age.CHILD): "a little girl",
    (Gender.FEMALE, Age.TEEN): "a teenage girl",
    (Gender.FEMALE, Age.ADULT): "a woman",
    (Gender.FEMALE, Age.ELDER): "an old woman",
    (Gender.MALE, Age.CHILD): "a little boy",
    (Gender.MALE, Age.TEEN): "a teenage boy",
    (Gender.MALE, Age.ADULT): "a man",
    (Gender.MALE, Age.ELDER): "an old man",
    (Gender.UNKNOWN, Age.CHILD): "a child",
    (Gender.UNKNOWN, Age.TEEN): "a teenager",
    (Gender.UNKNOWN, Age.ELDER): "an elderly person",
}
_SHOWN_ALIASES: Final = 6


@dataclass(frozen=True, slots=True)
class People:
    """Who is voiced.

    Attributes:
        roles: Roles by key: characters with a quotation, the narrator not among them.
        names: Name of the role for each name of a speaker; speakers that are missing are read by the narrator.
        min_confidence: Quotations less sure than this are read by the narrator.
        warnings: Who was left out, for people.
    """

    roles: Mapping[str, Role]
    names: Mapping[str, str]
    min_confidence: float
    warnings: tuple[str, ...]

    def role_of(self, quote: Quote) -> str:
        """Name of the role that speaks a quotation."""
        if quote.speaker is None or quote.confidence < self.min_confidence:
            return NARRATOR
        return self.names.get(quote.speaker, NARRATOR)


def find_people(attribution: Attribution, *, language: str, min_confidence: float) -> People:
    """Decide who is voiced: all who speak, or the `MAX_ROLES` who say most.

    Args:
        attribution: Characters and quotations.
        language: BCP 47 tag of the book, to read names by.
        min_confidence: Quotations less sure than this are nobody's part.
    """
    said: Counter[str] = Counter()
    for quote in attribution.quotes:
        if quote.speaker is not None and quote.confidence >= min_confidence:
            said[quote.speaker] += sum(end - start for start, end in quote.spans)
    characters = {character.name: character for character in attribution.characters}
    names: dict[str, str] = {}
    roles: dict[str, Role] = {}
    left_out: list[str] = []
    for speaker, _ in sorted(said.items(), key=lambda item: (-item[1], item[0])):
        name = clean_name(speaker)[:MAX_NAME_CHARS].strip()
        key = role_key(name)
        if not name or key == role_key(NARRATOR):
            continue
        if key not in roles:
            if len(roles) == MAX_ROLES:
                left_out.append(name)
                continue
            roles[key] = Role(name, profile(characters.get(speaker, Character(speaker)), language=language))
        names[speaker] = roles[key].name
    warnings: tuple[str, ...] = ()
    if left_out:
        shown = ", ".join(left_out[:3]) + (f" and {len(left_out) - 3} more" if len(left_out) > 3 else "")
        warnings = (f"more than {MAX_ROLES} characters speak; the narrator reads those who say least: {shown}",)
    return People(roles, names, min_confidence, warnings)


def profile(character: Character, *, language: str) -> str:
    """Who a character is in words that casting reads: “an old woman, also called Granny”; empty if nothing is known."""
    names = (character.name, *character.aliases)
    hints = [role_hints(Role(name[:MAX_NAME_CHARS]), language=language) for name in names if name.strip()]
    # An alias with a word of age (“old Mr Lorry”) tells it; a name alone tells none.
    age = next((hint.age for hint in hints if hint.age is not None), Age.ADULT)
    described = _NOUNS.get((character.gender, age), "")
    called = ", ".join(clean_name(alias) for alias in character.aliases[:_SHOWN_ALIASES])
    if not called:
        return described
    return f"{described}, also called {called}" if described else f"Also called {called}"
