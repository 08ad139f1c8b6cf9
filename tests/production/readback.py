"""Reading files back with tools that are not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

from speechagents.audio import Samples


def decoded(path: Path) -> tuple[Samples, int]:
    """All frames of a file as FFmpeg decodes it, shape ``(n, 2)``, and their rate."""
    frames: list[Any] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            values = frame.to_ndarray()
            frames.append(values.T if frame.format.is_planar else values.reshape(-1, 2))
        rate_hz = int(stream.rate)
    sound = np.concatenate(frames)
    if np.issubdtype(sound.dtype, np.integer):
        return np.asarray(sound / 2.0 ** (8 * sound.itemsize - 1), np.float32), rate_hz
    return np.asarray(sound, np.float32), rate_hz
