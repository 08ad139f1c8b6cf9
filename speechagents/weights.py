"""What a model's weights are, and where they lie on this machine.

Owns the description of weights, the way from a model's name to a folder, and what is refused: weights that are pickled
run code when they are loaded. Reads the standard cache of the Hugging Face hub, whose layout is documented
(huggingface.co/docs/huggingface_hub/guides/manage-cache), and never a network: `weights_fetching` does that. Does not
know any model, nor who loads it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from speechagents.errors import SettingsError, WeightsMissing

PICKLED: Final = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
"""Endings of files that are pickles in most models, whatever else some programs call so."""

_SAFE: Final = frozenset({".safetensors", ".onnx", ".gguf"})
_REPO: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION: Final = re.compile(r"[A-Za-z0-9][\w./-]{0,99}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
DEFAULT_REVISION: Final = "main"
_MAX_FILES: Final = 10_000
"""Most entries of a model's folder that are looked at."""

_MAX_INDEX_BYTES: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one model on the Hugging Face hub.

    Attributes:
        repo: Owner and name there.
        files: Which files are needed: names or patterns (``*.safetensors``). A pickled file is taken only where a
            pattern has its ending.
        size_gb: What they weigh together, in 10⁹ bytes.
        licence: Of the weights (SPDX where there is one).
        commercial: What is made with them may be sold.
        what: What they are, for people: ``voices``, ``a brain that hears``.
        revision: Commit, tag or branch.

    Raises:
        SettingsError: A field cannot be.
    """

    repo: str
    files: tuple[str, ...]
    size_gb: float
    licence: str
    commercial: bool
    what: str
    revision: str = DEFAULT_REVISION

    def __post_init__(self) -> None:
        _check_name(self.repo, self.revision)
        if not self.files or not all(_is_inside(pattern) for pattern in self.files):
            raise SettingsError(f"weights {self.repo}: files are names or patterns inside it, at least one")
        if not 0 < self.size_gb < 2_000:
            raise SettingsError(f"weights {self.repo}: a size of {self.size_gb:g} GB is not between 0 and 2000")
        if not self.licence.strip() or not self.what.strip():
            raise SettingsError(f"weights {self.repo}: licence and what must say something")

    @property
    def page(self) -> str:
        """Where people read about them."""
        return f"https://huggingface.co/{self.repo}/tree/{self.revision}"

    def __str__(self) -> str:
        sold = "" if self.commercial else ", NON-COMMERCIAL: what is made with them may not be sold"
        return f"{self.repo} ({self.what}; {size(self.size_gb * 1e9)}, licence {self.licence}{sold})"


def size(count: float) -> str:
    """Bytes for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} bytes"


def standard_cache() -> Path:
    """The cache that all programs share that load models from the hub (``HF_HOME`` and ``HF_HUB_CACHE`` move it)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def storage_folder(cache: Path, repo: str) -> Path:
    """Where a cache keeps a model: all its revisions."""
    return cache / f"models--{repo.replace('/', '--')}"


def find(weights: Weights, *, cache: Path | None = None) -> Path | None:
    """The folder with the weights, if they are in the cache as a whole.

    Args:
        weights: Which.
        cache: None is the standard one.
    """
    return _snapshot(cache or standard_cache(), weights.repo, weights.revision, weights.files)


def local_folder(
    name: str,
    *,
    revision: str = "",
    files: Sequence[str] = (),
    allowed: Sequence[str] = (),
    cache: Path | None = None,
) -> Path:
    """The folder of a model that is on this machine. Never asks a network.

    Args:
        name: A folder, or a name on the hub.
        revision: Of a name on the hub; empty takes the branch ``main``, or else the only revision that is there.
        files: Names or patterns that must be there.
        allowed: Names of files with the ending of a pickle that are none, or that the caller reads safely.
        cache: Where models of the hub are kept; None is the standard place.

    Raises:
        WeightsMissing: It is not here; the message says how to get it.
        SettingsError: That can be no name, or the weights are pickled.
    """
    if _is_path(name):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise WeightsMissing(f"there is no folder {str(folder)[:300]!r} with a model's weights")
        lacking = _lacking(folder, files)
        if lacking:
            raise WeightsMissing(f"the folder {str(folder)[:300]!r} holds no {lacking}; download the model again")
    else:
        _check_name(name, revision or DEFAULT_REVISION)
        found = _snapshot(cache or standard_cache(), name, revision, files)
        if found is None:
            raise WeightsMissing(_how_to_get(name, revision, cache or standard_cache()))
        folder = found
    refuse_pickled(folder, allowed=allowed)
    return folder


def missing_message(lacking: Sequence[Weights], *, preset: str) -> str:
    """What is missing, how large it is, under which licence, and how to get it."""
    total = f", {size(sum(one.size_gb for one in lacking) * 1e9)} together" if len(lacking) > 1 else ""
    folder = storage_folder(Path(), lacking[0].repo).name
    return (
        f"not on this machine: {', '.join(map(str, lacking))}{total}: `speechagents fetch {preset}` downloads it; "
        f"without a network here, do that elsewhere and copy its cache ({folder} …) to {standard_cache()}"
    )


def refuse_pickled(folder: Path, *, allowed: Sequence[str] = ()) -> None:
    """Refuse a folder whose only weights are pickles: loading one runs whatever code is in it.

    Raises:
        SettingsError: It is so.
    """
    names = [path for path in _files(folder) if path.suffix.lower() in PICKLED | _SAFE]
    if any(path.suffix.lower() in _SAFE or path.name in allowed for path in names):
        return
    if names:
        raise SettingsError(
            f"the weights in {str(folder)[:300]} are pickled ({names[0].name[:80]}), and a pickle can run any code "
            "when it is loaded; take a model whose weights are safetensors, or convert them on a machine you can spare"
        )


def wanted(patterns: Iterable[str], path: str) -> bool:
    """Whether one of the patterns asks for a file; a pickled one must be asked for by its ending."""
    ending = PurePosixPath(path).suffix.lower()
    return any(
        fnmatchcase(path, pattern) and (ending not in PICKLED or PurePosixPath(pattern).suffix.lower() == ending)
        for pattern in patterns
    )


def _is_path(name: str) -> bool:
    """Whether it can be no name on the hub, which has at most one slash, or is a folder."""
    if not name.strip():
        raise SettingsError("a model has a name: a folder, or OWNER/NAME on the Hugging Face hub")
    return (
        name.startswith((".", "~", os.sep)) or name.count("/") > 1 or "\\" in name or Path(name).is_dir() or ":" in name
    )


def _check_name(repo: str, revision: str) -> None:
    bad = ("..", "--")
    if not (_REPO.fullmatch(repo) and not any(part in repo for part in bad)) and not _is_old_name(repo):
        raise SettingsError(f"{repo[:100]!r} is no folder here, and no OWNER/NAME on the Hugging Face hub")
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise SettingsError(f"{revision[:100]!r} is no revision of {repo}: a commit, a tag or a branch")


def _is_old_name(repo: str) -> bool:
    """Models of the hub's first days have no owner (``gpt2``)."""
    return bool(re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}", repo, re.ASCII)) and ".." not in repo and "--" not in repo


