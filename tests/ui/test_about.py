"""The About page: the truth about what runs here, and nothing that is nobody's business."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from speechagents import Studio, __version__
from speechagents.controllers.discovery import FoundServer
from speechagents.doctor import BackEndState, Finding, PresetState, Report
from speechagents.serving.house import House
from speechagents.ui.about import Examination, handling, licences, limits, possible, running, versions
from tests.ui.scenes import EVIL
from tests.ui.visiting import open_house

REPORT = Report(
    findings=(
        Finding("voices", ok=True, detail="37 voices"),
        Finding("encoders", ok=False, detail="pip install -U av"),
    ),
    presets=(PresetState("grand", False, 'pip install "speechagents[grand]"', "Apache-2.0", 3.5, 24.0),),
    back_ends=(BackEndState("listener", "whisper", ""), BackEndState("controller", "transformers", "no torch")),
    servers=(FoundServer("Ollama", "http://10.0.0.7:11434/v1", ("qwen", "gemma")),),
)


@pytest.fixture
def house(studio: Studio, tmp_path: Path) -> Iterator[House]:
    with open_house(studio, tmp_path) as opened:
        yield opened


def test_it_says_what_runs_why_and_what_the_rehearsal_planner_is(house: House) -> None:
    page = running(house)
    assert house.studio.preset.name in page
    assert house.studio.why in page
    assert house.studio.synthesizer.identity in page
    assert "It is no language model and understands nothing" in page


def test_it_says_what_else_could_run_and_how_to_get_it(house: House) -> None:
    page = possible(REPORT, house)
    assert "pip install &quot;speechagents[grand]&quot;" in page
    assert "3.5 GB" in page
    assert "24 GB" in page
    assert "no torch" in page
    assert "qwen, gemma" in page
    assert page.count("not here") == 3


def test_where_a_server_stands_is_told_on_this_machine_alone(studio: Studio, house: House, tmp_path: Path) -> None:
    assert "10.0.0.7" in possible(REPORT, house)
    with open_house(studio, tmp_path / "open", host="0.0.0.0") as public:  # noqa: S104 - nothing listens
        assert "10.0.0.7" not in possible(REPORT, public)


def test_without_a_server_it_says_which_were_looked_for(house: House) -> None:
    page = possible(Report((), ()), house)
    assert "Ollama, LM Studio, llama.cpp and vLLM" in page


def test_folders_of_the_server_stay_where_they_are(house: House, tmp_path: Path) -> None:
    report = Report((Finding("voices", ok=False, detail=f"{tmp_path}/productions/x: cannot be read"),), ())
    assert str(tmp_path) not in possible(report, house)


def test_it_says_what_becomes_of_a_persons_voice(house: House) -> None:
    page = handling(house)
    assert "recognised on this machine" in page
    assert "deleted with it" in page
    assert f"{house.settings.allowance.keep_days:g} days" in page


def test_limits_are_those_of_the_settings(studio: Studio, tmp_path: Path) -> None:
    with open_house(studio, tmp_path, max_sessions=7) as house:
        page = limits(house)
    assert "7 sessions" in page
    assert f"{house.settings.allowance.productions} productions" in page


def test_licences_and_versions_are_those_that_are_installed(house: House) -> None:
    assert house.studio.synthesizer.voices[0].licence.split(" ")[0] in licences(house)
    assert __version__ in versions()


def test_the_machine_is_examined_once_in_a_while_however_many_look() -> None:
    clock = [0.0]
    asked: list[float] = []

    def examine() -> Report:
        asked.append(clock[0])
        return REPORT

    examination = Examination(examine, now=lambda: clock[0])
    for seconds in (0.0, 100.0, 299.0, 301.0, 500.0):
        clock[0] = seconds
        assert examination.report() is REPORT
    assert asked == [0.0, 301.0]


def test_nothing_that_a_server_calls_its_models_breaks_out_of_the_page(house: House) -> None:
    report = Report(
        (Finding(EVIL, ok=False, detail=EVIL),),
        (PresetState(EVIL, False, EVIL, EVIL, 0.0, 0.0),),
        (BackEndState(EVIL, EVIL, EVIL),),
        (FoundServer(EVIL, EVIL, (EVIL,)),),
    )
    assert "<img" not in possible(report, house)
