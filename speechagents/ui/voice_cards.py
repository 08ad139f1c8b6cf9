"""The voice catalogue as people look through it: a card for each voice, and what narrows the choice.

Owns the filter and the cards. Does not know who is heard where; the address of a sample comes in as a function.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.voices.measure import voice_distance
from speechagents.voices.synthesizer import Voice

ANY: Final = "any"
_LOWEST_HZ: Final = 45.0
_HIGHEST_HZ: Final = 460.0
_NEIGHBOURS: Final = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a voice should be like; `ANY` leaves it open.

    Attributes:
        gender: As heard.
        age: As heard.
        accent: BCP 47 tag of the accent.
        language: Language of the accent.
        words: Words that id or description should have, all of them.
    """

    gender: str = ANY
    age: str = ANY
    accent: str = ANY
    language: str = ANY
    words: str = ""

    def fits(self, voice: Voice) -> bool:
        """Whether a voice is so."""
        said = f"{voice.id} {voice.description} {'narrator' if voice.narrates else ''}".casefold()
        return (
            self.gender in (ANY, voice.gender.value)
            and self.age in (ANY, voice.age.value)
            and self.accent in (ANY, voice.accent)
            and self.language in (ANY, language_of(voice))
            and all(word in said for word in self.words.casefold().split())
        )


def language_of(voice: Voice) -> str:
    """Language of a voice's accent."""
    return voice.accent.split("-")[0]


def kinds(values: Sequence[str]) -> list[str]:
    """What a filter offers: anything, or one of the values there are."""
    return [ANY, *sorted(dict.fromkeys(values))]


def voice_cards(voices: Sequence[Voice], wanted: Wanted, *, sample: Callable[[str], str]) -> str:
    """The voices that fit, the lowest first.

    Args:
        voices: The catalogue.
        wanted: What to look for.
        sample: Address of a voice's sample, by its id.
    """
    fitting = sorted((voice for voice in voices if wanted.fits(voice)), key=lambda voice: (voice.f0_hz, voice.id))
    if not fitting:
        return (
            '<div class="sa-empty" role="status"><strong>No voice is like that</strong>'
            "Leave one of the choices open.</div>"
        )
    cards = "".join(_card(voice, voices, sample(voice.id)) for voice in fitting)
    return (
        f'<p class="sa-hint" role="status">{len(fitting)} of {len(voices)} voices, the lowest first. The numbers '
        "say how far two voices are apart; two sentences of one voice lie about 1.4 apart.</p>"
        f'<ul class="sa-cards">{cards}</ul>'
    )


def neighbours(voice: Voice, voices: Sequence[Voice]) -> list[tuple[float, str]]:
    """Distance and id of the voices that sound most like one, the nearest first."""
    others = (other for other in voices if other.id != voice.id and other.fingerprint and voice.fingerprint)
    return sorted((voice_distance(voice.fingerprint, other.fingerprint), other.id) for other in others)[:_NEIGHBOURS]


def _card(voice: Voice, voices: Sequence[Voice], sample: str) -> str:
    name = html.escape(voice.id)
    near = ", ".join(f"{html.escape(other)} ({distance:.1f})" for distance, other in neighbours(voice, voices))
    facts = {
        "Accent": html.escape(voice.accent),
        "Pitch": f"{voice.f0_hz:.0f} Hz, measured{_scale(voice.f0_hz)}" if voice.f0_hz > 0 else "not measured",
        "Sounds most like": near or "nobody measured",
    }
    rows = "".join(f"<dt>{fact}</dt><dd>{value}</dd>" for fact, value in facts.items())
    # The licence's name in front, its words and the source behind it: they are long, and the same for many voices.
    licence = (
        f"<details><summary>Licence: {html.escape(voice.licence.partition(' ')[0])}</summary>"
        f"<p>{html.escape(voice.licence)}</p><p>{html.escape(voice.source)}</p></details>"
    )
    narrates = '<span class="sa-chip sa-good">narrates</span>' if voice.narrates else ""
    return (
        f'<li class="sa-card sa-voice" id="voice-{name}"><div class="sa-row"><h3>{name}</h3>'
        f'<button type="button" class="sa-button" data-sa-hear="{html.escape(sample, quote=True)}" '
        f'aria-pressed="false" aria-label="Hear {name}">Hear</button></div>'
        f"<p>{html.escape(voice.description)}</p>"
        f'<div class="sa-kinds"><span class="sa-chip">{voice.gender.value}</span>'
        f'<span class="sa-chip">{voice.age.value}</span>{narrates}</div><dl>{rows}</dl>{licence}</li>'
    )


def _scale(f0_hz: float) -> str:
    """Where a pitch lies between the lowest and the highest voices, by ear: equal steps are equal intervals."""
    share = math.log(f0_hz / _LOWEST_HZ) / math.log(_HIGHEST_HZ / _LOWEST_HZ)
    return f'<i class="sa-scale" aria-hidden="true"><b style="left:{100 * min(1.0, max(0.0, share)):.0f}%"></b></i>'
