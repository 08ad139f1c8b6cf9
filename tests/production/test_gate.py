"""The finished file is measured as a listener's player decodes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.errors import StorageError
from speechagents.production import gate
from speechagents.production.gate import measure_files
from speechagents.production.lanes import Done, run
from speechagents.production.loudness import Loudness, LoudnessMeter, merge
from speechagents.production.masters import MASTERS

from .conftest import AUDIO_FORMATS, Exports
from .readback import decoded


def measured(path: Path, *, threads: int = 2) -> Loudness:
    events = list(run({"": measure_files([(path, path)])}, threads=threads))
    assert isinstance(events[-1], Done)
    result: Loudness = events[-1].result[0].loudness
    return result


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_a_file_measures_as_what_another_decoder_hears_of_it(plain: Exports, name: str) -> None:
    sound, rate_hz = decoded(plain.path(name))
    meter = LoudnessMeter(rate_hz, true_peak=True)
    meter.feed(sound)
    whole = merge([meter.finish()])
    apart = measured(plain.path(name))
    assert apart.duration_s == pytest.approx(whole.duration_s, abs=1e-6)
    assert apart.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=0.1)
    assert apart.rms_db == pytest.approx(whole.rms_db, abs=0.001)
    assert apart.peak_db == pytest.approx(whole.peak_db, abs=0.001)
    assert apart.true_peak_db == pytest.approx(whole.true_peak_db, abs=0.01)
    assert apart.head_s == pytest.approx(whole.head_s, abs=0.001)
    assert apart.tail_s == pytest.approx(whole.tail_s, abs=0.001)


@pytest.mark.parametrize("content", [b"", b"not a sound file at all" * 100])
def test_a_file_that_cannot_be_read_back_is_a_storage_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp3"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"broken\.mp3"):
        measured(path)


def test_a_report_is_json_and_passes_only_as_a_whole() -> None:
    acx = MASTERS["acx"]
    assert acx is not None
    figures = Loudness(-17.0, -20.0, -3.5, -3.4, -80.0, 0.7, 0.2, 0.5, 60.0)
    report = gate.GateReport("acx", "programme.mp3", figures, gate.judge(figures, acx), 3.0, -4.0)
    assert not report.passed
    found = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert found["passed"] is False
    assert [verdict["rule"] for verdict in found["verdicts"] if not verdict["passed"]] == ["tail_s"]
    assert found["measured"]["rms_db"] == -20.0
