"""What a judge is shown: the same amount of every cell, clean, and nothing about how much there was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechagents.benchmark.judging.excerpt import LINE_CHARS, ROLES_CHARS, Extent, excerpt_of, scene_rows
from speechagents.drama import Deed, Message
from tests.benchmark.judging.courtroom import brief, cell_of, ferry, message, sounding


def rows(messages: list[Message], *, lines: int = 24, roles: int = 2) -> list[str]:
    excerpt = excerpt_of(cell_of(messages, roles=roles), Extent(lines))
    return "".join(part.text for part in excerpt.parts).splitlines()


def said(count: int) -> list[Message]:
    return [message(number, "Eleni", f"Remark {number}.") for number in range(1, count + 1)]


def remarks(shown: list[str]) -> list[int]:
    return [int(found.group(1)) for row in shown if (found := re.search(r"Remark (\d+)", row))]


@pytest.mark.parametrize("count", [24, 25, 60, 400])
def test_beginning_middle_and_end_of_every_cell_are_shown_alike(count: int) -> None:
    shown = rows(said(count))
    middle = (count - 8) // 2
    assert remarks(shown) == [
        *range(1, 9),
        *range(middle + 1, middle + 9),
        *range(count - 7, count + 1),
    ]
    assert [bool(re.match(r"\d+\. ", row)) for row in shown] == ([True] * 8 + [False]) * 2 + [True] * 8


def test_nothing_says_how_much_there_was() -> None:
    def marks(count: int) -> list[str]:
        return [re.sub(r"Remark \d+", "Remark", row) for row in rows(said(count))]

    assert marks(24) == marks(37) == marks(400)


def test_short_cells_are_shown_whole_and_divided_all_the_same() -> None:
    shown = rows(said(7))
    assert remarks(shown) == list(range(1, 8))
    assert sum("left out" in row for row in shown) == 2
    assert remarks(rows(said(1))) == [1]
    assert rows([]) == []


def test_all_lines_are_cut_at_the_same_length() -> None:
    long, longer = rows([message(1, "Eleni", "word " * 100), message(2, "Eleni", "word " * 390)], lines=3)[::2]
    assert long[3:] == longer[3:]
    assert long.endswith('…"')
    assert len(long) < LINE_CHARS + 30


def test_rows_tell_style_timing_and_kind() -> None:
    times = [(0.0, 2.0), (2.4, 4.0), (3.4, 5.0), (4.0, 4.3), (5.02, 6.0)]
    sound: list[dict[str, Any]] = [{"start_s": start_s, "end_s": end_s, "take": "0" * 64} for start_s, end_s in times]
    shown = rows(
        [
            message(1, "Eleni", "One.", "angry", cut=True, **sound[0]),
            message(2, "Stavros", "Two.", **sound[1]),
            message(3, "Eleni", "Three.", **sound[2]),
            message(4, "Stavros", "Mm.", deed=Deed.BACK_CHANNEL, **sound[3]),
            message(5, "Eleni", "Four.", "sad", **sound[4]),
            message(6, "Stavros", "counts the jackets", deed=Deed.ACT),
            message(7, "Eleni", "Come.", audience=("Stavros", "Eleni"), addresses=("Stavros",)),
            message(8, "Stavros", "goes below", deed=Deed.LEAVE),
            message(9, "Nobody We Know", "Hello.", "not-a-style"),
        ],
        lines=400,
    )
    assert [row for row in shown if "left out" not in row] == [
        '1. "Eleni" says (angry, broken off): "One."',
        '2. "Stavros" says (0.4 s later): "Two."',
        '3. "Eleni" says (0.6 s before the end of what went before): "Three."',
        '4. "Stavros" meanwhile says: "Mm."',
        '5. "Eleni" says (sad, at once): "Four."',
        '6. "Stavros" does: "counts the jackets"',
        '7. "Eleni" says (heard by "Stavros" alone): "Come."',
        '8. "Stavros" leaves: "goes below"',
        '9. "Nobody We Know" says: "Hello."',
    ]


def test_the_gap_to_what_is_not_shown_is_not_shown_either() -> None:
    sound: list[dict[str, Any]] = [{"start_s": 3.0 * at, "end_s": 3.0 * at + 2.0, "take": "0" * 64} for at in range(30)]
    shown = rows([message(at + 1, "Eleni", "Yes.", **sound[at]) for at in range(30)], lines=9)
    assert [("later" in row) for row in shown if "left out" not in row] == [False, True, True] * 3


# Sound


def test_takes_are_spread_over_what_is_shown_and_bounded_in_number_and_seconds(tmp_path: Path) -> None:
    played = sounding(tmp_path)
    excerpt = excerpt_of(played, Extent(24, takes=8, sound_s=8.0))
    sounds = [part.audio for part in excerpt.parts if part.audio is not None]
    assert (excerpt.heard, len(sounds)) == (8, 8)
    assert {sound.duration_s for sound in sounds} == {1.0}
    places = [at for at, part in enumerate(excerpt.parts) if part.audio is not None]
    assert places[0] < 4
    assert places[-1] > len(excerpt.parts) - 4
    for place in places:
        number = round(100 * float(np.median(excerpt.parts[place].audio.samples)))  # type: ignore[union-attr]
        assert played.messages[number - 1].text.split()[0] in excerpt.parts[place].text


def test_a_line_that_is_heard_does_not_name_its_style(tmp_path: Path) -> None:
    excerpt = excerpt_of(sounding(tmp_path), Extent(24, takes=8))
    for part in excerpt.parts:
        if "says" in part.text:
            assert ("angry" in part.text) == (part.audio is None)


def test_takes_that_are_gone_are_not_heard(tmp_path: Path) -> None:
    played = sounding(tmp_path)
    for path in (tmp_path / "takes").iterdir():
        path.unlink()
    assert excerpt_of(played, Extent(24, takes=8)).heard == 0
    assert excerpt_of(ferry(), Extent(24, takes=8)).heard == 0
    assert excerpt_of(sounding(tmp_path), Extent(24)).heard == 0


# The scene


def test_a_judge_knows_more_than_an_actor() -> None:
    shown = "\n".join(scene_rows(brief(3)))
    assert '"Night Ferry"' in shown
    assert "seventy passengers" in shown
    assert '- "Eleni": "58, headmistress' in shown
    assert 'hides: "In April he signed' in shown
    assert '"Stavros" ("he was her worst pupil' in shown


def test_large_casts_are_shown_whole_within_bounds() -> None:
    scene = brief(25)
    shown = "\n".join(scene_rows(scene))
    assert all(f'"{role.name}"' in shown for role in scene.roles)
    assert len(shown) < 1.4 * ROLES_CHARS
