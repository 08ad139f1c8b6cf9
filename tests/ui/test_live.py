"""What the live page may ask the server: nothing that belongs to somebody else, and nobody's secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES
from speechagents.serving.house import House
from speechagents.serving.visitors import Visitor
from speechagents.ui.live import MODULES, examples, live_page, stage_door
from tests.ui.visiting import lay_out

SCENE = """\
title: Late
roles:
  - name: Ann
    profile: Waits.
    goals: [to leave]
    secrets: [she has the key]
  - name: Ben
"""

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(house: House) -> Ask:
    """Ask as a visitor."""
    functions = {function.__name__: function for function in stage_door(house)}

    def asked(name: str, what: object = None, visitor: Visitor | None = None) -> dict[str, Any]:
        scope = {"type": "http", "state": {"visitor": visitor or Visitor("0" * 32)}}
        return functions[name](what, Request(scope))

    return asked


def keep(house: House, visitor: Visitor, title: str, text: str) -> str:
    """Put a scene on somebody's shelf."""
    shelf = house.shelf(visitor)
    production = shelf.create(title, "live")
    folder = shelf.folder(production)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scene.yaml").write_text(text, "utf-8")
    return production


def test_all_examples_are_offered_and_open_by_name(ask: Ask) -> None:
    scenes = ask("scenes")["scenes"]
    assert [scene["open"] for scene in scenes] == [{"example": name} for name in examples()]
    assert all(scene["title"] and len(scene["roles"]) >= 2 for scene in scenes)


def test_goals_and_secrets_stay_on_the_server(ask: Ask) -> None:
    for scene in (*ask("scenes")["scenes"], ask("read", {"yaml": SCENE})["scene"]):
        assert all(role.keys() == {"name", "profile"} for role in scene["roles"])


def test_own_scenes_come_first_and_are_seen_by_nobody_else(house: House, ask: Ask) -> None:
    ann, ben = Visitor("a" * 32), Visitor("b" * 32)
    keep(house, ann, "Late", SCENE)
    keep(house, ann, "Broken", "roles: 3")
    mine = ask("scenes", visitor=ann)["scenes"]
    assert (mine[0]["title"], mine[0]["origin"]) == ("Late", "Yours")
    assert "title: Late" in mine[0]["open"]["yaml"]
    assert len(mine) == len(examples()) + 1
    assert all(scene["origin"] == "Example" for scene in ask("scenes", visitor=ben)["scenes"])


def test_a_text_that_is_no_scene_is_explained(ask: Ask) -> None:
    assert "roles" in ask("read", {"yaml": "title: Alone"})["error"]
    assert "no scene file" in ask("read", {"yaml": "x" * (MAX_SCENE_FILE_BYTES + 1)})["error"]


@pytest.mark.parametrize("rubbish", [None, 3, [], {}, {"yaml": 3}, {"id": []}, "text"])
def test_rubbish_is_refused(ask: Ask, rubbish: object) -> None:
    assert ask("read", rubbish).keys() == {"error"}
    assert ask("production", rubbish).keys() == {"error"}


def test_a_token_opens_the_stage_for_its_visitor_alone(house: House, ask: Ask) -> None:
    visitor = Visitor("c" * 32)
    answer = ask("address", visitor=visitor)
    assert answer["path"] == "/v1/realtime"
    assert house.gate.visitor_of_token(answer["token"]) == visitor.id


def test_what_was_made_is_shown_to_its_visitor_alone(house: House, ask: Ask) -> None:
    ann, ben = Visitor("a" * 32), Visitor("b" * 32)
    production = keep(house, ann, "Late", SCENE)
    assert ask("production", {"id": production}, ann) == {"ready": False, "progress": 0.0}
    folder = house.shelf(ann).folder(production)
    (folder / "exports").mkdir()
    (folder / "exports" / "programme.mp3").write_bytes(b"sound")
    (folder / "production.json").write_text('{"state": "done", "files": ["exports/programme.mp3"]}', "utf-8")
    made = ask("production", {"id": production}, ann)
    assert made["ready"]
    assert [file["name"] for file in made["files"]] == ["programme.mp3"]
    assert made["listen"] == made["files"][0]["url"]
    assert ask("production", {"id": production}, ben).keys() == {"error"}


def test_a_request_that_came_in_beside_the_wall_gets_nothing(house: House) -> None:
    for function in stage_door(house):
        with pytest.raises(LookupError):
            function({"yaml": SCENE, "id": "0" * 16}, Request({"type": "http"}))


def test_the_page_loads_our_own_scripts_and_holds_no_token(house: House) -> None:
    page = lay_out(live_page, house)
    (component,) = (block for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert house.static_link("live/live.js") in str(component.js_on_load)
    assert "token" not in str(component.value)
    assert (MODULES / "live.js").is_file()
