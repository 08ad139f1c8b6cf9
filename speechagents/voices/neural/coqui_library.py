"""Coqui's library in this process: imported once, without torchaudio where that does not load, and told to be quiet.

Owns what has to be true before Coqui's modules can be imported. Does not know any model.

Coqui looks for torchaudio and torchcodec when it is imported, and gives up without them. Where torchaudio loads it is
used; elsewhere `coqui_torchaudio` stands in for it for the time of the imports: afterwards Coqui's modules hold it, and
nobody else can find it. Nothing here reads sound files, so torchcodec is never needed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

from speechagents.errors import BackendMissing

_INSTALL: Final = 'python -m pip install "speechagents[neural]"'
_LEAST_TORCH: Final = (2, 6)
"""Before, a made-up checkpoint could get round ``weights_only=True`` (CVE-2025-32434)."""

_MODULES: Final = (
    "TTS.tts.configs.vits_config",
    "TTS.tts.configs.xtts_config",
    "TTS.tts.models.vits",
    "TTS.tts.models.xtts",
    "TTS.tts.layers.xtts.tokenizer",
)
_one_at_a_time = threading.Lock()


def coqui() -> Any:
    """Those classes of Coqui's library that are used, as attributes; the first call takes seconds.

    Raises:
        BackendMissing: The library, or one that it needs, is not installed or does not load.
    """
    with _one_at_a_time:
        if any(name not in sys.modules for name in _MODULES):
            _load()
    vits_config, xtts_config, vits, xtts, tokenizer = (sys.modules[name] for name in _MODULES)
    return SimpleNamespace(
        VitsConfig=vits_config.VitsConfig,
        Vits=vits.Vits,
        XttsConfig=xtts_config.XttsConfig,
        Xtts=xtts.Xtts,
        VoiceBpeTokenizer=tokenizer.VoiceBpeTokenizer,
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Transformers from logging what it makes of Coqui's ways with it, and from warning that some will change."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _load() -> None:
    _check_torch()
    try:
        # Deprecations inside the library and in what it imports are not the user's.
        with warnings.catch_warnings(), _torchaudio():
            warnings.simplefilter("ignore")
            for name in _MODULES:
                importlib.import_module(name)
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0][:200]
        raise BackendMissing(f"Coqui's library does not load ({reason}): {_INSTALL}") from error
    # It logs every character that a model does not know, with the text.
    logging.getLogger("TTS").setLevel(logging.ERROR)


def _check_torch() -> None:
    try:
        version = str(importlib.import_module("torch").__version__)
    except ImportError as error:
        raise BackendMissing(f"PyTorch is not installed: {_INSTALL}") from error
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < _LEAST_TORCH:
        raise BackendMissing(f"a checkpoint could make PyTorch {version} run code; update it: {_INSTALL} 'torch>=2.6'")


@contextlib.contextmanager
def _torchaudio() -> Iterator[None]:
    """Torchaudio as Coqui finds it while it is imported: the real one if it loads, else the stand-in."""
    try:
        importlib.import_module("torchaudio")
        missing = [] if importlib.util.find_spec("torchcodec") else ["torchcodec"]
    except (ImportError, OSError, RuntimeError, AttributeError):
        missing = ["torchaudio", "torchaudio.functional", "torchaudio.transforms", "torchcodec"]
    # Transformers remembers for good what it finds first: let it look while there is nothing to be mistaken about.
    utils = importlib.import_module("transformers.utils")
    for ask in ("is_torchaudio_available", "is_torchcodec_available"):
        getattr(utils, ask, bool)()
    before = {name: sys.modules.pop(name) for name in missing if name in sys.modules}
    if missing:
        from speechagents.voices.neural.coqui_torchaudio import stand_in

        sys.modules.update({name: module for name, module in stand_in().items() if name in missing})
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)
        sys.modules.update(before)
