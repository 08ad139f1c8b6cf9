"""Input made to be slow or to break: everything is read, written and performed in time linear in its length."""

from __future__ import annotations

import time

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.breakdown import break_down
from speechagents.scripts.dialogue import parse_dialogue
from speechagents.scripts.dialogue_writer import write_dialogue
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.fountain_writer import write_fountain
from speechagents.scripts.reading import detect_kind, parse_script
from speechagents.scripts.script_json import script_from_json, script_to_json
from tests.growth import assert_linear

CHARS = 60_000
LIMIT_S = 8.0
"""CPU time for reading in two ways, writing in two forms and performing. The slowest takes about 2 s on a busy
core, anything quadratic many times the limit."""

ATTACKS = {
    "opened notes": ("", "[[", ""),
    "opened notes on lines": ("", "[[\n", ""),
    "opened boneyards": ("", "/* ", ""),
    "empty notes": ("", "[[]]", ""),
    "notes on lines": ("", "[[x]]\n", ""),
    "opened brackets": ("", "(", ""),
    "opened brackets on lines": ("", "(\n", ""),
    "opened brackets in speech": ("ANNA\n", "(\n", ""),
    "opened brackets in a line": ("ANNA\nx ", "(a ", ""),
    "beats in a line": ("ANNA\nx ", "(beat) x ", ""),
    "stars": ("ANNA\n", "*", ""),
    "opened stars": ("ANNA\n", "*a ", ""),
    "closed stars": ("ANNA\n", "*a* **b** ", ""),
    "underscores": ("ANNA\n", "_a", ""),
    "backslashes": ("ANNA\n", "\\", ""),
    "blank lines": ("", "\n", "x"),
    "carriage returns": ("", "\r", "x"),
    "spaces": ("", " ", "x"),
    "tabs": ("", "\t", "x"),
    "lines of two spaces": ("ANNA\n", "  \n", "x"),
    "empty cues": ("", "@\n", ""),
    "cues in a row": ("", "@x\n", ""),
    "cues without speech": ("", "@x\n\n", ""),
    "cue with brackets": ("ANNA ", "(A)", "\nx"),
    "cue with closed brackets": ("ANNA ", ")", "\nx"),
    "cue with carets": ("ANNA ", "^", "\nx"),
    "extension of many words": ("ANNA (on ", "the ", "phone)\nHi"),
    "speakers without speech": ("", "A:\n", ""),
    "speakers with empty lines": ("", "A:\n\\\n", ""),
    "speaker with brackets": ("Anna ", "()", ": x"),
    "speaker with opened brackets": ("Anna ", "(", ": x"),
    "colons": ("", "a:", ""),
    "keys": ("", "a: b\n", ""),
    "title page of one value": ("Title:\n", " x\n", ""),
    "tildes": ("", "~\n", ""),
    "transitions": ("", "> x\n", ""),
    "centred lines": ("", "> x <\n", ""),
    "number signs": ("INT. ", "#", ""),
    "sections": ("", "#\n", ""),
    "equals signs": ("", "=", ""),
    "heading with notes": ("INT. X ", "[[a]]", ""),
    "dots": ("ANNA\n", ".", ""),
    "dots and spaces": ("ANNA\nx", ". ", ""),
    "quotes": ("ANNA\nx.", '"', ""),
    "dashes": ("ANNA\n", "—", ""),
    "one long word": ("ANNA\n", "w", ""),
    "many words": ("ANNA\n", "word ", ""),
    "action of names": ("ANNA\nHi\n\n", "Anna (a), ", ""),
    "parentheticals": ("ANNA\n", "(sad)\nHi\n", ""),
    "unknown manners": ("ANNA\n", "(zq, ", ")\nHi"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_work_grows_no_faster_than_the_text(attack: str) -> None:
    head, unit, tail = ATTACKS[attack]
    text = head + unit * (CHARS // len(unit)) + tail
    started = time.process_time()
    for read in (parse_fountain, parse_dialogue):
        try:
            detect_kind(text, source="attack")
            script = read(text, source="attack")
        except ScriptError as error:
            assert str(error).startswith("attack:")  # noqa: PT017 - reading may succeed as well
            continue
        write_fountain(script)
        write_dialogue(script)
        try:
            break_down(script, narrator=True)
        except ScriptError as error:
            assert str(error).startswith("attack")  # noqa: PT017 - performing may succeed as well
    assert time.process_time() - started < LIMIT_S


@pytest.mark.parametrize("text", ["{" * CHARS, '{"a":' * (CHARS // 5), "<FinalDraft>" + "<a>" * (CHARS // 3)])
def test_nesting_does_not_exhaust_the_stack(text: str) -> None:
    with pytest.raises(ScriptError):
        parse_script(text)


def screenplay(scenes: int) -> str:
    """About 1.1 pages a scene."""
    action = "The rain goes on, *harder* now. Somebody [[who?]] knocks and waits, then knocks again, and leaves.\n"
    speech = (
        "(quietly)\nI never said that it was going to be easy. I said that it was going to be worth the while of "
        "everybody in this room.\n"
    )
    blocks = ["Title: The Long Haul\n"]
    for scene in range(scenes):
        blocks.append(f"INT. ROOM {scene} - DAY #{scene}#\n")
        for turn in range(6):
            blocks += (action, f"ROLE {chr(65 + (scene + turn * 7) % 26)}{turn % 2}\n{speech}")
    return "\n".join(blocks)


def test_a_feature_of_150_pages_is_read_in_time_linear_in_its_length() -> None:
    text = screenplay(150)
    assert len(text.split()) / 250 > 140  # about 250 words a page
    assert_linear(lambda pages: break_down(parse_script(screenplay(pages)), narrator=True), small=10, large=150)
    script = parse_script(text)
    made = break_down(script, narrator=True)
    assert len(made.scenes) == 150
    assert len(made.roles) > 30
    assert parse_script(write_dialogue(script)) == script
    assert script_from_json(script_to_json(script)) == script
