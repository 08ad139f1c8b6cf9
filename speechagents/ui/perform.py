"""The Perform page: a script goes in, a full cast comes out.

Owns what happens when a part of the page is used. Does not know how scripts are edited (`dialogue_editing`), kept and
performed (`drafts`) or shown (`perform_parts`, `perform_views`, `results`).

The page keeps no state of its own on the server: which production is open stands in its address, and each handler
asks the visitor's shelf for it anew. So a reload opens the same production and joins its run again, and an id that
somebody else made up opens nothing.
"""

from __future__ import annotations

import asyncio
import base64
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from speechagents.errors import ScriptError, SpeechAgentsError
from speechagents.scripts.script import Script
from speechagents.settings import PerformSettings
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
from speechagents.ui.error_box import error_box, note
from speechagents.ui.handlers import PRIVATE, on_load, opened_production, pressed
from speechagents.ui.perform_parts import PerformParts
from speechagents.ui.perform_views import (
    cast_view,
    examples,
    failed_view,
    head_view,
    heard_view,
    listen_view,
    progress_view,
    speech_label,
    voice_label,
)
from speechagents.ui.reading import read_text, read_upload
from speechagents.ui.render_options import settings_of
from speechagents.ui.results import results_view

if TYPE_CHECKING:
    from speechagents.serving.house import House

POLL_S: Final = 0.3
"""How often the page looks at a run."""

_REMEMBER: Final = """(id) => {
  const address = id ? '?production=' + id : location.pathname;
  if (id !== (new URLSearchParams(location.search).get('production') || '')) window.scrollTo(0, 0);
  history.replaceState(null, '', address);
}"""

Updates = dict[Any, Any]
Handler = Callable[..., Any]


def perform_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    _Page(house)


