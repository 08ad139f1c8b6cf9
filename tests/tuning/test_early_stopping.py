"""Patience counts measurements since the best one."""

from __future__ import annotations

import math

from speechagents.tuning.early_stopping import NEVER, Progress


def test_it_is_over_after_so_many_measurements_without_a_better_one() -> None:
    progress = Progress(patience=2)
    overs = []
    for step, loss in enumerate((3.0, 2.0, 2.5, 1.5, 1.5, 1.6), start=1):
        progress = progress.after(loss, step)
        overs.append(progress.over)
    assert overs == [False, False, False, False, False, True]
    assert (progress.best_loss, progress.best_step, progress.waited) == (1.5, 4, 2)


def test_what_is_no_number_is_no_better() -> None:
    progress = Progress(patience=1)
    assert progress.best_loss == NEVER
    assert progress.after(math.nan, 1) == Progress(patience=1, waited=1)
