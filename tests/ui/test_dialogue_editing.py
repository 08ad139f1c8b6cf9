"""Speeches as rows: what is shown of them, and what an edit does and does not touch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.drama import Delivery
from speechagents.errors import ScriptError
from speechagents.resources import resource
from speechagents.scripts.reading import load_script, parse_script
from speechagents.scripts.script import Dialogue, Heading, Note, Script
from speechagents.scripts.speeches import read_speech
from speechagents.styles import STYLES
from speechagents.ui.dialogue_editing import (
    MAX_EDITED_ROWS,
    MAX_ROW_CHARS,
    MAX_ROWS,
    Row,
    passages,
    row_of,
    rows_of,
    speeches_of,
    traced_breakdown,
    with_rows,
    with_speech,
)
from tests.conftest import PLAY

EXAMPLES = sorted(
    path for path in resource("assets", "examples").iterdir() if path.suffix in (".fountain", ".txt", ".fdx")
)


def heard(dialogue: Dialogue) -> list[tuple[Any, ...]]:
    """What a listener gets of a block."""
    return [(s.text, s.pause_s, s.sounds, s.style, s.delivery) for s in read_speech(dialogue).stretches]


def play() -> Script:
    return parse_script(PLAY, source="play.fountain")


def edited(script: Script, at: int, row: int, becomes: Row) -> Script:
    passage = passages(script)[at]
    rows = list(rows_of(script, passage))
    rows[row] = becomes
    return with_rows(script, passage, rows)


def style_of(script: Script, index: int) -> str:
    made = traced_breakdown(script, narrator=False)
    return next(speech.style for speech in speeches_of(script, made) if speech.index == index)


def test_a_scene_is_a_passage_and_a_parenthetical_stands_in_its_row() -> None:
    first, second = passages(play())
    assert (first.title, second.title) == ("INT. HALLWAY - DAY", "EXT. STREET - CONTINUOUS")
    assert rows_of(play(), first)[0] == Row("ANNA", "(whispering) Is it still raining?")
    assert rows_of(play(), second)[1] == Row("ANNA", "(beat) Goodbye, house.")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_rows_that_nobody_touched_change_nothing(path: Path) -> None:
    script = load_script(path)
    for passage in passages(script):
        assert with_rows(script, passage, rows_of(script, passage)) == script


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_row_read_back_is_heard_as_it_was_written(path: Path) -> None:
    for element in load_script(path).elements:
        if isinstance(element, Dialogue):
            text = row_of(element).text
            passage_of = Script((replace(element, parts=(replace(element.parts[-1], text="something else"),)),))
            again = with_rows(passage_of, passages(passage_of)[0], [Row(element.character, text)]).elements[0]
            assert isinstance(again, Dialogue)
            assert [s[0] for s in heard(again)] == [s[0] for s in heard(element)]
            assert [s[1] for s in heard(again)] == [s[1] for s in heard(element)]
            assert [s[3:] for s in heard(again)] == [s[3:] for s in heard(element)]


def test_one_edited_row_leaves_every_other_element_the_very_same() -> None:
    before = play()
    after = edited(before, 0, 1, Row("MR BEN", "It has stopped."))
    changed = [i for i, (old, new) in enumerate(zip(before.elements, after.elements, strict=True)) if old != new]
    assert len(changed) == 1
    assert row_of(after.elements[changed[0]]) == Row("MR BEN", "It has stopped.")  # type: ignore[arg-type]


def test_an_edited_row_keeps_where_it_is_heard_from_and_that_it_is_spoken_at_the_same_time() -> None:
    after = edited(play(), 1, 0, Row("MR BEN", "That was yesterday."))
    block = next(e for e in after.elements if isinstance(e, Dialogue) and "yesterday" in e.parts[0].text)
    assert read_speech(block).stretches[0].delivery is Delivery.VOICE_OVER
    after = edited(play(), 1, 2, Row("MR BEN", "Bye!"))
    assert next(e for e in after.elements if isinstance(e, Dialogue) and e.parts[0].text == "Bye!").dual


def test_a_row_can_be_added_between_two_others_and_taken_out_again() -> None:
    script = play()
    passage = passages(script)[0]
    rows = list(rows_of(script, passage))
    longer = with_rows(script, passage, [rows[0], Row("MR BEN", "(angry) Look for yourself!"), *rows[1:]])
    assert [r.text for r in rows_of(longer, passages(longer)[0])][1] == "(angry) Look for yourself!"
    assert isinstance(longer.elements[passages(longer)[1].first], Heading)
    back = with_rows(longer, passages(longer)[0], [*rows])
    assert back == script


def test_an_emptied_row_is_taken_out() -> None:
    after = edited(play(), 0, 2, Row("ANNA", "  "))
    assert len(rows_of(after, passages(after)[0])) == 2


def test_another_speaker_says_the_same_words() -> None:
    after = edited(play(), 0, 0, Row("MR BEN", "(whispering) Is it still raining?"))
    assert row_of(after.elements[2]) == Row("MR BEN", "(whispering) Is it still raining?")  # type: ignore[arg-type]


def test_a_style_that_the_editor_put_behind_the_words_is_theirs() -> None:
    after = edited(play(), 0, 1, Row("MR BEN", "It is not raining.(sad) "))
    assert style_of(after, 3) == "sad"


def test_words_in_brackets_stay_words() -> None:
    after = edited(play(), 0, 1, Row("MR BEN", "It is (you know) wet."))
    block = after.elements[3]
    assert isinstance(block, Dialogue)
    assert [text for text, *_ in heard(block)] == ["It is (you know) wet."]


def test_notes_between_speeches_stay_where_they_are() -> None:
    script = parse_script("INT. A - DAY\n\nANNA\nOne.\n\n[[sound: door]]\n\nANNA\nTwo.\n")
    after = edited(script, 0, 1, Row("ANNA", "Three."))
    assert [type(element) for element in after.elements] == [type(element) for element in script.elements]
    assert any(isinstance(element, Note) for element in after.elements)


def test_a_long_scene_is_edited_in_stretches_of_like_length() -> None:
    script = parse_script("INT. A - DAY\n\n" + "".join(f"ANNA\nLine {n}.\n\n" for n in range(MAX_ROWS + 1)))
    found = passages(script)
    sizes = [len(rows_of(script, passage)) for passage in found]
    assert sum(sizes) == MAX_ROWS + 1
    assert max(sizes) - min(sizes) <= 1
    after = with_rows(script, found[1], [Row("ANNA", "Other."), *rows_of(script, found[1])[1:]])
    assert rows_of(after, passages(after)[0]) == rows_of(script, found[0])


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([Row("ANNA", "x" * (MAX_ROW_CHARS + 1))], "longer than"),
        ([Row("ANNA", "x")] * (MAX_EDITED_ROWS + 1), "at most"),
        ([Row("", "Hello.")], "cannot be used"),
        ([Row("ANNA", "(beat)")], "nothing to say"),
    ],
)
def test_what_no_script_can_hold_is_refused_with_a_reason(rows: list[Row], part: str) -> None:
    with pytest.raises(ScriptError, match=part):
        with_rows(play(), passages(play())[0], rows)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_can_be_given_to_a_line(style: str) -> None:
    assert style_of(with_speech(play(), 2, "(whispering) Is it still raining?", style), 2) == style


def test_a_style_given_to_a_line_leaves_its_pause_alone() -> None:
    script = play()
    index = next(i for i, e in enumerate(script.elements) if isinstance(e, Dialogue) and "house" in e.parts[-1].text)
    block = with_speech(script, index, "(beat) Goodbye, house.", "sad").elements[index]
    assert isinstance(block, Dialogue)
    [(text, pause_s, _, style, _)] = heard(block)
    assert (text, style.tag) == ("Goodbye, house.", "sad")
    assert pause_s > 0


def test_where_the_style_was_left_alone_brackets_in_the_words_decide() -> None:
    assert style_of(with_speech(play(), 3, "(angry) It is not raining.", "default"), 3) == "angry"


@pytest.mark.parametrize(
    ("index", "text", "style"), [(0, "x", "sad"), (999, "x", "sad"), (2, " ", "sad"), (2, "x", "?")]
)
def test_a_line_that_is_not_there_or_says_nothing_is_refused(index: int, text: str, style: str) -> None:
    with pytest.raises(ScriptError):
        with_speech(play(), index, text, style)


def test_speeches_know_the_lines_they_are_spoken_as() -> None:
    script = play()
    made = traced_breakdown(script, narrator=True)
    spoken = speeches_of(script, made)
    assert [speech.row.speaker for speech in spoken] == ["ANNA", "MR BEN", "ANNA", "MR BEN", "ANNA", "MR BEN"]
    numbers = [line.number for speech in spoken for line in speech.lines]
    said = {line.number: line.role for scene in made.scenes for line in scene.lines}
    assert [said[number] for number in numbers] == [speech.row.speaker for speech in spoken for _ in speech.lines]
