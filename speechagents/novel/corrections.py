"""What a person corrects in the attribution of a novel, and applying it.

Owns the values and their effect. Where they are written is the cast sheet's affair. Applying is a pure function, and
doing it twice changes nothing more: so the same sheet can come back with every run, also after quotations were
attributed anew with the corrected characters.

* **merge**: these names are one person; the first is kept.
* **split**: this name or alias is somebody else; what a tag says under that name is theirs.
* **gender**: as which a character is cast.
* **is**: this quotation is spoken by that person, or left to the narrator. It outranks everything.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote
from speechagents.books.book import Book
from speechagents.drama import NARRATOR, clean_name, role_key
from speechagents.errors import CastError
from speechagents.novel.credits import OPENING_LINES
from speechagents.novel.pieces import Quotations, quoted_lines
from speechagents.voices.casting import shown

_NOBODY: Final = frozenset({role_key(NARRATOR), "nobody"})
_MIN_WORDS: Final = 2
_OPENING_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class Merge:
    """Names that are one person.

    Attributes:
        names: Names or aliases, the one to keep first; at least two.
        place: Where it stands, for messages.
    """

    names: tuple[str, ...]
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Split:
    """A name that belongs to somebody else.

    Attributes:
        alias: The name that is taken away from whoever has it.
        name: Whose it is from now on: a new person, or one that is known.
        place: Where it stands, for messages.
    """

    alias: str
    name: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A quotation and its speaker.

    Attributes:
        quotation: Which one: the number of a line of it (``412``), a character of it (``@20315``), or the words that it
            begins with.
        speaker: Name or alias of the character, ``narrator`` for nobody.
        place: Where it stands, for messages.
    """

    quotation: str
    speaker: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Everything that one sheet corrects.

    Attributes:
        merges: In order.
        splits: In order; they come after the merges.
        spoken: In order; they come last.
        added: Names of people that the sheet lists; they may be named though nobody of that name was found.
        genders: Genders by name, as written.
    """

    merges: tuple[Merge, ...] = ()
    splits: tuple[Split, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    added: tuple[str, ...] = ()
    genders: tuple[tuple[str, Gender], ...] = ()

    @property
    def people(self) -> bool:
        """Whether they change who there is, so that quotations are better attributed again."""
        return bool(self.merges or self.splits)


def corrected_characters(characters: Sequence[Character], corrections: Corrections) -> tuple[Character, ...]:
    """The characters after merges, splits and genders, for attributing with them.

    Raises:
        CastError: A name is nobody's; the message names the place and who may be meant.
    """
    return _corrected_people(characters, corrections).characters()


def corrected(attribution: Attribution, corrections: Corrections, *, book: Book, line_chars: int) -> Attribution:
    """Apply corrections to an attribution.

    Args:
        attribution: As it was found.
        corrections: What is to be changed.
        book: The text that the quotations stand in.
        line_chars: The narration's limit, which the numbers of lines go by.

    Raises:
        CastError: A name is nobody's, or a quotation is not there or cannot be told from others; the message names the
            place and the remedy.
    """
    people = _corrected_people(attribution.characters, corrections)
    tags = _Tags(corrections.splits)
    quotes = [_renamed(quote, people, tags, book.text) for quote in attribution.quotes]
    finder = _QuoteFinder(attribution, book, line_chars)
    for correction in corrections.spoken:
        speaker = None
        if role_key(correction.speaker) not in _NOBODY:
            speaker = people.named(correction.speaker, correction.place)
        for index in finder.find(correction):
            quotes[index] = replace(quotes[index], speaker=speaker, confidence=1.0)
    teller = attribution.first_person
    return Attribution(people.characters(), tuple(quotes), people.current(teller) if teller else None)


class _People:
    """Characters while they are corrected, each under the key of its name."""

    def __init__(self, characters: Iterable[Character], added: Iterable[str]) -> None:
        self._by_key: dict[str, Character] = {}
        self._owner: dict[str, str] = {}
        for character in characters:
            self._by_key[role_key(character.name)] = character
        for character in list(self._by_key.values()):
            for alias in character.aliases:
                self._owner.setdefault(role_key(alias), role_key(character.name))
        for key in self._by_key:
            self._owner[key] = key
        # Where each character went that was there at first: who is split off takes a name along, not the person.
        self._went = {key: key for key in self._by_key}
        self._added = {role_key(name): clean_name(name) for name in added}

    def characters(self) -> tuple[Character, ...]:
        return tuple(sorted(self._by_key.values(), key=lambda one: -one.mentions))

    def current(self, speaker: str) -> str:
        """The name that a speaker has now; the same for somebody unknown."""
        key = role_key(speaker)
        now = self._went.get(key) or self._owner.get(key)
        return self._by_key[now].name if now is not None else speaker

    def named(self, name: str, place: str) -> str:
        """The present name of who is called so.

        Raises:
            CastError: Nobody is.
        """
        key = role_key(name)
        if key not in self._owner and key in self._added:
            self.add(Character(self._added[key]))
        if key not in self._owner:
            raise CastError(f"{place}: {self._unknown(name)}")
        return self._by_key[self._owner[key]].name

    def add(self, character: Character) -> None:
        key = role_key(character.name)
        self._by_key[key] = character
        self._owner[key] = key

    def merge(self, merge: Merge) -> None:
        kept, *others = [role_key(self.named(name, merge.place)) for name in merge.names]
        for other in dict.fromkeys(others):
            if other == kept:
                continue
            one, two = self._by_key[kept], self._by_key.pop(other)
            names = dict.fromkeys((*one.aliases, two.name, *two.aliases))
            self._by_key[kept] = Character(
                one.name,
                tuple(name for name in names if role_key(name) != kept),
                one.gender if one.gender is not Gender.UNKNOWN else two.gender,
                one.mentions + two.mentions,
            )
            self._move(other, kept)
        self._keep_name(kept, merge.names[0])

    def _keep_name(self, key: str, wanted: str) -> None:
        """The first name of a merge is the one to show, also where it was an alias."""
        one = self._by_key[key]
        new = role_key(wanted)
        if new == key:
            return
        shown_name = next((alias for alias in one.aliases if role_key(alias) == new), clean_name(wanted))
        aliases = (one.name, *(alias for alias in one.aliases if role_key(alias) != new))
        del self._by_key[key]
        self._by_key[new] = replace(one, name=shown_name, aliases=aliases)
        self._move(key, new)
        self._owner[new] = new

    def _move(self, old: str, new: str) -> None:
        """All names of somebody, and who they were at first, belong to another key."""
        for table in (self._owner, self._went):
            table.update({key: new for key, owner in table.items() if owner == old})

    def split(self, split: Split) -> None:
        alias, new = role_key(split.alias), role_key(split.name)
        owner = self._owner.get(alias)
        if owner is None and alias not in self._added:
            raise CastError(f"{split.place}: {self._unknown(split.alias)}")
        target = self._owner.get(new)
        if target is not None and target == owner and new != owner:
            target = None  # the new name was another alias of the same person
        if owner is not None and owner == alias and target != owner:
            # The main name goes away: whoever had it is known by the next one from now on.
            others = [name for name in self._by_key[owner].aliases if role_key(name) != new]
            if not others:
                reason = f"{shown(split.alias)} is somebody's only name; to give it to {shown(split.name)} write merge"
                raise CastError(f"{split.place}: {reason}")
            self._keep_name(owner, others[0])
            owner = role_key(others[0])
        if owner is not None and owner != target:
            one = self._by_key[owner]
            self._by_key[owner] = replace(one, aliases=tuple(a for a in one.aliases if role_key(a) not in (alias, new)))
        if target is None:
            self.add(Character(clean_name(split.name)))
            target = new
        self._owner[alias] = target
        one = self._by_key[target]
        if alias != target and alias not in map(role_key, one.aliases):
            self._by_key[target] = replace(one, aliases=(*one.aliases, clean_name(split.alias)))

    def cast_as(self, name: str, gender: Gender) -> None:
        """Set a gender; names that the book does not have (any more) are passed over."""
        owner = self._owner.get(role_key(name))
        if owner is not None:
            self._by_key[owner] = replace(self._by_key[owner], gender=gender)

    def _unknown(self, name: str) -> str:
        names = {
            role_key(one): one for character in self._by_key.values() for one in (character.name, *character.aliases)
        }
        near = difflib.get_close_matches(role_key(name), list(names), n=3, cutoff=0.6)
        meant = f"; did you mean {' or '.join(shown(names[key]) for key in near)}?" if near else ""
        return f'nobody in the book is called "{shown(name)}"{meant or "; to add somebody, list them under roles"}'


def _corrected_people(characters: Sequence[Character], corrections: Corrections) -> _People:
    people = _People(characters, corrections.added)
    for merge in corrections.merges:
        people.merge(merge)
    for split in corrections.splits:
        people.split(split)
    for name, gender in corrections.genders:
        people.cast_as(name, gender)
    return people


def _renamed(quote: Quote, people: _People, tags: _Tags, text: str) -> Quote:
    """A quotation with the names that its people have now, and given to whom its tag names where that was split off."""
    speaker = people.current(quote.speaker) if quote.speaker is not None else None
    addressee = people.current(quote.addressee) if quote.addressee is not None else None
    if quote.tag is not None and (named := tags.named(text[slice(*quote.tag)])):
        speaker = people.named(named.name, named.place)
    if (speaker, addressee) == (quote.speaker, quote.addressee):
        return quote
    return replace(quote, speaker=speaker, addressee=addressee)


class _Tags:
    """Finds names that were split off in speech tags, whole words alone, the longest first."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self._splits = {_folded(split.alias): split for split in splits}
        self._longest = max((len(alias.split()) for alias in self._splits), default=0)

    def named(self, tag: str) -> Split | None:
        words = _folded(tag).split() if self._longest else []
        for length in range(min(self._longest, len(words)), 0, -1):
            for at in range(len(words) - length + 1):
                if (split := self._splits.get(" ".join(words[at : at + length]))) is not None:
                    return split
        return None


