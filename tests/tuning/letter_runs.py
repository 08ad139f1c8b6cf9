"""Runs of tuning on made-up scenes, with a family small enough for a run to take a second."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.drama import Style, Turn
from speechagents.tuning.family import Family
from speechagents.tuning.pools import TuningData, pool_samples
from speechagents.tuning.recipe import (
    Adapter,
    AdapterKind,
    Base,
    FamilyKind,
    Mix,
    Precision,
    Recipe,
    Schedule,
    Training,
)
from speechagents.tuning.trajectory import Instruction, Split, Trajectory
from speechagents.tuning.tuning_log import Entry, read_log
from tests.tuning.letter_family import LetterFamily, ask_of

if TYPE_CHECKING:
    import torch

NAMES = ("Ann", "Ben", "Cy")


class LoraFamily(LetterFamily):
    """The same, of which low-rank updates are learnt."""

    def load(self) -> Any:
        """With dropout, so that chance matters."""
        import torch
        from peft import LoraConfig, get_peft_model

        model = super().load()
        torch.manual_seed(1)
        return get_peft_model(
            model,
            LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, lora_dropout=0.2, target_modules=["q_proj", "v_proj"]),
        )


def recipe(**training: Any) -> Recipe:
    """A recipe that is over in a second."""
    values: dict[str, Any] = {
        "steps": 12,
        "batch": 3,
        "accumulate": 2,
        "learning_rate": 0.01,
        "schedule": Schedule.COSINE,
        "warmup": 2,
        "weight_decay": 0.01,
        "max_tokens": 400,
        "seed": 1,
        "evaluate_every": 4,
        "patience": 99,
        "checkpoint_every": 3,
        "dtype": Precision.FLOAT32,
        "dev_samples": 6,
    }
    return Recipe(
        name="letters",
        about="For tests.",
        family=FamilyKind.CHAT,
        base=Base(random="qwen2"),
        adapter=Adapter(AdapterKind.FULL),
        data=Mix(agent=0.5, next_speaker=0.25),
        training=Training(**{**values, **training}),
    )


def with_mix(one: Recipe, **mix: Any) -> Recipe:
    """Another mixture."""
    return dataclasses.replace(one, data=dataclasses.replace(one.data, **mix))


def data(one: Recipe | None = None) -> TuningData:
    """Quarrels about numbers, and sums."""
    train = [_turn(at, Split.TRAIN) for at in range(20)]
    dev = [_turn(at, Split.DEV) for at in range(20, 28)]
    sums = [Instruction(f"sums/{at}", Split.TRAIN, f"{at}+1", str(at + 1), "sums") for at in range(15)]
    sums += [Instruction(f"dev/{at}", Split.DEV, f"{at}+1", str(at + 1), "sums") for at in range(15, 20)]
    return pool_samples(one or recipe(), train, dev, sums)


def make(kind: Callable[[], Family] = LetterFamily) -> Callable[[Path], Family]:
    """Makes the family of a run."""
    return lambda _: kind()


def untimed(path: Path) -> list[Entry]:
    """The lines of a log without what a clock says."""
    return [{key: value for key, value in entry.items() if not key.endswith("_s")} for entry in read_log(path)]


def tensors(folder: Path) -> Mapping[str, torch.Tensor]:
    """All tensors in a folder, by file and name."""
    from safetensors.torch import load_file

    found: dict[str, torch.Tensor] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        found |= {f"{path.relative_to(folder)}:{name}": one for name, one in load_file(path).items()}
    assert found
    return found


def _turn(at: int, split: Split) -> Trajectory:
    who, other = NAMES[at % 3], NAMES[(at + 1) % 3]
    scene = f"scene-{at // 4}"
    ask = ask_of(NAMES, [(other, f"{at}?"), (who, "hm"), (other, f"{at}!")], who)
    turn = Turn(who, text=f"it is {at}", style=Style("calm" if at % 2 else "angry"), thoughts=f"I heard {at}.")
    return Trajectory(f"{scene}/one/{at}", scene, split, ask, turn, ("", "", ""), "", ((), (), ()), ())
