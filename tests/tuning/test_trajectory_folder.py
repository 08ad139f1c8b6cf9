"""A folder of trajectories: whole or not there, read back equal, and nothing believed that was changed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio
from speechagents.errors import StorageError, TuningError
from speechagents.tuning.manifest import About, SourceFigures
from speechagents.tuning.trajectory import Split, Trajectory
from speechagents.tuning.trajectory_folder import (
    SOUND_HZ,
    NewTrajectoryFolder,
    TrajectoryFolder,
    new_trajectory_folder,
    read_trajectory_folder,
    write_trajectory_folder,
)
from tests.tuning.made_up_scenes import SAID, sound_of, trajectories

LADDER = (
    ("Tom", "Somebody has taken the ladder from behind the shed.", "angry"),
    ("Ella", "It was the wind, or the neighbour with the green hat.", "calm"),
)
TURNS = (*trajectories(), *trajectories(LADDER, scene_id="ladder", split=Split.DEV))
ABOUT = About(
    messages=16,
    sources=(SourceFigures("My *scenes*", "script", "0123456789ab", "CC0-1.0", 2, 2, 7, ("scene 3 has 1 role",)),),
    repeated={Split.TRAIN: 3},
    made_by={"hand": 6, "rehearsal 1": 1},
    thought=2,
)


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    written = write_trajectory_folder(tmp_path / "data", TURNS, about=ABOUT)
    again = read_trajectory_folder(tmp_path / "data")
    assert [*again.samples(Split.TRAIN)] == [*TURNS[:5]]
    assert [*again.samples(Split.DEV)] == [*TURNS[5:]]
    assert again.samples(Split.TEST) == ()
    assert again.manifest == written.manifest
    assert again.digest == written.digest
    assert again.samples(Split.TRAIN) is again.samples(Split.TRAIN), "read once"


def test_the_folder_holds_what_it_says_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_trajectory_folder(tmp_path / "data", TURNS)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "README.md", "dev.jsonl", "manifest.json", "test.jsonl", "train.jsonl",
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_same_trajectories_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_trajectory_folder(tmp_path / name, TURNS, sounds=(), about=ABOUT)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_the_manifest_counts_what_is_there(tmp_path: Path) -> None:
    manifest = write_trajectory_folder(tmp_path / "data", TURNS, about=ABOUT).manifest
    train = manifest.splits[Split.TRAIN]
    assert (train.trajectories, train.scenes, train.roles, train.repeated, train.leaked) == (5, 1, 3, 3, 0)
    assert train.words == sum(len(text.split()) for _, text, _ in SAID)
    assert train.sha256 == hashlib.sha256((tmp_path / "data" / "train.jsonl").read_bytes()).hexdigest()
    assert manifest.styles == {
        "angry": 1, "calm": 1, "default": 1, "hesitant": 1, "sarcastic": 1, "surprised": 1, "tired": 1,
    }  # fmt: skip
    assert (manifest.trajectories, manifest.thought, manifest.sources) == (7, 2, ABOUT.sources)


def test_the_data_card_is_made_of_the_figures(tmp_path: Path) -> None:
    write_trajectory_folder(tmp_path / "data", TURNS, about=ABOUT)
    card = (tmp_path / "data" / "README.md").read_text("utf-8")
    words = sum(len(text.split()) for _, text, _ in SAID)
    assert f"| train | 5 | 1 | 3 | {words} | 3 | 0 |" in card
    assert "| test | 0 | 0 | 0 | 0 | 0 | 0 |" in card
    assert "| sarcastic | 1 |" in card
    assert r"| My \*scenes\* | script | CC0-1.0 | 2 | 2 | 7 | 0123456789ab |" in card
    assert r"My \*scenes\*: scene 3 has 1 role." in card
    assert "2 are the agents' own, as they were recorded. 5 were derived by a rule" in card
    assert "A split is empty" in card
    assert "| rehearsal 1 | 1 |" in card
    assert "templates" in card


def test_thoughts_that_give_the_style_away_are_counted(tmp_path: Path) -> None:
    turn = TURNS[1].turn
    telling = replace(TURNS[1], turn=replace(turn, thoughts="I should be Tired, and short."))
    untelling = replace(TURNS[2], turn=replace(TURNS[2].turn, thoughts="I am tiredness itself."))
    write_trajectory_folder(tmp_path / "data", [telling, untelling])
    assert "The thoughts of 1 turn name its style" in (tmp_path / "data" / "README.md").read_text("utf-8")
    write_trajectory_folder(tmp_path / "derived", TURNS)
    assert "name its style" not in (tmp_path / "derived" / "README.md").read_text("utf-8")


def with_sounds() -> tuple[Trajectory, list[Audio]]:
    """A turn that names two sounds, and three sounds."""
    sounds = [sound_of(text) for _, text, _ in SAID[:3]]
    shas = [address(sound) for sound in sounds]
    return replace(TURNS[1], heard_sounds=(shas[0],), sound=shas[1]), sounds


def address(sound: Audio) -> str:
    """The SHA-256 under which a sound is kept."""
    with tempfile.TemporaryDirectory() as work:
        return NewTrajectoryFolder(Path("data"), Path(work)).keep(sound)


def test_sounds_are_kept_once_at_one_rate_in_16_bits_under_their_sha(tmp_path: Path) -> None:
    one, sounds = with_sounds()
    stereo = Audio(np.stack([sounds[0].samples] * 2, axis=1), sounds[0].rate_hz)
    folder = write_trajectory_folder(tmp_path / "data", [one], sounds=[*sounds, stereo, sounds[0]])
    kept = sorted((tmp_path / "data" / "audio").iterdir())
    assert sorted(path.stem for path in kept) == sorted([one.heard_sounds[0], one.sound]), "no turn names the third"
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.stem for path in kept)
    info = sf.info(folder.sound_path(one.sound))
    assert (info.samplerate, info.channels, info.subtype, info.format) == (SOUND_HZ, 1, "PCM_16", "FLAC")
    heard = folder.audio(one.sound)
    expected = sounds[1].resampled(SOUND_HZ)
    assert heard.rate_hz == SOUND_HZ
    assert np.abs(heard.samples - expected.samples).max() <= 1.01 / 65_536
    assert folder.manifest.sounds == 2
    assert folder.manifest.sound_s == pytest.approx(sounds[0].duration_s + sounds[1].duration_s, abs=0.001)


@pytest.mark.parametrize("sha", ["", "../manifest", "AB" * 32, "ab" * 31 + "/x", "ab" * 32 + "\n"])
def test_a_sound_is_asked_for_by_its_sha_alone(tmp_path: Path, sha: str) -> None:
    folder = write_trajectory_folder(tmp_path / "data", TURNS)
    with pytest.raises(TuningError, match="is no SHA-256"):
        folder.audio(sha)


def test_a_sound_that_is_gone_damaged_or_another_one_is_told(tmp_path: Path) -> None:
    one, sounds = with_sounds()
    folder = write_trajectory_folder(tmp_path / "data", [one], sounds=sounds[:2])
    with pytest.raises(TuningError, match=f"audio/{'ab' * 32}.flac: cannot be read"):
        folder.audio("ab" * 32)
    path = folder.sound_path(one.sound)
    path.write_bytes(folder.sound_path(one.heard_sounds[0]).read_bytes())
    with pytest.raises(TuningError, match="is not the sound that its name says"):
        folder.audio(one.sound)
    noise = b"fLaC" + bytes(100)
    sha = hashlib.sha256(noise).hexdigest()
    folder.sound_path(sha).write_bytes(noise)
    with pytest.raises(TuningError, match="cannot be read as sound"):
        folder.audio(sha)


REFUSED: dict[str, tuple[Callable[[], list[Trajectory]], str]] = {
    "twice": (lambda: [TURNS[0], TURNS[0]], "the trajectory two-cups/one/0 is there twice"),
    "a sound that was not kept": (lambda: [replace(TURNS[0], sound="ab" * 32)], "was not kept"),
    "a scene in two splits": (
        lambda: [TURNS[0], replace(TURNS[1], split=Split.TEST)],
        "the scene two-cups lies in train and in test",
    ),
    "a turn in two splits": (
        lambda: [TURNS[0], *trajectories(SAID[:1], scene_id="again", split=Split.TEST)],
        "says nearly the same",
    ),
    "what no line can hold": (lambda: [replace(TURNS[0], rationale="\ud800")], "half a character"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_must_not_be_in_a_folder_leaves_none(tmp_path: Path, what: str) -> None:
    make, said = REFUSED[what]
    with pytest.raises(TuningError, match=said):
        write_trajectory_folder(tmp_path / "data", make())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_trajectory_folder(tmp_path / "data", TURNS)
    for path in (tmp_path / "data", tmp_path / "data" / "README.md"):
        with pytest.raises(TuningError, match="is there already; name a new folder"):
            write_trajectory_folder(path, TURNS)
    assert len(read_trajectory_folder(tmp_path / "data").samples(Split.TRAIN)) == 5


def test_a_folder_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with new_trajectory_folder(tmp_path / "data") as folder:
            folder.keep(sound_of("a word"))
            assert not (tmp_path / "data").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    killed = f"""
