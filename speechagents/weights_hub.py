"""Asks a model hub which files a model has, and for the bytes of one.

Owns the requests: routes, time limits, what answers mean and how little of them is believed. The routes are those of
the Hugging Face hub, which mirrors offer, too. Does not know where files go (`weights_fetching`) nor what they are
for. Nothing waits longer than some seconds for a hub that says nothing.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx

from speechagents import __version__
from speechagents.errors import WeightsMissing

Result = TypeVar("Result")

_MAX_LIST_BYTES: Final = 30_000_000
_MAX_FILES: Final = 10_000
_MAX_FILE_BYTES: Final = 2_000_000_000_000
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_WAIT_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class HubTroubleError(Exception):
    """Something that may be over in a moment: no connection, no answer in time, a connection that broke."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a model on the hub.

    Attributes:
        path: Relative to the model, with slashes.
        size: In bytes.
        digest: SHA-256 of its bytes if `large`, else git's SHA-1 of it as a blob; hexadecimal.
        large: It is stored apart from git.
    """

    path: str
    size: int
    digest: str
    large: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What a model is made of at one commit."""

    commit: str
    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that is spoken to.

    Attributes:
        endpoint: Scheme and host.
        headers: Of every request: who asks, and the user's token if there is one.
        offline: Its user has forbidden requests.
        connect_s: Longest wait for a connection, in seconds.
        silence_s: Longest wait for the next bytes, in seconds.
        list_s: Longest wait for a whole listing, in seconds, looking up the host included.
    """

    endpoint: str
    headers: Mapping[str, str]
    offline: bool = False
    connect_s: float = 5.0
    silence_s: float = 10.0
    list_s: float = 15.0

    @classmethod
    def standard(cls) -> Self:
        """The hub that the environment names (``HF_ENDPOINT``), with the token that is stored on this machine."""
        from huggingface_hub import constants, get_token

        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        headers = {"User-Agent": f"speechagents/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return cls(constants.ENDPOINT, headers, offline=constants.HF_HUB_OFFLINE)

    def listing(self, repo: str, revision: str) -> Listing:
        """All files of a model.

        Raises:
            WeightsMissing: There is no such model, it is not open to this user, or the hub cannot be asked.
        """
        if self.offline:
            raise WeightsMissing(
                f"{repo} cannot be fetched: HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids it; unset it"
            )
        url = f"{self.endpoint}/api/models/{repo}/revision/{quote(revision, safe='')}?blobs=true"
        try:
            return _within(self.list_s, lambda: self._listing(url, repo, revision))
        except TimeoutError as error:
            raise WeightsMissing(
                f"{self.endpoint} did not answer within {self.list_s:g} s; {_REMEDY.format(repo=repo)}"
            ) from error
        except HubTroubleError as error:
            raise WeightsMissing(f"{self.endpoint} cannot be reached ({error}); {_REMEDY.format(repo=repo)}") from error

    def _listing(self, url: str, repo: str, revision: str) -> Listing:
        with self._client() as client, self._answer(client, url, {}, repo, revision) as response:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > _MAX_LIST_BYTES:
                    raise WeightsMissing(f"{self.endpoint} lists more of {repo} than can be; check HF_ENDPOINT")
        try:
            return _read_listing(json.loads(bytes(body)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsMissing(
                f"what {self.endpoint} says of {repo} cannot be understood ({error}); check HF_ENDPOINT, or whether a "
                "proxy answers in its place"
            ) from error

    def read(self, repo: str, commit: str, file: RemoteFile, *, start: int) -> Generator[tuple[int, bytes]]:
        """The bytes of a file from some place on.

        Args:
            repo: Of which model.
            commit: At which commit.
            file: Which.
            start: How many bytes are here already.

        Yields:
            Where bytes belong, and the bytes; from 0 on if the hub does not give parts of files.

        Raises:
            HubTroubleError: The connection failed or broke; what was yielded counts.
            WeightsMissing: It is not given.
        """
        url = f"{self.endpoint}/{repo}/resolve/{commit}/{quote(file.path)}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._client() as client, self._answer(client, url, headers, repo, commit) as response:
            at = start if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
            if at and not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise WeightsMissing(f"{self.endpoint} gives other parts of {file.path} than asked for; {_AGAIN}")
            # As they arrive: what is gathered into larger pieces first would be lost where the connection breaks.
            for chunk in response.iter_raw():
                yield at, chunk
                at += len(chunk)

    def _client(self) -> httpx.Client:
        # Compressed bytes could not be counted against the size that was announced.
        headers = {**self.headers, "Accept-Encoding": "identity"}
        limits = httpx.Timeout(self.silence_s, connect=self.connect_s)
        return httpx.Client(headers=headers, timeout=limits, follow_redirects=True, max_redirects=5)

    @contextmanager
    def _answer(
        self, client: httpx.Client, url: str, headers: Mapping[str, str], repo: str, revision: str
    ) -> Iterator[httpx.Response]:
        """A good answer whose body is still to come."""
        try:
            with client.stream("GET", url, headers=headers) as response:
                _check_status(response.status_code, repo, revision)
                yield response
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL, httpx.DecodingError) as error:
            raise HubTroubleError(_words(error)) from error


_REMEDY: Final = (
    "run the same command again with a network; or on another machine, and copy its cache; or download "
    "https://huggingface.co/{repo} by hand into a folder and name that folder as the model"
)
_AGAIN: Final = "try again later"


def _check_status(status: int, repo: str, revision: str) -> None:
    if status in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        return
    if status in _WAIT_STATUSES:
        raise HubTroubleError(f"it answers with status {status}")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise WeightsMissing(
            f"{repo} is not open to everybody, or there is no such model: agree to its terms on "
            f"https://huggingface.co/{repo}, then log in with `hf auth login`"
        )
    if status == httpx.codes.NOT_FOUND:
        raise WeightsMissing(f"there is no {repo} at {revision} on the hub, or not with that file; check the names")
    raise WeightsMissing(f"{repo} is not given: the hub answers with status {status}; {_AGAIN}")


def _within(limit_s: float, work: Callable[[], Result]) -> Result:
    """Do something that may hang where it cannot be broken off, such as looking up a host's name.

    Raises:
        TimeoutError: It took longer.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            done.set_exception(error)

    threading.Thread(target=run, name="hub", daemon=True).start()
    return done.result(limit_s)


