"""A scene while somebody writes it: the fields of the form and the YAML of the same scene, one from the other.

Owns drafts, which may be wrong in any way, and where in the form a fault belongs. What a right scene is,
`scripts.scene_file` says alone: a draft is checked by writing it as a scene file and reading that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from speechagents.drama import MAX_PLAYERS, MIN_PLAYERS, Role, SceneBrief, clean_name, role_key
from speechagents.errors import SceneError
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, parse_scene

_ROLE_FIELD: Final = re.compile(r"roles\[(\d+)\](?:\.(\w+))?")
_SCENE_FIELDS: Final = ("title", "setting", "background", "beats", "policy", "turns", "language", "seed")
_ROLE_FIELDS: Final = ("name", "profile", "goals", "secrets", "relations", "voice")
_LINE_CHARS: Final = 100
_DASH: Final = re.compile(r"^[-•*]\s+")


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """A role as it stands in the form. Lists have one entry a line; relations are ``NAME: WHAT THEY ARE``."""

    name: str = ""
    profile: str = ""
    goals: str = ""
    secrets: str = ""
    relations: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class SceneDraft:
    """A scene as it stands in the form.

    Attributes:
        title: Free text.
        setting: Free text.
        background: Free text.
        beats: One a line.
        policy: Name of the turn policy.
        turns: As it was typed.
        language: BCP 47 tag.
        seed: As it was typed.
        roles: In the order of the scene.
    """

    title: str = ""
    setting: str = ""
    background: str = ""
    beats: str = ""
    policy: str = "addressed"
    turns: str = "24"
    language: str = "en"
    seed: str = "0"
    roles: tuple[RoleDraft, ...] = (RoleDraft(), RoleDraft())


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a draft.

    Attributes:
        field: Name of the field of the scene or of the role; empty for the whole.
        role: 0-based index of the role, None for the scene's own fields.
        message: For people.
    """

    field: str
    role: int | None
    message: str


def draft_of(scene: SceneBrief) -> SceneDraft:
    """A scene ready for editing."""
    return SceneDraft(
        title=scene.title,
        setting=scene.setting,
        background=scene.background,
        beats=_lines(scene.beats),
        policy=scene.policy,
        turns=str(scene.turns),
        language=scene.language,
        seed=str(scene.seed),
        roles=tuple(_role_draft(role) for role in scene.roles),
    )


def yaml_of(draft: SceneDraft) -> str:
    """A draft as a scene file, its faults included."""
    values: dict[str, Any] = {
        "title": draft.title,
        "setting": draft.setting,
        "background": draft.background,
        "roles": [_role_values(role) for role in draft.roles],
        "beats": _entries(draft.beats),
        "policy": draft.policy,
        "turns": _number(draft.turns),
        "language": draft.language,
        "seed": _number(draft.seed),
    }
    kept = {name: value for name, value in values.items() if value not in ("", [])}
    text: str = yaml.dump(kept, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_LINE_CHARS)
    return text


def scene_of(draft: SceneDraft) -> SceneBrief:
    """The scene of a draft.

    Raises:
        SceneError: It is none yet; `fault_of` says which field is at fault.
    """
    if len(repr(draft)) > MAX_SCENE_FILE_BYTES:
        raise SceneError(f"larger than {MAX_SCENE_FILE_BYTES // 1000} kB; this is no scene")
    for index, role in enumerate(draft.roles):
        names: set[str] = set()
        for line in _entries(role.relations):
            name, colon, _ = line.partition(":")
            if not colon:
                raise SceneError(
                    f'"{line[:40]}" has no colon; write NAME: WHAT THEY ARE', field=f"roles[{index}].relations"
                )
            if role_key(name) in names:
                raise SceneError(f'"{line[:40]}": there twice; keep one', field=f"roles[{index}].relations")
            names.add(role_key(name))
    for name in ("turns", "seed"):
        if not getattr(draft, name).strip():
            raise SceneError("empty; write a whole number", field=name)
    return parse_scene(yaml_of(draft))


