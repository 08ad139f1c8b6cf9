"""The parts of the Perform page: where a script comes in, and the desk it is worked on.

Owns layout and labels. Does not know what happens when a part is used; `perform` does.
"""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from speechagents.styles import STYLES
from speechagents.ui.handlers import TRIGGER
from speechagents.ui.perform_views import examples_view
from speechagents.ui.reading import SUFFIXES
from speechagents.ui.render_options import RenderOptions

_TIMELINE: Final = """
element.addEventListener('click', (event) => {
  const bar = event.target.closest('[data-sa-line]');
  if (bar) trigger('select', { line: bar.dataset.saLine });
});
"""


class PerformParts:
    """Lays the parts out inside the Blocks that are open. They hold what the page shows, and nothing else does."""

    def __init__(self) -> None:
        self.here = gr.Textbox(visible=False, elem_id="sa-here")
        self.at = gr.Number(0, visible=False, precision=0)
        self._lay_out_start()
        self._lay_out_desk()

    @property
    def shown(self) -> list[Any]:
        """Every part that handlers change."""
        desk = [self.head, self.render, self.cancel, self.progress, self.listen, self.results, self.passage, self.at]
        line = [self.rows, self.cast, self.speech, self.words, self.style, self.voice, self.heard]
        return [self.here, self.start, self.shelf, self.notice, self.desk, *desk, *line, *self.options.parts]

    @property
    def watched(self) -> list[Any]:
        """The parts that change while a run goes on."""
        return [self.progress, self.listen, self.results, self.render, self.cancel]

    def _lay_out_start(self) -> None:
        with gr.Column(elem_classes="sa-start") as self.start:
            gr.HTML(
                '<p class="sa-kicker">Perform</p><h1>A script goes in. A full cast comes out.</h1>'
                '<p class="sa-lead">Paste a screenplay or a dialogue. Every role gets a voice of its own, every line '
                "its style, and you get one programme with chapters, subtitles and stems.</p>",
                js_on_load=None,
            )
            with gr.Column(elem_classes="sa-panel"):
                self.text = gr.Textbox(
                    label="Your script",
                    info="Fountain, or one line a speaker: Anna (whispering): Is it still raining?",
                    placeholder="Anna (whispering): Is it still raining?\nBen: It is not raining. It is a flood!",
                    lines=9,
                    max_lines=22,
                    elem_id="sa-script",
                )
                with gr.Row(elem_classes="sa-actions"):
                    self.read = gr.Button("Open the script", variant="primary", elem_id="sa-read")
                    self.upload = gr.UploadButton(
                        "Upload a file",
                        file_types=list(SUFFIXES),
                        file_count="single",
                        type="filepath",
                        elem_id="sa-upload",
                    )
                gr.HTML(
                    '<p class="sa-hint">Fountain, Final Draft (FDX), plain text or JSON, up to 2 MB. Books and EPUB '
                    "come with a later release.</p>",
                    js_on_load=None,
                )
        self.notice = gr.HTML(elem_id="sa-notice", js_on_load=None, visible=False)
        with gr.Column(elem_classes="sa-examples") as self.shelf:
            gr.HTML("<h2>Or hear one of these</h2>", js_on_load=None)
            self.cards = gr.HTML(examples_view(), js_on_load=TRIGGER, elem_id="sa-examples")

    def _lay_out_desk(self) -> None:
        with gr.Column(visible=False, elem_classes="sa-desk", elem_id="sa-desk") as self.desk:
            self.head = gr.HTML(js_on_load=None, elem_id="sa-head")
            with gr.Row(elem_classes="sa-actions"):
                self.render = gr.Button("Render", variant="primary", elem_id="sa-render")
                self.cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="sa-cancel")
                self.new = gr.Button("Another script", elem_id="sa-new")
            self.progress = gr.HTML(js_on_load=None, elem_id="sa-progress")
            self.listen = gr.HTML(js_on_load=None, elem_id="sa-listen")
            with gr.Column(elem_classes="sa-panel"):
                self.results = gr.HTML(elem_id="sa-results", js_on_load=_TIMELINE)
            with gr.Column(elem_classes="sa-panel"):
                self.passage = gr.Dropdown(label="Scene", interactive=True, elem_id="sa-passage", filterable=False)
                with gr.Tabs():
                    with gr.Tab("Lines", id="lines"):
                        self._lay_out_lines()
                    with gr.Tab("Cast", id="cast"):
                        self.cast = gr.HTML(js_on_load=TRIGGER, elem_id="sa-cast")
                    with gr.Tab("One line", id="line"):
                        self._lay_out_line()
                    with gr.Tab("Options", id="options"):
                        self.options = RenderOptions()

    def _lay_out_lines(self) -> None:
        self.rows = gr.Dialogue(
            type="list",
            speakers=["ANNA"],
            tags=[f"({tag})" for tag in STYLES if tag != "default"],
            label="Lines of this scene",
            info="Who says what. Type a colon in a line to choose its style.",
            ui_mode="dialogue",
            interactive=True,
            elem_id="sa-lines",
        )
        with gr.Row(elem_classes="sa-actions"):
            self.save = gr.Button("Save lines", elem_id="sa-save")
            self.name = gr.Textbox(
                show_label=False, placeholder="Name of a new role", max_length=80, elem_id="sa-name", min_width=140
            )
            self.add = gr.Button("Add role", elem_id="sa-add")

    def _lay_out_line(self) -> None:
        gr.HTML(
            '<p class="sa-hint">Change one line, hear it alone, and put it into the production. Every other take stays '
            "as it is.</p>",
            js_on_load=None,
        )
        self.speech = gr.Dropdown(label="Line", interactive=True, elem_id="sa-speech")
        self.words = gr.Textbox(label="What is said", lines=2, max_lines=8, elem_id="sa-words")
        with gr.Row():
            self.style = gr.Dropdown(list(STYLES), label="Style", interactive=True, elem_id="sa-style")
            self.voice = gr.Dropdown(
                label="Voice", info="Of every line of this role", interactive=True, elem_id="sa-voice"
            )
        with gr.Row(elem_classes="sa-actions"):
            self.hear = gr.Button("Hear this line", elem_id="sa-hear")
            self.put = gr.Button("Put it into the production", variant="primary", elem_id="sa-put")
        self.heard = gr.HTML(js_on_load=None, elem_id="sa-heard")
