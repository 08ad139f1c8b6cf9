"""The synthesizers that are checked: one row each.

A back end is added by a `Candidate`: how it is made, what must be installed for it, and what is particular about it.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from speechagents.cluster.executor import Executor
from speechagents.cluster.local import LocalPool
from speechagents.cluster.voices import SpreadSynthesizer
from speechagents.cluster.workforce import workforce_of
from speechagents.presets import named_preset
from speechagents.testing import SynthesizerTerms
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.openai_speech import OpenAISpeech
from speechagents.voices.synthesizer import Synthesizer
from tests.voices.fault_speech_server import SpeechServer
from tests.voices.neural.scripted_speech import ScriptedSpeech, StreamingSpeech, speech

Open = Callable[[Path], AbstractContextManager[Synthesizer]]
"""Makes one, with a folder of its own to put files into."""


@dataclass(frozen=True)
class Candidate:
    """A back end to check.

    Attributes:
        open: Makes it; closed when all checks are done.
        needs: Packages without which it is skipped.
        slow: All its checks together take minutes.
        terms: What is particular about it.
    """

    open: Open
    needs: tuple[str, ...] = ()
    slow: bool = False
    terms: SynthesizerTerms = field(default_factory=SynthesizerTerms)

    @property
    def missing(self) -> str:
        """The first package that is not installed; empty if all are."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), "")


@contextlib.contextmanager
def _espeak(_: Path) -> Iterator[Synthesizer]:
    with EspeakSynthesizer(jobs=2) as synthesizer:
        yield synthesizer


@contextlib.contextmanager
def _spread(_: Path) -> Iterator[Synthesizer]:
    with contextlib.closing(LocalPool(2)) as pool, contextlib.closing(_spread_over(pool)) as voices:
        yield voices


def _spread_over(executor: Executor) -> SpreadSynthesizer:
    return workforce_of(executor, named_preset("embedded")).voices


@contextlib.contextmanager
def _batched(_: Path) -> Iterator[Synthesizer]:
    yield speech(ScriptedSpeech(), max_batch=8)


@contextlib.contextmanager
def _out_of_memory(_: Path) -> Iterator[Synthesizer]:
    """A model on a GPU that is too small for more than two pieces."""
    yield speech(ScriptedSpeech(fits=2), max_batch=8)


@contextlib.contextmanager
def _streaming(_: Path) -> Iterator[Synthesizer]:
    yield speech(StreamingSpeech(), max_batch=8)


@contextlib.contextmanager
def _server(_: Path, *, kind: str = "wav") -> Iterator[Synthesizer]:
    with (
        SpeechServer() as server,
        OpenAISpeech(base_url=server.url, model="tiny", key_variable="", response_format=kind) as synthesizer,
    ):
        yield synthesizer


@contextlib.contextmanager
def _server_of_two_languages(_: Path) -> Iterator[Synthesizer]:
    with (
        SpeechServer() as server,
        OpenAISpeech(
            base_url=server.url,
            model="tiny",
            key_variable="",
            voices={"ann": {"gender": "female"}, "ben": {"gender": "male"}},
            languages=["en", "de"],
            rate_hz=16_000,
            speed=True,
        ) as synthesizer,
    ):
        yield synthesizer


_BATCHED = SynthesizerTerms(tolerance=1e-3)
"""Sums of floats depend a little on who else is spoken in a batch."""


@contextlib.contextmanager
def _kokoro(folder: Path) -> Iterator[Synthesizer]:
    from speechagents.voices.neural.kokoro import make_kokoro
    from tests.voices.neural.tiny_kokoro_model import kokoro

    yield make_kokoro(model=str(kokoro(folder)), device="cpu")


@contextlib.contextmanager
def _coqui(folder: Path) -> Iterator[Synthesizer]:
    from speechagents.voices.neural.coqui import make_coqui
    from tests.voices.neural.tiny_coqui_models import vits

    yield make_coqui(model=str(vits(folder)), device="cpu")


@contextlib.contextmanager
def _xtts(folder: Path) -> Iterator[Synthesizer]:
    from speechagents.voices.neural.coqui import make_coqui
    from tests.voices.neural.tiny_coqui_models import xtts

    yield make_coqui(model=str(xtts(folder)), device="cpu")


@contextlib.contextmanager
def _omni(folder: Path) -> Iterator[Synthesizer]:
    """Random weights do not know when to stop: they are stopped early."""
    from speechagents.voices.neural import omni_speech
    from tests.controllers.tiny_omni import SPEAKING

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(omni_speech, "_SPARE_S", 0.5)
        patch.setattr(omni_speech, "_SLOWEST_CHARS_PER_S", 30.0)
        build = next(iter(SPEAKING.values()))
        yield omni_speech.make_omni_speech(model=str(build(folder / "tiny")), device="cpu", dtype="float32")


@contextlib.contextmanager
def _transformers(folder: Path) -> Iterator[Synthesizer]:
    from speechagents.voices.neural.transformers_speech import make_transformers_speech
    from tests.voices.neural.tiny_speech_models import vits

    yield make_transformers_speech(model=str(vits(folder, speakers=3)), device="cpu")


CANDIDATES = {
    "espeak": Candidate(_espeak),
    "espeak-spread-over-processes": Candidate(_spread),
    "batched-speech": Candidate(_batched),
    "batched-speech-out-of-memory": Candidate(_out_of_memory),
    "batched-speech-streaming": Candidate(_streaming),
    "openai-speech": Candidate(_server),
    "openai-speech-two-languages": Candidate(_server_of_two_languages),
    "kokoro": Candidate(_kokoro, needs=("onnx", "onnxruntime"), terms=_BATCHED),
    "coqui": Candidate(_coqui, needs=("torch", "TTS"), slow=True, terms=_BATCHED),
    "coqui-xtts": Candidate(
        _xtts, needs=("torch", "TTS"), slow=True, terms=SynthesizerTerms(tolerance=1e-3, long_chars=800)
    ),
    "omni-speech": Candidate(
        _omni, needs=("torch", "transformers"), slow=True, terms=SynthesizerTerms(tolerance=1e-3, long_chars=800)
    ),
    "transformers-speech": Candidate(_transformers, needs=("torch", "transformers"), terms=_BATCHED),
}
"""By the name of the back end, and what is particular about the one that is checked."""
