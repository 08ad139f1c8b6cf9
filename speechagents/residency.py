"""Which models are in the memory of a GPU: all that fit, and of the others those that were used last.

Owns the budget, who moves out for whom, and that a model which several back ends want is loaded once. Does not know any
model, nor how one moves: a brain, voices and ears that share a GPU are told to. A model that nobody uses at the moment
may be moved out at any time; one that is in use never.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final, Protocol, TypeVar

from speechagents.errors import MemoryFull

Model = TypeVar("Model")

SPARE: Final = 0.1
"""Part of a GPU's memory that is left to activations, caches and other programs."""


class Resident(Protocol):
    """A model that can leave the memory of the GPU and come back."""

    @property
    def size_gb(self) -> float:
        """What its weights take there."""

    def move_in(self) -> None:
        """Into the memory of the GPU.

        Raises:
            MemoryFull: There is not so much.
        """

    def move_out(self) -> None:
        """Out of it; nothing of it stays."""


class Residence:
    """The memory of one GPU. Safe to use from several threads.

    Args:
        budget_gb: What all models together may take; ``inf`` where there is no GPU.
    """

    def __init__(self, budget_gb: float = float("inf")) -> None:
        self._budget_gb = budget_gb
        self._inside: list[Resident] = []
        """Those in memory, the one that was used longest ago first."""
        self._kept: list[Resident] = []
        """Those that never move out."""
        self._in_use: dict[int, int] = {}
        self._changed = threading.Condition()

    @property
    def used_gb(self) -> float:
        """What the models inside take."""
        return sum(one.size_gb for one in (*self._kept, *self._inside))

    @contextlib.contextmanager
    def using(self, model: Resident) -> Iterator[None]:
        """Have a model in memory for as long as the block lasts; waits for others who use what is in the way.

        Do not use another model inside: two threads that do would wait for each other.

        Raises:
            MemoryFull: It does not fit, even alone.
        """
        with self._changed:
            self._refuse_too_large(model)
            self._let_in(model)
            self._in_use[id(model)] = self._in_use.get(id(model), 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._in_use[id(model)] -= 1
                self._changed.notify_all()

    def keep(self, model: Resident) -> None:
        """Have a model in memory until it leaves, because it cannot move: others share what remains.

        Raises:
            MemoryFull: It does not fit beside those that are kept already.
        """
        with self._changed:
            self._refuse_too_large(model)
            self._let_in(model)
            self._inside = [one for one in self._inside if one is not model]
            self._kept = [one for one in self._kept if one is not model] + [model]

    def leave(self, model: Resident) -> None:
        """Move a model out for good, when it is not in use any more."""
        with self._changed:
            while self._in_use.get(id(model)):
                self._changed.wait()
            self._in_use.pop(id(model), None)
            if self._holds(model):
                self._evict(model)

    def _refuse_too_large(self, model: Resident) -> None:
        """Refuse what would not fit if everything that can move had moved out."""
        kept_gb = sum(one.size_gb for one in self._kept if one is not model)
        if model.size_gb > self._budget_gb - kept_gb:
            beside = f" beside {kept_gb:.1f} GB of others that cannot move" if kept_gb else ""
            raise MemoryFull(
                f"a model of {model.size_gb:.1f} GB does not fit into {self._budget_gb:.1f} GB of GPU memory{beside}; "
                "choose a smaller preset (`speechagents doctor` lists them)"
            )

    def _let_in(self, model: Resident) -> None:
        """Make room and move a model in, or note that it is used again."""
        if self._holds(model):
            if not any(one is model for one in self._kept):
                self._inside = [one for one in self._inside if one is not model] + [model]
            return
        while self.used_gb + model.size_gb > self._budget_gb:
            if not self._evict_idle():
                self._changed.wait()
                if self._holds(model):  # another thread has let it in meanwhile
                    return
                self._refuse_too_large(model)
        while True:
            try:
                model.move_in()
                break
            except MemoryFull:
                # The budget was too hopeful: other programs have memory of this GPU, too.
                if not self._evict_idle():
                    raise
        self._inside.append(model)

    def _holds(self, model: Resident) -> bool:
        return any(one is model for one in (*self._kept, *self._inside))

    def _evict_idle(self) -> bool:
        """Move out the model that was used longest ago of those not in use; whether there was one."""
        idle = next((one for one in self._inside if not self._in_use.get(id(one))), None)
        if idle is None:
            return False
        self._evict(idle)
        return True

    def _evict(self, model: Resident) -> None:
        model.move_out()
        self._inside = [one for one in self._inside if one is not model]
        self._kept = [one for one in self._kept if one is not model]
        self._changed.notify_all()


class LoadedModels:
    """Models that several back ends share: whoever asks first loads one, and all others get the same.

    Nobody is kept alive by it: a model is gone when no back end holds it any more. Safe to use from several threads;
    one model is loaded at a time.
    """

    def __init__(self) -> None:
        self._models: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
        self._loading = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Model]) -> Model:
        """The model of a key.

        Args:
            key: Says what is loaded and how; what differs in it is loaded twice.
            load: Loads it, if nobody has.
        """
        with self._loading:
            found: Model | None = self._models.get(key)
            if found is None:
                found = load()
                self._models[key] = found
            return found
