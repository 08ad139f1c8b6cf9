"""The part of a page in which a scene is written: from an idea, an example or a file, as a form or as YAML.

Owns those components and how they stay in step. Does not know what becomes of the scene; the page asks for it with
`SceneEditor.scene`.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from speechagents.drama import MAX_PLAYERS, MAX_TURNS, SceneBrief
from speechagents.errors import SceneError, SpeechAgentsError
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, POLICIES, parse_scene
from speechagents.ui.error_box import box, error_box
from speechagents.ui.handlers import PRIVATE, pressed
from speechagents.ui.scene_examples import example_cards, examples
from speechagents.ui.scene_form import (
    RoleDraft,
    SceneDraft,
    draft_of,
    fault_of,
    role_labels,
    scene_of,
    with_another_role,
    with_role,
    without_role,
    yaml_of,
)

if TYPE_CHECKING:
    from speechagents.serving.house import House

_POLICIES: Final = {
    "addressed": "whoever is spoken to answers",
    "bidding": "whoever wants the floor most",
    "director": "the director decides",
    "round-robin": "one after the other",
    "random": "by lot",
    "scripted": "in the order of the roles",
}
_HELP: Final = {
    "title": "",
    "setting": "Like a screenplay's heading; the sound of the room follows it.",
    "background": "What everybody in the scene knows.",
    "beats": "What should happen, one a line, in order.",
    "policy": "",
    "turns": "At most, silent ones included.",
    "language": "A tag such as en, de or es-MX.",
    "seed": "Same scene, same seed: the same play.",
    "name": "",
    "profile": "Age, occupation, manner: for casting and acting.",
    "goals": "One a line; known to this role alone.",
    "secrets": "One a line; known to this role alone.",
    "relations": "One a line: NAME: what they are to this role.",
    "voice": "",
}
_SCENE_FIELDS: Final = ("title", "setting", "background", "beats", "policy", "turns", "language", "seed")
_ROLE_FIELDS: Final = ("name", "profile", "goals", "secrets", "relations", "voice")


class SceneEditor:
    """Lays itself out inside the Blocks that are open.

    Args:
        house: Studio and voices.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._voices = {voice.id: voice for voice in house.studio.synthesizer.voices}
        self._sources()
        self._nothing_opened = gr.HTML(js_on_load=None)
        self._fields: dict[str, Any] = {}
        self._roles = gr.State((RoleDraft(), RoleDraft()))
        self._current = gr.State(0)
        self._mode = gr.State("form")
        with gr.Column(elem_classes="sa-panel"), gr.Tabs(selected="form") as self._tabs:
            with gr.Tab("Form", id="form") as form:
                self._form()
            with gr.Tab("YAML", id="yaml") as text:
                self._yaml = gr.Textbox(
                    label="Scene file",
                    info="The same scene as a file: what you change here stands in the form when you go back.",
                    lines=18,
                    max_lines=30,
                    max_length=MAX_SCENE_FILE_BYTES,
                    elem_classes="sa-code",
                )
        self._problem = gr.HTML(js_on_load=None)
        self._wire(form, text)

    @property
    def inputs(self) -> list[Any]:
        """What `scene` wants to be called with."""
        return [self._mode, self._yaml, self._roles, self._current, *self._fields.values()]

    @property
    def marks(self) -> list[Any]:
        """What `marked` gives values for: the error, the roles, and every field."""
        return [self._problem, *self._shown]

    def scene(self, mode: str, text: str, *form: Any) -> SceneBrief:
        """The scene as it stands in the editor.

        Raises:
            SceneError: It is none yet.
        """
        return parse_scene(text) if mode == "yaml" else scene_of(self._draft(*form))

    def marked(self, error: SpeechAgentsError | None, *form: Any) -> list[Any]:
        """Values of `marks` that show what is wrong where it is, or that nothing is."""
        draft = self._draft(*form[2:])
        index = form[3]
        if error is None:
            return ["", *self._filled(draft, index)]
        fault = fault_of(error) if isinstance(error, SceneError) else None
        if fault is None or form[0] == "yaml":
            return [error_box(error, self._house, title="This is no scene yet"), *self._filled(draft, index)]
        where = (
            f"{role_labels(draft)[fault.role]}, {fault.field}"
            if fault.role is not None and fault.role < len(draft.roles)
            else fault.field
        )
        told = f"{where}: {fault.message}" if where else fault.message
        index = fault.role if fault.role is not None and fault.role < len(draft.roles) else index
        return [
            box(told, title="This is no scene yet"),
            *self._filled(draft, index, wrong={fault.field: fault.message}),
        ]

    # ---- laying out ----

    def _sources(self) -> None:
        with gr.Column(elem_classes="sa-panel"):
            gr.HTML("<h2>Begin with a sentence</h2>", js_on_load=None)
            self._idea = gr.Textbox(
                label="What happens?",
                placeholder="Three lighthouse keepers find out that the light has been off for a year.",
                max_length=1_000,
                lines=2,
            )
            with gr.Row(elem_classes="sa-end"):
                self._count = gr.Slider(2, MAX_PLAYERS, 4, step=1, label="Roles", min_width=180)
                self._idea_language = gr.Textbox("en", label="Language", max_length=35, min_width=120)
                self._propose = gr.Button("Propose a scene", variant="primary", min_width=200)
        gr.HTML('<p class="sa-kicker">Or begin with an example</p>', js_on_load=None)
        self._cards = gr.HTML(
            example_cards(examples()),
            js_on_load="element.addEventListener('click', (e) => { const b = e.target.closest('[data-example]');"
            " if (b) trigger('select', {name: b.dataset.example}); });",
        )
        self._upload = gr.UploadButton(
            "Open a scene file", file_types=[".yaml", ".yml", ".json"], size="sm", elem_classes="sa-narrow"
        )

    def _form(self) -> None:
        fields = self._fields
        with gr.Row():
            fields["title"] = gr.Textbox(label="Title", max_length=300, scale=3, min_width=220)
            fields["setting"] = gr.Textbox(
                label="Setting",
                info=_HELP["setting"],
                placeholder="INT. KITCHEN - NIGHT",
                max_length=300,
                scale=3,
                min_width=220,
            )
        fields["background"] = gr.Textbox(label="Background", info=_HELP["background"], lines=3, max_lines=8)
        fields["beats"] = gr.Textbox(label="Beats", info=_HELP["beats"], lines=3, max_lines=12)
        with gr.Row():
            fields["policy"] = gr.Dropdown(
                [(f"{name}: {_POLICIES[name]}", name) for name in sorted(POLICIES, key=list(_POLICIES).index)],
                value="addressed",
                label="Who speaks next",
                min_width=200,
                scale=2,
            )
            fields["turns"] = gr.Number(
                24, label="Turns", info=_HELP["turns"], precision=0, minimum=1, maximum=MAX_TURNS, min_width=120
            )
            fields["language"] = gr.Textbox(
                "en", label="Language", info=_HELP["language"], max_length=35, min_width=120
            )
            # A number field would round the large ones.
            fields["seed"] = gr.Textbox("0", label="Seed", info=_HELP["seed"], max_length=19, min_width=120)
        with gr.Column(elem_classes="sa-role"):
            gr.HTML("<h3>Roles</h3>", js_on_load=None)
            self._pick = gr.Radio(
                [("Role 1", 0), ("Role 2", 1)], value=0, label="Edit", show_label=False, elem_classes="sa-pick"
            )
            with gr.Row():
                fields["name"] = gr.Textbox(label="Name", max_length=300, min_width=180)
                fields["voice"] = gr.Dropdown(
                    self._voice_choices(), value="", label="Voice", min_width=220, allow_custom_value=True
                )
            self._sample = gr.HTML(js_on_load=None)
            fields["profile"] = gr.Textbox(label="Profile", info=_HELP["profile"], lines=2, max_lines=6)
            with gr.Row():
                fields["goals"] = gr.Textbox(label="Goals", info=_HELP["goals"], lines=2, max_lines=8, min_width=220)
                fields["secrets"] = gr.Textbox(
                    label="Secrets", info=_HELP["secrets"], lines=2, max_lines=8, min_width=220
                )
            fields["relations"] = gr.Textbox(label="Relations", info=_HELP["relations"], lines=2, max_lines=12)
            with gr.Row():
                self._add = gr.Button("Add a role", size="sm", min_width=120)
                self._remove = gr.Button("Remove this role", size="sm", min_width=120)

    def _voice_choices(self) -> list[tuple[str, str]]:
        chosen = [("The casting chooses", "")]
        return chosen + [(f"{voice.id}: {voice.description}", voice.id) for voice in self._voices.values()]

    @property
    def _shown(self) -> list[Any]:
        """What `_filled` gives values for."""
        return [self._roles, self._current, self._pick, self._sample, *self._fields.values()]

    # ---- wiring ----

    def _wire(self, form: gr.Tab, text: gr.Tab) -> None:
        parts = self.inputs[2:]  # roles, current and the fields
        every = [self._nothing_opened, self._problem, self._mode, self._tabs, self._yaml, *self._shown]
        self._propose.click(
            self._proposed,
            [self._idea, self._count, self._idea_language],
            every,
            api_visibility="private",
            concurrency_limit=4,
        )
        self._idea.submit(
            self._proposed,
            [self._idea, self._count, self._idea_language],
            every,
            api_visibility="private",
            concurrency_limit=4,
        )
        self._cards.select(self._example, None, every, **PRIVATE)
        self._upload.upload(self._uploaded, [self._upload], every, **PRIVATE)
        self._pick.input(self._picked, [*parts, self._pick], self._shown, **PRIVATE)
        self._fields["name"].blur(self._named, parts, [self._roles, self._pick], **PRIVATE)
        self._fields["voice"].input(self._sampled, [self._fields["voice"]], [self._sample], **PRIVATE)
        self._add.click(self._added, parts, self._shown, **PRIVATE)
        self._remove.click(self._removed, parts, self._shown, **PRIVATE)
        text.select(self._to_yaml, [self._mode, self._yaml, *parts], [self._mode, self._yaml], **PRIVATE)
        form.select(
            self._to_form,
            [self._mode, self._yaml, *parts],
            [self._problem, self._mode, self._tabs, *self._shown],
            **PRIVATE,
        )

    def _proposed(self, idea: str, count: float, language: str) -> list[Any]:
        try:
            scene = self._house.studio.propose(
                idea or "", roles=int(count), language=(language or "en").strip(), seed=secrets.randbelow(2**31)
            )
        except SpeechAgentsError as error:
            return self._refused(error, "No scene was proposed")
        return self._opened(scene)

    def _example(self, event: gr.EventData) -> list[Any]:
        name = pressed(event).get("name", "")
        scene = next((example.scene for example in examples() if example.name == name), None)
        return self._opened(scene) if scene else [gr.skip()] * (5 + len(self._shown))

    def _uploaded(self, path: str) -> list[Any]:
        try:
            file = Path(path)
            scene = parse_scene(_text_of(file), source=file.name)
        except SpeechAgentsError as error:
            return self._refused(error, "This file holds no scene")
        finally:
            Path(path).unlink(missing_ok=True)
        return self._opened(scene)

    def _opened(self, scene: SceneBrief) -> list[Any]:
        draft = draft_of(scene)
        return ["", "", "form", gr.Tabs(selected="form"), yaml_of(draft), *self._filled(draft, 0)]

    def _refused(self, error: SpeechAgentsError, title: str) -> list[Any]:
        return [error_box(error, self._house, title=title)] + [gr.skip()] * (4 + len(self._shown))

    def _picked(self, *values: Any) -> list[Any]:
        *form, index = values
        return self._filled(self._draft(*form), index)

    def _named(self, *form: Any) -> list[Any]:
        draft = self._draft(*form)
        return [draft.roles, gr.Radio(choices=_choices(draft), value=form[1])]

    def _added(self, *form: Any) -> list[Any]:
        draft = with_another_role(self._draft(*form))
        return self._filled(draft, len(draft.roles) - 1)

    def _removed(self, *form: Any) -> list[Any]:
        draft = without_role(self._draft(*form), form[1])
        return self._filled(draft, min(form[1], len(draft.roles) - 1))

    def _sampled(self, voice: str) -> str:
        found = self._voices.get(voice)
        if found is None:
            return ""
        address = html.escape(self._house.voice_link(found.id), quote=True)
        return f'<button type="button" class="sa-button" data-sa-hear="{address}">Hear {html.escape(found.id)}</button>'

    def _to_yaml(self, mode: str, text: str, *form: Any) -> list[Any]:
        return ["yaml", text if mode == "yaml" else yaml_of(self._draft(*form))]

    def _to_form(self, mode: str, text: str, *form: Any) -> list[Any]:
        if mode == "form":
            return [gr.skip()] * (3 + len(self._shown))
        try:
            draft = draft_of(parse_scene(text or ""))
        except SceneError as error:
            return [
                error_box(error, self._house, title="The form cannot show this yet"),
                "yaml",
                gr.Tabs(selected="yaml"),
                *[gr.skip()] * len(self._shown),
            ]
        return ["", "form", gr.Tabs(selected="form"), *self._filled(draft, min(form[1], len(draft.roles) - 1))]

    # ---- values ----

    def _draft(self, roles: Sequence[RoleDraft], current: int, *values: Any) -> SceneDraft:
        """The form, with the role that is being edited."""
        texts = dict(zip(self._fields, map(_text, values), strict=True))
        draft = SceneDraft(**{name: texts[name] for name in _SCENE_FIELDS}, roles=tuple(roles))
        return with_role(draft, current, RoleDraft(**{name: texts[name] for name in _ROLE_FIELDS}))

    def _filled(self, draft: SceneDraft, index: int, *, wrong: dict[str, str] | None = None) -> list[Any]:
        wrong = wrong or {}
        index = index if type(index) is int and 0 <= index < len(draft.roles) else 0
        role = draft.roles[index]
        values: dict[str, Any] = {name: getattr(draft, name) for name in _SCENE_FIELDS}
        values |= {name: getattr(role, name) for name in _ROLE_FIELDS}
        values["turns"] = int(draft.turns) if draft.turns.isdigit() else None
        updates = [
            gr.update(
                value=values[name],
                info=wrong.get(name, _HELP[name]),
                elem_classes=["sa-wrong"] if name in wrong else [],
            )
            for name in self._fields
        ]
        pick = gr.Radio(choices=_choices(draft), value=index)
        return [draft.roles, index, pick, self._sampled(role.voice), *updates]


def _choices(draft: SceneDraft) -> list[tuple[str, int]]:
    return [(label, index) for index, label in enumerate(role_labels(draft))]


def _text(value: Any) -> str:
    """What a component holds, as it would be typed."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(MAX_SCENE_FILE_BYTES + 1)
    if len(data) > MAX_SCENE_FILE_BYTES:
        raise SceneError(f"larger than {MAX_SCENE_FILE_BYTES // 1000} kB; this is no scene file", source=file.name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise SceneError("is not UTF-8; save it as UTF-8", source=file.name) from None
