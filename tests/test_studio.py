"""A performance from script to files, as a user of the Python API sees it. The voices are the real ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile as sf

from speechagents import Studio, parse_script
from speechagents.errors import CastError, ProductionError, SettingsError
from speechagents.events import (
    Event,
    Exported,
    ExportProgress,
    Finished,
    LineFailed,
    LineSpoken,
    SceneReady,
    SoundReady,
    Started,
    Warned,
)
from speechagents.settings import PerformSettings
from speechagents.stream import read_stream
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take
from tests.conftest import PLAY, Perform, finished

Kind = TypeVar("Kind", bound=Event)


def of_kind(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def digests(folder: Path) -> dict[str, str]:
    """Content of every file below a folder, save what tells when a run was made."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_a_line_that_every_scene_has_is_one_take_however_many_threads_speak_it(
    perform: Perform, tmp_path: Path
) -> None:
    script = tmp_path / "chorus.fountain"
    script.write_text("".join(f"INT. ROOM {n} - DAY\n\nANNA\nAnd so it goes.\n\n" for n in range(12)), "utf-8")
    done = finished(perform(script, tmp_path / "out"))
    assert (done.lines, done.spoken) == (12, 1)


def test_what_was_said_stands_in_the_message_stream(perform: Perform, play: Path, tmp_path: Path) -> None:
    events = perform(play, tmp_path / "out")
    spoken = of_kind(events, LineSpoken)
    stream = read_stream(tmp_path / "out" / "stream.jsonl")
    assert [message.id for message in stream] == list(range(1, len(spoken) + 1))
    by_start = sorted(spoken, key=lambda event: event.placed.start_s)
    for message, event in zip(stream, by_start, strict=True):
        placed = event.placed
        assert (message.speaker, message.text, message.style) == (placed.line.role, placed.line.text, placed.line.style)
        assert (message.start_s, message.end_s) == pytest.approx((placed.start_s, placed.end_s), abs=1e-4)
        assert message.take == placed.take


def test_events_come_in_the_order_of_the_programme(perform: Perform, play: Path, tmp_path: Path) -> None:
    events = perform(play, tmp_path / "out", formats=("m4b", "vtt"))
    started = events[0]
    assert isinstance(started, Started)
    assert (started.scenes, started.lines, started.roles, started.title) == (2, 6, 2, "The Umbrella")
    kinds = [type(event) for event in events if not isinstance(event, Warned | SoundReady | ExportProgress)]
    scene = [LineSpoken] * 3 + [SceneReady]
    assert kinds == [Started, *scene, *scene, Exported, Exported, Finished]
    sounds = of_kind(events, SoundReady)
    assert sounds[0].start_s == 0.0
    for one, other in pairwise(sounds):
        assert other.start_s == pytest.approx(one.start_s + one.duration_s)
    assert sounds[-1].start_s + sounds[-1].duration_s == pytest.approx(finished(events).duration_s)


def test_sound_can_be_heard_while_the_performance_goes_on(studio: Studio, play: Path, tmp_path: Path) -> None:
    settings = PerformSettings(formats=("wav",), master="none")
    events = studio.perform(play, out=tmp_path / "out", settings=settings)
    heard = [event.read().samples for event in events if isinstance(event, SoundReady)]
    samples, _ = sf.read(tmp_path / "out" / "exports" / "programme.wav", dtype="float32")
    assert np.abs(np.concatenate(heard) - samples).max() <= 1.0 / 32768


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_jobs(play: Path, tmp_path: Path) -> None:
    settings = PerformSettings(formats=("m4b", "mp3", "opus", "flac", "vtt", "json", "otio"), stems=True, seed=3)
    for jobs in (1, 3):
        with Studio(jobs=jobs) as studio:
            for _ in studio.perform(play, out=tmp_path / str(jobs), settings=settings):
                pass
    assert digests(tmp_path / "1") == digests(tmp_path / "3")


def test_another_seed_gives_other_gaps(perform: Perform, play: Path, tmp_path: Path) -> None:
    times = []
    for seed in (1, 2):
        events = perform(play, tmp_path / str(seed), seed=seed)
        times.append([event.placed.start_s for event in of_kind(events, LineSpoken)])
    assert times[0] != times[1]


def test_a_second_run_speaks_nothing_and_ends_with_the_same_bytes(perform: Perform, play: Path, tmp_path: Path) -> None:
    first = finished(perform(play, tmp_path / "out", formats=("m4b", "vtt")))
    before = digests(tmp_path / "out")
    second = finished(perform(play, tmp_path / "out", formats=("m4b", "vtt"), resume=True))
    assert (first.spoken, second.spoken) == (6, 0)
    assert digests(tmp_path / "out") == before


