"""Folders of Coqui models from anybody: nothing in them is run, whatever they hold."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("coqpit")

from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.coqui import make_coqui
from speechagents.voices.neural.coqui_folder import digest, read_config, read_tensors, read_weights
from tests.voices.neural.tiny_coqui_models import Payload, vits, xtts


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    vits(folder / "vits")
    xtts(folder / "xtts")
    return folder


def save_pickle(path: Path, value: object) -> None:
    import torch

    torch.save(value, path)


@pytest.mark.parametrize("kind", ["vits", "xtts"])
@pytest.mark.parametrize("how", ["torch", "plain", "beside weights"])
def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(models: Path, tmp_path: Path, kind: str, how: str) -> None:
    name = "model_file.pth" if kind == "vits" else "model.pth"
    target = tmp_path / "model"
    target.mkdir()
    for path in (models / kind).iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    run = tmp_path / "the code was run"
    if how == "plain":
        (target / name).write_bytes(pickle.dumps(Payload(run)))
    elif how == "torch":
        save_pickle(target / name, {"model": Payload(run)})
    else:
        save_pickle(target / name, {"model": read_weights(target / name), "config": Payload(run)})
    with pytest.raises((SettingsError, SynthesisError), match=r"could run code|cannot be loaded"):
        make_coqui(model=str(target), device="cpu")
    assert not run.exists()


@pytest.mark.parametrize(("kind", "name"), [("vits", "speakers.pth"), ("xtts", "speakers_xtts.pth")])
def test_speakers_with_code_in_them_are_refused_and_not_run(models: Path, tmp_path: Path, kind: str, name: str) -> None:
    target = tmp_path / "model"
    target.mkdir()
    for path in (models / kind).iterdir():
        if path.name not in ("speaker_ids.json", name):
            (target / path.name).symlink_to(path)
    run = tmp_path / "the code was run"
    save_pickle(target / name, {"p225": Payload(run)})
    with pytest.raises(SettingsError, match="could run code"):
        make_coqui(model=str(target), device="cpu")
    assert not run.exists()


def test_a_pickle_that_the_configuration_names_is_not_read(models: Path, tmp_path: Path) -> None:
    """Coqui reads statistics of loudness by NumPy, which unpickles."""
    target = tmp_path / "model"
    target.mkdir()
    for path in (models / "vits").iterdir():
        if path.name != "config.json":
            (target / path.name).symlink_to(path)
    run = tmp_path / "the code was run"
    np.save(target / "stats.npy", np.array(Payload(run), object), allow_pickle=True)
    values = json.loads((models / "vits" / "config.json").read_text("utf-8"))
    values["audio"] |= {"stats_path": str(target / "stats.npy"), "signal_norm": True}
    (target / "config.json").write_text(json.dumps(values), "utf-8")
    assert make_coqui(model=str(target), device="cpu").voices
    assert not run.exists()


def test_a_released_checkpoint_holds_its_configuration_as_objects(models: Path, tmp_path: Path) -> None:
    """As XTTS v2 was released: they are read as nothing, and the file stays as it is."""
    import torch

    from speechagents.voices.neural.coqui_library import coqui

    config = coqui().XttsConfig()
    target = tmp_path / "model"
    target.mkdir()
    for path in (models / "xtts").iterdir():
        if path.name != "model.pth":
            (target / path.name).symlink_to(path)
    weights = torch.load(models / "xtts" / "model.pth", weights_only=True)["model"]
    torch.save({"model": weights, "config": config}, target / "model.pth")
    before = digest(target / "model.pth")
    assert make_coqui(model=str(target), device="cpu").voices
    assert digest(target / "model.pth") == before


def test_nothing_is_asked_of_the_network(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    for kind in ("vits", "xtts"):
        assert make_coqui(model=str(models / kind), device="cpu").voices


def test_paths_in_a_configuration_are_not_followed(models: Path) -> None:
    values = read_config(models / "vits")
    told = json.dumps(values)
    assert "/data/" not in told
    assert "speaker_encoder_model_path" not in values["model_args"]


def test_tensors_are_read_and_anything_else_is_damaged(tmp_path: Path) -> None:
    import torch

    torch.save({"model": {"a": torch.ones(2), "step": 3}}, tmp_path / "good.pth")
    assert list(read_weights(tmp_path / "good.pth")) == ["a"]
    values: list[Any] = [{"model": {}}, {"model": {"step": 3}}, [1, 2], 3]
    for value in values:
        torch.save(value, tmp_path / "bad.pth")
        with pytest.raises(SynthesisError, match="holds no weights"):
            read_weights(tmp_path / "bad.pth")
    with pytest.raises(SynthesisError, match="cannot be loaded"):
        read_tensors(tmp_path / "nowhere.pth")
