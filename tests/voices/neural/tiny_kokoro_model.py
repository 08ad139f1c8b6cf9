"""A tiny model with Kokoro's inputs and outputs, its tokens and its voices' files: made here, without a network.

It hums: how long by the text and the speed, how high by the voice and the sounds. Its graph draws noise by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SPEAKERS = ("af_heart", "am_michael", "bf_emma", "ef_dora", "ff_siwis")
FRAMES_PER_TOKEN = 1_500

# The letters of Kokoro 1.0 in the order of its tokenizer.
LETTERS = (
    '$;:,.!?—…"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪ'
    "ʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)


def kokoro(folder: Path, *, speakers: Sequence[str] = SPEAKERS, draws: bool = True) -> Path:
    """The folder of a model.

    Args:
        folder: Where to.
        speakers: Whose files are there.
        draws: The graph adds noise that it draws.
    """
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    (folder / "voices").mkdir(exist_ok=True)
    (folder / "onnx" / "model.onnx").write_bytes(graph(draws=draws))
    vocabulary = {letter: number for number, letter in enumerate(LETTERS)}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), "utf-8")
    (folder / "config.json").write_text(json.dumps({"model_type": "style_text_to_speech_2"}), "utf-8")
    for number, speaker in enumerate(speakers):
        table = np.random.default_rng(number).standard_normal((510, 1, 256)).astype("<f4")
        (folder / "voices" / f"{speaker}.bin").write_bytes(table.tobytes())
    return folder


def graph(*, draws: bool) -> bytes:
    """sin(time × pitch) × strength, with ``input_ids``, ``style`` and ``speed`` as Kokoro takes them."""
    from onnx import (  # type: ignore[import-not-found,unused-ignore]
        TensorProto,
        checker,
        helper,
        numpy_helper,
    )

    def constant(name: str, value: object, kind: type) -> object:
        return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(value, kind), name))

    node = helper.make_node
    nodes = [
        constant("per_token", FRAMES_PER_TOKEN, np.float32),
        constant("zero", 0, np.int64),
        constant("one", 1, np.int64),
        constant("scalar", [], np.int64),
        constant("base", 0.05, np.float32),
        constant("some", 0.01, np.float32),
        node("Size", ["input_ids"], ["count"]),
        node("Cast", ["count"], ["count_f"], to=TensorProto.FLOAT),
        node("Mul", ["count_f", "per_token"], ["plain"]),
        node("Reshape", ["speed", "scalar"], ["rate"]),
        node("Div", ["plain", "rate"], ["long"]),
        node("Cast", ["long"], ["frames"], to=TensorProto.INT64),
        node("Range", ["zero", "frames", "one"], ["at"]),
        node("Cast", ["at"], ["time"], to=TensorProto.FLOAT),
        node("ReduceMean", ["style"], ["mean"], keepdims=0),
        node("Mul", ["mean", "some"], ["off_voice"]),
        node("Cast", ["input_ids"], ["tokens_f"], to=TensorProto.FLOAT),
        node("ReduceMean", ["tokens_f"], ["token"], keepdims=0),
        constant("tiny", 1e-4, np.float32),
        node("Mul", ["token", "tiny"], ["off_text"]),
        node("Add", ["base", "off_voice"], ["pitch_voice"]),
        node("Add", ["pitch_voice", "off_text"], ["pitch"]),
        node("Mul", ["time", "pitch"], ["phase"]),
        node("Sin", ["phase"], ["hum"]),
    ]
    if draws:
        nodes += [
            node("RandomNormalLike", ["hum"], ["noise"], dtype=TensorProto.FLOAT),
            node("RandomUniformLike", ["hum"], ["more"], low=-1.0, high=1.0, dtype=TensorProto.FLOAT),
            node("Add", ["noise", "more"], ["both"]),
            node("Mul", ["both", "some"], ["soft"]),
            node("Add", ["hum", "soft"], ["sound"]),
        ]
    else:
        nodes.append(node("Identity", ["hum"], ["sound"]))
    nodes += [
        constant("half", 0.5, np.float32),
        constant("row", [1, -1], np.int64),
        node("Mul", ["sound", "half"], ["flat"]),
        node("Reshape", ["flat", "row"], ["waveform"]),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "kokoro",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"]),
                helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
                helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
            ],
            [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1, "frames"])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
    )
    checker.check_model(made)
    return bytes(made.SerializeToString())
