"""Services that workers of tests load: they do what their tasks say, and leave notes of it in a folder.

They live in a module of their own, since worker processes import it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speechagents.errors import MemoryFull, WeightsMissing


@dataclass(frozen=True, slots=True)
class Order:
    """A task.

    Attributes:
        number: What comes back, with the number of the process.
        deed: What happens on the way: a method of `Doing`; empty for nothing.
        once: Only the first time, in whichever process.
    """

    number: int
    deed: str = ""
    once: bool = False


class TravelsBadlyError(Exception):
    """Goes out of a process well; its constructor keeps it from coming in."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(f"{what} {where}")


class Doing:
    """Does orders.

    Args:
        notes: Folder for notes.
    """

    def __init__(self, notes: Path) -> None:
        self._notes = notes
        self._scratch = tempfile.TemporaryDirectory(prefix="scratch-", dir=notes)
        note(notes, "loaded")

    def do(self, tasks: Sequence[Order]) -> Iterator[Any]:
        for task in tasks:
            if task.deed and not (task.once and not note_once(self._notes, f"deed-{task.number}")):
                note(self._notes, task.deed)
                yield getattr(self, task.deed)()
            else:
                yield task.number, os.getpid()

    def close(self) -> None:
        self._scratch.cleanup()
        note(self._notes, "closed")

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def end(self) -> None:
        sys.exit(3)

    def sleep(self) -> None:
        time.sleep(600.0)

    def nap(self) -> tuple[int, int]:
        time.sleep(0.5)
        return -1, os.getpid()

    def fail(self) -> None:
        raise ValueError("a digit too many")

    def fail_badly(self) -> None:
        raise TravelsBadlyError("nothing", where="nowhere")

    def refuse(self) -> None:
        raise MemoryFull("too much at once")

    def give_a_lock(self) -> Any:
        return threading.Lock()

    def leave_a_child_that_holds_everything_open(self) -> None:
        if (child := os.fork()) == 0:
            time.sleep(60.0)
            os._exit(0)
        (self._notes / "child").write_text(str(child))
        os.kill(os.getpid(), signal.SIGKILL)


def slow_to_load(notes: Path) -> Doing:
    time.sleep(0.3)
    return Doing(notes)


def without_weights(notes: Path) -> Doing:
    note(notes, "loaded")
    raise WeightsMissing("the weights are on the other machine")


def crashing(notes: Path) -> Doing:
    note(notes, "loaded")
    raise RuntimeError("no device")


def dying(notes: Path) -> Doing:
    note(notes, "loaded")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def note(notes: Path, what: str) -> None:
    """Note that something has happened, by a line, which is whole whoever else writes."""
    with (notes / what).open("a") as file:
        file.write(f"{os.getpid()}\n")


def note_once(notes: Path, what: str) -> bool:
    """Whether it is noted for the first time."""
    try:
        (notes / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def noted(notes: Path, what: str) -> list[int]:
    """Numbers of the processes where something has happened."""
    path = notes / what
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []
