"""A Ray cluster of several machines, all of them this one, that loses workers and machines.

    python -m pytest tests/cluster/test_ray_cluster.py

Needs ``pip install -e ".[test,cluster]"``. The whole novel is read if the corpus is there.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import random
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from speechagents import Studio
from speechagents.cluster.dispatch import Dispatcher, Done
from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.ray_executor import RayExecutor
from speechagents.cluster.workers import open_workers
from speechagents.errors import ClusterError, WorkerLost
from speechagents.settings import ReadSettings
from tests.cluster.made_up_services import Doing, Order, noted
from tests.cluster.ray_services import Giving
from tests.test_reading_aloud import digests

pytestmark = pytest.mark.slow
cluster_utils: Any = pytest.importorskip("ray.cluster_utils")

ROOT: Final = Path(__file__).resolve().parents[2]
NOVEL: Final = ROOT.parent / "shared" / "data" / "pdnc" / "WinnieThePooh" / "novel_text.txt"
FORMATS: Final = ("flac", "vtt")
WAIT_S: Final = 300.0


class Machines:
    """A cluster: a head without cores, and machines with one core each."""

    def __init__(self, *, client_port: int = 0) -> None:
        head = {"num_cpus": 0, "include_dashboard": False}
        if client_port:
            head["ray_client_server_port"] = client_port
        self._cluster = started(lambda: cluster_utils.Cluster(initialize_head=True, head_node_args=head))
        self._machines: list[Any] = []

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self, count: int = 1, **has: Any) -> None:
        for _ in range(count):
            self._machines.append(started(lambda: self._cluster.add_node(**{"num_cpus": 1, **has})))

    def lose(self, index: int) -> None:
        """The power of one of them fails."""
        self._cluster.remove_node(self._machines.pop(index), allow_graceful=False)

    def __len__(self) -> int:
        return len(self._machines)

    def demanded(self) -> int:
        """Workers that the cluster was asked for and has no room for: what makes one grow that can."""
        sdk: Any = importlib.import_module("ray.autoscaler.v2.sdk")
        demands = sdk.get_cluster_status(self.address).resource_demands.ray_task_actor_demand
        return sum(bundle.count for demand in demands for bundle in demand.bundles_by_count)

    def at_work(self) -> list[psutil.Process]:
        """Worker processes that have a batch."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if " ".join(process.cmdline()).startswith("ray::RayWorker.do"):
                    found.append(process)
        return found

    def shutdown(self) -> None:
        self._cluster.shutdown()


def started(start: Callable[[], Any]) -> Any:
    """A node; Ray gives each 30 s to start, which is short beside other work, and leaves its log files open."""
    for tries_left in reversed(range(5)):
        try:
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                return start()
        except Exception as error:
            if not tries_left or "timed out" not in str(error):
                raise
    raise AssertionError


class Misfortune:
    """Kills workers, and machines if it may, at random times.

    Called by the thread that started the cluster: its processes end with that thread.

    Args:
        machines: What it befalls.
        seed: Of its moods.
        most: Times that it strikes.
        machines_too: It takes a machine every third time, and brings another one.
    """

    def __init__(self, machines: Machines, *, seed: int, most: int, machines_too: bool) -> None:
        self._machines = machines
        self._random = random.Random(seed)  # noqa: S311 - chance, no secret
        self._most = most
        self._machines_too = machines_too
        self.workers = 0
        self.lost_machines = 0

    def until(self, done: Future[Any], *, every_s: tuple[float, float]) -> None:
        """Strike until something is done."""
        while not done.done():
            with contextlib.suppress(TimeoutError):
                done.exception(timeout=self._random.uniform(*every_s))
                return
            if self.workers + self.lost_machines >= self._most:
                continue
            if self._machines_too and (self.workers + self.lost_machines) % 3 == 2:
                self._machines.lose(self._random.randrange(len(self._machines)))
                self.lost_machines += 1
                self._machines.add()
            elif at_work := self._machines.at_work():
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._random.choice(at_work).kill()
                    self.workers += 1


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines()
    yield made
    made.shutdown()


