"""Scene files: written for people, read with care, and the same in the schema that editors use."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from speechagents.drama import MAX_NAME_CHARS, MAX_PLAYERS, MAX_TURNS, Role, SceneBrief, clean_name, role_key
from speechagents.errors import SceneError
from speechagents.resources import resource
from speechagents.scripts.scene_file import (
    MAX_BACKGROUND_CHARS,
    MAX_BEATS,
    MAX_ITEM_CHARS,
    MAX_ITEMS,
    MAX_PROFILE_CHARS,
    MAX_SCENE_FILE_BYTES,
    MAX_SEED,
    MAX_TITLE_CHARS,
    MAX_VOICE_CHARS,
    POLICIES,
    UNTITLED,
    clean_text,
    parse_scene,
    read_scene,
    write_scene,
)
from tests.json_schema import schema_complaints

SCHEMA: dict[str, Any] = json.loads(resource("models", "schemas", "scene.schema.json").read_text("utf-8"))
EXAMPLES = sorted(resource("assets", "examples", "scenes").glob("*.yaml"))
TWO = "roles: [{name: Ella}, {name: Sophia}]\n"
PICNIC = """\
title: City Park Picnic
setting: EXT. CITY PARK - DAY
background: Friends gather for a weekend picnic.
roles:
  - {name: Ella, profile: "25, aspiring writer", voice: null, goals: [To read, To win], relations: {Sophia: friend}}
  - name: Sophia
    profile: 27, nurse
    voice: alma
    secrets:
      - She leaves
        on Monday
