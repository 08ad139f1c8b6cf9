"""From sources to a folder: text, sound, speech units; and that nothing half done is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.audio import Audio
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Turn
from speechagents.errors import SettingsError, SynthesisError, TuningError
from speechagents.settings import ImproviseSettings
from speechagents.tuning.gathering import (
    Gathered,
    GatherEvent,
    GatherSettings,
    MessagesVoiced,
    SourcesRead,
    TurnsSifted,
    gather,
)
from speechagents.tuning.sources import Wanted
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder
from tests.tuning.made_up_scenes import KITCHEN, QuickVoices, WordCodec

PLAY = """\
Title: The Umbrella

INT. HALLWAY - DAY

ANNA
(whispering)
Is it still raining out there?

BEN
It is not raining, Anna. It is a flood.

ANNA
Then we swim to the bakery.

EXT. STREET - LATER

BEN
That was the day she left the town.

CAROL
Which one of the two was it?

BEN
It was the one with the umbrella.
"""


@pytest.fixture
def play(tmp_path: Path) -> str:
    path = tmp_path / "umbrella.fountain"
    path.write_text(PLAY, "utf-8")
    return str(path)


def events_of(source: str, out: Path, *, voices: QuickVoices | None = None, **settings: Any) -> list[GatherEvent]:
    settings.setdefault("wanted", Wanted(split=Split.TRAIN, licence="CC0-1.0"))
    asked = GatherSettings((source,), **settings)
    return list(gather(asked, out, synthesizer=voices or QuickVoices(), codec=WordCodec()))


def gathered(*arguments: Any, **settings: Any) -> TrajectoryFolder:
    done = events_of(*arguments, **settings)[-1]
    assert isinstance(done, Gathered)
    return done.folder


def test_text_alone_needs_no_voice(play: str, tmp_path: Path) -> None:
    voices = QuickVoices()
    folder = gathered(play, tmp_path / "data", voices=voices)
    turns = folder.samples(Split.TRAIN)
    assert len(turns) == 6
    assert voices.spoken == []
    assert {one.sound for one in turns} == {""}
    assert (folder.manifest.voices, folder.manifest.codec, folder.manifest.sounds) == ("", "", 0)
    assert not (tmp_path / "data" / "audio").exists()
    (source,) = folder.manifest.sources
    assert (source.licence, source.scenes, source.takes, source.messages) == ("CC0-1.0", 2, 2, 6)


def test_with_audio_each_message_has_its_sound_wherever_it_is_heard(play: str, tmp_path: Path) -> None:
    folder = gathered(play, tmp_path / "data", hearing="audio")
    turns = folder.samples(Split.TRAIN)
    assert turns[2].heard_sounds == (turns[0].sound, turns[1].sound)
    assert turns[3].heard_sounds == (), "another scene"
    assert len({one.sound for one in turns}) == 6 == len(list((tmp_path / "data" / "audio").iterdir()))
    assert all(folder.audio(one.sound).duration_s > 0.5 for one in turns)
    assert {one.units for one in turns} == {()}
    assert (folder.manifest.voices, folder.manifest.sounds) == ("noise 1", 6)
    assert "noise 1 spoke what had no sound" in (tmp_path / "data" / "README.md").read_text("utf-8")


def test_with_units_each_message_has_them_and_no_sound_is_kept(play: str, tmp_path: Path) -> None:
    folder = gathered(play, tmp_path / "data", hearing="units")
    turns = folder.samples(Split.TRAIN)
    assert turns[2].heard_units == (turns[0].units, turns[1].units)
    assert all(one.units for one in turns)
    assert {one.sound for one in turns} == {""}
    assert folder.manifest.codec == "lengths 1"
    assert not (tmp_path / "data" / "audio").exists()


def test_sounds_can_be_kept_beside_units(play: str, tmp_path: Path) -> None:
    folder = gathered(play, tmp_path / "data", hearing="units", keep_audio=True)
    turns = folder.samples(Split.TRAIN)
    for one in turns:
        assert one.units == WordCodec().encode([folder.audio(one.sound)])[0]
    assert folder.manifest.sounds == 6


@pytest.mark.parametrize("hearing", ["audio", "units"])
def test_what_nobody_can_speak_is_gathered_without_sound_and_counted(play: str, tmp_path: Path, hearing: str) -> None:
    folder = gathered(play, tmp_path / "data", hearing=hearing, voices=QuickVoices(mute="flood"))
    turns = folder.samples(Split.TRAIN)
    assert [bool(one.sound or one.units) for one in turns] == [True, False, True, True, True, True]
    assert folder.manifest.unspoken == 1
    assert "1 message could not be spoken" in (tmp_path / "data" / "README.md").read_text("utf-8")


def test_the_same_command_gives_the_same_bytes_and_another_seed_other_voices(play: str, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        gathered(play, tmp_path / name, hearing="audio", seed=seed)
    files = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("one", "two", "three")
    }
    assert files["one"] == files["two"]
    assert files["one"].keys() != files["three"].keys()


def test_only_so_many_messages_are_heard(play: str, tmp_path: Path) -> None:
    voices = QuickVoices()
    folder = gathered(play, tmp_path / "data", messages=1, hearing="audio", voices=voices)
    assert [len(one.ask.heard) for one in folder.samples(Split.TRAIN)] == [0, 1, 1, 0, 1, 1]
    assert folder.manifest.messages == 1


def test_what_is_dropped_as_a_repetition_is_counted(play: str, tmp_path: Path) -> None:
    again = tmp_path / "again.fountain"
    again.write_text(PLAY.replace("flood", "torrent").replace("the day", "a day"), "utf-8")
    settings = GatherSettings((play, str(again)), Wanted(split=Split.TRAIN))
    *_, done = gather(settings, tmp_path / "data")
    assert isinstance(done, Gathered)
    figures = done.folder.manifest.splits[Split.TRAIN]
    assert (figures.trajectories + figures.repeated, figures.leaked) == (12, 0)
    assert figures.repeated >= 4


def test_a_source_named_twice_is_gathered_once(play: str, tmp_path: Path) -> None:
    settings = GatherSettings(
        (play, play, str(Path(play).parent / "." / "umbrella.fountain")), Wanted(split=Split.TRAIN)
    )
    *_, done = gather(settings, tmp_path / "data")
    assert isinstance(done, Gathered)
    assert done.folder.manifest.trajectories == 6
    assert done.folder.manifest.splits[Split.TRAIN].repeated == 0


def test_it_tells_what_it_does(play: str, tmp_path: Path) -> None:
    events = events_of(play, tmp_path / "data", hearing="audio")
    assert [type(event) for event in events] == [
        SourcesRead, TurnsSifted, MessagesVoiced, MessagesVoiced, Gathered,
    ]  # fmt: skip
    assert [(event.done, event.total) for event in events if isinstance(event, MessagesVoiced)] == [(3, 6), (6, 6)]


class FailingVoices(QuickVoices):
    """Voices whose engine dies in the second scene."""

    def speak(self, lines: Any) -> Iterator[Any]:
        if self.batches:
            raise SynthesisError("the engine died")
        return super().speak(lines)


def test_a_run_that_fails_in_the_middle_leaves_nothing(play: str, tmp_path: Path) -> None:
    with pytest.raises(SynthesisError):
        events_of(play, tmp_path / "data", hearing="audio", voices=FailingVoices())
    assert [path.name for path in tmp_path.iterdir()] == ["umbrella.fountain"]


def test_a_run_that_is_left_in_the_middle_leaves_nothing(play: str, tmp_path: Path) -> None:
    running = gather(GatherSettings((play,), hearing="audio"), tmp_path / "data", synthesizer=QuickVoices())
    for event in running:
        if isinstance(event, MessagesVoiced):
            break
    running.close()  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["umbrella.fountain"]


def test_a_source_that_is_wrong_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="holds neither"):
        events_of(str(tmp_path), tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_sources_without_any_turn_are_told(play: str, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="no turn was found"):
        events_of(play, tmp_path / "data", wanted=Wanted(roles=(7,)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sources": ()}, "name a source"),
        ({"hearing": "smell"}, "hearing 'smell' is none of text, audio, units"),
        ({"messages": 0}, "messages 0"),
        ({"messages": 257}, "messages 257"),
        ({"seed": -1}, "seed -1"),
        ({"keep_audio": True}, "--keep-audio is for --hearing units"),
    ],
)
def test_what_cannot_be_gathered(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        GatherSettings(**{"sources": ("hcs",), **settings})


def test_the_takes_of_a_production_are_its_sounds(studio: Studio, tmp_path: Path) -> None:
    said = [
        Turn("Ella", text="You are still awake at this hour?"),
        Turn("Tom", text="I am always awake at four, as you know."),
    ]
    actors = Actors(ScriptedController(said), ScriptedController())
    settings = ImproviseSettings(formats=(), turns=2, roles=2, policy="round-robin")
    list(studio.improvise(KITCHEN, actors=actors, out=tmp_path / "play", settings=settings))
    voices = QuickVoices()
    folder = gathered(str(tmp_path / "play"), tmp_path / "data", hearing="audio", voices=voices)
    assert voices.spoken == []
    assert folder.manifest.voices == ""
    takes = {round(Audio.read(path).duration_s, 3) for path in (tmp_path / "play" / "takes").glob("*.flac")}
    turns = folder.samples(Split.TRAIN)
    assert {round(folder.audio(one.sound).duration_s, 3) for one in turns} == takes
    assert turns[1].heard_sounds == (turns[0].sound,)


def test_the_embedded_voices_speak_a_script(play: str, tmp_path: Path) -> None:
    wanted = Wanted(split=Split.TRAIN, scenes=1)
    *_, done = gather(GatherSettings((play,), wanted, hearing="audio"), tmp_path / "data")
    assert isinstance(done, Gathered)
    turns = done.folder.samples(Split.TRAIN)
    assert done.folder.manifest.voices.startswith("espeak-ng")
    whispered, shouted = (done.folder.audio(one.sound) for one in turns[:2])
    assert 0.5 < whispered.duration_s < shouted.duration_s < 10.0
