"""What a person corrects, and that it stays corrected."""

from __future__ import annotations

import time

import pytest

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind
from speechagents.errors import CastError
from speechagents.novel.corrections import Corrections, Merge, Split, Spoken, corrected, corrected_characters
from speechagents.novel.narration import NarrationOptions, narrate
from tests.novel.novels import EMMA, KNIGHTLEY, a_book, lines_of, said_by

TEXT = """\
CHAPTER 1

“Come here,” said Emma. “At once, I say.”

“Not now,” said John Knightley.

“You are mistaken,” said Mr. Knightley.

“You are wrong,” he said.
"""
LIZZY = Character("Lizzy", ("Eliza",), Gender.UNKNOWN, 20)
ELIZABETH = Character("Elizabeth Bennet", ("Miss Bennet",), Gender.FEMALE, 10)
JOHNS = Character("Mr. Knightley", ("John Knightley", "Knightley"), Gender.MALE, 50)
BOOK = a_book(TEXT)


def attribution(*speakers: str | None, characters: tuple[Character, ...] = (EMMA, JOHNS)) -> Attribution:
    names = speakers or ("Emma Woodhouse", "Mr. Knightley", "Mr. Knightley", "Emma Woodhouse")
    return said_by(BOOK, *names, joined=[(0, 1)], characters=characters)


def speakers(found: Attribution) -> list[str | None]:
    return [quote.speaker for quote in found.quotes]


def apply(corrections: Corrections, found: Attribution | None = None) -> Attribution:
    return corrected(found or attribution(), corrections, book=BOOK, line_chars=400)


class TestMerge:
    def test_makes_one_person_of_two(self) -> None:
        found = said_by(BOOK, "Lizzy", "Elizabeth Bennet", characters=(LIZZY, ELIZABETH))
        done = apply(Corrections(merges=(Merge(("Elizabeth Bennet", "Lizzy")),)), found)
        assert done.characters == (Character("Elizabeth Bennet", ("Miss Bennet", "Lizzy", "Eliza"), Gender.FEMALE, 30),)
        assert set(speakers(done)) == {"Elizabeth Bennet"}

    def test_goes_by_any_name_in_any_spelling_and_keeps_the_first(self) -> None:
        done = corrected_characters((LIZZY, ELIZABETH), Corrections(merges=(Merge(("miss  BENNET", "eliza")),)))
        assert done == (Character("Miss Bennet", ("Elizabeth Bennet", "Lizzy", "Eliza"), Gender.FEMALE, 30),)

    def test_renames_where_both_names_are_one_person_already(self) -> None:
        done = apply(Corrections(merges=(Merge(("Emma", "Emma Woodhouse")),)))
        assert done.characters[0] == Character("Emma", ("Emma Woodhouse", "Miss Woodhouse"), Gender.FEMALE, 90)
        assert speakers(done)[0] == "Emma"

    def test_of_the_teller_keeps_the_teller(self) -> None:
        found = said_by(BOOK, "Lizzy", characters=(LIZZY, ELIZABETH), first_person="Lizzy")
        done = apply(Corrections(merges=(Merge(("Elizabeth Bennet", "Lizzy")),)), found)
        assert done.first_person == "Elizabeth Bennet"

    def test_of_a_name_that_is_nobodys_is_refused(self) -> None:
        with pytest.raises(CastError, match=r'cast\.yaml:7: nobody in the book is called "Ema"; did you mean Emma'):
            apply(Corrections(merges=(Merge(("Ema", "Knightley"), "cast.yaml:7"),)))


class TestSplit:
    def test_makes_a_person_of_an_alias_with_what_tags_say_under_it(self) -> None:
        done = apply(Corrections(splits=(Split("John Knightley", "John Knightley"),)))
        assert [character.name for character in done.characters] == [
            "Emma Woodhouse",
            "Mr. Knightley",
            "John Knightley",
        ]
        assert done.characters[1].aliases == ("Knightley",)
        assert speakers(done) == ["Emma Woodhouse", "John Knightley", "Mr. Knightley", "Emma Woodhouse"]

    def test_gives_an_alias_to_somebody_who_is_there(self) -> None:
        done = apply(Corrections(splits=(Split("John Knightley", "Emma"),)))
        assert "John Knightley" in done.characters[0].aliases
        assert speakers(done)[1] == "Emma Woodhouse"

    def test_of_the_main_name_leaves_the_other_names_to_whoever_had_it(self) -> None:
        done = apply(Corrections(splits=(Split("Mr. Knightley", "George Knightley"),)))
        assert {character.name: character.aliases for character in done.characters} == {
            "Emma Woodhouse": ("Emma", "Miss Woodhouse"),
            "John Knightley": ("Knightley",),
            "George Knightley": ("Mr. Knightley",),
        }
        assert speakers(done) == ["Emma Woodhouse", "John Knightley", "George Knightley", "Emma Woodhouse"]

    def test_of_an_only_name_is_a_merge(self) -> None:
        lonely = attribution(characters=(Character("Emma Woodhouse"), JOHNS))
        with pytest.raises(CastError, match=r"only name; to give it to Mr\. Knightley write merge"):
            apply(Corrections(splits=(Split("Emma Woodhouse", "Mr. Knightley"),)), lonely)

    def test_of_a_name_that_is_nobodys_is_refused(self) -> None:
        with pytest.raises(CastError, match='cast:3: nobody in the book is called "Jon"'):
            apply(Corrections(splits=(Split("Jon", "Jon Snow", "cast:3"),)))


