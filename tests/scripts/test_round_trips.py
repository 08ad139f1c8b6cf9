"""Every script that can exist is written in every form, read back equal, and performed or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speechagents.errors import ScriptError
from speechagents.scripts.breakdown import break_down
from speechagents.scripts.dialogue import parse_dialogue
from speechagents.scripts.dialogue_writer import write_dialogue
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.fountain_writer import write_fountain
from speechagents.scripts.reading import parse_script
from speechagents.scripts.script import (
    MAX_SECTION_DEPTH,
    Action,
    Boneyard,
    Dialogue,
    Heading,
    Lyric,
    Note,
    PageBreak,
    Part,
    PartKind,
    Script,
    Section,
    Synopsis,
    Transition,
)
from speechagents.scripts.script_json import script_from_json, script_to_json

FORMS: dict[str, tuple[Callable[[Script], str], Callable[[str], Script]]] = {
    "fountain": (write_fountain, parse_fountain),
    "dialogue": (write_dialogue, parse_dialogue),
    "json": (script_to_json, script_from_json),
}

# Pieces that mean something in one form or another, so that clashes are found rather than hoped for.
PIECES = st.sampled_from(
    [
        *("ANNA", "Anna", "anna", "the door", "INT. HOUSE", "EXT", "est ", "I/E", "TO:", "CUT TO:", "FADE IN:"),
        *("(", ")", "(beat)", "(V.O.)", "(ext: a)", "(style: B)", "[", "]", "[text]", "[[note]]", "[[a\n\nb]]"),
        *("/* cut */", "/*x\n\n y*/", "/", "*", "**", "_", "\\", "\\\\", "\\[[", "\\/*", "\\(", "\\~", "\\\\("),
        *(".", "..", "...", "!", "@", "^", "~", ">", "<", "\\<", "#", "#1#", "##", "#1a.-#", "=", "===", "---"),
        *(":", ": ", "：", "Title:", "Title: x", "SFX:", "10:30", "http://a", "Scene 1", "- ", "  ", "    ", "\t"),
        *(
            "\n",
            "\n\n",
            "\n  \n",
            "\r\n",
            "\r",
            "\f",
            "\x00",
            "\u2028",
            "\xa0",
            "é",
            "ß",
            "安娜",
            "שלום",
            "😀",
            "1",
        ),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, min_size=1, max_size=6).map("".join), st.text(max_size=12))


def admitted(build: Callable[..., object], *values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Values that the model lets exist."""

    def attempt(arguments: tuple[object, ...]) -> object:
        try:
            return build(*arguments)
        except ValueError:
            return None

    return st.tuples(*values).map(attempt).filter(lambda value: value is not None)


PARTS = admitted(Part, st.sampled_from(PartKind), TEXTS)
ELEMENTS: st.SearchStrategy[object] = st.one_of(
    admitted(Heading, TEXTS, st.sampled_from(["", "", "1", "A-1.b"])),
    admitted(Action, TEXTS, st.booleans()),
    admitted(
        Dialogue,
        TEXTS,
        st.lists(PARTS, min_size=1, max_size=4).map(tuple),
        st.lists(TEXTS, max_size=2).map(tuple),
        st.booleans(),
    ),
    admitted(Lyric, TEXTS),
    admitted(Transition, TEXTS),
    admitted(Section, TEXTS, st.integers(1, MAX_SECTION_DEPTH)),
    admitted(Synopsis, TEXTS),
    admitted(Note, TEXTS),
    admitted(Boneyard, TEXTS),
    st.just(PageBreak()),
)
SCRIPTS = admitted(
    Script,
    st.lists(ELEMENTS, max_size=5).map(tuple),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple) | st.just(()),
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS)
def test_every_script_survives_being_written_and_read(form: str, script: Script) -> None:
    write, read = FORMS[form]
    assert read(write(script)) == script


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS)
def test_writing_what_was_read_changes_nothing_more(form: str, script: Script) -> None:
    write, read = FORMS[form]
    assert write(read(write(script))) == write(script)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS, narrator=st.booleans())
def test_every_script_is_performed_or_refused_with_a_reason(script: Script, narrator: bool) -> None:
    try:
        made = break_down(script, narrator=narrator)
    except ScriptError:
        return
    lines = [line for scene in made.scenes for line in scene.lines]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert {line.role for line in lines} == {role.name for role in made.roles}
    assert all(scene.lines for scene in made.scenes)
    assert not any(mark in line.text for line in lines for mark in ("[[note]]", "/* cut */", "\n"))


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.lists(PIECES, max_size=30).map("".join) | st.text())
def test_every_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for read in (parse_script, parse_fountain, parse_dialogue):
        try:
            script = read(text, source="x")
        except ScriptError as error:
            assert str(error).startswith("x:")  # noqa: PT017 - reading may succeed as well
        else:
            assert all(again(write(script)) == script for write, again in FORMS.values())
