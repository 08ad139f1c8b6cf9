"""Programmes and timelines that the tests of production share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Samples
from speechagents.drama import Line, Style
from speechagents.production import encoding
from speechagents.production.exports import Exported, export
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import Tags
from speechagents.production.timeline import PlacedLine, PlacedScene, Timeline
from speechagents.voices.synthesizer import Word

AUDIO_FORMATS = ("m4b", "mp3", "opus", "flac", "wav", "wav24")
TEXT_FORMATS = ("vtt", "srt", "rttm", "otio", "json")
TITLE = "Die Brücke & <the> Bridge"


@dataclass(frozen=True)
class ArrayProgramme:
    """A `Programme` in memory."""

    sound: Samples
    joints: Sequence[int] = ()

    @property
    def frames(self) -> int:
        return len(self.sound)

    def read(self, first: int, count: int) -> Samples:
        return self.sound[first : first + count]


def silence(duration_s: float) -> Samples:
    return np.zeros((round(duration_s * PROGRAMME_HZ), 2), np.float32)


def speech_like(duration_s: float, *, seed: int, rms_db: float = -24.0, pan: float = 0.0) -> Samples:
    """Voiced and noisy bursts of syllable length with pauses, stereo; a tenth of a second of silence around."""
    random = np.random.default_rng(seed)
    mono = np.zeros(round(duration_s * PROGRAMME_HZ))
    at = PROGRAMME_HZ // 10
    while (length := int(random.uniform(0.10, 0.35) * PROGRAMME_HZ)) + at < len(mono) - PROGRAMME_HZ // 10:
        phase = 2.0 * np.pi * random.uniform(90.0, 240.0) * np.arange(length) / PROGRAMME_HZ
        voiced = sum(np.sin(phase * k + random.uniform(0.0, 6.0)) / k for k in range(1, 16))
        hiss = np.convolve(random.standard_normal(length), np.ones(4) / 4.0, "same")
        mono[at : at + length] += (voiced + 0.3 * hiss) * np.hanning(length) * random.uniform(0.3, 1.0)
        at += length + int(random.choice([0.03, 0.06, 0.3]) * PROGRAMME_HZ)
    mono *= 10.0 ** (rms_db / 20.0) / np.sqrt(np.mean(mono**2))
    angle = (pan + 1.0) * np.pi / 4.0
    sides = np.sqrt(2.0) * np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(mono[:, None] * sides, np.float32)


@pytest.fixture(scope="session")
def drama() -> ArrayProgramme:
    """Three scenes of about 7 s, loud and soft, left and right, with heads and tails."""
    scenes = [
        np.concatenate([silence(0.7), speech_like(6.011, seed=1, rms_db=-30.0, pan=-0.5), silence(0.25)]),
        np.concatenate([silence(0.25), speech_like(6.507, seed=2, rms_db=-20.0, pan=0.5), silence(0.25)]),
        np.concatenate([silence(0.25), speech_like(7.123, seed=3, rms_db=-26.0), silence(1.5)]),
    ]
    ends = np.cumsum([len(scene) for scene in scenes])
    return ArrayProgramme(np.concatenate(scenes), tuple(int(end) for end in ends[:-1]))


@pytest.fixture(scope="session")
def timeline(drama: ArrayProgramme) -> Timeline:
    """Five lines of three roles in the scenes of `drama`; two lines overlap, one has no word times."""
    first, second, third = (0.0, *(joint / PROGRAMME_HZ for joint in drama.joints))
    end = drama.frames / PROGRAMME_HZ

    def spoken(number: int, role: str, text: str, start_s: float, *, words: bool = True) -> PlacedLine:
        tokens = [token for token in text.split() if any(c.isalnum() for c in token)]
        times = tuple(Word(token, start_s + 0.3 * at, start_s + 0.3 * at + 0.25) for at, token in enumerate(tokens))
        line = Line(number=number, role=role, text=text, style=Style("sad" if number == 2 else "default"))
        duration_s = 0.3 * len(tokens) + 0.1
        return PlacedLine(line, f"{number:064x}", start_s, duration_s, times if words else (), pan=-0.25)

    return Timeline(
        TITLE,
        (
            PlacedScene(
                "EXT. BRÜCKE – NIGHT",
                "EXT. BRÜCKE - NIGHT",
                first,
                second,
                (
                    spoken(1, "Anna", "Who goes there — friend?", 0.8),
                    spoken(2, "Ben & <Co>", "A friend --> of <b>yours</b> & mine.", 2.6),
                ),
            ),
            PlacedScene("", "", second, third, (spoken(3, "Anna", "I know no friends.", second + 0.4, words=False),)),
            PlacedScene(
                "The end",
                "INT. HALL - DAY",
                third,
                end,
                (
                    spoken(4, "Anna", "Then be gone from here!", third + 0.4),
                    spoken(5, "Chorus of the Drowned", "Gone, gone, gone.", third + 1.0),
                ),
            ),
        ),
        language="de",
    )


@pytest.fixture(scope="session")
def tags() -> Tags:
    return Tags(
        title=TITLE,
        author="Á. Writer",
        language="de",
        comment="A test.",
        synthetic="test voices 1.0",
        cast=(("Anna", "en-woman-1"), ("Ben & <Co>", "en-man-2")),
    )


@dataclass(frozen=True)
class Exports:
    """What an export made, by format."""

    files: dict[str, Exported]

    def path(self, name: str) -> Path:
        return self.files[name].path


ExportAll = Callable[..., Exports]


@pytest.fixture(scope="session")
def export_all(
    drama: ArrayProgramme,
    timeline: Timeline,
    tags: Tags,
    tmp_path_factory: pytest.TempPathFactory,
) -> ExportAll:
    """Export the drama into a new folder, in segments of 5 s, so that a short programme has several."""

    def run(*, formats: Sequence[str], master: str = "none", jobs: int = 2) -> Exports:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "SEGMENT_S", 5.0)
            events = list(
                export(
                    drama,
                    timeline,
                    out=tmp_path_factory.mktemp("exports"),
                    formats=formats,
                    master=master,
                    tags=tags,
                    jobs=jobs,
                )
            )
        return Exports({event.format: event for event in events if isinstance(event, Exported)})

    return run


@pytest.fixture(scope="session")
def plain(export_all: ExportAll) -> Exports:
    """Every format, not mastered: what comes out can be compared with what went in."""
    return export_all(formats=(*AUDIO_FORMATS, *TEXT_FORMATS))
