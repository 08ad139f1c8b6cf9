"""A simulation: thousands of scenes played as text, many at once, within a budget, and gone on with after a kill.

Owns the order, the threads and the count of scenes. Does not know how a scene is played (`text_scene`), who acts in it
(`simulation`, `endpoints`), or what is written of it (`results`).

A scene waits for its endpoint most of the time, so that one thread each is enough; how many are under way is bounded,
and so is memory, however many there are in all. All scenes are played once before any of them is played again.

::

    python -m speechagents simulate scenes/ --repeat 100 --out runs/picnic --endpoints pool.yaml --budget-tokens 5000000
    python -m speechagents simulate picnic.yaml --repeat 20 --out runs/rehearsal --controller rehearsal
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from speechagents.actors import UNDERSTUDY
from speechagents.assembling import scene_as_played
from speechagents.backends import CONTROLLERS
from speechagents.cluster.budget import BrokenOffError, Budget, Spent
from speechagents.cluster.figures import Account, Ended, RunFigures
from speechagents.cluster.results import Results, RunIdentity, SceneRecord
from speechagents.cluster.scene_shelf import SceneShelf, play_seed
from speechagents.cluster.simulation import MAX_PLAYS, SERVER_CONTROLLER, SimulationSettings, Troupe, bring_together
from speechagents.cluster.store_address import folder_here
from speechagents.cluster.text_scene import PlayedText, play_text
from speechagents.controllers.controller import Controller, Usage
from speechagents.drama import SceneBrief
from speechagents.errors import ClusterError, ProductionError, SettingsError, SpeechAgentsError

_ALL_FAIL: Final = 100
"""After so many scenes have failed, and none was finished, the others are not tried."""


@dataclass(frozen=True, slots=True)
class RunBegun:
    """The scenes are checked, and the first is about to be played.

    Attributes:
        planned: Scenes times repeats.
        before: Of these, finished by earlier commands.
        at_once: Most that are under way.
    """

    planned: int
    before: int
    at_once: int


@dataclass(frozen=True, slots=True)
class ScenePlayed:
    """A scene is finished, and on disk.

    Attributes:
        record: How it went.
        finished: Scenes that are finished by now, those of earlier commands included.
        planned: Scenes times repeats.
    """

    record: SceneRecord
    finished: int
    planned: int


@dataclass(frozen=True, slots=True)
class SceneFailed:
    """A scene could not be played; the others go on, and the same command tries it again."""

    scene: str
    repeat: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunOver:
    """The run is over.

    Attributes:
        planned: Scenes times repeats; as many as `finished`, `failed` and `left` together.
        finished: Finished scenes, those of earlier commands included.
        failed: Scenes that could not be played.
        left: Scenes that the budget left: not begun, or broken off.
        before: Of the finished ones, those of earlier commands.
        ended: Why some are left; empty where none are.
        turns: Of all finished scenes.
        fallbacks: Of these, turns that the controller failed to take.
        tokens_in: Of all finished scenes, as servers count them.
        tokens_out: Likewise.
        requests: Of all finished scenes.
        seconds: Time that this command took.
    """

    planned: int
    finished: int
    failed: int
    left: int
    before: int
    ended: str
    turns: int
    fallbacks: int
    tokens_in: int
    tokens_out: int
    requests: int
    seconds: float


SimulationEvent = RunBegun | ScenePlayed | SceneFailed | RunOver


@dataclass(frozen=True, slots=True)
class _Play:
    """One scene to be played once."""

    scene_id: str
    repeat: int
    scene: SceneBrief


@dataclass(frozen=True, slots=True)
class _Over:
    """What became of a play: a transcript, or why there is none."""

    play: _Play
    spent: Spent
    account: Account
    played: PlayedText | None
    error: Exception | None


def simulate(
    settings: SimulationSettings, folder: Path, *, figures: RunFigures | None = None
) -> Iterator[SimulationEvent]:
    """Play all scenes into a folder; what is finished there already is not played again.

    Closing the iterator ends the run; what is finished is kept.

    Args:
        settings: What is played, and by whom.
        folder: Of the results.
        figures: Kept up to date while the run goes on, for whoever looks at it meanwhile.

    Yields:
        `RunBegun` first, `ScenePlayed` and `SceneFailed` as scenes end, `RunOver` last.

    Raises:
        InputError: An option or a scene is at fault, or the folder holds another run.
        ClusterError: No endpoint answers any longer, or all scenes fail.
        ProductionError: The folder cannot be used.
    """
    folder = folder_here(folder, instead="name a folder here for the results, and copy it there when all is done")
    figures = figures or RunFigures(endpoint.name for endpoint in settings.endpoints)
    budget = Budget(settings.caps)
    troupe = bring_together(settings, budget, figures)
    try:
        shelf = SceneShelf(settings.scenes, partial(_as_played, settings, troupe))
        planned = len(shelf) * settings.repeat
        if planned > MAX_PLAYS:
            raise SettingsError(f"{planned} plays are more than {MAX_PLAYS}; divide the scenes among several runs")
        with Results(folder, _identity(settings, shelf)) as results:
            yield from _Run(settings, shelf, troupe, budget, results, figures).play()
    finally:
        troupe.close()


class _Run:
    """The scenes of a run, played as far as its budget goes."""

    def __init__(
        self,
        settings: SimulationSettings,
        shelf: SceneShelf,
        troupe: Troupe,
        budget: Budget,
        results: Results,
        figures: RunFigures,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._troupe = troupe
        self._budget = budget
        self._results = results
        self._figures = figures
        self._understudy: Controller = CONTROLLERS.load(UNDERSTUDY, {})
        self._began_s = time.monotonic()
        self._planned = len(shelf) * settings.repeat
        self._done = bytearray(self._planned)  # a byte for each play, repeat by repeat
        self._sums = dict.fromkeys(("turns", "fallbacks", "tokens_in", "tokens_out", "requests"), 0)
        self._before = self._finished = self._failed = self._left = self._under_way = 0
        self._ended = ""
        self._error: Exception | None = None
        self._over: SimpleQueue[Future[_Over]] = SimpleQueue()

    def play(self) -> Iterator[SimulationEvent]:
        """Play what is not finished yet."""
        self._recall()
        at_once = self._settings.scenes_at_once
        yield RunBegun(self._planned, self._before, at_once)
        waiting = (at for at in range(self._planned) if not self._done[at])
        with ThreadPoolExecutor(at_once, thread_name_prefix="scene") as threads:
            try:
                while self._begin(waiting, threads, at_once):
                    yield from self._next()
            finally:
                self._budget.stop("the run ends")
                self._troupe.close()
        if self._error is not None:
            raise self._error
        self._left += sum(1 for _ in waiting)
        yield RunOver(
            planned=self._planned,
            finished=self._finished,
            failed=self._failed,
            left=self._left,
            before=self._before,
            ended=self._ended if self._left else "",
            seconds=time.monotonic() - self._began_s,
            **self._sums,
        )

    def _recall(self) -> None:
        """Take note of what earlier commands finished."""
        numbers = {scene_id: number for number, scene_id in enumerate(self._shelf.ids())}
        for record in self._results.records():
            number = numbers.get(record.scene, -1)
            known = number >= 0 and record.repeat < self._settings.repeat
            if not known or record.seed != play_seed(self._settings.seed, record.scene, record.repeat):
                raise ProductionError(
                    f"{self._results.path}: holds scene {record.scene!r} of another run; name a new folder for --out"
                )
            at = record.repeat * len(self._shelf) + number
            if not self._done[at]:
                self._done[at] = 1
                self._budget.found(record.spent)
                self._add(record)
        self._before = self._finished

    def _begin(self, waiting: Iterator[int], threads: ThreadPoolExecutor, at_once: int) -> bool:
        """Begin as many plays as there is room and budget for; whether any is under way."""
        while self._under_way < at_once and self._error is None:
            why = self._budget.why_full(self._under_way)
            if why:
                if not self._under_way:
                    self._ended = self._ended or why
                break
            at = next(waiting, None)
            if at is None:
                break
            try:
                play = self._play(at)
            except SpeechAgentsError as error:  # its file has changed: what is under way is still finished
                self._error = error
                break
            future = threads.submit(_played, play, self._troupe, self._understudy, self._budget)
            future.add_done_callback(self._over.put)
            self._under_way += 1
            self._figures.under_way = self._under_way
        return self._under_way > 0

    def _play(self, at: int) -> _Play:
        repeat, number = divmod(at, len(self._shelf))
        scene_id = self._shelf.id(number)
        seed = play_seed(self._settings.seed, scene_id, repeat)
        return _Play(scene_id, repeat, self._shelf.scene(number, seed=seed))

    def _next(self) -> Iterator[SimulationEvent]:
        """Wait for a scene to be over, and write it down."""
        try:
            over = self._over.get(timeout=None if self._budget.over else self._budget.left_s).result()
        except Empty:
            if self._budget.over:  # the time is up: nobody waits for the answers that are under way
                self._ended = self._budget.over
                self._troupe.close()
            return
        play, figures = over.play, self._figures
        self._under_way -= 1
        figures.under_way = self._under_way
        reason = _why_failed(over)
        if over.played is not None and not reason:
            written = self._write(over, over.played)
            figures.scenes[Ended.FINISHED] += 1
            yield written
        elif isinstance(over.error, BrokenOffError):
            figures.scenes[Ended.BROKEN_OFF] += 1
            self._left += 1
            self._ended = self._ended or str(over.error)
        elif isinstance(over.error, ClusterError):
            # All others would come to the same, and are not waited for.
            self._stop(over.error)
        else:
            figures.scenes[Ended.FAILED] += 1
            self._failed += 1
            self._budget.scene_over(over.spent, finished=False)
            yield SceneFailed(play.scene_id, play.repeat, reason)
            if self._failed >= _ALL_FAIL and not figures.scenes[Ended.FINISHED]:
                self._stop(ClusterError(f"all of {self._failed} scenes failed, the last one because {reason}"))

    def _stop(self, error: ClusterError) -> None:
        if self._error is None:
            kept = f"{self._finished} of {self._planned} scenes are finished and kept; the same command goes on"
            self._error = ClusterError(f"{error}; {kept}")
            self._budget.stop(str(error))
            self._troupe.close()

    def _write(self, over: _Over, played: PlayedText) -> ScenePlayed:
        play = over.play
        record = SceneRecord(
            scene=play.scene_id,
            repeat=play.repeat,
            seed=play.scene.seed,
            ending=played.ending,
            turns=played.turns,
            fallbacks=played.fallbacks,
            tokens_in=over.account.usage.tokens_in,
            tokens_out=over.account.usage.tokens_out,
            tokens=over.account.tokens,
            requests=dict(sorted(over.account.requests.items())),
            seconds=round(over.spent.seconds, 3),
        )
        self._results.append(record, played.messages)
        self._budget.scene_over(over.spent, finished=True)
        self._add(record)
        return ScenePlayed(record, self._finished, self._planned)

    def _add(self, record: SceneRecord) -> None:
        self._finished += 1
        for name in ("turns", "fallbacks", "tokens_in", "tokens_out"):
            self._sums[name] += getattr(record, name)
        self._sums["requests"] += record.spent.requests


def _played(play: _Play, troupe: Troupe, understudy: Controller, budget: Budget) -> _Over:
    """Play a scene; runs in a thread of its own."""
    began_s = time.monotonic()
    account = Account()
    controller = troupe.controller(account)

    def after_turn(usage: Usage) -> None:
        if not account.requests:  # nobody else has counted it
            tokens = usage.tokens_in + usage.tokens_out
            account.usage += usage
            account.tokens += tokens
            budget.take_tokens(tokens)

    played: PlayedText | None = None
    error: Exception | None = None
    try:
        played = play_text(play.scene, controller, understudy, before_turn=budget.check, after_turn=after_turn)
    except (SpeechAgentsError, BrokenOffError) as trouble:
        error = trouble
    spent = account.spent(time.monotonic() - began_s)
    return _Over(play, spent, account, played, error)


def _why_failed(over: _Over) -> str:
    """Why a scene is no result; empty if it is one. One in which the controller took no turn at all is none."""
    if over.played is None:
        return str(over.error)
    if over.played.turns and over.played.fallbacks == over.played.turns:
        return f"none of its {over.played.turns} turns could be taken ({over.played.fault})"
    return ""


def _as_played(settings: SimulationSettings, troupe: Troupe, scene: SceneBrief) -> SceneBrief:
    played = scene_as_played(scene, settings.as_improvised)
    troupe.check(played)
    return played


def _identity(settings: SimulationSettings, shelf: SceneShelf) -> RunIdentity:
    models = sorted({endpoint.model for endpoint in settings.endpoints} - {""})
    return RunIdentity(
        scenes=len(shelf),
        digest=shelf.digest,
        repeat=settings.repeat,
        seed=settings.seed,
        roles=settings.roles,
        turns=settings.turns,
        policy=settings.policy,
        controller=SERVER_CONTROLLER if settings.endpoints else settings.controller,
        model=", ".join(models) if settings.endpoints else settings.model,
    )
