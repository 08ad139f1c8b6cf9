"""The editor: what is typed, proposed, opened or written as YAML is one scene, and faults are shown where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from speechagents import Studio
from speechagents.errors import SceneError, SettingsError
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, parse_scene, read_scene
from speechagents.serving.house import House
from speechagents.ui.scene_editor import SceneEditor
from speechagents.ui.scene_examples import READY_EXAMPLES, examples
from speechagents.ui.scene_form import RoleDraft, draft_of
from tests.ui.visiting import event_of, handler, is_skipped, lay_out, open_house

FIELDS = (
    ("title", "setting", "background", "beats", "policy", "turns", "language", "seed"),
    ("name", "voice", "profile", "goals", "secrets", "relations"),
)


@pytest.fixture(scope="module")
def house(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(studio, tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def laid_out(house: House) -> tuple[gr.Blocks, SceneEditor]:
    editors: list[SceneEditor] = []
    page = lay_out(lambda one: editors.append(SceneEditor(one)), house)
    return page, editors[0]


def form(current: int = 0, **changes: Any) -> list[Any]:
    """The picnic as its components hold it: roles, which one is edited, and the fields."""
    draft = draft_of(examples()[0].scene)
    role = draft.roles[current]
    values = {name: getattr(draft, name) for name in FIELDS[0]} | {name: getattr(role, name) for name in FIELDS[1]}
    return [draft.roles, current, *{**values, "turns": float(draft.turns), **changes}.values()]


def filled(values: list[Any]) -> dict[str, Any]:
    """The fields of what `_filled` gave, by name."""
    return dict(zip((*FIELDS[0], *FIELDS[1]), values[-14:], strict=True))


def test_three_examples_stand_in_front_and_all_can_be_played() -> None:
    assert [example.name for example in examples()[:3]] == list(READY_EXAMPLES)
    assert len(examples()) == 8


def test_an_example_fills_form_and_file(laid_out: tuple[gr.Blocks, SceneEditor]) -> None:
    page, _ = laid_out
    values = handler(page, "_example")(event_of(name="three-burglaries"))
    scene = examples()[1].scene
    assert parse_scene(values[4]) == scene
    assert filled(values)["title"]["value"] == scene.title
    assert filled(values)["name"]["value"] == scene.roles[0].name
    assert values[:2] == ["", ""]  # what was wrong with the scene before is none of this one's business
    assert {field["info"] for field in filled(values).values()} >= {
        "",
        "Age, occupation, manner: for casting and acting.",
    }
    assert all(map(is_skipped, handler(page, "_example")(event_of(name="../../etc/passwd"))))


def test_the_scene_is_that_of_the_form_or_of_the_file(laid_out: tuple[gr.Blocks, SceneEditor]) -> None:
    _, editor = laid_out
    picnic = examples()[0].scene
    assert editor.scene("form", "", *form()) == picnic
    assert editor.scene("form", "", *form(title="Rain")).title == "Rain"
    assert editor.scene("yaml", "roles: [{name: A}, {name: B}]", *form()).roles[0].name == "A"
    with pytest.raises(SceneError, match="no valid YAML"):
        editor.scene("yaml", "roles: [", *form())


def test_the_file_follows_the_form_and_the_form_the_file(laid_out: tuple[gr.Blocks, SceneEditor]) -> None:
    page, _ = laid_out
    mode, text = handler(page, "_to_yaml")("form", "", *form(title="Rain"))
    assert mode == "yaml"
    assert parse_scene(text).title == "Rain"
    values = handler(page, "_to_form")("yaml", text.replace("Rain", "Snow"), *form())
    assert values[1] == "form"
    assert filled(values)["title"]["value"] == "Snow"
    refused = handler(page, "_to_form")("yaml", "roles: 3", *form())
    assert "roles" in refused[0]
    assert refused[1] == "yaml"
    assert refused[2].selected == "yaml"
    assert all(map(is_skipped, refused[3:]))


def test_a_fault_is_marked_at_its_field_and_its_role(laid_out: tuple[gr.Blocks, SceneEditor]) -> None:
    _, editor = laid_out
    roles = list(form()[0])
    roles[2] = RoleDraft("Daniel", voice="No Id")
    values = ["form", "", tuple(roles), *form()[1:]]
    with pytest.raises(SceneError) as caught:
        editor.scene(*values)
    shown = editor.marked(caught.value, *values)
    assert "Daniel, voice" in shown[0]
    assert shown[2] == 2  # the role is opened
    assert filled(shown)["voice"]["elem_classes"] == ["sa-wrong"]
    assert "no id of a voice" in filled(shown)["voice"]["info"]
    assert filled(shown)["title"]["elem_classes"] == []
    assert editor.marked(None, "form", "", *form())[0] == ""
    assert "disk" in editor.marked(SettingsError("the disk"), "form", "", *form())[0]


def test_roles_are_picked_added_and_removed_without_losing_what_was_typed(
    laid_out: tuple[gr.Blocks, SceneEditor],
) -> None:
    page, _ = laid_out
    typed = form(0, profile="Somebody else")
    picked = handler(page, "_picked")(*typed, 1)
    assert picked[0][0].profile == "Somebody else"
    assert filled(picked)["name"]["value"] == examples()[0].scene.roles[1].name
    added = handler(page, "_added")(*typed)
    assert (len(added[0]), added[1], filled(added)["name"]["value"]) == (6, 5, "")
    removed = handler(page, "_removed")(*typed)
    assert (len(removed[0]), removed[0][0].name) == (4, examples()[0].scene.roles[1].name)
    named = handler(page, "_named")(*form(0, name="Isabella"))
    assert named[1].choices[0][0] == "Isabella"


@pytest.mark.parametrize("index", [None, -1, 25, "1"])
def test_a_role_that_nobody_can_have_picked_is_none(laid_out: tuple[gr.Blocks, SceneEditor], index: object) -> None:
    page, _ = laid_out
    assert handler(page, "_picked")(*form(), index)[1] == 0


def test_a_sentence_becomes_a_scene(laid_out: tuple[gr.Blocks, SceneEditor]) -> None:
    page, _ = laid_out
    values = handler(page, "_proposed")("Two bakers miss the last train.", 3.0, "en")
    scene = parse_scene(values[4])
    assert len(scene.roles) == 3
    assert filled(values)["background"]["value"] == scene.background
    for idea, language in (("", "en"), ("x" * 1_001, "en"), ("Two bakers.", "tlh")):
        refused = handler(page, "_proposed")(idea, 3.0, language)
        assert 'role="alert"' in refused[0]
        assert all(map(is_skipped, refused[1:]))


def test_an_uploaded_file_is_read_and_deleted(laid_out: tuple[gr.Blocks, SceneEditor], tmp_path: Path) -> None:
    page, _ = laid_out
    path = tmp_path / "my scene.yaml"
    path.write_text("roles: [{name: A}, {name: B}]", "utf-8")
    assert filled(handler(page, "_uploaded")(str(path)))["title"]["value"] == "my scene"
    assert not path.exists()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"roles: 3", b"#" * (MAX_SCENE_FILE_BYTES + 1), b"&a [*a, *a]"])
def test_what_is_no_scene_file_is_refused_and_deleted(
    laid_out: tuple[gr.Blocks, SceneEditor], tmp_path: Path, data: bytes
) -> None:
    page, _ = laid_out
    path = tmp_path / "upload.yaml"
    path.write_bytes(data)
    refused = handler(page, "_uploaded")(str(path))
    assert "This file holds no scene" in refused[0]
    assert str(tmp_path) not in refused[0]
    assert all(map(is_skipped, refused[1:]))
    assert not path.exists()


def test_a_voice_can_be_heard_before_it_is_chosen(laid_out: tuple[gr.Blocks, SceneEditor], house: House) -> None:
    page, _ = laid_out
    voice = house.studio.synthesizer.voices[0].id
    assert house.voice_link(voice) in handler(page, "_sampled")(voice)
    assert handler(page, "_sampled")("") == handler(page, "_sampled")("<img>") == ""


def test_the_shipped_files_are_what_the_cards_say() -> None:
    for example in examples():
        assert example.scene == read_scene(Path("assets/examples/scenes") / f"{example.name}.yaml")
