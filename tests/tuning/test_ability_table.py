"""What tuning at several mixtures has done to a model, and what is said of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from speechagents.benchmark.report import markdown_of
from speechagents.tuning.ability_report import ability_report
from speechagents.tuning.ability_table import AbilityTable, Rated, allowed, table_json, told, verdict
from speechagents.tuning.changes import change
from speechagents.tuning.measures import MEASURES, Evaluation, Scored

SCENES = 10


def found(seed: int = 0, /, **means: float) -> Evaluation:
    """Values that scatter a little over scenes, by the measure and the seed."""
    return Evaluation(
        "same",
        {
            name.replace("__", ": ").replace("stage_", "stage "): {
                f"s{at:02}": Scored(f"s{at:02}", mean + 0.01 * ((at * 7 + seed * 3 + len(name)) % 5 - 2), 1.0)
                for at in range(SCENES)
            }
            for name, mean in means.items()
        },
    )


UNTUNED = {"next_speaker": 0.4, "style": 0.1, "line_nats": 4.0, "general_exact": 0.9, "general_nats": 0.3}
MIXED = {"next_speaker": 0.6, "style": 0.4, "line_nats": 3.0, "general_exact": 0.91, "general_nats": 0.29}
GENERAL = {"next_speaker": 0.4, "style": 0.1, "line_nats": 4.2, "general_exact": 0.95, "general_nats": 0.2}
AGENT = {"next_speaker": 0.65, "style": 0.45, "line_nats": 2.9, "general_exact": 0.2, "general_nats": 2.0}


def seeds(means: dict[str, float], count: int = 3) -> tuple[Evaluation, ...]:
    return tuple(found(seed, **means) for seed in range(1, count + 1))


def table(mixed: dict[str, float] = MIXED, **more: object) -> AbilityTable:
    models = (
        Rated("0 % agent data", seeds(GENERAL)),
        Rated("50 % agent data", seeds(mixed)),
        Rated("100 % agent data", seeds(AGENT)),
    )
    made = AbilityTable(
        Rated("untuned", (found(**UNTUNED),)), models, claimed="50 % agent data", general_only="0 % agent data"
    )
    return replace(made, **more)  # type: ignore[arg-type]


class TestVerdict:
    def test_what_shows_is_claimed_with_its_figures(self) -> None:
        first, *_ = verdict(table())

        assert first.startswith("Shown with 50 % agent data (3 seeds, 10 scenes, 10 general tasks): better at agents'")
        assert "next speaker right +0.200 (" in first
        assert "perplexity of lines, per token × 0.36" in first
        assert "no worse in general (general answers right +0.0100 (" in first
        assert "−0.05 allowed" in first
        assert "× 1.11 allowed" in first

    @pytest.mark.parametrize(
        ("name", "value", "missing"),
        [
            ("style", 0.1, "style right .* may be chance"),
            ("next_speaker", 0.2, "next speaker right .* is worse"),
            ("general_exact", 0.8, "general answers right .* may be worse than −0.05"),
            ("general_nats", 0.5, "perplexity of general answers, per token .* may be worse than × 1.11"),
        ],
    )
    def test_what_does_not_show_is_taken_back_and_what_is_missing_is_named(
        self, name: str, value: float, missing: str
    ) -> None:
        first, *_ = verdict(table({**MIXED, name: value}))

        assert first.startswith("Not shown with 50 % agent data")
        assert re.search(f"What is missing: {missing}", first)

    def test_the_half_of_it_that_shows_is_said(self) -> None:
        first, *_ = verdict(table({**MIXED, "general_exact": 0.5}))
        assert "It is better at agents' tasks (" in first

        first, *_ = verdict(table({**MIXED, "style": 0.1}))
        assert "Shown to be better: next speaker right" in first
        assert "It is no worse in general (" in first

    def test_too_few_scenes_are_named_as_the_reason(self) -> None:
        few = {"same": [Evaluation("same", {"style": {"s": Scored("s", value, 1.0)}}) for value in (0.0, 1.0)]}
        first, *_ = verdict(
            AbilityTable(Rated("untuned", (few["same"][0],)), (Rated("tuned", (few["same"][1],)),), claimed="tuned")
        )

        assert "too few scenes (1; an interval wants 6)" in first
        assert "no general task was measured" in first

    def test_seeds_that_disagree_are_named_as_the_reason(self) -> None:
        two = (found(1, **MIXED), found(2, **{**MIXED, "style": 0.05}))
        untuned = Rated("untuned", (found(**UNTUNED),))

        first, *_ = verdict(AbilityTable(untuned, (Rated("tuned", two),), claimed="tuned"))

        assert "differs from seed to seed in its sign" in first

    def test_it_is_held_against_as_many_steps_without_agent_data_as_well(self) -> None:
        _, second, _ = verdict(table())

        assert second.startswith("Against as many steps on general data alone it is no worse in general (")
        _, second, _ = verdict(table({**MIXED, "general_nats": 0.39}))
        assert "not shown to be no worse" in second

    def test_mixtures_that_were_not_named_beforehand_are_told_apart(self) -> None:
        *_, last = verdict(table())
        assert "not named beforehand none shows the same (1 mixture" in last

        more = (*table().tuned[:2], Rated("75 % agent data", seeds(MIXED)), table().tuned[2])
        *_, last = verdict(table(tuned=more))
        assert "the same shows with 75 % agent data (2 mixtures" in last

    def test_a_model_that_is_not_there_cannot_be_claimed_for(self) -> None:
        with pytest.raises(ValueError, match="no tuned model is called '60 %'"):
            table(claimed="60 %")


class TestTold:
    def test_a_difference_is_signed_and_that_of_a_perplexity_is_a_quotient(self) -> None:
        before, after = (found(style=0.5, line_nats=2.0),), (found(1, style=0.4, line_nats=3.0),)

        share, nats = (change(before, after, name) for name in ("style", "line_nats"))

        assert share is not None
        assert nats is not None
        assert told(share).startswith("−0.100 (−0.1")
        assert told(nats).startswith("× 2.7")

    def test_margins_lie_on_the_side_that_is_worse(self) -> None:
        assert allowed(MEASURES["general_exact"]) == "−0.05"
        assert allowed(MEASURES["general_nats"]) == "× 1.11"


class TestReport:
    BASELINES: ClassVar = {"by chance": found(next_speaker=0.3, style=0.045), "the commonest style": found(style=0.2)}

    def written(self) -> str:
        mixed = {**MIXED, "general_exact__sums": 0.9, "stage_uptake": 0.3}
        made = table(mixed, baselines=self.BASELINES)
        return markdown_of(ability_report(made, "Tuning", {"Recipe": "tiny", "Seeds": "1, 2, 3"}))

    def test_the_verdict_stands_first(self) -> None:
        text = self.written()

        assert text.index("## What is shown") < text.index("## What was tuned") < text.index("## Abilities")
        assert "Shown with 50 % agent data" in text

    def test_each_measure_has_a_row_with_every_model(self) -> None:
        rows = [line for line in self.written().splitlines() if line.startswith("| Next speaker right ↑")]

        levels, chance, changes, control = rows[0], rows[1], rows[2], rows[3]
        assert levels.count("|") == 6
        assert "by chance" in chance
        assert "✓" in changes
        assert control.count("|") == 4, "general data alone is what the others are held against"

    def test_what_is_worse_is_marked(self) -> None:
        changes = [line for line in self.written().splitlines() if line.startswith("| General answers right ↑")][1]

        assert changes.rstrip(" |").endswith("✗"), "agent data alone has cost general ability"

    def test_kinds_of_tasks_and_scenes_on_stage_have_sections_of_their_own(self) -> None:
        text = self.written()

        assert "| General answers right: sums ↑ |" in text[text.index("## General tasks") :]
        assert "| Uptake of what was said ↑ |" in text[text.index("## On stage") :]
        assert "–" in text, "a model without a value has a dash"

    def test_all_figures_are_there_as_plain_values(self) -> None:
        values = json.loads(json.dumps(table_json(table(baselines=self.BASELINES))))

        assert values["claim"]["holds"] is True
        assert values["seeds"] == {"untuned": 1, "0 % agent data": 3, "50 % agent data": 3, "100 % agent data": 3}
        assert values["levels"]["style"]["50 % agent data"]["mean"] == pytest.approx(0.4, abs=0.01)
        assert len(values["levels"]["style"]["50 % agent data"]["seeds"]) == 3
        assert values["changes"]["general_exact"]["100 % agent data"]["shown"] == "worse"
        assert values["baselines"]["style"]["the commonest style"]["mean"] == pytest.approx(0.2, abs=0.01)


def test_equal_names_would_be_taken_for_one_model() -> None:
    one: Sequence[Evaluation] = seeds(MIXED, 1)
    with pytest.raises(ValueError, match="same name"):
        AbilityTable(Rated("a", tuple(one)), (Rated("a", tuple(one)),), claimed="a")
