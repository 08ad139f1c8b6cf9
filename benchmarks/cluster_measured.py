"""Measured figures that the arithmetic of many machines starts from, as they stand under `benchmarks/results`.

Owns where each is found. What nobody has measured is NaN: whatever is computed from it is NaN too, and is shown as not
measured. Does not know what is computed (`cluster_arithmetic`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).parent / "results"
NOT_MEASURED: Final = math.nan


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What it takes to give work to workers of one kind, ``local`` or ``ray``.

    Attributes:
        machine: Where it was measured; empty if it was not.
        cores: Of that machine, all in use.
        lines_per_s: By workers on all cores.
        line_s: Sound of a line.
        line_efficiency: Share of one core's speed without workers, times cores.
        driver_ms_per_line: CPU time of the driver, which keeps the takes.
        take_bytes: A line's.
        words_per_s: Of a book whose chapters are tasks, by workers on all cores.
        realtime_factor: Of that book.
        book_efficiency: As that of lines.
        worker_mb: What one worker more takes.
        tasks_per_s: Tasks that do nothing, one at a time, with the bytes of a take.
        batched_tasks_per_s: The same in batches.
        standing: Most workers that stood by.
        standing_efficiency: Theirs.
        standing_ms_per_task: CPU time of their driver.
        memory_lines: Of the longest book whose driver's memory was measured.
        driver_mb: Its largest resident set.
        memory_ratio: To that of the shortest.
    """

    machine: str
    cores: float
    lines_per_s: float
    line_s: float
    line_efficiency: float
    driver_ms_per_line: float
    take_bytes: float
    words_per_s: float
    realtime_factor: float
    book_efficiency: float
    worker_mb: float
    tasks_per_s: float
    batched_tasks_per_s: float
    standing: float
    standing_efficiency: float
    standing_ms_per_task: float
    memory_lines: float
    driver_mb: float
    memory_ratio: float


@dataclass(frozen=True, slots=True)
class Book:
    """A novel of middling length, and what its driver does itself.

    Attributes:
        words: Median of the novels.
        chapters: Likewise.
        longest_share: Of the words, in the longest chapter; likewise.
        hours: Of sound.
        alone_s: CPU time of the driver before the first and after the last chapter.
        beside_s: CPU time of the driver while workers press chapters.
        files: What a store is sent.
        file_bytes: All of it.
        chapter_bytes: Of that, what workers make: takes, and sound of chapters.
    """

    words: float
    chapters: float
    longest_share: float
    hours: float
    alone_s: float
    beside_s: float
    files: float
    file_bytes: float
    chapter_bytes: float


@dataclass(frozen=True, slots=True)
class Talk:
    """Scenes played as text, and what they cost their driver.

    Attributes:
        turns: Of a scene.
        scenes_per_cpu_s: Against servers that have their answer ready.
        rehearsed_per_cpu_s: Acted in the driver's process.
        prompt_chars: Of a request.
        answer_chars: Of an answer.
        driver_mb: Largest resident set at most scenes.
        most_scenes: How many these were.
        memory_ratio: To that of the fewest.
    """

    turns: float
    scenes_per_cpu_s: float
    rehearsed_per_cpu_s: float
    prompt_chars: float
    answer_chars: float
    driver_mb: float
    most_scenes: float
    memory_ratio: float


