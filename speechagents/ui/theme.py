"""How the studio looks: Gradio's theme, the colours of roles, and what the page's head loads.

Owns colours, type and their two lights, day and night. Does not know any page. All type is the system's own: nothing
is fetched from a network. Layout and components are dressed by ``static/studio.css``, which uses these colours by
the names given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

STATIC: Final = Path(__file__).parent / "static"
"""Folder of style sheets and scripts."""

SCRIPTS: Final = ("studio.js", "transcript.js")
"""Scripts that every page loads; a page's own come with it."""

DAY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paper": "#faf7f1",
        "panel": "#ffffff",
        "sunk": "#f2ede3",
        "rule": "#e2d9c9",
        "edge": "#8a7f70",
        "ink": "#221c22",
        "soft": "#5d5560",
        "curtain": "#7d1f2e",
        "curtain-lit": "#95293a",
        "on-curtain": "#fff8ee",
        "brass": "#8a5a12",
        "glow": "#f6e8d3",
        "good": "#1f6b45",
        "bad": "#a3261f",
    }
)
NIGHT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paper": "#151116",
        "panel": "#1f1a21",
        "sunk": "#19151b",
        "rule": "#3a323d",
        "edge": "#8b8090",
        "ink": "#f3ecdf",
        "soft": "#b9aeb9",
        "curtain": "#a8324a",
        "curtain-lit": "#bb3d56",
        "on-curtain": "#fff8ee",
        "brass": "#e2b25b",
        "glow": "#2d2428",
        "good": "#74c79a",
        "bad": "#ff9a8d",
    }
)
ROLE_COLOURS: Final = (
    ("#9c2f2a", "#f0857c"),
    ("#1f6690", "#6db8e8"),
    ("#8a5a00", "#e5b04a"),
    ("#2d6e3a", "#7cc98a"),
    ("#71439b", "#c49bea"),
    ("#a8326f", "#f08cba"),
    ("#0f6f6a", "#5cc9c0"),
    ("#7a4a21", "#d3a277"),
    ("#48587a", "#a3b5de"),
    ("#a24a12", "#f3a06a"),
    ("#566312", "#bccb62"),
    ("#5b4f8f", "#aaa4f0"),
)
"""By day and by night; names always stand beside them, so that nobody has to tell roles apart by colour alone."""

SANS: Final = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO: Final = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def role_colour(index: int) -> str:
    """The colour of the role at a place of the cast, as a CSS value that follows the light of the page."""
    return f"var(--role-{index % len(ROLE_COLOURS)})"


def looks() -> dict[str, Any]:
    """What ``launch`` needs to show the pages as they are meant."""
    return {"theme": _theme(), "css": _style_sheet(), "head": _head(), "footer_links": []}


