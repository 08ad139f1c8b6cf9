"""What is recalled, and by whom."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from speechagents.agents.memory import Memory
from speechagents.controllers.controller import Heard
from speechagents.drama import Deed, Style


def heard(number: int, text: str = "Something.", speaker: str = "A") -> Heard:
    return Heard(number, speaker, text, Deed.SPEAK, Style())


def test_the_window_is_bounded_and_leaves_in_blocks() -> None:
    memory = Memory(recent=32, block=16)
    starts, lengths = [], []
    for number in range(1, 401):
        memory.add(heard(number))
        window = memory.recent("B")
        starts.append(window[0].id - 1)
        lengths.append(len(window))
    assert max(lengths) == 32
    assert min(lengths[32:]) > 32 - 16
    assert {start % 16 for start in starts} == {0}
    assert sum(one != other for one, other in itertools.pairwise(starts)) == 23


@given(st.lists(st.sampled_from([(), ("B",), ("C", "b")]), min_size=1, max_size=80))
def test_nobody_recalls_what_they_could_not_hear(audiences: list[tuple[str, ...]]) -> None:
    memory = Memory(recent=8, block=4)
    for number, audience in enumerate(audiences, 1):
        memory.add(heard(number, f"the secret number {number}"), audience)
    for name in ("A", "B", "C"):
        allowed = {
            n
            for n, audience in enumerate(audiences, 1)
            if name == "A" or not audience or name.lower() in map(str.lower, audience)
        }
        known = {one.id for one in (*memory.recent(name), *memory.recall(name, cue="which secret number"))}
        assert known <= allowed
    assert len(memory.recent_all()) <= 8


def test_what_is_being_talked_about_is_recalled_oldest_first() -> None:
    memory = Memory(recent=8, block=4, recalled=2)
    memory.add(heard(1, "My grandmother left me the violin."))
    memory.add(heard(2, "It is raining again."))
    memory.add(heard(3, "The violin was never insured."))
    for number in range(4, 40):
        memory.add(heard(number, "Some more of this and that."))
    assert [one.id for one in memory.recall("B", cue="Where is the violin?")] == [1, 3]
    assert memory.recall("B", cue="Nothing known at all") == ()


def test_facts_are_bounded_corrected_and_clean() -> None:
    memory = Memory(facts=3)
    memory.establish(["Ella: leaves on Monday", "Tom: knows", "\x1b[2J"])
    memory.establish(["ella: leaves on Sunday"])
    assert memory.facts == ("Tom: knows", "[2J", "ella: leaves on Sunday")
    memory.establish(["Cake: cut"])
    assert memory.facts == ("[2J", "ella: leaves on Sunday", "Cake: cut")
