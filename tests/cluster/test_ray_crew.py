"""What a crew decides: how many workers, who gets which batch, and what becomes of it. Its workers are made up here."""

from __future__ import annotations

import pickle
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from speechagents.cluster import ray_crew
from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.ray_cluster import RayCluster
from speechagents.cluster.ray_crew import Batch, Crew
from speechagents.cluster.ray_worker import Fault
from speechagents.errors import ClusterError, SettingsError, StorageError, WorkerLost
from tests.cluster.ray_services import Giving


class Clock:
    """Time that passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        monkeypatch.setattr(ray_crew, "time", SimpleNamespace(monotonic=lambda: self.now_s))


class Actor:
    """A worker: what it was asked, oldest first, and whether it was ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Future[bytes], tuple[Any, ...]]] = []
        self.killed = False

    def ask(self, method: str, *arguments: Any) -> Future[bytes]:
        future: Future[bytes] = Future()
        self.asked.append((method, future, arguments))
        return future

    def kill(self) -> None:
        self.killed = True

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.asked]

    def answers(self, value: Any) -> None:
        """It answers the oldest question."""
        self.asked.pop(0)[1].set_result(pickle.dumps(value))

    def raises(self, error: Exception) -> None:
        self.answers(Fault(pickle.dumps(error), type(error).__name__, str(error)))

    def is_lost(self) -> None:
        while self.asked:
            self.asked.pop(0)[1].set_exception(WorkerLost("its machine is gone"))

    def gets_ready(self) -> None:
        self.answers("a machine")
        self.answers(None)


