"""Scenes of the benchmark as a measure of a tuned model."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.benchmark.metrics.metric import Measured
from speechagents.benchmark.scores import CellScores, RunInfo, RunScores
from speechagents.errors import TuningError
from speechagents.tuning.measures import measure_of
from speechagents.tuning.stage_trial import Trial, play_trial, trial_values

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
