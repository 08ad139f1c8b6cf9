"""Who is in a novel: those whom it names, and those who speak without a name.

Owns what becomes a character, and under which name. Does not know how names are found (`name_forms`) and joined
(`joining`), nor who says what; what has no name but speaks ("the landlord") is added by `described_speakers` from the
tags that were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from speechagents.attribution.clues import RefKind
from speechagents.attribution.joining import Person, join_forms
from speechagents.attribution.lexicon import Lexicon, word_set
from speechagents.attribution.name_forms import find_forms
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import Tokens

MAX_CHARACTERS: Final = 400

_NOBODY_IN_PARTICULAR: Final = word_set("other others one two former latter another voice people both")
_GENERIC: Final = word_set(
    "man woman boy girl lady gentleman person child voice other others one another friend companion former latter "
    "fellow creature stranger two speaker people both all"
)


def find_characters(tokens: Tokens, quoted: Sequence[int], lexicon: Lexicon) -> list[Character]:
    """The named characters of a novel, most mentioned first.

    Args:
        tokens: The novel.
        quoted: For each token, whether it is said by somebody.
        lexicon: The words.
    """
    forms = find_forms(tokens, quoted, lexicon)
    people = join_forms(forms, lexicon)
    people.sort(key=lambda person: (-person.count, person.forms[0].core, person.forms[0].title))
    return [_character(person) for person in people[:MAX_CHARACTERS]]


def described_speakers(passages: Iterable[Passage], known: Sequence[Character]) -> list[Character]:
    """Those who speak without a name: “the landlord”, “the old man”.

    Args:
        passages: With their tags.
        known: Characters that have names.
    """
    words = {
        word for one in known for name in (one.name, *one.aliases) for word in name.lower().replace(".", "").split()
    }
    counts: Counter[tuple[str, ...]] = Counter()
    genders: dict[tuple[str, ...], Gender] = {}
    bare: Counter[tuple[str, ...]] = Counter()
    for passage in passages:
        subject = passage.tag.subject
        if passage.tag.strength < 2 or subject.kind is not RefKind.NOUN or not subject.head:
            continue
        head = tuple(word for word in subject.head if word.isalpha() or word == "'s")
        if not head or head[-1] in _NOBODY_IN_PARTICULAR:
            continue
        if head[-1] not in _GENERIC:
            if head[-1] in words:
                continue
            head = head[-1:]
        counts[head] += 1
        genders[head] = subject.gender
        bare[head] += subject.end - subject.token == len(subject.head)
    return [
        Character(
            ("" if 2 * bare[head] > count else "The ") + " ".join(map(str.capitalize, head)).replace(" 'S", "'s"),
            (),
            genders[head],
            count,
        )
        for head, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: MAX_CHARACTERS - len(known)]
    ]


def _character(person: Person) -> Character:
    spellings: Counter[str] = Counter()
    titled: Counter[str] = Counter()
    full: Counter[str] = Counter()
    for form in person.forms:
        spelling = max(form.spellings, key=lambda text: (form.spellings[text], text))
        if form.core[0] == "the":
            spelling = "The " + spelling.split(" ", 1)[1]
        elif spelling.isupper() and len(spelling) > 3:
            spelling = spelling.title()
        if form.core[0] != "the" and not form.title and form.article > 0.6 * form.count:
            spelling = f"The {spelling}"
        spellings[spelling] += form.count
        if form.title and len(form.core) == 1:
            titled[spelling] += form.count
        elif not form.title and len(form.core) > 1 and form.core[0] != "the":
            full[spelling] += form.count
    ranked = [text for text, _ in sorted(spellings.items(), key=lambda item: (-item[1], item[0]))]
    firsts = {form.core[0]: form.count for form in person.forms if not form.title and len(form.core) == 1}
    name = _display_name(ranked, spellings, full, titled, firsts)
    return Character(name, tuple(alias for alias in ranked if alias != name), person.gender, person.count)


def _display_name(
    ranked: Sequence[str],
    spellings: Counter[str],
    full: Counter[str],
    titled: Counter[str],
    firsts: Mapping[str, int],
) -> str:
    """The name used most, unless a fuller one is in use too: a first name with a surname, “Mr. Das” for “Das”.

    “Miss Quested” who is called Adela often enough is Adela Quested, however seldom both stand together.
    """
    name = ranked[0]
    best = max(full, key=lambda text: (full[text], text), default="")
    if best and full[best] >= 0.1 * spellings[name]:
        return best
    if best and name in titled and firsts.get(best.split()[0].lower(), 0) >= 0.3 * spellings[name]:
        return best
    fuller = [text for text, count in titled.items() if text.endswith(f" {name}") and count >= 0.4 * spellings[name]]
    return max(fuller, key=lambda text: (titled[text], text), default=name)
