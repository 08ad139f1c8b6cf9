"""What the tests of the recipes under assets/deploy know of them: files, objects, commands, and a machine to try on."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.controllers.discovery import SERVER_VARIABLE
from speechagents.listeners.openai_transcriptions import SERVER_VARIABLE as TRANSCRIPTION_VARIABLE
from speechagents.resources import resource
from speechagents.voices.openai_speech import SERVER_VARIABLE as SPEECH_VARIABLE

DEPLOY: Final = resource("assets", "deploy")
FILES: Final = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
README: Final = (DEPLOY / "README.md").read_text("utf-8")
BASH: Final = shutil.which("bash") or "bash"
BRAINS: Final = ("gpu-8gb", "gpu-24gb", "gpu-80gb")


def compose() -> dict[str, Any]:
    return {key: part for key, part in load("compose.yaml").items() if not key.startswith("x-")}


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return document


def objects() -> dict[tuple[str, str], dict[str, Any]]:
    """All Kubernetes objects, by kind and name."""
    documents = [
        document
        for path in FILES
        if path.parent.name == "kuberay"
        for document in yaml.safe_load_all(path.read_text("utf-8"))
    ]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def pods() -> dict[str, dict[str, Any]]:
    """What runs on Kubernetes: the specification of each pod, by its container's name."""
    found = objects()
    ray = found["RayCluster", "speechagents"]["spec"]
    groups = [ray["headGroupSpec"], *ray["workerGroupSpecs"], found["Deployment", "brain"]["spec"]]
    return {group["template"]["spec"]["containers"][0]["name"]: group["template"]["spec"] for group in groups}


def container(name: str) -> dict[str, Any]:
    found: dict[str, Any] = pods()[name]["containers"][0]
    return found


def serving() -> dict[str, int]:
    """Scripts that start a server, and the port that the preset `server` looks for it at."""
    text = resource("models", "presets", "server.yaml").read_text("utf-8")
    ports = {name: int(port) for name, port in re.findall(r"(SPEECHAGENTS_\w+)=http://host:(\d+)/v1", text)}
    assert set(ports) == {SERVER_VARIABLE, SPEECH_VARIABLE, TRANSCRIPTION_VARIABLE}
    brains = {f"serve-{brain}.sh": ports[SERVER_VARIABLE] for brain in BRAINS}
    return {
        **brains,
        "serve-speech.sh": ports[SPEECH_VARIABLE],
        "serve-transcriptions.sh": ports[TRANSCRIPTION_VARIABLE],
    }


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of this program, with where it stands."""
    inline = re.findall(r"`(speechagents [^`]+)`", README)
    blocks = [line.strip() for line in README.splitlines() if line.startswith("    ")]
    for text in [*inline, *(line for line in blocks if line.startswith("speechagents "))]:
        yield "README.md", shlex.split(text, comments=True)[1:]
    for name, text in (("README.md", README), ("compose.yaml", (DEPLOY / "compose.yaml").read_text("utf-8"))):
        for call in re.findall(r"run --rm driver ((?:[a-z]+ )*[a-z]+ .*)$", text, re.MULTILINE):
            yield name, shlex.split(call)
    services = compose()["services"]
    yield "compose.yaml", services["driver"]["command"]
    yield "kuberay/read-book.yaml", shlex.split(objects()["RayJob", "read-book"]["spec"]["entrypoint"])[1:]
    yield "Dockerfile", json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile(), re.MULTILINE)[0])[1:]


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text("utf-8")


def images() -> set[str]:
    found = {service["image"] for service in compose()["services"].values()}
    return found | {one["image"] for pod in pods().values() for one in pod["containers"]}


def pyproject() -> str:
    return (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")


class Machine:
    """A machine whose `vllm` and `ray` write down how they are called, and do nothing."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said"
        for name in ("vllm", "ray"):
            program = folder / name
            program.write_text(f'#!/bin/sh\nprintf "%s\\0" "$0" "$@" >{shlex.quote(str(self._said))}\nenv >"$0.env"\n')
            program.chmod(0o755)
        self._folder = folder

    def run(self, script: str, *arguments: str, **environment: str) -> list[str]:
        """How a script calls its program: the name, and the arguments."""
        ran = self.attempt(script, *arguments, **environment)
        assert ran.returncode == 0, ran.stderr
        program, *rest = self._said.read_text("utf-8").split("\0")[:-1]
        return [Path(program).name, *rest]

    def attempt(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BASH, str(DEPLOY / script), *arguments],
            env={"PATH": f"{self._folder}:{os.environ['PATH']}", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def environment_of(self, program: str) -> dict[str, str]:
        lines = (self._folder / f"{program}.env").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


def options(call: list[str]) -> dict[str, str]:
    """Options of a call, those without a value as an empty one."""
    found = {}
    for word, following in zip(call, [*call[1:], ""], strict=True):
        if word.startswith("--"):
            found[word] = "" if following.startswith("--") else following
    return found
