"""How fast and how frugal a performance is, and what limits it.

    python -m benchmarks.perform [--pages 1,10,100] [--assembly-pages 100] [--write]

Runs ``speechagents perform`` with its defaults (M4B, MP3, WebVTT, JSON, master podcast) as a process of its own on
made-up screenplays, the longest also with the master ``none``, which limits and measures nothing, and prints for each:

* the real-time factor and the wall time,
* efficiency: CPU time of bare synthesis plus bare encoding over wall time times cores. Bare synthesis is the same
  lines through libespeak-ng in one process without forks, post-processing or files; bare encoding is one plain pass
  of the same two encoders over the finished sound. 1.0 would mean that nothing else cost anything and no core waited.
  The machine's speed drifts, so each script is performed once before the bare parts and once after: the mean counts,
* peak memory of the largest process (resident set, as the kernel counts it).

Then the time from the start of a performance to its first sound, and assembly (take files to one mix) beside the way
peers do it: pydub, every pause and every clip added to the end, into the same format as ours (stereo, 44.1 kHz), and
into the least that holds the clips (mono, 22.05 kHz). All ratios are taken in one run on one machine.
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
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import soundfile as sf

from benchmarks.running import run
from benchmarks.screenplays import make_screenplay
from speechagents import PerformSettings, Studio
from speechagents.audio import Audio
from speechagents.drama import role_key
from speechagents.errors import SynthesisError
from speechagents.events import SceneReady, SoundReady
from speechagents.production.codecs import AAC, MP3
from speechagents.production.heap import share_one_heap
from speechagents.production.mixfile import MixFile
from speechagents.production.mixing import mix_scene
from speechagents.production.rooms import room_for
from speechagents.production.takes import TakeStore
from speechagents.production.timeline import PlacedScene
from speechagents.scripts.breakdown import break_down
from speechagents.scripts.reading import load_script
from speechagents.voices.cast_file import read_cast_file
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.espeak.worker import Engine, Request
from speechagents.voices.synthesizer import SpokenLine, Take

RESULTS = Path(__file__).parent / "results" / "perform.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One performance of one length."""

    master: str
    pages: int
    lines: int
    minutes: float
    wall_s: float
    realtime_factor: float
    synthesis_cpu_s: float
    encoding_cpu_s: float
    total_cpu_s: float
    cores: int
    efficiency: float
    peak_mb: float


def roles_of(pages: int) -> int:
    """Roles of a script of so many pages: four on one page, thirty and more in a feature."""
    return min(34, 4 * pages)


def write_script(pages: int, folder: Path) -> Path:
    """Make up a screenplay."""
    path = folder / f"{pages}-pages.fountain"
    path.write_text(make_screenplay(pages=pages, roles=roles_of(pages), seed=1), "utf-8")
    return path


