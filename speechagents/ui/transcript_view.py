"""A scene as people read it while it is played: who said what, how, to whom, and what only some could hear.

Owns that page fragment. Does not know where the scene comes from, nor what anybody thought (`inspector`). Every text
is escaped: roles, models and visitors may write whatever they like.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from speechagents.agents.steps import Ending, Step
from speechagents.drama import Deed, Message, SceneBrief, role_key
from speechagents.ui.theme import role_colour

SHOWN = 60
"""Messages that are shown at first: the latest; a scene of two thousand turns would be slow to draw every second."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message and the step that it came from."""

    step: Step
    message: Message


def told(records: Sequence[Step | Ending]) -> tuple[Told, ...]:
    """The messages of a record in order."""
    return tuple(Told(step, message) for step in records if isinstance(step, Step) for message in step.messages)


def transcript(
    scene: SceneBrief,
    records: Sequence[Step | Ending],
    *,
    key: str,
    link: Callable[[str], str],
    chosen: int = 0,
    shown: int = SHOWN,
) -> str:
    """The scene so far.

    Args:
        scene: The brief: roles have their colours by their order in it.
        records: What was recorded.
        key: Id of the production: the page keeps place and sound while it stays the same.
        link: Address of the sound of a take, by the take's own address.
        chosen: Id of the message that is looked at; 0 for none.
        shown: Most entries to show; the latest ones are.
    """
    if not records:
        return ""
    rows = []
    for record in records[-shown:]:
        if isinstance(record, Ending):
            rows.append(f'<li class="sa-passed">The scene is over: {html.escape(record.reason)}.</li>')
        elif not record.messages:
            rows.append(f'<li class="sa-passed">{html.escape(record.turn.role)} stays silent.</li>')
        rows += [
            _row(scene, message, link=link, chosen=chosen)
            for message in (record.messages if isinstance(record, Step) else ())
        ]
    hidden = len(records) - len(records[-shown:])
    more = ""
    if hidden:
        more = f'<button type="button" class="sa-button" data-earlier>Show earlier turns ({hidden} more)</button>'
    return (
        f'{more}<ol class="sa-transcript" role="log" aria-label="What was said" tabindex="0" '
        f'data-sa-transcript="{html.escape(key, quote=True)}">{"".join(rows)}</ol>'
    )


def cast_strip(scene: SceneBrief, voices: dict[str, str]) -> str:
    """Who plays, each with the colour that stands beside their lines.

    Args:
        scene: The brief.
        voices: Id of the voice by role, where it is known.
    """
    chips = []
    for role in scene.roles:
        voice = voices.get(role.name, "")
        with_voice = f' <span class="sa-soft">{html.escape(voice)}</span>' if voice else ""
        chips.append(
            f'<li class="sa-chip"><i class="sa-dot" style="background:{colour_of(scene, role.name)}"></i>'
            f"{html.escape(role.name)}{with_voice}</li>"
        )
    return f'<ul class="sa-row sa-cast" aria-label="Roles">{"".join(chips)}</ul>'


def colour_of(scene: SceneBrief, name: str) -> str:
    """The colour of a role, by its place in the brief."""
    key = role_key(name)
    return role_colour(next((index for index, role in enumerate(scene.roles) if role.key == key), 0))


def _row(scene: SceneBrief, message: Message, *, link: Callable[[str], str], chosen: int) -> str:
    marks = "".join(_marks(message))
    name = html.escape(message.speaker)
    classes = ["sa-said"]
    classes += ["sa-murmur"] if message.deed is Deed.BACK_CHANNEL else []
    classes += ["sa-private"] if message.audience else []
    classes += ["sa-done"] if message.deed in (Deed.ACT, Deed.LEAVE) else []
    classes += ["sa-chosen"] if message.id == chosen else []
    text = html.escape(message.text)
    body = f"<p>{name} {text}</p>" if message.deed in (Deed.ACT, Deed.LEAVE) else f"<p>{text}</p>"
    hear = (
        f'<button type="button" class="sa-icon" data-take="{html.escape(link(message.take), quote=True)}" '
        f'aria-label="Hear message {message.id} of {name}" title="Hear it">'
        '<svg viewBox="0 0 16 16" aria-hidden="true"><path class="sa-go" d="M4 2.5v11l9-5.5z"/>'
        '<path class="sa-halt" d="M4 3h3v10H4zM9 3h3v10H9z"/></svg></button>'
        if message.take
        else ""
    )
    look = (
        f'<button type="button" class="sa-icon" data-look="{message.id}" aria-pressed="{_yes(message.id == chosen)}" '
        f'aria-label="Look into message {message.id} of {name}" title="Thoughts, ledger, branch">'
        '<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.2"/><path d="M10.2 10.2 14 14"/></svg>'
        "</button>"
    )
    return (
        f'<li class="{" ".join(classes)}" id="message-{message.id}" data-message="{message.id}" '
        f'data-start="{message.start_s}" style="--sa-role:{colour_of(scene, message.speaker)}">'
        f'<div class="sa-who"><b>{name}</b>{marks}<span class="sa-acts">{hear}{look}</span></div>{body}</li>'
    )


def _marks(message: Message) -> Iterator[str]:
    """What is to be known of a message besides its words."""
    if message.style.tag != "default":
        yield f'<span class="sa-chip">{html.escape(message.style.tag)}</span>'
    if message.deed is Deed.BACK_CHANNEL:
        yield '<span class="sa-to">under the speech</span>'
    elif message.addresses:
        yield f'<span class="sa-to">to {html.escape(_listed(message.addresses))}</span>'
    if message.audience:
        only = html.escape(_listed(message.audience))
        yield f'<span class="sa-chip sa-secret" title="Heard by {only} alone">private</span>'
    if message.cut:
        yield '<span class="sa-to">broken off</span>'
    if message.fallback:
        why = html.escape(message.fallback, quote=True)
        yield f'<span class="sa-chip sa-bad" title="{why}">stand-in</span>'


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _yes(holds: bool) -> str:
    return "true" if holds else "false"
