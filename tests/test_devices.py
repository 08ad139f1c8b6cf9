"""Where a model runs: what is said of GPUs that are there, are not, or cannot be used."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speechagents.devices import choose_device, memory_errors
from speechagents.errors import MemoryFull, SettingsError

Install = Callable[..., SimpleNamespace]
HOPPER = ["sm_80", "sm_90", "compute_90"]


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls it."""


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    path = tmp_path / "version"
    path.write_text("NVRM version: 550")
    return path


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """A PyTorch that says of its GPUs what it is told to."""

    def installed(
        *,
        cuda: str | None = "12.8",
        hip: str | None = None,
        gpus: list[tuple[str, tuple[int, int], int]] | None = None,
        arch: list[str] | None = None,
        mps: bool = False,
        broken: str = "",
    ) -> SimpleNamespace:
        found = gpus or []

        def capability(index: int) -> tuple[int, int]:
            if broken:
                raise RuntimeError(broken)
            return found[index][1]

        torch = SimpleNamespace(
            version=SimpleNamespace(cuda=cuda, hip=hip),
            backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
            OutOfMemoryError=OutOfMemoryError,
            emptied=0,
        )

        def empty_cache() -> None:
            torch.emptied += 1

        torch.cuda = SimpleNamespace(
            is_available=lambda: bool(found),
            device_count=lambda: len(found),
            get_device_capability=capability,
            get_device_name=lambda index: found[index][0],
            get_arch_list=lambda: HOPPER if arch is None else arch,
            get_device_properties=lambda index: SimpleNamespace(name=found[index][0], total_memory=found[index][2]),
            empty_cache=empty_cache,
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        return torch

    return installed


H100 = ("NVIDIA H100", (9, 0), 85_000_000_000)
A100 = ("NVIDIA A100", (8, 0), 42_000_000_000)
GTX = ("GeForce GTX 1060", (6, 1), 6_000_000_000)


def test_the_cpu_needs_no_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    device = choose_device("cpu")
    assert (device.name, device.why, device.is_gpu) == ("cpu", "on the CPU, as asked for", False)


def test_a_gpu_that_works_is_taken(install: Install, driver: Path) -> None:
    install(gpus=[H100, A100])
    device = choose_device(driver=driver)
    assert (device.name, device.why, device.memory_gb) == ("cuda:0", "on NVIDIA H100", 85.0)
    assert device.is_gpu
    assert choose_device("cuda", driver=driver) == device
    assert choose_device("cuda:1", driver=driver).why == "on NVIDIA A100"


def test_a_mac_is_taken(install: Install, driver: Path) -> None:
    install(cuda=None, mps=True)
    for wanted in ("auto", "mps"):
        device = choose_device(wanted, driver=driver)
        assert (device.name, device.why) == ("mps", "on the GPU of this Mac")
        assert device.is_gpu


def test_an_amd_gpu_is_a_gpu(install: Install, driver: Path) -> None:
    install(cuda=None, hip="6.4", gpus=[("Radeon", (11, 0), 24_000_000_000)], arch=["gfx1100"])
    assert choose_device(driver=driver).why == "on Radeon"
    install(cuda=None, hip="6.4")
    assert "no AMD GPU that this PyTorch (ROCm 6.4) can use" in choose_device(driver=driver).why


@pytest.mark.parametrize(
    ("has", "wanted", "said"),
    [
        ({"cuda": None}, "cuda", "built for the CPU alone; install a CUDA build"),
        ({"gpus": [H100]}, "cuda:3", "no GPU number 3; this machine has 1"),
        (
            {"gpus": [GTX]},
            "cuda",
            r"GTX 1060 has compute capability 6.1, and this PyTorch is built for 8.0, 9.0",
        ),
        (
            {"gpus": [H100], "broken": "CUDA error: busy\nmore"},
            "cuda",
            r"cannot be used \(CUDA error: busy\)",
        ),
        ({}, "mps", "no Mac with Apple silicon"),
    ],
    ids=["CPU build", "no such number", "too old", "busy", "no Mac"],
)
def test_a_gpu_that_cannot_be_used_is_refused_where_it_was_asked_for(
    install: Install, driver: Path, has: dict[str, Any], wanted: str, said: str
) -> None:
    install(**has)
    with pytest.raises(SettingsError, match=said) as caught:
        choose_device(wanted, driver=driver)
    assert f"device {wanted}: " in str(caught.value)
    assert "use --preset embedded or the device cpu" in str(caught.value)


@pytest.mark.parametrize(
    ("has", "there", "said"),
    [
        ({"cuda": None}, True, "built for the CPU alone"),
        ({}, False, "there is no NVIDIA GPU, or no driver for it"),
        ({}, True, "driver is too old for this PyTorch (CUDA 12.8) or not running; update the driver"),
        ({"gpus": [GTX]}, True, "compute capability 6.1"),
        ({"gpus": [H100], "broken": "out of luck"}, True, "out of luck"),
    ],
    ids=["CPU build", "no driver", "old driver", "too old", "broken"],
)
def test_otherwise_it_is_the_cpu_and_why_is_said(
    install: Install, driver: Path, tmp_path: Path, has: dict[str, Any], there: bool, said: str
) -> None:
    install(**has)
    device = choose_device(driver=driver if there else tmp_path / "none")
    assert device.name == "cpu"
    assert not device.is_gpu
    assert device.why.startswith("on the CPU: ")
    assert said in device.why


@pytest.mark.parametrize(
    ("capability", "arch", "fits"),
    [
        ((9, 0), ["sm_90"], True),
        ((8, 9), ["sm_80", "sm_86"], True),
        ((8, 0), ["sm_86"], False),
        ((12, 0), ["sm_80", "sm_90"], False),
        ((12, 0), ["sm_80", "sm_90", "compute_90"], True),
        ((12, 0), ["sm_120a"], True),
        ((9, 0), [], True),
        ((9, 0), ["gfx90a"], True),
        ((7, 5), ["sm_80", "compute_80"], False),
    ],
)
def test_a_gpu_is_used_if_there_is_code_for_it(
    install: Install, driver: Path, capability: tuple[int, int], arch: list[str], fits: bool
) -> None:
    """Binary code runs on later versions of the same generation; only what the driver compiles runs on later ones."""
    install(gpus=[("GPU", capability, 8_000_000_000)], arch=arch)
    assert choose_device(driver=driver).is_gpu is fits


@pytest.mark.parametrize("wanted", ["gpu", "cuda:", "cuda:x", "CUDA", "cuda:123", "", "mps:0", "cpu:0", "x" * 99])
def test_a_device_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(SettingsError, match="is none of auto, cpu, cuda, cuda:1, mps"):
        choose_device(wanted)


# Full memory


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["CUDA", "Mac", "cuBLAS", "CPU", "Python"],
)
def test_full_memory_is_told_and_given_back(install: Install, error: Exception) -> None:
    torch = install(gpus=[H100])
    with pytest.raises(MemoryFull, match="does not fit into memory"), memory_errors():
        raise error
    assert torch.emptied == 1


def test_what_was_made_before_memory_was_full_is_let_go_first(install: Install) -> None:
    class Tensor:
        pass

    torch = install(gpus=[H100])
    made: list[weakref.ref[Tensor]] = []
    alive: list[bool] = []
    torch.cuda.empty_cache = lambda: alive.append(made[0]() is not None)

    def forward() -> None:
        tensor = Tensor()
        made.append(weakref.ref(tensor))
        raise OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(MemoryFull), memory_errors():
        forward()
    assert alive == [False]


def test_other_errors_stay_what_they_are(install: Install) -> None:
    torch = install(gpus=[H100])
    with pytest.raises(RuntimeError, match="shapes"), memory_errors():
        raise RuntimeError("shapes cannot be multiplied")
    with pytest.raises(KeyError), memory_errors():
        raise KeyError("x")
    assert torch.emptied == 0


def test_without_trouble_nothing_happens(install: Install) -> None:
    torch = install()
    with memory_errors():
        pass
    assert torch.emptied == 0
