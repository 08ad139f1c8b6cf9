"""The About page: what runs here and why, what else could, and what becomes of what people give to it.

Owns the page and its wording. What can run is found out by `doctor` alone, once in a while and for all visitors.
"""

from __future__ import annotations

import html
import importlib.metadata
import platform
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import gradio as gr

from speechagents import __version__
from speechagents.doctor import Report, examine
from speechagents.ui.error_box import plain_words
from speechagents.ui.handlers import PRIVATE, on_load

if TYPE_CHECKING:
    from speechagents.serving.house import House

_EXAMINED_FOR_S: Final = 300.0
_ON_STAGE: Final = (
    "When you speak on the live stage, your voice is recognised on this machine; with the preset that runs here "
    "neither the sound nor the text goes anywhere else. If a model server was named or found, the text of a scene "
    "goes to it."
)
_KEPT_WITH_IT: Final = (
    "Your lines are kept as recordings inside that one production, so that it can be mixed and exported. They are "
    "deleted with it, and are used for nothing else: nothing is trained on them, and no voice is copied from them."
)
_NO_TRACKING: Final = (
    "A cookie tells this server which productions are yours. There is no tracking, and the pages load nothing from "
    "other servers."
)
_PACKAGES: Final = ("gradio", "numpy", "soundfile", "av", "espeakng-loader", "pocketsphinx")


class Examination:
    """What runs here, found out at most every few minutes however many ask. May be used from several threads.

    Args:
        examine: Finds out.
        now: The clock, in seconds.
    """

    def __init__(self, examine: Callable[[], Report] = examine, *, now: Callable[[], float] = time.monotonic) -> None:
        self._examine = examine
        self._now = now
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._at_s = 0.0

    def report(self) -> Report:
        """What was found."""
        with self._lock:
            if self._report is None or self._now() - self._at_s > _EXAMINED_FOR_S:
                self._report = self._examine()
                self._at_s = self._now()
            return self._report


def about_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    examination = Examination()
    gr.HTML(
        '<h1>What runs here</h1><p class="sa-lead">What this studio is made of, why, and what it cannot do.</p>',
        js_on_load=None,
    )
    gr.HTML(running(house), js_on_load=None)
    else_runs = gr.HTML('<div class="sa-empty" role="status">Looking at what this machine has …</div>', js_on_load=None)
    gr.HTML(f"{handling(house)}{limits(house)}{licences(house)}{versions()}", js_on_load=None)
    on_load(lambda: possible(examination.report(), house), None, else_runs, **PRIVATE)


def running(house: House) -> str:
    """The preset that runs, why, and what its planner understands."""
    preset = house.studio.preset
    sold = "may be sold" if preset.commercial else "may not be sold"
    rows = {
        "Preset": f"<b>{_text(preset.name)}</b>: {_text(preset.description)}",
        "Why this one": _text(plain_words(house.studio.why, house)),
        "Voices": f"{_text(house.studio.synthesizer.identity)}, {len(house.studio.synthesizer.voices)} of them",
        "Who acts": _text(preset.controller)
        + (", unless a model server runs on this machine" if preset.controller == "rehearsal" else ""),
        "Who listens": _text(preset.listener or "the embedded recogniser, on the live stage"),
        "Licence": f"{_text(preset.licence)}; what you make {sold}",
    }
    return _panel("This installation", _facts(rows) + (rehearsal() if preset.controller == "rehearsal" else ""))


def rehearsal() -> str:
    """What the rehearsal planner is, without flattery."""
    return (
        '<div class="sa-note"><strong>About the rehearsal planner</strong><p>It is no language model and understands '
        "nothing. It picks phrases by rules from nouns, goals and names of the scene, so that turns, voices, timing "
        "and the whole production can be tried on any machine without a download. Its scenes have a shape and no "
        "sense; it speaks English and German. It ignores notes from the director. For a play that means something, "
        "let a model act.</p></div>"
    )