beats: [The cake is cut]
policy: bidding
turns: 30
language: en-gb
seed: 9223372036854775807
"""


def named(name: str, **fields: object) -> str:
    """A scene of two roles, the first of which is described by a field."""
    return json.dumps({"roles": [{"name": name, **fields}, {"name": "Other"}]})


def test_a_scene_is_read_as_it_is_written() -> None:
    assert parse_scene(PICNIC) == SceneBrief(
        title="City Park Picnic",
        setting="EXT. CITY PARK - DAY",
        background="Friends gather for a weekend picnic.",
        roles=(
            Role("Ella", "25, aspiring writer", goals=("To read", "To win"), relations=(("Sophia", "friend"),)),
            Role("Sophia", "27, nurse", voice="alma", secrets=("She leaves on Monday",)),
        ),
        beats=("The cake is cut",),
        policy="bidding",
        turns=30,
        language="en-GB",
        seed=2**63 - 1,
    )


def test_only_roles_are_needed_and_the_rest_has_defaults() -> None:
    assert parse_scene(TWO) == SceneBrief(UNTITLED, (Role("Ella"), Role("Sophia")))


@pytest.mark.parametrize("nothing", ["", " null", " ~"])
def test_a_key_with_nothing_behind_it_is_a_key_left_out(nothing: str) -> None:
    keys = ("title", "setting", "background", "beats", "policy", "turns", "language", "seed")
    role = "".join(f"    {key}:{nothing}\n" for key in ("profile", "voice", "goals", "secrets", "relations"))
    text = f"roles:\n  - name: Ella\n{role}  - name: Sophia\n" + "".join(f"{key}:{nothing}\n" for key in keys)
    assert parse_scene(text) == parse_scene(TWO)


@pytest.mark.parametrize(
    ("source", "title"),
    [("", UNTITLED), ("a/b/my play.yaml", "my play"), (".yaml", ".yaml"), ("\u202e\x07.y", UNTITLED)],
)
def test_a_scene_without_a_title_is_called_as_its_file_is(source: str, title: str) -> None:
    assert parse_scene(TWO, source=source).title == title
    assert parse_scene(f"title: ''\n{TWO}", source=source).title == title


@pytest.mark.parametrize(
    "name", ["No", "Yes", "off", "On", "y", "true", "42", "025", "1e3", "2024-01-01", "Null", ".inf"]
)
def test_a_name_that_yaml_takes_for_something_else_stays_the_text_that_was_written(name: str) -> None:
    text = f"title: {name}\nroles:\n  - {{name: {name}, profile: {name}}}\n  - name: B\n    relations: {{{name}: x}}\n"
    brief = parse_scene(text)
    assert (brief.title, brief.roles[0].name, brief.roles[0].profile) == (name, name, name)
    assert brief.roles[1].relations == ((name, "x"),)
    assert parse_scene(write_scene(brief)) == brief


def test_no_is_norwegian() -> None:
    assert parse_scene(f"language: no\n{TWO}").language == "no"
    assert "language: 'no'" in write_scene(parse_scene(f"language: no\n{TWO}"))


def test_null_in_quotes_is_a_text() -> None:
    assert parse_scene("roles: [{name: 'null', goals: ['~']}, {name: B}]").roles[0] == Role("null", goals=("~",))


def test_the_name_of_a_language_will_do() -> None:
    assert parse_scene(f"language: Deutsch\n{TWO}").language == "de"


def test_json_is_read_too() -> None:
    brief = parse_scene(PICNIC)
    assert parse_scene(json.dumps(yaml.safe_load(PICNIC), indent=1, ensure_ascii=False)) == brief


def test_control_characters_and_line_ends_become_spaces_and_hidden_characters_nothing() -> None:
    text = 'background: "a\\x1b[2J\\nb\\tc\\u202e d\\u00ade\\u200b\\U000E0041"\nroles: [{name: "El\\x07la"}, {name: B}]'
    brief = parse_scene(text)
    assert brief.background == "a [2J b c de"
    assert brief.roles[0].name == "El la"
    assert clean_text("می\u200cخواهم 👩\u200d🚒") == "می\u200cخواهم 👩\u200d🚒"
    assert clean_text(" \u200d \u200c") == ""


def test_relations_find_roles_however_they_are_spelt() -> None:
    text = "roles:\n  - {name: Éva, relations: {'MR  ben': boss}}\n  - {name: Mr Ben, relations: {E\u0301VA: clerk}}\n"
    first, second = parse_scene(text).roles
    assert (first.relations, second.relations) == ((("MR ben", "boss"),), (("ÉVA", "clerk"),))


FAULTS: dict[str, tuple[str, int, str, str]] = {
    "an empty file": ("", 1, "", "empty; write a scene"),
    "comments alone": ("# soon\n", 1, "", "empty; write a scene"),
    "a sentence": ("a picnic\n", 1, "", "a text, not a mapping; write KEY: VALUE"),
    "a list": ("- name: A\n", 1, "", "a list, not a mapping"),
    "no roles": ("title: x\n", 1, "roles", "missing; list two roles or more"),
    "roles of nothing": ("title: x\nroles:\n", 1, "roles", "missing"),
    "a misspelt key": (f"{TWO}polcy: random\n", 2, "polcy", 'unknown key "polcy"; did you mean policy?'),
    "a capital key": (f"Title: x\n{TWO}", 1, "Title", "did you mean title?"),
    "an unknown key": (f"{TWO}zz: x\n", 2, "zz", "there are title, setting"),
    "a misspelt key of a role": (named("A", goal=[]), 1, "roles[0].goal", "did you mean goals?"),
    "a comma without quotes": (
        "roles:\n- {name: Ella, profile: 25, aspiring writer}\n- name: B\n", 2, "roles[0].aspiring writer",
        "if it belongs to the text before the comma, put that whole text in quotes",
    ),
    "a key twice": (f"title: x\n{TWO}title: y\n", 3, "title", "there twice, first in line 1; keep one"),
    "a key of a role twice": ("roles:\n- name: A\n  name: B\n- name: C\n", 3, "roles[0].name", "there twice"),
    "an empty key twice": (f"beats:\n{TWO}beats: [x]\n", 3, "beats", "there twice"),
    "roles as a mapping": ("roles:\n  Ella: x\n  Sophia: y\n", 2, "roles", "a mapping, not a list"),
    "roles as text": ("roles: Ella and Sophia\n", 1, "roles", "a text, not a list; list the roles"),
    "a role as text": ("roles:\n- Ella\n- name: B\n", 2, "roles[0]", "a text, not a mapping"),
    "one role": ("roles: [{name: A}]", 1, "roles", "2 to 25 roles, not 1; add some"),
    "too many roles": (f"roles: [{', '.join(f'{{name: A{n}}}' for n in range(26))}]", 1, "roles", "not 26; remove"),
    "a role without a name": ("roles:\n- name: A\n- profile: x\n", 3, "roles[1]", "name is missing; write name: NAME"),
    "a name of nothing": ("roles:\n- name: A\n- name: null\n", 3, "roles[1]", "a name such as null in quotes"),
    "a name of spaces": ("roles:\n- name: A\n- name: ' '\n", 3, "roles[1].name", "empty; write a text"),
    "a name as a list": ("roles:\n- name: [A]\n- name: B\n", 2, "roles[0].name", "a list, not a text"),
    "a long name": (named("x" * 301), 1, "roles[0].name", "301 characters; shorten it to 300"),
    "two roles of one name": (
        "roles:\n- name: Anna  B\n- name: ANNA B\n", 3, "roles[1].name",
        'two roles are called "ANNA B"; give one of them another name',
    ),
    "a relation to nobody": (
        "roles:\n- {name: Ella, relations: {Sofia: friend}}\n- name: Sophia\n", 2, "roles[0].relations.Sofia",
        '"Sofia" is no role of this scene; did you mean Sophia?',
    ),
    "a relation to oneself": (named("A", relations={"a": "x"}), 1, "roles[0].relations.a", "the role itself"),
    "a relation in two spellings": (
        named("A", relations={"OTHER": "x", "Other": "y"}), 1, "roles[0].relations.Other", "there twice; keep one",
    ),
    "a relation of nothing": (named("A", relations={"Other": None}), 1, "roles[0].relations.Other", "empty; write"),
    "relations as a list": (named("A", relations=["Other"]), 1, "roles[0].relations", "a list, not a mapping"),
    "a long relation": (named("A", relations={"Other": "x" * 501}), 1, "roles[0].relations.Other", "shorten it to 500"),
    "a goal as text": ("roles:\n- name: A\n  goals: win\n- name: B\n", 3, "roles[0].goals", "behind a dash"),
    "a goal as a mapping": ("roles:\n- name: A\n  goals:\n  - a: b\n- name: B\n", 4, "roles[0].goals[0]", "not a text"),
    "an empty goal": ("roles:\n- name: A\n  goals:\n  - x\n  -\n- name: B\n", 5, "roles[0].goals[1]", "empty"),
    "a long goal": (named("A", goals=["x" * 501]), 1, "roles[0].goals[0]", "shorten it to 500"),
    "too many goals": (named("A", goals=["x"] * 13), 1, "roles[0].goals", "13 entries; keep at most 12"),
    "too many secrets": (named("A", secrets=["x"] * 13), 1, "roles[0].secrets", "keep at most 12"),
    "a long profile": (named("A", profile="x" * 2001), 1, "roles[0].profile", "shorten it to 2000"),
    "a voice with a capital": (named("A", voice="Alma"), 1, "roles[0].voice", '"Alma" is no id of a voice'),
    "a voice as a path": (named("A", voice="../x"), 1, "roles[0].voice", "small letters, digits and hyphens"),
    "a long voice": (named("A", voice="x" * 65), 1, "roles[0].voice", "shorten it to 64"),
    "a long title": (f"title: {'x' * 301}\n{TWO}", 1, "title", "shorten it to 300"),
    "a title as a list": (f"title: [x]\n{TWO}", 1, "title", "a list, not a text; write one text, in quotes"),
    "a long setting": (f"setting: {'x' * 301}\n{TWO}", 1, "setting", "shorten it to 300"),
    "a long background": (f"background: {'x' * 8001}\n{TWO}", 1, "background", "shorten it to 8000"),
    "beats as text": (f"{TWO}beats: the end\n", 2, "beats", "a text, not a list"),
    "too many beats": (f"{TWO}beats: [{'x,' * 25}]\n", 2, "beats", "25 entries; keep at most 24"),
    "a long beat": (f"{TWO}beats: [{'x' * 501}]\n", 2, "beats[0]", "shorten it to 500"),
    "an unknown policy": (f"{TWO}policy: round_robin\n", 2, "policy", "did you mean round-robin?"),
    "a policy unlike any": (f"{TWO}policy: 42\n", 2, "policy", "there are scripted, round-robin, random, addressed"),
    "a policy as a list": (f"{TWO}policy: [random]\n", 2, "policy", "a list, not a text"),
    "no turns": (f"{TWO}turns: 0\n", 2, "turns", "write a whole number from 1 to 2000"),
    "too many turns": (f"{TWO}turns: 2001\n", 2, "turns", "whole number from 1 to 2000"),
    "half a turn": (f"{TWO}turns: 1.5\n", 2, "turns", '"1.5" is out of range or no number'),
    "turns in quotes": (f"{TWO}turns: '24'\n", 2, "turns", "without quotes"),
    "turns in words": (f"{TWO}turns: many\n", 2, "turns", "in digits alone"),
    "turns as a list": (f"{TWO}turns: [24]\n", 2, "turns", "a list, not a number"),
    "a negative seed": (f"{TWO}seed: -1\n", 2, "seed", "from 0 to 9223372036854775807"),
    "a large seed": (f"{TWO}seed: 9223372036854775808\n", 2, "seed", "from 0 to 9223372036854775807"),
    "a very large seed": (f"{TWO}seed: 1{'0' * 4000}\n", 2, "seed", "out of range"),
    "no language": (f"{TWO}language: 'the usual one'\n", 2, "language", "write a tag such as en"),
    "a language as a list": (f"{TWO}language: [en]\n", 2, "language", "a list, not a text"),
    "an alias": ("roles: [&a {name: A}, {name: B}]\nbeats: *b\n", 1, "", "anchors and aliases are not allowed"),
    "a tag": ("title: !!python/object/apply:os.getcwd []\n", 1, "", "is not allowed; remove it"),
    "a second scene": (f"{TWO}---\n{TWO}", 2, "", "a second document begins"),
    "no YAML": (f"title: a: b\n{TWO}", 1, "", "put a text that has a colon in it in quotes"),
    "a deep nest": (f"beats: {'[' * 9}{']' * 9}\n", 1, "beats[0][0][0][0][0]", "nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_with_file_line_field_and_remedy(fault: str) -> None:
    text, line, field, message = FAULTS[fault]
    with pytest.raises(SceneError, match=re.escape(message)) as caught:
        parse_scene(text, source="a.yaml")
    assert (caught.value.source, caught.value.line, caught.value.field) == ("a.yaml", line, field)
    assert str(caught.value).startswith(f"a.yaml:{line}: {field}")
    assert len(str(caught.value)) < 1_000


BYTES: dict[str, tuple[bytes, int | None, str]] = {
    "Latin-1": (
        b"title: a\nsetting: Caf\xe9\n",
        2,
        r"byte 0xe9 \(byte 22 of the file\) is not UTF-8; save it as UTF-8",
    ),
    "UTF-16": (b"\xff\xfet\0i\0", 1, "UTF-16 or UTF-32; save the file as UTF-8"),
    "binary": (b"title: a\nb\0c", 2, "binary data .character 11 is zero"),
    "a picture": (b"\x89PNG\r\n\x1a\n", 1, "not UTF-8"),
    "too large": (b"#" * (MAX_SCENE_FILE_BYTES + 1), None, "larger than 256 kB; this is no scene file"),
}


@pytest.mark.parametrize("kind", BYTES)
def test_a_file_that_is_no_text_in_utf_8_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    data, line, message = BYTES[kind]
    path = tmp_path / "scene.yaml"
    path.write_bytes(data)
    with pytest.raises(SceneError, match=message) as caught:
        read_scene(path)
    assert (caught.value.source, caught.value.line) == ("scene.yaml", line)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_file_is_read_with_any_line_ends_and_with_a_byte_order_mark(mark: bytes, end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scene.yaml"
    path.write_bytes(mark + PICNIC.encode().replace(b"\n", end))
    assert read_scene(path) == parse_scene(PICNIC)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "a folder, not a scene"),
        (tmp_path / "a\0b", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        with pytest.raises(SceneError, match=message):
            read_scene(path)


# What is written is read back.

PIECES = st.sampled_from(
    [
        *("yes", "No", "null", "~", "42", "0x1F", "1_000", "1e3", "2024-01-01", "<<", "=", "- ", "-", "?", ": ", ":"),
        *(
            " #",
            "#",
            "'",
            '"',
            "''",
            "\\",
            "&a",
            "*a",
            "!b",
            "!!str",
            "|",
            ">",
            "%",
            "@",
            "`",
            "{",
            "}",
            "[",
            "]",
            ", ",
        ),
        *(
            "---",
            "...",
            " ",
            "ä",
            "日本語",
            "👩\u200d🚒",
            "\u200c",
            "é",
            "\ufeff",
            "\ufffd",
            "\U0010ffff",
            "\ue000",
            "word ",
        ),
    ]
)
RAW = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=40).map("".join))
TEXTS = st.one_of(RAW.map(clean_text), st.lists(RAW, max_size=12).map(lambda parts: clean_text(" ".join(parts))[:500]))
LONG = TEXTS.map(clean_text)
ITEMS = LONG.filter(bool)
NAMES = st.one_of(RAW, st.text("ab ", min_size=130, max_size=300)).map(clean_name).filter(bool)


@st.composite
def briefs(draw: st.DrawFn) -> SceneBrief:
    """Any scene that a file can hold."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=role_key))
    some = st.lists(ITEMS, max_size=3).map(tuple)
    roles = tuple(
        Role(
            name=name,
            profile=draw(LONG),
            voice=draw(st.from_regex(r"[a-z0-9-]{0,12}", fullmatch=True)),
            goals=draw(some),
            secrets=draw(some),
            relations=tuple((other, draw(ITEMS)) for other in names if other != name and draw(st.booleans())),
        )
        for name in names
    )
    return SceneBrief(
        title=draw(ITEMS.map(lambda text: clean_text(text[:MAX_TITLE_CHARS])).filter(bool)),
        roles=roles,
        setting=draw(LONG.map(lambda text: clean_text(text[:MAX_TITLE_CHARS]))),
        background=draw(LONG),
        beats=draw(some),
        policy=draw(st.sampled_from(POLICIES)),
        turns=draw(st.integers(1, MAX_TURNS)),
        language=draw(st.sampled_from(["en", "no", "de-CH", "zh-Hant-TW", "cmn", "en-GB-x-rp"])),
        seed=draw(st.integers(0, MAX_SEED)),
    )


