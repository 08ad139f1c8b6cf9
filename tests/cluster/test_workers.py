"""What ``--workers`` takes, and what it refuses."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import closing
from types import ModuleType

import pytest

from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.local import LocalPool
from speechagents.cluster.workers import check_workers, open_workers
from speechagents.cores import usable_cores
from speechagents.errors import BackendMissing, SettingsError
from tests.cluster.made_up_services import Doing

POST = Post("doing", Doing, Needs())  # type: ignore[arg-type] # nobody loads it here


@pytest.mark.parametrize(
    ("spec", "jobs", "processes"),
    [("3", 2, 3), ("local:4", 2, 4), ("local", 2, 2), ("local", 0, usable_cores()), ("256", 1, 256), ("007", 1, 7)],
)
def test_processes_of_this_machine(spec: str, jobs: int, processes: int) -> None:
    assert check_workers(spec) == spec
    with closing(open_workers(spec, jobs=jobs)) as workers:
        assert isinstance(workers, LocalPool)
        assert workers.capacity(POST) == 2 * processes
        assert workers.pids == [], "they start when there is work"


@pytest.mark.parametrize(
    "spec",
    ["", " ", "two", "-1", "+2", "1.5", "1_0", "٣", "local:", "local:x", "local: 2", "Local", "rays", "ray:", "slurm"],
)
def test_what_it_does_not_know_it_refuses_with_all_it_knows(spec: str) -> None:
    with pytest.raises(SettingsError) as told:
        check_workers(spec)
    for form in ("local:N", "local (", "ray (", "ray://HOST:PORT", "N or"):
        assert form in str(told.value)


@pytest.mark.parametrize("spec", ["0", "local:0", "257", "local:999"])
def test_numbers_out_of_range(spec: str) -> None:
    with pytest.raises(SettingsError, match=r"not between 1 and 256"):
        check_workers(spec)


def test_a_number_of_any_length_is_refused_in_a_short_message() -> None:
    with pytest.raises(SettingsError) as told:
        check_workers("9" * 100_000)
    assert len(str(told.value)) < 1_000


@pytest.mark.parametrize("spec", ["ray", "ray://10.0.0.5:10001", "ray://head.example.org:80", "ray://[::1]:10001"])
def test_clusters(spec: str) -> None:
    assert check_workers(spec) == spec


@pytest.mark.parametrize(
    "spec",
    [
        "ray://",
        "ray://head",
        "ray://:10001",
        "ray://head:port",
        "ray://head:0",
        "ray://head:70000",
        "ray://he ad:1",
        "ray://head\n:10001",
        "ray://[::1:10001",
        f"ray://{'x' * 400}:1",
    ],
)
def test_an_address_that_is_none(spec: str) -> None:
    with pytest.raises(SettingsError, match="ray://HOST:PORT, for example"):
        check_workers(spec)


@pytest.mark.parametrize("spec", ["ray://me@head:1", "ray://head:1/x", "ray://head:1?x=1", "ray://head:1#x"])
def test_an_address_with_more_to_it(spec: str) -> None:
    with pytest.raises(SettingsError, match="more to it than a host and a port"):
        check_workers(spec)


def test_without_ray_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else find(name, *more))
    with pytest.raises(BackendMissing, match=r'python -m pip install "speechagents\[cluster\]"'):
        open_workers("ray", jobs=1)


@pytest.mark.parametrize(("spec", "address"), [("ray", ""), ("ray://head:10001", "ray://head:10001")])
@pytest.mark.parametrize("jobs", [0, 40])
def test_ray_gets_the_address_and_how_many_workers_it_is_asked_for(
    spec: str, address: str, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does with them stands in its own tests: here Ray need not be installed."""
    asked: list[tuple[str, int]] = []

    def executor(address: str, *, most: int) -> None:
        asked.append((address, most))

    module = ModuleType("speechagents.cluster.ray_executor")
    module.RayExecutor = executor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    open_workers(spec, jobs=jobs)
    assert asked == [(address, jobs)]
