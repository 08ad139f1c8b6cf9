"""How fast the live stage answers, and how many it carries.

    python -m benchmarks.live [transport] [answers] [listeners] [soak] [--seconds S] [--minutes M] [--write]

All of it on loopback with the embedded default; the server, the visitors and the browser are processes of their own and
share the cores of one machine. Without names, everything is measured:

* ``transport``: from the microphone to the loudspeaker of a page, with an echo behind the stage's own socket, beside
  Gradio's streaming in the same browser (`benchmarks.live_transport` says what is in the figure and what is not),
* ``answers``: from the last voiced sample that a visitor sends to the arrival of the first sound of the answer, with 1,
  5 and 25 visitors who ask agents questions by name, aloud; how many words were understood, whether the one who was
  asked answered, and the server's own split of the time,
* ``listeners``: 25 visitors who only listen, their microphones open in a quiet room, to a scene of 25 roles: the share
  of frames of 20 ms that were not there when they were due, with a prebuffer of 40 ms,
* ``soak``: 100 visitors for five minutes, one in ten with an open microphone, the others as pages without one: memory,
  CPU and broken connections. Before, sessions are given three minutes to fill: each keeps its last minute of sound for
  a client that comes back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import live_transport
from benchmarks.live_figures import Machine, share, spread
from benchmarks.live_server import WatchedServer, takes

RESULTS = Path(__file__).parent / "results" / "live.json"
CASES = ("transport", "answers", "listeners", "soak")
SESSIONS = (1, 5, 25)
ALONE = 4
"""So many times as long one visitor is watched: alone it asks but five questions a minute."""
LISTENERS = 25
SOAKING = 100
SOAKING_MICROPHONES = 10
FILLING_S = 180.0
COMPANY: Final = "wedding-below-the-slide"
"""The example with 25 roles, for those who listen."""

_SPLIT = ("end_of_utterance_ms", "recognition_ms", "first_token_ms", "first_audio_ms", "voice_to_voice_ms")


def answers(seconds: float) -> list[dict[str, Any]]:
    """Visitors who speak."""
    return [_answers(sessions, seconds * (ALONE if sessions == 1 else 1)) for sessions in SESSIONS]


def _answers(sessions: int, seconds: float) -> dict[str, Any]:
    with Machine() as machine:
        seen, server = _visit(sessions, seconds, "--speaks")
    given = [answer for visitor in seen["visitors"] for answer in visitor["answers"]]
    timed = [answer for answer in given if answer["first_audio_s"] is not None]
    words = [_words(answer) for answer in given]
    return {
        "sessions": sessions,
        "questions": len(given),
        "unanswered": len(given) - len(timed),
        "answered_early": sum(answer["early"] for answer in given),
        "first_audio_ms": spread([1000 * answer["first_audio_s"] for answer in timed], 0),
        "words_understood_percent": share(sum(got for got, _ in words), sum(all_ for _, all_ in words)),
        "asked_one_answered_percent": share(sum(answer["by_addressee"] for answer in timed), len(timed)),
        "server": {
            name: spread([answer["metrics"][name] for answer in timed if answer["metrics"].get(name) is not None], 0)
            for name in _SPLIT
        },
        **_noticed(seen, server),
        **machine.about(),
    }


def listeners(seconds: float) -> dict[str, Any]:
    """Visitors who listen."""
    return _listening(LISTENERS, seconds, microphones=LISTENERS)


def soak(minutes: float) -> dict[str, Any]:
    """Many visitors who listen, for long."""
    return _listening(SOAKING, 60 * minutes, microphones=SOAKING_MICROPHONES, filling_s=FILLING_S)


def _listening(visitors: int, seconds: float, *, microphones: int, filling_s: float = 0.0) -> dict[str, Any]:
    options = ("--example", COMPANY, "--microphones", str(microphones))
    with Machine() as machine:
        seen, server = _visit(visitors, seconds, *options, filling_s=filling_s)
    return {
        "visitors": visitors,
        "microphones": microphones,
        "seconds": seconds,
        **_noticed(seen, server),
        **machine.about(),
    }


def _visit(
    visitors: int, seconds: float, *options: str, filling_s: float = 0.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What visitors noticed from their coming on, and what the server took once all were there and had filled it."""
    command = [sys.executable, "-m", "benchmarks.live_visitors"]
    with WatchedServer(visitors) as server:
        size = ["--visitors", str(visitors), "--seconds", str(filling_s + seconds)]
        run = subprocess.run([*command, server.url, *size, *options], stdout=subprocess.PIPE, check=True)
        seen = json.loads(run.stdout)
        return seen, takes(server.samples, seen["all_there_at_s"] + filling_s, seen["left_at_s"])


