"""The Cast page: the voices to look through and to hear, any sentence spoken by any of them, and voices of one's own.

Owns the page's layout and what its buttons call. Cards are drawn by `voice_cards`; own voices and the consent to them
are kept by `voices.own_voices`, and only a back end that clones makes anything of them.
"""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
import soundfile as sf

from speechagents.audio import Audio
from speechagents.drama import Style, clean_name
from speechagents.errors import CastError, SpeechAgentsError, SynthesisError
from speechagents.styles import STYLES
from speechagents.ui.error_box import error_box, note
from speechagents.ui.handlers import PRIVATE, on_load
from speechagents.ui.voice_cards import ANY, Wanted, kinds, language_of, voice_cards
from speechagents.voices.own_voices import MOST_SAMPLE_S, STATEMENT, OwnVoice, OwnVoices, read_sample
from speechagents.voices.synthesizer import ChecksLanguage, ClonesVoices, SpokenLine, Take, Voice

if TYPE_CHECKING:
    from speechagents.serving.house import House

MAX_TEXT_CHARS: Final = 300


def cast_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    gr.HTML(
        '<h1>Meet the cast</h1><p class="sa-lead">Every voice that can play a role here: hear it, see how high it '
        "lies and whom it could be taken for, and let it say a sentence of yours.</p>",
        js_on_load=None,
    )
    _try_out(house)
    _catalogue(house)
    if isinstance(house.studio.synthesizer, ClonesVoices):
        _own_voices(house, house.studio.synthesizer)
    else:
        gr.HTML(_nobody_clones(house), js_on_load=None)


# ---- the catalogue ----


def _catalogue(house: House) -> None:
    voices = house.studio.synthesizer.voices
    with gr.Row(elem_classes="sa-filters"):
        gender = gr.Dropdown(kinds([voice.gender.value for voice in voices]), value=ANY, label="Gender", min_width=130)
        age = gr.Dropdown(kinds([voice.age.value for voice in voices]), value=ANY, label="Age", min_width=130)
        accent = gr.Dropdown(kinds([voice.accent for voice in voices]), value=ANY, label="Accent", min_width=150)
        languages = kinds([language_of(voice) for voice in voices])
        language = gr.Dropdown(languages, value=ANY, label="Language", min_width=130)
        words = gr.Textbox(label="Words", placeholder="calm narrator", max_length=100, min_width=150)
    cards = gr.HTML(voice_cards(voices, Wanted(), sample=house.voice_link), js_on_load=None)

    def narrowed(gender: str, age: str, accent: str, language: str, words: str) -> str:
        return voice_cards(voices, Wanted(gender, age, accent, language, words or ""), sample=house.voice_link)

    filters: list[Any] = [gender, age, accent, language, words]
    for one in filters:
        one.input(narrowed, filters, cards, **PRIVATE)


# ---- a sentence of one's own ----


def _try_out(house: House) -> None:
    voices = {voice.id: voice for voice in house.studio.synthesizer.voices}
    with gr.Column(elem_classes="sa-panel"):
        gr.HTML("<h2>Let a voice say something</h2>", js_on_load=None)
        text = gr.Textbox(
            "The house was quiet, and somebody had been there before us.",
            label="What it says",
            lines=2,
            max_lines=4,
            max_length=MAX_TEXT_CHARS,
        )
        with gr.Row(elem_classes="sa-end"):
            labels = [(f"{voice.id}: {voice.description}", voice.id) for voice in voices.values()]
            voice = gr.Dropdown(labels, value=next(iter(voices), None), label="Voice", min_width=220, scale=2)
            style = gr.Dropdown(list(STYLES), value="default", label="Style", min_width=140)
            language = gr.Textbox(label="Language", placeholder="its own", max_length=35, min_width=120)
            speak = gr.Button("Speak", variant="primary", min_width=120)
        heard = gr.HTML(js_on_load=None)

    def spoken(text: str, voice: str, style: str, language: str) -> str:
        try:
            chosen = voices.get(voice)
            if chosen is None:
                raise CastError("choose a voice of the list")
            return player(spoken_line(house, text, chosen, style=style, language=language))
        except SpeechAgentsError as error:
            return error_box(error, house, title="Nothing was said")

    asked: list[Any] = [text, voice, style, language]
    speak.click(spoken, asked, heard, api_visibility="private", concurrency_limit=2)
    text.submit(spoken, asked, heard, api_visibility="private", concurrency_limit=2)


def spoken_line(house: House, text: str, voice: Voice, *, style: str = "default", language: str = "") -> Audio:
    """A visitor's sentence, spoken.

    Raises:
        CastError: There is nothing to say, it is too long, or there is no such style.
        SettingsError: The language is not spoken here.
        SynthesisError: The voice could not say it.
    """
    said, language = clean_name(text or ""), (language or "").strip()
    if not said or len(said) > MAX_TEXT_CHARS:
        raise CastError(f"write a sentence of at most {MAX_TEXT_CHARS} characters")
    if style not in STYLES:
        raise CastError("choose a style of the list")
    synthesizer = house.studio.synthesizer
    if language and isinstance(synthesizer, ChecksLanguage):
        synthesizer.check_language(language)
    (take,) = synthesizer.speak([SpokenLine(said, voice, Style(style), language)])
    if not isinstance(take, Take):
        raise SynthesisError(f"voice {voice.id}: {take.reason}")
    return take.audio


