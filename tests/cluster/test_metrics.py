"""Figures for Prometheus, read as Prometheus reads them; and that nobody needs them."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from speechagents.cluster.figures import BUCKETS_S, Ended, Outcome, RunFigures
from speechagents.cluster.metrics import metrics_of, serve_metrics
from speechagents.controllers.controller import Usage
from speechagents.errors import BackendMissing, ServeError


def some_figures() -> RunFigures:
    figures = RunFigures(["a", 'b"\n'])
    one = figures.endpoints["a"]
    for seconds in (0.02, 0.05, 0.3, 400.0):
        one.ended(Outcome.ANSWERED, seconds)
    one.ended(Outcome.LIMITED, 0.01)
    one.in_flight = 3
    one.up = False
    one.usage = Usage(1_000, 200)
    figures.scenes[Ended.FINISHED] = 7
    figures.under_way = 2
    return figures


def test_without_the_package_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(BackendMissing, match=r'python -m pip install "speechagents\[cluster\]"'):
        metrics_of(RunFigures())


def test_the_summary_has_all_figures_without_it() -> None:
    told = some_figures().endpoints["a"].to_json()
    assert told == {"answered": 4, "limited": 1, "mean_s": 100.093, "tokens_in": 1_000, "tokens_out": 200}


def test_each_answer_is_in_one_class() -> None:
    one = RunFigures("a").endpoints["a"]
    for end_s in BUCKETS_S[:-1]:
        one.ended(Outcome.ANSWERED, end_s)
    one.ended(Outcome.ANSWERED, 1e9)
    one.ended(Outcome.FAILED, 0.1)
    assert one.classes == [1] * len(BUCKETS_S)


@pytest.fixture
def served() -> Iterator[str]:
    pytest.importorskip("prometheus_client")
    with serve_metrics(some_figures(), port=0) as port:
        yield f"http://127.0.0.1:{port}/metrics"


def test_prometheus_reads_them(served: str) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    with urllib.request.urlopen(served, timeout=20) as answer:  # noqa: S310 - on loopback
        text = answer.read().decode()
    found: dict[Any, float] = {
        (sample.name.removeprefix("speechagents_simulate_"), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["requests_total", "a", "answered"] == 4
    assert found["requests_total", "a", "limited"] == 1
    assert found["requests_total", "answered", 'b"\n'] == 0
    assert found["answer_seconds_count", "a"] == 4
    assert found["answer_seconds_sum", "a"] == pytest.approx(400.37)
    assert found["answer_seconds_bucket", "0.05", "a"] == 2
    assert found["answer_seconds_bucket", "0.5", "a"] == 3
    assert found["answer_seconds_bucket", "120.0", "a"] == 3
    assert found["answer_seconds_bucket", "+Inf", "a"] == 4
    assert found["in_flight", "a"] == 3
    assert (found["endpoint_up", "a"], found["endpoint_up", 'b"\n']) == (0, 1)
    assert (found["tokens_total", "a", "in"], found["tokens_total", "a", "out"]) == (1_000, 200)
    assert (found["scenes_total", "finished"], found["scenes_total", "failed"]) == (7, 0)
    assert found["scenes_under_way",] == 2
    assert not any(name.startswith(("python_", "process_")) for name, *_ in found), "nothing but the run's figures"


def test_a_port_that_is_taken_is_told(served: str) -> None:
    port = int(served.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
    with (
        pytest.raises(ServeError, match=rf"cannot be served on 127\.0\.0\.1:{port} .*--metrics-port"),
        serve_metrics(some_figures(), port=port),
    ):
        pass
    with pytest.raises(ServeError, match="70000"), serve_metrics(some_figures(), port=70_000):
        pass
