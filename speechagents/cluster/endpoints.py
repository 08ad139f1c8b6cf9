"""A pool of endpoints: who is asked, what happens to an answer that fails, and when all of them are given up.

Owns the queue of requests, the choice among endpoints and how often a request is tried. Does not know what is asked,
how a request travels (`endpoint`), or when an endpoint is given a rest (`health`).

A request goes to the endpoint that is least loaded (requests in flight, of those it may have; then how slow it is).
What an endpoint spoils is tried on another one. While an endpoint is out of order, that is nobody's fault: its requests
wait for another, or for its return. Only if no endpoint at all has answered for a while the pool is given up.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from speechagents.benchmark.judging.purse import Cost
from speechagents.cluster.budget import BrokenOffError, Budget
from speechagents.cluster.endpoint import Endpoint, EndpointSpec, Trouble, trouble_of
from speechagents.cluster.figures import Account, Outcome, RunFigures
from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.loop_thread import LoopThread
from speechagents.controllers.model_server import TROUBLES, check_range
from speechagents.errors import ClusterError

ATTEMPTS: Final = 4
"""Most tries of a request that may be at fault itself."""
PATIENCE_S: Final = 120.0
"""How long no endpoint may answer before all are given up, in seconds."""

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class _Seat:
    """A place at an endpoint."""

    endpoint: Endpoint
    probe: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits for a seat."""

    seat: asyncio.Future[_Seat]
    spoilt_by: frozenset[Endpoint]


@dataclass(slots=True)
class _Tries:
    """What has become of a request so far."""

    usage: Usage = field(default_factory=Usage)
    spoilt: int = 0
    spoilt_by: set[Endpoint] = field(default_factory=set)
    refused_by: set[Endpoint] = field(default_factory=set)


