"""Models that share a GPU: all that fit stay, and the one used longest ago moves out for another."""

from __future__ import annotations

import threading

import pytest

from speechagents.errors import MemoryFull
from speechagents.residency import Residence


class Model:
    """Notes its moves in a diary that all models share."""

    def __init__(self, name: str, size_gb: float, diary: list[str], *, refuse: int = 0) -> None:
        self.name, self.size_gb, self._diary, self._refuse = name, size_gb, diary, refuse

    def move_in(self) -> None:
        if self._refuse:
            self._refuse -= 1
            raise MemoryFull("full")
        self._diary.append(f"+{self.name}")

    def move_out(self) -> None:
        self._diary.append(f"-{self.name}")


@pytest.fixture
def diary() -> list[str]:
    return []


def use(residence: Residence, *models: Model) -> None:
    for model in models:
        with residence.using(model):
            pass


def test_models_that_fit_stay(diary: list[str]) -> None:
    brain, voices = Model("brain", 5, diary), Model("voices", 3, diary)
    residence = Residence(8)
    use(residence, brain, voices, brain, voices)
    assert diary == ["+brain", "+voices"]
    assert residence.used_gb == 8


def test_the_one_used_longest_ago_moves_out(diary: list[str]) -> None:
    brain, voices, ears = Model("brain", 5, diary), Model("voices", 2, diary), Model("ears", 2, diary)
    use(Residence(8), brain, voices, brain, ears)
    assert diary == ["+brain", "+voices", "-voices", "+ears"]


def test_as_many_move_out_as_are_in_the_way(diary: list[str]) -> None:
    small = [Model(str(number), 2, diary) for number in range(4)]
    use(Residence(8), *small, Model("big", 5, diary))
    assert diary[4:] == ["-0", "-1", "-2", "+big"]


def test_what_never_fits_is_refused_and_moves_nobody(diary: list[str]) -> None:
    residence = Residence(8)
    use(residence, Model("voices", 3, diary))
    with pytest.raises(MemoryFull, match=r"a model of 9\.0 GB does not fit into 8\.0 GB"):
        use(residence, Model("brain", 9, diary))
    assert diary == ["+voices"]


def test_without_a_gpu_everything_fits(diary: list[str]) -> None:
    use(Residence(), *(Model(str(number), 100, diary) for number in range(5)))
    assert not any(move.startswith("-") for move in diary)


def test_memory_that_other_programs_have_costs_idle_models_their_place(diary: list[str]) -> None:
    use(Residence(8), Model("voices", 2, diary), Model("brain", 3, diary, refuse=1))
    assert diary == ["+voices", "-voices", "+brain"]


def test_memory_that_is_full_without_us_is_an_error_and_nothing_is_counted(diary: list[str]) -> None:
    residence = Residence(8)
    with pytest.raises(MemoryFull):
        use(residence, Model("brain", 3, diary, refuse=9))
    assert residence.used_gb == 0


def test_a_model_in_use_is_waited_for(diary: list[str]) -> None:
    brain, voices = Model("brain", 5, diary), Model("voices", 5, diary)
    residence = Residence(8)
    inside, go_on = threading.Event(), threading.Event()

    def think() -> None:
        with residence.using(brain):
            inside.set()
            assert go_on.wait(20)
            diary.append("thought")

    thinking = threading.Thread(target=think)
    thinking.start()
    assert inside.wait(20)
    speaking = threading.Thread(target=use, args=(residence, voices))
    speaking.start()
    go_on.set()
    thinking.join(20)
    speaking.join(20)
    assert diary == ["+brain", "thought", "-brain", "+voices"]


def test_two_threads_may_use_one_model(diary: list[str]) -> None:
    residence, brain = Residence(8), Model("brain", 5, diary)
    with residence.using(brain):
        other = threading.Thread(target=use, args=(residence, brain))
        other.start()
        other.join(20)
        assert not other.is_alive()
    assert diary == ["+brain"]


def test_a_model_leaves_for_good(diary: list[str]) -> None:
    residence, brain = Residence(8), Model("brain", 5, diary)
    use(residence, brain)
    residence.leave(brain)
    residence.leave(brain)
    assert diary == ["+brain", "-brain"]
    assert residence.used_gb == 0
