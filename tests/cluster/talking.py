"""What tests of simulations share: servers that answer as models would, and small scenes for them."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from speechagents.cluster.budget import Budget, Caps
from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.endpoints import EndpointPool
from speechagents.cluster.figures import RunFigures
from speechagents.controllers.prompted import PromptedController
from tests.controllers.fault_server import Answer, FaultServer, Line, Received, says
from tests.controllers.playing import TellingModel, turn

WORDS = ("ferry", "lantern", "kettle", "orchard", "telegram", "violin", "harbour", "umbrella")


def talks(received: Received) -> Answer:
    """A turn that follows from the request alone, as that of a model with a seed does."""
    asked = {name: received.json[name] for name in ("messages", "seed")}
    drawn = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
    words = " ".join(WORDS[byte % len(WORDS)] for byte in drawn[:4])
    return says(turn(f"I remember the {words}."), tokens=(100, 20))


def slowly(answer: Answer, seconds: float) -> Answer:
    """The same answer, later."""

    def later(line: Line) -> None:
        line.closing.wait(seconds)
        answer(line)

    return later


def write_scenes(folder: Path, count: int = 1, **fields: Any) -> list[Path]:
    """Scene files with two roles each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        scene = {
            "title": f"Scene {number}",
            "background": "A room with one chair.",
            "roles": [{"name": "Ann", "profile": "30, a clerk"}, {"name": "Bob", "profile": "50, a baker"}],
            "turns": 2,
            **fields,
        }
        paths.append(folder / f"scene-{number:03}.yaml")
        paths[-1].write_text(json.dumps(scene), "utf-8")
    return paths


def spec(server: FaultServer | int, name: str = "", **options: Any) -> EndpointSpec:
    """An endpoint: a server that runs, or a port."""
    port = server if isinstance(server, int) else server.port
    return EndpointSpec(f"http://127.0.0.1:{port}/v1", name, **{"model": "tiny", "key_variable": "", **options})


def pool_of(
    *specs: EndpointSpec, caps: Caps | None = None, figures: RunFigures | None = None, patience_s: float = 20.0
) -> EndpointPool:
    """A pool without a run around it."""
    return EndpointPool(
        specs,
        budget=Budget(caps or Caps()),
        figures=figures or RunFigures(one.name for one in specs),
        patience_s=patience_s,
    )


def make_counting() -> PromptedController:
    """A controller without a server whose answers cost 13 tokens each."""
    return PromptedController(TellingModel(lambda *_: turn()))


def wait_until(holds: Any, seconds: float = 20.0) -> bool:
    """Whether something comes to hold in time."""
    end_s = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.005)
    return True
