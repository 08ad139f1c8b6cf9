"""Downloads from a hub on loopback: whole, in two goes, broken off, altered, hanging, too large for the disk.

The cache that comes of it is read by the hub's own library, and the other way round.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from speechagents.errors import StorageError, WeightsMissing
from speechagents.weights import Weights, find, storage_folder
from speechagents.weights_fetching import (
    ATTEMPTS,
    FetchBegins,
    FetchDone,
    FetchEvent,
    FetchProgress,
    FetchWaits,
    fetch,
)
from speechagents.weights_hub import Hub
from tests.hub_server import COMMIT, REPO, HubServer

huggingface_hub = pytest.importorskip("huggingface_hub")

MODEL = bytes(range(256)) * 12_000
FILES = {
    "README.md": b"---\nlicense: apache-2.0\n---\n",
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors": MODEL,
    "pytorch_model.bin": b"\x80\x04" + bytes(4_000),
    "voices/anna.safetensors": bytes(5_000),
}
WEIGHTS = Weights(
    repo=REPO,
    files=("*.json", "*.safetensors"),
    size_gb=0.003,
    licence="Apache-2.0",
    commercial=True,
    what="voices",
)
TOTAL = len(FILES["config.json"]) + len(MODEL) + 5_000


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer(FILES) as running:
        yield running


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's library may send requests in this test, whatever the environment says."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


class Fetcher:
    """Fetches into a cache of its own, and remembers what was told and how long was waited."""

    def __init__(self, server: HubServer, cache: Path) -> None:
        self.cache = cache
        self.hub = Hub(server.url, {}, connect_s=5.0, silence_s=5.0, list_s=10.0)
        self.events: list[FetchEvent] = []
        self.pauses: list[float] = []
        self.announce: Callable[[FetchEvent], None] = self.events.append

    def __call__(self, weights: Weights = WEIGHTS) -> Path:
        self.events.clear()
        return fetch(weights, self.announce, hub=self.hub, cache=self.cache, pause=self.pauses.append)


@pytest.fixture
def fetcher(server: HubServer, tmp_path: Path) -> Fetcher:
    return Fetcher(server, tmp_path / "cache")


def test_what_is_wanted_comes_whole_and_nothing_else(fetcher: Fetcher, server: HubServer) -> None:
    folder = fetcher()
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == {
        name: data for name, data in FILES.items() if name.endswith((".json", ".safetensors"))
    }
    assert find(WEIGHTS, cache=fetcher.cache) == folder
    assert sorted(path for path, _ in server.downloads) == [
        "config.json",
        "model.safetensors",
        "voices/anna.safetensors",
    ]
    assert not list(fetcher.cache.rglob("*.incomplete"))


def test_size_and_licence_are_told_before_the_first_byte(fetcher: Fetcher, server: HubServer) -> None:
    bytes_asked_for: list[int] = []

    def announce(event: FetchEvent) -> None:
        fetcher.events.append(event)
        if isinstance(event, FetchBegins):
            bytes_asked_for.append(len(server.downloads))

    fetcher.announce = announce
    folder = fetcher()
    assert bytes_asked_for == [0]
    assert fetcher.events[0] == FetchBegins(WEIGHTS, TOTAL, 0, folder)
    assert fetcher.events[-1] == FetchDone(WEIGHTS, folder, TOTAL, TOTAL)
    progress = [event for event in fetcher.events if isinstance(event, FetchProgress)]
    assert [event.done_bytes for event in progress] == sorted(event.done_bytes for event in progress)
    assert progress[-1] == FetchProgress(WEIGHTS, TOTAL, TOTAL)


def test_what_is_here_is_not_fetched_again(fetcher: Fetcher, server: HubServer) -> None:
    fetcher()
    before = list(server.downloads)
    folder = fetcher()
    assert server.downloads == before
    assert fetcher.events == [FetchBegins(WEIGHTS, TOTAL, TOTAL, folder), FetchDone(WEIGHTS, folder, 0, TOTAL)]


def test_a_connection_that_breaks_is_gone_on_with(fetcher: Fetcher, server: HubServer) -> None:
    server.files = {name: data for name, data in FILES.items() if name != "voices/anna.safetensors"}
    server.cut_after = [None, 1_000_000, 500_000]
    folder = fetcher()
    assert (folder / "model.safetensors").read_bytes() == MODEL
    parts = [part for path, part in server.downloads if path == "model.safetensors"]
    assert parts == ["", "bytes=1000000-", "bytes=1500000-"]
    done = fetcher.events[-1]
    assert isinstance(done, FetchDone)
    assert done.fetched_bytes == done.total_bytes  # no byte came twice


def test_another_run_goes_on_where_the_last_one_broke_off(fetcher: Fetcher, server: HubServer) -> None:
    server.cut_after = [None, 2_000_000, *[0] * ATTEMPTS]
    with pytest.raises(WeightsMissing, match=r"broke off at model\.safetensors .*goes on where it was"):
        fetcher()
    assert find(WEIGHTS, cache=fetcher.cache) is None
    server.asked.clear()
    folder = fetcher()
    assert (folder / "model.safetensors").read_bytes() == MODEL
    assert ("model.safetensors", "bytes=2000000-") in server.downloads
    assert fetcher.events[0] == FetchBegins(WEIGHTS, TOTAL, len(FILES["config.json"]) + 2_000_000, folder)
    assert all(path != "config.json" for path, _ in server.downloads)


def test_it_waits_longer_from_try_to_try(fetcher: Fetcher, server: HubServer) -> None:
    server.status[f"/{REPO}/resolve"] = 503
    with pytest.raises(WeightsMissing, match="status 503"):
        fetcher()
    assert fetcher.pauses == sorted(set(fetcher.pauses))
    assert len(fetcher.pauses) == ATTEMPTS - 1


def test_a_hub_that_gives_no_parts_is_asked_for_the_whole(fetcher: Fetcher, server: HubServer) -> None:
    server.parts = False
    server.cut_after = [None, 1_000_000]
    folder = fetcher()
    assert (folder / "model.safetensors").read_bytes() == MODEL
    begun, *progress, _ = fetcher.events
    assert isinstance(begun, FetchBegins)
    assert max(event.done_bytes for event in progress if isinstance(event, FetchProgress)) == TOTAL


@pytest.mark.parametrize("body", [MODEL + b"more", MODEL[:-1] + b"X"], ids=["longer", "altered"])
def test_other_bytes_than_were_listed_are_not_kept(fetcher: Fetcher, server: HubServer, body: bytes) -> None:
    server.bodies["model.safetensors"] = body
    with pytest.raises(WeightsMissing, match=r"bytes than it listed for model\.safetensors"):
        fetcher()
    assert find(WEIGHTS, cache=fetcher.cache) is None
    digest = hashlib.sha256(MODEL).hexdigest()
    assert not list(fetcher.cache.rglob(f"{digest}*"))
    del server.bodies["model.safetensors"]
    assert (fetcher() / "model.safetensors").read_bytes() == MODEL


def test_a_file_that_ends_early_is_broken_off_not_whole(fetcher: Fetcher, server: HubServer) -> None:
    server.bodies["model.safetensors"] = MODEL[:-10]
    with pytest.raises(WeightsMissing, match=r"broke off at model\.safetensors"):
        fetcher()


def test_a_small_file_is_checked_by_its_name_in_git(fetcher: Fetcher, server: HubServer) -> None:
    server.bodies["config.json"] = b'{"model_type": "evil"}'
    with pytest.raises(WeightsMissing, match=r"other bytes than it listed for config\.json"):
        fetcher()


def test_a_hub_that_accepts_and_never_answers_is_given_up(fetcher: Fetcher, server: HubServer) -> None:
    server.hangs = "/api"
    fetcher.hub = Hub(server.url, {}, silence_s=0.2, list_s=5.0)
    with pytest.raises(WeightsMissing, match=r"cannot be reached \(it does not answer\).*by hand into a folder"):
        fetcher()
    fetcher.hub = Hub(server.url, {}, silence_s=30.0, list_s=0.2)
    with pytest.raises(WeightsMissing, match=r"did not answer within 0\.2 s"):
        fetcher()


def test_a_download_that_never_answers_is_given_up(fetcher: Fetcher, server: HubServer) -> None:
    server.hangs = f"/{REPO}/resolve"
    fetcher.hub = Hub(server.url, {}, silence_s=0.1)
    with pytest.raises(WeightsMissing, match=r"broke off at config\.json \(it does not answer\)"):
        fetcher()
    assert len(server.downloads) == ATTEMPTS


def test_without_a_network_it_fails_and_says_what_to_do(fetcher: Fetcher) -> None:
    with HubServer({}) as gone:
        url = gone.url
    fetcher.hub = Hub(url, {})
    with pytest.raises(WeightsMissing, match=r"cannot be reached .*with a network; or on another machine") as caught:
        fetcher()
    assert caught.value.exit_code == 2
    assert fetcher.events == []


def test_a_user_who_forbade_requests_is_told_so(fetcher: Fetcher, server: HubServer) -> None:
    fetcher.hub = Hub(server.url, {}, offline=True)
    with pytest.raises(WeightsMissing, match="HF_HUB_OFFLINE"):
        fetcher()
    assert server.asked == []


def test_a_disk_without_room_is_told_before_the_first_byte(fetcher: Fetcher, server: HubServer) -> None:
    def grow(values: dict[str, Any]) -> None:
        for one in values["siblings"]:
            if one["rfilename"] == "model.safetensors":
                one["lfs"]["size"] = one["size"] = 10**12 * 2

    server.listing = grow
    with pytest.raises(
        StorageError, match=r"2e\+03 GB of acme/tiny-voice are to come, and the disk has .*HF_HOME"
    ) as caught:
        fetcher()
    assert caught.value.exit_code == 2
    assert server.downloads == []
    assert isinstance(fetcher.events[0], FetchBegins)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "hf auth login"), (403, "agree to its terms"), (404, "there is no"), (500, "cannot be reached")],
)
def test_a_refusal_says_what_it_means(fetcher: Fetcher, server: HubServer, status: int, remedy: str) -> None:
    server.status["/api"] = status
    with pytest.raises(WeightsMissing, match=remedy):
        fetcher()


@pytest.mark.parametrize(
    "change",
    [
        {"rfilename": "../../../escape.json"},
        {"rfilename": "/etc/escape.json"},
        {"rfilename": "a\\b.json"},
        {"rfilename": "nul\0.json"},
        {"size": -1},
        {"size": "many"},
        {"blobId": "../../blobs/x"},
        {"rfilename": "model.safetensors"},
    ],
)
def test_a_listing_that_cannot_be_believed_writes_nothing(
    fetcher: Fetcher, server: HubServer, change: dict[str, object], tmp_path: Path
) -> None:
    server.listing = lambda values: values["siblings"][1].update(change)
    with pytest.raises(WeightsMissing, match="cannot be understood"):
        fetcher()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_model_that_lacks_what_the_preset_names_is_refused(fetcher: Fetcher, server: HubServer) -> None:
    wanted = Weights(repo=REPO, files=("*.json", "*.onnx"), size_gb=1, licence="MIT", commercial=True, what="voices")
    with pytest.raises(WeightsMissing, match=r"has no file \*\.onnx: the preset is out of date"):
        fetcher(wanted)
    assert server.downloads == []


def test_a_commit_can_be_asked_for(fetcher: Fetcher) -> None:
    pinned = Weights(
        repo=REPO, files=("*.json",), size_gb=1, licence="MIT", commercial=True, what="voices", revision=COMMIT
    )
    folder = fetcher(pinned)
    assert folder.name == COMMIT
    assert not (storage_folder(fetcher.cache, REPO) / "refs").exists()
    assert find(pinned, cache=fetcher.cache) == folder


def test_the_token_goes_to_the_hub(fetcher: Fetcher, server: HubServer) -> None:
    fetcher.hub = Hub(server.url, {"Authorization": "Bearer secret"})
    fetcher()
    assert server.tokens == {"Bearer secret"}


def test_the_token_goes_nowhere_else(fetcher: Fetcher, server: HubServer) -> None:
    fetcher.hub = Hub(server.url, {"Authorization": "Bearer secret"})
    with HubServer(FILES) as store:
        server.stored_at = store.url
        store.cut_after = [None, 1_000_000]
        folder = fetcher()
        assert (folder / "model.safetensors").read_bytes() == MODEL
        assert store.tokens == {""}
        assert ("model.safetensors", "bytes=1000000-") in store.downloads


def test_a_second_process_waits_for_the_first(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    lock = fetcher.cache / ".locks" / storage_folder(fetcher.cache, REPO).name / "speechagents.lock"
    lock.parent.mkdir(parents=True)
    other = FileLock(lock)
    other.acquire()

    def announce(event: FetchEvent) -> None:
        fetcher.events.append(event)
        if isinstance(event, FetchWaits):
            other.release()

    fetcher.announce = announce
    fetcher()
    assert fetcher.events[0] == FetchWaits(WEIGHTS)
    assert isinstance(fetcher.events[-1], FetchDone)


def test_the_hubs_own_library_finds_what_was_fetched(fetcher: Fetcher) -> None:
    folder = fetcher()
    found = huggingface_hub.snapshot_download(REPO, cache_dir=fetcher.cache, local_files_only=True)
    assert Path(found) == folder
    one = huggingface_hub.try_to_load_from_cache(REPO, "model.safetensors", cache_dir=fetcher.cache)
    assert isinstance(one, str)
    assert Path(one).read_bytes() == MODEL
    (cached,) = huggingface_hub.scan_cache_dir(fetcher.cache).repos
    assert cached.repo_id == REPO
    assert cached.size_on_disk == TOTAL


@pytest.mark.usefixtures("online")
def test_what_the_hubs_own_library_fetched_is_found(fetcher: Fetcher, server: HubServer) -> None:
    folder = huggingface_hub.snapshot_download(
        REPO, cache_dir=fetcher.cache, endpoint=server.url, allow_patterns=list(WEIGHTS.files), token=False
    )
    assert find(WEIGHTS, cache=fetcher.cache) == Path(folder)
    before = list(server.downloads)
    assert fetcher() == Path(folder)
    assert server.downloads == before


@pytest.mark.usefixtures("online")
def test_the_hubs_own_library_goes_on_from_what_was_fetched(fetcher: Fetcher, server: HubServer) -> None:
    fetcher()
    server.asked.clear()
    huggingface_hub.snapshot_download(REPO, cache_dir=fetcher.cache, endpoint=server.url, token=False)
    assert sorted(path for path, _ in server.downloads) == ["README.md", "pytorch_model.bin"]
