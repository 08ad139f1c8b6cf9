"""``speechagents trajectories`` as people type it: what it makes and prints, and what it says of wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from speechagents.cli import main
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import read_trajectory_folder

PLAY = """\
ANNA (whispering): Is it still raining out there?
BEN: It is not raining, Anna. It is a flood.
ANNA: Then we swim to the bakery.
"""


@pytest.fixture
def play(tmp_path: Path) -> str:
    path = tmp_path / "flood.txt"
    path.write_text(PLAY, "utf-8")
    return str(path)


def test_a_script_becomes_a_folder_that_can_be_learnt_from(
    play: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data"
    asked = ["trajectories", play, "--out", str(out), "--split", "train", "--licence", "CC0-1.0", "--messages", "1"]
    assert main(asked) == 0
    told = capsys.readouterr()
    assert told.out == f"{out}\n"
    assert "flood: 1 take with 3 messages" in told.err
    assert "3 turns; 0 left out that their split says already, 0 that another split says" in told.err
    assert "train: 3 trajectories of 1 scene\n" in told.err
    folder = read_trajectory_folder(out)
    assert [one.turn.style.tag for one in folder.samples(Split.TRAIN)] == ["whispering", "default", "default"]
    assert [len(one.ask.heard) for one in folder.samples(Split.TRAIN)] == [0, 1, 1]
    assert folder.manifest.sources[0].licence == "CC0-1.0"


def test_the_benchmark_is_gathered_by_roles_scenes_and_turns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["trajectories", "hcs", "--roles", "2,3", "--scenes", "1", "--turns", "5", "--out", str(tmp_path / "data")]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scenes"] == {"train": 1, "dev": 1, "test": 1}
    assert told["trajectories"] == {"train": 10, "dev": 10, "test": 10}
    assert (told["hearing"], told["sounds"], told["codec"], told["leaked"]) == ("text", 0, "", 0)
    assert told["digest"] == read_trajectory_folder(tmp_path / "data").digest


def test_with_audio_the_sounds_lie_beside_the_lines(
    play: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data"
    assert main(["trajectories", play, "--out", str(out), "--split", "train", "--hearing", "audio", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["sounds"] == len(list((out / "audio").glob("*.flac"))) == 3
    assert json.loads(told.out)["sound_s"] > 3.0
    assert "3 of 3 messages have their sound" in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hcs:nowhere"], "hcs has no split 'nowhere'; there are train, dev, test"),
        (["gone.fountain"], "no such file: gone.fountain"),
        (["PLAY", "--roles", "1"], "1 roles are not between 2 and 25"),
        (["PLAY", "--roles", "9"], "no turn was found in these sources"),
        (["PLAY", "--messages", "0"], "messages 0 is not between 1 and 256"),
        (["PLAY", "--keep-audio"], "--keep-audio is for --hearing units"),
        (["PLAY", "--scenes", "-1"], "scenes -1 is not between"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(
    play: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    asked = [play if one == "PLAY" else one for one in arguments]
    assert main(["trajectories", *asked, "--out", str(tmp_path / "data")]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("speechagents: ")
    assert said in last
    assert [path.name for path in tmp_path.iterdir()] == ["flood.txt"]


def test_a_folder_that_is_there_is_not_overwritten(
    play: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep me")
    assert main(["trajectories", play, "--out", str(tmp_path / "data")]) == 2
    assert "is there already; name a new folder for --out" in capsys.readouterr().err
    assert (tmp_path / "data" / "mine.txt").read_text() == "keep me"


def test_no_library_for_training_is_loaded(play: str, tmp_path: Path) -> None:
    code = (
        "import sys; from speechagents.cli import main; "
        f"code = main(['trajectories', {play!r}, '--out', {str(tmp_path / 'data')!r}, '--split', 'train']); "
        "assert code == 0; assert not {'torch', 'transformers', 'peft'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
