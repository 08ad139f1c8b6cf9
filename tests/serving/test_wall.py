"""The wall, with a small application behind it that says what reached it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from speechagents.serving.accounts import Accounts, add_account
from speechagents.serving.cookies import LOGIN_COOKIE, VISITOR_COOKIE
from speechagents.serving.doors import Doors
from speechagents.serving.gate import Gate
from speechagents.serving.settings import Allowance, ServeSettings
from speechagents.serving.tokens import Signer
from speechagents.serving.visitors import Visitor
from speechagents.serving.wall import Guards, Wall

from .conftest import PASSWORD

pytestmark = pytest.mark.anyio

MB = 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body as careless code does: any error is answered with 400."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    received = 0
    status = 200
    try:
        more = True
        while more:
            message = await receive()
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
    except Exception:  # noqa: BLE001 - as FastAPI does it
        status = 400
    visitor = scope.get("state", {}).get("visitor")
    kind = b"text/html; charset=utf-8" if scope["path"] == "/" else b"text/plain"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": b"<script>1</script>", "more_body": True})
    await send({"type": "http.response.body", "body": f"{visitor.id if visitor else 'nobody'} {received}".encode()})


Build = Callable[..., httpx.AsyncClient]


@pytest.fixture
def build(signer: Signer, tmp_path: Path) -> Build:
    def make(*, accounts: Accounts | None = None, base_url: str = "http://localhost:7860", **options: Any) -> Any:
        settings = ServeSettings(data=tmp_path, allowance=Allowance(upload_bytes=2 * MB), **options)
        wall = Wall(behind, Guards(settings, signer, Gate(signer, settings), accounts, Doors(["", "cast"])))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(wall), base_url=base_url)
        client.wall = wall  # type: ignore[attr-defined]
        return client

    return make


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    add_account(tmp_path / "users", "anna", PASSWORD)
    return Accounts(tmp_path / "users")


async def test_a_browser_is_the_same_visitor_as_long_as_it_shows_its_cookie(build: Build) -> None:
    async with build() as client:
        first = await client.get("/config")
        cookie = first.headers["set-cookie"]
        assert all(word in cookie for word in (VISITOR_COOKIE, "HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Secure" not in cookie, "this was plain HTTP"
        second = await client.get("/config")
        assert second.text == first.text
        assert "set-cookie" not in second.headers
        client.cookies.clear()
        assert (await client.get("/config")).text != first.text


async def test_a_forged_cookie_is_a_stranger_s(build: Build, signer: Signer) -> None:
    async with build() as client:
        for value in ("a" * 32, "x.y.z", ""):
            answer = await client.get("/config", headers={"cookie": f"{VISITOR_COOKIE}={value}"})
            assert VISITOR_COOKIE in answer.headers["set-cookie"]
            assert "a" * 32 not in answer.text


async def test_in_the_frame_of_a_space_cookies_are_kept_apart_by_the_site_around_it(build: Build) -> None:
    async with build(on_space=True, host="someone.hf.space", base_url="http://someone.hf.space") as client:
        cookie = (await client.get("/config")).headers["set-cookie"]
        assert all(word in cookie for word in ("SameSite=None", "Secure", "Partitioned", "HttpOnly"))


async def test_over_tls_cookies_are_for_tls(build: Build) -> None:
    async with build() as client:
        cookie = (await client.get("/config", headers={"x-forwarded-proto": "https"})).headers["set-cookie"]
        assert "Secure" in cookie


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_pages_of_other_sites_get_nothing(build: Build, method: str) -> None:
    async with build() as client:
        answer = await client.request(method, "/gradio_api/queue/join", headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
        own = await client.request(method, "/gradio_api/queue/join", headers={"origin": "http://localhost:7860"})
        assert own.status_code == 200


async def test_a_name_that_was_pointed_here_gets_nothing(build: Build) -> None:
    async with build(base_url="http://evil.example:7860") as client:
        assert (await client.get("/", headers={"origin": "http://evil.example:7860"})).status_code == 421


async def test_shut_doors_are_shut_for_everybody(build: Build) -> None:
    async with build() as client:
        for path in ("/gradio_api/file=/etc/passwd", "/monitoring", "/nothing", "/v1/other"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/cast")).status_code == 200


async def test_every_answer_has_its_headers_and_a_page_the_hashes_of_its_scripts(build: Build) -> None:
    async with build() as client:
        page, data, refused = [await client.get(path) for path in ("/", "/config", "/nothing")]
        for answer in (page, data, refused):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "microphone=(self)" in answer.headers["permissions-policy"]
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors" in answer.headers["content-security-policy"]
        assert "script-src 'self' 'unsafe-eval' blob: 'sha256-" in page.headers["content-security-policy"]
        assert "default-src 'none'" in data.headers["content-security-policy"]
        assert page.text.startswith("<script>1</script>")


@pytest.mark.parametrize(("path", "most"), [("/gradio_api/queue/join", 8 * MB), ("/gradio_api/upload", 2_100_000)])
async def test_a_body_that_is_too_large_is_refused_unread(build: Build, path: str, most: int) -> None:
    async with build() as client:
        assert (await client.post(path, content=bytes(most))).text.endswith(f" {most}")
        assert (await client.post(path, content=bytes(most + 1))).status_code == 413
        odd = await client.post(path, content=b"x", headers={"content-length": "-1"})
        assert odd.status_code == 413


async def test_a_body_without_a_length_is_counted_as_it_comes(build: Build) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MB:
            sent += 100_000
            yield bytes(100_000)

    async with build() as client:
        answer = await client.post("/gradio_api/upload", content=endless())
        assert answer.status_code == 413, "though what is behind the wall would have said 400"
        assert "larger" in answer.json()["error"]
        assert sent < 3 * MB


async def test_who_comes_too_often_has_to_wait(build: Build) -> None:
    async with build() as client:
        await client.get("/config")
        answers = [(await client.get("/config")).status_code for _ in range(600)]
        assert answers.count(429) > 50
        late = await client.get("/config")
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/assets/index.js")).status_code == 200
        client.cookies.clear()
        assert (await client.get("/config")).status_code == 200, "others do not pay for it"


async def test_without_a_login_nothing_is_to_be_had(build: Build, accounts: Accounts) -> None:
    async with build(accounts=accounts) as client:
        for path in ("/config", "/gradio_api/info", "/assets/x.js", "/studio/studio.js", "/voices/adam.wav"):
            assert (await client.get(path)).status_code == 401
        for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/v1/realtime/client_secrets"):
            assert (await client.post(path)).status_code == 401
        page = await client.get("/cast", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/cast")
        assert (await client.get("/healthz")).status_code == 200
        assert "set-cookie" not in page.headers, "a stranger is nobody here"


async def test_name_and_password_may_come_with_every_request(
    build: Build, accounts: Accounts, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    admits = accounts.admits

    def noting(name: str, password: str) -> bool:
        checked.append(name)
        return admits(name, password)

    monkeypatch.setattr(accounts, "admits", noting)
    async with build(accounts=accounts) as client:
        for _ in range(5):
            answer = await client.get("/config", auth=("anna", PASSWORD))
            assert answer.text.split(">")[-1].startswith(Visitor.named("anna", signer).id)
        assert checked == ["anna"], "the costly check is done once"
        assert (await client.get("/config", auth=("anna", "wrong"))).status_code == 401


async def test_passwords_cannot_be_tried_out(build: Build, accounts: Accounts) -> None:
    async with build(accounts=accounts) as client:
        tried = [(await client.get("/config", auth=("anna", f"guess {n}"))).status_code for n in range(14)]
        assert tried[:10] == [401] * 10
        assert set(tried[10:]) == {429}


async def test_a_login_cookie_ends_with_the_password_it_was_given_for(
    build: Build, accounts: Accounts, signer: Signer, tmp_path: Path
) -> None:
    from speechagents.serving.cookies import Cookies

    cookies = Cookies(signer, framed=False)
    value = cookies.for_known("anna", accounts.mark("anna") or "", secure=False).split(";")[0].partition("=")[2]
    async with build(accounts=accounts) as client:
        headers = {"cookie": f"{LOGIN_COOKIE}={value}"}
        assert (await client.get("/config", headers=headers)).status_code == 200
        add_account(tmp_path / "users", "anna", "a new password")
        assert (await client.get("/config", headers=headers)).status_code == 401


async def shake_hands(client: Any, path: str, headers: dict[str, str]) -> int:
    """What a socket is answered: 101, or the status it is refused with."""
    scope = {
        "type": "websocket",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "localhost:7860", **headers}.items()],
        "client": ("127.0.0.1", 1),
        "extensions": {"websocket.http.response": {}},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await client.wall(scope, receive, send)
    return 101 if sent[0]["type"] == "websocket.accept" else int(sent[0]["status"])


async def test_sockets_pass_the_same_wall(build: Build) -> None:
    client = build()
    assert await shake_hands(client, "/v1/realtime", {"origin": "http://localhost:7860"}) == 101
    assert await shake_hands(client, "/v1/realtime", {"origin": "https://evil.example"}) == 403
    assert await shake_hands(client, "/v1/realtime", {"host": "evil.example"}) == 421
    assert await shake_hands(client, "/other", {}) == 404


async def test_sockets_need_the_login_too(build: Build, accounts: Accounts, signer: Signer, tmp_path: Path) -> None:
    client = build(accounts=accounts)
    gate = Gate(signer, ServeSettings(data=tmp_path))
    token, _ = gate.issue_token(Visitor.named("anna", signer).id)
    assert await shake_hands(client, "/v1/realtime", {}) == 401
    assert await shake_hands(client, "/v1/realtime", {"authorization": "Bearer forged"}) == 401
    assert await shake_hands(client, "/v1/realtime", {"authorization": f"Bearer {token}"}) == 101
    offered = f"realtime, openai-insecure-api-key.{token}"
    assert await shake_hands(client, "/v1/realtime", {"sec-websocket-protocol": offered}) == 101
