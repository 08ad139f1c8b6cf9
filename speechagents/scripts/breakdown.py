"""From document to performance: a `Script` becomes scenes of spoken lines, with everybody who speaks.

Owns the decisions what is spoken, by whom, in which scene and after which pause. Does not know voices or how long
a line lasts; what stands below one cue is read by `speeches`.

* A heading opens a scene; what comes before the first makes a scene of its own. In a script without headings,
  sections open scenes. A heading without a line below it opens none: its pause and sounds pass to the next scene.
* With a narrator, headings, action and lyrics outside dialogue are read; without, action is a short pause.
* Sections, synopses, notes, boneyards, transitions, page breaks and page furniture ("CONTINUED") are not spoken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from speechagents.drama import (
    MAX_NAME_CHARS,
    MAX_ROLES,
    NARRATOR,
    Delivery,
    Line,
    Role,
    Scene,
    SoundCue,
    Style,
    clean_name,
    role_key,
)
from speechagents.errors import ScriptError
from speechagents.scripts.inline import plain
from speechagents.scripts.languages import script_language
from speechagents.scripts.profiles import find_profiles
from speechagents.scripts.script import Action, Dialogue, Element, Heading, Lyric, Note, Script, Section
from speechagents.scripts.sound_marks import read_sound
from speechagents.scripts.speeches import UnknownManner, read_speech, sounds_apart, sung
from speechagents.scripts.spoken import is_speakable, lower_capitals, speakable_heading, split_speech

OPENING_TITLE = "Opening"
ACTION_PAUSE_S = 0.3
ACTION_PAUSE_PER_CHAR_S = 0.004
MAX_ACTION_PAUSE_S = 1.6
"""Action that nobody reads takes a moment, a little more the longer it is: our choice, kept far below the time
that reading it would take (about 0.06 s a character)."""
HEADING_PAUSE_S = 1.0
"""A scene in which nobody speaks."""
MAX_PAUSE_S = 8.0
"""Longest pause before one line, whatever stands before it."""
MAX_WARNINGS = 100

_FURNITURE = re.compile(r"\(?\s*(?:continued|cont[’']d|more)\s*:?\s*(?:\(\d+\)\s*)?\)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A script ready to be cast and performed.

    Attributes:
        title: Title of the whole, empty when the script names none.
        author: As on the title page, in one line.
        language: BCP 47 tag.
        scenes: Scenes with at least one line each, in order.
        roles: Everybody with a line, in order of the first; the narrator is one of them if anything is read.
        warnings: What was doubtful and how it was decided, for people, each with its place.
    """

    title: str
    author: str
    language: str
    scenes: tuple[Scene, ...]
    roles: tuple[Role, ...]
    warnings: tuple[str, ...]


def break_down(script: Script, *, narrator: bool, language: str = "") -> Breakdown:
    """Break a script down into scenes of lines.

    Args:
        script: What to perform.
        narrator: Whether headings and action are read aloud.
        language: BCP 47 tag of the text; without one the title page's ``Language:`` counts, else English.

    Raises:
        ScriptError: Nobody says a word, more than `MAX_ROLES` roles speak, or a role has no fit name; the message
            names the line and the remedy.
        SettingsError: `language` is no language.
    """
    tag = script_language(script, language)
    builder = _Builder(script, tag, narrates=narrator)
    for element in script.elements:
        builder.add(element)
    scenes = builder.finish()
    if not scenes:
        remedy = "write speech such as ANNA: Hello."
        if not narrator and any(isinstance(element, Action) for element in script.elements):
            remedy += ", or turn the narrator on to hear the action"
        raise ScriptError(f"nothing in it is spoken; {remedy}", source=script.source)
    actions = [plain(element.text) for element in script.elements if isinstance(element, Action)]
    profiles = find_profiles(builder.roles.values(), actions)
    author = script.title_value("author") or script.title_value("authors")
    return Breakdown(
        title=script.title,
        author=" ".join(plain(author).split()),
        language=tag,
        scenes=scenes,
        roles=tuple(Role(name, profiles.get(key, "")) for key, name in builder.roles.items()),
        warnings=builder.warnings(),
    )


