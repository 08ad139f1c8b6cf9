"""Workers of this machine: where batches are done, and what becomes of them when a worker dies."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from speechagents.cluster import worker_process
from speechagents.cluster.executor import Needs, Post, Service
from speechagents.cluster.local import InProcess, LocalPool
from speechagents.errors import ClusterError, MemoryFull, SettingsError, WeightsMissing, WorkerLost
from tests.cluster.made_up_services import Doing, Order, dying, noted, slow_to_load, without_weights

WAIT_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes look for the services of these tests where this process does."""
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return doing(tmp_path)


@pytest.fixture
def pool() -> Iterator[LocalPool]:
    with closing(LocalPool(2)) as opened:
        yield opened


def doing(notes: Path, make: Callable[[Path], Service] = Doing, *, name: str = "doing", gpus: float = 0.0) -> Post:
    return Post(name, functools.partial(make, notes), Needs(gpus=gpus))


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, f"{what} has not come about"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie, which its parent has only not looked after yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def result_of(future: Future[list[Any]]) -> list[tuple[int, int]]:
    """Number and process of each order."""
    return future.result(WAIT_S)


class TestThreads:
    def test_a_batch_comes_back_in_order_from_this_process(self, post: Post) -> None:
        with closing(InProcess(2)) as workers:
            assert result_of(workers.submit(post, [Order(1), Order(2)])) == [(1, os.getpid()), (2, os.getpid())]

    def test_a_post_is_loaded_once_though_all_want_it_at_the_same_time(self, tmp_path: Path) -> None:
        post = doing(tmp_path, slow_to_load)
        with closing(InProcess(4)) as workers:
            for future in [workers.submit(post, [Order(number)]) for number in range(8)]:
                result_of(future)
        assert len(noted(tmp_path, "loaded")) == 1
        assert len(noted(tmp_path, "closed")) == 1

    def test_errors_arrive_and_the_workers_go_on(self, tmp_path: Path, post: Post) -> None:
        with closing(InProcess(1)) as workers:
            with pytest.raises(WeightsMissing, match="other machine"):
                result_of(workers.submit(doing(tmp_path, without_weights, name="without"), [Order(1)]))
            with pytest.raises(ValueError, match="a digit too many"):
                result_of(workers.submit(post, [Order(1, "fail")]))
            with pytest.raises(WorkerLost, match="SystemExit"):
                result_of(workers.submit(post, [Order(1, "end")]))
            assert result_of(workers.submit(post, [Order(2)])) == [(2, os.getpid())]

    def test_closing_waits_for_what_is_at_work_and_cancels_what_waits(self, tmp_path: Path, post: Post) -> None:
        workers = InProcess(1)
        at_work = workers.submit(post, [Order(1, "nap")])
        until(lambda: bool(noted(tmp_path, "nap")), "the nap")
        waiting = workers.submit(post, [Order(2)])
        workers.close()
        assert result_of(at_work) == [(-1, os.getpid())]
        assert waiting.cancelled()
        with pytest.raises(ClusterError, match="closed"):
            workers.submit(post, [Order(3)])

    def test_capacity(self, post: Post) -> None:
        with closing(InProcess(3)) as workers:
            assert workers.capacity(post) == 6


