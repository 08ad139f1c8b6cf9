"""A production is proofed as a whole: what is wrong is told, what can be mended is, and the next mix has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechagents import Studio, cli
from speechagents.audio import Audio
from speechagents.drama import Deed, Message, Style
from speechagents.events import LineProofed, ProofFinished, Started
from speechagents.production.takes import TakeStore, recording_address
from speechagents.settings import PerformSettings
from speechagents.stream import MessageStream
from speechagents.voices.synthesizer import SpokenLine, Take

from .conftest import Perform
from .production.proofing.tone_speech import RATE_HZ, sung, voice, words_of
from .production.proofing.tone_studio import SAYS, VOCABULARY, install_tones

BAD = "The ferry left without any passengers."


@pytest.fixture
def tones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A neural voice that says one line wrong the first time, and ears that hear it."""
    install_tones(monkeypatch)
    SAYS[BAD, 0] = "The ferry left."


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "ferry.txt"
    path.write_text(
        f"Anna: Did you see it this morning?\nBen: {BAD}\nAnna: Nobody told me anything about that.\n", "utf-8"
    )
    return path


def proofed(out: Path) -> tuple[list[LineProofed], ProofFinished]:
    with Studio(jobs=1) as studio:
        events = list(studio.proof(out))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], ProofFinished)
    return [event for event in events if isinstance(event, LineProofed)], events[-1]


def perform_with_tones(script: Path, out: Path) -> dict[str, Any]:
    with Studio(jobs=1) as studio:
        list(studio.perform(script, out=out, settings=PerformSettings(formats=("json",), master="none")))
    found: dict[str, Any] = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    return found


def test_real_embedded_voices_pass(studio: Studio, play: Path, tmp_path: Path, perform: Perform) -> None:
    out = tmp_path / "out"
    perform(play, out)
    *lines, done = [event for event in studio.proof(out) if not isinstance(event, Started)]
    assert isinstance(done, ProofFinished)
    assert done.summary.as_json() == {"lines": 6, "faulty": 0, "retaken": 0, "unheard": 0, "faults": {}}
    assert len(lines) == 6
    assert done.remix == 0


def test_the_report_says_line_take_time_and_verdict(
    studio: Studio, play: Path, tmp_path: Path, perform: Perform
) -> None:
    out = tmp_path / "out"
    perform(play, out, formats=("json",))
    list(studio.proof(out))
    timeline = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    placed = {line["line"]: line for scene in timeline["scenes"] for line in scene["lines"]}
    report = json.loads((out / "proof.json").read_text("utf-8"))
    assert (report["schema"], report["version"]) == ("speechagents.proof", 1)
    assert [line["line"] for line in report["lines"]] == sorted(placed)
    for line in report["lines"]:
        there = placed[line["line"]]
        assert (line["role"], line["text"], line["take"]) == (there["role"], there["text"], there["take"])
        assert line["start_s"] == pytest.approx(there["start_s"], abs=0.002)
        assert line["verdict"] == "good"
        assert "espeak-ng" in line["examiner"]
    assert [line["chapter"] for line in report["lines"]] == [1, 1, 1, 2, 2, 2]


