"""A book and who says what in it, ready to be cast and performed.

Owns the order of the work and the `Narration`, which knows every chapter's extent but holds no line: a chapter's scene
is made from the text each time it is asked for, always the same. So the longest book costs the memory of its text, its
quotations and one chapter. Does not know voices or sound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, overload

from speechagents.attribution.quotation import Attribution, Character
from speechagents.books.book import Book
from speechagents.drama import MAX_LINE_CHARS, MAX_NAME_CHARS, NARRATOR, Role, Scene, clean_name, role_key
from speechagents.errors import ScriptError, SettingsError
from speechagents.novel.acquaintance import Acquaintances, FirstLine
from speechagents.novel.cast_sheet import CastSheet
from speechagents.novel.chapter_reader import ChapterReader, TagReading
from speechagents.novel.corrections import corrected
from speechagents.novel.credits import Credits, write_credits
from speechagents.novel.ledger import LedgerEntry, checked
from speechagents.novel.people import People, find_people, profile
from speechagents.novel.pieces import Quotations
from speechagents.novel.survey import NarratedChapter, Part, survey
from speechagents.scripts.languages import DEFAULT_LANGUAGE, language_tag
from speechagents.voices.casting import Cast, Override, Overrides, cast_company
from speechagents.voices.company import Company
from speechagents.voices.synthesizer import Voice

_MIN_LINE_CHARS: Final = 80
_MAX_LINE_CHARS: Final = MAX_LINE_CHARS // 2
MAX_WARNINGS: Final = 100


@dataclass(frozen=True, slots=True)
class NarrationOptions:
    """How a book is narrated.

    Attributes:
        language: BCP 47 tag; empty takes the book's, else English.
        tags: Whether “said Emma” is read where the voice says it too.
        min_confidence: Quotations whose speaker is less sure than this, 0 to 1, are read by the narrator.
        first_person: The one who tells the story as “I” and the narrator have one voice.
        line_chars: Most characters of one line, 80 to 1000. Shorter lines are spoken again sooner when a word changes,
            and neural voices do best with two or three sentences at a time.
        credits: Say title, author and that the voices are synthetic before and after the book.
        opening: Text of the opening credits instead of the usual one.
        closing: Text of the closing credits instead of the usual one.
        narrator_name: Whom the credits name as the reader, empty for nobody.
    """

    language: str = ""
    tags: TagReading = TagReading.READ
    min_confidence: float = 0.0
    first_person: bool = False
    line_chars: int = 400
    credits: bool = True
    opening: str = ""
    closing: str = ""
    narrator_name: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_confidence <= 1.0:
            raise SettingsError(f"a confidence of {self.min_confidence:g} is not between 0 and 1")
        if not _MIN_LINE_CHARS <= self.line_chars <= _MAX_LINE_CHARS:
            raise SettingsError(
                f"lines of {self.line_chars} characters are not between {_MIN_LINE_CHARS} and {_MAX_LINE_CHARS}"
            )
        if len(self.narrator_name) > 300:
            raise SettingsError("the narrator's name is longer than 300 characters")


@dataclass(frozen=True, slots=True)
class Narration:
    """A narrated book.

    Attributes:
        book: What is read.
        title: Its title, empty if it says none.
        author: Its authors, in one line.
        language: BCP 47 tag.
        chapters: Everything that is heard, in order, credits included; one scene each.
        roles: Everybody who speaks, the narrator first.
        attribution: Who says what, corrections applied.
        company: Who talks near whom in the whole book, for casting.
        firsts: The first line of everybody, by `role_key`.
        warnings: What was doubtful and how it was decided, for people.
    """

    book: Book
    title: str
    author: str
    language: str
    chapters: tuple[NarratedChapter, ...]
    roles: tuple[Role, ...]
    attribution: Attribution
    company: Company
    firsts: Mapping[str, FirstLine]
    warnings: tuple[str, ...]
    _credits: Credits
    _parts: tuple[Part, ...]
    _reader: ChapterReader
    _teller: str

    @property
    def scenes(self) -> Sequence[Scene]:
        """The scene of each chapter, made when it is asked for and not kept."""
        return _Scenes(self)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the chapters, each once, ascending; credits have none."""
        return tuple(sorted({chapter.number for chapter in self.chapters} - {0}))

    def scene(self, index: int) -> Scene:
        """Make the scene of one of the `chapters`.

        Args:
            index: Position in `chapters`, 0 the first.
        """
        chapter = self.chapters[index]
        if chapter.number == 0:
            opens = chapter.first_line == 1
            return self._credits.opening_scene() if opens else self._credits.closing_scene(chapter.first_line)
        part = next(part for part in self._parts if part.number and part.first_line == chapter.first_line)
        lines = (piece.line for piece in self._reader.read(part.blocks, first_line=part.first_line, opens=part.opens))
        return Scene(chapter.title, items=tuple(line for line in lines if line is not None))

    def ledger(self) -> Iterator[LedgerEntry]:
        """What became of every character of the book's text, in order; also of chapters that were not selected.

        Raises:
            ValueError: Characters are missing; that would be a fault of this program.
        """
        entries = (
            entry
            for part in self._parts
            for piece in self._reader.read(part.blocks, first_line=part.first_line, opens=part.opens)
            for entry in piece.entries
        )
        return checked(entries, start=0, end=len(self.book.text))

    def only(self, numbers: Collection[int]) -> Narration:
        """This narration with some chapters alone. Lines keep their numbers and roles their voices; credits stay."""
        wanted = {0, *numbers}
        return replace(self, chapters=tuple(chapter for chapter in self.chapters if chapter.number in wanted))

    def cast(
        self,
        voices: Sequence[Voice],
        *,
        seed: int,
        distance: Callable[[Voice, Voice], float],
        overrides: Overrides | None = None,
    ) -> Cast:
        """Give everybody a voice; small parts that never talk near each other may share one.

        Args:
            voices: The catalogue.
            seed: Chooses among equally good voices.
            distance: How different two voices sound.
            overrides: Wishes of the user; one for somebody who has no line wishes for nothing.

        Raises:
            CastError: There are no voices, or a wish cannot be honoured.
        """
        wishes = _current(overrides or Overrides(), self.attribution.characters, self.company)
        if self._teller and role_key(self._teller) not in {role_key(wish.role) for wish in wishes}:
            wishes = (*wishes, Override(self._teller, same_as=NARRATOR))
        return cast_company(
            self.company,
            voices,
            seed=seed,
            distance=distance,
            overrides=Overrides(wishes),
            language=self.language,
        )


