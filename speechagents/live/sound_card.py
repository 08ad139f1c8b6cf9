"""The sound card of a terminal client, by the optional package ``sounddevice``.

Owns opening it and the threads it calls from. Does not know the stage.
"""

from __future__ import annotations

import importlib
from collections import deque
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from speechagents.audio import Samples
from speechagents.errors import BackendMissing
from speechagents.live import pcm16
from speechagents.live.loudspeaker import Loudspeaker

_FRAME: Final = 480
_MOST_BLOCKS: Final = 100
"""Two seconds of microphone or loudspeaker that nobody fetched; older ones are lost."""


class SoundCard:
    """The default loudspeaker and, if asked for, the default microphone; a context manager.

    Args:
        microphone: Open the microphone as well.

    Raises:
        BackendMissing: The package, its library or a device is missing; the message holds the remedy.
    """

    def __init__(self, *, microphone: bool) -> None:
        self._device = _sounddevice()
        self._microphone = microphone
        self._loudspeaker: Loudspeaker | None = None
        self._played: deque[Samples] = deque(maxlen=_MOST_BLOCKS)
        self._heard: deque[Samples] = deque(maxlen=_MOST_BLOCKS)
        self._streams: list[Any] = []

    def __enter__(self) -> Self:
        options = {"samplerate": pcm16.RATE_HZ, "blocksize": _FRAME, "channels": 1, "dtype": "float32"}
        try:
            self._streams.append(self._device.OutputStream(callback=self._ask, **options))
            if self._microphone:
                self._streams.append(self._device.InputStream(callback=self._tell, **options))
            for stream in self._streams:
                stream.start()
        except self._device.PortAudioError as error:
            self._close()
            raise BackendMissing(
                f"the sound card cannot be opened ({error}); use --wav FILE or --text, and --record OUT.wav"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def play(self, loudspeaker: Loudspeaker) -> Samples:
        """What was played since the last call; the card takes it out of the loudspeaker by itself."""
        self._loudspeaker = loudspeaker
        return _all_of(self._played)

    def record(self) -> Samples:
        """What the microphone has heard since the last call."""
        return _all_of(self._heard)

    def _ask(self, output: Any, frames: int, _time: Any, _status: Any) -> None:
        samples = np.zeros(frames, np.float32) if self._loudspeaker is None else self._loudspeaker.pull(frames)
        output[:, 0] = samples
        self._played.append(samples)

    def _tell(self, heard: Any, _frames: int, _time: Any, _status: Any) -> None:
        self._heard.append(np.array(heard[:, 0], np.float32))

    def _close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._streams.clear()


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")  # has no types, and mypy need not find it
    except ModuleNotFoundError as error:
        raise BackendMissing(
            "a microphone and a loudspeaker need the package sounddevice: pip install sounddevice; "
            "or speak with --wav FILE, or write with --text"
        ) from error
    except OSError as error:  # the package is there, the library behind it is not
        raise BackendMissing(
            f"sounddevice does not find its library ({error}); install PortAudio (Debian: apt install libportaudio2), "
            "or speak with --wav FILE, or write with --text"
        ) from error


def _all_of(blocks: deque[Samples]) -> Samples:
    taken = []
    while blocks:
        taken.append(blocks.popleft())
    return np.concatenate(taken) if taken else np.zeros(0, np.float32)
