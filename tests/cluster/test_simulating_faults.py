"""Hundreds of scenes against three servers that misbehave: one slow, one dying, one that keeps asking for rest.

All of them are finished, once each, and word for word what one server that is well would have made of them; killed
on the way, the run goes on to the same end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.figures import Outcome, RunFigures
from speechagents.cluster.results import RESULTS_FILE
from speechagents.cluster.simulating import RunOver, simulate
from speechagents.cluster.simulation import SimulationSettings
from tests.cluster.talking import slowly, spec, talks, wait_until, write_scenes
from tests.controllers.fault_server import (
    PATIENCE_S,
    Answer,
    FaultServer,
    Received,
    complains,
    drops_at_once,
    drops_midway,
    sends,
)

pytestmark = pytest.mark.slow

SCENES, REPEAT = 25, 20
AS_A_PROCESS = """
import sys
from pathlib import Path
from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.simulating import simulate
from speechagents.cluster.simulation import SimulationSettings
scenes, repeat, out, *urls = sys.argv[1:]
specs = tuple(EndpointSpec(url, model="tiny", key_variable="") for url in urls)
for event in simulate(SimulationSettings((Path(scenes),), repeat=int(repeat), endpoints=specs), Path(out)):
    pass
"""


class Misbehaving:
    """Three servers; how many requests each has had is known by `FaultServer.received`."""

    def __init__(self, slow: FaultServer, dying: FaultServer, tired: FaultServer) -> None:
        self.slow = slow
        self.dying = dying
        self.tired = tired
        self.all = (slow, dying, tired)
        slow.rule = lambda received: slowly(talks(received), 0.05)
        dying.rule = self._dies
        tired.rule = self._asks_for_rest

    def specs(self) -> tuple[EndpointSpec, ...]:
        return tuple(
            spec(server, name, concurrency=4) for server, name in zip(self.all, ("slow", "dying", "tired"), strict=True)
        )

    def _dies(self, received: Received) -> Answer:
        """Well, then worse and worse, then gone: nothing that it is asked is answered any more."""
        had = len(self.dying.received)
        if had < 60:
            return talks(received)
        return (drops_midway, complains(500, "out of memory"), sends(b"<html>"), drops_at_once)[had % 4]

    def _asks_for_rest(self, received: Received) -> Answer:
        if len(self.tired.received) % 25 == 24:
            return complains(429, "slow down", headers={"Retry-After": "0.2"})
        return talks(received)


@contextmanager
def misbehaving() -> Iterator[Misbehaving]:
    with ExitStack() as running:
        yield Misbehaving(*(running.enter_context(FaultServer()) for _ in range(3)))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, SCENES)
    return folder


@pytest.fixture(scope="module")
def calm(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run by one server that is well."""
    out = tmp_path_factory.mktemp("runs") / "calm"
    with FaultServer() as server:
        server.rule = talks
        over = run(scenes, out, spec(server))
    assert (over.finished, over.failed, over.fallbacks) == (SCENES * REPEAT, 0, 0)
    return out


def run(scenes: Path, out: Path, *specs: EndpointSpec, figures: RunFigures | None = None) -> RunOver:
    settings = SimulationSettings((scenes,), repeat=REPEAT, endpoints=specs)
    *_, over = simulate(settings, out, figures=figures)
    assert isinstance(over, RunOver)
    return over


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / RESULTS_FILE).read_text("utf-8").splitlines()]


def transcripts(out: Path) -> dict[tuple[str, int], Any]:
    return {(line["scene"], line["repeat"]): line["messages"] for line in lines(out)}


def assert_each_once(out: Path) -> None:
    counted = Counter((line["scene"], line["repeat"]) for line in lines(out))
    assert len(counted) == SCENES * REPEAT
    assert set(counted.values()) == {1}


