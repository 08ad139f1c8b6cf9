"""Scripts as JSON: what is refused, and where it says the fault is."""

from __future__ import annotations

import json

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.script import Dialogue
from speechagents.scripts.script_json import script_from_json, script_to_json

SCRIPT = parse_fountain("Title: X\n\nINT. HOUSE #1#\n\nANNA (V.O.)\n(low)\nHi.\n", source="x.fountain")


def test_a_script_keeps_its_source_and_lines() -> None:
    again = script_from_json(script_to_json(SCRIPT), source="x.json")
    assert again == SCRIPT
    assert again.source == "x.fountain"
    assert [element.source_line for element in again.elements] == [3, 5]
    assert isinstance(again.elements[1], Dialogue)
    assert [part.source_line for part in again.elements[1].parts] == [6, 7]


def test_fields_with_a_default_may_be_missing() -> None:
    text = '{"format": "speechagents-script", "version": 1, "elements": [{"type": "heading", "text": "INT. HOUSE"}]}'
    assert script_from_json(text, source="a.json") == parse_fountain("INT. HOUSE")
    assert script_from_json(text, source="a.json").source == "a.json"


def changed(path: list[str | int], value: object) -> str:
    document = json.loads(script_to_json(SCRIPT))
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"^a\.json:1: no valid JSON"),
        ("[]", "the document is no object"),
        ('{"format": "other"}', '"format" is not "speechagents-script"'),
        (changed(["version"], 2), "version 2 is not 1"),
        (changed(["version"], True), "version True is not 1"),
        (changed(["extra"], 1), 'the document: unknown "extra"'),
        (changed(["elements"], {}), "elements is no list"),
        (changed(["elements"], None), "elements is no list"),
        (changed(["elements", 0, "type"], "slug"), r'elements\[0\]: "type" is none of heading'),
        (changed(["elements", 0, "type"], []), r'elements\[0\]: "type" is none of'),
        (changed(["elements", 0, "text"], 3), r"elements\[0\]\.text is no text"),
        (changed(["elements", 0, "text"], None), r'elements\[0\]: "text" is missing'),
        (changed(["elements", 0, "tekst"], "x"), r'elements\[0\]: unknown "tekst"'),
        (changed(["elements", 0, "line"], -1), r"elements\[0\]\.line is no count"),
        (changed(["elements", 0, "text"], "[[open"), r"elements\[0\]: this note is not closed"),
        (changed(["elements", 0, "text"], "\ud800"), r"elements\[0\]: character 1 is half of a surrogate pair"),
        (changed(["elements", 1, "dual"], "no"), r"elements\[1\]\.dual is neither true nor false"),
        (changed(["elements", 1, "extensions", 0], 1), r"elements\[1\]\.extensions\[0\] is no text"),
        (changed(["elements", 1, "parts", 0, "kind"], "sung"), r"parts\[0\]\.kind is none of speech"),
        (changed(["elements", 1, "parts"], []), r"elements\[1\]: a dialogue needs something to say"),
        (changed(["elements", 1, "character"], "[[x"), r"elements\[1\]: "),
        (changed(["title_page", 0], ["Title"]), r"title_page\[0\] is no pair"),
        ('{"version": 1, "version": 1}', "names one field twice"),
        ('{"version": NaN}', "NaN is no JSON"),
        ('{"version": ' + "9" * 5000 + "}", r"^a\.json: "),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_the_schema_does_not_know_is_refused_by_its_place(text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message) as caught:
        script_from_json(text, source="a.json")
    assert str(caught.value).startswith("a.json:")