@dataclass(slots=True)
class _Draft:
    """A scene while it is gathered."""

    title: str
    setting: str = ""
    items: list[Line | SoundCue] = field(default_factory=list)
    spoken: bool = False


class _Builder:
    """Goes through the elements once and keeps what is open: the scene, the pause, the count of lines."""

    def __init__(self, script: Script, language: str, *, narrates: bool) -> None:
        self.roles: dict[str, str] = {}
        self._source = script.source
        self._language = language
        self._narrates = narrates
        self._by_section = not any(isinstance(element, Heading) for element in script.elements)
        self._done: list[_Draft] = []
        self._open = _Draft(script.title or OPENING_TITLE)
        self._pause_s = 0.0
        self._number = 0
        self._may_join = False  # the element before was a dialogue that is heard: a dual one can join it
        self._spellings: dict[str, dict[str, int]] = {}
        self._unknown: dict[str, UnknownManner] = {}

    def add(self, element: Element) -> None:
        """Take the next element."""
        match element:
            case Dialogue():
                self._may_join = self._speak(element)
            case Heading():
                self._open_scene(plain(element.text), plain(element.text), element.source_line)
            case Section() if self._by_section and is_speakable(element.text):
                self._open_scene(plain(element.text), "", element.source_line)
            case Action():
                self._may_join = False
                self._act(element)
            case Lyric() if self._narrates:
                self._may_join = False
                self._narrate(sung(element.text), element.source_line, Style("singing"))
            case Note():
                self._cue(element.text, element.source_line)

    def finish(self) -> tuple[Scene, ...]:
        """All scenes that hold a line; sounds behind the last line stay in its scene."""
        if self._open.spoken:
            self._done.append(self._open)
        elif self._done:
            self._done[-1].items += self._open.items
        return tuple(Scene(draft.title, draft.setting, tuple(draft.items)) for draft in self._done)

    def warnings(self) -> tuple[str, ...]:
        """What was doubtful, at most `MAX_WARNINGS` messages and one that counts the rest."""
        found: list[str] = []
        for (first, line), *others in (spellings.items() for spellings in self._spellings.values()):
            found += (
                f"{self._place(other_line)}“{other}” is taken for “{first}” of line {line}: one role"
                for other, other_line in others
            )
        for manner in self._unknown.values():
            chosen = f"taken as “{manner.style.tag}”" if manner.style else "punctuation decides"
            found.append(f"{self._place(manner.source_line)}“{manner.words}” is no known manner of speech; {chosen}")
        if len(found) > MAX_WARNINGS:
            found = [*found[:MAX_WARNINGS], f"{len(found) - MAX_WARNINGS} more warnings are left out"]
        return tuple(found)

    def _open_scene(self, title: str, setting: str, source_line: int) -> None:
        draft = _Draft(title, setting)
        if self._open.spoken:
            self._done.append(self._open)
        else:
            draft.items = self._open.items
            if self._open.setting:
                self._wait(HEADING_PAUSE_S)
        self._open = draft
        self._may_join = False
        if self._narrates:
            self._narrate(speakable_heading(title, self._language), source_line, Style())

    def _act(self, action: Action) -> None:
        """Read action or let it pass in silence; its sounds are heard either way."""
        for text, first, sound in sounds_apart(action.text, action.source_line):
            described: list[str] = []
            for number, line in enumerate(plain(text).split("\n"), first):
                if asked := read_sound(line):
                    self._describe(described, first)
                    self._open.items.append(SoundCue(asked[1], asked[0], number if first else 0))
                elif is_speakable(line) and not _FURNITURE.fullmatch(line):
                    described.append(line)
            self._describe(described, first)
            if sound:
                self._open.items.append(sound)

    def _describe(self, lines: list[str], source_line: int) -> None:
        text = " ".join(lines)
        lines.clear()
        if text and self._narrates:
            self._narrate(lower_capitals(text), source_line, Style())
        elif text:
            self._wait(min(MAX_ACTION_PAUSE_S, ACTION_PAUSE_S + ACTION_PAUSE_PER_CHAR_S * len(text)))

    def _narrate(self, text: str, source_line: int, style: Style) -> None:
        if not is_speakable(text):
            return
        self._know(NARRATOR, source_line)
        for index, piece in enumerate(split_speech(text)):
            self._line(NARRATOR, piece, source_line, style, continues=index > 0)

    def _speak(self, dialogue: Dialogue) -> bool:
        """Add the lines of a block; whether there are any."""
        speech = read_speech(dialogue)
        for manner in speech.unknown:
            self._unknown.setdefault(manner.words.casefold(), manner)
        name, begun = "", False
        for stretch in speech.stretches:
            self._open.items += stretch.sounds
            self._wait(stretch.pause_s)
            name = name or (
                self._know(_role_name(dialogue, self._source), dialogue.source_line) if stretch.text else ""
            )
            for piece in split_speech(stretch.text):
                joins = dialogue.dual and self._may_join and not begun
                self._line(
                    name,
                    piece,
                    stretch.source_line,
                    stretch.style,
                    delivery=stretch.delivery,
                    simultaneous=joins,
                    continues=begun,
                )
                begun = True
        return begun

    def _line(
        self,
        role: str,
        text: str,
        source_line: int,
        style: Style,
        *,
        continues: bool,
        delivery: Delivery = Delivery.DIRECT,
        simultaneous: bool = False,
    ) -> None:
        self._number += 1
        line = Line(
            number=self._number,
            role=role,
            text=text,
            style=style,
            delivery=delivery,
            simultaneous=simultaneous,
            continues=continues,
            pause_s=0.0 if simultaneous else min(self._pause_s, MAX_PAUSE_S),
            source_line=source_line,
        )
        self._open.items.append(line)
        self._open.spoken = True
        self._pause_s = 0.0

    def _wait(self, pause_s: float) -> None:
        self._pause_s += pause_s

    def _cue(self, note: str, source_line: int) -> None:
        if asked := read_sound(note):
            self._open.items.append(SoundCue(asked[1], asked[0], source_line))

    def _know(self, name: str, source_line: int) -> str:
        """Count a role among those that speak and give its name as it is shown."""
        key = role_key(name)
        self._spellings.setdefault(key, {}).setdefault(name, source_line)
        if key not in self.roles:
            if len(self.roles) == MAX_ROLES:
                reason = f"“{name}” is role {MAX_ROLES + 1}, and at most {MAX_ROLES} can be cast; split the script, "
                reason += "or give small parts a name in common"
                raise ScriptError(reason, source=self._source, line=source_line or None)
            self.roles[key] = NARRATOR if key == role_key(NARRATOR) else name
        return self.roles[key]

    def _place(self, source_line: int) -> str:
        place = ":".join(part for part in (self._source, str(source_line) if source_line else "") if part)
        return f"{place}: " if place else ""


def _role_name(dialogue: Dialogue, source: str) -> str:
    """The name of the role that speaks, fit for showing."""
    name = clean_name(plain(dialogue.character))
    line = dialogue.source_line or None
    if not name:
        raise ScriptError("this role's name has no visible character; give it another", source=source, line=line)
    if len(name) > MAX_NAME_CHARS:
        reason = f"a role's name of {len(name)} characters, “{name[:40]}…”; shorten it to {MAX_NAME_CHARS}, or mark "
        reason += "the line as action with ! if nobody is meant"
        raise ScriptError(reason, source=source, line=line)
    return name
