"""A model that knows shows how much asking can gain, and is given no more than a real one would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.attribution_oracle import count_right, headroom
from benchmarks.pdnc import AnnotatedNovel, GoldQuote, normal
from speechagents.attribution.quotation import Attribution
from tests.attribution.asked import EMMA, PEOPLE, Said, Told, novel, talk


def annotated(told: Told) -> AnnotatedNovel:
    """The novel as its annotators see it: without quotation marks."""
    quotes = []
    for quote in told.attribution.quotes:
        ((start, end),) = quote.spans
        truth = told.truth[start]
        quotes.append(GoldQuote(((start + 1, end - 1),), frozenset([truth] if truth else []), "implicit"))
    bearers = {normal(name): frozenset([one.name]) for one in PEOPLE for name in (one.name, *one.aliases)}
    return AnnotatedNovel(Path("Test"), told.text, [*told.paragraphs], PEOPLE, bearers, tuple(quotes))


def test_a_model_that_knows_gains_the_share_that_it_is_asked_about() -> None:
    told = talk(100, confidence=lambda at: at / 100)
    room = headroom(annotated(told), told.attribution, share=0.3)
    assert (room.quotes, room.before, room.after) == (100, 0, 30)
    assert (room.told.asked, room.told.warnings) == (30, ())
    assert room.told.questions == 3
    assert 0 < room.chars < 3 * 8_000


def test_a_model_that_is_often_right_gains_as_often() -> None:
    told = talk(400)
    rights = [
        headroom(annotated(told), told.attribution, share=1.0, skill=skill).after for skill in (0.0, 0.5, 0.8, 1.0)
    ]
    assert rights[0] == 0
    assert rights[1] == pytest.approx(200, abs=50)
    assert rights[2] == pytest.approx(320, abs=40)
    assert rights[3] == 400


def test_it_names_nobody_who_is_not_listed() -> None:
    told = novel((Said("“Who?”", "The Vicar", EMMA, 0.1), Said("“I.”", EMMA, None, 0.1)))
    truth = annotated(told)
    room = headroom(truth, told.attribution, share=1.0)
    assert [quote.speaker for quote in room.told.attribution.quotes] == [EMMA, EMMA]
    assert (room.before, room.after) == (0, 1)


def test_right_is_what_was_found_by_half_and_bears_any_name_of_the_speaker() -> None:
    told = novel((Said("“Who is it then?”", EMMA, "Emma", 0.9),))
    truth = annotated(told)
    assert count_right(truth, told.attribution) == 1
    (quote,) = told.attribution.quotes
    for end, right in ((8, 0), (14, 1)):
        cut = type(quote)(((0, end),), quote.speaker, quote.confidence, quote.kind)
        assert count_right(truth, Attribution(PEOPLE, (cut,))) == right
