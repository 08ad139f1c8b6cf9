"""Every error this package raises on purpose, in one tree.

Owns the exception types and their exit codes; knows nothing of who raises them.

::

    SpeechAgentsError            exit 1
    ├── InputError               exit 2   the user's input is at fault; nothing was written
    │   ├── ScriptError          a screenplay, dialogue or book; names file and line
    │   ├── CastError            a cast file or a casting request
    │   ├── SettingsError        an option, a preset or a format name
    │   ├── SceneError           a scene file, or an idea for a scene; names file, line and field
    │   ├── SoundError           an effect, ambience or cover file
    │   ├── BenchmarkError       a benchmark's data, or a run of it; names file, line and field
    │   └── TuningError          a recipe, trajectories, a checkpoint or a model to be tuned; names file and field
    ├── ProductionError          exit 2   the production folder
    │   ├── ProductionBusy       another run holds its lock
    │   ├── NoSuchProduction     a visitor has none of that id
    │   ├── QuotaError           a visitor, or the server, holds as much as it may
    │   └── StorageError         disk full, read-only, or a file that is gone
    ├── SynthesisError           exit 3   a voice could not speak a line
    ├── ControllerError          exit 3   a model that acts for roles cannot be reached or used
    ├── ListenerError            exit 3   a speech recogniser cannot be used
    ├── StageError               exit 3   a live stage cannot be reached, or has ended the session
    ├── ClusterError             exit 3   workers elsewhere cannot be reached or used
    │   └── WorkerLost           a worker was killed, or its machine is gone
    ├── MemoryFull               exit 3   a model, or what it was given at once, does not fit into a GPU's memory
    ├── ServeError               exit 2   the server cannot start: its port, its login file, its secret
    ├── BackendMissing           exit 2   an optional back end is not installed
    └── WeightsMissing           exit 2   a model's weights are not here and could not be fetched

Each message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class SpeechAgentsError(Exception):
    """Base of all errors raised on purpose."""

    exit_code: ClassVar[int] = 1


class InputError(SpeechAgentsError):
    """The user's input is at fault."""

    exit_code = 2


class ScriptError(InputError):
    """A script cannot be read.

    Args:
        message: What is wrong and what to do about it.
        source: Name of the file, or of the text when there is no file.
        line: 1-based line number, when the fault has one.
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None) -> None:
        place = ":".join(part for part in (source, str(line) if line else "") if part)
        super().__init__(f"{place}: {message}" if place else message)
        self.source = source
        self.line = line


class CastError(InputError):
    """A cast file or a casting request cannot be honoured."""


class SettingsError(InputError):
    """An option, preset or format name is unknown or out of range."""


class SceneError(InputError):
    """A scene file cannot be used.

    Args:
        message: What is wrong and what to do about it.
        source: Name of the file.
        line: 1-based line number, when the fault has one.
        field: Path of the field, for example ``roles[2].name``.
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None, field: str = "") -> None:
        place = ":".join(part for part in (source, str(line) if line else "") if part)
        super().__init__(": ".join(part for part in (place, field, message) if part))
        self.source = source
        self.line = line
        self.field = field


class SoundError(InputError):
    """A sound or picture that the user supplied cannot be used."""


class BenchmarkError(InputError):
    """Data of a benchmark, or a run of it, cannot be used.

    Args:
        message: What is wrong and what to do about it.
        source: Name of the file.
        line: 1-based line number, when the fault has one.
        field: Path of the field.
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None, field: str = "") -> None:
        place = ":".join(part for part in (source, str(line) if line else "") if part)
        super().__init__(": ".join(part for part in (place, field, message) if part))


class TuningError(InputError):
    """A recipe, trajectories, a checkpoint or a model to be tuned cannot be used.

    Args:
        message: What is wrong and what to do about it.
        source: Name of the file.
        line: 1-based line number, when the fault has one.
        field: Path of the field.
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None, field: str = "") -> None:
        place = ":".join(part for part in (source, str(line) if line else "") if part)
        super().__init__(": ".join(part for part in (place, field, message) if part))


class ProductionError(SpeechAgentsError):
    """The production folder cannot be used."""

    exit_code = 2


class ProductionBusy(ProductionError):  # noqa: N818 - reads as a state, like BlockingIOError's siblings
    """Another run is working in the same production folder."""


class NoSuchProduction(ProductionError):  # noqa: N818 - reads as a state, like ProductionBusy
    """A visitor has no production of that id."""


class QuotaError(ProductionError):
    """A visitor, or the server, holds as much as it may."""


class StorageError(ProductionError):
    """The disk is full or read-only, or a file of the production is gone."""


class SynthesisError(SpeechAgentsError):
    """A voice could not speak a line."""

    exit_code = 3


class ControllerError(SpeechAgentsError):
    """A model that acts for roles cannot be reached or used."""

    exit_code = 3


class ListenerError(SpeechAgentsError):
    """A speech recogniser cannot be used."""

    exit_code = 3


class StageError(SpeechAgentsError):
    """A live stage cannot be reached, or has ended the session."""

    exit_code = 3


class ServeError(SpeechAgentsError):
    """The server cannot start: its port, its login file or its secret."""

    exit_code = 2


class BackendMissing(SpeechAgentsError):  # noqa: N818 - names what is missing
    """An optional back end is not installed; the message holds the install command."""

    exit_code = 2


class WeightsMissing(SpeechAgentsError):  # noqa: N818 - names what is missing
    """A model's weights are not on this machine, or could not be fetched; the message holds the remedy."""

    exit_code = 2


class ClusterError(SpeechAgentsError):
    """Workers elsewhere cannot be reached or used; what is finished is kept."""

    exit_code = 3


class WorkerLost(ClusterError):  # noqa: N818 - says what is the matter
    """A worker was killed, or its machine is gone, with what it was at."""


class MemoryFull(SpeechAgentsError):  # noqa: N818 - says what is the matter
    """The memory of a GPU is full; less at once may fit."""

    exit_code = 3
