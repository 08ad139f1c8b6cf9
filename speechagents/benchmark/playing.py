"""One cell, played into its folder: improvised by agents, or spoken from a script.

Owns how a scene becomes a cell's folder. Does not know which cells there are, nor what is measured of them. A cell that
was cut short goes on where it was; what is finished is not played again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from speechagents.actors import Actors
from speechagents.agents.improvisation import Improvisation
from speechagents.agents.interplay import is_broken_off
from speechagents.agents.policies import make_policy
from speechagents.agents.record import recorded
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Ending, Step
from speechagents.agents.transcript import line_of
from speechagents.assembling import SceneKind, assemble, refuse_another_scene, settings_json, write_down
from speechagents.benchmark.baselines import Baseline
from speechagents.benchmark.cells import Cell
from speechagents.benchmark.facts import Fact
from speechagents.benchmark.played import CELL_FILE, CellRecord, read_cell_record
from speechagents.benchmark.script_file import SceneScript
from speechagents.controllers.controller import Usage
from speechagents.drama import Deed, Message, SceneBrief, Style
from speechagents.events import SceneOver
from speechagents.performance import Troupe
from speechagents.production.folder import Production
from speechagents.production.scene_stage import Stage
from speechagents.production.speaking import keep, speak
from speechagents.production.storage import write_atomically
from speechagents.production.takes import TakeFile, take_address
from speechagents.settings import ImproviseSettings
from speechagents.stream import MessageStream
from speechagents.voices.casting import Cast
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take

OUT_OF_TOKENS: Final = "the tokens of the run are spent"


def improvise_cell(
    troupe: Troupe,
    actors: Actors,
    scene: SceneBrief,
    cell: Cell,
    folder: Path,
    *,
    policy: str,
    hearing: str,
    tokens: int | None = None,
) -> CellRecord:
    """Let agents play a cell.

    Args:
        troupe: The voices.
        actors: Who acts.
        scene: The scene with its whole pool.
        cell: What of it is played.
        folder: Of the cell.
        policy: Turn policy.
        hearing: What agents hear, text or audio.
        tokens: Most tokens that may still be spent; None for no limit. The turn that goes beyond it is the last.

    Raises:
        ControllerError: The controller cannot be used.
        ProductionError: The folder holds something else.
    """
    if (done := read_cell_record(folder)) is not None:
        return done
    began = time.monotonic()
    scene = replace(scene.with_first_roles(cell.roles), turns=cell.turns, seed=cell.seed, policy=policy)
    production = Production(folder)
    refuse_another_scene(production, scene, SceneKind.IMPROVISED)
    settings = ImproviseSettings(formats=(), seed=cell.seed, policy=policy, hearing=hearing)
    assembled = assemble(troupe, actors, scene, settings, production, policy=make_policy(policy))
    ending, usage, read = "", Usage(), 0
    with production:
        write_down(production, scene, assembled.cast, settings, _about(settings, actors.controller.identity))
        playing = Improvisation(scene, assembled.company, assembled.stage, folder).play()
        for event in playing:
            for one in recorded(folder, after=read):
                read = one.end
                usage += one.entry.usage if isinstance(one.entry, Step) else Usage()
            if isinstance(event, SceneOver):
                ending = event.reason
            elif tokens is not None and usage.tokens_in + usage.tokens_out > tokens:
                ending = OUT_OF_TOKENS
                break
    steps = [one.entry for one in recorded(folder) if not isinstance(one.entry, Ending)]
    record = CellRecord(
        cell.scene_id,
        cell.roles,
        cell.repeat,
        cell.seed,
        ending,
        round(time.monotonic() - began, 3),
        turns=len(steps),
        fallbacks=sum(bool(step.turn.fallback) for step in steps),
        tokens_in=sum(step.usage.tokens_in for step in steps),
        tokens_out=sum(step.usage.tokens_out for step in steps),
    )
    return _finished(folder, record)


def speak_script(
    troupe: Troupe,
    actors: Actors,
    scene: SceneBrief,
    facts: tuple[Fact, ...],
    script: SceneScript,
    baseline: Baseline,
    cell: Cell,
    folder: Path,
) -> CellRecord:
    """Speak a script as if agents had said it.

    Args:
        troupe: The voices.
        actors: Not asked for anything; a company needs some.
        scene: The scene with its whole pool.
        facts: Of the scene.
        script: Of the cell's scene and number of roles.
        baseline: What is done to it.
        cell: What is played.
        folder: Of the cell.

    Raises:
        ProductionError: The folder holds something else.
    """
    if (done := read_cell_record(folder)) is not None:
        return done
    began = time.monotonic()
    scene = replace(scene.with_first_roles(cell.roles), turns=len(script.lines), seed=cell.seed, policy="scripted")
    production = Production(folder)
    refuse_another_scene(production, scene, SceneKind.IMPROVISED)
    settings = ImproviseSettings(formats=(), seed=cell.seed)
    assembled = assemble(troupe, actors, scene, settings, production, policy=make_policy("scripted"))
    stage = assembled.stage
    if baseline.one_voice:
        stage = replace(stage, cast=_one_voice(stage.cast))
    chance = np.random.default_rng(cell.seed)
    lines = baseline.spoil(script, facts, chance).lines
    messages = [
        Message(
            number,
            line.role,
            line.text,
            Deed.SPEAK,
            Style(line.style),
            (),
            (),
            0.0,
            0.0,
            "",
            cut=is_broken_off(line.text),
        )
        for number, line in enumerate(lines, 1)
    ]
    with production:
        write_down(production, scene, stage.cast, settings, _about(settings, f"script {baseline.name}"))
        state = SceneState(scene)
        with MessageStream(production.stream_path) as stream:
            stream.cut(0)
            for message, take in zip(messages, _takes(stage, messages, baseline), strict=True):
                (timed,) = state.timed([message], [take], eager=False)
                stream.append(timed if take is not None else replace(timed, fallback="could not be spoken"))
    record = CellRecord(
        cell.scene_id,
        cell.roles,
        cell.repeat,
        cell.seed,
        "the script is over",
        round(time.monotonic() - began, 3),
        turns=len(messages),
    )
    return _finished(folder, record)


def _takes(
    stage: Stage, messages: Sequence[Message], baseline: Baseline
) -> Sequence[tuple[str, Take | TakeFile] | None]:
    """Address and take of each message, from disk or spoken now in one batch; None for what cannot be spoken."""
    lines: list[SpokenLine] = []
    for at, message in enumerate(messages):
        line = stage.spoken_line(line_of(message, language=stage.language))
        lines.append(replace(line, style=Style()) if at >= baseline.plain_from * len(messages) else line)
    addresses = [take_address(stage.synthesizer.identity, line) for line in lines]
    found: list[Take | TakeFile | None] = [
        stage.takes.load(address, line) for address, line in zip(addresses, lines, strict=True)
    ]
    missing = [at for at, take in enumerate(found) if take is None]
    for at, fresh in zip(missing, speak(stage.synthesizer, [lines[at] for at in missing]), strict=True):
        take = keep(stage.takes, addresses[at], fresh)
        if not isinstance(take, FailedTake):
            found[at] = take
    return [None if take is None else (address, take) for address, take in zip(addresses, found, strict=True)]


def _one_voice(cast: Cast) -> Cast:
    """Everybody with the voice of whoever has the first role."""
    voice = next(one.voice for one in cast if one is not cast.narrator)
    return Cast(tuple(replace(one, voice=voice) for one in cast), cast.warnings)


def _about(settings: ImproviseSettings, who: str) -> Mapping[str, Any]:
    """What a production says of itself, so that it can be exported like any other."""
    return {"kind": SceneKind.IMPROVISED, "controller": who, "improvise": settings_json(settings)}


def _finished(folder: Path, record: CellRecord) -> CellRecord:
    write_atomically(folder / CELL_FILE, (json.dumps(asdict(record), ensure_ascii=False) + "\n").encode())
    return record
