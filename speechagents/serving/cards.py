"""What a list of productions shows of one, read from its place on disk.

Owns ``card.json`` and which of a production's files may leave the server. Does not know whose productions they are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from speechagents.drama import clean_name
from speechagents.production.storage import write_atomically

MAX_TITLE = 200
_MAX_RECORD_BYTES = 64_000_000
_SERVED = re.compile(
    r"exports/(?:stems/)?[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}"
    r"|takes/[0-9a-f]{64}\.flac"
    r"|production\.json|script\.json|scene\.yaml|cast\.yaml|stream\.jsonl"
)
"""Names of a production's files that may leave the server."""


class Kind(StrEnum):
    """How a production came about."""

    PERFORM = "perform"
    READ = "read"
    IMPROVISE = "improvise"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class ProductionCard:
    """What a list of productions shows of one.

    Attributes:
        id: 16 hexadecimal digits.
        title: As the visitor named it.
        kind: How it came about.
        state: ``new`` before anything was made, then what ``production.json`` says: ``working`` (going on, or stopped
            on the way), ``partly`` or ``done``; ``damaged`` if that file cannot be read.
        duration_s: Length of the programme; 0 if there is none yet.
        roles: Roles in the cast.
        modified: When it was last changed, in epoch seconds.
        size_bytes: Its size on disk.
        files: Finished files, relative to the production, in the order of ``production.json``.
    """

    id: str
    title: str
    kind: Kind
    state: str
    duration_s: float
    roles: int
    modified: float
    size_bytes: int
    files: tuple[str, ...]


def may_leave(name: str) -> bool:
    """Whether a production's file of that name may leave the server; its sound, its texts, nothing else."""
    return _SERVED.fullmatch(name) is not None


def read_card(slot: Path) -> ProductionCard:
    """The card of the production in a place."""
    about = read_about(slot)
    record = _read_json(slot / "production" / "production.json")
    files = record.get("files", []) if record is not None else []
    duration = record.get("duration_s", 0.0) if record is not None else 0.0
    cast = record.get("cast", {}) if record is not None else {}
    return ProductionCard(
        id=slot.name,
        title=str(about.get("title") or (record or {}).get("title") or "Untitled"),
        kind=kind_of(about),
        state="damaged" if record is None else str(record.get("state", "new")),
        duration_s=float(duration) if isinstance(duration, int | float) else 0.0,
        roles=len(cast) if isinstance(cast, dict) else 0,
        modified=modified_at(slot),
        size_bytes=size_bytes(slot),
        files=tuple(
            name
            for name in (files if isinstance(files, list) else [])
            if isinstance(name, str) and may_leave(name) and (slot / "production" / name).is_file()
        ),
    )


def read_about(slot: Path) -> dict[str, Any]:
    """What ``card.json`` says; nothing if it is damaged."""
    return _read_json(slot / "card.json") or {}


def kind_of(about: dict[str, Any]) -> Kind:
    """How a production came about, by its ``card.json``."""
    try:
        return Kind(about.get("kind", Kind.PERFORM))
    except ValueError:
        return Kind.PERFORM


def write_about(slot: Path, title: str, kind: Kind | str, made: float) -> None:
    """Replace ``card.json``."""
    about = {"title": clean_name(title)[:MAX_TITLE] or "Untitled", "kind": str(kind), "made": made}
    write_atomically(slot / "card.json", (json.dumps(about, ensure_ascii=False) + "\n").encode("utf-8"))


def _read_json(path: Path) -> dict[str, Any] | None:
    """What a file holds; nothing if there is none, None if it cannot be read."""
    try:
        if path.stat().st_size > _MAX_RECORD_BYTES:
            return None
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def size_bytes(folder: Path) -> int:
    """Bytes of all files under a folder; links are not followed, files that go away meanwhile count nothing."""
    total = 0
    try:
        entries = list(folder.iterdir())
    except OSError:
        return 0
    for entry in entries:
        try:
            if entry.is_symlink():
                continue
            total += size_bytes(entry) if entry.is_dir() else entry.stat().st_size
        except OSError:
            continue
    return total


def modified_at(slot: Path) -> float:
    """When something that a visitor would notice was last changed."""
    production = slot / "production"
    latest = 0.0
    for path in (slot / "card.json", *(production / name for name in ("production.json", "stream.jsonl"))):
        try:
            latest = max(latest, path.stat().st_mtime)
        except OSError:
            continue
    return latest or slot.stat().st_mtime
