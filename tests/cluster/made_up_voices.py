"""Voices that workers of tests load: the embedded ones, with something the matter.

They live in a module of their own, since worker processes import it.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechagents.audio import Audio
from speechagents.cluster.chapter_task import ChapterTask
from speechagents.cluster.voices import LineTask, SentTake, VoiceService, VoiceTask
from speechagents.voices.abilities import Abilities
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take, Voice
from tests.cluster.made_up_services import note, note_once

POISON = "arsenic"
"""Whoever speaks this word dies of it."""

WAITS = "patience"
"""A line with this word is spoken when there is a note that says `GO`."""
GO = "go"


FULL = "full"
"""While there is a note that says so, no file of a worker can grow."""

HOARSE = "hoarse"
"""When there is a note that says so, nobody speaks this word any more."""


class NotedVoices:
    """The embedded voices. Which lines a process has spoken is noted; some words do something to it.

    Args:
        notes: Folder for notes.
        once: The poison kills only the first who takes it.
    """

    def __init__(self, notes: Path, *, once: bool = False) -> None:
        self._notes = notes
        self._once = once
        self._voices = EspeakSynthesizer(jobs=1)
        note(notes, "loaded")

    @property
    def identity(self) -> str:
        return self._voices.identity

    @property
    def voices(self) -> Sequence[Voice]:
        return self._voices.voices

    @property
    def abilities(self) -> Abilities:
        return self._voices.abilities

    @property
    def rule(self) -> str:
        return self._voices.rule

    def check_language(self, tag: str) -> None:
        self._voices.check_language(tag)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for line in lines:
            if POISON in line.text and (not self._once or note_once(self._notes, "poisoned")):
                os.kill(os.getpid(), signal.SIGKILL)
            while WAITS in line.text and not (self._notes / GO).exists():
                time.sleep(0.02)
            if HOARSE in line.text and (self._notes / HOARSE).exists():
                yield FailedTake(line, "the voice is gone")
                continue
            (take,) = self._voices.speak([line])
            note(self._notes, "spoken")
            yield take

    def close(self) -> None:
        self._voices.close()


class OtherVersion(NotedVoices):
    """The same, of another version."""

    @property
    def identity(self) -> str:
        return f"{super().identity} of tomorrow"


class LoudVoices(NotedVoices):
    """Voices that clip."""

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for take in super().speak(lines):
            yield replace(take, audio=take.audio.scaled(20.0)) if isinstance(take, Take) else take


class FarService(VoiceService):
    """A worker on a machine of its own: it does not see the folder of a production."""

    def do(self, tasks: Sequence[LineTask | VoiceTask]) -> Iterator[Any]:
        return super().do([_elsewhere(task) for task in tasks])


def _elsewhere(task: LineTask | VoiceTask) -> LineTask | VoiceTask:
    if isinstance(task, ChapterTask) and task.folder is not None:
        return replace(task, folder=replace(task.folder, secret="another disk"))
    return task


class CrampedService:
    """A worker whose disk is full: files that it writes for a chapter cannot grow beyond a limit.

    Args:
        service: Does the work.
        notes: Folder for notes.
        once: The first chapter that travels meets with it, and no other one; otherwise each chapter does, while there
            is a note that says `FULL`.
    """

    def __init__(self, service: VoiceService, notes: Path, *, once: bool) -> None:
        self._service = service
        self._notes = notes
        self._once = once

    def do(self, tasks: Sequence[LineTask | VoiceTask]) -> Iterator[Any]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        if any(isinstance(task, ChapterTask) and self._is_full(task) for task in tasks):
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
        try:
            yield from list(self._service.do(tasks))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def _is_full(self, task: ChapterTask) -> bool:
        if self._once:
            return task.folder is None and note_once(self._notes, "cramped")
        return (self._notes / FULL).exists()

    def close(self) -> None:
        self._service.close()


class DamagingService(VoiceService):
    """A worker whose answers are cut short."""

    def do(self, tasks: Sequence[LineTask | VoiceTask]) -> Iterator[Any]:
        for result in super().do(tasks):
            yield replace(result, data=result.data[:100]) if isinstance(result, SentTake) else result


class MisencodingService(VoiceService):
    """A worker whose files are cut short before it sends them."""

    def do(self, tasks: Sequence[LineTask | VoiceTask]) -> Iterator[Any]:
        for result in super().do(tasks):
            if isinstance(result, SentTake):
                data = result.data[: len(result.data) // 2]
                result = SentTake(data, hashlib.sha256(data).digest(), ())
            yield result


class Everything(NotedVoices):
    """Voices that offer everything there is."""

    takes_vary = True
    streams = True

    @property
    def abilities(self) -> Abilities:
        return replace(super().abilities, clones=True)

    def stream(self, line: SpokenLine) -> Iterator[Audio]:
        raise AssertionError("voices of workers are neither streamed nor cloned")

    def clone(self, sample: Audio, name: str) -> Voice:
        raise AssertionError("voices of workers are neither streamed nor cloned")


class Bare:
    """Voices that offer nothing besides speaking."""

    def __init__(self, voices: Synthesizer) -> None:
        self.identity = voices.identity
        self.voices = voices.voices


def near(notes: Path) -> VoiceService:
    return VoiceService(NotedVoices(notes))


def near_once(notes: Path) -> VoiceService:
    return VoiceService(NotedVoices(notes, once=True))


def far(notes: Path) -> VoiceService:
    return FarService(NotedVoices(notes))


def loud(notes: Path) -> VoiceService:
    return VoiceService(LoudVoices(notes))


def misencoding(notes: Path) -> VoiceService:
    return MisencodingService(NotedVoices(notes))


def of_tomorrow(notes: Path) -> VoiceService:
    return VoiceService(OtherVersion(notes))


def damaging(notes: Path) -> VoiceService:
    return DamagingService(NotedVoices(notes))


def cramped_once(notes: Path) -> CrampedService:
    return CrampedService(far(notes), notes, once=True)


def cramped_far(notes: Path) -> CrampedService:
    return CrampedService(far(notes), notes, once=False)


def cramped_near(notes: Path) -> CrampedService:
    return CrampedService(near(notes), notes, once=False)
