"""The made-up novel that books are measured with: any length, always the same, hardly a line twice."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.made_up_novel import CHAPTER_WORDS, make_novel


@pytest.mark.parametrize("words", [300, 9_000])
def test_it_is_as_long_as_asked(words: int) -> None:
    text = make_novel(words, seed=1)
    assert words <= len(text.split()) <= words + 150
    assert text.count("CHAPTER ") == pytest.approx(-(-words // CHAPTER_WORDS), abs=1)


def test_the_same_seed_gives_the_same_text_and_another_one_another() -> None:
    assert make_novel(500, seed=1) == make_novel(500, seed=1)
    assert make_novel(500, seed=1) != make_novel(500, seed=2)


def test_its_lines_must_nearly_all_be_spoken() -> None:
    paragraphs = Counter(line for line in make_novel(20_000, seed=1).split("\n\n") if line.startswith("“"))
    assert sum(paragraphs.values()) > 500
    assert sum(count - 1 for count in paragraphs.values()) < 0.05 * sum(paragraphs.values())
