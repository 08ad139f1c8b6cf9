"""One book, cast, read aloud into one folder: every chapter pressed, all of them bound, and remembered.

Owns the order of that work, how far ahead of its turn a chapter may be made, and what ``production.json`` remembers of
it. Does not know how a book is read or its lines found (`reading_aloud`), nor how a chapter becomes sound
(`production.chapter_press`). Of a finished chapter only a few figures stay in memory: its lines, times and sound are on
disk, so a long book needs no more memory than a short one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from speechagents.drama import NARRATOR, Line, role_key
from speechagents.errors import SoundError
from speechagents.events import (
    Event,
    Exported,
    Finished,
    LineFailed,
    SceneReady,
    Started,
    Warned,
)
from speechagents.performance import Troupe
from speechagents.production.binding import (
    READ_ALONG,
    SAMPLE,
    SHOP_FORMATS,
    WHOLE,
    Binding,
    BoundChapter,
    BoundScenes,
    check_book_formats,
    sound_formats,
)
from speechagents.production.chapter_press import Press, Pressed, press_chapter
from speechagents.production.chapter_store import ChapterStore
from speechagents.production.cover import make_cover, plain_cover, read_cover
from speechagents.production.folder import Production
from speechagents.production.gate import GateReport
from speechagents.production.lanes import Done, Job, Progress, run
from speechagents.production.masters import master_named
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.proofing.finding import joined
from speechagents.production.proofing.proofer import Proofer
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.storage import storage_errors
from speechagents.production.tags import Tags
from speechagents.production.takes import take_address
from speechagents.production.timeline import Timeline
from speechagents.pronunciation.saying import Pronunciation
from speechagents.pronunciation.timing import written_words
from speechagents.proofreading import ProofPlay, report_of
from speechagents.reading_matter import Reading
from speechagents.reading_outcome import Outcome, TimeLeft
from speechagents.settings import ReadSettings
from speechagents.shop import Shop, kept_formats
from speechagents.voices.casting import Cast
from speechagents.voices.missing_styles import missing_styles
from speechagents.voices.synthesizer import SpokenLine, Word

KIND: Final = "book"
"""What ``production.json`` calls a production that is a book."""

_MOST_TOLD: Final = 100
"""Faulty lines that are told one by one; the report has them all."""

_CHARS_PER_S: Final = 13.0
_REEL_BYTES_PER_S: Final = 4 * PROGRAMME_HZ
_TAKE_BYTES_PER_S: Final = 25_000
_BYTES_PER_S: Final = {"wav": 176_400, "wav24": 264_600, "flac": 90_000, "mp3": 2 * 24_000, "m4b": 2 * 13_500}
_OTHER_BYTES_PER_S: Final = 13_500
"""Room on disk by second of sound; what has tags of the book in it lies there twice, as kept and as given out."""


@dataclass(frozen=True, slots=True)
class Recital:
    """One book, decided.

    Attributes:
        troupe: With what.
        reading: What.
        cast: By whom.
        settings: Options of this run.
        remembered: Options that a later resume goes by.
        production: Where; open while the recital is given.
        pronunciation: How words, numbers and names are said.
        about: Further values for ``production.json``.
    """

    troupe: Troupe
    reading: Reading
    cast: Cast
    settings: ReadSettings
    remembered: ReadSettings
    production: Production
    pronunciation: Pronunciation = field(default_factory=Pronunciation)
    about: Mapping[str, Any] = field(default_factory=dict)

    def produce(self) -> Iterator[Event]:
        """Speak, encode and bind, and remember it; `Finished` comes last."""
        began = time.monotonic()
        reading, settings, production = self.reading, self.settings, self.production
        formats = check_book_formats(settings.formats)
        production.demand_space(self._bytes_needed())
        production.write_record(self._record(None))
        yield self.started()
        styles = (line.style for scene in reading.scenes for line in scene.lines)
        doubts = (*reading.warnings, *self.cast.warnings, *missing_styles(self.troupe.synthesizer, styles))
        yield from map(Warned, doubts)
        store = ChapterStore(production.folder / "chapters")
        proofs = ProofRecord(production.folder)
        proofer = self.proof_play(proofs).proofer(proofs) if settings.proof else None
        press = self._press(store, proofs, proofer)
        binding = Binding(store, production.exports, self._tags(), self._cover(), len(reading.chapters))
        with storage_errors(production.exports):
            production.exports.mkdir(parents=True, exist_ok=True)
        outcome = Outcome()
        yield from self._chapters(press, binding, formats, outcome, began)
        for event in self._whole(press, binding, formats, outcome):
            outcome.note(event)
            yield event
        if proofer is not None:
            yield from self._proof_report(proofs, proofer, BoundScenes(store, reading.scenes, outcome.bound), outcome)
        finished = Finished(
            folder=production.folder,
            files=outcome.files(formats),
            lines=sum(chapter.lines for chapter in reading.chapters),
            roles=self._roles,
            duration_s=outcome.bound[-1].end_s if outcome.bound else 0.0,
            seconds=time.monotonic() - began,
            spoken=outcome.spoken,
            failed=tuple(outcome.failed),
            gates=outcome.gates,
            faulty=outcome.faulty,
        )
        production.write_record(self._record(finished))
        yield finished

    def started(self) -> Started:
        """What is told first."""
        return Started(
            title=self.reading.title,
            scenes=len(self.reading.chapters),
            lines=sum(chapter.lines for chapter in self.reading.chapters),
            roles=self._roles,
            cast=self.cast,
            preset=self.troupe.why,
            language=self.reading.language,
        )

    def _chapters(
        self, press: Press, binding: Binding, formats: Sequence[str], outcome: Outcome, began: float
    ) -> Iterator[Event]:
        """Press all chapters side by side, and tell of each when its turn has come."""
        progress = TimeLeft([chapter.chars for chapter in self.reading.chapters], began)
        ahead: dict[int, Pressed] = {}
        with (
            storage_errors(self.production.stream_path),
            self.production.stream_path.open("wb") as stream,
            closing(self._pressed(press)) as events,
        ):
            for event in events:
                if isinstance(event, Progress):
                    progress.share(int(event.job), event.done_s / event.total_s)
                    yield progress.told()
                    continue
                ahead[int(event.job)] = event.result
                progress.finished(int(event.job), fresh=event.result.fresh)
                while (index := len(outcome.bound)) in ahead:
                    pressed = ahead.pop(index)
                    for told in self._turn(index, pressed, binding, formats, outcome):
                        if isinstance(told, SceneReady):
                            stream.write(outcome.messages(told.scene))
                            stream.flush()
                        yield told
                yield progress.told()

    def _pressed(self, press: Press) -> Generator[Progress | Done[Pressed], None, None]:
        """Chapters as they are finished, named by their index: pressed by threads of this process, or by workers."""
        scenes, threads = self.reading.scenes, self.troupe.jobs + 1
        if self.troupe.workforce is not None:
            from speechagents.cluster.pressing import press_by_workers

            yield from press_by_workers(
                press,
                scenes,
                folder=self.production.folder,
                said=lambda line: self.pronunciation.said(line.text, line.language),
                workforce=self.troupe.workforce,
                threads=threads,
            )
            return

        def jobs() -> Iterator[tuple[str, Job[Pressed]]]:
            for index in range(len(scenes)):
                yield str(index), press_chapter(press, scenes[index], name=f"chapter-{index:05}")

        yield from run(jobs(), threads=threads, at_once=threads)

    def _turn(
        self, index: int, pressed: Pressed, binding: Binding, formats: Sequence[str], outcome: Outcome
    ) -> Iterator[Event]:
        """A finished chapter takes its place."""
        chapter = BoundChapter(
            index,
            self.reading.chapters[index].title,
            pressed.key,
            outcome.bound[-1].end_s if outcome.bound else 0.0,
            pressed.frames,
        )
        outcome.bound.append(chapter)
        outcome.spoken += pressed.spoken
        yield from map(Warned, pressed.doubts)
        scene = self.reading.scenes[index]
        scenes = BoundScenes(binding.store, self.reading.scenes, outcome.bound)
        plan = scenes.plan(chapter)
        for line, place in zip(scene.lines, plan.places, strict=True):
            if place.failed:
                failed = LineFailed(line, place.failed)
                outcome.failed.append(failed)
                yield failed
        yield SceneReady(index, plan.placed(scene, start_s=chapter.start_s))
        for name, form in sound_formats(formats).items():
            if name == WHOLE:
                if report := binding.store.report(pressed.key, form.suffix):
                    outcome.gates[f"{name} {index + 1}"] = report.as_json()
                continue
            exported = binding.chapter_file(name, chapter, form.suffix)
            outcome.note(exported)
            yield exported

    def _whole(self, press: Press, binding: Binding, formats: Sequence[str], outcome: Outcome) -> Iterator[Event]:
        """The files of the whole book."""
        sounds = sound_formats(formats)
        if WHOLE in sounds:
            yield from binding.whole_file(outcome.bound)
        scenes = BoundScenes(binding.store, self.reading.scenes, outcome.bound)
        timeline = Timeline(self.reading.title, scenes, (), self.reading.language)
        media = f"programme.{WHOLE}" if WHOLE in sounds else ""
        for name in formats:
            if name not in sounds and name not in SHOP_FORMATS:
                yield binding.text_file(name, timeline, media)
        kept = {chapter.key for chapter in outcome.bound}
        if self.reading.narration is not None:
            shop = Shop(self.reading.narration, binding, press, outcome.bound, scenes, self.troupe.jobs)
            yield from self._shop(shop, formats)
            kept.add(shop.sample_key)
        if not self.settings.chapters:
            binding.store.keep_only(kept)

    def _shop(self, shop: Shop, formats: Sequence[str]) -> Iterator[Event]:
        """What the book is sold with."""
        report: GateReport | None = None
        if SAMPLE in formats:
            for event in shop.sample():
                report = event.report if isinstance(event, Exported) else report
                yield event
        if READ_ALONG in formats:
            yield from shop.read_along()
        if master_named(self.settings.master) is not None:
            summary = shop.gates(tuple(sound_formats(formats)), report)
            if not summary.all_passed:
                yield Warned(f"{self.settings.master}: {summary}")

    def _proof_report(
        self, proofs: ProofRecord, proofer: Proofer, scenes: BoundScenes, outcome: Outcome
    ) -> Iterator[Event]:
        """Write down what proofing found, and tell what is left."""
        for proofed in report_of(self.proof_play(proofs), proofer, scenes):
            if not proofed.good:
                outcome.faulty += 1
                if outcome.faulty <= _MOST_TOLD:
                    yield Warned(f"line {proofed.line.number} ({proofed.line.role}): {joined(proofed.finding.faults)}")
        if outcome.faulty:
            yield Warned(f"{outcome.faulty} lines have faults that speaking them again did not mend: see proof.json")

    def proof_play(self, proofs: ProofRecord) -> ProofPlay:
        """The book as proofing takes it.

        Args:
            proofs: What was found in its takes before.
        """
        return ProofPlay(
            folder=self.production.folder,
            takes=self.production.takes,
            scenes=self.reading.scenes,
            spoken_line=partial(self._spoken_line, proofs),
            synthesizer=self.troupe.synthesizer,
            load_listener=self.troupe.load_listener,
            language=self.reading.language,
            names=[casting.role for casting in self.cast if casting.lines],
        )

    def placed(self, proofs: ProofRecord) -> BoundScenes:
        """The chapters whose lines were placed by an earlier run, up to the first that was not."""
        store = ChapterStore(self.production.folder / "chapters")
        press = self._press(store, proofs, None)
        bound: list[BoundChapter] = []
        for index, scene in enumerate(self.reading.scenes):
            key = press.key(scene)
            plan = store.plan(key, len(scene.lines))
            if plan is None:
                break
            start_s = bound[-1].end_s if bound else 0.0
            bound.append(BoundChapter(index, self.reading.chapters[index].title, key, start_s, plan.frames))
        return BoundScenes(store, self.reading.scenes, bound)

    def _press(self, store: ChapterStore, proofs: ProofRecord, proofer: Proofer | None) -> Press:
        play = self.proof_play(proofs)

        def proof(lines: Sequence[Line]) -> int:
            assert proofer is not None  # noqa: S101 - only then it is called
            return sum(proofed.spoken for proofed in proofer.proof([play.line(line) for line in lines]))

        return Press(
            synthesizer=self.troupe.synthesizer,
            takes=self.production.takes,
            store=store,
            work=self.production.work,
            spoken_line=play.spoken_line,
            written_words=self._written_words,
            formats={form.suffix: form for form in sound_formats(kept_formats(self.settings.formats)).values()},
            master=master_named(self.settings.master),
            seed=self.settings.seed,
            proof=proof if proofer is not None else None,
        )

    def _spoken_line(self, proofs: ProofRecord, line: Line) -> SpokenLine:
        """The line as its voice is asked for it: as it is pronounced, in the attempt that proofing kept."""
        text = self.pronunciation.say(line.text, line.language)
        spoken = SpokenLine(text, self.cast[line.role].voice, line.style, line.language or self.reading.language)
        return replace(spoken, attempt=proofs.attempt(take_address(self.troupe.synthesizer.identity, spoken)))

    def _written_words(self, line: Line, words: tuple[Word, ...]) -> tuple[Word, ...]:
        """Times of the words as they are written."""
        return written_words(self.pronunciation.said(line.text, line.language), words)

    @property
    def _roles(self) -> int:
        """Roles that have lines, the narrator not counted."""
        return sum(1 for casting in self.cast if casting.lines and role_key(casting.role) != role_key(NARRATOR))

    def _tags(self) -> Tags:
        return Tags(
            title=self.reading.title,
            author=self.reading.author,
            language=self.reading.language,
            synthetic=f"all voices are synthetic ({self.troupe.synthesizer.identity})",
            cast=tuple((casting.role, casting.voice.id) for casting in self.cast if casting.lines),
            narrator=f"{self.cast[NARRATOR].voice.id.capitalize()}, a synthetic voice",
        )

    def _cover(self) -> bytes:
        if self.settings.cover is not None:
            return read_cover(self.settings.cover)
        if self.reading.cover:
            with suppress(SoundError):
                # A book's own picture that cannot be used is no reason not to read it.
                return plain_cover(self.reading.cover, "the book's cover")
        return make_cover(self.reading.title, self.reading.author)

    def _bytes_needed(self) -> int:
        """Room for the reels of the chapters in the press, and for all that stays."""
        lengths = sorted(chapter.chars / _CHARS_PER_S for chapter in self.reading.chapters)
        at_once = max(self.troupe.jobs, self.troupe.workforce.at_once if self.troupe.workforce else 0)
        reels = sum(lengths[-at_once - 1 :]) * _REEL_BYTES_PER_S
        stays = sum(
            _BYTES_PER_S.get(name, _OTHER_BYTES_PER_S) for name in sound_formats(kept_formats(self.settings.formats))
        )
        return round(reels + sum(lengths) * (stays + _TAKE_BYTES_PER_S))

    def _record(self, finished: Finished | None) -> dict[str, Any]:
        return {
            **self.about,
            "kind": KIND,
            "title": self.reading.title,
            "language": self.reading.language,
            "preset": self.troupe.preset,
            "voices": self.troupe.synthesizer.identity,
            "settings": self.remembered.as_json(),
            "cast": {casting.role: casting.voice.id for casting in self.cast},
            "state": "working" if finished is None else "partly" if finished.failed else "done",
            **({"duration_s": round(finished.duration_s, 3)} if finished else {}),
            "files": [path.relative_to(finished.folder).as_posix() for path in finished.files] if finished else [],
            "failed": [
                {"line": one.line.number, "role": one.line.role, "reason": one.reason}
                for one in (finished.failed if finished else ())
            ],
            "gates": dict(finished.gates) if finished else {},
        }
