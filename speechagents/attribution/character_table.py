"""A cast list as a table: the file behind ``--characters``.

Owns its form: CSV with the columns ``Main Name``, ``Aliases`` and ``Gender``, as the Project Dialogism Novel Corpus
has them. Does not know what is done with the characters.
"""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path
from typing import Final

from speechagents.attribution.quotation import Character, Gender
from speechagents.drama import MAX_NAME_CHARS, clean_name, role_key
from speechagents.errors import CastError

MAX_BYTES: Final = 1_000_000
MAX_CHARACTERS: Final = 1_000
MAX_ALIASES: Final = 200

_GENDERS: Final = {"f": Gender.FEMALE, "female": Gender.FEMALE, "m": Gender.MALE, "male": Gender.MALE}


def read_characters(path: Path) -> tuple[Character, ...]:
    """Read a table of characters.

    A row whose main name begins with ``_`` stands for nobody and is left out; one who stands there twice is one person.
    Aliases are separated by ``;`` or ``|``, or are written as a list or set of quoted texts.

    Raises:
        CastError: The file cannot be read or is no such table; the message names file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or error
        raise CastError(f"{path}: cannot be read ({reason}); check the name after --characters") from error
    if len(data) > MAX_BYTES:
        raise CastError(f"{path}: larger than {MAX_BYTES // 1000} kB; this is no table of characters")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CastError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    characters: dict[str, Character] = {}
    try:
        if "Main Name" not in (rows.fieldnames or ()):
            raise CastError(f'{path}:1: no column "Main Name"; the first line names Main Name,Aliases,Gender')
        for row in rows:
            name = clean_name(row["Main Name"] or "")
            if not name or name.startswith("_"):
                continue
            if len(name) > MAX_NAME_CHARS:
                raise CastError(f"{path}:{rows.line_num}: a name of {len(name)} characters; at most {MAX_NAME_CHARS}")
            aliases = _aliases(row.get("Aliases") or "", path, rows.line_num)
            gender = _GENDERS.get((row.get("Gender") or "").strip().casefold(), Gender.UNKNOWN)
            known = characters.get(role_key(name))
            if known is not None:
                # One who stands there twice is one person with the names of both rows.
                aliases = sorted({*known.aliases, *aliases})
                gender = known.gender if gender is Gender.UNKNOWN else gender
                name = known.name
            characters[role_key(name)] = Character(name, tuple(one for one in aliases if one != name), gender)
            if len(characters) > MAX_CHARACTERS:
                raise CastError(f"{path}:{rows.line_num}: more than {MAX_CHARACTERS} characters; remove some")
    except csv.Error as error:
        # The reader counts a line when it is done with it; the last one may be the one that it misses the end of.
        line = min(rows.line_num + 1, len(text.splitlines()))
        raise CastError(f"{path}:{line}: no CSV ({error}); save the table as CSV") from error
    if not characters:
        raise CastError(f"{path}: names nobody; write a line for each character")
    return tuple(characters.values())


def _aliases(field: str, path: Path, line: int) -> list[str]:
    """The other names in a field, in a fixed order."""
    field = field.strip()
    if field[:1] in ("[", "{", "("):
        try:
            # A literal alone: numbers, texts and lists of them; nothing in it is run.
            value = ast.literal_eval(field)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            # {'O'Brien'}: what is quoted badly is taken by its commas.
            value = [name.strip().strip("'\"") for name in field.strip("[](){}").split(",")]
        names = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, set, tuple)) else []
        if not all(isinstance(name, str) for name in names):
            raise CastError(f"{path}:{line}: Aliases holds something else than names; separate names by ;")
    else:
        names = field.replace("|", ";").split(";")
    found = sorted({clean for name in names if (clean := clean_name(name)) and not clean.startswith("_")})
    if len(found) > MAX_ALIASES or any(len(name) > MAX_NAME_CHARS for name in found):
        raise CastError(f"{path}:{line}: more than {MAX_ALIASES} aliases, or one above {MAX_NAME_CHARS} characters")
    return found