class Cluster:
    """A cluster with so many places."""

    def __init__(self, places: int, *, own: bool = False) -> None:
        self.room = places
        self.own = own
        self.actors: list[Actor] = []

    def places(self, needs: Needs) -> int:
        return self.room

    def wanting(self, needs: Needs) -> str:
        return f"needs {needs.gpus:g} GPU"

    def start_worker(self, needs: Needs) -> Actor:
        self.actors.append(Actor())
        return self.actors[-1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def crew_of(cluster: Cluster, *, most: int = 0, needs: Needs | None = None) -> Crew:
    return Crew(
        Post("giving", Giving, needs=needs or Needs()),
        make=b"",
        version="1",
        cluster=cast(RayCluster, cluster),
        call=lambda doing: doing(),
        most=most,
        idle_s=10.0,
    )


def add(crew: Crew, count: int = 1) -> list[Future[list[Any]]]:
    futures: list[Future[list[Any]]] = [Future() for _ in range(count)]
    for number, future in enumerate(futures):
        crew.add(Batch(bytes([number]), future))
    crew.staff()
    return futures


def tasks_at(actor: Actor) -> list[int]:
    """Numbers of the batches that it has."""
    return [arguments[0][0] for method, _, arguments in actor.asked if method == "do"]


class TestHowMany:
    @pytest.mark.parametrize(
        ("places", "most", "batches", "workers"), [(4, 0, 1, 1), (4, 0, 9, 4), (4, 2, 9, 2), (1, 6, 9, 6), (0, 0, 9, 1)]
    )
    def test_as_many_as_batches_places_and_wishes_allow(
        self, clock: Clock, places: int, most: int, batches: int, workers: int
    ) -> None:
        cluster = Cluster(places)
        add(crew_of(cluster, most=most), batches)
        assert len(cluster.actors) == workers

    def test_machines_that_come_are_used(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        add(crew, 5)
        cluster.room = 3
        crew.staff()
        assert len(cluster.actors) == 3

    def test_idle_ones_leave_in_order_and_the_last_one_stays(self, clock: Clock) -> None:
        cluster = Cluster(3)
        crew = crew_of(cluster)
        add(crew, 3)
        for actor in cluster.actors:
            actor.gets_ready()
        for actor in cluster.actors:
            actor.answers(["done"])
        clock.now_s += 9.0
        crew.staff()
        assert not any(actor.asked for actor in cluster.actors)

        clock.now_s += 1.0
        crew.staff()
        assert sorted(actor.methods for actor in cluster.actors) == [[], ["leave"], ["leave"]]
        assert not any(actor.killed for actor in cluster.actors)

    def test_one_that_does_not_leave_is_killed(self, clock: Clock) -> None:
        cluster = Cluster(2)
        crew = crew_of(cluster)
        add(crew, 2)
        for actor in cluster.actors:
            actor.gets_ready()
        for actor in cluster.actors:
            actor.answers(["done"])
        clock.now_s += 10.0
        crew.staff()
        clock.now_s += ray_crew.GRACE_S
        crew.staff()
        assert sorted((actor.methods, actor.killed) for actor in cluster.actors) == [([], False), (["leave"], True)]

    def test_one_that_nobody_needs_any_more_is_not_waited_for(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        (future,) = add(crew)
        future.cancel()
        clock.now_s += 10.0
        crew.staff()
        assert cluster.actors[0].killed


class TestWhoGetsWhat:
    def test_a_worker_has_one_batch_while_they_take_long(self, clock: Clock) -> None:
        cluster = Cluster(1)
        add(crew_of(cluster), 3)
        (actor,) = cluster.actors
        actor.gets_ready()
        assert tasks_at(actor) == [0]
        clock.now_s += 5.0
        actor.answers(["done"])
        assert tasks_at(actor) == [1]

    def test_and_a_second_one_beside_it_when_they_are_short(self, clock: Clock) -> None:
        cluster = Cluster(1)
        futures = add(crew_of(cluster), 4)
        (actor,) = cluster.actors
        actor.gets_ready()
        clock.now_s += 0.01
        actor.answers(["done"])
        assert tasks_at(actor) == [1, 2]
        assert not futures[2].cancel()
        assert futures[3].cancel()

    def test_cancelled_batches_are_not_given(self, clock: Clock) -> None:
        cluster = Cluster(1)
        futures = add(crew_of(cluster), 3)
        futures[0].cancel()
        cluster.actors[0].gets_ready()
        assert tasks_at(cluster.actors[0]) == [1]


class TestLoss:
    def test_the_batch_that_a_lost_worker_had_is_lost(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        futures = add(crew, 2)
        cluster.actors[0].gets_ready()
        cluster.actors[0].is_lost()
        crew.staff()
        cluster.actors[1].gets_ready()

        with pytest.raises(WorkerLost, match="a worker on a machine was lost with a batch of giving: its machine is"):
            futures[0].result()
        assert tasks_at(cluster.actors[1]) == [1]

    def test_of_two_nobody_knows_which_it_was_and_each_is_tried_alone(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        futures = add(crew, 4)
        cluster.actors[0].gets_ready()
        cluster.actors[0].answers(["nought"])
        assert tasks_at(cluster.actors[0]) == [1, 2]
        cluster.actors[0].is_lost()
        crew.staff()
        assert not any(future.done() for future in futures[1:])

        cluster.actors[1].gets_ready()
        assert tasks_at(cluster.actors[1]) == [1]
        cluster.actors[1].answers(["one"])
        assert tasks_at(cluster.actors[1]) == [2]
        cluster.actors[1].is_lost()
        crew.staff()
        assert futures[1].result() == ["one"]
        assert isinstance(futures[2].exception(), WorkerLost)
        assert not futures[3].done()

    def test_workers_lost_while_they_load_are_replaced_and_the_third_fails_what_waits(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        (future,) = add(crew)
        for number in range(3):
            assert not future.done()
            cluster.actors[number].is_lost()
            crew.staff()
        with pytest.raises(WorkerLost, match="3 workers of giving were lost before they were ready"):
            future.result()
        assert len(cluster.actors) == 3

    def test_an_error_that_nobody_foresaw_ends_the_worker(self, clock: Clock) -> None:
        cluster = Cluster(1)
        futures = add(crew_of(cluster), 2)
        (actor,) = cluster.actors
        actor.gets_ready()
        actor.raises(ValueError("a digit too many"))
        assert actor.killed
        assert isinstance(futures[0].exception(), ValueError)
        assert not futures[1].done()


class TestUse:
    def test_one_worker_of_no_use_is_done_without(self, clock: Clock) -> None:
        cluster = Cluster(2)
        crew = crew_of(cluster)
        futures = add(crew, 6)
        cluster.actors[0].raises(ClusterError("it has another version"))
        cluster.actors[1].gets_ready()
        crew.staff()
        assert len(cluster.actors) == 2
        assert not any(future.done() for future in futures)

    def test_until_machines_come_or_go(self, clock: Clock) -> None:
        cluster = Cluster(2)
        crew = crew_of(cluster)
        add(crew, 6)
        cluster.actors[0].raises(ClusterError("it has another version"))
        cluster.room = 3
        crew.staff()
        assert len(cluster.actors) == 4

    def test_one_whose_disk_is_full_is_done_without_and_what_waits_is_done_by_the_others(self, clock: Clock) -> None:
        cluster = Cluster(2)
        crew = crew_of(cluster)
        futures = add(crew, 6)
        for actor in cluster.actors:
            actor.gets_ready()
        full, other = cluster.actors
        full.raises(StorageError("scratch: the disk is full"))
        assert full.killed
        assert isinstance(futures[0].exception(), StorageError), "it is for the dispatcher to have it tried elsewhere"
        crew.staff()
        while other.asked:
            other.answers([])
        assert all(future.done() for future in futures)
        assert cluster.actors == [full, other], "nobody takes its place, which would be on the same disk"

    def test_the_only_one_goes_on_though_its_disk_is_full(self, clock: Clock) -> None:
        cluster = Cluster(1)
        futures = add(crew_of(cluster), 2)
        (actor,) = cluster.actors
        actor.gets_ready()
        actor.raises(StorageError("scratch: the disk is full"))
        assert not actor.killed
        actor.answers([])
        assert futures[1].result() == []

    def test_when_none_is_of_use_what_waits_hears_why(self, clock: Clock) -> None:
        cluster = Cluster(2)
        futures = add(crew_of(cluster), 2)
        for actor in cluster.actors:
            actor.answers("a machine")
            actor.raises(SettingsError("no such voice"))
        assert [str(future.exception()) for future in futures] == ["no such voice"] * 2


class TestRoom:
    @pytest.mark.parametrize(("own", "most", "limit_s"), [(True, 0, 0.0), (False, 0, 60.0), (False, 2, 900.0)])
    def test_a_cluster_without_room_is_given_time_to_have_some(
        self, clock: Clock, own: bool, most: int, limit_s: float
    ) -> None:
        cluster = Cluster(0, own=own)
        crew = crew_of(cluster, most=most, needs=Needs(cpus=4.0, gpus=1.0, vram_gb=24.0))
        (future,) = add(crew)
        clock.now_s += limit_s
        assert future.done() == (limit_s == 0.0)
        crew.staff()
        with pytest.raises(ClusterError, match="a worker of giving needs 1 GPU"):
            future.result()
        assert all(actor.killed for actor in cluster.actors)

    def test_one_whose_room_others_hold_is_waited_for(self, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        crew = crew_of(Cluster(2))
        (future,) = add(crew)
        for _ in range(100):
            clock.now_s += 60.0
            crew.staff()
        assert not future.done()
        assert [record.getMessage() for record in caplog.records] == [
            "giving: others hold all the room on the cluster; it waits"
        ]


class TestPlacesForOthers:
    def test_a_post_without_any_place_is_hungry_after_a_while(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        add(crew)
        assert not crew.hungry()
        clock.now_s += 3.0
        assert crew.hungry()
        assert not crew.hungry()
        clock.now_s += 3.0
        cluster.actors[0].answers("a machine")
        assert not crew.hungry()

    def test_idle_workers_leave_for_it(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        add(crew)
        cluster.actors[0].gets_ready()
        assert not crew.make_room(Needs())
        cluster.actors[0].answers(["done"])
        assert crew.make_room(Needs())
        assert cluster.actors[0].methods == ["leave"]

    def test_a_busy_one_leaves_after_its_turn_and_what_it_is_at(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        futures = add(crew, 2)
        (actor,) = cluster.actors
        actor.gets_ready()
        assert not crew.take_turns(Needs())
        clock.now_s += 31.0
        assert crew.take_turns(Needs())
        actor.answers(["done"])
        assert futures[0].result() == ["done"]
        assert actor.methods == ["leave"]
        assert not futures[1].done()

    def test_none_leaves_for_a_gpu_that_it_does_not_have(self, clock: Clock) -> None:
        cluster = Cluster(1)
        crew = crew_of(cluster)
        add(crew)
        cluster.actors[0].gets_ready()
        cluster.actors[0].answers(["done"])
        clock.now_s += 31.0
        assert not crew.make_room(Needs(gpus=1.0))
        assert not crew.take_turns(Needs(gpus=1.0))


def test_closing_fails_what_is_under_way_and_cancels_what_waits(clock: Clock) -> None:
    cluster = Cluster(2)
    crew = crew_of(cluster)
    futures = add(crew, 4)
    for actor in cluster.actors:
        actor.gets_ready()
    waiting_too = add(crew)
    assert crew.close() == []

    assert [type(future.exception()) for future in futures[:2]] == [ClusterError] * 2
    assert all(future.cancelled() for future in futures[2:] + waiting_too)
    assert all(actor.killed for actor in cluster.actors)
