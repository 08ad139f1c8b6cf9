"""A play that is performed by voices behind a server, from the screenplay to the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.errors import SynthesisError
from speechagents.events import Finished
from speechagents.settings import PerformSettings
from speechagents.voices.openai_speech import SERVER_VARIABLE
from tests.conftest import finished
from tests.controllers.fault_server import complains, no_rule
from tests.voices.fault_speech_server import SpeechServer

MADE_BY = "speechagents.voices.openai_speech:make_openai_speech"
SETTINGS = PerformSettings(formats=("vtt",))


@pytest.fixture
def by_server(
    install_voices: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[SpeechServer], Studio]:
    def studio(server: SpeechServer) -> Studio:
        install_voices(MADE_BY)
        monkeypatch.setenv(SERVER_VARIABLE, server.url)
        return Studio()

    return studio


def test_a_play_is_spoken_by_the_voices_of_a_server_and_nothing_twice(
    by_server: Callable[[SpeechServer], Studio], play: Path, tmp_path: Path
) -> None:
    with SpeechServer() as server, by_server(server) as studio:
        events = list(studio.perform(play, out=tmp_path / "play", settings=SETTINGS))
        done: Finished = finished(events)
        assert not done.failed
        spoken = len(server.received)
        assert spoken >= 6
        assert len({received.json["voice"] for received in server.received}) == 2, "everybody has a voice of their own"
        list(studio.perform(play, out=tmp_path / "play", settings=SETTINGS, resume=True))
        assert len(server.received) == spoken
    assert "flood" in next((tmp_path / "play").rglob("*.vtt")).read_text("utf-8")


def test_a_run_that_a_dead_server_ended_goes_on_where_it_was(
    by_server: Callable[[SpeechServer], Studio], play: Path, tmp_path: Path
) -> None:
    with SpeechServer() as server, by_server(server) as studio:
        server.rule = lambda received: (
            complains(401, "the key has expired") if "flood" in received.json["input"] else None
        )
        with pytest.raises(SynthesisError, match="401"):
            list(studio.perform(play, out=tmp_path / "play", settings=SETTINGS))
        server.rule = no_rule
        again = list(studio.perform(play, out=tmp_path / "play", settings=SETTINGS, resume=True))
        assert not finished(again).failed
