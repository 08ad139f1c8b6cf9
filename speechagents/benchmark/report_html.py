"""The report as one HTML file with its plots inside.

Owns the page. Does not know what a report says (`report`). Nothing is loaded and nothing runs: there is no script, and
the page itself forbids both. All texts are escaped. It is light or dark as its reader likes it, scrolls wide tables
within themselves on small screens, and prints on paper.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from html import escape
from typing import Final

from speechagents.benchmark.document import Block, Commands, Items, Paragraph, Pictures, Report, Table
from speechagents.benchmark.wording import visible

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --sunk: #f5f5f7; --ink: #1d1d22; --soft: #55555f; --rule: #dedee4;
  --link: #0a58a6 }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #17171b; --sunk: #212127; --ink: #f1f1f4; --soft: #b6b6c0; --rule: #35353d; --link: #7fbdf0 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--rule) }
p, li { max-width: 46rem }
a { color: var(--link) }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: 0 }
nav li { max-width: none }
.wide { overflow-x: auto; margin: 1rem 0 .25rem }
.wide:focus-visible { outline: 2px solid var(--link) }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal }
caption { text-align: left; font-weight: 600; padding: 0 0 .4rem; white-space: nowrap }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--rule);
  max-width: 22rem }
td { white-space: nowrap }
td.long { white-space: normal; min-width: 12rem }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--paper); min-width: min(9rem, 30vw);
  max-width: min(14rem, 40vw) }
.note { color: var(--soft); font-size: .875rem; margin: .25rem 0 }
pre { background: var(--sunk); padding: .75rem 1rem; border-radius: 6px; white-space: pre-wrap; font-size: .8125rem }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem;
  margin: 1.25rem 0 }
.plots figure { margin: 0; border: 1px solid var(--rule); border-radius: 8px; overflow: hidden }
.plots svg { display: block; width: 100%; height: auto }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt }
  nav { display: none }
  h2 { break-after: avoid }
  .wide { overflow: visible }
  table { font-size: 8pt }
  th, td, td.long { min-width: 0; white-space: normal }
  tr, figure, pre, .wide { break-inside: avoid }
  .plots { grid-template-columns: 1fr 1fr } }
"""
_SHORT_CHARS: Final = 34
"""A value with its interval and its count stays on one line."""
_NOT_IN_ID: Final = re.compile(r"[^a-z0-9]+")


def html_of(report: Report) -> str:
    """The report as a page."""
    keys = _keys([section.heading for section in report.sections])
    title = _text(report.title)
    links = "".join(
        f'<li><a href="#{key}">{_text(section.heading)}</a></li>'
        for key, section in zip(keys, report.sections, strict=True)
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title><style>{_STYLE}</style></head>",
        f'<body><header><h1>{title}</h1><nav aria-label="Contents"><ul>{links}</ul></nav></header><main>',
    ]
    for key, section in zip(keys, report.sections, strict=True):
        parts.append(f'<section aria-labelledby="{key}"><h2 id="{key}">{_text(section.heading)}</h2>')
        parts += itertools.chain.from_iterable(map(_html, section.blocks))
        parts.append("</section>")
    return "\n".join([*parts, "</main></body></html>", ""])


def _html(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield f"<p>{_text(text)}</p>"
        case Items(items):
            yield "<ul>"
            for term, said in items:
                yield f"<li><strong>{_text(term)}</strong>: {_text(said)}</li>" if term else f"<li>{_text(said)}</li>"
            yield "</ul>"
        case Commands(lines):
            yield f"<pre><code>{chr(10).join(map(_text, lines))}</code></pre>"
        case Table():
            yield from _table(block)
        case Pictures(svgs):
            yield '<div class="plots">'
            yield from (f"<figure>{svg}</figure>" for svg in svgs)
            yield "</div>"


def _table(table: Table) -> Iterator[str]:
    caption = _text(table.caption)
    yield f'<div class="wide" role="region" aria-label="{caption}" tabindex="0"><table><caption>{caption}</caption>'
    yield "<thead><tr>" + "".join(f'<th scope="col">{_text(name)}</th>' for name in table.head) + "</tr></thead><tbody>"
    for first, *rest in table.rows:
        cells = "".join(
            f"{'<td class=long>' if len(cell) > _SHORT_CHARS else '<td>'}{_text(cell)}</td>" for cell in rest
        )
        yield f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>'
    yield "</tbody></table></div>"
    for note in table.notes:
        yield f'<p class="note">{_text(note)}</p>'


def _text(text: str) -> str:
    return escape(visible(text), quote=True)


def _keys(headings: list[str]) -> list[str]:
    """An id for each heading, all different."""
    return [
        f"{at}-{_NOT_IN_ID.sub('-', heading.casefold()).strip('-')[:40]}".rstrip("-")
        for at, heading in enumerate(headings, 1)
    ]
