"""Models in memory at any size: where, how precise, with which attention; and what is said when it is otherwise."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents import pretrained
from speechagents.errors import BackendMissing, ControllerError, MemoryFull, SettingsError, WeightsMissing
from speechagents.pretrained import ModelChoice, PretrainedModel
from speechagents.pretrained_options import library_options, size_on_disk_gb
from speechagents.residency import LoadedModels, Residence
from tests.controllers.tiny_models import text_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_model(tmp_path_factory.mktemp("pretrained") / "text")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def loaded(folder: Path, *, residence: Residence | None = None, **options: Any) -> PretrainedModel:
    choice = ModelChoice(str(folder), **{"device": "cpu", **options})
    return PretrainedModel(choice, residence=residence, failure=ControllerError)


@dataclass(frozen=True, slots=True)
class PretendGpu:
    """The memory of the CPU, treated as that of a GPU."""

    name: str = "cpu"
    why: str = "pretending"
    memory_gb: float = 8.0
    is_gpu: bool = True


@pytest.fixture
def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "choose_device", lambda _: PretendGpu())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"dtype": "int3"}, "dtype"),
        ({"quantisation": "int2"}, "quantisation"),
        ({"attention": "someone/their-kernel"}, "attention"),
    ],
)
def test_what_the_library_would_not_take_is_refused_before_anything_is_read(
    options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        ModelChoice("anything", **options)


def test_a_gpu_that_is_not_there_is_an_error_and_auto_says_aloud_that_it_is_the_cpu(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SettingsError, match="cuda"):
        loaded(folder, device="cuda")
    model = loaded(folder, device="auto")
    assert [notice.partition(":")[0] for notice in model.notices] == ["on the CPU"]
    assert "on the CPU" in caplog.text


def test_flash_attention_that_is_not_there_is_done_without_and_said(folder: Path) -> None:
    model = loaded(folder, attention="flash_attention_2")
    assert "flash_attention_2" in model.notices[0]
    assert model.module.config._attn_implementation != "flash_attention_2"
    assert loaded(folder, attention="eager").module.config._attn_implementation == "eager"


def test_a_precision_is_that_of_the_weights_in_memory(folder: Path) -> None:
    assert {one.dtype for one in loaded(folder, dtype="bfloat16").module.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(("how", "most"), [("int8", 0.5), ("int4", 0.4)])
def test_quantised_weights_are_smaller_and_still_answer(how: str, most: float, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    pytest.importorskip("accelerate")
    folder = text_model(tmp_path / "wide", width=64)

    def weight(model: PretrainedModel) -> int:
        linear = model.module.model.layers[0].mlp.down_proj.weight
        return int(linear.nelement() * linear.element_size())

    plain, small = loaded(folder, dtype="float32"), loaded(folder, dtype="float32", quantisation=how)
    assert weight(small) <= most * weight(plain)
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode(), small.using() as one, plain.using() as other:
        found, wanted = one(ids).logits.float(), other(ids).logits
    assert torch.isfinite(found).all()
    assert torch.corrcoef(torch.stack([found.flatten(), wanted.flatten()]))[0, 1] > 0.8
    assert not small.moves


@pytest.mark.parametrize("package", ["bitsandbytes", "accelerate"])
def test_quantisation_without_its_packages_says_how_to_install_them(
    package: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    other = {"bitsandbytes": "accelerate", "accelerate": "bitsandbytes"}[package]
    there = {package: None, other: find_spec("json")}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there[name] if name in there else find_spec(name))
    with pytest.raises(BackendMissing, match=f"{package}.*pip install"):
        loaded(folder, quantisation="int4")


def test_weights_quantised_already_need_their_library_and_nothing_on_top(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text("utf-8"))
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False}
    (copied / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(SettingsError, match="quantised already"):
        loaded(copied, quantisation="int4")
    if importlib.util.find_spec("gptqmodel") is None:
        with pytest.raises(BackendMissing, match=r"gptq|optimum"):
            loaded(copied)


def test_experts_that_stay_large_are_told() -> None:
    pytest.importorskip("bitsandbytes")
    pytest.importorskip("accelerate")
    from transformers import Qwen3OmniMoeThinkerConfig

    _, notices = library_options(
        dtype="auto",
        attention="",
        quantisation="int4",
        config=Qwen3OmniMoeThinkerConfig(),
        device=PretendGpu(),  # type: ignore[arg-type]
        spread=False,
    )
    assert any("experts stay" in notice for notice in notices)
    assert any("stays where it is" in notice for notice in notices)


def test_a_model_that_one_gpu_is_too_small_for_goes_over_all_of_them_and_stays() -> None:
    pytest.importorskip("accelerate")
    from transformers import Qwen2Config

    options, notices = library_options(
        dtype="auto",
        attention="",
        quantisation="",
        config=Qwen2Config(),
        device=PretendGpu(),  # type: ignore[arg-type]
        spread=True,
    )
    assert options["device_map"] == "auto"
    assert any("spread over several GPUs" in notice for notice in notices)


def test_what_weights_will_take_is_known_before_they_are_loaded(folder: Path, pretend_gpu: None) -> None:
    model = loaded(folder, dtype="bfloat16")
    told = size_on_disk_gb(folder, dtype="bfloat16", quantisation="")
    assert told == pytest.approx(model.size_gb, rel=0.02)
    assert size_on_disk_gb(folder, dtype="float32", quantisation="") == pytest.approx(2 * told)
    assert size_on_disk_gb(folder, dtype="bfloat16", quantisation="int4") < told


def test_a_model_moves_out_for_another_and_takes_along_what_was_kept_for_it(folder: Path, pretend_gpu: None) -> None:
    size_gb = loaded(folder).size_gb
    residence = Residence(1.5 * size_gb)
    one, forgotten = loaded(folder, residence=residence), []
    one.when_out(lambda: forgotten.append(one))
    other = loaded(folder, residence=residence)
    assert forgotten == [one]
    with one.using() as module:
        assert module is one.module
    assert residence.used_gb == pytest.approx(size_gb)
    assert one.moves
    assert other.moves
    with pytest.raises(MemoryFull, match="does not fit"):
        loaded(folder, residence=Residence(0.5 * size_gb))


def test_a_model_that_memory_is_too_small_for_is_named_with_what_would_help(
    folder: Path, pretend_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: PretrainedModel) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(PretrainedModel, "_load", full)
    with pytest.raises(MemoryFull, match=r"GB\) does not fit into memory .*quantisation"):
        loaded(folder)


def test_a_model_on_the_cpu_takes_nothing_of_the_gpu(folder: Path) -> None:
    residence = Residence(0.0)
    assert loaded(folder, residence=residence).size_gb == residence.used_gb == 0.0


def test_who_chooses_the_same_gets_the_same(folder: Path) -> None:
    shared = LoadedModels()

    def get(**options: Any) -> PretrainedModel:
        choice = ModelChoice(str(folder), device="cpu", **options)
        return pretrained.pretrained(choice, residence=None, loaded=shared, failure=ControllerError)

    one = get()
    assert get() is one
    assert get(dtype="bfloat16") is not one


def test_damaged_weights_are_refused(copied: Path) -> None:
    weights = copied / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[:-10], whole[:40], b"", b"\xff" * 64, whole[:8] + b"[" + whole[9:]):
        weights.write_bytes(damaged)
        with pytest.raises(ControllerError, match="damaged"):
            loaded(copied)


def test_weights_that_lack_a_part_are_refused_rather_than_made_up(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = copied / "model.safetensors"
    kept = {name: one for name, one in load_file(weights).items() if "layers.1" not in name}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(ControllerError, match=r"not in its files, model\.layers\.1"):
        loaded(copied)


def test_pickled_weights_are_refused(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    torch.save({}, copied / "pytorch_model.bin")
    with pytest.raises(SettingsError, match="pickled"):
        loaded(copied)


def test_what_is_not_here_is_missing_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsMissing, match="no folder"):
        loaded(tmp_path / "nowhere")
    with pytest.raises(WeightsMissing, match="hf download nobody/nothing"):
        PretrainedModel(ModelChoice("nobody/nothing", device="cpu"), residence=None, failure=ControllerError)