@given(briefs())
@settings(deadline=None)
@example(
    SceneBrief("yes", (Role("null", voice="null", goals=("- a: b",)), Role("No", "? x", relations=(("null", "'"),))))
)
@example(
    SceneBrief("~", (Role("é" * 300), Role("x" * 300, relations=(("é" * 300, "#"),))), background="w " * 3_999 + "w")
)
def test_whatever_is_written_is_read_back_equal(brief: SceneBrief) -> None:
    text = write_scene(brief)
    assert parse_scene(text) == brief
    assert write_scene(parse_scene(text)) == text


def test_what_is_written_is_for_people_to_edit() -> None:
    brief = parse_scene(PICNIC.replace("Friends gather", "Friends who know each other too well gather " * 4))
    text = write_scene(brief)
    assert list(yaml.safe_load(text)) == [
        "title", "setting", "background", "roles", "beats", "policy", "turns", "language", "seed",
    ]  # fmt: skip
    assert [list(role) for role in yaml.safe_load(text)["roles"]] == [
        ["name", "profile", "goals", "relations"], ["name", "profile", "voice", "secrets"],
    ]  # fmt: skip
    assert not re.search(r"[{}\[\]&*]|!!", text)
    assert max(map(len, text.splitlines())) <= 110


def test_defaults_are_not_written_but_title_setting_background_and_roles_always_are() -> None:
    assert write_scene(parse_scene(TWO)) == (
        "title: Untitled\nsetting: ''\nbackground: ''\nroles:\n- name: Ella\n- name: Sophia\n"
    )


