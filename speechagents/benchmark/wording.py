"""How numbers are written in reports and plots.

Owns digits, intervals and ps as text. Does not know what they are numbers of.
"""

from __future__ import annotations

import math
import unicodedata

from speechagents.benchmark.statistics import Interval

NOTHING = "–"
"""Stands where there is no number; a note says why."""
_MOST_DECIMALS = 6


def decimals_for(*values: float) -> int:
    """Decimals that show three digits of the largest of some numbers; three below 2, so that shares look alike."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0.0:
        return 3
    digits = 2 - math.floor(math.log10(largest) + 1e-9)
    return min(_MOST_DECIMALS, max(digits, 3 if largest < 2.0 else 0))


def number(value: float, decimals: int | None = None, *, signed: bool = False) -> str:
    """A number with a true minus sign and thousands set apart.

    Args:
        value: Infinite ones, too.
        decimals: How many; None for three digits.
        signed: With a plus sign, too.
    """
    digits = decimals_for(value) if decimals is None else decimals
    text = "∞" if math.isinf(value) else f"{abs(value):,.{digits}f}"
    if not any(character in "123456789∞" for character in text):
        return text
    return ("−" if value < 0.0 else "+" if signed else "") + text


def with_interval(value: float, interval: Interval | None, *, signed: bool = False) -> str:
    """A number with its interval in brackets, if there is one."""
    if interval is None:
        return number(value, signed=signed)
    decimals = decimals_for(value, interval.low, interval.high)
    low, high = (number(end, decimals, signed=signed) for end in (interval.low, interval.high))
    return f"{number(value, decimals, signed=signed)} ({low} to {high})"


def p_value(p: float) -> str:
    """A p, to three decimals."""
    return "< 0.001" if p < 0.001 else number(p, 3)


def counted(count: int, one: str, many: str = "") -> str:
    """A number of things: ``1 cell``, ``2 cells``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def visible(text: str) -> str:
    """Text on one line: white space collapsed, control and format characters and broken code points taken out."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(kept.split())


def shortened(text: str, most: int) -> str:
    """Text on one line with at most so many characters."""
    line = visible(text)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
