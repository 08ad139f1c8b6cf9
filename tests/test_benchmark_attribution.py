"""The benchmark of attribution: how a corpus in the form of the Project Dialogism Novel Corpus is read and scored."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.attribution import Scored, summary
from benchmarks.attribution_oracle import SKILLS
from benchmarks.attribution_training import BINS, calibration, prepare, to_forest
from benchmarks.pdnc import match, normal, read_annotated, read_corpus
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotes import QuoteSpan

TEXT = """\
CHAPTER I

Emma met Mr. Tom Reed at the gate.

“You are late,” said Emma, “as ever.”

“Never,” said he.

“It was late. It was dark.” They both said so.
"""
CHARACTERS = """\
Character ID,Main Name,Aliases,Gender,Category
0,Emma Hart,"{'Emma', 'Miss Hart'}",F,major
1,Tom Reed,"{'Mr. Tom Reed', 'Reed'}",M,major
2,Kate Reed,"{'Reed'}",F,minor
3,_unknowable,set(),U,minor
"""
SPOKEN = (
    (("“You are late,”", "“as ever.”"), "Emma Hart", "Explicit"),
    (("“Never,”",), "Reed", "Anaphoric"),
    (("“It was late. It was dark.”",), "_group", "Implicit"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A novel in the corpus's form."""
    novel = tmp_path / "corpus" / "TheGate"
    novel.mkdir(parents=True)
    (novel / "novel_text.txt").write_text(TEXT, "utf-8")
    (novel / "character_info.csv").write_text(CHARACTERS, "utf-8")
    rows = ["quoteID,speaker,quoteType,quoteByteSpans"]
    for number, (pieces, speaker, kind) in enumerate(SPOKEN):
        spans = [[TEXT.index(piece), TEXT.index(piece) + len(piece)] for piece in pieces]
        rows.append(f'Q{number},{speaker},{kind},"{spans}"')
    (novel / "quotation_info.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return novel


def passage(*spans: tuple[int, int]) -> Passage:
    return Passage([QuoteSpan(start, end, 0) for start, end in spans], 0, 0)


def test_a_novel_is_read_with_its_cast_and_what_people_marked(folder: Path) -> None:
    (novel,) = read_corpus(folder.parent)
    assert novel.text == TEXT
    assert [one.name for one in novel.characters] == ["Emma Hart", "Tom Reed", "Kate Reed"]
    assert [quote.kind for quote in novel.quotes] == ["explicit", "anaphoric", "implicit"]
    assert [TEXT[start:end] for start, end in novel.quotes[0].spans] == ["“You are late,”", "“as ever.”"]


def test_a_speaker_is_whoever_bears_the_name_and_nobody_for_a_stand_in(folder: Path) -> None:
    novel = read_annotated(folder)
    assert [quote.speakers for quote in novel.quotes] == [{"Emma Hart"}, {"Tom Reed", "Kate Reed"}, set()]
    assert novel.named("miss  HART!") == {"Emma Hart"}
    assert novel.named("Nobody") == frozenset()


def test_names_are_compared_without_case_and_marks() -> None:
    assert normal("Mr. Tom  O'Neill,") == "mr tom o'neill"


def test_every_passage_holds_the_quotation_that_it_overlaps_most(folder: Path) -> None:
    novel = read_annotated(folder)
    (first, second), (third,), (fourth,) = (quote.spans for quote in novel.quotes)
    passages = [passage(first, second), passage(third), passage(fourth)]
    assert match(novel, passages) == ([*novel.quotes], [0, 1, 2])


def test_a_quotation_of_which_less_than_half_was_found_is_not_found(folder: Path) -> None:
    novel = read_annotated(folder)
    start, end = novel.quotes[2].spans[0]
    half = (start + end) // 2
    assert match(novel, [passage((start, half - 2))])[1] == [-1, -1, -1]
    assert match(novel, [passage((start, half + 2))]) == ([novel.quotes[2]], [-1, -1, 0])
    assert match(novel, [passage((start, half)), passage((half, end + 40))])[1][2] in (0, 1)


def test_a_passage_over_two_quotations_holds_the_longer_one(folder: Path) -> None:
    novel = read_annotated(folder)
    whole = passage((novel.quotes[1].spans[0][0], novel.quotes[2].spans[0][1]))
    of_passage, of_quote = match(novel, [whole])
    assert of_passage == [novel.quotes[2]]
    assert of_quote == [-1, 0, 0]


def test_nothing_found_and_nothing_marked(folder: Path) -> None:
    assert match(read_annotated(folder), []) == ([], [-1, -1, -1])


@pytest.mark.parametrize("given", [True, False])
def test_a_novel_is_prepared_with_the_right_speaker_among_the_candidates(folder: Path, given: bool) -> None:
    example = prepare(read_annotated(folder), given=given)
    assert example.passage_of == [0, 1, 2]
    offsets = example.candidates.offsets
    right = [
        {example.novel.characters[example.candidates.who[row]].name for row in range(start, end) if example.right[row]}
        for start, end in pairwise(offsets)
    ]
    assert right[0] == {"Emma Hart" if given else "Emma"}
    assert right[1] == ({"Tom Reed"} if given else set()), "one whom the narrator names once is not found"
    assert right[2] == set(), "nobody is right where the corpus names no one"


def test_calibration_never_falls_and_says_how_often_a_score_is_right() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(20_000)
    hits = rng.random(20_000) < scores**2
    score, right = calibration(scores, hits)
    assert len(score) == len(right) == BINS
    assert (np.diff(score) > 0).all()
    assert (np.diff(right) >= 0).all()
    assert np.abs(np.interp(scores, score, right) - scores**2).max() < 0.08


def test_a_summary_counts_quotations_and_not_novels() -> None:
    row = {"n": 1, "found": 1.0, "accuracy": 1.0}
    small = Scored("A", dict.fromkeys(("explicit", "all"), row), [(1.0, True)], dict.fromkeys(SKILLS, 1))
    row = {"n": 3, "found": 1.0, "accuracy": 1 / 3}
    answers = [(0.8, True), (0.35, False), (0.3, False)]
    large = Scored("B", dict.fromkeys(("implicit", "all"), row), answers, dict.fromkeys(SKILLS, 2))
    result = summary([large, small])
    assert (result["quotations"], result["found"], result["all"]) == (4, 100.0, 50.0)
    assert (result["explicit"], result["anaphoric"]) == (100.0, 0.0)
    assert result["surest"]["50%"] == 100.0
    assert result["right_by_confidence"] == {"0.3": 0.0, "0.8": 100.0, "0.9": 100.0}
    assert set(result["with_a_model_on_the_least_sure_30%"].values()) == {75.0}
    assert list(result["novels"]) == ["A", "B"]


def test_a_learned_forest_scores_as_the_library_that_learned_it() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="needs the extra training")
    rng = np.random.default_rng(5)
    rows = np.round(rng.normal(size=(3_000, 6)), 1).astype(np.float32)
    label = (rows[:, 0] * rows[:, 1] > 0).astype(float)
    settings = {"objective": "binary", "num_leaves": 31, "verbose": -1, "boost_from_average": False, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, label), num_boost_round=20)
    expected = booster.predict(rows, raw_score=True)
    np.testing.assert_allclose(to_forest(booster).score(rows), expected, rtol=1e-5, atol=1e-5)
