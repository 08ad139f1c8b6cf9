"""Performs scenes: speaks their lines, places them in time and mixes them, several scenes at once.

Owns the threads and the order of events. The voices, rhythm, staging and mixing are given; files are those of the
production. Scenes are independent of each other, so each is spoken and mixed by one thread from start to end, to its
own mix file; events come out in the order of the programme all the same, and the first sound as soon as the first
line is spoken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from speechagents.audio import Audio
from speechagents.drama import Line, Scene, SoundCue
from speechagents.errors import StorageError
from speechagents.events import LineFailed, LineSpoken, SceneReady, SoundReady, Warned
from speechagents.production.energy import Energy, EnergyMeter
from speechagents.production.loudness import LoudnessMeter, Measured
from speechagents.production.mixfile import MixFile
from speechagents.production.mixing import mix_scene
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.rhythm import SceneClock, in_order_of_start
from speechagents.production.rooms import room_for
from speechagents.production.sounds import SoundLibrary, closed, place_cue
from speechagents.production.speaking import Request, render
from speechagents.production.staging import line_pan, positions
from speechagents.production.takes import TakeStore, take_address
from speechagents.production.timeline import PlacedLine, PlacedScene, PlacedSound
from speechagents.voices.casting import Cast
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Word

StageEvent = LineSpoken | LineFailed | SoundReady | SceneReady | Warned


@dataclass(frozen=True, slots=True)
class Stage:
    """What scenes are performed with.

    Attributes:
        synthesizer: The voices.
        cast: Who speaks with which.
        takes: Where takes are kept.
        work: Folder for mixes.
        sounds: The user's effects and ambiences.
        seed: Of gaps and positions.
        language: BCP 47 tag of the script.
        jobs: Scenes performed at once.
        meter: Makes the meter that hears a scene: the loudness, or the energy alone where nobody masters it.
        recorded: Addresses of recordings by the number of their line: a person's own voice, or a line as far as it was
            heard. They are used as they are; no voice speaks in their place.
        proofs: Says which attempt of a line proofing has kept; None where nothing was proofed.
    """

    synthesizer: Synthesizer
    cast: Cast
    takes: TakeStore
    work: Path
    sounds: SoundLibrary
    seed: int
    language: str
    jobs: int
    meter: Callable[[], LoudnessMeter | EnergyMeter] = LoudnessMeter
    recorded: Mapping[int, str] = field(default_factory=dict)
    proofs: ProofRecord | None = None

    def spoken_line(self, line: Line) -> SpokenLine:
        """The line as its role's voice is asked to speak it."""
        voice = self.cast[line.role].voice
        spoken = SpokenLine(line.text, voice, line.style, line.language or self.language, units=line.units)
        if self.proofs is None:
            return spoken
        return replace(spoken, attempt=self.proofs.attempt(take_address(self.synthesizer.identity, spoken)))

    def sound_of(self, thing: PlacedLine | PlacedSound) -> Audio:
        """The take of a placed line, or the file of a placed sound.

        Raises:
            StorageError: The take has vanished since it was placed.
        """
        if isinstance(thing, PlacedSound):
            return self.sounds.read(thing.file)
        take = self.takes.load(thing.take, self.spoken_line(thing.line))
        if take is None:
            raise StorageError(f"{self.takes.path(thing.take)}: is gone or damaged; run the same command again")
        return take.audio


@dataclass(frozen=True, slots=True)
class Performed:
    """A scene that is spoken and mixed.

    Attributes:
        scene: Its lines with times from the start of the programme.
        mix: Its sound.
        measured: What the stage's meter found.
    """

    scene: PlacedScene
    mix: MixFile
    measured: Measured | Energy


def perform_scenes(scenes: Sequence[Scene], stage: Stage, performed: list[Performed]) -> Iterator[StageEvent]:
    """Perform all scenes and tell of it in the order of the programme.

    Args:
        scenes: What to perform.
        stage: With what.
        performed: Gets one entry for each scene, in order.

    Raises:
        SpeechAgentsError: What went wrong in a scene, when its turn comes; the scenes still at work are stopped.
    """
    stop = threading.Event()
    runs = [_SceneRun(index, scenes, stage, stop) for index in range(len(scenes))]
    with ThreadPoolExecutor(stage.jobs, thread_name_prefix="scene") as pool:
        futures: list[Future[None]] = [pool.submit(run.perform) for run in runs]
        try:
            start_s = 0.0
            for run, future in zip(runs, futures, strict=True):
                yield from run.events(start_s)
                future.result()
                done = run.result(start_s)
                performed.append(done)
                yield SceneReady(run.index, done.scene)
                start_s = done.scene.end_s
        finally:
            stop.set()
            for future in futures:
                future.cancel()


