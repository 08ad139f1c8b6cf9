"""What many workers bring, and what it costs to give them their work.

    python -m benchmarks.cluster [--ray] [--lines 1500] [--words 22400] [--memory-lines 1000,10000,100000] [--write]

Processes of this machine are the workers (`LocalPool`), with ``--ray`` actors of a Ray that is started here; between
them and the driver is the dispatcher that all commands use. Each trial is a process of its own (`cluster_trials`).

* **Rendering**: lines with the embedded voices, takes written to disk. Without workers on one core; then 1, 2 … workers
  on as many cores, on which the driver runs too. *Efficiency* is how much of so many times one core's speed is left.
  On one core the difference is *overhead* alone: what a line costs besides being spoken. Beside it stands what the
  voices do on all cores without workers. All trials of a round are compared with those of the same round, and
  the median round counts, since a machine's speed drifts; every other round runs backwards.
* **Book**: a made-up novel read aloud by the command itself, chapters being the tasks, on the same cores.
* **Standing**: workers beyond the cores, which sleep for as long as a line may take on a machine of their own and give
  back as many bytes as a take has. Efficiency is time slept over wall time times workers.
* **Overhead**: a service that does nothing, one task at a time and in batches, with and without the bytes of a take.
* **Memory**: the driver's largest resident set for books of different lengths; the ratio of the longest to the
  shortest is 1.0 if it is flat.

The driver's own CPU time for a line says how many workers it can keep busy.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.cluster_trials import TAKE_BYTES
from benchmarks.made_up_novel import make_novel
from benchmarks.running import run

RESULTS: Final = Path(__file__).parent / "results" / "cluster.json"
BATCH: Final = 32
"""Lines that a worker gets at once, as by `speechagents.cluster.voices`."""
_TOP: Final = Path(__file__).parent.parent

Trial = Callable[..., dict[str, float]]
"""Runs a trial by its name and arguments."""


def run_trial(name: str, **arguments: Any) -> dict[str, float]:
    """Run a trial in a process of its own.

    Raises:
        SystemExit: It failed; what it said is shown.
    """
    code = "from benchmarks.cluster_trials import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, name, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        # Ray's workers look for the services here too. One thread each, or workers take each other's cores.
        env={**os.environ, "PYTHONPATH": str(_TOP), "OMP_NUM_THREADS": "1"},
    )
    if ran.returncode:
        raise SystemExit(f"the trial {name} {arguments} ended with {ran.returncode}")
    figures: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return figures


@dataclass(frozen=True, slots=True)
class Rendering:
    """Lines rendered by so many workers on as many cores.

    Attributes:
        workers: How many; 0 is without, on all cores.
        cores: How many.
        lines_per_s: Median of the rounds.
        realtime_factor: Sound made in a second, likewise.
        efficiency: Share of the speed of one core without workers, times cores.
        driver_ms_per_line: CPU time of the driver; without workers, of the process that has the voices.
        start_s: Until workers and voices were ready.
    """

    workers: int
    cores: int
    lines_per_s: float
    realtime_factor: float
    efficiency: float
    driver_ms_per_line: float
    start_s: float


def measure_rendering(trial: Trial, *, where: str, lines: int, cores: int, rounds: int) -> dict[str, Any]:
    """Render lines without workers and by 1, 2 … as many as there are cores."""
    kinds = _kinds(cores)
    found: dict[tuple[int, int], list[dict[str, float]]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for workers, used in kinds if number % 2 == 0 else reversed(kinds):
            found[workers, used].append(trial("rendering", where=where, lines=lines, cores=used, workers=workers))
    bare_s = [figures["wall_s"] for figures in found[0, 1]]
    rows = [
        Rendering(
            workers=workers,
            cores=used,
            lines_per_s=round(_median(lines / one["wall_s"] for one in figures), 1),
            realtime_factor=round(_median(one["sound_s"] / one["wall_s"] for one in figures), 1),
            efficiency=round(_median(efficiencies(bare_s, [one["wall_s"] for one in figures], used)), 3),
            driver_ms_per_line=round(_median(1_000 * one["driver_s"] / lines for one in figures), 2),
            start_s=round(_median(one["start_s"] for one in figures), 2),
        )
        for (workers, used), figures in found.items()
    ]
    by_one = [one["wall_s"] - bare for one, bare in zip(found[1, 1], bare_s, strict=True)]
    return {
        "lines": lines,
        "rounds": rounds,
        "take_bytes": round(found[0, 1][0]["take_bytes"]),
        "overhead_ms_per_line": round(1_000 * _median(by_one) / lines, 2),
        "rows": [asdict(row) for row in rows],
    }


def _kinds(cores: int) -> list[tuple[int, int]]:
    """Workers and cores of each trial: without on one core, with on each number of cores, without on all."""
    by_workers = [(workers, workers) for workers in range(1, cores + 1)]
    return [(0, 1), *by_workers, *([(0, cores)] if cores > 1 else [])]


def efficiencies(bare_s: Sequence[float], wall_s: Sequence[float], cores: int) -> list[float]:
    """How well so many cores were used in each round.

    Args:
        bare_s: What the same work took on one core without workers, round by round.
        wall_s: What it took.
        cores: On how many.
    """
    return [bare / (cores * wall) for bare, wall in zip(bare_s, wall_s, strict=True)]


def measure_book(*, where: str, words: int, cores: int) -> dict[str, Any]:
    """Read a made-up novel without workers and by 1, 2 … as many as there are cores."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        book, out = Path(scratch) / "novel.txt", Path(scratch) / "out"
        book.write_text(make_novel(words, seed=1), "utf-8")
        for workers, used in _kinds(cores):
            spec = ["--workers", f"local:{workers}" if where == "local" else where] if workers else []
            with _on(used):
                ran = run(
                    ["read", str(book), "--out", str(out), "--preset", "embedded", "--json", "--jobs", str(used), *spec]
                )
            shutil.rmtree(out)
            bare_s = rows[0]["wall_s"] if rows else ran.wall_s
            rows.append(
                {
                    "workers": workers,
                    "cores": used,
                    "wall_s": round(ran.wall_s, 1),
                    "words_per_s": round(words / ran.wall_s, 1),
                    "realtime_factor": round(ran.said["duration_s"] / ran.wall_s, 1),
                    "efficiency": round(bare_s / (used * ran.wall_s), 3),
                    "all_peak_mb": round(ran.family_peak_mb, 1),
                }
            )
    return {"words": words, "rows": rows}


