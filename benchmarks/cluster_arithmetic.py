"""What 1, 10 and 1 000 machines give, and what is full first: arithmetic on what was measured.

    python -m benchmarks.cluster_arithmetic [--cores 2] [--vm-price 0.08] [--gpu-price 2.5] [--write]

Reads the committed figures (`cluster_measured`), applies formulas (`cluster_limits`), and prints tables. With
``--write`` they are put into speechagents/cluster/README.md, each between its two marks; all else of the page stays as
it is. A figure that nobody has measured is shown as such, and so is what would follow from it.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks import cluster_limits as limits
from benchmarks.cluster_limits import DAY_S, HOUR_S, Assumed, Limit
from benchmarks.cluster_measured import Dispatch, Gpu, Measured, read_measured

PAGE: Final = Path(__file__).parent.parent / "speechagents" / "cluster" / "README.md"
MACHINES: Final = (1, 10, 1_000)
BOOKS: Final = 200
SCENES: Final = 10_000
_NOT: Final = "not measured"
_MANY: Final = 10.0
_MARKED: Final = "<!-- table: {0} -->\n{1}<!-- end: {0} -->"

Row = Sequence[str]


def tables(measured: Measured, assumed: Assumed) -> dict[str, str]:
    """The tables of the page by name, as Markdown."""
    makers: Mapping[str, Callable[[Measured, Assumed], str]] = {
        "measured": _measured,
        "assumed": _assumed,
        "given": _given,
        "one-book": _one_book,
        "many-books": _many_books,
        "performance": _performance,
        "scenes": _scenes,
        "ten-thousand": _ten_thousand,
    }
    return {name: make(measured, assumed) for name, make in makers.items()}


def filled(page: str, made: Mapping[str, str]) -> str:
    """The page with its tables renewed.

    Raises:
        SystemExit: It lacks the marks of a table.
    """
    for name, table in made.items():
        place = re.compile(_MARKED.format(re.escape(name), ".*?"), re.DOTALL)
        if len(place.findall(page)) != 1:
            raise SystemExit(f"{PAGE.name}: no place, or several, for the table {name!r}; put its two marks back")
        written = _MARKED.format(name, f"{table}\n")
        page = place.sub(lambda _, written=written: written, page)  # type: ignore[misc]  # bound at once
    return page


def _measured(measured: Measured, assumed: Assumed) -> str:  # noqa: ARG001 - as all tables
    book, talk = measured.book, measured.talk
    rows: list[Row] = []
    for name, kind in (("processes", measured.local), ("Ray", measured.ray)):
        rows += _of_dispatch(name, kind)
    if math.isnan(book.words):
        rows.append(("how novels divide into chapters", _NOT, "cluster_books"))
    else:
        middling = f"{_whole(book.words)}; {_whole(book.chapters)}; {_percent(book.longest_share)}"
        rows.append(("novels: words; chapters; share of the longest chapter (medians)", middling, "cluster_books"))
    if math.isnan(book.alone_s):
        rows.append(("such a novel: what its driver does, and what is left on disk", _NOT, "cluster_books"))
    else:
        rows += [
            ("such a novel: sound", f"{_n(book.hours)} h", "cluster_books"),
            ("such a novel: its driver's CPU time, alone; beside workers",
             f"{_n(book.alone_s)} s; {_n(book.beside_s)} s", "cluster_books"),
            ("such a novel: files of its production; bytes; of these, from workers",
             f"{_n(book.files)}; {_n(book.file_bytes / 1e6)} MB; {_n(book.chapter_bytes / 1e6)} MB", "cluster_books"),
        ]  # fmt: skip
    mixing = _n(1_000 * measured.mixing_s, "ms")
    rows.append(("a performance: CPU time for a second of sound, all but speaking", mixing, "perform"))
    if math.isnan(talk.turns):
        rows.append(("scenes", _NOT, "simulate"))
    else:
        rows += [
            (f"scenes of {_whole(talk.turns)} turns for a CPU second of the driver: asking servers; rehearsing",
             f"{_n(talk.scenes_per_cpu_s)}; {_n(talk.rehearsed_per_cpu_s)}", "simulate"),
            ("characters of a prompt; of an answer",
             f"{_whole(talk.prompt_chars)}; {_whole(talk.answer_chars)}", "simulate"),
            (f"the driver's memory at {_whole(talk.most_scenes)} scenes; to that at the fewest",
             f"{_n(talk.driver_mb)} MB; {_n(talk.memory_ratio)} ×", "simulate"),
        ]  # fmt: skip
    rows += [
        (f"{one.model} with random weights on {one.device}, {one.batch} lines at once",
         _n(one.realtime_factor, "× real time"), "gpu")
        for one in measured.gpus
    ] or [("voices of the size of real ones on a GPU", _NOT, "gpu")]  # fmt: skip
    where = f"{measured.local.machine or _NOT}; {measured.processor or _NOT}"
    return _table(("figure", "measured", "by `benchmarks.`"), rows, f"Machine and processor: {where}.")


def _of_dispatch(name: str, kind: Dispatch) -> list[Row]:
    """What is known of workers of one kind."""
    if not kind.machine:
        return [(f"{name}: everything", _NOT, "cluster")]
    found = [
        (f"lines a second of {_whole(kind.cores)} workers on as many cores; efficiency",
         f"{_n(kind.lines_per_s)}; {_n(kind.line_efficiency)}"),
        ("words of a book a second, likewise; efficiency; × real time",
         f"{_n(kind.words_per_s)}; {_n(kind.book_efficiency)}; {_n(kind.realtime_factor)}"),
        ("the driver's CPU time for a line; bytes of its take",
         f"{_n(kind.driver_ms_per_line, 'ms')}; {_whole(kind.take_bytes)}"),
        (f"{_whole(kind.standing)} workers that sleep: efficiency; the driver's CPU time for a task",
         f"{_n(kind.standing_efficiency)}; {_n(kind.standing_ms_per_task, 'ms')}"),
        ("empty tasks a second with a take's bytes: one at a time; in batches",
         f"{_n(kind.tasks_per_s)}; {_n(kind.batched_tasks_per_s)}"),
        (f"the driver's memory for a book of {_whole(kind.memory_lines)} lines; to that of the shortest",
         f"{_n(kind.driver_mb, 'MB')}; {_n(kind.memory_ratio, '×')}"),
        ("memory of one worker more", _n(kind.worker_mb, "MB")),
    ]  # fmt: skip
    return [(f"{name}: {what}", value, "cluster") for what, value in found]


def _assumed(measured: Measured, assumed: Assumed) -> str:  # noqa: ARG001 - as all tables
    return _table(
        ("assumed", "value", "option"),
        [
            ("cores of a machine", _whole(assumed.cores), "`--cores`"),
            ("a machine, an hour", f"${assumed.vm_price:.2f}", "`--vm-price`"),
            ("a machine with a GPU of the H100 class, an hour", f"${assumed.gpu_price:.2f}", "`--gpu-price`"),
            ("tokens that a model server makes in a second, all requests together", _whole(assumed.server_tokens_s),
             "`--server-tokens-s`"),
            ("1 000 files sent to a store", f"${assumed.put_price:g}", "`--put-price`"),
            ("files that a store takes in a second", _whole(assumed.puts_s), "`--puts-s`"),
        ],
        f"Set down in {assumed.date}. None of it was measured, and nobody was asked for a price.",
    )  # fmt: skip


def _given(measured: Measured, assumed: Assumed) -> str:
    rows = [*_of_books(measured, assumed), *_of_scenes(measured, assumed), *_of_gpus(measured, assumed)]
    return _table(("", *(f"{_whole(machines)} machine{'s' if machines > 1 else ''}" for machines in MACHINES)), rows)


def _each(name: str, make: Callable[[int], str]) -> Row:
    """A row with a cell for each number of machines."""
    return (name, *(make(machines) for machines in MACHINES))


def _of_books(measured: Measured, assumed: Assumed) -> list[Row]:
    book, local, cores = measured.book, measured.local, assumed.cores
    words_s = limits.words_per_core_s(local)
    realtime = local.realtime_factor / local.cores * cores

    def library_s(machines: int) -> tuple[float, float]:
        return limits.books_s(book, words_s, machines, cores, books=BOOKS)

    def library_money(machines: int) -> str:
        _, most_s = library_s(machines)
        return _money(most_s / HOUR_S * machines * assumed.vm_price / (BOOKS * book.hours))

    return [
        _each("workers, one for each core", lambda n: _whole(n * cores)),
        _each("memory of these on each machine", lambda _: _n(cores * local.worker_mb / 1_000, "GB")),
        _each("machines, an hour", lambda n: _money(n * assumed.vm_price)),
        _each("books a day, if each machine reads its own", lambda n: _n(n * cores * words_s * DAY_S / book.words)),
        _each("hours of sound a day", lambda n: _n(n * realtime * 24)),
        _each("an hour of sound", lambda _: _money(assumed.vm_price / realtime)),
        _each("one book, all machines at it", lambda n: _between(*limits.book_s(book, words_s, n * cores))),
        _each(f"{BOOKS} books, all machines at them", lambda n: _between(*library_s(n))),
        _each("an hour of their sound, at most", library_money),
        _each("files of a book, sent to a store", lambda _: _money(book.files / 1_000 * assumed.put_price)),
    ]


def _of_scenes(measured: Measured, assumed: Assumed) -> list[Row]:
    talk, cores = measured.talk, assumed.cores
    server_s = limits.scenes_per_server_s(measured, assumed)
    return [
        _each("scenes a day, rehearsed without servers", lambda n: _n(n * cores * talk.rehearsed_per_cpu_s * DAY_S)),
        _each("scenes a day that drivers can ask for", lambda n: _n(n * cores * talk.scenes_per_cpu_s * DAY_S)),
        _each("scenes a day of as many model servers", lambda n: _n(n * server_s * DAY_S)),
        _each("cores that the drivers of these want", lambda n: _up(n * server_s / talk.scenes_per_cpu_s)),
        _each("1 000 scenes of theirs", lambda _: _money(1_000 / server_s / HOUR_S * assumed.gpu_price)),
    ]


def _of_gpus(measured: Measured, assumed: Assumed) -> list[Row]:
    if not measured.gpus:
        return [_each("hours of sound a day of as many GPUs", lambda _: _NOT)]
    return [row for gpu in measured.gpus for row in _of_gpu(gpu, assumed)]


def _of_gpu(gpu: Gpu, assumed: Assumed) -> list[Row]:
    return [
        _each(f"hours of sound a day of {gpu.model}, {gpu.device}", lambda n: _n(n * gpu.realtime_factor * 24)),
        _each("an hour of it", lambda _: _money(assumed.gpu_price / gpu.realtime_factor)),
    ]


def _one_book(measured: Measured, assumed: Assumed) -> str:
    return _limits(limits.one_book(measured, assumed))


def _many_books(measured: Measured, assumed: Assumed) -> str:
    return _limits(limits.many_books(measured, assumed, books=BOOKS))


def _performance(measured: Measured, assumed: Assumed) -> str:
    local = measured.local
    embedded = local.lines_per_s * local.line_s / local.cores * assumed.cores
    factors = [("the embedded voices", embedded)]
    factors += [(f"{gpu.model} on {gpu.device}", gpu.realtime_factor) for gpu in measured.gpus]
    parts = [
        f"Machines that speak with {voices}, {_n(factor, '× real time')} each:\n\n"
        + _limits(limits.performance(measured, assumed, realtime_factor=factor))
        for voices, factor in factors
    ]
    return "\n".join(parts)


def _scenes(measured: Measured, assumed: Assumed) -> str:
    return _limits(limits.scenes(measured, assumed), what="servers")


def _ten_thousand(measured: Measured, assumed: Assumed) -> str:
    talk = measured.talk
    made, read = limits.generated_tokens(measured), limits.read_tokens(measured)
    server_s = SCENES / limits.scenes_per_server_s(measured, assumed)
    servers = limits.larger(1.0, talk.scenes_per_cpu_s / limits.scenes_per_server_s(measured, assumed))
    rows = [
        ("turns of each", _whole(talk.turns)),
        ("the driver's CPU time, asking servers", _time(SCENES / talk.scenes_per_cpu_s)),
        ("the driver's CPU time, rehearsing without any", _time(SCENES / talk.rehearsed_per_cpu_s)),
        ("tokens made", _n(SCENES * made / 1e6, "million")),
        ("tokens read, if servers keep nothing from turn to turn", _n(SCENES * read / 1e6, "million")),
        ("time of one server", _time(server_s)),
        ("servers that one driver keeps busy", _n(servers)),
        ("time with these", _time(server_s / servers)),
        ("money for servers, however many", _money(server_s / HOUR_S * assumed.gpu_price)),
    ]
    return _table((f"{_whole(SCENES)} scenes", ""), rows)


def _limits(found: Iterable[Limit], *, what: str = "machines") -> str:
    """A table of limits, the first to be full at the top, and in words which that is."""
    ordered = sorted(found, key=lambda limit: (math.isnan(limit.machines), limit.machines))
    many = [machines for machines in MACHINES if machines > 1]
    rows = [
        (limit.name, limit.formula, _n(limit.machines), *(_share(limit.used(machines)) for machines in many))
        for limit in ordered
    ]
    head = ("what", "formula", f"full at {what}", *(f"used by {_whole(machines)}" for machines in many))
    return _table(head, rows, " ".join(_full(ordered[0], machines, what) for machines in many))


def _full(first: Limit, machines: int, what: str) -> str:
    if math.isnan(first.machines):
        return f"{_whole(machines)} {what}: {_NOT}."
    return f"{_whole(machines)} {what}: " + (
        f"full first is **{first.name}**." if first.machines <= machines else "nothing is full."
    )


def _table(head: Row, rows: Iterable[Row], note: str = "") -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([*lines, *(["", note] if note else [])]) + "\n"


def _n(value: float, unit: str = "") -> str:
    """Three digits that count, thousands apart; with a unit if there is a value."""
    if math.isnan(value):
        return _NOT
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    shown = f"{round(value, digits):,.{max(0, digits)}f}".replace(",", " ")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return f"{shown} {unit}".rstrip()


def _whole(value: float) -> str:
    """A count, to the last digit."""
    return _NOT if math.isnan(value) else f"{value:,.0f}".replace(",", " ")


def _up(value: float) -> str:
    return _NOT if math.isnan(value) else _n(math.ceil(value))


def _percent(share: float) -> str:
    return _n(100 * share, "%")


def _share(share: float) -> str:
    """Of what there is; as a multiple where it is many times that."""
    return _n(share, "×") if share >= _MANY else _percent(share)


def _money(dollars: float) -> str:
    if math.isnan(dollars):
        return _NOT
    return f"${_n(dollars)}" if dollars < 0.1 or dollars >= 1_000 else f"${dollars:.2f}"


def _time(seconds: float) -> str:
    for size, unit in ((DAY_S, "days"), (HOUR_S, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return _n(seconds / size, unit)
    return _n(seconds, "s")


def _between(least_s: float, most_s: float) -> str:
    least, most = _time(least_s), _time(most_s)
    if least == most:
        return least
    number, _, unit = least.rpartition(" ")
    return f"{number if unit == most.rpartition(' ')[2] else least} to {most}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables, and with ``--write`` put them into the page."""
    usual = Assumed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=usual.cores, help="of a machine (default %(default)s)")
    parser.add_argument("--vm-price", type=float, default=usual.vm_price, help="of it, $ an hour (default %(default)s)")
    parser.add_argument("--gpu-price", type=float, default=usual.gpu_price, help="with a GPU (default %(default)s)")
    parser.add_argument(
        "--server-tokens-s", type=float, default=usual.server_tokens_s, help="of a model server (default %(default)s)"
    )
    parser.add_argument("--put-price", type=float, default=usual.put_price, help="of 1000 files (default %(default)s)")
    parser.add_argument("--puts-s", type=float, default=usual.puts_s, help="files a store takes (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the tables into speechagents/cluster/README.md")
    arguments = parser.parse_args(argv)
    given = {name: value for name, value in vars(arguments).items() if name != "write"}
    for name, value in given.items():
        if not 0.0 < value < 1e12:
            parser.error(f"--{name.replace('_', '-')} {value:g} must be more than 0")
    made = tables(read_measured(), Assumed(**given))
    if arguments.write:
        if Assumed(**given) != usual:
            parser.error(
                "--write takes no other options: the page has the usual assumptions; yours are printed without it"
            )
        PAGE.write_text(filled(PAGE.read_text("utf-8"), made), "utf-8")
    else:
        print("\n".join(f"{name}\n\n{table}" for name, table in made.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
