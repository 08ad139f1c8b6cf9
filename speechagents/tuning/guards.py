"""Ends reinforcement learning when the reward is being gamed, and says why.

Owns what is watched and the verdict. Does not know rewards or weights: whatever is rewarded, a policy that says the
same thing in every scene, talks on without end or in scraps or not at all, loses the form, or is no longer the model it
began as, has found something else than acting. That a reward rises while what it stands for does not is Goodhart's law;
how far a policy is from its start tells how likely (Gao, Schulman & Hilton 2023, arXiv 2210.10760).

Everything but the divergence is compared with the first round: what is usual differs between models and scenes. What
chance explains is not complained of: means of few episodes have to be beyond a limit by two standard errors.
Distinct word pairs are counted over all episodes of a round together, so that a policy that always plays the same scene
is seen, and in samples of one size (`metrics.diversity`), so that talking less does not look like variety.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean, stdev
from typing import Final

from speechagents.benchmark.metrics.diversity import expected_distinct
from speechagents.benchmark.metrics.words import tokens
from speechagents.drama import Deed
from speechagents.tuning.rl_recipe import GuardLimits
from speechagents.tuning.rollouts import Episode

LEAST_PAIRS: Final = 20
"""Word pairs of a round from which on their variety says anything."""
MOST_PAIRS: Final = 1_000
"""Largest sample."""

_ERRORS: Final = 2.0
"""Standard errors that means have to be beyond a limit."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a round of episodes is like.

    Attributes:
        formed: Well-formed turns as a share of those asked for, mean over episodes.
        formed_error: Standard error of that mean.
        spoken: Turns with words as a share of those asked for, mean over episodes: turns can be well-formed without.
        spoken_error: Standard error of that mean.
        line_words: Words of a line, mean over episodes with lines; None without one.
        line_words_error: Standard error of that mean.
        distinct: Share of distinct pairs of words side by side in a sample of `sample`; None where there are fewer.
        sample: Size of the sample.
        kl: Divergence of the policy from its frozen start, in nats a token.
    """

    formed: float
    formed_error: float
    spoken: float
    spoken_error: float
    line_words: float | None
    line_words_error: float
    distinct: float | None
    sample: int
    kl: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard makes of a round.

    Attributes:
        vitals: Of the round.
        complaint: What is beyond its limit, for people; empty for nothing.
        ends: So many rounds in a row were complained of that the run is over.
    """

    vitals: Vitals
    complaint: str
    ends: bool


@dataclass(slots=True)
class Guard:
    """Watches the rounds of one run.

    Attributes:
        limits: When it complains.
        first: Vitals of the first round; of length and variety of lines, those of the first that had any.
        complained: Rounds in a row that it has complained of.
    """

    limits: GuardLimits
    first: Vitals | None = field(default=None)
    complained: int = 0

    def look(self, episodes: Sequence[Episode], *, kl: float) -> Verdict:
        """Look at a round.

        Args:
            episodes: Of the round.
            kl: Divergence from the frozen start, in nats a token.
        """
        return self.judge(vitals_of(episodes, kl=kl, sample=self.first.sample if self.first is not None else 0))

    def judge(self, vitals: Vitals) -> Verdict:
        """Judge a round by its vitals; a guard that judges those of a log again is where it was."""
        first = self.first = _filled(self.first, vitals)
        complaint = self._complaint(first, vitals)
        self.complained = self.complained + 1 if complaint else 0
        return Verdict(vitals, complaint, self.complained >= self.limits.patience)

    def _complaint(self, first: Vitals, now: Vitals) -> str:
        limits = self.limits
        if not math.isfinite(now.kl) or now.kl > limits.kl:
            return f"the policy is {now.kl:.3g} nats a token away from its start; {limits.kl:g} is the limit"
        if _fell(now.formed, now.formed_error, first.formed, first.formed_error, limits.formed):
            return (
                f"{100 * now.formed:.0f} % of the turns are well-formed, in the first round {100 * first.formed:.0f} % "
                f"were; {limits.formed:g} times as many is the limit"
            )
        if _fell(now.spoken, now.spoken_error, first.spoken, first.spoken_error, limits.formed):
            return (
                f"in {100 * now.spoken:.0f} % of the turns something is said, in the first round in "
                f"{100 * first.spoken:.0f} %; {limits.formed:g} times as many is the limit"
            )
        if first.line_words and now.line_words:
            times, most = now.line_words / first.line_words, limits.line_length
            long = now.line_words - _margin(now.line_words_error, most * first.line_words_error)
            short = now.line_words + _margin(now.line_words_error, first.line_words_error / most)
            if long > most * first.line_words:
                return f"lines are {times:.1f} times as long as in the first round; {limits.line_length:g} is the limit"
            if short < first.line_words / most:
                return (
                    f"lines are {1.0 / times:.1f} times as short as in the first round; {limits.line_length:g} is the "
                    "limit"
                )
        if first.distinct and now.distinct is not None and now.distinct < limits.distinct * first.distinct:
            return (
                f"{100 * now.distinct:.0f} % of {now.sample} word pairs are distinct, in the first round "
                f"{100 * first.distinct:.0f} % were; {limits.distinct:g} times as many is the limit"
            )
        return ""


def vitals_of(episodes: Sequence[Episode], *, kl: float, sample: int = 0) -> Vitals:
    """What episodes are like.

    Args:
        episodes: At least one.
        kl: Divergence from the frozen start, in nats a token.
        sample: Word pairs that their variety is measured in; 0 takes half of those there are.
    """
    lines = [_lines(one) for one in episodes]
    pairs = [pair for found in lines for words in found for pair in pairwise(words)]
    formed = [one.formed for one in episodes]
    spoken = [len(found) / one.staged.scene.turns for found, one in zip(lines, episodes, strict=True)]
    lengths = [sum(map(len, found)) / len(found) for found in lines if found]
    # Half, so that later rounds may talk less and still be compared.
    sample = sample or (min(MOST_PAIRS, len(pairs) // 2) if len(pairs) >= LEAST_PAIRS else 0)
    return Vitals(
        formed=fmean(formed),
        formed_error=_error(formed),
        spoken=fmean(spoken),
        spoken_error=_error(spoken),
        line_words=fmean(lengths) if lengths else None,
        line_words_error=_error(lengths),
        distinct=expected_distinct(pairs, sample) if sample and len(pairs) >= sample else None,
        sample=sample,
        kl=kl,
    )


def _lines(episode: Episode) -> list[Sequence[str]]:
    """Words of all lines that the policy said itself."""
    said = [one for one in episode.messages if one.deed is Deed.SPEAK and not one.fallback]
    return [words for one in said if (words := tokens(one.text))]


def _filled(first: Vitals | None, now: Vitals) -> Vitals:
    """The first round's vitals; where it had too few lines to look at, those of the first one that has enough."""
    if first is None:
        return now
    if first.line_words is None:
        first = replace(first, line_words=now.line_words, line_words_error=now.line_words_error)
    return first if first.distinct is not None else replace(first, distinct=now.distinct, sample=now.sample)


def _fell(now: float, now_error: float, first: float, first_error: float, share: float) -> bool:
    """Whether a mean is below so large a share of the first one, and not by chance."""
    return now + _margin(now_error, share * first_error) < share * first


def _error(values: Sequence[float]) -> float:
    """Standard error of a mean; 0 where there is nothing to tell it from."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _margin(*errors: float) -> float:
    """How far a difference of two means is from 0 by chance."""
    return _ERRORS * math.hypot(*errors)
