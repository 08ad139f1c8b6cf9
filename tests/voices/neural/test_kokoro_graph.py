"""Graphs that draw chance by themselves become graphs that are given it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

import onnx  # type: ignore[import-not-found,unused-ignore]

from speechagents.errors import SettingsError
from speechagents.voices.neural.kokoro_graph import CHANCE, NORMAL, UNIFORM, chance, repeatable


def saved(path: Path, nodes: list[object], shape: list[object]) -> Path:
    """A graph from ``x`` to ``y``."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path.write_bytes(made.SerializeToString())
    return path


def run(model: Path | bytes, x: Any, seed: int) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model))
    given = {one.name for one in session.get_inputs()}
    drawn = {name: value for name, value in chance(seed).items() if name in given}
    return np.asarray(session.run(None, {"x": x, **drawn})[0])


def test_a_graph_that_draws_nothing_is_left_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "plain.onnx", [onnx.helper.make_node("Identity", ["x"], ["y"])], [3])
    assert repeatable(path) == path


def test_noise_is_that_of_the_seed(tmp_path: Path) -> None:
    node = onnx.helper.make_node("RandomNormalLike", ["x"], ["y"], mean=3.0, scale=0.5)
    model = repeatable(saved(tmp_path / "noise.onnx", [node], ["rows", "columns"]))
    x = np.zeros((40, 50), np.float32)
    one, same, other = run(model, x, 7), run(model, x, 7), run(model, x, 8)
    assert one.shape == (40, 50)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.mean() == pytest.approx(3.0, abs=0.05)
    assert one.std() == pytest.approx(0.5, abs=0.03)


def test_even_chance_lies_between_its_limits(tmp_path: Path) -> None:
    node = onnx.helper.make_node("RandomUniformLike", ["x"], ["y"], low=-2.0, high=4.0, dtype=onnx.TensorProto.FLOAT)
    drawn = run(repeatable(saved(tmp_path / "even.onnx", [node], [None])), np.zeros(5_000, np.float32), 1)
    assert -2.0 <= drawn.min() < -1.9
    assert 3.9 < drawn.max() <= 4.0


def test_two_operators_do_not_draw_the_same(tmp_path: Path) -> None:
    make = onnx.helper.make_node
    nodes = [
        make("RandomNormalLike", ["x"], ["a"]),
        make("RandomNormalLike", ["x"], ["b"]),
        make("Sub", ["a", "b"], ["y"]),
    ]
    drawn = run(repeatable(saved(tmp_path / "two.onnx", nodes, [None])), np.zeros(4_000, np.float32), 1)
    assert drawn.std() == pytest.approx(np.sqrt(2.0), rel=0.05)


def test_more_than_there_is_begins_again(tmp_path: Path) -> None:
    node = onnx.helper.make_node("RandomNormalLike", ["x"], ["y"])
    drawn = run(repeatable(saved(tmp_path / "long.onnx", [node], [None])), np.zeros(CHANCE + 5, np.float32), 1)
    assert np.array_equal(drawn[:5], drawn[-5:])


def test_operators_inside_others_are_found(tmp_path: Path) -> None:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    branches = [
        helper.make_graph(
            [helper.make_node(operator, ["x"], [f"{operator}_out"])],
            operator,
            [],
            [helper.make_tensor_value_info(f"{operator}_out", kind, None)],
        )
        for operator in ("RandomNormalLike", "RandomUniformLike")
    ]
    nodes = [
        helper.make_node("Constant", [], ["yes"], value=onnx.numpy_helper.from_array(np.array(True))),
        helper.make_node("If", ["yes"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    model = repeatable(saved(tmp_path / "if.onnx", nodes, [None]))
    x = np.zeros(100, np.float32)
    assert np.array_equal(run(model, x, 3), run(model, x, 3))
    names = {one.name for one in onnx.load_from_string(model).graph.input}
    assert names == {"x", NORMAL, UNIFORM}


def test_what_cannot_be_repeated_is_told(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Bernoulli", ["x"], ["y"])
    with pytest.raises(SettingsError, match="Bernoulli"):
        repeatable(saved(tmp_path / "coin.onnx", [node], [None]))