class _SceneRun:
    """One scene: filled by its own thread, drained by the caller of `perform_scenes`.

    The queue carries values alone, sound waits on disk; so a scene that is ready long before its turn costs little.
    """

    def __init__(self, index: int, scenes: Sequence[Scene], stage: Stage, stop: threading.Event) -> None:
        self.index = index
        self._scene = scenes[index]
        self._stage = stage
        self._stop = stop
        self._news: SimpleQueue[LineSpoken | LineFailed | Warned | int | None] = SimpleQueue()
        self._mix = MixFile(stage.work / f"scene-{index:05}.f32")
        self._lines: list[PlacedLine] = []
        self._sounds: list[PlacedSound] = []
        self._measured: Measured | Energy | None = None
        self._room = room_for(self._scene.setting)
        last = index + 1 == len(scenes)
        self._clock = SceneClock(
            self._scene.setting,
            scenes[index - 1].setting if index else None,
            seed=stage.seed,
            last=last,
            ring_s=self._room.ring_out_s if last else self._room.ring_s,
        )

    def perform(self) -> None:
        """Speak, place and mix the scene; runs in a thread of the pool."""
        try:
            meter = self._stage.meter()
            placed = in_order_of_start(self._placed(), self._scene.lines)
            for block in mix_scene(placed, room=self._room, duration_s=self._clock.end):
                if self._stop.is_set():
                    return
                self._mix.append(block)
                meter.feed(block)
                self._news.put(self._mix.frames)
            self._measured = meter.finish()
        finally:
            self._news.put(None)

    def events(self, start_s: float) -> Iterator[StageEvent]:
        """What happens in the scene, as it happens, until it is over.

        Args:
            start_s: Where the scene starts in the programme.
        """
        heard = 0
        while (news := self._news.get()) is not None:
            if isinstance(news, int):
                yield SoundReady(
                    start_s + heard / PROGRAMME_HZ,
                    (news - heard) / PROGRAMME_HZ,
                    partial(self._sound, heard, news - heard),
                )
                heard = news
            elif isinstance(news, LineSpoken):
                yield replace(news, placed=news.placed.shifted(start_s))
            else:
                yield news

    def result(self, start_s: float) -> Performed:
        """The scene once it is over."""
        assert self._measured is not None  # noqa: S101 - `perform` returned without an error
        end_s = self._mix.frames / PROGRAMME_HZ
        scene = PlacedScene(
            title=self._scene.title,
            setting=self._scene.setting,
            start_s=0.0,
            end_s=end_s,
            lines=tuple(sorted(self._lines, key=lambda placed: (placed.start_s, placed.line.number))),
            sounds=closed(self._sounds, end_s),
        )
        return Performed(scene.shifted(start_s), self._mix, self._measured)

    def _sound(self, first: int, count: int) -> Audio:
        return Audio(self._mix.read(first, count), PROGRAMME_HZ)

    def _placed(self) -> Iterator[tuple[PlacedLine | PlacedSound, Audio]]:
        """Lines and sounds with their places, in the order of the script."""
        places = positions(self._scene, self._stage.cast, seed=self._stage.seed)
        stage = self._stage
        requests = [
            Request(line, stage.spoken_line(line), stage.recorded.get(line.number, "")) for line in self._scene.lines
        ]
        spoken = render(requests, stage.synthesizer, stage.takes, lambda doubt: self._news.put(Warned(doubt)))
        for item in self._scene.items:
            if isinstance(item, SoundCue):
                sound = self._stage.sounds.cued(item)
                if sound is not None:
                    self._sounds.append(place_cue(sound, self._clock))
                    yield self._sounds[-1], sound.audio
                continue
            rendering = next(spoken)
            take = rendering.take
            if isinstance(take, FailedTake):
                self._news.put(LineFailed(item, take.reason))
                self._clock.skip(item)
                continue
            start_s = self._clock.place(item, take.duration_s, take.words)
            words = tuple(Word(word.text, start_s + word.start_s, start_s + word.end_s) for word in take.words)
            placed = PlacedLine(item, rendering.address, start_s, take.duration_s, words, line_pan(item, places))
            self._lines.append(placed)
            self._news.put(LineSpoken(placed, self.index, rendering.reused))
            yield placed, take.audio
