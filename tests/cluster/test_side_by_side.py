"""The same work on many things."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from speechagents.cluster.side_by_side import side_by_side


@pytest.mark.parametrize("threads", [1, 4])
def test_everything_is_done_once(threads: int) -> None:
    done: list[int] = []
    side_by_side(done.append, range(1_000), threads=threads)
    assert sorted(done) == list(range(1_000))


def test_things_are_done_at_once_and_taken_as_they_are_needed() -> None:
    together = threading.Barrier(4)
    taken = []

    def things() -> Iterator[int]:
        for thing in range(8):
            taken.append(thing)
            yield thing

    def work(_thing: int) -> None:
        assert len(taken) <= 8
        together.wait(20)

    side_by_side(work, things(), threads=4)
    assert taken == list(range(8))


@pytest.mark.parametrize("threads", [1, 4])
def test_the_first_trouble_ends_it(threads: int) -> None:
    begun: list[int] = []

    def work(thing: int) -> None:
        begun.append(thing)
        if thing == 10:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        side_by_side(work, range(100_000), threads=threads)
    assert len(begun) < 100_000


@pytest.mark.parametrize("threads", [1, 4])
def test_trouble_with_the_things_themselves_is_told(threads: int) -> None:
    def things() -> Iterator[int]:
        yield 1
        raise OSError("a folder that cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        side_by_side(str, things(), threads=threads)
