"""A trajectory as one line of JSON that holds all of it but the sound, and back.

Owns the fields of a line, its limits and its messages; ``models/schemas/trajectory.schema.json`` says the same to other
programs. Does not know files or folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import (
    MAX_LINE_CHARS,
    MAX_NAME_CHARS,
    MAX_PLAYERS,
    MAX_TURNS,
    MAX_UNIT,
    MAX_UNITS,
    Deed,
    Role,
    SceneBrief,
    Style,
    Turn,
    role_key,
)
from speechagents.journal import entry_line
from speechagents.scripts.scene_file import (
    MAX_BACKGROUND_CHARS,
    MAX_BEATS,
    MAX_ITEM_CHARS,
    MAX_ITEMS,
    MAX_PROFILE_CHARS,
    MAX_SEED,
    MAX_TITLE_CHARS,
    MAX_VOICE_CHARS,
    POLICIES,
)
from speechagents.styles import STYLES
from speechagents.tuning.json_fields import JsonFields, decoded
from speechagents.tuning.trajectory import (
    MAX_HEARD,
    MAX_ID_CHARS,
    MAX_TEXT_CHARS,
    Split,
    Trajectory,
)

MAX_LINE_BYTES: Final = 16_000_000
"""Longest line."""
MAX_FACTS: Final = 64
MAX_RECALLED: Final = 64
MAX_MESSAGE_ID: Final = 10_000_000
MAX_LANGUAGE_CHARS: Final = 60

KEYS: Final = (
    "id",
    "scene_id",
    "split",
    "scene",
    "present",
    "facts",
    "recalled",
    "heard",
    "role",
    "note",
    "step",
    "beat",
    "turn",
    "rationale",
    "refinement",
)
SCENE_KEYS: Final = ("title", "setting", "background", "roles", "beats", "policy", "turns", "language", "seed")
ROLE_KEYS: Final = ("name", "profile", "voice", "goals", "secrets", "relations")
RECALLED_KEYS: Final = ("id", "speaker", "text", "deed", "style", "strength", "addresses", "private")
HEARD_KEYS: Final = (*RECALLED_KEYS, "sound", "units")
TURN_KEYS: Final = ("deed", "text", "style", "strength", "thoughts", "addresses", "private", "sound", "units")

_REMEDY: Final = "gather the trajectories again"
_SOUND: Final = re.compile(r"(?:[0-9a-f]{64})?")
_MESSAGE_DEEDS: Final = tuple(deed.value for deed in Deed if deed is not Deed.SILENT)


def trajectory_line(one: Trajectory) -> bytes:
    """A trajectory as its line, with the line's end. Whether a reader takes it is for the reader to say."""
    return entry_line(trajectory_to_json(one))


def trajectory_to_json(one: Trajectory) -> dict[str, Any]:
    """Plain values of a trajectory, in the order they are written."""
    ask, turn = one.ask, one.turn
    return {
        "id": one.id,
        "scene_id": one.scene_id,
        "split": one.split.value,
        "scene": _scene_to_json(ask.scene),
        "present": list(ask.present),
        "facts": list(ask.facts),
        "recalled": [_heard_to_json(heard) for heard in ask.recalled],
        "heard": [
            {**_heard_to_json(heard), "sound": sound, "units": list(units)}
            for heard, sound, units in zip(ask.heard, one.heard_sounds, one.heard_units, strict=True)
        ],
        "role": ask.role.name,
        "note": ask.note,
        "step": ask.step,
        "beat": ask.beat,
        "turn": {
            "deed": turn.deed.value,
            "text": turn.text,
            "style": turn.style.tag,
            "strength": turn.style.strength,
            "thoughts": turn.thoughts,
            "addresses": list(turn.addresses),
            "private": turn.private,
            "sound": one.sound,
            "units": list(one.units),
        },
        "rationale": one.rationale,
        "refinement": one.refinement,
    }


@dataclass(frozen=True, slots=True)
class _Known:
    """A message that the line before had as well, with its values as they stood there."""

    raw: Any
    heard: Heard
    sound: str
    units: tuple[int, ...]


