"""A book from file to production: read, attributed, narrated, cast, and read aloud.

Owns the order of that work and what a later run starts from: ``book.json`` (the book as it was read, so that the file
is not needed any more), ``attribution.json`` (who says what, so that nothing is attributed twice), ``answers.jsonl``
(what a language model said about it) and ``cast.yaml``. Each step is a module of its own; how chapters become sound is
`recital`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from speechagents.ascriber import asks, choose_ascriber, pinned, second_opinion
from speechagents.attribution.keeping import KeptAttributions
from speechagents.attribution.quotation import Character
from speechagents.books.book import BlockKind, Book
from speechagents.controllers.ascribing import Ascribes
from speechagents.drama import NARRATOR, role_key
from speechagents.errors import ProductionError, SettingsError
from speechagents.events import Event
from speechagents.novel.cast_sheet import CastSheet, read_cast_sheet, write_cast_sheet
from speechagents.novel.chapter_reader import TagReading
from speechagents.novel.corrections import corrected_characters
from speechagents.novel.narration import Narration, NarrationOptions, narrate
from speechagents.novel.selection import parse_chapters
from speechagents.performance import Troupe
from speechagents.production.binding import check_book_formats
from speechagents.production.cover import read_cover
from speechagents.production.folder import Production
from speechagents.production.heap import give_back
from speechagents.production.masters import master_named
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.storage import write_atomically
from speechagents.pronunciation.lexicon import Lexicon, read_lexicon
from speechagents.pronunciation.saying import Pronunciation
from speechagents.proofreading import ScenePlaces, proof_play
from speechagents.reading_matter import Reading
from speechagents.recital import KIND, Recital
from speechagents.settings import ReadSettings
from speechagents.voices.casting import Cast, Override, Overrides, apart
from speechagents.voices.synthesizer import ChecksLanguage

BOOK_FILE: Final = "book.json"
ATTRIBUTION_FILE: Final = "attribution.json"
CHARACTERS_FILE: Final = "characters.csv"
COVER_FILE: Final = "cover"
LEXICON_FILE: Final = "lexicon.pls"
_GIVEN: Final = {"characters": CHARACTERS_FILE, "cover": COVER_FILE, "lexicon": LEXICON_FILE}
"""Files of the user that are copied into the folder, by the option that names them."""
_MAX_KEPT_BYTES: Final = 256_000_000


def read_aloud(
    troupe: Troupe,
    book: Book | Path,
    out: Path,
    settings: ReadSettings,
    *,
    resume: bool,
    remembered: ReadSettings | None = None,
) -> Iterator[Event]:
    """Read a book aloud into a folder; see `Studio.read`.

    Args:
        troupe: The voices.
        book: The book, or its file.
        out: The production folder.
        settings: Options of this run.
        resume: Refuse a folder that holds no production yet.
        remembered: Options that a later resume goes by, `settings` if None.
    """
    settings = pinned(settings)
    ascriber = (
        choose_ascriber(settings.controller, model=settings.model, server=settings.server) if asks(settings) else None
    )
    prepared = yield from _prepared(
        troupe, book, out, settings, resume=resume, remembered=remembered and pinned(remembered), ascriber=ascriber
    )
    with prepared.recital.production:
        prepared.write_down()
        # A third of what the process has grown by was for the preparations alone, and speaking takes hours.
        give_back()
        yield from prepared.recital.produce()


def proof_book(troupe: Troupe, out: Path) -> Iterator[Event]:
    """Proof the takes of a book; see `Studio.proof`."""
    book, settings = remembered_book(out)
    prepared = yield from _prepared(troupe, book, out, settings, resume=True, ascriber=None)
    recital = prepared.recital
    with recital.production:
        yield recital.started()
        proofs = ProofRecord(out)
        yield from proof_play(recital.proof_play(proofs), ScenePlaces(recital.placed(proofs)))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A book, decided; nothing is written yet.

    Attributes:
        recital: What is to be done.
        write_down: Writes what a later run starts from; called while the production is open.
    """

    recital: Recital
    write_down: Callable[[], None]


def _prepared(
    troupe: Troupe,
    book: Book | Path,
    out: Path,
    settings: ReadSettings,
    *,
    resume: bool,
    remembered: ReadSettings | None = None,
    ascriber: Ascribes | None,
) -> Generator[Event, None, _Prepared]:
    """Read, attribute, narrate and cast; see `read_aloud`."""
    check_book_formats(settings.formats)
    master_named(settings.master)
    ranges = parse_chapters(settings.chapters) if settings.chapters else None
    if settings.cover is not None:
        read_cover(settings.cover)
    lexicon = read_lexicon(settings.lexicon) if settings.lexicon is not None else Lexicon()
    sheet = read_cast_sheet(settings.cast) if settings.cast is not None else None
    production = Production(out, must_exist=resume)
    _refuse_another_kind(production)
    if isinstance(book, Path):
        book = _read(book, settings)
    book = replace(book, title=settings.title or book.title, authors=_authors(book, settings))
    if not book.title:
        book = replace(book, title=Path(book.source).stem or "Untitled")
    if isinstance(troupe.synthesizer, ChecksLanguage):
        troupe.synthesizer.check_language(settings.language or book.language)
    characters = _characters(settings)
    kept = KeptAttributions(production.folder / ATTRIBUTION_FILE, book.text, _paragraphs(book))
    told = sheet or (read_cast_sheet(production.cast_path) if production.cast_path.exists() else CastSheet())
    attribution = kept.attribution(characters)
    if told.corrections.people:
        attribution = kept.attribution(corrected_characters(attribution.characters, told.corrections))
    asked = yield from second_opinion(
        book.text, _paragraphs(book), attribution, settings, production.folder, ascriber=ascriber
    )
    narration = narrate(book, asked.attribution, sheet=told, options=_options(settings))
    overrides = told.overrides if sheet is not None else _of_known(told.overrides, narration)
    cast = _cast(troupe, narration, overrides, settings)
    chosen = narration if ranges is None else narration.only(ranges.numbers(len(narration.numbers)))
    reading = Reading(
        title=narration.title,
        author=narration.author,
        language=narration.language,
        chapters=chosen.chapters,
        scenes=chosen.scenes,
        warnings=(*asked.warnings, *narration.warnings, *lexicon.warnings),
        cover=book.cover,
        narration=chosen,
    )

    def write_down() -> None:
        same = _write_down(production, book, settings)
        kept.write()
        if same and sheet is None and set(told.overrides.wishes) == set(cast.overrides().wishes):
            return  # It stays as it is, with the reasons that it was written with.
        write_cast_sheet(
            cast,
            production.cast_path,
            characters={role_key(one.name): one for one in narration.attribution.characters},
            firsts=narration.firsts,
            corrections=told.corrections,
        )

    pronunciation = Pronunciation(lexicon, narration.language)
    recital = Recital(troupe, reading, cast, settings, remembered or settings, production, pronunciation)
    return _Prepared(recital, write_down)