@dataclass(frozen=True, slots=True)
class Gpu:
    """A voice with random weights on a GPU, in its best batch.

    Attributes:
        device: Name.
        model: What kind.
        batch: Lines together.
        realtime_factor: Sound made in a second.
    """

    device: str
    model: str
    batch: int
    realtime_factor: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All of it.

    Attributes:
        local: Processes of one machine.
        ray: A Ray of one machine.
        book: A book.
        talk: Scenes.
        gpus: Voices on GPUs; empty if none was at hand.
        mixing_s: CPU time for a second of sound of a performance, all but the speaking.
        processor: What the processor says it is.
    """

    local: Dispatch
    ray: Dispatch
    book: Book
    talk: Talk
    gpus: tuple[Gpu, ...]
    mixing_s: float
    processor: str


def read_measured(folder: Path = RESULTS) -> Measured:
    """The figures of a folder of results; those of files and sections that are not there are NaN."""
    cluster, books, simulate = (_read(folder / f"{name}.json") for name in ("cluster", "cluster_books", "simulate"))
    return Measured(
        local=_dispatch(cluster.get("local", {})),
        ray=_dispatch(cluster.get("ray", {})),
        book=_book(books),
        talk=_talk(simulate),
        gpus=tuple(_gpus(folder)),
        mixing_s=_mixing_s(_read(folder / "perform.json")),
        processor=str(simulate.get("processor", "")),
    )


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _dispatch(report: Mapping[str, Any]) -> Dispatch:
    rendering, memory = report.get("rendering", {}), report.get("memory", {})
    lines, pages = _fullest(rendering.get("rows", ())), _fullest(report.get("book", {}).get("rows", ()))
    standing, lengths = _last(report.get("standing", ())), _last(memory.get("rows", ()))
    whole_takes = [row for row in report.get("overhead", ()) if row["result_bytes"]]
    return Dispatch(
        machine=str(report.get("machine", "")),
        cores=_number(pages or lines, "cores"),
        lines_per_s=_number(lines, "lines_per_s"),
        line_s=_number(lines, "realtime_factor") / _number(lines, "lines_per_s"),
        line_efficiency=_number(lines, "efficiency"),
        driver_ms_per_line=_number(lines, "driver_ms_per_line"),
        take_bytes=_number(rendering, "take_bytes"),
        words_per_s=_number(pages, "words_per_s"),
        realtime_factor=_number(pages, "realtime_factor"),
        book_efficiency=_number(pages, "efficiency"),
        worker_mb=_worker_mb(report.get("book", {}).get("rows", ())),
        tasks_per_s=1_000 / _number(whole_takes[0] if whole_takes else {}, "ms_per_task"),
        batched_tasks_per_s=1_000 / _number(_last(whole_takes), "ms_per_task"),
        standing=_number(standing, "workers"),
        standing_efficiency=_number(standing, "efficiency"),
        standing_ms_per_task=_number(standing, "driver_ms_per_task"),
        memory_lines=_number(lengths, "lines"),
        driver_mb=_number(lengths, "driver_peak_mb"),
        memory_ratio=_number(memory, "ratio"),
    )


def _book(report: Mapping[str, Any]) -> Book:
    novels, driver = report.get("novels", {}), report.get("driver", {})
    longest, more = _last(driver.get("rows", ())), driver.get("s_per_1000_words", {})
    words = _number(novels, "median_words")
    share = words / _number(longest, "words")  # of the made-up novel, which is as long as it was wanted
    kinds = longest.get("files", {})
    return Book(
        words=words,
        chapters=_number(novels, "median_chapters"),
        longest_share=_number(novels, "median_longest_share"),
        hours=_number(longest, "hours") * share,
        alone_s=(_number(more, "before_s") + _number(more, "after_s")) * words / 1_000,
        beside_s=_number(more, "between_s") * words / 1_000,
        files=(sum(one["count"] for one in kinds.values()) if kinds else NOT_MEASURED) * share,
        file_bytes=(sum(one["bytes"] for one in kinds.values()) if kinds else NOT_MEASURED) * share,
        chapter_bytes=sum(_number(kinds.get(kind, {}), "bytes") for kind in ("take", "sound")) * share,
    )


def _talk(report: Mapping[str, Any]) -> Talk:
    servers, rehearsal = report.get("servers", {}), report.get("rehearsal", {})
    longest = _last(servers.get("rows", ()))
    return Talk(
        turns=_number(servers, "turns"),
        scenes_per_cpu_s=_number(servers, "scenes_per_cpu_s"),
        rehearsed_per_cpu_s=_number(rehearsal, "scenes_per_cpu_s"),
        prompt_chars=_number(servers, "prompt_chars_per_request"),
        answer_chars=_number(servers, "answer_chars_per_request"),
        driver_mb=_number(longest, "driver_peak_mb"),
        most_scenes=_number(longest, "scenes"),
        memory_ratio=_number(servers, "memory_ratio"),
    )


def _gpus(folder: Path) -> list[Gpu]:
    """The best batch of each voice of the size of real ones, on each GPU."""
    found = []
    for path in sorted(folder.glob("gpu-*.json")):
        report = _read(path)
        rows = report.get("voices", ()) if report.get("size") == "real" else ()
        for model in sorted({str(row["model"]) for row in rows}):
            best = max((row for row in rows if row["model"] == model), key=lambda row: float(row["times_real_time"]))
            found.append(Gpu(report["device"]["name"], model, int(best["batch"]), float(best["times_real_time"])))
    return found


def _mixing_s(report: Mapping[str, Any]) -> float:
    mastered = [run for run in report.get("runs", ()) if run["master"] != "none"]
    longest: Mapping[str, Any] = max(mastered, key=lambda run: float(run["minutes"]), default={})
    spent_s = _number(longest, "total_cpu_s") - _number(longest, "synthesis_cpu_s")
    return spent_s / (_number(longest, "minutes") * 60)


def _worker_mb(rows: Sequence[Mapping[str, Any]]) -> float:
    """What all processes together take more with the last worker than without it."""
    peaks = {int(row["workers"]): float(row["all_peak_mb"]) for row in rows if row["workers"]}
    most = max(peaks, default=0)
    return peaks[most] - peaks[most - 1] if most - 1 in peaks else NOT_MEASURED


def _fullest(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with most workers; each has a core."""
    return max((row for row in rows if row["workers"]), key=lambda row: int(row["workers"]), default={})


def _last(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return rows[-1] if rows else {}


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name)
    return NOT_MEASURED if value is None else float(value)