def fault_of(error: SceneError) -> Fault:
    """Where in the form an error belongs."""
    message = str(error)
    for part in (error.source, str(error.line or ""), error.field):
        message = message.removeprefix(part).removeprefix(":").lstrip()
    role = _ROLE_FIELD.match(error.field)
    if role:
        field = role[2] if role[2] in _ROLE_FIELDS else "name"
        return Fault(field, int(role[1]), message)
    name = re.split(r"[\[.]", error.field)[0]
    return Fault(name if name in (*_SCENE_FIELDS, "roles") else "", None, message)


def with_role(draft: SceneDraft, index: int, role: RoleDraft) -> SceneDraft:
    """The draft with one role edited; whoever has a relation to it knows it by its new name."""
    if not 0 <= index < len(draft.roles):
        return draft
    old, new = role_key(draft.roles[index].name), clean_name(role.name)
    roles = [role if at == index else one for at, one in enumerate(draft.roles)]
    if old and new and role_key(new) != old:
        roles = [replace(one, relations=_renamed(one.relations, old, new)) for one in roles]
    return replace(draft, roles=tuple(roles))


def with_another_role(draft: SceneDraft) -> SceneDraft:
    """The draft with one more role at its end, unless the stage is full."""
    if len(draft.roles) >= MAX_PLAYERS:
        return draft
    return replace(draft, roles=(*draft.roles, RoleDraft()))


def without_role(draft: SceneDraft, index: int) -> SceneDraft:
    """The draft without a role and without the others' relations to it, unless too few would be left."""
    if len(draft.roles) <= MIN_PLAYERS or not 0 <= index < len(draft.roles):
        return draft
    gone = role_key(draft.roles[index].name)
    left = [role for at, role in enumerate(draft.roles) if at != index]
    return replace(draft, roles=tuple(replace(role, relations=_without(role.relations, gone)) for role in left))


def role_labels(draft: SceneDraft) -> list[str]:
    """What the roles are called in lists, each different."""
    labels: list[str] = []
    for number, role in enumerate(draft.roles, 1):
        name = clean_name(role.name)[:40] or f"Role {number}"
        labels.append(name if name not in labels else f"{name} ({number})")
    return labels


def _role_draft(role: Role) -> RoleDraft:
    return RoleDraft(
        name=role.name,
        profile=role.profile,
        goals=_lines(role.goals),
        secrets=_lines(role.secrets),
        relations="\n".join(f"{name}: {word}" for name, word in role.relations),
        voice=role.voice,
    )


def _role_values(role: RoleDraft) -> dict[str, Any]:
    relations: dict[str, str] = {}
    for line in _entries(role.relations):
        name, _, word = line.partition(":")
        relations[name.strip()] = word.strip()
    values: dict[str, Any] = {
        "name": role.name.strip(),
        "profile": role.profile,
        "voice": role.voice,
        "goals": _entries(role.goals),
        "secrets": _entries(role.secrets),
        "relations": relations,
    }
    return {name: value for name, value in values.items() if name == "name" or value not in ("", [], {})}


def _entries(text: str) -> list[str]:
    """The lines of a field that say something, without the dashes that people put before them."""
    lines = (_DASH.sub("", line.strip()) for line in text.splitlines())
    return [line for line in lines if line]


def _lines(entries: tuple[str, ...]) -> str:
    """The field that `_entries` reads so; what begins with a dash gets one more."""
    return "\n".join(f"- {entry}" if _DASH.match(entry) else entry for entry in entries)


def _number(text: str) -> int | str:
    text = text.strip()
    return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) else text


def _renamed(relations: str, old: str, new: str) -> str:
    def line_of(line: str) -> str:
        name, colon, word = line.partition(":")
        return f"{new}{colon}{word}" if colon and role_key(name) == old else line

    return "\n".join(map(line_of, relations.splitlines()))


def _without(relations: str, gone: str) -> str:
    return "\n".join(line for line in relations.splitlines() if role_key(line.partition(":")[0]) != gone)


class _Dumper(yaml.SafeDumper):
    """Writes long texts folded, and lists under their key: people edit this."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - scene files have no anchors
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if len(text) > _LINE_CHARS else None)


_Dumper.add_representer(str, _text_node)
