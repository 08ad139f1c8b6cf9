"""A preset: a set of back ends that work together, and what keeps it from running here.

Owns the value and what follows from its parts: licence, download, what is missing and how to get it. Does not know any
back end (it asks whether one can be loaded), nor where presets come from (`preset_file`, `presets`). Downloads nothing
(`providing`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS, BackEnds
from speechagents.errors import SettingsError
from speechagents.gpus import lacking_gpu
from speechagents.weights import DEFAULT_REVISION, Weights, find, missing_message, size

KINDS: Final[Mapping[str, BackEnds]] = {
    "synthesizer": SYNTHESIZERS,
    "controller": CONTROLLERS,
    "listener": LISTENERS,
}
"""Parts of a preset, and where their back ends are found."""

_VARIABLE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]{0,80})\}")
_PACKAGE: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,60}", re.ASCII)
REQUIREMENT: Final = re.compile(_PACKAGE.pattern + r"(>=[0-9][0-9.]{0,20})?", re.ASCII)
"""What a preset may name as a package."""

_NO_MODEL: Final = "rehearsal"
"""The controller of presets that name none."""

_PERMISSIVE: Final = ("0BSD", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "CC0-1.0")
_WITH_CREDIT: Final = ("CC-BY-",)
_COPYLEFT: Final = ("CC-BY-SA-", "MPL-", "LGPL-", "GPL-", "AGPL-")


@dataclass(frozen=True, slots=True)
class Licence:
    """What something may be used for.

    Attributes:
        name: SPDX where there is one.
        commercial: What is made with it may be sold.
    """

    name: str
    commercial: bool

    @property
    def strictness(self) -> int:
        """0 for those that ask for nothing but a notice; more for those that ask for more."""
        if not self.commercial:
            return 4
        for rank, beginnings in ((2, _COPYLEFT), (0, _PERMISSIVE), (1, _WITH_CREDIT)):
            if self.name.startswith(beginnings):
                return rank
        return 3  # a licence of its own, with conditions of its own


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of back ends.

    Attributes:
        name: What ``--preset`` takes.
        description: One sentence for people.
        rank: ``auto`` prefers the highest among those that are ready.
        synthesizer: Name of the speech synthesis back end.
        vram_gb: GPU memory it needs; 0 runs on the CPU.
        options: Keyword arguments of that back end.
        controller: Name of the back end that acts for roles who improvise.
        controller_options: Keyword arguments of it.
        listener: Name of the speech recognition back end; empty for none.
        listener_options: Keyword arguments of it.
        weights: What each part loads, by the part's name (`KINDS`).
        licences: Of what comes with the packages of its parts.
        packages: Requirements that the extras of its back ends do not bring.
    """

    name: str
    description: str
    rank: int
    synthesizer: str
    vram_gb: float
    options: Mapping[str, Any] = field(default_factory=dict)
    controller: str = _NO_MODEL
    controller_options: Mapping[str, Any] = field(default_factory=dict)
    listener: str = ""
    listener_options: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, tuple[Weights, ...]] = field(default_factory=dict)
    licences: tuple[Licence, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def all_weights(self) -> tuple[Weights, ...]:
        """What its parts load, each once."""
        return tuple(dict.fromkeys(one for part in self.weights.values() for one in part))

    @property
    def download_gb(self) -> float:
        """Download at first use, of all parts together."""
        return round(sum(one.size_gb for one in self.all_weights), 2)

    @property
    def licence(self) -> str:
        """The strictest licence of code and weights; those that are equally strict are all named."""
        found = self._licences
        strictest = max((one.strictness for one in found), default=0)
        return " and ".join(dict.fromkeys(one.name for one in found if one.strictness == strictest))

    @property
    def commercial(self) -> bool:
        """What is made with it may be sold."""
        return all(one.commercial for one in self._licences)

    @property
    def is_light(self) -> bool:
        """It loads in moments: no weights, no GPU, nobody else's server."""
        return not self.all_weights and not self.vram_gb and not self._variables

    @property
    def packages_missing(self) -> str:
        """Which packages its back ends lack, with the remedy; empty when there are all."""
        return "; ".join(dict.fromkeys(self._lacking_packages()))

    @property
    def blocked(self) -> str:
        """What keeps it from running here that no download mends, with the remedy."""
        return "; ".join(dict.fromkeys(self._obstacles()))

    @property
    def is_ready(self) -> bool:
        """It can run here, now; asks no further than the first thing that is missing."""
        return next(self._obstacles(), None) is None and not self.unfetched

    @property
    def unfetched(self) -> tuple[Weights, ...]:
        """Weights of it that are not on this machine."""
        return tuple(one for one in self.all_weights if find(one) is None)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What keeps it from running here, one thing and its remedy each; none when it is ready."""
        unfetched = self.unfetched
        weights = [missing_message(unfetched, preset=self.name)] if unfetched else []
        return tuple(dict.fromkeys([*self._obstacles(), *weights]))

    @property
    def missing(self) -> str:
        """The same in one text; empty when it is ready."""
        return "; ".join(self.lacks)

    def _obstacles(self) -> Iterator[str]:
        """What no download mends, the quickest to find out first."""
        unset = [name for name in self._variables if not os.environ.get(name, "").strip()]
        if unset:
            yield f"set the environment variable{'s' if len(unset) > 1 else ''} {', '.join(unset)}"
        if trouble := lacking_gpu(self.vram_gb):
            yield trouble
        yield from self._lacking_packages()

    def _lacking_packages(self) -> Iterator[str]:
        parts = {"synthesizer": self.synthesizer, "controller": self.controller, "listener": self.listener}
        for kind, name in parts.items():
            if name and (lacking := KINDS[kind].missing(name)):
                yield lacking
        if absent := [package for package in self.packages if not _is_installed(package)]:
            quoted = " ".join(f'"{package}"' for package in absent)
            yield f"not installed: python -m pip install {quoted}"

    @property
    def _licences(self) -> Sequence[Licence]:
        return [*self.licences, *(Licence(one.licence, one.commercial) for one in self.all_weights)]

    @property
    def _variables(self) -> Sequence[str]:
        """Environment variables that its options name."""
        options = (self.options, self.controller_options, self.listener_options)
        values = [str(value) for one in options for value in one.values()]
        return list(dict.fromkeys(match[1] for value in values if (match := _VARIABLE.fullmatch(value))))


def resolved(options: Mapping[str, Any], folders: Mapping[Weights, Path]) -> dict[str, Any]:
    """Options of a part as its back end takes them: values of environment variables, and weights that are here.

    Args:
        options: As the preset has them.
        folders: Where the weights of the part lie. The option ``model`` keeps their name and is joined by ``revision``,
            so that people see the name; any other option that names weights becomes their folder.

    Raises:
        SettingsError: A variable is not set.
    """
    by_name = {weights.repo: (weights, folder) for weights, folder in folders.items()}
    found: dict[str, Any] = {}
    for name, value in options.items():
        if not isinstance(value, str):
            found[name] = value
        elif match := _VARIABLE.fullmatch(value):
            found[name] = os.environ.get(match[1], "").strip()
            if not found[name]:
                raise SettingsError(f"set the environment variable {match[1]}")
        elif value in by_name and name != "model":
            found[name] = str(by_name[value][1])
        else:
            found[name] = value
            if value in by_name and (revision := by_name[value][0].revision) != DEFAULT_REVISION:
                found["revision"] = revision
    return found


def total_size(weights: Sequence[Weights]) -> str:
    """What several weigh together, for people."""
    return size(sum(one.size_gb for one in weights) * 1e9)


def _is_installed(requirement: str) -> bool:
    """Whether a package is there; its version is the package manager's affair."""
    name = _PACKAGE.match(requirement)
    try:
        return name is not None and bool(version(name[0]))
    except PackageNotFoundError:
        return False
