"""Unsure quotations that stand near each other are asked about in one bounded excerpt, with those who may speak."""

from __future__ import annotations

import pytest

from speechagents.attribution.excerpts import (
    EXCERPT_CHARS,
    PIECE_CHARS,
    TOGETHER_CHARS,
    Question,
    questions_about,
    unsure_quotes,
)
from speechagents.attribution.quotation import Attribution, Character, Quote, QuoteKind
from speechagents.controllers.ascribing import MAX_CANDIDATES, MAX_PIECES, MAX_QUOTATIONS, Candidate, Join, Piece
from tests.attribution.asked import EMMA, LANE, PEOPLE, TOM, Said, Told, novel, talk, words


def asked(told: Told, *, below: float = 0.6, most: int | None = None) -> list[Question]:
    unsure = unsure_quotes(told.attribution, below=below, most=most)
    return list(questions_about(told.text, told.paragraphs, told.attribution, unsure, known=below))


def test_only_the_unsure_are_asked_about_and_the_least_sure_of_them_if_there_are_too_many() -> None:
    told = talk(5, confidence=lambda at: (0.9, 0.5, 0.6, 0.1, 0.3)[at])
    assert unsure_quotes(told.attribution, below=0.6, most=None) == [1, 3, 4]
    assert unsure_quotes(told.attribution, below=0.6, most=2) == [3, 4]
    assert unsure_quotes(told.attribution, below=0.6, most=0) == []
    assert unsure_quotes(told.attribution, below=0.0, most=None) == []


def test_an_excerpt_shows_what_is_asked_what_is_known_and_what_is_told() -> None:
    told = novel(
        ("Emma met Tom.",),
        (Said("“A letter?”", TOM, LANE, 0.2), "he asked,", Said("“From whom?”", TOM, TOM, 0.9)),
        (Said("“From my aunt.”", EMMA, EMMA, 0.6),),
        ("She called it", Said("“the thing.”", None, None, 0.95)),
    )
    (question,) = asked(told)
    assert question.quotes == (0,)
    assert question.excerpt.pieces == (
        Piece("Emma met Tom.", Join.PARAGRAPH, start=0),
        Piece("“A letter?”", Join.PARAGRAPH, quoted=True, number=1, start=15),
        Piece("he asked,", start=26),
        Piece("“From whom?”", quoted=True, speaker=TOM, start=37),
        Piece("“From my aunt.”", Join.PARAGRAPH, quoted=True, speaker=EMMA, start=51),
        Piece("She called it", Join.PARAGRAPH, start=68),
        Piece("“the thing.”", start=82),
    )
    assert question.excerpt.candidates == (
        Candidate(EMMA, ("Emma",), "female"),
        Candidate(TOM, ("Tom",), "male"),
        Candidate(LANE, ("Jane Lane",), "female"),
    )


def test_a_quotation_that_is_unsure_and_asked_about_elsewhere_is_nothing_to_go_by() -> None:
    told = talk(MAX_QUOTATIONS + 1)
    first, second = asked(told)
    assert (first.quotes, second.quotes) == (tuple(range(MAX_QUOTATIONS)), (MAX_QUOTATIONS,))
    assert {(one.number, one.speaker) for one in second.excerpt.pieces if one.quoted} == {(1, ""), (0, "")}


def test_a_quotation_in_pieces_has_one_number() -> None:
    text = "“I will,” said he, “go.”"
    quote = Quote(((0, 9), (19, 24)), None, 0.1, QuoteKind.ANAPHORIC)
    (question,) = questions_about(text, [(0, 24)], Attribution(PEOPLE, (quote,)), [0], known=0.6)
    assert [(one.text, one.number) for one in question.excerpt.pieces] == [
        ("“I will,”", 1),
        ("said he,", 0),
        ("“go.”", 1),
    ]


def test_what_is_far_apart_is_asked_apart() -> None:
    near, far = talk(2, filler=" On and on." * 100), talk(2, filler=" On and on." * 400)
    assert len(far.text) // 2 > TOGETHER_CHARS
    assert [question.quotes for question in asked(near)] == [(0, 1)]
    assert [question.quotes for question in asked(far)] == [(0,), (1,)]


def test_whole_paragraphs_around_are_shown_and_not_many() -> None:
    before = [(f"Before {at}. " + "word " * 60,) for at in range(20)]
    behind = [(f"Behind {at}. " + "word " * 60,) for at in range(20)]
    (question,) = asked(novel(*before, (Said("“Well?”", TOM, LANE, 0.1),), *behind))
    shown = words(question.excerpt)
    assert [at for at in range(20) if f"Before {at}." in shown] == [16, 17, 18, 19]
    assert [at for at in range(20) if f"Behind {at}." in shown] == [0]


