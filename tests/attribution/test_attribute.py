"""Who says what, by the shipped models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from speechagents.attribution.attribute import SpeakerModel, attribute, attribution_of, speaker_model
from speechagents.attribution.novel import read_novel
from speechagents.attribution.quotation import Attribution, Character, Gender, QuoteKind
from speechagents.books.book import Book
from speechagents.books.reading import read_book
from speechagents.resources import resource

from .planting import Leaf, plant
from .telling import CAST, EMMA, TOM, laid_out

PENHALLOW, TOBIAS, CRAKE, SOLHEIM, INGRID = "Mrs. Penhallow", "Tobias", "Mr. Crake", "Captain Solheim", "Ingrid"
HUMAN = (
    ('"Somebody has been at them,"', PENHALLOW),
    ('"Nobody has been at them,"', TOBIAS),
    ('"You polish them,"', PENHALLOW),
    ('"In my day,"', CRAKE),
    ('"In your day, Mr. Crake', PENHALLOW),
    ('"And was it ever wrong?"', CRAKE),
    ('"Twice."', PENHALLOW),
    ('"When?"', CRAKE),
    ('"Both times in your favour."', PENHALLOW),
    ('"I was told,"', INGRID),
    ('"Fish,"', TOBIAS),
    ('"Things,"', PENHALLOW),
    ('"I had rather not say what it is,"', INGRID),
    ('"Lighter than it was', CRAKE),
    ('"You see?"', PENHALLOW),
    ('"No,"', INGRID),
    ('"Poor thing,"', PENHALLOW),
    ('"Mad as a kettle,"', CRAKE),
    ('"It\'s only the copper settling,"', TOBIAS),
    ('"God kveld,"', SOLHEIM),
    ('"Good evening,"', TOBIAS),
    ('"I would be, if there were more of me.', SOLHEIM),
    ('"Tobias Penhallow. I do the weights."', TOBIAS),
    ('"Then you are the boy', SOLHEIM),
    ('"I\'m very sorry, sir."', TOBIAS),
    ('"Don\'t be sorry. Be slower."', SOLHEIM),
    ('"She has gone to the inn,"', TOBIAS),
    ('"The box is empty.', SOLHEIM),
    ('"And the gull came here?"', TOBIAS),
    ('"The gull came for the fish,"', SOLHEIM),
    ('"Why didn\'t you speak before?"', TOBIAS),
    ('"Nobody weighed anything that I cared about."', SOLHEIM),
    ('"I told her,"', PENHALLOW),
    ('"Ingrid?"', SOLHEIM),
    ('"Oh, Far,"', INGRID),
)
"""How each quotation of the example begins, and who says it to a human reader."""
CALLED = {
    PENHALLOW: {PENHALLOW, "Mrs. Orla Penhallow", "Orla Penhallow", "The Aunt"},
    TOBIAS: {TOBIAS, "Tobias Penhallow"},
    CRAKE: {CRAKE, "The Harbour Master", "The Old Harbour Master"},
    SOLHEIM: {SOLHEIM, "The Captain", "The Pan"},
    INGRID: {INGRID, "Ingrid Solheim", "The Woman", "The Stranger", "The Woman in Yellow"},
}
"""What a person of the example may be called: some of them stay without a name for a whole chapter."""
GIVEN = (
    Character(PENHALLOW, ("Mrs. Orla Penhallow", "Aunt"), Gender.FEMALE),
    Character(TOBIAS, ("Tobias Penhallow",), Gender.MALE),
    Character(CRAKE, ("The Harbour Master",), Gender.MALE),
    Character(SOLHEIM, ("The Captain", "The Pan", "The Left-Hand Pan"), Gender.MALE),
    Character(INGRID, ("Ingrid Solheim", "The Stranger", "The Woman in Yellow"), Gender.FEMALE),
)


@cache
def example() -> Book:
    return read_book(resource("assets", "examples", "novel.md"))


@cache
def attributed(*cast: Character) -> Attribution:
    return attribute(example().text, example().paragraphs(), characters=cast or None)


def share_right(attribution: Attribution) -> float:
    right = [quote.speaker in CALLED[who] for quote, (_, who) in zip(attribution.quotes, HUMAN, strict=True)]
    return sum(right) / len(right)


def told(*paragraphs: str, cast: Sequence[Character] | None = CAST) -> Attribution:
    return attribute(*laid_out(*paragraphs), characters=cast)


def speakers(attribution: Attribution) -> list[str | None]:
    return [quote.speaker for quote in attribution.quotes]


def test_the_example_has_the_quotations_that_a_reader_hears() -> None:
    beginnings = [example().text[quote.spans[0][0] :].replace("*", "") for quote in attributed().quotes]
    assert len(beginnings) == len(HUMAN)
    for text, (begins, _) in zip(beginnings, HUMAN, strict=True):
        assert text.replace("\n", " ").startswith(begins)


def test_a_speech_that_runs_over_paragraphs_is_one_quotation() -> None:
    quote = attributed().quotes[27]
    assert len(quote.spans) == 4
    assert example().text[quote.spans[-1][0] : quote.spans[-1][1]].endswith('a thing like that."')


@pytest.mark.parametrize("cast", [(), GIVEN], ids=["found", "given"])
def test_most_speakers_of_the_example_are_those_a_reader_hears(cast: tuple[Character, ...]) -> None:
    assert share_right(attributed(*cast)) >= 0.8  # a wrong opener takes a run of talk along


@pytest.mark.parametrize("cast", [(), GIVEN], ids=["found", "given"])
def test_whoever_is_named_beside_the_quotation_speaks_it(cast: tuple[Character, ...]) -> None:
    named = (PENHALLOW, TOBIAS, CRAKE)
    plain = [
        (quote.speaker, who)
        for quote, (_, who) in zip(attributed(*cast).quotes, HUMAN, strict=True)
        if quote.kind is QuoteKind.EXPLICIT and who in named
    ]
    assert len(plain) >= 9
    assert all(speaker in CALLED[who] for speaker, who in plain)


def test_confidence_is_a_probability_and_a_plain_tag_is_surer_than_none() -> None:
    quotes = attributed().quotes
    assert all(0 <= quote.confidence <= 1 for quote in quotes)
    explicit = [quote.confidence for quote in quotes if quote.kind is QuoteKind.EXPLICIT]
    implicit = [quote.confidence for quote in quotes if quote.kind is QuoteKind.IMPLICIT]
    assert sum(explicit) / len(explicit) > sum(implicit) / len(implicit) + 0.1


@pytest.mark.parametrize("cast", [(), GIVEN], ids=["found", "given"])
def test_spans_are_in_order_and_nothing_is_said_twice(cast: tuple[Character, ...]) -> None:
    at = 0
    for start, end in (span for quote in attributed(*cast).quotes for span in quote.spans):
        assert at <= start < end <= len(example().text)
        at = end


def test_a_tag_stands_beside_its_quotation_and_holds_the_verb() -> None:
    text = example().text
    first = attributed().quotes[0]
    assert first.tag is not None
    assert text[slice(*first.tag)].replace("\n", " ") == "said Mrs. Penhallow"
    for quote in attributed().quotes:
        assert (quote.tag is None) == (quote.kind is QuoteKind.IMPLICIT)
        if quote.tag:
            assert not any(start < quote.tag[1] and end > quote.tag[0] for start, end in quote.spans)


def test_everybody_who_speaks_or_is_spoken_to_is_a_character() -> None:
    for attribution in (attributed(), attributed(*GIVEN)):
        names = {one.name for one in attribution.characters}
        assert {quote.speaker for quote in attribution.quotes} - {None} <= names
        assert {quote.addressee for quote in attribution.quotes} - {None} <= names
        assert [one.mentions for one in attribution.characters] == sorted(
            (one.mentions for one in attribution.characters), reverse=True
        )
        assert all(quote.addressee is None or quote.addressee != quote.speaker for quote in attribution.quotes)


def test_a_cast_that_is_given_is_the_cast() -> None:
    assert {one.name for one in attributed(*GIVEN).characters} == {one.name for one in GIVEN}


def test_the_same_text_is_attributed_the_same() -> None:
    assert attribute(example().text, example().paragraphs()) == attributed()


def test_whom_a_quotation_calls_is_spoken_to() -> None:
    attribution = told("Emma met Tom and Lucy.", "“You are late, Tom,” said Emma.", "“So are you,” said Lucy.")
    assert [quote.addressee for quote in attribution.quotes] == [TOM.name, EMMA.name]


def test_two_alone_take_turns() -> None:
    attribution = told(
        "Emma met Tom at the gate.",
        "“You are late,” said Emma.",
        "“I am not,” said Tom.",
        "“You are.”",
        "“I am never late.”",
        "“You were late last week.”",
    )
    assert speakers(attribution) == [EMMA.name, TOM.name, EMMA.name, TOM.name, EMMA.name]


def test_how_the_text_says_who_speaks_is_told() -> None:
    attribution = told("Emma met Tom.", "“Yes,” said Emma.", "“No,” he said.", "“Well.”")
    assert [quote.kind for quote in attribution.quotes] == [
        QuoteKind.EXPLICIT,
        QuoteKind.ANAPHORIC,
        QuoteKind.IMPLICIT,
    ]
    assert speakers(attribution)[:2] == [EMMA.name, TOM.name]


def test_a_title_in_quotation_marks_is_the_narrators() -> None:
    attribution = told(
        "Emma sat by the window. On her knees lay “The Tinderbox”, which she had read as a child.",
        "“You are late,” said Emma.",
    )
    assert speakers(attribution) == [None, EMMA.name]


def test_one_who_tells_the_story_is_named() -> None:
    attribution = told(
        "I had met Emma on the quay. I carried her basket.",
        "“Tom, you are late,” said Emma.",
        "“I was held up,” said I.",
        "“You always are, Tom,” she said.",
        "I looked at the sea. I had nothing to say to that.",
        "“Tom!” cried Lucy from the boat.",
    )
    assert attribution.first_person == TOM.name
    assert speakers(attribution)[1] == TOM.name


def test_what_a_teller_without_a_name_says_is_the_narrators() -> None:
    attribution = told("I had met Emma. I liked her.", "“You are late,” said Emma.", "“I am,” said I.")
    assert attribution.first_person is None
    assert speakers(attribution) == [EMMA.name, None]


@pytest.mark.parametrize("cast", [None, CAST, ()], ids=["found", "given", "nobody"])
@pytest.mark.parametrize("text", ["", "Emma met Tom.", "“Who is there?”", "“”", "“", "…", "— Oui.\n", "\n\n"])
def test_texts_with_little_or_nothing_in_them(text: str, cast: tuple[Character, ...] | None) -> None:
    attribution = attribute(text, [(0, len(text))] if text else [], characters=cast)
    assert all(quote.speaker is None for quote in attribution.quotes)


def test_a_text_without_quotations_has_none() -> None:
    attribution = told("Emma met Tom. They walked home.", cast=None)
    assert attribution.quotes == ()


def test_a_very_long_paragraph_is_attributed() -> None:
    talk = " ".join(f"“Well, {at}, it is late,” said {('Emma', 'Tom')[at % 2]}." for at in range(5_600))
    assert len(talk) > 200_000
    attribution = told(talk)
    assert len(attribution.quotes) == 5_600
    assert set(speakers(attribution)) <= {EMMA.name, TOM.name}


def test_a_german_text_has_its_quotations() -> None:
    text, places = laid_out(
        "Emma traf Tom am Tor. Es war spät.",
        "„Du bist spät dran“, sagte Emma. „Wie immer.“",
        "„Ich bin nie zu spät“, antwortete Tom.",
        "»Doch«, rief sie.",
    )
    attribution = attribute(text, places, characters=CAST)
    said = [[text[start:end] for start, end in quote.spans] for quote in attribution.quotes]
    assert said == [["„Du bist spät dran“", "„Wie immer.“"], ["„Ich bin nie zu spät“"]]


def test_the_numbers_are_those_that_the_models_know() -> None:
    for name in ("given", "open"):
        model = speaker_model(name)
        assert model.first.feature.max() < 105
        assert (np.diff(model.score) >= 0).all()
        assert (np.diff(model.right) >= 0).all()
        assert 0 <= model.right.min() <= model.right.max() <= 1


def test_a_model_is_arrays_and_nothing_else() -> None:
    arrays = speaker_model("given").arrays()
    assert all(array.dtype.kind in "fiu" for array in arrays.values())
    assert {name.split("_")[0] for name in arrays} == {"first", "second", "said", "score", "right"}


def flat(said: float) -> SpeakerModel:
    """A model that finds all candidates alike, and speech as likely as the log-odds say."""
    calibration = np.array([0.0, 1.0], dtype=np.float32)
    return SpeakerModel(plant([Leaf(0.0)]), plant([Leaf(0.0)]), plant([Leaf(said)]), calibration, calibration)


def test_a_model_that_hears_no_speech_leaves_all_to_the_narrator() -> None:
    novel = read_novel(*laid_out("Emma met Tom.", "“Yes,” said Emma."), CAST)
    silent = attribution_of(novel, flat(-9.0), named=True)
    assert [(one.speaker, one.confidence > 0.99, one.addressee) for one in silent.quotes] == [(None, True, None)]


def test_a_model_that_knows_nothing_is_as_unsure_as_it_should_be() -> None:
    novel = read_novel(*laid_out("Emma met Tom.", "“Yes.”"), CAST)
    (quote,) = attribution_of(novel, flat(9.0), named=True).quotes
    assert quote.confidence == pytest.approx(0.5, abs=0.01)
    assert quote.speaker == EMMA.name


def test_of_a_cast_that_was_found_only_those_stay_who_are_named_twice_or_speak() -> None:
    novel = read_novel(*laid_out("Tom met Lucy. Tom laughed.", "“Yes.” Emma smiled."), CAST)
    names = {one.name for one in attribution_of(novel, flat(9.0), named=False).characters}
    assert names == {TOM.name, EMMA.name}
