"""A scene to be improvised, as a YAML file that people write: in as a `SceneBrief`, and out again.

Owns the keys of the file, its limits and its messages; ``models/schemas/scene.schema.json`` says the same to editors.
Does not know who plays the scene, nor which voices exist.

``null``, ``~`` and nothing at all behind a key mean that the key is left out; ``null`` in quotes is a text.

::

    title: City Park Picnic
    setting: EXT. CITY PARK - DAY
    background: Friends gather for a weekend picnic.
    roles:
      - {name: Ella, profile: "25, aspiring writer", goals: [To be asked to read], relations: {Sophia: friend}}
      - {name: Sophia, profile: "27, nurse", secrets: [She leaves the country on Monday]}
    beats: [The cake is cut]
    policy: addressed
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path, PurePath
from typing import Any, Final

import yaml

from speechagents.drama import (
    MAX_NAME_CHARS,
    MAX_PLAYERS,
    MAX_TURNS,
    MIN_PLAYERS,
    Role,
    SceneBrief,
    clean_name,
    role_key,
)
from speechagents.errors import SceneError
from speechagents.scripts.languages import language_tag
from speechagents.scripts.yaml_nodes import ListNode, MappingNode, Node, TextNode, read_yaml, shown

POLICIES: Final = ("scripted", "round-robin", "random", "addressed", "bidding", "director")
"""Names of the turn policies."""

MAX_SCENE_FILE_BYTES: Final = 256_000
MAX_TITLE_CHARS: Final = 300
"""Longest title, and longest setting."""
MAX_BACKGROUND_CHARS: Final = 8_000
MAX_PROFILE_CHARS: Final = 2_000
MAX_ITEM_CHARS: Final = 500
"""Longest goal, secret and beat, and what is said of a relation."""
MAX_ITEMS: Final = 12
"""Most goals, and most secrets, of one role."""
MAX_BEATS: Final = 24
MAX_VOICE_CHARS: Final = 64
MAX_SEED: Final = 2**63 - 1
UNTITLED: Final = "Untitled"

_SCENE_KEYS: Final = ("title", "setting", "background", "roles", "beats", "policy", "turns", "language", "seed")
_ROLE_KEYS: Final = ("name", "profile", "voice", "goals", "secrets", "relations")
_DEFAULTS: Final[dict[str, Any]] = {field.name: field.default for field in fields(SceneBrief)}
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_VOICE: Final = re.compile(r"[a-z0-9-]+")
# Persian and Indic words and composed emoji need these two; every other format character is dropped.
_JOINERS: Final = "\u200c\u200d"
_LINE_CHARS: Final = 100
_TAG: Final = "tag:yaml.org,2002:"


def read_scene(path: Path) -> SceneBrief:
    """Read a scene file.

    Returns:
        The scene; one without a title is called as its file is.

    Raises:
        SceneError: The file cannot be opened, is larger than `MAX_SCENE_FILE_BYTES`, is not UTF-8, or is wrong in one
            of the ways of `parse_scene`. The message names file, line, field and remedy.
    """
    source = path.name
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SCENE_FILE_BYTES + 1)
    except IsADirectoryError:
        raise SceneError("a folder, not a scene; name the file in it", source=source) from None
    except FileNotFoundError:
        raise SceneError(f"no such file: {path}; check its name", source=source) from None
    except (OSError, ValueError) as error:  # a ValueError is a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise SceneError(f"cannot be read ({reason}); check its name and permissions", source=source) from None
    if len(data) > MAX_SCENE_FILE_BYTES:
        raise _too_large(source)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SceneError("UTF-16 or UTF-32; save the file as UTF-8", source=source, line=1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{data[error.start]:02x} (byte {error.start + 1} of the file) is not UTF-8; save it as UTF-8"
        raise SceneError(reason, source=source, line=line) from None
    return parse_scene(text, source=source)


def parse_scene(text: str, *, source: str = "") -> SceneBrief:
    """Read a scene from YAML, or from JSON, which is YAML too.

    Control characters, line ends and repeated white space within texts become single spaces.

    Args:
        text: The whole of it.
        source: Name of the file, for messages; its stem is the title of a scene that has none.

    Raises:
        SceneError: It is no YAML or uses anchors, aliases or tags; a key is unknown, missing or there twice; a value
            is of the wrong kind, too long or out of range; or roles and their relations contradict each other. The
            message names line, field and remedy.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_SCENE_FILE_BYTES or len(text.encode("utf-8", "replace")) > MAX_SCENE_FILE_BYTES:
        raise _too_large(source)
    if (zero := text.find("\0")) >= 0:
        reason = f"binary data (character {zero + 1} is zero); write the scene as a text file in UTF-8"
        raise SceneError(reason, source=source, line=text.count("\n", 0, zero) + 1)
    document = read_yaml(text, source=source)
    if document is None:
        raise SceneError("empty; write a scene: title, setting, background and roles", source=source, line=1)
    found = _entries(document, _SCENE_KEYS)
    if "roles" not in found:
        raise SceneError("missing; list two roles or more, each - name: NAME", source=source, line=1, field="roles")
    return SceneBrief(
        title=_text(found.get("title"), MAX_TITLE_CHARS) or _title(source),
        roles=_roles(found["roles"]),
        setting=_text(found.get("setting"), MAX_TITLE_CHARS),
        background=_text(found.get("background"), MAX_BACKGROUND_CHARS),
        beats=_texts(found.get("beats"), MAX_BEATS),
        policy=_policy(found.get("policy")),
        turns=_integer(found.get("turns"), 1, MAX_TURNS, _DEFAULTS["turns"]),
        language=_language(found.get("language")),
        seed=_integer(found.get("seed"), 0, MAX_SEED, _DEFAULTS["seed"]),
    )


