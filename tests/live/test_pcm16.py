"""Sound in base64."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.audio import Audio
from speechagents.live import pcm16


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_every_16_bit_sample_survives_the_way_in_and_out(values: list[int]) -> None:
    text = base64.b64encode(np.array(values, "<i2").tobytes()).decode()
    audio = pcm16.decode(text)
    assert audio.rate_hz == 24_000
    assert pcm16.encode(audio) == text


def test_samples_are_little_endian_and_full_scale_is_one() -> None:
    audio = pcm16.decode(base64.b64encode(bytes([0x00, 0x80, 0x00, 0x40])).decode())
    assert audio.samples.tolist() == [-1.0, 0.5]


def test_what_is_louder_than_full_scale_is_clipped() -> None:
    loud = Audio(np.array([2.0, -2.0, 1.0], np.float32), 24_000)
    assert np.frombuffer(base64.b64decode(pcm16.encode(loud)), "<i2").tolist() == [32_767, -32_768, 32_767]


@pytest.mark.parametrize("text", ["!!!!", "AAA", "AA==A", "A A=", "ÄÄÄÄ", "AAAA\n"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        pcm16.decode(text)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        pcm16.decode("AAAA")


def test_stereo_and_other_rates_are_not_sent() -> None:
    for audio in (Audio(np.zeros((10, 2), np.float32), 24_000), Audio(np.zeros(10, np.float32), 16_000)):
        with pytest.raises(ValueError, match="mono"):
            pcm16.encode(audio)