class _Page:
    """Parts and handlers of the page; it holds nothing of any visitor."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._parts = PerformParts()
        self._wire()

    def _wire(self) -> None:
        parts = self._parts
        options = parts.options.parts
        edited = [parts.here, parts.at, parts.rows]
        line = [parts.here, parts.speech, parts.words, parts.style, parts.voice]

        def on(trigger: Any, handler: Handler, inputs: list[Any]) -> Any:
            return trigger(self._telling(handler), inputs, parts.shown, **PRIVATE)

        def then_watch(event: Any) -> None:
            event.then(None, parts.here, None, js=_REMEMBER).then(self._watch, parts.here, parts.watched, **PRIVATE)

        then_watch(on_load(self._telling(self._reopen), None, parts.shown, **PRIVATE))
        then_watch(on(parts.read.click, self._open_text, [parts.text]))
        then_watch(on(parts.upload.upload, self._open_upload, [parts.upload]))
        then_watch(on(parts.cards.click, self._open_example, []))
        then_watch(on(parts.render.click, self._render, [*edited, *options]))
        then_watch(on(parts.put.click, self._put_in, [*line, *options]))
        then_watch(on(parts.new.click, self._leave, []))
        on(parts.cancel.click, self._cancel, [parts.here])
        on(parts.save.click, self._save, [*edited, *options])
        on(parts.add.click, self._add_role, [parts.rows, parts.name])
        on(parts.passage.input, self._turn_to, [*edited, parts.passage, *options])
        on(parts.cast.select, self._give_voice, [parts.here, *options])
        on(parts.speech.input, self._choose, [parts.here, parts.speech, *options])
        on(parts.results.select, self._choose_at, [*edited, *options])
        on(parts.hear.click, self._hear, [*line, *options])

    # Opening ----------------------------------------------------------------------------------------------------

    def _reopen(self, request: gr.Request) -> Updates:
        production = opened_production(request)
        return self._opened(self._draft(production, request)) if production else {}

    def _open_text(self, request: gr.Request, text: str) -> Updates:
        return self._begun(read_text(text or ""), request)

    def _open_upload(self, request: gr.Request, path: str | None) -> Updates:
        if not path:
            return {}
        return self._begun(read_upload(Path(path), Path(path).name), request)

    def _open_example(self, request: gr.Request, event: gr.EventData) -> Updates:
        wanted = pressed(event).get("id", "")
        example = next((example for example in examples() if example.name == wanted), None)
        if example is None:
            raise ScriptError("there is no such example; choose one of the cards")
        script = read_text(example.path.read_text("utf-8"), source=example.path.name)
        if not script.title:
            script = replace(script, title_page=(("Title", example.title), *script.title_page))
        draft = Draft.begin(self._house, self._house.visitor_of(request), script)
        draft.perform(settings_of(["m4b", "mp3", "vtt"], "podcast", False, False, "0", ""))
        return self._opened(draft)

    def _leave(self) -> Updates:
        return {
            self._parts.here: "",
            self._parts.desk: gr.update(visible=False),
            self._parts.start: gr.update(visible=True),
            self._parts.shelf: gr.update(visible=True),
        }

    def _begun(self, script: Script, request: gr.Request) -> Updates:
        return self._opened(Draft.begin(self._house, self._house.visitor_of(request), script))

    def _opened(self, draft: Draft) -> Updates:
        """The desk with a production on it, as it lies on the shelf."""
        settings = draft.settings()
        script = draft.script()
        busy = draft.busy
        return {
            self._parts.here: draft.id,
            self._parts.start: gr.update(visible=False),
            self._parts.shelf: gr.update(visible=False),
            self._parts.desk: gr.update(visible=True),
            self._parts.progress: "" if busy else failed_view(draft.production.record()),
            self._parts.listen: "",
            self._parts.results: results_view(self._house, draft.visitor, draft.id),
            self._parts.render: gr.Button("Render", interactive=not busy),
            self._parts.cancel: gr.Button("Cancel", visible=busy),
            **self._parts.options.show(settings),
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
            self._parts.head: head_view(title_of(script), play),
            self._parts.at: at,
            self._parts.passage: gr.Dropdown(
                [(passage.title, number) for number, passage in enumerate(found)],
                value=at if found else None,
                visible=len(found) > 1,
            ),
            self._parts.rows: gr.Dialogue(
                [{"speaker": row.speaker, "text": row.text} for row in rows_of(script, found[at])] if found else [],
                speakers=list(script.characters),
            ),
            self._parts.cast: cast_view(cast, voices, self._house, narrates=settings.narrator),
            self._parts.heard: "",
            **self._speech_shown(draft, settings, spoken, spoken[0].index if spoken else None),
        }

    def _speech_shown(
        self, draft: Draft, settings: PerformSettings, spoken: Sequence[Speech], index: int | None
    ) -> Updates:
        speech = next((speech for speech in spoken if speech.index == index), None)
        cast = draft.cast(settings)
        return {
            self._parts.speech: gr.Dropdown([(speech_label(speech), speech.index) for speech in spoken], value=index),
            self._parts.words: speech.row.text if speech else "",
            self._parts.style: speech.style if speech else "default",
            self._parts.voice: gr.Dropdown(
                [(voice_label(voice), voice.id) for voice in self._house.studio.synthesizer.voices],
                value=cast[speech.row.speaker].voice.id if speech and speech.row.speaker in cast else None,
            ),
        }

    # Editing ----------------------------------------------------------------------------------------------------

    def _save(self, request: gr.Request, here: str, at: float, rows: Any, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        settings = settings_of(*rest)
        script = self._saved(draft, at, rows)
        return {
            **self._script_shown(draft, script, settings, int(at)),
            self._parts.notice: _notice(note("Saved. Render speaks only what has changed.")),
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
        return {self._parts.rows: gr.Dialogue(kept, speakers=[*speakers, name])}

    def _turn_to(self, request: gr.Request, here: str, at: float, rows: Any, wanted: int, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        script = draft.script() if draft.busy else self._saved(draft, at, rows)
        return self._script_shown(draft, script, settings_of(*rest), int(wanted or 0))

    def _give_voice(self, request: gr.Request, event: gr.EventData, here: str, *rest: Any) -> Updates:
        draft = self._draft(here, request)
        settings = settings_of(*rest)
        asked = pressed(event)
        cast = draft.give_voice(asked.get("id", ""), asked.get("text", ""), settings)
        voices = self._house.studio.synthesizer.voices
        return {self._parts.cast: cast_view(cast, voices, self._house, narrates=settings.narrator)}

    # One line ---------------------------------------------------------------------------------------------------

    def _choose(self, request: gr.Request, here: str, index: int | None, *rest: Any) -> Updates:
        draft, settings = self._draft(here, request), settings_of(*rest)
        script = draft.script()
        spoken = speeches_of(script, draft.play(settings))
        passage = next((p for p in passages(script) if index is not None and p.first <= index < p.end), None)
        shown = self._speech_shown(draft, settings, _within(spoken, passage) if passage else spoken, index)
        return {**shown, self._parts.heard: ""}

    def _choose_at(
        self, request: gr.Request, event: gr.EventData, here: str, at: float, rows: Any, *rest: Any
    ) -> Updates:
        """A bar of the timeline was pressed."""
        draft, settings = self._draft(here, request), settings_of(*rest)
        number = pressed(event).get("line", "")
        script = draft.script() if draft.busy else self._saved(draft, at, rows)
        spoken = speeches_of(script, draft.play(settings))
        speech = next((s for s in spoken if any(str(line.number) == number for line in s.lines)), None)
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
        draft, settings = self._draft(here, request), settings_of(*rest)
        changed = with_speech(draft.script(), _index(index), words or "", style or "")
        play = traced_breakdown(changed, narrator=settings.narrator, language=settings.language)
        speech = next((s for s in speeches_of(changed, play) if s.index == index), None)
        if speech is None:
            raise ScriptError("nothing of this line can be heard; write words")
        sound = draft.hear(speech.lines, settings, voice=voice or "")
        return {
            self._parts.heard: heard_view(base64.b64encode(sound).decode(), f"{speech.row.speaker}, this line alone")
        }

    def _put_in(
        self, request: gr.Request, here: str, index: int | None, words: str, style: str, voice: str, *rest: Any
    ) -> Updates:
        draft, settings = self._draft(here, request), settings_of(*rest)
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
        draft, settings = self._draft(here, request), settings_of(*rest)
        script = self._saved(draft, at, rows)
        draft.perform(settings)
        return {**self._script_shown(draft, script, settings, int(at)), **self._running()}

    def _running(self) -> Updates:
        return {
            self._parts.render: gr.Button("Render", interactive=False),
            self._parts.cancel: gr.Button("Cancel", visible=True),
            self._parts.listen: "",
        }

    def _cancel(self, request: gr.Request, here: str) -> Updates:
        run = self._draft(here, request).run
        if run is not None:
            run.stop()
        return {self._parts.cancel: gr.Button("Cancel", visible=False)}

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
                updates[self._parts.progress] = shown = progress
            if view.state.over:
                results = await asyncio.to_thread(results_view, self._house, visitor, here)
                updates |= {self._parts.listen: "", self._parts.results: results}
                updates |= {
                    self._parts.render: gr.Button("Render", interactive=True),
                    self._parts.cancel: gr.Button("Cancel", visible=False),
                }
                yield updates
                return
            if view.listen_s > 0 and not listening:
                listening = True
                updates[self._parts.listen] = listen_view(self._house.listen_link(visitor, here))
            if updates:
                yield updates
            await asyncio.sleep(POLL_S)

    def _telling(self, handler: Handler) -> Handler:
        """A handler whose fault is told in the page and stays there, and that clears the last one."""

        @functools.wraps(handler)
        def telling(*args: Any, **kwargs: Any) -> Updates:
            try:
                return {self._parts.notice: gr.update(value="", visible=False), **handler(*args, **kwargs)}
            except SpeechAgentsError as error:
                return {self._parts.notice: _notice(error_box(error, self._house))}

        return telling

    def _draft(self, here: str, request: gr.Request) -> Draft:
        return Draft(self._house, self._house.visitor_of(request), str(here or ""))


def _notice(view: str) -> Any:
    return gr.update(value=view, visible=True)


def _rows(rows: Any) -> list[Row]:
    """Rows as the page sends them."""
    if not isinstance(rows, list):
        return []
    return [Row(str(row.get("speaker", "")), str(row.get("text", ""))) for row in rows if isinstance(row, dict)]


def _within(spoken: Sequence[Speech], passage: Passage) -> tuple[Speech, ...]:
    return tuple(speech for speech in spoken if passage.first <= speech.index < passage.end)


def _index(index: int | None) -> int:
    return -1 if index is None else int(index)
