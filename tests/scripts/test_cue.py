"""Cues taken apart into name, extensions and caret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.scripts.cue import MAX_EXTENSIONS, Cue, is_extension, is_name, plain_name, split_cue


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("ANNA", Cue("ANNA")),
        ("  ANNA   MARIA ", Cue("ANNA MARIA")),
        ("ANNA (V.O.)(CONT'D) ^", Cue("ANNA", ("V.O.", "CONT'D"), dual=True)),
        ("ANNA^ (V.O.)", Cue("ANNA", ("V.O.",), dual=True)),
        ("ANNA ()", Cue("ANNA")),
        ("ANNA (on (the) radio)", Cue("ANNA", ("on (the) radio",))),
        ("ANNA (OLD) SMITH", Cue("ANNA (OLD) SMITH")),
        ("(V.O.)", Cue("(V.O.)")),
        ("ANNA )", Cue("ANNA )")),
        ("***ANNA*** (V.O.)", Cue("ANNA", ("V.O.",))),
    ],
)
def test_a_cue_is_taken_apart(text: str, cue: Cue) -> None:
    assert split_cue(text) == cue


def test_only_so_many_extensions_are_taken() -> None:
    cue = split_cue("ANNA " + "(a)" * (MAX_EXTENSIONS + 1))
    assert (cue.name, len(cue.extensions)) == ("ANNA (a)", MAX_EXTENSIONS)


@given(st.lists(st.sampled_from(["A", "(", ")", "^", "*", "_", " ", "b c"]), max_size=12).map("".join))
def test_a_name_is_left_as_it_is_when_read_again(text: str) -> None:
    name = split_cue(text, max_extensions=99).name
    assert split_cue(name) == Cue(name)


@pytest.mark.parametrize("name", ["ANNA", "😀", "(x)", "../../etc/passwd", "安娜"])
def test_anything_visible_is_a_name(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "^", "**", "()", "a\\b", "[[a]]", "/*a*/", "@"])
def test_marks_are_no_name(name: str) -> None:
    assert not is_name(name)


def test_extensions_have_their_brackets_in_pairs() -> None:
    assert is_extension("on (the) radio")
    assert not any(map(is_extension, ["", "a) (b", "(", ")", "[[a]]"]))


def test_a_name_from_elsewhere_is_made_plain() -> None:
    assert plain_name("A\\N[[N/*A") == "AN[ [N/ *A"
    assert is_name(plain_name("A\\[[B"))
