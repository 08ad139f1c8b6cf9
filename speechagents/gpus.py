"""Which GPUs this machine has, told within moments and without PyTorch.

Asks NVIDIA's management library, which comes with the driver. Owns what it says; whether the installed PyTorch can use
a GPU is known when a model loads (`devices`).
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

_LIBRARIES: Final = ("libnvidia-ml.so.1", "nvml.dll")
_MAX_GPUS: Final = 64
_NAME_BYTES: Final = 96


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU.

    Attributes:
        name: As its maker calls it.
        memory_gb: All of its memory, in 10⁹ bytes.
    """

    name: str
    memory_gb: float


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


@functools.cache
def gpus() -> Sequence[Gpu]:
    """The GPUs that NVIDIA's driver knows; none if there is no driver."""
    return find_gpus(ctypes.CDLL)


def find_gpus(load: Callable[[str], Any]) -> Sequence[Gpu]:
    """The GPUs that a management library knows.

    Args:
        load: Loads a library by name; raises OSError if there is none.
    """
    for name in _LIBRARIES:
        try:
            library = load(name)
        except OSError:
            continue
        if library.nvmlInit_v2() == 0:
            try:
                return _listed(library)
            finally:
                library.nvmlShutdown()
    return ()


def lacking_gpu(vram_gb: float) -> str:
    """What keeps a model of some size from a GPU here, with the remedy; empty when nothing does.

    Args:
        vram_gb: GPU memory that it needs; 0 needs no GPU.
    """
    if not vram_gb:
        return ""
    largest = max(gpus(), key=lambda gpu: gpu.memory_gb, default=None)
    if largest is None:
        return (
            f"no NVIDIA GPU, or no driver for it (needs one with {vram_gb:g} GB): use --preset laptop, or --preset "
            "server with a machine that has one"
        )
    if largest.memory_gb < vram_gb:
        return (
            f"the GPU here ({largest.name}) has {largest.memory_gb:.0f} GB, and {vram_gb:g} GB are needed: use a "
            "smaller preset"
        )
    if _built_for_cpu():
        return "the installed PyTorch is built for the CPU alone: install a CUDA build (https://pytorch.org)"
    return ""


def _built_for_cpu() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False


def _listed(library: Any) -> Sequence[Gpu]:
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return ()
    found = []
    for index in range(min(count.value, _MAX_GPUS)):
        handle, memory, name = ctypes.c_void_p(), _Memory(), ctypes.create_string_buffer(_NAME_BYTES)
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) != 0:
            continue
        if library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) != 0:
            continue
        library.nvmlDeviceGetName(handle, name, _NAME_BYTES)
        found.append(Gpu(name.value.decode("utf-8", "replace") or "a GPU", memory.total / 1e9))
    return tuple(found)
