"""RTTM as diarization tools split it."""

from __future__ import annotations

from speechagents.drama import Line
from speechagents.production.rttm import rttm
from speechagents.production.timeline import PlacedLine, PlacedScene, Timeline

from .conftest import Exports


def test_every_line_is_a_turn_with_ten_fields(plain: Exports) -> None:
    rows = [row.split() for row in plain.path("rttm").read_text("utf-8").splitlines()]
    assert len(rows) == 5
    for row in rows:
        assert len(row) == 10
        assert row[:3] == ["SPEAKER", "programme", "1"]
    assert rows[0][3:5] == ["0.800", "1.300"]
    assert [row[7] for row in rows] == ["Anna", "Ben_&_(Co)", "Anna", "Anna", "Chorus_of_the_Drowned"]


def test_names_stay_apart_when_white_space_goes() -> None:
    roles = ("A B", "A_B", "A\tB", "\x00")
    lines = tuple(PlacedLine(Line(n, role, "x"), "", float(n), 1.0) for n, role in enumerate(roles, 1))
    labels = [row.split()[7] for row in rttm(Timeline("T", (PlacedScene("S", "", 0.0, 9.0, lines),)))]
    assert labels == ["A_B", "A_B_2", "A_B_3", "_"]
