"""What the Perform page shows of runs, casts and examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.events import Finished, LineFailed
from speechagents.scripts.breakdown import break_down
from speechagents.scripts.reading import parse_script
from speechagents.serving.house import House
from speechagents.serving.run_view import Ledger, RunState, RunView
from speechagents.settings import PerformSettings
from speechagents.ui.drafts import Draft
from speechagents.ui.perform_views import (
    cast_view,
    examples,
    examples_view,
    failed_view,
    head_view,
    progress_view,
    warnings_view,
)
from tests.conftest import PLAY
from tests.ui.visiting import ANNA

EVIL = "<img src=x onerror=alert(1)>"


def view(state: RunState, **about: object) -> RunView:
    return replace(Ledger(lambda: 0.0).view(0, position=0, listen_s=0.0), state=state, **about)  # type: ignore[arg-type]


def finished(**about: object) -> Finished:
    made = Finished(
        folder=None,  # type: ignore[arg-type]
        files=(),
        lines=6,
        roles=2,
        duration_s=75.0,
        seconds=2.5,
        spoken=1,
        failed=(),
        gates={},
    )
    return replace(made, **about)  # type: ignore[arg-type]


def test_a_run_that_speaks_says_which_line_and_how_long_it_will_take() -> None:
    shown = progress_view(
        view(RunState.RUNNING, stage="speaking", lines=20, lines_done=5, progress=0.154, seconds_left=41.6)
    )
    assert "speaking line 5 of 20" in shown
    assert "about 42 s left" in shown
    assert 'aria-valuenow="15"' in shown


def test_a_run_that_waits_says_how_many_are_before_it() -> None:
    assert "second in the queue" in progress_view(view(RunState.WAITING, position=2))


def test_an_end_says_how_many_lines_were_spoken_anew() -> None:
    shown = progress_view(view(RunState.DONE, finished=finished()))
    assert "1:15 of sound in 2.5 s" in shown
    assert "1 of 6 lines spoken anew" in shown


def test_lines_that_failed_are_listed_with_their_reason() -> None:
    line = break_down(parse_script(PLAY), narrator=False).scenes[0].lines[1]
    shown = progress_view(view(RunState.DONE, finished=finished(failed=(LineFailed(line, f"no voice {EVIL}"),))))
    assert "1 line could not be spoken" in shown
    assert "line 2 of MR BEN: no voice &lt;img" in shown


def test_a_fault_is_told_and_a_cancelled_run_says_that_it_can_go_on() -> None:
    assert "disk is full" in progress_view(view(RunState.FAILED, error="disk is full"))
    assert "Render goes on from there" in progress_view(view(RunState.STOPPED, lines_done=3))


@pytest.mark.parametrize(
    "shown",
    [
        warnings_view([EVIL]),
        failed_view({"failed": [{"line": EVIL, "role": EVIL, "reason": EVIL}]}),
        progress_view(view(RunState.FAILED, error=EVIL)),
        progress_view(view(RunState.RUNNING, stage=EVIL, warnings=(EVIL,))),
        head_view(EVIL, break_down(parse_script(f"Author: {EVIL}\n\nANNA\nHi.\n"), narrator=False)),
    ],
)
def test_no_text_from_outside_becomes_markup(shown: str) -> None:
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_the_cast_has_a_sample_a_reason_and_every_voice_to_choose(house: House) -> None:
    settings = PerformSettings()
    draft = Draft.begin(house, ANNA, parse_script(PLAY.replace("MR BEN", "MR <B>BEN")))
    cast = draft.cast(settings)
    voices = house.studio.synthesizer.voices
    shown = cast_view(cast, voices, house, narrates=False)
    assert shown.count("<select") == 2
    assert shown.count("<option") == 2 * len(voices)
    assert house.voice_link(cast["ANNA"].voice.id) in shown
    assert "<B>" not in shown
    assert "NARRATOR" not in shown
    assert "NARRATOR" in cast_view(cast, voices, house, narrates=True)


def test_examples_are_shipped_and_the_first_is_quick() -> None:
    assert len(examples()) == 3
    assert all(example.path.is_file() for example in examples())
    assert examples_view().count("<button") == 3
    assert "3 roles" in examples()[0].facts
