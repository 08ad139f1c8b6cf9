"""What a book costs to read aloud, and what length does to it.

    python -m benchmarks.book [--words 10000,100000,300000] [--unencoded-words 10000,300000] [--novel FILE] [--write]

Runs ``speechagents read`` with its defaults (M4B, MP3 for each chapter, WebVTT, JSON, master acx) as a process of its
own on made-up novels (`made_up_novel`), or on the beginning of a given one, and prints for each length:

* wall time, words a second and the real-time factor,
* efficiency: CPU time of bare synthesis plus bare encoding over wall time times cores. Bare synthesis is lines of that
  book through libespeak-ng in one process without forks, post-processing or files; bare encoding is one plain pass of
  the same two encoders over finished chapters. Both are measured twice on up to half an hour of the book and scaled by
  its length,
* peak memory: the resident sets of the process and all its children, added up every 50 ms. Pages that they share count
  for each of them.

Then assembly, takes on disk to the one channel that is encoded from, for a quarter of a book and for all of it (linear
means four times the time), beside the way peers do it: pydub, every pause and every clip added to the end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.made_up_novel import make_novel
from benchmarks.perform import speak_bare_lines
from benchmarks.running import run
from speechagents.audio import Audio
from speechagents.drama import Style, role_key
from speechagents.production.codecs import AAC_NARRATION, MP3
from speechagents.production.heap import share_one_heap
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.reel import Reel, ReelProgramme, Strip
from speechagents.production.takes import TakeStore
from speechagents.voices.cast_file import read_cast_file
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine

RESULTS = Path(__file__).parent / "results" / "book.json"
SAMPLE_S = 1_800.0
"""Sound that the bare parts are measured on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One book of one length."""

    words: int
    chapters: int
    lines: int
    roles: int
    hours: float
    wall_s: float
    words_per_s: float
    realtime_factor: float
    synthesis_cpu_s: float
    encoding_cpu_s: float
    total_cpu_s: float
    cores: int
    efficiency: float
    peak_mb: float


def measure(book: Path, out: Path, *, jobs: int) -> Run:
    """Read a book as if for the first time, and its bare parts before and after."""
    words = len(book.read_text("utf-8").split())
    cost = read_in_process(book, out, jobs=jobs)
    bare_s = [_bare(out), _bare(out)]
    lines_s, encoding_s = (sum(values) / 2 for values in zip(*bare_s, strict=True))
    hours = cost.duration_s / 3600
    synthesis_s, encoded_s = lines_s * cost.duration_s, encoding_s * cost.duration_s
    return Run(
        words=words,
        chapters=cost.chapters,
        lines=cost.lines,
        roles=cost.roles,
        hours=round(hours, 2),
        wall_s=round(cost.wall_s, 1),
        words_per_s=round(words / cost.wall_s, 1),
        realtime_factor=round(cost.duration_s / cost.wall_s, 1),
        synthesis_cpu_s=round(synthesis_s, 1),
        encoding_cpu_s=round(encoded_s, 1),
        total_cpu_s=round(cost.cpu_s, 1),
        cores=jobs,
        efficiency=round((synthesis_s + encoded_s) / (cost.wall_s * jobs), 3),
        peak_mb=round(cost.peak_mb, 1),
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one reading took."""

    chapters: int
    lines: int
    roles: int
    duration_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float


def read_in_process(book: Path, out: Path, *, jobs: int, formats: str = "") -> Cost:
    """Read a book into a new folder, in a process of its own; in the default formats if none are named."""
    shutil.rmtree(out, ignore_errors=True)
    ran = run(
        ["read", str(book), "--out", str(out), "--json", "--jobs", str(jobs)]
        + (["--formats", formats] if formats else [])
    )
    chapters = len(list((out / "exports").glob("chapter-*.mp3")))
    done = ran.said
    return Cost(chapters, done["lines"], done["roles"], done["duration_s"], ran.wall_s, ran.cpu_s, ran.family_peak_mb)


