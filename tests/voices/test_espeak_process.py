"""The worker process and its queue: limits, refusals, and a worker that hangs."""

from __future__ import annotations

import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import espeakng_loader
import pytest

from speechagents.errors import SynthesisError
from speechagents.voices.espeak import worker
from speechagents.voices.espeak.process import Utterance, WorkerPool, request_frame

SETTINGS = {"rate": 150, "volume": 60, "pitch": 50, "range": 50, "gap": 0}


def frame(text: str = "Hello.", **changed: Any) -> bytes:
    fields: dict[str, Any] = {"text": text, "language": "gmw/en", "variant": "pitch 80 120", "limit_s": 10.0}
    return request_frame(**(fields | {"settings": SETTINGS} | changed))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(1)
    yield pool
    pool.close()


def ask(pool: WorkerPool, request: bytes) -> Utterance:
    return pool.submit(request, limit_s=10.0, finish=lambda utterance: utterance).result(30)


def test_a_request_is_answered_with_sound_and_events(pool: WorkerPool) -> None:
    utterance = ask(pool, frame("One two."))
    assert utterance.rate_hz == 22_050
    words = utterance.events[utterance.events[:, 0] == worker.EVENT_WORD]
    assert words[:, 1].tolist() == [1, 5]
    assert 0.4 < utterance.samples.size / utterance.rate_hz < 2.0


def test_a_variant_is_obeyed(pool: WorkerPool) -> None:
    """espeak-ng ignores variants it does not find, without a word."""
    low, high = (ask(pool, frame(variant=f"pitch {low} {2 * low}")) for low in (60, 240))
    assert low.samples.tobytes() != high.samples.tobytes()