@pytest.mark.parametrize(
    ("brief", "field", "message"),
    [
        (SceneBrief("", (Role("A"), Role("B"))), "title", "cannot hold it as it is"),
        (SceneBrief("x", (Role("A"), Role("B")), background="a\nb"), "background", "make it 'a b'"),
        (SceneBrief("x", (Role("A"), Role("B", goals=("a  b",)))), "roles[1].goals", "'a b'"),
        (SceneBrief("x", (Role("A"), Role("B", profile="p" * 2001))), "roles[1].profile", "shorten it to 2000"),
        (
            SceneBrief("x", (Role("A"), Role("B", relations=(("C", "x"),)))),
            "roles[1].relations.C",
            "no role of this scene",
        ),
        (SceneBrief("x", (Role("A"), Role("B")), policy="mine"), "policy", "unknown policy"),
        (SceneBrief("x", (Role("A"), Role("B")), language="en-us"), "language", "make it 'en-US'"),
        (SceneBrief("x\ud800", (Role("A"), Role("B"))), "", "the scene to be written"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_and_not_quietly_changed(
    brief: SceneBrief, field: str, message: str
) -> None:
    with pytest.raises(SceneError, match=message) as caught:
        write_scene(brief)
    assert caught.value.field == field


# The schema says the same.


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_reader_and_schema_accept_every_example_and_it_survives_a_round_trip(path: Path) -> None:
    brief = read_scene(path)
    assert complaints(yaml.safe_load(path.read_text("utf-8"))) == []
    assert parse_scene(write_scene(brief)) == brief
    assert complaints(yaml.safe_load(write_scene(brief))) == []


SCHEMA_CANNOT_SAY = {
    "a key twice", "a key of a role twice", "an empty key twice", "two roles of one name", "a relation to nobody",
    "a relation to oneself", "a relation in two spellings", "an alias", "a tag", "a second scene", "no YAML",
}  # fmt: skip
"""What depends on two places at once, and what is gone once YAML has been loaded."""


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - SCHEMA_CANNOT_SAY))
def test_the_schema_refuses_what_the_reader_refuses(fault: str) -> None:
    assert complaints(yaml.safe_load(FAULTS[fault][0])) != []


@pytest.mark.parametrize(
    "text", [PICNIC, TWO, f"title:\nbeats: null\nlanguage: Deutsch\n{TWO}", "roles: [{name: 4}, {name: No}]"]
)
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    parse_scene(text)
    assert complaints(yaml.safe_load(text)) == []


def test_the_schema_has_the_keys_limits_and_defaults_of_the_reader() -> None:
    scene, role, item = SCHEMA["properties"], SCHEMA["$defs"]["role"]["properties"], SCHEMA["$defs"]["item"]
    blank = SceneBrief("x", (Role("A"), Role("B")))
    assert list(scene) == ["title", "setting", "background", "roles", "beats", "policy", "turns", "language", "seed"]
    assert list(role) == ["name", "profile", "voice", "goals", "secrets", "relations"]
    assert set(scene["policy"]["enum"]) == {*POLICIES, None}
    assert {key: scene[key]["default"] for key in ("policy", "turns", "language", "seed")} == {
        "policy": blank.policy, "turns": blank.turns, "language": blank.language, "seed": blank.seed,
    }  # fmt: skip
    assert (scene["title"]["maxLength"], scene["setting"]["maxLength"]) == (MAX_TITLE_CHARS, MAX_TITLE_CHARS)
    assert scene["background"]["maxLength"] == MAX_BACKGROUND_CHARS
    assert (scene["roles"]["maxItems"], role["relations"]["maxProperties"]) == (MAX_PLAYERS, MAX_PLAYERS - 1)
    assert (scene["beats"]["maxItems"], role["goals"]["maxItems"], role["secrets"]["maxItems"]) == (
        MAX_BEATS, MAX_ITEMS, MAX_ITEMS,
    )  # fmt: skip
    assert (role["name"]["maxLength"], role["profile"]["maxLength"]) == (MAX_NAME_CHARS, MAX_PROFILE_CHARS)
    assert (role["voice"]["maxLength"], item["maxLength"]) == (MAX_VOICE_CHARS, MAX_ITEM_CHARS)
    assert (scene["turns"]["maximum"], scene["seed"]["maximum"]) == (MAX_TURNS, MAX_SEED)


def test_every_field_of_the_schema_is_described_for_the_people_who_hover_over_it() -> None:
    fields = {**SCHEMA["properties"], **SCHEMA["$defs"]["role"]["properties"]}
    assert [key for key, field in fields.items() if not field.get("description")] == []


def complaints(value: object) -> list[str]:
    """What the scene's schema finds wrong."""
    return schema_complaints(value, SCHEMA)


# Whatever comes.

KEYS = ["title", "setting", "background", "roles", "beats", "policy", "turns", "language", "seed"]
ROLE_KEYS = ["name", "profile", "voice", "goals", "secrets", "relations"]
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["A", "B", "en"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([*KEYS, *ROLE_KEYS, "A", "B"]), inner, max_size=6)
    ),
    max_leaves=20,
)
ROLES = st.fixed_dictionaries({"name": st.sampled_from("ABC")}, optional=dict.fromkeys(ROLE_KEYS[1:], VALUES))
SCENES = st.fixed_dictionaries(
    {"roles": st.one_of(VALUES, st.lists(ROLES, min_size=2, max_size=4))},
    optional=dict.fromkeys(set(KEYS) - {"roles"}, VALUES),
)


