"""What programs may call, seen from outside: through Gradio's own client against a server that really listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gradio_client import Client  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]

from speechagents.serving.serve import Served
from speechagents.ui.api import PUBLIC
from tests.conftest import PLAY

# What Gradio's server and its client leave behind is no fault of ours.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[Client]:
    caller = Client(server.url, verbose=False)
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def performed(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.predict(script=PLAY, formats=["mp3", "vtt"], api_name="/perform")
    return answer


def test_the_whole_public_api_is_these_four(client: Client) -> None:
    api = client.view_api(print_info=False, return_format="dict")
    assert isinstance(api, dict)
    assert sorted(api["named_endpoints"]) == ["/improvise", "/perform", "/production", "/voices"]
    assert api["unnamed_endpoints"] == {}
    assert sorted(f"/{name}" for name in PUBLIC) == sorted(api["named_endpoints"])


def test_every_argument_has_a_type_and_every_endpoint_a_description(client: Client) -> None:
    api = client.view_api(print_info=False, return_format="dict")
    assert isinstance(api, dict)
    for endpoint in api["named_endpoints"].values():
        assert endpoint["description"]
        assert all(parameter["python_type"]["type"] != "Any" for parameter in endpoint["parameters"])
    names = [parameter["parameter_name"] for parameter in api["named_endpoints"]["/perform"]["parameters"]]
    assert names == ["script", "formats", "master", "narrator", "stems", "language", "seed", "wait_s"]


def test_every_other_handler_of_the_app_is_private(server: Served) -> None:
    public = {fn.api_name for fn in server.demo.fns.values() if fn.api_visibility != "private"}
    assert public == set(PUBLIC)


def test_the_pages_own_handlers_cannot_be_called_by_name(server: Served) -> None:
    private = [str(fn.api_name) for fn in server.demo.fns.values() if fn.fn is not None and fn.api_name not in PUBLIC]
    assert len(private) > 20
    for name in private:
        for door in ("call", "call/v2", "run", "api"):
            answer = httpx.post(f"{server.url}gradio_api/{door}/{name}", json={"data": []})
            assert answer.status_code in (403, 404), f"{door}/{name}"
    with pytest.raises(ValueError, match="Cannot find a function"):
        Client(server.url, verbose=False).predict(api_name=f"/{private[0]}")


def test_a_script_is_performed_and_its_files_can_be_fetched(performed: dict[str, Any]) -> None:
    assert (performed["state"], performed["lines"], performed["lines_spoken"]) == ("done", 6, 6)
    assert performed["error"] == ""
    by_name = {file["name"]: file for file in performed["files"]}
    assert set(by_name) == {"programme.mp3", "programme.vtt", "programme.json"}
    assert by_name["programme.mp3"]["meets"] is True
    for file in by_name.values():
        assert len(httpx.get(file["url"]).content) == file["size_bytes"]


def test_a_ticket_finds_its_production_again_from_anywhere(server: Served, performed: dict[str, Any]) -> None:
    elsewhere = Client(server.url, verbose=False)
    again = elsewhere.predict(performed["production"], api_name="/production")
    assert (again["title"], again["state"]) == ("The Umbrella", "done")


@pytest.mark.parametrize("spoil", ["id alone", "another key", "another id"])
def test_without_its_ticket_nobody_finds_it(server: Served, performed: dict[str, Any], spoil: str) -> None:
    id_, _, key = performed["production"].partition(".")
    ticket = {"id alone": id_, "another key": f"{id_}.{key[:-4]}AAAA", "another id": f"{'0' * 16}.{key}"}[spoil]
    with pytest.raises(AppError, match="no such production"):
        Client(server.url, verbose=False).predict(ticket, api_name="/production")


def test_a_scene_is_improvised_from_one_sentence(client: Client) -> None:
    answer = client.predict(
        idea="Two cooks quarrel about salt.", roles=2, turns=4, formats=["vtt"], api_name="/improvise"
    )
    assert (answer["state"], answer["kind"], answer["error"]) == ("done", "improvise", "")
    assert answer["duration_s"] > 1.0


def test_a_program_that_does_not_wait_asks_later(client: Client) -> None:
    answer = client.predict(script="ANNA: Hello.\n" * 30, formats=["vtt"], wait_s=0, api_name="/perform")
    assert answer["state"] in ("waiting", "running")
    for _ in range(600):
        later = client.predict(answer["production"], api_name="/production")
        if later["state"] == "done":
            break
    assert later["lines_done"] == 30


def test_the_voices_have_samples(client: Client) -> None:
    voices = client.predict(api_name="/voices")
    assert {"id", "gender", "age", "accent", "f0_hz", "licence", "sample_url"} <= set(voices[0])
    sample = httpx.get(voices[0]["sample_url"])
    assert sample.content.startswith(b"RIFF")


@pytest.mark.parametrize(
    ("endpoint", "arguments", "part"),
    [
        ("/perform", {"script": ""}, "empty"),
        ("/perform", {"script": "ANNA: Hi.\n/* open"}, ":2:"),
        ("/perform", {"script": PLAY, "master": "loud"}, "unknown master"),
        ("/improvise", {}, "neither a scene nor an idea"),
        ("/improvise", {"scene": "title: [1"}, "scene"),
        ("/improvise", {"idea": "Two people meet.", "policy": "dictator"}, "no turn policy"),
    ],
)
def test_a_fault_is_told_in_its_own_words(client: Client, endpoint: str, arguments: dict[str, Any], part: str) -> None:
    with pytest.raises(AppError, match=part):
        client.predict(**arguments, api_name=endpoint)