@pytest.mark.usefixtures("tones")
def test_a_faulty_line_is_spoken_again_and_the_next_mix_has_it(script: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = perform_with_tones(script, out)
    lines, done = proofed(out)
    assert [line.proofed.attempt for line in lines] == [0, 1, 0]
    assert (done.summary.faulty, done.summary.retaken, done.remix) == (0, 1, 1)

    after = perform_with_tones(script, out)
    takes = [[line["take"] for scene in found["scenes"] for line in scene["lines"]] for found in (before, after)]
    assert [one == other for one, other in zip(*takes, strict=True)] == [True, False, True]
    assert takes[1][1] == lines[1].proofed.take
    _, done = proofed(out)
    assert done.remix == 0


@pytest.mark.usefixtures("tones")
def test_the_command_says_what_is_left_and_exits_with_3(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    perform_with_tones(script, out)
    SAYS[BAD, 1] = SAYS[BAD, 2] = "The ferry left without any."
    assert cli.main(["proof", str(out), "--json"]) == 3
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert (answer["lines"], answer["faulty"], answer["faults"]) == (3, 1, {"dropped": 1})
    assert [(line["line"], line["role"], line["retakes"]) for line in answer["faulty_lines"]] == [(2, "Ben", 2)]
    assert Path(answer["report"]) == out / "proof.json"
    assert "'passengers' is not heard (best of 3 takes)" in printed.err

    SAYS.clear()
    (out / "proof.jsonl").unlink()
    for take in (out / "takes").iterdir():
        take.unlink()
    assert cli.main(["proof", str(out)]) == 0
    assert capsys.readouterr().out == f"{out / 'proof.json'}\n"


def test_a_folder_without_a_production_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["proof", str(tmp_path / "nothing")]) == 2
    assert str(tmp_path / "nothing") in capsys.readouterr().err


@pytest.mark.usefixtures("tones")
def test_a_person_on_stage_is_proofed_and_not_replaced(tmp_path: Path) -> None:
    """A live scene as it lies on disk: one line a person's own, one an agent's."""
    out = tmp_path / "live"
    live_production(out, person="What a lovely morning it is.", heard="What a lovely it is.", agent=BAD)
    before = {path.name for path in (out / "takes").iterdir()}
    lines, done = proofed(out)
    assert [(line.proofed.line.role, line.proofed.good) for line in lines] == [("Daniel", False), ("Sophia", False)]
    assert [fault.kind for fault in lines[0].proofed.finding.faults] == ["dropped"]
    assert done.summary.retaken == 0
    assert {path.name for path in (out / "takes").iterdir()} == before


def live_production(out: Path, *, person: str, heard: str, agent: str) -> None:
    """What a live stage leaves on disk."""
    takes = TakeStore(out / "takes")
    addresses = []
    for text, words in ((person, heard), (agent, "The ferry left.")):
        sound = Audio(sung(words_of(words), VOCABULARY), RATE_HZ)
        addresses.append(recording_address(sound))
        takes.save(addresses[-1], Take(SpokenLine(text, voice()), sound))
    (out / "scene.yaml").write_text(
        "title: Morning\nroles:\n  - {name: Daniel, profile: A man.}\n  - {name: Sophia, profile: A woman.}\n",
        "utf-8",
    )
    record = {"schema": 1, "speechagents": "1", "kind": "live", "person": "Daniel", "improvise": {}}
    (out / "production.json").write_text(json.dumps(record), "utf-8")
    with MessageStream(out / "stream.jsonl") as stream:
        for number, (role, text) in enumerate((("Daniel", person), ("Sophia", agent)), 1):
            stream.append(
                Message(
                    number,
                    role,
                    text,
                    Deed.SPEAK,
                    Style(),
                    (),
                    (),
                    4.0 * number,
                    4.0 * number + 3.0,
                    addresses[number - 1],
                )
            )


def test_silence_where_speech_should_be_is_found_in_a_real_production(
    studio: Studio, play: Path, tmp_path: Path, perform: Perform
) -> None:
    out = tmp_path / "out"
    perform(play, out)
    with MessageStream(out / "stream.jsonl") as stream:
        message = stream[2]
    store = TakeStore(out / "takes")
    line = SpokenLine(message.text, voice())
    take = store.load(message.take, line)
    assert take is not None
    store.save(message.take, Take(line, Audio(np.zeros_like(take.audio.samples), take.audio.rate_hz), take.words))
    done = list(studio.proof(out))[-1]
    assert isinstance(done, ProofFinished)
    assert [(faulty.take, faulty.finding.faults[0].kind) for faulty in done.faulty] == [(message.take, "silence")]