def is_book(out: Path) -> bool:
    """Whether a folder holds a book that is read aloud."""
    return (out / BOOK_FILE).is_file()


def refuse_book(out: Path) -> None:
    """Keep a script out of a book's folder.

    Raises:
        ProductionError: The folder holds a book.
    """
    if is_book(out):
        raise ProductionError(f"{out}: holds a book that is read aloud; name a new folder for --out")


def remembered_book(out: Path) -> tuple[Book, ReadSettings]:
    """The book of a production and the options it was read with.

    Raises:
        ProductionError: The folder holds none, or a damaged one.
    """
    from speechagents.books.book_json import book_from_json

    production = Production(out, must_exist=True)
    settings = ReadSettings.from_json(production.record().get("settings"))
    path = production.folder / BOOK_FILE
    try:
        if path.stat().st_size > _MAX_KEPT_BYTES:
            raise ValueError("too large")
        book = book_from_json(path.read_text("utf-8"), source=str(path))
    except (OSError, ValueError) as error:
        raise ProductionError(f"{path}: cannot be read ({error}); read the book again with --out {out}") from error
    # What lies in the folder counts; the files that it was once read from may have changed or gone.
    lying: dict[str, Any] = {
        name: production.folder / file for name, file in _GIVEN.items() if getattr(settings, name) is not None
    }
    return book, replace(settings, cast=None, **lying)


def _paragraphs(book: Book) -> list[tuple[int, int]]:
    spoken = (BlockKind.PARAGRAPH, BlockKind.VERSE)
    return [(block.start, block.end) for block in book.blocks() if block.kind in spoken]


def _read(path: Path, settings: ReadSettings) -> Book:
    from speechagents.books.notes import Notes
    from speechagents.books.reading import read_book

    return read_book(path, notes=Notes(settings.notes))


def _authors(book: Book, settings: ReadSettings) -> tuple[str, ...]:
    return (settings.author,) if settings.author else book.authors


def _characters(settings: ReadSettings) -> tuple[Character, ...] | None:
    if settings.characters is None:
        return None
    from speechagents.attribution.character_table import read_characters

    return read_characters(settings.characters)


def _options(settings: ReadSettings) -> NarrationOptions:
    return NarrationOptions(
        language=settings.language,
        tags=TagReading(settings.tags),
        min_confidence=settings.min_confidence,
        first_person=settings.first_person,
        credits=settings.credits,
        opening=settings.opening,
        closing=settings.closing,
        narrator_name=settings.narrator_name,
    )


def _of_known(overrides: Overrides, narration: Narration) -> Overrides:
    """Wishes of a production's own cast for people who are in the book; it may hold others from an earlier version."""
    known = {role_key(NARRATOR), *(role.key for role in narration.roles)}
    for one in narration.attribution.characters:
        known.update(map(role_key, (one.name, *one.aliases)))
    return Overrides(
        tuple(
            wish
            for wish in overrides.wishes
            if role_key(wish.role) in known and (not wish.same_as or role_key(wish.same_as) in known)
        )
    )


def _cast(troupe: Troupe, narration: Narration, overrides: Overrides, settings: ReadSettings) -> Cast:
    wishes = overrides.wishes
    if settings.narrator_voice:
        others = (wish for wish in wishes if role_key(wish.role) != role_key(NARRATOR))
        wishes = (Override(NARRATOR, voice=settings.narrator_voice), *others)
    return narration.cast(
        troupe.synthesizer.voices,
        seed=settings.seed,
        distance=apart,
        overrides=Overrides(wishes),
    )


def _refuse_another_kind(production: Production) -> None:
    record = production.record()
    if record and record.get("kind") != KIND:
        raise ProductionError(
            f"{production.folder}: holds “{str(record.get('title', ''))[:60]}”, which is no book that is read aloud; "
            "name a new folder for --out"
        )


def _write_down(production: Production, book: Book, settings: ReadSettings) -> bool:
    """What a later run starts from, if only the folder is left; whether it is the same book as before."""
    from speechagents.books.book_json import book_to_json

    path = production.folder / BOOK_FILE
    data = book_to_json(book).encode("utf-8", "surrogatepass")
    same = path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    if not same:
        write_atomically(path, data)
    for name, file in _GIVEN.items():
        given: Path | None = getattr(settings, name)
        if given is not None and given.absolute() != (production.folder / file).absolute():
            write_atomically(production.folder / file, _bytes_of(given))
    return same


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
