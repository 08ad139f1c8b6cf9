"""A script of a scene: who says what, in which style; written by hand, or by what it says made it.

Owns the file and its checks. Does not know how it is played.

::

    scene: 001-night-ferry
    roles: 3
    made_by: hand
    lines:
      - [Eleni, calm, "Half past six, the captain said."]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from speechagents.benchmark.fields import entries, fault, items, one_of, read_document, text, whole
from speechagents.drama import MAX_LINE_CHARS, MAX_PLAYERS, MIN_PLAYERS, SceneBrief, role_key
from speechagents.errors import BenchmarkError
from speechagents.scripts.yaml_nodes import Node
from speechagents.styles import STYLES

HAND: Final = "hand"
"""What `SceneScript.made_by` says of a script that somebody wrote."""
MAX_LINES: Final = 2_000


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line.

    Attributes:
        role: Who says it, as the scene spells the name.
        style: Its tag.
        text: What is said.
    """

    role: str
    style: str
    text: str


@dataclass(frozen=True, slots=True)
class SceneScript:
    """A script.

    Attributes:
        scene_id: Of the scene.
        roles: It is for the first so many roles of the scene's pool.
        made_by: `HAND`, or the identity of the controller that made it.
        lines: In order.
    """

    scene_id: str
    roles: int
    made_by: str
    lines: tuple[ScriptLine, ...]


def read_scene_script(path: Path, scenes: Mapping[str, SceneBrief]) -> SceneScript:
    """Read a script of one of several scenes.

    Raises:
        BenchmarkError: Something is missing or wrong; the message names file, line, field and remedy.
    """
    found = entries(read_document(path), ("scene", "roles", "made_by", "lines"))
    scene_id = text(found["scene"])
    if scene_id not in scenes:
        raise fault(found["scene"].at, f'"{scene_id[:60]}" is no scene of this benchmark; see index.yaml')
    roles = whole(found["roles"], MIN_PLAYERS, min(MAX_PLAYERS, len(scenes[scene_id].roles)))
    if path.stem != f"{scene_id}-{roles}":
        raise BenchmarkError(f"holds a script that belongs into {scene_id}-{roles}.yaml; rename it", source=path.name)
    playing = {role.key: role.name for role in scenes[scene_id].roles[:roles]}
    listed = items(found["lines"])
    if not 1 <= len(listed) <= MAX_LINES:
        raise fault(found["lines"].at, f"{len(listed)} lines; there are 1 to {MAX_LINES}")
    return SceneScript(scene_id, roles, text(found["made_by"]), tuple(_line(item, playing) for item in listed))


def write_scene_script(script: SceneScript) -> str:
    """The script as YAML that `read_scene_script` reads back equal."""
    lines = [[line.role, line.style, line.text] for line in script.lines]
    head = {"scene": script.scene_id, "roles": script.roles, "made_by": script.made_by}
    body = "".join(
        "  - " + yaml.safe_dump(line, default_flow_style=True, allow_unicode=True, width=10**6).rstrip("\n") + "\n"
        for line in lines
    )
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True) + "lines:\n" + body


def _line(node: Node, playing: Mapping[str, str]) -> ScriptLine:
    parts = items(node)
    if len(parts) != 3:
        raise fault(
            node.at, f'{len(parts)} parts; write [ROLE, style, "text"], with commas inside the text in its quotes'
        )
    role = role_key(text(parts[0]))
    if role not in playing:
        raise fault(parts[0].at, f"does not play here; there are {', '.join(playing.values())}")
    return ScriptLine(playing[role], one_of(parts[1], tuple(STYLES)), text(parts[2], most=MAX_LINE_CHARS))
