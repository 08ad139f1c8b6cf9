"""Which family a recipe names, and what is said where a package is missing."""

from __future__ import annotations

import sys

import pytest

from speechagents.errors import BackendMissing
from speechagents.tuning.families import make_family
from tests.tuning import chat_samples


def test_a_missing_package_gives_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, *_: object) -> None:
            if name.partition(".")[0] == "torch":
                raise ModuleNotFoundError("No module named 'torch'", name="torch")

    for name in [
        name for name in sys.modules if name == "torch" or name.startswith(("torch.", "speechagents.tuning."))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(BackendMissing, match=r'torch is not installed: python -m pip install "speechagents\[tuning\]"'):
        make_family(chat_samples.recipe(), chat_samples.samples())
