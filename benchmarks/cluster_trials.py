"""What `benchmarks.cluster` measures: each trial in a process of its own, so that none profits from another's memory.

    python -c "from benchmarks.cluster_trials import main; main()" memory '{"lines": 1000, ...}'

Owns the trials, and the services that stand in for work in them. Does not know how often they are repeated, nor what
their figures are compared with. Imports little: every worker process imports this module for its service.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from speechagents.cluster.executor import Executor, Post
    from speechagents.voices.synthesizer import SpokenLine

TAKE_BYTES: Final = 100_000
"""About what the file of a take holds: four seconds at 25 kB."""
_CHARS: Final = (20, 300)
_WARMING: Final = 4
"""Batches for each worker before the clock runs: processes start, and load what they need."""


class Stand:
    """Takes a while over each task and gives back so many bytes.

    Args:
        seconds: The while.
        size: How many bytes.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds = seconds
        # Bytes that nothing can make smaller on their way, as those of a take.
        self._result = os.urandom(size)

    def do(self, tasks: Sequence[Any]) -> Iterator[bytes]:
        """A result for each task."""
        for _ in tasks:
            if self._seconds:
                time.sleep(self._seconds)
            yield self._result


def rendering(*, where: str, lines: int, cores: int, workers: int) -> dict[str, float]:
    """Render lines with the embedded voices on so many cores: spoken, checked and written to disk, as in a production.

    Nobody listens to the takes. A production that mixes here decodes those that come from workers first.

    Args:
        where: ``local`` or ``ray``.
        lines: How many; the same ones for the same number.
        cores: The driver, its workers and their voices have these and no others.
        workers: 0 does without; then the voices have as many processes as there are cores.

    Returns:
        ``wall_s`` of the lines, and ``driver_s``, the CPU time of this process; ``start_s`` until workers and voices
        were ready; ``sound_s`` of all takes, and ``take_bytes`` of each.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    from speechagents.cluster.workforce import workforce_of
    from speechagents.drama import Line
    from speechagents.presets import named_preset
    from speechagents.production.heap import share_one_heap
    from speechagents.production.speaking import Request, render
    from speechagents.production.takes import TakeStore
    from speechagents.providing import load_voices
    from speechagents.voices.synthesizer import FailedTake

    share_one_heap()
    warming = _WARMING * max(1, workers)
    asked = [
        Request(Line(number, "Narrator", spoken.text), spoken)
        for number, spoken in enumerate(made_up_lines(lines + warming), 1)
    ]
    doubts: list[str] = []
    files: list[Path] = []
    sound_s = 0.0
    with contextlib.ExitStack() as stack:
        store = TakeStore(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        began_s = time.perf_counter()
        preset = named_preset("embedded")
        voices: Any
        if workers:
            executor = stack.enter_context(contextlib.closing(_opened(where, workers)))
            voices = workforce_of(executor, preset).voices
        else:
            voices = load_voices(preset, cores)
        stack.callback(voices.close)
        for _ in render(asked[:warming], voices, store, doubts.append):
            pass
        ready_s, ready_cpu_s = time.perf_counter(), time.process_time()
        for one in render(asked[warming:], voices, store, doubts.append):
            assert not isinstance(one.take, FailedTake), one.take
            files.append(store.path(one.address))
            sound_s += one.take.duration_s
        wall_s, driver_s = time.perf_counter() - ready_s, time.process_time() - ready_cpu_s
        size = sum(file.stat().st_size for file in files)
    return {
        "wall_s": wall_s,
        "driver_s": driver_s,
        "start_s": ready_s - began_s,
        "sound_s": sound_s,
        "take_bytes": size / lines,
    }


def standing(
    *, where: str, workers: int, tasks: int, seconds: float, batch: int, size: int = TAKE_BYTES
) -> dict[str, float]:
    """Have tasks done that take a while of nobody's cores, as by workers that have machines of their own.

    Returns:
        ``wall_s`` of the tasks, all workers being there, and ``driver_s``, the CPU time of this process.
    """
    from speechagents.cluster.dispatch import Dispatcher

    with contextlib.closing(_opened(where, workers)) as executor:
        dispatcher, post = Dispatcher(executor), _post(seconds, size, batch)
        for _ in dispatcher.ordered(post, range(_WARMING * workers * batch)):
            pass
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        done = sum(1 for _ in dispatcher.ordered(post, range(tasks)))
        wall_s, driver_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        assert done == tasks
        assert dispatcher.counts.retried == dispatcher.counts.quarantined == 0
    return {"wall_s": wall_s, "driver_s": driver_s}


def memory(*, where: str, lines: int, workers: int, batch: int, size: int = TAKE_BYTES) -> dict[str, float]:
    """Have lines spoken by workers that are at once done with them, and keep nothing.

    Returns:
        ``peak_mb``, the largest resident set of this process, which is the driver; ``wall_s``.
    """
    from speechagents.cluster.dispatch import Dispatcher
    from speechagents.cluster.voices import LineTask
    from speechagents.production.heap import share_one_heap

    share_one_heap()
    (line,) = made_up_lines(1)
    tasks = (LineTask(_numbered(line, number), "nobody's voices") for number in range(lines))
    began_s = time.perf_counter()
    with contextlib.closing(_opened(where, workers)) as executor:
        done = sum(1 for _ in Dispatcher(executor).ordered(_post(0.0, size, batch), tasks))
        assert done == lines
    return {"peak_mb": _peak_mb(), "wall_s": time.perf_counter() - began_s}


def made_up_lines(count: int) -> list[SpokenLine]:
    """Lines of a made-up novel, spoken by all embedded voices in turn; none occurs twice."""
    from benchmarks.made_up_novel import make_novel
    from speechagents.voices.espeak import load_catalogue
    from speechagents.voices.synthesizer import SpokenLine

    voices = [entry.voice for entry in load_catalogue()]
    texts: list[str] = []
    words = 1_000
    while len(texts) < count:
        words *= 2
        paragraphs = dict.fromkeys(text.strip("“”") for text in make_novel(words, seed=1).split("\n\n"))
        texts = [text for text in paragraphs if _CHARS[0] <= len(text) <= _CHARS[1]]
    return [SpokenLine(text, voices[number % len(voices)]) for number, text in enumerate(texts[:count])]


def _numbered(line: SpokenLine, number: int) -> SpokenLine:
    from dataclasses import replace

    return replace(line, text=f"{number}: {line.text}")


def _opened(where: str, workers: int) -> Executor:
    """Workers of one kind or the other, as ``--workers`` would open them."""
    if where == "local":
        from speechagents.cluster.local import LocalPool

        return LocalPool(workers)
    from speechagents.cluster.ray_executor import RayExecutor

    return RayExecutor(most=workers)


def _post(seconds: float, size: int, batch: int) -> Post:
    from speechagents.cluster.executor import Post

    return Post("stand", functools.partial(Stand, seconds, size), batch=batch)


def _peak_mb() -> float:
    # Not what getrusage tells: that counts what the process was before it became this program.
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


TRIALS: Final[Mapping[str, Callable[..., dict[str, float]]]] = {
    "rendering": rendering,
    "standing": standing,
    "memory": memory,
}


def main() -> None:
    """Run a trial by its name and its arguments in JSON, and print its figures as a line of JSON."""
    name, arguments = sys.argv[1:]
    print(json.dumps(TRIALS[name](**json.loads(arguments))))
