"""Where a model runs: on which GPU, or on the CPU and why.

Owns that choice, and what PyTorch says when memory is full. Imports PyTorch when asked, not before. Does not know what
runs there.
"""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.errors import MemoryFull, SettingsError

_DRIVER: Final = Path("/proc/driver/nvidia/version")
_NAME: Final = re.compile(r"cpu|cuda(:\d{1,2})?|mps")
_FULL: Final = re.compile(r"out of memory|ALLOC_FAILED|can't allocate memory|not enough memory", re.IGNORECASE)
"""In the words of CUDA, ROCm, Apple's GPUs, the CPU and cuBLAS; only the first two have a type for it."""


@dataclass(frozen=True, slots=True)
class Device:
    """A place for a model.

    Attributes:
        name: As PyTorch calls it: ``cpu``, ``cuda:0``, ``mps``.
        why: What was chosen and why, one sentence for people.
        memory_gb: Memory of the GPU; 0 for the CPU.
    """

    name: str
    why: str
    memory_gb: float = 0.0

    @property
    def is_gpu(self) -> bool:
        """It has memory and arithmetic of its own."""
        return self.name != "cpu"


def choose_device(wanted: str = "auto", *, driver: Path = _DRIVER) -> Device:
    """A device that works.

    Args:
        wanted: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        driver: Where Linux tells of NVIDIA's driver.

    Raises:
        SettingsError: A GPU was asked for and cannot be used; the message says why.
    """
    if wanted != "auto" and not _NAME.fullmatch(wanted):
        raise SettingsError(f"device {wanted[:40]!r} is none of auto, cpu, cuda, cuda:1, mps")
    if wanted == "cpu":
        return Device("cpu", "on the CPU, as asked for")
    import torch

    trouble = _trouble(torch, wanted, driver)
    if not trouble:
        return _gpu(torch, wanted)
    if wanted != "auto":
        raise SettingsError(f"device {wanted}: {trouble}; use --preset embedded or the device cpu")
    return Device("cpu", f"on the CPU: {trouble}")


def _gpu(torch: Any, wanted: str) -> Device:
    if wanted == "mps" or (wanted == "auto" and not torch.cuda.is_available()):
        return Device("mps", "on the GPU of this Mac")
    index = int(wanted.partition(":")[2] or 0)
    about = torch.cuda.get_device_properties(index)
    return Device(f"cuda:{index}", f"on {about.name}", about.total_memory / 1e9)


def _trouble(torch: Any, wanted: str, driver: Path) -> str:
    """Why no GPU, or not the one that is wanted, can be used; empty if it can."""
    mps = getattr(torch.backends, "mps", None)
    if wanted in ("auto", "mps") and mps is not None and mps.is_available():
        return ""
    if wanted == "mps":
        return "this is no Mac with Apple silicon, or its PyTorch is built without it"
    rocm = getattr(torch.version, "hip", None)
    if torch.version.cuda is None and rocm is None:
        return "the installed PyTorch is built for the CPU alone; install a CUDA build (https://pytorch.org)"
    if not torch.cuda.is_available():
        if torch.version.cuda is None:
            return f"there is no AMD GPU that this PyTorch (ROCm {rocm}) can use, or no driver for it"
        if not driver.exists():
            return "there is no NVIDIA GPU, or no driver for it"
        return (
            f"the NVIDIA driver is too old for this PyTorch (CUDA {torch.version.cuda}) or not running; update the "
            "driver, or install a PyTorch for an older CUDA"
        )
    index = int(wanted.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        return f"there is no GPU number {index}; this machine has {torch.cuda.device_count()}"
    try:
        return _wrong_architecture(torch, index)
    except RuntimeError as error:  # it is there, and somebody else's alone, or broken
        return f"GPU number {index} cannot be used ({str(error).splitlines()[0][:200]})"


def _wrong_architecture(torch: Any, index: int) -> str:
    """Whether PyTorch has no code for a GPU: its own, or one that the driver can make code of."""
    major, minor = torch.cuda.get_device_capability(index)
    built = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", one) for one in torch.cuda.get_arch_list()]
    versions = [(one.group(1), int(one.group(2)), int(one.group(3))) for one in built if one]
    fits = any(
        (kind == "sm" and one == major and other <= minor) or (kind == "compute" and (one, other) <= (major, minor))
        for kind, one, other in versions
    )
    if fits or not versions:
        return ""
    known = ", ".join(sorted({f"{one}.{other}" for _, one, other in versions}))
    return (
        f"{torch.cuda.get_device_name(index)} has compute capability {major}.{minor}, and this PyTorch is built for "
        f"{known}; install another build"
    )


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Full memory, a GPU's or this machine's, as `MemoryFull`, after what can be freed was freed.

    Raises:
        MemoryFull: It is full.
    """
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and _FULL.search(str(error)) is None:
            raise
        # The frames that failed hold on to what they had made; as long as they do, nothing can be given back.
        traceback.clear_frames(error.__traceback__)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise MemoryFull("the batch does not fit into memory") from error
