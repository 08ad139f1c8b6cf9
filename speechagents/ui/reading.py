"""A visitor's text or file becomes a script, in bounded time and memory.

Owns the bounds and the worker process that keeps them: parsing happens in a process of its own, so that a hostile
text costs a few seconds of it and nothing of the server. Does not know forms of scripts; `scripts.reading` does.
``python -m speechagents.ui.reading NAME`` is the worker: bytes in, one JSON object out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from speechagents.errors import ScriptError
from speechagents.scripts.reading import load_script, parse_script
from speechagents.scripts.script import Script
from speechagents.scripts.script_json import script_from_json, script_to_json

MAX_BYTES: Final = 2_000_000
"""Largest script that a visitor may bring: eight feature-length screenplays."""
MAX_SECONDS: Final = 20
MAX_MEMORY_BYTES: Final = 1_500_000_000
"""Address space of the worker; a fifth of it is Python and its libraries."""

SUFFIXES: Final = (".fountain", ".spmd", ".fdx", ".txt", ".md", ".json")
"""Files that a visitor may choose."""

_BOOKS: Final = (".epub", ".mobi", ".azw3", ".pdf", ".html", ".htm", ".docx", ".odt", ".rtf", ".doc")


def read_text(text: str, *, source: str = "your text") -> Script:
    """Read what a visitor typed or pasted.

    Raises:
        ScriptError: It is too large, takes too long, or is wrong in the way of its kind.
    """
    return _read(text.encode("utf-8", "replace"), source)


def read_upload(path: Path, name: str) -> Script:
    """Read what a visitor uploaded; the file is deleted, whatever comes of it.

    Args:
        path: Where it lies.
        name: As the visitor calls it.

    Raises:
        ScriptError: As `read_text`; or it is a book, which `speechagents read` takes.
    """
    try:
        suffix = Path(name).suffix.casefold()
        if suffix in _BOOKS:
            reason = f"{suffix[1:].upper()} files are books, and this page performs scripts: run `speechagents read` "
            reason += "for an audiobook, or paste the text as lines such as ANNA: Hello."
            raise ScriptError(reason, source=_shown(name))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScriptError("the upload did not arrive whole; choose the file again", source=_shown(name)) from error
    finally:
        path.unlink(missing_ok=True)
    return _read(data, name)


def _read(data: bytes, name: str) -> Script:
    if len(data) > MAX_BYTES:
        reason = f"larger than {MAX_BYTES // 1_000_000} MB; split it, or perform it with `speechagents perform`"
        raise ScriptError(reason, source=_shown(name))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "speechagents.ui.reading", _shown(name)],
            input=data,
            capture_output=True,
            timeout=MAX_SECONDS + 5,
            check=False,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        # A worker that reached a bound was ended without a word.
        reason = f"takes more than {MAX_SECONDS} s or {MAX_MEMORY_BYTES / 1e9:g} GB to read; split it"
        raise ScriptError(reason, source=_shown(name)) from None
    if "error" in answer:
        told = ScriptError(answer["error"])  # its place stands in the message already
        told.line = answer["line"]
        raise told
    return script_from_json(answer["script"], source=_shown(name))


def _shown(name: str) -> str:
    """A file's name fit for messages and for an argument: no folder, no control characters, not too long."""
    plain = "".join(c for c in Path(name.replace("\\", "/")).name if c.isprintable()).strip()
    return plain[-80:].lstrip("-") or "script"


def main() -> int:
    """Read the script on standard input and print what came of it."""
    _bound()
    name = sys.argv[1] if len(sys.argv) > 1 else "script"
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        script = _parsed(data, name)
        answer: dict[str, object] = {"script": script_to_json(script)}
    except ScriptError as error:
        answer = {"error": str(error), "line": error.line}
    sys.stdout.write(json.dumps(answer))
    return 0


def _parsed(data: bytes, name: str) -> Script:
    try:
        return parse_script(data.decode("ascii"), source=name)
    except UnicodeDecodeError:
        pass
    # Telling encodings apart is the business of the reader of files.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        return load_script(path)


def _bound() -> None:
    try:
        import resource
    except ImportError:  # not on Windows: the time limit of the parent is the bound there
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    sys.exit(main())