def test_500_scenes_are_finished_once_each_and_all_counts_add_up(scenes: Path, calm: Path, tmp_path: Path) -> None:
    figures = RunFigures(["slow", "dying", "tired"])
    with misbehaving() as servers:
        over = run(scenes, tmp_path / "out", *servers.specs(), figures=figures)
        received = {
            name: len(server.received) for server, name in zip(servers.all, ("slow", "dying", "tired"), strict=True)
        }
        at_once = [server.most_at_once for server in servers.all]
    assert (over.planned, over.finished, over.failed, over.left) == (500, 500, 0, 0)
    assert (over.turns, over.fallbacks) == (1_000, 0), "no fault of a server cost a scene a turn"
    assert_each_once(tmp_path / "out")
    assert transcripts(tmp_path / "out") == transcripts(calm)
    assert all(count <= 4 for count in at_once)
    # What was sent is what arrived, by endpoint, in the figures and in the results.
    counted: Counter[str] = Counter()
    for line in lines(tmp_path / "out"):
        counted.update(line["requests"])
    assert dict(counted) == received == {name: one.requests for name, one in figures.endpoints.items()}
    assert over.requests == sum(received.values())
    answered = sum(one.outcomes[Outcome.ANSWERED] for one in figures.endpoints.values())
    assert answered == over.turns
    assert (over.tokens_in, over.tokens_out) == (100 * answered, 20 * answered)
    # Each did what it could: the dying one was left alone, and the slow one was not waited for.
    dying, tired = figures.endpoints["dying"], figures.endpoints["tired"]
    assert not dying.up
    assert 3 <= dying.outcomes[Outcome.FAILED] <= 40
    assert tired.outcomes[Outcome.LIMITED] >= 5
    assert min(tired.outcomes[Outcome.ANSWERED], figures.endpoints["slow"].outcomes[Outcome.ANSWERED]) > 100
    assert all(one.in_flight == 0 for one in figures.endpoints.values())


def test_killed_and_gone_on_with_it_ends_the_same(scenes: Path, calm: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with misbehaving() as servers:
        for enough in (60, 200):
            process = subprocess.Popen(
                [sys.executable, "-c", AS_A_PROCESS, str(scenes), str(REPEAT), str(out)]
                + [server.url for server in servers.all],
                start_new_session=True,
            )
            assert wait_until(lambda enough=enough: written(out) >= enough, 6 * PATIENCE_S)
            os.killpg(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
        before = written(out)
        with (out / RESULTS_FILE).open("ab") as file:
            file.write(b'{"scene":"scene-003","repeat":19,"se')  # as a kill in the middle of a line leaves it
        over = run(scenes, out, *servers.specs())
    assert (over.finished, over.before, over.failed, over.left) == (500, before, 0, 0)
    assert_each_once(out)
    assert transcripts(out) == transcripts(calm)


def test_the_pool_lives_through_the_death_and_return_of_every_server_in_turn(
    scenes: Path, calm: Path, tmp_path: Path
) -> None:
    servers = [listening() for _ in range(3)]
    specs = [spec(server) for server in servers]
    ended = threading.Event()
    deaths = 0

    def kills() -> None:
        """One after the other goes, and comes back where it was."""
        nonlocal deaths
        while not ended.wait(0.3):
            server = servers.pop(0)
            server.__exit__(None, None, None)
            deaths += 1
            ended.wait(0.3)
            servers.append(listening(server.port))

    killer = threading.Thread(target=kills)
    killer.start()
    try:
        over = run(scenes, tmp_path / "out", *specs)
    finally:
        ended.set()
        killer.join()
        for server in servers:
            server.__exit__(None, None, None)
    assert deaths >= 3
    assert (over.finished, over.failed, over.left, over.fallbacks) == (500, 0, 0, 0)
    assert transcripts(tmp_path / "out") == transcripts(calm)


def listening(port: int = 0) -> FaultServer:
    """A server that is well, and is closed by whoever wants it to be gone."""
    server = FaultServer(port=port)
    server.rule = talks
    return server.__enter__()


def written(out: Path) -> int:
    """Lines that are whole."""
    path = out / RESULTS_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0
