"""Ideas from a file and from facets: each is another one."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice
from math import gcd
from pathlib import Path

import pytest
import yaml

from speechagents.benchmark.building.duplicates import STORY_AT_LEAST, resemblance
from speechagents.benchmark.building.ideas import NOT_TOLD, combined_ideas, read_ideas
from speechagents.errors import BenchmarkError
from speechagents.resources import resource
from speechagents.scripts.script import is_natural_heading
from speechagents.styles import STYLES

FACETS = yaml.safe_load(resource("models", "hcs", "facets.yaml").read_text("utf-8"))


def test_a_hundred_combined_ideas_differ_in_place_and_conflict_and_in_words() -> None:
    ideas = list(islice(combined_ideas(7), 100))
    assert [idea.number for idea in ideas] == list(range(1, 101))
    assert len({(idea.facets.place, idea.facets.conflict) for idea in ideas}) == 100
    assert max(Counter(idea.facets.place for idea in ideas).values()) == 2
    assert max(Counter(idea.facets.conflict for idea in ideas).values()) == 3
    assert min(Counter(idea.facets.register for idea in ideas).values()) >= 12
    assert {idea.facets.time for idea in ideas} == {"past", "present", "future"}
    assert max(resemblance(one.text, other.text) for one, other in combinations(ideas[:40], 2)) < STORY_AT_LEAST


def test_the_seed_decides_the_order() -> None:
    first = [idea.text for idea in islice(combined_ideas(1), 5)]
    assert [idea.text for idea in islice(combined_ideas(1), 5)] == first
    assert [idea.text for idea in islice(combined_ideas(2), 5)] != first


def test_every_pair_of_a_place_and_a_conflict_comes_once() -> None:
    ideas = list(combined_ideas(0))
    pairs = {(idea.facets.place, idea.facets.conflict) for idea in ideas}
    assert len(ideas) == len(pairs) == len(FACETS["places"]) * len(FACETS["conflicts"])


def test_no_two_lists_of_facets_have_a_divisor_in_common() -> None:
    assert all(gcd(len(one), len(other)) == 1 for one, other in combinations(FACETS.values(), 2))


def test_facets_are_what_a_scene_can_hold() -> None:
    known = {"name", "says", "setting", "time", "region", "emotions"}
    for entry in (entry for entries in FACETS.values() for entry in entries if isinstance(entry, dict)):
        assert set(entry) <= known
        assert entry["says"].rstrip(".") == entry["says"]
    assert all(is_natural_heading(place["setting"]) for place in FACETS["places"])
    assert all(set(mood["emotions"]) <= set(STYLES) for mood in FACETS["moods"])
    assert all(isinstance(twist, str) for twist in FACETS["twists"])
    assert len({conflict["says"] for conflict in FACETS["conflicts"]}) == len(FACETS["conflicts"])


def test_a_file_has_an_idea_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ideas.txt"
    path.write_text("# mine\n\nA goat in the lift.\n  Two\tundertakers, one  hearse.\na GOAT in the lift.\n", "utf-8")
    one, other = read_ideas(path)
    assert (one.number, one.text, one.origin) == (1, "A goat in the lift.", "line 3 of ideas.txt")
    assert (other.number, other.text) == (2, "Two undertakers, one hearse.")
    assert one.facets.place == one.facets.conflict == NOT_TOLD


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 ideas"),
        (b"# nothing\n\n", "0 ideas"),
        (b"good\n" + b"x" * 1_001, "ideas.txt:2: 1001 characters"),
        (b"one\n\xff\xfe", "ideas.txt:2: not UTF-8"),
        (b"x\n" * 2_000_001, "larger than 4 MB"),
        ("\n".join(f"idea {number}" for number in range(10_001)).encode(), "10001 ideas"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "ideas.txt"
    path.write_bytes(data)
    with pytest.raises(BenchmarkError, match=message):
        read_ideas(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"ideas\.txt: cannot be read"):
        read_ideas(tmp_path / "ideas.txt")
