"""Workers of a Ray that is started on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from speechagents import __version__
from speechagents.cluster import ray_executor
from speechagents.cluster.dispatch import Dispatcher, Done
from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.ray_executor import RayExecutor
from speechagents.cores import usable_cores
from speechagents.errors import (
    BackendMissing,
    ClusterError,
    MemoryFull,
    ScriptError,
    SettingsError,
    SpeechAgentsError,
    TuningError,
    WeightsMissing,
    WorkerLost,
)
from tests.cluster.made_up_services import Doing, Order, dying, noted, without_weights
from tests.cluster.ray_services import Giving

SMALL = Needs(cpus=0.1)
"""Then every test finds room beside the idle workers of those before."""


@pytest.fixture(scope="module")
def workers() -> Iterator[RayExecutor]:
    pytest.importorskip("ray")
    executor = RayExecutor(idle_s=1.0)
    yield executor
    executor.close()


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """One that leaves notes in the folder of the test."""
    return Post(f"doing {tmp_path.name}", partial(Doing, tmp_path), needs=SMALL, batch=4)


@pytest.fixture
def giving() -> Post:
    """The same for all tests, so that its worker is loaded once."""
    return Post("giving", Giving, needs=SMALL)


class TestWork:
    def test_results_come_in_order_from_other_processes_that_keep_the_post(
        self, workers: RayExecutor, post: Post, tmp_path: Path
    ) -> None:
        first = workers.submit(post, [Order(n) for n in range(3)]).result()
        second = workers.submit(post, [Order(n) for n in range(3, 5)]).result()

        assert [number for number, _ in first + second] == [0, 1, 2, 3, 4]
        assert {process for _, process in first + second} == set(noted(tmp_path, "loaded"))
        assert os.getpid() not in noted(tmp_path, "loaded")
        assert len(noted(tmp_path, "loaded")) == 1

    def test_there_are_more_workers_while_batches_wait_and_fewer_later(
        self, workers: RayExecutor, tmp_path: Path
    ) -> None:
        third = Post(f"third {tmp_path.name}", partial(Doing, tmp_path), needs=Needs(cpus=usable_cores() / 3.0))
        limit = time.monotonic() + 120.0
        while len(set(noted(tmp_path, "loaded"))) < 2 and time.monotonic() < limit:
            wait([workers.submit(third, [Order(n, "nap")]) for n in range(4)])
        while len(noted(tmp_path, "closed")) < len(noted(tmp_path, "loaded")) - 1 and time.monotonic() < limit:
            time.sleep(0.1)

        loaded, closed = set(noted(tmp_path, "loaded")), set(noted(tmp_path, "closed"))
        assert len(closed) == len(loaded) - 1 > 0
        assert len(list(tmp_path.glob("scratch-*"))) == 1
        psutil.wait_procs([psutil.Process(process) for process in closed if psutil.pid_exists(process)], timeout=10.0)
        assert not any(psutil.pid_exists(process) for process in closed)

    def test_capacity_is_one_batch_in_work_and_one_waiting_for_all_places(self, workers: RayExecutor) -> None:
        assert workers.capacity(Post("one", Giving, needs=Needs(cpus=1.0))) == max(2, 2 * usable_cores())
        assert workers.capacity(Post("half", Giving, needs=Needs(cpus=0.5))) == 4 * usable_cores()
        assert workers.capacity(Post("none", Giving, needs=Needs(gpus=500.0))) == 2

    def test_arrays_that_come_back_may_be_written_to(self, workers: RayExecutor, giving: Post) -> None:
        (array,) = workers.submit(giving, ["array"]).result()
        array[0] = 1.0

    def test_a_batch_that_waits_can_be_cancelled(self, workers: RayExecutor, tmp_path: Path) -> None:
        whole = Post(f"whole {tmp_path.name}", partial(Doing, tmp_path), needs=Needs(cpus=usable_cores() * 0.9))
        at_work = [workers.submit(whole, [Order(1, "nap")]), workers.submit(whole, [Order(2, "nap")])]
        waiting = workers.submit(whole, [Order(3, "refuse")])

        assert waiting.cancel()
        wait([*at_work, workers.submit(whole, [Order(4)])])
        assert noted(tmp_path, "refuse") == []

    def test_a_dispatcher_finds_the_poisoned_task(self, workers: RayExecutor, tmp_path: Path) -> None:
        post = Post(f"pairs {tmp_path.name}", partial(Doing, tmp_path), needs=SMALL, batch=2)
        dispatcher = Dispatcher(workers, tries=1)
        orders = [Order(n, "die" if n == 3 else "") for n in range(6)]

        outcomes = list(dispatcher.ordered(post, orders))

        assert [outcome.number for outcome in outcomes] == list(range(6))
        assert [outcome.number for outcome in outcomes if not isinstance(outcome, Done)] == [3]
        assert 2 <= len(noted(tmp_path, "die")) <= 4


class TestLoss:
    def test_a_worker_that_dies_takes_its_batch_alone_and_is_replaced(
        self, workers: RayExecutor, post: Post, tmp_path: Path
    ) -> None:
        good = [workers.submit(post, [Order(n)]) for n in range(4)]
        bad = workers.submit(post, [Order(9, "die")])
        after = [workers.submit(post, [Order(n)]) for n in range(4, 8)]

        with pytest.raises(WorkerLost, match=rf"a worker on {socket.gethostname()} was lost with a batch of doing"):
            bad.result()
        assert [future.result()[0][0] for future in good + after] == list(range(8))
        # Twice if another batch was beside it the first time: then nobody knew which of the two it was.
        assert 1 <= len(noted(tmp_path, "die")) <= 2

    def test_a_worker_that_ends_itself_is_lost_too(self, workers: RayExecutor, post: Post) -> None:
        with pytest.raises(WorkerLost):
            workers.submit(post, [Order(1, "end")]).result()

    def test_workers_that_die_of_loading_are_lost_not_started_for_ever(
        self, workers: RayExecutor, tmp_path: Path
    ) -> None:
        post = Post(f"dying {tmp_path.name}", partial(dying, tmp_path), needs=SMALL)
        with pytest.raises(WorkerLost, match=r"3 workers of dying .* were lost before they were ready"):
            workers.submit(post, [Order(1)]).result()
        assert len(noted(tmp_path, "loaded")) == 3


class TestErrors:
    @pytest.mark.parametrize(
        ("task", "kind", "message"),
        [
            ("settings", SettingsError, "no such voice"),
            ("script", ScriptError, "play.fountain:7: no such role"),
            ("tuning", TuningError, "recipe.yaml:3: base: no such model"),
            ("own settings", SettingsError, "no such voice here"),
        ],
    )
    def test_ours_come_back_as_they_were(
        self, workers: RayExecutor, giving: Post, task: str, kind: type[SpeechAgentsError], message: str
    ) -> None:
        error = workers.submit(giving, [task]).exception()

        assert type(error) is kind
        assert str(error) == message
        if isinstance(error, ScriptError):
            assert (error.source, error.line) == ("play.fountain", 7)

    def test_others_come_with_where_they_happened(self, workers: RayExecutor, giving: Post) -> None:
        error = workers.submit(giving, ["value"]).exception()

        assert type(error) is ValueError
        assert str(error) == "a digit too many"
        assert "ray_services.py" in error.__notes__[0]

    def test_one_that_cannot_travel_is_told_in_words(self, workers: RayExecutor, giving: Post) -> None:
        with pytest.raises(RuntimeError, match=r"^TravelsBadlyError: nothing nowhere$"):
            workers.submit(giving, ["bad traveller"]).result()

    def test_a_worker_goes_on_after_an_error_of_ours_and_is_replaced_after_any_other(
        self, workers: RayExecutor, post: Post, tmp_path: Path
    ) -> None:
        def process() -> int:
            ((_, process),) = workers.submit(post, [Order(0)]).result()
            return int(process)

        first = process()
        with pytest.raises(MemoryFull):
            workers.submit(post, [Order(1, "refuse")]).result()
        assert process() == first
        with pytest.raises(ValueError, match="a digit too many"):
            workers.submit(post, [Order(2, "fail")]).result()
        assert process() != first

    def test_what_loading_raises_is_raised(self, workers: RayExecutor, tmp_path: Path) -> None:
        post = Post(f"none {tmp_path.name}", partial(without_weights, tmp_path), needs=SMALL)
        with pytest.raises(WeightsMissing, match="on the other machine"):
            workers.submit(post, [Order(1)]).result()

    def test_results_that_cannot_travel_fail_their_batch(self, workers: RayExecutor, post: Post) -> None:
        with pytest.raises(TypeError, match="lock"):
            workers.submit(post, [Order(1, "give_a_lock")]).result()

    def test_tasks_that_cannot_travel_are_refused(self, workers: RayExecutor, post: Post) -> None:
        with socket.socket() as unsendable, pytest.raises(ClusterError, match="cannot be sent"):
            workers.submit(post, [unsendable])

    def test_a_worker_with_another_version_is_refused_with_both(
        self, workers: RayExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ray_executor, "__version__", "9.8.7")
        with pytest.raises(
            ClusterError, match=rf"has speechagents {__version__}, and 9\.8\.7 is running here.*install"
        ):
            workers.submit(Post("newer", Giving, needs=SMALL), ["process"]).result()

    def test_needs_that_no_machine_meets_are_told_with_what_there_is(self, workers: RayExecutor) -> None:
        post = Post("large", Giving, needs=Needs(cpus=3.0, gpus=500.0, vram_gb=24.0))
        with pytest.raises(ClusterError, match=rf"3 CPU, 500 GPU and 24 GB.*machines: {usable_cores()} CPU"):
            workers.submit(post, ["process"]).result()


class TestEnds:
    def test_nothing_is_printed_and_nothing_is_left(self) -> None:
        pytest.importorskip("ray")
        ended = subprocess.run(
            [sys.executable, "-c", _WHOLE_LIFE], capture_output=True, text=True, check=False, timeout=300.0
        )

        assert ended.stderr == ""
        assert json.loads(ended.stdout) == {
            "quiet": "quiet",
            "lost": "WorkerLost",
            "at work": "ClusterError",
            "beside": "ClusterError",
            "waiting": "cancelled",
            "later": "ClusterError",
            "processes": [],
            "threads": ["MainThread"],
        }

    def test_nobody_at_the_address_is_told(self) -> None:
        pytest.importorskip("ray")
        with socket.socket() as taken:
            # Bound and not listening: nobody else can be there.
            taken.bind(("127.0.0.1", 0))
            address = f"ray://127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(ClusterError, match=f"{address}.*ray start --head"):
                RayExecutor(address, connect_s=0.0)

    def test_without_ray_the_install_command_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(BackendMissing, match=r'python -m pip install "speechagents\[cluster\]"'):
            RayExecutor()

    @pytest.mark.parametrize("options", [{"most": -1}, {"most": 10_001}, {"idle_s": -1.0}, {"connect_s": -1.0}])
    def test_numbers_out_of_range_are_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(SettingsError):
            RayExecutor(**options)


_WHOLE_LIFE = """
import json, psutil, sys, threading, time
from speechagents.cluster.executor import Post, Needs
from speechagents.cluster.ray_executor import RayExecutor
from speechagents.errors import ClusterError, WorkerLost
from tests.cluster.ray_services import Giving

workers = RayExecutor(most=1)
post = Post("giving", Giving)
told = {"quiet": workers.submit(post, ["noise"]).result()[0]}
told["lost"] = type(workers.submit(post, ["death"]).exception()).__name__
workers.submit(post, ["process"]).result()
at_work, beside, waiting = [workers.submit(post, [task]) for task in ("sleep", "process", "process")]
while not at_work.running() or not beside.running():
    time.sleep(0.01)
workers.close()
told["at work"] = type(at_work.exception()).__name__
told["beside"] = type(beside.exception()).__name__
told["waiting"] = "cancelled" if waiting.cancelled() else "not"
try:
    workers.submit(post, ["process"])
except ClusterError as error:
    told["later"] = type(error).__name__
psutil.wait_procs(psutil.Process().children(recursive=True), timeout=10.0)
told["processes"] = [process.name() for process in psutil.Process().children(recursive=True)]
told["threads"] = sorted(thread.name for thread in threading.enumerate())
print(json.dumps(told))
"""
