"""The picture of losses: a line for each, as many points as can be told apart."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from speechagents.tuning.loss_plot import MOST_POINTS, loss_plot


def test_each_loss_has_a_line_and_words_that_say_what_it_shows() -> None:
    entries = [{"step": step, "loss": 3.0 / step} for step in range(1, 9)]
    entries += [{"step": 4, "dev_agent": 2.0, "dev_general": 1.0}, {"step": 8, "dev_agent": 1.5, "dev_general": 1.25}]
    picture = loss_plot(entries, title="tiny")
    root = ET.fromstring(picture)  # noqa: S314 - it was made just now
    (about,) = (one.text or "" for one in root if one.tag.endswith("desc"))
    assert "dev, agent data: 4: 2.00; 8: 1.500" in about
    assert "dev, general: 4: 1.000; 8: 1.250" in about
    assert picture.count("<polyline") == 3


def test_many_steps_are_averaged() -> None:
    noise = [{"step": step, "loss": step % 2 + 10.0 * (step > 500)} for step in range(1, 1_001)]
    picture = loss_plot(noise, title="long")
    points = re.findall(r'<polyline class="line s0" points="([^"]*)"', picture)[0].split()
    assert 0.5 * MOST_POINTS < len(points) <= MOST_POINTS
    heights = [float(point.split(",")[1]) for point in points]
    first = heights[: len(heights) // 2 - 1]
    assert max(first) - min(first) < 0.01 * (max(heights) - min(heights)), "noise that alternates is gone"


def test_what_is_no_number_is_left_out_and_nothing_gives_no_picture() -> None:
    assert loss_plot([], title="t") == ""
    assert loss_plot([{"step": 1, "loss": math.nan}, {"step": 1, "loss": None}], title="t") == ""
    assert "<polyline" in loss_plot([{"step": 1, "loss": math.nan}, {"step": 2, "loss": 1.0}], title="t")
