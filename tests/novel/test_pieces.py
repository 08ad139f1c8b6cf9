"""How a block is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.attribution.quotation import Attribution, Quote, QuoteKind
from speechagents.books.book import Block, BlockKind, Book, Chapter, Cut, Tongue
from speechagents.novel.pieces import SPACE, WORDLESS, Piece, Quotations, cut_block
from tests.novel.novels import a_book, letters, said_by


def cut(text: str, *, limit: int = 400) -> list[Piece]:
    book = a_book(text)
    quotations = Quotations(said_by(book, "Emma"))
    return [piece for block in book.blocks() for piece in cut_block(book, block, quotations, limit=limit)]


def texts(text: str, *, limit: int = 400) -> list[tuple[int, str]]:
    return [(piece.quote, piece.text) for piece in cut(text, limit=limit)]


def test_narration_and_quotations_take_turns() -> None:
    assert texts("She rose. “I will,” said Emma, “go.” And went.") == [
        (-1, "She rose."),
        (0, "I will,"),
        (-1, "said Emma,"),
        (1, "go."),
        (-1, "And went."),
    ]


def test_white_space_goes_with_what_stands_before_it() -> None:
    text = "  “One.”  “Two.”  \n"
    assert [text[piece.start : piece.end] for piece in cut(text)] == ["  “One.”  ", "“Two.”  \n"]
    assert [piece.text for piece in cut(text)] == ["One.", "Two."]


def test_what_has_no_word_is_passed_over_with_the_reason() -> None:
    reasons = {piece.text or piece.reason for piece in cut("“I will” — “…” and")}
    assert reasons == {"I will", WORDLESS, "and"}
    book = Book(" \n", (Chapter("", (Block(BlockKind.PARAGRAPH, 0, 2),)),))
    assert [p.reason for p in cut_block(book, next(book.blocks()), Quotations(Attribution((), ())), limit=99)] == [
        SPACE
    ]


def test_a_quotation_over_two_paragraphs_is_cut_at_their_border() -> None:
    book = a_book("“One.\n\n“Two.” He left.")
    quotations = Quotations(said_by(book, "Emma", joined=[(0, 1)]))
    pieces = [piece for block in book.blocks() for piece in cut_block(book, block, quotations, limit=99)]
    assert [(piece.quote, piece.text) for piece in pieces] == [(0, "One."), (0, "Two."), (-1, "He left.")]


def test_a_span_that_reaches_over_the_border_belongs_to_both() -> None:
    book = a_book("“One.\n\nTwo.” He left.")
    whole = Attribution((), (Quote(((0, 12),), None, 1.0, QuoteKind.IMPLICIT),))
    pieces = [piece for block in book.blocks() for piece in cut_block(book, block, Quotations(whole), limit=99)]
    assert [(piece.quote, piece.text) for piece in pieces] == [(0, "One."), (0, "Two."), (-1, "He left.")]


def test_long_stretches_are_cut_at_sentence_ends_and_not_behind_titles() -> None:
    text = "It was said that Mr. Knightley had come home late. " * 6
    pieces = cut(text, limit=110)
    assert all(piece.end - piece.start <= 111 for piece in pieces)
    assert all(piece.text.endswith("late.") for piece in pieces)
    assert [piece.goes_on for piece in pieces] == [False, True, True]


def test_marks_are_taken_from_the_ends_of_a_long_quotation_alone() -> None:
    pieces = cut("“" + "A word or two. " * 20 + "‘So,’ he said.”", limit=100)
    assert pieces[0].text.startswith("A word")
    assert pieces[1].text.startswith("A word")
    assert pieces[-1].text.endswith("‘So,’ he said.")


def test_verse_is_cut_at_its_lines() -> None:
    pieces = cut("  Tyger, tyger, burning bright\n  In the forests of the night")
    assert [(piece.text, piece.breaks) for piece in pieces] == [
        ("Tyger, tyger, burning bright", False),
        ("In the forests of the night", True),
    ]


def test_a_heading_is_cut_at_an_empty_line_alone() -> None:
    text = "CHAPTER I\n\nIN WHICH NOTHING\nHAPPENS"
    book = Book(text, (Chapter("I", (Block(BlockKind.HEADING, 0, len(text), level=1),)),))
    pieces = cut_block(book, next(book.blocks()), Quotations(Attribution((), ())), limit=400)
    assert [piece.text for piece in pieces] == ["Chapter I.", "In Which Nothing Happens."]


def foreign(text: str, words: str, *, cuts: tuple[Cut, ...] = ()) -> list[Piece]:
    start = text.index(words)
    tongue = Tongue(start, start + len(words), "fr")
    block = Block(BlockKind.PARAGRAPH, 0, len(text), tongues=(tongue,), cuts=cuts)
    book = Book(text, (Chapter("", (block,)),), language="en")
    return list(cut_block(book, block, Quotations(Attribution((), ())), limit=400))


def test_a_longer_stretch_in_another_language_is_a_piece_of_its_own() -> None:
    pieces = foreign("He said je ne sais quoi to her.", "je ne sais quoi")
    assert [(piece.text, piece.language, piece.goes_on) for piece in pieces] == [
        ("He said", "", False),
        ("je ne sais quoi", "fr", True),
        ("to her.", "", True),
    ]


def test_a_word_or_two_stay_in_their_sentence() -> None:
    assert [piece.language for piece in foreign("It was déjà vu to her.", "déjà vu")] == [""]


def test_what_is_cut_out_is_not_said_and_parts_nothing() -> None:
    text = "One sen-\ntence. Two.[See the long note. It is long.] Three."
    hyphen, note = text.index("-\n"), text.index("[")
    cuts = (Cut(hyphen, hyphen + 2, "hyphen"), Cut(note, text.index("]") + 1, "note"))
    block = Block(BlockKind.PARAGRAPH, 0, len(text), cuts=cuts)
    book = Book(text, (Chapter("", (block,)),))
    pieces = list(cut_block(book, block, Quotations(Attribution((), ())), limit=22))
    assert [piece.text for piece in pieces] == ["One sentence. Two.", "Three."]
    assert [piece.cuts for piece in pieces] == [cuts, ()]


def test_overlapping_quotations_are_refused() -> None:
    quotes = tuple(Quote((span,), None, 1.0, QuoteKind.IMPLICIT) for span in ((0, 5), (4, 8)))
    with pytest.raises(ValueError, match="overlap at character 4"):
        Quotations(Attribution((), quotes))


SCRAPS = st.lists(
    st.sampled_from(["“", "”", "word ", "Two words. ", "\n", " ", "…", "[1]", "—", "NO ", "_", "é ", "Mr. X, ", "1"]),
    min_size=1,
    max_size=60,
)


@given(SCRAPS, st.integers(10, 60), st.sampled_from(BlockKind))
def test_pieces_tile_any_block_and_keep_its_letters(scraps: list[str], limit: int, kind: BlockKind) -> None:
    text = "".join(scraps)
    marks = [index for index, character in enumerate(text) if character == "["]
    block = Block(
        BlockKind.PARAGRAPH if kind is BlockKind.SKIPPED else kind,
        0,
        len(text),
        cuts=tuple(Cut(at, at + 3, "mark") for at in marks),
        tongues=(Tongue(0, (len(text) + 1) // 2, "fr"),),
    )
    book = Book(text, (Chapter("", (block,)),))
    opened = [index for index, character in enumerate(text) if character == "“"]
    spans = []
    for at, behind in pairwise([*opened, len(text)]):
        end = text.find("”", at, behind)
        spans.append((at, end + 1 if end >= 0 else behind))
    quotes = tuple(Quote((span,), "Emma", 1.0, QuoteKind.IMPLICIT) for span in spans)
    pieces = list(cut_block(book, block, Quotations(Attribution((), quotes)), limit=limit))
    assert "".join(text[piece.start : piece.end] for piece in pieces) == text
    assert pieces[0].start == 0
    for piece in pieces:
        assert letters(piece.text) == letters(book.spoken(block, piece.start, piece.end))
        assert bool(piece.text) != bool(piece.reason)
        assert len(piece.text) <= limit + 1  # a heading gets a full stop
