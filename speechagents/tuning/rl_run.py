"""One run of reinforcement on disk, from its newest checkpoint to its end.

Owns where a run stands: weights, moments, the last good ones, what is logged, drawn and saved, and when it is over.
Does not know how a round is played or learnt from (`learner`), what is rewarded (`rewards`), or when a policy has to be
stopped (`guards`). Importing it needs PyTorch.

**What is kept.** A guard looks at a round before anything is learnt from it: what it complains of was done by the
weights of the round before. So the model that is left is that of the last round without a complaint; after the last
round one more is played, by which nothing is learnt, so that the last step is looked at, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import pstdev
from typing import Any, Final

import torch
import transformers

from speechagents import __version__
from speechagents.devices import Device
from speechagents.errors import TuningError
from speechagents.tuning.adapters import counted
from speechagents.tuning.checkpoints import (
    Standing,
    Tensors,
    checkpoints,
    copied,
    put_moments,
    put_weights,
    read_checkpoint,
    write_checkpoint,
)
from speechagents.tuning.early_stopping import Progress
from speechagents.tuning.family import Family
from speechagents.tuning.guards import Guard, Verdict, Vitals
from speechagents.tuning.learner import Learner, Learnt, Round
from speechagents.tuning.recipe import Recipe
from speechagents.tuning.recipe_file import write_recipe
from speechagents.tuning.reward_plot import reward_plot, vitals_plot
from speechagents.tuning.reward_scale import Scale
from speechagents.tuning.rewards import mean_parts, mean_reward, scale_rows
from speechagents.tuning.rl_card import reinforced_card
from speechagents.tuning.rl_events import AnnounceRl, ReinforcementOver, RoundPlayed, ScenesReady
from speechagents.tuning.rl_recipe import Reinforcement
from speechagents.tuning.rollouts import Staged
from speechagents.tuning.run_folder import RECIPE_FILE, RunFolder
from speechagents.tuning.saving import save_model
from speechagents.tuning.tuning_events import CheckpointWritten
from speechagents.tuning.tuning_log import Entry, TuningLog

REWARD_PLOT: Final = "reward.svg"
VITALS_PLOT: Final = "vitals.svg"

_VERSION: Final = 1
_RUNNING, _FINISHED, _ENDED = "running", "finished", "ended early"
_FIGURES: Final = ("reward", "tokens", "prompt_tokens", "play_s", "learn_s")
"""Of a line of the log: what is wanted of it again, besides what guards know."""
_DEV_SEED: Final = 1_009
"""Of what is drawn in dev scenes: the same at each measurement, so that only the weights differ."""
_NOTHING_EARNED: Final = (
    "no episode of the first round earned anything, so there is nothing to compare; let rl.cold_start take more steps, "
    "or begin with a model that acts"
)


@dataclass(frozen=True, slots=True)
class Playing:
    """What a run is made of.

    Attributes:
        learner: Plays and learns.
        family: Whose model it is.
        dev: Scenes that are played and not learnt from.
        scenes: How many there are to learn from.
        scales: Of the metrics that are rewarded.
        data: Digest of the trajectories.
        place: Where it computes.
    """

    learner: Learner
    family: Family
    dev: Sequence[Staged]
    scenes: int
    scales: Mapping[str, Scale]
    data: str
    place: Device


class RlRun:
    """One run: a context manager, in which it is played.

    Args:
        recipe: By which it runs.
        rl: The recipe's part.
        folder: Where it writes.
        playing: What it is made of; the weights are those of the frozen start.
        announce: Is told how far it is.

    Raises:
        TuningError: The newest checkpoint cannot be used, or, when it is entered, the log.
    """

    def __init__(
        self, recipe: Recipe, rl: Reinforcement, folder: RunFolder, playing: Playing, announce: AnnounceRl
    ) -> None:
        self._recipe = recipe
        self._rl = rl
        self._folder = folder
        self._playing = playing
        self._learner = playing.learner
        self._announce = announce
        self._guard = Guard(rl.guard)
        self._weights = counted(self._learner.model)
        self._good: Tensors = {}
        self._kept = 0
        self._done = 0
        self._reason = ""
        self._go_on()

    def __enter__(self) -> RlRun:
        self._log = TuningLog(self._folder.log, done=self._done)
        try:
            self._begin()
        except BaseException:
            self._log.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def _begin(self) -> None:
        self._watch_again()
        self._folder.write(RECIPE_FILE, write_recipe(self._recipe))
        self._folder.write_run(self._about(_RUNNING))
        self._announce(
            ScenesReady(
                done=self._done,
                rounds=self._recipe.training.steps,
                device=self._playing.place.why,
                learnt=self._weights.learnt,
                frozen=self._weights.frozen,
                scenes=(self._playing.scenes, len(self._playing.dev)),
                scales=self._playing.scales,
            )
        )

    def play(self) -> ReinforcementOver:
        """Play and learn until all rounds are done or a guard ends it, and leave the last good model in its place.

        Raises:
            StorageError: The disk is full.
        """
        training = self._recipe.training
        while not self._reason:
            self._one_round()
            if self._done == training.steps and self._log.entries[-1]["step"] > training.steps:
                break
        put_weights(self._learner.model, self._good, source="the last good weights")
        self._folder.replace_model(self._save)
        self._plot()
        self._folder.write_run(self._about(_ENDED if self._reason else _FINISHED))
        over = what_came(self._folder)
        assert over is not None  # noqa: S101 - it was said just now
        return over

    def _one_round(self) -> None:
        """Play a round, look at it, and learn from it unless it is the one behind the last."""
        training, began_s = self._recipe.training, time.perf_counter()
        number = self._done
        played = self._learner.play(number)
        dev = self._dev_reward(number)
        verdict = self._guard.look(played.episodes, kl=played.kl)
        play_s = time.perf_counter() - began_s
        if not verdict.complaint:
            self._good, self._kept = copied(self._learner.model), number
        if verdict.ends:
            self._reason = f"the reward is being gamed: {verdict.complaint}"
        elif number == 0 and not any(one.team for one in played.rewarded):
            # Advantages compare episodes, and all are alike: rounds would go by and nothing be learnt.
            self._reason = _NOTHING_EARNED
        learnt = None
        if not self._reason and number < training.steps:
            learnt = self._learner.learn(played, number)
            if not math.isfinite(learnt.gradient):
                self._reason = f"the gradient of round {number + 1} is no number any more; lower training.learning_rate"
        seconds = time.perf_counter() - began_s
        self._log.write(_entry(number, played, dev, verdict, learnt, play_s, seconds - play_s))
        self._announce(
            RoundPlayed(
                number + 1,
                training.steps,
                played.reward,
                dev,
                verdict.vitals.formed,
                played.kl,
                verdict.complaint,
                seconds,
            )
        )
        if learnt is not None and not self._reason:
            self._done = number + 1
            if self._done % training.checkpoint_every == 0 or self._done == training.steps:
                self._checkpoint()

    def _dev_reward(self, number: int) -> float | None:
        """Mean reward in dev scenes, where it is time for it."""
        training = self._recipe.training
        if not self._playing.dev or (number % training.evaluate_every and number < training.steps):
            return None
        _, rewarded = self._learner.play_scenes(self._playing.dev, seed=_DEV_SEED)
        return mean_reward(rewarded)

    def _checkpoint(self) -> None:
        standing = Standing(
            step=self._done,
            recipe=self._recipe.digest,
            data=self._playing.data,
            # A guard's view in the words of early stopping: what is lost is what is not earned.
            progress=Progress(
                patience=self._rl.guard.patience,
                best_loss=-float(self._of_round(self._kept)["reward"]),
                best_step=self._kept,
                waited=self._guard.complained,
            ),
            tokens=sum(int(entry["tokens"]) + int(entry["prompt_tokens"]) for entry in self._log.entries),
            targets=sum(int(entry["tokens"]) for entry in self._log.entries),
        )
        write_checkpoint(self._folder.checkpoints, standing, self._learner.model, self._learner.optimizer, self._good)
        self._plot()
        self._announce(CheckpointWritten(self._done))

    def _go_on(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        there = checkpoints(self._folder.checkpoints)
        if not there:
            # Whatever a guard may say of the first round, there is the start to go back to.
            self._good = copied(self._learner.model)
            return
        found = read_checkpoint(there[-1], recipe=self._recipe.digest, data=self._playing.data)
        source = there[-1].name
        put_weights(self._learner.model, found.weights, source=source)
        put_moments(self._learner.model, self._learner.optimizer, found.moments, source=source)
        self._good, self._kept = found.best, found.standing.progress.best_step
        self._done = found.standing.step

    def _watch_again(self) -> None:
        """Let the guard see what it saw before.

        Raises:
            TuningError: The log is not whole.
        """
        try:
            seen = [int(entry["step"]) for entry in self._log.entries]
            for entry in self._log.entries:
                self._guard.judge(_vitals(entry))
                for name in _FIGURES:
                    float(entry[name])
        except (KeyError, TypeError, ValueError) as error:
            raise self._log_fault() from error
        if seen != list(range(1, self._done + 1)):
            raise self._log_fault()

    def _log_fault(self) -> TuningError:
        return TuningError(
            f"does not hold all {self._done} rounds that the checkpoint goes on from; name a new folder",
            source=self._folder.log.name,
        )

    def _of_round(self, number: int) -> Entry:
        """The log's line of a round, 0-based."""
        return next(entry for entry in self._log.entries if entry["step"] == number + 1)

    def _save(self, folder: Path) -> None:
        save_model(self._playing.family, self._learner.model, folder)
        first, kept = (float(self._of_round(number)["reward"]) for number in (0, self._kept))
        card = reinforced_card(self._recipe, self._rl, rounds=self._kept, first=first, reward=kept, reason=self._reason)
        (folder / "README.md").write_text(card, "utf-8")

    def _plot(self) -> None:
        for name, draw in ((REWARD_PLOT, reward_plot), (VITALS_PLOT, vitals_plot)):
            if picture := draw(self._log.entries, title=self._recipe.name):
                self._folder.write(name, picture)

    def _about(self, state: str) -> Mapping[str, Any]:
        """What the folder says of the run."""
        recipe, playing = self._recipe, self._playing
        rewards = [float(self._of_round(number)["reward"]) for number in (0, self._kept)] if self._log.entries else []
        return {
            "version": _VERSION,
            "recipe": {"name": recipe.name, "digest": recipe.digest},
            "data": {"digest": playing.data},
            "method": str(recipe.method),
            "family": str(recipe.family),
            "base": recipe.base.model or f"random {recipe.base.random}",
            "learnt": self._weights.learnt,
            "frozen": self._weights.frozen,
            "scenes": {"train": playing.scenes, "dev": len(playing.dev)},
            "scales": scale_rows(playing.scales),
            "device": playing.place.why,
            "versions": {
                "speechagents": __version__,
                "torch": str(torch.__version__),
                "transformers": transformers.__version__,
            },
            "state": state,
            "step": self._done,
            "steps": recipe.training.steps,
            "kept": self._kept,
            "reason": self._reason,
            "first_reward": rewards[0] if rewards else None,
            "kept_reward": rewards[1] if rewards else None,
            "seconds": round(math.fsum(one["play_s"] + one["learn_s"] for one in self._log.entries), 3),
        }


