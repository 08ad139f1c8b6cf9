"""Saving a model: by its family's own way, or as the library does it, and never by asking a network."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from speechagents.tuning.chat_family import ChatFamily
from speechagents.tuning.family import Saves
from speechagents.tuning.saving import save_model
from speechagents.tuning.unit_family import UnitFamily
from tests.tuning.letter_family import LetterFamily, llama
from tests.tuning.letter_runs import LoraFamily


def test_a_family_that_has_a_way_of_its_own_is_asked(tmp_path: Path) -> None:
    class Own(LetterFamily):
        def save(self, model: Any, folder: Path) -> None:
            assert model.config.use_cache is True
            (folder / "own").write_text("mine", "utf-8")

    model = llama(seed=0)
    model.config.use_cache = False
    save_model(Own(), model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    assert model.config.use_cache is False, "training goes on as before"


def test_families_say_by_their_type_whether_they_have_one() -> None:
    assert isinstance(LetterFamily(), Saves) is False
    assert issubclass(ChatFamily, Saves)
    assert issubclass(UnitFamily, Saves)


def test_no_bar_is_drawn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = llama(seed=0)
    model.save_pretrained(str(tmp_path))
    assert "%|" in capfd.readouterr().err
    save_model(LetterFamily(), model, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_without_one_the_weights_are_written(tmp_path: Path) -> None:
    save_model(LetterFamily(), llama(seed=0), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "generation_config.json", "model.safetensors"}


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`")
def test_an_adapter_to_a_base_of_the_hub_is_saved_without_asking_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr(socket.socket, "connect", asked)
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    model = LoraFamily().load()
    model.peft_config["default"].base_model_name_or_path = "some/model"
    save_model(LetterFamily(), model, tmp_path)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {path.name for path in tmp_path.iterdir()}
    assert json.loads((tmp_path / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"] == "some/model"
