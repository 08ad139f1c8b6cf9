"""Gathering trajectories: from sources to a folder.

Owns the order of that work: sources are read, turns taken from them, repetitions dropped, what is still needed is
spoken and turned into units a batch at a time, and the folder is written at the end. Does not know how any of it is
done. Memory holds all texts, and the sounds of one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from speechagents.audio import Audio
from speechagents.cores import usable_cores
from speechagents.errors import SettingsError, TuningError
from speechagents.scripts.scene_file import MAX_SEED
from speechagents.tuning.leakage import Sifted, sifted
from speechagents.tuning.manifest import About, SourceFigures
from speechagents.tuning.scene_takes import Draft, SceneTake, drafts_of
from speechagents.tuning.source_names import read_sources
from speechagents.tuning.sources import Source, Wanted
from speechagents.tuning.trajectory import MAX_HEARD, Split, Trajectory
from speechagents.tuning.trajectory_folder import NewTrajectoryFolder, TrajectoryFolder, new_trajectory_folder
from speechagents.tuning.voicing import sounding, voiced
from speechagents.voices.synthesizer import Synthesizer

if TYPE_CHECKING:
    from speechagents.voices.espeak.synthesizer import EspeakSynthesizer

HEARINGS: Final = ("text", "audio", "units")
DEFAULT_MESSAGES: Final = 16


class Codec(Protocol):
    """Makes speech units of speech; `units.codec.UnitCodec` does."""

    @property
    def hearing(self) -> str:
        """What must be equal for equal units of the same sound."""

    def encode(self, sounds: Sequence[Audio]) -> list[tuple[int, ...]]:
        """The units of each sound."""


@dataclass(frozen=True, slots=True)
class GatherSettings:
    """What is gathered.

    Attributes:
        sources: Names; see `source_names.read_sources`.
        wanted: What of them.
        hearing: ``text``, ``audio`` or ``units``.
        messages: Most messages that an agent is given, the last ones.
        seed: Of the voices.
        keep_audio: Keep the sounds that units were made of.
    """

    sources: tuple[str, ...]
    wanted: Wanted = field(default_factory=Wanted)
    hearing: str = "text"
    messages: int = DEFAULT_MESSAGES
    seed: int = 0
    keep_audio: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise SettingsError("name a source: hcs:train, the folder of a production, or a script")
        if self.hearing not in HEARINGS:
            raise SettingsError(f"hearing {self.hearing!r} is none of {', '.join(HEARINGS)}")
        if not 1 <= self.messages <= MAX_HEARD:
            raise SettingsError(f"messages {self.messages} is not between 1 and {MAX_HEARD}")
        if not 0 <= self.seed <= MAX_SEED:
            raise SettingsError(f"seed {self.seed} is not between 0 and {MAX_SEED}")
        if self.keep_audio and self.hearing != "units":
            raise SettingsError("--keep-audio is for --hearing units; with --hearing audio all sounds are kept anyway")


@dataclass(frozen=True, slots=True)
class SourcesRead:
    """All sources have been read.

    Attributes:
        sources: They.
    """

    sources: Sequence[Source]


@dataclass(frozen=True, slots=True)
class TurnsSifted:
    """Repetitions have been found.

    Attributes:
        kept: Turns that stay.
        repeated: That were dropped, of each split.
        leaked: As well.
    """

    kept: int
    repeated: Mapping[Split, int]
    leaked: Mapping[Split, int]


@dataclass(frozen=True, slots=True)
class MessagesVoiced:
    """So many messages have their sounds.

    Attributes:
        done: Of them.
        total: All that need some.
    """

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """The folder is there.

    Attributes:
        folder: It.
    """

    folder: TrajectoryFolder


GatherEvent = SourcesRead | TurnsSifted | MessagesVoiced | Gathered


@dataclass(frozen=True, slots=True)
class _Speech:
    """The sound of a message, as trajectories name it."""

    sound: str = ""
    units: tuple[int, ...] = ()


_SILENCE: Final = _Speech()


def gather(
    settings: GatherSettings,
    out: Path,
    *,
    synthesizer: Synthesizer | None = None,
    codec: Codec | None = None,
) -> Iterator[GatherEvent]:
    """Gather trajectories into a new folder.

    Args:
        settings: Which.
        out: The folder; nothing of it is left unless the last event comes.
        synthesizer: The voices; None takes the embedded ones.
        codec: Makes the units; None takes the one that comes with this package.

    Yields:
        What was done, `Gathered` last.

    Raises:
        InputError: A source cannot be used, or holds no turn.
        ProductionError: A source is a damaged production, or the folder cannot be written.
    """
    with new_trajectory_folder(out) as folder:
        sources = read_sources(settings.sources, settings.wanted)
        yield SourcesRead(sources)
        takes = _takes(sources)
        drafts = [draft for take in takes for draft in drafts_of(take, messages=settings.messages)]
        found = sifted([draft.trajectory for draft in drafts])
        drafts = [drafts[at] for at in found.kept]
        if not drafts:
            raise TuningError("no turn was found in these sources; name others, or leave --roles and --scenes out")
        yield TurnsSifted(len(drafts), found.repeated, found.leaked)
        about = _about(settings, sources, drafts, found)
        spoken: dict[tuple[str, int], _Speech] = {}
        if settings.hearing != "text":
            with ExitStack() as opened:
                if synthesizer is None:
                    synthesizer = opened.enter_context(_embedded())
                if codec is None and settings.hearing == "units":
                    codec = _shipped_codec()
                about = replace(
                    about,
                    voices=synthesizer.identity if any(not take.recorded for take in takes) else "",
                    codec=codec.hearing if codec is not None and settings.hearing == "units" else "",
                )
                yield from _voice(settings, takes, drafts, synthesizer, codec, folder, spoken)
            about = replace(about, unspoken=sum(speech is _SILENCE for speech in spoken.values()))
        yield Gathered(folder.finish([_with_sounds(draft, spoken) for draft in drafts], about))


def _takes(sources: Sequence[Source]) -> Sequence[SceneTake]:
    """All takes, each once, however often its source was named."""
    return tuple({take.id: take for source in sources for take in source.takes}.values())


def _voice(
    settings: GatherSettings,
    takes: Sequence[SceneTake],
    drafts: Sequence[Draft],
    synthesizer: Synthesizer,
    codec: Codec | None,
    folder: NewTrajectoryFolder,
    spoken: dict[tuple[str, int], _Speech],
) -> Iterator[MessagesVoiced]:
    """Fill in the sounds of all messages that a draft names."""
    needed = _needed(drafts)
    total, done = sum(len(sounding(take, needed)) for take in takes), 0
    for batch in voiced(takes, needed, synthesizer, seed=settings.seed):
        heard = [one for one in batch if one.sound is not None]
        sounds = [one.sound for one in heard if one.sound is not None]
        units = codec.encode(sounds) if codec is not None and settings.hearing == "units" else [()] * len(sounds)
        kept = settings.hearing == "audio" or settings.keep_audio
        spoken.update(((one.take, one.message), _SILENCE) for one in batch)
        for one, sound, own in zip(heard, sounds, units, strict=True):
            spoken[one.take, one.message] = _Speech(folder.keep(sound) if kept else "", own)
        done += len(batch)
        yield MessagesVoiced(done, total)


def _needed(drafts: Sequence[Draft]) -> Mapping[str, frozenset[int]]:
    """Ids of the messages that somebody hears or says, by take."""
    found: dict[str, set[int]] = {}
    for draft in drafts:
        heard = (one.id for one in draft.trajectory.ask.heard)
        found.setdefault(draft.take, set()).update(heard, (draft.message,))
    return {take: frozenset(ids) for take, ids in found.items()}


def _with_sounds(draft: Draft, spoken: Mapping[tuple[str, int], _Speech]) -> Trajectory:
    """The trajectory of a draft, with the sounds of its messages."""
    if not spoken:
        return draft.trajectory
    heard = [spoken.get((draft.take, one.id), _SILENCE) for one in draft.trajectory.ask.heard]
    own = spoken.get((draft.take, draft.message), _SILENCE)
    return replace(
        draft.trajectory,
        heard_sounds=tuple(one.sound for one in heard),
        heard_units=tuple(one.units for one in heard),
        sound=own.sound,
        units=own.units,
    )


def _about(settings: GatherSettings, sources: Sequence[Source], drafts: Sequence[Draft], found: Sifted) -> About:
    return About(
        hearing=settings.hearing,
        messages=settings.messages,
        seed=settings.seed,
        sources=tuple(
            SourceFigures(
                source.name,
                source.kind,
                source.digest,
                source.licence,
                scenes=len({take.scene_id for take in source.takes}),
                takes=len(source.takes),
                messages=sum(len(take.moments) for take in source.takes),
                notes=source.notes,
            )
            for source in sources
        ),
        repeated=found.repeated,
        leaked=found.leaked,
        made_by=Counter(draft.made_by for draft in drafts),
        thought=sum(draft.thought for draft in drafts),
    )


def _embedded() -> EspeakSynthesizer:
    from speechagents.voices.espeak.synthesizer import EspeakSynthesizer

    return EspeakSynthesizer(jobs=usable_cores())


def _shipped_codec() -> Codec:
    from speechagents.units.codec import load_codec

    return load_codec()
