"""What is sent to a model server and read from it, JSON or files, with limits on time and size.

Owns the connection, whose waits can be broken off at any byte (`loop_thread`). The server is not trusted: answers are
read up to a limit, packed ones not at all, redirects are not followed, and the key is struck out of whatever it says.
Does not know what requests mean (`chat_format`) or when to try again (`retrying`).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from speechagents.controllers.complaints import complaint_of, shown, without_secret
from speechagents.controllers.loop_thread import LoopThread
from speechagents.controllers.retrying import RETRIED_STATUSES, TransientError, http_date, retry_after_s
from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import SettingsError

Result = TypeVar("Result")

CONNECT_S = 10.0
"""Longest wait for a connection, in seconds."""

_MAX_COMPLAINT_BYTES = 16_384


class UnreachableError(TransientError):
    """No connection came about."""


class RefusedError(Exception):
    """The server does not want this request, and will not want it later.

    Args:
        status: HTTP status.
        said: What the server said about it, cleaned and cut; untrusted.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"the server refuses with status {status}" + (f": {said}" if said else ""))
        self.status = status
        self.said = said


class UnusableAnswerError(Exception):
    """The server answered with something else than was asked for, or with too much of it."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes, and what they are.

    Attributes:
        kind: Media type, as ``audio/wav``; a server's own word for it, in lower case, empty where it says none.
        data: The bytes.
    """

    kind: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is sent with a form.

    Attributes:
        field: Name of its field.
        name: Of the file; servers tell the format by its ending.
        content: What is in it.
    """

    field: str
    name: str
    content: Content


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take.

    Attributes:
        timeout_s: From the first byte sent to the last one read, in seconds.
        answer_bytes: Most bytes of an answer that are read.
        requests: Most requests at the same time.
    """

    timeout_s: float
    answer_bytes: int
    requests: int


