"""What the FLAC header says."""

from __future__ import annotations

import hashlib

import mutagen
import numpy as np
import soundfile

from ..conftest import ArrayProgramme, Exports


def test_the_header_knows_length_and_checksum_of_the_sound(plain: Exports, drama: ArrayProgramme) -> None:
    info = mutagen.File(plain.path("flac")).info
    sound, _ = soundfile.read(plain.path("flac"), dtype="int16")
    assert info.total_samples == drama.frames
    expected = hashlib.md5(sound.astype("<i2").tobytes(), usedforsecurity=False).hexdigest()
    assert f"{info.md5_signature:032x}" == expected
    assert np.abs(sound).max() > 1000