def what_came(folder: RunFolder) -> ReinforcementOver | None:
    """What came of a run that is over; None if it is not, or its model is gone."""
    said = folder.said
    if said.get("state") not in (_FINISHED, _ENDED) or not folder.model.is_dir():
        return None
    return ReinforcementOver(
        rounds=int(said["step"]),
        planned=int(said["steps"]),
        kept=int(said["kept"]),
        reason=str(said["reason"]),
        first_reward=float(said["first_reward"]),
        kept_reward=float(said["kept_reward"]),
        model=folder.model,
    )


def _entry(
    number: int,
    played: Round,
    dev: float | None,
    verdict: Verdict,
    learnt: Learnt | None,
    play_s: float,
    learn_s: float,
) -> Entry:
    """A line of the log."""
    vitals, told = verdict.vitals, None if learnt is None else learnt.told
    step = (
        {}
        if learnt is None or told is None
        else {
            "gradient": _finite(learnt.gradient),
            "learning_rate": learnt.rate,
            "clipped": told.clipped / max(1, told.tokens),
        }
    )
    return {
        "step": number + 1,
        "reward": played.reward,
        "reward_sd": pstdev(one.team for one in played.rewarded),
        **({} if dev is None else {"dev_reward": dev}),
        "parts": dict(mean_parts(played.rewarded)),
        "formed": vitals.formed,
        "formed_error": vitals.formed_error,
        "spoken": vitals.spoken,
        "spoken_error": vitals.spoken_error,
        "line_words": vitals.line_words,
        "line_words_error": vitals.line_words_error,
        "distinct": vitals.distinct,
        "sample": vitals.sample,
        "kl": _finite(vitals.kl),
        **({"complaint": verdict.complaint} if verdict.complaint else {}),
        **step,
        "turns": sum(len(one.actions) for one in played.episodes),
        "tokens": played.tokens,
        "prompt_tokens": played.prompt_tokens,
        "play_s": round(play_s, 3),
        "learn_s": round(learn_s, 3),
    }


def _finite(value: float) -> float | None:
    """A number as JSON has it: None for what is none."""
    return value if math.isfinite(value) else None


def _vitals(entry: Entry) -> Vitals:
    line_words, distinct, kl = entry["line_words"], entry["distinct"], entry["kl"]
    return Vitals(
        formed=float(entry["formed"]),
        formed_error=float(entry["formed_error"]),
        spoken=float(entry["spoken"]),
        spoken_error=float(entry["spoken_error"]),
        line_words=None if line_words is None else float(line_words),
        line_words_error=float(entry["line_words_error"]),
        distinct=None if distinct is None else float(distinct),
        sample=int(entry["sample"]),
        kl=math.nan if kl is None else float(kl),
    )
