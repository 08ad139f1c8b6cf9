"""Answers of a language model survive whatever ends a run, and damage costs no more than asking again."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.attribution.answers import FILE_NAME, KeptAnswers
from speechagents.errors import StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "production" / FILE_NAME


def test_an_answer_is_on_disk_as_soon_as_it_is_kept(path: Path) -> None:
    answers = KeptAnswers(path)
    assert answers.find("a", "m") is None
    answers.keep("a", "m", {1: "Emma", 3: None})
    answers.keep("b", "m", {})
    again = KeptAnswers(path)
    assert (again.find("a", "m"), again.find("b", "m"), again.find("c", "m"), len(again)) == (
        {1: "Emma", 3: None},
        {},
        None,
        2,
    )


def test_without_a_file_answers_are_kept_for_as_long_as_the_object_lives() -> None:
    answers = KeptAnswers()
    answers.keep("a", "m", {1: "Emma"})
    assert answers.find("a", "m") == {1: "Emma"}


def test_each_has_answered_for_itself_and_the_latest_counts_where_anybody_does(path: Path) -> None:
    answers = KeptAnswers(path)
    answers.keep("a", "one", {1: "Emma"})
    answers.keep("a", "other", {1: "Tom"})
    for kept in (answers, KeptAnswers(path)):
        assert (kept.find("a", "one"), kept.find("a", "other")) == ({1: "Emma"}, {1: "Tom"})
        assert (kept.find("a", "third"), kept.find("a", None), kept.find("b", None)) == (None, {1: "Tom"}, None)


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_that_was_cut_short_harms_no_other(path: Path, cut: int) -> None:
    KeptAnswers(path).keep("a", "m", {1: "Emma"})
    KeptAnswers(path).keep("b", "m", {1: "Tom"})
    path.write_bytes(path.read_bytes()[:-cut])
    torn = KeptAnswers(path)
    assert torn.find("a", "m") == {1: "Emma"}
    torn.keep("c", "m", {2: "Miss Lane"})
    torn.keep("d", "m", {})
    after = KeptAnswers(path)
    assert (after.find("a", "m"), after.find("c", "m"), after.find("d", "m")) == ({1: "Emma"}, {2: "Miss Lane"}, {})


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe\n",
        b"null\n",
        b"[]\n",
        b'{"key": "b"}\n',
        b'{"key": 1, "by": "m", "speakers": {}}\n',
        b'{"key": "b", "by": "m", "speakers": ["Emma"]}\n',
        b'{"key": "b", "by": "m", "speakers": {"x": "Emma"}}\n',
        b'{"key": "b", "by": "m", "speakers": {"1": 5}}\n',
        b'{"key": "b", "by": "m", "speakers": {"1": {}, "2": ' + b"[" * 50_000 + b"\n",
        b"x" * 200_000 + b"\n",
        b'{"key": "b", "by": "m", "speakers": {' + b", ".join(b'"%d": null' % at for at in range(100)) + b"}}\n",
    ],
)
def test_a_damaged_line_counts_as_not_there(path: Path, damage: bytes) -> None:
    KeptAnswers(path).keep("a", "m", {1: "Emma"})
    whole = path.read_bytes()
    path.write_bytes(damage + whole)
    answers = KeptAnswers(path)
    assert (answers.find("a", "m"), answers.find("b", "m"), len(answers)) == ({1: "Emma"}, None, 1)


def test_odd_names_come_back_as_they_were(path: Path) -> None:
    names = {1: "Émile \u2028 “Zola”\n", 2: "half \ud83d", 3: ""}
    KeptAnswers(path).keep("a", "m", names)
    assert KeptAnswers(path).find("a", "m") == names
    assert path.read_bytes().count(b"\n") == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=f"{FILE_NAME}: "):
        KeptAnswers(tmp_path / "file" / FILE_NAME).keep("a", "m", {})
