"""The listeners that are checked: one row each, as in `synthesizers`."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from speechagents.audio import Audio
from speechagents.listeners.listener import Listener
from speechagents.listeners.openai_transcriptions import OpenAITranscriptions
from speechagents.listeners.pocketsphinx import PocketsphinxListener
from speechagents.testing import ListenerTerms
from tests.voices.fault_speech_server import SpeechServer, refuses

SPEECH = Audio.read(Path(__file__).parent.parent / "listeners" / "spoken" / "umbrella.flac")

Open = Callable[[Path], AbstractContextManager[Listener]]
"""Makes one, with a folder of its own to put files into."""


@dataclass(frozen=True)
class Candidate:
    """A back end to check; see `synthesizers.Candidate`."""

    open: Open
    needs: tuple[str, ...] = ()
    slow: bool = False
    terms: ListenerTerms = field(default_factory=lambda: ListenerTerms(SPEECH))

    @property
    def missing(self) -> str:
        """The first package that is not installed; empty if all are."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), "")


@contextlib.contextmanager
def _pocketsphinx(_: Path) -> Iterator[Listener]:
    listener = PocketsphinxListener(decoders=2)
    try:
        yield listener
    finally:
        listener.close()


@contextlib.contextmanager
def _server(_: Path) -> Iterator[Listener]:
    with (
        SpeechServer() as server,
        OpenAITranscriptions(base_url=server.url, model="whisper-tiny", key_variable="") as listener,
    ):
        yield listener


@contextlib.contextmanager
def _plain_server(_: Path) -> Iterator[Listener]:
    """A server that gives text and nothing else."""
    with (
        SpeechServer() as server,
        OpenAITranscriptions(base_url=server.url, model="tiny", key_variable="") as listener,
    ):
        server.otherwise = refuses("timestamp_granularities[]", "verbose_json is not compatible with this model")
        yield listener


@contextlib.contextmanager
def _whisper(folder: Path) -> Iterator[Listener]:
    """Random weights: it understands nonsense, in the right places."""
    from speechagents.listeners.whisper import WhisperListener
    from tests.listeners.tiny_whisper import tiny_whisper

    yield WhisperListener(model=str(tiny_whisper(folder)), device="cpu")


CANDIDATES = {
    "pocketsphinx": Candidate(_pocketsphinx),
    "openai-transcriptions": Candidate(_server),
    "openai-transcriptions-text": Candidate(_plain_server),
    "whisper": Candidate(_whisper, needs=("faster_whisper", "torch", "transformers")),
}
"""By the name of the back end, and what is particular about the one that is checked."""
