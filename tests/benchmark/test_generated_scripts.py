"""Files of generated scripts: read back as they were written, and refused line by line where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speechagents.benchmark.generated_scripts import generated_path, read_generated_scripts, write_generated_scripts
from speechagents.benchmark.script_file import SceneScript, ScriptLine
from speechagents.drama import Role, SceneBrief
from speechagents.errors import BenchmarkError

ROLES = (Role("Anna"), Role("Ben"), Role("Cem"))
SCENES = {scene_id: SceneBrief(scene_id, ROLES) for scene_id in ("001-goat", "002-lift")}
GOOD: dict[str, Any] = {
    "scene": "001-goat",
    "roles": 2,
    "made_by": "rehearsal 1",
    "lines": [["Anna", "calm", "Is this your goat?"], ["Ben", "default", "It came with the lift."]],
}


def script(scene_id: str = "001-goat", roles: int = 2, text: str = "Is this your goat?") -> SceneScript:
    return SceneScript(
        scene_id, roles, "rehearsal 1", (ScriptLine("Anna", "calm", text), ScriptLine("Ben", "sad", "No."))
    )


def test_what_is_written_is_read_back_in_the_order_of_ids(tmp_path: Path) -> None:
    write_generated_scripts(tmp_path, 2, [script("002-lift"), script(text='A "goat"?\u2028 «Ja»')])
    write_generated_scripts(tmp_path, 3, [script(roles=3)])
    found = read_generated_scripts(tmp_path, SCENES)
    assert list(found) == [("001-goat", 2), ("002-lift", 2), ("001-goat", 3)]
    assert found["002-lift", 2] == script("002-lift")
    assert found["001-goat", 2].lines[0].text == 'A "goat"? «Ja»'
    assert len(generated_path(tmp_path, 2).read_text("utf-8").splitlines()) == 2


def test_no_folder_holds_no_scripts(tmp_path: Path) -> None:
    assert read_generated_scripts(tmp_path / "none", SCENES) == {}


def test_names_are_found_however_they_are_spelt_and_become_the_scenes(tmp_path: Path) -> None:
    write_lines(tmp_path, {**GOOD, "lines": [["ANNA", "calm", " Is  this\tit? "]]})
    assert read_generated_scripts(tmp_path, SCENES)["001-goat", 2].lines == (ScriptLine("Anna", "calm", "Is this it?"),)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scene": "009-cow"}, 'scene: "009-cow" is no scene of this benchmark'),
        ({"scene": 3}, "scene: no text"),
        ({"roles": 3}, "roles: is not 2"),
        ({"roles": True}, "roles: is not 2"),
        ({"made_by": ""}, "made_by: no text"),
        ({"made_by": "hand"}, "made_by: .* people wrote"),
        ({"lines": []}, "lines: no list of 1 to 2000 lines"),
        ({"lines": {}}, "lines: no list"),
        ({"lines": [["Anna", "calm"]]}, r"lines\[0\]: no list of role, style and text"),
        ({"lines": [["Cem", "calm", "Hi."]]}, r"lines\[0\]\[0\]: does not play here; there are Anna, Ben"),
        ({"lines": [["Anna", "bleating", "Hi."]]}, r"lines\[0\]\[1\]: \"bleating\" is no style"),
        ({"lines": [["Anna", "calm", ""]]}, r"lines\[0\]\[2\]: no text of 1 to 2000"),
        ({"lines": [["Anna", "calm", "x" * 2_001]]}, r"lines\[0\]\[2\]: no text"),
        ({"more": 1}, "no object with exactly lines, made_by, roles, scene"),
    ],
)
def test_a_line_that_is_wrong_is_refused_with_its_place(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    write_lines(tmp_path, {**GOOD, "scene": "002-lift"}, {**GOOD, **wrong})
    with pytest.raises(BenchmarkError, match=f"roles-2.jsonl:2: {message}"):
        read_generated_scripts(tmp_path, SCENES)


@pytest.mark.parametrize("data", [b"{", b"[1]\n", b"\xff\n", b"[" * 100_000, b"\n", b'{"a":NaN}\n'])
def test_a_line_that_is_no_script_at_all_is_refused(tmp_path: Path, data: bytes) -> None:
    generated_path(tmp_path, 2).write_bytes(data)
    with pytest.raises(BenchmarkError, match=r"roles-2\.jsonl:1: no "):
        read_generated_scripts(tmp_path, SCENES)


def test_a_scene_is_not_there_twice(tmp_path: Path) -> None:
    write_lines(tmp_path, GOOD, GOOD)
    with pytest.raises(BenchmarkError, match=r"roles-2\.jsonl:2: 001-goat is there twice"):
        read_generated_scripts(tmp_path, SCENES)


@pytest.mark.parametrize("name", ["roles.jsonl", "roles-99.jsonl", "roles-1.jsonl"])
def test_a_file_says_for_how_many_roles_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(BenchmarkError, match="says no number of roles"):
        read_generated_scripts(tmp_path, SCENES)


def test_nobody_can_play_who_is_not_in_the_pool(tmp_path: Path) -> None:
    generated_path(tmp_path, 5).write_text(json.dumps({**GOOD, "roles": 5}) + "\n", "utf-8")
    with pytest.raises(BenchmarkError, match="roles: is not 5"):
        read_generated_scripts(tmp_path, SCENES)


def write_lines(folder: Path, *entries: dict[str, Any]) -> None:
    generated_path(folder, 2).write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