@pytest.fixture
def workers(machines: Machines) -> Iterator[RayExecutor]:
    executor = RayExecutor(machines.address)
    yield executor
    executor.close()


def test_every_task_is_done_once_however_many_workers_and_machines_are_lost(
    machines: Machines, workers: RayExecutor, tmp_path: Path
) -> None:
    machines.add(3)
    post = Post("doing", partial(Doing, tmp_path), batch=4)
    dispatcher = Dispatcher(workers)
    misfortune = Misfortune(machines, seed=7, most=6, machines_too=True)

    with ThreadPoolExecutor(1) as thread:
        orders = [Order(number, "nap") for number in range(120)]
        done = thread.submit(lambda: list(dispatcher.ordered(post, orders)))
        misfortune.until(done, every_s=(1.0, 3.0))

    outcomes = done.result()
    assert [outcome.number for outcome in outcomes] == list(range(120))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert misfortune.workers >= 2
    assert misfortune.lost_machines >= 1
    assert 1 <= dispatcher.counts.lost <= misfortune.workers + misfortune.lost_machines
    # A batch that was lost is done again, and no other.
    assert 120 <= len(noted(tmp_path, "nap")) <= 120 + 4 * dispatcher.counts.lost


def test_a_lost_machine_takes_its_batch_alone(machines: Machines, workers: RayExecutor, tmp_path: Path) -> None:
    machines.add(1, resources={"vram_gb": 8})
    machines.add(1, resources={"vram_gb": 24})
    small = Post("small", Giving, needs=Needs(vram_gb=8.0))
    large = Post("large", Giving, needs=Needs(vram_gb=24.0))
    stays = workers.submit(small, ["nap"])
    assert stays.result()
    workers.submit(large, ["process"]).result()
    lost, next_one = workers.submit(large, ["sleep"]), workers.submit(small, ["nap"])
    while not lost.running():
        time.sleep(0.01)

    machines.lose(1)
    with pytest.raises(WorkerLost, match="was lost with a batch of large"):
        lost.result(timeout=WAIT_S)
    assert next_one.result(timeout=WAIT_S)
    waits = workers.submit(large, ["process"])
    machines.add(1, resources={"vram_gb": 24})
    assert waits.result(timeout=WAIT_S)


def test_closing_ends_the_workers_and_leaves_the_cluster(machines: Machines) -> None:
    machines.add(1)
    for _ in range(2):
        workers = RayExecutor(machines.address)
        workers.submit(Post("giving", Giving), ["process"]).result(timeout=WAIT_S)
        with pytest.raises(ClusterError, match="connected to Ray already"):
            RayExecutor(machines.address)
        workers.close()
        wait_for(lambda: not machines.at_work())


