"""Models that cannot move leave less to the others, and a model that several want is loaded once."""

from __future__ import annotations

import gc
import threading

import pytest

from speechagents.errors import MemoryFull
from speechagents.residency import LoadedModels, Residence
from tests.test_residency import Model, use


def test_what_is_kept_never_moves_out() -> None:
    diary: list[str] = []
    fixed, brain, ears = Model("fixed", 4, diary), Model("brain", 3, diary), Model("ears", 3, diary)
    residence = Residence(8)
    use(residence, brain)
    residence.keep(fixed)
    use(residence, fixed, ears, brain)
    assert diary == ["+brain", "+fixed", "-brain", "+ears", "-ears", "+brain"]
    assert residence.used_gb == 7


def test_what_does_not_fit_beside_it_is_refused() -> None:
    residence = Residence(8)
    residence.keep(Model("fixed", 4, []))
    with pytest.raises(MemoryFull, match=r"beside 4\.0 GB of others that cannot move"):
        use(residence, Model("large", 5, []))
    with pytest.raises(MemoryFull, match="beside"):
        residence.keep(Model("also fixed", 5, []))


def test_it_leaves_when_it_is_told_to() -> None:
    diary: list[str] = []
    fixed = Model("fixed", 4, diary)
    residence = Residence(8)
    residence.keep(fixed)
    residence.leave(fixed)
    use(residence, Model("large", 8, diary))
    assert diary == ["+fixed", "-fixed", "+large"]


class Loaded:
    """Stands for a model."""


def test_a_model_is_loaded_once_for_all_who_want_it_at_once() -> None:
    models, loads = LoadedModels(), []

    def load() -> Loaded:
        loads.append(1)
        return Loaded()

    found: list[Loaded] = []
    threads = [threading.Thread(target=lambda: found.append(models.get("brain", load))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(one) for one in found}) == len(loads) == 1
    assert models.get("voices", load) is not found[0]


def test_a_model_that_nobody_holds_is_gone() -> None:
    models = LoadedModels()
    first = id(held := models.get("brain", Loaded))
    assert id(models.get("brain", Loaded)) == first
    del held
    gc.collect()
    another = Loaded()
    assert models.get("brain", lambda: another) is another
