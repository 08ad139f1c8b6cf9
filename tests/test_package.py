"""The package as a whole: what importing it costs, and what its face shows."""

import subprocess
import sys

import speechagents


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import speechagents") & {"numpy", "av", "gradio", "torch", "soundfile", "yaml"} == set()


def test_the_studio_needs_neither_torch_nor_the_web() -> None:
    assert loaded_by("from speechagents import Studio") & {"torch", "gradio", "transformers", "scipy"} == set()


def test_every_public_name_can_be_loaded() -> None:
    for name in speechagents.__all__:
        assert getattr(speechagents, name) is not None
    assert set(dir(speechagents)) == set(speechagents.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(speechagents, "Stduio")
