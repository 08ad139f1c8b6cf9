"""A server in a process of its own, watched while visitors are there.

Owns starting it as anybody would, what it takes of the machine, and stopping it. Does not know what visitors do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.live_figures import slope
from benchmarks.live_transport import free_port, wait_until_answers

_EVERY_S = 1.0
_MB = 1024 * 1024
_ENDING_S = 20.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server takes at a moment.

    Attributes:
        at_s: On the monotonic clock, which all processes of a machine share.
        rss_mb: Memory of its process.
        others_mb: Memory of the processes that it started (voices, ears), what they share with it counted in part.
        cpu_s: Seconds of CPU of all of them so far, those that have ended included.
    """

    at_s: float
    rss_mb: float
    others_mb: float
    cpu_s: float


class WatchedServer:
    """``speechagents serve`` on a free port, with an empty data folder; use it as a context manager.

    Args:
        max_sessions: Most sessions at once.
    """

    def __init__(self, max_sessions: int) -> None:
        self._max_sessions = max_sessions
        self._open = ExitStack()
        self._ends = threading.Event()
        self.url = ""
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            data = Path(opening.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-m", "speechagents", "serve", "--port", str(port), "--data", str(data)]
            process = subprocess.Popen([*command, "--max-sessions", str(self._max_sessions)], stderr=subprocess.DEVNULL)
            opening.callback(_end, process)
            wait_until_answers(f"{self.url}/healthz", process)
            watching = threading.Thread(target=self._watch, args=(psutil.Process(process.pid),), daemon=True)
            watching.start()
            opening.callback(watching.join)
            opening.callback(self._ends.set)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _watch(self, process: psutil.Process) -> None:
        while not self._ends.wait(_EVERY_S):
            with suppress(psutil.Error):
                times = process.cpu_times()
                cpu_s = times.user + times.system + times.children_user + times.children_system
                others_mb = 0.0
                for child in process.children(recursive=True):
                    with suppress(psutil.Error):
                        others_mb += child.memory_full_info().pss / _MB
                        own = child.cpu_times()
                        cpu_s += own.user + own.system + own.children_user + own.children_system
                memory_mb = process.memory_info().rss / _MB
                self.samples.append(Sample(time.monotonic(), memory_mb, others_mb, cpu_s))


def takes(samples: list[Sample], from_s: float, to_s: float) -> dict[str, Any]:
    """What a server took between two moments: memory minute by minute and its trend, and shares of one core."""
    while_s = [sample for sample in samples if from_s <= sample.at_s <= to_s]
    if len(while_s) < 2:
        return {}
    first, last = while_s[0], while_s[-1]
    minutes: dict[int, list[float]] = {}
    for sample in while_s:
        minutes.setdefault(int((sample.at_s - first.at_s) // 60), []).append(sample.rss_mb)
    return {
        "minutes": round((last.at_s - first.at_s) / 60, 2),
        "rss_mb_by_minute": [round(sum(values) / len(values), 1) for values in minutes.values()],
        "rss_mb_most": round(max(sample.rss_mb for sample in while_s), 1),
        "rss_mb_per_minute": round(slope([s.at_s for s in while_s], [s.rss_mb for s in while_s]), 2),
        "others_mb_most": round(max(sample.others_mb for sample in while_s), 1),
        "cpu_percent_of_a_core": round(100 * (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s), 1),
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