class TrajectoryReader:
    """Reads lines one after the other. What a line has in common with the one before it is one value, kept once.

    Args:
        source: Name of the file, for messages.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._scene: tuple[Any, SceneBrief] | None = None
        self._known: Mapping[Any, _Known] = {}

    def read(self, line: bytes, number: int | None) -> Trajectory:
        """The trajectory of a line.

        Args:
            line: With or without its end.
            number: 1-based, for messages.

        Raises:
            TuningError: Something is missing, unknown or out of its limits; the message names line, field and remedy.
        """
        if len(line) > MAX_LINE_BYTES:
            JsonFields({}, (), source=self._source, line=number).fault(
                "", f"longer than {MAX_LINE_BYTES // 1_000_000} MB; {_REMEDY}"
            )
        value = decoded(line, source=self._source, number=number, remedy=_REMEDY)
        fields = JsonFields(value, KEYS, source=self._source, line=number)
        scene = self._scene_of(fields)
        heard = self._heard_of(fields)
        ask = AgentInput(
            scene=scene,
            present=self._names(fields, "present", scene),
            facts=fields.texts("facts", most=MAX_TEXT_CHARS, count=MAX_FACTS),
            heard=tuple(one.heard for one in heard),
            role=self._role(fields, "role", scene),
            recalled=tuple(_message(one) for one in fields.objects("recalled", RECALLED_KEYS, count=MAX_RECALLED)),
            note=fields.text("note", most=MAX_TEXT_CHARS),
            step=fields.whole("step", 0, MAX_MESSAGE_ID),
            beat=fields.whole("beat", 0, MAX_BEATS),
        )
        said = fields.object("turn", TURN_KEYS)
        try:
            return Trajectory(
                id=fields.text("id", least=1, most=MAX_ID_CHARS),
                scene_id=fields.text("scene_id", least=1, most=MAX_ID_CHARS),
                split=Split(fields.one_of("split", [split.value for split in Split])),
                ask=ask,
                turn=_turn(said, ask.role.name),
                heard_sounds=tuple(one.sound for one in heard),
                sound=_sound(said),
                heard_units=tuple(one.units for one in heard),
                units=_units(said),
                rationale=fields.text("rationale", most=MAX_TEXT_CHARS),
                refinement=fields.text("refinement", most=MAX_LINE_CHARS),
            )
        except ValueError as error:
            fields.fault("", f"{error}; {_REMEDY}")

    def _scene_of(self, fields: JsonFields) -> SceneBrief:
        raw = fields.raw("scene")
        if self._scene is None or self._scene[0] != raw:
            self._scene = (raw, _scene(fields.object("scene", SCENE_KEYS)))
        return self._scene[1]

    def _heard_of(self, fields: JsonFields) -> Sequence[_Known]:
        found = []
        for at, raw in enumerate(fields.raw_list("heard", MAX_HEARD)):
            number = raw.get("id") if isinstance(raw, dict) else None
            before = self._known.get(number) if isinstance(number, int) else None
            if before is not None and before.raw == raw:
                found.append(before)
            else:
                one = fields.entry("heard", at, HEARD_KEYS)
                found.append(_Known(raw, _message(one), _sound(one), _units(one)))
        self._known = {one.heard.id: one for one in found}
        return found

    def _names(self, fields: JsonFields, name: str, scene: SceneBrief) -> tuple[str, ...]:
        names = fields.texts(name, most=MAX_NAME_CHARS, count=MAX_PLAYERS)
        for at, one in enumerate(names):
            if scene.role(one) is None:
                fields.fault(f"{name}[{at}]", f"is no role of the scene; there are {_roles_of(scene)}")
        return names

    def _role(self, fields: JsonFields, name: str, scene: SceneBrief) -> Role:
        role = scene.role(fields.text(name, least=1, most=MAX_NAME_CHARS))
        if role is None:
            fields.fault(name, f"is no role of the scene; there are {_roles_of(scene)}")
        return role


def _roles_of(scene: SceneBrief) -> str:
    return ", ".join(role.name for role in scene.roles)


def _scene(fields: JsonFields) -> SceneBrief:
    roles = tuple(map(_scene_role, fields.objects("roles", ROLE_KEYS, count=MAX_PLAYERS)))
    playing = {role.key for role in roles}
    for at, role in enumerate(roles):
        if any(role_key(name) not in playing for name, _ in role.relations):
            fields.fault(f"roles[{at}].relations", "names somebody who does not play here; remove it")
    try:
        return SceneBrief(
            title=fields.text("title", least=1, most=MAX_TITLE_CHARS),
            roles=roles,
            setting=fields.text("setting", most=MAX_TITLE_CHARS),
            background=fields.text("background", most=MAX_BACKGROUND_CHARS),
            beats=fields.texts("beats", most=MAX_ITEM_CHARS, count=MAX_BEATS),
            policy=fields.one_of("policy", POLICIES),
            turns=fields.whole("turns", 1, MAX_TURNS),
            language=fields.text("language", least=1, most=MAX_LANGUAGE_CHARS),
            seed=fields.whole("seed", 0, MAX_SEED),
        )
    except ValueError as error:
        fields.fault("roles", f"{error}; {_REMEDY}")


def _scene_role(fields: JsonFields) -> Role:
    try:
        return Role(
            name=fields.text("name", least=1, most=MAX_NAME_CHARS),
            profile=fields.text("profile", most=MAX_PROFILE_CHARS),
            voice=fields.text("voice", most=MAX_VOICE_CHARS),
            goals=fields.texts("goals", most=MAX_ITEM_CHARS, count=MAX_ITEMS),
            secrets=fields.texts("secrets", most=MAX_ITEM_CHARS, count=MAX_ITEMS),
            relations=fields.pairs("relations", most=MAX_ITEM_CHARS, count=MAX_PLAYERS),
        )
    except ValueError as error:
        fields.fault("", f"{error}; {_REMEDY}")


def _message(fields: JsonFields) -> Heard:
    return Heard(
        id=fields.whole("id", 1, MAX_MESSAGE_ID),
        speaker=fields.text("speaker", least=1, most=MAX_NAME_CHARS),
        text=fields.text("text", least=1, most=MAX_LINE_CHARS),
        deed=Deed(fields.one_of("deed", _MESSAGE_DEEDS)),
        style=_style(fields),
        addresses=fields.texts("addresses", most=MAX_NAME_CHARS, count=MAX_PLAYERS),
        private=fields.flag("private"),
    )


def _turn(fields: JsonFields, role: str) -> Turn:
    deed = Deed(fields.one_of("deed", [one.value for one in Deed]))
    try:
        return Turn(
            role=role,
            deed=deed,
            text=fields.text("text", most=MAX_LINE_CHARS),
            style=_style(fields),
            thoughts=fields.text("thoughts", most=MAX_TEXT_CHARS),
            addresses=fields.texts("addresses", most=MAX_NAME_CHARS, count=MAX_PLAYERS),
            private=fields.flag("private"),
        )
    except ValueError as error:
        fields.fault("", f"{error}; {_REMEDY}")


def _style(fields: JsonFields) -> Style:
    return Style(fields.one_of("style", tuple(STYLES)), fields.number("strength", 0.0, 2.0))


def _sound(fields: JsonFields) -> str:
    return fields.matched("sound", _SOUND, "SHA-256 of 64 small hexadecimal digits, nor empty")


def _units(fields: JsonFields) -> tuple[int, ...]:
    return fields.wholes("units", high=MAX_UNIT, count=MAX_UNITS)


def _scene_to_json(scene: SceneBrief) -> dict[str, Any]:
    return {
        "title": scene.title,
        "setting": scene.setting,
        "background": scene.background,
        "roles": [
            {
                "name": role.name,
                "profile": role.profile,
                "voice": role.voice,
                "goals": list(role.goals),
                "secrets": list(role.secrets),
                "relations": [list(pair) for pair in role.relations],
            }
            for role in scene.roles
        ],
        "beats": list(scene.beats),
        "policy": scene.policy,
        "turns": scene.turns,
        "language": scene.language,
        "seed": scene.seed,
    }


def _heard_to_json(heard: Heard) -> dict[str, Any]:
    return {
        "id": heard.id,
        "speaker": heard.speaker,
        "text": heard.text,
        "deed": heard.deed.value,
        "style": heard.style.tag,
        "strength": heard.style.strength,
        "addresses": list(heard.addresses),
        "private": heard.private,
    }
