"""What thousands of scenes cost the one who drives them.

    python -m benchmarks.simulate [--who rehearsal,servers] [--scenes 1000,10000] [--write]

Runs ``speechagents simulate`` as a process of its own on the scenes of `assets/hcs/v1`, each played so often that there
are as many as asked for: once with the rehearsal planner, which acts in the driver's process, and once against servers
of this machine that have their answer ready (`fast_server`). Measured are

* *scenes a CPU second* of the driver: what one more scene costs, which is the difference between the longest run and
  the shortest, so that Python's start is left out. It is CPU time, since the servers, and whatever else is going on,
  share the cores. The servers' own is not in it,
* the driver's largest resident set, by the number of scenes: 1.0 from the shortest to the longest means flat,
* what is asked: requests a scene, characters a prompt.

A server with a model takes longer over a turn than its driver by a thousand times. What is measured here is the most
that one driver can ask for.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.fast_server import TURN, fast_servers
from benchmarks.running import run

RESULTS: Final = Path(__file__).parent / "results" / "simulate.json"
KINDS: Final = ("rehearsal", "servers")
SCENES: Final = Path(__file__).parent.parent / "assets" / "hcs" / "v1" / "scenes"


def measure(scenes: Path, lengths: Sequence[int], *, turns: int, servers: int) -> dict[str, Any]:
    """Play so many scenes, from the fewest to the most.

    Args:
        scenes: Folder of scene files.
        lengths: How many scenes a run has, ascending; met to within a multiple of the files.
        turns: Most turns of a scene.
        servers: Whose answers are ready; 0 is none, and the rehearsal planner acts.
    """
    rows, files = [], len(list(scenes.iterdir()))
    prompt_chars = requests = 0
    for length in lengths:
        repeat = max(1, length // files)
        common = [str(scenes), "--turns", str(turns), "--repeat", str(repeat)]
        if servers:
            with fast_servers(servers) as there:
                who = ["--model", "ready", *(part for url in there.urls for part in ("--endpoint", url))]
                row = _run([*common, *who])
            prompt_chars, requests = prompt_chars + there.asked.prompt_chars, requests + there.asked.requests
        else:
            row = _run([*common, "--controller", "rehearsal"])
        rows.append(row)
        print(
            f"{servers or 'no'} servers, {row['scenes']} scenes: {row['cpu_s']} s of CPU in {row['wall_s']} s, "
            f"{row['turns']} turns, {row['driver_peak_mb']} MB",
            flush=True,
        )
    spent_s, played, turned = beyond(rows)
    found: dict[str, Any] = {
        "servers": servers,
        "turns": turns,
        "scene_files": files,
        "rows": rows,
        "scenes_per_cpu_s": round(played / spent_s, 1),
        "cpu_ms_per_turn": round(1_000 * spent_s / turned, 2),
        "memory_ratio": round(rows[-1]["driver_peak_mb"] / rows[0]["driver_peak_mb"], 3),
    }
    if requests:
        found["requests_per_scene"] = round(rows[-1]["requests"] / rows[-1]["scenes"], 2)
        found["prompt_chars_per_request"] = round(prompt_chars / requests)
        found["answer_chars_per_request"] = len(TURN)
    return found


def beyond(rows: Sequence[dict[str, Any]]) -> tuple[float, int, int]:
    """CPU seconds, scenes and turns that the last run has more than the first; all of one, if there is one only.

    Raises:
        SystemExit: The runs are so short that the longer one took no more time.
    """
    first = rows[0] if len(rows) > 1 else {"cpu_s": 0.0, "scenes": 0, "turns": 0}
    cpu_s, scenes, turns = (rows[-1][name] - first[name] for name in ("cpu_s", "scenes", "turns"))
    if cpu_s <= 0.0:
        raise SystemExit(f"{scenes} scenes more took no time: the runs are too short to compare; give --scenes more")
    return cpu_s, scenes, turns


def _run(arguments: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        ran = run(["simulate", *arguments, "--out", str(Path(scratch) / "run"), "--json"])
    said = ran.said
    if said["fallback_turns"] or said["failed"] or said["left"]:
        raise SystemExit(f"simulate {' '.join(arguments)} did not play all scenes as it should: {said}")
    return {
        "scenes": said["finished"],
        "turns": said["turns"],
        "requests": said["requests"],
        "cpu_s": round(ran.cpu_s, 2),
        "wall_s": round(ran.wall_s, 1),
        "driver_peak_mb": round(ran.family_peak_mb, 1),
    }


def processor() -> str:
    """What the processor says it is; empty where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--who", default=",".join(KINDS), metavar="WHO,WHO", help="acts (default rehearsal,servers)")
    parser.add_argument("--scenes", default="1000,10000", metavar="N,N", help="of a run (default 1000,10000)")
    parser.add_argument("--turns", type=int, default=6, help="most turns of a scene (default 6)")
    parser.add_argument("--servers", type=int, default=3, help="that have their answer ready (default 3)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    lengths = sorted(int(part) for part in arguments.scenes.split(","))
    wanted = arguments.who.split(",")
    if unknown := set(wanted) - set(KINDS):
        parser.error(f"--who {', '.join(sorted(unknown))}: nobody else acts than {' and '.join(KINDS)}")
    report: dict[str, Any] = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "processor": processor(),
    }
    for name in wanted:
        servers = arguments.servers if name == "servers" else 0
        found = report[name] = measure(SCENES, lengths, turns=arguments.turns, servers=servers)
        print(
            f"{name}: {found['scenes_per_cpu_s']} scenes a CPU second, {found['cpu_ms_per_turn']} ms a turn, memory "
            f"{found['memory_ratio']} x from the shortest to the longest",
            flush=True,
        )
        if arguments.write:
            RESULTS.write_text(kept(RESULTS, report), "utf-8")
    return 0


def kept(path: Path, report: dict[str, Any]) -> str:
    """The results as JSON with what was measured renewed; what was not stays as it was."""
    older = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return json.dumps({**older, **report}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
