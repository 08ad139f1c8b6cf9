"""Who is in a novel: names found in its text, and which of them are one person.

Owns the finding and the joining of names. Does not know who says what; what has no name but speaks ("the landlord") is
added by `described_speakers` from the tags that were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from speechagents.attribution.clues import RefKind
from speechagents.attribution.lexicon import Lexicon
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import Tokens

MAX_CHARACTERS: Final = 400

_SENTENCE_ENDS: Final = frozenset(
    {
        ".",
        "!",
        "?",
        ":",
        ";",
        "—",
        "--",
        "-",
        "(",
        "“",
        '"',
        "‘",
        "'",
        "...",
        "…",
        "_",
        "*",
        "[",
        ")",
        "”",
        "’",
        ",",
        "»",
        "«",
    }
)
_HARD_ENDS: Final = _SENTENCE_ENDS - {",", "-", "_", "(", ")"}
_PARTICLES: Final = frozenset("de du des van der von la le della di st".split())
_PLACES: Final = frozenset("in at from near through towards across into around throughout outside".split())
_NO_NAMES: Final = frozenset(
    "i i'm i'll i've i'd god heaven heavens lord christ jesus monday tuesday wednesday thursday friday saturday sunday "
    "january february march july september october november december christmas easter michaelmas "
    "english french german italian american european indian russian dutch irish scotch spanish roman greek latin english's "
    "england london europe paris france italy america india rome germany russia chapter volume book part o oh ah yes no "
    "well sir madam madame monsieur mamma papa mother father ma'am miss bible parliament church house hall street road square "
    "christian jew catholic providence nature majesty majesty's lordship ladyship honour the a an and but he she it they we "
    "you his her my our your their this that there here then now what who how when where why if so for in on at to as not "
    "nothing nobody somebody everybody good great poor dear old young little mr mrs dr st".split()
)
_GENERIC: Final = frozenset(
    "man woman boy girl lady gentleman person child voice other others one another friend companion former latter "
    "fellow creature stranger two speaker people both all".split()
)
_FEMALE_TITLES: Final = frozenset(
    {"mrs", "miss", "lady", "madame", "mme", "mlle", "mademoiselle", "ms", "aunt", "sister"}
)
_FIRST_ONLY: Final = frozenset(
    {
        "sir",
        "lady",
        "aunt",
        "uncle",
        "king",
        "queen",
        "prince",
        "princess",
        "brother",
        "sister",
        "cousin",
        "dame",
        "father",
        "mother",
    }
)
_CIVIL: Final = frozenset(
    {"mr", "dr", "doctor", "professor", "rev", "monsieur", "m", "signor", "herr", "master", "cousin", "esq"}
)
_BY_FIRST: Final = frozenset(
    {
        "sir",
        "lady",
        "lord",
        "miss",
        "aunt",
        "uncle",
        "king",
        "queen",
        "prince",
        "princess",
        "brother",
        "sister",
        "cousin",
        "master",
        "dame",
        "father",
        "mother",
        "nurse",
    }
)
_NEUTRAL_TITLES: Final = frozenset({"old", "young", "little", "poor"})


@dataclass(slots=True)
class _Form:
    """A name as it is written, and what stands around it."""

    title: tuple[str, ...]
    core: tuple[str, ...]
    count: int = 0
    inside: int = 0
    subject: int = 0
    tagged: int = 0
    called: int = 0
    placed: int = 0
    he: int = 0
    she: int = 0
    article: int = 0
    narrated: set[int] = field(default_factory=set)
    spellings: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Person:
    """Forms that are taken for one person."""

    forms: list[_Form]
    gender: Gender

    @property
    def count(self) -> int:
        return sum(form.count for form in self.forms)


def find_characters(tokens: Tokens, quoted: Sequence[int], lexicon: Lexicon) -> list[Character]:
    """The named characters of a novel, most mentioned first.

    Args:
        tokens: The novel.
        quoted: For each token, whether it is said by somebody.
        lexicon: The words.
    """
    forms = [form for form in _forms(tokens, quoted, lexicon) if _is_person(form, lexicon)]
    people = _join(forms, lexicon)
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
        if not head or head[-1] in (
            "other",
            "others",
            "one",
            "two",
            "former",
            "latter",
            "another",
            "voice",
            "people",
            "both",
        ):
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


def _forms(tokens: Tokens, quoted: Sequence[int], lexicon: Lexicon) -> list[_Form]:
    """Every run of capitalised words that can be a name."""
    lower, words = tokens.lower, tokens.words
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    firsts = set(tokens.paragraphs)
    for at, word in enumerate(lower):
        if words[at][0].islower():
            small[word] += 1
        elif at not in firsts and lower[at - 1] not in _SENTENCE_ENDS and words[at][0].isupper():
            large[word] += 1
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], _Form] = {}
    at, size = 0, len(lower)
    paragraph, limit = 0, tokens.paragraphs[1] if len(tokens.paragraphs) > 1 else size
    while at < size:
        while at >= limit:
            paragraph += 1
            limit = tokens.paragraphs[paragraph + 1]
        if not words[at][0].isupper() or not words[at][0].isalpha():
            at += 1
            continue
        stop = _run(lower, words, at, limit)
        start = at
        opens = start in firsts or lower[start - 1] in _SENTENCE_ENDS
        # "But Emma": a small word that is large only because it opens the sentence.
        while start < stop and (
            lower[start] in _NO_NAMES
            and lower[start] not in lexicon.titles
            or (opens and small[lower[start]] > large[lower[start]] and lower[start] not in lexicon.titles)
        ):
            start += 1
        opens = opens and start == at
        if start < stop:
            _note(found, tokens, quoted, lexicon, start, stop, limit, paragraph, opens=opens, large=large)
        at = stop
    return list(found.values())


def _run(lower: Sequence[str], words: Sequence[str], at: int, limit: int) -> int:
    """The token behind a run of capitalised words."""
    stop = at + 1
    while stop < limit:
        word = words[stop]
        if word[0].isupper() and word[0].isalpha():
            stop += 1
        elif word == "-" and stop + 1 < limit and words[stop + 1][0].isupper():
            stop += 2
        elif word == "-" and stop + 3 < limit and words[stop + 2] == "-" and words[stop + 3][0].isupper():
            stop += 4
        elif (
            lower[stop] in _PARTICLES
            and stop + 1 < limit
            and (
                words[stop + 1][0].isupper()
                or lower[stop + 1] in _PARTICLES
                and stop + 2 < limit
                and words[stop + 2][0].isupper()
            )
        ):
            stop += 1
        else:
            break
    return stop


def _note(
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], _Form],
    tokens: Tokens,
    quoted: Sequence[int],
    lexicon: Lexicon,
    start: int,
    stop: int,
    limit: int,
    paragraph: int,
    *,
    opens: bool,
    large: Counter[str],
) -> None:
    lower = tokens.lower
    first = start
    while first < stop and lower[first] in lexicon.titles and (first + 1 < stop or first == start):
        first += 1
    title = tuple(word for word in lower[start:first] if word not in _NEUTRAL_TITLES)
    core = tuple(lower[first:stop])
    if not core:
        # "the General" is called so by everybody; "Mother!" is anybody's.
        if start and lower[start - 1] == "the" and title:
            title, core = (), ("the", *title)
        else:
            return
    if (
        len(core) > 6
        or (not title and all(word in _NO_NAMES for word in core))
        or (len(core[0]) == 1 and len(core) == 1 and not title)
    ):
        return
    if (
        core[-1][-1:] == "s"
        and core[-1][:-1] in large
        and core[-1] not in lexicon.given_names
        and large[core[-1][:-1]] > 2
    ):
        return  # the Emersons
    form = found.setdefault((title, core), _Form(title, core))
    form.count += 1
    form.inside += not opens
    form.spellings[" ".join(tokens.words[start if core[0] != "the" else start - 1 : stop]).replace(" - ", "-")] += 1
    before = lower[start - 1] if start else ""
    behind = lower[stop] if stop < limit else ""
    if behind in lexicon.speech_verbs or behind in lexicon.verbs or behind.endswith("ed"):
        form.subject += 1
    if not quoted[start] and (behind in lexicon.speech_verbs or before in lexicon.speech_verbs):
        near = any(quoted[max(0, start - 12) : start]) or any(quoted[stop : stop + 12])
        form.tagged += near
    if (
        quoted[start]
        and before in (",", "“", '"', "!", "dear", "my", "oh", ".", "?", "'", "‘")
        and behind in (",", "!", ".", "?", "”", '"', ";", "—", "--", "'", "’")
    ):
        form.called += 1
    form.placed += before in _PLACES
    form.article += before == "the"
    if not quoted[start]:
        form.narrated.add(paragraph)
    for at in range(stop, min(limit, stop + 14)):
        word = lower[at]
        if word in ("he", "his", "him", "himself"):
            form.he += 1
            break
        if word in ("she", "her", "hers", "herself"):
            form.she += 1
            break
        if tokens.words[at][0].isupper() and word not in _NO_NAMES and word in large:
            break


def _is_person(form: _Form, lexicon: Lexicon) -> bool:
    if form.core[0] == "the":
        return form.count >= 3 and (form.tagged > 0 or form.subject >= 2)
    if form.title:
        return form.count >= 2 or form.tagged > 0 or form.called > 0
    if form.inside == 0 and form.tagged == 0:
        return False
    if form.tagged and form.placed * 3 <= form.count:
        return True
    if form.core[0] in lexicon.given_names:
        return (form.count >= 2 or len(form.core) > 1) and form.placed * 3 <= form.count
    if form.called >= 2 and form.placed * 4 <= form.count:
        return True
    return form.subject >= 3 and form.placed * 4 <= form.count and form.he + form.she >= 2 and len(form.core) <= 3


def _gender(forms: Sequence[_Form], lexicon: Lexicon) -> Gender:
    """Titles outrank given names, given names outrank the pronouns that follow."""
    for form in sorted(forms, key=lambda form: -form.count):
        for word in form.title:
            if lexicon.titles.get(word, Gender.UNKNOWN) is not Gender.UNKNOWN:
                return lexicon.titles[word]
        if form.core[0] == "the" and lexicon.titles.get(form.core[-1], Gender.UNKNOWN) is not Gender.UNKNOWN:
            return lexicon.titles[form.core[-1]]
    he, she = sum(form.he for form in forms), sum(form.she for form in forms)
    for form in forms:
        named = lexicon.given_names.get(form.core[0], Gender.UNKNOWN)
        if named is not Gender.UNKNOWN and (len(form.core) > 1 or he + she < 6 or (he > she) == (named is Gender.MALE)):
            return named
    if he >= 2 * she and he >= 2:
        return Gender.MALE
    if she >= 2 * he and she >= 2:
        return Gender.FEMALE
    return Gender.UNKNOWN


def _join(forms: Sequence[_Form], lexicon: Lexicon) -> list[_Person]:
    """Names of one person come together, the fullest first."""
    people: list[_Person] = []

    def add(form: _Form, person: _Person | None) -> None:
        if person is None:
            people.append(_Person([form], _gender([form], lexicon)))
        else:
            person.forms.append(form)
            person.gender = _gender(person.forms, lexicon)

    full = [form for form in forms if len(form.core) > 1 and form.core[0] != "the"]
    for form in sorted(full, key=lambda form: (-len(form.core), -form.count, form.core, form.title)):
        sex = _gender([form], lexicon)
        wife = form.title[:1] == ("mrs",)
        same = [
            person
            for person in people
            if _agree(person.gender, sex)
            and any(
                (one.core == form.core or (one.core[0] == form.core[0] and one.core[-1] == form.core[-1]))
                and (one.title[:1] == ("mrs",)) == wife
                for one in person.forms
            )
        ]
        add(form, same[0] if same else None)
    firstborn = [
        form for form in forms if not form.title and len(form.core) == 1 and form.core[0] in lexicon.given_names
    ]
    for form in sorted(firstborn, key=lambda form: (-form.count, form.core)):
        if any(len(one.core) > 1 and one.core[0] == form.core[0] for person in people for one in person.forms):
            add(form, _single(form, people, lexicon))
    done = {id(form) for person in people for form in person.forms}
    titled = [form for form in forms if form.title and len(form.core) == 1]
    for form in sorted(titled, key=lambda form: (-form.count, form.core, form.title)):
        add(form, _titled(form, people, lexicon))
    for form in (form for form in forms if form.core[0] == "the"):
        add(form, None)
    single = [form for form in forms if not form.title and len(form.core) == 1 and id(form) not in done]
    for form in sorted(single, key=lambda form: (-form.count, form.core)):
        add(form, _single(form, people, lexicon))
    return _nicknames(people, lexicon)


def _agree(one: Gender, other: Gender) -> bool:
    return Gender.UNKNOWN in (one, other) or one is other


def _titled(form: _Form, people: Sequence[_Person], lexicon: Lexicon) -> _Person | None:
    """Whom “Mr. Darcy”, “Lady Catherine” or “Aunt Juley” is, of those known so far."""
    title, name = form.title[0], form.core[0]
    sex = lexicon.titles.get(title, Gender.UNKNOWN)
    fitting = [
        person
        for person in people
        if _agree(person.gender, sex)
        and any(_same_titled(form, one) for one in person.forms)
        and (not any(one.title[:1] for one in person.forms) or _may_bear(person, title))
        and not _apart(form, person)
    ]
    # Two sisters may both be "Miss Dashwood": then she stays apart.
    return fitting[0] if len(fitting) == 1 else None


def _same_titled(form: _Form, one: _Form) -> bool:
    """Whether a titled name can be another form's, as far as the two say."""
    title, name = form.title[0], form.core[0]
    if len(one.core) == 1:
        return one.core == form.core and one.title[:1] == form.title[:1]
    if one.core[0] == name and title in _BY_FIRST:
        return True
    if one.core[-1] != name:
        return False
    if title in ("mrs", "lady", "sir", "lord") or one.title[:1] == ("mrs",):
        return one.title[:1] == form.title[:1]
    return True


