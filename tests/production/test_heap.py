"""One heap for all threads, where the C library can be told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

THREADS_THAT_ALLOCATE = """
import ctypes, re, sys, threading
from speechagents.production.heap import share_one_heap
understood = share_one_heap() if sys.argv[1] == "shared" else True
held, ready = [], threading.Barrier(4)
def work():
    held.append([bytearray(60_000) for _ in range(50)])
    ready.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(understood, len(re.findall("<heap nr=", open(sys.argv[2]).read())))
"""


def heaps(mode: str, path: str) -> str:
    run = [sys.executable, "-c", THREADS_THAT_ALLOCATE, mode, path]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()


FREE_BETWEEN_WHAT_IS_KEPT = """
import os
from pathlib import Path
from speechagents.production.heap import give_back, share_one_heap
def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
share_one_heap()
pieces = [bytearray(20_000) for _ in range(5_000)]
kept = pieces[::100]
del pieces
before = resident_mb()
print(give_back(), before - resident_mb() > 80, all(len(one) == 20_000 for one in kept))
"""

with_glibc = pytest.mark.skipif(
    not hasattr(os, "confstr") or "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""), reason="glibc"
)


@with_glibc
def test_threads_share_one_heap_once_told_to(tmp_path: pytest.TempPathFactory) -> None:
    path = f"{tmp_path}/heaps.xml"
    assert heaps("shared", path) == "True 1"
    assert heaps("as it comes", path) != "True 1"


@with_glibc
def test_free_memory_between_what_is_kept_goes_back() -> None:
    run = [sys.executable, "-c", FREE_BETWEEN_WHAT_IS_KEPT]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.split() == ["True"] * 3
