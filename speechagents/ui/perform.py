"""The Perform page: a script goes in, a full cast comes out.

Owns the page's parts and what happens when one of them is used. Does not know how scripts are edited
(`dialogue_editing`), kept and performed (`drafts`) or shown (`perform_views`, `results`).

The page keeps no state of its own on the server: which production is open stands in its address, and each handler
asks the visitor's shelf for it anew. So a reload opens the same production and joins its run again, and an id that
somebody else made up opens nothing.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from gradio.context import Context

from speechagents.errors import ScriptError, SettingsError, SpeechAgentsError
from speechagents.production.exports import FORMATS
from speechagents.production.masters import MASTERS
from speechagents.scripts.script import Script
from speechagents.settings import DEFAULT_FORMATS, PerformSettings
from speechagents.styles import STYLES
from speechagents.ui.dialogue_editing import (
    Passage,
    Row,
    Speech,
    passages,
    rows_of,
    speeches_of,
    traced_breakdown,
    with_rows,
    with_speech,
)
from speechagents.ui.drafts import Draft, title_of
from speechagents.ui.perform_views import (
    TRIGGER,
    cast_view,
    error_view,
    examples,
    examples_view,
    failed_view,
    head_view,
    heard_view,
    listen_view,
    note_view,
    progress_view,
    voice_label,
)
from speechagents.ui.reading import SUFFIXES, read_text, read_upload
from speechagents.ui.results import results_view

if TYPE_CHECKING:
    from speechagents.serving.house import House

POLL_S: Final = 0.3
"""How often the page looks at a run."""

PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"}
"""How the pages' own handlers are registered: not for programs, and none waiting for another visitor's."""

_REMEMBER: Final = "(id) => { history.replaceState(null, '', id ? '?production=' + id : location.pathname); }"
_LABEL_CHARS: Final = 70

Updates = dict[Any, Any]
Handler = Callable[..., Any]


def perform_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    _Page(house)


class _Page:
    """Parts and handlers of the page; it holds nothing of any visitor."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lay_out_start()
        self._lay_out_desk()
        self._wire()

    # Parts ------------------------------------------------------------------------------------------------------

    def _lay_out_start(self) -> None:
        self.here = gr.Textbox(visible=False, elem_id="sa-here")
        self.at = gr.Number(0, visible=False, precision=0)
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
                        self._lay_out_options()

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

    def _lay_out_options(self) -> None:
        self.formats = gr.CheckboxGroup(
            [name for name in FORMATS if name != "json"],
            value=[name for name in DEFAULT_FORMATS if name != "json"],
            label="Files",
            info="The timeline (JSON) is always written.",
        )
        with gr.Row():
            self.master = gr.Dropdown(
                list(MASTERS), value="podcast", label="Loudness", info="Podcast, broadcast (r128), audiobook (acx)"
            )
            self.language = gr.Textbox("", label="Language", info="Such as en, de or pt-BR; empty: as the script says")
            self.seed = gr.Textbox("0", label="Seed", info="Same seed, same bytes", max_length=19)
        with gr.Row():
            self.narrator = gr.Checkbox(False, label="Narrator", info="Reads headings and action aloud")
            self.stems = gr.Checkbox(False, label="Stems", info="One file for each role besides the mix")

    @property
    def options(self) -> list[Any]:
        """The parts that hold options, in the order of `_settings`."""
        return [self.formats, self.master, self.narrator, self.stems, self.seed, self.language]

    @property
    def _shown(self) -> list[Any]:
        """Every part that handlers change."""
        desk = [self.head, self.render, self.cancel, self.progress, self.listen, self.results, self.passage, self.at]
        line = [self.rows, self.cast, self.speech, self.words, self.style, self.voice, self.heard]
        return [self.here, self.start, self.shelf, self.notice, self.desk, *desk, *line, *self.options]

    def _wire(self) -> None:
        shown, options = self._shown, self.options
        edited = [self.here, self.at, self.rows]
        line = [self.here, self.speech, self.words, self.style, self.voice]

        def then_watch(event: Any) -> None:
            event.then(None, self.here, None, js=_REMEMBER).then(self._watch, self.here, self._watched, **PRIVATE)

        def on(trigger: Any, handler: Handler, inputs: list[Any]) -> Any:
            return trigger(_told(self, handler), inputs, shown, **PRIVATE)

        root = Context.root_block
        assert root is not None  # noqa: S101 - the page is laid out inside Blocks
        then_watch(root.load(_told(self, self._reopen), None, shown, **PRIVATE))
        then_watch(on(self.read.click, self._open_text, [self.text]))
        then_watch(on(self.upload.upload, self._open_upload, [self.upload]))
        then_watch(on(self.cards.click, self._open_example, []))
        then_watch(on(self.render.click, self._render, [*edited, *options]))
        then_watch(on(self.put.click, self._put_in, [*line, *options]))
        then_watch(on(self.new.click, self._leave, []))
        on(self.cancel.click, self._cancel, [self.here])
        on(self.save.click, self._save, [*edited, *options])
        on(self.add.click, self._add_role, [self.rows, self.name])
        on(self.passage.input, self._turn_to, [*edited, self.passage, *options])
        on(self.cast.select, self._give_voice, [self.here, *options])
        on(self.speech.input, self._choose, [self.here, self.speech, *options])
        on(self.results.select, self._choose_at, [self.here, *edited[1:], *options])
        on(self.hear.click, self._hear, [*line, *options])

    # Opening ----------------------------------------------------------------------------------------------------

    def _reopen(self, request: gr.Request) -> Updates:
        production = str(dict(request.query_params).get("production", ""))
        return self._opened(self._draft(production, request)) if production else {}

    def _open_text(self, request: gr.Request, text: str) -> Updates:
        return self._begun(read_text(text or ""), request)

    def _open_upload(self, request: gr.Request, path: str | None) -> Updates:
        if not path:
            return {}
        return self._begun(read_upload(Path(path), Path(path).name), request)

    def _open_example(self, request: gr.Request, event: gr.EventData) -> Updates:
        wanted = str((event._data or {}).get("id", ""))  # noqa: SLF001 - Gradio's only way to what was pressed
        example = next((example for example in examples() if example.name == wanted), None)
        if example is None:
            raise ScriptError("there is no such example; choose one of the cards")
        script = read_text(example.path.read_text("utf-8"), source=example.path.name)
        if not script.title:
            script = replace(script, title_page=(("Title", example.title), *script.title_page))
        draft = Draft.begin(self._house, self._house.visitor_of(request), script)
        draft.perform(_settings(["m4b", "mp3", "vtt"], "podcast", False, False, "0", ""))
        return self._opened(draft)

    def _leave(self) -> Updates:
        return {
            self.here: "",
            self.desk: gr.Column(visible=False),
            self.start: gr.Column(visible=True),
            self.shelf: gr.Column(visible=True),
        }

    def _begun(self, script: Script, request: gr.Request) -> Updates:
        return self._opened(Draft.begin(self._house, self._house.visitor_of(request), script))

    def _opened(self, draft: Draft) -> Updates:
        """The desk with a production on it, as it lies on the shelf."""
        settings = draft.settings()
        script = draft.script()
        busy = draft.busy
        return {
            self.here: draft.id,
            self.start: gr.Column(visible=False),
            self.shelf: gr.Column(visible=False),
            self.desk: gr.Column(visible=True),
            self.progress: "" if busy else failed_view(draft.production.record()),
            self.listen: "",
            self.results: results_view(self._house, draft.visitor, draft.id),
            self.render: gr.Button("Render", interactive=not busy),
            self.cancel: gr.Button(visible=busy),
            self.formats: [name for name in settings.formats if name != "json"],
            self.master: settings.master,
            self.narrator: settings.narrator,
            self.stems: settings.stems,
            self.seed: str(settings.seed),
            self.language: settings.language,
            **self._script_shown(draft, script, settings, 0),
        }

    def _script_shown(self, draft: Draft, script: Script, settings: PerformSettings, at: int) -> Updates:
        """Everything that depends on the script's words, its cast and the scene that is chosen."""
        found = passages(script)
        at = min(max(0, at), max(0, len(found) - 1))
        play = traced_breakdown(script, narrator=settings.narrator, language=settings.language)
        cast = draft.cast(settings)
        voices = self._house.studio.synthesizer.voices
        spoken = _within(speeches_of(script, play), found[at]) if found else ()
        return {
            self.head: head_view(title_of(script), play),
            self.at: at,
            self.passage: gr.Dropdown(
                [(passage.title, number) for number, passage in enumerate(found)],
                value=at if found else None,
                visible=len(found) > 1,
            ),
            self.rows: gr.Dialogue(
                [{"speaker": row.speaker, "text": row.text} for row in rows_of(script, found[at])] if found else [],
                speakers=list(script.characters),
            ),
            self.cast: cast_view(cast, voices, self._house, narrates=settings.narrator),
            self.heard: "",
            **self._speech_shown(draft, settings, spoken, spoken[0].index if spoken else None),
        }

    def _speech_shown(
        self, draft: Draft, settings: PerformSettings, spoken: Sequence[Speech], index: int | None
    ) -> Updates:
        speech = next((speech for speech in spoken if speech.index == index), None)
        cast = draft.cast(settings)
        return {
            self.speech: gr.Dropdown([(_label(speech), speech.index) for speech in spoken], value=index),
            self.words: speech.row.text if speech else "",
            self.style: speech.style if speech else "default",
            self.voice: gr.Dropdown(
                [(voice_label(voice), voice.id) for voice in self._house.studio.synthesizer.voices],
                value=cast[speech.row.speaker].voice.id if speech and speech.row.speaker in cast else None,
            ),
        }

    # Editing ----------------------------------------------------------------------------------------------------

    def _save(self, request: gr.Request, here: str, at: float, rows: Any, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        settings = _settings(*rest)
        script = self._saved(draft, at, rows)
        return {
            **self._script_shown(draft, script, settings, int(at)),
            self.notice: _notice(note_view("Saved. Render speaks only what has changed.")),
        }

    def _saved(self, draft: Draft, at: float, rows: Any) -> Script:
        """The script with the rows of the page in it; written only if they say something new."""
        script = draft.script()
        found = passages(script)
        if not 0 <= int(at) < len(found):
            return script
        edited = with_rows(script, found[int(at)], _rows(rows))
        if edited != script:
            draft.save(edited)
        return edited

    def _add_role(self, rows: Any, name: str) -> Updates:
        name = " ".join((name or "").split())[:80]
        if not name:
            raise ScriptError("the new role has no name; write one, such as MR BEN")
        kept = [{"speaker": row.speaker, "text": row.text} for row in _rows(rows)]
        speakers = dict.fromkeys(row["speaker"] for row in kept)
        kept.append({"speaker": name, "text": ""})
        return {self.rows: gr.Dialogue(kept, speakers=[*speakers, name])}

    def _turn_to(self, request: gr.Request, here: str, at: float, rows: Any, wanted: int, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        script = draft.script() if draft.busy else self._saved(draft, at, rows)
        return self._script_shown(draft, script, _settings(*rest), int(wanted or 0))

    def _give_voice(self, request: gr.Request, event: gr.EventData, here: str, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        settings = _settings(*rest)
        asked = event._data or {}  # noqa: SLF001 - Gradio's only way to what was chosen
        cast = draft.give_voice(str(asked.get("id", "")), str(asked.get("text", "")), settings)
        voices = self._house.studio.synthesizer.voices
        return {self.cast: cast_view(cast, voices, self._house, narrates=settings.narrator)}

    # One line ---------------------------------------------------------------------------------------------------

    def _choose(self, request: gr.Request, here: str, index: int | None, *rest: Any) -> Updates:
        draft, settings = self._draft(here, request), _settings(*rest)
        script = draft.script()
        spoken = speeches_of(script, draft.play(settings))
        passage = next((p for p in passages(script) if index is not None and p.first <= index < p.end), None)
        shown = self._speech_shown(draft, settings, _within(spoken, passage) if passage else spoken, index)
        return {**shown, self.heard: ""}

    def _choose_at(
        self, request: gr.Request, event: gr.EventData, here: str, at: float, rows: Any, *rest: Any
    ) -> Updates:
        """A bar of the timeline was pressed."""
        draft, settings = self._draft(here, request), _settings(*rest)
        number = int((event._data or {}).get("line", 0))  # noqa: SLF001 - Gradio's only way to what was pressed
        script = draft.script() if draft.busy else self._saved(draft, at, rows)
        spoken = speeches_of(script, draft.play(settings))
        speech = next((s for s in spoken if any(line.number == number for line in s.lines)), None)
        if speech is None:
            return {}
        place = next(n for n, p in enumerate(passages(script)) if p.first <= speech.index < p.end)
        return {
            **self._script_shown(draft, script, settings, place),
            **self._speech_shown(draft, settings, _within(spoken, passages(script)[place]), speech.index),
        }

    def _hear(
        self, request: gr.Request, here: str, index: int | None, words: str, style: str, voice: str, *rest: Any
    ) -> Updates:
        draft, settings = self._draft(here, request), _settings(*rest)
        changed = with_speech(draft.script(), _index(index), words or "", style or "")
        play = traced_breakdown(changed, narrator=settings.narrator, language=settings.language)
        speech = next((s for s in speeches_of(changed, play) if s.index == index), None)
        if speech is None:
            raise ScriptError("nothing of this line can be heard; write words")
        sound = draft.hear(speech.lines, settings, voice=voice or "")
        return {self.heard: heard_view(base64.b64encode(sound).decode(), f"{speech.row.speaker}, this line alone")}

    def _put_in(
        self, request: gr.Request, here: str, index: int | None, words: str, style: str, voice: str, *rest: Any
    ) -> Updates:
        draft, settings = self._draft(here, request), _settings(*rest)
        script = draft.script()
        changed = with_speech(script, _index(index), words or "", style or "")
        if changed != script:
            draft.save(changed)
        speech = next((s for s in speeches_of(changed, draft.play(settings)) if s.index == index), None)
        if speech is not None and voice and draft.cast(settings)[speech.row.speaker].voice.id != voice:
            draft.give_voice(speech.row.speaker, voice, settings)
        draft.perform(settings)
        found = passages(changed)
        place = next((n for n, p in enumerate(found) if index is not None and p.first <= index < p.end), 0)
        spoken = speeches_of(changed, draft.play(settings))
        return {
            **self._script_shown(draft, changed, settings, place),
            **self._speech_shown(draft, settings, _within(spoken, found[place]), index),
            **self._running(),
        }

    # Performing -------------------------------------------------------------------------------------------------

    def _render(self, request: gr.Request, here: str, at: float, rows: Any, *rest: Any) -> Updates:
        draft, settings = self._draft(here, request), _settings(*rest)
        script = self._saved(draft, at, rows)
        draft.perform(settings)
        return {**self._script_shown(draft, script, settings, int(at)), **self._running()}

    def _running(self) -> Updates:
        return {
            self.render: gr.Button("Render", interactive=False),
            self.cancel: gr.Button(visible=True),
            self.listen: "",
        }

    def _cancel(self, request: gr.Request, here: str) -> Updates:
        run = self._draft(here, request).run
        if run is not None:
            run.stop()
        return {self.cancel: gr.Button(visible=False)}

    @property
    def _watched(self) -> list[Any]:
        return [self.progress, self.listen, self.results, self.render, self.cancel]

    async def _watch(self, request: gr.Request, here: str) -> AsyncIterator[Updates]:
        """Follow the run that is going on, if there is one, until it is over."""
        if not here:
            return
        visitor = self._house.visitor_of(request)
        run = self._house.runs.of(visitor, here)
        if run is None:
            return
        listening = False
        shown = ""
        while True:
            view = run.view()
            updates: Updates = {}
            if (progress := progress_view(view)) != shown:
                updates[self.progress] = shown = progress
            if view.state.over:
                results = await asyncio.to_thread(results_view, self._house, visitor, here)
                updates |= {self.listen: "", self.results: results}
                updates |= {self.render: gr.Button("Render", interactive=True), self.cancel: gr.Button(visible=False)}
                yield updates
                return
            if view.listen_s > 0 and not listening:
                listening = True
                updates[self.listen] = listen_view(self._house.listen_link(visitor, here))
            if updates:
                yield updates
            await asyncio.sleep(POLL_S)

    def told(self, error: SpeechAgentsError) -> str:
        """A fault in its own words, without the folders of the server."""
        root = re.escape(str(self._house.workspace.root))
        return re.sub(root + r"[^\s:;]*", "the production", str(error))

    def _draft(self, here: str, request: gr.Request) -> Draft:
        return Draft(self._house, self._house.visitor_of(request), str(here or ""))


def _told(page: _Page, handler: Handler) -> Handler:
    """A handler whose fault is told in the page and stays there, and that clears the last one."""

    @functools.wraps(handler)
    def telling(*args: Any, **kwargs: Any) -> Updates:
        try:
            return {page.notice: gr.HTML("", visible=False), **handler(*args, **kwargs)}
        except SpeechAgentsError as error:
            return {page.notice: _notice(error_view(page.told(error)))}

    return telling


def _notice(view: str) -> Any:
    return gr.HTML(view, visible=True)


def _settings(
    formats: Sequence[str], master: str, narrator: bool, stems: bool, seed: str, language: str
) -> PerformSettings:
    """What was chosen, checked; the timeline is always among the formats, because the page draws it."""
    try:
        number = int(seed or "0")
    except ValueError:
        raise SettingsError(f"the seed “{str(seed)[:20]}” is no whole number; write for example 0") from None
    unknown = [name for name in formats or () if name not in FORMATS]
    if unknown or master not in MASTERS:
        raise SettingsError("unknown format or loudness; choose from the lists")
    chosen = tuple(name for name in FORMATS if name in (formats or ()) or name == "json")
    return PerformSettings(
        formats=chosen, master=master, narrator=narrator, stems=stems, seed=number, language=(language or "").strip()
    )


def _rows(rows: Any) -> list[Row]:
    """Rows as the page sends them."""
    if not isinstance(rows, list):
        return []
    return [Row(str(row.get("speaker", "")), str(row.get("text", ""))) for row in rows if isinstance(row, dict)]


def _within(spoken: Sequence[Speech], passage: Passage) -> tuple[Speech, ...]:
    return tuple(speech for speech in spoken if passage.first <= speech.index < passage.end)


def _index(index: int | None) -> int:
    return -1 if index is None else int(index)


def _label(speech: Speech) -> str:
    text = " ".join(speech.row.text.split())
    short = text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "…"
    return f"{speech.lines[0].number} · {speech.row.speaker}: {short}"


_TIMELINE: Final = """
element.addEventListener('click', (event) => {
  const bar = event.target.closest('[data-sa-line]');
  if (bar) trigger('select', { line: Number(bar.dataset.saLine) });
});
"""