class EndpointPool:
    """Endpoints that are asked together. Nothing is sent before it is used; safe to use from several threads.

    Args:
        specs: The endpoints, by different names.
        budget: Asked before each request.
        figures: Kept up to date.
        patience_s: How long no endpoint may answer before all are given up, in seconds.

    Raises:
        SettingsError: An argument is out of range.
    """

    def __init__(
        self, specs: Sequence[EndpointSpec], *, budget: Budget, figures: RunFigures, patience_s: float = PATIENCE_S
    ) -> None:
        check_range("patience_s", patience_s, 0.01, 86_400)
        self._endpoints = tuple(Endpoint(spec, figures.endpoints[spec.name]) for spec in specs)
        self._budget = budget
        self._patience_s = patience_s
        self._waiting: deque[_Waiting] = deque()
        self._down_since_s: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._closing = threading.Lock()
        self._closed = False
        closes = [endpoint.close for endpoint in self._endpoints]
        self._thread = LoopThread(name="endpoints", finish=partial(_close_all, closes))

    @property
    def identity(self) -> str:
        """Which models answer, as far as they were named."""
        models = sorted({endpoint.spec.model or "any model" for endpoint in self._endpoints})
        return f"endpoints 1 {', '.join(models)}"

    def model(self, account: Account) -> PooledModel:
        """The pool as a language model, for one scene.

        Args:
            account: Of the scene; what it costs is added there.
        """
        return PooledModel(self, account)

    def start(self, prompt: Prompt, *, seed: int, account: Account) -> Future[Reply]:
        """Have a prompt answered; cancelling the future breaks that off.

        Raises:
            BrokenOffError: The pool was closed.
        """
        # Whatever is begun is begun before the end of the loop, which breaks it off: nobody waits for ever.
        with self._closing:
            if self._closed:
                raise BrokenOffError("the run ends")
            return self._thread.start(self._answer(prompt, seed, account))

    def close(self) -> None:
        """Break off what is under way and close all connections."""
        with self._closing:
            self._closed = True
        self._thread.close()

    async def _answer(self, prompt: Prompt, seed: int, account: Account) -> Reply:
        """A reply; one with an error if all tries have failed that may have failed because of the prompt."""
        tries = _Tries()
        while True:
            seat = await self._seat(frozenset(tries.spoilt_by))
            reply, trouble, at_fault = await self._try(seat, prompt, seed, account)
            tries.usage += reply.usage
            if not reply.error:
                return replace(reply, usage=tries.usage)
            if at_fault:
                tries.spoilt += 1
                tries.spoilt_by.add(seat.endpoint)
                # An endpoint that is well has had its say; to ask it once more would come to the same.
                if trouble is None or trouble.outcome is Outcome.REFUSED:
                    tries.refused_by.add(seat.endpoint)
                usable = {endpoint for endpoint in self._endpoints if not endpoint.health.barred}
                if tries.spoilt >= ATTEMPTS or usable <= tries.refused_by:
                    return replace(reply, usage=tries.usage)

    async def _try(
        self, seat: _Seat, prompt: Prompt, seed: int, account: Account
    ) -> tuple[Reply, Trouble | None, bool]:
        """Ask an endpoint once: what it replied, what went wrong, and whether the prompt may be at fault."""
        endpoint = seat.endpoint
        try:
            reply = await endpoint.ask(prompt, seed=seed, before=partial(self._before, endpoint, account))
        except TROUBLES as error:
            trouble = trouble_of(error)
            now_s = asyncio.get_running_loop().time()
            at_fault = endpoint.suffered(trouble, now_s, probe=seat.probe, whose=account)
            return Reply("", error=f"{endpoint.spec.name}: {trouble.why}"), trouble, at_fault
        else:
            endpoint.answered(probe=seat.probe)
            tokens = Cost.of(prompt).used(reply.usage, len(reply.text))
            self._budget.take_tokens(tokens)
            account.tokens += tokens
            account.usage += reply.usage
            return reply, None, True
        finally:
            self._leave(seat)

    def _before(self, endpoint: Endpoint, account: Account) -> None:
        self._budget.take_request()
        account.requests[endpoint.spec.name] += 1

    async def _seat(self, spoilt_by: frozenset[Endpoint]) -> _Seat:
        """A place at an endpoint, in the order of asking.

        Raises:
            ClusterError: No endpoint has answered for too long.
        """
        waiting = _Waiting(asyncio.get_running_loop().create_future(), spoilt_by)
        self._waiting.append(waiting)
        self._hand_out()
        try:
            return await waiting.seat
        except asyncio.CancelledError:
            if waiting.seat.done() and not waiting.seat.cancelled() and waiting.seat.exception() is None:
                self._leave(waiting.seat.result())
            raise

    def _leave(self, seat: _Seat) -> None:
        seat.endpoint.in_flight -= 1
        # Only if nobody has said how it ended: then the next one is the probe.
        seat.endpoint.health.let_go(probe=seat.probe)
        self._hand_out()

    def _hand_out(self) -> None:
        """Give seats to those who wait, as far as there are any; give up if there have been none for too long."""
        now_s = asyncio.get_running_loop().time()
        turned_away: deque[_Waiting] = deque()
        while self._waiting and any(endpoint.has_room(now_s) for endpoint in self._endpoints):
            waiting = self._waiting.popleft()
            if waiting.seat.done():
                continue  # whoever waited is gone
            endpoint = self._choice(waiting.spoilt_by, now_s)
            if endpoint is None:
                turned_away.append(waiting)
                continue
            endpoint.in_flight += 1
            waiting.seat.set_result(_Seat(endpoint, endpoint.health.begin()))
        self._waiting.extendleft(reversed(turned_away))
        self._give_up_or_wait(now_s)

    def _choice(self, spoilt_by: frozenset[Endpoint], now_s: float) -> Endpoint | None:
        """The least loaded endpoint that has not spoilt this request; one that has, only if all others are down."""
        ready = [endpoint for endpoint in self._endpoints if endpoint.has_room(now_s)]
        fresh = [endpoint for endpoint in ready if endpoint not in spoilt_by]
        if not fresh and any(one.health.is_up for one in self._endpoints if one not in spoilt_by):
            return None
        return min(fresh or ready, key=lambda endpoint: endpoint.load, default=None)

    def _give_up_or_wait(self, now_s: float) -> None:
        if any(endpoint.health.is_up for endpoint in self._endpoints):
            self._down_since_s = None
        elif self._down_since_s is None:
            self._down_since_s = now_s
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._waiting:
            return
        wakes_s = [endpoint.health.opens_s for endpoint in self._endpoints if endpoint.health.opens_s > now_s]
        if self._down_since_s is not None:
            gives_up_s = self._down_since_s + self._patience_s
            if now_s >= gives_up_s or all(endpoint.health.barred for endpoint in self._endpoints):
                self._give_up(now_s - self._down_since_s)
                return
            wakes_s.append(gives_up_s)
        wake_s = min(wakes_s, default=math.inf)
        if math.isfinite(wake_s):
            self._alarm = asyncio.get_running_loop().call_at(wake_s, self._hand_out)

    def _give_up(self, waited_s: float) -> None:
        told = [f"{one.spec.name}: {one.health.why}" for one in self._endpoints[:_SHOWN]]
        more = f"; and {len(self._endpoints) - _SHOWN} more" if len(self._endpoints) > _SHOWN else ""
        barred = all(endpoint.health.barred for endpoint in self._endpoints)
        what = "no endpoint can be used" if barred else f"no endpoint has answered for {waited_s:.0f} s"
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.seat.done():
                waiting.seat.set_exception(ClusterError(f"{what} ({'; '.join(told)}{more})"))


class PooledModel:
    """The pool as a language model whose costs are put down to one scene.

    Args:
        pool: Who is asked.
        account: Of the scene.
    """

    def __init__(self, pool: EndpointPool, account: Account) -> None:
        self._pool = pool
        self._account = account

    @property
    def identity(self) -> str:
        """The pool's."""
        return self._pool.identity

    @property
    def hears(self) -> bool:
        """Scenes of a simulation are text."""
        return False

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order; all are asked at once.

        Raises:
            ClusterError: No endpoint can be used, or has answered for too long.
            BrokenOffError: The budget is spent, or the run ends.
        """
        replies = [self._pool.start(prompt, seed=seed, account=self._account) for prompt in prompts]
        try:
            for reply in replies:
                try:
                    yield reply.result()
                except CancelledError as error:
                    raise BrokenOffError("the run ends") from error
        finally:
            for reply in replies:
                reply.cancel()


async def _close_all(closes: Sequence[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(close() for close in closes), return_exceptions=True)
