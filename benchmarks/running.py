"""Runs this project's command in a process of its own, and says what it took.

Owns the clock, the CPU time and the memory of a process and of all that comes of it. Does not know what is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a command.

    Attributes:
        said: The line of JSON that it printed.
        wall_s: How long it took.
        cpu_s: CPU time of the process and of its children that have ended.
        own_peak_mb: Largest resident set of the process itself.
        family_peak_mb: Largest sum of the resident sets of the process and its descendants, looked at every 50 ms.
    """

    said: dict[str, Any]
    wall_s: float
    cpu_s: float
    own_peak_mb: float
    family_peak_mb: float


def run(arguments: Sequence[str]) -> Ran:
    """Run ``speechagents`` with arguments that make it print one line of JSON.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, "-m", "speechagents", *arguments]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with _Watch(process.pid) as watch:
        said = process.stdout.read()
        process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Ran(json.loads(said), wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, watch.peak_mb)


class _Watch:
    """Adds up the resident sets of a process and all that came of it, until it is left."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            self.peak_mb = max(self.peak_mb, sum(map(_resident_mb, _family(self._pid))))


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        others = [task for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)]
        for task in others:
            children += (task / "children").read_text("ascii").split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
