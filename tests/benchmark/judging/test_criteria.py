"""Six criteria, each with bands that say what they look like."""

from __future__ import annotations

import re

import pytest

from speechagents.benchmark.judging.criteria import CRITERIA, LEAST, MOST, Criterion


def test_there_are_the_six_of_the_benchmark() -> None:
    names = [criterion.name for criterion in CRITERIA]
    assert names == ["consistency", "quality", "believability", "relationship", "rhythm", "emotion"]
    assert [criterion.metric for criterion in CRITERIA] == [f"judged_{name}" for name in names]


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.name)
def test_each_has_a_band_for_every_score_a_question_and_a_source(criterion: Criterion) -> None:
    assert len(criterion.bands) == len(set(criterion.bands)) == MOST - LEAST + 1
    assert all(30 < len(band) < 200 and band.endswith(".") for band in criterion.bands)
    assert "?" in criterion.about
    assert re.search(r"\d{4}", criterion.source)
    assert re.search(r"arXiv \d{4}\.\d{5}", criterion.source)


def test_words_of_bands_cannot_be_taken_for_material() -> None:
    for criterion in CRITERIA:
        assert '"' not in "".join((criterion.about, *criterion.bands))
