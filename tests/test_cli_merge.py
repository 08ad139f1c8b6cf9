"""``speechagents merge`` as people type it: a tuned model becomes a folder, and the folder plays a scene."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from speechagents.cli import main
from speechagents.resources import resource

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")

from speechagents.controllers import sampling
from speechagents.controllers import transformers as transformers_controller
from speechagents.tuning import export as export_module
from tests.tuning.tuned_models import adapter, small_text_model

PICNIC = resource("assets", "examples", "scenes", "city-park-picnic.yaml")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and two adapters of it: ``ferry/model`` and ``market/model``."""
    folder = tmp_path_factory.mktemp("runs")
    base = small_text_model(folder / "brain", tied=False)
    for seed, name in enumerate(("ferry", "market"), start=1):
        adapter(base, folder / name / "model", seed=seed)
    return folder


def test_a_merged_model_plays_a_scene(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, preset = tmp_path / "ferry", tmp_path / "mine.yaml"
    assert main(["merge", str(runs / "ferry" / "model"), "--out", str(out), "--preset-file", str(preset)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}\n"
    assert f"ferry → {out} (Qwen2ForCausalLM, " in said.err
    assert "4 of 27 tensors of brain changed, 100.0% of changes kept" in said.err
    assert "norm of the change" in said.err
    assert f"--preset {preset}" in said.err
    # Its weights are random, and what it says is nonsense: without a grammar the stage falls back, and goes on.
    monkeypatch.setattr(sampling, "grammar_of", lambda *_: None)
    monkeypatch.setattr(transformers_controller, "_MAX_NEW_TOKENS", 16)
    played = ["improvise", str(PICNIC), "--out", str(tmp_path / "play"), "--preset", str(preset), "--turns", "2"]
    assert main([*played, "--formats", "vtt", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["turns"], told["fallback_turns"]) == (2, 2)
    assert told["tokens_in"] > 500


def test_several_are_merged_as_breadcrumbs_and_told_as_json(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["merge", str(runs / "ferry"), str(runs / "market"), "--out", str(tmp_path / "both")]
    asked += ["--breadcrumbs", "--keep-from", "0.5", "--strength", "1,0.5", "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["models"] == ["ferry", "market"]
    assert (told["base"], told["architecture"], told["folder"]) == ("brain", "Qwen2ForCausalLM", str(tmp_path / "both"))
    assert (told["tensors"], told["changed"]) == (27, 4)
    assert told["share"] == pytest.approx(0.49, abs=0.001)
    assert told["norm"] > 0
    made = json.loads((tmp_path / "both" / "speechagents.json").read_text("utf-8"))
    assert [one["strength"] for one in made["models"]] == [1.0, 0.5]
    assert (made["merge"]["keep_from"], made["merge"]["keep_to"]) == (0.5, 0.99)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep-from", "0.5"], "--keep-from and --keep-to say what --breadcrumbs keep"),
        (["--breadcrumbs", "--keep-to", "0.1"], "change --keep-from or --keep-to"),
        (["--strength", "1,2,3"], "there are 3 strengths for 1 models"),
        (["--strength", "0"], "strengths are above 0"),
        (["--base", "acme/not-here"], "acme/not-here"),
        (["--preset-file", "mine.json"], "let it end in .yaml"),
    ],
)
def test_what_cannot_be_is_told_with_the_remedy_and_nothing_is_written(
    options: list[str], said: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", str(runs / "ferry"), "--out", str(tmp_path / "out"), *options]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert not told.out
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(tmp_path / "gone"), "--out", str(tmp_path / "out")]) == 2
    assert "there is no such folder; give the folder `speechagents tune` wrote" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["merge", str(tmp_path), "--out", str(tmp_path / "out"), "--strength", "much"])
    assert ended.value.code == 2


def test_without_its_packages_the_line_that_installs_them_is_told(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(export_module, "export", without)
    assert main(["merge", str(runs / "ferry"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert 'torch is not installed: python -m pip install "speechagents[tuning]"' in said


def test_help_needs_none_of_them() -> None:
    program = (
        "import sys\nfrom speechagents.cli import main\n"
        "try:\n    main(['merge', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'transformers', 'peft'} & set(sys.modules), sorted(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "--breadcrumbs" in run.stdout
