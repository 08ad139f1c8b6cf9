"""The cast as a file that people edit.

Owns the YAML form, its limits and its messages. Whether the voices and roles exist is checked by
`casting.cast_roles`, which knows them; the line numbers read here travel with the wishes.

The file is read as a stream of YAML events, not with a loader: so every fault has its line, a role called
``Yes`` or ``12`` stays text, and anchors, aliases and tags, the ways to blow up or break into a loader, are
simply refused.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from speechagents.drama import MAX_NAME_CHARS, MAX_ROLES, NARRATOR, role_key
from speechagents.errors import CastError, StorageError
from speechagents.production.storage import write_atomically
from speechagents.voices.casting import Cast, Casting, Override, Overrides, shown

MAX_CAST_FILE_BYTES: Final = 1_000_000

_HEADER: Final = """\
# The cast of this production. Change it and run the same command again with --cast THIS_FILE: only lines whose
# voice changed are spoken anew.
#
#   voice     identifier of a voice; `speechagents voices` lists them all
#   same_as   instead of voice: the name of another role that it shall sound like
#   pan       optional fixed place on the stage, from -1 (left) to 1 (right)
#   why, lines, words   for your information; what you write there is ignored
#
# Leave a role out and it is cast automatically.
"""

_KNOWN: Final = ("voice", "same_as", "pan", "why", "lines", "words", "gender", "aliases", "first")
_CastNode = yaml.events.ScalarEvent | yaml.events.MappingStartEvent
_Start: Final = yaml.events.MappingStartEvent | yaml.events.SequenceStartEvent
_End: Final = yaml.events.MappingEndEvent | yaml.events.SequenceEndEvent


def read_cast_file(path: Path) -> Overrides:
    """Read the wishes of a cast file.

    Raises:
        CastError: The file cannot be read, is larger than `MAX_CAST_FILE_BYTES`, is no YAML of the expected form,
            lists a role twice or gives a value of the wrong kind. The message names file and line.
    """
    return parse_cast(cast_file_text(path), path)


def cast_file_text(path: Path) -> str:
    """The text of a cast file.

    Raises:
        CastError: The file cannot be read, is larger than `MAX_CAST_FILE_BYTES`, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CAST_FILE_BYTES + 1)
    except OSError as error:
        raise CastError(f"{path}: cannot be read ({error.strerror or error}); check the name after --cast") from error
    if len(data) > MAX_CAST_FILE_BYTES:
        raise CastError(f"{path}: larger than {MAX_CAST_FILE_BYTES // 1000} kB; this is no cast file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CastError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error


def parse_cast(text: str, path: Path, *, others: Collection[str] = ()) -> Overrides:
    """Read the wishes in the text of a cast file.

    Args:
        text: The text.
        path: Where it was read, for messages.
        others: Further keys beside narrator and roles, which somebody else reads; they are passed over here.

    Raises:
        CastError: As `read_cast_file`.
    """
    return _Reader(path, text, others).overrides()


def write_cast_file(cast: Cast, path: Path) -> None:
    """Write a cast for editing; a file that is there is replaced whole or, on failure, left as it was.

    Raises:
        StorageError: The folder is missing or cannot be written, or the disk is full.
    """
    save_cast_text(_HEADER + "\n" + cast_text(cast), path)


def cast_text(cast: Cast, about: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """A cast as YAML.

    Args:
        cast: The cast.
        about: By `role_key`, what else people should know of a role: ``gender``, ``aliases``, ``first``.
    """
    about = about or {}
    roles = {
        casting.role: _entry(casting, about.get(role_key(casting.role), {}))
        for casting in cast
        if role_key(casting.role) != role_key(NARRATOR)
    }
    narrator = cast.narrator
    body = {"narrator": narrator.voice.id if narrator.pan is None else _entry(narrator, {}), "roles": roles}
    return yaml_text(body)


def yaml_text(body: Mapping[str, object]) -> str:
    """A mapping as YAML for people: plain rather than folded or quoted values wherever YAML allows."""
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=4 * MAX_NAME_CHARS)


def save_cast_text(text: str, path: Path) -> None:
    """Write a cast file; one that is there is replaced whole or, on failure, left as it was.

    Raises:
        StorageError: The folder is missing or cannot be written, or the disk is full.
    """
    # A mistyped folder is named rather than made.
    if not path.parent.is_dir():
        raise StorageError(f"{path}: cannot be written (there is no folder {path.parent}); check the path")
    write_atomically(path, text.encode("utf-8"))


def _entry(casting: Casting, about: Mapping[str, str]) -> dict[str, str | int | float]:
    entry: dict[str, str | int | float] = {"voice": casting.voice.id}
    if casting.pan is not None:
        entry["pan"] = casting.pan
    return entry | {**about} | {"why": casting.why, "lines": casting.lines, "words": casting.words}


@dataclass(frozen=True, slots=True)
class _Text:
    """A scalar with the line it stands in."""

    value: str
    line: int


class _Reader:
    """A pass over the events of one file."""

    def __init__(self, path: Path, text: str, others: Collection[str]) -> None:
        self._path = path
        self._others = others
        self._events = self._parsed(text)

    def overrides(self) -> Overrides:
        wishes: list[Override] = []
        first = next(self._events)
        if isinstance(first, yaml.events.ScalarEvent) and not first.value.strip():
            return Overrides()
        for key, value in self._mapping(first, "the file", known=("narrator", "roles"), others=self._others):
            if key.value == "narrator":
                wishes.append(self._wish(_Text(NARRATOR, key.line), value))
            else:
                if isinstance(value, yaml.events.ScalarEvent) and value.value in ("", "~", "null"):
                    continue
                for count, (role, wish) in enumerate(self._mapping(value, "roles"), 1):
                    if not role.value.strip() or len(role.value) > MAX_NAME_CHARS:
                        raise self._fault(role.line, f"a role's name has 1 to {MAX_NAME_CHARS} characters")
                    wishes.append(self._wish(role, wish))
                    if count > MAX_ROLES:
                        raise self._fault(role.line, f"more than {MAX_ROLES} roles; remove some")
        return Overrides(tuple(wishes))

    def _wish(self, role: _Text, node: _CastNode) -> Override:
        """What stands behind one role: the identifier of a voice, or a mapping."""
        place = f"{self._path}:{role.line}"
        if isinstance(node, yaml.events.ScalarEvent):
            if not node.value.strip():
                raise self._fault(role.line, f"{shown(role.value)} has no voice; write one, or remove the entry")
            return Override(role.value, voice=node.value.strip(), place=place)
        values: dict[str, str] = {}
        for key, value in self._mapping(node, role.value):
            if key.value not in _KNOWN:
                raise self._fault(key.line, f'unknown key "{shown(key.value)}"; there are {", ".join(_KNOWN)}')
            if not isinstance(value, yaml.events.ScalarEvent):
                raise self._fault(key.line, f"{key.value} of {shown(role.value)} is a list or mapping; write one value")
            values[key.value] = value.value.strip()
            if key.value in ("voice", "same_as"):
                place = f"{self._path}:{key.line}"
        pan = values.get("pan", "")
        try:
            place_on_stage = float(pan) if pan else None
        except ValueError:
            place_on_stage = math.nan
        if place_on_stage is not None and not -1.0 <= place_on_stage <= 1.0:
            raise self._fault(role.line, f'pan of {shown(role.value)} is "{shown(pan)}"; write a number from -1 to 1')
        voice, same_as = values.get("voice", ""), values.get("same_as", "")
        return Override(role.value, voice=voice, same_as=same_as, pan=place_on_stage, place=place)

    def _mapping(
        self, node: yaml.events.Event, what: str, *, known: Collection[str] = (), others: Collection[str] = ()
    ) -> Iterator[tuple[_Text, _CastNode]]:
        """Yield keys and the first events of values; a value that is a mapping must be read before going on.

        Keys in `others` are passed over with their values. Where some are `known`, any further one is refused.
        """
        if not isinstance(node, yaml.events.MappingStartEvent):
            raise self._fault(_line(node), f"{shown(what)} is not a mapping; write NAME: VALUE, one a line")
        seen: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.events.MappingEndEvent):
            if not isinstance(event, yaml.events.ScalarEvent):
                raise self._fault(_line(event), "a name is a list or mapping; write plain text before the colon")
            key = _Text(event.value, _line(event))
            if (earlier := seen.get(role_key(key.value))) is not None:
                raise self._fault(key.line, f'"{shown(key.value)}" is listed twice, first in line {earlier}; keep one')
            seen[role_key(key.value)] = key.line
            if known and key.value not in (*known, *others):
                *first, last = (*known, *others)
                there = f"{', '.join(first)} and {last}"
                raise self._fault(key.line, f'unknown key "{shown(key.value)}"; there are {there}')
            value = next(self._events)
            if key.value in others:
                self._pass_over(value)
                continue
            if not isinstance(value, _CastNode):
                raise self._fault(key.line, f'the value of "{shown(key.value)}" is a list; write one value')
            yield key, value

    def _pass_over(self, value: yaml.events.Event) -> None:
        """Read a value to its end."""
        open_values = int(isinstance(value, _Start))
        while open_values:
            event = next(self._events)
            open_values += isinstance(event, _Start) - isinstance(event, _End)

    def _parsed(self, text: str) -> Iterator[yaml.events.Event]:
        """The content events of the only document, each checked."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = 0
        try:
            for event in yaml.parse(text, Loader=loader):
                if isinstance(event, yaml.events.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        raise self._fault(_line(event), "a second document begins; remove the line ---")
                elif isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
                    raise self._fault(_line(event), "anchors and aliases (& and *) are not allowed; use same_as")
                elif tag := getattr(event, "tag", None):
                    raise self._fault(_line(event), f'the tag "{shown(tag)}" is not allowed; remove it')
                elif isinstance(event, yaml.events.NodeEvent | yaml.events.CollectionEndEvent):
                    yield event
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._fault(mark.line + 1 if mark else 1, f"no valid YAML: {error.problem or error}") from error
        except yaml.YAMLError as error:
            raise self._fault(1, f"no valid YAML: {error}") from error
        # An empty file is an empty list of wishes.
        yield yaml.events.ScalarEvent(None, None, (True, False), "")

    def _fault(self, line: int, message: str) -> CastError:
        return CastError(f"{self._path}:{line}: {message}")


def _line(event: yaml.events.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
