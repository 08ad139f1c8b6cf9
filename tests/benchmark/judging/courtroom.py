"""Cells to judge, and judges behind a `FaultServer`: what they say follows from what they are asked."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from speechagents.audio import Audio
from speechagents.benchmark.judging.criteria import CRITERIA
from speechagents.benchmark.judging.judge import Judge
from speechagents.benchmark.judging.opinions import Failure, Opinion
from speechagents.benchmark.played import CellRecord, Played
from speechagents.benchmark.script_file import ScriptLine, read_scene_script
from speechagents.drama import Deed, Message, SceneBrief, Style
from speechagents.production.takes import TakeStore, recording_address
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene
from tests.controllers.fault_server import Answer, Received, says

MakeJudge = Callable[..., Judge]

NAMES = tuple(criterion.name for criterion in CRITERIA)
FERRY = "001-night-ferry"
RATE_HZ = 16_000


@functools.cache
def brief(roles: int) -> SceneBrief:
    """The ferry."""
    return read_scene(resource("assets", "hcs", "v1", "scenes", f"{FERRY}.yaml")).with_first_roles(roles)


@functools.cache
def script_lines(roles: int) -> Sequence[ScriptLine]:
    """What is said on it."""
    path = resource("assets", "hcs", "v1", "scripts", f"{FERRY}-{roles}.yaml")
    return read_scene_script(path, {FERRY: brief(25)}).lines


def message(number: int, speaker: str, text: str, style: str = "default", **more: object) -> Message:
    """Something said."""
    fields = {"deed": Deed.SPEAK, "addresses": (), "audience": (), "start_s": 0.0, "end_s": 0.0, "take": "", **more}
    return Message(number, speaker, text, style=Style(style), **fields)  # type: ignore[arg-type]


def cell_of(
    messages: Iterable[Message], *, name: str = "a-cell-2", roles: int = 2, folder: Path | None = None
) -> Played:
    """A cell in which this was said."""
    record = CellRecord(FERRY, roles, 0, 1, "the script is over", 1.0, 1)
    return Played(name, record, brief(roles), (), tuple(messages), folder=folder)


def ferry(*, roles: int = 2, name: str = "", folder: Path | None = None) -> Played:
    """The script that was written for the ferry, as it was played without voices."""
    lines = enumerate(script_lines(roles), 1)
    messages = [message(number, line.role, line.text, line.style) for number, line in lines]
    return cell_of(messages, name=name or f"{FERRY}-{roles}", roles=roles, folder=folder)


def sounding(folder: Path, *, seconds: float = 2.0) -> Played:
    """The same with takes, each of a different level so that they can be told apart."""
    store = TakeStore(folder / "takes")
    messages = []
    for number, line in enumerate(script_lines(2), 1):
        audio = Audio(np.full(round(seconds * RATE_HZ), number / 100.0, np.float32), RATE_HZ)
        address = recording_address(audio)
        store.path(address).parent.mkdir(exist_ok=True)
        sf.write(store.path(address), audio.samples, RATE_HZ)
        start_s = number * (seconds + 0.5)
        times = {"start_s": start_s, "end_s": start_s + seconds, "take": address}
        messages.append(message(number, line.role, line.text, "angry", **times))
    return cell_of(messages, name=f"{FERRY}-2", folder=folder)


def asked_about(received: Received) -> Mapping[str, Sequence[object]]:
    """Names of criteria in the order of the form that the request asks for, each with its verdicts."""
    schema = received.json["response_format"]["json_schema"]["schema"]
    verdict = {name: list(one["properties"])[1] for name, one in schema["properties"].items()}
    return {name: schema["properties"][name]["properties"][verdict[name]]["enum"] for name in schema["properties"]}


def form(scores: Mapping[str, object]) -> str:
    """An answer in the form asked for."""
    return json.dumps({name: {"reason": f"Row 3 shows it: {name}.", "score": score} for name, score in scores.items()})


def scoring(score: object = 4, **others: object) -> Callable[[Received], Answer | None]:
    """A judge that gives everything the same score, but for some."""
    scores = {name: others.get(name, score) for name in NAMES}
    return lambda received: says(form({name: scores[name] for name in asked_about(received)}), tokens=(1_000, 100))


def opinions(verdicts: Iterable[object]) -> list[Opinion]:
    """Those among verdicts."""
    return [one for one in verdicts if isinstance(one, Opinion)]


def failed(verdicts: Iterable[object]) -> list[Failure]:
    """The others."""
    return [one for one in verdicts if isinstance(one, Failure)]
