"""A scene that a model proposes: its JSON Schema, and the strict parser from untrusted text to a brief.

Owns what of a proposal becomes a scene. All of it is cleaned and cut to what a scene file can hold, so that people can
edit it as one. It chooses neither voices nor policy nor seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from speechagents.controllers.grammar import TEXT, TEXTS, BadAnswerError, Fields, bounded, object_schema, read_object
from speechagents.controllers.quoting import NAME_CHARS, without_tags
from speechagents.drama import Role, SceneBrief, clean_name, role_key
from speechagents.errors import SceneError
from speechagents.scripts.scene_file import (
    MAX_BACKGROUND_CHARS,
    MAX_BEATS,
    MAX_ITEM_CHARS,
    MAX_ITEMS,
    MAX_PROFILE_CHARS,
    MAX_TITLE_CHARS,
    write_scene,
)
from speechagents.scripts.spoken import is_speakable

MAX_PROPOSAL_CHARS: Final = 60_000
"""Longest proposal that is read: 25 roles with all that belongs to them."""

PROPOSAL_SCHEMA: Final[Mapping[str, Any]] = object_schema(
    title=TEXT,
    setting=TEXT,
    background=TEXT,
    roles={
        "type": "array",
        "items": object_schema(
            name=TEXT,
            profile=TEXT,
            goals=TEXTS,
            secrets=TEXTS,
            relations={"type": "array", "items": object_schema(name=TEXT, is_to_me=TEXT)},
        ),
    },
    beats=TEXTS,
)


def parse_proposal(text: str, *, roles: int, language: str, seed: int) -> SceneBrief:
    """The scene in an answer; a scene file can hold it as it is.

    Args:
        text: The answer.
        roles: How many were asked for.
        language: Tag of the scene's language.
        seed: Of the scene.

    Raises:
        BadAnswerError: It cannot be used: not so many roles, one without a name, two with the same, no title.
    """
    answer = Fields(read_object(text, MAX_PROPOSAL_CHARS))
    title = _line(answer.raw_text("title"), MAX_TITLE_CHARS)
    if not title:
        raise BadAnswerError("the scene has no title")
    found = answer.list_of_fields("roles")
    if len(found) != roles:
        raise BadAnswerError(f"the scene has {len(found)} roles, not {roles}")
    names = {role_key(name): name for name in map(_name, found)}
    if len(names) < roles:
        raise BadAnswerError("two roles have the same name")
    brief = SceneBrief(
        title=title,
        roles=tuple(_role(fields, name, names) for fields, name in zip(found, names.values(), strict=True)),
        setting=_line(answer.raw_text("setting"), MAX_TITLE_CHARS),
        background=_line(answer.raw_text("background"), MAX_BACKGROUND_CHARS),
        beats=_items(answer.texts("beats"), MAX_BEATS),
        language=language,
        seed=seed,
    )
    try:
        write_scene(brief)
    except SceneError as error:
        raise BadAnswerError(str(error)) from error
    return brief


def _role(fields: Fields, name: str, names: Mapping[str, str]) -> Role:
    relations: dict[str, tuple[str, str]] = {}
    for relation in fields.list_of_fields("relations"):
        other = role_key(clean_name(without_tags(relation.raw_text("name"))))
        word = _line(relation.raw_text("is_to_me"), MAX_ITEM_CHARS)
        # Whoever does not play is nobody's relation; a file would be refused for it.
        if word and other in names and other != role_key(name):
            relations.setdefault(other, (names[other], word))
    return Role(
        name=name,
        profile=_line(fields.raw_text("profile"), MAX_PROFILE_CHARS),
        goals=_items(fields.texts("goals"), MAX_ITEMS),
        secrets=_items(fields.texts("secrets"), MAX_ITEMS),
        relations=tuple(relations.values()),
    )


def _name(fields: Fields) -> str:
    name = clean_name(clean_name(without_tags(fields.raw_text("name")[: 4 * NAME_CHARS]))[:NAME_CHARS])
    if not is_speakable(name):
        raise BadAnswerError("a role has no name")
    return name


def _items(texts: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(line for text in texts if (line := _line(text, MAX_ITEM_CHARS)))[:most]


def _line(text: str, limit: int) -> str:
    return bounded(without_tags(text[: 4 * limit]), limit)