def test_there_may_be_any_number_of_variants(pool: WorkerPool) -> None:
    """espeak-ng finds no variant any more once its folder holds 350 of them."""
    frames = [frame("a", variant=f"pitch 80 {120 + number}") for number in range(400)]
    answers = [pool.submit(one, limit_s=10.0, finish=lambda utterance: utterance.samples.size) for one in frames]
    assert all(answer.result(30) > 0 for answer in answers)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"language": "gmw/xx"}, "no language"), ({"language": "../../etc/passwd"}, "no espeak-ng language"),
        ({"language": "gmw/en+whisper"}, "no espeak-ng language"),
        ({"variant": "replace 03 a b"}, "not understood"),
        ({"variant": "pitch x"}, "not understood"), ({"settings": {"rate": 150}}, "volume"),
    ],
)  # fmt: skip
def test_what_espeak_would_silently_ignore_is_refused(pool: WorkerPool, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        ask(pool, frame(**changed))
    assert ask(pool, frame()).samples.size


def test_a_line_over_its_time_limit_costs_that_line_only(pool: WorkerPool) -> None:
    long = "This goes on and on. " * 2000
    slow = pool.submit(frame(long, limit_s=0.05), limit_s=10.0, finish=lambda utterance: utterance)
    after = pool.submit(frame(), limit_s=10.0, finish=lambda utterance: utterance)
    with pytest.raises(SynthesisError, match=r"longer than 0\.05 s"):
        slow.result(30)
    assert after.result(30).samples.size


def test_an_error_while_finishing_belongs_to_its_line(pool: WorkerPool) -> None:
    def broken(utterance: Utterance) -> None:
        raise ZeroDivisionError(utterance.rate_hz)

    with pytest.raises(ZeroDivisionError):
        pool.submit(frame(), limit_s=10.0, finish=broken).result(30)
    assert ask(pool, frame()).samples.size


class SlowQueue:
    """A queue whose `put` of a request takes its time, so that `close` can overtake it."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.get, self.get_nowait = self._queue.get, self._queue.get_nowait
        self.putting = threading.Event()

    def put(self, job: Any) -> None:
        if job is not None:
            self.putting.set()
            time.sleep(0.3)
        self._queue.put(job)


def test_a_request_that_meets_the_closing_of_the_pool_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, slow = WorkerPool(1), SlowQueue()
    monkeypatch.setattr(pool, "_queue", slow)
    futures: list[Future[Utterance]] = []
    submitting = threading.Thread(
        target=lambda: futures.append(pool.submit(frame(), limit_s=10.0, finish=lambda utterance: utterance))
    )
    submitting.start()
    assert slow.putting.wait(10)
    pool.close()
    submitting.join(10)
    assert futures[0].done()


def test_requests_of_many_threads_all_end_when_the_pool_closes() -> None:
    pool = WorkerPool(1)
    futures: list[Future[Utterance]] = []
    refused: list[RuntimeError] = []

    def keep_asking() -> None:
        while not refused:
            try:
                futures.append(pool.submit(frame("a"), limit_s=10.0, finish=lambda utterance: utterance))
            except RuntimeError as error:
                refused.append(error)

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    pool.close()
    for thread in threads:
        thread.join(10)
    assert refused
    assert "closed" in str(refused[0])
    assert all(future.done() for future in futures)


def test_a_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "missing.so"))
    pool = WorkerPool(1)
    try:
        with pytest.raises(SynthesisError, match=r"missing\.so"):
            ask(pool, frame())
        with pytest.raises(SynthesisError, match=r"missing\.so"):
            _ = pool.version
    finally:
        pool.close()


def test_too_long_a_temporary_folder_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 150)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    pool = WorkerPool(1)
    try:
        with pytest.raises(SynthesisError, match="TMPDIR"):
            ask(pool, frame())
    finally:
        pool.close()
    assert list(deep.iterdir()) == []


def run_worker(data: bytes) -> bytes:
    command = [sys.executable, "-I", "-S", str(Path(worker.__file__))]
    command += [espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=30).stdout


def answers(output: bytes) -> list[bytes]:
    found = []
    while output:
        (length,) = struct.unpack_from("<I", output)
        found.append(output[4 : 4 + length])
        output = output[4 + length :]
    return found


def test_the_worker_ends_when_its_input_closes_and_cleans_up() -> None:
    (hello,) = answers(run_worker(b""))
    assert hello[:1] == b"H"
    assert not Path(json.loads(hello[1:])["folder"]).exists()


def test_a_frame_over_the_limit_ends_the_worker() -> None:
    output = answers(run_worker(struct.pack("<I", worker.MAX_FRAME + 1)))
    assert output[1].startswith(b"E")
    assert b"too long" in output[1]


@pytest.mark.parametrize("garbage", [b"", b"{}", b"not json", b"[1]", b"\xff\xfe", b'{"text": 1}'])
def test_garbage_is_answered_with_an_error_and_work_goes_on(garbage: bytes) -> None:
    good = frame()
    data = struct.pack("<I", len(garbage)) + garbage + struct.pack("<I", len(good)) + good
    _, refused, spoken = answers(run_worker(data))
    assert refused[:1] == b"E"
    assert spoken[:1] == b"A"


def test_the_worker_is_lean() -> None:
    """It must not see this project's packages: a process with numpy in it takes several times longer to fork."""
    folder = str(Path(worker.__file__).parent)
    program = f"import sys; sys.path.insert(0, {folder!r}); import worker; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"numpy", "speechagents", "yaml", "asyncio"} & set(loaded.stdout.split())


def test_without_fork_a_worker_speaks_one_line_and_the_next_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os, runpy, sys; del os.fork; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    command = [sys.executable, "-I", "-c", program, worker.__file__]
    command += [espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    good = frame("One two.")
    data = 2 * (struct.pack("<I", len(good)) + good)
    output = subprocess.run(command, input=data, capture_output=True, check=True, timeout=30).stdout
    _, spoken = answers(output)
    monkeypatch.delattr(os, "fork")
    single = WorkerPool(1)
    try:
        twice = [ask(single, good) for _ in range(2)]
    finally:
        single.close()
    for utterance in twice:
        assert spoken.endswith((utterance.samples * 32768).astype("<i2").tobytes())
