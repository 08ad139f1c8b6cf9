"""A line of a trajectory: what it holds, what is refused, and that the schema says the same."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from speechagents.drama import MAX_LINE_CHARS, MAX_NAME_CHARS, MAX_PLAYERS, MAX_UNIT, MAX_UNITS, Deed, Style, Turn
from speechagents.errors import TuningError
from speechagents.resources import resource
from speechagents.scripts.scene_file import MAX_BACKGROUND_CHARS, MAX_BEATS, MAX_ITEM_CHARS, MAX_ITEMS, POLICIES
from speechagents.styles import STYLES
from speechagents.tuning import trajectory_json
from speechagents.tuning.trajectory import MAX_HEARD, MAX_ID_CHARS, MAX_TEXT_CHARS, Split, Trajectory
from speechagents.tuning.trajectory_json import TrajectoryReader, trajectory_line, trajectory_to_json
from tests.json_schema import schema_complaints
from tests.tuning.made_up_scenes import heard, trajectories

SCHEMA: dict[str, Any] = json.loads(resource("models", "schemas", "trajectory.schema.json").read_text("utf-8"))


def rich() -> Trajectory:
    """A trajectory in which nothing is left out."""
    one = trajectories()[2]
    return replace(
        one,
        ask=replace(
            one.ask,
            facts=("The key: lost",),
            recalled=(
                heard(7, "Ella", "Where is it? \u2028 “There”", deed=Deed.ACT, addresses=("Tom",), private=True),
            ),
            note="Be kind.",
            beat=1,
        ),
        turn=Turn("Sophia", text="Naïve? Perhaps.", style=Style("calm", 0.5), thoughts="T.", addresses=("Tom",)),
        heard_sounds=("ab" * 32, ""),
        heard_units=((0, 5, MAX_UNIT), ()),
        sound="cd" * 32,
        units=(1, 2, 3),
        rationale="Because.",
        refinement="Perhaps not.",
    )


def read(line: bytes, number: int | None = 1) -> Trajectory:
    return TrajectoryReader("train.jsonl").read(line, number)


@pytest.mark.parametrize("one", [*trajectories(), rich()], ids=lambda one: f"{one.id} {len(one.units)}")
def test_a_line_gives_back_the_same_trajectory_and_the_schema_takes_it(one: Trajectory) -> None:
    line = trajectory_line(one)
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1, "no character in it ends a line"
    assert read(line) == one
    assert schema_complaints(json.loads(line), SCHEMA) == []


def test_a_line_holds_all_that_is_needed_to_act() -> None:
    values = trajectory_to_json(trajectories()[1])
    assert list(values) == list(SCHEMA["properties"]) == SCHEMA["required"]
    assert [role["name"] for role in values["scene"]["roles"]] == ["Ella", "Tom", "Sophia"]
    assert [one["text"] for one in values["heard"]] == ["You are still awake at this hour?"]
    assert (values["role"], values["turn"]["style"]) == ("Tom", "tired")
    assert values["turn"]["text"].startswith("I am always awake at four.")


def test_what_lines_have_in_common_is_one_value_in_memory() -> None:
    reader = TrajectoryReader("train.jsonl")
    first, second = (reader.read(trajectory_line(one), 1) for one in trajectories()[3:5])
    assert first.ask.scene is second.ask.scene
    assert all(one is other for one, other in zip(first.ask.heard, second.ask.heard, strict=False))


def test_a_message_that_changed_from_line_to_line_is_read_anew() -> None:
    reader = TrajectoryReader("train.jsonl")
    values = trajectory_to_json(trajectories()[3])
    reader.read(json.dumps(values).encode(), 1)
    values["heard"][0]["text"] = "Something else."
    values["scene"]["background"] = "Another night."
    again = reader.read(json.dumps(values).encode(), 2)
    assert again.ask.heard[0].text == "Something else."
    assert again.ask.scene.background == "Another night."


FAULTS: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "a field too many": (("extra",), 1, "unknown field 'extra'"),
    "no split": (("split",), "all", "split: is 'all', none of train, dev, test"),
    "a split that is no text": (("split",), ["train"], "split"),
    "no id": (("id",), "", "id: has 0 characters"),
    "a number for a text": (("note",), 7, "note: is no text"),
    "a deed that there is not": (("turn", "deed"), "sing", "turn.deed"),
    "a style that there is not": (("turn", "style"), "grumpy", "turn.style: is 'grumpy'"),
    "a style that is a list": (("turn", "style"), [], "turn.style"),
    "too strong": (("turn", "strength"), 2.5, "turn.strength: is no number from 0 to 2"),
    "a strength that is true": (("turn", "strength"), True, "turn.strength"),
    "private by a word": (("turn", "private"), "no", "turn.private: is neither true nor false"),
    "a sound that is a path": (("turn", "sound"), "../../../etc/passwd", "turn.sound"),
    "a sound in capitals": (("heard", 0, "sound"), "AB" * 32, "heard[0].sound"),
    "a unit below 0": (("turn", "units"), [3, -1], "turn.units[1]"),
    "a unit that is true": (("turn", "units"), [True], "turn.units[0]"),
    "a unit with a fraction": (("heard", 0, "units"), [1.5], "heard[0].units[0]"),
    "units that are a text": (("turn", "units"), "12", "turn.units: is no list"),
    "message 0": (("heard", 0, "id"), 0, "heard[0].id"),
    "a silent message": (("heard", 0, "deed"), "silent", "heard[0].deed"),
    "a message without a text": (("heard", 0, "text"), "", "heard[0].text"),
    "a message that is a text": (("heard", 0), "Hello.", "heard[0]: is no object"),
    "a line that is too long": (("turn", "text"), "x" * (MAX_LINE_CHARS + 1), "turn.text"),
    "too many facts": (("facts",), ["x"] * 65, "facts: has 65 entries"),
    "an empty fact": (("facts",), [""], "facts[0]"),
    "a relation of one": (("scene", "roles", 1, "relations"), [["Ella"]], "scene.roles[1].relations[0]"),
    "one role": (
        ("scene", "roles"),
        [{**trajectory_to_json(rich())["scene"]["roles"][0]}],
        "scene.roles: a scene has 2",
    ),
    "a policy that there is not": (("scene", "policy"), "loudest", "scene.policy"),
    "no turns": (("scene", "turns"), 0, "scene.turns"),
    "a scene without a title": (("scene", "title"), "", "scene.title"),
    "a step back": (("step",), -1, "step"),
    "half a character": (("turn", "thoughts"), "\ud800", "turn.thoughts: has half a character"),
    "a role that does not play": (("role",), "Nobody", "role: is no role of the scene; there are Ella, Tom, Sophia"),
    "somebody present who does not play": (("present",), ["Ella", "Max"], "present[1]"),
    "a relation to nobody": (("scene", "roles", 1, "relations"), [["Max", "a friend"]], "scene.roles[1].relations"),
    "two roles of one name": (("scene", "roles", 2, "name"), "ELLA", "two roles have the same name"),
    "a turn without a text": (("turn", "text"), "", "means nothing"),
    "an id of another scene": (("id",), "elsewhere/1", "does not begin with that of its scene"),
}
SCHEMA_CANNOT_SAY = {
    "half a character", "a role that does not play", "somebody present who does not play", "a relation to nobody",
    "two roles of one name", "a turn without a text", "an id of another scene",
}  # fmt: skip
"""What depends on two places at once, and what JSON itself has no place for."""


def spoilt(fault: str) -> dict[str, Any]:
    path, value, _ = FAULTS[fault]
    values: Any = copy.deepcopy(trajectory_to_json(rich()))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(values)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_told_with_file_line_and_field(fault: str) -> None:
    with pytest.raises(TuningError) as caught:
        read(json.dumps(spoilt(fault)).encode(), 12)
    assert str(caught.value).startswith("train.jsonl:12: ")
    assert FAULTS[fault][2] in str(caught.value)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - SCHEMA_CANNOT_SAY))
def test_the_schema_refuses_what_the_reader_refuses(fault: str) -> None:
    assert schema_complaints(spoilt(fault), SCHEMA) != []


@pytest.mark.parametrize("place", ["", "scene", "turn", "heard[0]", "recalled[0]", "scene.roles[0]"])
def test_every_field_is_needed_by_reader_and_schema(place: str) -> None:
    def inside(values: Any) -> Any:
        for key in place.replace("[0]", ".0").split(".") if place else ():
            values = values[int(key) if key == "0" else key]
        return values

    for key in inside(trajectory_to_json(rich())):
        values = copy.deepcopy(trajectory_to_json(rich()))
        del inside(values)[key]
        with pytest.raises(TuningError, match="is missing"):
            read(json.dumps(values).encode())
        assert schema_complaints(values, SCHEMA) != [], key


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "no JSON"),
        (b"\xff{}", "no JSON in UTF-8"),
        (b"[]", "is no object"),
        (b'{"id": "a", "id": "b"}', "a field is there twice"),
        (b'{"id": NaN}', "NaN is no number"),
        (b'{"id": 1e999}', "too large"),
        (b"[" * 100_000, "no JSON"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_line_at_all(line: bytes, said: str) -> None:
    with pytest.raises(TuningError, match=said):
        read(line)


def test_a_line_without_end_is_not_taken_in() -> None:
    with pytest.raises(TuningError, match="longer than 16 MB"):
        read(b" " * (trajectory_json.MAX_LINE_BYTES + 1))


def test_the_schema_has_the_limits_of_the_reader() -> None:
    top, defined = SCHEMA["properties"], SCHEMA["$defs"]
    scene, role, said, turn = (defined[name]["properties"] for name in ("scene", "role", "heard", "turn"))
    assert top["split"]["enum"] == [split.value for split in Split]
    assert (top["id"]["maxLength"], top["heard"]["maxItems"]) == (MAX_ID_CHARS, MAX_HEARD)
    assert (top["facts"]["maxItems"], top["recalled"]["maxItems"]) == (
        trajectory_json.MAX_FACTS, trajectory_json.MAX_RECALLED,
    )  # fmt: skip
    assert (top["rationale"]["maxLength"], top["refinement"]["maxLength"]) == (MAX_TEXT_CHARS, MAX_LINE_CHARS)
    assert (turn["thoughts"]["maxLength"], turn["text"]["maxLength"]) == (MAX_TEXT_CHARS, MAX_LINE_CHARS)
    assert turn["style"]["enum"] == list(STYLES)
    assert turn["deed"]["enum"] == [deed.value for deed in Deed]
    assert set(said["deed"]["enum"]) == {deed.value for deed in Deed} - {"silent"}
    assert (said["units"]["maxItems"], said["units"]["items"]["maximum"]) == (MAX_UNITS, MAX_UNIT)
    assert said["id"]["maximum"] == top["step"]["maximum"] == trajectory_json.MAX_MESSAGE_ID
    assert scene["policy"]["enum"] == list(POLICIES)
    assert (scene["background"]["maxLength"], scene["beats"]["maxItems"]) == (MAX_BACKGROUND_CHARS, MAX_BEATS)
    assert (scene["roles"]["maxItems"], role["name"]["maxLength"]) == (MAX_PLAYERS, MAX_NAME_CHARS)
    assert (role["goals"]["maxItems"], role["goals"]["items"]["maxLength"]) == (MAX_ITEMS, MAX_ITEM_CHARS)
    for name, keys in (
        ("scene", trajectory_json.SCENE_KEYS),
        ("role", trajectory_json.ROLE_KEYS),
        ("heard", trajectory_json.HEARD_KEYS),
        ("recalled", trajectory_json.RECALLED_KEYS),
        ("turn", trajectory_json.TURN_KEYS),
    ):
        assert tuple(defined[name]["properties"]) == tuple(defined[name]["required"]) == keys


def test_every_field_of_the_schema_is_described() -> None:
    described = [SCHEMA["properties"], *(one["properties"] for one in SCHEMA["$defs"].values())]
    assert [
        key
        for fields in described
        for key, field in fields.items()
        if not (field.get("description") or "$ref" in field)
    ] == []
