"""Small Llamas in NumPy: the same numbers as Transformers', whatever was read before, and damaged folders refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechagents.errors import WeightsMissing
from speechagents.units.llama import BLOCK, Llama, Memory, load_llama
from tests.units.tiny_llama import CONTEXT, tiny_llama

CHANCE = np.random.default_rng(5)
IDS = CHANCE.integers(0, 300, 3 * BLOCK + 7).tolist()


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Llama:
    return load_llama(tiny_llama(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize("heads_shared", [1, 2, 4])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_logits_and_greedy_tokens_are_those_of_transformers(
    heads_shared: int, tied: bool, dtype: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=90,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=heads_shared,
        max_position_embeddings=256,
        initializer_range=0.3,
        tie_word_embeddings=tied,
    )
    transformers.LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(tmp_path)
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    memory = Memory(load_llama(tmp_path))
    prompt = [one % 90 for one in IDS[: BLOCK + 9]]
    with torch.inference_mode():
        ids = torch.tensor([prompt])
        expected = theirs(ids).logits[0].numpy()
        written = theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=40,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
    np.testing.assert_allclose(memory.read(prompt), expected[-1], atol=1e-4)
    memory.read(prompt[:5])
    np.testing.assert_allclose(memory.follow(prompt[5:]), expected[5:], atol=1e-4)
    logits, found = memory.read(prompt), []
    for _ in range(40):
        found.append(int(np.argmax(logits)))
        logits = memory.follow(found[-1:])[0]
    assert found == written


@pytest.mark.parametrize("before", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3, 3 * BLOCK + 7])
@pytest.mark.parametrize("length", [1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_what_was_read_before_changes_no_bit(before: int, length: int, llama: Llama) -> None:
    memory, fresh = Memory(llama), Memory(llama)
    if before:
        memory.read(IDS[:before])
        memory.follow([7, 8])
    assert np.array_equal(memory.read(IDS[:length]), fresh.read(IDS[:length]))
    assert np.array_equal(memory.follow([3]), fresh.follow([3]))


def test_of_a_prompt_that_has_grown_only_what_is_new_is_computed(llama: Llama) -> None:
    memory = Memory(llama)
    memory.read(IDS[: 2 * BLOCK + 5])
    memory.read(IDS)
    assert memory.computed == 2 * BLOCK + 5 + len(IDS) - 2 * BLOCK
    memory.read([9, *IDS[1:]])
    assert memory.computed == 2 * BLOCK + 5 + len(IDS) - 2 * BLOCK + len(IDS)


def test_tokens_that_followed_are_forgotten_with_a_cut(llama: Llama) -> None:
    memory = Memory(llama)
    memory.read(IDS[:10])
    first = memory.follow([1, 2])
    memory.cut(10)
    assert (memory.length, memory.room) == (10, CONTEXT - 10)
    assert np.array_equal(memory.follow([1, 2]), first)


def test_a_context_has_an_end(llama: Llama) -> None:
    memory = Memory(llama)
    memory.read([1] * CONTEXT)
    with pytest.raises(ValueError, match="room of 0"):
        memory.follow([1])
    for bad in ([], [1] * (CONTEXT + 1)):
        with pytest.raises(ValueError, match=f"between 1 and {CONTEXT}"):
            memory.read(bad)


def _changed(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **changes}))

    return change


def _cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _no_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"anything")


def _not_a_number(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\x7e")


def _no_json(folder: Path) -> None:
    (folder / "config.json").write_text("[")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_changed(model_type="qwen2"), "it is a qwen2"),
        (_changed(hidden_size=24), "of shape"),
        (_changed(hidden_size="16"), "hidden_size is no whole number|unsupported operand"),
        (_changed(num_hidden_layers=3), "is missing"),
        (_changed(num_hidden_layers=10**9), "not between 1 and 64"),
        (_changed(num_attention_heads=3), "heads"),
        (_changed(tie_word_embeddings=False), "lm_head.weight is missing"),
        (_changed(rope_scaling={"rope_type": "llama3"}), "scaled positions"),
        (_changed(attention_bias=True), "biases"),
        (_changed(hidden_act="gelu"), "gelu"),
        (_changed(rms_norm_eps=-1), "makes no sense"),
        (_cut_short, "damaged where"),
        (_no_header, "cut short"),
        (_pickled, "model.safetensors"),
        (_not_a_number, "no number"),
        (_no_json, "holds no speech-unit"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(damage: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    damage(tiny_llama(tmp_path))
    with pytest.raises(WeightsMissing, match=said):
        load_llama(tmp_path)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_half_precision_is_read_as_it_is(dtype: str, tmp_path: Path) -> None:
    half, whole = (load_llama(tiny_llama(tmp_path / one, dtype=one)) for one in (dtype, "F32"))
    np.testing.assert_allclose(Memory(half).read(IDS[:9]), Memory(whole).read(IDS[:9]), atol=0.3)
