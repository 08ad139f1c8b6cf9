"""Who breaks off whom, and who murmurs along."""

from __future__ import annotations

import pytest

from speechagents.agents.interplay import broken_off, is_broken_off, is_murmur, murmur, murmur_offset_s
from speechagents.drama import Deed, Style, Turn
from speechagents.voices.synthesizer import Word

LONG = "I have thought about it the whole night long, and I do not see how any of us could stay here, not now."


def share_broken_off(turn: Turn) -> float:
    return sum(is_broken_off(broken_off(turn, seed=5, step=step).text) for step in range(1000)) / 1000


def test_heated_turns_are_broken_off_often_and_calm_ones_hardly_ever() -> None:
    assert 0.25 < share_broken_off(Turn("A", text=LONG, style=Style("angry"))) < 0.35
    assert 0.02 < share_broken_off(Turn("A", text=LONG)) < 0.07


@pytest.mark.parametrize(
    "turn",
    [
        Turn("A", text="Too short to be broken off.", style=Style("angry")),
        Turn("A", text=LONG, style=Style("angry"), addresses=("B",), private=True),
        Turn("A", Deed.ACT, LONG, style=Style("angry")),
        Turn("A", Deed.SILENT),
    ],
)
def test_short_private_and_wordless_turns_are_finished(turn: Turn) -> None:
    assert all(broken_off(turn, seed=5, step=step) == turn for step in range(200))


def test_what_is_left_is_the_beginning_and_ends_with_a_dash() -> None:
    turn = Turn("A", text=LONG, style=Style("angry"))
    cut = {broken_off(turn, seed=5, step=step).text for step in range(200)} - {LONG}
    assert len(cut) > 2
    for text in cut:
        said = text.removesuffix(" --")
        assert LONG.startswith(said)
        assert 0.5 * len(LONG.split()) <= len(said.split()) < len(LONG.split())
        assert said[-1].isalnum()


def test_speech_units_are_those_of_the_whole_line_or_none() -> None:
    turn = Turn("A", text=LONG, style=Style("angry"), units=(4, 2))
    turns = [broken_off(turn, seed=5, step=step) for step in range(200)]
    assert {one.units for one in turns if one.text != LONG} == {()}
    assert {one.units for one in turns if one.text == LONG} == {(4, 2)}


def test_murmurs_come_from_those_who_hear_and_best_from_those_addressed() -> None:
    turn = Turn("A", text=LONG, addresses=("C",))
    found = [murmur(turn, ("A", "B", "C"), language="en-GB", seed=1, step=step) for step in range(1000)]
    heard = [one for one in found if one is not None]
    assert 0.2 < len(heard) / 1000 < 0.3
    assert {one.role for one in heard} == {"C"}
    assert len({one.text for one in heard}) > 4
    to_all = [murmur(Turn("A", text=LONG), ("A", "B", "C"), language="de", seed=1, step=step) for step in range(300)]
    assert {one.role for one in to_all if one} == {"B", "C"}


def test_nobody_murmurs_where_it_does_not_fit() -> None:
    def ever(turn: Turn, hearers: tuple[str, ...] = ("A", "B"), language: str = "en") -> bool:
        return any(murmur(turn, hearers, language=language, seed=1, step=step) for step in range(200))

    assert ever(Turn("A", text=LONG))
    assert not ever(Turn("A", text="Short."))
    assert not ever(Turn("A", text=LONG, addresses=("B",), private=True))
    assert not ever(Turn("A", text=LONG + " --"))
    assert not ever(Turn("A", text=LONG), hearers=("A",))
    assert not ever(Turn("A", text=LONG), language="tlh")


def test_a_murmur_follows_the_clause_end_nearest_the_middle() -> None:
    words = [
        Word("Well,", 0.0, 0.4),
        Word("I", 0.5, 0.6),
        Word("know,", 0.6, 1.9),
        Word("but", 2.0, 2.2),
        Word("no.", 2.2, 4.0),
    ]
    assert murmur_offset_s(words, 4.0) == pytest.approx(2.2)
    assert murmur_offset_s((), 4.0) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("text", "language", "murmurs"),
    [
        ("mm-hm", "en", True),
        ("Yeah. Right.", "en", True),
        ("okay, I see", "en-GB", True),
        ("right behind you", "en", False),
        ("", "en", False),
        ("ja genau", "de", True),
        ("ja genau", "en", False),
        ("mm", "xx", False),
    ],
)
def test_signs_of_listening_are_told_from_words(text: str, language: str, *, murmurs: bool) -> None:
    assert is_murmur(text, language) is murmurs
