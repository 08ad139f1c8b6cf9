"""Which names are one person's: Emma and Miss Woodhouse, but not Mr. and Mrs. Weston.

Owns the rules by which forms of names come together. Does not know how forms are found (`name_forms`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.attribution.lexicon import Lexicon, word_set
from speechagents.attribution.name_forms import NameForm, gender_of
from speechagents.attribution.quotation import Gender

_MAX_FORMS: Final = 2_000
"""Names that are compared with each other: the largest casts of novels have a quarter of that."""
_FIRST_ONLY: Final = word_set("sir lady aunt uncle king queen prince princess brother sister cousin dame father mother")
_CIVIL: Final = word_set("mr dr doctor professor rev monsieur m signor herr master cousin esq")
_BY_FIRST: Final = word_set(
    "sir lady lord miss aunt uncle king queen prince princess brother sister cousin master dame father mother nurse"
)


@dataclass(slots=True)
class Person:
    """Forms that are taken for one person.

    Attributes:
        forms: How the novel names them.
        gender: What the forms tell of it together.
    """

    forms: list[NameForm]
    gender: Gender

    @property
    def count(self) -> int:
        """How often the novel names them."""
        return sum(form.count for form in self.forms)


def join_forms(forms: Sequence[NameForm], lexicon: Lexicon) -> list[Person]:
    """Names of one person come together, the fullest first.

    Args:
        forms: Every name of a person; of more than a novel holds, the rarest are left out.
        lexicon: The words.
    """
    if len(forms) > _MAX_FORMS:
        forms = sorted(forms, key=lambda form: (-form.count, form.core, form.title))[:_MAX_FORMS]
    people: list[Person] = []

    def add(form: NameForm, person: Person | None) -> None:
        if person is None:
            people.append(Person([form], gender_of([form], lexicon)))
        else:
            person.forms.append(form)
            person.gender = gender_of(person.forms, lexicon)

    full = [form for form in forms if len(form.core) > 1 and form.core[0] != "the"]
    for form in sorted(full, key=lambda form: (-len(form.core), -form.count, form.core, form.title)):
        sex = gender_of([form], lexicon)
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


def _titled(form: NameForm, people: Sequence[Person], lexicon: Lexicon) -> Person | None:
    """Whom “Mr. Darcy”, “Lady Catherine” or “Aunt Juley” is, of those known so far."""
    title = form.title[0]
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


def _same_titled(form: NameForm, one: NameForm) -> bool:
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


def _may_bear(person: Person, title: str) -> bool:
    """Whether somebody with titles can have this one too: a Colonel is not the Mr. of the same name."""
    titles = {one.title[0] for one in person.forms if one.title}
    return (
        not titles
        or title in titles
        or title in _FIRST_ONLY
        or (title in _CIVIL and bool(titles & _CIVIL))
        or title == "miss"
    )


def _apart(form: NameForm, person: Person) -> bool:
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


def _single(form: NameForm, people: Sequence[Person], lexicon: Lexicon) -> Person | None:
    """Whom a bare “Emma” or “Darcy” is, of those known so far."""
    name = form.core[0]
    sex = lexicon.given_names.get(name, gender_of([form], lexicon))
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


def _nicknames(people: list[Person], lexicon: Lexicon) -> list[Person]:
    """“Lizzy” is Elizabeth, if there is one Elizabeth and Lizzy has no other surname."""
    firsts: dict[str, list[Person]] = {}
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