@given(SCENES)
@settings(deadline=None)
def test_any_data_is_a_scene_or_a_scene_error_and_a_scene_is_accepted_by_the_schema_too(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    try:
        brief = parse_scene(text)
    except SceneError:
        return
    assert complaints(data) == []
    assert parse_scene(write_scene(brief)) == brief


@given(
    st.one_of(
        st.text(),
        st.lists(PIECES, max_size=80).map("".join),
        st.lists(st.sampled_from(PICNIC.split(" "))).map(" ".join),
    )
)
@settings(deadline=None)
def test_any_text_is_a_scene_or_a_scene_error(text: str) -> None:
    with suppress(SceneError):
        assert parse_scene(text, source="a.yaml").roles


@given(noise=st.binary(max_size=200), place=st.integers(0, len(PICNIC)), lost=st.integers(0, 40))
@settings(deadline=None)
def test_any_file_is_a_scene_or_a_scene_error(
    noise: bytes, place: int, lost: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = PICNIC.encode()
    path = tmp_path_factory.mktemp("scene") / "a.yaml"
    path.write_bytes(data[:place] + noise + data[place + lost :])
    with suppress(SceneError):
        assert read_scene(path).roles


LIMIT_S = 10.0
"""CPU time for reading the largest file; the slowest takes a fraction of it, anything quadratic many times as much."""

HOSTILE = {
    "one text": "title: " + "x" * 250_000,
    "one key": "x" * 250_000 + ": y",
    "spaces": "title: '" + " " * 250_000 + "'",
    "roles": "roles:\n" + "- name: x\n" * 25_000,
    "names": "roles: [" + ",".join(f"{{name: a{n}}}" for n in range(15_000)) + "]",
    "relations": "roles:\n- name: A\n- name: B\n  relations:\n" + "".join(f"    A{n}: x\n" for n in range(18_000)),
    "beats": f"{TWO}beats: [{'x,' * 100_000}]",
    "one number": f"{TWO}turns: {'9' * 250_000}",
    "one language": f"{TWO}language: {'ab-' * 80_000}",
    "one voice": f"roles: [{{name: A, voice: {'a-' * 120_000}}}, {{name: B}}]",
    "combining marks": "roles: [{name: A" + "\u0301" * 120_000 + "}, {name: B}]",
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_file_made_to_be_slow_is_refused_in_time_linear_in_its_length(attack: str) -> None:
    started = time.process_time()
    with pytest.raises(SceneError) as caught:
        parse_scene(HOSTILE[attack])
    assert time.process_time() - started < LIMIT_S
    assert len(str(caught.value)) < 3_000
