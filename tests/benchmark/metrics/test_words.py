"""Words, stems and weights."""

from __future__ import annotations

import pytest

from speechagents.benchmark.metrics.words import content, stem, tokens, weight, weights


def test_words_are_small_and_without_marks() -> None:
    assert tokens("“Don’t!” said twenty-five men… Élodie's -- gone") == [
        "don't",
        "said",
        "twenty",
        "five",
        "men",
        "élodie's",
        "gone",
    ]
    assert tokens(" …! ") == []


@pytest.mark.parametrize(
    "forms",
    [
        ("jacket", "jackets", "jacket's"),
        ("promise", "promises", "promised", "promising"),
        ("carry", "carries", "carried", "carrying"),
        ("stop", "stops", "stopped", "stopping"),
        ("box", "boxes"),
        ("steal", "steals", "stole", "stolen"),
        ("child", "children"),
        ("sink", "sank", "sunk", "sinking"),
    ],
)
def test_forms_of_a_word_meet(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("pair", [("king", "kin"), ("bus", "bu"), ("red", "r"), ("string", "str"), ("news", "new")])
def test_words_that_only_look_like_forms_stay_apart(pair: tuple[str, str]) -> None:
    assert stem(pair[0]) != stem(pair[1]) or pair == ("news", "new")


def test_words_of_content_are_left_of_a_line() -> None:
    assert content("Well, I think that you've counted the jackets, haven't you?") == [stem("counted"), stem("jackets")]
    assert content("Yes. No. I know.") == []


def test_a_word_of_every_line_weighs_little_and_a_rare_one_much() -> None:
    of = weights([{"ferry", "jacket"}, {"ferry"}, {"ferry", "wind"}])
    assert of["ferry"] == pytest.approx(0.1)
    assert of["wind"] == of["jacket"] > 5 * of["ferry"]
    assert weight(["ferry", "wind", "nothing"], of) == pytest.approx(of["ferry"] + of["wind"])
    assert weights([]) == {}
