"""The mix of a scene: places in time and space, streams, stems."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.audio import Audio, Samples
from speechagents.drama import Delivery, Line
from speechagents.production.acoustics import Room, impulse_response
from speechagents.production.mixing import BLOCK_FRAMES, mix_scene
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.rooms import DRY, FURNISHED, room_for
from speechagents.production.timeline import SCENE_GUARD_S, PlacedLine, PlacedSound

GUARD = round(SCENE_GUARD_S * PROGRAMME_HZ)
CHURCH = room_for("INT. CHURCH")
Placed = tuple[PlacedLine | PlacedSound, Audio]


def take(seconds: float, *, seed: int = 0, rate_hz: int = 22_050) -> Audio:
    lot = np.random.default_rng(seed)
    return Audio(lot.standard_normal(round(seconds * rate_hz)).astype(np.float32) * np.float32(0.07), rate_hz)


def line(
    start_s: float, audio: Audio, *, pan: float = 0.0, role: str = "A", delivery: Delivery = Delivery.DIRECT
) -> Placed:
    spoken = Line(1, role, "Words.", delivery=delivery)
    return PlacedLine(spoken, "0" * 64, start_s, audio.duration_s, (), pan), audio


def mix(placed: Sequence[Placed], seconds: float, *, room: Room = DRY, origin_s: float = 0.0) -> Samples:
    return np.concatenate(list(mix_scene(placed, room=room, duration_s=lambda: seconds, origin_s=origin_s)))


def scene_of(count: int, *, roles: int = 3) -> tuple[list[Placed], float]:
    """Lines of 1 to 4 s that overlap a little now and then."""
    lot = np.random.default_rng(5)
    placed, at = [], 0.6
    for n in range(count):
        audio = take(float(lot.uniform(1.0, 4.0)), seed=n)
        deliveries = [Delivery.DIRECT, Delivery.OFF_SCREEN, Delivery.PHONE]
        placed.append(
            line(round(at, 2), audio, pan=(n % roles) * 0.4 - 0.4, role=f"R{n % roles}", delivery=deliveries[n % 3])
        )
        at += audio.duration_s + float(lot.uniform(-0.3, 0.4))
    return placed, math.ceil((at + 1.0) * 50) / 50


def level_db(samples: Samples) -> float:
    return 10.0 * math.log10(float(np.mean(samples.astype(np.float64) ** 2)) + 1e-20)


def test_a_line_lies_where_it_was_placed() -> None:
    tone = Audio(np.ones(PROGRAMME_HZ, np.float32) * np.float32(0.5), PROGRAMME_HZ)
    out = mix([line(1.0, tone)], 3.0)
    heard = np.flatnonzero(np.abs(out[:, 0]) > 0.01)
    assert abs(heard[0] - PROGRAMME_HZ) < 10
    assert abs(heard[-1] - 2 * PROGRAMME_HZ) < 10
    assert out.shape == (3 * PROGRAMME_HZ, 2)
    assert out.dtype == np.float32


def test_times_count_from_the_start_of_the_programme() -> None:
    audio = take(1.0)
    assert np.array_equal(mix([line(101.0, audio)], 3.0, origin_s=100.0), mix([line(1.0, audio)], 3.0))


@pytest.mark.parametrize("pan", [-1.0, -0.5, 0.0, 0.3, 1.0])
def test_panning_keeps_the_power(pan: float) -> None:
    audio = take(1.0, rate_hz=PROGRAMME_HZ)
    out = mix([line(1.0, audio, pan=pan)], 3.0)
    power = float(np.sum(out.astype(np.float64) ** 2))
    assert 10 * math.log10(power / float(np.sum(audio.samples.astype(np.float64) ** 2))) == pytest.approx(0.0, abs=0.05)
    left, right = (float(np.sum(out[:, side].astype(np.float64) ** 2)) for side in (0, 1))
    assert math.atan2(math.sqrt(right), math.sqrt(left)) == pytest.approx((pan + 1) * math.pi / 4, abs=1e-4)


def test_resampling_keeps_the_level() -> None:
    times = np.arange(22_050) / 22_050
    tone = Audio((0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32), 22_050)
    out = mix([line(1.0, tone, pan=-1.0)], 3.0)
    assert level_db(out[50_000:80_000, 0]) == pytest.approx(level_db(tone.samples), abs=0.05)


@pytest.mark.parametrize("room", [DRY, FURNISHED, CHURCH], ids=lambda room: room.name)
def test_both_ends_are_digital_silence_of_the_guard(room: Room) -> None:
    out = mix([line(0.2, take(2.0))], 2.7, room=room)
    assert not out[:GUARD].any()
    assert not out[-GUARD:].any()
    assert out[GUARD : GUARD + 500].any()
    assert len(out) == round(2.7 * PROGRAMME_HZ)


def test_the_tail_of_a_room_fades_out_before_the_silence() -> None:
    out = mix([line(0.6, take(1.0))], 2.3, room=CHURCH)
    end = len(out) - GUARD
    before, last = out[end - 22_050 : end - 11_025], out[end - 200 : end]
    assert level_db(before) > -60.0
    assert level_db(last) < level_db(before) - 40.0


def test_a_room_adds_as_much_as_its_table_says() -> None:
    audio = take(8.0, rate_hz=PROGRAMME_HZ)
    dry, wet = mix([line(0.6, audio)], 14.0), mix([line(0.6, audio)], 14.0, room=CHURCH)
    added = float(np.sum((wet - dry).astype(np.float64) ** 2)) / float(np.sum(dry.astype(np.float64) ** 2))
    assert 10 * math.log10(added) == pytest.approx(CHURCH.wet_db, abs=0.5)


def test_the_room_is_the_convolution_with_its_response() -> None:
    audio = take(1.0, rate_hz=PROGRAMME_HZ)
    dry = mix([line(1.0, audio, pan=-1.0)], 4.0)[:, 0].astype(np.float64)
    wet = mix([line(1.0, audio, pan=-1.0)], 4.0, room=FURNISHED)
    spectrum = np.fft.rfft(dry, 1 << 18)
    for channel in range(2):
        room = np.fft.irfft(spectrum * np.fft.rfft(impulse_response(FURNISHED, PROGRAMME_HZ)[channel], 1 << 18))
        expected = room[: len(wet)] + (dry if channel == 0 else 0.0)
        middle = slice(0, len(wet) - GUARD - PROGRAMME_HZ // 2)
        assert np.abs(wet[middle, channel] - expected[middle]).max() < 1e-6


def test_a_voice_over_hears_no_room_and_off_screen_hears_more() -> None:
    def wet_db(delivery: Delivery) -> float:
        dry, wet = (mix([line(0.6, take(3.0), delivery=delivery)], 8.0, room=room) for room in (DRY, CHURCH))
        return level_db(wet - dry) - level_db(dry)

    assert wet_db(Delivery.VOICE_OVER) < -150.0
    dry, wet = (mix([line(0.6, take(3.0), role="Narrator")], 8.0, room=room) for room in (DRY, CHURCH))
    assert np.array_equal(dry, wet)
    assert wet_db(Delivery.OFF_SCREEN) > wet_db(Delivery.DIRECT) + 4.0


@pytest.mark.parametrize("room", [DRY, FURNISHED, CHURCH], ids=lambda room: room.name)
def test_stems_add_up_to_the_mix(room: Room) -> None:
    placed, seconds = scene_of(12)
    rain = Audio(
        np.random.default_rng(1).standard_normal((PROGRAMME_HZ * 3, 2)).astype(np.float32) * np.float32(0.05),
        44_100,
    )
    everything: list[Placed] = [(PlacedSound(0, 0.2, math.inf, -6.0, 1.0, looped=True), rain), *placed]
    full = mix(everything, seconds, room=room)
    groups = [
        [one for one in placed if isinstance(one[0], PlacedLine) and one[0].line.role == f"R{n}"] for n in range(3)
    ]
    stems = [mix(group, seconds, room=room) for group in [*groups, everything[:1]]]
    assert np.abs(full - np.sum(stems, axis=0)).max() < 1e-6
    assert np.abs(full).max() > 0.1


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 2.0)), min_size=1, max_size=5), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_mixing_is_linear(lines: list[tuple[float, float]], every: int) -> None:
    at, placed = 0.3, []
    for n, (step, length_s) in enumerate(lines):
        at += step
        placed.append(line(round(at, 2), take(length_s, seed=n), pan=0.1 * n))
    seconds = math.ceil((at + 4.0) * 50) / 50
    one = [each for n, each in enumerate(placed) if n % every == 0]
    rest = [each for n, each in enumerate(placed) if n % every]
    full = mix(placed, seconds, room=FURNISHED)
    assert np.abs(full - mix(one, seconds, room=FURNISHED) - mix(rest, seconds, room=FURNISHED)).max() < 1e-6


def test_sound_leaves_as_soon_as_it_cannot_change() -> None:
    placed, seconds = scene_of(10)
    handed: list[float] = []

    def spoken() -> Iterator[Placed]:
        for one in placed:
            handed.append(one[0].start_s)
            yield one

    out = 0
    for block in mix_scene(spoken(), room=CHURCH, duration_s=lambda: seconds):
        out += len(block)
        if len(handed) < len(placed):
            # Whatever has left lies before the newest line, and nothing is waiting that could have left.
            assert out <= handed[-1] * PROGRAMME_HZ
    assert out == round(seconds * PROGRAMME_HZ)


def test_the_first_sound_comes_after_the_second_line_at_the_latest() -> None:
    def spoken() -> Iterator[Placed]:
        yield line(0.6, take(3.0))
        yield line(4.0, take(3.0))
        raise AssertionError("a third line was asked for before the first was heard")

    stream = mix_scene(spoken(), room=FURNISHED, duration_s=lambda: 8.0)
    heard = np.concatenate([next(stream) for _ in range(2)])
    assert heard.any()
    assert len(heard) > 4.0 * PROGRAMME_HZ - 2 * BLOCK_FRAMES


@pytest.mark.parametrize("room", [DRY, CHURCH], ids=lambda room: room.name)
def test_how_late_lines_come_changes_nothing(room: Room) -> None:
    placed, seconds = scene_of(8)
    # Lines far apart leave in pieces of other sizes than lines that come together with one far behind them.
    far = line(seconds + 20.0, take(0.5))
    together = mix([*placed, far], seconds + 22.0, room=room)
    alone = mix(placed, seconds + 22.0, room=room)
    until = round((seconds + 19.0) * PROGRAMME_HZ)
    assert np.array_equal(together[:until], alone[:until])


def test_the_same_scene_is_mixed_to_the_same_bytes() -> None:
    placed, seconds = scene_of(6)
    assert mix(placed, seconds, room=CHURCH).tobytes() == mix(placed, seconds, room=CHURCH).tobytes()


def rain(seconds: float = 2.0) -> Audio:
    lot = np.random.default_rng(9)
    return Audio(
        lot.standard_normal((round(seconds * PROGRAMME_HZ), 2)).astype(np.float32) * np.float32(0.1), PROGRAMME_HZ
    )


def test_an_ambience_is_looped_without_a_dip_and_faded_at_both_ends() -> None:
    out = mix([(PlacedSound(0, 0.2, math.inf, -20.0, 1.0, looped=True), rain())], 12.0)
    levels = [
        level_db(out[first : first + 4_410]) for first in range(round(1.5 * PROGRAMME_HZ), 10 * PROGRAMME_HZ, 4_410)
    ]
    assert max(levels) - min(levels) < 1.5
    assert np.mean(levels) == pytest.approx(level_db(rain().samples) - 20.0, abs=0.3)
    assert level_db(out[GUARD : GUARD + 4_410]) < np.mean(levels) - 15.0
    assert level_db(out[-GUARD - 4_410 : -GUARD]) < np.mean(levels) - 15.0
    assert not out[-GUARD:].any()


@pytest.mark.parametrize("file_s", [0.5, 2.0, 11.6, 30.0])
def test_an_ambience_mixed_again_with_its_final_length_sounds_the_same(file_s: float) -> None:
    speech = [line(0.6, take(4.0)), line(6.0, take(3.0))]
    opened: list[Placed] = [(PlacedSound(0, 0.2, math.inf, -20.0, 1.0, looped=True), rain(file_s)), *speech]
    final: list[Placed] = [
        (PlacedSound(0, 0.2, 12.0 - 0.2 - SCENE_GUARD_S, -20.0, 1.0, looped=True), rain(file_s)),
        *speech,
    ]
    assert np.abs(mix(opened, 12.0) - mix(final, 12.0)).max() < 1e-6


def test_an_effect_is_played_once_at_its_level() -> None:
    out = mix([(PlacedSound(0, 1.0, 2.0, -6.0, 0.005), rain())], 5.0)
    start = PROGRAMME_HZ
    assert level_db(out[start : start + 2 * PROGRAMME_HZ]) == pytest.approx(level_db(rain().samples) - 6.0, abs=0.1)
    assert not out[: start - 1].any()
    assert not out[start + 2 * PROGRAMME_HZ + 1 :].any()


def test_a_mono_effect_stands_in_the_middle() -> None:
    out = mix([(PlacedSound(0, 1.0, 1.0), take(1.0, rate_hz=PROGRAMME_HZ))], 3.0)
    assert np.array_equal(out[:, 0], out[:, 1])
    assert float(np.sum(out.astype(np.float64) ** 2)) == pytest.approx(
        float(np.sum(take(1.0, rate_hz=44_100).samples ** 2)), rel=0.05
    )


def test_things_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="before what came earlier"):
        mix([line(2.0, take(1.0)), line(1.0, take(1.0))], 5.0)


def test_an_end_that_has_been_heard_already_is_refused() -> None:
    with pytest.raises(ValueError, match="heard already"):
        mix([line(1.0, take(1.0)), line(9.0, take(1.0))], 5.0)


def test_a_scene_without_lines_is_silence() -> None:
    out = mix([], 1.1, room=CHURCH)
    assert out.shape == (round(1.1 * PROGRAMME_HZ), 2)
    assert not out.any()


def test_memory_does_not_grow_with_the_scene() -> None:
    audio = take(3.0)

    def peak(count: int) -> int:
        placed = (line(0.6 + 3.2 * n, audio) for n in range(count))
        tracemalloc.start()
        for _ in mix_scene(placed, room=FURNISHED, duration_s=lambda: 0.6 + 3.2 * count + 1.0):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2)
    short, long = peak(20), peak(120)
    assert long < 1.15 * short
    assert long < 20_000_000


@pytest.mark.parametrize(("room", "least"), [(DRY, 300.0), (CHURCH, 120.0)], ids=["dry", "church"])
def test_mixing_is_hundreds_of_times_faster_than_real_time(room: Room, least: float) -> None:
    placed, seconds = scene_of(60)
    placed = [line(one[0].start_s, one[1]) for one in placed]
    mix(placed[:2], 12.0, room=room)
    began = time.thread_time()
    mix(placed, seconds, room=room)
    assert seconds / (time.thread_time() - began) > least