def _is_inside(pattern: str) -> bool:
    parts = PurePosixPath(pattern).parts
    return bool(parts) and ".." not in parts and not pattern.startswith(("/", "~")) and "\\" not in pattern


def _snapshot(cache: Path, repo: str, revision: str, files: Sequence[str]) -> Path | None:
    """The folder of a revision, if all that is asked for is in it."""
    storage = storage_folder(cache, repo)
    commit = _commit_of(storage, revision or DEFAULT_REVISION)
    folder = storage / "snapshots" / commit if commit else None
    if folder is None and not revision:
        # Who fetched a certain commit has no branch: one that is alone is the one that is meant.
        here = [path for path in islice(_listed(storage / "snapshots"), 2) if _COMMIT.fullmatch(path.name)]
        folder = here[0] if len(here) == 1 else None
    if folder is None or not folder.is_dir() or _lacking(folder, files):
        return None
    return folder


def _commit_of(storage: Path, revision: str) -> str:
    """The commit of a branch or tag as it was downloaded; empty if it was not."""
    if _COMMIT.fullmatch(revision):
        return revision
    try:
        with (storage / "refs" / revision).open("r", encoding="ascii", errors="replace") as file:
            commit = file.read(41).strip()
    except OSError:
        return ""
    return commit if _COMMIT.fullmatch(commit) else ""


def _lacking(folder: Path, patterns: Sequence[str]) -> str:
    """The first thing that is asked for and not there; empty when nothing is missing."""
    here = {path.relative_to(folder).as_posix() for path in _files(folder)}
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in here):
            return pattern
    for index in sorted(path for path in here if path.endswith(".safetensors.index.json")):
        beside = PurePosixPath(index).parent
        for shard in _shards(folder / index):
            if (beside / shard).as_posix() not in here:
                return shard
    return ""


def _shards(index: Path) -> list[str]:
    """Names of the parts of large weights."""
    try:
        with index.open("rb") as file:
            named = json.loads(file.read(_MAX_INDEX_BYTES)).get("weight_map", {})
        return sorted({str(shard) for shard in named.values()})
    except (OSError, ValueError, AttributeError):
        return []


def _files(folder: Path) -> Iterator[Path]:
    """Files in a folder and below it; what is linked to and gone does not count."""
    return islice((path for path in folder.rglob("*") if path.is_file()), _MAX_FILES)


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


def _how_to_get(name: str, revision: str, cache: Path) -> str:
    chosen = f" --revision {revision}" if revision else ""
    return (
        f"the weights of {name}{f' at {revision}' if revision else ''} are not on this machine (looked in {cache}). "
        f"Size and licence stand on https://huggingface.co/{name}; download it with `hf download {name}{chosen}`, or "
        "put its files into a folder and name that folder as the model"
    )