class Exchange:
    """A server to exchange JSON and files with.

    Safe to use from several threads. Its own thread ends with `close`, and no later than the object.

    Args:
        address: Of the server.
        key: Asked for the key before each request; empty sends none.
        limits: For each request.

    Attributes:
        slots: Held by whoever sends requests, from the first try to the last: one that is told to wait keeps its
            place, and the server its peace.
    """

    def __init__(self, address: ServerAddress, *, key: Callable[[], str], limits: Limits) -> None:
        self._address = address
        self._key = key
        self._limits = limits
        self._client = http_client(address, requests=limits.requests)
        self.slots = asyncio.Semaphore(limits.requests)
        # Bound to the client, not to this object, which could else not go before its thread does.
        self._thread = LoopThread(name="model-server", finish=self._client.aclose)

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Begin work in the loop; cancelling the future breaks it off."""
        return self._thread.start(work)

    def close(self) -> None:
        """Break off what is under way and close all connections."""
        self._thread.close()

    async def get(self, path: str) -> object:
        """Read JSON; see `post` for errors."""
        return await self._request("GET", path, None)

    async def post(self, path: str, value: Mapping[str, Any]) -> object:
        """Send JSON and read the answer.

        Raises:
            UnreachableError: No connection came about.
            TransientError: The connection broke, the time was up, or the server is in trouble that may pass.
            RefusedError: The server refuses the request.
            UnusableAnswerError: The answer is no JSON, or too long.
            SettingsError: The key must not be sent.
        """
        return await self._request("POST", path, json_content(value))

    async def post_form(self, path: str, fields: Mapping[str, str | Sequence[str]], upload: Upload) -> object:
        """Send a form with a file and read JSON; see `post` for errors.

        Args:
            path: Of the request.
            fields: Text by name; a field with several values is sent once for each.
            upload: The file.
        """
        return await self._request("POST", path, _form_content(fields, upload))

    async def download(self, path: str, value: Mapping[str, Any], *, kinds: Sequence[str]) -> Content:
        """Send JSON and read a file; see `post` for errors.

        Args:
            path: Of the request.
            value: What is sent.
            kinds: Beginnings of the media types that will do; an answer that names none is taken too.
        """
        body = bytearray()
        kind = await self.listen(path, value, kinds=kinds, heard=body.extend)
        return Content(kind, bytes(body))

    async def listen(
        self, path: str, value: Mapping[str, Any], *, kinds: Sequence[str], heard: Callable[[bytes], None]
    ) -> str:
        """Send JSON and read a file while it comes; see `post` for errors, which may come after parts of the file.

        Args:
            path: Of the request.
            value: What is sent.
            kinds: Beginnings of the media types that will do; an answer that names none is taken too.
            heard: Called with each part, in order. What it raises breaks off the request.

        Returns:
            The media type that the answer claims to have.
        """
        key = self._key()
        asked = _Request("POST", self._address.url(path), json_content(value), ", ".join(map(_asked_kind, kinds)))

        def parts(response: httpx.Response) -> Callable[[bytes], None] | None:
            kind = _kind(response)
            return heard if response.is_success and (not kind or kind.startswith(tuple(kinds))) else None

        response, body = await _answer(self._client, asked, key=key, limits=self._limits, parts=parts)
        if parts(response) is None:
            said = _said(response, body, key)
            raise UnusableAnswerError(_wrong_kind(_kind(response), key, asked.accept) + (f" ({said})" if said else ""))
        return _kind(response)

    async def _request(self, method: str, path: str, content: Content | None) -> object:
        key = self._key()
        return await fetch(self._client, method, self._address.url(path), content=content, key=key, limits=self._limits)


def http_client(address: ServerAddress, *, requests: int) -> httpx.AsyncClient:
    """A client for one server; on this machine it goes there directly, whatever proxy the environment names.

    Raises:
        SettingsError: The environment names a proxy or certificates that cannot be used.
    """
    # Loading certificates takes longer than a local server needs to answer; one without TLS needs none.
    needs_none = address.loopback and not address.encrypted
    try:
        return httpx.AsyncClient(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if needs_none else True,
            follow_redirects=False,
            trust_env=not address.loopback,
            limits=httpx.Limits(max_connections=requests, max_keepalive_connections=requests, keepalive_expiry=60.0),
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise SettingsError(
            "the proxy or the certificates that the environment names (HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE) cannot "
            f"be used ({type(error).__name__})"
        ) from error


async def fetch(
    client: httpx.AsyncClient, method: str, url: str, *, content: Content | None, key: str, limits: Limits
) -> object:
    """One request and the JSON that answers it; see `Exchange.post` for errors."""
    asked = _Request(method, url, content, "application/json")
    response, body = await _answer(client, asked, key=key, limits=limits)
    return _parse(response, body, key)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    content: Content | None
    accept: str


def json_content(value: Mapping[str, Any]) -> Content:
    """JSON to be sent."""
    # Everything beyond ASCII is escaped, so that text with halves of surrogate pairs can be sent too.
    return Content("application/json", json.dumps(value, default=dict, allow_nan=False).encode("ascii"))


def _form_content(fields: Mapping[str, str | Sequence[str]], upload: Upload) -> Content:
    # Halves of surrogate pairs have no bytes in a form.
    texts = {
        name: value.encode("utf-8", "replace")
        if isinstance(value, str)
        else [one.encode("utf-8", "replace") for one in value]
        for name, value in fields.items()
    }
    files = {upload.field: (upload.name, upload.content.data, upload.content.kind)}
    form = httpx.Request("POST", "http://form.invalid", data=texts, files=files)
    return Content(form.headers["content-type"], form.read())


def _asked_kind(prefix: str) -> str:
    return f"{prefix}*" if prefix.endswith("/") else prefix


async def _answer(
    client: httpx.AsyncClient,
    asked: _Request,
    *,
    key: str,
    limits: Limits,
    parts: Callable[[httpx.Response], Callable[[bytes], None] | None] = lambda _: None,
) -> tuple[httpx.Response, bytes]:
    """A good answer, unpacked, whatever is in it: whole, or without the body where `parts` names who takes that."""
    headers = {"accept": asked.accept, "accept-encoding": "identity"}
    content = None if asked.content is None else asked.content.data
    if asked.content is not None:
        headers["content-type"] = asked.content.kind
    if key:
        headers["authorization"] = f"Bearer {key}"
    # The time for all of it is bounded here: a limit for each read, as the client has it, lets a server that sends
    # byte by byte go on for ever.
    timeout = httpx.Timeout(None, connect=CONNECT_S)
    packed = False
    try:
        async with (
            asyncio.timeout(limits.timeout_s),
            client.stream(asked.method, asked.url, content=content, headers=headers, timeout=timeout) as response,
        ):
            packed = response.headers.get("content-encoding", "identity").strip().casefold() != "identity"
            body, complete = await _read(response, limits.answer_bytes, None if packed else parts(response))
    except TimeoutError as error:
        raise TransientError(f"no whole answer within {limits.timeout_s:g} s; allow more with timeout_s") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        why = shown(str(error)) or "no answer"
        raise UnreachableError(f"no connection ({why})") from error
    except httpx.TransportError as error:
        raise TransientError(f"the connection broke ({type(error).__name__})") from error
    finally:
        client.cookies.clear()  # a server could pile them up
    if not response.is_success:
        raise _complaint(response, body, key)
    if not complete:
        raise UnusableAnswerError(f"the answer is longer than {limits.answer_bytes} bytes; allow more, or ask for less")
    if packed:
        raise UnusableAnswerError("the server packs its answer though it was asked not to")
    return response, body


async def _read(
    response: httpx.Response, answer_bytes: int, heard: Callable[[bytes], None] | None
) -> tuple[bytes, bool]:
    """As much of the body as may be read, empty if somebody heard it, and whether that is all."""
    most = answer_bytes if response.is_success else _MAX_COMPLAINT_BYTES
    body = bytearray()
    read = 0
    async for chunk in response.aiter_raw(chunk_size=None):
        kept = chunk[: most - read]
        read += len(chunk)
        (heard or body.extend)(kept)
        if read > most:
            return bytes(body), False
    return bytes(body), True


def _parse(response: httpx.Response, body: bytes, key: str) -> object:
    kind = _kind(response)
    if not kind.endswith(("/json", "+json")):
        raise UnusableAnswerError(_wrong_kind(kind, key, "JSON"))
    try:
        return without_secret(key, json.loads(body))
    except (ValueError, RecursionError) as error:
        raise UnusableAnswerError("the answer is broken JSON") from error


def _kind(response: httpx.Response) -> str:
    """The media type that an answer claims to have, in lower case."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().casefold()


