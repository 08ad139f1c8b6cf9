"""This process's connection to a Ray cluster, and the actors that it has there.

Owns starting Ray or joining it, what the cluster has room for, and what Ray's own errors mean. Does not know what the
actors do, nor how many of them there should be (`ray_crew`).

Everything here is called by one thread, which lives as long as the connection: the system ends a Ray of this machine
together with the thread that started it, so that none is left when this process is killed.

**Ray runs whatever reaches its ports.** A Ray that is started here asks for a token. One that is joined does so only if
it was started with ``RAY_AUTH_MODE=token``; without, have it in a network that nobody else is in.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from speechagents.cluster.executor import Needs
from speechagents.cluster.ray_worker import RayWorker
from speechagents.cores import usable_cores
from speechagents.errors import BackendMissing, ClusterError, WorkerLost
from speechagents.gpus import gpus

VRAM: Final = "vram_gb"
"""Custom resource of Ray: GPU memory. A machine has it by ``ray start --resources '{"vram_gb": 24}'``."""
CLIENT: Final = "ray://"
_KNOCK_S: Final = 10.0
"""So long one attempt to reach a port may take."""
_PAUSE_S: Final = 0.5
"""Between two attempts."""
_TRIES: Final = 3
"""So often a cluster whose port is open is asked to take this program, which it refuses while it is starting."""
_FRESH_S: Final = 2.0
"""So old may be what is known of the cluster's machines."""
_SILENT_S: Final = 120.0
"""So long the head of a cluster may leave that unanswered."""
_TOLD: Final = 20
"""Machines that are listed for people."""
_SAID: Final = 500
"""Characters of what Ray says of a failure."""


class StartedLateError(ClusterError):
    """A Ray of this machine was not there within Ray's own 30 s; the machine may be busy."""


class RayCluster:
    """A connection to Ray.

    Args:
        address: ``ray://HOST:PORT`` of a cluster elsewhere, ``HOST:PORT`` or ``auto`` of one that this machine belongs
            to; empty for the one that ``RAY_ADDRESS`` names, or else one of this machine alone, which is started.
        cores: At least so many has a Ray that is started here.
        connect_s: So long a cluster that is starting may not answer yet.

    Attributes:
        own: Whether Ray was started here, and ends with `close`.

    Raises:
        BackendMissing: Ray is not installed.
        StartedLateError: The one of this machine is slow to start. What there is of it ends with this thread.
        ClusterError: There is no cluster at the address, or it is of another version.
    """

    def __init__(self, address: str, *, cores: int, connect_s: float = 0.0) -> None:
        self._ray = _imported()
        self.own = False
        self._joined = False
        self._machines: Sequence[Mapping[str, float]] = ()
        self._places: dict[Needs, int] = {}
        self._looked_s = self._seen_s = 0.0
        where = address or os.environ.get("RAY_ADDRESS", "")
        _knock(where, connect_s)
        if not self._ray.is_initialized():
            self._connect(where, cores)
        elif address:
            # A process has one connection to Ray, and whoever made it ends it.
            raise ClusterError(f"this process is connected to Ray already; end that before {address} is joined")
        self._actor = self._ray.remote(RayWorker)
        self.look()

    def look(self) -> None:
        """Learn which machines there are, unless that was asked a moment ago.

        Raises:
            ClusterError: The connection is lost.
        """
        now = time.monotonic()
        if self._machines and now - self._looked_s < _FRESH_S:
            return
        self._looked_s = now
        try:
            nodes = self._ray.nodes()
        except Exception as error:
            if self._machines and now - self._seen_s < _SILENT_S:
                # A busy head answers late; work goes on without it.
                return
            raise ClusterError(f"the connection to Ray is lost: {_said(error)}; run the same command again") from error
        self._machines = tuple(dict(node["Resources"]) for node in nodes if node["Alive"])
        self._places = {}
        self._seen_s = time.monotonic()

    def places(self, needs: Needs) -> int:
        """Workers that the cluster's machines could hold if nobody else used them; any thread may ask."""
        known = self._places
        if needs not in known:
            known[needs] = sum(_room(machine, needs) for machine in self._machines)
        return known[needs]

    def wanting(self, needs: Needs) -> str:
        """What keeps such a worker from the cluster, for people, with the remedy."""
        there = "; ".join(_told(machine) for machine in self._machines[:_TOLD]) or "none"
        return (
            f"needs {needs.cpus:g} CPU, {needs.gpus:g} GPU and {needs.vram_gb:g} GB of GPU memory, which no machine of "
            f"the cluster has (ray start --num-cpus, --num-gpus, --resources '{{\"{VRAM}\": …}}'); machines: {there}"
        )

    def start_worker(self, needs: Needs) -> RayActor:
        """Ask for an actor; it starts when and where there is room.

        Raises:
            ClusterError: Ray cannot be asked for such a one.
        """
        try:
            handle = self._actor.options(
                num_cpus=needs.cpus,
                num_gpus=needs.gpus,
                resources={VRAM: needs.vram_gb} if needs.vram_gb else None,
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=1,
                scheduling_strategy="SPREAD",
            ).remote()
        except Exception as error:
            raise ClusterError(f"Ray cannot start a worker: {_said(error)}") from error
        return RayActor(self._ray, handle)

    def close(self) -> None:
        """End a Ray that was started here; leave any other one as it was found."""
        if self._joined:
            self._joined = False
            # Waited for: whoever looks afterwards finds nothing of it.
            self._ray.shutdown(wait_for_processes=True)
            self._hush(loud=True)

    def _connect(self, address: str, cores: int) -> None:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if not address:
            options |= {"num_cpus": max(cores, usable_cores()), "include_dashboard": False}
            if cards := gpus():
                options["resources"] = {VRAM: sum(card.memory_gb for card in cards)}
        for tries_left in reversed(range(_TRIES if address else 1)):
            try:
                self._ray.init(address or "local", **options)
                break
            except Exception as error:
                with contextlib.suppress(Exception):
                    self._ray.shutdown()
                if not address:
                    kind = StartedLateError if "timed out" in str(error) else ClusterError
                    raise kind(f"Ray cannot be started here: {_said(error)}") from error
                # Its port is open before it can serve; another version of it, or a wrong token, stays what it is.
                if not tries_left or not isinstance(error, OSError):
                    raise ClusterError(_unreached(address, _said(error))) from error
                time.sleep(_PAUSE_S)
        self._joined = True
        self.own = not address
        self._hush(loud=False)

    @staticmethod
    def _hush(*, loud: bool) -> None:
        """Keep Ray from printing what became of workers, which it does on the standard output, whatever it is told."""
        worker: Any = importlib.import_module("ray._private.worker")
        worker._worker_logs_enabled = loud  # noqa: SLF001 - there is no other way


