"""A terminal client on a stage of loopback: it speaks, hears, comes back, and says what came of it."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile as sf

from speechagents.commands.talk import add_talk_command
from speechagents.drama import clean_name
from speechagents.errors import BackendMissing, SettingsError, SpeechAgentsError, StageError
from speechagents.live import sound_card
from speechagents.live.connection import Server
from tests.live.fake_stage import RATE_HZ, TOKEN, FakeStage

SCENE = """\
title: City park picnic
setting: EXT. CITY PARK - DAY
background: Friends meet.
roles:
  - name: Ethan
  - name: Sophia
  - name: Mara
"""


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStage]:
    """A stage; tokens come from a stand-in for its other door, which asks for a login if one is named."""
    tokens(monkeypatch, {"value": TOKEN})
    with FakeStage() as running:
        yield running


def tokens(monkeypatch: pytest.MonkeyPatch, body: object, status: int = 200, login: str = "") -> list[httpx.Request]:
    """Answer requests for a token as told; other requests would fail."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if login and request.headers.get("Authorization") != login:
            return httpx.Response(HTTPStatus.UNAUTHORIZED)
        return httpx.Response(status, json=body)

    real = httpx.AsyncClient

    def client(**options: Any) -> httpx.AsyncClient:
        return real(transport=httpx.MockTransport(answer), auth=options.get("auth"))

    monkeypatch.setattr("speechagents.live.connection.httpx.AsyncClient", client)
    return asked


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "picnic.yaml"
    path.write_text(SCENE, "utf-8")
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Half a second of a tone, in stereo at the rate of a CD."""
    path = tmp_path / "voice.wav"
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 44_100)
    sf.write(path, np.stack([tone, tone], axis=1), 44_100)
    return path


@pytest.fixture(autouse=True)
def no_sound_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever machine tests run on, they make no noise."""

    def missing() -> Any:
        raise BackendMissing("a microphone needs the package sounddevice: pip install sounddevice; or --wav, --text")

    monkeypatch.setattr(sound_card, "_sounddevice", missing)


