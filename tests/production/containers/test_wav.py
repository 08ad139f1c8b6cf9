"""WAV and RF64."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from speechagents.production.containers import wav
from speechagents.production.containers.wav import WavFile
from speechagents.production.tags import Chapter, Label, Tags

LABEL = Label(Tags("T", synthetic="v"), (Chapter("One", 0.0, 0.5), Chapter("Two – 二", 0.5, 1.0)))


@pytest.mark.parametrize(("limit", "form"), [(wav.RIFF_LIMIT, "WAV"), (1000, "RF64")])
def test_past_the_limit_a_file_is_rf64_with_the_same_sound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int, form: str
) -> None:
    monkeypatch.setattr(wav, "RIFF_LIMIT", limit)
    samples = np.random.default_rng(1).integers(-32768, 32767, (44_100, 2)).astype("<i2")
    path = tmp_path / "sound.wav"
    with path.open("wb") as file:
        container = WavFile(file, frames=44_100, bits=16, label=LABEL)
        container.write([samples[:100].tobytes(), samples[100:].tobytes()])
        container.finish()
    assert soundfile.info(path).format == form
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], samples)
    with av.open(str(path)) as found:
        assert found.duration == 1_000_000
        assert [chapter["metadata"]["title"] for chapter in found.chapters()] == ["One", "Two – 二"]


@pytest.mark.parametrize(("frames", "kind"), [(1_073_000_000, b"RIFF"), (1_074_000_000, b"RF64")])
def test_the_limit_is_4_gb(frames: int, kind: bytes) -> None:
    file = BytesIO()
    WavFile(file, frames=frames, bits=16, label=LABEL)
    header = file.getvalue()
    assert header[:4] == kind
    data_bytes = frames * 4
    if kind == b"RIFF":
        assert struct.unpack_from("<I", header, 4) == (len(header) - 8 + data_bytes,)
        assert header[-8:] == b"data" + struct.pack("<I", data_bytes)
    else:
        riff, data, count, table = struct.unpack_from("<QQQI", header, 20)
        assert (riff, data, count, table) == (len(header) - 8 + data_bytes, data_bytes, frames, 0)
        assert header[4:8] == header[-4:] == b"\xff" * 4
