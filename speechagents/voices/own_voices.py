"""Voices of people who have agreed to it: their sample, their consent, and the voice that a back end makes of both.

Owns the folder of one visitor's own voices, and that nothing is kept or cloned there without a recorded consent. Does
not know how a voice is cloned (`voices.synthesizer.ClonesVoices`).

::

    FOLDER/<id>/sample.flac     what was recorded, mono
    FOLDER/<id>/consent.json    whose voice it is, what was agreed to, when, and the sample's SHA-256

The id comes from the sample: the same recording is one voice, and a consent belongs to no other recording.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import numpy as np
import soundfile as sf

from speechagents.audio import Audio
from speechagents.drama import clean_name
from speechagents.errors import CastError, SoundError
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.voices.measure import frame_levels_db
from speechagents.voices.synthesizer import ClonesVoices, Voice

STATEMENT: Final = (
    "This is my own voice, or the person whose voice it is has agreed that this studio makes a synthetic voice of it "
    "and lets it speak the roles of my productions."
)
"""What has to be agreed to, word for word; it is recorded with the voice."""

LEAST_SAMPLE_S: Final = 3.0
MOST_SAMPLE_S: Final = 60.0
MAX_VOICES: Final = 12
MAX_OWNER_CHARS: Final = 120
MAX_VOICE_NAME_CHARS: Final = 60

_ID: Final = re.compile(r"[0-9a-f]{16}")
_MAX_CONSENT_BYTES: Final = 16_000
_SPEECH_ABOVE_DB: Final = -50.0
_LEAST_SPEECH: Final = 0.25  # share of 20 ms frames that are louder than that


@dataclass(frozen=True, slots=True)
class Consent:
    """That somebody may be heard.

    Attributes:
        owner: Who the voice belongs to.
        statement: What was agreed to.
        given_on: Date, as ``2026-11-26``.
        sample_sha256: Of the sample file.
        name: What the voice is called.
    """

    owner: str
    statement: str
    given_on: str
    sample_sha256: str
    name: str

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A consent as it stands on disk.

        Raises:
            ValueError: Something is missing, empty or no text.
        """
        named = {field.name: values.get(field.name) for field in fields(cls)}
        if not all(isinstance(value, str) and value.strip() for value in named.values()):
            raise ValueError("something is missing")
        return cls(**named)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """A voice that somebody has agreed to.

    Attributes:
        id: 16 hexadecimal digits.
        consent: Theirs.
        sample: File of the recording.
    """

    id: str
    consent: Consent
    sample: Path