def test_one_changed_line_speaks_one_take(perform: Perform, play: Path, tmp_path: Path) -> None:
    perform(play, tmp_path / "out")
    play.write_text(PLAY.replace("Goodbye, house.", "Goodbye, old house."), "utf-8")
    again = perform(play, tmp_path / "out")
    assert [event.placed.line.text for event in of_kind(again, LineSpoken) if not event.reused] == [
        "Goodbye, old house."
    ]


@pytest.mark.parametrize("damage", ["removed", "cut short"])
def test_a_lost_take_is_spoken_again_alone(perform: Perform, play: Path, tmp_path: Path, damage: str) -> None:
    perform(play, tmp_path / "out", formats=("flac",))
    before = digests(tmp_path / "out")
    lost = sorted((tmp_path / "out" / "takes").iterdir())[2]
    if damage == "removed":
        lost.unlink()
    else:
        lost.write_bytes(lost.read_bytes()[:200])
    assert finished(perform(play, tmp_path / "out", formats=("flac",))).spoken == 1
    assert digests(tmp_path / "out") == before


def test_resume_needs_no_script(studio: Studio, perform: Perform, play: Path, tmp_path: Path) -> None:
    perform(play, tmp_path / "out", formats=("vtt", "json"), master="acx", seed=4)
    before = digests(tmp_path / "out")
    play.unlink()
    assert finished(list(studio.resume(tmp_path / "out"))).spoken == 0
    assert digests(tmp_path / "out") == before


def test_export_adds_files_without_speaking(studio: Studio, perform: Perform, play: Path, tmp_path: Path) -> None:
    perform(play, tmp_path / "out")
    events = list(studio.export(tmp_path / "out", formats=("flac", "srt"), master="none", stems=True))
    done = finished(events)
    assert done.spoken == 0
    assert [path.name for path in done.files] == [
        "programme.flac",
        "programme.srt",
        "stem-001.flac",
        "stem-002.flac",
    ]
    assert (tmp_path / "out" / "exports" / "programme.vtt").exists()


