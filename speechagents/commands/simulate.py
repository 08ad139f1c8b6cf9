"""``speechagents simulate``: scenes by the thousand, as text, against a pool of model servers.

Owns the arguments and what is shown. Does not know how scenes are played (`cluster.simulating`).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.commands.options import EXIT_PARTLY, Commands, path_here, print_json
from speechagents.drama import clean_name
from speechagents.errors import SettingsError

if TYPE_CHECKING:
    from speechagents.cluster.endpoint import EndpointSpec
    from speechagents.cluster.figures import RunFigures
    from speechagents.cluster.simulating import RunOver

_PROGRESS_S = 2.0
"""Seconds between two lines of progress."""
_SHOWN_FAILURES = 20
"""Failed scenes that are told one by one; more are only counted."""


def add_simulate_command(commands: Commands) -> None:
    """Add ``simulate``."""
    simulate = commands.add_parser(
        "simulate",
        help="play scenes by the thousand, as text, against many model servers",
        description="Play scenes as text, many at once, against a pool of OpenAI-compatible servers. Each finished "
        "scene is a line of DIR/results.jsonl; run the same command again to go on with a run that was cut short.",
    )
    simulate.add_argument("scenes", type=Path, nargs="+", metavar="SCENES", help="scene files, or folders of them")
    simulate.add_argument("--out", type=path_here, required=True, metavar="DIR", help="folder of the results")
    simulate.add_argument(
        "--repeat", type=_number, default=1, metavar="N", help="how often each scene is played (default 1)"
    )
    simulate.add_argument("--seed", type=int, default=0, help="of the run; each play has its own (default 0)")
    simulate.add_argument("--roles", type=_number, default=0, metavar="N", help="with the first so many roles of each")
    simulate.add_argument("--turns", type=_number, default=0, metavar="N", help="most turns (default: the scene's)")
    simulate.add_argument("--policy", default="", help="turn policy (default: the scene's)")
    who = simulate.add_argument_group("who acts")
    who.add_argument(
        "--endpoint", action="append", default=[], metavar="URL", help="a server; give it once for each of them"
    )
    who.add_argument("--endpoints", type=Path, metavar="FILE", help="YAML file of servers")
    who.add_argument("--model", default="", help="model of servers that name none (default: the first they list)")
    who.add_argument(
        "--concurrency", type=_number, metavar="N", help="most requests at once to each server (default 8)"
    )
    who.add_argument("--timeout-s", type=float, metavar="S", help="longest wait for one answer (default 60)")
    who.add_argument(
        "--key-variable", metavar="NAME", help="environment variable with the key (default: SPEECHAGENTS_API_KEY)"
    )
    who.add_argument("--controller", default="", help="instead of servers: rehearsal, which needs none, or another")
    who.add_argument(
        "--at-once", type=_number, default=0, metavar="N", help="most scenes under way (default: as servers take)"
    )
    who.add_argument(
        "--patience-s",
        type=float,
        default=120.0,
        metavar="S",
        help="end the run if no server has answered for so long (default 120)",
    )
    budget = simulate.add_argument_group("budget, what is finished already included")
    budget.add_argument("--budget-scenes", type=_number, default=0, metavar="N", help="most finished scenes")
    budget.add_argument("--budget-requests", type=_number, default=0, metavar="N", help="most requests")
    budget.add_argument("--budget-tokens", type=_number, default=0, metavar="N", help="most tokens")
    budget.add_argument("--budget-s", type=float, default=0.0, metavar="S", help="most seconds of this command")
    simulate.add_argument(
        "--metrics-port", type=int, metavar="PORT", help="serve figures for Prometheus there while it runs"
    )
    simulate.add_argument(
        "--metrics-host", default="127.0.0.1", metavar="HOST", help="address for that (default 127.0.0.1)"
    )
    simulate.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    simulate.set_defaults(run=_simulate)


def _simulate(arguments: argparse.Namespace) -> int:
    from speechagents.cluster.budget import Caps
    from speechagents.cluster.figures import RunFigures
    from speechagents.cluster.results import RESULTS_FILE
    from speechagents.cluster.simulating import RunBegun, RunOver, SceneFailed, ScenePlayed, simulate
    from speechagents.cluster.simulation import SimulationSettings

    settings = SimulationSettings(
        scenes=tuple(arguments.scenes),
        repeat=arguments.repeat,
        seed=arguments.seed,
        roles=arguments.roles,
        turns=arguments.turns,
        policy=arguments.policy,
        endpoints=_endpoints(arguments),
        controller=arguments.controller,
        model=arguments.model,
        at_once=arguments.at_once,
        caps=Caps(arguments.budget_scenes, arguments.budget_requests, arguments.budget_tokens, arguments.budget_s),
        patience_s=arguments.patience_s,
    )
    figures = RunFigures(endpoint.name for endpoint in settings.endpoints)
    over: RunOver | None = None
    failed, told_s = 0, time.monotonic()
    with _metrics(figures, arguments):
        for event in simulate(settings, arguments.out, figures=figures):
            if isinstance(event, RunBegun):
                before = f", {event.before} of them finished before" if event.before else ""
                _say(f"{event.planned} scenes{before}; {event.at_once} at once")
            elif isinstance(event, ScenePlayed) and time.monotonic() - told_s >= _PROGRESS_S:
                told_s = time.monotonic()
                _say(f"{event.finished:6d}/{event.planned}  {figures.under_way} under way" + _down(figures))
            elif isinstance(event, SceneFailed):
                failed += 1
                if failed <= _SHOWN_FAILURES:
                    _say(f"speechagents: {event.scene} {event.repeat + 1} could not be played: {event.reason}")
            elif isinstance(event, RunOver):
                over = event
    assert over is not None  # noqa: S101 - the last event of every run that raises nothing
    _show(over, figures)
    path = arguments.out / RESULTS_FILE
    if arguments.json:
        print_json(_values(over, figures, path))
    else:
        print(path)
    return EXIT_PARTLY if over.failed else 0


def _endpoints(arguments: argparse.Namespace) -> tuple[EndpointSpec, ...]:
    """The servers of the file, or those named one by one, or the one that the environment names."""
    from speechagents.cluster.endpoint_file import named_endpoints, read_endpoints
    from speechagents.controllers.discovery import SERVER_VARIABLE

    if arguments.controller not in ("", "openai") and not (arguments.endpoint or arguments.endpoints):
        return ()
    common = {
        name: value
        for name in ("model", "concurrency", "timeout_s", "key_variable")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.endpoints is not None:
        if arguments.endpoint:
            raise SettingsError("give --endpoints FILE or --endpoint URL, not both; the file can name more servers")
        return read_endpoints(arguments.endpoints, **common)
    named = os.environ.get(SERVER_VARIABLE, "").strip()
    return named_endpoints(arguments.endpoint or ([named] if named else []), **common)


@contextlib.contextmanager
def _metrics(figures: RunFigures, arguments: argparse.Namespace) -> Iterator[None]:
    if arguments.metrics_port is None:
        yield
        return
    from speechagents.cluster.metrics import serve_metrics

    with serve_metrics(figures, port=arguments.metrics_port, host=arguments.metrics_host) as port:
        _say(f"figures for Prometheus: http://{arguments.metrics_host}:{port}/metrics")
        yield


def _down(figures: RunFigures) -> str:
    down = [name for name, one in figures.endpoints.items() if not one.up]
    return f"; resting: {', '.join(down)}" if down else ""


def _show(over: RunOver, figures: RunFigures) -> None:
    left = f", {over.left} left: {over.ended}" if over.left else ""
    _say(f"{over.finished} of {over.planned} scenes are finished, {over.failed} failed{left}")
    rate = (over.finished - over.before) / over.seconds if over.seconds else 0.0
    _say(
        f"{over.turns} turns, {over.fallbacks} of them the understudy's; {over.tokens_in + over.tokens_out} tokens; "
        f"{over.seconds:.1f} s, {rate:.1f} scenes a second"
    )
    for name, one in figures.endpoints.items():
        outcomes = ", ".join(f"{count} {outcome.value}" for outcome, count in one.outcomes.items() if count)
        trouble = f"; {one.why}" if one.why else ""
        _say(f"{name}: {outcomes or 'never asked'}{trouble}")


def _values(over: RunOver, figures: RunFigures, path: Path) -> dict[str, Any]:
    played = over.finished - over.before
    return {
        "planned": over.planned,
        "finished": over.finished,
        "failed": over.failed,
        "left": over.left,
        "before": over.before,
        "ended": over.ended,
        "turns": over.turns,
        "fallback_turns": over.fallbacks,
        "tokens_in": over.tokens_in,
        "tokens_out": over.tokens_out,
        "requests": over.requests,
        "seconds": round(over.seconds, 3),
        "scenes_per_s": round(played / over.seconds, 2) if over.seconds else 0.0,
        "endpoints": {name: one.to_json() for name, one in figures.endpoints.items()},
        "results": str(path),
    }


def _say(line: str) -> None:
    print(clean_name(line), file=sys.stderr)


def _number(text: str) -> int:
    """A number from 1 to 10¹²."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:14]) <= 10**12):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