def _theme() -> gr.themes.Base:
    """Gradio's own variables, set to ours; both lights at once, because ours change with the page's."""
    theme = gr.themes.Base(font=SANS, font_mono=MONO, radius_size="md", spacing_size="md", text_size="md")
    values = {
        "body_background_fill": "var(--sa-paper)",
        "body_text_color": "var(--sa-ink)",
        "body_text_color_subdued": "var(--sa-soft)",
        "background_fill_primary": "var(--sa-panel)",
        "background_fill_secondary": "var(--sa-sunk)",
        "block_background_fill": "var(--sa-panel)",
        "block_border_color": "var(--sa-rule)",
        "block_info_text_color": "var(--sa-soft)",
        "block_label_background_fill": "var(--sa-panel)",
        "block_label_text_color": "var(--sa-soft)",
        "block_title_text_color": "var(--sa-ink)",
        "border_color_primary": "var(--sa-rule)",
        "border_color_accent": "var(--sa-brass)",
        "border_color_accent_subdued": "var(--sa-rule)",
        "button_primary_background_fill": "var(--sa-curtain)",
        "button_primary_background_fill_hover": "var(--sa-curtain-lit)",
        "button_primary_border_color": "var(--sa-curtain)",
        "button_primary_text_color": "var(--sa-on-curtain)",
        "button_secondary_background_fill": "var(--sa-panel)",
        "button_secondary_background_fill_hover": "var(--sa-glow)",
        "button_secondary_border_color": "var(--sa-edge)",
        "button_secondary_text_color": "var(--sa-ink)",
        "button_cancel_background_fill": "var(--sa-panel)",
        "button_cancel_background_fill_hover": "var(--sa-glow)",
        "button_cancel_border_color": "var(--sa-bad)",
        "button_cancel_text_color": "var(--sa-bad)",
        "checkbox_background_color": "var(--sa-panel)",
        "checkbox_background_color_selected": "var(--sa-curtain)",
        "checkbox_border_color": "var(--sa-edge)",
        "checkbox_border_color_selected": "var(--sa-curtain)",
        "checkbox_border_color_focus": "var(--sa-brass)",
        "checkbox_label_background_fill": "var(--sa-panel)",
        "checkbox_label_background_fill_hover": "var(--sa-glow)",
        "checkbox_label_background_fill_selected": "var(--sa-glow)",
        "checkbox_label_border_color": "var(--sa-rule)",
        "checkbox_label_border_color_selected": "var(--sa-brass)",
        "checkbox_label_text_color": "var(--sa-ink)",
        "checkbox_label_text_color_selected": "var(--sa-ink)",
        "color_accent": "var(--sa-brass)",
        "color_accent_soft": "var(--sa-glow)",
        "error_background_fill": "var(--sa-panel)",
        "error_border_color": "var(--sa-bad)",
        "error_text_color": "var(--sa-bad)",
        "input_background_fill": "var(--sa-panel)",
        "input_background_fill_focus": "var(--sa-panel)",
        "input_border_color": "var(--sa-edge)",
        "input_border_color_focus": "var(--sa-brass)",
        "input_placeholder_color": "var(--sa-soft)",
        "link_text_color": "var(--sa-curtain-text)",
        "link_text_color_hover": "var(--sa-ink)",
        "link_text_color_visited": "var(--sa-curtain-text)",
        "link_text_color_active": "var(--sa-ink)",
        "loader_color": "var(--sa-brass)",
        "panel_background_fill": "var(--sa-panel)",
        "panel_border_color": "var(--sa-rule)",
        "slider_color": "var(--sa-curtain)",
        "table_border_color": "var(--sa-rule)",
        "table_even_background_fill": "var(--sa-panel)",
        "table_odd_background_fill": "var(--sa-sunk)",
        "table_row_focus": "var(--sa-glow)",
        "shadow_drop": "none",
        "shadow_drop_lg": "none",
        "shadow_inset": "none",
        "block_shadow": "none",
        "block_padding": "0px",
        "block_border_width": "0px",
        "block_label_border_width": "0px",
        "button_border_width": "1px",
        "button_transition": "background-color 0.15s, border-color 0.15s",
        "button_large_radius": "8px",
        "button_medium_radius": "8px",
        "button_small_radius": "8px",
        "input_radius": "8px",
        "block_radius": "12px",
        "input_border_width": "1px",
    }
    known = set(vars(theme))
    for name in tuple(values):
        if name + "_dark" in known:
            values[name + "_dark"] = values[name]
    return theme.set(**values)


def _style_sheet() -> str:
    """The colours by name, in both lights, and the style sheet that uses them."""
    lights = []
    for place, (selector, colours) in enumerate(((":root", DAY), (".dark", NIGHT))):
        names = [f"--sa-{name}:{colour}" for name, colour in colours.items()]
        names += [f"--role-{index}:{pair[place]}" for index, pair in enumerate(ROLE_COLOURS)]
        lights.append(f"{selector}{{{';'.join(names)}}}")
    sheets = sorted(STATIC.glob("*.css"), key=lambda path: (path.name != "studio.css", path.name))
    return "\n".join((*lights, *(path.read_text("utf-8") for path in sheets)))


def _head() -> str:
    """Set before the page is drawn: its icon, and the light that the visitor chose last."""
    icon = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' "
        "height='32' rx='7' fill='%237d1f2e'/%3E%3Cpath d='M8 20v-8M13 24V8M19 22V10M24 19v-6' stroke='%23f6e8d3' "
        "stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E"
    )
    script = (STATIC / "studio.js").read_text("utf-8")
    return (
        f'<link rel="icon" href="{icon}">\n<meta name="color-scheme" content="light dark">\n<script>{script}</script>'
    )