def write_scene(brief: SceneBrief) -> str:
    """A scene as YAML for people to edit; `parse_scene` makes an equal scene of it.

    Raises:
        SceneError: A file cannot hold it: something is longer or more than the limits of this module, or is not as
            reading leaves it (control characters, repeated white space, no title). The message names the field.
    """
    entries: list[tuple[str, yaml.Node]] = [
        ("title", _scalar(brief.title)),
        ("setting", _scalar(brief.setting)),
        ("background", _scalar(brief.background)),
        ("roles", _sequence(map(_role_node, brief.roles))),
    ]
    if brief.beats:
        entries.append(("beats", _sequence(map(_scalar, brief.beats))))
    for key in ("policy", "turns", "language", "seed"):
        value = getattr(brief, key)
        if value != _DEFAULTS[key]:
            entries.append((key, _number(value) if isinstance(value, int) else _scalar(value)))
    text: str = yaml.serialize(_mapping(entries), Dumper=yaml.SafeDumper, allow_unicode=True, width=_LINE_CHARS)
    again = parse_scene(text, source="the scene to be written")
    if again != brief:
        field, clean = _first_difference(brief, again)
        raise SceneError(f"a file cannot hold it as it is; make it {str(clean)[:_LINE_CHARS]!r}", field=field)
    return text


def clean_text(text: str) -> str:
    """A text of a scene in one line: no control or hidden format characters, white space collapsed."""
    if text.isprintable():  # nothing of that kind is in it, and most texts are so
        return " ".join(text.split())
    kept = (c for c in text if c in _JOINERS or unicodedata.category(c) != "Cf")
    words = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in kept).split()
    return " ".join(words) if any(word.strip(_JOINERS) for word in words) else ""


def _entries(node: Node, known: Sequence[str]) -> dict[str, Node]:
    """The values of a mapping by key; keys with nothing behind them are left out."""
    if not isinstance(node, MappingNode):
        raise node.at.fault(f"{_kind(node)}, not a mapping; write KEY: VALUE, one a line, with {', '.join(known)}")
    found: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.entries:
        if key.value not in known:
            reason = f'unknown key "{shown(key.value)}"{_nearest(key.value, known)}'
            if node.flow and isinstance(value, TextNode) and not value.value:
                reason += "; if it belongs to the text before the comma, put that whole text in quotes"
            raise key.at.fault(reason)
        if key.value in lines:
            raise key.at.fault(f"there twice, first in line {lines[key.value]}; keep one")
        lines[key.value] = key.at.line
        if not (isinstance(value, TextNode) and value.nothing):
            found[key.value] = value
    return found


