"""A real server with a real (tiny, random) model that hears, driven over loopback through the `openai` back end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("openai", reason="transformers serve needs it")

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.audio import Audio
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Speaker
from speechagents.controllers.openai import OpenAIModel
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.events import SceneOver
from speechagents.resources import resource
from speechagents.settings import ImproviseSettings
from tests.controllers.tiny_models import qwen2_audio

SOUND = Audio((0.2 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32), 16_000)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Base URL and model of a server of its own."""
    folder = tmp_path_factory.mktemp("served")
    model = qwen2_audio(folder / "tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(model)]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        deadline = time.monotonic() + 90
        while True:
            assert server.poll() is None, (folder / "log").read_text("utf-8", "replace")[-2_000:]
            assert time.monotonic() < deadline, "the server never answered"
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=1).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def test_it_is_found_to_hear_and_answers_prompts_with_sound(serving: tuple[str, Path]) -> None:
    url, model = serving
    with OpenAIModel(base_url=url, model=str(model), timeout_s=60) as client:
        assert client.hears
        parts = (Part("Ella (calm): ", SOUND), Part("\nYou are Tom. Answer.\n"))
        prompt = Prompt((PromptMessage(Speaker.USER, parts),), {"type": "object"}, max_tokens=8)
        replies = list(client.generate([prompt, prompt], seed=1))
    assert [reply.error for reply in replies] == ["", ""]
    assert all(reply.usage.tokens_in > 20 for reply in replies)


def test_a_scene_with_real_hearing_is_played_to_its_end(
    serving: tuple[str, Path], studio: Studio, tmp_path: Path
) -> None:
    url, model = serving
    scene = resource("assets", "examples", "scenes", "city-park-picnic.yaml")
    settings = ImproviseSettings(formats=("vtt",), turns=2, hearing="audio")
    with OpenAIModel(base_url=url, model=str(model), timeout_s=120, attempts=1) as client:
        actors = Actors(PromptedController(client), make_rehearsal())
        events = list(studio.improvise(scene, out=tmp_path / "out", actors=actors, settings=settings))
    over = next(event for event in events if isinstance(event, SceneOver))
    # A model with random weights says nothing that can be used: every turn is the understudy's, and marked.
    assert (over.turns, over.fallback_turns) == (2, 2)
    assert over.usage.tokens_in > 100
