"""Services for tests of Ray's workers, besides those of `made_up_services`: what comes back from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from speechagents.errors import ScriptError, SettingsError, TuningError
from tests.cluster.made_up_services import TravelsBadlyError


class OwnSettingsError(SettingsError):
    """An error of somebody else's back end: of a kind of ours, but it goes out of a process well and never comes in."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(f"{what} {where}")


ERRORS: Final[Mapping[str, Callable[[], Exception]]] = {
    "settings": lambda: SettingsError("no such voice"),
    "script": lambda: ScriptError("no such role", source="play.fountain", line=7),
    "tuning": lambda: TuningError("no such model", source="recipe.yaml", line=3, field="base"),
    "own settings": lambda: OwnSettingsError("no such voice", where="here"),
    "value": lambda: ValueError("a digit too many"),
    "long value": lambda: ValueError("7" * 100_000),
    "bad traveller": lambda: TravelsBadlyError("nothing", where="nowhere"),
}


class Giving:
    """Gives what each task names."""

    def do(self, tasks: Sequence[str]) -> Iterator[Any]:
        for task in tasks:
            if task in ERRORS:
                raise ERRORS[task]()
            yield getattr(self, task)()

    def process(self) -> int:
        return os.getpid()

    def array(self) -> np.ndarray[Any, Any]:
        return np.zeros(200_000, np.float32)

    def noise(self) -> str:
        print("noise", flush=True)  # noqa: T201 - what libraries in a worker do
        os.write(2, b"noise\n")
        return "quiet"

    def nap(self) -> int:
        time.sleep(0.5)
        return os.getpid()

    def sleep(self) -> None:
        time.sleep(600.0)

    def death(self) -> None:
        os._exit(3)