def test_the_stems_add_up_to_the_mix(perform: Perform, tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    noise = np.random.default_rng(5).normal(0, 0.1, (44_100 * 20, 2))
    sf.write(sounds / "rain.wav", noise, 44_100)
    sf.write(sounds / "door.wav", noise[:9_000] * 2, 44_100)
    script = tmp_path / "play.fountain"
    script.write_text(PLAY.replace("EXT. STREET", "[[ambience: rain]]\n\nSFX: DOOR\n\nEXT. STREET"), "utf-8")
    done = finished(
        perform(script, tmp_path / "out", formats=("wav24",), master="none", stems=True, sounds=sounds, narrator=True)
    )
    mix, stems = done.files[0], done.files[1:]
    assert len(stems) == 4  # Anna, Mr Ben, the narrator, effects and ambience
    total = sum(sf.read(path, dtype="float64")[0] for path in stems)
    wanted, _ = sf.read(mix, dtype="float64")
    assert np.abs(total - wanted).max() < 4 * 2.0**-23


def test_stems_say_whose_they_are(perform: Perform, play: Path, tmp_path: Path) -> None:
    done = finished(perform(play, tmp_path / "out", stems=True))
    with sf.SoundFile(done.files[1]) as one, sf.SoundFile(done.files[2]) as other:
        assert {one.title, other.title} == {"ANNA", "MR BEN"}


def test_an_edited_cast_in_the_folder_is_honoured(perform: Perform, play: Path, tmp_path: Path) -> None:
    cast_file = tmp_path / "out" / "cast.yaml"
    started = perform(play, tmp_path / "out")[0]
    assert isinstance(started, Started)
    other = next(voice for voice in ("alma", "clara", "june") if voice != started.cast["ANNA"].voice.id)
    cast_file.write_text(cast_file.read_text("utf-8").replace(started.cast["ANNA"].voice.id, other), "utf-8")
    again = perform(play, tmp_path / "out")
    assert isinstance(again[0], Started)
    assert again[0].cast["ANNA"].voice.id == other
    assert {event.placed.line.role for event in of_kind(again, LineSpoken) if not event.reused} == {"ANNA"}


def test_a_role_that_left_the_script_does_not_trouble_the_cast(perform: Perform, play: Path, tmp_path: Path) -> None:
    perform(play, tmp_path / "out")
    play.write_text(PLAY.replace("MR BEN", "MRS COLE"), "utf-8")
    done = finished(perform(play, tmp_path / "out"))
    assert done.roles == 2
    assert "MR BEN" not in (tmp_path / "out" / "cast.yaml").read_text("utf-8")


def test_the_production_tells_what_was_made_and_measured(perform: Perform, play: Path, tmp_path: Path) -> None:
    perform(play, tmp_path / "out", formats=("mp3",), master="r128")
    record = json.loads((tmp_path / "out" / "production.json").read_text("utf-8"))
    assert record["state"] == "done"
    assert record["files"] == ["exports/programme.mp3"]
    gate = record["gates"]["mp3"]
    assert gate["passed"] is True
    assert gate["measured"]["integrated_lufs"] == pytest.approx(-23.0, abs=0.5)


def test_a_script_without_a_title_is_called_after_its_file(perform: Perform, tmp_path: Path) -> None:
    script = tmp_path / "tea time.txt"
    script.write_text("Anna: Tea?\nBen: Please.\n", "utf-8")
    started = perform(script, tmp_path / "out")[0]
    assert isinstance(started, Started)
    assert started.title == "tea time"


def test_a_script_in_memory_can_be_performed(studio: Studio, tmp_path: Path) -> None:
    script = parse_script("Anna: Tea?\nBen (angry): No!\n")
    done = finished(list(studio.perform(script, out=tmp_path, settings=PerformSettings(formats=("srt",)))))
    assert done.lines == 2
    assert "Tea?" in (tmp_path / "exports" / "programme.srt").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"formats": ("mp4",)}, SettingsError, "unknown format 'mp4'"),
        ({"master": "loud"}, SettingsError, "unknown master 'loud'"),
        ({"language": "tlh-x"}, SettingsError, "tlh"),
        ({"language": "xx"}, SettingsError, "does not speak the language 'xx'"),
    ],
)
def test_a_wrong_option_stops_before_anything_is_written(
    perform: Perform, play: Path, tmp_path: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        perform(play, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_cast_file_with_an_unknown_voice_stops_before_anything_is_written(
    perform: Perform, play: Path, tmp_path: Path
) -> None:
    cast = tmp_path / "cast.yaml"
    cast.write_text("roles:\n  ANNA: {voice: almma}\n", "utf-8")
    with pytest.raises(CastError, match=r"cast\.yaml:2.*almma.*alma"):
        perform(play, tmp_path / "out", cast=cast)
    assert not (tmp_path / "out").exists()


def test_a_damaged_script_copy_is_named_with_a_remedy(
    studio: Studio, perform: Perform, play: Path, tmp_path: Path
) -> None:
    perform(play, tmp_path / "out")
    (tmp_path / "out" / "script.json").unlink()
    with pytest.raises(ProductionError, match=r"script\.json.*perform the script again"):
        list(studio.resume(tmp_path / "out"))


class Hoarse(EspeakSynthesizer):
    """The embedded voices with a frog in the throat: whatever holds the word flood fails."""

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for result in super().speak(lines):
            yield FailedTake(result.line, "a frog in the throat") if "flood" in result.line.text else result


def test_a_line_that_fails_is_left_out_listed_and_tried_again(
    install_voices: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, play: Path, tmp_path: Path
) -> None:
    settings = PerformSettings(formats=("vtt",))
    with monkeypatch.context():
        install_voices(f"{__name__}:Hoarse")
        with Studio(jobs=1) as hoarse:
            events = list(hoarse.perform(play, out=tmp_path / "out", settings=settings))
    failed = of_kind(events, LineFailed)
    assert [(event.line.role, event.reason) for event in failed] == [("ANNA", "a frog in the throat")]
    assert len(of_kind(events, LineSpoken)) == 5
    assert list(finished(events).failed) == failed
    record = json.loads((tmp_path / "out" / "production.json").read_text("utf-8"))
    assert record["state"] == "partly"
    assert record["failed"][0]["reason"] == "a frog in the throat"
    monkeypatch.undo()
    with Studio(jobs=1) as well:
        healed = finished(list(well.perform(play, out=tmp_path / "out", settings=settings)))
    assert (healed.spoken, list(healed.failed)) == (1, [])


class Bursting(EspeakSynthesizer):
    """A back end with a bug."""

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        raise ZeroDivisionError(f"a bug met {len(lines)} lines")


def test_a_bug_in_a_back_end_ends_the_run_and_lets_the_folder_go(
    install_voices: Callable[[str], None], play: Path, tmp_path: Path
) -> None:
    install_voices(f"{__name__}:Bursting")
    with Studio(jobs=2) as studio, pytest.raises(ZeroDivisionError):
        list(studio.perform(play, out=tmp_path / "out", settings=PerformSettings(formats=("vtt",))))
    assert not (tmp_path / "out" / "work").exists()


def test_a_reader_who_walks_away_stops_the_work(studio: Studio, play: Path, tmp_path: Path) -> None:
    events = studio.perform(play, out=tmp_path / "out", settings=PerformSettings(formats=("vtt",)))
    assert isinstance(next(events), Started)
    events.close()
    assert not (tmp_path / "out" / "work").exists()
    again = list(studio.perform(play, out=tmp_path / "out", settings=PerformSettings(formats=("vtt",))))
    assert finished(again).lines == 6
