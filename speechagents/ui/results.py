"""What a production has given: its sound, its picture and its files, as one part of a page.

Owns that part. Does not know which page shows it: a performed script and an improvised scene are shown alike. Files
are links of the house, signed for this visitor; nothing is copied anywhere.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from speechagents.production.folder import Production
from speechagents.ui.timeline_picture import timeline_picture

if TYPE_CHECKING:
    from speechagents.serving.house import House
    from speechagents.serving.visitors import Visitor

_MAX_TIMELINE_BYTES: Final = 30_000_000
_PLAYABLE: Final = (".mp3", ".m4b", ".opus", ".flac", ".wav")
"""Sound files that a page can play, the one that most browsers play first."""

_ABOUT: Final[Mapping[str, str]] = {
    ".m4b": "Audiobook with chapters and cover",
    ".mp3": "MP3 with chapters",
    ".opus": "Opus, small",
    ".flac": "Lossless",
    ".wav": "Uncompressed",
    ".vtt": "Subtitles with speakers (WebVTT)",
    ".srt": "Subtitles (SRT)",
    ".rttm": "Who spoke when (RTTM)",
    ".otio": "Timeline for editors (OpenTimelineIO)",
    ".json": "Every line and word with its times",
}


def results_view(house: House, visitor: Visitor, production_id: str) -> str:
    """Player, timeline and downloads of a production; a hint where there is nothing yet.

    Raises:
        ProductionError: There is no such production.
    """
    shelf = house.shelf(visitor)
    production = Production(shelf.folder(production_id))
    record = production.record()
    files = [str(name) for name in record.get("files", []) if (production.folder / str(name)).is_file()]
    if not files:
        return (
            '<div class="sa-empty"><strong>Nothing to hear yet</strong>'
            "The recording, the timeline and every file to download appear here.</div>"
        )
    gates = record.get("gates", {})
    rows = "".join(
        _file_row(
            name,
            (production.folder / name).stat().st_size,
            house.link(visitor, production_id, name),
            gates if isinstance(gates, dict) else {},
        )
        for name in files
    )
    return (
        f"{player_view(house, visitor, production_id, files)}{_picture(production, record)}"
        '<h3 class="sa-files-head">Files</h3><div class="sa-scroll"><table class="sa-table sa-files"><thead><tr>'
        '<th scope="col">File</th><th scope="col">What it is</th><th scope="col">Size</th>'
        '<th scope="col">Standard</th><th scope="col"><span class="sa-visually-hidden">Download</span></th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
        '<p class="sa-row sa-results-zip"><a class="sa-button" download '
        f'href="{_quoted(house.zip_link(visitor, production_id))}">'
        "Download everything (ZIP)</a></p>"
    )


def player_view(house: House, visitor: Visitor, production_id: str, files: Sequence[str]) -> str:
    """A player for the finished sound; empty if there is none."""
    for suffix in _PLAYABLE:
        name = next((name for name in files if name.endswith(suffix) and "/stems/" not in name), None)
        if name:
            source = _quoted(house.link(visitor, production_id, name))
            return f'<audio controls preload="metadata" data-sa-player src="{source}"></audio>'
    return ""


def size_text(size_bytes: int) -> str:
    """A file's size as people read it."""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1_000))} kB"
    return f"{size_bytes / 1_000_000:.1f} MB" if size_bytes < 1_000_000_000 else f"{size_bytes / 1e9:.2f} GB"


def _picture(production: Production, record: Mapping[str, Any]) -> str:
    path = production.exports / "programme.json"
    try:
        if path.stat().st_size > _MAX_TIMELINE_BYTES:
            return '<p class="sa-hint">The programme is too long to be drawn; programme.json holds its timeline.</p>'
        timeline = json.loads(path.read_text("utf-8"))
        cast = record.get("cast", {})
        return timeline_picture(timeline, roles=tuple(cast) if isinstance(cast, dict) else ())
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # no timeline was asked for, or it is another version's


def _file_row(name: str, size_bytes: int, link: str, gates: Mapping[str, Any]) -> str:
    short = name.removeprefix("exports/")
    suffix = "." + short.rpartition(".")[2]
    about = "One role, or one stem" if short.startswith("stems/") else _ABOUT.get(suffix, "")
    return (
        f'<tr><th scope="row">{html.escape(short)}</th><td>{about}</td><td>{size_text(size_bytes)}</td>'
        f'<td>{_verdict(short, gates)}</td><td><a class="sa-button" href="{_quoted(link)}" download '
        f'aria-label="Download {_quoted(short)}">Download</a></td></tr>'
    )


def _verdict(file: str, gates: Mapping[str, Any]) -> str:
    for report in gates.values():
        if not isinstance(report, dict) or report.get("file") != file:
            continue
        master = html.escape(str(report.get("master", "")))
        if report.get("passed"):
            return f'<span class="sa-chip sa-good">✓ meets {master}</span>'
        missed = ", ".join(
            f"{verdict.get('rule')} {float(verdict.get('value', 0)):.1f}"
            for verdict in report.get("verdicts", [])
            if isinstance(verdict, dict) and not verdict.get("passed")
        )
        return f'<span class="sa-chip sa-bad">✗ misses {master}: {html.escape(missed)}</span>'
    return ""


def _quoted(text: str) -> str:
    return html.escape(text, quote=True)
