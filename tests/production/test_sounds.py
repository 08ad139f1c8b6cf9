"""The user's folder of sounds, and the cues that call for them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio, Samples
from speechagents.drama import CueKind, Line, Scene, SoundCue
from speechagents.errors import SoundError
from speechagents.production import sounds as module
from speechagents.production.mixing import mix_scene
from speechagents.production.rhythm import SceneClock
from speechagents.production.rooms import DRY
from speechagents.production.sounds import (
    AMBIENCE_BELOW_SPEECH_DB,
    EFFECT_PEAK_DB,
    SPEECH_DB,
    SoundLibrary,
    closed,
    place_cue,
)
from speechagents.production.timeline import SCENE_GUARD_S

RATE_HZ = 16_000


def sound(seconds: float = 0.4, level: float = 0.1, channels: int = 1) -> Samples:
    lot = np.random.default_rng(3)
    shape = (round(seconds * RATE_HZ), channels) if channels > 1 else (round(seconds * RATE_HZ),)
    return (lot.standard_normal(shape) * level).astype(np.float32)


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, sound(), RATE_HZ)
    return tmp_path / "sounds"


def matched(library: SoundLibrary, name: str) -> str | None:
    index = library.match(name)
    return None if index is None else library.files[index]


def test_a_cue_finds_its_file_by_words(tmp_path: Path) -> None:
    library = SoundLibrary(
        folder(
            tmp_path,
            "door slam.wav",
            "Door_Creak-02.flac",
            "weather/rain/heavy.ogg",
            "door.wav",
            "café noise.wav",
            "7.wav",
        )
    )
    assert matched(library, "DOOR SLAM") == "door slam.wav"
    assert matched(library, "door-slam") == "door slam.wav"
    assert matched(library, "creak") == "Door_Creak-02.flac"
    assert matched(library, "Heavy Rain") == "weather/rain/heavy.ogg"
    assert matched(library, "the door") == "door.wav"
    assert matched(library, "door") == "door.wav"
    assert matched(library, "Cafe Noise 3") == "café noise.wav"
    assert matched(library, "7") == "7.wav"
    assert matched(library, "gunshot") is None
    assert matched(library, "../../etc/passwd") is None
    assert matched(library, "!!!") is None


def test_among_equals_the_choice_is_fixed(tmp_path: Path) -> None:
    library = SoundLibrary(folder(tmp_path, "b/rain.wav", "a/rain.wav", "rain light.wav"))
    assert matched(library, "rain") == "a/rain.wav"


def test_without_a_folder_there_are_no_sounds() -> None:
    library = SoundLibrary(None)
    assert library.files == ()
    assert library.cued(SoundCue("door")) is None
    with pytest.raises(SoundError, match="--sounds"):
        library.read(0)


def test_links_out_of_the_folder_hidden_files_and_other_files_are_not_sounds(tmp_path: Path) -> None:
    where = folder(tmp_path, "door.wav", ".hidden.wav", "sub/bell.wav")
    outside = tmp_path / "secret.wav"
    sf.write(outside, sound(), RATE_HZ)
    (where / "stolen.wav").symlink_to(outside)
    (where / "elsewhere").symlink_to(tmp_path)
    (where / "alias.wav").symlink_to(where / "door.wav")
    (where / "broken.wav").symlink_to(where / "gone.wav")
    (where / "notes.txt").write_text("no sound")
    (where / "empty.wav").touch()
    assert SoundLibrary(where).files == ("alias.wav", "door.wav", "sub/bell.wav")


def test_folders_that_are_missing_too_large_or_no_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SoundError, match="no folder of sounds"):
        SoundLibrary(tmp_path / "nowhere")
    where = folder(tmp_path, "a.wav", "b.wav", "c.wav")
    with pytest.raises(SoundError, match="no folder of sounds"):
        SoundLibrary(where / "a.wav")
    monkeypatch.setattr(module, "MAX_FILES", 2)
    with pytest.raises(SoundError, match="more than 2 sounds"):
        SoundLibrary(where)


def test_very_deep_folders_are_not_searched(tmp_path: Path) -> None:
    deep = "/".join(["x"] * 9) + "/deep.wav"
    assert SoundLibrary(folder(tmp_path, "door.wav", deep)).files == ("door.wav",)


def test_unknown_cues_are_told_once_with_the_nearest_names(tmp_path: Path) -> None:
    library = SoundLibrary(folder(tmp_path, "door slam.wav", "rain.wav"))
    cues = (SoundCue("door slem", source_line=4), SoundCue("Door Slem"), SoundCue("rain"), SoundCue("xylophone"))
    scenes = [Scene("One", "", cues), Scene("Two", "", cues[:1])]
    messages = library.unknown_cues(scenes)
    assert len(messages) == 2
    assert messages[0] == 'no sound for "door slem" (line 4); the nearest are door slam.wav'
    assert "xylophone" in messages[1]
    assert "--sounds" in SoundLibrary(None).unknown_cues(scenes)[0]


@pytest.mark.parametrize("level", [0.001, 0.05, 0.3])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_ambience_lies_18_db_under_speech_however_loud_its_file_is(
    tmp_path: Path, level: float, channels: int
) -> None:
    sf.write(tmp_path / "rain.wav", sound(3.0, level, channels), RATE_HZ, subtype="FLOAT")
    cued = SoundLibrary(tmp_path).cued(SoundCue("rain", CueKind.AMBIENCE))
    assert cued is not None
    power = float(np.mean(cued.audio.samples.astype(np.float64) ** 2)) * channels
    assert 10 * math.log10(power) + cued.gain_db == pytest.approx(SPEECH_DB - AMBIENCE_BELOW_SPEECH_DB, abs=0.5)


def test_a_bang_does_not_blow_up_the_peak(tmp_path: Path) -> None:
    bang = np.zeros(RATE_HZ, np.float32)
    bang[100:120] = 0.9
    sf.write(tmp_path / "bang.wav", bang, RATE_HZ)
    cued = SoundLibrary(tmp_path).cued(SoundCue("bang"))
    assert cued is not None
    assert 20 * math.log10(cued.audio.peak) + cued.gain_db <= EFFECT_PEAK_DB + 0.1


def test_silence_and_many_channels_can_be_borne(tmp_path: Path) -> None:
    sf.write(tmp_path / "silence.wav", np.zeros(1000, np.float32), RATE_HZ)
    sf.write(tmp_path / "surround.wav", sound(0.2, channels=6), RATE_HZ)
    library = SoundLibrary(tmp_path)
    silence, surround = library.cued(SoundCue("silence")), library.cued(SoundCue("surround"))
    assert silence is not None
    assert silence.gain_db == 0.0
    assert surround is not None
    assert surround.audio.channels == 1


@pytest.mark.parametrize("content", [b"RIFF" + b"\x00" * 40, b"not a sound at all", b"ID3" + b"\xff" * 64])
def test_a_file_that_is_no_sound_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "door.wav").write_bytes(content)
    with pytest.raises(SoundError, match=r"door\.wav: "):
        SoundLibrary(tmp_path).cued(SoundCue("door"))


def test_long_files_are_read_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SOUND_S", 0.5)
    sf.write(tmp_path / "rain.wav", sound(3.0), RATE_HZ)
    cued = SoundLibrary(tmp_path).cued(SoundCue("rain", CueKind.AMBIENCE))
    assert cued is not None
    assert cued.audio.duration_s == 0.5


def test_an_effect_comes_after_the_line_before_it_and_an_ambience_runs_to_the_end_of_the_scene(
    tmp_path: Path,
) -> None:
    library = SoundLibrary(folder(tmp_path, "door.wav", "rain.wav"))
    door, rain = library.cued(SoundCue("door")), library.cued(SoundCue("rain", CueKind.AMBIENCE))
    assert door is not None
    assert rain is not None
    clock = SceneClock(seed=1)
    said = clock.place(Line(1, "A", "Listen."), 1.0) + 1.0
    placed = [place_cue(door, clock, origin_s=10.0), place_cue(rain, clock, origin_s=10.0)]
    after = clock.place(Line(2, "B", "What?"), 1.0)
    end_s = 10.0 + clock.end()
    effect, ambience = closed(placed, end_s)
    assert 10.0 + said < effect.start_s < 10.0 + after - 0.4
    assert effect.duration_s == door.audio.duration_s
    assert ambience.start_s + ambience.duration_s == pytest.approx(end_s - SCENE_GUARD_S)


def test_cued_sounds_are_heard_in_the_mix(tmp_path: Path) -> None:
    library = SoundLibrary(folder(tmp_path, "rain.wav"))
    rain = library.cued(SoundCue("rain", CueKind.AMBIENCE))
    assert rain is not None
    clock = SceneClock(seed=1)
    placed = place_cue(rain, clock)
    clock.place(Line(1, "A", "Listen."), 3.0)
    out = np.concatenate(list(mix_scene([(placed, rain.audio)], room=DRY, duration_s=clock.end)))
    middle = Audio(out[60_000:120_000], 44_100)
    power = float(np.mean(np.sum(middle.samples.astype(np.float64) ** 2, axis=1)))
    # Resampled from 16 kHz, noise keeps its power.
    assert 10 * math.log10(power) == pytest.approx(SPEECH_DB - AMBIENCE_BELOW_SPEECH_DB, abs=1.0)
