"""What happens while a benchmark is built: one stream of values, `Built` last.

Owns the values. Does not know who sends or shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from speechagents.controllers.controller import Usage


@dataclass(frozen=True, slots=True)
class SceneBuilt:
    """A scene with its pool of roles is part of the benchmark.

    Attributes:
        scene_id: Its id.
        title: Of the scene.
        asks: How often the controller was asked for it.
        reused: It was asked for by an earlier run.
    """

    scene_id: str
    title: str
    asks: int
    reused: bool = False


@dataclass(frozen=True, slots=True)
class ScriptBuilt:
    """A script is part of the benchmark.

    Attributes:
        scene_id: Of its scene.
        roles: For so many.
        lines: It has.
        reused: It was asked for by an earlier run.
    """

    scene_id: str
    roles: int
    lines: int
    reused: bool = False


@dataclass(frozen=True, slots=True)
class ItemRefused:
    """Something came back that is not fit to be used.

    Attributes:
        item: The id of a scene, that of a script (``001-night-ferry-3``), or the number of an idea.
        reason: For people.
        duplicate: It was said before in nearly the same words.
    """

    item: str
    reason: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """The last event: what there is now.

    Attributes:
        scenes: In the benchmark.
        scripts: In the benchmark.
        refused: Scenes and scripts that came back unfit.
        duplicates: Scenes, roles, lines and scripts that were left out because they had been there before.
        usage: What it cost in all, as far as the controller told.
        estimated_tokens: Of proposals: controllers do not tell what those cost. They count against the budget.
        ended: Why it is over.
        complete: There are as many scenes as were asked for, and every script was asked for.
    """

    scenes: int
    scripts: int
    refused: int
    duplicates: int
    usage: Usage = field(default_factory=Usage)
    estimated_tokens: int = 0
    ended: str = ""
    complete: bool = False


BuildEvent = SceneBuilt | ScriptBuilt | ItemRefused | Built