class _QuoteFinder:
    """Finds the quotations that corrections speak of."""

    def __init__(self, attribution: Attribution, book: Book, line_chars: int) -> None:
        self._quotes = attribution.quotes
        self._quotations = Quotations(attribution)
        self._book = book
        self._line_chars = line_chars
        self._by_line: Mapping[int, int] | None = None
        self._openings: dict[str, list[tuple[str, int]]] | None = None

    def find(self, correction: Spoken) -> Iterator[int]:
        """Indices of the quotations meant: one.

        Raises:
            CastError: There is none, or more than one.
        """
        asked = correction.quotation.strip()
        if asked.isdecimal():
            yield self._at_line(int(asked[:12]), correction.place)
        elif asked.startswith("@") and asked[1:].isdecimal():
            yield self._at_character(int(asked[1:13]), correction.place)
        else:
            yield self._beginning(asked, correction.place)

    def _at_line(self, number: int, place: str) -> int:
        if self._by_line is None:
            self._by_line = dict(quoted_lines(self._book, self._quotations, OPENING_LINES + 1, limit=self._line_chars))
        index = self._by_line.get(number, -1)
        if index >= 0:
            return index
        last = max(self._by_line, default=0)
        if number > last or number <= OPENING_LINES:
            raise CastError(f"{place}: there is no line {number}; the book has lines {OPENING_LINES + 1} to {last}")
        near = min((line for line, quote in self._by_line.items() if quote >= 0), key=lambda line: abs(line - number))
        raise CastError(f"{place}: line {number} is narration, not a quotation; the nearest one is in line {near}")

    def _at_character(self, offset: int, place: str) -> int:
        found = next(self._quotations.within(offset, offset + 1), None)
        if found is None:
            reason = f"no quotation stands at character {offset}; the ledger gives their offsets"
            raise CastError(f"{place}: {reason}")
        return found[2]

    def _beginning(self, words: str, place: str) -> int:
        wanted = _folded(words)
        if len(wanted.split()) < _MIN_WORDS:
            reason = f'"{shown(words)}" is no line; write its number, @ and a character of it, or how it begins'
            raise CastError(f"{place}: {reason}")
        if self._openings is None:
            self._openings = defaultdict(list)
            for index, quote in enumerate(self._quotes):
                opening = _folded(" ".join(self._book.text[start:end] for start, end in quote.spans))[:_OPENING_CHARS]
                self._openings[opening.partition(" ")[0]].append((opening, index))
        wanted = wanted[:_OPENING_CHARS]
        near = self._openings.get(wanted.partition(" ")[0], [])
        found = [index for opening, index in near if (opening + " ").startswith(wanted + " ")]
        found = found or [index for opening, index in near if opening.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        reason = f'no quotation begins with "{shown(words)}"; copy its first words'
        if found:
            reason = f'{len(found)} quotations begin with "{shown(words)}"; copy more of its words, or write its line'
        raise CastError(f"{place}: {reason}")


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[\w'’]+", text.casefold().replace("’", "'"))).strip("'")
