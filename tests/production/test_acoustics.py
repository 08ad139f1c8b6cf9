"""Impulse responses, measured as rooms are measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from speechagents.production.acoustics import Room, eyring_absorption, impulse_response
from speechagents.production.rooms import DRY, FURNISHED, OPEN_AIR, all_rooms, room_for

RATE_HZ = 44_100
INDOORS = [room for room in all_rooms() if room.size_m is not None]
OUTDOORS = [room for room in all_rooms() if room.size_m is None and not room.is_dry]


def octave(response: NDArray[np.float32], centre_hz: float) -> NDArray[np.float64]:
    """The response in a band of about an octave."""
    length = 4 * response.shape[1]
    spectrum = np.fft.rfft(response, length)
    distance = np.log2(np.maximum(np.fft.rfftfreq(length, 1 / RATE_HZ), 1.0) / centre_hz)
    spectrum *= np.where(np.abs(distance) < 1.0, np.cos(distance * np.pi / 2.0) ** 2, 0.0)
    return np.asarray(np.fft.irfft(spectrum, length)[:, : response.shape[1]])


def rt60(response: NDArray[np.float64]) -> float:
    """Reverberation time by backward integration (Schroeder 1965), from -5 to -25 dB (T20 of ISO 3382)."""
    energy = np.cumsum(np.sum(response**2, axis=0)[::-1])[::-1]
    level = 10.0 * np.log10(np.maximum(energy / energy[0], 1e-15))
    first, last = int(np.argmax(level < -5.0)), int(np.argmax(level < -25.0))
    slope = np.polyfit(np.arange(first, last) / RATE_HZ, level[first:last], 1)[0]
    return float(-60.0 / slope)


def energy_db(response: NDArray[np.float32]) -> float:
    return 10.0 * math.log10(float(np.sum(response.astype(np.float64) ** 2)))


@pytest.mark.parametrize("room", INDOORS, ids=lambda room: room.name)
def test_a_room_reverberates_as_long_as_its_table_says(room: Room) -> None:
    response = impulse_response(room, RATE_HZ)
    middle = (rt60(octave(response, 500.0)) + rt60(octave(response, 1_000.0))) / 2.0
    assert middle == pytest.approx(room.rt60_s, rel=0.10, abs=0.02)


@pytest.mark.parametrize("room", [room for room in INDOORS if room.rt60_s > 1.5], ids=lambda room: room.name)
def test_treble_dies_first_in_large_rooms(room: Room) -> None:
    response = impulse_response(room, RATE_HZ)
    assert rt60(octave(response, 4_000.0)) < 0.85 * rt60(octave(response, 500.0))


@pytest.mark.parametrize("room", INDOORS + OUTDOORS, ids=lambda room: room.name)
@pytest.mark.parametrize("rate_hz", [22_050, 44_100])
def test_the_energy_of_a_room_is_what_its_table_says(room: Room, rate_hz: int) -> None:
    response = impulse_response(room, rate_hz)
    assert energy_db(response) == pytest.approx(room.wet_db, abs=0.01)
    left, right = (float(np.sum(channel.astype(np.float64) ** 2)) for channel in response)
    assert abs(10.0 * math.log10(left / right)) < 1.5


def test_outside_is_far_drier_than_inside() -> None:
    inside, outside = impulse_response(FURNISHED, RATE_HZ), impulse_response(OPEN_AIR, RATE_HZ)
    assert energy_db(inside) - energy_db(outside) > 8.0
    late = slice(round(0.1 * RATE_HZ), None)
    assert outside[:, late].size == 0 or energy_db(outside[:, late]) < energy_db(inside[:, late]) - 20.0


def test_the_ears_hear_different_reverberation() -> None:
    left, right = impulse_response(room_for("INT. CHURCH"), RATE_HZ)[:, round(0.2 * RATE_HZ) :]
    assert abs(float(np.corrcoef(left, right)[0, 1])) < 0.2


def test_a_larger_room_answers_later() -> None:
    def centre_s(room: Room) -> float:
        energy = np.sum(impulse_response(room, RATE_HZ).astype(np.float64) ** 2, axis=0)
        return float(np.average(np.arange(len(energy)), weights=energy)) / RATE_HZ

    times = [centre_s(room_for(f"INT. {name}")) for name in ("CAR", "KITCHEN", "HALL", "CATHEDRAL")]
    assert times == sorted(times)
    assert times[-1] > 20.0 * times[0]


def test_responses_are_reproducible_read_only_and_differ_between_rooms() -> None:
    again = Room(**{name: getattr(FURNISHED, name) for name in Room.__dataclass_fields__})
    impulse_response.cache_clear()
    first = impulse_response(FURNISHED, RATE_HZ).copy()
    impulse_response.cache_clear()
    assert np.array_equal(impulse_response(again, RATE_HZ), first)
    with pytest.raises(ValueError, match="read-only"):
        impulse_response(FURNISHED, RATE_HZ)[0, 0] = 1.0


def test_a_dry_room_has_no_response() -> None:
    with pytest.raises(ValueError, match="dry"):
        impulse_response(DRY, RATE_HZ)


def test_absorption_approaches_sabine_in_live_rooms() -> None:
    size = (10.0, 8.0, 4.0)
    surface, volume = 2 * (80 + 40 + 32), 320.0
    assert eyring_absorption(size, 5.0) == pytest.approx(0.161 * volume / (surface * 5.0), rel=0.02)
    assert eyring_absorption(size, 0.1) < 1.0
