"""The arithmetic of many machines: the page says what the committed figures give, and nothing that nobody measured."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cluster_limits as limits
from benchmarks.cluster_arithmetic import BOOKS, PAGE, filled, main, tables
from benchmarks.cluster_limits import Assumed
from benchmarks.cluster_measured import Book, Measured, read_measured


def rendered(workers: int, lines_per_s: float, driver_ms: float) -> dict[str, Any]:
    """A row of rendered lines of four seconds each."""
    return {
        "workers": workers,
        "cores": 2,
        "lines_per_s": lines_per_s,
        "realtime_factor": 4 * lines_per_s,
        "efficiency": 0.83,
        "driver_ms_per_line": driver_ms,
    }


def read(workers: int, cores: int, words_per_s: float, peak_mb: float) -> dict[str, Any]:
    """A row of a book that was read."""
    return {
        "workers": workers,
        "cores": cores,
        "words_per_s": words_per_s,
        "realtime_factor": 0.48 * words_per_s,
        "efficiency": 0.8,
        "all_peak_mb": peak_mb,
    }


WORKED: dict[str, Any] = {
    "machine": "x86_64, 2 cores",
    "rendering": {"take_bytes": 100_000, "rows": [rendered(0, 60, 9), rendered(2, 100, 5), rendered(0, 110, 9)]},
    "book": {"rows": [read(0, 1, 60, 150), read(1, 1, 55, 230), read(2, 2, 100, 330), read(0, 2, 110, 170)]},
    "standing": [{"workers": 64, "efficiency": 0.9, "driver_ms_per_task": 0.3}],
    "overhead": [
        {"batch": 1, "result_bytes": 0, "ms_per_task": 0.5},
        {"batch": 1, "result_bytes": 100_000, "ms_per_task": 2.0},
        {"batch": 32, "result_bytes": 100_000, "ms_per_task": 0.2},
    ],
    "memory": {
        "rows": [{"lines": 1_000, "driver_peak_mb": 45}, {"lines": 100_000, "driver_peak_mb": 50}],
        "ratio": 1.11,
    },
}
BOOK: dict[str, Any] = {
    "novels": {"median_words": 80_000, "median_chapters": 40, "median_longest_share": 0.05},
    "driver": {
        "rows": [
            {"words": 40_000, "hours": 5.0,
             "files": {"take": {"count": 3_990, "bytes": 300_000_000}, "sound": {"count": 10, "bytes": 100_000_000},
                       "export": {"count": 0, "bytes": 100_000_000}}},
        ],
        "s_per_1000_words": {"before_s": 0.05, "between_s": 0.1, "after_s": 0.075},
    },
}  # fmt: skip
TALK: dict[str, Any] = {
    "processor": "a quick one",
    "rehearsal": {"scenes_per_cpu_s": 50},
    "servers": {
        "turns": 5, "rows": [{"scenes": 10_000, "driver_peak_mb": 70}], "scenes_per_cpu_s": 20, "memory_ratio": 1.02,
        "prompt_chars_per_request": 4_000, "answer_chars_per_request": 200,
    },
}  # fmt: skip
PLAYED: dict[str, Any] = {
    "runs": [
        {"master": "none", "minutes": 90, "total_cpu_s": 1.0, "synthesis_cpu_s": 0.0},
        {"master": "podcast", "minutes": 1, "total_cpu_s": 9.0, "synthesis_cpu_s": 0.0},
        {"master": "podcast", "minutes": 100, "total_cpu_s": 306.0, "synthesis_cpu_s": 6.0},
    ]
}
GPU: dict[str, Any] = {
    "device": {"name": "Some GPU"},
    "size": "real",
    "voices": [
        {"model": "csm", "batch": 1, "times_real_time": 3.0},
        {"model": "csm", "batch": 32, "times_real_time": 25.0},
    ],
}


def results(folder: Path, **files: Any) -> Path:
    """A folder of results."""
    for name, report in files.items():
        (folder / f"{name.replace('__', '-')}.json").write_text(json.dumps(report), "utf-8")
    return folder


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """Figures that are easy to reckon with."""
    return read_measured(
        results(
            tmp_path,
            cluster={"local": WORKED, "ray": WORKED}, cluster_books=BOOK, simulate=TALK, perform=PLAYED,
        )
    )  # fmt: skip


def rows(table: str) -> dict[str, list[str]]:
    """Cells of a table by what stands first."""
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines() if "|" in line]
    return {first: others for first, *others in cells}


def test_the_page_is_what_the_committed_figures_give() -> None:
    page = PAGE.read_text("utf-8")
    assert page == filled(page, tables(read_measured(), Assumed())), (
        "the figures have changed: python -m benchmarks.cluster_arithmetic --write"
    )


def test_figures_are_found_where_the_benchmarks_put_them(measured: Measured) -> None:
    local, book = measured.local, measured.book
    assert (local.lines_per_s, local.line_s, local.driver_ms_per_line) == (100.0, 4.0, 5.0)
    assert (local.words_per_s, local.cores, local.worker_mb) == (100.0, 2.0, 100.0)
    assert (local.tasks_per_s, local.batched_tasks_per_s) == (500.0, 5_000.0)
    assert (local.memory_lines, local.driver_mb, local.standing) == (100_000.0, 50.0, 64.0)
    assert (book.hours, book.files, book.file_bytes, book.chapter_bytes) == (10.0, 8_000.0, 1e9, 0.8e9)
    assert (book.alone_s, book.beside_s) == pytest.approx((10.0, 8.0))
    assert measured.mixing_s == pytest.approx(0.05)


def test_without_any_figures_every_table_says_so(tmp_path: Path) -> None:
    for name, table in tables(read_measured(tmp_path), Assumed()).items():
        assert "nan" not in table
        assert ("not measured" in table) == (name != "assumed")


@pytest.mark.parametrize("missing", ["cluster", "cluster_books", "simulate", "perform"])
def test_what_is_missing_is_told_and_the_rest_is_there(tmp_path: Path, missing: str) -> None:
    everything = {"cluster": {"local": WORKED}, "cluster_books": BOOK, "simulate": TALK, "perform": PLAYED}
    there = results(tmp_path, **{name: report for name, report in everything.items() if name != missing})
    made = tables(read_measured(there), Assumed())
    assert "nan" not in "".join(made.values())
    assert {"cluster": "48", "cluster_books": "10 h", "simulate": "20; 50", "perform": "50 ms"}[missing] not in (
        made["measured"].split("Machine")[0]
    )
    assert made["measured"].count("not measured") >= 2  # this, and GPUs


def test_a_book_takes_its_drivers_time_and_that_of_its_longest_chapter(measured: Measured) -> None:
    # 80 000 words at 50 a second are 1 600 s; the longest chapter 80 s; the driver alone 10 s.
    assert limits.book_s(measured.book, 50.0, 1) == pytest.approx((1_610.0, 1_610.0))
    assert limits.book_s(measured.book, 50.0, 10) == pytest.approx((170.0, 170.0 + 0.9 * 80.0))
    assert limits.book_s(measured.book, 50.0, 1_000)[0] == pytest.approx(90.0)


def test_books_are_read_one_after_the_other_until_there_are_machines_for_all(measured: Measured) -> None:
    alone = limits.book_s(measured.book, 50.0, 2)
    assert limits.books_s(measured.book, 50.0, 1, 2, books=BOOKS) == pytest.approx(tuple(200 * one for one in alone))
    assert limits.books_s(measured.book, 50.0, 150, 2, books=BOOKS) == pytest.approx(tuple(2 * one for one in alone))
    assert limits.books_s(measured.book, 50.0, 1_000, 2, books=BOOKS) == limits.book_s(measured.book, 50.0, 10)


def test_what_1_10_and_1000_machines_give(measured: Measured) -> None:
    given = rows(tables(measured, Assumed(cores=2, vm_price=0.48, gpu_price=3.6, server_tokens_s=500.0))["given"])
    assert given["books a day, if each machine reads its own"] == ["108", "1 080", "108 000"]
    assert given["hours of sound a day"] == ["1 150", "11 500", "1 150 000"]
    assert given["an hour of sound"] == ["$0.01"] * 3
    assert given["200 books, all machines at them"][0] == "45 to 47.2 h"
    assert given["files of a book, sent to a store"] == ["$0.04"] * 3
    # 500 tokens a second over 5 turns of 50 tokens are two scenes.
    assert given["scenes a day of as many model servers"] == ["173 000", "1 730 000", "173 000 000"]
    assert given["cores that the drivers of these want"] == ["1", "1", "100"]
    assert given["1 000 scenes of theirs"] == ["$0.50"] * 3
    assert given["hours of sound a day of as many GPUs"] == ["not measured"] * 3


def test_machines_with_more_cores_give_more(measured: Measured) -> None:
    small, large = (rows(tables(measured, Assumed(cores=cores))["given"]) for cores in (2, 16))
    assert small["books a day, if each machine reads its own"][0] == "108"
    assert large["books a day, if each machine reads its own"][0] == "864"


def test_the_first_limit_of_one_book_is_its_longest_chapter(measured: Measured) -> None:
    table = tables(measured, Assumed())["one-book"]
    assert rows(table)["the longest chapter"][1:] == ["10", "100 %", "100 ×"]
    assert rows(table)["chapters"][1:] == ["20", "50 %", "50 ×"]
    assert rows(table)["what the driver does alone, as long as all the rest"][1] == "80"
    assert rows(table)["the driver's CPU beside the workers"][1] == "100"
    # 10 000 bytes a word from 100 words a second
    assert rows(table)["the driver's link of 1 Gbit/s, or its disk"][1] == "125"
    assert "1 000 machines: full first is **the longest chapter**." in table


def test_two_hundred_books_fill_what_they_share_before_anything_of_theirs(measured: Measured) -> None:
    table = tables(measured, Assumed())["many-books"]
    # 12 500 bytes a word on disk; a tenth of a file a word
    assert rows(table)["a file server on 10 Gbit/s, for all books together"][1] == "1 000"
    assert rows(table)["a store that takes 3 500 files a second"][1:] == ["350", "2.86 %", "286 %"]
    assert rows(table)["the longest chapter"][1] == "2 000"
    assert "10 machines: nothing is full. 1 000 machines: full first is **a store" in table


def test_a_performance_is_bound_by_its_drivers_encoding(measured: Measured) -> None:
    table = tables(measured, Assumed())["performance"]
    assert "the embedded voices, 400 × real time" in table
    assert rows(table)["the driver's mixing and encoding, on its cores"][1] == "0.1"
    assert rows(table)["the driver's way to workers, one core"][1] == "2"
    assert rows(table)["the driver's link of 1 Gbit/s, or its disk"][1] == "12.5"


def test_a_gpu_is_a_machine_of_its_own_in_all_tables(tmp_path: Path) -> None:
    there = results(
        tmp_path, cluster={"local": WORKED}, perform=PLAYED, gpu__some=GPU, gpu__cpu={**GPU, "size": "small"}
    )
    made = tables(read_measured(there), Assumed(gpu_price=2.5))
    assert rows(made["given"])["hours of sound a day of csm, Some GPU"] == ["600", "6 000", "600 000"]
    assert rows(made["given"])["an hour of it"] == ["$0.10"] * 3
    assert (
        rows(made["performance"].partition("csm on Some GPU, 25 × real time")[2])[
            "the driver's mixing and encoding, on its cores"
        ][1]
        == "1.6"
    )
    assert made["measured"].count("Some GPU") == 1


def test_ten_thousand_scenes(measured: Measured) -> None:
    found = rows(tables(measured, Assumed(server_tokens_s=500.0, gpu_price=3.6))["ten-thousand"])
    assert found["the driver's CPU time, asking servers"] == ["8.33 min"]
    assert found["tokens made"] == ["2.5 million"]
    assert found["tokens read, if servers keep nothing from turn to turn"] == ["50 million"]
    assert found["time of one server"] == ["83.3 min"]
    assert found["servers that one driver keeps busy"] == ["10"]
    assert found["money for servers, however many"] == ["$5.00"]


def test_a_limit_that_nobody_measured_stands_last(measured: Measured) -> None:
    unknown = replace(measured, ray=replace(measured.ray, tasks_per_s=math.nan))
    table = tables(unknown, Assumed())["one-book"]
    assert list(rows(table))[-1] == "tasks through Ray, one at a time"
    assert rows(table)["tasks through Ray, one at a time"][1:] == ["not measured"] * 3
    assert "full first is **the longest chapter**" in table


def test_filling_the_page_leaves_the_rest_as_it_is_and_can_be_repeated() -> None:
    page = (
        "Before.\n<!-- table: a -->\nold\n<!-- end: a -->\nBetween \\1.\n<!-- table: b -->\n<!-- end: b -->\nAfter.\n"
    )
    made = {"a": "| \\1 |\n", "b": "| 2 |\n"}
    once = filled(page, made)
    assert once.splitlines() == [
        "Before.", "<!-- table: a -->", "| \\1 |", "", "<!-- end: a -->",
        "Between \\1.", "<!-- table: b -->", "| 2 |", "", "<!-- end: b -->", "After.",
    ]  # fmt: skip
    assert filled(once, made) == once


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(SystemExit, match="no place, or several, for the table 'a'"):
        filled("<!-- table: b -->\n<!-- end: b -->\n", {"a": ""})


def test_prices_of_ones_own_change_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--vm-price", "0.7", "--cores", "16"]) == 0
    printed = capsys.readouterr().out
    assert "| a machine, an hour | $0.70 |" in printed
    assert "| workers, one for each core | 16 | 160 | 16 000 |" in printed


@pytest.mark.parametrize("options", [["--vm-price", "0"], ["--cores", "-1"], ["--puts-s", "nan"]])
def test_a_price_of_nothing_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_the_page_is_written_with_its_own_assumptions_only(capsys: pytest.CaptureFixture[str]) -> None:
    before = PAGE.read_bytes()
    with pytest.raises(SystemExit) as ended:
        main(["--write", "--vm-price", "0.7"])
    assert ended.value.code == 2
    assert "--write takes no other options" in capsys.readouterr().err
    assert PAGE.read_bytes() == before


def test_a_book_is_read_faster_by_more_workers_up_to_its_longest_chapter() -> None:
    book = Book(60_000, 30, 0.1, 8.0, 5.0, 5.0, 5_000, 1e9, 1e9)
    times = [limits.book_s(book, 50.0, workers)[0] for workers in (1, 2, 4, 8, 16, 32)]
    assert times == sorted(times, reverse=True)
    assert times[-1] == times[-2] == pytest.approx(125.0)
