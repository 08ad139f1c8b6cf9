"""A server that really listens, asked as browsers and programs ask it."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from gradio_client import Client  # type: ignore[import-untyped]
from gradio_client.exceptions import AuthenticationError  # type: ignore[import-untyped]

from speechagents import Studio
from speechagents.audio import Audio
from speechagents.errors import ServeError
from speechagents.events import Event, SoundReady
from speechagents.serving.cookies import LOGIN_COOKIE, VISITOR_COOKIE
from speechagents.serving.serve import Served, start
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Purpose
from speechagents.serving.visitors import Visitor

from .conftest import PASSWORD, put_production

# What Gradio's server and its client leave behind is no fault of ours.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

HTML = {"accept": "text/html"}


class Browser:
    """Keeps cookies, and knows which visitor it is."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.client = httpx.Client(base_url=served.url)

    def __enter__(self) -> Browser:
        self.client.get("/", headers=HTML)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def visitor(self) -> Visitor:
        parts = self.served.house.signer.read(Purpose.VISITOR, self.client.cookies[VISITOR_COOKIE])
        assert parts is not None
        return Visitor(parts[0])


@pytest.fixture
def one(server: Served) -> Iterator[Browser]:
    with Browser(server) as browser:
        yield browser


@pytest.fixture
def other(server: Served) -> Iterator[Browser]:
    with Browser(server) as browser:
        yield browser


def test_it_is_healthy_and_shows_its_pages(server: Served) -> None:
    assert httpx.get(f"{server.url}healthz").json() == {"status": "ok"}
    for page in ("", "second"):
        answer = httpx.get(f"{server.url}{page}", headers=HTML)
        assert answer.status_code == 200
        assert "Pages of tests" in answer.text


def test_a_page_asks_no_other_server(server: Served) -> None:
    page = httpx.get(server.url, headers=HTML)
    loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert [address for address in loaded if urlsplit(address).netloc] == []
    assert json.loads(httpx.get(f"{server.url}config").text)["analytics_enabled"] is False


def test_gradio_s_file_doors_are_shut(server: Served, one: Browser) -> None:
    upload = one.client.post("/gradio_api/upload", files={"files": ("a.txt", b"hello")}).json()
    assert one.client.get(f"/gradio_api/file={upload[0]}").status_code == 404
    for path in ("/gradio_api/file=/etc/passwd", "/gradio_api/dev/reload", "/monitoring", "/gradio_api/token"):
        assert one.client.get(path).status_code == 404
    assert not Path(upload[0]).is_relative_to("/tmp/gradio"), "uploads lie with the data of this server"  # noqa: S108


def test_the_public_endpoint_is_all_that_is_told_of(server: Served) -> None:
    told = httpx.get(f"{server.url}gradio_api/info").json()
    assert list(told["named_endpoints"]) == ["/whoami"]
    assert told["unnamed_endpoints"] == {}


def test_what_pages_do_themselves_cannot_be_called_by_name(server: Served, one: Browser) -> None:
    handlers = [fn.api_name for fn in server.demo.fns.values()]
    assert len(handlers) > 2
    answers = {name: one.client.post(f"/gradio_api/call/{name}", json={"data": ["x"]}).status_code for name in handlers}
    assert [name for name, status in answers.items() if status != 404] == ["whoami"]
    assert one.client.post("/gradio_api/run/whoami", json={"data": ["x"]}).status_code == 404


def test_a_program_is_one_visitor_from_call_to_call(server: Served) -> None:
    client = Client(server.url, verbose=False)
    first, second = (client.predict("I am", api_name="/whoami") for _ in range(2))
    assert first == second
    assert re.fullmatch(r"I am [0-9a-f]{32}", first)
    assert Client(server.url, verbose=False).predict("I am", api_name="/whoami") != first
    client.close()