@contextlib.contextmanager
def _on(cores: int) -> Iterator[None]:
    """Let what is started here have so many cores and no others."""
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def measure_standing(
    trial: Trial, *, where: str, workers: Sequence[int], seconds: float, each: int
) -> list[dict[str, Any]]:
    """Give so many workers so many tasks each, in batches that hold up nobody at the end."""
    rows = []
    for count in workers:
        tasks, batch = count * each, max(1, each // 10)
        figures = trial("standing", where=where, workers=count, tasks=tasks, seconds=seconds, batch=batch)
        rows.append(
            {
                "workers": count,
                "tasks": tasks,
                "seconds_each": seconds,
                "batch": batch,
                "tasks_per_s": round(tasks / figures["wall_s"], 1),
                "driver_ms_per_task": round(1_000 * figures["driver_s"] / tasks, 3),
                "efficiency": round(tasks * seconds / (count * figures["wall_s"]), 3),
            }
        )
    return rows


def measure_overhead(trial: Trial, *, where: str, workers: int, tasks: int) -> list[dict[str, Any]]:
    """What the way to a worker and back takes, by batch and by what comes back."""
    rows = []
    for batch, size in ((1, 0), (1, TAKE_BYTES), (BATCH, 0), (BATCH, TAKE_BYTES)):
        figures = trial("standing", where=where, workers=workers, tasks=tasks, seconds=0.0, batch=batch, size=size)
        rows.append(
            {
                "workers": workers,
                "tasks": tasks,
                "batch": batch,
                "result_bytes": size,
                "ms_per_task": round(1_000 * figures["wall_s"] / tasks, 3),
                "driver_ms_per_task": round(1_000 * figures["driver_s"] / tasks, 3),
            }
        )
    return rows


def measure_memory(trial: Trial, *, where: str, workers: int, lengths: Sequence[int]) -> dict[str, Any]:
    """The driver's memory for books of so many lines."""
    rows = []
    for lines in lengths:
        figures = trial("memory", where=where, lines=lines, workers=workers, batch=BATCH)
        rows.append(
            {"lines": lines, "driver_peak_mb": round(figures["peak_mb"], 1), "wall_s": round(figures["wall_s"], 1)}
        )
    ratio = round(rows[-1]["driver_peak_mb"] / rows[0]["driver_peak_mb"], 3)
    return {"workers": workers, "batch": BATCH, "result_bytes": TAKE_BYTES, "rows": rows, "ratio": ratio}


def described(report: Mapping[str, Any]) -> list[str]:
    """The figures of one kind of workers, for people."""
    lines = []
    if rendering := report.get("rendering"):
        lines += [
            f"rendering, {_who(row)}: {row['lines_per_s']} lines/s ({row['realtime_factor']} x real time), efficiency "
            f"{row['efficiency']}, driver {row['driver_ms_per_line']} ms a line, ready in {row['start_s']} s"
            for row in rendering["rows"]
        ]
        lines.append(f"rendering: overhead {rendering['overhead_ms_per_line']} ms a line")
    if book := report.get("book"):
        lines += [
            f"book, {_who(row)}: {row['wall_s']} s, {row['words_per_s']} words/s ({row['realtime_factor']} x real "
            f"time), efficiency {row['efficiency']}, all processes {row['all_peak_mb']} MB"
            for row in book["rows"]
        ]
    lines += [
        f"standing, {row['workers']} workers, {1_000 * row['seconds_each']:g} ms a task: {row['tasks_per_s']} tasks/s, "
        f"efficiency {row['efficiency']}, driver {row['driver_ms_per_task']} ms a task"
        for row in report.get("standing", ())
    ]
    lines += [
        f"overhead, batch {row['batch']}, {row['result_bytes']} bytes: {row['ms_per_task']} ms a task, driver "
        f"{row['driver_ms_per_task']} ms"
        for row in report.get("overhead", ())
    ]
    if memory := report.get("memory"):
        lines += [
            f"memory, {row['lines']} lines: driver {row['driver_peak_mb']} MB, {row['wall_s']} s"
            for row in memory["rows"]
        ]
        lines.append(f"memory: {memory['ratio']} x from the shortest to the longest")
    return lines


def _who(row: Mapping[str, Any]) -> str:
    who = f"{row['workers']} workers" if row["workers"] else "without workers"
    return f"{who}, {row['cores']} {'core' if row['cores'] == 1 else 'cores'}"


def kept(path: Path, where: str, report: Mapping[str, Any]) -> str:
    """The results with those of one kind of workers renewed, as JSON; what was not measured stays as it was."""
    older = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return json.dumps({**older, where: {**older.get(where, {}), **report}}, indent=1) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true", help="over a Ray that is started here")
    parser.add_argument("--lines", type=int, default=1_500, help="rendered lines, 0: none (default 1500)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is rendered (default 3)")
    parser.add_argument(
        "--words", type=int, default=22_400, help="of a novel, 0: none (default 22400: eight chapters of a length)"
    )
    parser.add_argument("--workers", default="", metavar="N,N", help="standing workers (default 1 to 64; Ray: to 8)")
    parser.add_argument(
        "--service-ms", type=float, default=100.0, help="time of a standing worker's task (default 100)"
    )
    parser.add_argument("--each", type=int, default=40, help="tasks of a standing worker, 0: none (default 40)")
    parser.add_argument("--tasks", type=int, default=5_000, help="tasks that do nothing, 0: none (default 5000)")
    parser.add_argument(
        "--memory-lines",
        default="1000,10000,100000",
        metavar="N,N",
        help="lengths for the driver's memory; may be empty",
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    where = "ray" if arguments.ray else "local"
    standing = _numbers(arguments.workers or ("1,2,4,8" if arguments.ray else "1,2,4,8,16,32,64"))
    report: dict[str, Any] = {"machine": f"{platform.machine()}, {cores} cores"}
    shown = 0

    def show() -> None:
        nonlocal shown
        lines = described(report)
        print("\n".join(lines[shown:]), flush=True)
        shown = len(lines)

    if arguments.lines:
        report["rendering"] = measure_rendering(
            run_trial, where=where, lines=arguments.lines, cores=cores, rounds=arguments.rounds
        )
        show()
    if arguments.words:
        report["book"] = measure_book(where=where, words=arguments.words, cores=cores)
        show()
    if arguments.each:
        report["standing"] = measure_standing(
            run_trial, where=where, workers=standing, seconds=arguments.service_ms / 1_000, each=arguments.each
        )
        show()
    if arguments.tasks:
        report["overhead"] = measure_overhead(run_trial, where=where, workers=cores, tasks=arguments.tasks)
        show()
    if lengths := _numbers(arguments.memory_lines):
        report["memory"] = measure_memory(run_trial, where=where, workers=cores, lengths=lengths)
        show()
    if arguments.write:
        RESULTS.write_text(kept(RESULTS, where, report), "utf-8")
    return 0


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    sys.exit(main())