def player(sound: Audio) -> str:
    """A short sound as a player that holds it; nothing of it is kept on the server."""
    encoded = io.BytesIO()
    sf.write(encoded, sound.samples, sound.rate_hz, format="FLAC", subtype="PCM_16")
    data = base64.b64encode(encoded.getvalue()).decode("ascii")
    return f'<audio controls autoplay aria-label="What the voice said" src="data:audio/flac;base64,{data}"></audio>'


# ---- own voices ----


def _nobody_clones(house: House) -> str:
    voices = html.escape(house.studio.preset.synthesizer)
    return (
        '<section class="sa-panel sa-own"><h2>Voices of your own</h2>'
        f"<p>The voices that speak here (<b>{voices}</b>) are made from rules and recipes. They cannot copy anybody, "
        "so there is nothing to record on this page and no button that would pretend to.</p>"
        '<p class="sa-hint">A back end that clones voices brings this section to life: it asks whose voice it is, '
        "keeps the consent beside the recording, and deletes both when you say so. "
        '<a href="about">What else could run here</a>.</p></section>'
    )


def _own_voices(house: House, synthesizer: ClonesVoices) -> None:
    with gr.Column(elem_classes=["sa-panel", "sa-own"]):
        gr.HTML(
            '<h2>Voices of your own</h2><p class="sa-hint">A voice belongs to a person. Nothing is kept here without '
            "the consent below, which is recorded beside the recording with today's date. The recording stays on this "
            "server, is seen by nobody else, and goes with the consent when you remove the voice.</p>",
            js_on_load=None,
        )
        sample = gr.File(label=f"Recording, 3 to {MOST_SAMPLE_S:.0f} s", file_types=["audio"], height=120)
        with gr.Row():
            name = gr.Textbox(label="What the voice is called", max_length=60, min_width=200)
            owner = gr.Textbox(label="Whose voice it is", info="First and last name.", max_length=120, min_width=200)
        agreed = gr.Checkbox(False, label=STATEMENT)
        add = gr.Button("Keep this voice", variant="primary")
        told = gr.HTML(js_on_load=None)
        mine = gr.Dropdown([], label="Your voices", interactive=True)
        with gr.Row():
            hear = gr.Button("Hear it", min_width=120)
            remove = gr.Button("Remove it, with recording and consent", variant="stop", min_width=220)
        heard = gr.HTML(js_on_load=None)

    def own_of(request: gr.Request) -> OwnVoices:
        return OwnVoices(house.shelf(house.visitor_of(request)).voices())

    def listed(request: gr.Request) -> Any:
        return gr.Dropdown(choices=_choices(own_of(request).all()), value=None)

    def kept(file: str | None, name: str, owner: str, agreed: bool, request: gr.Request) -> list[Any]:
        try:
            if not file:
                raise CastError("choose a recording first")
            house.shelf(house.visitor_of(request)).check_room()
            own = own_of(request)
            voice = own.add(
                read_sample(Path(file)), name=name or "", owner=owner or "", agreed=STATEMENT if agreed is True else ""
            )
            try:
                own.cloned(voice.id, synthesizer)
            except SpeechAgentsError:
                own.remove(voice.id)
                raise
        except SpeechAgentsError as error:
            return [error_box(error, house, title="This voice was not kept"), gr.skip(), gr.skip(), gr.skip()]
        finally:
            if file:
                Path(file).unlink(missing_ok=True)
        told = note(
            f"{voice.consent.owner} agreed on {voice.consent.given_on}; both are kept.", title=voice.consent.name
        )
        return [told, gr.Dropdown(choices=_choices(own.all()), value=voice.id), None, False]

    def heard_again(id: str, text: str, request: gr.Request) -> str:  # noqa: A002 - what own voices call it
        try:
            voice = own_of(request).cloned(id or "", synthesizer)
            return player(spoken_line(house, text, voice))
        except SpeechAgentsError as error:
            return error_box(error, house, title="Nothing was said")

    def removed(id: str, request: gr.Request) -> list[Any]:  # noqa: A002 - what own voices call it
        own = own_of(request)
        try:
            own.remove(id or "")
        except SpeechAgentsError as error:
            return [error_box(error, house), gr.skip(), gr.skip()]
        gone = note("The recording and the consent are deleted.", title="Removed")
        return [gone, gr.Dropdown(choices=_choices(own.all()), value=None), ""]

    said = gr.State("The house was quiet, and somebody had been there before us.")
    add.click(kept, [sample, name, owner, agreed], [told, mine, sample, agreed], **PRIVATE)
    hear.click(heard_again, [mine, said], heard, **PRIVATE)
    remove.click(removed, [mine], [told, mine, heard], **PRIVATE)
    on_load(listed, None, mine, **PRIVATE)


def _choices(voices: tuple[OwnVoice, ...]) -> list[tuple[str, str]]:
    return [(f"{voice.consent.name} ({voice.consent.owner}, {voice.consent.given_on})", voice.id) for voice in voices]
