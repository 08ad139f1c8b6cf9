"""The logic of the live page's modules, tested where it runs without a browser: in Node, if it is on the path."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from speechagents.ui import live

NODE = shutil.which("node")
SPECIFICATIONS = sorted(Path(__file__).parent.glob("*.test.js"))


@pytest.mark.skipif(NODE is None, reason="Node is not installed; the Chromium tests cover the modules as a whole")
@pytest.mark.parametrize("specification", SPECIFICATIONS, ids=lambda path: path.name.removesuffix(".test.js"))
def test_a_module_keeps_its_specification(tmp_path: Path, specification: Path) -> None:
    # A copy, because only a package.json beside them tells every version of Node that these are ES modules.
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    shutil.copytree(live.MODULES, tmp_path / "live")
    (tmp_path / "tests").mkdir()
    shutil.copy(specification, tmp_path / "tests")
    run = subprocess.run(
        [str(NODE), "--test", f"tests/{specification.name}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout
    assert "# tests 0" not in run.stdout, "a specification without a test"
