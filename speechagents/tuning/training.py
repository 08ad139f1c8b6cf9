"""Training: a recipe's model learns from its samples, is measured, stopped in time, and can be killed at any moment.

Owns the run: what happens before, between and after the steps. A step itself is `transformers.Trainer`'s, plain: it
gets batches, an optimizer, a schedule and a loss, and everything else is done by a callback when it has logged a step.
Does not know kinds of models (`family`), which samples make a batch (`mixing`), or files (`run_folder`, `checkpoints`).
Importing it needs PyTorch and Transformers.

Nothing that a step needs depends on the steps before it but weights and moments: its samples, its learning rate and its
chance follow from seed and number. So a run that goes on from a checkpoint ends with the same bits as one that never
stopped, where the device computes the same twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from torch.nn import functional

from speechagents.devices import choose_device, memory_errors
from speechagents.errors import MemoryFull, TuningError
from speechagents.library_talk import without_bars
from speechagents.tuning.batches import Batches
from speechagents.tuning.family import Family
from speechagents.tuning.mixing import Mixing
from speechagents.tuning.optimisation import make_schedule
from speechagents.tuning.pools import TuningData
from speechagents.tuning.recipe import Precision, Recipe
from speechagents.tuning.run_folder import BASE, run_folder
from speechagents.tuning.tuning_events import Announce, TuningOver, nothing
from speechagents.tuning.tuning_run import TuningRun, what_came

MakeFamily = Callable[[Path], Family]
"""Makes the family of a run; is given the folder for a base whose random weights are made for it."""

_UNLEARNT: Final = -100
_REMEDY: Final = "halve training.batch and double training.accumulate, or set training.recompute: yes"


def tune(
    recipe: Recipe,
    data: TuningData,
    out: Path,
    *,
    make: MakeFamily,
    resume: bool = False,
    announce: Announce = nothing,
    device: str = "auto",
) -> TuningOver:
    """Tune a model by a recipe.

    Args:
        recipe: What, on which mixture, how.
        data: The samples.
        out: Folder of the run, see `run_folder`.
        make: Makes the family.
        resume: Go on with the run in the folder, if there is one; one that is over is told again.
        announce: Is told how far it is.
        device: As `devices.choose_device` takes it.

    Raises:
        TuningError: Recipe, data, base or folder cannot be used, a checkpoint is damaged, or the loss is no number.
        ProductionBusy: Another run is writing into the folder.
        StorageError: The disk is full or read-only.
        MemoryFull: A batch does not fit.
    """
    mixing = Mixing(recipe.data, data.sizes, recipe.training.samples, recipe.training.seed)
    with run_folder(out, recipe=recipe.digest, data=data.digest, resume=resume) as folder:
        over = what_came(folder)
        if over is None:
            place = choose_device(device)
            try:
                with (
                    memory_errors(),
                    without_bars(),  # the trainer sets how much else is said
                    _known_warnings(),
                    TuningRun(recipe, data, folder, make(folder.path / BASE), mixing, place, announce) as run,
                ):
                    if not run.over:
                        _train(run)
                    over = run.finish()
            except MemoryFull as error:
                raise MemoryFull(f"{error}; {_REMEDY}") from error
        announce(over)
        return over


def span_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int) -> torch.Tensor:
    """Mean negative logarithm of the likelihoods of what is learnt, in nats a token.

    Args:
        outputs: Of the model, with ``logits`` of shape (samples, tokens, vocabulary).
        labels: Of shape (samples, tokens); -100 where nothing is learnt.
        num_items_in_batch: Tokens to divide by: of all batches of a step, so that each token counts the same.
    """
    wanted = labels[:, 1:].to(outputs.logits.device)
    learnt_from = wanted != _UNLEARNT
    # Most of a sample is prompt: of it no logits are needed in single precision.
    logits = outputs.logits[:, :-1][learnt_from].float()
    return functional.cross_entropy(logits, wanted[learnt_from], reduction="sum") / num_items_in_batch


def chance_of(seed: int, step: int) -> int:
    """The seed of a step's chance, such as dropout."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{step}".encode(), digest_size=7).digest(), "big")


def _train(run: TuningRun) -> None:
    """Take all steps that are left, or as many as make anything better."""
    training = run.recipe.training
    batches = Batches(
        run.family,
        run.data.train,
        run.mixing,
        start=run.done,
        end=training.steps,
        batch=training.batch,
        ahead=run.place.is_gpu,
    )
    trainer = transformers.Trainer(
        model=run.model,
        args=_arguments(run),
        train_dataset=batches,
        data_collator=_as_it_is,
        compute_loss_func=span_loss,
        optimizers=(run.optimizer, make_schedule(run.optimizer, training, done=run.done)),
        callbacks=[_Conductor(run, batches)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if trainer.args.n_gpu > 1:
        raise TuningError(f"one GPU is used, and there are {trainer.args.n_gpu}; set CUDA_VISIBLE_DEVICES=0")
    trainer.train()


class _Conductor(transformers.TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Lets a run do its part between the steps of the library.

    Everything happens when a step was logged, which the library does last: so what is saved is what was logged. The
    library counts the steps from where the run goes on, and knows nothing of those before.
    """

    def __init__(self, run: TuningRun, batches: Batches) -> None:
        self._run = run
        self._batches = batches
        self._before = run.done
        self._since_s = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The clock runs."""
        self._since_s = time.perf_counter()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the library's form
        """Chance depends on the step alone."""
        torch.manual_seed(chance_of(self._run.recipe.training.seed, self._before + state.global_step))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """A step is done; or, without a loss, the library sums its own figures up."""
        if logs is None or "loss" not in logs:
            return
        count = self._batches.taken()
        step_s = time.perf_counter() - self._since_s
        self._run.step_done(self._before + state.global_step, logs, count, step_s)
        if self._run.over:
            control.should_training_stop = True
        self._since_s = time.perf_counter()


def _arguments(run: TuningRun) -> Any:
    """What the library is told: to take so many steps, and to keep its hands off everything else."""
    training, place = run.recipe.training, run.place
    half = training.dtype is Precision.BFLOAT16 or (
        training.dtype is Precision.AUTO and place.name.startswith("cuda") and torch.cuda.is_bf16_supported()
    )
    values: dict[str, Any] = {
        "output_dir": str(run.folder.path),
        "max_steps": training.steps - run.done,
        "per_device_train_batch_size": 1,  # an item of the data is a batch
        "gradient_accumulation_steps": training.accumulate,
        "max_grad_norm": training.clip,
        "seed": training.seed,
        "bf16": half,
        "use_cpu": not place.is_gpu,
        "save_strategy": "no",
        "eval_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "log_level": "error",
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "label_names": ["labels"],
    }
    # The library has two names for it, and warns of the old one where it knows the new one.
    new = "activation_checkpointing" in transformers.TrainingArguments.__dataclass_fields__
    name = "activation_checkpointing" if new else "gradient_checkpointing"
    if training.recompute:
        values |= {name: True, f"{name}_kwargs": {"use_reentrant": False}}
    return transformers.TrainingArguments(**values)


def _as_it_is(items: list[Any]) -> Any:
    """A batch is one already."""
    (batch,) = items
    return batch


@contextlib.contextmanager
def _known_warnings() -> Iterator[None]:
    """What PEFT does in a way that the library will no longer know one day is nothing that anybody here can change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        yield