def _current(overrides: Overrides, characters: Sequence[Character], company: Company) -> tuple[Override, ...]:
    """Wishes under the names that people have now.

    A sheet may still list somebody who was merged into another, or of whom no line is left: the first wish is taken
    over where the other has none, the second wishes for nothing. Names that nobody has are left for casting to refuse.
    """
    speaking = {role.key: role.name for role in company.roles} | {role_key(NARRATOR): NARRATOR}
    owners = {role_key(alias): one.name for one in reversed(characters) for alias in one.aliases}
    owners |= {role_key(one.name): one.name for one in characters}
    kept = {role_key(wish.role): wish for wish in overrides.wishes if role_key(wish.role) in speaking}
    for wish in overrides.wishes:
        key = role_key(wish.role)
        if key in speaking:
            continue
        owner = role_key(owners.get(key, wish.role))
        if owner in speaking:
            kept.setdefault(owner, replace(wish, role=speaking[owner]))
        elif key not in owners:
            kept[key] = wish
    return tuple(kept.values())


class _Scenes(Sequence[Scene]):
    """The scenes of a narration, made one by one."""

    def __init__(self, narration: Narration) -> None:
        self._narration = narration

    def __len__(self) -> int:
        return len(self._narration.chapters)

    @overload
    def __getitem__(self, index: int) -> Scene: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Scene]: ...

    def __getitem__(self, index: int | slice) -> Scene | Sequence[Scene]:
        if isinstance(index, slice):
            return _Scenes(replace(self._narration, chapters=self._narration.chapters[index]))
        return self._narration.scene(index)