def _read_listing(values: Any) -> Listing:
    commit = str(values["sha"])
    siblings = values["siblings"]
    if not _COMMIT.fullmatch(commit) or not isinstance(siblings, list) or len(siblings) > _MAX_FILES:
        raise ValueError("no commit, or no list of files")
    files = [_read_file(one) for one in siblings]
    if len({file.path for file in files}) != len(files):
        raise ValueError("a file is listed twice")
    return Listing(commit, tuple(files))


def _read_file(values: Mapping[str, Any]) -> RemoteFile:
    path = values["rfilename"]
    if not isinstance(path, str) or not _is_plain(path):
        raise ValueError(f"a file called {str(path)[:80]!r}")
    large = values.get("lfs")
    digest = large["sha256"] if large else values["blobId"]
    size = large["size"] if large else values["size"]
    if type(size) is not int or not 0 <= size <= _MAX_FILE_BYTES:
        raise ValueError(f"{path[:80]} with a size of {str(size)[:30]}")
    if not isinstance(digest, str) or not (_SHA256 if large else _COMMIT).fullmatch(digest):
        raise ValueError(f"{path[:80]} with no digest")
    return RemoteFile(path, size, digest, large is not None)


def _is_plain(path: str) -> bool:
    """Relative, inside, and nothing that another system would read otherwise."""
    parts = PurePosixPath(path).parts
    return (
        0 < len(path) <= 300
        and path == "/".join(parts)
        and not {".", ".."} & set(parts)
        and not any(character in path for character in '\\:*?"<>|')
        and path.isprintable()
    )


def _words(error: Exception) -> str:
    """What happened, in a few words."""
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer"
    return (str(error) or type(error).__name__).splitlines()[0][:150]