def talk(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_talk_command(parser.add_subparsers())
    parsed = parser.parse_args(["talk", *map(str, arguments)])
    code: int = parsed.run(parsed)
    return code


class Talking:
    """The command in a thread of its own, while the test is the stage."""

    def __init__(self, *arguments: object) -> None:
        self.code: int | None = None
        self.error: SpeechAgentsError | None = None
        self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()

    def _run(self, *arguments: object) -> None:
        try:
            self.code = talk(*arguments)
        except SpeechAgentsError as error:
            self.error = error

    def ended(self) -> int | None:
        self._thread.join(30)
        assert not self._thread.is_alive(), "it never ends"
        return self.code


def answer(stage: FakeStage, number: int, said: str) -> None:
    """What a stage does with something that was said: it is in the record, and somebody answers."""
    stage.message(2 * number + 1, "Mara", said)
    stage.speak(f"item_{number}", "Ethan", f"Answer {number}.", 0.3)
    stage.message(2 * number + 2, "Ethan", f"Answer {number}.")


def test_a_sound_file_is_said_in_frames_of_20_ms_and_the_answer_is_heard(
    stage: FakeStage, scene: Path, voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "heard.wav"
    talking = Talking(scene, "--as", "mara", "--server", stage.url, "--wav", voice, "--record", heard, "--json")
    stage.wait_for(lambda: np.abs(stage.microphone()).max(initial=0) > 8000, "the voice")
    assert stage.of("drama.scene.open")[0]["role"] == "Mara", "names are found whatever their case"
    stage.wait_event("input_audio_buffer.append", 40)
    answer(stage, 0, "where were you")
    assert talking.ended() == 0
    assert stage.closed_with == [1000], "it says that it leaves"
    said = stage.microphone().astype(float)
    assert np.count_nonzero(np.abs(said) > 200) / RATE_HZ == pytest.approx(0.5, abs=0.05)
    assert {len(event["audio"]) for event in stage.of("input_audio_buffer.append")} == {1280}
    assert stage.of("drama.playback")[-1]["played_ms"] == 300
    recorded, rate_hz = sf.read(heard)
    assert rate_hz == RATE_HZ
    assert np.count_nonzero(np.abs(recorded) > 0.01) / RATE_HZ == pytest.approx(0.3, abs=0.03)
    out = capsys.readouterr().out.splitlines()
    assert "Mara: where were you" in out[0]
    assert "Ethan: Answer 0." in out[1]
    done = json.loads(out[-1])
    assert {k: done[k] for k in ("said", "understood", "answered", "messages")} == {
        "said": 1,
        "understood": 1,
        "answered": 1,
        "messages": 2,
    }


def test_the_next_file_waits_for_the_answer(stage: FakeStage, scene: Path, voice: Path) -> None:
    talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--wav", voice, "--wav", voice)
    for number in range(2):
        stage.wait_for(
            lambda: np.count_nonzero(np.abs(stage.microphone()) > 200) / RATE_HZ > 0.45 * (number + 1),  # noqa: B023
            f"voice {number}",
        )
        assert np.count_nonzero(np.abs(stage.microphone()) > 200) / RATE_HZ < 0.55 * (number + 1)
        answer(stage, number, "hello")
    assert talking.ended() == 0


def test_lines_of_the_standard_input_are_said_in_writing(
    stage: FakeStage, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Lines("Hello, Ethan.\n\nWhere were you?\n"))
    talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--text")
    for number, text in enumerate(("Hello, Ethan.", "Where were you?")):
        sent = stage.wait_event("conversation.item.create", number + 1)
        assert sent[number]["item"]["content"] == [{"type": "input_text", "text": text}]
        answer(stage, number, text)
    assert talking.ended() == 0
    assert stage.of("input_audio_buffer.append") == [], "who writes has no microphone open"


class Lines:
    """A standard input that is a pipe."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def isatty(self) -> bool:
        return False


def test_a_broken_connection_comes_back(
    stage: FakeStage, scene: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Lines("Hello.\n"))
    talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--text")
    stage.wait_event("conversation.item.create")
    stage.hang_up()
    answer(stage, 0, "Hello.")
    assert talking.ended() == 0
    assert stage.connections == 2
    assert capsys.readouterr().out.count("Answer 0.") == 1, "nothing is lost, and nothing comes twice"


def test_a_cut_line_is_not_heard_to_its_end(stage: FakeStage, scene: Path, voice: Path, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--wav", voice, "--record", heard)
    stage.wait_event("input_audio_buffer.append", 40)
    stage.speak("item_9", "Ethan", "For hours", 5.0, end=False)
    stage.wait_for(lambda: [e for e in stage.of("drama.playback") if e["played_ms"] >= 200], "some of it")
    stage.clear("item_9")
    stage.sound("item_9", 1.0)
    answer(stage, 0, "stop")
    assert talking.ended() == 0
    cut = [event["played_ms"] for event in stage.of("drama.playback") if event["item_id"] == "item_9"]
    recorded, _ = sf.read(heard)
    seconds = np.count_nonzero(np.abs(recorded) > 0.01) / RATE_HZ
    assert seconds == pytest.approx(cut[-1] / 1000 + 0.3, abs=0.05)
    assert cut[-1] < 4000


def test_a_scene_that_the_server_refuses_ends_it_with_the_reason(stage: FakeStage, scene: Path, voice: Path) -> None:
    stage.answers_open = False
    talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--wav", voice)
    stage.wait_event("drama.scene.open")
    stage.tell({"type": "error", "error": {"code": "scene", "message": "the rehearsal speaks de and en"}})
    talking.ended()
    assert "speaks de and en" in str(talking.error)


def test_a_full_house_is_said(monkeypatch: pytest.MonkeyPatch, scene: Path, voice: Path) -> None:
    tokens(monkeypatch, {"value": TOKEN})
    with FakeStage(refuses=1013) as stage, pytest.raises(StageError, match=r"places on stage are taken|no room"):
        talk(scene, "--as", "Mara", "--server", stage.url, "--wav", voice)


def test_no_server_says_how_to_start_one(scene: Path, voice: Path) -> None:
    with pytest.raises(StageError, match="speechagents serve") as caught:
        talk(scene, "--server", "http://127.0.0.1:9", "--wav", voice)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (("--as", "Nobody", "--text"), "Ethan, Sophia, Mara"),
        (("--server", "ftp://x", "--text"), "7860"),
        (("--server", "http://name:word@x", "--text"), "--user"),
        (("--wav", "no-such.wav"), "no-such.wav"),
        ((), "sounddevice"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_opened(scene: Path, arguments: tuple[str, ...], clue: str) -> None:
    with pytest.raises(SpeechAgentsError, match=clue) as caught:
        talk(scene, *arguments)
    assert caught.value.exit_code == 2
    assert clean_name(str(caught.value))


def test_a_login_is_asked_for_and_given(
    monkeypatch: pytest.MonkeyPatch, scene: Path, voice: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = httpx.BasicAuth("ann", "s3cret")._auth_header
    tokens(monkeypatch, {"value": TOKEN}, login=login)
    with FakeStage() as stage:
        with pytest.raises(SettingsError, match="--user"):
            talk(scene, "--server", stage.url, "--wav", voice)
        monkeypatch.setenv("SPEECHAGENTS_PASSWORD", "wrong")
        with pytest.raises(SettingsError, match="does not know ann"):
            talk(scene, "--server", stage.url, "--wav", voice, "--user", "ann")
        monkeypatch.setenv("SPEECHAGENTS_PASSWORD", "s3cret")
        talking = Talking(scene, "--as", "Mara", "--server", stage.url, "--wav", voice, "--user", "ann")
        stage.wait_event("input_audio_buffer.append", 40)
        answer(stage, 0, "hello")
        assert talking.ended() == 0
    said = capsys.readouterr()
    assert "s3cret" not in said.out + said.err


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Server("http://localhost:1", "ann", "s3cret"))


@pytest.mark.parametrize(("body", "status"), [({}, 200), ([], 200), ({"value": 3}, 200), ({"value": "x"}, 404)])
def test_another_kind_of_server_is_recognised(
    monkeypatch: pytest.MonkeyPatch, scene: Path, body: object, status: int
) -> None:
    tokens(monkeypatch, body, status)
    with pytest.raises(StageError, match="is it a SpeechAgents server"):
        talk(scene, "--text")
