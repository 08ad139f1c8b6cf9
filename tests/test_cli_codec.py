"""``speechagents codec`` teaches a codec, and refuses what it cannot do before it begins."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from speechagents.cli import main
from speechagents.units.codec import load_codec


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["codec", "--out", str(tmp_path)]) == 2
    assert "holds something already; name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("option", ["--lines", "--held-back", "--encoder-rounds", "--decoder-rounds"])
def test_a_number_out_of_range_is_refused_by_name(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["codec", "--out", str(tmp_path / "new"), option, "0"]) == 2
    assert option in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_pytorch_it_says_how_to_install_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codec", "--out", str(tmp_path / "new")]) == 2
    assert 'python -m pip install "speechagents[tuning]"' in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_a_small_codec_is_taught_and_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = ["--encoder-rounds", "1", "--decoder-rounds", "1"]
    assert main(["codec", "--out", str(tmp_path / "new"), "--lines", "16", "--held-back", "2", "--json", *rounds]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["units"] == load_codec(tmp_path / "new").units > 5
    assert shown["out"] == str(tmp_path / "new")