class OwnVoices:
    """The own voices of one visitor.

    Args:
        folder: Theirs alone.
        today: The calendar.
    """

    def __init__(self, folder: Path, *, today: Callable[[], date] = date.today) -> None:
        self._folder = folder
        self._today = today

    def all(self) -> tuple[OwnVoice, ...]:
        """The voices by name; one without a whole consent that belongs to its sample is none."""
        found = (self._voice(entry) for entry in self._entries())
        return tuple(sorted((one for one in found if one), key=lambda one: (one.consent.name.casefold(), one.id)))

    def add(self, sample: Audio, *, name: str, owner: str, agreed: str) -> OwnVoice:
        """Keep a sample together with the consent to use it.

        Args:
            sample: Somebody speaking.
            name: What the voice shall be called.
            owner: Who it belongs to.
            agreed: What was agreed to: `STATEMENT`, or nothing was.

        Raises:
            CastError: There is no consent, a name is missing, or there are too many voices.
            SoundError: The sample is too short, too long or silent.
            StorageError: The disk is full.
        """
        name, owner = clean_name(name), clean_name(owner)
        if agreed != STATEMENT:
            raise CastError("no voice is kept without consent; read the statement and tick it")
        if not owner or len(owner) > MAX_OWNER_CHARS:
            raise CastError(f"say whose voice it is, in 1 to {MAX_OWNER_CHARS} characters")
        if not name or len(name) > MAX_VOICE_NAME_CHARS:
            raise CastError(f"call the voice something, in 1 to {MAX_VOICE_NAME_CHARS} characters")
        sample = sample.mono()
        check_sample(sample)
        encoded = io.BytesIO()
        sf.write(encoded, sample.samples, sample.rate_hz, format="FLAC", subtype="PCM_16")
        digest = hashlib.sha256(encoded.getvalue()).hexdigest()
        place = self._folder / digest[:16]
        if not place.exists() and sum(1 for _ in self._entries()) >= MAX_VOICES:
            raise CastError(f"there are {MAX_VOICES} own voices already; remove one first")
        consent = Consent(owner, agreed, self._today().isoformat(), digest, name)
        # The consent last: a sample that stands alone is no voice, and is written over.
        write_atomically(place / "sample.flac", encoded.getvalue())
        record = json.dumps(asdict(consent), ensure_ascii=False, indent=2) + "\n"
        write_atomically(place / "consent.json", record.encode("utf-8"))
        return OwnVoice(place.name, consent, place / "sample.flac")

    def remove(self, id: str) -> None:  # noqa: A002 - what everything here calls it
        """Delete a voice: its sample and the consent.

        Raises:
            CastError: There is none of that id.
            StorageError: It cannot be deleted.
        """
        place = self._folder / id
        if not _ID.fullmatch(id) or not place.is_dir():
            raise CastError("there is no such voice of your own")
        with storage_errors(place):
            shutil.rmtree(place)

    def cloned(self, id: str, synthesizer: ClonesVoices) -> Voice:  # noqa: A002 - what everything here calls it
        """The voice that a back end makes of a sample.

        Raises:
            CastError: There is none of that id, or its consent does not belong to its sample.
            SynthesisError: The back end makes nothing of it.
        """
        own = self._voice(self._folder / id) if _ID.fullmatch(id) else None
        if own is None:
            raise CastError("there is no such voice of your own, or no consent that belongs to it")
        return synthesizer.clone(Audio.read(own.sample), own.consent.name)

    def _entries(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [entry for entry in self._folder.iterdir() if _ID.fullmatch(entry.name) and entry.is_dir()]

    def _voice(self, place: Path) -> OwnVoice | None:
        sample = place / "sample.flac"
        try:
            with (place / "consent.json").open("rb") as file:
                values = json.loads(file.read(_MAX_CONSENT_BYTES).decode("utf-8"))
            consent = Consent.from_json(values) if isinstance(values, dict) else None
            if consent is None or hashlib.sha256(sample.read_bytes()).hexdigest() != consent.sample_sha256:
                return None
        except (OSError, ValueError, RecursionError):
            return None
        return OwnVoice(place.name, consent, sample)


def read_sample(file: Path | BinaryIO) -> Audio:
    """Read an uploaded recording, no more of it than a sample may have.

    Raises:
        SoundError: It is no sound, or longer than `MOST_SAMPLE_S`.
    """
    try:
        with sf.SoundFile(file) as opened:
            most = int(MOST_SAMPLE_S * opened.samplerate)
            if opened.channels > 2:
                raise SoundError(f"a sample has one channel or two, not {opened.channels}")
            samples = opened.read(frames=most + 1, dtype="float32")
            if len(samples) > most:
                raise SoundError(f"longer than {MOST_SAMPLE_S:.0f} s; cut it first")
            return Audio(np.ascontiguousarray(samples), opened.samplerate).mono()
    except (sf.LibsndfileError, OSError, ValueError) as error:
        raise SoundError("this cannot be read as sound; use WAV, FLAC, OGG or MP3") from error


def check_sample(sample: Audio) -> None:
    """Refuse what no voice can be made of.

    Raises:
        SoundError: It is too short, too long, or there is hardly any speech in it.
    """
    if not LEAST_SAMPLE_S <= sample.duration_s <= MOST_SAMPLE_S:
        raise SoundError(
            f"a sample is {LEAST_SAMPLE_S:.0f} to {MOST_SAMPLE_S:.0f} s long, not {sample.duration_s:.1f} s; ten "
            "seconds of calm speech are good"
        )
    levels = frame_levels_db(sample.samples, sample.rate_hz)
    if float(np.mean(levels > _SPEECH_ABOVE_DB)) < _LEAST_SPEECH:
        raise SoundError("there is hardly anything to hear in this sample; record it again, closer to the microphone")