class RayActor:
    """A worker of the cluster, as it is seen from here."""

    def __init__(self, ray: Any, handle: Any) -> None:
        self._ray = ray
        self._handle = handle

    def ask(self, method: str, *arguments: Any) -> Future[bytes]:
        """Call one of its methods.

        The future fails with `WorkerLost` if it was killed, if its machine is gone, or if the answer is gone with its
        machine; with `ClusterError` if this package cannot be loaded there.

        Raises:
            ClusterError: Ray could not take the call.
        """
        answer: Future[bytes] = Future()
        try:
            asked = getattr(self._handle, method).remote(*arguments).future()
        except Exception as error:
            raise ClusterError(f"Ray cannot pass work on: {_said(error)}") from error

        def settle(asked: Future[bytes]) -> None:
            error = asked.exception()
            if error is None:
                answer.set_result(asked.result())
            else:
                answer.set_exception(self._meant(error))

        asked.add_done_callback(settle)
        return answer

    def kill(self) -> None:
        """End it, whatever it is at; the second time, nothing happens."""
        with contextlib.suppress(Exception):
            self._ray.kill(self._handle, no_restart=True)

    def _meant(self, error: BaseException) -> ClusterError:
        kinds = self._ray.exceptions
        # Our methods raise nothing: what did was the loading of the class that has them.
        if isinstance(error, kinds.RayTaskError) or getattr(error, "actor_init_failed", False):
            return ClusterError(
                f"speechagents cannot be loaded on a machine of the cluster ({_said(error)}): install the same version "
                "there as here, in the Python that runs its Ray"
            )
        return WorkerLost(_said(error))


def _imported() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise BackendMissing(
            f'Ray workers: {error.name or error} is not installed: python -m pip install "speechagents[cluster]"'
        ) from error


def _room(machine: Mapping[str, float], needs: Needs) -> int:
    """How many such workers one machine holds."""
    asked = {"CPU": needs.cpus, "GPU": needs.gpus, VRAM: needs.vram_gb}
    # A little more than nothing: 0.1 goes ten times into 1.
    counts = [int(machine.get(name, 0.0) / much + 1e-6) for name, much in asked.items() if much]
    return min(counts, default=int(machine.get("CPU", 0.0)))


def _told(machine: Mapping[str, float]) -> str:
    return ", ".join(f"{machine[name]:g} {name}" for name in ("CPU", "GPU", VRAM) if machine.get(name)) or "nothing"


def _knock(address: str, connect_s: float) -> None:
    """Refuse an address at which nobody is after a while; Ray itself would try for a minute, or end the process."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if not port.isdecimal():
        return
    until_s = time.monotonic() + connect_s
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()
            return
        except (OSError, OverflowError) as error:
            # A name that nobody knows is most likely misspelt.
            if time.monotonic() >= until_s or isinstance(error, socket.gaierror | OverflowError):
                raise ClusterError(_unreached(address, str(error))) from error
        time.sleep(_PAUSE_S)


def _unreached(address: str, reason: str) -> str:
    return (
        f"no Ray cluster can be used at {address}: {reason}; `ray start --head` starts one, and says where clients "
        "connect (port 10001); Python and Ray have to be of the same version there and here"
    )


def _said(error: BaseException) -> str:
    """What an error of Ray says, without its table of ids and its advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    said, _, _ = " ".join(lines).partition(" Some common causes")
    return f"{type(error).__name__}: {said}"[:_SAID]