def _roles(node: Node) -> tuple[Role, ...]:
    if not isinstance(node, ListNode):
        raise node.at.fault(f"{_kind(node)}, not a list; list the roles, each - name: NAME")
    if not MIN_PLAYERS <= len(node.items) <= MAX_PLAYERS:
        remedy = "add some" if len(node.items) < MIN_PLAYERS else "remove some"
        raise node.at.fault(f"a scene has {MIN_PLAYERS} to {MAX_PLAYERS} roles, not {len(node.items)}; {remedy}")
    parts = [_entries(item, _ROLE_KEYS) for item in node.items]
    names: dict[str, str] = {}
    for item, part in zip(node.items, parts, strict=True):
        if "name" not in part:
            raise item.at.fault("name is missing; write name: NAME, a name such as null in quotes")
        name = _filled(part["name"], MAX_NAME_CHARS, clean=clean_name)
        if role_key(name) in names:
            raise part["name"].at.fault(f'two roles are called "{shown(name)}"; give one of them another name')
        names[role_key(name)] = name
    return tuple(
        Role(
            name=name,
            profile=_text(part.get("profile"), MAX_PROFILE_CHARS),
            voice=_voice(part.get("voice")),
            goals=_texts(part.get("goals"), MAX_ITEMS),
            secrets=_texts(part.get("secrets"), MAX_ITEMS),
            relations=_relations(part.get("relations"), own, names),
        )
        for (own, name), part in zip(names.items(), parts, strict=True)
    )


