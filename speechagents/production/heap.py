"""Gives memory that is free back to the system.

Owns one call to the C library. Threads that mix and encode allocate and free arrays of a few megabytes all the time;
glibc keeps what they free, in an arena for each thread, and the process grows with the length of the programme although
nothing in it does.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable


def release_free_memory() -> None:
    """Return what is free to the system, where the C library can (glibc); costs a few milliseconds."""
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], object]:
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc: musl, macOS, Windows
        return lambda _: None
    return trim