def test_a_cluster_is_asked_for_workers_that_it_has_no_room_for_and_machines_that_come_have_them(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", machines.address)
    machines.add()
    post = Post("giving", Giving)
    with contextlib.closing(open_workers("ray", jobs=3)) as workers:
        assert workers.capacity(post) == 6
        for _ in range(6):
            workers.submit(post, ["sleep"])
        wait_for(lambda: machines.demanded() == 2)
        machines.add(2)
        wait_for(lambda: len(machines.at_work()) == 3)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_driver_that_is_there_before_its_cluster_waits_for_it() -> None:
    port = free_port()
    driver = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, f"ray://127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    machines = Machines(client_port=port)
    machines.add()
    told, _ = driver.communicate(timeout=WAIT_S)
    machines.shutdown()
    assert driver.returncode == 0
    assert json.loads(told)["done"] == 40


def test_a_cluster_is_reached_by_its_client_port() -> None:
    port = free_port()
    machines = Machines(client_port=port)
    machines.add(2)
    # A program of its own: a client, unlike who belongs to the cluster.
    ended = subprocess.run(
        [sys.executable, "-c", _CLIENT, f"ray://127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        cwd=ROOT,
    )
    machines.shutdown()
    assert ended.stderr == ""
    assert json.loads(ended.stdout) == {
        "capacity": 4,
        "done": 40,
        "refused": "SettingsError",
        "lost": "WorkerLost",
        "after": 1,
        "threads": ["MainThread"],
    }


def test_a_ray_that_was_started_ends_with_its_program_even_if_that_is_killed() -> None:
    driver = subprocess.Popen([sys.executable, "-c", _DRIVER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "at work\n"
    started = psutil.Process(driver.pid).children(recursive=True)
    assert len(started) > 3

    driver.kill()
    driver.communicate()
    _, alive = psutil.wait_procs(started, timeout=30.0)
    assert {process.name() for process in alive} <= {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}
    # Those look after who started them once a minute.
    _, alive = psutil.wait_procs(alive, timeout=180.0)
    assert alive == []


@pytest.mark.skipif(not NOVEL.exists(), reason="the corpus of novels is not there")
def test_a_novel_has_the_same_bytes_by_however_many_workers_and_whoever_is_killed(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", machines.address)
    settings = ReadSettings(formats=FORMATS)
    with Studio(preset="embedded") as studio:
        list(studio.read(NOVEL, out=tmp_path / "alone", settings=settings))
    alone = digests(tmp_path / "alone")

    for workers in (1, 2):
        machines.add(workers - len(machines))
        misfortune = Misfortune(machines, seed=workers, most=4, machines_too=False)

        def read(out: Path = tmp_path / str(workers)) -> None:
            with Studio(preset="embedded", jobs=1, workers="ray") as studio:
                list(studio.read(NOVEL, out=out, settings=settings))

        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(read)
            misfortune.until(done, every_s=(3.0, 8.0))
        done.result()
        assert misfortune.workers >= 1
        assert digests(tmp_path / str(workers)) == alone

    machines.add(4 - len(machines))
    out = tmp_path / "4"
    command = [sys.executable, "-m", "speechagents", "read", str(NOVEL), "--out", str(out), "--preset", "embedded"]
    command += ["--formats", ",".join(FORMATS), "--workers", "ray"]
    for chapters in (2, 5, None):
        driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        misfortune = Misfortune(machines, seed=4, most=2, machines_too=True)
        with ThreadPoolExecutor(1) as thread:
            ended = thread.submit(_followed, driver, out, chapters)
            misfortune.until(ended, every_s=(3.0, 8.0))
        assert ended.result() == (0 if chapters is None else -signal.SIGKILL)
        wait_for(lambda: not machines.at_work())
    assert digests(out) == alone


def _followed(driver: subprocess.Popen[bytes], out: Path, chapters: int | None) -> int:
    """Exit code of a driver, which is killed when it has so many chapters."""
    while driver.poll() is None:
        if chapters is not None and len(list(out.glob("chapters/*.flac"))) >= chapters:
            driver.kill()
        time.sleep(0.05)
    return driver.wait()


def wait_for(true: Any) -> None:
    limit = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)


_CLIENT = """
import json, sys, threading
from speechagents.cluster.dispatch import Dispatcher
from speechagents.cluster.executor import Post
from speechagents.cluster.ray_executor import RayExecutor
from tests.cluster.ray_services import Giving

workers = RayExecutor(sys.argv[1], connect_s=120.0)
post = Post("giving", Giving, batch=4)
told = {"capacity": workers.capacity(post)}
told["done"] = sum(1 for _ in Dispatcher(workers).ordered(post, ["array"] * 40))
told["refused"] = type(workers.submit(post, ["settings"]).exception()).__name__
told["lost"] = type(workers.submit(post, ["death"]).exception()).__name__
told["after"] = len(workers.submit(post, ["process"]).result())
workers.close()
told["threads"] = sorted(thread.name for thread in threading.enumerate())
print(json.dumps(told))
"""

_DRIVER = """
import time
import warnings
from speechagents.cluster.executor import Post
from speechagents.cluster.ray_executor import RayExecutor
from tests.cluster.ray_services import Giving

workers = RayExecutor(most=1)
workers.submit(Post("giving", Giving), ["process"]).result()
workers.submit(Post("giving", Giving), ["sleep"])
print("at work", flush=True)
time.sleep(600.0)
"""
