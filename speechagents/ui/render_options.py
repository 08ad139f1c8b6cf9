"""The options of a performance as parts of a page.

Owns their layout and their reading. What they mean and their limits are `speechagents.settings`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import gradio as gr

from speechagents.errors import SettingsError
from speechagents.production.exports import FORMATS
from speechagents.production.masters import MASTERS
from speechagents.settings import DEFAULT_FORMATS, PerformSettings

TIMELINE: Final = "json"
"""The format that the page itself reads: always made, so it is not offered."""

_OFFERED: Final = tuple(name for name in FORMATS if name != TIMELINE)


class RenderOptions:
    """Lays the options out inside the Blocks that are open."""

    def __init__(self) -> None:
        self._formats = gr.CheckboxGroup(
            list(_OFFERED),
            value=_without_timeline(DEFAULT_FORMATS),
            label="Files",
            info="The timeline (JSON) is always written.",
            elem_id="sa-formats",
        )
        with gr.Row():
            self._master = gr.Dropdown(
                list(MASTERS), value="podcast", label="Loudness", info="podcast, r128 (broadcast), acx (audiobook)"
            )
            self._language = gr.Textbox("", label="Language", info="Such as en, de or pt-BR; empty: as the script says")
            # A number field would round the large ones.
            self._seed = gr.Textbox("0", label="Seed", info="Same seed, same bytes", max_length=19)
        with gr.Row():
            self._narrator = gr.Checkbox(False, label="Narrator", info="Reads headings and action aloud")
            self._stems = gr.Checkbox(False, label="Stems", info="One file for each role besides the mix")

    @property
    def parts(self) -> list[Any]:
        """The parts, in the order in which `settings_of` takes their values."""
        return [self._formats, self._master, self._narrator, self._stems, self._seed, self._language]

    def show(self, settings: PerformSettings) -> Mapping[Any, Any]:
        """Values of the parts for given settings."""
        return {
            self._formats: _without_timeline(settings.formats),
            self._master: settings.master,
            self._narrator: settings.narrator,
            self._stems: settings.stems,
            self._seed: str(settings.seed),
            self._language: settings.language,
        }


def settings_of(
    formats: Sequence[str] | None, master: str, narrator: bool, stems: bool, seed: str | int, language: str | None
) -> PerformSettings:
    """What was chosen, checked.

    Raises:
        SettingsError: A format, a master, the seed or the language is none.
    """
    wanted = formats or ()
    if unknown := [str(name)[:40] for name in wanted if name not in FORMATS]:
        raise SettingsError(f"unknown format {unknown[0]!r}; choose from {', '.join(FORMATS)}")
    if master not in MASTERS:
        raise SettingsError(f"unknown master {str(master)[:40]!r}; choose one of {', '.join(MASTERS)}")
    try:
        number = int(seed or 0)
    except ValueError:
        raise SettingsError(f"the seed {str(seed)[:20]!r} is no whole number; write for example 0") from None
    return PerformSettings(
        formats=tuple(name for name in FORMATS if name in wanted or name == TIMELINE),
        master=master,
        narrator=bool(narrator),
        stems=bool(stems),
        seed=number,
        language=(language or "").strip(),
    )


def _without_timeline(formats: Sequence[str]) -> list[str]:
    return [name for name in formats if name != TIMELINE]
