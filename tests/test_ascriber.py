"""Who is asked for a second opinion is named by the user, and a book that is read aloud is asked about once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.ascriber import asks, choose_ascriber, pinned
from speechagents.attribution.answers import FILE_NAME
from speechagents.cli import main
from speechagents.controllers.discovery import FoundServer
from speechagents.errors import SettingsError
from speechagents.events import Event, Finished, SpeakersAsked, Started, Warned
from speechagents.production.folder import Production
from speechagents.settings import ReadSettings
from speechagents.stream import read_stream
from speechagents.terminal import show
from tests.controllers.fault_server import FaultServer, complains, says, sends
from tests.controllers.novels import answer
from tests.test_reading_aloud import BOOK, digests, know

ASKED = {"formats": ("mp3",), "controller": "openai", "model": "tiny", "unsure": 1.0}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.otherwise = says(answer((1, "narrator"), (2, "unsure")))
        yield running


@pytest.fixture
def nobody_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechagents.ascriber.find_servers", lambda: ())


def read(studio: Studio, out: Path, **options: object) -> list[Event]:
    know(out, BOOK)
    return list(studio.read(BOOK, out=out, settings=ReadSettings(**{**ASKED, **options})))  # type: ignore[arg-type]


def speakers(out: Path) -> list[str]:
    """Who says the two quotations of the book."""
    return [one.speaker for one in read_stream(out / "stream.jsonl") if one.text.strip("“”,?") in QUOTED]


QUOTED = ("Is anybody there", "Good night")


def test_nobody_is_asked_unless_somebody_is_named() -> None:
    assert not asks(ReadSettings())
    assert not asks(ReadSettings(unsure=0.9))
    for named in ({"controller": "openai"}, {"model": "tiny"}, {"server": "http://localhost:1/v1"}):
        assert asks(ReadSettings(**named))  # type: ignore[arg-type]


def test_a_controller_that_asks_no_language_model_is_refused() -> None:
    with pytest.raises(SettingsError, match="rehearsal cannot say who speaks; name one"):
        choose_ascriber("rehearsal")
    with pytest.raises(SettingsError, match="no controller named 'nobody'"):
        choose_ascriber("nobody")


def test_a_server_is_asked_by_the_controller_that_talks_to_servers() -> None:
    assert "openai 1 tiny" in choose_ascriber("", model="tiny", server="http://localhost:1/v1").identity
    with pytest.raises(SettingsError):
        choose_ascriber("openai", server="ftp://localhost")


@pytest.mark.usefixtures("nobody_around")
def test_without_a_server_it_is_said_how_to_name_one() -> None:
    for choose in (lambda: choose_ascriber("openai"), lambda: pinned(ReadSettings(model="tiny"))):
        with pytest.raises(SettingsError, match="--server URL"):
            choose()


def test_a_server_that_was_found_is_asked_again_whatever_runs_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    found = FoundServer("Ollama", "http://localhost:11434/v1", ("first", "second"))
    monkeypatch.setattr("speechagents.ascriber.find_servers", lambda: (found,))
    assert choose_ascriber("").identity == "prompted 1 openai 1 first"
    told = pinned(ReadSettings(controller="openai", seed=3))
    assert (told.controller, told.model, told.server, told.seed) == ("openai", "first", found.base_url, 3)
    assert pinned(ReadSettings(model="second")).model == "second"
    assert pinned(told) == told
    for settings in (ReadSettings(), ReadSettings(controller="transformers", model="x")):
        assert pinned(settings) == settings


def test_a_book_is_asked_about_once_and_read_as_the_model_says(
    studio: Studio, server: FaultServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = read(studio, out, server=server.url)
    assert speakers(out) == ["NARRATOR", "Emma"]
    assert [event for event in events if isinstance(event, SpeakersAsked)] == [SpeakersAsked(0, 1), SpeakersAsked(1, 1)]
    assert len(server.received) == 1
    assert next(at for at, event in enumerate(events) if isinstance(event, Started)) == 2
    before = digests(out / "exports")
    again = list(studio.resume(out))
    assert len(server.received) == 1
    assert isinstance(again[-1], Finished)
    assert again[-1].spoken == 0
    assert digests(out / "exports") == before


def test_a_production_is_gone_on_with_when_the_server_is_gone(studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with FaultServer() as server:
        server.otherwise = says(answer((1, "narrator")))
        read(studio, out, server=server.url)
    events = list(studio.resume(out))
    assert isinstance(events[-1], Finished)
    assert events[-1].spoken == 0
    assert not [event for event in events if isinstance(event, Warned) and "language model" in event.message]
    assert speakers(out) == ["NARRATOR", "Emma"]


@pytest.mark.parametrize(
    "fault", [complains(401, "who are you?"), complains(500, "busy"), sends(b"<html>"), says("No.")]
)
def test_a_server_that_fails_costs_its_answers_and_never_the_book(
    studio: Studio, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    monkeypatch.setattr("speechagents.controllers.retrying.Backoff.wait_s", lambda *_, **__: 0.0)
    server.otherwise = fault  # type: ignore[assignment]
    out = tmp_path / "out"
    events = read(studio, out, server=server.url)
    assert isinstance(events[-1], Finished)
    assert speakers(out) == ["Emma", "Emma"]
    (warning,) = [event.message for event in events if isinstance(event, Warned) and "language model" in event.message]
    assert "2 quotations keep the speakers" in warning


def test_how_far_the_asking_is_stands_in_the_log() -> None:
    log = io.StringIO()
    end = Finished(Path("out"), (), lines=0, roles=0, duration_s=0.0, seconds=1.0, spoken=0, failed=(), gates={})
    show([SpeakersAsked(0, 12), SpeakersAsked(8, 12), end], stream=log)
    assert log.getvalue().splitlines()[:2] == [
        "asked who speaks: 0 of 12 questions",
        "asked who speaks: 8 of 12 questions",
    ]


def test_the_options_of_the_command_are_those_of_the_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ReadSettings] = []

    def read_nothing(self: Studio, book: Path, *, settings: ReadSettings, **_: object) -> Iterator[Event]:
        seen.append(settings)
        yield Finished(tmp_path, (), lines=0, roles=0, duration_s=0.0, seconds=1.0, spoken=0, failed=(), gates={})

    monkeypatch.setattr(Studio, "read", read_nothing)
    (tmp_path / "book.txt").write_text("A book.")
    command = ["read", str(tmp_path / "book.txt"), "--out", str(tmp_path / "out")]
    main(command)
    main([*command, "--controller", "openai", "--model", "m", "--server", "http://localhost:1/v1", "--unsure", "0.8"])
    default, named = seen
    assert (default.controller, default.model, default.server, default.unsure) == ("", "", "", 0.6)
    assert (named.controller, named.model, named.server, named.unsure) == ("openai", "m", "http://localhost:1/v1", 0.8)
    assert main([*command, "--unsure", "1.5"]) == 2
    assert "not between 0 and 1" in capsys.readouterr().err


def test_the_command_attribute_writes_what_the_model_says(server: FaultServer, tmp_path: Path) -> None:
    novel, out = tmp_path / "novel.txt", tmp_path / "out.json"
    novel.write_text("Emma came in.\n\n“It rains,” said Emma.\n\n“So I see,” said Tom.\n", "utf-8")
    command = ["attribute", str(novel), "--json", str(out)]
    assert main(command) == 0
    alone = json.loads(out.read_text("utf-8"))
    assert [one["speaker"] for one in alone] == ["Emma", "Tom"]
    assert main([*command, "--server", server.url, "--model", "tiny", "--unsure", "1"]) == 0
    told = json.loads(out.read_text("utf-8"))
    assert [one["speaker"] for one in told] == [None, "Tom"]
    assert len(server.received) == 1
    assert [(one["start"], one["end"], one["kind"]) for one in told] == [
        (one["start"], one["end"], one["kind"]) for one in alone
    ]


def test_a_folder_that_holds_answers_alone_can_be_read_into(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{}\n")
    with Production(tmp_path) as production:
        assert production.record() == {}
