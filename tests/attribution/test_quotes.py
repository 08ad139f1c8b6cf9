"""What stands in quotation marks, in every family of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pdnc import read_annotated
from speechagents.attribution.quotes import Marks, find_marks, find_quotes
from tests.growth import assert_linear

from .telling import laid_out

CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "pdnc"
NOVELS = sorted(path.parent.name for path in CORPUS.glob("*/novel_text.txt"))


def said(*paragraphs: str, marks: Marks | None = None) -> list[str]:
    text, places = laid_out(*paragraphs)
    return [text[span.start : span.end] for span in find_quotes(text, places, marks)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Come in,” said Emma.", ["“Come in,”"]),
        ('"Come in," said Emma. "Sit."', ['"Come in,"', '"Sit."']),
        ('She said: "Come--" and stopped.', ['"Come--"']),
        ("‘Come in,’ said Emma.", ["‘Come in,’"]),
        ("'Come in,' said Emma. 'Sit.'", ["'Come in,'", "'Sit.'"]),
        ("« Entrez », dit Emma.", ["« Entrez »"]),
        ("«Entrez», dit Emma. «Vite!»", ["«Entrez»", "«Vite!»"]),
        ("»Kommen Sie«, sagte Emma.", ["»Kommen Sie«"]),
        ("„Kommen Sie“, sagte Emma. „Bald.“", ["„Kommen Sie“", "„Bald.“"]),
        ("„Kommen Sie”, sagte Emma.", ["„Kommen Sie”"]),
        ("_“Come in!”_ said Emma.", ["“Come in!”"]),
        ("(“Come in,” said Emma.)", ["“Come in,”"]),
    ],
)
def test_every_family_of_marks(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("‘’Tis late,’ said Tom.", ["‘’Tis late,’"]),
        ("'The boys' hats are gone,' said Tom.", ["'The boys' hats are gone,'"]),
        ("‘The boys’ hats are gone,’ said Tom.", ["‘The boys’ hats are gone,’"]),
        ("‘I don’t know ’em,’ said Tom.", ["‘I don’t know ’em,’"]),
        ("Tom's dog ate it. 'Bad dog!' said Tom.", ["'Bad dog!'"]),
        ("'Twas a wet night. 'Bad night,' said Tom.", ["'Bad night,'"]),
        ("‘Rock ’n’ roll,’ said Tom.", ["‘Rock ’n’ roll,’"]),
    ],
)
def test_an_apostrophe_neither_opens_nor_closes(text: str, expected: list[str]) -> None:
    assert said(text, marks=Marks.SINGLE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("— Venez, dit Emma.", ["— Venez, dit Emma."]),
        ("— Ven —dijo Emma—. Ahora mismo.", ["— Ven", "Ahora mismo."]),
        ("—Ven —dijo Emma— y siéntate.", ["—Ven", "y siéntate."]),
        ("—Ven —dijo Emma—, por favor —añadió Tom—.", ["—Ven", "por favor"]),
        ("— Viens, — dit Emma, — et vite.", ["— Viens,", "— et vite."]),
        ("—No sé —dijo ella.", ["—No sé"]),
        ("Emma se levantó — despacio — y salió.", []),
        ("-- Viens -- dit-il.", ["-- Viens"]),
        ("— Oui — Vraiment.", ["— Oui — Vraiment."]),
    ],
)
def test_a_dash_opens_a_paragraph_and_the_narrator_breaks_in_between_dashes(text: str, expected: list[str]) -> None:
    assert said(text, marks=Marks.DASH) == expected


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("“Yes.”\n\n‘No.’\n\n“Well.”", Marks.DOUBLE),
        ("‘She said “no” to me,’ said Tom.\n\n‘Did she?’", Marks.SINGLE),
        ("Tom's and Emma's boys' hats.\n\n\"No!\"", Marks.DOUBLE),
        ("«Non», dit-il. Elle dit «oui».", Marks.GUILLEMETS),
        ("— Non.\n\n— Si.\n\n— Peut-être.", Marks.DASH),
        ("— one thing\n\n“Yes,” said Tom.\n\n“No.”", Marks.DOUBLE),
        ("Nobody spoke.", Marks.DOUBLE),
        ("", Marks.DOUBLE),
    ],
)
def test_the_family_is_the_one_that_speech_stands_in(text: str, marks: Marks) -> None:
    assert find_marks(text) is marks


def test_what_is_quoted_in_speech_is_part_of_it() -> None:
    assert said("“She said ‘never’ to me,” said Tom.", "“Did she?”") == ["“She said ‘never’ to me,”", "“Did she?”"]
    assert said("‘She said “never” to me,’ said Tom.", "‘Did she?’") == ["‘She said “never” to me,’", "‘Did she?’"]


def test_speech_of_several_paragraphs_opens_each_and_closes_the_last() -> None:
    text, places = laid_out("“It was late.", "“It was dark.", "“We went home,” said Tom.", "“Good.”")
    spans = find_quotes(text, places)
    assert [text[one.start : one.end] for one in spans] == [
        "“It was late.",
        "“It was dark.",
        "“We went home,”",
        "“Good.”",
    ]
    assert [one.resumes for one in spans] == [False, True, True, False]
    assert [one.paragraph for one in spans] == [0, 1, 2, 3]


def test_a_verse_inside_speech_is_said_too() -> None:
    text, places = laid_out("“He sang this:", "The sea is wide,\nthe sea is deep,", "and so to bed.” She laughed.")
    spans = find_quotes(text, places)
    assert text[spans[1].start : spans[1].end] == "The sea is wide,\nthe sea is deep,"
    assert text[spans[2].start : spans[2].end] == "and so to bed.”"
    assert spans[1].resumes
    assert spans[2].resumes


def test_a_mark_that_is_never_closed_costs_its_own_paragraph_alone() -> None:
    assert said("“Come in, said Emma.", "Tom came in.", "He sat down.", "It was late.", "“Good,” he said.") == [
        "“Come in, said Emma.",
        "“Good,”",
    ]
    assert said("“Come in. “Sit down,” said Emma.") == ["“Come in.", "“Sit down,”"]


def test_quoted_words_are_spans_like_any_other() -> None:
    assert said("She called it “art”, and left.", "“I see,” said Tom.") == ["“art”", "“I see,”"]


def test_a_stray_closing_mark_opens_nothing() -> None:
    assert said("It was late.” Nobody came.", "“Well,” said Tom.") == ["“Well,”"]


LETTERS = st.sampled_from([*"“”„\"‘’'«»—–-.,!?: \nabE1(", "'tis", "’em", "--", "…", " said "])


@given(st.lists(st.lists(LETTERS, max_size=30).map("".join), max_size=6), st.sampled_from([None, *Marks]))
def test_spans_are_in_order_apart_and_inside_their_paragraph(paragraphs: list[str], marks: Marks | None) -> None:
    text, places = laid_out(*paragraphs)
    before = 0
    for span in find_quotes(text, places, marks):
        start, end = places[span.paragraph]
        assert max(before, start) <= span.start < span.end <= end
        assert text[span.start : span.end].strip()
        before = span.end


@given(st.lists(st.lists(LETTERS, max_size=30).map("".join), max_size=6))
def test_only_the_paragraph_after_an_open_one_resumes(paragraphs: list[str]) -> None:
    spans = find_quotes(*laid_out(*paragraphs))
    for span in spans:
        if span.resumes:
            assert any(other.paragraph == span.paragraph - 1 for other in spans)


@pytest.mark.parametrize("pattern", ["“a” ", '"a" ', "‘a,’ ", "boys’ a ", "boys' ", "„a“ ", "“", "«a» ", "— a ", "'a"])
def test_time_grows_with_the_text_alone(pattern: str) -> None:
    def find(count: int) -> None:
        text = pattern * count
        for marks in Marks:
            find_quotes(text, [(0, len(text))], marks)

    assert_linear(find)


@pytest.mark.slow
@pytest.mark.skipif(not NOVELS, reason="the corpus is not beside this checkout")
def test_nearly_all_that_people_marked_as_said_is_found() -> None:
    found = total = 0
    for name in NOVELS:
        novel = read_annotated(CORPUS / name)
        heard = bytearray(len(novel.text))
        for span in find_quotes(novel.text, novel.paragraphs):
            heard[span.start : span.end] = b"\x01" * (span.end - span.start)
        for quote in novel.quotes:
            total += 1
            found += 2 * sum(sum(heard[s:e]) for s, e in quote.spans) >= sum(e - s for s, e in quote.spans)
    assert total > 25_000
    assert found >= 0.995 * total
