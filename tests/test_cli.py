"""The command line as a stranger meets it: real processes, real files, every message read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speechagents.cli import main


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "speechagents", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_one_command_makes_a_recording(play: Path, tmp_path: Path) -> None:
    run = command("perform", play, "--out", tmp_path / "out", "--json")
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 1
    done = json.loads(run.stdout)
    assert {"lines", "roles", "duration_s", "seconds", "realtime_factor", "files"} <= done.keys()
    assert (done["lines"], done["roles"]) == (6, 2)
    assert [Path(name).name for name in done["files"]] == [
        "programme.m4b",
        "programme.mp3",
        "programme.vtt",
        "programme.json",
    ]
    assert all(Path(name).stat().st_size > 500 for name in done["files"])
    assert "scene 2/2 EXT. STREET - CONTINUOUS" in run.stderr
    assert "\x1b" not in run.stderr, "no bars where nobody watches"


def test_without_json_the_files_are_printed(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perform", str(play), "--out", str(tmp_path / "out"), "--formats", "vtt,srt"]) == 0
    assert [Path(line).suffix for line in capsys.readouterr().out.splitlines()] == [".vtt", ".srt"]


BAD = {
    "empty.fountain": (b"", "empty"),
    "blank.txt": (b" \n\n\t\n", "empty"),
    "binary.fountain": (bytes(range(256)) * 40, "binary"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
    "latin.fountain": ("Title: Caf\u00e9\n\nINT. CAF\u00c9\n\nANNA\nHallo.\n".encode("cp1252"), "WINDOWS-1252"),
    "note.fountain": (b"INT. HALL\n\nANNA\nHello. [[what was it\n", ":4"),
    "huge.txt": (b"Anna: Hello.\n" * 4_000_000, "20 MB"),
    "crowd.txt": ("".join(f"Role {n}: Hello.\n" for n in range(10_000)).encode(), "500"),
    "silence.fountain": (b"INT. HALL - DAY\n\nNobody is here.\n", "nothing in it is spoken"),
    "long-name.fountain": (b"INT. HALL\n\n" + b"A" * 301 + b"\nHello.\n", "300"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_and_nothing_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, clue = BAD[name]
    script = tmp_path / name
    script.write_bytes(content)
    assert main(["perform", str(script), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert name in message
    assert clue in message
    assert not (tmp_path / "out").exists()


def test_a_missing_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perform", str(tmp_path / "nowhere.fountain"), "--out", str(tmp_path / "out")]) == 2
    assert "nowhere.fountain" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cast", "clue"),
    [
        ("roles:\n  ANNA: {voice: nobody}\n", "cast.yaml:2"),
        ("roles:\n  ANNNA: {voice: alma}\n", "ANNA"),
        ("roles:\n  ANNA: {same_as: MR BEN}\n  MR BEN: {same_as: ANNA}\n", "circle: ANNA"),
        ("roles: &all\n  ANNA: *all\n", "cast.yaml"),
        ("roles: [ANNA\n", "cast.yaml"),
    ],
)
def test_a_bad_cast_file(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], cast: str, clue: str) -> None:
    (tmp_path / "cast.yaml").write_text(cast)
    arguments = ["perform", str(play), "--out", str(tmp_path / "out"), "--cast", str(tmp_path / "cast.yaml")]
    assert main(arguments) == 2
    assert clue in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_folder_below_a_file(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perform", str(play), "--out", str(play / "out")]) == 2
    assert "umbrella.fountain" in capsys.readouterr().err


def test_names_never_become_paths(tmp_path: Path) -> None:
    names = ["../../etc/passwd", "\U0001f600 Smile", "\u05d3\u05d5\u05d3", "Long " * 59 + "Name", "anna", "ANNA"]
    script = tmp_path / "names.fountain"
    script.write_text("INT. HALL\n\n" + "\n\n".join(f"@{name}\nHello, I am here." for name in names), "utf-8")
    run = command(
        "perform", script, "--out", tmp_path / "out", "--formats", "vtt,srt,otio,rttm,json", "--stems", "--json"
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["roles"] == 5, "anna and ANNA are one role"
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for name in made:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-./"), name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["names.fountain", "out"]


def test_a_line_of_100_000_characters_is_spoken(tmp_path: Path) -> None:
    script = tmp_path / "long.txt"
    script.write_text("Anna: " + "I could go on like this for hours, and I will. " * 2_130 + "\n", "utf-8")
    run = command("perform", script, "--out", tmp_path / "out", "--formats", "vtt", "--master", "none", "--json")
    assert run.returncode == 0, run.stderr
    done = json.loads(run.stdout)
    assert done["duration_s"] > 3_600
    assert done["failed"] == []


def test_two_runs_in_one_folder(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from speechagents.production.folder import Production

    with Production(tmp_path / "out"):
        assert main(["perform", str(play), "--out", str(tmp_path / "out")]) == 2
    assert "another run is working here" in capsys.readouterr().err


def test_resume_insists_on_a_production(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perform", str(play), "--out", str(tmp_path / "typo"), "--resume"]) == 2
    assert "no production to resume" in capsys.readouterr().err
    assert main(["perform", "--out", str(tmp_path / "typo"), "--resume"]) == 2
    assert main(["perform", "--out", str(tmp_path / "typo")]) == 2
    assert "needs a SCRIPT" in capsys.readouterr().err


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize("takes_done", [1, 40])
def test_killed_at_any_moment_the_same_command_resumes_to_the_same_bytes(tmp_path: Path, takes_done: int) -> None:
    script = tmp_path / "long.fountain"
    scene = "INT. HALL {n} - DAY\n\nANNA\nIs this scene number {n}?\n\nBEN\nIt is number {n}, and it is late.\n\n"
    script.write_text("Title: Long\n\n" + "".join(scene.format(n=n) for n in range(30)), "utf-8")
    arguments = ["perform", str(script), "--formats", "mp3,vtt", "--json", "--out"]
    whole = command(*arguments, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    out = tmp_path / "killed"
    run = subprocess.Popen(
        [sys.executable, "-m", "speechagents", *arguments, str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("takes/*.flac"))) < takes_done and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, "it was done before it could be killed"
    kept = {path.name for path in out.glob("takes/*.flac")}
    again = command(*arguments, out)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["spoken"] == 60 - len(kept)
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_a_full_disk_is_named_and_the_run_can_be_resumed(play: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from speechagents.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["perform", str(play), "--out", str(out), "--formats", "mp3"]
    run = subprocess.run([sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    assert str(out) in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(out.rglob("*.part"))
    assert command(*arguments).returncode == 0


def test_voices_are_listed_and_can_be_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--json"]) == 0
    voices = json.loads(capsys.readouterr().out)
    assert len(voices) >= 30
    assert main(["voices"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(voices)
    assert main(["voices", "--play-to", str(tmp_path / "samples")]) == 0
    assert {path.stem for path in (tmp_path / "samples").iterdir()} == {voice["id"] for voice in voices}


def test_the_doctor_finds_the_embedded_default_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is True
    embedded = next(preset for preset in report["presets"] if preset["name"] == "embedded")
    assert embedded["ready"] is True
    assert embedded["download_gb"] == 0
    assert main(["doctor"]) == 0
    assert "ok   voices" in capsys.readouterr().out


def test_unknown_names_list_the_known(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option, value, clue in (
        ("--formats", "ogg", "opus"),
        ("--master", "loud", "podcast"),
        ("--preset", "gpu", "embedded"),
    ):
        assert main(["perform", str(play), "--out", str(tmp_path / "out"), option, value]) == 2
        assert clue in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    run = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m speechagents voices | head -n 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.returncode == 0


def test_bars_are_shown_on_a_terminal(play: Path, tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    arguments = ["perform", str(play), "--out", str(tmp_path / "out"), "--formats", "mp3"]
    run = subprocess.Popen(
        [sys.executable, "-m", "speechagents", *arguments], stdout=subprocess.DEVNULL, stderr=follower
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:
        pass  # the terminal is gone when the process is
    os.close(leader)
    assert run.wait() == 0
    text = shown.decode("utf-8", "replace")
    assert "speaking" in text
    assert "mp3" in text
    assert "6/6" in text
