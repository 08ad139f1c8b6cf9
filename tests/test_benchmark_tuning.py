"""The table of Multi-Agent Tuning: which recipes are run, and what is written of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import tuning
from benchmarks.tuning import BASE_STEPS, PERCENT, RECIPE, main, wanted_base, wanted_recipe, write_results
from speechagents.tuning.ability_table import AbilityTable, Rated
from speechagents.tuning.measures import Evaluation, Scored
from speechagents.tuning.recipe import AdapterKind, Base, FamilyKind
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.trajectory_folder import read_trajectory_folder

SMALL = read_recipe(RECIPE)


def found(**means: float) -> Evaluation:
    return Evaluation(
        "same",
        {name: {f"s{at}": Scored(f"s{at}", mean + 0.001 * at, 1.0) for at in range(8)} for name, mean in means.items()},
    )


class TestRecipes:
    def test_its_own_recipe_can_be_tuned_at_every_share(self) -> None:
        assert SMALL.family is FamilyKind.UNITS
        assert round(100 * SMALL.data.agent) in PERCENT, "the claim is about the recipe's own share"

    def test_fewer_steps_are_measured_as_often(self) -> None:
        fewer = wanted_recipe(SMALL, steps=SMALL.training.steps // 10).training

        assert fewer.steps == SMALL.training.steps // 10
        assert fewer.steps // fewer.evaluate_every == SMALL.training.steps // SMALL.training.evaluate_every
        assert fewer.warmup <= fewer.steps
        assert wanted_recipe(SMALL, steps=0) == SMALL

    def test_random_weights_are_taught_general_instructions_first_and_all_of_them(self) -> None:
        pytest.importorskip("torch")
        base = wanted_base(SMALL, None, steps=None)

        assert base is not None
        assert base.data.agent == 0.0
        assert base.adapter.kind is AdapterKind.FULL
        assert base.training.steps == BASE_STEPS
        assert base.base == SMALL.base

    def test_a_base_that_has_learnt_is_taken_as_it_is_unless_it_is_asked_otherwise(self) -> None:
        pytest.importorskip("torch")
        learnt = replace(SMALL, base=Base(model="owner/name"))

        assert wanted_base(learnt, None, steps=None) is None
        taught = wanted_base(learnt, None, steps=10)
        assert taught is not None
        assert taught.training.steps == 10

    def test_a_recipe_for_the_base_can_be_named(self) -> None:
        pytest.importorskip("torch")
        given = replace(SMALL, name="first", data=replace(SMALL.data, agent=0.0))

        assert wanted_base(SMALL, given, steps=None) == given
        shorter = wanted_base(SMALL, given, steps=20)
        assert shorter is not None
        assert (shorter.name, shorter.training.steps) == ("first", 20)


class TestResults:
    def test_the_table_and_all_figures_are_written(self, tmp_path: Path) -> None:
        table = AbilityTable(
            Rated("untuned", (found(style=0.1, general_exact=0.9),)),
            (Rated("50 % agent data", (found(style=0.4, general_exact=0.9),) * 2),),
            claimed="50 % agent data",
        )

        write_results(tmp_path / "tuning", table, {"Recipe": "ability"}, {"wall_s": 12.0})

        text, values = (tmp_path / "tuning.md").read_text(), json.loads((tmp_path / "tuning.json").read_text())
        assert text.startswith("# Multi-Agent Tuning\n\n## What is shown\n\nShown with 50 % agent data (2 seeds")
        assert values["claim"]["holds"] is True
        assert values["claim"]["verdict"][0].startswith("Shown with")
        assert values["wall_s"] == 12.0
        assert values["about"] == {"Recipe": "ability"}

    def test_what_cannot_be_run_is_said_in_one_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("torch")

        assert main(["--data", str(tmp_path / "nothing")]) == 2

        assert capsys.readouterr().err.startswith("benchmarks.tuning: ")

    def test_lists_of_numbers_are_checked(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["--data", "x", "--seeds", "1,two"])

        assert "no list of numbers" in capsys.readouterr().err


@pytest.mark.slow
def test_a_study_is_run_from_a_folder_of_trajectories_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("torch", "transformers", "peft", "tokenizers", "accelerate"):
        pytest.importorskip(package)
    from speechagents.tuning.before_after import evaluate_run
    from speechagents.tuning.gathering import GatherSettings, gather
    from speechagents.tuning.sources import Wanted
    from tests.tuning.made_up_scenes import WordCodec

    *_, _ = gather(
        GatherSettings(("hcs",), Wanted(roles=(2,), scenes=2, turns=6), hearing="units"),
        tmp_path / "data",
        codec=WordCodec(),
    )
    monkeypatch.setattr(tuning, "RESULTS", tmp_path / "results")
    command = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--steps", "2", "--base-steps", "2"]
    command += ["--ratios", "0,50", "--seeds", "1", "--samples", "6", "--device", "cpu", "--write"]

    assert main(command) == 0

    shown = capsys.readouterr().out
    assert "3 of 3: ratio-050-seed-1" in shown
    assert "hown with 50 % agent data (1 seed, 2 scenes" in shown
    values = json.loads((tmp_path / "results" / "tuning.json").read_text())
    assert {"next_speaker", "style", "line_nats", "unit_nats", "general_nats", "words_wrong", "units_wrong"} <= set(
        values["levels"]
    )
    assert set(values["cells"]) == {"base", "ratio-000-seed-1", "ratio-050-seed-1"}

    run = tmp_path / "out" / "ratio-050-seed-1"
    data = read_trajectory_folder(tmp_path / "data")
    found = evaluate_run(read_recipe(run / "recipe.yaml"), run, data, most=3, device="cpu")

    assert found.untuned.seeds != found.tuned[0].seeds
    text = (run / "evaluation.md").read_text()
    assert text.startswith("# ability: before and after")
    assert "the split test" in text
