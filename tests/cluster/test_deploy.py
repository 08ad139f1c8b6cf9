"""The recipes for several machines: scripts and commands that the program, its presets, Ray and vLLM take."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from speechagents import __version__, cli
from speechagents.cluster.ray_cluster import VRAM
from speechagents.cluster.workers import check_workers
from speechagents.controllers.discovery import LOCAL_PORTS
from speechagents.controllers.prompts import MAX_MESSAGES
from speechagents.presets import named_preset, presets
from tests.cluster.recipes import (
    BASH,
    BRAINS,
    DEPLOY,
    FILES,
    README,
    Machine,
    commands,
    compose,
    dockerfile,
    images,
    load,
    objects,
    options,
    pyproject,
    serving,
)

SCRIPTS = [path.name for path in FILES if path.suffix == ".sh"]
VLLM = "0.30.0"
"""The version whose sources were looked at for the options below; another one is to be looked at anew."""
VLLM_OPTIONS = {
    "--revision", "--host", "--port", "--quantization", "--dtype", "--max-model-len", "--gpu-memory-utilization",
    "--limit-mm-per-prompt", "--enable-prefix-caching", "--omni",
}  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# The files


def test_the_readme_tells_of_every_file() -> None:
    brief = README.replace("serve-gpu-….sh", " ".join(f"serve-{brain}.sh" for brain in BRAINS))
    untold = [path.name for path in FILES if path.name not in brief and path.parent.name != "kuberay"]
    assert set(untold) <= {"README.md"}
    listed = load("kustomization.yaml")["resources"]
    assert {f"kuberay/{path.name}" for path in FILES if path.parent.name == "kuberay"} == {
        *listed, "kuberay/read-book.yaml"
    }  # fmt: skip


def test_they_are_small_enough_for_every_wheel() -> None:
    assert sum(path.stat().st_size for path in FILES) < 60_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_no_file_holds_a_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    known_forms = r"(hf_|sk-|ghp_|glpat-|xox[bp]-|AKIA|eyJ)[A-Za-z0-9_-]{12,}|-----BEGIN|://[^/\s]+:[^/\s@]+@"
    assert not re.search(known_forms, text)
    # A revision of a model is a long number that everybody may know; nothing else looks like a key.
    revisions = set(re.findall(r"--revision ([0-9a-f]{40})\b", text))
    assert set(re.findall(r"\b[0-9a-fA-F]{32,}\b", text)) <= revisions
    # Of what is called a secret only where it lies is told.
    named = re.findall(r"\b(\w*(?:TOKEN|PASSWORD|SECRET|KEY))[ \t]*[=:][ \t]*([^\s]*)", text)
    assert [(name, value) for name, value in named if value] == []


# Scripts


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_sound_and_stops_at_the_first_fault(script: str) -> None:
    subprocess.run([BASH, "-n", str(DEPLOY / script)], check=True)
    text = (DEPLOY / script).read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    # So that signals reach the server, and its exit code whoever started it.
    assert re.search(r"^exec (vllm|ray) ", text, re.MULTILINE)


@pytest.mark.parametrize("brain", BRAINS)
def test_the_brain_of_a_preset_is_served_as_the_preset_has_it(brain: str, machine: Machine) -> None:
    preset = named_preset(brain)
    (weights,) = preset.weights["controller"]
    call = machine.run(f"serve-{brain}.sh")
    assert call[:3] == ["vllm", "serve", preset.controller_options["model"]]
    assert options(call)["--revision"] == weights.revision
    assert (options(call).get("--quantization") == "bitsandbytes") == ("quantisation" in preset.controller_options)


def test_every_preset_whose_brain_wants_a_gpu_has_a_script() -> None:
    wanting = {preset.name for preset in presets() if preset.vram_gb and preset.controller == "transformers"}
    assert wanting == set(BRAINS)


@pytest.mark.parametrize("brain", ["gpu-24gb", "gpu-80gb"])
def test_a_brain_that_hears_takes_as_many_sounds_as_a_prompt_has(brain: str, machine: Machine) -> None:
    limits = json.loads(options(machine.run(f"serve-{brain}.sh"))["--limit-mm-per-prompt"])
    assert limits == {"audio": MAX_MESSAGES, "image": 0, "video": 0}


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.startswith("serve-")])
def test_a_server_listens_where_it_is_looked_for_and_on_this_machine_alone(script: str, machine: Machine) -> None:
    found = options(machine.run(script))
    assert found["--port"] == str(serving()[script])
    assert found["--host"] == "127.0.0.1"
    assert set(found) <= VLLM_OPTIONS


def test_the_brain_is_found_on_this_machine_without_being_named() -> None:
    assert dict(LOCAL_PORTS)["vLLM"] == serving()["serve-gpu-24gb.sh"]


def test_a_server_moves_and_takes_more_options(machine: Machine) -> None:
    call = machine.run("serve-gpu-24gb.sh", "--max-num-seqs", "8", SERVE_HOST="0.0.0.0", SERVE_PORT="9000")  # noqa: S104
    assert call[-2:] == ["--max-num-seqs", "8"]
    assert (options(call)["--host"], options(call)["--port"]) == ("0.0.0.0", "9000")  # noqa: S104


def test_the_head_does_no_work_and_asks_for_a_token(machine: Machine) -> None:
    found = options(machine.run("ray-head.sh"))
    assert found["--num-cpus"] == "0"
    assert found["--dashboard-host"] == "127.0.0.1"
    assert "--block" in found
    assert machine.environment_of("ray")["RAY_AUTH_MODE"] == "token"


def test_a_worker_joins_the_head_with_all_its_cores_and_its_gpus_memory(machine: Machine) -> None:
    call = machine.run("ray-worker.sh", RAY_HEAD="head:6379", RAY_VRAM_GB="24")
    found = options(call)
    assert found["--address"] == "head:6379"
    assert int(found["--num-cpus"]) >= 1
    assert json.loads(found["--resources"]) == {VRAM: 24}
    assert machine.environment_of("ray")["RAY_AUTH_MODE"] == "token"
    assert "--resources" not in options(machine.run("ray-worker.sh", RAY_HEAD="head:6379"))


def test_a_worker_that_is_not_told_of_a_head_says_so(machine: Machine) -> None:
    ran = machine.attempt("ray-worker.sh")
    assert ran.returncode != 0
    assert "RAY_HEAD=HOST:6379" in ran.stderr


@pytest.mark.parametrize("script", ["ray-head.sh", "ray-worker.sh"])
def test_ray_takes_the_options(script: str, machine: Machine) -> None:
    start = pytest.importorskip("ray.scripts.scripts").start
    known = {name for option in start.params for name in option.opts}
    call = machine.run(script, RAY_HEAD="head:6379", RAY_VRAM_GB="24")
    assert call[:2] == ["ray", "start"]
    assert set(options(call)) <= known


# Commands


@pytest.mark.parametrize(
    ("where", "arguments"), list(commands()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_the_program_takes_every_command_of_the_recipes(where: str, arguments: list[str]) -> None:
    parsed = cli._parser().parse_args(arguments)
    if workers := getattr(parsed, "workers", ""):
        check_workers(workers)


def test_the_recipes_show_what_they_are_for() -> None:
    shown = {arguments[0] for _, arguments in commands()}
    assert shown >= {"read", "perform", "improvise", "simulate", "fetch", "serve"}


# Images and versions


def test_images_are_ours_in_this_version_or_the_one_that_was_looked_at() -> None:
    assert images() == {f"speechagents-cluster:{__version__}", f"vllm/vllm-omni:v{VLLM}"}
    (renamed,) = load("kustomization.yaml")["images"]
    assert (renamed["name"], renamed["newTag"]) == ("speechagents-cluster", __version__)
    told = set(re.findall(r"speechagents-cluster:([\w.]+)", README + dockerfile()))
    assert told == {__version__}
    assert set(re.findall(r"(?:vllm\[audio\]|vllm-omni)==([\d.]+)", README)) == {VLLM}


def test_the_image_stands_on_a_tag_and_ends_as_no_root() -> None:
    text = dockerfile()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(re.fullmatch(r"[a-z]+:\d[\w.-]+", base) for base in bases)
    assert len(set(bases)) == 1
    users = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert users == ["1000:1000"]
    assert compose()["services"]["studio"]["user"] == users[0]


def test_the_image_has_the_ray_that_the_cluster_is_told_of() -> None:
    (version,) = re.findall(r"^ARG RAY=(\S+)$", dockerfile(), re.MULTILINE)
    assert version == objects()["RayCluster", "speechagents"]["spec"]["rayVersion"]


def test_the_image_copies_all_that_a_wheel_is_made_of() -> None:
    project = tomllib.loads(pyproject())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"], *wheel["packages"],
        *wheel["force-include"],
    }  # fmt: skip
    copied = {word for line in re.findall(r"^COPY (.+)$", dockerfile(), re.MULTILINE) for word in line.split()}
    assert needed <= copied
    extras = project["project"]["optional-dependencies"]
    (default,) = re.findall(r"^ARG EXTRAS=(\S+)$", dockerfile(), re.MULTILINE)
    assert default in extras
