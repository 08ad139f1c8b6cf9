"""What a worker of a Ray cluster says of itself, and how errors come back from it; Ray is not needed for that."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from speechagents import __version__, gpus
from speechagents.cluster import ray_worker
from speechagents.cluster.ray_worker import Fault, RayWorker, read_answer
from speechagents.errors import ClusterError, SettingsError
from speechagents.gpus import Gpu
from tests.cluster.ray_services import Giving


@pytest.fixture(autouse=True)
def plainly_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what Python has itself; `test_ray_executor` has the real one."""
    monkeypatch.setattr(ray_worker, "packed", pickle.dumps)


def test_a_worker_greets_loads_and_does() -> None:
    worker = RayWorker()
    assert isinstance(read_answer(worker.greet(__version__, 0.0)), str)
    assert read_answer(worker.load(pickle.dumps(Giving))) is None
    (array,) = read_answer(worker.do(pickle.dumps(["array"])))
    assert array.size == 200_000


def test_a_worker_that_has_loaded_nothing_says_so() -> None:
    fault = read_answer(RayWorker().do(pickle.dumps(["array"])))
    assert isinstance(fault.error(), ClusterError)


@pytest.mark.parametrize(
    ("cards", "vram_gb", "refused"),
    [((24.0,), 24.0, False), ((24.0, 8.0), 24.0, False), ((8.0,), 24.0, True), ((), 24.0, False), ((8.0,), 0.0, False)],
)
def test_a_card_that_is_too_small_is_refused(
    monkeypatch: pytest.MonkeyPatch, cards: tuple[float, ...], vram_gb: float, refused: bool
) -> None:
    monkeypatch.setattr(gpus, "gpus", lambda: tuple(Gpu("a card", memory_gb) for memory_gb in cards))
    answer = read_answer(RayWorker().greet(__version__, vram_gb))
    assert isinstance(answer, Fault) == refused
    if refused:
        assert "has a GPU with 8 GB, and 24 GB are needed" in str(answer.error())


def test_an_error_whose_module_is_on_the_worker_alone_comes_as_the_nearest_of_ours() -> None:
    elsewhere = pickle.dumps(SettingsError("no such voice")).replace(b"speechagents.errors", b"speechagents.nowhere")
    assert type(Fault(elsewhere, "SettingsError", "no such voice").error()) is SettingsError
    with pytest.raises(RuntimeError, match="KeyError: 'voice'"):
        raise Fault(elsewhere, "", "KeyError: 'voice'").error()


def test_an_answer_that_cannot_be_read_is_a_fault() -> None:
    assert isinstance(read_answer(b"no answer").error(), pickle.UnpicklingError)


def test_what_an_error_says_is_bounded(tmp_path: Path) -> None:
    worker = RayWorker()
    worker.load(pickle.dumps(Giving))
    fault = read_answer(worker.do(pickle.dumps(["long value"])))
    assert len(str(fault.error().__notes__[0])) < 5_000
    assert len(fault.words) == 4_000
