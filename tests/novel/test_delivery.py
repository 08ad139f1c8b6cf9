"""How speech tags, beats and punctuation choose a style."""

from __future__ import annotations

import pytest

from speechagents.attribution.quotation import Quote, QuoteKind
from speechagents.drama import Style
from speechagents.novel.delivery import is_plain_tag, line_style, manner, read_tag
from tests.novel.novels import a_book, said_by


@pytest.mark.parametrize(
    ("tag", "style"),
    [
        ("she whispered", Style("whispering")),
        ("cried he angrily", Style("angry")),
        ("cried Emma", Style("excited", 0.6)),
        ("sobbed the girl", Style("crying")),
        ("said Mr. Weston, laughing", Style("laughing")),
        ("she said in a low voice", Style("quiet")),
        ("said she, in the softest tone", Style("tender")),
        ("said Elinor very gravely", Style("solemn", 1.5)),
        ("whispered the tired girl", Style("whispering")),
        ("whispered she, terrified", Style("whispering")),
        ("demanded Mr. Darcy", Style("angry", 0.5)),
        ("Softly she asked", Style("tender")),
        ("rief er zornig", Style("angry")),
        ("flüsterte Anna", Style("whispering")),
        ("sagte sie mit leiser Stimme", Style("quiet")),
        ("murmura Anne", Style("quiet")),
        ("he said, lowering his voice", Style("quiet")),
        ("said Anna, with tears in her eyes", Style("crying")),
        ("said the old man, with great gravity", Style("solemn")),
        ("she said soberly", Style("solemn")),  # no "sob" in it
    ],
)
def test_a_tag_chooses(tag: str, style: Style | None) -> None:
    assert read_tag(tag) == style


@pytest.mark.parametrize(
    "tag",
    [
        "said Emma",
        "Harry said",  # one edit from "hurry"
        "said Mr. Loud",
        "said the happy girl",
        "said Emma, taking her cold hand",
        "replied the man, shaking his head",
        "said Aziz, biting his pencil",
        "he asked, not angrily",
        "Grace said",
        "replied the angry captain",
        "",
    ],
)
def test_names_and_descriptions_are_no_manner(tag: str) -> None:
    assert read_tag(tag) is None


def quote_in(text: str) -> tuple[str, Quote]:
    book = a_book(text)
    return text, said_by(book, "Emma").quotes[0]


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("“Go,” said Emma softly. He shouted.", Style("tender")),
        ("“Go,” said Emma and the angry crowd shouted.", None),
        ("“Go,” said Emma, laughing, “and do not return.”", Style("laughing")),
        ("She laughed. “Go.”", Style("laughing")),
        ("He had laughed at her the day before, in the midst of all the others. “Go.”", None),
        ("The horses screamed.\n\n“Go.”", None),
        ("“I laughed,” said Emma.", None),
    ],
)
def test_only_what_belongs_to_the_tag_counts(text: str, style: Style | None) -> None:
    assert manner(*quote_in(text)) == style


def test_words_before_the_verb_belong_to_the_tag() -> None:
    text = "He came in. Angrily, she said, “Go.”"
    start = text.index("she said")
    quote = Quote(((text.index("“"), len(text)),), "Emma", 1.0, QuoteKind.ANAPHORIC, tag=(start, start + 8))
    assert manner(text, quote) == Style("angry")


def test_prose_outranks_punctuation_and_punctuation_decides_without() -> None:
    assert line_style(Style("quiet"), "Come here!") == Style("quiet")
    assert line_style(None, "Come here!") == Style("excited", 0.5)
    assert line_style(None, "COME HERE AT ONCE!") == Style("shouting")
    assert line_style(None, "Well…") == Style("hesitant", 0.6)
    assert line_style(None, "Well.") == Style()


@pytest.mark.parametrize("tag", ["said Emma.", "he replied,", "Mrs. Weston said:", "asked the captain.", "said he,"])
def test_plain_tags_say_who_and_nothing_else(tag: str) -> None:
    assert is_plain_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "whispered Emma.",
        "said Emma softly.",
        "he said nothing more.",
        "said Emma. She left.",
        "Emma.",
        "said",
        "said Emma, taking the hand of her sister.",
    ],
)
def test_others_say_more(tag: str) -> None:
    assert not is_plain_tag(tag)
