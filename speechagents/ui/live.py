"""The Live page: a person takes a role by microphone among the agents.

Owns what the page's scripts may ask the server: which scenes there are, whether a text is a scene, a token for the live
stage, and what was made of a scene. Does not know sound or sockets: ``static/live`` does all that happens on stage.

The scripts are ES modules of our own; they are loaded when the page's element is there, which Gradio makes late.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from speechagents.drama import SceneBrief
from speechagents.errors import SceneError, SpeechAgentsError
from speechagents.live.socket import REALTIME_PATH
from speechagents.resources import resource
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, parse_scene, read_scene, write_scene

if TYPE_CHECKING:
    from speechagents.serving.cards import ProductionCard
    from speechagents.serving.house import House
    from speechagents.serving.run_view import RunView
    from speechagents.serving.visitors import Visitor

MODULES: Final = Path(__file__).parent / "static" / "live"
"""Folder of the page's scripts."""

_OWN_SCENES: Final = 8
_SHOWN_FILES: Final = 6
_SCENE_FILE: Final = "scene.yaml"

Answer = dict[str, Any]


def live_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open.

    Args:
        house: The studio, and what belongs to each visitor.
    """
    script = json.dumps(house.static_link("live/live.js"))
    gr.HTML(
        '<div class="lv"><p class="sa-hint">Opening the stage door …</p></div>',
        js_on_load=f"import({script}).then(({{ mount }}) => mount(element, server));",
        server_functions=stage_door(house),
        apply_default_css=False,
        elem_id="live-stage",
    )


def stage_door(house: House) -> list[Callable[..., Answer]]:
    """What the page's scripts may call; each answers plain values, with an ``error`` for people if it cannot.

    Args:
        house: Shared by all pages.
    """

    @_told
    def scenes(_nothing: Any, request: gr.Request) -> Answer:
        """Scenes to choose from: the examples, then the visitor's own latest."""
        found = [_shown(f"example {name}", "Example", scene, {"example": name}) for name, scene in examples().items()]
        known = {(scene["title"], tuple(role["name"] for role in scene["roles"])) for scene in found}
        own: list[Answer] = []
        for card, scene in _own_scenes(house, house.visitor_of(request)):
            shown = _shown(f"production {card.id}", "Yours", scene, {"yaml": write_scene(scene)})
            identity = (scene.title, tuple(role.name for role in scene.roles))
            if identity not in known:
                known.add(identity)
                own.append(shown)
        return {"scenes": own + found}

    @_told
    def read(what: Any, request: gr.Request) -> Answer:
        """Whether a text is a scene, and who is in it."""
        house.visitor_of(request)
        yaml = _field(what, "yaml")
        if len(yaml) > MAX_SCENE_FILE_BYTES:
            raise SceneError(f"larger than {MAX_SCENE_FILE_BYTES // 1000} kB; this is no scene file")
        return {"scene": _shown("own", "Your own", parse_scene(yaml, source="your scene"), {})}

    @_told
    def address(_nothing: Any, request: gr.Request) -> Answer:
        """Where the live stage is, and a token for it that is good for some minutes."""
        token, expires_at = house.gate.issue_token(house.visitor_of(request).id)
        return {"path": f"{house.settings.root_path}{REALTIME_PATH}", "token": token, "expires_at": expires_at}

    @_told
    def production(what: Any, request: gr.Request) -> Answer:
        """What has been made of a scene that was played, so far."""
        visitor = house.visitor_of(request)
        card = house.shelf(visitor).card(_field(what, "id"))
        run = house.runs.of(visitor, card.id)
        view = run.view() if run is not None else None
        return _made(card, view, lambda name: house.link(visitor, card.id, name))

    return [scenes, read, address, production]


@functools.cache
def examples() -> Mapping[str, SceneBrief]:
    """The scenes that come with the package, by name."""
    return {path.stem: read_scene(path) for path in sorted(resource("assets", "examples", "scenes").glob("*.yaml"))}


def _own_scenes(house: House, visitor: Visitor) -> Sequence[tuple[ProductionCard, SceneBrief]]:
    """The latest scenes on a visitor's shelf; what cannot be read any more is left out."""
    shelf = house.shelf(visitor)
    found: list[tuple[ProductionCard, SceneBrief]] = []
    for card in shelf.cards():
        path = shelf.folder(card.id) / _SCENE_FILE
        if len(found) == _OWN_SCENES:
            break
        if path.is_file():
            try:
                found.append((card, read_scene(path)))
            except SceneError:
                continue
    return found


def _shown(key: str, origin: str, scene: SceneBrief, opens: Mapping[str, str]) -> Answer:
    """A scene as its player may see it before it begins: neither goals nor secrets of anybody."""
    return {
        "key": key,
        "origin": origin,
        "title": scene.title,
        "setting": scene.setting,
        "background": scene.background,
        "language": scene.language,
        "roles": [{"name": role.name, "profile": role.profile} for role in scene.roles],
        "open": dict(opens),
    }


def _made(card: ProductionCard, view: RunView | None, link: Callable[[str], str]) -> Answer:
    if view is not None and view.error:
        return {"error": view.error}
    ready = bool(card.files) and (view is None or view.state.over)
    if not ready:
        return {"ready": False, "progress": round(view.progress, 3) if view is not None else 0.0}
    sound = next((name for name in card.files if name.endswith((".mp3", ".m4b"))), "")
    return {
        "ready": True,
        "listen": link(sound) if sound else "",
        "files": [{"name": Path(name).name, "url": link(name)} for name in card.files[:_SHOWN_FILES]],
    }


def _field(what: Any, name: str) -> str:
    value = what.get(name) if isinstance(what, dict) else None
    if not isinstance(value, str):
        raise SceneError("missing", field=name)
    return value


def _told(function: Callable[[Any, gr.Request], Answer]) -> Callable[[Any, gr.Request], Answer]:
    """Errors that a visitor can do something about become answers: Gradio would swallow their text."""

    @functools.wraps(function)
    def answer(what: Any, request: gr.Request) -> Answer:
        try:
            return function(what, request)
        except SpeechAgentsError as error:
            return {"error": str(error)}

    return answer
