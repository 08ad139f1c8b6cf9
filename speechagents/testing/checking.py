"""How checks are run: all of them, and what is wrong told at once.

Owns that and the texts that checks have in common. Knows no contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn, TypeVar

Result = TypeVar("Result")

STRANGE_TEXTS: Final = (
    "👋 🎭",
    "Zoë — naïve, café… “déjà vu”",
    "e\u0301e\u0301e\u0301 z\u0335a\u0336l\u0337g\u0338o\u0339",
    "שלום, мир, 你好，नमस्ते",
    "left\u200dto\u202eright\u200b",
    "<speak><break time='9999s'/>& &amp; </speak>",
    "half of a pair \ud83d ends here",
    "tab\tand\nnew line\rand \x00 \x07 \x1b[31m",
    "{style} %s %(name)s \\n $HOME `ls` ;",
    "3.141592653589793, 1,000,000 and 12:30; -40 °C",
    "!!! ??? ... --- ***",
    "A" * 300,
)
"""Texts that have broken something somewhere; the contract wants an answer to each, not a good one."""


def must(holds: bool, otherwise: str) -> None:
    """Raise `AssertionError` with what is wrong unless something holds."""
    if not holds:
        raise AssertionError(otherwise)


def broken(what: str) -> NoReturn:
    """Raise `AssertionError`."""
    raise AssertionError(what)


def run_all(checks: Iterable[Callable[[], None]], name: str) -> None:
    """Run checks, all of them.

    Raises:
        AssertionError: Some do not pass; the message holds what each of them says.
    """
    faults: list[str] = []
    count = 0
    for check in checks:
        count += 1
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what is to be told
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            faults.append(f"{_name_of(check)}: {kind}{error}")
    if faults:
        told = "\n".join(f"  {fault}" for fault in faults)
        raise AssertionError(f"{name} breaks {len(faults)} of {count} terms of its contract:\n{told}")


def at_once(work: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of work that is done by as many threads, in order."""
    with ThreadPoolExecutor(len(work)) as threads:
        return [future.result() for future in [threads.submit(one) for one in work]]


def is_one_line(text: object) -> bool:
    """Whether something is text for one line, with something in it."""
    return isinstance(text, str) and bool(text.strip()) and text.isprintable()


def _name_of(check: Callable[[], None]) -> str:
    inner = getattr(check, "func", check)
    return str(getattr(inner, "__name__", "check")).replace("_", " ")
