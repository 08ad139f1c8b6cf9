"""How many machines a driver, a book or a link can keep busy: formulas, and nothing measured.

Owns these formulas and what they assume. Every figure may be NaN, which means that nobody has measured it; then what is
computed from it is NaN too. Does not know where figures come from (`cluster_measured`) nor how they are shown
(`cluster_arithmetic`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.cluster_measured import Book, Dispatch, Measured

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
CHARS_PER_TOKEN: Final = 4.0
"""The usual rule of thumb for English."""
_GBIT: Final = 125e6
_BYTES_PER_CHAR: Final = 1.0


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody here has measured: prices, and machines that were not at hand. Readers put in their own.

    Attributes:
        date: When the prices were set down.
        cores: Of a machine.
        vm_price: Of a machine without a GPU, in dollars an hour.
        gpu_price: Of a machine with one, likewise.
        server_tokens_s: Tokens that a model server generates in a second, all requests together.
        put_price: Of 1 000 files sent to a store, in dollars.
        puts_s: Files that a store takes in a second.
    """

    date: str = "November 2026"
    cores: int = 2
    vm_price: float = 0.08
    gpu_price: float = 2.50
    server_tokens_s: float = 1_000.0
    put_price: float = 0.005
    puts_s: float = 3_500.0


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that so many machines use up.

    Attributes:
        name: What, for people.
        formula: How the number comes about.
        machines: That are kept busy; more are not.
    """

    name: str
    formula: str
    machines: float

    def used(self, machines: float) -> float:
        """Share of it that so many machines would use; more than 1 is more than there is."""
        return machines / self.machines


def words_per_core_s(dispatch: Dispatch) -> float:
    """Words of a book that a worker reads in a second, its driver on the same cores."""
    return dispatch.words_per_s / dispatch.cores


def book_s(book: Book, words_s: float, workers: float) -> tuple[float, float]:
    """Least and most time that so many workers take for one book.

    The least: nobody waits, or the longest chapter decides. The most is Graham's bound for tasks that are given out in
    any order.

    Args:
        book: The book.
        words_s: Of a worker.
        workers: How many.
    """
    all_s = book.words / words_s
    longest_s = book.longest_share * all_s
    least, most = all_s / workers, all_s / workers + (1 - 1 / workers) * longest_s
    return book.alone_s + larger(least, longest_s), book.alone_s + most


def books_s(book: Book, words_s: float, machines: int, cores: int, *, books: int) -> tuple[float, float]:
    """Least and most time for several books, each of them divided among as many workers as there are for it."""
    workers = max(float(cores), machines * cores / books)
    rounds = math.ceil(books / machines)
    least, most = book_s(book, words_s, workers)
    return rounds * least, rounds * most


def one_book(measured: Measured, assumed: Assumed) -> Iterator[Limit]:
    """What ends the gain from more machines that read one book, its chapters being the tasks."""
    yield from _of_book(measured, assumed)


def many_books(measured: Measured, assumed: Assumed, *, books: int) -> Iterator[Limit]:
    """The same for several books, each with a driver of its own; what they share comes last."""
    for limit in _of_book(measured, assumed):
        yield Limit(limit.name, f"{books} × as for one", books * limit.machines)
    book, cores = measured.book, assumed.cores
    words_s = words_per_core_s(measured.local) * cores
    yield Limit(
        "a file server on 10 Gbit/s, for all books together",
        "1 250 MB/s ÷ bytes a second of a machine",
        10 * _GBIT / (book.file_bytes / book.words * words_s),
    )
    yield Limit(
        f"a store that takes {assumed.puts_s:,.0f} files a second".replace(",", " "),
        "files a second ÷ files a second of a machine",
        assumed.puts_s / (book.files / book.words * words_s),
    )


def _of_book(measured: Measured, assumed: Assumed) -> Iterator[Limit]:
    book, cores = measured.book, assumed.cores
    core_words_s = words_per_core_s(measured.local)
    words_s = core_words_s * cores
    all_s = book.words / core_words_s
    yield Limit("the longest chapter", "1 ÷ its share of the book ÷ cores", 1 / book.longest_share / cores)
    yield Limit("chapters", "chapters ÷ cores", book.chapters / cores)
    yield Limit(
        "what the driver does alone, as long as all the rest",
        "seconds of a book on one core ÷ seconds alone ÷ cores",
        all_s / book.alone_s / cores,
    )
    yield Limit(
        "the driver's CPU beside the workers",
        "seconds of a book on one core ÷ its driver's CPU seconds ÷ cores",
        all_s / book.beside_s / cores,
    )
    for gbit in (1, 10):
        yield Limit(
            f"the driver's link of {gbit} Gbit/s, or its disk",
            f"{125 * gbit:,} MB/s ÷ bytes a second of a machine".replace(",", " "),
            gbit * _GBIT / (book.chapter_bytes / book.words * words_s),
        )
    yield Limit(
        "tasks through Ray, one at a time",
        "tasks a second ÷ chapters a second of a machine",
        measured.ray.tasks_per_s / (words_s / book.words * book.chapters),
    )


def performance(measured: Measured, assumed: Assumed, *, realtime_factor: float) -> Iterator[Limit]:
    """What ends the gain from more machines that speak lines for one driver.

    Args:
        measured: The figures.
        assumed: The rest.
        realtime_factor: Sound that a machine makes in a second.
    """
    local = measured.local
    lines_s = realtime_factor / local.line_s
    yield Limit(
        "the driver's mixing and encoding, on its cores",
        "cores ÷ CPU seconds of a second of sound ÷ a machine's times real time",
        assumed.cores / measured.mixing_s / realtime_factor,
    )
    yield Limit(
        "the driver's way to workers, one core",
        "1 000 ÷ ms a line ÷ lines a second of a machine",
        1_000 / local.driver_ms_per_line / lines_s,
    )
    for gbit in (1, 10):
        yield Limit(
            f"the driver's link of {gbit} Gbit/s, or its disk",
            f"{125 * gbit:,} MB/s ÷ bytes of a take ÷ lines a second of a machine".replace(",", " "),
            gbit * _GBIT / local.take_bytes / lines_s,
        )
    yield Limit(
        "tasks through Ray, in batches",
        "tasks a second ÷ lines a second of a machine",
        measured.ray.batched_tasks_per_s / lines_s,
    )


def scenes(measured: Measured, assumed: Assumed) -> Iterator[Limit]:
    """What ends the gain from more model servers that one driver asks."""
    talk = measured.talk
    scenes_s = scenes_per_server_s(measured, assumed)
    yield Limit(
        "the driver's one core",
        "scenes a CPU second ÷ scenes a second of a server",
        talk.scenes_per_cpu_s / scenes_s,
    )
    yield Limit(
        "the driver's link of 1 Gbit/s",
        "125 MB/s ÷ bytes of prompts and answers of a scene ÷ scenes a second of a server",
        _GBIT / ((talk.prompt_chars + talk.answer_chars) * _BYTES_PER_CHAR * talk.turns) / scenes_s,
    )


def scenes_per_server_s(measured: Measured, assumed: Assumed) -> float:
    """Scenes that a model server can play in a second."""
    return assumed.server_tokens_s / generated_tokens(measured)


def generated_tokens(measured: Measured) -> float:
    """Tokens of a scene that its server makes."""
    return measured.talk.turns * measured.talk.answer_chars / CHARS_PER_TOKEN


def read_tokens(measured: Measured) -> float:
    """Tokens of a scene that its server reads, if nothing is kept from turn to turn."""
    return measured.talk.turns * measured.talk.prompt_chars / CHARS_PER_TOKEN


def larger(one: float, other: float) -> float:
    """The larger one; NaN if either is."""
    return math.nan if math.isnan(one) or math.isnan(other) else max(one, other)
