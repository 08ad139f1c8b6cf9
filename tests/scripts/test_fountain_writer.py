"""Fountain out: plain where it can be, forced where it must be."""

from __future__ import annotations

import pytest

from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.fountain_writer import write_fountain
from speechagents.scripts.script import (
    Action,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    Part,
    PartKind,
    Script,
    Transition,
)


def written(*elements: Element) -> str:
    return write_fountain(Script(elements)).rstrip("\n")


def say(name: str, text: str, **more: object) -> Dialogue:
    return Dialogue(name, (Part(PartKind.SPEECH, text),), **more)  # type: ignore[arg-type]


def test_a_plain_screenplay_needs_no_forced_marks() -> None:
    text = (
        "Title: X\n\nINT. HOUSE - DAY #1#\n\nRain. [[a lot]]\n\nANNA (V.O.)\n(low)\nHi.\n\nBEN ^\nHo.\n\n"
        "~La la\n\nCUT TO:\n\n> THE END <\n\n# Act\n\n= Sum\n\n===\n\n[[note]]\n\n/*gone*/\n"
    )
    assert write_fountain(parse_fountain(text)) == text


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (Action("ANNA\nleaves."), "!ANNA\nleaves."),
        (Action("INT. HOUSE"), "!INT. HOUSE"),
        (Action("~hums"), "!~hums"),
        (Action("One.\n# two"), "!One.\n!# two"),
        (Action("CUT TO:"), "!CUT TO:"),
        (Action("[[all note]]"), "![[all note]]"),
        (Action("Time: now."), "!Time: now."),
        (Heading("ATTIC"), ".ATTIC"),
        (Heading("(LATER)"), ".\\(LATER)"),
        (Heading("INT. FLAT #12#"), "INT. FLAT #12# ##"),
        (Transition("FADE OUT."), "> FADE OUT."),
        (Transition("FADE <"), "> FADE \\<"),
        (Lyric("one\n\ntwo"), "~one\n~\n~two"),
        (Note("a]"), "[[a] ]]"),
        (Note("a\n\nb"), "[[a\n  \nb]]"),
        (say("Anna", "Hi."), "@Anna\nHi."),
        (say("EXT. GUARD", "Hi."), "@EXT. GUARD\nHi."),
        (say("ANNA", "Hi.", extensions=("V.O.", "on the radio"), dual=True), "ANNA (V.O.) (on the radio) ^\nHi."),
        (say("ANNA", "Hi.\n\nHo."), "ANNA\nHi.\n  \nHo."),
        (say("ANNA", "(sic)"), "ANNA\n\\(sic)"),
        (say("ANNA", "~5 o'clock"), "ANNA\n\\~5 o'clock"),
    ],
)
def test_what_would_be_misread_is_forced(element: Element, text: str) -> None:
    assert written(element) == text
    assert parse_fountain(text).elements == (element,)


def test_a_cue_with_a_colon_at_the_head_of_a_file_is_no_title_page() -> None:
    script = Script((say("ANNA: A", "Key: value"),))
    assert parse_fountain(write_fountain(script)) == script


def test_a_transition_with_two_colons_at_the_head_of_a_file_is_no_title_page() -> None:
    script = Script((Transition("BACK: CUT TO:"),))
    assert write_fountain(script) == "> BACK: CUT TO:\n"
    assert parse_fountain(write_fountain(script)) == script
