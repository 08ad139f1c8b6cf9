"""Sound that one thread makes and another hears, piece by piece.

Owns the way between them, and that the maker stops when nobody listens any more. Does not know what is made.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator

from speechagents.audio import Audio

Heard = Callable[[Audio], None]
"""Takes the next piece; raises to stop whoever makes them."""


class NobodyListens(Exception):  # noqa: N818 - ends the making, and is no error
    """What is being made is not wanted any more."""


def heard_from(make: Callable[[Heard], None]) -> Generator[Audio, None, None]:
    """The pieces that are made in a thread of their own, in order.

    Args:
        make: Hands each piece over as soon as it is there. After this iterator was closed, handing over raises
            `NobodyListens`, which it is to let through.

    Raises:
        Exception: Whatever `make` raises, after what it handed over before.
    """
    pieces: queue.SimpleQueue[Audio | None] = queue.SimpleQueue()
    unwanted = threading.Event()
    raised: list[BaseException] = []

    def hand_over(piece: Audio) -> None:
        if unwanted.is_set():
            raise NobodyListens
        pieces.put(piece)

    def work() -> None:
        try:
            make(hand_over)
        except NobodyListens:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody listens
            raised.append(error)
        finally:
            pieces.put(None)

    thread = threading.Thread(target=work, name="streams-speech", daemon=True)
    thread.start()
    try:
        while (piece := pieces.get()) is not None:
            yield piece
    finally:
        # The maker stops at its next piece; a model that takes long for one is not waited for.
        unwanted.set()
    if raised:
        raise raised[0]
