"""The detector in numpy is the published one, number for number."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Samples
from speechagents.listeners.vad import RATE_HZ, WINDOW, SileroVad
from tests.live.babble import babble, hush

SCENE = np.concatenate([hush(0.3, RATE_HZ), babble(0.5, RATE_HZ), hush(0.3, RATE_HZ)])

# What onnxruntime makes of every third window of SCENE with silero_vad_v6.onnx.
GOLDEN = (0.10806, 0.00621, 0.00316, 0.15994, 0.67440, 0.48842, 0.85954, 0.87078, 0.90383, 0.67321, 0.25963)


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


def windows(sound: Samples) -> list[Samples]:
    return [sound[at : at + WINDOW] for at in range(0, len(sound) - WINDOW + 1, WINDOW)]


def probabilities(vad: SileroVad, sound: Samples) -> list[float]:
    stream = vad.stream()
    return [stream.probability(window) for window in windows(sound)]


def test_the_probabilities_are_those_of_the_published_network(vad: SileroVad) -> None:
    assert probabilities(vad, SCENE)[::3] == pytest.approx(GOLDEN, abs=1e-4)


def test_they_are_those_of_onnxruntime_where_that_is_installed(vad: SileroVad) -> None:
    runtime = pytest.importorskip("onnxruntime")
    package = pytest.importorskip("faster_whisper.utils")
    session = runtime.InferenceSession(
        f"{package.get_assets_path()}/silero_vad_v6.onnx", providers=["CPUExecutionProvider"]
    )
    loud = np.clip(8.0 * babble(1.0, RATE_HZ), -1.0, 1.0)
    noise = np.random.default_rng(3).uniform(-1.0, 1.0, RATE_HZ).astype(np.float32)
    sound = np.concatenate([SCENE, loud, noise, np.zeros(RATE_HZ, np.float32), 0.01 * babble(1.0, RATE_HZ)])
    state = cell = np.zeros((1, 1, 128), np.float32)
    before = np.zeros(64, np.float32)
    expected = []
    for window in windows(sound):
        inputs = {"input": np.concatenate([before, window])[None], "h": state, "c": cell}
        probability, state, cell = session.run(None, inputs)
        expected.append(float(probability.ravel()[0]))
        before = window[-64:]
    assert probabilities(vad, sound) == pytest.approx(expected, abs=1e-5)


def test_voice_is_told_from_silence(vad: SileroVad) -> None:
    found = probabilities(vad, np.concatenate([hush(0.5, RATE_HZ), babble(1.0, RATE_HZ), hush(0.7, RATE_HZ)]))
    assert max(found[5:14]) < 0.2
    assert min(found[20:46]) > 0.5
    assert max(found[-5:]) < 0.2


def test_streams_that_share_weights_do_not_share_memory(vad: SileroVad) -> None:
    one, other = vad.stream(), vad.stream()
    mixed = [(one.probability(window), other.probability(window[::-1].copy())) for window in windows(SCENE)]
    assert [first for first, _ in mixed] == probabilities(vad, SCENE)


def test_weights_cannot_be_changed(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="read-only"):
        vad.lstm[0, 0] = 1.0


def test_a_window_of_another_length_is_refused(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="512"):
        vad.stream().probability(np.zeros(480, np.float32))
