"""``speechagents serve`` and ``app.py`` as whoever runs the server meets them."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from speechagents.cli import main
from speechagents.serving.accounts import Accounts

APP = Path(__file__).resolve().parent.parent / "app.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_user_is_added_with_a_password_from_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("open sesame\n"))
    assert main(["serve", "--auth-file", str(tmp_path / "users"), "--add-user", "anna"]) == 0
    assert "anna" in capsys.readouterr().out
    assert Accounts(tmp_path / "users").admits("anna", "open sesame")


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (("--add-user", "anna"), "--auth-file"),
        (("--auth-file", "nowhere/users"), "--add-user"),
        (("--port", "0"), "65535"),
        (("--origin", "studio.example.org"), "origin"),
        (("--preset", "nonsense"), "no preset 'nonsense'"),
    ],
)
def test_what_cannot_be_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], clue: str
) -> None:
    port = () if "--port" in arguments else ("--port", str(free_port()))
    assert main(["serve", "--data", str(tmp_path), *port, *arguments]) == 2
    assert clue in capsys.readouterr().err


def test_a_taken_port_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--data", str(tmp_path), "--port", port]) == 2
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[str(APP)], ["-m", "speechagents", "serve"]])
def test_it_serves_until_it_is_told_to_stop(command: list[str], tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "SPEECHAGENTS_DATA": str(tmp_path)}
    run = subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert run.stderr is not None
        ready = next((line for line in run.stderr if "ready at" in line), "")
        assert f"http://127.0.0.1:{port}/" in ready
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert "SpeechAgents" in httpx.get(f"http://127.0.0.1:{port}/", headers={"accept": "text/html"}).text
        run.send_signal(signal.SIGTERM)
        _, rest = run.communicate(timeout=60)
        assert run.returncode == 0, rest
        assert "Traceback" not in rest
    finally:
        run.kill()
        run.communicate()
