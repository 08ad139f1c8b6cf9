"""Reaching a Ray cluster that is not there, or not there yet. Ray itself is made up here; the ports are real."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from speechagents.cluster import ray_cluster
from speechagents.cluster.ray_cluster import RayCluster
from speechagents.errors import ClusterError

NOWHERE = "ray://no-such-host.invalid:10001"


class MadeUpRay(ModuleType):
    """What a connection needs of Ray, which refuses as often as it is told to.

    Attributes:
        refusals: What it raises, one after the other.
        asked: Addresses that it was asked to join.
        ended: Times that a connection was ended.
    """

    def __init__(self) -> None:
        super().__init__("ray")
        self.refusals: list[Exception] = []
        self.asked: list[str] = []
        self.ended = 0

    def is_initialized(self) -> bool:
        return False

    def init(self, address: str, **_options: Any) -> None:
        self.asked.append(address)
        if self.refusals:
            raise self.refusals.pop(0)

    def shutdown(self, **_options: Any) -> None:
        self.ended += 1

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2.0}}]

    def remote(self, one: object) -> object:
        return one


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> MadeUpRay:
    made_up = MadeUpRay()
    monkeypatch.setitem(sys.modules, "ray", made_up)
    monkeypatch.setitem(sys.modules, "ray._private.worker", ModuleType("ray._private.worker"))
    monkeypatch.setattr(ray_cluster, "_PAUSE_S", 0.01)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return made_up


@contextmanager
def port(*, listening: bool) -> Iterator[socket.socket]:
    """A port that nobody else has; while it does not listen, who knocks is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listening:
            taken.listen()
        yield taken


def address_of(taken: socket.socket) -> str:
    return f"ray://127.0.0.1:{taken.getsockname()[1]}"


def refused() -> Exception:
    return ConnectionAbortedError("Initialization failure from server: it is not up yet")


def test_a_cluster_whose_port_opens_a_little_later_is_waited_for(ray: MadeUpRay) -> None:
    with port(listening=False) as later:
        opening = threading.Timer(0.3, later.listen)
        opening.start()
        RayCluster(address_of(later), cores=0, connect_s=60.0)
        opening.join()
        assert ray.asked == [address_of(later)]


def test_one_whose_port_stays_shut_is_told_with_the_remedy(ray: MadeUpRay) -> None:
    with port(listening=False) as shut:
        with pytest.raises(ClusterError, match=rf"{address_of(shut)}.*refused.*ray start --head") as told:
            RayCluster(address_of(shut), cores=0, connect_s=0.05)
        assert told.value.exit_code == 3
    assert ray.asked == []


def test_a_host_that_nobody_knows_is_not_waited_for(ray: MadeUpRay) -> None:
    with pytest.raises(ClusterError, match=NOWHERE):
        RayCluster(NOWHERE, cores=0, connect_s=1e6)


def test_one_that_refuses_while_it_is_starting_is_asked_again(ray: MadeUpRay) -> None:
    ray.refusals = [refused(), ConnectionError("ray client connection timeout")]
    with port(listening=True) as open_port:
        RayCluster(address_of(open_port), cores=0)
        assert ray.asked == [address_of(open_port)] * 3
    assert ray.ended == 2, "nothing of an attempt is left for the next one"


def test_one_that_goes_on_refusing_is_told_and_not_asked_for_ever(ray: MadeUpRay) -> None:
    ray.refusals = [refused() for _ in range(99)]
    with port(listening=True) as open_port:
        with pytest.raises(ClusterError, match=r"not up yet.*ray start --head") as told:
            RayCluster(address_of(open_port), cores=0)
        assert address_of(open_port) in str(told.value)
    assert len(ray.asked) == ray.ended == 3


def test_one_of_another_version_is_asked_once(ray: MadeUpRay) -> None:
    ray.refusals = [RuntimeError("Version mismatch: the cluster was started with Ray 1.0")]
    with port(listening=True) as open_port, pytest.raises(ClusterError, match=r"Version mismatch.*same version"):
        RayCluster(address_of(open_port), cores=0)
    assert len(ray.asked) == 1
