"""Who may speak each passage, and the numbers that describe them."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.attribution.features import MAX_CANDIDATES, Candidates, gather
from speechagents.attribution.novel import Novel
from speechagents.attribution.passages import Paragraph, Passage
from speechagents.attribution.quotation import Character
from speechagents.attribution.quotes import QuoteSpan

from .telling import names, told

TALK = (
    "Emma met Tom at the gate.",
    "“You are late,” said Emma.",
    "“I am not.”",
    "“You are, Tom.”",
    "Lucy came out of the house.",
    "“Who is late?” asked the old man.",
)
COLUMNS = 105
"""As the shipped models were trained."""


def gathered(novel: Novel) -> Candidates:
    return gather(novel.characters, novel.paragraphs, novel.passages)


def candidates(found: Candidates, passage: int) -> list[str]:
    return names(found.who[found.offsets[passage] : found.offsets[passage + 1]].tolist())


def test_there_is_one_row_for_each_candidate_of_each_passage() -> None:
    novel = told(*TALK)
    found = gathered(novel)
    assert len(found.offsets) == len(novel.passages) + 1
    assert found.features().shape == (len(found.who), COLUMNS)
    assert found.offsets[0] == 0
    assert found.offsets[-1] == len(found.who)
    assert (np.diff(found.offsets) >= 0).all()
    assert [array.dtype.str[1:] for array in (found.features(), found.who, found.offsets)] == ["f4", "i4", "i8"]
    assert np.isfinite(found.features()).all()


def test_candidates_hold_the_tagged_the_called_and_those_named_around() -> None:
    found = gathered(told(*TALK))
    for passage in range(4):
        assert {"Emma Hart", "Tom Reed"} <= set(candidates(found, passage))
    assert "Lucy Vane" in candidates(found, 3)


def test_a_description_brings_those_whom_it_may_mean() -> None:
    far = ["It rained."] * 300
    found = gathered(told("The landlord slept.", *far, "“Who is there?” said the old landlord."))
    assert candidates(found, 0) == ["The Landlord"]


def test_nobody_is_a_candidate_where_nobody_was_named() -> None:
    found = gathered(told("It rained.", "“Who is there?”"))
    assert found.offsets.tolist() == [0, 0]
    assert len(found.features()) == 0


def test_candidates_are_few_however_many_are_named() -> None:
    crowd = [Character(f"Zorb{chr(97 + at)}") for at in range(26)]
    novel = told(", ".join(one.name for one in crowd) + " were there.", "“Yes,” said Zorbz.", cast=crowd)
    found = gathered(novel)
    assert len(found.who) == MAX_CANDIDATES
    assert "Zorbz" in names(found.who.tolist(), crowd)


def test_a_tag_with_a_name_tells_its_bearer_from_the_rest() -> None:
    found = gathered(told(*TALK))
    rows = found.features()[: found.offsets[1]]
    by_name = dict(zip(candidates(found, 0), rows, strict=True))
    telling = [at for at in range(COLUMNS) if by_name["Emma Hart"][at] == 2.0 and by_name["Tom Reed"][at] == -1.0]
    assert telling, "a column says that the tag names Emma and not Tom"


def test_tags_of_a_run_count_apart_for_the_same_turn_and_the_other() -> None:
    novel = told("Emma met Tom.", "“Yes,” said Emma.", "“No.”", "“Well.”")
    found = gathered(novel)
    same, other = -6, -5
    for passage, (in_turn, out_of_turn) in ((1, (other, same)), (2, (same, other))):
        emma = found.features()[found.offsets[passage]]
        assert emma[in_turn] > 0
        assert emma[out_of_turn] == 0


def test_the_same_text_gives_the_same_numbers() -> None:
    one, other = gathered(told(*TALK)), gathered(told(*TALK))
    assert one.features().tobytes() == other.features().tobytes()
    assert one.who.tobytes() == other.who.tobytes()


def test_names_do_not_reach_the_model() -> None:
    renamed = [text.replace("Emma", "Hanna").replace("Tom", "Karl") for text in TALK]
    cast = [
        Character(
            one.name.replace("Emma", "Hanna").replace("Tom", "Karl"),
            tuple(alias.replace("Emma", "Hanna").replace("Tom", "Karl") for alias in one.aliases),
            one.gender,
        )
        for one in told(*TALK).characters
    ]
    assert gathered(told(*renamed, cast=cast)).features().tobytes() == gathered(told(*TALK)).features().tobytes()


def test_passages_in_one_paragraph_are_described_like_those_in_several() -> None:
    novel = told("Emma met Tom. “Yes,” said Emma. “No,” said Tom. “Well,” said Emma.")
    found = gathered(novel)
    assert len(novel.passages) == 3
    assert all({"Emma Hart", "Tom Reed"} == set(candidates(found, at)) for at in range(3))


def test_a_novel_without_quotations_has_no_rows() -> None:
    found = gathered(told("Emma met Tom."))
    assert found.offsets.tolist() == [0]
    assert len(found.features()) == len(found.who) == 0


def test_one_very_long_paragraph_takes_seconds() -> None:
    """Every passage of it sees all its names: they are counted once, not once for each passage."""
    count = 4_000
    paragraph = Paragraph([(0, 1)], words=1, named=[at % 3 for at in range(count)], quoted=True)
    passages = [Passage([QuoteSpan(2 * at, 2 * at + 1, 0)], 0, 0) for at in range(count)]
    cast = told(*TALK).characters
    found = gather(cast, [paragraph], passages)
    assert len(found.who) == 3 * count
    # Only a block of it is in memory unpacked.
    first, second = found.blocks
    assert first.passages.stop == second.passages.start
    assert (first.passages.start, second.passages.stop) == (0, count)
    assert len(first.rows()) + len(second.rows()) == len(found.features()) == 3 * count
    assert len(first.packed) < first.rows().nbytes / 8


@pytest.mark.parametrize("word", ["sir", "madam"])
def test_a_way_of_address_speaks_for_those_of_its_gender(word: str) -> None:
    found = gathered(told("Emma met Tom.", f"“Thank you, {word}.”"))
    plain = gathered(told("Emma met Tom.", "“Thank you, friend.”"))
    changed = (found.features() != plain.features()).any(axis=0)
    emma, tom = found.features()[:, changed]
    assert (emma != tom).any()
