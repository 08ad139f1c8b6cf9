"""What tuning has changed, and what may be claimed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.changes import Shown, change, claim, level, measured
from speechagents.tuning.measures import Evaluation, Scored

SCENES = 10


def found(held_out: str = "same", /, **measures: Sequence[float]) -> Evaluation:
    """Values of scenes, one sample each."""
    return Evaluation(
        held_out,
        {
            name.replace("__", ": "): {f"s{at}": Scored(f"s{at}", value, 1.0) for at, value in enumerate(values)}
            for name, values in measures.items()
        },
    )


def steady(mean: float, spread: float = 0.01) -> list[float]:
    return [mean + spread * (at - (SCENES - 1) / 2) for at in range(SCENES)]


class TestLevel:
    def test_scenes_weigh_the_same_and_seeds_are_averaged(self) -> None:
        one, other = found(style=steady(0.2)), found(style=steady(0.4))

        both = level((one, other), "style")

        assert both is not None
        assert both.mean == pytest.approx(0.3)
        assert both.seeds == pytest.approx((0.2, 0.4))
        assert both.groups == SCENES
        assert both.interval is not None
        assert both.interval.low < 0.3 < both.interval.high

    def test_few_scenes_have_no_interval_and_what_was_not_measured_has_no_level(self) -> None:
        few = level((found(style=[0.1, 0.2, 0.3]),), "style")

        assert few is not None
        assert few.interval is None
        assert level((found(style=[0.1]),), "next_speaker") is None


class TestChange:
    def test_scenes_are_paired(self) -> None:
        hard_and_easy = [0.1 * at for at in range(SCENES)]
        slightly_better = [value + 0.02 + 0.001 * (at % 3) for at, value in enumerate(hard_and_easy)]

        change_ = change((found(style=hard_and_easy),), (found(style=slightly_better),), "style")

        assert change_ is not None
        assert change_.shown is Shown.BETTER, "scenes differ by more than models do, and that does not matter"

    def test_less_is_better_where_it_is(self) -> None:
        before, after = found(line_nats=steady(3.0)), found(line_nats=steady(2.0, 0.02))

        better = change((before,), (after,), "line_nats")
        worse = change((after,), (before,), "line_nats")

        assert better is not None
        assert worse is not None
        assert better.difference == pytest.approx(-1.0)
        assert (better.shown, worse.shown) == (Shown.BETTER, Shown.WORSE)

    def test_what_may_be_chance_is_not_shown(self) -> None:
        after = [0.5 + (0.2 if at % 2 else -0.19) for at in range(SCENES)]

        change_ = change((found(style=[0.5] * SCENES),), (found(style=after),), "style")

        assert change_ is not None
        assert change_.shown is Shown.NOTHING

    def test_a_seed_of_the_other_sign_is_enough_not_to_show_it(self) -> None:
        before = found(style=steady(0.5))
        much, less = found(style=steady(0.8, 0.011)), found(style=steady(0.49, 0.011))

        change_ = change((before,), (much, less), "style")

        assert change_ is not None
        assert change_.interval is not None
        assert change_.interval.low > 0.0
        assert change_.shown is Shown.NOTHING

    def test_few_scenes_show_nothing_however_large_the_difference_is(self) -> None:
        change_ = change((found(style=[0.0] * 5),), (found(style=[1.0] * 5),), "style")

        assert change_ is not None
        assert change_.shown is Shown.NOTHING
        assert not change_.no_worse

    def test_one_untuned_model_is_paired_with_every_seed_and_else_seeds_with_seeds(self) -> None:
        base = found(style=steady(0.5))
        first, second = (found(style=steady(0.6)), found(style=steady(0.7))), (found(style=steady(0.9)),) * 2

        one, both = change((base,), first, "style"), change(first, second, "style")

        assert one is not None
        assert both is not None
        assert one.seeds == pytest.approx((0.1, 0.2))
        assert both.seeds == pytest.approx((0.3, 0.2))
        with pytest.raises(ValueError, match="make no pairs"):
            change(first, (base,) * 3, "style")

    def test_only_scenes_that_both_have_count(self) -> None:
        change_ = change((found(style=[0.5] * 12),), (found(style=steady(0.6)),), "style")

        assert change_ is not None
        assert change_.groups == SCENES

    def test_other_samples_do_not_compare(self) -> None:
        with pytest.raises(TuningError, match="different samples"):
            change((found(style=[0.5]),), (found("other", style=[0.5]),), "style")


class TestNoWorse:
    @pytest.mark.parametrize(
        ("after", "spread", "no_worse"),
        [(0.90, 0.001, True), (0.87, 0.001, True), (0.84, 0.001, False), (0.88, 0.03, False), (0.95, 0.001, True)],
    )
    def test_the_whole_interval_has_to_lie_above_the_margin(self, after: float, spread: float, no_worse: bool) -> None:
        change_ = change(
            (found(general_exact=[0.9] * SCENES),), (found(general_exact=steady(after, spread)),), "general_exact"
        )

        assert change_ is not None
        assert change_.no_worse is no_worse, "0.05 worse is allowed, and it must be sure that it is not more"

    def test_of_perplexities_it_is_the_upper_end(self) -> None:
        before = found(general_nats=[1.0] * SCENES)

        for mean, no_worse in ((1.05, True), (1.2, False), (0.5, True)):
            change_ = change((before,), (found(general_nats=steady(mean, 0.001)),), "general_nats")
            assert change_ is not None
            assert change_.no_worse is no_worse


class TestClaim:
    BEFORE: Mapping[str, Sequence[float]] = {
        "next_speaker": [0.4] * SCENES,
        "style": [0.1] * SCENES,
        "line_nats": [4.0] * SCENES,
        "line_bits": [2.0] * SCENES,
        "general_exact": [0.9] * SCENES,
        "general_exact__sums": [0.9] * SCENES,
        "general_nats": [0.2] * SCENES,
    }
    AFTER: Mapping[str, Sequence[float]] = {
        "next_speaker": steady(0.6),
        "style": steady(0.3),
        "line_nats": steady(3.0),
        "line_bits": steady(1.5),
        "general_exact": steady(0.89, 0.002),
        "general_exact__sums": steady(0.89, 0.002),
        "general_nats": steady(0.21, 0.002),
    }

    def claim_after(self, **other: Sequence[float]) -> bool:
        return claim((found(**self.BEFORE),), (found(**{**self.AFTER, **other}),)).holds

    def test_it_holds_where_all_agents_tasks_are_better_and_no_general_one_is_worse(self) -> None:
        assert self.claim_after()

    @pytest.mark.parametrize("name", ["next_speaker", "style", "line_nats"])
    def test_one_agents_task_that_is_not_better_takes_it_back(self, name: str) -> None:
        assert not self.claim_after(**{name: self.BEFORE[name]})

    @pytest.mark.parametrize(
        "other",
        [{"general_exact": steady(0.8)}, {"general_nats": steady(0.4)}, {"general_exact__sums": steady(0.5)}],
        ids=["answers", "perplexity", "one kind of task"],
    )
    def test_one_general_task_that_is_worse_takes_it_back(self, other: Mapping[str, Sequence[float]]) -> None:
        assert not self.claim_after(**other)

    def test_what_only_describes_does_not_matter(self) -> None:
        assert self.claim_after(line_bits=[9.0] * SCENES)

    def test_without_general_tasks_nothing_is_claimed(self) -> None:
        before = {name: values for name, values in self.BEFORE.items() if "general" not in name}
        after = {name: values for name, values in self.AFTER.items() if "general" not in name}

        found_ = claim((found(**before),), (found(**after),))

        assert found_.better_at_agents
        assert not found_.holds


def test_measures_come_in_their_order_with_their_kinds_behind_them() -> None:
    one = found(general_nats__b=[1.0], style=[1.0], general_nats=[1.0], next_speaker=[1.0], general_nats__a=[1.0])

    assert measured([one]) == ["next_speaker", "style", "general_nats", "general_nats: a", "general_nats: b"]
