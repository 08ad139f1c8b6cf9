"""What a book is to many workers: how it divides, what its driver does itself, and what it leaves on disk.

    python -m benchmarks.cluster_books [--words 10000,40000] [--corpus FOLDER] [--write]

More workers than a book has chapters stand idle, its longest chapter keeps one worker busy for as long as it takes, and
what the driver does before the first and after the last one nobody can do for it. Measured are

* *driver*: CPU time of the process that reads a made-up novel aloud by workers of this machine (``local:2``): until the
  speakers are known and cast, while workers press chapters, and after the last one. It is CPU time, since the
  workers, and whatever else is going on, share the cores. What another 1 000 words cost is the difference between the
  longest novel and the shortest,
* *files*: how many a store is sent, and their bytes, by what they are,
* *novels*: words, chapters and the longest chapter of the novels of a folder, as our own reader finds them. Meant for
  the Project Dialogism Novel Corpus (Vishnubhotla, Hammond and Hirst, LREC 2022, arXiv 2204.05836), of which nothing is
  part of this project.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.made_up_novel import make_novel
from benchmarks.simulate import processor

RESULTS: Final = Path(__file__).parent / "results" / "cluster_books.json"
WORKERS: Final = "local:2"
_DRIVE: Final = "import json, sys; from benchmarks.cluster_books import drive; print(json.dumps(drive(*sys.argv[1:])))"
_PARTS: Final = ("before_s", "between_s", "after_s")


def drive(book: str, out: str) -> dict[str, Any]:
    """Read a book by workers in this process, and say what it took of this process alone."""
    from speechagents.cluster.mirror_files import FOLDERS, local_files
    from speechagents.events import Finished, SceneReady, Started
    from speechagents.production.heap import share_one_heap
    from speechagents.studio import Studio

    share_one_heap()
    started_s = pressed_s = 0.0
    lines = chapters = 0
    duration_s = 0.0
    with Studio(preset="embedded", workers=WORKERS) as studio:
        for event in studio.read(book, out=out):
            match event:
                case Started():
                    started_s, lines, chapters = time.process_time(), event.lines, event.scenes
                case SceneReady():
                    pressed_s = time.process_time()
                case Finished():
                    duration_s = event.duration_s
    ended_s = time.process_time()
    files: dict[str, dict[str, int]] = {}
    for folder in ("", *FOLDERS):
        for name, kind in local_files(Path(out), folder):
            of_kind = files.setdefault(kind.value, {"count": 0, "bytes": 0})
            of_kind["count"] += 1
            of_kind["bytes"] += (Path(out) / name).stat().st_size
    return {
        "chapters": chapters,
        "lines": lines,
        "hours": round(duration_s / 3600, 3),
        "before_s": round(started_s, 2),
        "between_s": round(pressed_s - started_s, 2),
        "after_s": round(ended_s - pressed_s, 2),
        "files": files,
    }


def measure_driver(lengths: Sequence[int]) -> dict[str, Any]:
    """Read made-up novels of so many words, from the shortest to the longest."""
    rows = []
    for words in lengths:
        with tempfile.TemporaryDirectory() as scratch:
            book = Path(scratch) / "novel.txt"
            text = make_novel(words, seed=1)
            book.write_text(text, "utf-8")
            ran = subprocess.run(
                [sys.executable, "-c", _DRIVE, str(book), str(Path(scratch) / "out")],
                stdout=subprocess.PIPE,
                text=True,
                check=False,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        if ran.returncode:
            raise SystemExit(f"reading {words} words aloud ended with {ran.returncode}")
        rows.append({"words": len(text.split()), **json.loads(ran.stdout.splitlines()[-1])})
        print(
            f"{rows[-1]['words']} words, {rows[-1]['chapters']} chapters: driver "
            + ", ".join(f"{part.removesuffix('_s')} {rows[-1][part]} s" for part in _PARTS),
            flush=True,
        )
    return {"rows": rows, "s_per_1000_words": per_1000_words(rows)}


def per_1000_words(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What each part takes for 1 000 words more; of a single novel, for 1 000 of its words, its start included."""
    first = rows[0] if len(rows) > 1 else {"words": 0, **dict.fromkeys(_PARTS, 0.0)}
    more = (rows[-1]["words"] - first["words"]) / 1_000
    return {part: round((rows[-1][part] - first[part]) / more, 4) for part in _PARTS}


def measure_novels(corpus: Path) -> dict[str, Any]:
    """How the novels of a folder of folders divide into chapters."""
    from speechagents.books.reading import read_book

    rows: list[dict[str, Any]] = []
    for path in sorted(corpus.glob("*/novel_text.txt")):
        book = read_book(path)
        words = [sum(len(book.text[block.start : block.end].split()) for block in one.blocks) for one in book.chapters]
        rows.append(
            {
                "novel": path.parent.name,
                "words": len(book.text.split()),
                "chapters": len(words),
                "longest_chapter_words": max(words),
            }
        )
    if not rows:
        raise SystemExit(f"{corpus}: no novels; name a folder with a folder for each, which holds a novel_text.txt")
    return {
        "rows": rows,
        "median_words": round(statistics.median(row["words"] for row in rows)),
        "median_chapters": round(statistics.median(row["chapters"] for row in rows)),
        "median_longest_share": round(
            statistics.median(row["longest_chapter_words"] / row["words"] for row in rows), 3
        ),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures; what was not measured stays as it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", default="10000,40000", metavar="N,N", help="of made-up novels; may be empty")
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="novels to look at (default: none)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    report: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    if arguments.words:
        report["machine"] = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores"
        report["processor"] = processor()
        report["driver"] = measure_driver(sorted(int(part) for part in arguments.words.split(",")))
        print(json.dumps(report["driver"]["s_per_1000_words"]))
    if arguments.corpus:
        report["novels"] = measure_novels(arguments.corpus)
        print(json.dumps({name: value for name, value in report["novels"].items() if name != "rows"}))
    if arguments.write:
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
