"""Scenes of the benchmark as a measure of a tuned model."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.benchmark.metrics.metric import Measured
from speechagents.benchmark.scores import CellScores, RunInfo, RunScores
from speechagents.errors import TuningError
from speechagents.tuning.measures import measure_of
from speechagents.tuning.stage_trial import Trial, play_trial, trial_values, unit_speech_folder

INFO = RunInfo("x", "hcs v1", "model", {}, "espeak", "addressed", "text", "test", (3,), 8, 1, 12, 0)


def scored(*cells: dict[str, float | None]) -> RunScores:
    return RunScores(
        INFO,
        tuple(
            CellScores(f"scene-{at}", 3, 0, {name: Measured(value) for name, value in cell.items()})
            for at, cell in enumerate(cells)
        ),
        len(cells),
    )


class TestValues:
    def test_metrics_of_words_with_better_and_worse_values_are_kept(self) -> None:
        found = trial_values(
            scored(
                {
                    "uptake": 0.25,
                    "fallback_turns": 0.0,
                    "style_adherence": 0.9,
                    "talk_balance": 0.5,
                    "seconds_per_turn": 2,
                }
            )
        )

        assert set(found.measures) == {"stage uptake", "stage fallback_turns"}
        assert found.by_group("stage uptake") == {"scene-0": 0.25}
        assert measure_of("stage uptake").title == "Uptake of what was said"

    def test_a_scene_that_another_controller_played_counts_for_that_alone(self) -> None:
        found = trial_values(scored({"uptake": 0.25, "fallback_turns": 0.1}, {"uptake": 0.9, "fallback_turns": 0.5}))

        assert found.by_group("stage uptake") == {"scene-0": 0.25}
        assert found.mean("stage fallback_turns") == pytest.approx(0.3)

    def test_where_there_is_nothing_to_measure_there_is_no_value(self) -> None:
        assert not trial_values(scored({"questions_answered": None})).measures


def test_models_do_not_play_what_they_learn_from() -> None:
    with pytest.raises(TuningError, match="write dev or test"):
        Trial(split="train")


def test_a_unit_model_is_put_beside_the_codec_as_its_controller_loads_both(tmp_path: Path) -> None:
    for package in ("torch", "transformers", "tokenizers"):
        pytest.importorskip(package)
    from speechagents.tuning.recipe import Adapter, AdapterKind, Base
    from speechagents.tuning.saving import save_model
    from speechagents.tuning.unit_family import UnitFamily
    from speechagents.units.codec import load_codec
    from speechagents.units.speech import load_unit_speech
    from speechagents.units.tokens import train_tokens

    tokens = train_tokens(["a few words"] * 3, units=load_codec().units, pieces=280)
    base = Base(random="llama-units", layers=1, width=32, heads=2, feed=32)
    family = UnitFamily(tokens, base, Adapter(AdapterKind.FULL), context=64, seed=0)
    (tmp_path / "model").mkdir()
    save_model(family, family.load(), tmp_path / "model")

    for _ in range(2):  # the model may have changed meanwhile
        folder = unit_speech_folder(tmp_path / "model", tmp_path / "whole")

    speech = load_unit_speech(str(folder))
    assert speech.codec.identity == load_codec().identity
    assert speech.model.count("a few words") > 0


@pytest.mark.slow
def test_a_tiny_model_plays_scenes_whose_turns_another_has_to_take(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.controllers.tiny_models import text_model

    model = text_model(tmp_path / "model")

    found = play_trial(model, "transformers", tmp_path / "run", Trial(scenes=1, roles=2, turns=1), held_out="some")

    assert found.held_out == "some"
    assert found.mean("stage fallback_turns") == 1.0, "random weights write nothing that is a turn"
    assert set(found.measures) == {"stage fallback_turns"}
