"""What tuning takes of a memory: estimates beside what is allocated, tensor by tensor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks.tuning_memory import counted_bytes
from speechagents.errors import TuningError
from speechagents.tuning.adapters import counted, fitted
from speechagents.tuning.memory_estimate import SHAPES, MemoryEstimate, Shape, estimated, recipe_shape, shape_of
from speechagents.tuning.random_base import write_random_base
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, Precision, Recipe, Training
from tests.tuning.chat_samples import recipe

SMALL = Shape(3, 64, 160, 4, 2, 16, 1_500, tied=True)
LORA = Adapter(AdapterKind.LORA, rank=8)
FULL = Adapter(AdapterKind.FULL)
SOME = Adapter(AdapterKind.LORA, rank=4, targets=("q_proj", "v_proj"))
OTHERS = Adapter(AdapterKind.LORA, rank=16, targets=("k_proj", "o_proj", "down_proj"))


def asked(adapter: Adapter, dtype: Precision, **more: object) -> Recipe:
    values: dict[str, object] = {"batch": 2, "max_tokens": 384, **more}
    return recipe(adapter=adapter, training=Training(steps=2, dtype=dtype, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("dtype", [Precision.FLOAT32, Precision.BFLOAT16])
@pytest.mark.parametrize("adapter", [LORA, FULL, SOME, OTHERS], ids=["lora", "full", "some", "others"])
@pytest.mark.filterwarnings("ignore::FutureWarning")  # libraries that call each other by old names
def test_an_estimate_is_what_is_allocated(adapter: Adapter, dtype: Precision, recompute: bool) -> None:
    wanted = asked(adapter, dtype, recompute=recompute)
    allocated = counted_bytes(wanted, SMALL, fake=False)
    assert estimated(wanted, SMALL).total == pytest.approx(allocated, rel=0.05)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "shape", [replace(SMALL, tied=False), replace(SMALL, vocabulary=12_000), replace(SMALL, key_heads=4)]
)
def test_tensors_without_contents_take_what_real_ones_take(shape: Shape) -> None:
    wanted = asked(LORA, Precision.BFLOAT16)
    fake = counted_bytes(wanted, shape, fake=True)
    assert fake == pytest.approx(counted_bytes(wanted, shape, fake=False), rel=0.01)
    assert estimated(wanted, shape).total == pytest.approx(fake, rel=0.05)


def test_longer_samples_and_larger_batches_take_more_of_what_passes_through() -> None:
    one = estimated(asked(LORA, Precision.BFLOAT16, batch=1), SMALL)
    four = estimated(asked(LORA, Precision.BFLOAT16, batch=4), SMALL)
    assert (four.weights, four.gradients, four.moments) == (one.weights, one.gradients, one.moments)
    assert four.activations == pytest.approx(4 * one.activations, rel=1e-6)
    longer = estimated(asked(LORA, Precision.BFLOAT16, batch=1, max_tokens=768), SMALL)
    assert longer.activations > 2 * one.activations, "each token has a mask as long as the sample"


def test_precision_that_is_left_to_the_device_is_that_of_the_device() -> None:
    left, half, single = (asked(LORA, one) for one in (Precision.AUTO, Precision.BFLOAT16, Precision.FLOAT32))
    assert estimated(left, SMALL, half=True) == estimated(half, SMALL)
    assert estimated(left, SMALL, half=False) == estimated(single, SMALL)


@pytest.mark.parametrize("name", ["qwen2", "qwen2_audio", "qwen2_5_omni"])
def test_sizes_are_read_from_a_folder_whose_weights_are_counted(name: str, tmp_path: Path) -> None:
    import transformers

    base = Base(random=name, layers=2, width=32, heads=4, feed=64, vocabulary=400)
    folder = write_random_base(tmp_path, base, ["some words"], seed=0)
    shape = recipe_shape(recipe(name), folder)
    assert shape is not None
    config = transformers.AutoConfig.from_pretrained(folder)
    model = getattr(transformers, config.architectures[0]).from_pretrained(folder)
    assert shape.language_weights + shape.others == model.num_parameters()
    assert bool(shape.others) is (name != "qwen2")
    whole = counted(fitted(model, FULL, seed=0))
    assert (whole.learnt, whole.frozen) == (shape.language_weights, shape.others)


def test_models_of_the_table_weigh_what_they_weigh() -> None:
    """By the sizes of their files that the presets name, two bytes a weight."""
    laptop = SHAPES["Qwen/Qwen2.5-1.5B-Instruct"]
    assert 2 * laptop.language_weights == pytest.approx(3_087_467_144, rel=1e-4)
    assert recipe_shape(recipe(base=Base(model="Qwen/Qwen2.5-1.5B-Instruct"))) is laptop
    assert recipe_shape(recipe(base=Base(model="somebody/something"))) is None


def test_it_is_told_whether_it_fits_with_some_to_spare() -> None:
    estimate = MemoryEstimate(10**10, 10**9, 2 * 10**9, 5 * 10**9, 2 * 10**9)
    assert estimate.total == 20 * 10**9
    assert not estimate.fits(22)
    assert estimate.fits(24)
    assert str(estimate) == "20.0 GB (weights 10.0, gradients 1.0, moments 2.0, activations 5.0, passing 2.0)"


def test_what_it_cannot_estimate_it_says() -> None:
    from transformers import WhisperConfig

    with pytest.raises(TuningError, match=r"adapter.targets: no memory estimate with 'c_attn'; it knows q_proj"):
        estimated(asked(Adapter(targets=("c_attn",)), Precision.FLOAT32), SMALL)
    with pytest.raises(TuningError, match="no memory estimate for a whisper"):
        shape_of(WhisperConfig())
