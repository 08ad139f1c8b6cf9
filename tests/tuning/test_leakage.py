"""Nothing twice in a split, and nothing of one split in another: that the search finds it, all of it, and only it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from speechagents.benchmark.building.duplicates import LINE_AT_LEAST, minima
from speechagents.errors import TuningError
from speechagents.tuning.leakage import CONTEXT, leaks, refuse_leaks, sifted
from speechagents.tuning.scene_takes import drafts_of
from speechagents.tuning.sources import Wanted
from speechagents.tuning.sources_benchmark import benchmark_named, benchmark_source
from speechagents.tuning.trajectory import Split, Trajectory
from tests.tuning.made_up_scenes import SAID, trajectories

OTHER = (
    ("Tom", "Somebody has taken the ladder from behind the shed.", "angry"),
    ("Ella", "It was the wind, or the neighbour with the green hat.", "calm"),
    ("Sophia", "A ladder does not fly, not even on a night like that.", "sarcastic"),
)


def worded(said: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The same scene with a letter or two put otherwise."""
    return [(who, text.replace("four", "fourth").replace("door", "doors"), style) for who, text, style in said]


def test_what_is_said_once_stays() -> None:
    turns = [*trajectories(), *trajectories(OTHER, scene_id="ladder", split=Split.TEST)]
    found = sifted(turns)
    assert list(found.kept) == list(range(len(turns)))
    assert set(found.repeated.values()) == set(found.leaked.values()) == {0}
    assert leaks(turns) == []


def test_of_turns_that_are_nearly_the_same_in_one_split_the_first_stays() -> None:
    turns = [*trajectories(), *trajectories(worded(SAID), name="two")]
    found = sifted(turns)
    assert list(found.kept) == list(range(len(SAID)))
    assert (found.repeated[Split.TRAIN], found.leaked[Split.TRAIN]) == (len(SAID), 0)


@pytest.mark.parametrize(
    ("learnt", "measures"), [(Split.TRAIN, Split.TEST), (Split.TRAIN, Split.DEV), (Split.DEV, Split.TEST)]
)
def test_what_is_learnt_from_gives_way_to_what_measures(learnt: Split, measures: Split) -> None:
    mine = trajectories(split=learnt)
    theirs = trajectories(worded(SAID), scene_id="cups-again", split=measures)
    found = sifted([*mine, *theirs])
    kept = [[*mine, *theirs][at] for at in found.kept]
    assert kept == list(theirs)
    assert (found.leaked[learnt], found.repeated[learnt]) == (len(SAID), 0)
    assert leaks(kept) == []


def test_the_same_words_in_another_context_are_another_turn() -> None:
    line = SAID[1]
    here = trajectories([SAID[0], line])
    there = trajectories([OTHER[0], line], scene_id="ladder", split=Split.TEST)
    assert leaks([*here, *there]) == []


def test_another_line_in_the_same_context_is_another_turn_however_long_the_context() -> None:
    long = (
        "Tom",
        " ".join(f"The {n}th thing I have to tell you about this house is that it leaks." for n in range(20)),
        "calm",
    )
    here = trajectories([long, ("Ella", "Yes.", "calm")])
    there = trajectories([long, ("Ella", "Never in my life.", "angry")], scene_id="leak", split=Split.TEST)
    assert [one.what for one in leaks([*here, *there])] == [here[0].id.replace("two-cups", "leak")], (
        "the long one alone"
    )
    assert list(sifted([*here, *trajectories([long, ("Ella", "Never in my life.", "angry")], name="two")]).kept) == [
        0,
        1,
        3,
    ]


def test_a_short_line_that_opens_a_scene_may_open_others() -> None:
    here, there = (
        trajectories([("Ella", "Good morning, Tom.", "calm")], scene_id=name, split=split)
        for name, split in (("one", Split.TRAIN), ("two", Split.TEST))
    )
    assert leaks([*here, *there]) == []


def test_a_scene_in_two_splits_is_refused_even_if_no_line_is_the_same() -> None:
    turns = [*trajectories(), *trajectories(OTHER, name="two", split=Split.DEV)]
    with pytest.raises(TuningError, match="the scene two-cups lies in train and in dev"):
        refuse_leaks(turns, source="data")


def test_a_line_in_two_splits_is_refused_and_both_are_named() -> None:
    turns = [*trajectories(), *trajectories(SAID[:2], scene_id="cups-again", split=Split.TEST)]
    with pytest.raises(
        TuningError, match=r"data: cups-again/one/0 \(test\) .* two-cups/one/0 \(train\) \(and 1 more\)"
    ):
        refuse_leaks(turns, source="data")


def test_the_search_finds_what_comparing_everything_with_everything_finds() -> None:
    lot = np.random.default_rng(8)
    words = [word for _, text, _ in (*SAID, *OTHER) for word in text.split()]
    lines = []
    for _ in range(60):
        text = " ".join(lot.choice(words, 14, replace=False))
        lines.append(text)
        # As alike as can be: from the same to what is below the threshold.
        changed = text.split()
        for at in lot.choice(14, int(lot.integers(0, 5)), replace=False):
            changed[at] = changed[at][:-1] + "x"
        lines.append(" ".join(changed))
    turns = [
        trajectories([("Tom", text, "calm")], scene_id=f"scene-{at}", split=(Split.TRAIN, Split.TEST)[at % 2])[0]
        for at, text in enumerate(lines)
    ]
    known = [minima(text) for text in lines]
    expected = {
        at
        for at in range(len(lines))
        for before in range(at)
        if (at - before) % 2 and float((known[at] == known[before]).mean()) >= LINE_AT_LEAST
    }
    found = {int(one.what.split("/")[0].removeprefix("scene-")) for one in leaks(turns)}
    assert found == expected
    assert 10 < len(expected) < 60, "some are alike, and some are not"


@pytest.fixture(scope="module")
def kept() -> Sequence[Trajectory]:
    """The shipped benchmark with two roles, without what was dropped."""
    named = benchmark_named("hcs")
    assert named is not None
    takes = benchmark_source(*named, Wanted(roles=(2,))).takes
    turns = [draft.trajectory for take in takes for draft in drafts_of(take, messages=16)]
    return [turns[at] for at in sifted(turns).kept]


def test_the_benchmark_sifted_shares_no_scene_and_no_turn_between_its_splits(kept: Sequence[Trajectory]) -> None:
    scenes = {split: {one.scene_id for one in kept if one.split is split} for split in Split}
    assert [len(scenes[split]) for split in Split] == [40, 20, 40]
    assert not scenes[Split.TRAIN] & scenes[Split.TEST]
    assert leaks(kept) == []


def test_the_check_bites_when_a_test_scene_is_slipped_into_what_is_learnt_from(kept: Sequence[Trajectory]) -> None:
    stolen = next(one for one in kept if one.split is Split.TEST and len(one.ask.heard) > CONTEXT)
    tests = [one for one in kept if one.split is Split.TEST]
    under_its_name = replace(stolen, split=Split.TRAIN, id=f"{stolen.id}-again")
    assert leaks([*tests, under_its_name])[0].what == stolen.scene_id
    disguised = replace(under_its_name, scene_id="my-own-scene", id="my-own-scene/1")
    (leak,) = leaks([*tests, disguised])
    assert (leak.what, leak.other) == ("my-own-scene/1", stolen.id)
