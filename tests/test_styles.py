"""How words, punctuation and capitals choose a style."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import Style
from speechagents.styles import STYLES, StyleReading, style_from_text, style_from_verb, style_from_words
from tests.growth import assert_linear


def chosen(words: str) -> str | None:
    style = style_from_words(words).style
    return style.tag if style else None


def test_there_are_the_styles_that_screenplays_ask_for() -> None:
    asked = "default happy laughing calm sad angry afraid surprised whispering shouting tender sarcastic tired singing"
    assert set(asked.split()) <= STYLES.keys()
    assert all(text.endswith(".") and text.count(".") == 1 for text in STYLES.values())


@pytest.mark.parametrize("tag", STYLES)
def test_every_tag_chooses_itself(tag: str) -> None:
    assert style_from_words(tag) == StyleReading(Style(tag))


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("whispering, on the verge of tears", "whispering"),
        ("afraid, whispers", "whispering"),
        ("FURIOUSLY", "angry"),
        ("with a sigh", "tired"),
        ("under her breath", "quiet"),
        ("through gritted teeth", "angry"),
        ("deadpan", "cold"),
        ("happier", "happy"),
        ("sobs", "crying"),
        ("still laughing", "laughing"),
        ("matter-of-factly", "default"),
        ("sings", "singing"),
    ],
)
def test_words_phrases_and_inflections_choose(words: str, tag: str) -> None:
    assert style_from_words(words) == StyleReading(Style(tag))


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("flüsternd", "whispering"), ("wütend", "angry"), ("den Tränen nahe", "crying"), ("leise", "quiet"),
        ("en colère", "angry"), ("chuchotant", "whispering"), ("au bord des larmes", "crying"),
        ("susurrando", "whispering"), ("con voz triste", "sad"), ("gritando", "shouting"),
        ("arrabbiato", "angry"), ("sottovoce", "quiet"), ("muito feliz", "happy"), ("sussurra", "whispering"),
    ],
)  # fmt: skip
def test_other_languages_choose_too(words: str, tag: str) -> None:
    assert chosen(words) == tag


@pytest.mark.parametrize(
    ("words", "strength"), [("angry", 1.0), ("very angry", 1.5), ("a little angry", 0.5), ("almost shouting", 0.5)]
)
def test_degrees_change_the_strength(words: str, strength: float) -> None:
    style = style_from_words(words).style
    assert style is not None
    assert style.strength == strength


@pytest.mark.parametrize("words", ["not angry", "no longer afraid", "without anger"])
def test_a_denied_style_is_not_chosen(words: str) -> None:
    assert style_from_words(words) == StyleReading(None)


@pytest.mark.parametrize(
    "words",
    ["to Anna", "into phone", "beat", "beat, then", "CONT'D", "looking at the sad painting", "nods", "in German",
     "re: the map", "shakes her head", "on phone", "", " ,;- "],
)  # fmt: skip
def test_stage_directions_choose_nothing_and_are_not_unknown(words: str) -> None:
    assert style_from_words(words) == StyleReading(None)


@pytest.mark.parametrize("words", ["to Anna, angrily", "to Anna angrily", "angrily, to Anna", "turning, angry"])
def test_a_manner_beside_a_direction_counts(words: str) -> None:
    assert style_from_words(words) == StyleReading(Style("angry"))


def test_an_unknown_word_chooses_its_nearest_and_is_reported() -> None:
    assert style_from_words("flustred") == StyleReading(Style("hesitant"), ("flustred",))
    assert style_from_words("wispering") == StyleReading(Style("whispering"), ("wispering",))


def test_a_known_word_outranks_a_guess() -> None:
    assert style_from_words("wispering, sad") == StyleReading(Style("sad"), ("wispering",))


@pytest.mark.parametrize("words", ["xylophonic", "трудно", "悲しそうに", "magnanimously"])
def test_a_foreign_word_chooses_nothing_and_is_reported(words: str) -> None:
    assert style_from_words(words) == StyleReading(None, (words,))


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("Hello.", Style()), ("I am OK.", Style()), ("NASA is big.", Style()), ("", Style()),
        ("I SAID no.", Style()), ("GET OUT!", Style("shouting")), ("WHAT ARE YOU DOING", Style("shouting")),
        ("NO!", Style("shouting", 0.8)), ("What?!", Style("surprised")), ("“Really!?”", Style("surprised")),
        ("なに！？", Style("surprised")), ("Stop!!", Style("excited")), ("Hi there!", Style("excited", 0.5)),
        ("Run!!!", Style("shouting", 0.7)), ("Well…", Style("hesitant", 0.6)),
        ("I don't know...", Style("hesitant", 0.6)), ("♪ la la ♪", Style("singing")),
    ],
)  # fmt: skip
def test_punctuation_and_capitals_choose(text: str, style: Style) -> None:
    assert style_from_text(text) == style


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert style_from_text(text).tag in STYLES
    reading = style_from_words(text)
    assert reading.style is None or reading.style.tag in STYLES


@pytest.mark.parametrize("piece", ["!", "A", "A! ", "…", "?!"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    def read(count: int) -> None:
        style_from_text(piece * count)
        style_from_words(piece * count)

    assert_linear(read)


@pytest.mark.parametrize(
    ("verb", "style"),
    [
        ("said", Style()),
        ("Cried", Style("excited", 0.6)),
        ("demanded", Style("angry", 0.5)),
        ("whispered", Style("whispering")),
        ("rief", Style("excited", 0.6)),
        ("s’écria", Style("excited", 0.6)),
        ("walked", None),
        ("", None),
    ],
)
def test_a_verb_of_speech_means_in_a_novel_what_it_means_there(verb: str, style: Style | None) -> None:
    assert style_from_verb(verb) == style


def test_a_guess_says_that_it_is_one() -> None:
    assert style_from_words("wispering").guessed
    assert not style_from_words("whispering").guessed
    assert not style_from_words("wispering, happily").guessed
