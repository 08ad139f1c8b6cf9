"""A visitor's script is read in bounds, and what is wrong with it is said with its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from speechagents.errors import ScriptError
from speechagents.resources import resource
from speechagents.scripts.reading import load_script
from speechagents.ui import reading
from speechagents.ui.reading import MAX_BYTES, read_text, read_upload
from tests.conftest import PLAY


def uploaded(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["radio-play.fountain", "dialogue.txt", "short.fdx"])
def test_an_upload_is_read_as_from_disk_and_deleted(tmp_path: Path, name: str) -> None:
    source = resource("assets", "examples", name)
    path = uploaded(tmp_path, name, source.read_bytes())
    assert read_upload(path, name) == load_script(source)
    assert not path.exists()


def test_pasted_text_is_read() -> None:
    assert read_text(PLAY).title == "The Umbrella"


def test_a_fault_names_its_line() -> None:
    with pytest.raises(ScriptError, match=r"your text:2: .*not closed") as fault:
        read_text("ANNA: Hi.\n/* open")
    assert fault.value.line == 2


def test_an_encoding_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="WINDOWS-1252"):
        read_upload(
            uploaded(tmp_path, "a.txt", "Zoë: Café au lait, déjà vu, s'il vous plaît.".encode("cp1252")), "a.txt"
        )


@pytest.mark.parametrize("name", ["novel.epub", "novel.pdf", "NOVEL.DOCX"])
def test_a_book_is_refused_with_a_remedy_and_deleted(tmp_path: Path, name: str) -> None:
    path = uploaded(tmp_path, name, b"PK\x03\x04")
    with pytest.raises(ScriptError, match=r"run `speechagents read` .*paste the text"):
        read_upload(path, name)
    assert not path.exists()


def test_a_script_that_is_too_large_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(ScriptError, match="larger than 2 MB"):
        read_upload(uploaded(tmp_path, "a.txt", b"x" * (MAX_BYTES + 1)), "a.txt")


def test_a_worker_that_is_ended_by_its_bounds_is_a_fault_of_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ScriptError, match="split it"):
        read_text(PLAY)


@pytest.mark.skipif(sys.platform != "linux", reason="the bounds are the system's")
def test_the_worker_keeps_to_its_memory() -> None:
    greedy = (
        "from speechagents.ui import reading; reading.MAX_MEMORY_BYTES = 300_000_000; reading._bound();"
        "bytearray(400_000_000)"
    )
    done = subprocess.run([sys.executable, "-c", greedy], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr


def test_no_name_of_a_file_reaches_a_path_or_an_option() -> None:
    assert reading._shown("../../etc/passwd") == "passwd"
    assert reading._shown("..\\..\\evil.txt") == "evil.txt"
    assert reading._shown("--help") == "help"
    assert reading._shown("\x00\n") == "script"


def test_the_worker_answers_with_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "speechagents.ui.reading", "x"], input=b"ANNA: Hi.", capture_output=True, check=True
    )
    assert set(json.loads(done.stdout)) == {"script"}