def _may_bear(person: _Person, title: str) -> bool:
    """Whether somebody with titles can have this one too: a Colonel is not the Mr. of the same name."""
    titles = {one.title[0] for one in person.forms if one.title}
    return (
        not titles
        or title in titles
        or title in _FIRST_ONLY
        or (title in _CIVIL and bool(titles & _CIVIL))
        or title == "miss"
    )


def _apart(form: _Form, person: _Person) -> bool:
    """Whether the narrator uses a titled surname and a first name side by side: then they are two people.

    “Mr. Emerson looked at George”: father and son. “Miss Dashwood” is not Marianne, whom they call Miss Marianne.
    """
    if form.title[0] == "miss" and any(
        one.title == ("miss",) and one.core[0] != form.core[-1] and len(one.core) == 1 for one in person.forms
    ):
        return True
    if form.title[0] == "miss" and any(
        one.title == ("miss",) and len(one.core) > 1 and one.count < form.count / 6 for one in person.forms
    ):
        return True
    firsts = {one.core[0] for one in person.forms if len(one.core) > 1}
    for one in person.forms:
        if one.title == form.title and len(one.core) > 1 and one.count * 6 < form.count:
            return True
        if not one.title and len(one.core) == 1 and one.core[0] in firsts:
            both = len(one.narrated & form.narrated)
            fewer = min(len(one.narrated), len(form.narrated))
            if fewer >= 12 and both >= max(4, fewer * 0.12):
                return True
    return False


