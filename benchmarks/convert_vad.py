"""Take the weights of the voice activity detector out of its ONNX file, once for each release of it.

::

    python -m pip install onnx
    python benchmarks/convert_vad.py PATH/silero_vad_v6.onnx     writes models/vad/silero-v6.npz

The file comes with the package ``faster-whisper`` (``faster_whisper/assets``). What is written is plain arrays in the
layout that `speechagents.listeners.vad` multiplies with: taps of a convolution side by side, both matrices of the LSTM
in one. No number is changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechagents.resources import resource

Floats = NDArray[np.float32]


def arrays(stored: Mapping[str, Floats]) -> dict[str, Floats]:
    """The arrays of `speechagents.listeners.vad`, from the initializers of the ONNX graph."""

    def taps(name: str) -> Floats:
        """(out, in, tap) becomes (tap × in, out): frames that follow each other lie behind each other."""
        weight = stored[f"encoder.conv_layers.{name}.weight"]
        return weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])

    (lstm_in, lstm_back), bias = (stored[f"onnx::LSTM_{number}"][0] for number in (209, 210)), stored["onnx::LSTM_211"]
    half = bias.shape[1] // 2
    return {
        "spectrum": stored["encoder.feature_extractor.forward_basis_buffer"][:, 0, :].T,
        **{f"convolution_{n}": taps(str(n)) for n in range(3)},
        # It sees one frame, so that only its middle tap is ever used.
        "convolution_3": stored["encoder.conv_layers.3.weight"][:, :, 1].T,
        **{f"convolution_{n}_bias": stored[f"encoder.conv_layers.{n}.bias"] for n in range(4)},
        "lstm": np.concatenate([lstm_in, lstm_back], axis=1).T,
        "lstm_bias": bias[0, :half] + bias[0, half:],
        "output": stored["decoder.conv1d.weight"].reshape(-1),
        "output_bias": stored["decoder.conv1d.bias"],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx", type=Path, help="silero_vad_v6.onnx")
    parser.add_argument("--out", type=Path, default=None, help="default: models/vad/silero-v6.npz")
    arguments = parser.parse_args(argv)
    import onnx  # type: ignore[import-not-found,unused-ignore]

    graph: Any = onnx.load(arguments.onnx).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    converted = {name: np.ascontiguousarray(one, np.float32) for name, one in arrays(stored).items()}
    out = arguments.out or resource("models", "vad") / "silero-v6.npz"
    np.savez_compressed(out, **converted)  # type: ignore[arg-type,unused-ignore]
    print(f"{out}: {sum(one.size for one in converted.values())} numbers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