import os, signal
from pathlib import Path
from speechagents.tuning.trajectory_folder import new_trajectory_folder
from tests.tuning.made_up_scenes import sound_of
with new_trajectory_folder(Path({str(tmp_path / "data")!r})) as folder:
    folder.keep(sound_of("a word"))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert not (tmp_path / "data").exists()
    assert list(tmp_path.iterdir()) != [], "it was killed in the middle"
    folder = write_trajectory_folder(tmp_path / "data", TURNS)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert folder.manifest.sounds == 0


def test_two_runs_do_not_make_one_folder(tmp_path: Path) -> None:
    with new_trajectory_folder(tmp_path / "data") as folder:
        with pytest.raises(TuningError, match="another run is making it"):
            write_trajectory_folder(tmp_path / "data", TURNS)
        folder.finish(TURNS, About())
    assert len(read_trajectory_folder(tmp_path / "data").samples(Split.TRAIN)) == 5


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"file/data: "):
        write_trajectory_folder(tmp_path / "file" / "data", TURNS)


def spoil(folder: Path, name: str, old: str, new: str) -> TrajectoryFolder:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return read_trajectory_folder(folder)


NOT_IT = "is not the file that manifest.json names"
SPOILT = {
    "another word": ("train.jsonl", "awake at this hour", "asleep at this hour", NOT_IT),
    "another split": ("train.jsonl", '"split":"train"', '"split":"test"', "train.jsonl:1: split: is test"),
    "an id twice": ("train.jsonl", "cups/one/1", "cups/one/0", "train.jsonl:2: id: two-cups/one/0 is there twice"),
    "a field gone": ("train.jsonl", '"note":"",', "", "train.jsonl:1: note: is missing"),
    "a line gone": ("manifest.json", '"trajectories": 5', '"trajectories": 6', "train.jsonl:6: no JSON"),
    "a line more": ("manifest.json", '"trajectories": 5', '"trajectories": 4', NOT_IT),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, what: str) -> None:
    write_trajectory_folder(tmp_path / "data", TURNS)
    name, old, new, said = SPOILT[what]
    folder = spoil(tmp_path / "data", name, old, new)
    with pytest.raises(TuningError, match=re.escape(said)):
        folder.samples(Split.TRAIN)


