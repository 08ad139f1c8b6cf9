"""The controllers that are checked: one row each, as in `synthesizers`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from speechagents.controllers.controller import Controller
from speechagents.controllers.openai import OpenAIModel
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.controllers.scripted import ScriptedController
from speechagents.testing import ControllerTerms
from tests.controllers.fault_server import FaultServer, says

Open = Callable[[Path], AbstractContextManager[Controller]]
"""Makes one, with a folder of its own to put files into."""

TURN = json.dumps(
    {
        "thoughts": "I am hungry.",
        "action": "speak",
        "addresses": [],
        "whisper": False,
        "style": "happy",
        "strength": 1.0,
        "speech": "Is there cake?",
    }
)


@dataclass(frozen=True)
class Candidate:
    """A back end to check; see `synthesizers.Candidate`."""

    open: Open
    needs: tuple[str, ...] = ()
    slow: bool = False
    terms: ControllerTerms = field(default_factory=ControllerTerms)

    @property
    def missing(self) -> str:
        """The first package that is not installed; empty if all are."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), "")


@contextlib.contextmanager
def _rehearsal(_: Path) -> Iterator[Controller]:
    yield make_rehearsal()


@contextlib.contextmanager
def _scripted(_: Path) -> Iterator[Controller]:
    """Nothing is enqueued: everybody keeps silent, which is an answer too."""
    yield ScriptedController()


@contextlib.contextmanager
def _server(_: Path, *, hears: bool = False) -> Iterator[Controller]:
    with (
        FaultServer() as server,
        OpenAIModel(base_url=server.url, model="tiny", key_variable="", hears=hears) as model,
    ):
        server.otherwise = says(TURN)
        yield PromptedController(model)


@contextlib.contextmanager
def _hearing_server(folder: Path) -> Iterator[Controller]:
    with _server(folder, hears=True) as controller:
        yield controller


@contextlib.contextmanager
def _transformers(folder: Path) -> Iterator[Controller]:
    """Random weights, nothing that holds them to the format: no answer is usable, and all are answered."""
    from speechagents.controllers.transformers import TransformersModel
    from tests.controllers.tiny_models import BUILDERS

    model = TransformersModel(model=str(BUILDERS["qwen2_audio"](folder / "tiny")), device="cpu", dtype="float32")
    yield PromptedController(model)


CANDIDATES = {
    "rehearsal": Candidate(_rehearsal),
    "scripted": Candidate(_scripted),
    "openai": Candidate(_server),
    "openai-hearing": Candidate(_hearing_server),
    "transformers": Candidate(
        _transformers, needs=("torch", "transformers"), slow=True, terms=ControllerTerms(answers=False)
    ),
}
"""By the name of the back end, and what is particular about the one that is checked."""