class TestProcesses:
    def test_they_start_with_work_and_keep_what_they_load(self, pool: LocalPool, tmp_path: Path, post: Post) -> None:
        assert pool.pids == []
        batches = [pool.submit(post, [Order(number), Order(-number)]) for number in range(10)]
        results = [result_of(batch) for batch in batches]
        processes = set(pool.pids)
        assert len(processes) == 2
        assert os.getpid() not in processes
        assert [[number for number, _ in batch] for batch in results] == [[n, -n] for n in range(10)]
        assert {pid for batch in results for _, pid in batch} <= processes
        assert sorted(noted(tmp_path, "loaded")) == sorted(processes), "each has loaded it, and once"
        pool.close()
        assert sorted(noted(tmp_path, "closed")) == sorted(processes)
        assert not any(runs(pid) for pid in processes)

    def test_one_that_is_killed_takes_its_batch_with_it_and_no_other(
        self, pool: LocalPool, tmp_path: Path, post: Post
    ) -> None:
        lost, other = pool.submit(post, [Order(1), Order(2, "sleep")]), pool.submit(post, [Order(3, "nap")])
        until(lambda: bool(noted(tmp_path, "sleep")), "the sleep")
        (sleeper,) = noted(tmp_path, "sleep")
        os.kill(sleeper, signal.SIGKILL)
        with pytest.raises(WorkerLost, match=r"was killed \(SIGKILL, out of memory\?\) with a batch of doing"):
            result_of(lost)
        ((_, pid),) = result_of(other)
        assert pid != sleeper
        assert len({pid for _, pid in result_of(pool.submit(post, [Order(4), Order(5)]))}) == 1

    def test_one_that_was_killed_with_nothing_to_do_is_replaced_unnoticed(self, tmp_path: Path, post: Post) -> None:
        with closing(LocalPool(1)) as pool:
            result_of(pool.submit(post, [Order(1)]))
            (before,) = pool.pids
            os.kill(before, signal.SIGKILL)
            ((number, pid),) = result_of(pool.submit(post, [Order(2)]))
            assert number == 2
            assert pid != before

    def test_one_that_dies_while_a_child_of_it_holds_its_pipe_open_is_missed_all_the_same(
        self, pool: LocalPool, tmp_path: Path, post: Post
    ) -> None:
        batch = pool.submit(post, [Order(1, "leave_a_child_that_holds_everything_open")])
        try:
            with pytest.raises(WorkerLost):
                result_of(batch)
        finally:
            os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)

    def test_one_that_dies_while_it_loads(self, pool: LocalPool, tmp_path: Path) -> None:
        with pytest.raises(WorkerLost, match=r"was killed \(SIGKILL, out of memory\?\) with loading dying"):
            result_of(pool.submit(doing(tmp_path, dying, name="dying"), [Order(1)]))

    def test_one_that_ends_itself_is_lost(self, pool: LocalPool, post: Post) -> None:
        with pytest.raises(WorkerLost, match=r"ended \(exit code 3\)"):
            result_of(pool.submit(post, [Order(1, "end")]))

    def test_a_batch_that_never_ends_costs_its_process(self, tmp_path: Path, post: Post) -> None:
        with closing(LocalPool(1, limit_s=0.5)) as pool:
            with pytest.raises(WorkerLost, match=r"a batch of doing took longer than 0\.5 s"):
                result_of(pool.submit(post, [Order(1, "sleep")]))
            assert not runs(noted(tmp_path, "sleep")[0])

    def test_the_limit_is_not_for_loading(self, tmp_path: Path) -> None:
        with closing(LocalPool(1, limit_s=0.25)) as pool:
            assert result_of(pool.submit(doing(tmp_path, slow_to_load), [Order(1)]))

    def test_errors_arrive_as_what_they_are(self, tmp_path: Path, post: Post) -> None:
        with closing(LocalPool(1)) as pool:
            with pytest.raises(WeightsMissing, match="other machine"):
                result_of(pool.submit(doing(tmp_path, without_weights, name="without"), [Order(1)]))
            with pytest.raises(MemoryFull, match="too much at once"):
                result_of(pool.submit(post, [Order(1, "refuse")]))
            (before,) = pool.pids
            assert result_of(pool.submit(post, [Order(1)])) == [(1, before)], "a refusal costs nothing"
            with pytest.raises(ValueError, match="a digit too many") as told:
                result_of(pool.submit(post, [Order(1, "fail")]))
            assert "made_up_services.py" in told.value.__notes__[0], "where it happened"
            until(lambda: not runs(before), "the end of a process that nobody trusts any more")
            with pytest.raises(RuntimeError, match="TravelsBadlyError: nothing nowhere"):
                result_of(pool.submit(post, [Order(1, "fail_badly")]))

    def test_what_cannot_travel(self, pool: LocalPool, post: Post) -> None:
        with pytest.raises(ClusterError, match=r"here: it cannot be sent .* a function of a module"):
            pool.submit(Post("here", lambda: Doing(Path())), [Order(1)])
        with pytest.raises(TypeError, match="lock"):
            result_of(pool.submit(post, [threading.Lock()]))
        with pytest.raises(TypeError, match=r"it cannot be sent.*lock"):
            result_of(pool.submit(post, [Order(1, "give_a_lock")]))
        assert result_of(pool.submit(post, [Order(1)]))

    def test_two_posts_have_a_process_each_while_there_is_room(self, pool: LocalPool, tmp_path: Path) -> None:
        first, second = doing(tmp_path, name="first"), doing(tmp_path, name="second")
        seen = [result_of(pool.submit(post, [Order(1)])) for post in (first, second, first, second, second)]
        assert seen[0] == seen[2] != seen[1] == seen[3] == seen[4]
        assert len(noted(tmp_path, "loaded")) == 2

    def test_a_post_that_fills_a_gpu_has_one_process(self, pool: LocalPool, tmp_path: Path) -> None:
        whole, shared = (doing(tmp_path, name=f"{gpus}", gpus=gpus) for gpus in (1.0, 0.5))
        assert (pool.capacity(whole), pool.capacity(shared)) == (2, 4)
        batches = [pool.submit(whole, [Order(1)]) for _ in range(6)]
        assert len({pid for batch in batches for _, pid in result_of(batch)}) == 1
        assert len(noted(tmp_path, "loaded")) == 1

    def test_a_batch_that_was_cancelled_while_it_waited_is_not_begun(self, tmp_path: Path, post: Post) -> None:
        with closing(LocalPool(1)) as pool:
            first = pool.submit(post, [Order(1, "nap")])
            waiting, last = pool.submit(post, [Order(2, "refuse")]), pool.submit(post, [Order(3)])
            assert waiting.cancel()
            assert result_of(first)
            assert result_of(last)
        assert not noted(tmp_path, "refuse")

    def test_closing_ends_them_whatever_they_are_at(self, tmp_path: Path, post: Post) -> None:
        pool = LocalPool(1)
        at_work, waiting = pool.submit(post, [Order(1, "sleep")]), pool.submit(post, [Order(2)])
        until(lambda: bool(noted(tmp_path, "sleep")), "the sleep")
        (pid,) = pool.pids
        pool.close()
        assert not runs(pid)
        assert isinstance(at_work.exception(WAIT_S), ClusterError)
        assert not isinstance(at_work.exception(), WorkerLost), "nobody tries it again"
        assert waiting.cancelled()
        assert not list(tmp_path.glob("scratch-*")), "it had the time to clear up"
        with pytest.raises(ClusterError, match="closed"):
            pool.submit(post, [Order(3)])
        pool.close()


