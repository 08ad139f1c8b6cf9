"""Tells the C library how this process uses memory.

Owns the settings of glibc's allocator, for processes that are ours: a program makes them first thing, the library never
does; and the giving back of what a large piece of work has left, which harms nobody.

By default glibc gives every thread an arena of its own, and each keeps what its threads have freed. Threads that mix
and encode allocate and free arrays of a few megabytes all the time, so the process grows although nothing in it does.
One arena for all of them holds less, and because it hardly shrinks and grows again, it spares the page faults of
fresh memory too (`benchmarks/NOTES.md` has the figures).
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # numbers of <malloc.h>
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_LARGEST_MMAP_THRESHOLD: Final = 32 << 20  # glibc takes no more
_KEEP: Final = 8 << 20


def share_one_heap() -> bool:
    """Let all threads share one heap that keeps up to 8 MB for what comes next.

    Call it before threads are started.

    Returns:
        Whether the C library understood: glibc does; others (musl, macOS, Windows) have nothing to be told.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wishes = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD), (_TRIM_THRESHOLD, _KEEP))
    answers = [mallopt(option, value) for option, value in wishes]
    return answers == [1] * len(wishes)


def give_back() -> bool:
    """Give the system the free memory between what is still in use; worth it once, after work that took much.

    Returns:
        Whether the C library could: glibc can.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False
