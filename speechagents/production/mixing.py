"""Mixes one scene: lines and sounds with their places in time and space become one stereo stream.

Owns the buses, the panning and the ends of the scene. Does not know who decided times (`rhythm`), places
(`staging`) or rooms (`rooms`), and never holds a whole scene: what can no longer change leaves at once.

Signal path: take → delivery → programme rate → gain and constant-power pan → direct bus; the same take, unpanned →
room bus → one stereo convolution for the whole scene. Both buses live on a fixed grid of blocks from the scene's
start, so the result does not depend on when lines arrive. Every step after the delivery is linear and a line's
delivery depends on that line alone: the mixes of any division of the lines add up to the mix of all (stems).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio, Samples
from speechagents.drama import NARRATOR, Delivery, Line, role_key
from speechagents.production.acoustics import Room, impulse_response
from speechagents.production.convolution import StereoConvolver
from speechagents.production.deliveries import treated
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.timeline import SCENE_GUARD_S, PlacedLine, PlacedSound

BLOCK_FRAMES: Final = 16_384
"""Grid of the mix: 0.37 s at 44.1 kHz. Larger blocks gain little speed and hold sound back longer."""

TAIL_FADE_S: Final = 0.25
"""What still rings fades out over this time before the silence at the end of the scene."""

_LOOP_FADE_S: Final = 1.0
_BLOCKS_AT_ONCE: Final = 16
"""Longest piece that is given out, in blocks: bounds memory when a long line ends."""

_BLOCKS_IN_CACHE: Final = 4
"""Blocks that are convolved at once."""

_EDGE_FADE_S: Final = 0.002
"""Takes are faded this long at both ends against clicks."""


def mix_scene(
    placed: Iterable[tuple[PlacedLine | PlacedSound, Audio]],
    *,
    room: Room,
    duration_s: Callable[[], float],
    origin_s: float = 0.0,
    rate_hz: int = PROGRAMME_HZ,
) -> Iterator[Samples]:
    """Mix a scene while its lines are still being spoken.

    A piece is given out as soon as the start of the newest line or sound lies behind it. The first and the last
    `SCENE_GUARD_S` of the scene are exact digital silence.

    Args:
        placed: Lines with their takes and sounds with their files, in order of start. A sound of infinite length
            goes on to the end of the scene.
        room: Where the scene plays.
        duration_s: Length of the scene; asked once, after the last of `placed`.
        origin_s: Start of the scene in the programme, which times of `placed` count from.
        rate_hz: Rate of the mix.

    Yields:
        float32 of shape ``(n, 2)``; together exactly as long as the scene.

    Raises:
        ValueError: `placed` is not in order of start, or the scene ends before what was given out.
    """
    desk = _Desk(room, rate_hz)
    newest = 0
    for thing, audio in placed:
        first = round((thing.start_s - origin_s) * rate_hz)
        if first < newest:
            raise ValueError(f"something starts at {thing.start_s:.3f} s, before what came earlier")
        newest = first
        if isinstance(thing, PlacedLine):
            desk.add_line(thing, audio, first)
        else:
            desk.add_sound(thing, audio, first)
        yield from desk.until(newest - desk.held_back)
    yield from desk.finish(round(duration_s() * rate_hz))


class _Desk:
    """The buses of one scene. Frames count from the start of the scene."""

    def __init__(self, room: Room, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._convolver = None if room.is_dry else StereoConvolver(impulse_response(room, rate_hz), BLOCK_FRAMES)
        self._out = 0  # frames given out
        # Rows: left, right, room. Column `_head` is frame `_out`; what lies before it is spent.
        self._bus = np.zeros((3, 8 * BLOCK_FRAMES), np.float32)
        self._head = 0
        self._filled = 0  # end of the columns that may hold sound
        self._playing: list[_Playing] = []
        self._guard = round(SCENE_GUARD_S * rate_hz)
        self._held_back = 0

    @property
    def held_back(self) -> int:
        """Frames before the newest start that may still change: an open ambience fades out before the end."""
        return self._held_back

    def add_line(self, line: PlacedLine, take: Audio, first: int) -> None:
        """Put a line on the buses."""
        through = treated(take.mono(), _delivery(line.line))
        samples = through.audio.resampled(self._rate_hz).samples
        samples = _faded(samples, round(_EDGE_FADE_S * self._rate_hz))
        angle = (line.pan + 1.0) * math.pi / 4.0
        left, right = through.direct * math.cos(angle), through.direct * math.sin(angle)
        stretch = self._stretch(first, len(samples))
        samples = samples[-stretch.shape[1] :] if stretch.shape[1] else samples[:0]
        stretch[0] += samples * np.float32(left)
        stretch[1] += samples * np.float32(right)
        if self._convolver is not None and through.room:
            stretch[2] += samples * np.float32(through.room)

    def add_sound(self, sound: PlacedSound, audio: Audio, first: int) -> None:
        """Start an effect or ambience."""
        samples = _stereo(audio.resampled(self._rate_hz)) * np.float32(10.0 ** (sound.gain_db / 20.0))
        endless = math.isinf(sound.duration_s)
        end = None if endless else first + round(sound.duration_s * self._rate_hz)
        fade = round(sound.fade_s * self._rate_hz)
        overlap = min(round(_LOOP_FADE_S * self._rate_hz), int(samples.shape[1]) // 4) if sound.looped else 0
        self._playing.append(_Playing(samples, first, end, fade, overlap=overlap))
        self._held_back = max(self._held_back, fade if endless else 0)

    def until(self, frame: int) -> Iterator[Samples]:
        """Give out all whole blocks before a frame."""
        while (blocks := min((frame - self._out) // BLOCK_FRAMES, _BLOCKS_AT_ONCE)) > 0:
            yield self._give(blocks)

    def finish(self, frames: int) -> Iterator[Samples]:
        """Give out the rest of a scene of a length in frames, faded and with silence at its end."""
        tail = min(round(TAIL_FADE_S * self._rate_hz), max(0, frames - 2 * self._guard))
        silent_from = max(0, frames - self._guard)
        if self._out > max(0, silent_from - tail):
            raise ValueError(f"the scene cannot end at {frames / self._rate_hz:.2f} s: its end has been heard already")
        for sound in self._playing:
            sound.close(silent_from)
        yield from self.until(silent_from - tail)
        while self._out < frames:
            first = self._out
            piece = self._give(1)[: frames - first]
            times = np.arange(first, first + len(piece))
            fade = np.clip((silent_from - times) / max(1, tail), 0.0, 1.0)
            piece *= (0.5 - 0.5 * np.cos(np.pi * fade)).astype(np.float32)[:, None]
            yield piece

    def _stretch(self, first: int, frames: int) -> Samples:
        """The buses from a frame on, a view; the part that was given out or lies in the guard is cut off."""
        start = max(first, self._guard, self._out)
        column, end = (self._head + frame - self._out for frame in (start, max(start, first + frames)))
        if end > self._bus.shape[1]:
            # A new bus of twice the need: the sound on it is moved so seldom that mixing stays linear.
            live = self._bus[:, self._head : self._filled]
            self._bus = np.zeros((3, max(8 * BLOCK_FRAMES, 2 * (end - self._head))), np.float32)
            self._bus[:, : live.shape[1]] = live
            column, end = column - self._head, end - self._head
            self._head, self._filled = 0, live.shape[1]
        self._filled = max(self._filled, end)
        return self._bus[:, column:end]

    def _give(self, blocks: int) -> Samples:
        """Take the next blocks off the buses and mix them down."""
        frames = blocks * BLOCK_FRAMES
        self._stretch(self._out + frames, 0)
        bus = self._bus[:, self._head : self._head + frames]
        mix = bus[:2].copy()
        if self._convolver is not None:
            for first in range(0, frames, _BLOCKS_IN_CACHE * BLOCK_FRAMES):
                some = slice(first, first + _BLOCKS_IN_CACHE * BLOCK_FRAMES)
                mix[:, some] += self._convolver.feed(bus[2, some])
        self._playing = [sound for sound in self._playing if not sound.is_over(self._out)]
        for sound in self._playing:
            sound.add_to(mix, self._out)
        self._head += frames
        if self._out < self._guard:
            mix[:, : self._guard - self._out] = 0.0
        self._out += frames
        return np.ascontiguousarray(mix.T)


class _Playing:
    """An effect or ambience from a frame on.

    Args:
        samples: float32 of shape ``(2, frames)``, at its level.
        first: Frame it starts at.
        end: Frame it ends at; None while that is open.
        fade: Frames of fade at both ends.
        overlap: Frames over which its end is faded into its beginning when it is looped; 0 to play it once.
    """

    def __init__(self, samples: Samples, first: int, end: int | None, fade: int, *, overlap: int) -> None:
        self._first, self._end, self._fade = first, end, fade
        self._body = samples.shape[1] - overlap
        self._samples = samples
        if overlap:
            # Column `body + i` is heard where column `i` returns: the two are faded over. Ambiences are like
            # noise, their powers add up, so sine and cosine keep the level at the seam.
            angle = np.linspace(0.0, np.pi / 2.0, overlap, dtype=np.float32)
            seam = samples[:, self._body :] * np.cos(angle) + samples[:, :overlap] * np.sin(angle)
            self._samples = np.concatenate((samples[:, : self._body], seam), axis=1)

    def close(self, end: int) -> None:
        """Let a sound that is still open end at a frame."""
        if self._end is None:
            self._end = end

    def is_over(self, frame: int) -> bool:
        """Whether nothing of it is heard from a frame on."""
        return self._end is not None and frame >= self._end

    def add_to(self, mix: Samples, first: int) -> None:
        """Add its part to a stretch of the scene that starts at a frame."""
        ends = [first + mix.shape[1]] + ([self._end] if self._end is not None else [])
        start, end = max(first, self._first), min(ends)
        if end <= start or not self._samples.shape[1]:
            return
        times = np.arange(start, end) - self._first
        envelope = (times + 1) / max(1, self._fade)
        if self._end is not None:
            envelope = np.minimum(envelope, (self._end - self._first - times) / max(1, self._fade))
        sound = np.take(self._samples, self._columns(times), axis=1)
        mix[:, start - first : end - first] += sound * np.clip(envelope, 0.0, 1.0).astype(np.float32)

    def _columns(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which sample is heard at a time: the beginning once, then the rest of the body and the seam in turn."""
        overlap = self._samples.shape[1] - self._body
        if not overlap:
            return np.asarray(np.minimum(times, self._body - 1))
        return np.asarray(np.where(times < overlap, times, overlap + (times - overlap) % self._body))


def _delivery(line: Line) -> Delivery:
    """From where a line is heard: the narrator stands in no scene, so in no room either."""
    narrates = line.delivery is Delivery.DIRECT and role_key(line.role) == role_key(NARRATOR)
    return Delivery.VOICE_OVER if narrates else line.delivery


def _stereo(audio: Audio) -> Samples:
    """Shape ``(2, frames)``; mono stands in the middle at constant power."""
    if audio.channels == 2:
        return np.ascontiguousarray(audio.samples.T)
    return np.tile(audio.samples * np.float32(math.sqrt(0.5)), (2, 1))


def _faded(samples: Samples, fade: int) -> Samples:
    """A mono sound faded in and out, linearly; the result is a copy."""
    faded = samples.copy()
    if fade := min(fade, len(faded) // 2):
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        faded[:fade] *= ramp
        faded[-fade:] *= ramp[::-1]
    return faded
