"""One model tuned at several mixtures, measured alike, and gone on with after a break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from speechagents.drama import Style, Turn
from speechagents.errors import TuningError
from speechagents.tuning.ability_study import CellDone, Study, general_only, named, run_study
from speechagents.tuning.before_after import before_and_after, load_tuned, write_before_and_after
from speechagents.tuning.held_out import CHANCE, choose_held_out
from speechagents.tuning.measures import read_evaluation
from speechagents.tuning.pools import TuningData, pool_samples
from speechagents.tuning.recipe import Adapter, Base, FamilyKind, Mix, Recipe, Training
from speechagents.tuning.trajectory import Instruction, Split, Trajectory
from tests.tuning.letter_family import LetterFamily, ask_of

# PEFT asks a Transformers that is newer than it is.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

RECIPE = Recipe(
    name="letters",
    about="Letters.",
    family=FamilyKind.CHAT,
    base=Base(random="qwen2"),
    adapter=Adapter(rank=4),
    data=Mix(agent=0.5, next_speaker=0.5),
    training=Training(
        steps=6,
        batch=4,
        learning_rate=3e-3,
        seed=1,
        evaluate_every=3,
        checkpoint_every=6,
        dev_samples=4,
        max_tokens=400,
    ),
)


def turns(split: Split, scenes: Sequence[str]) -> list[Trajectory]:
    said = [("Ann", "Is it late?"), ("Ben", "It is.")]
    return [
        Trajectory(
            id=f"{scene}/script/{number}",
            scene_id=scene,
            split=split,
            ask=ask_of(("Ann", "Ben"), said, role, step=number),
            turn=Turn(role, text="Then let us go.", style=Style(style)),
            heard_sounds=("",) * 2,
            sound="",
            heard_units=((),) * 2,
            units=(),
        )
        for scene in scenes
        for number, (role, style) in enumerate((("Ann", "sad"), ("Ben", "calm")), 2)
    ]


def sums(split: Split, first: int) -> list[Instruction]:
    return [Instruction(f"sum/{one}", split, f"{one}+1", str(one + 1), "sums") for one in range(first, first + 7)]


HELD_OUT = choose_held_out(turns(Split.TEST, ["d", "e", "f", "g", "h", "i"]), sums(Split.TEST, 20))
STUDY = Study(RECIPE, general_only(RECIPE, 3), ratios=(0.5, 0.0), seeds=(1, 2), device="cpu")


def pools(recipe: Recipe) -> TuningData:
    general = [*sums(Split.TRAIN, 1), *sums(Split.DEV, 10)]
    return pool_samples(recipe, turns(Split.TRAIN, ["a", "b"]), turns(Split.DEV, ["c"]), general)


def make(recipe: Recipe, base: Path) -> LetterFamily:
    return LetterFamily(folder=recipe.base.model, adapter=recipe.adapter)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, list[CellDone]]:
    out = tmp_path_factory.mktemp("study") / "out"
    told: list[CellDone] = []
    return out, run_study(STUDY, HELD_OUT, out, make=make, pools=pools, told=told.append), told


class TestStudy:
    def test_every_mixture_is_tuned_by_every_seed_from_one_base_and_measured_like_it(self, studied: Any) -> None:
        _, table, told = studied

        assert [one.name for one in table.tuned] == ["0 % agent data", "50 % agent data"]
        assert {len(one.seeds) for one in table.tuned} == {2}
        assert {seed.held_out for one in (table.untuned, *table.tuned) for seed in one.seeds} == {HELD_OUT.digest}
        assert [one.name for one in told] == [
            "base",
            *(f"ratio-{ratio:03}-seed-{seed}" for ratio in (0, 50) for seed in (1, 2)),
        ]
        assert (told[-1].done, told[-1].planned) == (5, 5)

    def test_the_claim_is_about_the_share_of_the_recipe(self, studied: Any) -> None:
        _, table, _ = studied

        assert table.claimed == "50 % agent data"
        assert table.general_only == "0 % agent data"
        assert CHANCE in table.baselines

    def test_the_base_has_learnt_general_data_alone_and_all_of_its_weights(self, studied: Any) -> None:
        out, _, _ = studied
        recipe = (out / "base" / "recipe.yaml").read_text()

        assert "agent: 0.0" in recipe
        assert "kind: full" in recipe
        assert (out / "base" / "model" / "model.safetensors").is_file()

    def test_cells_differ_by_mixture_and_seed_and_their_adapters_are_what_was_measured(self, studied: Any) -> None:
        out, table, _ = studied

        values = Counter(seed.mean("line_nats") for one in table.tuned for seed in one.seeds)

        assert len(values) == 4
        assert table.untuned.seeds[0].mean("line_nats") not in values
        assert (out / "ratio-050-seed-1" / "model" / "adapter_model.safetensors").is_file()

    def test_what_is_finished_is_kept_and_the_rest_is_made(self, studied: Any) -> None:
        out, table, _ = studied
        gone = out / "ratio-050-seed-2" / "abilities.json"
        gone.unlink()
        made: list[Path] = []

        def counted(recipe: Recipe, base: Path) -> LetterFamily:
            made.append(base.parent)
            return make(recipe, base)

        again = run_study(STUDY, HELD_OUT, out, make=counted, pools=pools)

        assert set(made) == {gone.parent}
        assert again == table

    def test_more_seeds_may_be_added_to_a_study_and_nothing_else_be_changed(self, studied: Any) -> None:
        out, _, _ = studied
        more = replace(RECIPE, training=replace(RECIPE.training, steps=7))

        with pytest.raises(TuningError, match=r"study\.json: recipe: .*another study"):
            run_study(replace(STUDY, recipe=more), HELD_OUT, out, make=make, pools=pools)
        with pytest.raises(TuningError, match="base: "):
            run_study(replace(STUDY, base=general_only(RECIPE, 4)), HELD_OUT, out, make=make, pools=pools)
        other = choose_held_out(turns(Split.TEST, ["x"]), ())
        with pytest.raises(TuningError, match="held_out: "):
            run_study(STUDY, other, out, make=make, pools=pools)

        wider = run_study(replace(STUDY, ratios=(0.5,), seeds=(2, 3)), HELD_OUT, out, make=make, pools=pools)
        assert [len(one.seeds) for one in wider.tuned] == [2]

    def test_a_folder_with_something_else_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("dear")

        with pytest.raises(TuningError, match="no study"):
            run_study(STUDY, HELD_OUT, tmp_path, make=make, pools=pools)

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ({"ratios": (0.0, 1.0)}, "the claim is about it"),
            ({"ratios": (0.5, 1.5)}, "from 0 to 1"),
            ({"ratios": (0.5, 0.501)}, "same percentage"),
            ({"seeds": ()}, "give seeds"),
            ({"seeds": (1, 1)}, "each once"),
            ({"base": None}, "random weights can do nothing yet"),
            ({"base": RECIPE}, "without agent data"),
        ],
    )
    def test_a_study_that_makes_no_sense_is_refused(self, what: dict[str, Any], message: str) -> None:
        with pytest.raises(TuningError, match=message):
            replace(STUDY, **what)

    def test_shares_are_named_in_percent(self) -> None:
        assert [named(one) for one in (0.0, 0.25, 1.0)] == ["0 % agent data", "25 % agent data", "100 % agent data"]


class TestBeforeAndAfter:
    def test_a_run_is_measured_beside_its_base_and_the_report_lies_with_it(self, studied: Any) -> None:
        out, table, _ = studied
        run = out / "ratio-050-seed-1"
        recipe = STUDY.cell_recipe(0.5, 1, out / "base" / "model")

        found = before_and_after(recipe, run, HELD_OUT, make=make, device="cpu")
        write_before_and_after(run / "report", found, "letters", {"Steps": "6"})

        assert found.untuned.seeds == table.untuned.seeds
        assert found.tuned[0].seeds == (table.named("50 % agent data").seeds[0],)
        text = (run / "report" / "evaluation.md").read_text()
        assert text.startswith("# letters: before and after")
        assert "hown with tuned (1 seed, 6 scenes, 7 general tasks)" in text

    def test_a_damaged_adapter_is_refused(self, studied: Any, tmp_path: Path) -> None:
        out, _, _ = studied
        model = tmp_path / "model"
        model.mkdir()
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            (model / name).write_bytes((out / "ratio-050-seed-1" / "model" / name).read_bytes())
        weights = model / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
        recipe = STUDY.cell_recipe(0.5, 1, out / "base" / "model")

        with pytest.raises(TuningError, match="cannot be loaded"):
            load_tuned(recipe, model, tmp_path, make=make)

    def test_an_adapter_of_another_recipe_is_refused(self, studied: Any, tmp_path: Path) -> None:
        out, _, _ = studied
        recipe = replace(STUDY.cell_recipe(0.5, 1, out / "base" / "model"), adapter=Adapter(rank=8))

        with pytest.raises(TuningError, match=r"cannot be loaded|another recipe"):
            load_tuned(recipe, out / "ratio-050-seed-1" / "model", tmp_path, make=make)


def test_evaluations_of_cells_can_be_read_by_themselves(studied: Any) -> None:
    out, table, _ = studied

    found = read_evaluation(out / "ratio-000-seed-2" / "abilities.json")

    assert found == table.named("0 % agent data").seeds[1]