@pytest.mark.parametrize("executor", [InProcess, LocalPool])
@pytest.mark.parametrize("number", [0, -1, 257])
def test_numbers_out_of_range(executor: Callable[[int], object], number: int) -> None:
    with pytest.raises(SettingsError, match=f"^{number} .* not between 1 and 256"):
        executor(number)


@pytest.mark.parametrize("limit_s", [-1.0, float("nan"), float("inf")])
def test_limits_out_of_range(limit_s: float) -> None:
    with pytest.raises(SettingsError, match="is not between"):
        LocalPool(1, limit_s=limit_s)


PROGRAM = """\
import functools, pathlib, signal, sys
from speechagents.cluster.executor import Post
from speechagents.cluster.local import LocalPool
from tests.cluster.made_up_services import Doing, Order

# Tests that run in the background of a shell inherit that it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def main():
    pool = LocalPool(2)
    notes = pathlib.Path(sys.argv[1])
    post = Post("doing", functools.partial(Doing, notes))
    futures = [pool.submit(post, [Order(1, sys.argv[2])]) for _ in range(2)]
    if sys.argv[2]:
        sys.stdin.read()
    print([future.result() for future in futures])

"""


def program(folder: Path, ending: str, *arguments: str) -> subprocess.Popen[str]:
    """Somebody's script that uses workers and does not close them."""
    path = folder / "program.py"
    path.write_text(PROGRAM + ending)
    return subprocess.Popen(
        [sys.executable, str(path), str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


GUARDED = 'if __name__ == "__main__":\n    main()\n'


class TestTheirEnd:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
    def test_no_process_outlives_who_started_it(self, tmp_path: Path, how: signal.Signals) -> None:
        with program(tmp_path, GUARDED, "sleep") as parent:
            until(lambda: len(noted(tmp_path, "sleep")) == 2, "work in both")
            parent.send_signal(how)
            try:
                parent.communicate(timeout=WAIT_S)
            finally:
                parent.kill()
        pids = noted(tmp_path, "sleep")
        until(lambda: not any(runs(pid) for pid in pids), "the end of both")
        assert not list(tmp_path.glob("scratch-*")), "they had the time to clear up"

    def test_a_program_that_does_not_close_them_ends_all_the_same(self, tmp_path: Path) -> None:
        with program(tmp_path, GUARDED, "") as parent:
            out, errors = parent.communicate(timeout=WAIT_S)
        assert out.startswith("[[(1, ")
        assert (errors, parent.returncode) == ("", 0)
        assert not any(runs(pid) for pid in noted(tmp_path, "loaded"))

    def test_a_program_whose_processes_would_start_it_anew_is_told_so(self, tmp_path: Path) -> None:
        with program(tmp_path, "main()\n", "") as parent:
            out, errors = parent.communicate(timeout=WAIT_S)
        assert out == ""
        assert 'A script that uses workers has to be a file, and to begin below `if __name__ == "__main__":`' in errors
        assert parent.returncode == 1


def test_a_process_that_takes_too_long_to_start(pool: LocalPool, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "START_LIMIT_S", 0.001)
    with pytest.raises(ClusterError, match=r"a worker process has not started within 0\.001 s"):
        result_of(pool.submit(post, [Order(1)]))


def test_a_machine_without_room_for_a_process(pool: LocalPool, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", full)
    with pytest.raises(ClusterError, match=r"Cannot allocate memory\); use fewer --workers"):
        result_of(pool.submit(post, [Order(1)]))