def _single(form: _Form, people: Sequence[_Person], lexicon: Lexicon) -> _Person | None:
    """Whom a bare “Emma” or “Darcy” is, of those known so far."""
    name = form.core[0]
    sex = lexicon.given_names.get(name, _gender([form], lexicon))
    by_first = [
        person
        for person in people
        if any(
            one.core[0] == name
            and (len(one.core) > 1 or (one.title and (one.title[0] in _FIRST_ONLY or name in lexicon.given_names)))
            for one in person.forms
        )
        and _agree(person.gender, sex)
    ]
    if by_first and (len(by_first) == 1 or name in lexicon.given_names):
        return max(by_first, key=lambda person: person.count)
    by_last = [person for person in people if any(one.core[-1] == name for one in person.forms)]
    if name in lexicon.given_names and not any(len(one.core) > 1 for person in by_last for one in person.forms):
        return None
    # A bare surname is a man's; Miss Welland is never called Welland.
    return max(
        (
            person
            for person in by_last
            if person.gender is not Gender.FEMALE or any(len(one.core) > 1 and not one.title for one in person.forms)
        ),
        key=lambda person: (person.gender is not Gender.FEMALE, person.count),
        default=None,
    )


def _nicknames(people: list[_Person], lexicon: Lexicon) -> list[_Person]:
    """“Lizzy” is Elizabeth, if there is one Elizabeth and Lizzy has no other surname."""
    firsts: dict[str, list[_Person]] = {}
    for person in people:
        for first in {
            form.core[0]
            for form in person.forms
            if len(form.core) > 1 or not form.title or form.title[0] in ("lord", "sir", "miss", "aunt", "uncle")
        }:
            firsts.setdefault(first, []).append(person)
    gone: set[int] = set()
    for person in people:
        shorts = {form.core[0] for form in person.forms}
        if len(shorts) != 1 or any(
            len(form.core) > 1 or form.title not in ((), ("miss",), ("master",)) for form in person.forms
        ):
            continue
        meant = [
            other
            for full in sorted(lexicon.nicknames.get(next(iter(shorts)), ()))
            for other in firsts.get(full, [])
            if other is not person and id(other) not in gone and _agree(other.gender, person.gender)
        ]
        if len(meant) == 1:
            meant[0].forms += person.forms
            gone.add(id(person))
    return [person for person in people if id(person) not in gone]


def _character(person: _Person) -> Character:
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
    name = _display_name(ranked, spellings, full, titled)
    return Character(name, tuple(alias for alias in ranked if alias != name), person.gender, person.count)


def _display_name(ranked: Sequence[str], spellings: Counter[str], full: Counter[str], titled: Counter[str]) -> str:
    """The name used most, unless a fuller one is in use too: a first name with a surname, “Mr. Das” for “Das”."""
    name = ranked[0]
    best = max(full, key=lambda text: (full[text], text), default="")
    if best and full[best] >= 0.1 * spellings[name]:
        return best
    fuller = [text for text, count in titled.items() if text.endswith(f" {name}") and count >= 0.4 * spellings[name]]
    return max(fuller, key=lambda text: (titled[text], text), default=name)