class TestIs:
    @pytest.mark.parametrize("quotation", ["18", "@130", "You are wrong", "you are WRONG,"])
    def test_names_a_quotation_by_line_place_or_words(self, quotation: str) -> None:
        done = apply(Corrections(spoken=(Spoken(quotation, "Knightley"),)))
        assert speakers(done) == ["Emma Woodhouse", "Mr. Knightley", "Mr. Knightley", "Mr. Knightley"]
        assert done.quotes[-1].confidence == 1.0

    def test_any_piece_of_it_will_do(self) -> None:
        done = apply(Corrections(spoken=(Spoken("13", "Knightley"),)))
        assert speakers(done)[0] == "Mr. Knightley"

    @pytest.mark.parametrize("nobody", ["narrator", "Narrator", "nobody"])
    def test_leaves_it_to_the_narrator(self, nobody: str) -> None:
        assert speakers(apply(Corrections(spoken=(Spoken("Not now", nobody),))))[1] is None

    def test_outranks_merge_and_split(self) -> None:
        corrections = Corrections(
            splits=(Split("John Knightley", "John Knightley"),), spoken=(Spoken("Not now", "Emma"),)
        )
        assert speakers(apply(corrections))[1] == "Emma Woodhouse"

    def test_may_name_somebody_whom_the_sheet_adds(self) -> None:
        done = apply(Corrections(spoken=(Spoken("Not now", "the porter"),), added=("The Porter",)))
        assert speakers(done)[1] == "The Porter"
        assert done.characters[-1] == Character("The Porter")

    @pytest.mark.parametrize(
        ("quotation", "speaker", "fault"),
        [
            ("18", "Porter", 'c:1: nobody in the book is called "Porter"; to add somebody, list them under roles'),
            ("12", "Emma", "c:1: line 12 is narration, not a quotation; the nearest one is in line 11"),
            ("99", "Emma", "c:1: there is no line 99; the book has lines 10 to"),
            ("3", "Emma", "c:1: there is no line 3"),
            ("@2", "Emma", "c:1: no quotation stands at character 2"),
            ("You are", "Emma", 'c:1: 2 quotations begin with "You are"; copy more of its words'),
            ("I never said so", "Emma", 'c:1: no quotation begins with "I never said so"'),
            ("Come", "Emma", 'c:1: "Come" is no line'),
            ("9" * 50, "Emma", "there is no line 9"),
        ],
    )
    def test_what_is_not_there_or_not_clear_is_refused(self, quotation: str, speaker: str, fault: str) -> None:
        with pytest.raises(CastError, match=fault):
            apply(Corrections(spoken=(Spoken(quotation, speaker, "c:1"),)))


def test_a_gender_is_corrected_and_a_name_that_is_gone_is_passed_over() -> None:
    done = corrected_characters((LIZZY, EMMA), Corrections(genders=(("eliza", Gender.FEMALE), ("Gone", Gender.MALE))))
    assert {character.name: character.gender for character in done} == {
        "Lizzy": Gender.FEMALE,
        "Emma Woodhouse": Gender.FEMALE,
    }


ALL = Corrections(
    merges=(Merge(("Emma", "Miss Woodhouse")),),
    splits=(Split("John Knightley", "John Knightley"), Split("Knightley", "Emma")),
    spoken=(Spoken("18", "John Knightley"), Spoken("@20", "narrator")),
    genders=(("Emma", Gender.FEMALE),),
)


def test_applying_twice_is_applying_once() -> None:
    once = apply(ALL)
    assert apply(ALL, once) == once


def test_no_correction_changes_nothing() -> None:
    assert apply(Corrections()) == attribution()


def test_only_merges_and_splits_ask_for_another_attribution() -> None:
    assert ALL.people
    assert not Corrections(spoken=ALL.spoken, genders=ALL.genders).people


def test_no_correction_moves_the_number_of_a_line() -> None:
    before, after = (
        lines_of(narrate(BOOK, found, options=NarrationOptions(credits=False))) for found in (attribution(), apply(ALL))
    )
    assert [(line.number, line.text) for line in before] == [(line.number, line.text) for line in after]


def test_a_tag_names_whole_words_alone() -> None:
    text = "“Go,” said Annabel."
    book = a_book(text)
    quote = Quote(((0, 5),), "Annabel", 1.0, QuoteKind.EXPLICIT, tag=(6, len(text)))
    found = Attribution((Character("Annabel", ("Anna",)), KNIGHTLEY), (quote,))
    done = corrected(found, Corrections(splits=(Split("Anna", "Anna"),)), book=book, line_chars=400)
    assert done.quotes[0].speaker == "Annabel"


def test_very_many_corrections_take_bounded_time() -> None:
    count = 1500
    book = a_book("\n\n".join(f"“You are number {number}, I think,” said Emma." for number in range(count)))
    found = said_by(book, "Emma Woodhouse", characters=(EMMA, KNIGHTLEY))
    corrections = Corrections(
        merges=tuple(
            Merge(names) for _ in range(500) for names in (("Emma", "Miss Woodhouse"), ("Miss Woodhouse", "Emma"))
        ),
        splits=tuple(Split(f"Miss {number}", "Emma") for number in range(1000)),
        spoken=tuple(Spoken(f"You are number {number}", "Knightley") for number in range(count)),
        added=tuple(f"Miss {number}" for number in range(1000)),
    )
    began = time.process_time()
    done = corrected(found, corrections, book=book, line_chars=400)
    assert time.process_time() - began < 5.0
    assert {quote.speaker for quote in done.quotes} == {"Mr. Knightley"}