def narrate(
    book: Book, attribution: Attribution, *, sheet: CastSheet | None = None, options: NarrationOptions | None = None
) -> Narration:
    """Make a narration of a book.

    One pass over the text cuts it into lines, counts them and forgets them again.

    Args:
        book: What is read.
        attribution: Who says what in it.
        sheet: Corrections of people; they are applied here.
        options: How it is read; the defaults if None.

    Raises:
        ScriptError: Nothing in the book can be read.
        SettingsError: The language is none, or the credits cannot be used.
        CastError: A correction names somebody or something that is not there.
    """
    options = options or NarrationOptions()
    language = language_tag(options.language or book.language or DEFAULT_LANGUAGE)
    if not language and options.language:
        raise SettingsError(f"“{options.language[:40]}” is no language; give a tag such as en, de, fr-CA or cmn")
    language = language or DEFAULT_LANGUAGE
    if sheet is not None:
        attribution = corrected(attribution, sheet.corrections, book=book, line_chars=options.line_chars)
    people = find_people(attribution, language=language, min_confidence=options.min_confidence)
    reader = ChapterReader(
        book, attribution.quotes, Quotations(attribution), people.role_of, options.tags, options.line_chars
    )
    said = write_credits(
        book.title,
        book.authors,
        language,
        reader=options.narrator_name,
        opening=options.opening,
        closing=options.closing,
    )
    acquaintances = Acquaintances()
    parts, chapters, last_line = survey(reader, acquaintances)
    if not chapters:
        reason = "nothing in it can be read aloud; check that it is a book with text, not pictures of pages"
        raise ScriptError(reason, source=book.source)
    if options.credits:
        opening, closing = said.opening_scene(), said.closing_scene(last_line + 1)
        chapters = [_of_credits(opening, 0), *chapters, _of_credits(closing, len(book.text))]
    teller = _teller(attribution, people, language) if options.first_person else None
    company = acquaintances.company(people.roles, replace(teller, name=NARRATOR) if teller else None)
    return Narration(
        book=book,
        title=book.title,
        author=", ".join(" ".join(author.split()) for author in book.authors),
        language=language,
        chapters=tuple(chapters),
        roles=(company.narrator, *company.roles),
        attribution=attribution,
        company=company,
        firsts=acquaintances.firsts(),
        warnings=_warnings(book, people, options, teller),
        _credits=said,
        _parts=tuple(parts),
        _reader=reader,
        _teller=teller.name if teller and teller.key in {role.key for role in company.roles} else "",
    )


def _of_credits(scene: Scene, at: int) -> NarratedChapter:
    texts = [line.text for line in scene.lines]
    return NarratedChapter(
        scene.title,
        0,
        at,
        at,
        scene.lines[0].number,
        len(texts),
        sum(len(text.split()) for text in texts),
        sum(map(len, texts)),
    )


def _teller(attribution: Attribution, people: People, language: str) -> Role | None:
    """The role of who tells the story as “I”; who says nothing aloud has a profile all the same."""
    teller = attribution.first_person
    if teller is None:
        return None
    if teller in people.names:
        return people.roles[role_key(people.names[teller])]
    character = next((one for one in attribution.characters if one.name == teller), Character(teller))
    return Role(clean_name(teller)[:MAX_NAME_CHARS] or NARRATOR, profile(character, language=language))


def _warnings(book: Book, people: People, options: NarrationOptions, teller: Role | None) -> tuple[str, ...]:
    found = [*book.warnings, *people.warnings]
    if options.first_person and teller is None:
        found.append("nobody was found who tells the story as “I”; the narrator has a voice of their own")
    if len(found) > MAX_WARNINGS:
        found = [*found[:MAX_WARNINGS], f"{len(found) - MAX_WARNINGS} more warnings are left out"]
    return tuple(found)
