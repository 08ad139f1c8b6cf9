"""The retail sample of a book: one to five minutes from the beginning of a chapter, never the credits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.drama import Scene
from speechagents.novel.narration import Narration, narrate
from speechagents.novel.sampling import LONGEST_S, SHORTEST_S, choose_sample
from speechagents.production.timeline import PlacedLine, PlacedScene
from tests.novel.novels import a_book, said_by

TELLING = "The road went on and on, and nobody came to meet them there."
TALK = f"“{TELLING}” said Emma. {TELLING}"


def chapter(number: int, *paragraphs: str) -> str:
    return f"CHAPTER {number}\n\n" + "\n\n".join(paragraphs) + "\n\n"


def narrated(text: str) -> Narration:
    book = a_book(text)
    return narrate(book, said_by(book, *["Emma"] * text.count("“")))


def placed(narration: Narration, *, line_s: float) -> Iterator[PlacedScene]:
    """Every line lasts as long, half a second apart."""
    at = 0.0
    for scene in narration.scenes:
        start_s = at
        lines = []
        for line in scene.lines:
            lines.append(PlacedLine(line, "0" * 64, at, line_s))
            at += line_s + 0.5
        yield PlacedScene(scene.title, "", start_s, at, tuple(lines))


def sample_of(text: str, *, line_s: float = 5.0) -> tuple[Scene | None, Narration]:
    narration = narrated(text)
    return choose_sample(narration, placed(narration, line_s=line_s)), narration


def length_s(scene: Scene, *, line_s: float = 5.0) -> float:
    return len(scene.lines) * (line_s + 0.5) - 0.5


def test_it_is_whole_paragraphs_from_the_beginning_of_a_chapter_without_its_heading() -> None:
    sample, narration = sample_of(chapter(1, *[TALK] * 60))
    assert sample is not None
    chapter_lines = narration.scenes[1].lines
    assert chapter_lines[0].text.startswith("Chapter")
    assert [line.number for line in sample.lines] == [line.number for line in chapter_lines[1 : 1 + len(sample.lines)]]
    assert len(sample.lines) % 2 == 0, "each paragraph has two lines"
    assert SHORTEST_S <= length_s(sample) <= LONGEST_S
    assert length_s(sample) > LONGEST_S - 12.0
    assert sample.lines[0].pause_s == 0.0


def test_no_line_of_the_credits_is_in_it() -> None:
    sample, narration = sample_of(chapter(1, *[TALK] * 60))
    assert sample is not None
    said_around = {line.number for index in (0, -1) for line in list(narration.scenes)[index].lines}
    assert not said_around & {line.number for line in sample.lines}


def test_a_dedication_is_passed_over_for_a_chapter_in_which_somebody_speaks() -> None:
    sample, narration = sample_of(
        chapter(1, "For my mother.") + chapter(2, *[TELLING] * 60) + chapter(3, *[TALK] * 40) + chapter(4, *[TALK] * 40)
    )
    assert sample is not None
    assert sample.lines[0].number == narration.scenes[3].lines[1].number


def test_without_dialogue_the_first_long_chapter_is_taken() -> None:
    sample, narration = sample_of(chapter(1, "For you.") + chapter(2, *[TELLING] * 60) + chapter(3, *[TELLING] * 80))
    assert sample is not None
    assert sample.lines[0].number == narration.scenes[2].lines[1].number


def test_of_a_paragraph_without_end_as_many_lines_are_taken_as_fit() -> None:
    sample, _ = sample_of(chapter(1, " ".join([TELLING] * 400)))
    assert sample is not None
    assert LONGEST_S - 6.0 < length_s(sample) <= LONGEST_S


@pytest.mark.parametrize(("paragraphs", "there"), [(9, False), (13, True)])
def test_a_book_with_less_than_a_minute_of_speech_has_none(paragraphs: int, *, there: bool) -> None:
    sample, _ = sample_of(chapter(1, *[TELLING] * paragraphs))
    assert (sample is not None) == there


def test_in_a_book_of_very_short_chapters_it_goes_on_into_those_that_follow() -> None:
    sample, narration = sample_of("".join(chapter(number, *[TELLING] * 4) for number in range(1, 40)))
    assert sample is not None
    numbers = [line.number for line in sample.lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] == narration.scenes[1].lines[1].number
    assert SHORTEST_S <= length_s(sample) <= LONGEST_S + 6.0


def test_the_same_book_has_the_same_sample() -> None:
    text = chapter(1, *[TALK] * 30)
    assert sample_of(text)[0] == sample_of(text)[0]