def _noticed(seen: Mapping[str, Any], server: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for speakers and listeners alike."""
    visitors = seen["visitors"]
    frames, late = (sum(visitor[name] for visitor in visitors) for name in ("frames", "late_frames"))
    errors: Counter[str] = Counter()
    for visitor in visitors:
        errors.update(visitor["errors"])
    return {
        "opened": sum(visitor["opened_s"] is not None for visitor in visitors),
        "opening_s": spread([one["opened_s"] for one in visitors if one["opened_s"] is not None], 2),
        "played_minutes": round(frames * 0.02 / 60, 1),
        "late_frames_percent": share(late, late + frames),
        "late_frames_percent_worst": max(
            (share(one["late_frames"], one["late_frames"] + one["frames"]) for one in visitors), default=0.0
        ),
        "reconnects": sum(visitor["reconnects"] for visitor in visitors),
        "lost": sum(bool(visitor["lost"]) for visitor in visitors),
        "errors": dict(errors),
        "took": dict(server),
        "visitors_cpu_percent_of_a_core": seen["cpu_percent"],
    }


def _words(answer: Mapping[str, Any]) -> tuple[int, int]:
    from benchmarks.live_speech import words_understood

    return words_understood(answer["said"], answer["heard"])


def targets(report: Mapping[str, Any]) -> dict[str, Any]:
    """What was aimed at, and what was reached, of what was measured."""
    found: dict[str, Any] = {}
    if "transport" in report:
        stage = report["transport"]["stage"]["ms"]
        found["transport, ms (target: at most 60)"] = stage["p50"]
    for case in report.get("answers", ()):
        aim = " (target: at most 700)" if case["sessions"] == 1 else ""
        times = case["first_audio_ms"]
        found[f"first audio at {case['sessions']} sessions, ms{aim}"] = {
            "p50": times.get("p50"),
            "p95": times.get("p95"),
        }
    if "listeners" in report:
        found["late frames of 25 listeners, percent (target: at most 5)"] = report["listeners"]["late_frames_percent"]
    if "soak" in report:
        soaked = report["soak"]
        found["memory of 100 sessions, MB a minute (target: flat)"] = soaked["took"].get("rss_mb_per_minute")
        found["broken connections of 100 (target: none)"] = soaked["reconnects"] + soaked["lost"]
    return found


def _answer_rows(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    titles = ("sessions", "asked", "p50 ms", "p95 ms", "words %", "right one %", "late %", "core %", "load")
    yield "".join(f"{title:>{len(title) + 2}}" for title in titles)
    for case in cases:
        times = case["first_audio_ms"]
        values = (
            case["sessions"],
            case["questions"],
            times.get("p50", "-"),
            times.get("p95", "-"),
            case["words_understood_percent"],
            case["asked_one_answered_percent"],
            case["late_frames_percent"],
            case["took"].get("cpu_percent_of_a_core", "-"),
            case["load_while"],
        )
        yield "".join(f"{value:>{len(title) + 2}}" for value, title in zip(values, titles, strict=True))


def _listening_rows(case: Mapping[str, Any]) -> Iterator[str]:
    took = case["took"]
    size = f"{case['visitors']} visitors, {case['microphones']} microphones, {case['seconds']:g} s"
    yield f"{size}, {case['played_minutes']} minutes heard"
    yield f"  late frames {case['late_frames_percent']} %, worst visitor {case['late_frames_percent_worst']} %"
    yield f"  broken connections {case['reconnects']}, sessions lost {case['lost']}, errors {case['errors'] or 'none'}"
    if took:
        memory = ", ".join(f"{value:.0f}" for value in took["rss_mb_by_minute"])
        yield f"  memory by minute {memory} MB, {took['rss_mb_per_minute']} MB a minute"
        yield f"  {took['cpu_percent_of_a_core']} % of a core; load {case['load_while']}"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of {', '.join(CASES)}; all without")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each run but the soak")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the soak")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.cases) - set(CASES))
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are only {', '.join(CASES)}")
    work: dict[str, tuple[Callable[[], Any], Callable[[Any], Iterator[str]]]] = {
        "transport": (lambda: _transport(arguments.seconds), live_transport.rows),
        "answers": (lambda: answers(arguments.seconds), _answer_rows),
        "listeners": (lambda: listeners(arguments.seconds), _listening_rows),
        "soak": (lambda: soak(arguments.minutes), _listening_rows),
    }
    report: dict[str, Any] = {}
    for case in CASES:
        if case in (arguments.cases or CASES):
            measure, rows = work[case]
            report[case] = measure()
            print(*rows(report[case]), sep="\n", flush=True)
    if RESULTS.exists() and arguments.write:
        # What was not measured this time stays as it was.
        report = json.loads(RESULTS.read_text("utf-8")) | report
    report["targets"] = targets(report)
    print(json.dumps(report["targets"], indent=2))
    if arguments.write:
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def _transport(seconds: float) -> dict[str, Any]:
    with Machine() as machine:
        report = live_transport.measure(seconds)
    return report | machine.about()


if __name__ == "__main__":
    sys.exit(main())
