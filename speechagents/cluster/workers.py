"""What ``--workers`` says: where work is done.

Owns the words and what they mean. Does not know how any of these works; Ray is looked for only when it is asked for.
"""

from __future__ import annotations

import importlib.util
import urllib.parse
from dataclasses import dataclass
from typing import Final

from speechagents.cluster.executor import Executor
from speechagents.cluster.local import MAX_WORKERS, LocalPool
from speechagents.cores import usable_cores
from speechagents.errors import BackendMissing, SettingsError

FORMS: Final = (
    "N or local:N (N processes of this machine), local (one for each core), ray (a Ray cluster of this machine), or "
    "ray://HOST:PORT (a Ray cluster that runs)"
)
INSTALL: Final = 'python -m pip install "speechagents[cluster]"'
_MOST_CHARACTERS: Final = 300
_SCHEME: Final = "ray://"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for.

    Attributes:
        processes: Of this machine; 0 is one for each core.
        ray: Whether it is Ray.
        address: Of a Ray cluster; empty is one of this machine.
    """

    processes: int = 0
    ray: bool = False
    address: str = ""


def check_workers(spec: str) -> str:
    """Refuse what no `Executor` can be opened for; nothing is started or looked for.

    Raises:
        SettingsError: It has none of the forms; the message lists them.
    """
    _parsed(spec)
    return spec


def open_workers(spec: str, *, jobs: int) -> Executor:
    """Workers as they are asked for. Whoever opens them closes them.

    Args:
        spec: ``N``, ``local``, ``local:N``, ``ray`` or ``ray://HOST:PORT``.
        jobs: Processes for ``local``; 0 is one for each core. For Ray, workers at most, which are asked for while
            work waits even if the cluster has to grow for them; 0 is as many as it has room for.

    Raises:
        SettingsError: It has none of the forms.
        BackendMissing: Ray is asked for and not installed.
        ClusterError: The cluster cannot be reached.
    """
    wanted = _parsed(spec)
    if not wanted.ray:
        return LocalPool(wanted.processes or jobs or usable_cores())
    # Looked for first: an import that fails inside of it is another matter, and says so itself.
    if importlib.util.find_spec("ray") is None:
        raise BackendMissing(f"--workers {spec} needs Ray, which is not installed: {INSTALL}")
    from speechagents.cluster.ray_executor import RayExecutor

    return RayExecutor(wanted.address, most=jobs)


def _parsed(spec: str) -> _Wanted:
    if spec == "local":
        return _Wanted()
    if spec == "ray":
        return _Wanted(ray=True)
    if spec.startswith(_SCHEME):
        return _Wanted(ray=True, address=_address(spec))
    number = spec.removeprefix("local:")
    # Decimal digits of ASCII alone: int() takes signs, spaces, underscores and other alphabets too.
    if number.isascii() and number.isdecimal() and len(number) <= len(str(MAX_WORKERS)):
        if not 1 <= int(number) <= MAX_WORKERS:
            raise SettingsError(f"--workers {spec}: {int(number)} processes are not between 1 and {MAX_WORKERS}")
        return _Wanted(int(number))
    raise SettingsError(f"--workers {spec[:_MOST_CHARACTERS]!r} is none of: {FORMS}")


def _address(spec: str) -> str:
    """The address of a cluster, if it is one: a host and a port, and nothing else."""
    try:
        parts = urllib.parse.urlsplit(spec)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or len(spec) > _MOST_CHARACTERS or not spec.isprintable() or " " in spec:
        raise SettingsError(
            f"--workers {spec[:_MOST_CHARACTERS]!r} names no cluster: ray://HOST:PORT, for example "
            "ray://10.0.0.5:10001, which is where `ray start --head` says that clients connect"
        )
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise SettingsError(f"--workers {spec[:_MOST_CHARACTERS]!r} has more to it than a host and a port")
    return spec
