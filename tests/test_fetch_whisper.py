"""Weights that were fetched are loaded by the real back end: a tiny Whisper from a hub on loopback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speechagents.errors import WeightsMissing
from speechagents.weights import Weights
from speechagents.weights_fetching import fetch
from speechagents.weights_hub import Hub
from tests.hub_server import COMMIT, REPO, HubServer

os.environ.setdefault("OMP_NUM_THREADS", "1")
for _package in ("faster_whisper", "torch", "transformers"):
    pytest.importorskip(_package)


def test_a_whisper_that_was_fetched_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speechagents.listeners.whisper import WhisperListener
    from tests.listeners.tiny_whisper import tiny_whisper

    cache = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    with pytest.raises(WeightsMissing, match=f"hf download {REPO} --revision {COMMIT}"):
        WhisperListener(model=REPO, revision=COMMIT, device="cpu")
    folder = tiny_whisper(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    weights = Weights(
        repo=REPO,
        files=("config.json", "model.bin", "tokenizer.json", "vocabulary.json", "preprocessor_config.json"),
        size_gb=0.001,
        licence="MIT",
        commercial=True,
        what="ears",
        revision=COMMIT,
    )
    with HubServer(files) as server:
        fetch(weights, lambda _: None, hub=Hub(server.url, {}), cache=cache)
    listener = WhisperListener(model=REPO, revision=COMMIT, device="cpu")
    assert listener.identity == f"whisper 1 tiny-voice {COMMIT} cpu"
    assert list(listener.transcribe([])) == []