def test_a_file_is_its_visitor_s_alone(server: Served, one: Browser, other: Browser) -> None:
    house = server.house
    production = put_production(house, one.visitor, 'A "play"/Ä')
    link = house.link(one.visitor, production, "exports/programme.mp3")
    answer = one.client.get(link)
    assert answer.status_code == 200
    assert answer.content == bytes(range(256)) * 8
    assert answer.headers["content-type"] == "audio/mpeg"
    assert "inline" in answer.headers["content-disposition"]
    assert "%C3%84.mp3" in answer.headers["content-disposition"]
    part = one.client.get(link, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert other.client.get(link).status_code == 403, "another visitor has found the link"
    assert httpx.get(f"{server.url[:-1]}{link}").status_code == 403, "nobody has found the link"
    carried = house.carried_link(one.visitor, production, "exports/programme.mp3")
    assert httpx.get(f"{server.url[:-1]}{carried}").status_code == 200


def test_no_key_no_file(server: Served, one: Browser, other: Browser) -> None:
    house = server.house
    production = put_production(house, one.visitor)
    place = f"/productions/{production}/files"
    key = urlsplit(house.link(one.visitor, production, "exports/programme.mp3")).query
    for address in (
        f"{place}/exports/programme.mp3",
        f"{place}/exports/programme.mp3?key=forged",
        f"{place}/production.json?{key}",
        f"{place}/exports/../production.json?{key}",
        f"{place}/exports/%2e%2e/%2e%2e/%2e%2e/card.json?{key}",
        f"/productions/{production}/zip?{key}",
        f"/productions/{production}/listen?{key}",
        f"/productions/{'0' * 16}/files/exports/programme.mp3?{key}",
    ):
        assert one.client.get(address).status_code in (403, 404), address
    for name in ("steps.jsonl", "../card.json", "../../../secret.key", "/etc/passwd", "exports"):
        assert one.client.get(house.link(one.visitor, production, name)).status_code in (403, 404), name
    assert other.client.get(house.link(other.visitor, production, "exports/programme.mp3")).status_code == 404
    house.delete(one.visitor, production)
    assert one.client.get(f"{place}/exports/programme.mp3?{key}").status_code == 404


def test_a_take_can_be_played_and_what_is_no_sound_is_no_page(server: Served, one: Browser) -> None:
    production = put_production(server.house, one.visitor)
    take = one.client.get(server.house.link(one.visitor, production, f"takes/{'0' * 64}.flac"))
    assert (take.content, take.headers["content-type"]) == (b"fLaC", "audio/flac")
    record = one.client.get(server.house.link(one.visitor, production, "production.json"))
    assert "attachment" in record.headers["content-disposition"]
    assert "sandbox" in record.headers["content-security-policy"]


def test_a_production_can_be_taken_home(server: Served, one: Browser, other: Browser) -> None:
    production = put_production(server.house, one.visitor)
    link = server.house.zip_link(one.visitor, production)
    answer = one.client.get(link)
    assert "My%20play.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert "My play/exports/programme.mp3" in packed.namelist()
    assert other.client.get(link).status_code == 403


def test_a_production_can_be_listened_to_while_it_is_made(server: Served, one: Browser, other: Browser) -> None:
    production = put_production(server.house, one.visitor)
    go_on = threading.Event()
    sound = Audio(np.random.default_rng(7).normal(0, 0.1, (441_000, 2)).astype(np.float32), 44_100)

    def events() -> Iterator[Event]:
        yield SoundReady(0.0, 10.0, read=lambda: sound)
        assert go_on.wait(30)
        yield SoundReady(10.0, 10.0, read=lambda: sound)

    link = server.house.listen_link(one.visitor, production)
    assert one.client.get(link).status_code == 404, "nothing is made yet"
    run = server.house.start(one.visitor, production, "perform", events)
    assert other.client.get(link).status_code == 403
    with one.client.stream("GET", link) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        blocks = answer.iter_bytes()
        heard = next(blocks)
        assert len(heard) > 1_000, "before the production is finished"
        assert not run.over
        go_on.set()
        heard += b"".join(blocks)
    assert run.wait(30)
    assert len(heard) == run.sound.path.stat().st_size
    late = one.client.get(link, headers={"range": "bytes=0-99"})
    assert (late.status_code, late.content) == (206, heard[:100])


def test_who_stops_listening_makes_room(server: Served, one: Browser) -> None:
    production = put_production(server.house, one.visitor)
    go_on = threading.Event()

    def events() -> Iterator[Event]:
        yield SoundReady(0.0, 1.0, read=lambda: Audio(np.zeros((44_100, 2), np.float32), 44_100))
        assert go_on.wait(60)

    run = server.house.start(one.visitor, production, "perform", events)
    link = server.house.listen_link(one.visitor, production)
    for _ in range(3):
        with one.client.stream("GET", link) as answer:
            next(answer.iter_bytes())
    open_answers = [one.client.send(one.client.build_request("GET", link), stream=True) for _ in range(6)]
    assert 429 in [answer.status_code for answer in open_answers], "but not for everybody at once"
    assert open_answers[0].status_code == 200
    for answer in open_answers:
        answer.close()
    go_on.set()
    assert run.wait(30)


def test_a_voice_can_be_heard(server: Served, one: Browser) -> None:
    voice = server.house.studio.synthesizer.voices[0].id
    answer = one.client.get(server.house.voice_link(voice))
    assert (answer.status_code, answer.content[:4]) == (200, b"RIFF")
    for name in ("nobody", "..%2f..%2fsecret", "x" * 500):
        assert one.client.get(f"/voices/{name}.wav").status_code == 404


def test_the_pages_own_files_are_kept_by_browsers(server: Served, one: Browser) -> None:
    link = server.house.static_link("studio.js")
    answer = one.client.get(link)
    assert "javascript" in answer.headers["content-type"]
    assert "immutable" in answer.headers["cache-control"]
    for path in ("/studio/", "/studio/../serve.py", "/studio/..%2f..%2fcli.py", "/studio/nothing.js"):
        assert one.client.get(path).status_code == 404


def test_a_token_for_the_stage_is_given_to_its_visitor(server: Served, one: Browser) -> None:
    answer = one.client.post("/v1/realtime/client_secrets", json={})
    assert answer.status_code == 200
    assert server.house.gate.visitor_of_token(answer.json()["value"]) == one.visitor.id
    foreign = one.client.post("/v1/realtime/client_secrets", json={}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_an_upload_that_is_too_large_is_refused(server: Served, one: Browser) -> None:
    most = server.house.settings.allowance.upload_bytes
    answer = one.client.post("/gradio_api/upload", files={"files": ("big.txt", bytes(most + 200_000))})
    assert answer.status_code == 413

    def unannounced() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(most // MB + 3):
            yield bytes(MB)

    headers = {"content-type": "multipart/form-data; boundary=x", "transfer-encoding": "chunked"}
    assert one.client.post("/gradio_api/upload", content=unannounced(), headers=headers).status_code == 413


MB = 1_000_000


def test_people_log_in_on_a_page(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url, headers=HTML) as client:
        away = client.get("/second")
        assert away.headers["location"] == "/login?next=/second"
        page = client.get(away.headers["location"])
        assert 'value="/second"' in page.text
        form = {"username": "anna", "password": "wrong password", "next": "/second"}
        wrong = client.post("/login", data=form)
        assert wrong.status_code == 401
        assert "do not belong together" in wrong.text
        assert LOGIN_COOKIE not in client.cookies
        right = client.post("/login", data={**form, "password": PASSWORD})
        assert (right.status_code, right.headers["location"]) == (303, "/second")
        assert "HttpOnly" in right.headers["set-cookie"]
        assert client.get("/second").status_code == 200
        client.get("/logout")
        assert client.get("/second").status_code == 303


@pytest.mark.parametrize(
    "onward", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "\n/x"]
)
def test_a_login_leads_nowhere_else(guarded: Served, onward: str) -> None:
    with httpx.Client(base_url=guarded.url, headers=HTML) as client:
        form = {"username": "anna", "password": PASSWORD, "next": onward}
        assert client.post("/login", data=form).headers["location"] == "/"


def test_a_form_of_another_site_logs_nobody_in(guarded: Served) -> None:
    answer = httpx.post(
        f"{guarded.url}login",
        data={"username": "anna", "password": PASSWORD},
        headers={"origin": "https://evil.example"},
    )
    assert answer.status_code == 403


def test_programs_log_in_and_are_the_visitor_of_their_name(guarded: Served) -> None:
    anna = Client(guarded.url, auth=("anna", PASSWORD), verbose=False)
    ben = Client(guarded.url, auth=("ben", PASSWORD), verbose=False)
    named = Visitor.named("anna", guarded.house.signer)
    assert anna.predict("I am", api_name="/whoami") == f"I am {named.id}"
    assert ben.predict("I am", api_name="/whoami") != f"I am {named.id}"
    with pytest.raises(AuthenticationError):
        Client(guarded.url, auth=("anna", "wrong password"), verbose=False)
    with pytest.raises(AuthenticationError):
        Client(guarded.url, verbose=False)


def test_with_a_login_files_need_login_and_key(guarded: Served) -> None:
    anna = Visitor.named("anna", guarded.house.signer)
    production = put_production(guarded.house, anna)
    link = guarded.house.link(anna, production, "exports/programme.mp3")
    carried = guarded.house.carried_link(anna, production, "exports/programme.mp3")
    address, carried_address = f"{guarded.url[:-1]}{link}", f"{guarded.url[:-1]}{carried}"
    assert httpx.get(address).status_code == 401
    assert httpx.get(carried_address).status_code == 401
    assert httpx.get(address, auth=("anna", PASSWORD)).status_code == 200
    assert httpx.get(address, auth=("ben", PASSWORD)).status_code == 403
    assert httpx.get(carried_address, auth=("ben", PASSWORD)).status_code == 200, "anna has given it to ben"


def test_a_taken_port_is_named(studio: Studio, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"127.0.0.1:{port}"):
            start(ServeSettings(port=port, data=tmp_path))
