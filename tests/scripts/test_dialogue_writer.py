"""The dialogue form out: plain where it can be, marked where it must be."""

from __future__ import annotations

import pytest

from speechagents.scripts.dialogue import parse_dialogue
from speechagents.scripts.dialogue_writer import write_dialogue
from speechagents.scripts.script import Action, Dialogue, Element, Heading, Part, PartKind, Script


def say(name: str, *parts: tuple[PartKind, str], extensions: tuple[str, ...] = (), dual: bool = False) -> Dialogue:
    return Dialogue(name, tuple(Part(kind, text) for kind, text in parts), extensions, dual)


SPEECH, ASIDE, LYRIC = PartKind.SPEECH, PartKind.PARENTHETICAL, PartKind.LYRIC


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (say("Anna", (SPEECH, "Hi")), "Anna: Hi"),
        (say("Anna", (ASIDE, "happy"), (SPEECH, "Hi")), "Anna (happy): Hi"),
        (say("Anna", (ASIDE, "BEAT"), (SPEECH, "Hi")), "Anna (style: BEAT): Hi"),
        (say("Anna", (SPEECH, "Hi"), extensions=("V.O.", "on air")), "Anna (V.O.) (ext: on air): Hi"),
        (say("Anna", (SPEECH, "Hi"), dual=True), "^Anna: Hi"),
        (say("Anna", (SPEECH, "a\n\nb"), (ASIDE, "c"), (LYRIC, "d")), "Anna: a\n    \\\n    b\n    (c)\n    ~d"),
        (say("She said", (SPEECH, "Hi")), "@She said: Hi"),
        (say("a:b", (SPEECH, "Hi")), "@a\\:b: Hi"),
        (say("SFX", (SPEECH, "Hi")), "@SFX: Hi"),
        (say("ANNA", (SPEECH, "TO:")), "@ANNA: TO:"),
        (say("Anna", (SPEECH, "(sic)")), "Anna: \\(sic)"),
        (Action("Anna: Hi"), "!Anna: Hi"),
        (Action("(hm)"), "!(hm)"),
        (Action("It rains."), "It rains."),
        (Heading("Scene 2"), "Scene 2"),
        (Heading("GARDEN"), ".GARDEN"),
    ],
)
def test_elements_are_written_as_plainly_as_they_can_be_read(element: Element, text: str) -> None:
    assert write_dialogue(Script((element,))) == text + "\n"
    assert parse_dialogue(text).elements == (element,)


def test_a_parenthetical_with_odd_brackets_stands_on_a_line_of_its_own() -> None:
    script = Script((say("Anna", (ASIDE, "a) (b"), (SPEECH, "Hi")),))
    assert write_dialogue(script) == "Anna:\n    (a) (b)\n    Hi\n"
    assert parse_dialogue(write_dialogue(script)) == script


def test_a_speaker_whose_name_is_a_title_page_key_stays_a_speaker() -> None:
    script = Script((say("Title", (SPEECH, "The king!")),))
    assert write_dialogue(script) == "---\n---\n\nTitle: The king!\n"
    assert parse_dialogue(write_dialogue(script)) == script


def test_a_title_page_stands_between_fences() -> None:
    script = Script((say("Anna", (SPEECH, "Hi")),), (("Title", "X"), ("Cast", "a\nb")))
    assert write_dialogue(script) == "---\nTitle: X\nCast:\n    a\n    b\n---\n\nAnna: Hi\n"