def _wrong_kind(kind: str, key: str, wanted: str) -> str:
    named = shown(str(without_secret(key, kind))) or "something unnamed"
    return f"the server answers with {named}, not {wanted}; does the base URL end in /v1?"


def _complaint(response: httpx.Response, body: bytes, key: str) -> Exception:
    status = response.status_code
    if 300 <= status < 400:
        return RefusedError(status, "it redirects, which is not followed; give the final address as the base URL")
    # Some servers repeat a key they do not know with its middle left out; none of that is shown.
    said = "" if status == 401 else _said(response, body, key)
    # llama.cpp says with a 500 that its model cannot hear; no other try will change that.
    passes = status in RETRIED_STATUSES and not (status == 500 and "not supported" in said.casefold())
    if not passes:
        return RefusedError(status, said)
    now = http_date(response.headers.get("date")) or datetime.now(UTC)
    wait_s = retry_after_s(response.headers.get("retry-after"), now=now)
    return TransientError(
        f"the server answers with status {status}" + (f": {said}" if said else ""),
        retry_after_s=wait_s,
        status=status,
    )


def _said(response: httpx.Response, body: bytes, key: str) -> str:
    """A server's own words about an error, however it wraps them; empty for none."""
    kind = response.headers.get("content-type", "").casefold()
    if kind.startswith("text/plain"):
        return shown(str(without_secret(key, body.decode("utf-8", "replace"))))
    try:
        return complaint_of(without_secret(key, json.loads(body)))
    except (ValueError, RecursionError):
        return ""