def test_a_scene_in_two_splits_is_refused_even_if_all_digests_are_right(tmp_path: Path) -> None:
    write_trajectory_folder(tmp_path / "data", TURNS)
    for name in ("dev.jsonl", "manifest.json"):
        path = tmp_path / "data" / name
        text = path.read_text("utf-8").replace('"ladder', '"two-cups').replace("ladder/", "two-cups/x")
        path.write_text(text, "utf-8")
    digest = hashlib.sha256((tmp_path / "data" / "dev.jsonl").read_bytes()).hexdigest()
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text("utf-8"))
    manifest["splits"]["dev"]["sha256"] = digest
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    folder = read_trajectory_folder(tmp_path / "data")
    folder.samples(Split.TRAIN)
    with pytest.raises(TuningError, match="its scene lies in train, too"):
        folder.samples(Split.DEV)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"version": 1', '"version": 2', "version: is 2; this program reads version 1"),
        ('"hearing": "text"', '"hearing": "braille"', "hearing: is 'braille'"),
        ('"messages": 256', '"messages": 0', "messages: is no whole number"),
        ('"made_by": {}', '"made_by": {"x": -1}', "made_by.x: is no whole number"),
        ('"made_by": {}', '"made_by": []', "made_by: is no object"),
        ('"sources": []', '"sources": [{}]', "sources[0].name: is missing"),
        ('"sound_s": 0', '"sound_s": "long"', "sound_s: is no number"),
        ('"codec": "",', "", "codec: is missing"),
        ('"sha256": "', '"sha256": "x', "splits.train.sha256: is no SHA-256"),
        ('{\n  "version"', "", "no JSON"),
    ],
)
def test_a_damaged_manifest_is_told_with_its_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    write_trajectory_folder(tmp_path / "data", TURNS)
    with pytest.raises(TuningError, match=re.escape(f"manifest.json: {said}")):
        spoil(tmp_path / "data", "manifest.json", old, new)


def test_a_folder_without_manifest_is_told_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="make the folder with `speechagents trajectories"):
        read_trajectory_folder(tmp_path)