def measure(pages: int, folder: Path, *, master: str) -> Run:
    """Perform a script of so many pages twice, as if for the first time, and its bare parts in between."""
    script = write_script(pages, folder)
    out = folder / f"{pages}"
    first = perform_in_process(script, out, master=master)
    synthesis_s, encoding_s = bare_synthesis_s(out), bare_encoding_s(out)
    second = perform_in_process(script, out, master=master)
    wall_s, cpu_s = (first.wall_s + second.wall_s) / 2, (first.cpu_s + second.cpu_s) / 2
    cores = len(os.sched_getaffinity(0))
    return Run(
        master=master,
        pages=pages,
        lines=first.lines,
        minutes=round(first.duration_s / 60, 2),
        wall_s=round(wall_s, 2),
        realtime_factor=round(first.duration_s / wall_s, 1),
        synthesis_cpu_s=round(synthesis_s, 2),
        encoding_cpu_s=round(encoding_s, 2),
        total_cpu_s=round(cpu_s, 2),
        cores=cores,
        efficiency=round((synthesis_s + encoding_s) / (wall_s * cores), 3),
        peak_mb=round(max(first.peak_mb, second.peak_mb), 1),
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one performance took."""

    lines: int
    duration_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float


def perform_in_process(script: Path, out: Path, *, master: str) -> Cost:
    """Perform a script into a new folder, in a process of its own."""
    shutil.rmtree(out, ignore_errors=True)
    ran = run(["perform", str(script), "--out", str(out), "--json", "--master", master])
    return Cost(ran.said["lines"], ran.said["duration_s"], ran.wall_s, ran.cpu_s, ran.own_peak_mb)


def bare_synthesis_s(out: Path) -> float:
    """CPU seconds of a process that speaks every line of a production and throws the sound away."""
    return _cpu_of(_SPEAK, str(out))


def bare_encoding_s(out: Path) -> float:
    """CPU seconds of encoding the finished sound once with each encoder."""
    return _cpu_of(_ENCODE, str(out / "exports" / "programme.m4b"))


def _cpu_of(code: str, *arguments: str) -> float:
    """What a child measured of itself with `time.process_time`, on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return float(run.stdout)


_SPEAK = "import sys; from benchmarks.perform import speak_bare; print(speak_bare(sys.argv[1]))"
_ENCODE = "import sys; from benchmarks.perform import encode_bare; print(encode_bare(sys.argv[1]))"


def speak_bare(out: str) -> float:
    """Speak the lines of a production in this process; CPU seconds of the engine alone."""
    folder = Path(out)
    play = break_down(load_script(folder / "script.json"), narrator=False)
    cast = {role_key(wish.role): wish.voice for wish in read_cast_file(folder / "cast.yaml").wishes}
    with EspeakSynthesizer(jobs=1) as synthesizer:
        voices = {voice.id: voice for voice in synthesizer.voices}
    lines = [line for scene in play.scenes for line in scene.lines]
    return speak_bare_lines(
        [SpokenLine(line.text, voices[cast[role_key(line.role)]], line.style, play.language) for line in lines]
    )


def speak_bare_lines(lines: Sequence[SpokenLine]) -> float:
    """Speak lines in this process; CPU seconds of the engine alone."""
    import espeakng_loader

    frames = _Frames()
    with EspeakSynthesizer(jobs=1) as synthesizer:
        synthesizer._pool = frames  # type: ignore[assignment]  # noqa: SLF001
        for _ in synthesizer.speak(lines):
            pass
    engine = Engine(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    try:
        requests = [(engine.prepare(request), request) for request in map(Request, frames.requests)]
        began = time.process_time()
        for voice, request in requests:
            engine.speak(voice, request)
        return time.process_time() - began
    finally:
        engine.close()


class _Frames:
    """Stands in for the pool of workers: keeps what they would be asked and answers with an error."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def submit(self, frame: bytes, **_: object) -> Future[Take]:
        self.requests.append(frame)
        answer: Future[Take] = Future()
        answer.set_exception(SynthesisError("only the request was wanted"))
        return answer

    def close(self) -> None:
        """There is nothing to end."""


def encode_bare(path: str) -> float:
    """Encode a finished file once more with the encoders of M4B and MP3; CPU seconds of the encoders alone."""
    import av

    spent = 0.0
    contexts = [codec.opened() for codec in (AAC, MP3)]
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            began = time.process_time()
            for context in contexts:
                context.encode(frame)
            spent += time.process_time() - began
    return spent


def first_sound_s(folder: Path) -> float:
    """Seconds from the start of a performance of ten pages to its first sound, the back end not yet started."""
    script = write_script(10, folder)
    with Studio() as studio:
        began = time.perf_counter()
        events = studio.perform(script, out=folder / "first", settings=PerformSettings(formats=("vtt",)))
        for event in events:
            if isinstance(event, SoundReady) and event.read().peak > 0.01:
                return time.perf_counter() - began
    raise SystemExit("no sound")


def assembly(pages: int, folder: Path) -> dict[str, Any]:
    """Put the takes of a production together: with our mixer, and clip after clip with pydub."""
    out = folder / f"{pages}"
    script = out / "script.json" if out.exists() else write_script(pages, folder)
    with Studio() as studio:
        scenes = [
            event.scene
            for event in studio.perform(script, out=out, settings=PerformSettings(formats=("m4b",)))
            if isinstance(event, SceneReady)
        ]
    cores = len(os.sched_getaffinity(0))
    takes = TakeStore(out / "takes")
    ours_s = _timed(lambda: _assemble(scenes, takes, folder / "assembly", jobs=cores))
    same_s = _timed(lambda: _add_clips(scenes, takes, rate_hz=44_100, channels=2))
    least_s = _timed(lambda: _add_clips(scenes, takes, rate_hz=22_050, channels=1))
    encoding_s = bare_encoding_s(out)
    return {
        "pages": pages,
        "minutes": round(scenes[-1].end_s / 60, 1),
        "clips": sum(len(scene.lines) for scene in scenes),
        "ours_s": round(ours_s, 2),
        "pydub_s": round(same_s, 2),
        "ratio": round(same_s / ours_s, 1),
        "pydub_mono_22050_s": round(least_s, 2),
        "ratio_mono_22050": round(least_s / ours_s, 1),
        "encoding_cpu_s": round(encoding_s, 1),
        "ratio_with_encoding": round((same_s + encoding_s) / (ours_s + encoding_s / cores), 1),
    }


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _assemble(scenes: Sequence[PlacedScene], takes: TakeStore, folder: Path, *, jobs: int) -> None:
    """Join, pan, put into the room and level, scenes side by side as a performance does: stereo at 44.1 kHz."""
    folder.mkdir()

    def mix_one(scene: PlacedScene) -> None:
        mix = MixFile(folder / f"{scene.start_s:012.3f}.f32")
        placed = ((line, _take(takes, line.take)) for line in scene.lines)
        for block in mix_scene(
            placed,
            room=room_for(scene.setting),
            duration_s=lambda: scene.end_s - scene.start_s,
            origin_s=scene.start_s,
        ):
            mix.append(block)

    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(mix_one, scenes):
            pass
    shutil.rmtree(folder)


def _add_clips(scenes: Sequence[PlacedScene], takes: TakeStore, *, rate_hz: int, channels: int) -> None:
    """The peers' way: a pause and a clip after the other added to the end. No room, no place, nothing overlaps."""
    from pydub import AudioSegment

    whole = AudioSegment.silent(0, frame_rate=rate_hz).set_channels(channels)
    end_s = 0.0
    for scene in scenes:
        for line in scene.lines:
            samples, take_hz = sf.read(takes.path(line.take), dtype="int16")
            clip = AudioSegment(samples.tobytes(), frame_rate=take_hz, sample_width=2, channels=1)
            pause = AudioSegment.silent(max(0.0, line.start_s - end_s) * 1000, frame_rate=rate_hz)
            whole += pause.set_channels(channels)
            whole += clip.set_frame_rate(rate_hz).set_channels(channels)
            end_s = line.end_s


def _take(takes: TakeStore, address: str) -> Audio:
    return Audio.read(takes.path(address))


_COLUMNS = (
    ("master", 7),
    ("pages", 5),
    ("lines", 5),
    ("minutes", 7),
    ("wall s", 6),
    ("x real time", 11),
    ("efficiency", 10),
    ("bare CPU s", 10),
    ("CPU s", 6),
    ("peak MB", 7),
)


def _row(run: Run) -> str:
    bare_s = run.synthesis_cpu_s + run.encoding_cpu_s
    speed = (run.wall_s, run.realtime_factor, run.efficiency, round(bare_s, 1), run.total_cpu_s, run.peak_mb)
    values = (run.master, run.pages, run.lines, run.minutes, *speed)
    return "  ".join(f"{value:>{width}}" for value, (_, width) in zip(values, _COLUMNS, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", default="1,10,100", help="lengths, comma-separated")
    parser.add_argument(
        "--assembly-pages", type=int, default=84, help="length for the comparison of assembly (84: 72 minutes), 0: none"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    share_one_heap()  # as the command line does
    report: dict[str, Any] = {"machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores", "runs": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("  ".join(f"{title:>{width}}" for title, width in _COLUMNS))
        lengths = [int(part) for part in arguments.pages.split(",")]
        for master, pages in [("none", lengths[-1]), *(("podcast", pages) for pages in lengths)]:
            run = measure(pages, folder, master=master)
            report["runs"].append(asdict(run))
            print(_row(run), flush=True)
        report["first_sound_s"] = round(first_sound_s(folder), 3)
        print(f"first sound {report['first_sound_s']:.2f} s after the start of rendering")
        if arguments.assembly_pages:
            report["assembly"] = assembly(arguments.assembly_pages, folder)
            print(
                "assembly of {minutes} min, {clips} clips: ours {ours_s} s, pydub {pydub_s} s, ratio {ratio} "
                "(mono, 22 kHz: {pydub_mono_22050_s} s, {ratio_mono_22050}), with encoding "
                "{ratio_with_encoding}".format(**report["assembly"])
            )
    if arguments.write:
        if RESULTS.exists():
            # What was not measured this time stays as it was.
            report = json.loads(RESULTS.read_text("utf-8")) | report
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
