"""How lines from elsewhere sound, measured in bands."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest

from speechagents import production
from speechagents.audio import Audio, Samples
from speechagents.drama import Delivery
from speechagents.production import deliveries
from speechagents.production.deliveries import treated

RATE_HZ = 22_050


def noise(seconds: float = 4.0) -> Audio:
    """Noise at the level of speech."""
    lot = np.random.default_rng(1)
    return Audio(lot.standard_normal(round(seconds * RATE_HZ)).astype(np.float32) * np.float32(0.07), RATE_HZ)


def band_db(samples: Samples, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return 10.0 * math.log10(float(np.mean(power[(hz >= low_hz) & (hz < high_hz)])))


def change_db(delivery: Delivery, low_hz: float, high_hz: float) -> float:
    """What a delivery does to a band."""
    return band_db(treated(noise(), delivery).audio.samples, low_hz, high_hz) - band_db(
        noise().samples, low_hz, high_hz
    )


def level_db(samples: Samples) -> float:
    return 10.0 * math.log10(float(np.mean(samples.astype(np.float64) ** 2)))


def test_a_direct_line_is_left_as_it_is() -> None:
    take = noise()
    through = treated(take, Delivery.DIRECT)
    assert through.audio is take
    assert (through.direct, through.room) == (1.0, 1.0)


def test_a_voice_over_is_close_and_hears_no_room() -> None:
    assert treated(noise(), Delivery.VOICE_OVER).room == 0.0
    assert change_db(Delivery.VOICE_OVER, 60, 150) - change_db(Delivery.VOICE_OVER, 1_000, 2_000) > 2.0
    assert level_db(treated(noise(), Delivery.VOICE_OVER).audio.samples) == pytest.approx(
        level_db(noise().samples), abs=0.1
    )


def test_off_screen_is_dull_lower_and_hears_more_room() -> None:
    through = treated(noise(), Delivery.OFF_SCREEN)
    assert change_db(Delivery.OFF_SCREEN, 200, 1_000) - change_db(Delivery.OFF_SCREEN, 5_000, 8_000) > 15.0
    assert level_db(through.audio.samples) < level_db(noise().samples) - 4.0
    assert through.room / through.direct > 1.5


def test_a_telephone_lets_through_300_to_3400_hz() -> None:
    inside = change_db(Delivery.PHONE, 500, 3_000)
    assert inside - change_db(Delivery.PHONE, 50, 150) > 20.0
    assert inside - change_db(Delivery.PHONE, 200, 250) > 6.0
    assert inside - change_db(Delivery.PHONE, 4_200, 10_000) > 30.0
    assert abs(change_db(Delivery.PHONE, 400, 1_000) - change_db(Delivery.PHONE, 2_000, 3_000)) < 2.0
    assert treated(noise(), Delivery.PHONE).room == 0.0


def test_a_radio_stands_in_the_room_and_has_a_box() -> None:
    assert change_db(Delivery.RADIO, 1_200, 1_600) - change_db(Delivery.RADIO, 300, 500) > 3.0
    assert change_db(Delivery.RADIO, 1_200, 1_600) - change_db(Delivery.RADIO, 6_000, 10_000) > 40.0
    assert treated(noise(), Delivery.RADIO).room > 0.0


@pytest.mark.parametrize("delivery", [Delivery.PHONE, Delivery.RADIO])
def test_telephone_and_radio_saturate(delivery: Delivery) -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    tone = Audio((0.3 * np.sin(2 * np.pi * 600 * times)).astype(np.float32), RATE_HZ)
    out = treated(tone, delivery).audio.samples
    distortion_db = band_db(out, 1_700, 1_900) - band_db(out, 500, 700)
    assert -40.0 < distortion_db < -8.0
    clean = treated(tone, Delivery.VOICE_OVER).audio.samples
    assert band_db(clean, 1_700, 1_900) - band_db(clean, 500, 700) < -60.0


@pytest.mark.parametrize("delivery", list(Delivery))
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_every_delivery_keeps_length_and_rate_and_bears_silence(delivery: Delivery, rate_hz: int) -> None:
    for frames in (0, 1, 5_000):
        out = treated(Audio(np.zeros(frames, np.float32), rate_hz), delivery).audio
        assert (out.frames, out.rate_hz, out.channels) == (frames, rate_hz, 1)
        assert np.isfinite(out.samples).all()
    loud = treated(Audio(np.ones(5_000, np.float32), rate_hz), delivery).audio
    assert np.isfinite(loud.samples).all()


PRODUCTS = {"dot", "vdot", "inner", "matmul", "tensordot"}


def products_in(module: Path) -> list[int]:
    """Lines of a module that leave a sum to the algebra library."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and node.attr in PRODUCTS)
    ]


def test_no_sum_that_is_heard_or_exported_is_split_as_the_threads_of_the_algebra_library_please() -> None:
    # Its answers differ between machines and numbers of threads, not on every machine: so the source is asked.
    modules = sorted(Path(production.__file__).parent.rglob("*.py"))
    assert Path(deliveries.__file__) in modules
    assert {module.name: found for module in modules if (found := products_in(module))} == {}
