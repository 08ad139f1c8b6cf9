"""How much Hugging Face's libraries say on the error stream while they load, train and save for this program.

Owns their progress bars and their verbosity. Both belong to the whole process, so that they are put back as they were
found. How far something is this program says itself, in lines that can be read in a log, too. Imports Transformers when
asked, not before. Does not know what is loaded, trained or saved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """Have the libraries draw no progress bars as long as the block lasts; how much else they say is as before, then.

    Whoever has set ``HF_HUB_DISABLE_PROGRESS_BARS`` has decided already, and whoever has switched the bars of
    Transformers off finds them off. Blocks may lie within each other. Where blocks of two threads overlap, a bar may be
    seen, and all is as before when both are left.
    """
    import transformers
    from huggingface_hub import constants, utils

    # Neither says of all its names that they are for others.
    library: Any = transformers.utils.logging
    hub: Any = utils
    verbosity, hub_draws = library.get_verbosity(), not hub.are_progress_bars_disabled()
    hushed = library.is_progress_bar_enabled() and constants.HF_HUB_DISABLE_PROGRESS_BARS is None
    if hushed:
        library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(verbosity)
        if hushed:
            library.enable_progress_bar()  # those of the hub's client with its own
            if not hub_draws:
                hub.disable_progress_bars()
