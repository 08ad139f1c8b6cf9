"""Takes of the scenes of a screenplay or dialogue, in any form that scripts are read from.

Owns that one translation: a scene of the script is a scene with the roles that speak in it. Does not know how scripts
are read (`scripts`). What the script says before anybody speaks is the scene's background; what stands behind that is
action, which nobody hears, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from speechagents.benchmark.wording import counted
from speechagents.drama import (
    MAX_LINE_CHARS,
    MAX_PLAYERS,
    MIN_PLAYERS,
    NARRATOR,
    Deed,
    Line,
    Message,
    Role,
    Scene,
    SceneBrief,
    role_key,
)
from speechagents.scripts.breakdown import Breakdown, break_down
from speechagents.scripts.reading import load_script
from speechagents.scripts.scene_file import (
    MAX_BACKGROUND_CHARS,
    MAX_PROFILE_CHARS,
    MAX_TITLE_CHARS,
    UNTITLED,
    clean_text,
)
from speechagents.tuning.scene_takes import Moment, SceneTake
from speechagents.tuning.sources import Source, Wanted, own_scene_id, split_of

_NARRATOR = role_key(NARRATOR)
_WRITTEN = "script"


def script_source(path: Path, wanted: Wanted) -> Source:
    """The scenes of a script.

    Args:
        path: Of the file.
        wanted: What of it.

    Raises:
        ScriptError: It cannot be read.
    """
    script = load_script(path)
    play = break_down(script, narrator=True)
    title = clean_text(play.title)[:MAX_TITLE_CHARS] or clean_text(path.stem)[:MAX_TITLE_CHARS] or UNTITLED
    takes, notes, content = [], [], []
    for number, scene in enumerate(play.scenes, 1):
        lines = [line for line in scene.lines if role_key(line.role) != _NARRATOR]
        content.append("\n".join(f"{line.role}: {line.text}" for line in lines))
        roles = _roles(play, lines)
        if not MIN_PLAYERS <= len(roles) <= MAX_PLAYERS:
            notes.append(
                f"scene {number} has {counted(len(roles), 'role')}, and a scene has {MIN_PLAYERS} to {MAX_PLAYERS}"
            )
        elif wanted.plays(len(roles)):
            takes.append(_take(title, number, scene, lines, roles, play.language, content[-1], wanted))
    digest = own_scene_id(title, "\n\n".join(content))[-8:]
    return Source(title, "script", digest, wanted.licence, wanted.part(takes), tuple(notes))


def _take(
    title: str,
    number: int,
    scene: Scene,
    lines: Sequence[Line],
    roles: tuple[Role, ...],
    language: str,
    content: str,
    wanted: Wanted,
) -> SceneTake:
    scene_id = own_scene_id(f"{title} {number}", content)
    heading = clean_text(scene.title)[:MAX_TITLE_CHARS]
    brief = SceneBrief(
        title=heading or title,
        roles=roles,
        setting=clean_text(scene.setting)[:MAX_TITLE_CHARS],
        background=_background(scene)[:MAX_BACKGROUND_CHARS].strip(),
        policy="scripted",
        language=language,
    )
    return SceneTake(
        scene_id=scene_id,
        name=_WRITTEN,
        split=wanted.split or split_of(scene_id),
        scene=brief,
        moments=tuple(_moments(lines, brief))[: wanted.turns or None],
        made_by="hand",
    )


def _roles(play: Breakdown, lines: Sequence[Line]) -> tuple[Role, ...]:
    speaking = {role_key(line.role) for line in lines}
    return tuple(
        Role(role.name, clean_text(role.profile)[:MAX_PROFILE_CHARS].strip())
        for role in play.roles
        if role.key in speaking
    )


def _background(scene: Scene) -> str:
    """What is read before anybody speaks, without the heading."""
    texts = []
    for line in scene.lines:
        if role_key(line.role) != _NARRATOR:
            break
        texts.append(line.text)
    return clean_text(" ".join(texts[1:] if scene.setting else texts))


def _moments(lines: Sequence[Line], brief: SceneBrief) -> Iterator[Moment]:
    present = tuple(role.name for role in brief.roles)
    for step, line in enumerate(_speeches(lines)):
        message = Message(step + 1, line.role, line.text, Deed.SPEAK, line.style, (), (), 0.0, 0.0, "")
        yield Moment(message, line.text, own=True, present=present, step=step)


def _speeches(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines, with those joined that go on in one breath: a speech is one turn."""
    open_line: Line | None = None
    for line in lines:
        text = clean_text(line.text)
        if not text:
            continue
        joined = f"{open_line.text} {text}" if open_line is not None else ""
        if (
            open_line is not None
            and line.continues
            and role_key(open_line.role) == role_key(line.role)
            and open_line.style == line.style
            and len(joined) <= MAX_LINE_CHARS
        ):
            open_line = replace(open_line, text=joined)
            continue
        if open_line is not None:
            yield open_line
        open_line = replace(line, text=text)
    if open_line is not None:
        yield open_line
