"""Scripts that a controller made of scenes for which nobody has written one: a file for each number of roles.

Owns the files and their checks. Does not know who makes scripts.

::

    assets/hcs/v1/generated/roles-2.jsonl    one script a line, by the ids of their scenes

    {"scene":"001-night-ferry","roles":2,"made_by":"rehearsal 1","lines":[["Eleni","calm","…"],…]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from speechagents.benchmark.script_file import HAND, MAX_LINES, SceneScript, ScriptLine
from speechagents.drama import MAX_LINE_CHARS, MAX_PLAYERS, MIN_PLAYERS, SceneBrief, role_key
from speechagents.errors import BenchmarkError
from speechagents.journal import entry_line
from speechagents.production.storage import write_atomically
from speechagents.scripts.scene_file import clean_text
from speechagents.styles import STYLES

MAX_FILE_BYTES: Final = 200_000_000
MAX_SCRIPT_BYTES: Final = 4_000_000

_KEYS: Final = frozenset({"scene", "roles", "made_by", "lines"})
_NAME: Final = re.compile(r"roles-([0-9]{1,2})\.jsonl")
_MAX_MADE_BY_CHARS: Final = 400
_REMEDY: Final = "delete the line, and generate the script again"


def generated_path(folder: Path, roles: int) -> Path:
    """The file of a benchmark's scripts for so many roles.

    Args:
        folder: Of the generated scripts.
        roles: Number of roles.
    """
    return folder / f"roles-{roles}.jsonl"


def read_generated_scripts(folder: Path, scenes: Mapping[str, SceneBrief]) -> Mapping[tuple[str, int], SceneScript]:
    """The generated scripts of a folder, by scene and number of roles; none where there is no folder.

    Raises:
        BenchmarkError: Something in it is wrong; the message names file, line, field and remedy.
    """
    found: dict[tuple[str, int], SceneScript] = {}
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        named = _NAME.fullmatch(path.name)
        if named is None or not MIN_PLAYERS <= int(named[1]) <= MAX_PLAYERS:
            raise BenchmarkError("its name says no number of roles; name it like roles-5.jsonl", source=path.name)
        for script in _scripts(path, int(named[1]), scenes):
            found[script.scene_id, script.roles] = script
    return found


def write_generated_scripts(folder: Path, roles: int, scripts: Iterable[SceneScript]) -> None:
    """Write all generated scripts for so many roles, whole or not at all, by the ids of their scenes.

    Args:
        folder: Of the generated scripts.
        roles: For how many roles they are.
        scripts: In any order.

    Raises:
        StorageError: The folder cannot be written.
    """
    ordered = sorted(scripts, key=lambda script: script.scene_id)
    assert all(script.roles == roles for script in ordered)  # noqa: S101 - the caller sorts them by it
    write_atomically(generated_path(folder, roles), b"".join(entry_line(_to_json(script)) for script in ordered))


def _scripts(path: Path, roles: int, scenes: Mapping[str, SceneBrief]) -> Iterable[SceneScript]:
    seen: set[str] = set()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BenchmarkError(
                f"larger than {MAX_FILE_BYTES // 1_000_000} MB; divide the benchmark", source=path.name
            )
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_SCRIPT_BYTES + 1):
                number += 1
                script = _Checks(path.name, number).script(line, roles, scenes)
                if script.scene_id in seen:
                    raise BenchmarkError(f"{script.scene_id} is there twice; keep one", source=path.name, line=number)
                seen.add(script.scene_id)
                yield script
    except OSError as error:
        raise BenchmarkError(
            f"cannot be read ({error.strerror}); check its name and permissions", source=path.name
        ) from error


class _Checks:
    """Reads a line of a file.

    Args:
        source: Name of the file.
        line: 1-based.
    """

    def __init__(self, source: str, line: int) -> None:
        self._source = source
        self._line = line

    def script(self, line: bytes, roles: int, scenes: Mapping[str, SceneBrief]) -> SceneScript:
        """The script in it."""
        if len(line) > MAX_SCRIPT_BYTES:
            raise self._fault("", f"longer than {MAX_SCRIPT_BYTES // 1_000_000} MB; {_REMEDY}")
        try:
            values: Any = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise self._fault("", f"no JSON ({error}); {_REMEDY}") from error
        if not isinstance(values, dict) or set(values) != _KEYS:
            raise self._fault("", f"no object with exactly {', '.join(sorted(_KEYS))}; {_REMEDY}")
        scene_id, made_by = (
            self._text("scene", values["scene"], 200),
            self._text("made_by", values["made_by"], _MAX_MADE_BY_CHARS),
        )
        if scene_id not in scenes:
            raise self._fault("scene", f'"{scene_id[:60]}" is no scene of this benchmark; see index.yaml')
        if values["roles"] != roles or isinstance(values["roles"], bool) or roles > len(scenes[scene_id].roles):
            raise self._fault("roles", f"is not {roles}, as the name of the file says; {_REMEDY}")
        if made_by == HAND:
            raise self._fault("made_by", f'"{HAND}" is for scripts that people wrote; they stand in scripts/')
        listed = values["lines"]
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_LINES:
            raise self._fault("lines", f"no list of 1 to {MAX_LINES} lines; {_REMEDY}")
        playing = {role.key: role.name for role in scenes[scene_id].roles[:roles]}
        lines = tuple(self._script_line(at, entry, playing) for at, entry in enumerate(listed))
        return SceneScript(scene_id, roles, made_by, lines)

    def _script_line(self, at: int, entry: Any, playing: Mapping[str, str]) -> ScriptLine:
        field = f"lines[{at}]"
        if not isinstance(entry, list) or len(entry) != 3:
            raise self._fault(field, f"no list of role, style and text; {_REMEDY}")
        role = role_key(self._text(f"{field}[0]", entry[0], MAX_LINE_CHARS))
        if role not in playing:
            raise self._fault(f"{field}[0]", f"does not play here; there are {', '.join(playing.values())}")
        style = self._text(f"{field}[1]", entry[1], MAX_LINE_CHARS)
        if style not in STYLES:
            raise self._fault(f"{field}[1]", f'"{style[:40]}" is no style; there are {", ".join(STYLES)}')
        return ScriptLine(playing[role], style, self._text(f"{field}[2]", entry[2], MAX_LINE_CHARS))

    def _text(self, field: str, value: Any, most: int) -> str:
        cleaned = clean_text(value) if isinstance(value, str) else ""
        if not 1 <= len(cleaned) <= most:
            raise self._fault(field, f"no text of 1 to {most} characters; {_REMEDY}")
        return cleaned

    def _fault(self, field: str, message: str) -> BenchmarkError:
        return BenchmarkError(message, source=self._source, line=self._line, field=field)


def _to_json(script: SceneScript) -> Mapping[str, Any]:
    lines = [[line.role, line.style, line.text] for line in script.lines]
    return {"scene": script.scene_id, "roles": script.roles, "made_by": script.made_by, "lines": lines}
