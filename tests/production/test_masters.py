"""What the standards demand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.errors import SettingsError
from speechagents.production.gate import judge
from speechagents.production.loudness import Loudness
from speechagents.production.masters import MASTERS, master_named

GOOD = Loudness(
    integrated_lufs=-17.0,
    rms_db=-20.0,
    peak_db=-3.5,
    true_peak_db=-3.4,
    noise_floor_db=-80.0,
    head_s=0.7,
    tail_s=2.0,
    mono_loss_db=0.5,
    duration_s=3600.0,
)


def test_a_good_audiobook_passes() -> None:
    acx = MASTERS["acx"]
    assert acx is not None
    assert all(verdict.passed for verdict in judge(GOOD, acx))


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("rms_db", -23.1),
        ("rms_db", -17.9),
        ("peak_db", -2.9),
        ("noise_floor_db", -59.0),
        ("head_s", 0.4),
        ("head_s", 1.1),
        ("tail_s", 0.9),
        ("tail_s", 5.1),
        ("mono_loss_db", 9.0),
        ("duration_s", 7201.0),
    ],
)
def test_each_fault_fails_its_own_rule_only(figure: str, value: float) -> None:
    acx = MASTERS["acx"]
    assert acx is not None
    verdicts = judge(replace(GOOD, **{figure: value}), acx)
    assert [verdict.rule for verdict in verdicts if not verdict.passed] == [figure]


def test_every_standard_limits_below_its_peak_rule() -> None:
    for master in MASTERS.values():
        if master is not None:
            assert master.ceiling_db < master.peak_rule.high
            aimed = [rule for rule in master.rules if rule.name == master.level]
            assert all(rule.low < master.aim < rule.high for rule in aimed)
            assert aimed


def test_an_unknown_master_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="acx, r128, podcast, none"):
        master_named("loud")
    assert master_named("none") is None
