"""Which tensor of a file a weight is, by whatever name it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.tuning.tensor_names import Place, TensorNames, tensor_names

NAMES = TensorNames(
    {
        "thinker.model.language_model.q.weight": "thinker.model.q.weight",
        "thinker.model.embed.weight": "thinker.model.embed.weight",
        "talker.model.q.weight": "talker.model.q.weight",
    },
    combined=["thinker.experts.0.weight"],
    unused=["thinker.rotary.inv_freq"],
    tied=[{"thinker.model.embed.weight", "thinker.lm_head.weight"}],
)


@pytest.mark.parametrize(
    ("name", "files", "shared"),
    [
        ("thinker.model.language_model.q.weight", ("thinker.model.q.weight",), False),
        ("model.language_model.q.weight", ("thinker.model.q.weight",), False),
        ("talker.model.q.weight", ("talker.model.q.weight",), False),
        ("lm_head.weight", ("thinker.model.embed.weight",), True),
        ("model.embed.weight", ("thinker.model.embed.weight",), True),
    ],
)
def test_a_weight_is_found_by_its_name_in_memory(name: str, files: tuple[str, ...], shared: bool) -> None:
    assert NAMES.place(name) == Place(files, shared)


@pytest.mark.parametrize("name", ["thinker.model.q.weight", "experts.0.weight", "zebra"])
def test_a_name_in_files_is_none_in_memory(name: str) -> None:
    assert NAMES.place(name) is None


def test_a_tensor_is_found_by_its_name_in_files() -> None:
    assert NAMES.place_of_file("thinker.model.q.weight") == Place(("thinker.model.q.weight",), shared=False)
    assert NAMES.place_of_file("thinker.model.embed.weight") == Place(("thinker.model.embed.weight",), shared=True)
    assert NAMES.place_of_file("thinker.experts.0.weight") == Place(("thinker.experts.0.weight",), shared=False)
    assert NAMES.place_of_file("thinker.model.language_model.q.weight") is None


def test_the_part_that_thinks_may_stand_alone() -> None:
    assert NAMES.part_of(["model.q.weight", "model.embed.weight", "experts.0.weight"]) == "thinker."
    assert NAMES.part_of(["thinker.model.q.weight", "talker.model.q.weight"]) == ""


def test_what_is_missing_is_asked_for_only_where_something_was_tuned() -> None:
    tuned = ["thinker.model.q.weight", "thinker.model.embed.weight"]
    assert NAMES.lacking(tuned) == ["thinker.experts.0.weight"]
    assert NAMES.lacking(["talker.model.q.weight", *tuned]) == ["thinker.experts.0.weight"]
    assert NAMES.lacking(["talker.model.q.weight", *tuned, "thinker.experts.0.weight"]) == []


def test_the_library_says_how_it_renames(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from speechagents.tuning.weight_files import read_weights
    from tests.controllers.tiny_models import qwen2_audio

    stored = read_weights(qwen2_audio(tmp_path / "ears"))
    names = tensor_names(tmp_path / "ears", stored)
    for kind in ("language_model.model", "audio_tower"):
        part = kind.removesuffix(".model")
        place = names.place(f"model.{part}.layers.0.self_attn.q_proj.weight")
        assert place == Place((f"{kind}.layers.0.self_attn.q_proj.weight",), shared=False)
