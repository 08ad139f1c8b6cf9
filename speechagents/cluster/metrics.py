"""The figures of a run for Prometheus, over HTTP, while the run goes on.

Owns their names and the server. Does not know how they come about (`figures`): they are read when somebody asks, so
that nothing is paid for them otherwise. Needs ``prometheus-client``, which the extra ``cluster`` brings.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from speechagents.cluster.figures import BUCKETS_S, RunFigures
from speechagents.errors import BackendMissing, ServeError

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

_NAME: Final = "speechagents_simulate"


@contextlib.contextmanager
def serve_metrics(figures: RunFigures, *, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Have the figures served as long as the block lasts.

    Args:
        figures: Of the run.
        port: Where; 0 for any that is free.
        host: Address to listen on.

    Yields:
        The port.

    Raises:
        BackendMissing: ``prometheus-client`` is not installed.
        ServeError: The port is taken, or must not be used.
    """
    registry = metrics_of(figures)
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServeError(
            f"metrics cannot be served on {host}:{port} ({reason}); name another --metrics-port or --metrics-host"
        ) from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics_of(figures: RunFigures) -> CollectorRegistry:
    """A registry that has these figures and nothing else.

    Raises:
        BackendMissing: ``prometheus-client`` is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry
    except ImportError as error:
        raise BackendMissing(
            'metrics need prometheus-client, which is not installed: python -m pip install "speechagents[cluster]"'
        ) from error
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return registry


class _Collector:
    """Makes metrics of the figures whenever somebody asks."""

    def __init__(self, figures: RunFigures) -> None:
        self._figures = figures

    def describe(self) -> Iterator[Metric]:
        """The same metrics, for the registry's own checks."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            f"{_NAME}_requests", "Requests that are over, by what they came to.", labels=("endpoint", "outcome")
        )
        seconds = HistogramMetricFamily(
            f"{_NAME}_answer_seconds", "Time of whole answers, in seconds.", labels=("endpoint",)
        )
        in_flight = GaugeMetricFamily(f"{_NAME}_in_flight", "Requests under way.", labels=("endpoint",))
        up = GaugeMetricFamily(
            f"{_NAME}_endpoint_up", "1 unless the endpoint rests or is barred.", labels=("endpoint",)
        )
        tokens = CounterMetricFamily(
            f"{_NAME}_tokens", "Tokens, as the servers count them.", labels=("endpoint", "direction")
        )
        for name, one in self._figures.endpoints.items():
            for outcome, count in one.outcomes.items():
                requests.add_metric((name, outcome.value), count)
            counts = itertools.accumulate(one.classes)
            ends = ("+Inf" if math.isinf(end) else str(end) for end in BUCKETS_S)
            seconds.add_metric((name,), list(zip(ends, counts, strict=True)), sum_value=one.answered_s)
            in_flight.add_metric((name,), one.in_flight)
            up.add_metric((name,), one.up)
            usage = one.usage
            tokens.add_metric((name, "in"), usage.tokens_in)
            tokens.add_metric((name, "out"), usage.tokens_out)
        scenes = CounterMetricFamily(f"{_NAME}_scenes", "Scenes of this command that are over.", labels=("ended",))
        for ended, count in self._figures.scenes.items():
            scenes.add_metric((ended.value,), count)
        under_way = GaugeMetricFamily(f"{_NAME}_scenes_under_way", "Scenes that are being played.")
        under_way.add_metric((), self._figures.under_way)
        yield from (requests, seconds, in_flight, up, tokens, scenes, under_way)