def _bare(out: Path) -> tuple[float, float]:
    """CPU seconds of bare synthesis and of bare encoding for a second of the book's sound."""
    code = "import sys; from benchmarks.book import {0}; print({0}(sys.argv[1]))"
    found = []
    for name in ("speak_bare", "encode_bare"):
        run = subprocess.run(
            [sys.executable, "-c", code.format(name), str(out)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        found.append(float(run.stdout))
    return found[0], found[1]


def speak_bare(out: str) -> float:
    """Speak lines of a production in this process; CPU seconds of the engine alone for a second of the book."""
    folder = Path(out)
    cast = {role_key(wish.role): wish.voice for wish in read_cast_file(folder / "cast.yaml").wishes}
    record = json.loads((folder / "production.json").read_text("utf-8"))
    with EspeakSynthesizer(jobs=1) as synthesizer:
        voices = {voice.id: voice for voice in synthesizer.voices}
    lines, end_s = [], 0.0
    for message in _messages(folder):
        end_s = message["end_s"]
        voice = voices[cast[role_key(message["speaker"])]]
        style = Style(message["style"], message["strength"])
        lines.append(SpokenLine(message["text"], voice, style, record["language"]))
        if end_s > SAMPLE_S:
            break
    return speak_bare_lines(lines) / end_s


def _messages(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / "stream.jsonl").open("rb") as file:
        for entry in file:
            yield json.loads(entry)


def encode_bare(out: str) -> float:
    """Encode finished sound once more with the encoders of M4B and MP3; CPU seconds for a second of the book."""
    import av

    spent = 0.0
    frames = 0
    contexts = [codec.opened() for codec in (AAC_NARRATION, MP3)]
    with av.open(str(Path(out) / "exports" / "programme.m4b")) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            began = time.process_time()
            for context in contexts:
                context.encode(frame)
            spent += time.process_time() - began
            frames += frame.samples
            if frames > SAMPLE_S * PROGRAMME_HZ:
                break
    return spent / (frames / PROGRAMME_HZ)


def assembly(out: Path, folder: Path) -> list[dict[str, Any]]:
    """Put a quarter of a book's takes together, and then all: as a chapter is, and clip after clip with pydub."""
    takes = TakeStore(out / "takes")
    clips = [(message["start_s"], takes.path(message["take"])) for message in _messages(out)]
    rows = []
    for some in (clips[: len(clips) // 4], clips):
        ours_s = _timed(partial(_assemble, some, folder))
        theirs_s = _timed(partial(_add_clips, some))
        rows.append(
            {
                "clips": len(some),
                "minutes": round(some[-1][0] / 60, 1),
                "ours_s": round(ours_s, 2),
                "pydub_s": round(theirs_s, 2),
                "ratio": round(theirs_s / ours_s, 1),
            }
        )
    return rows


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _assemble(clips: Sequence[tuple[float, Path]], folder: Path) -> None:
    reel = Reel(folder / "reel.f32")
    strips: list[tuple[int, Strip]] = []
    end = 0
    for start_s, path in clips:
        strip = reel.add(Audio.read(path))
        first = max(end, round(start_s * PROGRAMME_HZ))
        strips.append((first, strip))
        end = first + strip.frames
    reel.close()
    programme = ReelProgramme(strips, end)
    for first in range(0, end, PROGRAMME_HZ):
        programme.read_mono(first, PROGRAMME_HZ)
    (folder / "reel.f32").unlink()


def _add_clips(clips: Sequence[tuple[float, Path]]) -> None:
    """The peers' way: a pause and a clip after the other added to the end, in the same format."""
    import soundfile as sf
    from pydub import AudioSegment

    whole = AudioSegment.silent(0, frame_rate=PROGRAMME_HZ)
    for start_s, path in clips:
        samples, take_hz = sf.read(path, dtype="int16")
        clip = AudioSegment(samples.tobytes(), frame_rate=take_hz, sample_width=2, channels=1)
        whole += AudioSegment.silent(max(0.0, start_s * 1000 - len(whole)), frame_rate=PROGRAMME_HZ)
        whole += clip.set_frame_rate(PROGRAMME_HZ)


_COLUMNS = (
    ("words", 7),
    ("hours", 5),
    ("wall s", 7),
    ("words/s", 7),
    ("x real time", 11),
    ("efficiency", 10),
    ("bare CPU s", 10),
    ("CPU s", 7),
    ("peak MB", 7),
)


def _row(run: Run) -> str:
    bare_s = round(run.synthesis_cpu_s + run.encoding_cpu_s, 1)
    values = (run.words, run.hours, run.wall_s, run.words_per_s, run.realtime_factor, run.efficiency, bare_s)
    return "  ".join(
        f"{value:>{width}}" for value, (_, width) in zip((*values, run.total_cpu_s, run.peak_mb), _COLUMNS, strict=True)
    )


def _book(words: int, novel: Path | None, folder: Path) -> Path:
    """A book of so many words: made up, or the beginning of a given one."""
    path = folder / f"{words}.txt"
    if novel is None:
        path.write_text(make_novel(words, seed=1), "utf-8")
        return path
    text = novel.read_text("utf-8")
    total, end = 0, 0
    for paragraph in text.split("\n\n"):
        total, end = total + len(paragraph.split()), end + len(paragraph) + 2
        if total >= words:
            break
    path.write_text(text[:end], "utf-8")
    return path


def _unencoded(words: int, novel: Path | None, folder: Path, *, jobs: int) -> dict[str, Any]:
    """Read, attribute, cast and speak a book, and write its texts; no sound is encoded."""
    book, out = _book(words, novel, folder), folder / f"{words}-words-unencoded"
    cost = read_in_process(book, out, jobs=jobs, formats="vtt,json")
    shutil.rmtree(out)
    row = {"words": words, "hours": round(cost.duration_s / 3600, 2), "wall_s": round(cost.wall_s, 1)}
    print(f"{words} words, not encoded: {row['hours']} h, {row['wall_s']} s, {cost.peak_mb:.1f} MB", flush=True)
    return {**row, "peak_mb": round(cost.peak_mb, 1)}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", default="10000,100000,300000", help="lengths, comma-separated; may be empty")
    parser.add_argument("--novel", type=Path, help="a novel as plain text, instead of a made-up one")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="threads (default: cores)")
    parser.add_argument("--assembly-words", type=int, default=10_000, help="length that assembly is timed on, 0: none")
    parser.add_argument(
        "--unencoded-words", default="", help="lengths that are spoken alone, for the memory of long books"
    )
    parser.add_argument("--keep", type=Path, help="folder for the productions (default: they are removed)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    share_one_heap()  # as the command line does
    lengths = [int(part) for part in arguments.words.split(",") if part]
    report: dict[str, Any] = {"machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores", "runs": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print("  ".join(f"{title:>{width}}" for title, width in _COLUMNS))
        for words in lengths:
            out = folder / f"{words}-words"
            run = measure(_book(words, arguments.novel, folder), out, jobs=arguments.jobs)
            report["runs"].append(asdict(run))
            print(_row(run), flush=True)
            if words == arguments.assembly_words:
                report["assembly"] = assembly(out, folder)
                for row in report["assembly"]:
                    print("assembly of {minutes} min, {clips} clips: {ours_s} s, pydub {pydub_s} s".format(**row))
            if arguments.keep is None:
                shutil.rmtree(out)
        if arguments.unencoded_words:
            report["unencoded"] = [
                _unencoded(int(part), arguments.novel, folder, jobs=arguments.jobs)
                for part in arguments.unencoded_words.split(",")
            ]
    for name, runs in (("runs", report["runs"]), ("unencoded", report.get("unencoded", []))):
        if len(runs) > 1:
            ratio = report[f"memory_ratio_{name}"] = round(runs[-1]["peak_mb"] / runs[0]["peak_mb"], 3)
            print(f"memory, {name}: at {runs[-1]['words']} words {ratio} x that at {runs[0]['words']}")
    if arguments.write:
        # What this run did not measure stays as it was.
        kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        measured = {name: value for name, value in report.items() if value}
        RESULTS.write_text(json.dumps({**kept, **measured}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
