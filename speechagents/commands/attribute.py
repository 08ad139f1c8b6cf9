"""``speechagents attribute``: who says what in a novel, as a list of spans.

Owns the command and the form of its file. Does not know how speakers are found (`attribution`).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechagents.commands.options import Commands, add_ascriber_options, path_here, print_json

if TYPE_CHECKING:
    from speechagents.attribution.quotation import Attribution


def add_attribute_command(commands: Commands) -> None:
    """Add ``attribute``."""
    attribute = commands.add_parser(
        "attribute",
        help="find who says what in a novel",
        description="Find the quotations of a novel, its characters, and a speaker for each quotation. Writes "
        '[{"start", "end", "speaker", "confidence", "kind"}]: character offsets into the text as it is read, '
        "quotation marks included; the speaker is null for what is left to the narrator.",
    )
    attribute.add_argument("text", type=Path, help="the novel: text, EPUB, Markdown, HTML, DOCX or PDF")
    attribute.add_argument("--json", type=path_here, required=True, metavar="OUT", help="file to write")
    attribute.add_argument(
        "--characters", type=Path, help="cast list, CSV with Main Name, Aliases, Gender (default: found in the text)"
    )
    add_ascriber_options(attribute)
    attribute.set_defaults(run=_attribute)


def spans_of(attribution: Attribution) -> list[dict[str, Any]]:
    """One entry for each stretch of text that is said in one go."""
    return [
        {
            "start": start,
            "end": end,
            "speaker": quote.speaker,
            "confidence": quote.confidence,
            "kind": quote.kind.value,
            "addressee": quote.addressee,
        }
        for quote in attribution.quotes
        for start, end in quote.spans
    ]


def _attribute(arguments: argparse.Namespace) -> int:
    from speechagents.ascriber import choose_ascriber
    from speechagents.attribution.asking import ask_about_unsure
    from speechagents.attribution.attribute import attribute
    from speechagents.attribution.character_table import read_characters
    from speechagents.books.reading import read_book
    from speechagents.production.storage import write_atomically

    characters = read_characters(arguments.characters) if arguments.characters is not None else None
    book = read_book(arguments.text)
    ascriber = None
    if arguments.controller or arguments.model or arguments.server:
        ascriber = choose_ascriber(arguments.controller, model=arguments.model, server=arguments.server)
    attribution = attribute(book.text, book.paragraphs(), characters=characters)
    warnings = book.warnings
    if ascriber is not None:
        told = ask_about_unsure(book.text, book.paragraphs(), attribution, ascriber, below=arguments.unsure)
        attribution, warnings = told.attribution, (*warnings, *told.warnings)
    body = json.dumps(spans_of(attribution), ensure_ascii=False, indent=0)
    write_atomically(arguments.json, body.encode("utf-8", "surrogatepass"))
    for warning in warnings:
        print(f"speechagents: {warning}", file=sys.stderr)
    speakers = {quote.speaker for quote in attribution.quotes} - {None}
    print_json(
        {
            "quotes": len(attribution.quotes),
            "speakers": len(speakers),
            "left_to_the_narrator": sum(quote.speaker is None for quote in attribution.quotes),
            "file": str(arguments.json),
        }
    )
    return 0
