"""The document model: normal forms, what cannot exist, and equality."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from speechagents.scripts.script import (
    Action,
    Boneyard,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    Part,
    PartKind,
    Script,
    Section,
    Synopsis,
    Transition,
)

SPEECH, ASIDE, LYRIC = PartKind.SPEECH, PartKind.PARENTHETICAL, PartKind.LYRIC


def test_texts_of_one_line_have_one_line() -> None:
    assert Heading(" INT.\n A ").text == "INT. A"
    assert Transition("CUT\r\nTO:").text == "CUT TO:"
    assert Section(" a\nb ").text == Synopsis("a\n\nb").text == "a b"
    assert Part(ASIDE, " low,\nslow ").text == "low, slow"


def test_texts_of_several_lines_lose_outer_blank_lines_and_spaces() -> None:
    assert Part(SPEECH, "\n a \n\n b\n\n").text == "a\n\nb"
    assert Lyric(" la \n lo ").text == "la\nlo"
    assert Note(" a \n b ").text == "a\n b"
    assert Boneyard("\n a\n b \n").text == "a\n b"


def test_action_keeps_its_indentation_and_loses_empty_lines() -> None:
    assert Action("\n\ta \n\n  b").text == "    a\n  b"
    assert Action("  a \n b", centered=True).text == "a\nb"


def test_neighbouring_speech_is_one_part() -> None:
    parts = (Part(SPEECH, "a", 3), Part(SPEECH, "b", 4), Part(ASIDE, "c"), Part(ASIDE, "d"), Part(LYRIC, "e"))
    dialogue = Dialogue("ANNA", parts)
    assert dialogue.parts == (Part(SPEECH, "a\nb"), *parts[2:])
    assert dialogue.parts[0].source_line == 3


def test_extensions_and_marks_of_a_name_are_taken_off() -> None:
    dialogue = Dialogue("**ANNA** (V.O.) ^", (Part(SPEECH, "a"),), ("CONT'D",))
    assert (dialogue.character, dialogue.extensions) == ("ANNA", ("V.O.", "CONT'D"))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Heading(" "),
        lambda: Heading("A [[b"),
        lambda: Heading("A", "1 a"),
        lambda: Action("\n"),
        lambda: Action("/* a"),
        lambda: Part(SPEECH, " "),
        lambda: Part(ASIDE, ""),
        lambda: Lyric(""),
        lambda: Transition(""),
        lambda: Section("a", 0),
        lambda: Section("a", 10),
        lambda: Note("a ]] b"),
        lambda: Note("[["),
        lambda: Boneyard("a */ b"),
        lambda: Dialogue("", (Part(SPEECH, "a"),)),
        lambda: Dialogue("[[a]]", (Part(SPEECH, "a"),)),
        lambda: Dialogue("A", ()),
        lambda: Dialogue("A", (Part(SPEECH, "a"),), ("b) (c",)),
        lambda: Dialogue("A", (Part(SPEECH, "a"),), ("b",) * 17),
        lambda: Action("\udc80"),
    ],
)
def test_what_no_screenplay_can_hold_cannot_exist(build: Callable[[], Element | Part]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
        build()


@pytest.mark.parametrize("key", ["", "1st", "a:b", "INT. HOUSE", "[[a]]", "!a"])
def test_odd_title_page_keys_cannot_exist(key: str) -> None:
    with pytest.raises(ValueError, match="a title page key begins with a letter"):
        Script((), ((key, "x"),))


def test_title_page_entries_without_a_value_are_left_out() -> None:
    assert Script((), (("Title", " X \n\n Y "), ("Credit", " "))).title_page == (("Title", "X\nY"),)


def test_source_and_lines_take_no_part_in_equality() -> None:
    assert Script((Heading("A", source_line=1),), source="a") == Script((Heading("A", source_line=2),), source="b")


def test_the_title_is_one_line_without_emphasis() -> None:
    assert Script((), (("TITLE", "_**Brick**_\n& Steel"),)).title == "Brick & Steel"
    assert Script(()).title == ""


def test_characters_come_once_in_order_of_appearance() -> None:
    speech = (Part(SPEECH, "a"),)
    script = Script((Dialogue("Ben", speech), Dialogue("ANNA", speech), Dialogue("BEN", speech)))
    assert list(script.characters) == ["Ben", "ANNA"]