def test_a_long_paragraph_is_shown_by_its_ends() -> None:
    long = "Emma came first. " + "It went on. " * 1_000 + "Tom came last."
    (question,) = asked(novel((long, Said("“Oh?”", TOM, LANE, 0.1))))
    narrated = question.excerpt.pieces[0].text
    assert len(narrated) <= PIECE_CHARS
    assert narrated.startswith("Emma came first.")
    assert narrated.endswith("Tom came last.")


@pytest.mark.parametrize("filler", ["", " x" * 2_000, " x" * 20_000])
def test_an_excerpt_is_bounded_whatever_the_novel(filler: str) -> None:
    crowd = [Character(f"Person {at}", (f"Nick {at}",) * 40, mentions=1) for at in range(300)]
    pages = [(Said(f"“Remark {at}.{filler}”", TOM, f"Person {at}", 0.1), "x" + filler) for at in range(30)]
    told = novel(*pages, people=crowd)
    questions = asked(told)
    assert [index for question in questions for index in question.quotes] == list(range(30))
    for question in questions:
        excerpt = question.excerpt
        assert len(words(excerpt)) <= EXCERPT_CHARS
        assert len(excerpt.pieces) <= MAX_PIECES
        assert len(excerpt.candidates) <= MAX_CANDIDATES
        assert excerpt.numbers == tuple(range(1, len(question.quotes) + 1))


def test_a_speech_of_a_thousand_paragraphs_leaves_room_for_what_stands_around_it() -> None:
    text = "Tom rose.\n" + "“And so on.\n" * 1_000 + "He sat down.\n"
    lines, at = [], 0
    for line in text.splitlines():
        lines.append((at, at + len(line)))
        at += len(line) + 1
    quote = Quote(tuple(lines[1:-1]), None, 0.2, QuoteKind.IMPLICIT)
    (question,) = questions_about(text, lines, Attribution(PEOPLE, (quote,)), [0], known=0.6)
    pieces = question.excerpt.pieces
    assert len(pieces) <= MAX_PIECES
    assert pieces[0].text == "Tom rose."


def test_what_is_left_out_between_two_pieces_is_marked() -> None:
    rows = [(f"{at:03}",) for at in range(300)]
    told = novel((Said("“Well?”", TOM, LANE, 0.1),), *rows, (Said("“Oh?”", EMMA, LANE, 0.1),))
    (question,) = asked(told)
    pieces = question.excerpt.pieces
    (gap,) = [at for at, piece in enumerate(pieces) if piece.join is Join.GAP]
    assert int(pieces[gap - 1].text) < 62
    assert int(pieces[gap].text) > 238
    assert len(pieces) == MAX_PIECES


def test_who_is_thought_to_speak_comes_first_among_the_candidates_then_who_is_near_then_who_matters() -> None:
    crowd = [Character(f"Person{chr(97 + at)}", mentions=100 - at) for at in range(26)]
    told = novel(
        ("Persony and Personx came in.",),
        (Said("“Sit down.”", None, "Personz", 0.1), "Personw sat."),
        people=crowd,
    )
    (question,) = asked(told)
    names = [one.name for one in question.excerpt.candidates]
    assert len(names) == MAX_CANDIDATES
    assert names[:12] == [f"Person{letter}" for letter in "abcdefghijkl"]
    assert names[12:] == ["Personw", "Personx", "Persony", "Personz"]


def test_the_teller_is_named_if_it_is_known_who_tells() -> None:
    (question,) = asked(novel((Said("“I?”", TOM, LANE, 0.1),), first_person=EMMA))
    assert question.excerpt.teller == EMMA


def test_a_change_elsewhere_makes_no_new_question() -> None:
    pages = [(Said(f"“Remark {at}.”", TOM, LANE, 0.1), "word " * 900) for at in range(3)]
    changed = [pages[0], ("A new paragraph.",), pages[1], pages[2]]
    before, after = asked(novel(*pages)), asked(novel(*changed))

    def seen(question: Question) -> list[tuple[str, int]]:
        return [(piece.text, piece.number) for piece in question.excerpt.pieces]

    assert len(before) == len(after) == 3
    assert [seen(question) for question in before][2] == [seen(question) for question in after][2]


def test_without_people_paragraphs_or_doubts_nothing_is_asked() -> None:
    told = talk(2)
    nobody = Attribution((), told.attribution.quotes)
    assert list(questions_about(told.text, told.paragraphs, nobody, [0, 1], known=0.6)) == []
    assert list(questions_about(told.text, (), told.attribution, [0, 1], known=0.6)) == []
    assert list(questions_about(told.text, told.paragraphs, told.attribution, [], known=0.6)) == []
