"""Notes, boneyards, escapes and emphasis inside a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.scripts.inline import (
    SourceLine,
    UnclosedMark,
    literal,
    one_line,
    plain,
    source_lines,
    spans,
    unify,
    without_spans,
)

MARKED = st.lists(st.sampled_from(["*", "_", "[[", "]]", "/*", "*/", "\\", "a", " ", "\n", "é", "("]), max_size=12).map(
    "".join
)


def test_spans_are_found_with_their_marks() -> None:
    text = "a [[b]] c /* d [[ */ \\[[e \\/* [[f /* g]]"
    assert [(text[span.start : span.end], span.is_note) for span in spans(text)] == [
        ("[[b]]", True),
        ("/* d [[ */", False),
        ("[[f /* g]]", True),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("[[", 1), ("a\n[[b", 2), ("a\n\n[[b\n[[c]]", 3), ("[[a]]\n/*", 2), ("/*/", 1), ("\\\\[[x", 1)],
)
def test_a_span_without_an_end_is_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(UnclosedMark) as caught:
        list(spans(text))
    assert caught.value.line == line


def test_lines_are_not_parted_inside_spans() -> None:
    assert source_lines("a\nb [[c\n\nd]] e\n/*\n*/\nf") == [
        SourceLine(1, "a"),
        SourceLine(2, "b [[c\n\nd]] e"),
        SourceLine(5, "/*\n*/"),
        SourceLine(7, "f"),
    ]


@given(MARKED)
def test_lines_joined_again_are_the_text(text: str) -> None:
    try:
        lines = source_lines(text)
    except UnclosedMark:
        return
    assert "\n".join(line.text for line in lines) == text
    assert [line.number for line in lines] == [
        1 + "\n".join(line.text for line in lines[:index]).count("\n") + (index > 0) for index in range(len(lines))
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*a* **b** ***c*** _d_ _*e*_ **f *g* h**", "a b c d e f g h"),
        ("**\\*9765\\***", "*9765*"),
        ("He dialed *69 and then *23, and hung up.", "He dialed *69 and then *23, and hung up."),
        ("He dialed *69 and then 23*, and hung up.", "He dialed 69 and then 23, and hung up."),
        ("He dialed *69 and then 23\\*, and hung up.", "He dialed *69 and then 23*, and hung up."),
        ("a snake_case_name and 2 * 3 * 4", "a snake_case_name and 2 * 3 * 4"),
        ("they *share a look.\nThis is BAD.*", "they *share a look.\nThis is BAD.*"),
        ("a [[b]] c /* d */ e", "a c e"),
        ("a\\b \\_c\\_ \\\\ \\[[d]]", "a\\b _c_ \\ [[d]]"),
        ("_a *b_ c*", "a b c"),
    ],
)
def test_plain_text_has_no_marks(text: str, words: str) -> None:
    assert plain(text) == words


@given(st.text(max_size=30).map(unify).filter(lambda text: "\n" not in text))
def test_literal_text_is_plain_text_as_it_was(text: str) -> None:
    assert plain(literal(text)).split() == text.split()


@given(MARKED, MARKED)
def test_literal_texts_may_be_joined(first: str, second: str) -> None:
    assert list(spans(literal(first) + literal(second))) == []


def test_text_is_unified() -> None:
    assert unify("a\r\nb\rc\x00\x07\x0bd\u2028e") == "a\nb\nc d e"
    with pytest.raises(ValueError, match="character 2 is half of a surrogate pair"):
        unify("a\ud800")


def test_a_text_of_one_line_keeps_the_lines_of_its_notes() -> None:
    assert one_line("  a \n\n b [[c\n d]]\n") == "a b [[c\n d]]"


def test_spans_can_be_taken_out() -> None:
    assert without_spans("a [[b]] c /*d*/") == ("a  c ", "[[b]] /*d*/")
