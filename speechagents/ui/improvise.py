"""The Improvise page: a scene is written, role agents play it, and it can be looked into and left at any message.

Owns the page's layout and what its buttons call. What they do to shelf and runs is `playing`'s; how things look is
drawn by `transcript_view`, `inspector`, `stage_view` and `results`.
"""

from __future__ import annotations

import html
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from speechagents.agents.branching import MAX_NOTE_CHARS
from speechagents.branches import read_branch
from speechagents.drama import MAX_TURNS, Deed, SceneBrief
from speechagents.errors import SettingsError, SpeechAgentsError
from speechagents.scripts.scene_file import MAX_SEED
from speechagents.ui.error_box import error_box
from speechagents.ui.handlers import PRIVATE, on_load, opened_production, pressed
from speechagents.ui.inspector import inspection, nothing_chosen
from speechagents.ui.playing import Fork, Playing
from speechagents.ui.results import results_view
from speechagents.ui.scene_editor import SceneEditor
from speechagents.ui.stage_view import Controls, controls_of, status, still_on_stage, with_a_person
from speechagents.ui.transcript_view import SHOWN, cast_strip, told, transcript

if TYPE_CHECKING:
    from speechagents.serving.house import House
    from speechagents.serving.visitors import Visitor

_TICK_S: Final = 1.0
_MORE_TURNS: Final = 8
_PICKS: Final = """
element.addEventListener('click', (e) => {
  const look = e.target.closest('[data-look]');
  if (look) trigger('select', {message: Number(look.dataset.look)});
  if (e.target.closest('[data-earlier]')) trigger('select', {earlier: true});
});
"""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the page shows already, so that a tick sends only what has changed."""

    transcript: tuple[Any, ...] = ()
    status: str = ""
    results: tuple[Any, ...] = ()
    controls: Controls | None = None


def improvise_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    ImprovisePage(house)


class ImprovisePage:
    """The page; everything about one visitor is in the components, and nothing on this object.

    Args:
        house: What the server shares.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._playing = Playing(house)
        gr.HTML(
            '<h1>Let them improvise</h1><p class="sa-lead">Up to 25 role agents play a scene that nobody has written. '
            "Watch it grow, hear it, look behind every line, and let it go on differently from any of them.</p>",
            head=f'<script src="{html.escape(house.static_link("transcript.js"), quote=True)}"></script>',
            js_on_load=None,
        )
        self._production = gr.State("")
        self._chosen = gr.State(0)
        self._shown = gr.State(SHOWN)
        self._drawn = gr.State(_Drawn())
        self._timer = gr.Timer(_TICK_S, active=False)
        with gr.Tabs(selected="write", elem_classes="sa-steps") as self._tabs:
            with gr.Tab("The scene", id="write"):
                self._editor = SceneEditor(house)
                with gr.Row(elem_classes="sa-go"):
                    self._begin = gr.Button("Play the scene", variant="primary", min_width=180)
                    self._begin_slowly = gr.Button("Play it turn by turn", min_width=220)
            with gr.Tab("On stage", id="stage"):
                self._stage()
        self._wire()

    # ---- laying out ----

    def _stage(self) -> None:
        self._mine = gr.Dropdown([], label="Your scenes", info="Open one that you played before.")
        self._error = gr.HTML(js_on_load=None)
        self._status = gr.HTML(
            '<div class="sa-empty"><strong>The stage is empty</strong>Choose a scene and play it.</div>',
            js_on_load=None,
        )
        with gr.Row(elem_classes="sa-controls"):
            self._pause = gr.Button("Pause", visible=False, min_width=90)
            self._go_on = gr.Button("Go on", variant="primary", visible=False, min_width=90)
            self._step = gr.Button("One turn", visible=False, min_width=90)
            self._stop = gr.Button("Stop", variant="stop", visible=False, min_width=90)
            self._finish = gr.Button("End here and make the files", visible=False, min_width=180)
        with gr.Row(elem_classes="sa-two"):
            with gr.Column(scale=3, min_width=320):
                self._along = gr.HTML(
                    '<button type="button" class="sa-button" data-sa-along aria-pressed="false">Listen along</button>',
                    js_on_load=None,
                    visible=False,
                )
                self._transcript = gr.HTML(js_on_load=_PICKS, elem_classes="sa-stage")
            with gr.Column(scale=2, min_width=300):
                self._inspector = gr.HTML(nothing_chosen(), js_on_load=None, elem_id="sa-inspector")
                with gr.Column(visible=False, elem_classes=["sa-panel", "sa-branch"]) as self._branching:
                    self._branch_head = gr.HTML(js_on_load=None)
                    self._beats = gr.Textbox(
                        label="What should happen from here on", info="One beat a line.", lines=2, max_lines=10
                    )
                    self._note = gr.Textbox(label="A word from the director", max_length=MAX_NOTE_CHARS, lines=2)
                    self._note_hint = gr.HTML(js_on_load=None)
                    with gr.Row():
                        self._note_to = gr.Dropdown([("Everybody", "")], value="", label="Told to", min_width=130)
                        self._turns = gr.Number(
                            24, label="Turns in all", precision=0, minimum=2, maximum=MAX_TURNS, min_width=110
                        )
                        self._seed = gr.Textbox("1", label="Seed", max_length=19, min_width=110)
                    self._branch = gr.Button("Go on differently from here", variant="primary")
        self._results = gr.HTML(js_on_load=None, elem_classes="sa-results")

    @property
    def _view(self) -> list[Any]:
        """What `_draw` gives values for."""
        buttons = [self._pause, self._go_on, self._step, self._stop, self._finish]
        return [self._drawn, self._timer, self._status, self._transcript, self._results, self._along, *buttons]

    @property
    def _looked_at(self) -> list[Any]:
        """What `_behind` gives values for."""
        return [
            self._chosen,
            self._inspector,
            self._branching,
            self._branch_head,
            self._beats,
            self._note,
            self._note_hint,
            self._note_to,
            self._turns,
            self._seed,
        ]

    # ---- wiring ----

    def _wire(self) -> None:
        seen = [self._production, self._chosen, self._shown, self._drawn]
        opened = [self._error, self._tabs, self._production, self._shown, self._mine, *self._looked_at, *self._view]
        begun = [*self._editor.marks, *opened]
        self._begin.click(self._begun, self._editor.inputs, begun, **PRIVATE)
        self._begin_slowly.click(self._begun_slowly, self._editor.inputs, begun, **PRIVATE)
        self._mine.input(self._reopened, [self._mine], opened, **PRIVATE)
        self._timer.tick(self._ticked, seen, self._view, **PRIVATE)
        for button, does in (
            (self._pause, self._playing.pause),
            (self._go_on, self._playing.go_on),
            (self._step, self._playing.step),
            (self._stop, self._playing.stop),
            (self._finish, self._playing.finish),
        ):
            button.click(self._pressed(does), seen, [self._error, *self._view], **PRIVATE)
        self._transcript.select(self._selected, seen, [self._shown, *self._looked_at, *self._view], **PRIVATE)
        fork = [self._beats, self._note, self._note_to, self._turns, self._seed]
        self._branch.click(self._branched, [self._production, self._chosen, *fork], opened, **PRIVATE)
        on_load(self._arrived, None, opened, **PRIVATE)

    # ---- what is pressed ----

    def _begun(self, request: gr.Request, *form: Any) -> list[Any]:
        visitor = self._house.visitor_of(request)
        try:
            production = self._playing.begin(visitor, self._editor.scene(*form))
        except SpeechAgentsError as error:
            return [*self._editor.marked(error, *form), *self._unopened()]
        return [*self._editor.marked(None, *form), *self._open(visitor, production)]

    def _begun_slowly(self, request: gr.Request, *form: Any) -> list[Any]:
        visitor = self._house.visitor_of(request)
        try:
            production = self._playing.begin(visitor, self._editor.scene(*form))
            self._playing.step(visitor, production)
        except SpeechAgentsError as error:
            return [*self._editor.marked(error, *form), *self._unopened()]
        return [*self._editor.marked(None, *form), *self._open(visitor, production)]

    def _reopened(self, production: str, request: gr.Request) -> list[Any]:
        visitor = self._house.visitor_of(request)
        return self._open(visitor, production or "")

    def _arrived(self, request: gr.Request) -> list[Any]:
        visitor = self._house.visitor_of(request)
        asked = opened_production(request)
        production = asked if self._playing.is_scene(visitor, asked) else self._playing.latest(visitor)
        if production:
            return self._open(visitor, production)
        opened = self._unopened()
        opened[4] = self._list(visitor, "")
        return opened

    def _pressed(self, does: Any) -> Any:
        def handler(production: str, chosen: int, shown: int, drawn: _Drawn, request: gr.Request) -> list[Any]:
            visitor = self._house.visitor_of(request)
            problem = ""
            try:
                does(visitor, production)
            except SpeechAgentsError as error:
                problem = error_box(error, self._house)
            return [problem, *self._draw(visitor, production, chosen, shown, drawn, wakes=True)]

        return handler

    def _ticked(self, production: str, chosen: int, shown: int, drawn: _Drawn, request: gr.Request) -> list[Any]:
        return self._draw(self._house.visitor_of(request), production, chosen, shown, drawn)

    def _selected(
        self, production: str, chosen: int, shown: int, drawn: _Drawn, request: gr.Request, event: gr.EventData
    ) -> list[Any]:
        visitor = self._house.visitor_of(request)
        chosen_now = pressed(event)
        if "earlier" in chosen_now:
            shown = min(2_000, 4 * shown)
            behind = [gr.skip()] * len(self._looked_at)
        else:
            message = chosen_now.get("message", "")
            chosen = int(message) if message.isascii() and message.isdigit() else 0
            behind = self._behind(visitor, production, chosen)
        return [shown, *behind, *self._draw(visitor, production, chosen, shown, drawn)]

    def _branched(
        self,
        production: str,
        chosen: int,
        beats: str,
        note: str,
        note_to: str,
        turns: float | None,
        seed: str,
        request: gr.Request,
    ) -> list[Any]:
        visitor = self._house.visitor_of(request)
        try:
            scene = self._playing.scene(visitor, production)
            fork = Fork(
                at=chosen,
                seed=_whole(seed),
                note=note or "",
                note_to=note_to or "",
                beats=tuple((beats or "").splitlines()) if scene is not None and (scene.beats or beats) else None,
                turns=int(turns) if turns else None,
            )
            branch = self._playing.branch(visitor, production, fork)
        except SpeechAgentsError as error:
            return [error_box(error, self._house, title="No branch was made"), *self._unopened()[1:]]
        return self._open(visitor, branch)

    # ---- what is shown ----

    def _unopened(self) -> list[Any]:
        return [gr.skip() for _ in range(5 + len(self._looked_at) + len(self._view))]

    def _open(self, visitor: Visitor, production: str) -> list[Any]:
        """Put a production on the stage."""
        if not self._playing.is_scene(visitor, production):
            missing = SettingsError("this scene is not on your shelf; it may have been deleted")
            return [error_box(missing, self._house), *self._unopened()[1:]]
        return [
            "",
            gr.Tabs(selected="stage"),
            production,
            SHOWN,
            self._list(visitor, production),
            *self._behind(visitor, production, 0),
            *self._draw(visitor, production, 0, SHOWN, _Drawn(), wakes=True),
        ]

    def _list(self, visitor: Visitor, production: str) -> Any:
        choices = [(card.title, card.id) for card in self._playing.scenes(visitor)]
        return gr.Dropdown(choices=choices, value=production or None)

    def _draw(
        self, visitor: Visitor, production: str, chosen: int, shown: int, drawn: _Drawn, *, wakes: bool = False
    ) -> list[Any]:
        """Values of `_view`: what has changed since it was drawn last."""
        if not self._playing.is_scene(visitor, production):
            return [drawn, gr.Timer(active=False), *[gr.skip()] * (len(self._view) - 2)]
        card = self._house.shelf(visitor).card(production)
        folder = self._house.shelf(visitor).folder(production)
        run = self._playing.run(visitor, production)
        view = run.view() if run is not None else None
        alone = with_a_person(card)
        hidden = alone is not None and alone.finish
        try:
            records = () if hidden else self._playing.records.of(folder)
            scene = self._playing.scene(visitor, production)
            head = status(card.title, view, records, scene, read_branch(folder), state=card.state)
        except SpeechAgentsError as error:
            records, scene, head = (), None, error_box(error, self._house)
        head += still_on_stage() if hidden else ""
        controls = controls_of(view, state=card.state, played=len(records)) if alone is None else alone
        scene = None if hidden else scene
        said = (production, len(records), chosen, shown, scene is not None)
        made = (production, controls.moving, card.files)
        now = _Drawn(said, head, made, controls)
        text: Any = gr.skip()
        if said != drawn.transcript:
            text = self._text(visitor, production, scene, chosen, shown)
        results: Any = gr.skip()
        if made != drawn.results:
            results = results_view(self._house, visitor, production) if card.files else ""
        wanted = (controls.pause, controls.go_on, controls.step, controls.stop, controls.finish)
        buttons = (
            [gr.update(visible=one) for one in wanted] if controls != drawn.controls else [gr.skip()] * len(wanted)
        )
        timer = gr.Timer(active=controls.moving) if wakes or not controls.moving else gr.skip()
        return [
            now,
            timer,
            head if head != drawn.status else gr.skip(),
            text,
            results,
            gr.update(visible=bool(records)) if said != drawn.transcript else gr.skip(),
            *buttons,
        ]

    def _text(self, visitor: Visitor, production: str, scene: SceneBrief | None, chosen: int, shown: int) -> str:
        if scene is None:
            return ""
        records = self._playing.records.of(self._house.shelf(visitor).folder(production))
        return cast_strip(scene, self._playing.voices(visitor, production)) + transcript(
            scene,
            records,
            key=production,
            link=lambda take: self._house.link(visitor, production, f"takes/{take}.flac"),
            chosen=chosen,
            shown=shown,
        )

    def _behind(self, visitor: Visitor, production: str, chosen: int) -> list[Any]:
        """Values of `_looked_at`: what lies behind a message, and how to leave the scene there."""
        card = self._house.shelf(visitor).card(production) if self._playing.is_scene(visitor, production) else None
        alone = with_a_person(card) if card is not None else None
        known = chosen > 0 and card is not None and (alone is None or not alone.finish)
        scene = self._playing.scene(visitor, production) if known else None
        records = self._playing.records.of(self._house.shelf(visitor).folder(production)) if scene else ()
        found = next((one for one in told(records) if one.message.id == chosen), None)
        if scene is None or found is None:
            return [0, nothing_chosen(), gr.update(visible=False), *[gr.skip()] * (len(self._looked_at) - 3)]
        step = found.step
        last = step.messages[-1]
        under = ""
        if found.message.deed is Deed.BACK_CHANNEL:
            under = f", with message {step.messages[0].id} that it lies under"
        elif last.id != chosen:
            under = f" and the murmur under it, message {last.id}"
        head = (
            f'<h3>Go on differently after message {chosen}</h3><p class="sa-hint">A new production shares everything '
            f"up to message {chosen}{under}. The scene that you see here stays as it is.</p>"
        )
        return [
            chosen,
            inspection(scene, found),
            gr.update(visible=alone is None),
            head,
            gr.update(value="\n".join(scene.beats[step.stock.ledger.beat :])),
            gr.update(value=""),
            self._hint(visitor, production),
            gr.update(choices=[("Everybody", ""), *((role.name, role.name) for role in scene.roles)], value=""),
            gr.update(value=min(MAX_TURNS, max(scene.turns, step.number + 1 + _MORE_TURNS))),
            gr.update(value=str(1 + secrets.randbelow(9_999))),
        ]

    def _hint(self, visitor: Visitor, production: str) -> str:
        """Who understands notes, honestly."""
        if self._playing.controller(visitor, production).startswith("rehearsal"):
            return (
                '<p class="sa-hint">This scene is played by the rehearsal planner, which understands no notes: the '
                "word is kept, and heard once a language model plays.</p>"
            )
        return ""


def _whole(seed: str) -> int:
    text = (seed or "").strip()
    if not text.isascii() or not text.isdigit() or int(text) > MAX_SEED:
        raise SettingsError(f"the seed {text[:20]!r} is not a whole number from 0 to {MAX_SEED}")
    return int(text)