def possible(report: Report, house: House) -> str:
    """What else could run here, and how to get it."""
    presets = [
        (
            _text(one.name),
            _state(ready=one.ready),
            _text(one.missing or "can be chosen with --preset"),
            f"{one.download_gb:g} GB",
            f"{one.vram_gb:g} GB" if one.vram_gb else "none: CPU",
            _text(one.licence),
        )
        for one in report.presets
    ]
    back_ends = [
        (_text(one.kind), _text(one.name), _state(ready=not one.missing), _text(one.missing or "installed"))
        for one in report.back_ends
    ]
    findings = [
        (_text(one.name), _state(ready=one.ok), _text(plain_words(one.detail, house))) for one in report.findings
    ]
    parts = [
        "<h3>Presets</h3>",
        _table(("Preset", "State", "How to get it", "Download", "GPU memory", "Licence"), presets),
        "<h3>Parts</h3>",
        _table(("Kind", "Name", "State", "How to get it"), back_ends),
        "<h3>Model servers</h3>",
        _servers(report, house),
        "<h3>Health</h3>",
        _table(("What", "State", "Seen"), findings),
    ]
    return _panel("What else could run here", "".join(parts))


def handling(house: House) -> str:
    """What becomes of texts, voices and recordings."""
    days = house.settings.allowance.keep_days
    kept = (
        f"Productions of visitors without a login are deleted when nobody has touched them for {days:g} days."
        if house.accounts is None
        else "Your productions belong to your login and stay until you delete them."
    )
    lines = [
        "What you write, upload and make lies on this server alone, in a folder of your own. Nobody else can see it.",
        _ON_STAGE,
        _KEPT_WITH_IT,
        kept,
        _NO_TRACKING,
        "Exports say in their tags that voices are synthetic, and say so when a person was on stage.",
    ]
    rows = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return _panel("What becomes of your words and your voice", f"<ul>{rows}</ul>")


def limits(house: House) -> str:
    """What this installation allows and cannot do."""
    settings = house.settings
    allowance = settings.allowance
    rows = {
        "On your shelf": f"{allowance.productions} productions, {allowance.visitor_bytes / 1e9:.3g} GB",
        "At once": f"{allowance.runs} of yours in the making; {settings.runs} of all visitors work, the others wait",
        "Uploads": f"up to {allowance.upload_bytes / 1e6:.3g} MB a file",
        "Live stage": f"{settings.max_sessions} sessions; it wants a machine of its own to answer quickly",
        "A scene": "2 to 25 roles, up to 2000 turns",
        "Speech": "formant synthesis sounds like a machine; it is small, quick and the same everywhere"
        if house.studio.preset.synthesizer == "espeak"
        else "as good as the chosen voices",
    }
    return _panel("Limits of this installation", _facts({name: _text(value) for name, value in rows.items()}))


def licences(house: House) -> str:
    """Whose work this is."""
    voices = "".join(
        f"<li>{_text(source)}: {_text(licence)}</li>"
        for source, licence in dict.fromkeys((one.source, one.licence) for one in house.studio.synthesizer.voices)
    )
    return _panel(
        "Licences",
        "<ul><li>SpeechAgents: Apache-2.0</li>"
        f"{voices}<li>Speech made with these voices belongs to whoever made it.</li></ul>"
        '<p class="sa-hint">An open implementation of the idea of SpeechAgents (arXiv 2401.03945), whose authors '
        "released neither code nor weights.</p>",
    )


def versions() -> str:
    """What is installed."""
    found = {"SpeechAgents": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return _panel("Versions", _facts({name: _text(version) for name, version in found.items()}))


def _servers(report: Report, house: House) -> str:
    if not report.servers:
        return (
            '<p class="sa-hint">None answers on this machine. Ollama, LM Studio, llama.cpp and vLLM were looked for at '
            "their usual ports; with one of them running, a language model acts instead of the rehearsal planner. "
            "Another one is named by the variable SPEECHAGENTS_SERVER.</p>"
        )
    # Where a server stands is the business of those who sit at this machine alone.
    rows = [
        (
            _text(server.name),
            _text(server.base_url) if house.settings.only_this_machine else "on this installation",
            _text(", ".join(server.models[:5]) or "no list"),
        )
        for server in report.servers
    ]
    return _table(("Server", "Where", "Models"), rows)


def _panel(title: str, body: str) -> str:
    return f'<section class="sa-panel sa-about-part"><h2>{html.escape(title)}</h2>{body}</section>'


def _facts(rows: dict[str, str]) -> str:
    entries = "".join(f"<dt>{html.escape(name)}</dt><dd>{value}</dd>" for name, value in rows.items())
    return f'<dl class="sa-facts-list">{entries}</dl>'


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        '<div class="sa-scroll" tabindex="0" role="region" aria-label="Table"><table class="sa-table"><thead><tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _state(*, ready: bool) -> str:
    return f'<span class="sa-chip {"sa-good" if ready else ""}">{"ready" if ready else "not here"}</span>'


def _text(text: str) -> str:
    return html.escape(text)
