"""A folder in a store: on a disk, in memory, on a real FTP server, and one that fails."""

from __future__ import annotations

import contextlib
import errno
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from speechagents.cluster.store_address import parse_address
from speechagents.cluster.stores import Patience, Store, is_leftover, open_store
from speechagents.errors import BackendMissing, ProductionError, SettingsError, StorageError

from .faulty_files import QUICK, failing, faulty, store_at

USER, SECRET = "anna", "s3cret!"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def ftp_serving(folder: Path, port: int) -> Iterator[None]:
    """A real FTP server in a process of its own, ended as a crash would end it."""
    command = [sys.executable, "-W", "ignore", "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-u", USER, "-P", SECRET, "-d", str(folder), "-w"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a real FTP server."""
    pytest.importorskip("pyftpdlib.log", reason="no FTP server is installed")
    port = free_port()
    with ftp_serving(tmp_path_factory.mktemp("ftp"), port):
        yield port


@pytest.fixture
def ftp(ftp_server: int, tmp_path: Path) -> str:
    """Address of a new folder on it."""
    return f"ftp://{USER}:{SECRET}@127.0.0.1:{ftp_server}/{tmp_path.name}/mine"


@pytest.fixture(params=["file", "memory", "ftp"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    match request.param:
        case "file":
            return store_at(tmp_path / "plays" / "mine", protocol="file")
        case "memory":
            fsspec.filesystem("memory").store.clear()
            return store_at(Path("/plays/mine"), protocol="memory")
        case _:
            return open_store(parse_address(request.getfixturevalue("ftp")), patience=QUICK)


def listed(store: Store, folder: str = "") -> dict[str, int]:
    return {entry.name: entry.size for entry in store.entries(folder) if not entry.is_folder}


def test_a_folder_that_nobody_made_is_empty(store: Store) -> None:
    assert store.entries() == []
    assert store.entries("takes") == []
    assert store.read("mirror.json", most=10) is None
    store.remove("mirror.json")


def test_files_go_there_and_come_back(store: Store, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(b"0123456789" * 50_000)
    store.send("takes/a.flac", source)
    store.write("cast.yaml", b"roles: []\n")
    assert listed(store) == {"cast.yaml": 10}
    assert [entry.name for entry in store.entries() if entry.is_folder] == ["takes"]
    assert listed(store, "takes") == {"a.flac": 500_000}
    store.fetch("takes/a.flac", back, size=500_000)
    assert back.read_bytes() == source.read_bytes()
    assert store.read("cast.yaml", most=10) == b"roles: []\n"


def test_what_is_written_again_takes_the_place_of_what_was_there(store: Store, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"longer than before")
    for _ in range(2):
        store.write("cast.yaml", b"old")
        store.send("takes/a.flac", tmp_path / "new")
    store.send("cast.yaml", tmp_path / "new")
    assert listed(store) == {"cast.yaml": 18}
    assert listed(store, "takes") == {"a.flac": 18}


def test_a_file_is_created_once(store: Store) -> None:
    assert store.create("mirror.lock", b"mine")
    assert not store.create("mirror.lock", b"yours")
    assert store.read("mirror.lock", most=100) == b"mine"
    store.remove("mirror.lock")
    assert store.create("mirror.lock", b"yours")


def test_a_file_that_is_too_large_to_be_one_of_ours_is_not_read(store: Store) -> None:
    store.write("mirror.lock", b"x" * 101)
    assert store.read("mirror.lock", most=100) == b""


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"x")
    with pytest.raises(ProductionError, match="is a file; name a folder for --out"):
        store_at(tmp_path / "mine", protocol="file").entries()


def test_a_store_that_was_away_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    left = {"pipe_file": 2, "ls": 2, "cat_file": 2}

    def fault(call: str, _name: str) -> BaseException | None:
        left[call] = left.get(call, 0) - 1
        return ConnectionResetError("gone for a moment") if left[call] >= 0 else None

    with faulty(fault):
        store = store_at(tmp_path / "mine")
        store.write("cast.yaml", b"roles: []\n")
        assert listed(store) == {"cast.yaml": 10}
        assert store.read("cast.yaml", most=100) == b"roles: []\n"
    assert list((tmp_path / "mine").iterdir()) == [tmp_path / "mine" / "cast.yaml"]


def test_a_store_that_stays_away_is_told_after_all_tries(tmp_path: Path) -> None:
    with faulty(failing(TimeoutError("no answer"), "pipe_file")) as calls:
        store = store_at(tmp_path / "mine")
        with pytest.raises(StorageError, match=r"mine/cast.yaml: the store cannot be reached .*no answer"):
            store.write("cast.yaml", b"roles: []\n")
    assert sum(call == "pipe_file" for call, _ in calls) == QUICK.tries


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (PermissionError("denied"), "is not permitted"),
        (FileNotFoundError("NoSuchBucket"), "there is no such bucket"),
        (OSError(errno.ENOSPC, "No space left"), "the disk is full"),
    ],
)
def test_what_another_try_does_not_mend_is_told_at_once(tmp_path: Path, error: Exception, what: str) -> None:
    with faulty(failing(error, "pipe_file")) as calls, pytest.raises(StorageError, match=what):
        store_at(tmp_path / "mine").write("cast.yaml", b"x")
    assert sum(call == "pipe_file" for call, _ in calls) == 1


def test_a_file_that_came_cut_short_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cover").write_bytes(b"0123456789")
    with faulty() as calls:
        store = store_at(tmp_path / "mine")
        with pytest.raises(StorageError, match="10 bytes came of 20"):
            store.fetch("cover", tmp_path / "cover", size=20)
    assert sum(call == "get_file" for call, _ in calls) == QUICK.tries


def test_a_write_that_broke_off_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new and longer")
    store = store_at(tmp_path / "mine", protocol="file")
    store.write("cast.yaml", b"old")
    with faulty(failing(OSError("broken pipe"), "put_file")), pytest.raises(StorageError):
        store_at(tmp_path / "mine").send("cast.yaml", tmp_path / "new")
    assert listed(store) == {"cast.yaml": 3}


def test_names_of_leftovers_are_told_from_all_others() -> None:
    assert is_leftover(".a.flac.0123abcd.part")
    assert not any(map(is_leftover, ("a.flac", ".lock", "a.part", "..0123abcd.part", ".a.flac.part")))


def test_a_connection_that_broke_is_made_again(tmp_path: Path) -> None:
    pytest.importorskip("pyftpdlib.log", reason="no FTP server is installed")
    port = free_port()
    with ftp_serving(tmp_path, port):
        store = open_store(parse_address(f"ftp://{USER}:{SECRET}@127.0.0.1:{port}/mine"), patience=QUICK)
        store.write("cast.yaml", b"before")
    with ftp_serving(tmp_path, port):
        store.write("cast.yaml", b"after")
        assert store.read("cast.yaml", most=10) == b"after"


def test_a_password_is_in_no_message(ftp: str) -> None:
    wrong = ftp.replace(SECRET, "wr%2Fng")
    with pytest.raises(StorageError) as caught:
        open_store(parse_address(wrong), patience=Patience(tries=1))
    assert "anna@127.0.0.1" in str(caught.value)
    assert "Authentication failed" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("wr%2Fng", "wr/ng"))
    assert caught.value.__cause__ is None


def test_a_password_that_an_error_quotes_is_taken_out() -> None:
    class Quoting(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
        protocol = "quoting"

        def ls(self, path: str, detail: bool = True, **options: object) -> list[object]:
            raise RuntimeError("cannot log in as anna with s@cret (or s%40cret)")

    fsspec.register_implementation("quoting", Quoting, clobber=True)
    store = open_store(parse_address("quoting://anna:s%40cret@host/plays"), patience=QUICK)
    with pytest.raises(StorageError, match="cannot log in as anna with …") as caught:
        store.entries()
    assert "cret" not in str(caught.value)


def test_names_that_lead_out_of_the_folder_are_cut_to_their_last_part() -> None:
    class Lying(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
        protocol = "lying"

        def ls(self, path: str, detail: bool = True, **options: object) -> list[dict[str, object]]:
            names = ["/plays/../../etc/passwd", "..\\..\\cast.yaml", "/plays/mine/..", "/elsewhere/cover"]
            return [{"name": name, "size": 1, "type": "file"} for name in names]

    fsspec.register_implementation("lying", Lying, clobber=True)
    names = [entry.name for entry in open_store(parse_address("lying:///plays/mine"), patience=QUICK).entries()]
    assert names == ["passwd", "cast.yaml", "..", "cover"]


def test_without_fsspec_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(BackendMissing, match=r'python -m pip install "speechagents\[cluster\]"'):
        open_store(parse_address("s3://bucket/plays"))


def test_without_the_package_of_a_protocol_the_message_names_it() -> None:
    fsspec.register_implementation("nowhere", "no_such_package.files.Files", clobber=True)
    with pytest.raises(BackendMissing, match=r"for nowhere:// is not installed: python -m pip install no_such_package"):
        open_store(parse_address("nowhere://bucket/plays"))


def test_a_protocol_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match="no store is known as nobody://"):
        open_store(parse_address("nobody://bucket/plays"))


@pytest.mark.parametrize(("tries", "first_wait_s"), [(0, 0.5), (100, 0.5), (3, -1.0)])
def test_a_patience_that_cannot_be_is_refused(tries: int, first_wait_s: float) -> None:
    with pytest.raises(SettingsError, match="too few or too many"):
        Patience(tries, first_wait_s)
