"""A model in ONNX that draws chance by itself, as one that is given it: the same line then sounds the same again.

Owns that change of a graph. Knows no model. Needs the package ``onnx`` for graphs that draw, and nothing for others.

ONNX Runtime's random operators cannot be seeded between two runs: each goes on where it was. Kokoro draws phases and
noise of voiced sounds, and an export of it may do so by them. Here every such operator reads from an input of the graph
instead, from a place of its own, and over again from the start where the input ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from speechagents.errors import BackendMissing, SettingsError

NORMAL, UNIFORM = "chance_normal", "chance_uniform"
"""Names of the inputs that a changed graph has besides."""
CHANCE: Final = 1 << 20
"""How many numbers each of them takes."""

_LIKE: Final = {"RandomNormalLike": NORMAL, "RandomUniformLike": UNIFORM}
_OTHERS: Final = ("RandomNormal", "RandomUniform", "Multinomial", "Bernoulli")
_STRIDE: Final = 7_919
_BLOCK: Final = 1 << 24


def repeatable(path: Path) -> Path | bytes:
    """A model that draws nothing by itself: the file, or what it was changed into.

    Raises:
        SettingsError: The file is damaged, or draws in a way that cannot be changed.
        BackendMissing: It draws, and the package that changes it is not installed.
    """
    if not _draws(path):
        return path
    try:
        import onnx  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise BackendMissing('the package onnx is missing: python -m pip install "speechagents[neural]"') from error
    try:
        # Weights in other files are not followed: they could be any file of this machine.
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise SettingsError(f"{path} is damaged; download the model again") from error
    used: set[str] = set()
    for number, (graph, at) in enumerate(list(_random(model.graph))):
        used.add(_replace(onnx, graph, at, number))
    for name in sorted(used):
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [CHANCE]))
    return bytes(model.SerializeToString())


def chance(seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """What the inputs are given for a seed."""
    stream = np.random.Generator(np.random.Philox(seed))
    return {NORMAL: stream.standard_normal(CHANCE, np.float32), UNIFORM: stream.random(CHANCE, np.float32)}


def _draws(path: Path) -> bool:
    """Whether a random operator is named in a file; read in blocks, for models are large."""
    names = [name.encode() for name in (*_LIKE, *_OTHERS)]
    longest = max(map(len, names))
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            whole = before + block
            if any(name in whole for name in names):
                return True
            before = whole[-longest:]
    return False


def _random(graph: Any) -> Iterator[tuple[Any, Any]]:
    """Every random operator of a graph and of those inside it, with the graph that it is in."""
    for node in graph.node:
        if node.op_type in _LIKE:
            yield graph, node
        elif node.op_type in _OTHERS:
            raise SettingsError(
                f"the model draws by {node.op_type}, which cannot be repeated; take another export of it"
            )
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *((attribute.g,) if attribute.HasField("g") else ())):
                yield from _random(inner)


def _replace(onnx: Any, graph: Any, node: Any, number: int) -> str:
    """Put a reader of an input in the place of a random operator; the name of the input."""
    make, source = onnx.helper.make_node, _LIKE[node.op_type]
    settings = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    if source == NORMAL:
        scale, shift = settings.get("scale", 1.0), settings.get("mean", 0.0)
    else:
        low, high = settings.get("low", 0.0), settings.get("high", 1.0)
        scale, shift = high - low, low
    prefix, like, made = f"chance_{number}_", node.input[0], node.output[0]

    def constant(name: str, value: Any, kind: type) -> Any:
        tensor = onnx.numpy_helper.from_array(np.array(value, kind), prefix + name)
        return make("Constant", [], [prefix + name], value=tensor)

    def step(kind: str, inputs: list[str], name: str, **named: Any) -> Any:
        return make(
            kind, [prefix + one[1:] if one.startswith("$") else one for one in inputs], [prefix + name], **named
        )

    kind = settings.get("dtype")
    last = make("CastLike", [prefix + "shifted", like], [made]) if kind is None else None
    nodes = [
        constant("zero", 0, np.int64),
        constant("one", 1, np.int64),
        constant("start", number * _STRIDE % CHANCE, np.int64),
        constant("length", CHANCE, np.int64),
        constant("scale", scale, np.float32),
        constant("shift", shift, np.float32),
        step("Shape", [like], "shape"),
        step("Size", [like], "size"),
        step("Range", ["$zero", "$size", "$one"], "range"),
        step("Add", ["$range", "$start"], "moved"),
        step("Mod", ["$moved", "$length"], "places"),
        step("Gather", [source, "$places"], "flat", axis=0),
        step("Reshape", ["$flat", "$shape"], "drawn"),
        step("Mul", ["$drawn", "$scale"], "scaled"),
        step("Add", ["$scaled", "$shift"], "shifted"),
        last or make("Cast", [prefix + "shifted"], [made], to=kind),
    ]
    at = next(place for place, one in enumerate(graph.node) if one is node or one.output[:1] == node.output[:1])
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*rest[:at], *nodes, *rest[at + 1 :]])
    return source