def _relations(node: Node | None, own: str, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What others are to a role; own and names are by `role_key`."""
    if node is None:
        return ()
    if not isinstance(node, MappingNode):
        raise node.at.fault(f"{_kind(node)}, not a mapping; write NAME: WHAT THEY ARE, one a line")
    relations: dict[str, tuple[str, str]] = {}
    for key, value in node.entries:
        name = clean_name(key.value)
        identity = role_key(name)
        if identity not in names:
            raise key.at.fault(f'"{shown(name)}" is no role of this scene{_nearest(name, list(names.values()))}')
        if identity == own:
            raise key.at.fault("the role itself; keep relations to others alone")
        if identity in relations:
            raise key.at.fault("there twice; keep one")
        relations[identity] = (name, _filled(value, MAX_ITEM_CHARS))
    return tuple(relations.values())


def _title(source: str) -> str:
    return clean_text(PurePath(source).stem[:MAX_TITLE_CHARS]) or UNTITLED


def _text(node: Node | None, limit: int, *, clean: Callable[[str], str] = clean_text) -> str:
    """A text, empty where there is none."""
    if node is None:
        return ""
    if not isinstance(node, TextNode):
        raise node.at.fault(f"{_kind(node)}, not a text; write one text, in quotes if it has brackets or colons")
    text = "" if node.nothing else clean(node.value)
    if len(text) > limit:
        raise node.at.fault(f"{len(text)} characters; shorten it to {limit}")
    return text


def _filled(node: Node, limit: int, *, clean: Callable[[str], str] = clean_text) -> str:
    """A text that must be there."""
    if text := _text(node, limit, clean=clean):
        return text
    raise node.at.fault("empty; write a text, or remove it")


def _texts(node: Node | None, limit: int) -> tuple[str, ...]:
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        raise node.at.fault(f"{_kind(node)}, not a list; write each on a line of its own behind a dash")
    if len(node.items) > limit:
        raise node.at.fault(f"{len(node.items)} entries; keep at most {limit}")
    return tuple(_filled(item, MAX_ITEM_CHARS) for item in node.items)


def _voice(node: Node | None) -> str:
    voice = _text(node, MAX_VOICE_CHARS)
    if node and voice and not _VOICE.fullmatch(voice):
        reason = f'"{shown(voice)}" is no id of a voice: small letters, digits and hyphens; see speechagents voices'
        raise node.at.fault(reason)
    return voice


def _policy(node: Node | None) -> str:
    policy = _text(node, MAX_TITLE_CHARS)
    if node and policy and policy not in POLICIES:
        raise node.at.fault(f'unknown policy "{shown(policy)}"{_nearest(policy, POLICIES)}')
    return policy or str(_DEFAULTS["policy"])


def _language(node: Node | None) -> str:
    named = _text(node, MAX_TITLE_CHARS)
    tag = language_tag(named)
    if node and named and not tag:
        raise node.at.fault(f'"{shown(named)}" is no language; write a tag such as en, de, fr-CA or cmn')
    return tag or str(_DEFAULTS["language"])


def _integer(node: Node | None, low: int, high: int, default: int) -> int:
    if node is None:
        return default
    remedy = f"write a whole number from {low} to {high}, in digits alone and without quotes"
    if not isinstance(node, TextNode):
        raise node.at.fault(f"{_kind(node)}, not a number; {remedy}")
    if not (node.plain and _INTEGER.fullmatch(node.value) and low <= int(node.value) <= high):
        raise node.at.fault(f'"{shown(node.value)}" is out of range or no number; {remedy}')
    return int(node.value)


def _role_node(role: Role) -> yaml.Node:
    entries: list[tuple[str, yaml.Node]] = [("name", _scalar(role.name))]
    entries += [(key, _scalar(text)) for key in ("profile", "voice") if (text := getattr(role, key))]
    entries += [(key, _sequence(map(_scalar, texts))) for key in ("goals", "secrets") if (texts := getattr(role, key))]
    if role.relations:
        entries.append(("relations", _mapping((name, _scalar(word)) for name, word in role.relations)))
    return _mapping(entries)


def _scalar(text: str) -> yaml.Node:
    # Folded over several lines rather than one endless line: people edit this.
    return yaml.ScalarNode(f"{_TAG}str", text, style=">" if len(text) > _LINE_CHARS else None)


def _number(value: int) -> yaml.Node:
    return yaml.ScalarNode(f"{_TAG}int", str(value))


def _sequence(items: Iterable[yaml.Node]) -> yaml.Node:
    return yaml.SequenceNode(f"{_TAG}seq", list(items), flow_style=False)


def _mapping(entries: Iterable[tuple[str, yaml.Node]]) -> yaml.Node:
    pairs = [(yaml.ScalarNode(f"{_TAG}str", key), value) for key, value in entries]
    return yaml.MappingNode(f"{_TAG}map", pairs, flow_style=False)


def _first_difference(one: SceneBrief, other: SceneBrief) -> tuple[str, object]:
    """Path of the first field in which two scenes of as many roles differ, and what the other has there."""
    for key in _SCENE_KEYS:
        if key != "roles" and getattr(one, key) != getattr(other, key):
            return key, getattr(other, key)
    for index, (here, there) in enumerate(zip(one.roles, other.roles, strict=True)):
        for key in _ROLE_KEYS:
            if getattr(here, key) != getattr(there, key):
                return f"roles[{index}].{key}", getattr(there, key)
    return "roles", other.roles


def _nearest(wrong: str, known: Sequence[str]) -> str:
    """``; did you mean …?``, or what there is."""
    found = difflib.get_close_matches(role_key(shown(wrong)), list(map(role_key, known)), n=1)
    if found:
        return f"; did you mean {next(shown(name) for name in known if role_key(name) == found[0])}?"
    return f"; there are {', '.join(map(shown, known))}"


def _kind(node: Node) -> str:
    return "a text" if isinstance(node, TextNode) else "a list" if isinstance(node, ListNode) else "a mapping"


def _too_large(source: str) -> SceneError:
    return SceneError(f"larger than {MAX_SCENE_FILE_BYTES // 1000} kB; this is no scene file", source=source)
